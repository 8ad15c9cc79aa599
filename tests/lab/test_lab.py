"""The lab itself, without a translator: it forwards, it counts right, and it goes away."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import namespaces  # noqa: E402  (these are the modules beside this file)
import probes  # noqa: E402
from scenarios import SiitDc  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
pytestmark = pytest.mark.skipif(namespaces.why_no_lab() is not None, reason=f"the lab {namespaces.why_no_lab()}")

SLEEPER = """
import sys, time
sys.path.insert(0, sys.argv[1])
import namespaces
from scenarios import SiitDc
with namespaces.guard(), SiitDc() as lab:
    lab.spawn("server", ["sleep", "60"], "sleep")
    print(lab.tag, flush=True)
    time.sleep(60)
"""


def sleeping_lab():
    """Another process with a lab of its own, and the lab's tag."""
    # A shell that runs us in the background ignores SIGINT for all its children: it must be deadly again.
    process = subprocess.Popen([sys.executable, "-c", SLEEPER, str(HERE)], stdout=subprocess.PIPE, text=True,
                               preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    return process, process.stdout.readline().strip()


def namespaces_of(tag):
    return [name for name in os.listdir("/run/netns") if name.startswith(f"yonroku-{tag}-")]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_removes_everything(number):
    process, tag = sleeping_lab()
    assert len(namespaces_of(tag)) == 3
    process.send_signal(number)
    process.wait(10)
    assert namespaces_of(tag) == []
    assert not (namespaces.STATE_FOLDER / f"{tag}.json").exists()


def test_down_clears_up_after_a_kill_and_spares_labs_in_use():
    killed, tag = sleeping_lab()
    used, other = sleeping_lab()
    killed.kill()
    killed.wait()
    assert len(namespaces_of(tag)) == 3
    subprocess.run([HERE / "lab.py", "down"], check=True, capture_output=True)
    assert namespaces_of(tag) == []
    assert len(namespaces_of(other)) == 3
    used.terminate()
    used.wait(10)
    assert namespaces_of(other) == []


def test_plain_forwarding_and_counting():
    with SiitDc(plain=True) as lab:
        probes.serve_http(lab, "server", "::")
        assert probes.http_get(lab, "client", lab.SERVER).startswith(f"hello {lab.PLAIN_CLIENT_IPV6},")
        assert probes.http_download(lab, "client", lab.SERVER, 1_000_000)
        assert probes.http_upload(lab, "client", lab.SERVER, probes.pattern(1_000_000))
        probes.ping(lab, "client", lab.SERVER)
        flow = probes.CountedFlow(lab, "client", "server", "::", lab.SERVER, 10000)
        time.sleep(0.5)
        result = flow.finish()
        assert result["sent"] > 4000 and result["lost"] == result["duplicates"] == result["late"] == 0


def test_the_sink_sees_what_is_missing():
    with SiitDc(plain=True) as lab:
        probes.ping(lab, "client", lab.SERVER)
        flow = probes.CountedFlow(lab, "client", "server", "::", lab.SERVER, 1000)
        time.sleep(0.3)
        lab.ip("gateway", "link set to-server down")
        time.sleep(0.2)
        lab.ip("gateway", "link set to-server up")
        time.sleep(0.3)
        result = flow.finish()
        assert result["lost"] >= 100, json.dumps(result)


def test_a_program_that_fails_is_reported_with_its_words():
    with namespaces.Namespaces() as lab:
        lab.add("alone")
        with pytest.raises(namespaces.LabError, match="No such file"):
            lab.run("alone", ["ls", "/no/such/thing"])
        process = lab.spawn("alone", ["sh", "-c", "echo what went wrong >&2; exit 3"], "failing")
        with pytest.raises(namespaces.LabError, match="what went wrong"):
            process.wait_for_line("ready", 2)
