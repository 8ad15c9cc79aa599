"""What the lab benchmarks make of their figures. No network, no root."""

import argparse
import os
import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import measuring  # noqa: E402  (these are the modules beside this file)
import offload_bench  # noqa: E402
from chain import MECHANISMS, PLAIN_IPV4, PLAIN_IPV6, with_offload  # noqa: E402
from measuring import Row  # noqa: E402
from namespaces import LabError  # noqa: E402


def row_of(samples, *arguments, **options):
    row = Row("measure", "path", "kpps", *arguments, **options)
    row.samples = samples
    return row


@pytest.mark.parametrize("samples, options, relative, goal", [
    ([9, 19, 36], {"at_least": 0.9}, [0.9, 0.95, 0.9], "at least 0.9: met"),
    ([8, 19, 32], {"at_least": 0.9}, [0.8, 0.95, 0.8], "at least 0.9: missed"),
    ([11, 21, 41], {"how": "difference", "at_most": 1}, [1, 1, 1], "at most 1: met"),
    ([12, 22, 41], {"how": "difference", "at_most": 1}, [2, 2, 1], "at most 1: missed"),
    ([5, 10, 20], {}, [0.5, 0.5, 0.5], ""),
])
def test_a_goal_is_held_against_the_median_of_what_each_round_says(samples, options, relative, goal):
    row = row_of(samples, row_of([10, 20, 40]), **options)
    assert row.relative() == relative
    assert row.goal() == goal
    assert row.as_json()["goal"] == goal
    assert row.as_markdown().endswith(f"| {goal} |")


def test_runs_take_turns_and_a_failure_does_not_end_the_others():
    plain, cost = row_of([]), row_of([])
    through = row_of([], plain)
    order = []

    def measured(*figures):
        order.append(figures)
        return figures

    def fails():
        raise LabError("sender ended with 1:\n   no route  ")

    broken, notes = row_of([], plain), []
    rows = measuring.interleave("name", [([plain, cost], lambda: measured(10, 1)), ([broken], fails),
                                         ([through], lambda: measured(5))], 2, notes)
    assert order == [(10, 1), (5,), (10, 1), (5,)]
    assert rows == [plain, cost, through] and plain.samples == [10, 10] and cost.samples == [1, 1]
    assert notes == ["measure, path: sender ended with 1: no route"]


def test_without_what_others_are_compared_with_there_is_no_result():
    def fails():
        raise LabError("no link")

    with pytest.raises(LabError, match="no link"):
        measuring.interleave("name", [([row_of([])], fails)], 1, [])


def test_busy_time_leaves_out_idle_waiting_and_stolen():
    busy = measuring.busy_seconds("cpu  1 2 4 1000 2000 8 16 4000 0 0\ncpu0 9 9 9 9 9 9 9 9 9 9\n")
    assert busy * os.sysconf("SC_CLK_TCK") == pytest.approx(1 + 2 + 4 + 8 + 16)


def test_mappings_are_distinct(tmp_path):
    measuring.write_mappings(tmp_path / "mappings.csv", 4096)
    pairs = [line.split(",") for line in (tmp_path / "mappings.csv").read_text().splitlines()]
    assert pairs[0][0] == "100.64.0.0" and pairs[4095][0] == "100.64.15.255"
    assert len({ipv4 for ipv4, _ in pairs}) == len({ipv6 for _, ipv6 in pairs}) == 4096


def test_every_instance_gets_the_key():
    config = with_offload(MECHANISMS["464xlat"].customer + MECHANISMS["464xlat"].gateway, "tc")
    assert config.startswith("instances:\n  - name: clat\n") and config.count("    offload: tc\n") == 2
    assert "offload" not in with_offload(MECHANISMS["siit"].gateway, None)


def test_what_has_a_goal_runs_next_to_what_it_is_compared_with(monkeypatch):
    monkeypatch.setattr(offload_bench, "missing_kinds", lambda kinds: {"auto": "unknown"} if "auto" in kinds else {})
    assert offload_bench.kinds_by_links(argparse.Namespace(offload="off,tc,xdp")) == {False: ["tc", "off"], True: ["xdp"]}
    assert offload_bench.kinds_by_links(argparse.Namespace(offload="auto,off")) == {False: ["off"]}


def test_plain_ipv4_and_nat44_are_measured_once_for_each_length():
    scenarios = ["nat64", "siit", "map-e", "464xlat"]
    assert [one for one in scenarios if offload_bench.is_first_of_its_length(one, scenarios)] == ["nat64", "map-e"]


def test_rfc_6052_table_1():
    assert offload_bench.embedded_64("2001:db8:122:344::", "192.0.2.33") == "2001:db8:122:344:c0:2:2100:0"


@pytest.mark.parametrize("direction, way, octets, layers", [
    ("to the server", PLAIN_IPV4, 64, ["Ethernet", "IP", "UDP"]),
    ("to the client", PLAIN_IPV6, 84, ["Ethernet", "IPv6", "UDP"]),
    ("to the server", MECHANISMS["map-e"].way, 104, ["Ethernet", "IPv6", "IP", "UDP"]),
    ("to the client", MECHANISMS["map-e"].way, 64, ["Ethernet", "IP", "UDP"]),
])
def test_frames_reach_the_gateway_as_its_neighbours_send_them(direction, way, octets, layers):
    from scapy.layers.l2 import Ether
    frames = offload_bench.frames("map-e", way, direction, 8, "02:00:00:00:00:02")
    assert {len(frame) for frame in frames} == {octets} and len(set(frames)) == 8
    packet = Ether(frames[7])
    assert [layer.__name__.replace("Ether", "Ethernet") for layer in packet.layers()[:len(layers)]] == layers
    assert packet["UDP"].sport == 20007 and packet["UDP"].dport == 9 and packet["UDP"].chksum != 0
    assert offload_bench.frame_file(frames).splitlines()[7] == frames[7].hex()


def test_counters_of_nft():
    text = '{"nftables": [{"metainfo": {}}, {"counter": {"name": "received", "packets": 17, "bytes": 1088}}]}'
    assert offload_bench.packets_of(text) == 17


@pytest.mark.parametrize("option, complaint", [
    (["--only", "offlaod"], "offlaod: choose from"), (["--only", "offload", "--scenarios", "siit,slb64"], "slb64: choose from"),
    (["--only", "offload", "--flows", "100"], "a power of two"), (["--only", "tcp,offload"], "stands alone"),
    (["--only", "offload", "--realtime"], "falsifies round trips"),
])
def test_what_can_not_be_measured_is_said_at_once(option, complaint):
    done = subprocess.run([sys.executable, HERE / "lab_bench.py", *option], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and complaint in done.stderr
