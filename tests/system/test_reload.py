"""Changes while traffic flows: SIGHUP and `yonroku mappings` lose nothing and take effect at once."""

import os
import threading
import time

import probes
import pytest

BASE = """\
instances:
  - name: dc
    mechanism: siit
    pref64: 2001:db8:64::/96
    ipv4-routes: [192.0.2.0/24]
    mappings:
      - {ipv4: 192.0.2.80, ipv6: "2001:db8:5::80"}
"""
RATE = 10000


def prefer(process):
    """Other work on this machine must not decide the outcome: the process goes first, as a router's own would."""
    for task in os.listdir(f"/proc/{process.pid}/task"):
        os.setpriority(os.PRIO_PROCESS, int(task), -15)


@pytest.fixture
def busy(fresh_dc):
    """The lab with a steady UDP flow running both ways; what it lost is in `finish()`."""
    fresh_dc.start(BASE)
    for node, address in (("server", "::"), ("client", "0.0.0.0")):
        probes.serve_echo(fresh_dc, node, address)
    probes.ping(fresh_dc, "client", fresh_dc.SERVER_AS_IPV4)  # Neighbours are known before anything is counted.
    prefer(fresh_dc.translator.process)
    fresh_dc.flows = [
        probes.CountedFlow(fresh_dc, "client", "server", "::", fresh_dc.SERVER_AS_IPV4, RATE),
        probes.CountedFlow(fresh_dc, "server", "client", "0.0.0.0", fresh_dc.CLIENT_AS_IPV6, RATE),
    ]
    for flow in fresh_dc.flows:
        prefer(flow.source)
        prefer(flow.sink)
    time.sleep(0.3)
    return fresh_dc


def nothing_was_lost(lab):
    for flow in lab.flows:
        result = flow.finish()
        assert result["sent"] > 1000
        assert (result["lost"], result["duplicates"], result["late"]) == (0, 0, 0), (result, queue_drops(lab))


def queue_drops(lab):
    """Where the kernel lost something, if it did: the TUN device's statistics."""
    return lab.ip("gateway", "-s link show dev dc")


def test_ten_reloads_under_load_lose_nothing(busy):
    for number in range(10):
        extra = f'      - {{ipv4: 192.0.2.{100 + number}, ipv6: "2001:db8:5::{number + 1000}"}}\n'
        busy.translator.write_config(BASE + extra)
        busy.translator.reload()
        time.sleep(0.1)
    assert "192.0.2.109" in busy.translator.mappings("list").stdout
    assert "192.0.2.108" not in busy.translator.mappings("list").stdout
    nothing_was_lost(busy)


def test_reloads_do_not_disturb_tcp(fresh_dc):
    fresh_dc.start(BASE)
    probes.serve_http(fresh_dc, "server", "::")
    probes.serve_iperf(fresh_dc, "server")
    outcome = []
    download = threading.Thread(
        target=lambda: outcome.append(probes.http_download(fresh_dc, "client", fresh_dc.SERVER_AS_IPV4, 60_000_000,
                                                           rate=30_000_000)))
    download.start()
    while download.is_alive():
        fresh_dc.translator.reload()
        time.sleep(0.1)
    download.join()
    assert outcome == [True]


def test_bad_config_on_reload_keeps_the_old_one(busy):
    busy.translator.write_config(BASE + "    hairpining: off\n")
    assert "hairpining" in busy.translator.reload_badly()
    assert busy.translator.process.lines("reloaded") == 0
    assert busy.translator.process.running()
    busy.translator.write_config("instances: [\n")
    busy.translator.reload_badly()
    nothing_was_lost(busy)
    assert probes.udp_echo(busy, "client", busy.SERVER_AS_IPV4, b"still there") == b"still there"
    busy.translator.write_config(BASE)
    busy.translator.reload()


def test_missing_mapping_file_on_reload_keeps_the_old_one(busy):
    busy.translator.write_config(BASE + "    mappings-files: [no-such-file.csv]\n")
    assert "no-such-file.csv" in busy.translator.reload_badly()
    nothing_was_lost(busy)


def test_a_thousand_mapping_changes_a_second_lose_nothing(busy):
    """5 s of batches: 100 changes every 100 ms. The flow's own mapping is not among them."""
    start = time.monotonic()
    for step in range(50):
        first = step % 2 * 128
        lines = "".join(f"198.18.{n >> 8}.{n & 255},2001:db8:7:{step:x}::{n:x}\n" for n in range(first, first + 100))
        if step >= 2:
            busy.translator.mappings("remove", "--batch", "-", text_input=removal(step - 2))
        busy.translator.mappings("add", "--batch", "-", text_input=lines)
        time.sleep(max(0.0, start + (step + 1) * 0.1 - time.monotonic()))
    took = time.monotonic() - start
    assert took < 8, f"9800 changes took {took:.1f} s"
    assert len(busy.translator.mappings("list").stdout.splitlines()) >= 201
    nothing_was_lost(busy)


def removal(step):
    first = step % 2 * 128
    return "".join(f"198.18.{n >> 8}.{n & 255}\n" for n in range(first, first + 100))


def test_mapping_changes_are_effective_at_once(fresh_dc):
    fresh_dc.start(BASE)

    def answers(address):
        return probes.ping(fresh_dc, "client", address, count=1, options=["-W", "0.1"])[0]

    for number in range(20):
        fresh_dc.address("server", "to-gateway", f"2001:db8:5::{number + 1000}/64")
    for number in range(20):
        address = f"192.0.2.{100 + number}"
        assert not answers(address)
        fresh_dc.translator.mappings("add", address, f"2001:db8:5::{number + 1000}")
        assert answers(address)
        fresh_dc.translator.mappings("remove", address)
        assert not answers(address)


def test_replace_swaps_the_whole_table(busy):
    table = busy.folder / "table.csv"
    table.write_text("192.0.2.80,2001:db8:5::80\n192.0.2.200,2001:db8:5::200\n")
    busy.translator.mappings("replace", table)
    listed = busy.translator.mappings("list").stdout
    assert "192.0.2.200" in listed
    nothing_was_lost(busy)


def test_a_bad_batch_changes_nothing(fresh_dc):
    fresh_dc.start(BASE)
    before = fresh_dc.translator.mappings("list", "--json").stdout
    done = fresh_dc.translator.mappings("add", "--batch", "-", check=False,
                                        text_input="192.0.2.90,2001:db8:5::90\n192.0.2.300,2001:db8:5::91\n")
    assert done.returncode == 1
    assert "192.0.2.300" in done.stderr
    assert fresh_dc.translator.mappings("list", "--json").stdout == before
