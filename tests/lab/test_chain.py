"""The chain on which the offload is measured: every mechanism crosses it, and XDP's links are as XDP needs them."""

import pathlib
import re
import sys
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "bench"))

import offload_bench  # noqa: E402  (the benchmark uses the chain)
import namespaces  # noqa: E402
import probes  # noqa: E402
from chain import MECHANISMS, NAT44, PLAIN_IPV4, PLAIN_IPV6, Chain  # noqa: E402
from translators import yonroku_binary  # noqa: E402

pytestmark = pytest.mark.skipif(namespaces.why_no_lab() is not None, reason=f"the lab {namespaces.why_no_lab()}")
needs_yonroku = pytest.mark.skipif(not yonroku_binary().exists(), reason=f"there is no {yonroku_binary()}")
needs_feeder = pytest.mark.skipif(not offload_bench.FEEDER.exists(), reason=f"there is no {offload_bench.FEEDER}")


def assert_crosses(lab, way):
    probes.serve_echo(lab, "server", way.any_address("server"))
    assert probes.udp_echo(lab, "client", way.server, b"to the server and back") == b"to the server and back"
    sink = lab.spawn("client", [probes.udp_tool(), "sink", "--bind", way.any_address("client"), "--port", probes.SINK_PORT,
                                "--quiet", 300], "sink")
    sink.wait_for_line("listening")
    lab.spawn("server", [probes.udp_tool(), "send", "--to", way.client, "--port", probes.SINK_PORT, "--count", 100, "--rate",
                         2000, "--flows", 4], "source").result()
    assert sink.result()["unique"] == 100


@pytest.mark.parametrize("has_customer", [False, True])
def test_plain_forwarding_and_nat44(has_customer):
    with Chain(has_customer) as lab:
        probes.ping(lab, "client", PLAIN_IPV6.server)
        assert_crosses(lab, PLAIN_IPV6)
        assert_crosses(lab, PLAIN_IPV4)
    with Chain(has_customer) as lab:
        assert_crosses(lab.start_nat44(), NAT44)


@needs_yonroku
@pytest.mark.parametrize("xdp_links", [False, True])
@pytest.mark.parametrize("name", MECHANISMS)
def test_every_mechanism_crosses(name, xdp_links):
    with Chain(MECHANISMS[name].has_customer, xdp_links) as lab:
        lab.start(name)
        time.sleep(0.1)
        assert_crosses(lab, MECHANISMS[name].way)
        assert all(translator.accounted() >= 100 for translator in lab.translators)


def test_links_for_xdp():
    with Chain(has_customer=True, xdp_links=True) as lab:
        for node, device, gro in (("client", "to-cpe", "on"), ("cpe", "to-gateway", "on"), ("gateway", "to-cpe", "off"),
                                  ("gateway", "to-server", "off"), ("server", "to-gateway", "on")):
            features = lab.run(node, ["ethtool", "-k", device]).stdout
            assert re.search(r"^tx-checksumming: off", features, re.MULTILINE), node
            assert re.search(r"^tcp-segmentation-offload: off", features, re.MULTILINE), node
            assert re.search(rf"^generic-receive-offload: {gro}", features, re.MULTILINE), node


@needs_feeder
@pytest.mark.parametrize("sink", offload_bench.FEED_SINKS)
@pytest.mark.parametrize("way", [PLAIN_IPV6, PLAIN_IPV4])
def test_fed_frames_are_forwarded_and_counted(way, sink):
    with Chain(xdp_links=True) as lab:
        offload_bench.know_neighbours(lab)
        path = lab.folder / "frames"
        path.write_text(offload_bench.frame_file(offload_bench.frames("siit", way, "to the server", 4,
                                                                      lab.mac("gateway", "to-client"))))
        with offload_bench.FEED_SINKS[sink](lab, "server") as received:
            argv = [offload_bench.FEEDER, "feed", "--interface", "to-client", "--frames", path, "--seconds", 0.01]
            sent = lab.spawn("gateway", argv, "feed").result()["sent"]
            time.sleep(0.2)
            assert 0.9 * sent <= received() <= sent + 100  # The link itself may say a word.


@needs_feeder
def test_a_program_that_is_not_there_is_not_measured():
    with Chain(xdp_links=True) as lab:
        path = lab.folder / "frames"
        path.write_text("00" * 64 + "\n")
        argv = [offload_bench.FEEDER, "feed", "--interface", "to-client", "--frames", path, "--attached"]
        done = lab.run("gateway", argv, check=False)
        assert done.returncode == 1 and "to-client has no XDP program" in done.stderr
