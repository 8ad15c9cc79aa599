"""IPv4 in IPv6 between a customer's equipment and the provider's border, both ours, with an IPv6-only router between."""

import contextlib
import ipaddress
import socket
import time

import probes
import pytest
from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6, fragment6, IPv6ExtHdrFragment
from scapy.packet import Raw
from scenarios import Softwire
from tun_port import TunPort

SHARED = ["map-e", "lw4o6"]


@pytest.fixture(scope="module", params=["map-e", "map-t", "lw4o6", "ipip", "ds-lite"])
def line(request):
    with Softwire(request.param) as lab:
        lab.start()
        probes.serve_http(lab, "server", "::")
        probes.serve_echo(lab, "server", "0.0.0.0")
        yield lab
        for end in (lab.translator, lab.customer):
            assert end.process.running(), end.process.stderr


@contextlib.contextmanager
def small_link(lab, mtu):
    """The IPv6-only network has a link of this MTU in its middle, and nobody remembers what was learned."""

    def forget():
        for node in ("client", "server", "cpe", "br"):
            lab.ip(node, "route flush cache")
            lab.ip(node, "-6 route flush cache")

    lab.mtu("isp", "br", mtu)
    forget()
    try:
        yield
    finally:
        lab.mtu("isp", "br", 1500)
        forget()


def test_the_server_sees_the_public_address(line):
    page = probes.http_get(line, "client", line.SERVER)
    seen = ipaddress.ip_address(page.removeprefix("hello ").partition(",")[0])
    assert (seen.ipv4_mapped or seen) == ipaddress.ip_address(line.client_as_seen)


def test_transfers_arrive_unchanged(line):
    assert probes.http_download(line, "client", line.SERVER, 20_000_000)
    assert probes.http_upload(line, "client", line.SERVER, probes.pattern(5_000_000))


@pytest.mark.parametrize("size", [0, 64, 1232, 1432, 1433, 1472, 4096, 16000])
def test_udp(line, size):
    """In a tunnel the IPv6 packet is cut from 1433 octets on, the IPv4 packet as well from 1473 on."""
    payload = probes.pattern(size)
    assert probes.udp_echo(line, "client", line.SERVER, payload, dont_fragment=False) == payload


def test_ping_small_and_big(line):
    assert probes.ping(line, "client", line.SERVER)[0] == 3
    if line.kind != "map-t":  # Its customer's end is a stateless translator, which can't put an echo request together.
        assert probes.ping(line, "client", line.SERVER, size=3000, options=["-M", "dont"])[0] == 3


def test_the_ends_of_the_tunnel_answer_pings(line):
    if line.kind == "map-t":
        pytest.skip("MAP-T has no tunnel")
    assert probes.ping(line, "isp", line.BORDER_ADDRESS)[0] == 3
    assert probes.ping(line, "isp", line.CE_ADDRESS)[0] == 3


def test_traceroute_sees_one_hop_for_the_tunnel(line):
    hops = probes.traceroute(line, "client", line.SERVER)
    # A translator is a router of its own (RFC 7915 §4.1), and so is the one between the two; a tunnel is one hop.
    assert hops[-1] == line.SERVER and (len(hops) == 3 or line.kind == "map-t")


@pytest.mark.parametrize("mtu", [1280, 1400])
def test_a_small_link_inside_the_network(line, mtu):
    """RFC 2473 §8: a router in the network says Packet Too Big to the tunnel's end, and that tells the sender."""
    with small_link(line, mtu):
        assert probes.http_upload(line, "client", line.SERVER, probes.pattern(3_000_000), seconds=15)
        assert probes.http_download(line, "client", line.SERVER, 3_000_000)


def test_a_datagram_finds_its_way_through_a_small_link(line):
    """What the border learned about the way, it keeps to for packets that may be cut."""
    with small_link(line, 1300):
        payload = probes.pattern(1400)
        answers = [probes.udp_echo(line, "client", line.SERVER, payload, dont_fragment=False) for _ in range(4)]
        assert answers[-1] == payload


@pytest.fixture(params=SHARED)
def shared_line(request):
    with Softwire(request.param) as lab:
        lab.start()
        probes.serve_echo(lab, "server", "0.0.0.0")
        yield lab


def test_forged_sources_do_not_pass(shared_line):
    """RFC 7597 §8.1: source address and port must be the customer's who owns the outer source."""
    lab = shared_line
    right, wrong = lab.CE_ADDRESS, "2001:db8:12:8000:0:c000:212:2"
    inner = UDP(sport=20000, dport=9) / Raw(b"yonroku!")
    forged = [
        IPv6(src=right, dst=lab.BORDER_ADDRESS) / IP(src=lab.SHARED, dst=lab.SERVER) / UDP(sport=80, dport=9),
        IPv6(src=right, dst=lab.BORDER_ADDRESS) / IP(src=lab.SHARED, dst=lab.SERVER) / UDP(sport=32768, dport=9),
        IPv6(src=right, dst=lab.BORDER_ADDRESS) / IP(src=lab.SHARED, dst=lab.SERVER) / ICMP(id=5),
        IPv6(src=right, dst=lab.BORDER_ADDRESS) / IP(src="192.0.2.19", dst=lab.SERVER) / inner,
        IPv6(src=right, dst=lab.BORDER_ADDRESS) / IP(src="203.0.113.99", dst=lab.SERVER) / inner,
        IPv6(src=wrong, dst=lab.BORDER_ADDRESS) / IP(src=lab.SHARED, dst=lab.SERVER) / inner,
        IPv6(src="2001:db8:12:4000::1", dst=lab.BORDER_ADDRESS) / IP(src=lab.SHARED, dst=lab.SERVER) / inner,
    ]
    with TunPort(lab, "br", "br") as port:
        before = lab.translator.drops("source-spoofed")
        passed = lab.translator.counters()[0]["to-ipv4"]
        for packet in forged:
            port.send(packet)
        port.send(IPv6(src=right, dst=lab.BORDER_ADDRESS) / IP(src=lab.SHARED, dst=lab.SERVER) / inner)
        time.sleep(0.3)
        assert lab.translator.drops("source-spoofed") == before + len(forged)
        assert lab.translator.counters()[0]["to-ipv4"] == passed + 1


def test_a_flood_of_fragments_leaves_room_for_others(shared_line):
    """First fragments whose rest never comes: memory stays bounded, and whole packets and new fragments still pass."""
    lab = shared_line
    with TunPort(lab, "br", "br") as port:
        for number in range(3000):
            port.send(IP(src=f"198.18.{number >> 8}.{number & 255}", dst=lab.SHARED, id=number, flags="MF") /
                      UDP(sport=1, dport=20000) / Raw(b"x" * 1400))
    payload = probes.pattern(4096)
    assert probes.udp_echo(lab, "client", lab.SERVER, payload, dont_fragment=False) == payload
    assert lab.translator.drops("reassembly-no-room") > 0


def test_a_fragmented_tunnel_packet_in_any_order(shared_line):
    lab = shared_line
    whole = IPv6(src=lab.CE_ADDRESS, dst=lab.BORDER_ADDRESS) / IPv6ExtHdrFragment(id=7) / \
        IP(src=lab.SHARED, dst=lab.SERVER) / UDP(sport=20000, dport=9) / Raw(b"y" * 4000)
    with TunPort(lab, "br", "br") as port:
        passed = lab.translator.counters()[0]["to-ipv4"]
        for piece in reversed(fragment6(whole, 1280)):
            port.send(piece)
        time.sleep(0.3)
        assert lab.translator.counters()[0]["to-ipv4"] == passed + 1


def test_two_customers_reach_each_other(shared_line):
    """Hairpinning (RFC 7596 §6.2): the client behind one customer's NAT talks to the other."""
    lab = shared_line
    neighbour, address = "2001:db8:13:8000:0:c000:213:2", "192.0.2.19"
    if lab.kind == "lw4o6":
        lab.translator.write_config(lab.BORDERS[lab.kind] +
                                    f'      - {{b4-address: "{neighbour}", ipv4: {address}, psid-length: 2, psid: 2}}\n')
        lab.translator.reload()
    with TunPort(lab, "br", "br") as port, lab.socket("client", socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(2)
        client.sendto(b"to the neighbour", (address, 40000))
        sent = [IPv6(packet) for packet in port.received(1) if packet[0] >> 4 == 6]
        sent = [packet for packet in sent if packet.dst == neighbour]
        assert len(sent) == 1 and bytes(sent[0][UDP].payload) == b"to the neighbour"
        assert (sent[0].src, sent[0][IP].src, sent[0][UDP].dport) == (lab.BORDER_ADDRESS, lab.SHARED, 40000)
        assert lab.PORTS[0] <= sent[0][UDP].sport <= lab.PORTS[1]
        port.send(IPv6(src=neighbour, dst=lab.BORDER_ADDRESS) / IP(src=address, dst=lab.SHARED) /
                  UDP(sport=40000, dport=sent[0][UDP].sport) / Raw(b"and back"))
        assert client.recvfrom(100) == (b"and back", (address, 40000))
    if lab.kind == "lw4o6":
        lab.translator.write_config(lab.BORDERS[lab.kind])
        lab.translator.reload()


def test_reload_under_load_loses_nothing(shared_line):
    """The rules are replaced while a flow runs both ways."""
    lab = shared_line
    probes.udp_echo(lab, "client", lab.SERVER, b"neighbours are known before anything is counted")
    more = {"map-e": '      - {ipv6-prefix: "2001:db9::/40", ipv4-prefix: 198.51.100.0/24, ea-length: 10, psid-offset: 0}\n',
            "lw4o6": '      - {b4-address: "2001:db8:13::1", ipv4: 198.51.100.1}\n'}[lab.kind]
    for attempt in range(3):
        flow = probes.CountedFlow(lab, "client", "server", "0.0.0.0", lab.SERVER, 5000)
        flow.go_first()
        lab.translator.process.go_first()
        lab.customer.process.go_first()
        time.sleep(0.3)
        for round_number in range(6):
            lab.translator.write_config(lab.BORDERS[lab.kind] + (more if round_number % 2 == 0 else ""))
            lab.translator.reload()
        result = flow.finish()
        assert result["sent"] > 500 and result["duplicates"] == 0
        if result["lost"] == 0:
            return
    pytest.fail(f"{result}")


def test_ports_of_nobody_are_refused(shared_line):
    """A packet from outside to a port that no customer has: the sender is told (RFC 7596 §6.2)."""
    lab = shared_line
    before = lab.translator.drops("no-softwire") + lab.translator.drops("port-not-assigned")
    with TunPort(lab, "br", "br") as port:
        port.send(IP(src=lab.SERVER, dst="192.0.2.200" if lab.kind == "lw4o6" else "198.51.100.9") /
                  UDP(sport=1, dport=2) / Raw(b"?"))
        port.send(IPv6(src="2001:db8:b::1", dst=lab.BORDER_ADDRESS) / ICMPv6EchoRequest())
    time.sleep(0.3)
    assert lab.translator.drops("no-softwire") + lab.translator.drops("port-not-assigned") == before + 1
