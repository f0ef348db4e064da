#!/usr/bin/env python3
"""Runs clang-tidy over sources of a build: run_tidy.py BUILD_FOLDER CACHE_FOLDER JOBS SOURCE...

Sources that are compiled together are checked together: reading the headers is most of the work, and
what a unity source includes is reported as headers of ours are. A unit is skipped while every file
of the project in it and .clang-tidy are what they were when it was last clean. The build must be up to
date: it knows who includes what. Exit code 1 when something was found.
"""

import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def clang_arguments(arguments):
    """The same compilation without launcher and precompiled header, which are gcc's."""
    compiler = next(i for i, word in enumerate(arguments)
                    if Path(word).name in ("c++", "g++", "clang++"))
    kept = []
    rest = iter(arguments[compiler:])
    for word in rest:
        if word == "-include":
            header = next(rest)
            if not header.endswith("cmake_pch.hxx"):
                kept += [word, header]
        elif word not in ("-fpch-preprocess", "-Winvalid-pch", "-Wno-subobject-linkage"):
            kept.append(word)
    return kept


def sources_of(unit):
    """What is compiled with a unit: the file itself, or the sources that a unity source includes."""
    if "/Unity/unity_" not in unit:
        return [unit]
    return re.findall(r'^#include "(.+)"$', Path(unit).read_text(), re.MULTILINE)


def write_commands(build, cache):
    """compile_commands.json as clang reads it; returns the unit and the object file of each source."""
    entries, compiled = [], {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        unit, arguments = entry["file"], clang_arguments(shlex.split(entry["command"]))
        entries.append({"directory": entry["directory"], "file": unit, "arguments": arguments})
        for source in sources_of(unit):
            compiled[Path(source)] = (Path(unit), arguments[arguments.index("-o") + 1])
    cache.mkdir(parents=True, exist_ok=True)
    (cache / "compile_commands.json").write_text(json.dumps(entries, indent=1))
    return compiled


def read_dependencies(build):
    """The files of the project that each object file was made from, as ninja recorded them."""
    output = subprocess.run(["ninja", "-C", str(build), "-t", "deps"], check=True,
                            capture_output=True, text=True).stdout
    dependencies, current = {}, None
    for line in output.splitlines():
        if line and not line.startswith(" "):
            current = dependencies.setdefault(line.split(":", 1)[0], [])
        elif line.strip():
            path = os.path.normpath(os.path.join(build, line.strip()))
            if path.startswith(f"{ROOT}/"):
                current.append(Path(path))
    return dependencies


def digest_of(paths):
    digest = hashlib.sha256()
    for path in sorted(set(paths)):
        digest.update(str(path).encode() + b"\0")
        digest.update(path.read_bytes() if path.exists() else b"")
    return digest.hexdigest()


def check(unit, cache, digest):
    """What clang-tidy finds in one unit; nothing when it was clean in this very state."""
    stamp = cache / "clean" / hashlib.sha256(str(unit).encode()).hexdigest()
    if stamp.exists() and stamp.read_text() == digest:
        return ""
    run = subprocess.run(["clang-tidy", "-p", str(cache), "--quiet", "--warnings-as-errors=*",
                          f"--config-file={ROOT / '.clang-tidy'}", str(unit)],
                         capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if run.returncode == 0 and not run.stdout.strip():
        stamp.parent.mkdir(exist_ok=True)
        stamp.write_text(digest)
        return ""
    return run.stdout or run.stderr


def main(build, cache, jobs, *sources):
    build, cache = Path(build).resolve(), Path(cache).resolve()
    compiled = write_commands(build, cache)
    dependencies = read_dependencies(build)
    sources = [ROOT / source for source in sources]
    unbuilt = [source for source in sources if source not in compiled]
    for source in unbuilt:
        print(f"{source.relative_to(ROOT)}: no target compiles it")
    units = sorted({compiled[source] for source in sources if source in compiled})

    def findings_of(unit_and_object):
        unit, made = unit_and_object
        files = dependencies.get(made, []) + [unit, ROOT / ".clang-tidy"]
        return check(unit, cache, digest_of(files))

    findings = 0
    with ThreadPoolExecutor(int(jobs)) as pool:
        for text in filter(None, pool.map(findings_of, units)):
            findings += 1
            print(text, end="" if text.endswith("\n") else "\n", flush=True)
    return 1 if findings or unbuilt else 0


if __name__ == "__main__":
    if len(sys.argv) < 4:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    sys.exit(main(*sys.argv[1:]))
