"""Seconds of what a customer edge with few ports meets: more flows than ports, fragments, scans and forged tunnel
packets from outside, reloads.

Every datagram says whose it is, and a server sends it back. So whoever is at one end knows who is at the other. A port
serves several flows here, but never two with the same destination at a time.
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
from namespaces import LabError, wait_for
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment
from scapy.packet import Raw
from scenarios import CustomerEdge
from tun_port import TunPort

SECONDS = float(os.environ.get("SOAK_SECONDS", "10"))
SECONDS_BETWEEN_RELOADS = 3
UDP_TIMEOUT = 2
CE_ADDRESS, NEIGHBOUR = "2001:db8:12:3400:c0:2:1200:3400", "2001:db8:12:3500:c0:2:1200:3500"
OPTIONS = f"""\
    udp-timeout: {UDP_TIMEOUT}
    icmp-timeout: 1
    tcp-opening-timeout: 1
    tcp-closing-timeout: 1
    port-rest-time: 0
    max-sessions: 2000
"""
RELOADED = ["    port-parity: keep\n", "    filtering: address-dependent\n", ""]


class Echo(threading.Thread):
    """A server that sends everything back, and writes down who came from where, at what time."""

    def __init__(self, lab, ended):
        super().__init__()
        self.ended = ended
        self.seen = collections.defaultdict(list)  # (outside port, server, port): [identity, first, last], in the order of time
        self.selector = selectors.DefaultSelector()
        for node in ("server", "other"):
            for port in (4000, 4001):
                made = lab.socket(node, socket.AF_INET, socket.SOCK_DGRAM)
                made.bind(("", port))
                self.selector.register(made, selectors.EVENT_READ, (node, port))

    def run(self):
        while not self.ended.is_set():
            for key, _ in self.selector.select(0.1):
                content, where = key.fileobj.recvfrom(65535)
                now = time.monotonic()
                identity = content.split(b" ", 2)[0]
                owners = self.seen[where[0], where[1], *key.data]
                if not owners or owners[-1][0] != identity:
                    owners.append([identity, now, now])
                owners[-1][2] = now
                key.fileobj.sendto(content, where)

    def close(self):
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()
        self.selector.close()


class Flows:
    """A host's sockets: opened, used a few times, closed. What comes back must be what this socket sent."""

    def __init__(self, lab, node, dice):
        self.lab, self.node, self.dice = lab, node, dice
        self.open, self.sent, self.answered, self.foreign, self.number = [], 0, 0, [], 0

    def step(self):
        if len(self.open) < 250 and self.dice.random() < 0.7:
            made = self.lab.socket(self.node, socket.AF_INET, socket.SOCK_DGRAM)
            made.setblocking(False)
            probes.set_dont_fragment(made, False)
            self.number += 1
            made.bind(("", 10000 + self.number))  # The same port again would be the same binding.
            self.open.append((made, b"%s-%d" % (self.node.encode(), self.number)))
        at = self.dice.randrange(len(self.open)) if self.open else None
        if at is None:
            return
        made, identity = self.open[at]
        to = (self.dice.choice([self.lab.SERVER, self.lab.OTHER]), self.dice.choice([4000, 4001]))
        made.sendto(identity + b" " + b"x" * self.dice.choice([20, 200, 1400, 3000]), to)
        self.sent += 1
        if self.dice.random() < 0.1:
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


def attack(lab, dice, port):
    """Strangers behind the border, neighbours and forgers: whole, in pieces, errors about nothing."""
    number = dice.choice([dice.randrange(65536), dice.choice(sorted(lab.ports(0)))])
    stranger = f"198.18.0.{dice.randrange(1, 255)}"
    inner = dice.choice([
        IP(src=stranger, dst=lab.SHARED) / UDP(sport=dice.randrange(1, 65536), dport=number) / Raw(b"stranger x"),
        IP(src=stranger, dst=lab.SHARED) / TCP(sport=80, dport=number, flags=dice.choice(["S", "A", "R", "F", "SA", "SF", ""])),
        IP(src=stranger, dst=lab.SHARED) / ICMP(id=number) / Raw(b"stranger x"),
        IP(src=stranger, dst=lab.SHARED, id=dice.randrange(65536), flags="MF", frag=dice.choice([0, 5])) / Raw(os.urandom(64)),
        IP(src=stranger, dst=lab.SHARED) / ICMP(type=3, code=dice.randrange(16)) / IP(src=lab.SHARED, dst=stranger) /
        UDP(sport=number, dport=53),
        IP(src=lab.SERVER, dst=lab.SHARED) / TCP(sport=80, dport=number, flags="R", seq=dice.randrange(1 << 32)),
        IP(src=lab.SHARED, dst=lab.SHARED) / UDP(sport=number, dport=dice.randrange(65536)) / Raw(b"stranger x"),
    ])
    outer = IPv6(src=dice.choice([lab.BORDER_ADDRESS, NEIGHBOUR, f"2001:db8:b001::{dice.randrange(65536):x}"]), dst=CE_ADDRESS)
    if dice.random() < 0.2:
        port.send(outer / IPv6ExtHdrFragment(id=dice.randrange(1 << 32), m=1, nh=4) / Raw(os.urandom(64)))
    else:
        port.send(outer / inner)


def resident_octets(process):
    fields = pathlib.Path(f"/proc/{process.pid}/statm").read_text().split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("workers", [1, 2])
def test_soak(workers):
    with CustomerEdge("v6plus") as lab:
        options = OPTIONS + f"    workers: {workers}\n"
        soak(lab.start(options), options, workers)


def soak(lab, options, workers):
    dice, ended = random.Random(7597), threading.Event()
    edge, echo = lab.edges[0], Echo(lab, ended)
    flows = [Flows(lab, node, dice) for node in ("client", "sibling")]
    echo.start()
    try:
        with TunPort(lab, "cpe", "wan4") as port:
            begin = time.monotonic()
            rounds, reloads, memory = 0, 0, None
            while (now := time.monotonic()) < begin + SECONDS:
                for flow in flows:
                    flow.step()
                attack(lab, dice, port)
                if rounds % 20 == 0:
                    for flow in flows:
                        flow.collect_all()
                    port.received(0)
                if now > begin + SECONDS_BETWEEN_RELOADS * (reloads + 1):
                    edge.write_config(lab.customer_config(0, options + RELOADED[reloads % len(RELOADED)]))
                    edge.reload()
                    reloads += 1
                if memory is None and now > begin + SECONDS / 4:
                    memory = resident_octets(edge.process)
                if not edge.process.running():
                    raise LabError(edge.process.stderr)
                rounds += 1
            time.sleep(0.5)
            for flow in flows:
                flow.collect_all()
            assert resident_octets(edge.process) < 1.2 * memory
    finally:
        ended.set()
        echo.join()
        for one in (*flows, echo):
            one.close()
    judge(lab, edge, echo, flows, rounds, workers)


def judge(lab, edge, echo, flows, rounds, workers):
    # Nobody heard what another said, but for strangers.
    assert [one for flow in flows for one in flow.foreign if not one[1].startswith(b"stranger")] == []
    sent, answered = sum(flow.sent for flow in flows), sum(flow.answered for flow in flows)
    refused = edge.drops("no-port")
    assert answered > (sent - refused) / 2 > 0, (sent, refused, answered)
    # Only what is the customer's, and never two at a time on one port to one destination: the next came after the last
    # packet of the one before was old enough.
    assert {(address, port) for address, port, _, _ in echo.seen} <= {(lab.SHARED, port) for port in lab.ports(0)}
    changes = 0
    for where, owners in echo.seen.items():
        for (_, _, last), (_, first, _) in zip(owners, owners[1:]):
            assert first - last > UDP_TIMEOUT - 0.3, (where, owners)
            changes += 1
    assert changes > 20
    # There were more flows than ports, and ports served several of them at a time.
    ports = {port for _, port, _, _ in echo.seen}
    assert len(ports) >= len(lab.ports(0)) // workers  # each worker has its share of them, and each host its worker
    assert sum(is_shared(port, echo) for port in ports) > 10
    # Forgers and strangers were seen off, and the border believed whatever the customer edge sent.
    drops = {reason: count for reason, count in edge.counters()[0]["drops"].items() if count}
    assert drops.keys() >= {"no-binding", "source-spoofed"}, drops
    assert lab.translator.drops("source-spoofed") == 0
    # Sessions end, and their ports are free again: nothing leaks.
    wait_for(lambda: not edge.show("sessions")["sessions"], 3 * UDP_TIMEOUT + 3, what="the end of all sessions")
    wait_for(lambda: edge.show("ports")["ports"][0]["used"] == {"udp": 0, "tcp": 0, "icmp": 0}, what="all ports free")
    print(f"{rounds} rounds, {sent} sent, {answered} answered, {changes} times another's, {drops}")


def is_shared(port, echo):
    """Whether two flows had it at the same time, for different destinations."""
    times = sorted((first, last, identity) for (_, at, _, _), owners in echo.seen.items() if at == port
                   for identity, first, last in owners)
    return any(one[2] != other[2] and other[0] < one[1] for one, other in zip(times, times[1:]))
