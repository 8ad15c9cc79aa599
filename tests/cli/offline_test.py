#!/usr/bin/python3
"""yonroku translate and yonroku explain. The environment variable YONROKU names the program."""

import json
import os
import pathlib
import struct
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
GOLDEN = ROOT / "tests/golden"
PROGRAM = os.path.abspath(os.environ.get("YONROKU", ROOT / "build/debug/yonroku"))
CONFIG = GOLDEN / "configs/eam-basic.yaml"
LINKTYPE_ETHERNET, LINKTYPE_RAW = 1, 101


def yonroku(*arguments, stdin=None):
    return subprocess.run([PROGRAM, *map(str, arguments)], input=stdin, capture_output=True, timeout=60, check=False)


def golden(name):
    """(inputs, expected results) of a golden file, as lists of bytes."""
    inputs, results, current = [], [], None
    for line in (GOLDEN / f"{name}.golden").read_text(encoding="utf-8").splitlines():
        if line.startswith("from-ipv"):
            current = bytearray()
            inputs.append(current)
        elif line.startswith("packet:"):
            current = bytearray()
            results.append(current)
        elif line.startswith("  ") and current is not None:
            current += bytes.fromhex(line.split("#")[0])
        elif not line.startswith("#"):
            current = None
    return [bytes(one) for one in inputs], [bytes(one) for one in results]


def write_pcap(path, packets, link_type=LINKTYPE_RAW):
    """Nanosecond pcap; packet n is at n seconds and n nanoseconds."""
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, link_type))
        for number, packet in enumerate(packets, 1):
            out.write(struct.pack("<IIII", number, number, len(packet), len(packet)) + packet)


def read_pcap(path):
    """[(seconds, nanoseconds, packet)] and the link type."""
    data = path.read_bytes()
    magic, _, _, _, _, _, link_type = struct.unpack_from("<IHHiIII", data)
    assert magic == 0xA1B23C4D
    packets, at = [], 24
    while at < len(data):
        seconds, nanoseconds, size, _ = struct.unpack_from("<IIII", data, at)
        packets.append((seconds, nanoseconds, data[at + 16:at + 16 + size]))
        at += 16 + size
    return packets, link_type


class Folder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)


class Translate(Folder):
    NAMES = ["rfc7915/4.1-tcp", "rfc7915/4.1-df0-1500-octets-are-cut", "rfc7915/4.2-igmp-is-dropped",
             "rfc7915/4.1-df1-1481-octets-are-answered-with-3-4", "rfc7915/5.1-tcp"]

    def test_results_in_order_with_the_time_of_their_packet(self):
        packets, expected = [], []
        for name in ["rfc7915/4.1-tcp", "rfc7915/4.1-df0-1500-octets-are-cut", "rfc7915/5.1-tcp"]:
            inputs, results = golden(name)
            packets += inputs
            expected += [(len(packets), len(packets), result) for result in results]
        write_pcap(self.folder / "in", packets)
        done = yonroku("translate", "--config", CONFIG, self.folder / "in", self.folder / "out")
        self.assertEqual((done.returncode, done.stdout), (0, b""), done.stderr)
        self.assertEqual(read_pcap(self.folder / "out"), (expected, LINKTYPE_RAW))
        self.assertIn(b"3 packets: 2 to IPv6, 1 to IPv4, 0 hairpinned, 0 dropped; 4 written\n  2 fragments made\n", done.stderr)

    def test_same_input_same_output(self):
        write_pcap(self.folder / "in", [packet for name in self.NAMES for packet in golden(name)[0]])
        for out in ("one", "two"):
            self.assertEqual(yonroku("translate", "-c", CONFIG, self.folder / "in", self.folder / out).returncode, 0)
        self.assertEqual((self.folder / "one").read_bytes(), (self.folder / "two").read_bytes())

    def test_ethernet_with_other_traffic(self):
        (packet,), results = golden("rfc7915/4.1-tcp")
        macs = bytes(12)
        frames = [macs + b"\x08\x06" + bytes(28), macs + b"\x08\x00" + packet,
                  macs + b"\x81\x00\x00\x07\x08\x00" + packet]
        write_pcap(self.folder / "in", frames, LINKTYPE_ETHERNET)
        done = yonroku("translate", "-c", CONFIG, "--json", self.folder / "in", self.folder / "out")
        summary = json.loads(done.stdout)
        self.assertEqual((summary["packets"], summary["skipped-frames"], summary["to-ipv6"]), (2, 1, 2))
        self.assertEqual([packet for _, _, packet in read_pcap(self.folder / "out")[0]], results * 2)

    def test_drops_are_summed_up_by_reason(self):
        write_pcap(self.folder / "in", golden("rfc7915/4.1-ttl-1-is-answered-with-time-exceeded")[0] * 2)
        done = yonroku("translate", "-c", CONFIG, self.folder / "in", self.folder / "out")
        self.assertIn("dropped 2: ttl-exceeded (the IPv4 time to live ran out)", done.stderr.decode())
        self.assertIn("2 ICMP errors sent", done.stderr.decode())

    def test_through_pipes(self):
        (packet,), results = golden("rfc7915/4.1-tcp")
        write_pcap(self.folder / "in", [packet])
        done = yonroku("translate", "-c", CONFIG, "-", "-", stdin=(self.folder / "in").read_bytes())
        self.assertTrue(done.stdout.endswith(results[0]))

    def test_errors(self):
        write_pcap(self.folder / "in", [])
        two = self.folder / "two.yaml"
        two.write_text("instances:\n" + "".join(
            f"  - {{name: {name}, mechanism: siit, pref64: 2001:db8:{name}::/96}}\n" for name in ("a1", "b1")), encoding="utf-8")
        rows = [
            (["-c", CONFIG, self.folder / "none", self.folder / "out"], "No such file or directory"),
            (["-c", CONFIG, CONFIG, self.folder / "out"], "not a capture file"),
            (["-c", CONFIG, self.folder / "in", self.folder / "in"], "is the input itself"),
            (["-c", CONFIG, self.folder / "in", "/nonexistent/out"], "cannot be written"),
            (["-c", CONFIG, "-i", "x", self.folder / "in", self.folder / "out"], 'there is no instance "x"; the configuration has: dc'),
            (["-c", two, self.folder / "in", self.folder / "out"], "choose one with --instance: a1, b1"),
            (["-c", self.folder / "none", self.folder / "in", self.folder / "out"], "No such file"),
        ]
        for arguments, said in rows:
            with self.subTest(said):
                done = yonroku("translate", *arguments)
                self.assertEqual((done.returncode, done.stdout), (1, b""))
                self.assertIn(said, done.stderr.decode())
        self.assertEqual(yonroku("translate", "-c", CONFIG, "a").returncode, 2)


class Explain(Folder):
    def test_octets_in_every_form(self):
        (packet,), _ = golden("rfc7915/4.1-tcp")
        text = packet.hex(" ")
        (self.folder / "hex").write_text(text, encoding="ascii")
        write_pcap(self.folder / "pcap", [packet])
        first = yonroku("explain", "-c", CONFIG, text)
        self.assertEqual(first.returncode, 0, first.stderr)
        self.assertIn("verdict: translated to IPv6", first.stdout.decode())
        self.assertIn("[RFC 7915 §4.1]", first.stdout.decode())
        for done in [yonroku("explain", "-c", CONFIG, *text.split()), yonroku("explain", "-c", CONFIG, self.folder / "hex"),
                     yonroku("explain", "-c", CONFIG, "-", stdin=text.encode())]:
            self.assertEqual(done.stdout, first.stdout)
        captured = yonroku("explain", "-c", CONFIG, self.folder / "pcap").stdout
        self.assertEqual(captured, b"packet 1, 1970-01-01T00:00:01.000000001Z\n\n" + first.stdout)

    def test_one_packet_of_many(self):
        packets = golden("rfc7915/4.1-tcp")[0] + golden("rfc7915/5.1-tcp")[0]
        write_pcap(self.folder / "in", packets)
        self.assertEqual(yonroku("explain", "-c", CONFIG, self.folder / "in").stdout.count(b"verdict:"), 2)
        second = yonroku("explain", "-c", CONFIG, "--packet", 2, self.folder / "in").stdout
        self.assertTrue(second.startswith(b"packet 2, "))
        self.assertEqual(second.count(b"verdict:"), 1)
        done = yonroku("explain", "-c", CONFIG, "--packet", 3, self.folder / "in")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"there is no packet 3; the file has 2", done.stderr)

    def test_json(self):
        write_pcap(self.folder / "in", golden("rfc7915/4.1-tcp")[0] + golden("rfc7915/4.1-ttl-1-is-answered-with-time-exceeded")[0])
        first, second = json.loads(yonroku("explain", "-c", CONFIG, "--json", self.folder / "in").stdout)["packets"]
        self.assertEqual((first["packet"], first["verdict"]), (1, "to-ipv6"))
        self.assertEqual((second["verdict"], second["reason"], second["answered"]), ("drop", "ttl-exceeded", True))
        self.assertTrue(second["advice"])
        write_pcap(self.folder / "none", [])
        done = yonroku("explain", "-c", CONFIG, "--json", self.folder / "none")
        self.assertEqual((done.returncode, json.loads(done.stdout)), (1, {"packets": []}))

    def test_fragments_of_a_tunnel(self):
        config = CONFIG.parent / "tunnel.yaml"
        write_pcap(self.folder / "in", golden("rfc2473/7.2-fragments-in-order")[0])
        text = yonroku("explain", "-c", config, self.folder / "in").stdout.decode()
        for said in ["verdict: held: a fragment that waits for the others", "put together",
                     "With this one 2 fragments are here", "verdict: out of the tunnel: IPv4"]:
            self.assertIn(said, text)
        first, second = json.loads(yonroku("explain", "-c", config, "--json", self.folder / "in").stdout)["packets"]
        self.assertEqual((first["verdict"], second["verdict"]), ("held", "to-ipv4"))
        self.assertEqual([header["header"] for header in second["whole"]["headers"]], ["IPv6", "IPv4", "UDP", "data"])

    def test_errors(self):
        for arguments, said in [(["45 zz"], "is no hexadecimal digit"), (["a/b.pcap"], "there is no such file"),
                                ([CONFIG], "not a capture file")]:
            with self.subTest(said):
                done = yonroku("explain", "-c", CONFIG, *arguments)
                self.assertEqual((done.returncode, done.stdout), (1, b""))
                self.assertIn(said, done.stderr.decode())
                self.assertEqual(done.stderr.count(b"\n"), 1)


if __name__ == "__main__":
    unittest.main()
