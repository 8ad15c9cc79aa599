"""The dashboard in headless Chromium, served by the real daemon with real traffic. What is tested is in page.test.mjs;
each of its tests is one here."""

import itertools
import os
import pathlib
import re
import shutil
import subprocess
import sys
import threading

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lab"))

import namespaces  # noqa: E402  (the lab is a folder beside this one)
from console_lab import Console  # noqa: E402
from translators import yonroku_binary  # noqa: E402

SOURCE = (HERE / "page.test.mjs").read_text()
SECONDS = 540


def names():
    """The tests' names, those of each language and theme one by one."""
    values = {name: re.findall(r'"(.*?)"', re.search(rf"{name} = \[(.*)\]", SOURCE)[1]) for name in ("kLocales", "kSchemes")}
    for name in re.findall(r"^\s*test\([\"`](.*?)[\"`], ", SOURCE, re.MULTILINE):
        if "${" not in name:
            yield name
            continue
        for locale, scheme in itertools.product(values["kLocales"], values["kSchemes"]):
            yield name.replace("${locale}", locale).replace("${colorScheme}", scheme)


def why_no_browser():
    if namespaces.why_no_lab():
        return f"the lab {namespaces.why_no_lab()}"
    if not yonroku_binary().exists():
        return f"there is no {yonroku_binary()}"
    for program in ("node", "npm", "chromium"):
        if not shutil.which(program):
            return f"needs {program}"
    return None


@pytest.fixture(scope="module")
def outcomes():
    """What node says of each test: {name: the lines that explain a failure, or None}."""
    reason = why_no_browser()
    if reason:
        pytest.skip(reason)
    if not (HERE / "node_modules/playwright-core").exists():
        installed = subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=HERE, capture_output=True, text=True, check=False)
        if installed.returncode != 0:
            pytest.skip(f"npm can't install playwright-core: {installed.stderr.strip()[-200:]}")
    with namespaces.guard(), Console() as lab:
        lab.start()
        stop = threading.Event()

        def keep_talking():
            while not stop.wait(1):
                lab.talk()

        lab.talk()
        talker = threading.Thread(target=keep_talking)
        talker.start()
        try:
            done = subprocess.run(["node", "--test", "--test-reporter=tap", "page.test.mjs"], cwd=HERE, text=True, capture_output=True,
                                  timeout=SECONDS, check=False, env={**os.environ, "SOCKET": str(lab.router.socket_path), "SOCKET_WITHOUT_LOG": str(lab.without_log.socket_path)})
        finally:
            stop.set()
            talker.join()
        assert lab.router.process.running(), lab.router.process.stderr
        return parse_tap(done.stdout)


def parse_tap(text):
    """Both of a flat list and of one nested in the file's own test."""
    outcomes = {}
    for block in re.split(r"(?m)^ *(?=(?:not )?ok \d+ - )", text)[1:]:
        first, _, rest = block.partition("\n")
        is_ok, name = re.match(r"(not )?ok \d+ - (.*)", first).groups()
        outcomes[name.partition(" # ")[0].replace("\\", "")] = rest if is_ok else None
    return outcomes


@pytest.mark.parametrize("name", names())
def test_page(outcomes, name):
    assert name in outcomes, f"node has not run it, but: {list(outcomes)}"
    assert outcomes[name] is None, outcomes[name]
