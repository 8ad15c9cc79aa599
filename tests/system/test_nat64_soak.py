"""Twenty seconds of what a NAT with few ports meets: many flows, scans from outside, fragments whose rest never comes,
reloads.

Every datagram says whose it is, and a server sends it back. So whoever is at one end knows who is at the other:
nobody ever gets what is another's, and no outside port changes its owner before the owner's time was up.
"""

import collections
import os
import pathlib
import random
import selectors
import socket
import threading
import time

import probes
import pytest
from namespaces import LabError
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.packet import Raw
from scenarios import Nat64
from tun_port import TunPort

SECONDS = float(os.environ.get("SOAK_SECONDS", "20"))
UDP_TIMEOUT = 2
PORTS = (2000, 2399)  # Each worker has half of them, and both hosts happen to be of the same worker.
CONFIG = Nat64.CONFIG.replace("1024-65535", "{}-{}".format(*PORTS)) + f"""\
    udp-timeout: {UDP_TIMEOUT}
    icmp-timeout: 1
    tcp-opening-timeout: 1
    tcp-closing-timeout: 1
    port-rest-time: 0
    max-sessions: 1000
    workers: 2
"""


RELOADED = [
    CONFIG.replace("addresses: 192.0.2.1", "addresses: [192.0.2.1, 192.0.2.2]").replace("2399}", "2449}"),
    CONFIG + "    static-bindings:\n      - {protocol: udp, inside: '2001:db8:b::2', inside-port: 7, outside: 192.0.2.1, outside-port: 7}\n",
    CONFIG,
]
SECONDS_BETWEEN_RELOADS = 3


class Echo(threading.Thread):
    """A server that sends everything back, and writes down who was where at what time."""

    def __init__(self, lab, ended):
        super().__init__()
        self.ended = ended
        self.seen = collections.defaultdict(list)  # outside endpoint: [identity, first, last], in the order of time
        self.selector = selectors.DefaultSelector()
        self.sockets = []
        for node in ("server", "other"):
            for port in (4000, 4001):
                made = lab.socket(node, socket.AF_INET, socket.SOCK_DGRAM)
                made.bind(("", port))
                self.sockets.append(made)
                self.selector.register(made, selectors.EVENT_READ)

    def run(self):
        while not self.ended.is_set():
            for key, _ in self.selector.select(0.1):
                content, where = key.fileobj.recvfrom(65535)
                now = time.monotonic()
                identity = content.split(b" ", 2)[0]
                owners = self.seen[where]
                if not owners or owners[-1][0] != identity:
                    owners.append([identity, now, now])
                owners[-1][2] = now
                key.fileobj.sendto(content, where)


class Flows:
    """A host's sockets: opened, used a few times, closed. What comes back must be what this socket sent."""

    def __init__(self, lab, node, dice):
        self.lab, self.node, self.dice = lab, node, dice
        self.open, self.sent, self.answered, self.foreign, self.number = [], 0, 0, [], 0

    def step(self):
        if len(self.open) < 90 and self.dice.random() < 0.5:
            made = self.lab.socket(self.node, socket.AF_INET6, socket.SOCK_DGRAM)
            made.setblocking(False)
            probes.set_dont_fragment(made, False)
            self.number += 1
            made.bind(("", 10000 + self.number))  # The same port again would be the same binding.
            self.open.append((made, b"%s-%d" % (self.node.encode(), self.number)))
        if self.open:
            at = self.dice.randrange(len(self.open))
            made, identity = self.open[at]
            size = self.dice.choice([20, 200, 1400, 3000])
            to = (self.dice.choice([self.lab.SERVER, self.lab.OTHER]), self.dice.choice([4000, 4001]))
            made.sendto(identity + b" " + b"x" * size, to)
            self.sent += 1
            if self.dice.random() < 0.05:
                self.collect(made, identity)
                made.close()
                del self.open[at]

    def collect(self, made, identity):
        while True:
            try:
                content = made.recv(65535)
            except (BlockingIOError, ConnectionRefusedError):
                return
            self.answered += 1
            if content.split(b" ", 2)[0] != identity:
                self.foreign.append((identity, content[:40]))

    def collect_all(self):
        for made, identity in self.open:
            self.collect(made, identity)

    def close(self):
        for made, _ in self.open:
            made.close()


def scan(lab, dice, port):
    """What strangers send: to ports in use and not, of every protocol, whole and in pieces, errors about nothing."""
    source = f"203.0.113.{dice.randrange(10, 120)}"
    to = IP(src=source, dst=lab.POOL)
    number = dice.randrange(PORTS[0] - 50, PORTS[1] + 50)
    kinds = [
        to / UDP(sport=dice.randrange(1, 65536), dport=number) / Raw(b"stranger x"),
        to / TCP(sport=dice.randrange(1, 65536), dport=number, flags=dice.choice(["S", "A", "R", "F", "SA", "SF", ""])),
        to / ICMP(id=number) / Raw(b"stranger x"),
        IP(src=source, dst=lab.POOL, id=dice.randrange(65536), flags="MF", frag=dice.choice([0, 5])) / Raw(os.urandom(64)),
        to / ICMP(type=3, code=dice.randrange(16)) / IP(src=lab.POOL, dst=source) / UDP(sport=number, dport=53),
        IP(src=lab.SERVER_IPV4, dst=lab.POOL) / TCP(sport=80, dport=number, flags="R", seq=dice.randrange(1 << 32)),
    ]
    port.send(dice.choice(kinds))


class Talk:
    """One TCP connection that says something now and then, and hears it again."""

    def __init__(self, lab):
        listener = lab.socket("server", socket.AF_INET, socket.SOCK_STREAM)
        listener.bind(("", 7777))
        listener.listen()
        self.client = lab.socket("client", socket.AF_INET6, socket.SOCK_STREAM)
        self.client.settimeout(10)
        self.client.connect((lab.SERVER, 7777))
        self.server, self.where = listener.accept()
        self.server.settimeout(10)
        listener.close()

    def say(self, what):
        self.client.sendall(what)
        assert self.server.recv(100) == what
        self.server.sendall(what[::-1])
        assert self.client.recv(100) == what[::-1]


def resident_octets(process):
    fields = pathlib.Path(f"/proc/{process.pid}/statm").read_text().split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture
def soaked():
    with Nat64() as lab:
        yield lab.start(CONFIG)


def test_soak(soaked):
    lab, dice = soaked, random.Random(64)
    ended = threading.Event()
    echo = Echo(lab, ended)
    flows = [Flows(lab, node, dice) for node in ("client", "neighbour")]
    talk = Talk(lab)
    echo.start()
    try:
        with TunPort(lab, "gateway", "nat") as port:
            before = time.monotonic()
            rounds, reloads, memory = 0, 0, None
            while (now := time.monotonic()) < before + SECONDS:
                for flow in flows:
                    flow.step()
                scan(lab, dice, port)
                if rounds % 20 == 0:
                    for flow in flows:
                        flow.collect_all()
                    port.received(0)
                if rounds % 200 == 0:
                    talk.say(b"round %d" % rounds)
                if now > before + SECONDS_BETWEEN_RELOADS * (reloads + 1):
                    lab.translator.write_config(RELOADED[reloads % len(RELOADED)])
                    lab.translator.reload()
                    reloads += 1
                if memory is None and now > before + SECONDS / 4:
                    memory = resident_octets(lab.translator.process)
                if not lab.translator.process.running():
                    raise LabError(lab.translator.process.stderr)
                rounds += 1
                time.sleep(0.001)
            talk.say(b"the end")
            time.sleep(0.3)
            for flow in flows:
                flow.collect_all()
            assert resident_octets(lab.translator.process) < 1.2 * memory
    finally:
        ended.set()
        echo.join()
        for flow in flows:
            flow.close()
    assert rounds > 1000 * SECONDS / 20
    # Nobody heard what another said, but for strangers.
    foreign = [one for flow in flows for one in flow.foreign if not one[1].startswith(b"stranger")]
    assert foreign == []
    # There were fewer ports than flows, and still most were answered.
    sent, answered = sum(flow.sent for flow in flows), sum(flow.answered for flow in flows)
    assert answered > sent / 2, (sent, answered)
    assert all(PORTS[0] <= where[1] <= PORTS[1] + 50 for where in (*echo.seen, talk.where))
    # A port had one owner at a time: the next came after the last answer of the one before was old enough.
    changes = 0
    for where, owners in echo.seen.items():
        for (_, _, last), (_, first, _) in zip(owners, owners[1:]):
            assert first - last > UDP_TIMEOUT - 0.3, (where, owners)
            changes += 1
    refused = lab.translator.drops("no-port")
    print(f"{rounds} rounds, {sent} sent, {answered} answered, {refused} found no port, {changes} ports changed hands")
    assert changes > 50 and refused > 0
