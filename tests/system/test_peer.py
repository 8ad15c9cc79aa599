"""The same packets through our daemon and through tayga, an independent translator: the results are compared by field.

Where tayga 0.9.2 still follows RFC 6145, its result is first made what RFC 7915 asks (`as_rfc7915`); what it drops and
we translate is listed by name. Any other difference is a failure.
"""

import itertools

import pytest
from namespaces import Namespaces
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import (ICMPv6DestUnreach, ICMPv6EchoReply, ICMPv6EchoRequest, ICMPv6PacketTooBig,
                                ICMPv6TimeExceeded, IPv6, IPv6ExtHdrFragment)
from scapy.packet import Raw
from translators import Tayga, Yonroku
from tun_port import TunPort

V4 = {"src": "198.51.100.2", "dst": "192.0.2.80"}
V6 = {"src": "2001:db8:5::80", "dst": "2001:db8:64::198.51.100.2"}
BACK4 = {"src": V4["dst"], "dst": V4["src"]}
BACK6 = {"src": V6["dst"], "dst": V6["src"]}
PREFIX, MAPPINGS = "2001:db8:64::/96", [("192.0.2.80", "2001:db8:5::80"), ("192.0.2.64/28", "2001:db8:77::/124")]
CONFIG = """\
instances:
  - name: both
    mechanism: siit
    pref64: 2001:db8:64::/96
    routes: manual
    translator-ipv4: 192.0.0.9
    mappings:
      - {ipv4: 192.0.2.80, ipv6: "2001:db8:5::80"}
      - {ipv4: 192.0.2.64/28, ipv6: "2001:db8:77::/124"}
"""


def payload(length):
    return Raw(bytes(i * 7 & 255 for i in range(length)))


def inputs():
    """(name, packet), a few hundred ordinary ones."""
    for length, df in itertools.product((0, 1, 7, 8, 100, 1000, 1172, 1400), (0, 2)):
        v4 = IP(**V4, flags=df, id=0 if df else 4660, tos=0x28, ttl=61)
        yield f"ipv4 udp {length} df={df}", v4 / UDP(sport=4000, dport=53) / payload(length)
        yield f"ipv4 tcp {length} df={df}", v4 / TCP(sport=4000, dport=80, flags="PA", seq=1, ack=2) / payload(length)
        yield f"ipv4 echo {length} df={df}", v4 / ICMP(type=8, id=3, seq=4) / payload(length)
    for length in (0, 1, 7, 8, 100, 1000, 1192, 1193, 1240, 1400):
        v6 = IPv6(**V6, tc=0x28, hlim=61, fl=0)
        yield f"ipv6 udp {length}", v6 / UDP(sport=53, dport=4000) / payload(length)
        yield f"ipv6 tcp {length}", v6 / TCP(sport=80, dport=4000, flags="PA", seq=1, ack=2) / payload(length)
        yield f"ipv6 echo {length}", v6 / ICMPv6EchoRequest(id=3, seq=4, data=payload(length).load)
        yield f"ipv6 echo reply {length}", v6 / ICMPv6EchoReply(id=3, seq=4, data=payload(length).load)
    for offset, more in ((0, 1), (64, 1), (64, 0)):
        yield f"ipv4 fragment {offset} {more}", IP(**V4, flags=more, frag=offset // 8, id=4660, proto=17) / payload(64)
        yield f"ipv6 fragment {offset} {more}", (IPv6(**V6) / IPv6ExtHdrFragment(nh=17, offset=offset // 8, m=more, id=4660) /
                                                 payload(64))
    for protocol in (50, 47, 132, 33, 200):
        yield f"ipv4 protocol {protocol}", IP(**V4, proto=protocol) / payload(40)
        yield f"ipv6 protocol {protocol}", IPv6(**V6, nh=protocol) / payload(40)
    quoted4 = IP(**BACK4, flags="DF", id=0) / UDP(sport=53, dport=4000) / payload(32)
    for code in (0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13):
        yield f"icmpv4 unreachable {code}", IP(**V4) / ICMP(type=3, code=code) / quoted4
    for code in (0, 1):
        yield f"icmpv4 time exceeded {code}", IP(**V4) / ICMP(type=11, code=code) / quoted4
    for mtu in (1280, 1400, 1480):
        yield f"icmpv4 fragmentation needed {mtu}", IP(**V4) / ICMP(type=3, code=4, nexthopmtu=mtu) / quoted4
        yield f"icmpv6 too big {mtu}", IPv6(**V6) / ICMPv6PacketTooBig(mtu=mtu) / IPv6(**BACK6) / TCP(sport=1, dport=2) / payload(64)
    for code in (0, 1, 2, 3, 4):
        yield f"icmpv6 unreachable {code}", IPv6(**V6) / ICMPv6DestUnreach(code=code) / IPv6(**BACK6) / UDP(sport=1, dport=2) / payload(9)
    for code in (0, 1):
        yield f"icmpv6 time exceeded {code}", IPv6(**V6) / ICMPv6TimeExceeded(code=code) / IPv6(**BACK6) / UDP(sport=1, dport=2) / payload(9)
    for host in (64, 71, 79):
        yield f"prefix mapping {host}", IP(src=V4["src"], dst=f"192.0.2.{host}") / UDP(sport=1, dport=2) / payload(8)
        yield f"prefix mapping back {host}", IPv6(src=f"2001:db8:77::{host - 64:x}", dst=V6["dst"]) / UDP(sport=1, dport=2) / payload(8)


def fields(packet):
    """What is compared of a result."""
    if packet[0] >> 4 == 6:
        parsed = IPv6(packet)
        out = {"version": 6, "src": parsed.src, "dst": parsed.dst, "class": parsed.tc, "ttl": parsed.hlim, "flow": parsed.fl}
        rest, protocol = packet[40:], parsed.nh
        if protocol == 44:
            out["fragment"] = (int.from_bytes(rest[2:4], "big"), int.from_bytes(rest[4:8], "big"))
            protocol, rest = rest[0], rest[8:]
        out["protocol"] = protocol
    else:
        parsed = IP(packet)
        out = {"version": 4, "src": parsed.src, "dst": parsed.dst, "class": parsed.tos, "ttl": parsed.ttl,
               "protocol": parsed.proto, "offset": int(parsed.frag), "more": "MF" in str(parsed.flags),
               "df": "DF" in str(parsed.flags), "id": parsed.id}
        rest = packet[parsed.ihl * 4:]
    out["rest"] = rest.hex()
    return out


def as_rfc7915(packet):
    """tayga sets DF, with identification 0, on every IPv4 packet that came from an IPv6 packet without Fragment Header, as
    RFC 6145 had it. RFC 7915 §5.1: only on those of more than 1260 octets. The same inside quotes of ICMP errors."""
    packet = bytearray(packet)
    if packet[0] >> 4 != 4:
        return bytes(packet)
    clear_df(packet, 0)
    is_error = packet[9] == 1 and packet[20] in (3, 11, 12) and packet[28] >> 4 == 4
    if is_error:
        clear_df(packet, 28)
    return bytes(packet)


def clear_df(packet, at):
    if int.from_bytes(packet[at + 2:at + 4], "big") > 1260 or packet[at + 6:at + 8] != b"\x40\x00":
        return
    packet[at + 6] = 0
    checksum = int.from_bytes(packet[at + 10:at + 12], "big") + 0x4000
    packet[at + 10:at + 12] = (checksum % 0xFFFF or 0xFFFF).to_bytes(2, "big")


def is_known_silence(name):
    """What tayga drops and we translate."""
    return name == "icmpv6 unreachable 3"  # Address unreachable: RFC 7915 §5.2 makes it a host unreachable.


@pytest.fixture(scope="module")
def ports():
    if not Tayga.installed():
        pytest.skip("tayga is not installed")
    with Namespaces() as lab:
        lab.add("ours", "theirs")
        Yonroku(lab, "ours", CONFIG).start()
        Tayga(lab, "theirs", PREFIX, MAPPINGS).start()
        with TunPort(lab, "ours", "both") as ours, TunPort(lab, "theirs", "tayga") as theirs:
            yield ours, theirs


def test_every_field_agrees(ports):
    ours, theirs = ports
    differences = []
    for name, packet in inputs():
        raw = bytes(packet)
        for seconds in (0.02, 0.5):  # on a busy machine either may take longer
            a = [fields(result) for result in ours.exchange(raw, seconds)]
            b = [fields(as_rfc7915(result)) for result in theirs.exchange(raw, seconds)]
            if len(a) == len(b):
                break
            for port in ports:
                port.received(0.5)  # what is late does not answer the next question
        if len(a) != len(b):
            if not (b == [] and is_known_silence(name)):
                differences.append(f"{name}: ours sends {len(a)} packets {a}, tayga {len(b)} {b}")
            continue
        for mine, its in zip(a, b):
            if its.get("id") == 0 and not its["df"]:
                mine = mine | {"id": 0}  # With DF clear ours is a counter.
            for field in mine.keys() | its.keys():
                if mine.get(field) != its.get(field):
                    differences.append(f"{name}: {field}: ours {mine.get(field)}, tayga {its.get(field)}")
    assert not differences, "\n".join(differences)
