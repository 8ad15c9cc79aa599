"""Start, stop, crash, takeover; what the daemon owns and what it gives up."""

import os
import pathlib
import socket
import threading
import time

import namespaces
import probes
import pytest
from namespaces import LabError
from scenarios import PREF64, TwoGateways

CAP_NET_ADMIN = 1 << 12


def network_state(lab, node="gateway"):
    """Devices, addresses and routes, as text that can be compared."""
    return [lab.ip(node, "-br addr"), lab.ip(node, "-4 route"), lab.ip(node, "-6 route"),
            lab.ip(node, "-4 rule"), lab.ip(node, "-6 rule")]


def test_shutdown_removes_everything_it_made(fresh_dc):
    before = network_state(fresh_dc)
    fresh_dc.start()
    assert "dc" in fresh_dc.ip("gateway", "-br link")
    assert "192.0.2.80" in fresh_dc.ip("gateway", "-4 route show dev dc")
    assert PREF64 in fresh_dc.ip("gateway", "-6 route show dev dc")
    assert fresh_dc.translator.stop() == 0
    assert network_state(fresh_dc) == before
    assert not fresh_dc.translator.socket_path.exists()


def test_nothing_leaks_into_the_root_namespace(fresh_dc):
    fresh_dc.start()
    root = {path.name for path in pathlib.Path("/sys/class/net").iterdir()}
    assert not {name for name in root if name == "dc" or name.startswith("to-")}


def test_sigint_stops_clean_too(fresh_dc):
    fresh_dc.start()
    assert fresh_dc.translator.process.stop(2) == 0


def test_readiness_is_told_to_the_service_manager(fresh_dc):
    path = fresh_dc.folder / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.settimeout(5)
        fresh_dc.start(environment={"NOTIFY_SOCKET": str(path)})
        assert "READY=1" in manager.recv(4096).decode().splitlines()
        fresh_dc.translator.stop()
        told = []
        while not any("STOPPING=1" in message for message in told):
            told.append(manager.recv(4096).decode())


def test_privileges_after_start(fresh_dc):
    fresh_dc.start()
    for status in pathlib.Path(f"/proc/{fresh_dc.translator.process.pid}/task").glob("*/status"):
        fields = dict(line.split(":\t", 1) for line in status.read_text().splitlines() if ":\t" in line)
        for kind in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
            assert int(fields[kind], 16) & ~CAP_NET_ADMIN == 0, f"{kind} {fields[kind]} in {status}"
        assert fields["NoNewPrivs"] == "1"


def test_a_second_daemon_on_the_same_device_says_why_it_cannot(fresh_dc):
    fresh_dc.start()
    first = fresh_dc.translator
    with pytest.raises(LabError) as refused:
        fresh_dc.start(seconds=5)
    assert "dc" in str(refused.value)
    assert first.process.running()
    probes.serve_echo(fresh_dc, "server", "::")
    assert probes.udp_echo(fresh_dc, "client", fresh_dc.SERVER_AS_IPV4, b"still the first") == b"still the first"


def test_device_disappears(fresh_dc):
    """The daemon ends with an error that says so, soon, and does not spin until then."""
    fresh_dc.start()
    process = fresh_dc.translator.process
    spent = fresh_dc.translator.cpu_seconds()
    fresh_dc.ip("gateway", "link del dc")
    time.sleep(0.5)
    if process.running():
        assert fresh_dc.translator.cpu_seconds() - spent < 0.2, "the daemon spins"
    assert process.wait(5) == 1
    assert "dc" in process.stderr.splitlines()[-1], process.stderr


def test_device_set_down_and_up_again(fresh_dc):
    """An operator's `ip link set down` takes the routes away; the daemon idles and puts them back or says what to do."""
    fresh_dc.start()
    process = fresh_dc.translator.process
    fresh_dc.ip("gateway", "link set dc down")
    time.sleep(0.2)
    spent = fresh_dc.translator.cpu_seconds()
    time.sleep(0.5)
    assert fresh_dc.translator.cpu_seconds() - spent < 0.2, "the daemon spins"
    assert process.running(), process.stderr


def test_idle_costs_nothing(fresh_dc):
    fresh_dc.start()
    spent = fresh_dc.translator.cpu_seconds()
    time.sleep(1.5)
    assert fresh_dc.translator.cpu_seconds() - spent <= 0.03


def test_tcp_survives_kill_9_and_restart(fresh_dc):
    fresh_dc.start()
    probes.serve_http(fresh_dc, "server", "::")
    outcome = []
    download = threading.Thread(
        target=lambda: outcome.append(probes.http_download(fresh_dc, "client", fresh_dc.SERVER_AS_IPV4, 40_000_000,
                                                           rate=10_000_000)))
    download.start()
    for _ in range(3):
        time.sleep(0.7)
        fresh_dc.translator.kill()
        time.sleep(0.2)
        fresh_dc.translator.start()
    download.join()
    assert outcome == [True]


def test_a_second_translator_takes_over():
    """Stateless: after the route has moved, every packet of every flow is understood. Nothing is lost, both ways."""
    with TwoGateways() as lab:
        lab.start()
        probes.serve_http(lab, "server", "::")
        for number in (2, 1):
            lab.use(number)
            probes.ping(lab, "client", lab.SERVER_AS_IPV4)  # Neighbours are known before anything is counted.
        outcome = []
        download = threading.Thread(
            target=lambda: outcome.append(probes.http_download(lab, "client", lab.SERVER_AS_IPV4, 40_000_000,
                                                               rate=20_000_000)))
        download.start()
        flows = [probes.CountedFlow(lab, "client", "server", "::", lab.SERVER_AS_IPV4, 5000),
                 probes.CountedFlow(lab, "server", "client", "0.0.0.0", lab.CLIENT_AS_IPV6, 5000)]
        for busy in (*flows, *(translator.process for translator in lab.translators)):
            busy.go_first()
        for number in (2, 1, 2, 1, 2):
            time.sleep(0.3)
            lab.use(number)
        time.sleep(0.3)
        results = [flow.finish() for flow in flows]
        assert [result["lost"] for result in results] == [0, 0], results
        lab.translators[0].kill()  # Nobody uses it any more.
        download.join()
        assert outcome == [True]


def test_takeover_from_a_dead_translator():
    """kill -9, then the route moves 100 ms later: what was sent in between is lost, nothing else."""
    with TwoGateways() as lab:
        lab.start()
        for number in (2, 1):
            lab.use(number)
            probes.ping(lab, "client", lab.SERVER_AS_IPV4)
        flow = probes.CountedFlow(lab, "client", "server", "::", lab.SERVER_AS_IPV4, 5000)
        time.sleep(0.5)
        start = time.monotonic()
        lab.translators[0].kill()
        time.sleep(0.1)
        lab.use(2)
        gap = time.monotonic() - start
        time.sleep(0.5)
        result = flow.finish()
        assert 0 < result["lost"] <= 5000 * gap + 100, (result, gap)


def test_a_million_mappings_are_ready_soon(fresh_dc, record_property):
    path = fresh_dc.folder / "million.csv"
    with open(path, "w", encoding="ascii") as out:
        for i in range(1_000_000):
            out.write(f"100.{64 + (i >> 16)}.{i >> 8 & 255}.{i & 255},2001:db8:5:{i * 31153 & 0xffff:x}::{i >> 16:x}:{i & 0xffff:x}\n")
    config = fresh_dc.CONFIG + "    mappings-files: [million.csv]\n    ipv4-routes: [100.64.0.0/12, 192.0.2.80/32]\n"
    start = time.monotonic()
    fresh_dc.start(config, seconds=30)
    seconds = time.monotonic() - start
    record_property("seconds", round(seconds, 2))
    assert seconds < 10
    probes.serve_echo(fresh_dc, "server", "::")
    fresh_dc.address("server", "lo", "2001:db8:5:79b1::1/128")
    fresh_dc.route("gateway", "2001:db8:5:79b1::/64", fresh_dc.SERVER)
    assert probes.udp_echo(fresh_dc, "client", "100.64.0.1", b"first of many") == b"first of many"
    fresh_dc.translator.mappings("add", "192.0.2.200", "2001:db8:5::200")  # One change does not cost a new table.


def test_workers_share_the_load(fresh_dc):
    fresh_dc.start(fresh_dc.CONFIG + "    workers: 2\n")
    probes.serve_iperf(fresh_dc, "server")
    assert probes.iperf(fresh_dc, "client", fresh_dc.SERVER_AS_IPV4, 1, options=["--parallel", 4])["gbps"] > 0.2
    assert len(os.listdir(f"/proc/{fresh_dc.translator.process.pid}/task")) >= 3


def test_the_lab_itself_leaves_nothing(fresh_dc):
    tag, folder = fresh_dc.tag, fresh_dc.folder
    fresh_dc.close()
    assert not folder.exists()
    assert not [name for name in os.listdir("/run/netns") if tag in name]
    assert not (namespaces.STATE_FOLDER / f"{tag}.json").exists()
