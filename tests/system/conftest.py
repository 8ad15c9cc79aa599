"""What all system tests share: the lab, a time limit for each test, and a visible skip where the lab can't run."""

import os
import pathlib
import signal
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lab"))

import namespaces  # noqa: E402  (the lab is a folder beside this one)
import probes  # noqa: E402
from scenarios import SiitDc  # noqa: E402

SECONDS_PER_TEST = 60


def pytest_collection_modifyitems(items):
    reason = namespaces.why_no_lab()
    if reason:
        for item in items:
            item.add_marker(pytest.mark.skip(reason=f"the lab {reason}"))


@pytest.fixture(autouse=True, scope="session")
def leave_through_finally():
    """A killed test run still removes its namespaces."""
    with namespaces.guard():
        yield


@pytest.fixture(autouse=True)
def time_limit(request):
    """No test hangs."""

    def too_long(*_):
        pytest.fail(f"{request.node.name} took more than {SECONDS_PER_TEST} s")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(SECONDS_PER_TEST)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(autouse=True)
def translator_survives(request):
    """Whatever a test of the shared lab does, the daemon is there afterwards."""
    yield
    if "dc" in request.fixturenames:
        process = request.getfixturevalue("dc").translator.process
        assert process.running(), f"the translator ended with {process.popen.returncode}:\n{process.stderr}"


@pytest.fixture(scope="module")
def dc():
    """SIIT-DC with a router on both sides, servers running; one for all tests of a file."""
    with SiitDc(routers=True) as lab:
        # LAB_TRANSLATOR=tayga tells bugs of the tests from bugs of the daemon.
        lab.start(translator=os.environ.get("LAB_TRANSLATOR", "yonroku"))
        probes.serve_http(lab, "server", "::")
        probes.serve_echo(lab, "server", "::")
        probes.serve_http(lab, "client", "0.0.0.0")
        probes.serve_echo(lab, "client", "0.0.0.0")
        probes.serve_iperf(lab, "server")
        yield lab


@pytest.fixture
def fresh_dc():
    """A lab of its own, without routers, for tests that stop, replace or harm the daemon. Not started."""
    with SiitDc() as lab:
        yield lab
