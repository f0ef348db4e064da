"""The project's own source files, and the way a lint reports."""

import os
import sys

SKIPPED_FOLDERS = {".git", ".dev", "build", "node_modules", "__pycache__"}


def read_all(root, suffixes):
    """Yields (path from the root, text) of every file whose name ends with one of `suffixes`."""
    for folder, subfolders, names in os.walk(root):
        subfolders[:] = sorted(set(subfolders) - SKIPPED_FOLDERS)
        for name in sorted(names):
            if name.endswith(suffixes):
                path = os.path.join(folder, name)
                with open(path, encoding="utf-8") as file:
                    yield os.path.relpath(path, root), file.read()


def report(title, file_count, findings):
    """Prints the findings and the closing line, and ends the process."""
    for finding in findings:
        print(finding)
    print(f"{title}: {file_count} files, {len(findings)} findings")
    sys.exit(1 if findings or file_count == 0 else 0)


def expect_caught(check, planted):
    """A lint that catches nothing is worse than none: each planted fault must give a finding."""
    for path, text, is_fault in planted:
        if bool(check(path, text)) != is_fault:
            sys.exit(f"the lint misjudges {path}: {text!r}")
