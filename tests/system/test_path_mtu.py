"""Path MTU discovery through the translator: a small link somewhere must cost nothing but the first packet."""

import contextlib

import probes
import pytest


@contextlib.contextmanager
def small_link(dc, a, b, mtu):
    """The link between two nodes has this MTU, and nobody remembers what they learned before or in here."""

    def forget():
        for node in ("client", "server", "gateway"):
            dc.ip(node, "route flush cache")
            dc.ip(node, "-6 route flush cache")

    dc.mtu(a, b, mtu)
    forget()
    try:
        yield
    finally:
        dc.mtu(a, b, 1500)
        forget()


def upload(dc, node, address):
    return probes.http_upload(dc, node, address, probes.pattern(3_000_000), seconds=15)


@pytest.mark.parametrize("mtu", [1280, 1300, 1400])
def test_ipv6_link_is_small_and_the_ipv4_sender_learns_it(dc, mtu):
    """RFC 7915 §5.2: Packet Too Big becomes Fragmentation Needed, less 20."""
    with small_link(dc, "gateway", "router6", mtu):
        assert upload(dc, "client", dc.SERVER_AS_IPV4)
        assert probes.path_mtu(dc, "client", dc.SERVER_AS_IPV4) == mtu - 20


@pytest.mark.parametrize("mtu", [1280, 1300, 1400])
def test_ipv4_link_is_small_and_the_ipv6_sender_learns_it(dc, mtu):
    """RFC 7915 §4.2: Fragmentation Needed becomes Packet Too Big, plus 20."""
    with small_link(dc, "router4", "gateway", mtu):
        assert upload(dc, "server", dc.CLIENT_AS_IPV6)
        assert probes.path_mtu(dc, "server", dc.CLIENT_AS_IPV6) == mtu + 20


@pytest.mark.parametrize("mtu", [1280, 1400])
def test_other_direction_of_a_small_link(dc, mtu):
    """The router in front of the small link speaks the sender's own family; the translator is only on the way."""
    with small_link(dc, "gateway", "router6", mtu):
        assert upload(dc, "server", dc.CLIENT_AS_IPV6)
        assert probes.path_mtu(dc, "server", dc.CLIENT_AS_IPV6) == mtu
    with small_link(dc, "router4", "gateway", mtu):
        assert upload(dc, "client", dc.SERVER_AS_IPV4)
        assert probes.path_mtu(dc, "client", dc.SERVER_AS_IPV4) == mtu


def test_ipv4_link_below_the_ipv6_minimum(dc):
    """RFC 7915 §5.1: packets of up to 1280 octets leave with DF clear, and the IPv4 router fragments them."""
    with small_link(dc, "router4", "gateway", 600):
        assert upload(dc, "server", dc.CLIENT_AS_IPV6)
        assert probes.path_mtu(dc, "server", dc.CLIENT_AS_IPV6) == 1280
        payload = probes.pattern(1200)
        assert probes.udp_echo(dc, "server", dc.CLIENT_AS_IPV6, payload) == payload


@pytest.mark.parametrize("mtu", [1280, 1400])
def test_setting_ipv6_mtu_is_what_the_sender_learns(dc, mtu):
    """RFC 7915 §4.1: the translator itself says Fragmentation Needed, also about segments of a super-packet."""
    config = dc.CONFIG
    dc.translator.write_config(config + f"    ipv6-mtu: {mtu}\n")
    dc.translator.reload()
    dc.ip("client", "route flush cache")
    try:
        assert upload(dc, "client", dc.SERVER_AS_IPV4)
        assert probes.path_mtu(dc, "client", dc.SERVER_AS_IPV4) == mtu - 20
    finally:
        dc.translator.write_config(config)
        dc.translator.reload()
        dc.ip("client", "route flush cache")


def test_setting_ipv4_mtu_is_what_the_sender_learns(dc):
    """RFC 7915 §5.1: Packet Too Big from the translator, with the IPv4 MTU plus 20."""
    config = dc.CONFIG
    dc.translator.write_config(config + "    ipv4-mtu: 1400\n")
    dc.translator.reload()
    dc.ip("server", "-6 route flush cache")
    try:
        assert upload(dc, "server", dc.CLIENT_AS_IPV6)
        assert probes.path_mtu(dc, "server", dc.CLIENT_AS_IPV6) == 1420
    finally:
        dc.translator.write_config(config)
        dc.translator.reload()
        dc.ip("server", "-6 route flush cache")


@pytest.mark.parametrize("octets", [1440, 1460, 1480, 1481, 1492, 1500])
def test_udp_with_df_clear_arrives_at_once(dc, octets):
    """What WireGuard sends over IPv4: large packets that may be fragmented. None of them may be lost."""
    payload = probes.pattern(octets - 28)
    for _ in range(3):
        assert probes.udp_echo(dc, "client", dc.SERVER_AS_IPV4, payload, dont_fragment=False) == payload


@pytest.mark.parametrize("octets", [1440, 1460, 1480, 1492, 1500])
def test_udp_from_the_ipv6_side_arrives_at_once(dc, octets):
    payload = probes.pattern(octets - 48)
    for _ in range(3):
        assert probes.udp_echo(dc, "server", dc.CLIENT_AS_IPV6, payload, dont_fragment=False) == payload


@pytest.mark.parametrize("link", [("gateway", "router6"), ("router4", "gateway")], ids=["ipv6-link", "ipv4-link"])
def test_udp_over_a_small_link_arrives_once_the_mtu_is_known(dc, link):
    payload = probes.pattern(1420)
    with small_link(dc, *link, 1400):
        for node, address in (("client", dc.SERVER_AS_IPV4), ("server", dc.CLIENT_AS_IPV6)):
            answers = [probes.udp_echo(dc, node, address, payload, seconds=0.5) for _ in range(5)]
            assert answers[-2:] == [payload] * 2, f"from {node}: {[answer is not None for answer in answers]}"


def test_mss_clamp_spares_the_discovery(dc):
    """With `mss-clamp: auto` nobody ever sends too much, and no ICMP message is needed."""
    config = dc.CONFIG
    dc.translator.write_config(config + "    ipv6-mtu: 1400\n    mss-clamp: auto\n")
    dc.translator.reload()
    dc.ip("client", "route flush cache")
    try:
        before = dc.translator.drops("packet-too-big")
        assert upload(dc, "client", dc.SERVER_AS_IPV4)
        assert dc.translator.drops("packet-too-big") == before
    finally:
        dc.translator.write_config(config)
        dc.translator.reload()
        dc.ip("client", "route flush cache")
