#!/usr/bin/python3
"""`yonroku map` as a user meets it. The environment variable YONROKU names the program."""

import ipaddress
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = os.path.abspath(os.environ.get("YONROKU", ROOT / "build/debug/yonroku"))
# RFC 7597 Appendix A.
RULE = "--rule=ipv6=2001:db8::/40,ipv4=192.0.2.0/24,ea=16"
EXAMPLE = """\
rule              1: 2001:db8::/40, 192.0.2.0/24, 16 EA bits
End-user prefix   2001:db8:12:3400::/56
IPv4 address      192.0.2.18, shared by 256 customers
PSID              0x34 (52), 8 bits behind an offset of 6
MAP address       2001:db8:12:3400:0:c000:212:34
ports             252 in 63 ranges of 4
                  1232-1235 2256-2259 3280-3283 4304-4307 ... 63696-63699 64720-64723
"""


def run(*arguments):
    return subprocess.run([PROGRAM, "map", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def ports_by_formula(offset, length, psid):
    """RFC 7597 Appendix B, formula (1)."""
    r, m = 2**length, 2 ** (16 - offset - length)
    return {r * m * i + m * psid + j for i in range(1 if offset else 0, 65536 // (r * m)) for j in range(m)}


class Map(unittest.TestCase):
    def good(self, *arguments):
        result = run(*arguments)
        self.assertEqual((result.returncode, result.stderr), (0, ""), arguments)
        return result.stdout

    def json(self, *arguments):
        return json.loads(self.good(*arguments, "--json"))

    def bad(self, status, message, *arguments):
        result = run(*arguments)
        self.assertEqual((result.returncode, result.stdout), (status, ""), result.stderr)
        self.assertIn(message, result.stderr)

    def test_example_of_rfc_7597_both_ways(self):
        self.assertEqual(self.good("ce", RULE, "2001:db8:12:3400::/56"), EXAMPLE)
        self.assertEqual(self.good("ce", "2001:db8:12:3400::/56", RULE), EXAMPLE)
        self.assertEqual(self.good("address", RULE, "192.0.2.18", "1232"), EXAMPLE)
        text = self.good("address", RULE, "2001:db8:12:3400:0:c000:212:34")
        self.assertEqual(text, EXAMPLE + "this address      agrees with the EA bits: this is the MAP address\n")

    def test_draft_03(self):
        rule = "--rule=ipv6=2001:db8:1:2000::/52,ipv4=203.0.113.0/24,ea=12"
        answer = self.json("ce", rule, "--format", "draft-03", "2001:db8:1:2345::/64")
        self.assertEqual(answer["map-address"], "2001:db8:1:2345:cb:71:3400:500")
        self.assertEqual((answer["ipv4"], answer["psid"], answer["ports"]), ("203.0.113.52", 5, 3840))
        self.assertEqual(answer["rule"]["psid-offset"], 4)

    def test_given_psid(self):
        answer = self.json("ce", "--rule=ipv6=2001:db8:12:3400::/56,ipv4=192.0.2.18,ea=0,psid-length=8,psid=0x34",
                           "2001:db8:12:3400::/56")
        self.assertEqual(answer["map-address"], "2001:db8:12:3400:0:c000:212:34")

    def test_every_range(self):
        answer = self.json("address", RULE, "192.0.2.18", "1232")
        ports = {p for first, last in answer["port-ranges"] for p in range(first, last + 1)}
        self.assertEqual(ports, ports_by_formula(6, 8, 0x34))
        words = self.good("ce", RULE, "2001:db8:12:3400::/56", "--all-ranges").split()
        said = {p for w in words if w.count("-") == 1 and w.replace("-", "").isdigit()
                for p in range(int(w.split("-")[0]), int(w.split("-")[1]) + 1)}
        self.assertEqual(said, ports)

    def test_there_and_back(self):
        """Customers of several rules, found by port and again by the address that results."""
        rules = (RULE, "--rule=ipv6=2001:db8:100::/40,ipv4=198.51.100.0/24,ea=14,offset=4")
        for ipv4, port in (("192.0.2.0", 1024), ("192.0.2.255", 65535), ("198.51.100.7", 5000), ("198.51.100.255", 65535)):
            owner = self.json("address", *rules, ipv4, str(port))
            self.assertTrue(any(first <= port <= last for first, last in owner["port-ranges"]))
            self.assertIn(ipaddress.ip_address(owner["map-address"]), ipaddress.ip_network(owner["end-user-prefix"]))
            back = self.json("address", *rules, owner["map-address"])
            self.assertEqual((back["ipv4"], back["psid"], back["interface-identifier"]), (ipv4, owner["psid"], "map-address"))
            edge = self.json("ce", *rules, owner["end-user-prefix"])
            self.assertEqual((edge["map-address"], edge["rule-number"]), (owner["map-address"], owner["rule-number"]))

    def test_port_set(self):
        text = self.good("port-set", "--psid-length", "8", "--psid", "0x34", "--port", "1236")
        self.assertTrue(text.endswith("port 1236         of PSID 0x35 (53), not in this set\n"), text)
        self.assertIn("256, with PSIDs from 0x00 to 0xff (255)\n", self.good("port-set", "--psid-length", "8"))
        for offset, length, psid in ((6, 8, 0), (0, 6, 0), (4, 12, 0x345), (0, 16, 1232)):
            answer = self.json("port-set", "--offset", str(offset), "--psid-length", str(length), "--psid", str(psid))
            ports = {p for first, last in answer["port-ranges"] for p in range(first, last + 1)}
            self.assertEqual(ports, ports_by_formula(offset, length, psid))

    def test_what_cannot_be_answered(self):
        self.bad(1, "192.0.2.18: is shared, and no port is given", "address", RULE, "192.0.2.18")
        self.bad(1, "192.0.2.18: the port 80 is nobody's", "address", RULE, "192.0.2.18", "80")
        self.bad(1, "203.0.113.1: lies in no rule's IPv4 prefix", "address", RULE, "203.0.113.1", "80")
        self.bad(1, "2001:db8:12::/48: is too short", "ce", RULE, "2001:db8:12::/48")
        self.bad(1, "--rule 2: another rule has the same IPv4 prefix and PSID", "ce", RULE, RULE, "2001:db8:12:3400::/56")
        self.bad(1, "make the offset 5 or less", "port-set", "--psid-length", "11")
        self.bad(1, "no-such.csv: cannot be read", "ce", "--rules", "no-such.csv", "2001:db8:12:3400::/56")

    def test_wrong_usage(self):
        for arguments in ([], ["frobnicate"], ["ce"], ["ce", RULE], ["ce", "2001:db8::/56"], ["ce", RULE, "192.0.2.1"],
                          ["address", RULE, "x"], ["address", RULE, "2001:db8::1", "80"], ["address", RULE, "192.0.2.1", "65536"],
                          ["port-set"], ["port-set", "--psid-length", "17"], ["port-set", "--psid-length", "4", "--psid", "x"],
                          ["rules"], ["rules", "--rule", "ipv7=x"], ["rules", RULE, "--format", "map-e"]):
            with self.subTest(arguments):
                result = run(*arguments)
                self.assertEqual((result.returncode, result.stdout), (2, ""), result.stderr)
                self.assertEqual(result.stderr.count("\n"), 1, result.stderr)

    def test_rules(self):
        self.assertEqual(self.good("rules", RULE),
                         "rule  IPv6 prefix    IPv4 prefix   EA  End-user  addresses  customers  shared by  ports each\n"
                         "   1  2001:db8::/40  192.0.2.0/24  16       /56        256      65536        256         252\n"
                         "1 rule: 256 IPv4 addresses, 65536 customers\n")
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / "rules.csv"
            path.write_text("ipv6-prefix,ipv4-prefix,ea-length,psid-offset\n2001:db8::/40,192.0.2.0/24,16,0\n"
                            "2001:db8:100::/40,192.0.2.0/24,16,6\n", encoding="utf-8")
            result = run("rules", "--rules", str(path))
            self.assertEqual(result.returncode, 1)
            self.assertEqual(result.stderr.splitlines(), [
                f"{path}:3:1: 192.0.2.0/24 is the IPv4 prefix of another rule as well, in line 2; give each rule a prefix of "
                "its own, or longer ones inside of it",
                f"{path}:2:1: warning: the PSIDs 0 to 3 have the system ports; make psid-offset 1 to 6, or do not give these "
                "out (RFC 7597 §5.1)"])
            self.assertTrue(result.stdout.endswith("2 rules: 256 IPv4 addresses, 131072 customers\n"))
            result = run("rules", "--rules", str(path), "--json")
            report = json.loads(result.stdout)
            self.assertEqual((result.returncode, result.stderr, report["ok"]), (1, "", False))
            self.assertEqual([(e["line"], e["column"]) for e in report["errors"]], [(3, 1)])
            self.assertEqual(len(report["warnings"]), 1)
            self.assertEqual([r["psid-offset"] for r in report["rules"]], [0, 6])

            path.write_text("ipv6-prefix,ipv4-prefix,ea-length\n2001:db8::/40,192.0.2.0/24,25\n", encoding="utf-8")
            result = run("rules", "--rules", str(path))
            self.assertEqual((result.returncode, result.stdout), (1, ""))
            self.assertTrue(result.stderr.startswith(f"{path}:2:28: 25 EA bits behind 192.0.2.0/24 leave 17 to the PSID"))
        self.bad(1, "--rule: there is no ea-length; add it", "rules", "--rule", "ipv6=2001:db8::/40,ipv4=192.0.2.0/24")

    def test_a_hundred_thousand_softwires(self):
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / "softwires.csv"
            with path.open("w", encoding="utf-8") as table:
                table.write("ipv6-prefix,ipv4-prefix,ea-length,psid-offset,psid-length,psid\n")
                for i in range(100_000):
                    table.write(f"2001:db8:{i >> 16:x}:{i & 0xffff:x}::1,10.0.{i >> 16}.{i >> 8 & 255},0,6,8,{i & 255}\n")
            self.assertIn("100000 rules: 391 IPv4 addresses, 100000 customers\n", self.good("rules", "--rules", str(path)))
            owner = self.json("address", "--rules", str(path), "10.0.1.2", "1232")
            self.assertEqual(owner["map-address"], "2001:db8:1:234::1")


if __name__ == "__main__":
    unittest.main()
