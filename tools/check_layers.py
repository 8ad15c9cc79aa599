#!/usr/bin/python3
"""Holds the #includes of src/ to the layers: usage: check_layers.py [REPOSITORY]

The table is the yonroku_folder() calls of src/CMakeLists.txt: a folder may include itself, what it USES, and what
those use. Folders marked PURE may besides include only C and C++ standard headers, and of these none that brings
system calls, threads, clocks, streams or allocation of files. Each external library belongs to certain folders.
"""

import re
import sys
from pathlib import Path

# What pure code has no business with. <sys/...>, <linux/...> and the like are refused by the allow-list below.
FORBIDDEN_IN_PURE = {
    "thread", "mutex", "shared_mutex", "condition_variable", "future", "stop_token", "semaphore", "latch", "barrier",
    "chrono", "ctime", "time.h", "random", "filesystem", "locale", "regex", "stdexcept", "csignal", "signal.h",
    "iostream", "ostream", "istream", "fstream", "sstream", "iomanip", "cstdio", "stdio.h", "unistd.h", "fcntl.h",
    "errno.h", "cerrno", "pthread.h", "poll.h", "syslog.h",
}  # fmt: skip

# What one pure folder may do although the others may not: YONROKU_CHECK says what failed before it aborts.
ALLOWED_IN_PURE = {"base": {"cstdio"}}

# #include prefix or name -> folders that may use it.
EXTERNAL = {
    "yaml-cpp/": {"config"},
    "CLI/": {"app", "api"},
    "nlohmann/": {"app", "api"},
    "httplib.h": {"api"},
    "pcap": {"io"},
    "libmnl/": {"control"},
    "sys/capability.h": {"control"},
    "systemd/": {"control"},
    "bpf/": {"fastpath"},
    "openssl/": {"natlog"},
    "librdkafka/": {"natlog"},
    "sqlite3.h": {"natlog"},
    "fmt/": {"observe", "engine", "config", "provision", "fastpath", "natlog", "control", "api", "app"},
    "spdlog/": {"engine", "config", "provision", "fastpath", "natlog", "control", "api", "app"},
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
STANDARD_HEADER = re.compile(r"^[a-z0-9_]+(\.h)?$")


def is_pure_header(folder, header):
    """Whether a pure folder may include <header>."""
    if header in ALLOWED_IN_PURE.get(folder, ()):
        return True
    return header not in FORBIDDEN_IN_PURE and STANDARD_HEADER.match(header) is not None


def read_layers(cmake):
    """{folder: (may_include, is_pure)} from the text of src/CMakeLists.txt; may_include is the closure of USES."""
    uses, pure = {}, set()
    for call in re.findall(r"yonroku_folder\(([^)]*)\)", re.sub(r"#.*", "", cmake)):
        folder, *words = call.split()
        uses[folder], taking = set(), False
        for word in words:
            if word in ("PURE", "USES", "LIBRARIES"):
                taking = word == "USES"
                if word == "PURE":
                    pure.add(folder)
            elif taking:
                if word not in uses:
                    raise ValueError(f"src/CMakeLists.txt: {folder} uses {word}, which is not below it")
                uses[folder] |= {word} | uses[word]
    if not uses:
        raise ValueError("src/CMakeLists.txt: no yonroku_folder() found")
    layers = {folder: (below | {folder}, folder in pure) for folder, below in uses.items()}
    layers["app"] = (set(uses) | {"app"}, False)
    return layers


def check_file(path, text, layers):
    """Yields "path:line: problem" for one file; `path` is relative to src/."""
    folder = Path(path).parts[0]
    if folder not in layers:
        yield f"src/{path}:1: folder '{folder}' is not in src/CMakeLists.txt"
        return
    may_include, pure = layers[folder]
    is_test = path.endswith("_test.cc") or Path(path).name.startswith("test_")
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        where, header = f"src/{path}:{number}", match[2]
        for prefix, folders in EXTERNAL.items():
            if header.startswith(prefix) and folder not in folders and header.partition("/")[0] not in layers:
                yield f"{where}: <{header}> belongs to {', '.join(sorted(folders))}"
                break
        else:
            if match[1] == '"':
                target = header.partition("/")[0]
                if header.endswith(".inc") and "/" not in header:
                    continue  # Generated at build time.
                if target not in layers:
                    yield f'{where}: "{header}" must be named from src/, as "folder/file.h"'
                elif target not in may_include:
                    yield f"{where}: {folder} must not include {target} (it uses {', '.join(sorted(may_include - {folder})) or 'nothing'})"
            elif pure and not is_test and not is_pure_header(folder, header):
                yield f"{where}: <{header}> has no place in {folder}, which is pure"


def check(root):
    """(problems, number of files looked at)"""
    source = root / "src"
    layers = read_layers((source / "CMakeLists.txt").read_text(encoding="utf-8"))
    problems, count = [], 0
    for path in sorted([*source.rglob("*.cc"), *source.rglob("*.h"), *source.rglob("*.def")]):
        count += 1
        problems += check_file(str(path.relative_to(source)), path.read_text(encoding="utf-8"), layers)
    return problems, count


def main(arguments):
    root = Path(arguments[0]) if arguments else Path(__file__).resolve().parent.parent
    problems, count = check(root)
    for problem in problems:
        print(problem)
    print(f"layers: {count} files, {len(problems)} problems")
    return 1 if problems or not count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
