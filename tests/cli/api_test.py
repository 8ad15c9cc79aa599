#!/usr/bin/python3
"""The answers of a daemon with an instance of each kind: as packaging/openapi.yaml describes them, as promtool wants
them, with every metric that the shipped dashboards and alerts name; the API over TCP; `yonroku top`. Needs root; the
environment variable YONROKU names the program."""

import fcntl
import http.client
import json
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest

import in_namespace
from in_namespace import PROGRAM, ROOT

try:
    import jsonschema
    import yaml
except ImportError:
    print("skipped: needs python3-jsonschema and python3-yaml")
    sys.exit(77)

TOKEN = "a-token-of-the-test-0123456789"
PORT = 4646
CONFIG = """\
control: {{socket: {folder}/control.sock, listen: 127.0.0.1:4646, token-file: {folder}/token}}
nat-log: {{events: bindings, path: {folder}/nat-log}}
instances:
  - name: plat
    mechanism: nat64
    workers: 2
    pref64: 2001:db8:64::/96
    pools: [{{addresses: 192.0.2.1, ports: 1024-1123}}]
    subscriber-prefix-length: 64
    ports-per-subscriber: 12
    static-bindings:
      - {{protocol: tcp, inside: "2001:db8:1::80", inside-port: 80, outside: 192.0.2.1, outside-port: 1100}}
  - name: dc
    mechanism: siit
    pref64: 2001:db8:46::/96
    mappings: [{{ipv4: 198.51.100.80, ipv6: "2001:db8:5::80"}}]
  - name: aftr
    mechanism: lwaftr
    br-addresses: ["2001:db8:ffff::1"]
    softwires: [{{ipv4: 203.0.113.1, psid-length: 8, psid: 52, b4-address: "2001:db8:7::1"}}]
  - name: border
    mechanism: map-e-br
    br-addresses: ["2001:db8:ffff::2"]
    rules: [{{ipv6-prefix: "2001:db8:8000::/40", ipv4-prefix: 203.0.114.0/24, ea-length: 16, psid-offset: 6}}]
  - name: web
    mechanism: slb64
    pools: [{{addresses: 198.51.100.240/28}}]
    services:
      - {{vip: "2001:db8:80::1", port: 80, servers: [{{address: 198.18.0.9, port: 9}}], health: {{check: tcp}}}}
"""
# UDP from 203.0.114.7, port 5000, to 192.0.2.99, port 53 (RFC 791 §3.1, RFC 768).
SPOOFED = bytes.fromhex("4500001c0000400040110000cb007207c0000263" "1388003500080000")
SPOOFED = SPOOFED[:10] + (0xffff - sum(struct.unpack("!10H", SPOOFED[:20])) % 0xffff).to_bytes(2, "big") + SPOOFED[12:]
DESCRIPTION = yaml.safe_load((ROOT / "packaging/openapi.yaml").read_text(encoding="utf-8"))


class Api(unittest.TestCase):
    """One daemon for all tests: they leave it as it was."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.socket = cls.folder / "control.sock"
        (cls.folder / "token").write_text(TOKEN + "\n", encoding="utf-8")
        (cls.folder / "token").chmod(0o600)
        (cls.folder / "yonroku.yaml").write_text(CONFIG.format(folder=cls.folder), encoding="utf-8")
        log = cls.folder / "log"
        with open(log, "w", encoding="utf-8") as out:
            cls.process = subprocess.Popen([PROGRAM, "run", "-c", cls.folder / "yonroku.yaml"], stderr=out)
        cls.addClassCleanup(cls.process.wait, 10)
        cls.addClassCleanup(cls.process.terminate)
        end = time.monotonic() + 30
        while "ready" not in log.read_text(encoding="utf-8"):
            assert time.monotonic() < end and cls.process.poll() is None, log.read_text(encoding="utf-8")
            time.sleep(0.02)
        subprocess.run(["ip", "-6", "address", "replace", "2001:db8:1::1/128", "dev", "lo", "nodad"], check=True)
        for port in range(5000, 5014):  # three more than the subscriber may have: it has the static binding, too
            with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sender:
                sender.bind(("2001:db8:1::1", port))
                sender.sendto(b"hello", ("2001:db8:64::203.0.113.9", 53))
        # RFC 7597 §8.1: an inner source that is not the outer one's.
        with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_IPIP) as sender:
            sender.bind(("2001:db8:1::1", 0))
            for _ in range(4):
                sender.sendto(SPOOFED, ("2001:db8:ffff::2", 0))
        while cls.sessions() < 11:
            assert time.monotonic() < end
            time.sleep(0.05)

    @classmethod
    def ask(cls, method, path, body=None, accept="application/json"):
        connection = http.client.HTTPConnection("localhost", timeout=20)
        with socket.socket(socket.AF_UNIX) as connection.sock:
            connection.sock.connect(str(cls.socket))
            connection.request(method, path, body, {"Accept": accept})
            answer = connection.getresponse()
            return answer.status, answer.getheader("Content-Type"), answer.read().decode()

    @classmethod
    def sessions(cls):
        return len(json.loads(cls.ask("GET", "/v1/instances/plat/sessions")[2])["sessions"])

    def metrics(self):
        status, kind, text = self.ask("GET", "/metrics")
        self.assertEqual(status, 200)
        self.assertIn("text/plain", kind)
        return text


def schema_of(operation, status, media):
    """Of an answer, with everything that it refers to."""
    answer = operation["responses"].get(str(status), operation["responses"]["default"])
    if "$ref" in answer:
        answer = DESCRIPTION["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    schema = answer["content"][media]["schema"]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "components": DESCRIPTION["components"], **schema}


class Answers(Api):
    def check(self, method, path, template, body=None, expected=200):
        status, kind, text = self.ask(method, path, body)
        self.assertEqual(status, expected, f"{method} {path}: {text}")
        media = kind.partition(";")[0]
        schema = schema_of(DESCRIPTION["paths"][template][method.lower()], status, media)
        if media == "application/json":
            parts = [json.loads(text)]
        elif media == "application/x-ndjson":
            parts = [json.loads(line) for line in text.splitlines() if line]
        else:
            parts = [text]
        for part in parts:
            try:
                jsonschema.validate(part, schema, jsonschema.Draft202012Validator)
            except jsonschema.ValidationError as error:
                self.fail(f"{method} {path}: {error.message} at {error.json_path}")
        return parts

    def test_the_description_refers_to_what_is_there(self):
        jsonschema.Draft202012Validator.check_schema({"$defs": DESCRIPTION["components"]["schemas"]})
        used = re.findall(r"#/components/(\w+)/([\w-]+)", (ROOT / "packaging/openapi.yaml").read_text(encoding="utf-8"))
        for kind, name in used:
            self.assertIn(name, DESCRIPTION["components"][kind])
        for kind in ("schemas", "parameters"):
            self.assertEqual(set(DESCRIPTION["components"][kind]) - {name for k, name in used if k == kind}, set())
        operations = [operation["operationId"] for path in DESCRIPTION["paths"].values() for operation in path.values()]
        self.assertEqual(len(set(operations)), len(operations))

    def test_every_answer_is_as_described(self):
        has = {"mappings": ["dc"], "softwires": ["aftr"], "rules": ["border"], "services": ["web", "dc"],
               "offload": ["dc", "plat"], "bindings": ["plat", "web"], "sessions": ["plat", "web"],
               "subscribers": ["plat", "web"], "ports": ["plat", "web"], "spoofers": ["border", "aftr", "dc"]}
        asked = 0
        for template, operations in DESCRIPTION["paths"].items():
            if "get" not in operations:
                continue
            thing = template.rpartition("/")[2]
            if "{instance}" in template:
                for name in has[thing]:
                    self.check("GET", template.replace("{instance}", name), template)
                self.check("GET", template.replace("{instance}", "nobody"), template, expected=404)
            elif thing == "who":
                binding = json.loads(self.ask("GET", "/v1/instances/plat/sessions")[2])["sessions"][0]
                self.check("GET", f"{template}?address={binding['outside']}&port={binding['outside-port']}", template)
                self.check("GET", f"{template}?subscriber=2001:db8:1::/64", template)
                self.check("GET", template, template, expected=400)
            elif thing == "history":
                for name in ("plat", "dc"):
                    for span in (600, 3600, 86400):
                        self.check("GET", f"{template}?instance={name}&span={span}", template)
                self.check("GET", template, template, expected=404)
                self.check("GET", template + "?span=7", template, expected=400)
                self.check("GET", template + "?since=noon", template, expected=400)
            elif thing in has and thing not in ("services", "offload", "spoofers"):
                self.check("GET", template, template, expected=404)  # which one?
            else:
                self.check("GET", template, template)
            asked += 1
        self.assertGreater(asked, 20)

    def test_those_who_fail_the_check_are_named(self):
        spoofer, = json.loads(self.ask("GET", "/v1/instances/border/spoofers")[2])["spoofers"]
        self.assertEqual([spoofer[key] for key in ("instance", "source", "packets", "at-least")],
                         ["border", "2001:db8:1::1", 4, 4])
        self.assertEqual(json.loads(self.ask("GET", "/v1/instances/dc/spoofers")[2])["spoofers"], [])
        said = subprocess.run([PROGRAM, "show", "spoofers", "--socket", self.socket], capture_output=True, text=True,
                              check=True).stdout
        self.assertRegex(said, r"border\n +2001:db8:1::1 +4 packets, the last \d+ s ago\n")

    def test_changes_and_refusals_are_as_described(self):
        for thing, name, line in (("mappings", "dc", "198.51.100.81,2001:db8:5::81\n"),
                                  ("softwires", "aftr", "2001:db8:7::2,203.0.113.1,0,8,53\n")):
            template = f"/v1/instances/{{instance}}/{thing}"
            path = template.replace("{instance}", name)
            added, = self.check("POST", path, template, line)
            self.assertEqual(added["added"], 1)
            gone = "198.51.100.81\n" if thing == "mappings" else "203.0.113.1,53\n"
            removed, = self.check("DELETE", path, template, gone)
            self.assertEqual(removed["removed"], 1)
            self.check("PUT", path, template, "rubbish\n", expected=400)

    def test_counters_tell_what_happened(self):
        counters, = self.check("GET", "/v1/counters", "/v1/counters")
        plat = next(i for i in counters["instances"] if i["name"] == "plat")
        udp = plat["nat"]["udp"]
        self.assertEqual((udp["created-sessions"], udp["created-bindings"]), (11, 11))
        self.assertEqual(udp["refused"]["subscriber-ports"], 3)
        self.assertEqual(plat["drops"]["subscriber-limit"], 3)
        self.assertEqual(len(plat["workers"]), 2)
        for worker in plat["workers"]:
            self.assertGreater(worker["cpu-seconds"], 0)

    def test_history_grows_by_a_value_each_second(self):
        end = time.monotonic() + 20
        while True:
            history, = self.check("GET", "/v1/history?instance=plat", "/v1/history")
            if len(history["series"]["udp-sessions"]) >= 3:
                break
            self.assertLess(time.monotonic(), end)
            time.sleep(0.2)
        self.assertEqual(history["series"]["udp-sessions"][-1], 11)
        self.assertEqual(history["series"]["subscribers"][-1], 1)
        self.assertEqual(len(history["workers"]), 2)
        self.assertEqual({len(values) for values in history["series"].values()}, {len(history["series"]["drops"])})

    def test_history_tells_what_is_new(self):
        drops, end = [], "1970-01-01T00:00:00Z"
        until = time.monotonic() + 4
        while time.monotonic() < until:
            history, = self.check("GET", f"/v1/history?instance=plat&since={end}", "/v1/history")
            drops += history["series"]["drops"]
            end = history["end"]
            time.sleep(0.3)
        whole, = self.check("GET", "/v1/history?instance=plat", "/v1/history")
        self.assertIn(len(whole["series"]["drops"]) - len(drops), (0, 1))
        self.assertEqual(whole["series"]["drops"][:len(drops)], drops)


class Metrics(Api):
    @unittest.skipUnless(shutil.which("promtool"), "needs promtool (Debian: prometheus)")
    def test_promtool_likes_them(self):
        done = subprocess.run(["promtool", "check", "metrics"], input=self.metrics(), capture_output=True, text=True,
                              check=False)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))

    def test_no_sample_comes_twice_and_labels_are_stable(self):
        labels = {}
        seen = set()
        for line in self.metrics().splitlines():
            if line.startswith("#"):
                continue
            sample = line.rpartition(" ")[0]
            self.assertNotIn(sample, seen)
            seen.add(sample)
            name, _, rest = sample.partition("{")
            found = tuple(re.findall(r'(\w+)="', rest))
            self.assertEqual(labels.setdefault(name, found), found, sample)

    def test_drops_by_protocol_are_parts_of_those_by_reason(self):
        text = self.metrics()

        def sums(name):
            found = {}
            for labels, value in re.findall(rf"^{name}{{(.*)}} (\d+)$", text, re.MULTILINE):
                key = re.search(r'instance="[^"]*",reason="[^"]*"', labels)[0]
                found[key] = found.get(key, 0) + int(value)
            return found

        totals = sums("yonroku_dropped_packets_total")
        # The three of setUpClass that the subscriber may not have.
        self.assertIn('yonroku_dropped_packets_by_protocol_total{instance="plat",reason="subscriber-limit",direction="to-ipv4",'
                      'protocol="udp"} 3\n', text)
        self.assertEqual(sums("yonroku_dropped_packets_by_protocol_total"), {key: count for key, count in totals.items() if count})

    def test_what_dashboards_and_alerts_name_is_there(self):
        there = set(re.findall(r"^# TYPE (\w+)", self.metrics(), re.MULTILINE))
        # Until the first reload, and without an offload.
        absent = {"yonroku_last_reload_time_seconds", "yonroku_offload_packets_total"}
        for file in ("grafana/yonroku.json", "prometheus/yonroku.rules.yml"):
            text = (ROOT / "packaging" / file).read_text(encoding="utf-8")
            named = set(re.findall(r"\byonroku_\w+", text))
            self.assertGreater(len(named), 10)
            self.assertEqual(named - there - absent, set(), file)

    def test_the_manual_has_every_metric(self):
        manual = (ROOT / "docs/metrics.md").read_text(encoding="utf-8")
        for name in re.findall(r"^# TYPE (\w+)", self.metrics(), re.MULTILINE):
            self.assertIn(f"`{name}`", manual)

    @unittest.skipUnless(shutil.which("promtool"), "needs promtool (Debian: prometheus)")
    def test_alerts(self):
        for words in (["check", "rules", "packaging/prometheus/yonroku.rules.yml"],
                      ["test", "rules", "tests/packaging/yonroku.rules.test.yml"],
                      ["check", "config", "--syntax-only", "packaging/prometheus/yonroku.scrape.yml"]):
            done = subprocess.run(["promtool", *words], cwd=ROOT, capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class Tcp(Api):
    def get(self, path, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=20)
        try:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def test_the_token_is_needed(self):
        self.assertEqual(self.get("/v1/status")[0], 401)
        self.assertEqual(self.get("/v1/status", Authorization="Bearer wrong")[0], 401)
        status, body = self.get("/v1/status", Authorization=f"Bearer {TOKEN}")
        self.assertEqual((status, json.loads(body)["process-id"]), (200, self.process.pid))
        self.assertEqual(self.get("/v1/status", Authorization=f"Bearer {TOKEN}", Host="example.org")[0], 403)
        self.assertEqual(self.get("/v1/openapi.yaml"),
                         (200, (ROOT / "packaging/openapi.yaml").read_text(encoding="utf-8")))

    def test_a_token_that_everybody_may_read_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            token = pathlib.Path(folder) / "token"
            token.write_text(TOKEN, encoding="utf-8")
            token.chmod(0o644)
            config = pathlib.Path(folder) / "yonroku.yaml"
            config.write_text(CONFIG.format(folder=folder), encoding="utf-8")
            done = subprocess.run([PROGRAM, "run", "-c", config], capture_output=True, text=True, timeout=20, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("everybody may read the token", done.stderr)


class Top(Api):
    def words(self, *more):
        return [PROGRAM, "top", "--socket", str(self.socket), *more]

    def test_once(self):
        done = subprocess.run(self.words("--once", "--instance", "plat", "--interval", "0.2"), capture_output=True,
                              text=True, timeout=20, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        lines = done.stdout.splitlines()
        self.assertRegex(lines[0], rf"^yonroku \S+, process {self.process.pid}, up for ")
        self.assertRegex(done.stdout, r"\n>plat +nat64 ")
        self.assertRegex(done.stdout, r"\n dc +siit ")
        self.assertRegex(done.stdout, r"\n +0/s +3  subscriber-limit\n")
        self.assertRegex(done.stdout, r"\nplat: the busiest subscribers\n +12 ports +11 sessions  2001:db8:1::/64\n")
        self.assertNotIn("\x1b", done.stdout)

    def test_an_unknown_instance(self):
        done = subprocess.run(self.words("--once", "--instance", "nobody"), capture_output=True, text=True, timeout=20,
                              check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn('there is no instance "nobody"', done.stderr)

    def test_on_a_terminal(self):
        pid, terminal = pty.fork()
        if pid == 0:
            os.execv(PROGRAM, self.words("--interval", "0.2"))
        self.addCleanup(os.close, terminal)
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
        before = termios.tcgetattr(terminal)[3]

        def await_text(pattern):
            text = ""
            end = time.monotonic() + 20
            while not re.search(pattern, text, re.DOTALL):
                self.assertLess(time.monotonic(), end, repr(text[-2000:]))
                if select.select([terminal], [], [], 0.1)[0]:
                    text += os.read(terminal, 65536).decode()
            return text

        first = await_text(r">plat ")
        self.assertIn("\x1b[?1049h", first)
        self.assertFalse(termios.tcgetattr(terminal)[3] & termios.ECHO)
        os.write(terminal, b"\x1b[B")
        await_text(r"dc: dropped")
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 8, 50, 0, 0))
        os.kill(pid, signal.SIGWINCH)
        small = await_text(r"\x1b\[J\x1b\[H(?:(?!\x1b\[J).)*\x1b\[J").rpartition("\x1b[H")[2]
        self.assertLessEqual(small.count("\r\n"), 8)
        os.write(terminal, b"q")
        await_text(r"\x1b\[\?25h\x1b\[\?1049l")
        self.assertEqual(os.waitpid(pid, 0)[1], 0)
        self.assertEqual(termios.tcgetattr(terminal)[3], before, "the terminal is as it was")


if __name__ == "__main__":
    in_namespace.main()
