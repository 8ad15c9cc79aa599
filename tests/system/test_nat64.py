"""Stateful NAT64 (RFC 6146) with real traffic: IPv6-only clients behind one address, IPv4 servers, a DNS64."""

import contextlib
import ipaddress
import selectors
import socket
import struct
import threading
import time

import probes
import pytest
from name_server import Unbound
from namespaces import OFFLOAD
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment
from scapy.packet import Raw
from scenarios import Nat64, behind_pref64
from tun_port import TunPort

STATIC = """\
    static-bindings:
      - {protocol: tcp, inside: '2001:db8:b::2', inside-port: 80, outside: 192.0.2.1, outside-port: 80}
      - {protocol: udp, inside: '2001:db8:b::2', inside-port: 7, outside: 192.0.2.1, outside-port: 7}
"""
FEW_PORTS = Nat64.CONFIG.replace("1024-65535", "2000-2299")


@pytest.fixture(scope="module", params=[1, 3], ids=["one-worker", "three-workers"])
def nat(request):
    """One lab for all tests that leave it as it was."""
    with Nat64() as lab:
        lab.start(Nat64.CONFIG + STATIC + f"    workers: {request.param}\n")
        serve(lab)
        yield lab
        assert lab.translator.process.running(), lab.translator.process.stderr


@pytest.fixture
def fresh_nat():
    """A lab of its own, for tests that change or harm the daemon. Not started."""
    with Nat64() as lab:
        yield lab
        assert lab.translator.process.running(), lab.translator.process.stderr


def serve(lab):
    for node, address in (("server", "0.0.0.0"), ("other", "0.0.0.0"), ("neighbour", "::")):
        probes.serve_http(lab, node, address)
        probes.serve_echo(lab, node, address)


def seen_by_server(lab, node="client", address=Nat64.SERVER):
    return probes.http_get(lab, node, address).removeprefix("hello ").partition(",")[0]


def udp(lab, node, port=0, family=None):
    """A bound UDP socket in a node."""
    family = family or (socket.AF_INET if node in ("server", "other") else socket.AF_INET6)
    made = lab.socket(node, family, socket.SOCK_DGRAM)
    made.bind(("", port))
    made.settimeout(2)
    return made


# What people do with it


@pytest.mark.skipif(not Unbound.installed(), reason="unbound is not installed")
def test_by_name_through_dns64(fresh_nat):
    """RFC 6147 and RFC 6146 together: programs that know names only."""
    fresh_nat.start()
    serve(fresh_nat)
    fresh_nat.serve_names()
    for node in ("client", "neighbour"):
        page = fresh_nat.run(node, ["curl", "-sS", "--max-time", 5, "http://server.example/"]).stdout
        assert page == f"hello {Nat64.POOL}, this is {Nat64.SERVER_IPV4}\n"
    page = fresh_nat.run("client", ["curl", "-sS", "--max-time", 5, "http://other.example/"]).stdout
    assert page == f"hello {Nat64.POOL}, this is {Nat64.OTHER_IPV4}\n"
    # Straight to an IPv4 name server, over UDP and over TCP.
    for how in ("+notcp", "+tcp"):
        done = fresh_nat.run("client", ["dig", how, "+short", "+time=2", f"@{Nat64.SERVER}", "server.example", "A"])
        assert done.stdout.strip() == Nat64.SERVER_IPV4


def test_transfers_arrive_unchanged(nat):
    assert probes.http_download(nat, "client", nat.SERVER, 30_000_000)
    assert probes.http_upload(nat, "client", nat.SERVER, probes.pattern(10_000_000))
    assert seen_by_server(nat) == nat.POOL


@pytest.fixture(scope="module")
def iperf_server(nat):
    return probes.serve_iperf(nat, "server")


@pytest.mark.usefixtures("iperf_server")
@pytest.mark.parametrize("reverse", [False, True], ids=["to-ipv4", "to-ipv6"])
def test_iperf3_tcp(nat, reverse):
    figures = probes.iperf(nat, "client", nat.SERVER, seconds=2, reverse=reverse)
    assert figures["gbps"] > 0.2  # A sane figure; how fast it is, the benchmark says.
    assert figures["retransmits"] < 0.02 * figures["octets"] / 1428, figures


@pytest.mark.parametrize("size", [0, 56, 1232, 1400, 3000])
def test_ping(nat, size):
    """Longer ones than a packet are put together (RFC 6146 §3.4)."""
    for node in ("client", "neighbour"):
        received, output = probes.ping(nat, node, nat.SERVER, size=size, options=["-M", "dont"])
        assert received == 3, output


def test_traceroute(nat):
    """Gateway, translator, gateway again, router, server: those behind the NAT appear in the prefix."""
    for mode in ([], ["-I"]):
        hops = probes.traceroute(nat, "client", nat.SERVER, mode)
        assert [ipaddress.ip_address(hop) for hop in hops] == [ipaddress.ip_address(hop) for hop in (
            "2001:db8:a::1", behind_pref64("192.0.0.8"), behind_pref64("198.51.100.2"), behind_pref64("198.51.100.1"),
            nat.SERVER)]


@pytest.mark.parametrize("size", [0, 64, 1232, 1433, 1452, 1472, 4096, 16000])
def test_udp(nat, size):
    payload = probes.pattern(size)
    for _ in range(3):
        assert probes.udp_echo(nat, "client", nat.SERVER, payload, dont_fragment=False) == payload


def test_fragments_to_a_static_binding(nat):
    payload = probes.pattern(4096)
    assert probes.udp_echo(nat, "server", nat.POOL, payload, dont_fragment=False) == payload


def test_refusals_reach_the_client(nat):
    with nat.socket("client", socket.AF_INET6, socket.SOCK_STREAM) as client:
        client.settimeout(2)
        with pytest.raises(ConnectionRefusedError):
            client.connect((nat.SERVER, 81))
    with udp(nat, "client") as client:
        client.connect((nat.SERVER, 4711))
        client.send(b"anybody there?")
        with pytest.raises(ConnectionRefusedError):
            client.recv(100)


@pytest.mark.parametrize("segment", [100, 1200, 1432, 1452])
@pytest.mark.parametrize("sender", ["client", "server"])
def test_udp_segmentation_offload(nat, sender, segment):
    """What QUIC does: the kernel hands many datagrams over as one."""
    udp_segment = 103
    count = 60000 // segment if segment > 1000 else 44
    whole = probes.pattern(segment * count - segment // 3)
    with udp(nat, "server", 4433) as server, udp(nat, "client") as client:
        client.sendto(b"?", (nat.SERVER, 4433))
        outside = server.recvfrom(10)[1]
        source, to, sink = (client, (nat.SERVER, 4433), server) if sender == "client" else (server, outside, client)
        source.setsockopt(socket.IPPROTO_UDP, udp_segment, segment)
        probes.set_dont_fragment(source, False)
        source.sendto(whole, to)
        received = [sink.recv(2000) for _ in range(count)]
    datagrams = [whole[at : at + segment] for at in range(0, len(whole), segment)]
    if OFFLOAD:  # where the burst comes as single packets, the session may go over in the middle of it
        assert sorted(received) == sorted(datagrams)
    else:
        assert received == datagrams


def test_programs_of_the_gateway_itself(nat):
    assert seen_by_server(nat, "gateway") == nat.POOL
    assert probes.udp_echo(nat, "gateway", nat.SERVER, b"from the gateway") == b"from the gateway"


# Path MTU


@contextlib.contextmanager
def small_link(lab, one, other, mtu):
    """What `one` sends to `other` must be this small; the way back is as it was."""

    def forget():
        for node in ("client", "server", "gateway"):
            lab.ip(node, "route flush cache")
            lab.ip(node, "-6 route flush cache")

    lab.ip(one, f"link set to-{other} mtu {mtu}")
    forget()
    try:
        yield
    finally:
        lab.ip(one, f"link set to-{other} mtu 1500")
        forget()


@pytest.mark.parametrize(("one", "other"), [("internet", "server"), ("gateway", "internet")])
def test_a_small_ipv4_link_behind_the_nat(nat, one, other):
    """The router's Fragmentation Needed quotes the pool's address, and finds the client all the same (RFC 6146 §3.7)."""
    with small_link(nat, one, other, 1300):
        assert probes.http_upload(nat, "client", nat.SERVER, probes.pattern(3_000_000), seconds=15)
        assert probes.path_mtu(nat, "client", nat.SERVER) == 1320
        assert probes.http_download(nat, "client", nat.SERVER, 3_000_000)


def test_a_small_ipv6_link(nat):
    with small_link(nat, "gateway", "client", 1280):
        assert probes.http_download(nat, "client", nat.SERVER, 3_000_000, seconds=15)
        assert probes.path_mtu(nat, "server", nat.POOL) == 1260
        assert probes.http_upload(nat, "client", nat.SERVER, probes.pattern(3_000_000))


# Who is who


def test_two_clients_with_the_same_port(nat):
    with udp(nat, "server", 4000) as server, udp(nat, "client", 5000) as one, udp(nat, "neighbour", 5000) as two:
        outside = {}
        for sender, name in ((one, b"client"), (two, b"neighbour")):
            sender.sendto(name, (nat.SERVER, 4000))
            content, outside[name] = server.recvfrom(100)
            assert content == name
        assert outside[b"client"] != outside[b"neighbour"]
        for name, where in outside.items():
            server.sendto(b"for " + name, where)
        assert one.recv(100) == b"for client" and two.recv(100) == b"for neighbour"


def test_one_socket_has_one_outside_port_for_all_servers(nat):
    """RFC 4787 REQ-1."""
    with udp(nat, "server", 4000) as server, udp(nat, "other", 4000) as other, udp(nat, "client") as client:
        client.sendto(b"?", (nat.SERVER, 4000))
        client.sendto(b"?", (nat.OTHER, 4000))
        assert server.recvfrom(10)[1] == other.recvfrom(10)[1]


def test_static_binding_from_the_ipv4_side(nat):
    assert probes.http_get(nat, "server", nat.POOL) == f"hello {behind_pref64('cb00:7150')}, this is {nat.NEIGHBOUR}\n"
    assert probes.udp_echo(nat, "other", nat.POOL, b"hello") == b"hello"


def test_hairpin_through_the_pools_address(nat):
    """RFC 6146 §3.8: the neighbour sees the client as the outside does."""
    page = probes.http_get(nat, "client", behind_pref64(nat.POOL))
    assert page == f"hello {behind_pref64('c000:201')}, this is {nat.NEIGHBOUR}\n"
    assert probes.http_download(nat, "client", behind_pref64(nat.POOL), 10_000_000)
    for size in (64, 4096):
        payload = probes.pattern(size)
        assert probes.udp_echo(nat, "client", behind_pref64(nat.POOL), payload, dont_fragment=False) == payload


def test_hairpin_between_dynamic_bindings(nat):
    """Two clients that a server has told of each other's outside ports."""
    with udp(nat, "server", 4000) as server, udp(nat, "client") as one, udp(nat, "neighbour") as two:
        where = []
        for sender in (one, two):
            sender.sendto(b"?", (nat.SERVER, 4000))
            where.append(server.recvfrom(10)[1][1])
        one.sendto(b"to the neighbour", (behind_pref64(nat.POOL), where[1]))
        content, source = two.recvfrom(100)
        assert content == b"to the neighbour"
        assert (ipaddress.ip_address(source[0]), source[1]) == (ipaddress.ip_address(behind_pref64(nat.POOL)), where[0])
        two.sendto(b"to the client", source[:2])
        assert one.recv(100) == b"to the client"


# What nobody asked for


def refusal(lab, node, address, port, seconds):
    """How long a connection attempt took to be refused."""
    with lab.socket(node, socket.AF_INET, socket.SOCK_STREAM) as caller:
        caller.settimeout(seconds)
        before = time.monotonic()
        with pytest.raises(ConnectionRefusedError):
            caller.connect((address, port))
        return time.monotonic() - before


def test_unsolicited_syn_is_refused_after_6_seconds(nat):
    """RFC 5382 REQ-4: not before, since the other end may be about to call."""
    before = nat.translator.drops("unsolicited-syn")
    assert 5.9 < refusal(nat, "server", nat.POOL, 40000, 12) < 7.5
    assert nat.translator.drops("unsolicited-syn") > before


@pytest.mark.parametrize("filtering", ["address-dependent", "address-and-port-dependent"])
def test_simultaneous_open(fresh_nat, filtering):
    """RFC 5382 REQ-2: both ends call at once, and the server's SYN comes first."""
    lab = fresh_nat.start(Nat64.CONFIG + f"    filtering: {filtering}\n")
    probes.serve_http(lab, "other", "0.0.0.0")

    def caller(node, family, port):
        made = lab.socket(node, family, socket.SOCK_STREAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(("", port))
        return made

    with caller("client", socket.AF_INET6, 5000) as scout, caller("client", socket.AF_INET6, 5000) as client, \
            caller("server", socket.AF_INET, 6000) as server:
        scout.connect((lab.OTHER, 80))  # Where a third party says that the client is.
        scout.sendall(b"GET / HTTP/1.0\r\n\r\n")
        outside = outside_port_on(lab, "other")
        outcome = []
        server.settimeout(5)
        thread = threading.Thread(target=lambda: outcome.append(server.connect_ex((lab.POOL, outside))))
        thread.start()
        time.sleep(0.3)
        client.settimeout(5)
        client.connect((lab.SERVER, 6000))
        thread.join()
        assert outcome == [0]
        client.sendall(b"hello")
        assert server.recv(10) == b"hello"
        server.sendall(b"hello too")
        assert client.recv(10) == b"hello too"


def outside_port_on(lab, node):
    """The remote port of the one connection to port 80 of a server."""
    lines = [line.split() for line in lab.run(node, ["ss", "-Htn", "sport", "=", ":80"]).stdout.splitlines()]
    assert len(lines) == 1, lines
    return int(lines[0][4].rsplit(":", 1)[1])


def test_nothing_leaks_in_and_all_of_it_is_counted(fresh_nat):
    """Strangers from outside meet no-binding, strange protocols protocol-not-natted."""
    lab = fresh_nat.start(FEW_PORTS)
    with udp(lab, "server") as server:
        for port in range(30000, 30100):
            server.sendto(b"?", (lab.POOL, port))
    with lab.socket("server", socket.AF_INET, socket.SOCK_RAW, 132) as sctp:
        sctp.sendto(struct.pack("!HHII", 1, 2, 3, 4), (lab.POOL, 0))
    time.sleep(0.3)
    assert probes.ping(lab, "server", lab.POOL, count=2)[0] == 0
    assert lab.translator.drops("no-binding") == 102
    assert lab.translator.drops("protocol-not-natted") == 1
    assert lab.translator.counters("nat")[0]["to-ipv6"] == 0


def test_counters_tell_what_passed(nat):
    def both():
        entry = nat.translator.counters("nat")[0]
        return entry["to-ipv4"], entry["to-ipv6"], entry["hairpin"]

    before = both()
    assert probes.ping(nat, "client", nat.SERVER, count=10)[0] == 10
    assert probes.udp_echo(nat, "client", behind_pref64(nat.POOL), b"there and back") == b"there and back"
    assert both() == (before[0] + 10, before[1] + 10, before[2] + 2)


# Many


class Crowd:
    """TCP connections by the hundred, and servers that tell each where it came from and what it said."""

    def __init__(self, lab):
        self.lab, self.selector, self.clients = lab, selectors.DefaultSelector(), []
        self.listeners, self.accepted, self.seen = [], [], {}
        self.ended = threading.Event()

    def __enter__(self):
        for node, address in (("server", self.lab.SERVER_IPV4), ("other", self.lab.OTHER_IPV4)):
            for port in (7001, 7002):
                listener = self.lab.socket(node, socket.AF_INET, socket.SOCK_STREAM)
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind(("0.0.0.0", port))
                listener.listen(512)
                listener.setblocking(False)
                self.listeners.append(listener)
                self.selector.register(listener, selectors.EVENT_READ, (address, port))
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()
        for made in (*self.clients, *self.accepted, *self.listeners):
            made.close()

    def _serve(self):
        while not self.ended.is_set():
            for key, _ in self.selector.select(0.1):
                if key.data is not None:
                    with contextlib.suppress(BlockingIOError):
                        while True:
                            connection, where = key.fileobj.accept()
                            self.accepted.append(connection)
                            self.seen.setdefault((key.data, where), []).append(connection)
                            self.selector.register(connection, selectors.EVENT_READ, None)
                    continue
                try:
                    said = key.fileobj.recv(100)
                except OSError:
                    said = b""
                if not said:
                    self.selector.unregister(key.fileobj)
                    continue
                where = key.fileobj.getpeername()
                key.fileobj.sendall(b"%s:%d said %s" % (where[0].encode(), where[1], said))

    def connect(self, node, address, port, seconds=5):
        client = self.lab.socket(node, socket.AF_INET6, socket.SOCK_STREAM)
        client.settimeout(seconds)
        self.clients.append(client)
        client.connect((address, port))
        return client


def test_500_connections_through_300_ports(fresh_nat):
    """RFC 7857 §3, `reuse-by-destination`: a port serves several clients, as long as they talk to different servers."""
    lab = fresh_nat.start(FEW_PORTS + "    when-exhausted: reuse-by-destination\n")
    with Crowd(lab) as crowd:
        targets = [(lab.SERVER, 7001), (lab.SERVER, 7002), (lab.OTHER, 7001), (lab.OTHER, 7002)]
        made = [crowd.connect(("client", "neighbour")[number % 2], *targets[number // 2 % 4]) for number in range(500)]
        for round_number in range(2):
            for number, client in enumerate(made):
                client.sendall(b"%d.%d" % (number, round_number))
            answers = [client.recv(100).partition(b" said ") for client in made]
            assert [said for _, _, said in answers] == [b"%d.%d" % (number, round_number) for number in range(500)]
        assert all(len(connections) == 1 for connections in crowd.seen.values())
        ports = {int(where.rpartition(b":")[2]) for where, _, _ in answers}
        assert len(ports) <= 300 and ports <= set(range(2000, 2300))


def test_refused_when_exhausted(fresh_nat):
    """Without reuse: 300 connections and no more; who has one keeps it; and a port that is free again is given out."""
    lab = fresh_nat.start(FEW_PORTS)
    with Crowd(lab) as crowd:
        made = [crowd.connect("client", lab.SERVER, 7001) for _ in range(300)]
        with pytest.raises(OSError):
            crowd.connect("neighbour", lab.SERVER, 7001, seconds=1)
        assert lab.translator.drops("no-port") > 0
        for number, client in enumerate(made):
            client.sendall(b"%d" % number)
            assert client.recv(100).endswith(b" said %d" % number)


def test_limits_of_a_subscriber(fresh_nat):
    """RFC 6888 REQ-4 and REQ-5: who opens too much finds no more, and nobody else notices."""
    lab = fresh_nat.start(Nat64.CONFIG + "    ports-per-subscriber: 40\n    sessions-per-subscriber: 50\n")
    serve(lab)
    with udp(lab, "server", 4000) as server, contextlib.ExitStack() as stack:
        server.settimeout(0.5)
        for _ in range(60):
            stack.enter_context(udp(lab, "client")).sendto(b"?", (lab.SERVER, 4000))
        heard = set()
        with contextlib.suppress(TimeoutError):
            while True:
                heard.add(server.recvfrom(10)[1])
        assert len(heard) == 40
        assert lab.translator.drops("subscriber-limit") == 20
        assert probes.udp_echo(lab, "neighbour", lab.SERVER, b"unharmed") == b"unharmed"
        assert seen_by_server(lab, "neighbour") == lab.POOL


def test_a_full_table_makes_room(fresh_nat):
    """A host that calls everybody at once fills the table; what nobody answered makes room after 4 seconds."""
    lab = fresh_nat.start(Nat64.CONFIG + "    max-sessions: 1000\n")
    serve(lab)
    with Crowd(lab) as crowd:
        talk = crowd.connect("neighbour", lab.SERVER, 7001)
        with udp(lab, "client") as client:
            for number in range(3000):
                client.sendto(b"?", (lab.OTHER, 10000 + number))
        assert lab.translator.drops("table-full") > 0
        talk.sendall(b"established")
        assert talk.recv(100).endswith(b" said established")
        time.sleep(4.3)
        assert seen_by_server(lab, "neighbour") == lab.POOL


def test_a_flood_of_fragments_leaves_room_for_others(nat):
    """First fragments whose rest never comes, from both sides."""
    with TunPort(nat, "gateway", "nat") as port:
        for number in range(3000):
            port.send(IP(src=f"198.18.{number >> 8}.{number & 255}", dst=nat.POOL, id=number, flags="MF") /
                      UDP(sport=1, dport=7) / Raw(b"x" * 1400))
            if number % 3 == 0:
                port.send(IPv6(src=f"2001:db8:a::{number:x}", dst=nat.SERVER) / IPv6ExtHdrFragment(id=number, m=1, nh=17) /
                          UDP(sport=1, dport=7) / Raw(b"x" * 1392))
    payload = probes.pattern(4096)
    for node in ("client", "neighbour"):
        assert probes.udp_echo(nat, node, nat.SERVER, payload, dont_fragment=False) == payload
    assert probes.udp_echo(nat, "server", nat.POOL, payload, dont_fragment=False) == payload
    assert nat.translator.drops("reassembly-no-room") > 0


BLOCKS = "    port-allocation: blocks\n    port-block-size: 64\n    subscriber-prefix-length: 64\n"
DETERMINISTIC = BLOCKS.replace("blocks\n", "deterministic\n") + "    subscribers: ['2001:db8:a::/64', '2001:db8:b::/64']\n"


@pytest.mark.parametrize("allocation", [BLOCKS, DETERMINISTIC], ids=["blocks", "deterministic"])
def test_ports_in_blocks(fresh_nat, allocation):
    """RFC 6888 §4, RFC 7422: whose port it was, the block tells."""
    lab = fresh_nat.start(Nat64.CONFIG + allocation)
    blocks = {}
    with udp(lab, "server", 4000) as server, contextlib.ExitStack() as stack:
        for node in ("client", "neighbour"):
            ports = set()
            for _ in range(60):
                stack.enter_context(udp(lab, node)).sendto(b"?", (lab.SERVER, 4000))
                ports.add(server.recvfrom(10)[1][1])
            assert len(ports) == 60
            blocks[node] = {(port - 1024) // 64 for port in ports}
            assert len(blocks[node]) == 1
        assert blocks["client"] != blocks["neighbour"]
        if allocation == DETERMINISTIC:
            assert blocks == {"client": {0}, "neighbour": {1}}


# Changes


def test_reload_under_load_keeps_connections(fresh_nat):
    """A changed timeout and a pool that grows and shrinks again."""
    lab = fresh_nat.start(Nat64.CONFIG)
    serve(lab)
    outcome = []
    download = threading.Thread(target=lambda: outcome.append(
        probes.http_download(lab, "client", lab.SERVER, 60_000_000, rate=30_000_000)))
    download.start()
    steady = probes.CountedFlow(lab, "client", "other", "0.0.0.0", lab.OTHER, 2000)
    time.sleep(0.3)
    configs = [Nat64.CONFIG + "    udp-timeout: 200\n    tcp-established-timeout: 8000\n",
               Nat64.CONFIG.replace("addresses: 192.0.2.1", "addresses: [192.0.2.1, 192.0.2.8/29]"),
               Nat64.CONFIG + STATIC, Nat64.CONFIG]
    reloads = 0
    while download.is_alive():
        lab.translator.write_config(configs[reloads % 4])
        lab.translator.reload()
        reloads += 1
        time.sleep(0.05)
    download.join()
    result = steady.finish()
    assert outcome == [True] and reloads > 4
    assert result["sent"] > 500 and result["lost"] <= result["sent"] // 200, result
    assert len(set(seen_by_server(lab) for _ in range(3))) == 1


def test_a_pool_that_moves(fresh_nat):
    """Who had the old address has the new one from now on, and nothing comes from the old one."""
    lab = fresh_nat.start(Nat64.CONFIG)
    serve(lab)
    with udp(lab, "server", 4000) as server, udp(lab, "client") as client:
        client.sendto(b"?", (lab.SERVER, 4000))
        assert server.recvfrom(10)[1][0] == "192.0.2.1"
        lab.translator.write_config(Nat64.CONFIG.replace("192.0.2.1", "192.0.2.9"))
        lab.translator.reload()
        client.sendto(b"?", (lab.SERVER, 4000))
        assert server.recvfrom(10)[1][0] == "192.0.2.9"
        assert seen_by_server(lab) == "192.0.2.9"
        assert lab.run("gateway", "ip -4 route get 192.0.2.1").stdout.split()[2] != "nat"


def test_killed_and_started_again(fresh_nat):
    """State is gone, new connections work at once, and nobody's old packets confuse anyone."""
    lab = fresh_nat.start(Nat64.CONFIG + STATIC)
    serve(lab)
    with Crowd(lab) as crowd:
        old = crowd.connect("client", lab.SERVER, 7001)
        lab.translator.kill()
        lab.translator.start()
        old.sendall(b"still there?")
        assert seen_by_server(lab) == lab.POOL
        assert seen_by_server(lab, "neighbour", lab.OTHER) == lab.POOL
        assert probes.udp_echo(lab, "client", lab.SERVER, b"udp") == b"udp"
        assert probes.ping(lab, "client", lab.SERVER)[0] == 3
        assert probes.udp_echo(lab, "other", lab.POOL, b"static") == b"static"
        assert lab.translator.drops("tcp-without-session") > 0
