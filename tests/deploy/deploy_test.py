"""Checks deploy/ against the program and, where they are installed, by the tools that will read it.

    deploy_test.py SOURCE_FOLDER TIDEMARKD [--gtest_output=json:FILE]

Writes a report as GoogleTest does, so that a case that was skipped is counted as such.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.abspath(sys.argv[1])
PROGRAM = os.path.abspath(sys.argv[2])

RULES = "deploy/prometheus/tidemark.rules.yml"
RULES_TEST = "deploy/prometheus/tidemark.rules_test.yml"
DASHBOARD = "deploy/grafana/tidemark.json"
RUNBOOK = "deploy/RUNBOOK.md"
HAPROXY = "deploy/haproxy/haproxy.cfg"
UNIT = "deploy/systemd/tidemarkd.service"
SETTINGS = "deploy/systemd/tidemarkd.conf"
# Whose words that look like a metric are one.
READERS = [RULES, RULES_TEST, DASHBOARD, RUNBOOK, "deploy/prometheus/prometheus.yml",
           "docs/operation.md"]

METRIC = re.compile(r"\b(?:tidemark|process)_[a-z0-9_]+\b(?!\.)")
SERIES_OF_A_HISTOGRAM = re.compile(r"_(?:bucket|sum|count)$")
# systemd-analyze counts tenths: 0 is locked up, 100 wide open.
EXPOSURE_MAX = 20


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def run(*command, env=None, cwd=None):
    """What a command says, and whether it is content."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=cwd or ROOT,
                          env={**os.environ, **(env or {})}, check=False)
    return done.returncode, done.stdout + done.stderr


def tool(name):
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if found is None:
        raise unittest.SkipTest(f"{name} is not installed")
    return found


def exposed():
    """Names of all metrics, with the type of each, as the program says them."""
    code, page = run(PROGRAM, "--print-metrics")
    assert code == 0, page
    return dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", page, re.MULTILINE))


def alerts():
    return re.findall(r"^ *- alert: (\w+)$", read(RULES), re.MULTILINE)


class Metrics(unittest.TestCase):
    def test_every_name_is_one_that_the_program_exposes(self):
        metrics = exposed()
        for path in READERS:
            for name in sorted(set(METRIC.findall(read(path)))):
                base = SERIES_OF_A_HISTOGRAM.sub("", name)
                known = name in metrics or metrics.get(base) == "histogram"
                self.assertTrue(known, f"{path}: {name} is no metric of tidemarkd")

    def test_every_metric_is_looked_at(self):
        looked_at = set(METRIC.findall(read(RULES) + read(DASHBOARD)))
        looked_at |= {SERIES_OF_A_HISTOGRAM.sub("", name) for name in looked_at}
        self.assertEqual(sorted(set(exposed()) - looked_at), [])

    def test_no_label_tells_who(self):
        _, page = run(PROGRAM, "--print-metrics")
        labels = set(re.findall(r"^\| `\w+` \| \w+ \| (\w+) \|", page, re.MULTILINE))
        self.assertTrue(labels)
        self.assertFalse({label for label in labels
                          if re.search("participant|device|study|stream|user|code|id$", label)})


class Alerts(unittest.TestCase):
    def test_every_alert_has_a_section_and_every_section_an_alert(self):
        sections = re.findall(r"^## (\w+)$", read(RUNBOOK), re.MULTILINE)
        self.assertEqual(sections, alerts())

    def test_every_alert_leads_to_its_section(self):
        links = re.findall(r"runbook: deploy/RUNBOOK\.md#(\w+)$", read(RULES), re.MULTILINE)
        self.assertEqual(links, [name.lower() for name in alerts()])

    def test_every_alert_is_seen_to_fire_and_to_be_quiet(self):
        tested = re.findall(r"^ *- alertname: (\w+)$", read(RULES_TEST), re.MULTILINE)
        for name in alerts():
            self.assertEqual(tested.count(name), 2, name)

    def test_promtool_is_content(self):
        promtool = tool("promtool")
        folder = os.path.join(ROOT, "deploy/prometheus")
        for arguments in (("check", "config", "prometheus.yml"),
                          ("check", "rules", "tidemark.rules.yml"),
                          ("test", "rules", "tidemark.rules_test.yml")):
            code, said = run(promtool, *arguments, cwd=folder)
            self.assertEqual(code, 0, said)


class Dashboard(unittest.TestCase):
    def test_panels_have_ids_of_their_own_and_do_not_overlap(self):
        panels = json.loads(read(DASHBOARD))["panels"]
        self.assertEqual(len({panel["id"] for panel in panels}), len(panels))
        taken = set()
        for panel in panels:
            place = panel["gridPos"]
            cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                     for y in range(place["y"], place["y"] + place["h"])}
            self.assertFalse(cells & taken, panel["title"])
            self.assertLessEqual(place["x"] + place["w"], 24, panel["title"])
            taken |= cells

    def test_every_panel_asks_something(self):
        for panel in json.loads(read(DASHBOARD))["panels"]:
            if panel["type"] != "row":
                self.assertTrue(all(target["expr"] for target in panel["targets"]), panel["title"])


class Edge(unittest.TestCase):
    def test_haproxy_is_content(self):
        haproxy, openssl = tool("haproxy"), tool("openssl")
        with tempfile.TemporaryDirectory() as folder:
            pem = os.path.join(folder, "edge.pem")
            code, said = run(openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt",
                             "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost",
                             "-days", "2", "-keyout", pem + ".key", "-out", pem)
            self.assertEqual(code, 0, said)
            with open(pem, "a", encoding="utf-8") as chain, open(pem + ".key") as key:
                chain.write(key.read())
            code, said = run(haproxy, "-c", "-f", os.path.join(ROOT, HAPROXY),
                             env={"TIDEMARK_EDGE_CERTIFICATE": pem})
            self.assertEqual(code, 0, said)
            self.assertNotIn("[WARNING]", said)


class Unit(unittest.TestCase):
    def verified_copy(self, folder):
        """The unit with a program that exists on this machine."""
        path = os.path.join(folder, "tidemarkd.service")
        with open(path, "w", encoding="utf-8") as copy:
            copy.write(read(UNIT).replace("/usr/bin/tidemarkd", PROGRAM))
        return path

    def test_systemd_is_content(self):
        analyze = tool("systemd-analyze")
        with tempfile.TemporaryDirectory() as folder:
            code, said = run(analyze, "verify", "--man=no", self.verified_copy(folder))
            self.assertEqual((code, said.strip()), (0, ""))

    def test_it_is_locked_up(self):
        analyze = tool("systemd-analyze")
        with tempfile.TemporaryDirectory() as folder:
            code, said = run(analyze, "security", "--offline=true", f"--threshold={EXPOSURE_MAX}",
                             self.verified_copy(folder))
            self.assertEqual(code, 0, said)

    def test_its_settings_are_right_but_for_what_other_machines_lack(self):
        with tempfile.TemporaryDirectory() as folder:
            settings = os.path.join(folder, "tidemarkd.conf")
            with open(settings, "w", encoding="utf-8") as copy:
                copy.write(read(SETTINGS).replace("/var/lib/postgresql", folder))
            code, said = run(PROGRAM, "--config", settings, "--kek", "/run/kek", "--print-config")
            self.assertEqual(code, 0, said)
            for line in re.findall(r"^([a-z-]+)=\"(.*)\"$", read(SETTINGS), re.MULTILINE):
                if line[0] not in ("dsn", "database-disk"):
                    self.assertIn("=".join(line) + "\n", said)

    def test_a_stop_outlasts_drain_and_statement(self):
        stop_s = int(re.search(r"^TimeoutStopSec=(\d+)s$", read(UNIT), re.MULTILINE).group(1))
        _, said = run(PROGRAM, "--dsn", "dbname=t", "--keys", "/k", "--print-config")
        drain_s = int(re.search(r"^drain-seconds=(\d+)$", said, re.MULTILINE).group(1))
        self.assertGreater(stop_s, drain_s + 30)


class Report(unittest.TextTestResult):
    """Keeps what became of each case."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.cases = []

    def note(self, test, result, failure=None):
        case = {"classname": f"Deploy{type(test).__name__}",
                "name": getattr(test, "_testMethodName", str(test)), "result": result}
        if failure:
            case["failures"] = [{"failure": failure}]
        self.cases.append(case)

    def addSuccess(self, test):
        super().addSuccess(test)
        self.note(test, "COMPLETED")

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.note(test, "SKIPPED")

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.note(test, "COMPLETED", str(err[1]))

    def addError(self, test, err):
        super().addError(test, err)
        self.note(test, "COMPLETED", str(err[1]))


def main():
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__])
    result = unittest.TextTestRunner(verbosity=2, resultclass=Report).run(suite)
    for argument in sys.argv[3:]:
        prefix = "--gtest_output=json:"
        if argument.startswith(prefix):
            os.makedirs(os.path.dirname(argument[len(prefix):]), exist_ok=True)
            with open(argument[len(prefix):], "w", encoding="utf-8") as report:
                json.dump({"testsuites": [{"testsuite": result.cases}]}, report)
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
