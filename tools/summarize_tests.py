#!/usr/bin/env python3
"""Counts what a run of ctest showed, test case by test case.

  summarize_tests.py [--whole] FOLDER   prints failures and, as the last line, "N passed, N failed"
  summarize_tests.py --list             reads ctest's plan on stdin and prints the names

FOLDER holds plan.txt (ctest --show-only=json-v1), ctest.xml (ctest --output-junit) and, for each
GoogleTest binary that ran to its end, NAME.json. A binary that left no NAME.json, or that failed
beyond what its cases say (a crash, a timeout, a leak found at exit), counts as one more failure.
With --whole, all tests having run, one more check is counted: that each SQL statement of the
sources stands in FOLDER/statements.txt, where the tests noted what they executed.
Exit code 0 only if something passed and nothing failed.
"""

import json
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path


def read_plan(text):
    """The tests of ctest's plan, by name, with whether each writes a GoogleTest report."""
    plan = {}
    for test in json.loads(text)["tests"]:
        command = test.get("command", [])
        plan[test["name"]] = any(word.startswith("--gtest_output=") for word in command)
    return plan


def is_fixture(name):
    """Starting and stopping the cluster is no test, unless it fails."""
    return name.startswith("pg_cluster_")


def entry_states(junit):
    """What became of each ctest entry: run (passed), fail, or anything else (did not run)."""
    return {case.get("name"): case.get("status") for case in
            ElementTree.parse(junit).getroot().iter("testcase")}


def case_results(report):
    """(name, passed | failed | skipped) of each case of a GoogleTest report."""
    for suite in json.loads(report.read_text())["testsuites"]:
        for case in suite["testsuite"]:
            name = f'{case["classname"]}.{case["name"]}'
            if case.get("failures"):
                yield name, "failed"
            elif case.get("result") == "COMPLETED":
                yield name, "passed"
            else:
                yield name, "skipped"


def count_binary(name, state, report, failures):
    """Counts one GoogleTest binary and appends what failed."""
    if not report.exists():
        failures.append(f"{name}: ended without a report ({state})")
        return Counter(failed=1)
    counts = Counter()
    for case, result in case_results(report):
        counts[result] += 1
        if result == "failed":
            failures.append(f"{name}: {case}")
    if not counts:
        failures.append(f"{name}: ran no test")
        counts["failed"] += 1
    elif state != "run" and counts["failed"] == 0:
        failures.append(f"{name}: every case passed, then the process failed")
        counts["failed"] += 1
    return counts


def count_entry(name, state, failures):
    """Counts one entry that is no GoogleTest binary."""
    if state == "run":
        return Counter() if is_fixture(name) else Counter(passed=1)
    failures.append(f"{name}: {state}")
    return Counter(failed=1)


def statements_of_sources():
    """The names of all embedded statements: each has a file in the folder "sql" of its module."""
    root = Path(__file__).resolve().parent.parent
    modules = (folder for folder in root.iterdir()
               if folder.name not in ("build", "tests") and not folder.name.startswith("."))
    return {file.stem for module in modules for file in module.glob("**/sql/*.sql")}


def count_statements(folder, failures):
    """A statement that no test executes has never been seen to work."""
    log = folder / "statements.txt"
    executed = set(log.read_text().split()) if log.exists() else set()
    never = sorted(statements_of_sources() - executed)
    if not never:
        return Counter(passed=1)
    failures.append(f"statements that no test executed: {', '.join(never)}")
    return Counter(failed=1)


def summarize(folder, whole):
    plan = read_plan((folder / "plan.txt").read_text())
    junit = folder / "ctest.xml"
    states = entry_states(junit) if junit.exists() else {}
    failures = []
    counts = Counter()
    for name, writes_report in plan.items():
        state = states.get(name, "did not run")
        if writes_report:
            counts += count_binary(name, state, folder / f"{name}.json", failures)
        else:
            counts += count_entry(name, state, failures)
    if whole:
        counts += count_statements(folder, failures)
    else:
        print("not checked: that every statement was executed, because only some tests ran")
    if not counts:
        failures.append("no test was found")
        counts["failed"] = 1
    for failure in failures:
        print(f"FAILED {failure}")
    closing = f'{counts["passed"]} passed, {counts["failed"]} failed'
    if counts["skipped"]:
        closing += f', {counts["skipped"]} skipped'
    print(closing)
    return 0 if counts["failed"] == 0 and counts["passed"] > 0 else 1


def main(arguments):
    if arguments == ["--list"]:
        for name in read_plan(sys.stdin.read()):
            if not is_fixture(name):
                print(name)
        return 0
    whole = arguments[:1] == ["--whole"]
    folders = arguments[1:] if whole else arguments
    if len(folders) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    return summarize(Path(folders[0]), whole)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
