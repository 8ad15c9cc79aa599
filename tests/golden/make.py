#!/usr/bin/python3
"""Writes the golden corpus: tests/golden/<rfc>/<section>-<requirement>.golden.

Inputs and expected packets are Scapy expressions (python3-scapy 2.5.0); yonroku itself is never
run. `make.py` writes the files, `make.py --check` fails if the committed ones differ.
"""

import argparse
import importlib
import pkgutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True

import cases  # noqa: E402
from corpus import render  # noqa: E402
from proofread import proofread  # noqa: E402


def all_cases():
    for module in sorted(info.name for info in pkgutil.iter_modules(cases.__path__)):
        yield from importlib.import_module(f"cases.{module}").CASES


def build():
    """File name -> text of the whole corpus, and the complaints of the proofreader."""
    files, complaints = {}, []
    for case in all_cases():
        name = f"{case.name}.golden"
        if name in files:
            complaints.append(f"{case.name}: two cases have this name")
        if not (HERE / "configs" / case.config).is_file():
            complaints.append(f"{case.name}: no config {case.config}")
        complaints.extend(proofread(case))
        files[name] = render(case)
    return files, complaints


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only compare with the files")
    arguments = parser.parse_args()
    files, complaints = build()
    present = {str(path.relative_to(HERE)) for path in HERE.glob("*/*.golden")}
    for name in sorted(present - files.keys()):
        if arguments.check:
            complaints.append(f"{name}: no case makes this file")
        else:
            (HERE / name).unlink()
    for name, text in files.items():
        path = HERE / name
        if arguments.check:
            if name not in present or path.read_text() != text:
                complaints.append(f"{name}: differs; run tests/golden/make.py")
        elif name not in present or path.read_text() != text:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    print(f"{len(files)} files")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
