"""Checks that includes follow the directions of docs/ARCHITECTURE.md.

    include_directions_test.py <source folder>
"""

import os
import re
import sys

from sources import expect_caught, read_all, report

# What each folder may include beside itself; the longest matching folder counts.
FOUNDATION = {"base", "base/db", "core"}
SHARED = FOUNDATION | {"store", "study", "base/rpc"}
DOMAINS = {"ingest", "labeling", "detect", "dataset"}
ALLOWED = {
    "base": set(),
    "base/db": {"base"},
    "base/rpc": {"base", "base/db"},
    "core": {"base"},
    "migrations": {"base", "base/db"},
    "store": FOUNDATION,
    "store/keys": FOUNDATION | {"store"},
    "study": FOUNDATION | {"store", "base/rpc"},
    "server": SHARED | DOMAINS | {"migrations", "store/keys"},
    "cli": SHARED | DOMAINS | {"migrations"},
    **{domain: SHARED for domain in DOMAINS},
}

# Who speaks gRPC. Of base/rpc, the reasons and page tokens are free of it and open to the domains.
GRPC_FOLDERS = ("server/", "cli/", "ingest/client/", "base/rpc/", "proto/")
# Beside services and reactors: what only they use (all in a *_service module of CMake).
GRPC_FILE = re.compile(
    r"(_service|_reactor)\.(h|cc)$"
    r"|^study/(database_authorizer|handle)\.(h|cc)$"
    r"|^study/signal/sample_reads?\.(h|cc)$"
    r"|^ingest/(open_uploads|upload_calls|upload_stream)\.(h|cc)$"
)
DATABASE_FOLDERS = ("base/db/",)
DATABASE_FILE = re.compile(r"(^|/)pg_[^/]*\.(h|cc)$")

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
GRPC_INCLUDE = re.compile(r"^(grpcpp|grpc)/|\.grpc\.pb\.h$|^base/rpc/(error|guard)\.h$")
DATABASE_INCLUDE = re.compile(r"^(pqxx/|libpq-fe\.h$)")
# Headers that cost every source file seconds.
FLAGS_INCLUDE = re.compile(r"^CLI/")
FLAGS_FOLDER = "base/flags/"
JSON_INCLUDE = re.compile(r"^nlohmann/json\.hpp$")
PROTO_INCLUDE = re.compile(r"\.pb\.h$")


def folder_of(path):
    """The module that a file belongs to, or None."""
    return max((f for f in ALLOWED if path.startswith(f + "/")), key=len, default=None)


def speaks_grpc(path):
    return path.startswith(GRPC_FOLDERS) or GRPC_FILE.search(path)


def refusal(path, included):
    """Why the file at `path` must not include `included`, or None."""
    if GRPC_INCLUDE.search(included) and not speaks_grpc(path):
        return "gRPC stays in services, reactors, server/, cli/, ingest/client/ and base/rpc/"
    if DATABASE_INCLUDE.search(included):
        if not path.startswith(DATABASE_FOLDERS) and not DATABASE_FILE.search(path):
            return "the database's libraries stay in base/db/ and pg_* files"
    if FLAGS_INCLUDE.search(included) and not path.startswith(FLAGS_FOLDER):
        return "CLI11 stays in base/flags/"
    if JSON_INCLUDE.search(included) and path.endswith(".h"):
        return "headers make do with nlohmann/json_fwd.hpp"
    if included.startswith("tests/"):
        return "nothing includes tests"
    source, target = folder_of(path), folder_of(included)
    if PROTO_INCLUDE.search(included) and source in ("base", "base/db", "core"):
        return f"{source}/ knows no generated types"
    if source is None or target is None or source == target or target in ALLOWED[source]:
        return None
    return f"{source}/ must not know {target}/"


def check(path, text):
    if path.startswith("tests/"):
        return []
    findings = []
    for match in INCLUDE.finditer(text):
        reason = refusal(path, match.group(2))
        if reason:
            line = text.count("\n", 0, match.start(2)) + 1
            findings.append(f"{path}:{line}: includes {match.group(2)}: {reason}")
    return findings


PLANTED = [
    ("base/x.cc", '#include "base/db/pool.h"', True),
    ("core/signal/x.cc", '#include "store/segment.h"', True),
    ("store/x.cc", '#include "ingest/receipt.h"', True),
    ("ingest/x.cc", '#include "detect/job.h"', True),
    ("ingest/x.cc", "#include <grpcpp/grpcpp.h>", True),
    ("ingest/x.cc", '#include "tidemark/v1/ingest.grpc.pb.h"', True),
    ("ingest/x.cc", '#include "base/rpc/guard.h"', True),
    ("store/x.cc", '#include "base/rpc/reason.h"', True),
    ("ingest/x.cc", "#include <pqxx/pqxx>", True),
    ("server/x.cc", "#include <libpq-fe.h>", True),
    ("cli/x.cc", '#include "server/config.h"', True),
    ("study/x.cc", '#include "tests/support/clock.h"', True),
    ("core/x.cc", '#include "tidemark/v1/chunk.pb.h"', True),
    ("cli/x.cc", "#include <CLI/CLI.hpp>", True),
    ("cli/x.h", "#include <nlohmann/json.hpp>", True),
    ("base/flags/flags.cc", "#include <CLI/CLI.hpp>", False),
    ("cli/x.cc", "#include <nlohmann/json.hpp>", False),
    ("base/db/x.cc", "#include <pqxx/pqxx>", False),
    ("store/pg_segments.cc", "#include <libpq-fe.h>", False),
    ("ingest/upload_reactor.h", "#include <grpcpp/grpcpp.h>", False),
    ("ingest/upload_service.cc", '#include "base/rpc/guard.h"', False),
    ("study/page.cc", '#include "base/rpc/page_token.h"', False),
    ("ingest/x.cc", '#include "study/access.h"\n#include <vector>', False),
    ("server/main.cc", '#include "migrations/migrations.h"', False),
    ("tests/x_test.cc", "#include <pqxx/pqxx>", False),
]


def main():
    root = os.path.abspath(sys.argv[1])
    expect_caught(check, PLANTED)
    findings = []
    count = 0
    for path, text in read_all(root, (".h", ".cc")):
        count += 1
        findings += check(path, text)
    report("include directions", count, findings)


if __name__ == "__main__":
    main()
