"""traceroute across the translator: every hop shows, on both sides, in every mode."""

import ipaddress

import probes
import pytest
from scenarios import behind_pref64

MODES = {"udp": (), "icmp": ("-I",), "tcp": ("-T", "-p", "80")}


def same(hops, expected):
    return [ipaddress.ip_address(hop) if hop != "*" else hop for hop in hops] == [
        ipaddress.ip_address(hop) for hop in expected]


@pytest.mark.parametrize("mode", MODES)
def test_from_the_ipv4_side(dc, mode):
    """IPv6 routers without a mapping show as 192.0.0.8, the dummy address for them."""
    hops = probes.traceroute(dc, "client", dc.SERVER_AS_IPV4, MODES[mode])
    expected = ["203.0.113.1", "198.51.100.2",  # router4, the gateway's kernel
                "192.0.0.8",                    # the translator
                "192.0.0.8", "192.0.0.8",       # the gateway's kernel once more, on the IPv6 side, and router6
                dc.SERVER_AS_IPV4]
    assert same(hops, expected), hops


@pytest.mark.parametrize("mode", MODES)
def test_from_the_ipv6_side(dc, mode):
    hops = probes.traceroute(dc, "server", dc.CLIENT_AS_IPV6, MODES[mode])
    expected = ["2001:db8:5::1", "2001:db8:6::1",
                behind_pref64("192.0.0.8"),
                behind_pref64("198.51.100.2"), behind_pref64("198.51.100.1"),
                dc.CLIENT_AS_IPV6]
    assert same(hops, expected), hops


def test_mapped_routers_show_with_their_own_addresses(dc):
    dc.translator.mappings("add", "192.0.2.61", "2001:db8:6::1")
    dc.translator.mappings("add", "192.0.2.62", "2001:db8:6::2")
    try:
        hops = probes.traceroute(dc, "client", dc.SERVER_AS_IPV4)
    finally:
        dc.translator.mappings("remove", "192.0.2.61")
        dc.translator.mappings("remove", "192.0.2.62")
    assert hops == ["203.0.113.1", "198.51.100.2", "192.0.0.8", "192.0.2.61", "192.0.2.62", dc.SERVER_AS_IPV4]


def test_tracepath_finds_the_mtu(dc):
    dc.ip("client", "route flush cache")
    output = dc.run("client", ["tracepath", "-n", "-m", "12", dc.SERVER_AS_IPV4]).stdout
    assert "Resume: pmtu 1480" in output, output
    output = dc.run("server", ["tracepath", "-6", "-n", "-m", "12", dc.CLIENT_AS_IPV6]).stdout
    assert "Resume: pmtu 1500" in output, output
