#!/usr/bin/env python3
"""Writes a compile_commands.json that clang-tidy can use: tidy_commands.py BUILD_FOLDER TO_FOLDER

The build compiles with gcc through ccache, and with gcc's precompiled headers, which clang cannot
read: launcher and precompiled headers are left out. Generated sources are left out as well.
"""

import json
import shlex
import sys
from pathlib import Path


def clang_arguments(arguments):
    """The same compilation without launcher, precompiled header and options only gcc knows."""
    compiler = next(i for i, word in enumerate(arguments) if Path(word).name in ("c++", "g++", "clang++"))
    kept = []
    rest = iter(arguments[compiler:])
    for word in rest:
        if word == "-include":
            header = next(rest)
            if not header.endswith("cmake_pch.hxx"):
                kept += [word, header]
        elif word not in ("-fpch-preprocess", "-Winvalid-pch"):
            kept.append(word)
    return kept


def main(build_folder, to_folder):
    build = Path(build_folder).resolve()
    entries = []
    for entry in json.loads((build / "compile_commands.json").read_text()):
        if build in Path(entry["file"]).parents:
            continue
        entries.append({"directory": entry["directory"], "file": entry["file"],
                        "arguments": clang_arguments(shlex.split(entry["command"]))})
    Path(to_folder).mkdir(parents=True, exist_ok=True)
    (Path(to_folder) / "compile_commands.json").write_text(json.dumps(entries, indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:])
