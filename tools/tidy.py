#!/usr/bin/python3
"""Runs clang-tidy on files, several at a time, and remembers which text has passed.

usage: tidy.py --build DIRECTORY --jobs N --files LIST

What a file's result depends on is its preprocessed text, its compile command and .clang-tidy. A hash of these is kept
in DIRECTORY/tidy-passed/ when nothing was found, so that a second run looks only at what has changed.
"""

import argparse
import concurrent.futures
import hashlib
import json
import shlex
import subprocess
import sys
import time
from pathlib import Path

CLANG_TIDY = "clang-tidy-19"


def read_commands(build):
    """{path relative to the repository: compile command as words}"""
    commands = {}
    for entry in json.loads((build / "compile_commands.json").read_text(encoding="utf-8")):
        words = shlex.split(entry["command"])
        if words and words[0].endswith("ccache"):
            words = words[1:]
        commands[str(Path(entry["file"]).resolve().relative_to(Path.cwd()))] = (words, entry["directory"])
    return commands


def fingerprint(words, directory, configuration):
    """A hash of everything clang-tidy would see, or None if the file does not even preprocess."""
    command, skip = [], False
    for word in words:
        if skip or word in ("-o", "-c"):
            skip = word == "-o"
            continue
        command.append(word)
    # -C keeps the comments: a NOLINT is one.
    result = subprocess.run([*command, "-E", "-C"], cwd=directory, capture_output=True, check=False)
    if result.returncode:
        return None
    return hashlib.sha256(b"\0".join([configuration, " ".join(command).encode(), result.stdout])).hexdigest()


def tidy(path, command, build, configuration):
    """(path, problems or '', whether it was known, seconds)"""
    start = time.monotonic()
    key = fingerprint(*command, configuration)
    passed = build / "tidy-passed" / (key or "-")
    if key and passed.exists():
        return path, "", True, time.monotonic() - start
    result = subprocess.run(
        [CLANG_TIDY, "-p", str(build), "--quiet", path], capture_output=True, text=True, check=False)
    if result.returncode == 0:
        if key:
            passed.touch()
        return path, "", False, time.monotonic() - start
    return path, (result.stdout + result.stderr).strip(), False, time.monotonic() - start


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--files", type=Path, required=True)
    options = parser.parse_args()

    commands = read_commands(options.build)
    (options.build / "tidy-passed").mkdir(exist_ok=True)
    configuration = Path(".clang-tidy").read_bytes()
    wanted = options.files.read_text(encoding="utf-8").split()
    failures, known, slowest = 0, 0, []
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        runs = []
        for path in wanted:
            if path in commands:
                runs.append(pool.submit(tidy, path, commands[path], options.build, configuration))
            else:
                print(f"{path}: not part of the build")
                failures += 1
        for run in concurrent.futures.as_completed(runs):
            path, problems, was_known, seconds = run.result()
            known += was_known
            slowest.append((seconds, path))
            if problems:
                failures += 1
                print(f"---- {path}\n{problems}", flush=True)
    slowest.sort(reverse=True)
    for seconds, path in slowest[:3]:
        print(f"{seconds:6.1f} s {path}")
    print(f"clang-tidy: {len(wanted)} files, {known} unchanged since they passed, {failures} with problems")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
