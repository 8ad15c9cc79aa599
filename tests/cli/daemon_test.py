#!/usr/bin/python3
"""yonroku run, show and mappings in a network namespace of its own. Needs root; the environment variable YONROKU names
the program."""

import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = os.path.abspath(os.environ.get("YONROKU", ROOT / "build/debug/yonroku"))
IN_NAMESPACE = "YONROKU_TEST_IN_NAMESPACE"
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


def why_not():
    if os.geteuid() != 0:
        return "needs root"
    if not os.path.exists("/dev/net/tun"):
        return "needs /dev/net/tun"
    if shutil.which("unshare") is None:
        return "needs unshare"
    return ""


class Daemon(unittest.TestCase):
    """One daemon for each test: a start takes a tenth of a second."""

    name = "dc"

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.socket = self.folder / "run" / "control.sock"  # its directory is not there yet
        self.config = self.folder / "yonroku.yaml"
        self.config.write_text(CONFIG.format(socket=self.socket, name=self.name), encoding="utf-8")
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
    reason = why_not()
    if not reason and IN_NAMESPACE not in os.environ:
        os.environ[IN_NAMESPACE] = "yes"
        setup = 'ip link set lo up && exec "$@"'
        os.execvp("unshare", ["unshare", "--net", "sh", "-c", setup, "sh", sys.executable, *sys.argv])
    if reason:
        print("skipped:", reason)
        sys.exit(77)
    unittest.main()
