"""Malformed, odd and forbidden packets, straight into the device: the daemon stays up and accounts for every one."""

import json
import os
import random
import time

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption_LSRR, IPOption_NOP
from scapy.layers.inet6 import (ICMPv6EchoRequest, ICMPv6MLReport, ICMPv6ND_NS, ICMPv6PacketTooBig, IPv6,
                                IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, IPv6ExtHdrRouting)
from scapy.packet import Raw
from tun_port import TunPort

V4 = {"src": "203.0.113.2", "dst": "192.0.2.80"}
V6 = {"src": "2001:db8:5::80", "dst": "2001:db8:64::203.0.113.2"}
PAYLOAD = Raw(b"yonroku!" * 4)


def sound():
    """Packets that are right, as raw material."""
    return [
        IP(**V4) / UDP(sport=1, dport=2) / PAYLOAD,
        IP(**V4) / TCP(sport=1, dport=80, flags="S"),
        IP(**V4) / ICMP() / PAYLOAD,
        IP(**V4, flags="MF", id=7) / UDP(sport=1, dport=2) / PAYLOAD,
        IP(**V4, frag=185, id=7, proto=17) / PAYLOAD,
        IP(**V4) / ICMP(type=3, code=3) / IP(src=V4["dst"], dst=V4["src"]) / UDP(sport=2, dport=1) / PAYLOAD,
        IPv6(**V6) / UDP(sport=1, dport=2) / PAYLOAD,
        IPv6(**V6) / TCP(sport=80, dport=1, flags="SA"),
        IPv6(**V6) / ICMPv6EchoRequest() / PAYLOAD,
        IPv6(**V6) / IPv6ExtHdrFragment(offset=0, m=1, id=9) / UDP(sport=1, dport=2) / PAYLOAD,
        IPv6(**V6) / IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt() / UDP(sport=1, dport=2) / PAYLOAD,
        IPv6(**V6) / ICMPv6PacketTooBig(mtu=1280) / IPv6(src=V6["dst"], dst=V6["src"]) / UDP(sport=2, dport=1) / PAYLOAD,
    ]


def odd():
    """Each is wrong in one way, or right but to be refused; reason as the daemon must count it."""
    v4, v6, udp = IP(**V4), IPv6(**V6), UDP(sport=1, dport=2) / PAYLOAD
    return [
        ("truncated-header", bytes(v4 / udp)[:12]),
        ("truncated-header", bytes(v6 / udp)[:39]),
        ("length-mismatch", bytes(v4 / udp)[:40]),
        ("length-mismatch", bytes(v6 / udp)[:60]),
        ("length-mismatch", bytes(IP(**V4, ihl=15) / UDP(sport=1, dport=2) / Raw(bytes(8)))),
        ("length-mismatch", bytes(IP(**V4, ihl=2) / udp)),
        ("bad-version", b"\x50" + bytes(v4 / udp)[1:]),
        ("ipv4-header-checksum", bytes(IP(**V4, chksum=0xDEAD) / udp)),
        ("truncated-header", bytes(IPv6(**V6, nh=0) / Raw(b"\x11\xff" + bytes(30)))),
        ("truncated-header", bytes(IPv6(**V6, nh=44) / Raw(b"\x11\x00\x00"))),
        ("bad-extension-header", bytes(IPv6(**V6, nh=60) / Raw((b"\x3c\x00" + bytes(6)) * 20 + bytes(udp)))),
        ("illegal-source", bytes(IP(src="127.0.0.1", dst=V4["dst"]) / udp)),
        ("illegal-source", bytes(IP(src="224.0.0.1", dst=V4["dst"]) / udp)),
        ("illegal-source", bytes(IP(src="240.0.0.1", dst=V4["dst"]) / udp)),
        ("illegal-source", bytes(IPv6(src="::1", dst=V6["dst"]) / udp)),
        ("illegal-source", bytes(IPv6(src="ff02::1", dst=V6["dst"]) / udp)),
        ("illegal-destination", bytes(IP(src=V4["src"], dst="224.0.0.251") / udp)),
        ("illegal-destination", bytes(IPv6(src=V6["src"], dst="ff02::fb") / udp)),
        ("source-not-mapped", bytes(IPv6(src="2001:db8:bad::1", dst=V6["dst"]) / udp)),
        ("destination-not-mapped", bytes(IPv6(src=V6["src"], dst="2001:db8:bad::1") / udp)),
        ("source-route", bytes(IP(**V4, options=[IPOption_LSRR(routers=["198.51.100.1"], pointer=4), IPOption_NOP()]) / udp)),
        ("segments-left", bytes(v6 / IPv6ExtHdrRouting(addresses=["2001:db8::1"], segleft=1) / udp)),
        ("ttl-exceeded", bytes(IP(**V4, ttl=1) / udp)),
        ("hop-limit-exceeded", bytes(IPv6(**V6, hlim=1) / udp)),
        ("packet-too-big", bytes(IP(**V4, flags="DF") / UDP(sport=1, dport=2) / Raw(bytes(1472)))),
        ("ipv6-udp-zero-checksum", bytes(v6 / UDP(sport=1, dport=2, chksum=0) / PAYLOAD)),
        ("udp-zero-checksum-fragment", bytes(IP(**V4, flags="MF") / UDP(sport=1, dport=2, chksum=0) / PAYLOAD)),
        ("fragmented-icmp", bytes(IP(**V4, flags="MF") / ICMP() / PAYLOAD)),
        ("fragmented-icmp", bytes(v6 / IPv6ExtHdrFragment(m=1, id=1) / ICMPv6EchoRequest() / PAYLOAD)),
        ("extension-header-after-fragment", bytes(v6 / IPv6ExtHdrFragment(nh=60, m=1, id=1) / IPv6ExtHdrDestOpt() / udp)),
        ("igmp", bytes(IP(**V4, proto=2) / Raw(bytes.fromhex("1100eeff00000000")))),
        ("icmp-type-not-translatable", bytes(v4 / ICMP(type=13) / Raw(bytes(12)))),
        ("icmp-type-not-translatable", bytes(v4 / ICMP(type=5) / IP(**V4) / udp)),
        ("icmp-type-not-translatable", bytes(IPv6(**V6, hlim=64) / ICMPv6MLReport())),
        ("icmp-type-not-translatable", bytes(v6 / ICMPv6ND_NS(tgt="2001:db8::1"))),
        ("icmp-code-not-translatable", bytes(v4 / ICMP(type=3, code=14) / IP(src=V4["dst"], dst=V4["src"]) / udp)),
        ("icmp-checksum", bytes(v4 / ICMP(type=3, code=3, chksum=1) / IP(src=V4["dst"], dst=V4["src"]) / udp)),
        ("inner-packet-truncated", bytes(v4 / ICMP(type=3, code=3) / Raw(b"\x45\x00\x00"))),
        ("inner-packet-is-icmp-error", bytes(v4 / ICMP(type=3, code=3) / IP(src=V4["dst"], dst=V4["src"]) /
                                             ICMP(type=3, code=1) / IP(**V4) / udp)),
    ]


@pytest.fixture
def port(fresh_dc):
    """A quiet device: no ICMP rate limit, and no other traffic."""
    fresh_dc.start(fresh_dc.CONFIG + "    icmp-error-rate: 1000000\n")
    time.sleep(0.3)
    with TunPort(fresh_dc, "gateway", "dc") as port:
        yield port


def counted(lab, port, packet):
    """What one packet adds to the counters of drops."""
    before = lab.translator.counters("dc")[0]["drops"]
    port.exchange(packet, 0.03)
    after = lab.translator.counters("dc")[0]["drops"]
    return {name: number - before.get(name, 0) for name, number in after.items() if number != before.get(name, 0)}


def test_each_odd_packet_is_counted_under_its_reason(fresh_dc, port):
    wrong = []
    for reason, packet in odd():
        # A second try, for the kernel itself speaks up on a new device now and then (MLD).
        results = [counted(fresh_dc, port, packet)]
        if results[0] != {reason: 1}:
            results.append(counted(fresh_dc, port, packet))
        if {reason: 1} not in results:
            wrong.append((reason, results, packet.hex()))
    assert not wrong, "\n".join(map(str, wrong))


def to_daemon(lab):
    """How many packets the kernel has handed to the daemon."""
    statistics = json.loads(lab.ip("gateway", "-s -j link show dev dc"))[0]["stats64"]
    return statistics["tx"]["packets"]


def test_mutations_and_noise_are_all_accounted_for(fresh_dc, port):
    generator = random.Random(46)
    material = [bytes(packet) for packet in sound()] + [packet for _, packet in odd()]
    accounted, handed_over = fresh_dc.translator.accounted(), to_daemon(fresh_dc)
    for number in range(20000):
        packet = bytearray(generator.choice(material))
        for _ in range(generator.choice([0, 1, 1, 2, 8])):
            packet[generator.randrange(len(packet))] = generator.randrange(256)
        if generator.random() < 0.2:
            packet = packet[: generator.randrange(1, len(packet) + 1)]
        if generator.random() < 0.1:
            packet += os.urandom(generator.randrange(1, 200))
        port.send(packet[:1500])
        if number % 64 == 0:  # The device's queue is short; the test is about contents, not about load.
            time.sleep(0.002)
    time.sleep(0.5)
    assert fresh_dc.translator.process.running(), fresh_dc.translator.process.stderr
    handed_over = to_daemon(fresh_dc) - handed_over
    assert handed_over > 19000
    assert fresh_dc.translator.accounted() - accounted == handed_over
    answers = port.exchange(bytes(sound()[0]), 0.2)
    assert any(packet[0] >> 4 == 6 for packet in answers)


def test_no_error_is_sent_about_an_error(fresh_dc, port):
    """RFC 1812 §4.3.2.7, RFC 4443 §2.4."""
    quoted4 = IP(src=V4["dst"], dst=V4["src"]) / UDP(sport=2, dport=1) / PAYLOAD
    quoted6 = IPv6(src=V6["dst"], dst=V6["src"]) / UDP(sport=2, dport=1) / PAYLOAD
    for packet in (IP(**V4, ttl=1) / ICMP(type=3, code=3) / quoted4,
                   IPv6(**V6, hlim=1) / ICMPv6PacketTooBig(mtu=1280) / quoted6,
                   IP(**V4, ttl=1, frag=100, proto=17) / PAYLOAD,
                   IP(src="255.255.255.255", dst=V4["dst"], ttl=1) / UDP() / PAYLOAD):
        assert port.exchange(packet, 0.05) == [], packet.summary()


def test_errors_are_rate_limited(fresh_dc):
    fresh_dc.start(fresh_dc.CONFIG + "    icmp-error-rate: 10\n")
    time.sleep(0.3)
    with TunPort(fresh_dc, "gateway", "dc") as port:
        packet = bytes(IP(**V4, ttl=1) / UDP(sport=1, dport=2) / PAYLOAD)
        for _ in range(200):
            port.send(packet)
        assert 5 <= len(port.received(0.3)) <= 20
        assert fresh_dc.translator.drops("ttl-exceeded") == 200


def test_an_address_that_nobody_has_does_not_circle(fresh_dc):
    """A routed IPv4 prefix with holes: a packet into a hole must not go round between pref64's route and ours."""
    fresh_dc.start(fresh_dc.CONFIG + "    ipv4-routes: [192.0.2.0/24]\n")
    time.sleep(0.3)
    before = to_daemon(fresh_dc)
    done = fresh_dc.run("client", ["ping", "-n", "-c", "3", "-i", "0.05", "-W", "1", "192.0.2.99"], check=False)
    assert "From 192.0.0.8" in done.stdout, done.stdout
    fresh_dc.run("server", ["ping", "-n", "-c", "3", "-i", "0.05", "-W", "1", "2001:db8:64::192.0.2.99"], check=False)
    assert fresh_dc.translator.drops("destination-not-mapped") == 6
    assert to_daemon(fresh_dc) - before <= 6 + 4  # The kernel itself may say a word on a new device.
