"""The customer edges of MAP-E, MAP-T and lightweight 4over6, and DS-Lite's AFTR, with real traffic: hosts with private
addresses, an IPv6-only provider, the IPv4 Internet, and our own program at both ends of what is between.

Two customers share one public address, and their hosts have the same private addresses.
"""

import contextlib
import json
import socket

import probes
import pytest
from name_server import Unbound
from namespaces import LabError
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.packet import Raw
from scenarios import CustomerEdge, KernelB4, KernelBorder, TaygaBorder
from translators import Tayga
from tun_port import TunPort

IP_RECVERR = 11
BEHIND_A_WALL = "203.0.113.99"
KINDS = ["map-e", "v6plus", "map-t", "lw4o6", "ds-lite"]
MAP = ["map-e", "v6plus", "map-t"]


def forwarded(lab, host):
    """The TCP and the UDP port under which the Internet reaches a host's HTTP and echo servers."""
    return sorted(lab.ports(1 if host == "friend" else 0))[slice(4, 6) if host == "friend" else slice(8, 10)]


def forwards(lab, *hosts):
    made = [lab.forward(protocol, host, inside_port, outside_port) for host in hosts for protocol, inside_port, outside_port in
            zip(("tcp", "udp"), (probes.HTTP_PORT, probes.ECHO_PORT), forwarded(lab, host))]
    return "    static-bindings:\n" + "".join(made)


def start(lab, options=""):
    if lab.kind == "ds-lite":
        return lab.start(options + forwards(lab, "sibling", "friend"))
    return lab.start(options + forwards(lab, "sibling"), options + forwards(lab, "friend"))


def serve(lab):
    for node in ("server", "other", "sibling", "friend"):
        probes.serve_http(lab, node, "0.0.0.0")
        probes.serve_echo(lab, node, "0.0.0.0")


@pytest.fixture(scope="module", params=KINDS)
def line(request):
    """One lab for all tests that leave it as it was."""
    with CustomerEdge(request.param) as lab:
        start(lab)
        serve(lab)
        watch(lab)
        yield lab
        for end in (lab.translator, *lab.edges):
            assert end.process.running(), end.process.stderr


@pytest.fixture
def fresh(request):
    """A lab of its own, for tests that change or harm the daemons. Not started."""
    with CustomerEdge(request.param) as lab:
        yield lab
        for end in (lab.translator, *lab.edges):
            assert end.process.running(), end.process.stderr


def watch(lab):
    """The kernel of the first router in the Internet counts what comes from the shared address, by its source port; and it
    refuses what is for one address."""
    of_customers = ", ".join(map(str, ranges(lab.ports(0) | lab.ports(1))))
    lab.run("internet", ["nft", "-f", "-"], text_input=f"""
table ip witness {{
  counter own {{ }}
  counter foreign {{ }}
  chain forward {{
    type filter hook forward priority filter;
    ip daddr {BEHIND_A_WALL} reject with icmp host-unreachable
    iifname "to-br" ip saddr {lab.SHARED} ip frag-off & 0x1fff == 0 jump look
  }}
  chain look {{
    meta l4proto {{ tcp, udp }} th sport {{ {of_customers} }} counter name own return
    icmp type echo-request icmp id {{ {of_customers} }} counter name own return
    icmp type != echo-request counter name own return
    counter name foreign
  }}
}}
""")


def ranges(ports):
    """The same as first-last."""
    firsts, lasts = sorted(port for port in ports if port - 1 not in ports), sorted(port for port in ports if port + 1 not in ports)
    return [f"{first}-{last}" if first < last else first for first, last in zip(firsts, lasts)]


def seen(lab, name):
    words = lab.run("internet", ["nft", "list", "counter", "ip", "witness", name]).stdout.split()
    return int(words[words.index("packets") + 1])


def udp(lab, node, port=0):
    """A bound UDP socket in a node."""
    made = lab.socket(node, socket.AF_INET, socket.SOCK_DGRAM)
    made.bind(("", port))
    made.settimeout(2)
    return made


def get(lab, node, address, port=80, seconds=5):
    return lab.run(node, ["curl", "-sS", "--max-time", seconds, f"http://{address}:{port}/"], seconds + 5).stdout.strip()


# What people do with it


def test_the_provider_has_no_ipv4(line):
    assert line.ip("isp", "-4 -o addr show scope global") == ""
    assert line.ip("isp", "-4 route show") == ""


def test_transfers_arrive_unchanged(line):
    assert get(line, "client", line.SERVER) == f"hello {line.SHARED}, this is {line.SERVER}"
    assert get(line, "friend", line.SERVER) == f"hello {line.SHARED}, this is {line.SERVER}"
    assert probes.http_download(line, "client", line.SERVER, 20_000_000)
    assert probes.http_upload(line, "client", line.SERVER, probes.pattern(5_000_000))


@pytest.fixture(scope="module")
def iperf_server(line):
    return probes.serve_iperf(line, "server")


@pytest.mark.usefixtures("iperf_server")
@pytest.mark.parametrize("reverse", [False, True], ids=["up", "down"])
def test_iperf3_tcp(line, reverse):
    figures = probes.iperf(line, "client", line.SERVER, seconds=1, reverse=reverse)
    assert figures["gbps"] > 0.05  # A sane figure; how fast it is, the benchmark says.
    assert figures["retransmits"] < 0.05 * figures["octets"] / 1400, figures


@pytest.mark.skipif(not Unbound.installed(), reason="unbound is not installed")
def test_names(line):
    line.serve_names()
    for node in ("client", "friend"):
        for how in ("+notcp", "+tcp"):
            answer = line.run(node, ["dig", how, "+short", "+time=2", f"@{line.SERVER}", "server.example", "A"])
            assert answer.stdout.strip() == line.SERVER


@pytest.mark.parametrize("size", [0, 64, 1232, 1433, 1472, 4000, 16000])
def test_udp(line, size):
    """In a tunnel the IPv6 packet is cut from 1433 octets on, the IPv4 packet as well from 1473 on."""
    payload = probes.pattern(size)
    assert probes.udp_echo(line, "client", line.SERVER, payload, dont_fragment=False) == payload


@pytest.mark.parametrize("size", [0, 56, 1232, 3000])
def test_ping(line, size):
    received, output = probes.ping(line, "client", line.SERVER, size=size, options=["-M", "dont"])
    assert received == 3, output


HOPS = {
    # A translator is a hop of its own, and the IPv6 routers between the two have no IPv4 address.
    "map-t": ["192.168.1.1", *["192.0.0.8"] * 5, "198.51.100.2", "198.51.100.1"],
    "ds-lite": ["192.168.1.1", "192.0.0.1", "198.51.100.1"],  # RFC 6333 §6.5
}


@pytest.mark.parametrize("mode", [[], ["-I"], ["-T"]], ids=["udp", "icmp", "tcp"])
def test_traceroute(line, mode):
    """Every hop answers; a tunnel is one hop."""
    hops = probes.traceroute(line, "client", line.SERVER, mode)
    assert hops == HOPS.get(line.kind, ["192.168.1.1", "198.51.100.2", "198.51.100.1"]) + [line.SERVER]


def test_programs_of_the_customer_edge_itself(line):
    assert get(line, "cpe", line.SERVER) == f"hello {line.SHARED}, this is {line.SERVER}"


def test_refusals_reach_the_client(line):
    """ICMP errors from the Internet, and a TCP reset."""
    with line.socket("client", socket.AF_INET, socket.SOCK_STREAM) as client:
        client.settimeout(2)
        with pytest.raises(ConnectionRefusedError):
            client.connect((line.SERVER, 81))
    with udp(line, "client") as client:
        client.connect((line.SERVER, 4711))
        client.send(b"anybody there?")
        with pytest.raises(ConnectionRefusedError):
            client.recv(100)
    with udp(line, "client") as client:  # From a router on the way.
        client.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
        client.connect((BEHIND_A_WALL, 7))
        client.send(b"anybody there?")
        with pytest.raises(OSError, match="No route to host"):
            client.recv(100)


# Path MTU


@contextlib.contextmanager
def small_link(lab, one, other, mtu):
    """What `one` sends to `other` must be this small, and nobody remembers what was learned."""

    def forget():
        for node in ("client", "server", "cpe", "br", "isp", "internet"):
            lab.ip(node, "route flush cache")
            lab.ip(node, "-6 route flush cache")

    lab.ip(one, f"link set to-{other} mtu {mtu}")
    forget()
    try:
        yield
    finally:
        lab.ip(one, f"link set to-{other} mtu 1500")
        forget()


def test_a_datagram_too_large_for_the_line(line):
    """With DF set: the client is told how much there is room for, behind 40 octets of IPv6 or the difference of headers."""
    room = 1480 if line.kind == "map-t" else 1460
    with udp(line, "client") as client:
        probes.set_dont_fragment(client, True)
        client.connect((line.SERVER, probes.ECHO_PORT))
        client.send(probes.pattern(1472))
        with pytest.raises(OSError, match="Message too long"):
            client.recv(2000)
        assert probes.path_mtu(line, "client", line.SERVER) == room
        client.send(probes.pattern(room - 28))
        assert client.recv(2000) == probes.pattern(room - 28)
    line.ip("client", "route flush cache")


def test_a_small_link_of_the_provider(line):
    """RFC 2473 §8: a router inside the tunnel says Packet Too Big to the tunnel's end, and that tells the host."""
    with small_link(line, "isp", "br", 1400):
        assert probes.http_upload(line, "client", line.SERVER, probes.pattern(1_000_000), seconds=15)
        assert probes.path_mtu(line, "client", line.SERVER) == (1380 if line.kind == "map-t" else 1360)
    with small_link(line, "isp", "cpe", 1400):
        assert probes.http_download(line, "client", line.SERVER, 1_000_000, seconds=15)


def test_a_small_link_in_the_internet(line):
    """Fragmentation Needed quotes the shared address, and finds the host all the same."""
    with small_link(line, "internet", "server", 1300):
        assert probes.http_upload(line, "client", line.SERVER, probes.pattern(1_000_000), seconds=15)
        assert probes.path_mtu(line, "client", line.SERVER) == 1300


def test_a_small_link_at_home(line):
    """And the other way: what the customer's router says about a packet for a private address."""
    with small_link(line, "cpe", "client", 1300):
        assert probes.http_download(line, "client", line.SERVER, 1_000_000, seconds=15)
        assert probes.path_mtu(line, "server", line.SHARED) == 1300


# Who is who


def test_a_port_forward_from_the_internet(line):
    for host, address in (("sibling", line.SIBLING), ("friend", line.CLIENT)):
        tcp_port, udp_port = forwarded(line, host)
        assert get(line, "server", line.SHARED, tcp_port) == f"hello {line.SERVER}, this is {address}"
        for size in (10, 4000):
            payload = probes.pattern(size)
            assert probes.udp_echo(line, "server", line.SHARED, payload, port=udp_port, dont_fragment=False) == payload


def test_hairpinning_between_two_hosts_of_one_customer(line):
    """By the public address and port: the other sees the public address too (RFC 4787 REQ-9)."""
    tcp_port, udp_port = forwarded(line, "sibling")
    assert get(line, "client", line.SHARED, tcp_port) == f"hello {line.SHARED}, this is {line.SIBLING}"
    for size in (10, 1400, 4000):
        payload = probes.pattern(size)
        assert probes.udp_echo(line, "client", line.SHARED, payload, port=udp_port, dont_fragment=False) == payload
    with udp(line, "server", 4000) as server, udp(line, "client") as one, udp(line, "sibling") as two:
        where = []
        for sender in (one, two):  # A server tells each of the other's port.
            sender.sendto(b"?", (line.SERVER, 4000))
            where.append(server.recvfrom(10)[1])
        one.sendto(b"to the sibling", where[1])
        assert two.recvfrom(100) == (b"to the sibling", where[0])
        two.sendto(b"and back", where[0])
        assert one.recvfrom(100) == (b"and back", where[1])


def test_two_customers_with_the_same_address(line):
    """They are told apart by their ports. With MAP, directly: the border relay sees nothing of it (RFC 7597 §8)."""

    def crossed_the_border():
        entry = line.translator.counters()[0]
        return entry["to-ipv4"] + entry["to-ipv6"] + entry["hairpin"]

    before = crossed_the_border()
    assert get(line, "client", line.SHARED, forwarded(line, "friend")[0]) == f"hello {line.SHARED}, this is {line.CLIENT}"
    assert get(line, "friend", line.SHARED, forwarded(line, "sibling")[0]) == f"hello {line.SHARED}, this is {line.SIBLING}"
    for size in (10, 1400, 4000):
        payload = probes.pattern(size)
        port = forwarded(line, "friend")[1]
        assert probes.udp_echo(line, "client", line.SHARED, payload, port=port, dont_fragment=False) == payload
    assert crossed_the_border() - before == 0 if line.kind in MAP else crossed_the_border() - before >= 16


def test_the_same_private_addresses_and_ports(line):
    """Of two customers: each gets its own answers."""
    with udp(line, "server", 4000) as server, udp(line, "client", 5000) as one, udp(line, "friend", 5000) as two:
        outside = {}
        for sender, name in ((one, b"client"), (two, b"friend")):
            sender.sendto(name, (line.SERVER, 4000))
            content, outside[name] = server.recvfrom(100)
            assert content == name and outside[name][0] == line.SHARED
        assert outside[b"client"] != outside[b"friend"]
        for name, where in outside.items():
            server.sendto(b"for " + name, where)
        assert one.recv(100) == b"for client" and two.recv(100) == b"for friend"


# The operator's view


def test_show_tells_who_has_what(line):
    """Hosts of a customer edge are IPv4 addresses, those of an AFTR an IPv4 address behind a B4."""
    with udp(line, "server", 4001) as server, udp(line, "client", 5002) as client:
        client.sendto(b"?", (line.SERVER, 4001))
        outside = server.recvfrom(10)[1]
        chosen = ["--protocol", "udp", "--inside", "192.168.1.2", "--remote", f"{line.SERVER}:4001"]
        sessions = [one for one in show(line, "sessions", *chosen) if one["inside-port"] == 5002]
    b4 = line.B4S["ds-lite"][0] if line.kind == "ds-lite" else None
    assert len(sessions) == 1
    assert (sessions[0].get("inside"), sessions[0]["inside-ipv4"]) == (b4, "192.168.1.2")
    assert (sessions[0]["outside"], sessions[0]["outside-port"]) == outside
    assert (sessions[0]["remote"], sessions[0]["remote-port"]) == (line.SERVER, 4001)
    bindings = show(line, "bindings", "--protocol", "udp", "--outside", "{}:{}".format(*outside))
    assert [(one["inside-ipv4"], one["inside-port"], one.get("inside")) for one in bindings] == [("192.168.1.2", 5002, b4)]
    subscribers = {one["subscriber"]: one for one in show(line, "subscribers")}
    assert subscribers[b4 or "192.168.1.2"]["bindings"] >= 1
    assert [(one["address"], one["ports"]) for one in show(line, "ports")] == [(line.SHARED, len(line.ports(0)))]
    assert line.SHARED in line.nat.command("show", "bindings").stdout


def show(lab, topic, *words):
    return json.loads(lab.nat.command("show", topic, *words, "--json").stdout)[topic]


def test_reload_keeps_connections(line):
    """A reload of both ends, with other timeouts and without the port forwards."""
    with Talk(line) as talk, udp(line, "server", 4002) as server, udp(line, "client") as client:
        client.sendto(b"?", (line.SERVER, 4002))
        outside = server.recvfrom(10)[1]
        before = {end: end.config.partition("\n")[2] for end in (line.translator, *line.edges)}
        try:
            line.nat.write_config(line.nat_config("    udp-timeout: 200\n    tcp-established-timeout: 8000\n"))
            for end in before:
                end.reload()
            talk.say(b"after the reload")
            server.sendto(b"still there?", outside)
            assert client.recv(100) == b"still there?"
            with pytest.raises(LabError):
                get(line, "server", line.SHARED, forwarded(line, "sibling")[0], seconds=1)
        finally:
            for end, config in before.items():
                end.write_config(config)
                end.reload()
        talk.say(b"as before")
        client.sendto(b"?", (line.SERVER, 4002))
        assert server.recvfrom(10)[1] == outside
        assert get(line, "server", line.SHARED, forwarded(line, "sibling")[0]) == f"hello {line.SERVER}, this is {line.SIBLING}"


class Talk:
    """One TCP connection from the client to the server that says something now and then, and hears it again."""

    def __init__(self, lab, port=7777):
        with lab.socket("server", socket.AF_INET, socket.SOCK_STREAM) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("", port))
            listener.listen()
            self.client = lab.socket("client", socket.AF_INET, socket.SOCK_STREAM)
            self.client.settimeout(5)
            self.client.connect((lab.SERVER, port))
            self.server, self.where = listener.accept()
            self.server.settimeout(5)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.close()
        self.server.close()

    def say(self, what):
        self.client.sendall(what)
        assert self.server.recv(100) == what
        self.server.sendall(what[::-1])
        assert self.client.recv(100) == what[::-1]


@pytest.mark.parametrize("customer", [0, 1])
def test_every_port_of_the_set_and_no_other(line, customer):
    """What the servers see is the set that the formula of RFC 7597 §5.1 makes, all of it and nothing else."""
    ports = line.ports(customer)
    with udp(line, "server", 4000) as server, contextlib.ExitStack() as stack:
        heard = set()

        def hear(seconds):
            """False: nobody for so long."""
            server.settimeout(seconds)
            try:
                address, port = server.recvfrom(10)[1]
            except TimeoutError:
                return False
            assert address == line.SHARED
            heard.add(port)
            return True

        for _ in range(300):
            stack.enter_context(udp(line, ("client", "friend")[customer])).sendto(b"?", (line.SERVER, 4000))
            hear(0.05)
        while hear(0.5):  # one that came too late is taken for the next
            pass
    assert heard <= ports
    if line.kind == "ds-lite":
        assert len(heard) == 300
    else:  # But for those of the static bindings, and of what other tests have left.
        assert len(heard) > len(ports) - 40


def test_no_port_of_others_was_ever_used(line):
    """The router in the Internet has watched all tests of this file."""
    assert seen(line, "own") > 1000
    assert seen(line, "foreign") == 0
    if line.kind != "ds-lite":
        assert line.translator.drops("source-spoofed") == 0


# A small port set


@pytest.mark.parametrize("fresh", ["v6plus"], indirect=True)
@pytest.mark.parametrize("when_exhausted", ["reuse-by-destination", "refuse"])
def test_a_page_with_500_connections(fresh, when_exhausted):
    """240 ports are enough for 500 connections at a time to different servers, as customer edges do by default."""
    lab = fresh.start("" if when_exhausted == "reuse-by-destination" else f"    when-exhausted: {when_exhausted}\n")
    addresses = [lab.SERVER, *(f"203.0.113.{number}" for number in range(81, 90))]
    lab.address("server", "to-internet", *(f"{address}/32" for address in addresses[1:]))
    watch(lab)
    for port in (80, 8080):
        probes.serve_http(lab, "server", "0.0.0.0", port)
    loaded = probes.load_page(lab, "client", [(address, port) for address in addresses for port in (80, 8080)], 500, seconds=10)
    assert len(lab.ports(0)) == 240
    if when_exhausted == "refuse":
        assert loaded == 240 and lab.nat.drops("no-port") >= 260
    else:
        assert loaded == 500 and lab.nat.drops("no-port") == 0
    assert seen(lab, "own") > 1000 and seen(lab, "foreign") == 0


@pytest.mark.parametrize("fresh", KINDS, indirect=True)
def test_three_workers(fresh):
    """Hosts, ports and fragments find each other's worker."""
    lab = start(fresh, "    workers: 3\n")
    serve(lab)
    tcp_port, udp_port = forwarded(lab, "sibling")
    for node in ("client", "sibling", "friend"):
        assert get(lab, node, lab.SERVER) == f"hello {lab.SHARED}, this is {lab.SERVER}"
        assert probes.ping(lab, node, lab.SERVER)[0] == 3
        for size in (64, 4000):
            payload = probes.pattern(size)
            assert probes.udp_echo(lab, node, lab.SERVER, payload, dont_fragment=False) == payload
    assert get(lab, "server", lab.SHARED, tcp_port) == f"hello {lab.SERVER}, this is {lab.SIBLING}"
    assert get(lab, "client", lab.SHARED, tcp_port) == f"hello {lab.SHARED}, this is {lab.SIBLING}"
    assert get(lab, "client", lab.SHARED, forwarded(lab, "friend")[0]) == f"hello {lab.SHARED}, this is {lab.CLIENT}"
    for size in (64, 4000):
        payload = probes.pattern(size)
        for port in (udp_port, forwarded(lab, "friend")[1]):
            assert probes.udp_echo(lab, "client", lab.SHARED, payload, port=port, dont_fragment=False) == payload


@pytest.mark.parametrize("fresh", ["map-e", "map-t"], indirect=True)
def test_customers_talk_through_the_border_where_the_rule_says_so(fresh):
    """`fmr: false`: the rule is no forwarding mapping rule (RFC 7597 §5)."""
    lab = start(fresh)
    serve(lab)
    port = forwarded(lab, "friend")[0]
    for end in lab.edges:
        end.write_config(end.config.partition("\n")[2].replace("psid-offset: 6}", "psid-offset: 6, fmr: false}"))
        end.reload()
    assert get(lab, "client", lab.SHARED, port) == f"hello {lab.SHARED}, this is {lab.CLIENT}"
    entry = lab.translator.counters()[0]
    assert entry["to-ipv4"] + entry["hairpin"] >= 8  # MAP-T's relay lets the IPv4 routing bring them back.


@pytest.mark.parametrize("fresh", KINDS, indirect=True)
def test_nothing_leaks_in(fresh):
    """Strangers meet no-binding at the NAT, and ports of nobody stay at the border."""
    lab = fresh.start()
    mine = sorted(lab.ports(0))
    with udp(lab, "server") as server, udp(lab, "client", mine[20]) as client:
        for port in mine[20:30]:
            server.sendto(b"?", (lab.SHARED, port))
        for port in range(1000, 1010):
            server.sendto(b"?", (lab.SHARED, port))
        client.settimeout(0.5)
        with pytest.raises(TimeoutError):
            client.recv(10)
    assert lab.nat.drops("no-binding") == (20 if lab.kind == "ds-lite" else 10)


# What others send


@pytest.mark.parametrize("kind", ["map-e", "ds-lite"])
def test_forged_sources_do_not_pass(kind):
    """RFC 7597 §8.1 at the customer edge, RFC 6333 §11 at the AFTR: tunnel packets of those who may not send them."""
    with CustomerEdge(kind) as lab:
        lab.start()
        own = "2001:db8:12:3400:0:c000:212:34"
        neighbour, neighbours_port = "2001:db8:12:3500:0:c000:212:35", sorted(lab.ports(1))[0]
        with udp(lab, "server", 4000) as server, udp(lab, "client") as client, TunPort(lab, *(
                ("br", "br") if kind == "ds-lite" else ("cpe", "wan4"))) as port:
            client.sendto(b"?", (lab.SERVER, 4000))
            mine = server.recvfrom(10)[1][1]
            if kind == "map-e":
                inner = UDP(sport=4000, dport=mine) / Raw(b"forged")
                from_here = IP(src=lab.SHARED, dst=lab.SHARED) / UDP(sport=mine, dport=mine) / Raw(b"forged")
                forged = [
                    IPv6(src=neighbour, dst=own) / IP(src=lab.SERVER, dst=lab.SHARED) / inner,
                    IPv6(src="2001:db8:b001::1", dst=own) / IP(src=lab.SERVER, dst=lab.SHARED) / inner,
                    IPv6(src=neighbour, dst=own) / from_here,
                    IPv6(src=lab.BORDER_ADDRESS, dst=own) / from_here,
                ]
                honest = IPv6(src=neighbour, dst=own) / IP(src=lab.SHARED, dst=lab.SHARED) / \
                    UDP(sport=neighbours_port, dport=mine) / Raw(b"honest")
                reasons = {"source-spoofed": 4}
            else:
                inner = UDP(sport=9, dport=4000) / Raw(b"forged")
                b4 = lab.B4S["ds-lite"][0]
                forged = [
                    IPv6(src="2001:db8:b001::1", dst=lab.BORDER_ADDRESS) / IP(src="192.168.1.2", dst=lab.SERVER) / inner,
                    IPv6(src=b4, dst=lab.BORDER_ADDRESS) / IP(src="203.0.113.99", dst=lab.SERVER) / inner,
                    IPv6(src=b4, dst=lab.BORDER_ADDRESS) / IP(src=lab.SHARED, dst=lab.SERVER) / inner,
                ]
                honest = IP(src=lab.SERVER, dst=lab.SHARED) / UDP(sport=4000, dport=mine) / Raw(b"honest")
                reasons = {"b4-not-allowed": 1, "source-not-ours": 2}
            for packet in (*forged, honest):
                port.send(packet)
            assert client.recv(100) == b"honest"
            server.settimeout(0.3)
            with pytest.raises(TimeoutError):
                server.recv(100)
        assert {reason: lab.nat.drops(reason) for reason in reasons} == reasons


# Somebody else's other end


def exercise(lab):
    probes.serve_http(lab, "server", "0.0.0.0")
    probes.serve_echo(lab, "server", "0.0.0.0")
    assert get(lab, "client", lab.SERVER) == f"hello {lab.SHARED}, this is {lab.SERVER}"
    assert probes.http_download(lab, "client", lab.SERVER, 5_000_000)
    assert probes.http_upload(lab, "client", lab.SERVER, probes.pattern(2_000_000))
    assert probes.ping(lab, "client", lab.SERVER)[0] == 3
    for size in (0, 64, 1400):
        payload = probes.pattern(size)
        assert probes.udp_echo(lab, "client", lab.SERVER, payload, dont_fragment=False) == payload


@pytest.mark.parametrize("kind", ["map-e", "v6plus", "lw4o6"])
def test_the_border_is_the_kernels(kind):
    with KernelBorder(kind) as lab:
        exercise(lab.start())


def test_the_b4_is_the_kernels():
    with KernelB4() as lab:
        exercise(lab.start())


@pytest.mark.skipif(not Tayga.installed(), reason="tayga is not installed")
def test_the_border_is_taygas():
    with TaygaBorder() as lab:
        exercise(lab.start())
