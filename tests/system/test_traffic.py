"""Real programs across the translator (RFC 7915), both ways."""

import ipaddress
import socket

import probes
import pytest
from namespaces import OFFLOAD

DIRECTIONS = ["client-to-server", "server-to-client"]


def ends(dc, direction):
    """(sending node, the other node's address as the sender sees it, how the other node sees the sender)"""
    if direction == "client-to-server":
        return "client", dc.SERVER_AS_IPV4, dc.CLIENT_AS_IPV6
    return "server", dc.CLIENT_AS_IPV6, dc.SERVER_AS_IPV4


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_http_sees_the_translated_source(dc, direction):
    node, address, seen_as = ends(dc, direction)
    seen = probes.http_get(dc, node, address).removeprefix("hello ").partition(",")[0]
    assert ipaddress.ip_address(seen) == ipaddress.ip_address(seen_as)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_http_download_arrives_unchanged(dc, direction):
    node, address, _ = ends(dc, direction)
    assert probes.http_download(dc, node, address, 30_000_000)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_http_upload_arrives_unchanged(dc, direction):
    node, address, _ = ends(dc, direction)
    assert probes.http_upload(dc, node, address, probes.pattern(10_000_000))


@pytest.mark.parametrize("reverse", [False, True], ids=["to-ipv6", "to-ipv4"])
def test_iperf3_tcp(dc, reverse):
    figures = probes.iperf(dc, "client", dc.SERVER_AS_IPV4, seconds=2, reverse=reverse)
    assert figures["gbps"] > 0.2  # A sane figure; how fast it is, the benchmark says.
    segments = figures["octets"] / 1428
    assert figures["retransmits"] < 0.02 * segments, figures


def test_four_tcp_streams_at_once(dc):
    assert probes.iperf(dc, "client", dc.SERVER_AS_IPV4, seconds=2, options=["--parallel", 4])["gbps"] > 0.2


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_udp_of_every_kind_of_size(dc, direction):
    node, address, _ = ends(dc, direction)
    sizes = [0, 1, 2, 3, 7, 8, 63, 64, 65, 255, 256, 511, 512, 513, 1000, 1023, 1024, 1203, 1204, 1205, 1212, 1213,
             1231, 1232, 1233, 1239, 1240, 1241, 1251, 1252, 1253, 1280, 1360, 1400, 1420, 1431, 1432, 1433, 1440,
             1451, 1452, 1453, 1460, 1471, 1472]
    for size in sizes:
        payload = probes.pattern(size)
        assert probes.udp_echo(dc, node, address, payload, dont_fragment=False) == payload, f"{size} octets"


@pytest.mark.parametrize("size", [4096, 8192, 60000])
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_fragmented_udp(dc, direction, size):
    node, address, _ = ends(dc, direction)
    payload = probes.pattern(size)
    for _ in range(5):
        assert probes.udp_echo(dc, node, address, payload) == payload


UDP_SEGMENT = 103


@pytest.mark.parametrize("segment", [1, 100, 1200, 1232, 1233, 1452, 1453, 1472])
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_udp_segmentation_offload(dc, direction, segment):
    """What QUIC servers do: one send() of many datagrams, which the kernel hands to the device as one super-packet."""
    if direction == "server-to-client" and segment > 1452:
        pytest.skip("does not fit into one IPv6 packet of the sender")
    node, address, _ = ends(dc, direction)
    other = "server" if node == "client" else "client"
    family = socket.AF_INET6 if node == "server" else socket.AF_INET
    other_family = socket.AF_INET if node == "server" else socket.AF_INET6
    count = min(44, 60000 // segment)
    whole = probes.pattern(segment * count - segment // 3)  # The last one is shorter.
    with dc.socket(other, other_family, socket.SOCK_DGRAM) as receiver, dc.socket(node, family, socket.SOCK_DGRAM) as sender:
        receiver.bind(("::" if other == "server" else "0.0.0.0", 4433))
        receiver.settimeout(2)
        sender.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, segment)
        probes.set_dont_fragment(sender, False)
        sender.sendto(whole, (address, 4433))
        received = [receiver.recv(2000) for _ in range(count)]
    if OFFLOAD == "xdp":
        # The last, short one fits where the others must be cut, which is the engine's work: it overtakes them.
        received.sort(key=len, reverse=True)
    assert [len(datagram) for datagram in received[:-1]] == [segment] * (count - 1)
    assert b"".join(received) == whole


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("size", [0, 8, 56, 1000, 1232, 1400])
def test_ping(dc, direction, size):
    node, address, _ = ends(dc, direction)
    received, output = probes.ping(dc, node, address, count=5, size=size)
    assert received == 5, output


def test_ping_as_large_as_the_path_with_df(dc):
    """1480 octets of IPv4 become 1500 of IPv6."""
    received, output = probes.ping(dc, "client", dc.SERVER_AS_IPV4, size=1452, options=["-M", "do"])
    assert received == 3, output


def test_ping_larger_than_the_path_with_df_learns_the_mtu(dc):
    """RFC 7915 §4.1: DF and too big: Fragmentation Needed, with the IPv6 MTU less 20."""
    dc.ip("client", "route flush cache")
    received, output = probes.ping(dc, "client", dc.SERVER_AS_IPV4, size=1472, options=["-M", "do"])
    assert received == 0
    assert probes.path_mtu(dc, "client", dc.SERVER_AS_IPV4) == 1480, output
    dc.ip("client", "route flush cache")


def test_ping_without_df_is_fragmented_by_the_translator(dc):
    """One IPv4 packet of 1480 octets; the whole message is there, so its checksum can be translated."""
    received, output = probes.ping(dc, "client", dc.SERVER_AS_IPV4, size=1452, options=["-M", "dont"])
    assert received == 3, output


@pytest.mark.parametrize("size", [2000, 4000, 8000])
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_ping_that_its_sender_fragmented_is_dropped_and_counted(dc, direction, size):
    """RFC 7915 §4.2, §5.2: the checksum of a fragmented ICMP message can't be translated without reassembly."""
    node, address, _ = ends(dc, direction)
    before = dc.translator.drops("fragmented-icmp")
    received, _ = probes.ping(dc, node, address, count=2, size=size)
    assert received == 0
    assert dc.translator.drops("fragmented-icmp") > before


def test_tcp_connection_refused_is_quick(dc):
    with dc.socket("client", socket.AF_INET, socket.SOCK_STREAM) as client:
        client.settimeout(2)
        with pytest.raises(ConnectionRefusedError):
            client.connect((dc.SERVER_AS_IPV4, 81))


def test_udp_port_unreachable_reaches_the_sender(dc):
    """RFC 7915 §5.2: ICMPv6 1/4 becomes ICMPv4 3/3, and the quoted packet is the sender's own."""
    with dc.socket("client", socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(2)
        client.connect((dc.SERVER_AS_IPV4, 4711))
        client.send(b"anybody there?")
        with pytest.raises(ConnectionRefusedError):
            client.recv(100)
