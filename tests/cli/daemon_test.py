#!/usr/bin/python3
"""yonroku run, show and mappings in a network namespace of its own. Needs root; the environment variable YONROKU names
the program."""

import http.client
import json
import pathlib
import signal
import socket
import subprocess
import tempfile
import time
import unittest

import in_namespace
from in_namespace import PROGRAM

CONFIG = """\
control: {{socket: {socket}}}
instances:
  - name: {name}
    mechanism: siit
    pref64: 2001:db8:64::/96
    ipv4-routes: [192.0.2.0/24]
    mappings:
      - {{ipv4: 192.0.2.80, ipv6: "2001:db8:5::80"}}
"""


class Daemon(unittest.TestCase):
    """One daemon for each test: a start takes a tenth of a second."""

    config_text = CONFIG
    name = "dc"

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.socket = self.folder / "run" / "control.sock"  # its directory is not there yet
        self.config = self.folder / "yonroku.yaml"
        self.config.write_text(self.config_text.format(socket=self.socket, name=self.name), encoding="utf-8")
        self.log = self.folder / "log"
        self.process = None
        self.start()
        self.addCleanup(self.stop)

    def start(self):
        with open(self.log, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen([PROGRAM, "run", "--config", self.config], stderr=log)
        self.await_log("ready")

    def stop(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(10)

    def await_log(self, text, seconds=20):
        end = time.monotonic() + seconds
        while text not in self.log.read_text(encoding="utf-8"):
            self.assertLess(time.monotonic(), end, self.log.read_text(encoding="utf-8"))
            time.sleep(0.01)

    def command(self, *words, stdin=None, status=0):
        done = subprocess.run([PROGRAM, *map(str, words), "--socket", self.socket], input=stdin, capture_output=True,
                              text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stderr if status else done.stdout

    def listed(self):
        return self.command("mappings", "list").splitlines()[1:]


class Show(Daemon):
    def test_status(self):
        text = self.command("show", "status")
        self.assertIn(f"process {self.process.pid}", text)
        self.assertIn("dc: siit on device dc, 1 worker: works", text)
        self.assertIn("routes to it: 192.0.2.0/24", text)
        status = json.loads(self.command("show", "status", "--json"))
        self.assertEqual(status["process-id"], self.process.pid)
        self.assertIsNone(status["instances"][0]["failure"])

    def test_counters(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"not translated: no source", ("192.0.2.99", 9))
        counters = json.loads(self.command("show", "counters", "--json"))["instances"][0]
        self.assertEqual(counters["name"], "dc")
        self.assertEqual(set(counters) >= {"to-ipv6", "to-ipv4", "hairpin", "drops", "received"}, True)
        self.assertIn("igmp: IGMP is for one link [RFC 7915 §4.2]", self.command("show", "counters", "--all"))
        self.assertNotIn("igmp", self.command("show", "counters"))

    def test_an_unknown_instance(self):
        for topic in ("status", "counters", "mappings"):
            self.assertIn('there is no', self.command("show", topic, "--instance", "dd", status=1))

    def test_nobody_there(self):
        self.stop()
        said = self.command("show", "status", status=1)
        self.assertIn(f"no yonroku answers at {self.socket}: is it running?", said)


class Mappings(Daemon):
    def test_add_remove_list(self):
        self.assertEqual(self.command("mappings", "add", "192.0.2.81", "2001:db8:5::81"), "1 added\n")
        self.assertEqual(self.listed(), ["192.0.2.80,2001:db8:5::80", "192.0.2.81,2001:db8:5::81"])
        self.assertEqual(json.loads(self.command("mappings", "list", "--json"))["mappings"][1],
                         {"ipv4": "192.0.2.81", "ipv6": "2001:db8:5::81"})
        self.assertEqual(self.command("mappings", "remove", "192.0.2.80", "192.0.2.81"), "2 removed\n")
        self.assertEqual(self.listed(), [])

    def test_batches(self):
        lines = "".join(f"198.18.0.{n},2001:db8:7::{n:x}\n" for n in range(100))
        self.assertEqual(self.command("mappings", "add", "--batch", "-", stdin=lines), "100 added\n")
        (self.folder / "some.txt").write_text("198.18.0.1\n198.18.0.2\n", encoding="ascii")
        self.assertEqual(self.command("mappings", "remove", "--batch", self.folder / "some.txt"), "2 removed\n")
        self.assertEqual(len(self.listed()), 99)

    def test_list_and_replace_fit_together(self):
        (self.folder / "a.csv").write_text(self.command("mappings", "list") + "192.0.2.7,2001:db8:5::7\n", encoding="ascii")
        change = json.loads(self.command("mappings", "replace", self.folder / "a.csv", "--json"))
        self.assertEqual((change["added"], change["removed"], change["unchanged"]), (1, 0, 1))
        self.assertEqual(self.listed(), ["192.0.2.7,2001:db8:5::7", "192.0.2.80,2001:db8:5::80"])

    def test_a_bad_line_changes_nothing(self):
        before = self.listed()
        said = self.command("mappings", "add", "--batch", "-", stdin="192.0.2.90,2001:db8:5::90\n192.0.2.300,2001:db8::1\n", status=1)
        self.assertIn("standard input:2", said)
        self.assertIn("192.0.2.300", said)
        said = self.command("mappings", "add", "--batch", "-", stdin="192.0.2.90,2001:db8:5::90\n192.0.2.80,2001:db8::1\n", status=1)
        self.assertIn("192.0.2.80", said)
        self.assertEqual(self.listed(), before)

    def test_wrong_usage(self):
        for words in (["add"], ["add", "192.0.2.1"], ["remove"], ["replace"], [], ["frobnicate"]):
            self.command("mappings", *words, status=2)

    def test_they_last_until_the_next_reload(self):
        self.command("mappings", "add", "192.0.2.81", "2001:db8:5::81")
        self.process.send_signal(signal.SIGHUP)
        self.await_log("reloaded")
        self.assertEqual(self.listed(), ["192.0.2.80,2001:db8:5::80"])

    def test_a_command_for_each_change(self):
        """A start, a request and an end take 7 ms on a quiet machine; this limit is for busy and sanitized ones."""
        start = time.monotonic()
        for n in range(50):
            self.command("mappings", "add", f"198.18.1.{n}", f"2001:db8:8::{n:x}")
        self.assertLess(time.monotonic() - start, 10)


BORDERS = """\
control: {{socket: {socket}}}
instances:
  - name: aftr
    mechanism: lwaftr
    br-addresses: ["2001:db8:ffff::1", "2001:db8:ffff::2"]
    softwires:
      - {{b4-address: "2001:db8:1::1", ipv4: 192.0.2.18, psid-offset: 6, psid-length: 4, psid: 1}}
  - name: relay
    mechanism: map-e-br
    br-addresses: ["2001:db8:eeee::1"]
    rules:
      - {{ipv6-prefix: "2001:db8:100::/40", ipv4-prefix: 198.51.100.0/24, ea-length: 16}}
  - name: {name}
    mechanism: ipip
    side: provider
    local-address: "2001:db8:dddd::1"
    remote-address: "2001:db8:2::1"
    customer-prefixes: [203.0.113.8/29]
"""


class Softwires(Daemon):
    config_text = BORDERS
    name = "fixed"
    first = "2001:db8:1::1,192.0.2.18,6,4,1"

    def softwires(self, *words, **others):
        return self.command("softwires", *words, "-i", "aftr", **others)

    def lines(self):
        return self.softwires("list").splitlines()[1:]

    def routes(self, instance="aftr"):
        status = json.loads(self.command("show", "status", "--json", "-i", instance))
        return [route for route in status["instances"][0]["routes"] if ":" not in route]

    def kernel_routes(self, device="aftr"):
        done = subprocess.run(["ip", "-4", "route", "show", "dev", device], capture_output=True, text=True, check=True)
        return {line.split()[0] for line in done.stdout.splitlines()} - {"192.0.0.8"}

    def test_add_remove_list(self):
        self.assertEqual(self.softwires("add", "2001:db8:1::2", "192.0.2.18", "--psid", "2", "--psid-length", "4",
                                        "--psid-offset", "6", "--br-address", "2001:db8:ffff::2"), "1 added\n")
        self.assertEqual(self.softwires("add", "2001:db8:1::3", "192.0.2.19"), "1 added\n")
        self.assertEqual(self.softwires("add", "2001:db8:1::3", "192.0.2.19"), "1 unchanged\n")
        self.assertEqual(self.lines(), [self.first, "2001:db8:1::2,192.0.2.18,6,4,2,2001:db8:ffff::2",
                                        "2001:db8:1::3,192.0.2.19"])
        self.assertEqual(json.loads(self.softwires("list", "--json"))["softwires"][1],
                         {"b4-address": "2001:db8:1::2", "ipv4": "192.0.2.18", "psid-offset": 6, "psid-length": 4,
                          "psid": 2, "br-address": "2001:db8:ffff::2"})
        self.assertEqual(self.command("show", "softwires", "-i", "aftr"), self.softwires("list"))
        self.assertEqual(self.softwires("remove", "192.0.2.18", "--psid", "1"), "1 removed\n")
        self.assertEqual(self.softwires("remove", "192.0.2.19"), "1 removed\n")
        self.assertEqual(len(self.lines()), 1)

    def test_a_route_for_each_address_in_use(self):
        self.assertEqual(self.kernel_routes(), {"192.0.2.18"})
        lines = "".join(f"2001:db8:3::{n:x},192.0.2.{20 + n // 16},6,4,{n % 16}\n" for n in range(48))
        self.softwires("add", "--batch", "-", stdin=lines)
        self.assertEqual(self.kernel_routes(), {"192.0.2.18", "192.0.2.20", "192.0.2.21", "192.0.2.22"})
        for psid in range(15):
            self.softwires("remove", "192.0.2.20", "--psid", psid)
        self.assertIn("192.0.2.20", self.kernel_routes())
        self.softwires("remove", "192.0.2.20", "--psid", 15)
        self.assertEqual(self.kernel_routes(), {"192.0.2.18", "192.0.2.21", "192.0.2.22"})
        self.softwires("replace", "-", stdin="2001:db8:3::1,192.0.2.22\n")
        self.assertEqual(self.kernel_routes(), {"192.0.2.22"})
        self.assertEqual(self.routes(), ["192.0.2.22/32"])

    def test_too_many_routes_change_nothing(self):
        lines = "".join(f"2001:db8:3::{n:x},10.0.{n >> 8}.{n & 255}\n" for n in range(10001))
        said = self.softwires("add", "--batch", "-", stdin=lines, status=1)
        self.assertIn("more than 10000 routes; sum them up with `ipv4-routes`", said)
        self.assertEqual((self.lines(), self.kernel_routes()), ([self.first], {"192.0.2.18"}))

    def test_list_and_replace_and_remove_fit_together(self):
        (self.folder / "a.csv").write_text(self.softwires("list") + "2001:db8:1::7,192.0.2.7\n", encoding="ascii")
        change = json.loads(self.softwires("replace", self.folder / "a.csv", "--json"))
        self.assertEqual(change, {"added": 1, "removed": 0, "replaced": 0, "unchanged": 1})
        change = json.loads(self.softwires("replace", "-", "--json", stdin="2001:db8:1::9,192.0.2.7\n"))
        self.assertEqual(change, {"added": 0, "removed": 1, "replaced": 1, "unchanged": 0})
        self.assertEqual(self.softwires("remove", "--batch", "-", stdin=self.softwires("list")), "1 removed\n")
        self.assertEqual(self.lines(), [])

    def test_a_bad_line_changes_nothing(self):
        for lines, status, said in (
                ("2001:db8:1::5,192.0.2.5\n2001:db8:1::6,192.0.2.300\n", 1, "standard input:2:15: "),
                ("2001:db8:1::5,192.0.2.5\n2001:db8:1::6,192.0.2.18,6,4,1\n", 1, "another softwire has the same IPv4 prefix"),
                ("2001:db8:1::5,192.0.2.5\n2001:db8:1::6,192.0.2.18\n", 1, "some ports are those of 2001:db8:1::1"),
                ("2001:db8:1::5,192.0.2.5\n2001:db8:ffff::1,192.0.2.6\n", 1, "this end of the tunnel"),
                ("2001:db8:1::5,192.0.2.5,,,,2001:db8:ffff::3\n", 1, "standard input:1:28: 2001:db8:ffff::3 is none of br-addresses"),
        ):
            self.assertIn(said, self.softwires("add", "--batch", "-", stdin=lines, status=status))
        self.assertIn("no softwire for 192.0.2.18; ", self.softwires("remove", "192.0.2.18", status=1))
        self.assertIn("holds no softwires, which would remove them all", self.softwires("replace", "-", stdin="", status=1))
        said = self.softwires("add", "2001:db8:1::5", "192.0.2.256", status=1)
        self.assertTrue(said.startswith('yonroku: "192.0.2.256"') or said.startswith('"192.0.2.256"'), said)
        self.assertEqual((self.lines(), self.kernel_routes()), ([self.first], {"192.0.2.18"}))

    def test_wrong_usage(self):
        for words in (["add"], ["add", "2001:db8::1"], ["remove"], ["replace"], [], ["frobnicate"],
                      ["add", "2001:db8::1,", "192.0.2.1"], ["remove", "192.0.2.1", "192.0.2.2", "--psid", "1"],
                      ["add", "2001:db8::1", "192.0.2.1", "--batch", "-"]):
            self.softwires(*words, status=2)

    def test_each_instance_has_its_own_kind(self):
        self.assertIn("aftr is of mechanism lwaftr, which has no mappings; it has softwires",
                      self.command("mappings", "add", "192.0.2.1", "2001:db8::1", "-i", "aftr", status=1))
        self.assertIn("which has no rules; it has softwires", self.command("rules", "list", "-i", "aftr", status=1))
        self.assertIn("its tunnel is in the configuration", self.command("softwires", "list", "-i", "fixed", status=1))
        self.assertIn("there are several: aftr, relay, fixed", self.command("softwires", "list", status=1))

    def test_they_last_until_the_next_reload(self):
        self.softwires("add", "2001:db8:1::5", "192.0.2.5")
        self.softwires("remove", "192.0.2.18", "--psid", "1")
        self.assertEqual(self.kernel_routes(), {"192.0.2.5"})
        self.process.send_signal(signal.SIGHUP)
        self.await_log("reloaded")
        self.assertEqual((self.lines(), self.kernel_routes()), ([self.first], {"192.0.2.18"}))
        self.softwires("add", "2001:db8:1::5", "192.0.2.18", "--psid-offset", "6", "--psid-length", "4", "--psid", "2")
        self.softwires("remove", "192.0.2.18", "--psid", "2")
        self.assertEqual(self.kernel_routes(), {"192.0.2.18"}, "users are counted anew")

    def test_rules(self):
        def rules(*words, **others):
            return self.command("rules", *words, "-i", "relay", **others)

        self.assertEqual(rules("add", "2001:db8:200::/40", "203.0.113.0/25", "15", "--psid-offset", "4"), "1 added\n")
        self.assertEqual(rules("list").splitlines()[1:],
                         ["2001:db8:100::/40,198.51.100.0/24,16,6,,,rfc7597,0", "2001:db8:200::/40,203.0.113.0/25,15,4,,,rfc7597,0"])
        self.assertEqual(self.kernel_routes("relay"), {"198.51.100.0/24", "203.0.113.0/25"})
        self.assertIn("has the same IPv6 prefix", rules("add", "2001:db8:200::/40", "203.0.113.128/25", "15", status=1))
        self.assertIn("there is no column ea-length", rules("add", "--batch", "-", stdin="ipv6-prefix,ipv4-prefix\n", status=1))
        self.assertEqual(rules("remove", "198.51.100.0/24"), "1 removed\n")
        self.assertEqual(rules("remove", "--batch", "-", stdin=rules("list")), "1 removed\n")
        self.assertEqual(self.kernel_routes("relay"), set())

    def test_status_and_metrics(self):
        self.assertIn("  1 softwire in ", self.command("show", "status", "-i", "aftr"))
        self.assertIn("  1 rule in ", self.command("show", "status", "-i", "relay"))
        self.assertEqual(json.loads(self.command("show", "status", "--json"))["instances"][0]["softwires"], 1)
        connection = http.client.HTTPConnection("localhost")
        with socket.socket(socket.AF_UNIX) as connection.sock:
            connection.sock.connect(str(self.socket))
            connection.request("GET", "/metrics")
            body = connection.getresponse().read().decode()
        self.assertIn('yonroku_softwires{instance="aftr",mechanism="lwaftr"} 1\n', body)
        self.assertIn('yonroku_rules{instance="relay",mechanism="map-e-br"} 1\n', body)
        self.assertIn('yonroku_mappings{instance="aftr",mechanism="lwaftr"} 1\n', body)

    def test_a_hundred_thousand(self):
        lines = "".join(f"2001:db8:3:{n >> 16:x}:{n & 65535:x}::1,10.{n >> 16 & 255}.{n >> 8 & 255}.0,6,8,{n & 255}\n" for n in range(100_000))
        start = time.monotonic()
        self.assertEqual(self.softwires("replace", "-", stdin=lines), "100000 added, 1 removed\n")
        self.assertEqual(len(self.lines()), 100_000)
        for n in range(50):
            self.softwires("add", f"2001:db8:4::{n:x}", f"192.0.2.{n}")
        self.assertLess(time.monotonic() - start, 30)


class Nat(Daemon):
    config_text = """\
control: {{socket: {socket}}}
instances:
  - name: {name}
    mechanism: nat64
    pref64: 2001:db8:64::/96
    pools: [{{addresses: 192.0.2.1, ports: 1024-1123}}]
    subscriber-prefix-length: 64
    static-bindings:
      - {{protocol: tcp, inside: "2001:db8:1::80", inside-port: 80, outside: 192.0.2.1, outside-port: 1100}}
  - name: stateless
    mechanism: siit
    pref64: 2001:db8:46::/96
"""
    name = "plat"
    host = "2001:db8:1::1"
    server = "2001:db8:64::203.0.113.9"

    def setUp(self):
        super().setUp()
        subprocess.run(["ip", "-6", "address", "replace", self.host + "/128", "dev", "lo", "nodad"], check=True)

    def talk(self, ports):
        """A UDP session from each port, and an attempt of TCP."""
        for port in ports:
            with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sender:
                sender.bind((self.host, port))
                sender.sendto(b"hello", (self.server, 53))
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as sender:
            sender.setblocking(False)
            sender.bind((self.host, 0))
            sender.connect_ex((self.server, 443))

    def show(self, *words):
        return self.command("show", *words, "--instance", "plat")

    def await_sessions(self, count):
        end = time.monotonic() + 10
        while True:
            found = json.loads(self.show("sessions", "--json"))["sessions"]
            if len(found) == count:
                return found
            self.assertLess(time.monotonic(), end, found)
            time.sleep(0.02)

    def test_sessions_bindings_and_subscribers(self):
        self.assertEqual(self.show("sessions"), "no sessions\n")
        self.talk(range(5000, 5010))
        sessions = self.await_sessions(11)
        udp = [s for s in sessions if s["protocol"] == "udp"]
        self.assertEqual({s["inside-port"] for s in udp}, set(range(5000, 5010)))
        self.assertEqual({(s["inside"], s["remote"], s["remote-port"], s["state"]) for s in udp},
                         {(self.host, "203.0.113.9", 53, "unanswered")})
        tcp = self.show("sessions", "--protocol", "tcp").splitlines()
        self.assertEqual(tcp[0].split(), ["PROTO", "INSIDE", "OUTSIDE", "REMOTE", "STATE", "LEFT"])
        self.assertRegex(tcp[1], r"^tcp    \[2001:db8:1::1\]:\d+  192\.0\.2\.\d:\d+  203\.0\.113\.9:443  inside-init  ")

        one = udp[0]
        outside = f"{one['outside']}:{one['outside-port']}"
        found = json.loads(self.show("bindings", "--outside", outside, "--protocol", "udp", "--json"))["bindings"]
        self.assertEqual([b["inside-port"] for b in found], [one["inside-port"]])
        self.assertEqual(len(self.show("sessions", "--inside", f"[{self.host}]:5003").splitlines()), 2)
        self.assertEqual(self.show("sessions", "--remote", "203.0.113.9:54"), "no sessions\n")
        limited = self.show("bindings", "--limit", 3).splitlines()
        self.assertEqual((len(limited), limited[-1]), (5, "and more: --limit says how many are shown"))
        self.assertIn("static", self.show("bindings", "--subscriber", "2001:db8:1::80"))

        subscriber = self.show("subscribers").splitlines()[1].split()
        self.assertEqual((subscriber[0], subscriber[2:4]), ("2001:db8:1::/64", ["12", "11"]))
        self.assertEqual(self.show("subscribers", "--sort", "sessions").splitlines()[1].split(), subscriber)
        busiest = json.loads(self.show("subscribers", "--sort", "bindings", "--limit", 1, "--json"))["subscribers"]
        self.assertEqual([b["bindings"] for b in busiest], [12])
        refused = self.command("show", "subscribers", "--sort", "sessions", "--limit", 101, "--instance", "plat", status=1)
        self.assertIn("at most 100", refused)
        ports = json.loads(self.show("ports", "--json"))
        self.assertEqual([p["ports"] for p in ports["ports"]], [100])
        self.assertEqual(sum(p["used"]["udp"] for p in ports["ports"]), 10)
        self.assertEqual(ports["busiest"][0]["bindings"], 12)
        self.assertIn("the busiest subscribers:", self.show("ports"))

    def test_status(self):
        self.talk(range(6000, 6095))
        self.await_sessions(96)
        status = self.show("status")
        self.assertRegex(status, ": works, but (one thing is|[2-9] things are) wrong\n! plat is short of ports for udp: "
                         "95 of 100 are taken: add addresses")
        self.assertIn("96 sessions: udp 95, tcp 1 (1,000,000 at most), 97 bindings of 1 subscriber\n", status)
        self.assertIn("100 ports on 1 address, in use: udp 95 %, tcp 2 %, icmp 0 %\n", status)

    def test_follow(self):
        words = [PROGRAM, "show", "sessions", "--instance", "plat", "--follow", "--protocol", "udp", "--limit", "3",
                 "--socket", self.socket]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as follower:
            end = time.monotonic() + 10
            for port in range(7000, 8000):
                if follower.poll() is not None:
                    break
                self.talk([port])
                time.sleep(0.02)
                self.assertLess(time.monotonic(), end)
            lines = follower.stdout.read().splitlines()
        self.assertEqual(len(lines), 3)
        self.assertRegex(lines[0], r"^\d\d:\d\d:\d\d\.\d{3}  new  udp   \[2001:db8:1::1\]:7\d+  192\.0\.2\.1:\d+  203\.0\.113\.9:53$")

    def test_what_cannot_be_asked(self):
        self.assertIn("stateless is of mechanism siit, which has no sessions",
                      self.command("show", "sessions", "--instance", "stateless", status=1))
        self.assertIn('remote: "2001:db8::1" is not an IPv4',
                      self.command("show", "sessions", "--instance", "plat", "--remote", "2001:db8::1", status=1))
        self.command("show", "ports", "--remote", "192.0.2.1", status=2)
        self.command("show", "sessions", "--limit", "0", status=2)


class Socket(Daemon):
    name = "edge"

    def http(self, method, path, body=None):
        connection = http.client.HTTPConnection("localhost")
        with socket.socket(socket.AF_UNIX) as connection.sock:
            connection.sock.connect(str(self.socket))
            connection.request(method, path, body)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def test_modes(self):
        self.assertEqual(self.socket.stat().st_mode & 0o7777, 0o660)
        self.assertEqual(self.socket.parent.stat().st_mode & 0o7777, 0o750)

    def test_any_http_client(self):
        status, body = self.http("GET", "/v1/status")
        self.assertEqual((status, json.loads(body)["instances"][0]["name"]), (200, "edge"))
        status, body = self.http("POST", "/v1/instances/edge/mappings", "192.0.2.81,2001:db8:5::81\n")
        self.assertEqual((status, json.loads(body)["added"]), (200, 1))
        status, body = self.http("GET", "/metrics")
        self.assertIn('yonroku_mappings{instance="edge",mechanism="siit"} 2\n', body)
        self.assertEqual(self.http("GET", "/v1/instances/none/mappings")[0], 404)
        self.assertEqual(self.http("DELETE", "/v1/mappings", "rubbish")[0], 400)
        self.assertEqual(self.http("POST", "/v1/mappings", "192.0.2.81,2001:db8:5::99\n")[0], 409)

    def test_reload(self):
        self.config.write_text(self.config.read_text(encoding="utf-8") + "    icmp-errors: off\n", encoding="utf-8")
        self.assertEqual(self.http("POST", "/v1/reload")[0], 200)
        self.config.write_text("instances: [\n", encoding="utf-8")
        status, body = self.http("POST", "/v1/reload")
        self.assertEqual(status, 409)
        self.assertIn("yonroku.yaml", body)
        self.assertIn("the settings stay as they were", self.log.read_text(encoding="utf-8"))
        self.assertEqual(self.stop(), 0)

    def test_it_goes_away_at_the_end(self):
        self.assertEqual(self.stop(), 0)
        self.assertFalse(self.socket.exists())

    def test_the_socket_of_a_killed_program_is_replaced(self):
        self.stop(signal.SIGKILL)
        self.assertTrue(self.socket.exists())
        self.start()
        self.command("show", "status")

    def test_a_second_program_does_not_take_it(self):
        done = subprocess.run([PROGRAM, "run", "-c", self.config], capture_output=True, text=True, timeout=20, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"another yonroku serves this socket (process {self.process.pid}, instances: edge)", done.stderr)
        self.command("show", "status")

    def test_a_device_that_is_gone_ends_it(self):
        subprocess.run(["ip", "link", "del", "edge"], check=True)
        self.assertEqual(self.process.wait(5), 1)
        self.assertIn("edge", self.log.read_text(encoding="utf-8").splitlines()[-1])


if __name__ == "__main__":
    in_namespace.main()
