"""Checks rules that hold for every source file.

    source_rules_test.py <source folder>
"""

import os
import re
import sys

from sources import expect_caught, read_all, report

SUFFIXES = (".h", ".cc", ".sql", ".proto", ".py", ".sh", ".cmake", "CMakeLists.txt")

# Put together so that this file does not contain them.
UNFINISHED = re.compile(r"\b(%s)\b" % "|".join(["TO" "DO", "FIX" "ME", "HA" "CK"]))
PRAGMA_ONCE = re.compile(r"^#pragma once$", re.MULTILINE)
FIRST_DIRECTIVE = re.compile(r"^\s*#.*$", re.MULTILINE)
USING_NAMESPACE = re.compile(r"^\s*using namespace\b", re.MULTILINE)


def check_header(path, text):
    first = FIRST_DIRECTIVE.search(text)
    if first is None or first.group().strip() != "#pragma once":
        yield f"{path}: a header's first directive is #pragma once"
    if USING_NAMESPACE.search(text):
        yield f"{path}: a header opens no namespace for its readers"


def check(path, text):
    findings = []
    for match in UNFINISHED.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        findings.append(f"{path}:{line}: {match.group()}: finish it, or write down why not")
    if path.endswith(".h"):
        findings += check_header(path, text)
    if path.endswith(".cc") and PRAGMA_ONCE.search(text):
        findings.append(f"{path}: #pragma once is for headers")
    if text and not text.endswith("\n"):
        findings.append(f"{path}: does not end with a line break")
    return findings


PLANTED = [
    ("a.h", "// What it is for.\n#pragma once\n\n#include <vector>\n", False),
    ("a.h", "#include <vector>\n#pragma once\n", True),
    ("a.h", "int x;\n", True),
    ("a.h", "#pragma once\nusing namespace std;\n", True),
    ("a.cc", "#pragma once\n", True),
    ("a.cc", "int x;  // TO" "DO: more\n", True),
    ("a.sql", "-- FIX" "ME\n", True),
    ("a.cc", "int x;", True),
    ("a.cc", "int todos;\n", False),
]


def main():
    root = os.path.abspath(sys.argv[1])
    expect_caught(check, PLANTED)
    findings = []
    count = 0
    for path, text in read_all(root, SUFFIXES):
        count += 1
        findings += check(path, text)
    report("source rules", count, findings)


if __name__ == "__main__":
    main()
