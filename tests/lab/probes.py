"""What the lab sends, and how it knows what arrived: HTTP, ping, UDP, traceroute, iperf3.

Each function takes the lab and the names of its nodes, and returns plain values.
"""

import contextlib
import functools
import hashlib
import json
import math
import pathlib
import re
import selectors
import socket
import subprocess
import sys
import time

import http_server
from namespaces import LabError, wait_for

HERE = pathlib.Path(__file__).resolve().parent
BUILD = HERE.parents[1] / "build" / "lab"
HTTP_PORT, ECHO_PORT, SINK_PORT, IPERF_PORT = 80, 7, 9, 5201


@functools.cache
def compiled(name, *libraries):
    """The path of a C program of this folder, compiled."""
    source, program = HERE / f"{name}.c", BUILD / name
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        BUILD.mkdir(parents=True, exist_ok=True)
        fresh = program.with_suffix(f".{time.monotonic_ns()}")
        subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-std=gnu11", "-o", fresh, source, *libraries], check=True)
        fresh.rename(program)
    return program


def udp_tool():
    return compiled("udp_tool")


def url(address, path="/"):
    return f"http://[{address}]{path}" if ":" in address else f"http://{address}{path}"


# Servers


def serve_http(lab, node, address, port=HTTP_PORT):
    server = lab.spawn(node, [sys.executable, HERE / "http_server.py", address, port], f"http-{node}")
    server.wait_for_line("listening")
    return server


def serve_echo(lab, node, address, pin_to=None):
    argv = [udp_tool(), "echo", "--bind", address, "--port", ECHO_PORT]
    if pin_to is not None:
        argv = ["taskset", "-c", pin_to, *argv]
    server = lab.spawn(node, argv, f"echo-{node}")
    server.wait_for_line("listening")
    return server


def serve_iperf(lab, node):
    server = lab.spawn(node, ["iperf3", "--server", "--port", IPERF_PORT], f"iperf-{node}")
    wait_for(lambda: f":{IPERF_PORT}" in lab.run(node, ["ss", "-Hltn"]).stdout, what="iperf3 listening")
    return server


def serve_calls(lab, node, address, port=7000, ports=16):
    """Answers one request per connection, on that many ports."""
    server = lab.spawn(node, [compiled("tcp_tool"), "serve", "--bind", address, "--port", port, "--ports", ports], f"calls-{node}")
    server.wait_for_line("listening")
    return server


def call_rate(lab, node, address, seconds, port=7000, ports=16, parallel=64):
    """TCP connections per second: set up, one request, one answer, closed. They must not fail."""
    argv = [compiled("tcp_tool"), "call", "--to", address, "--port", port, "--ports", ports, "--parallel", parallel,
            "--seconds", seconds]
    result = lab.spawn(node, argv, "calls").result(seconds + 20)
    if result["failed"] or not result["connections"]:
        raise LabError(f"connections from {node} to {address}: {result}")
    return result["rate"]


# HTTP


def http_get(lab, node, address, path="/", seconds=10):
    """The body of a page."""
    return lab.run(node, ["curl", "-sS", "--max-time", seconds, url(address, path)], seconds + 5).stdout


def http_download(lab, node, address, octets, rate=None, seconds=30):
    """A download of that many octets; True if the content is what the server sent."""
    argv = ["curl", "-sS", "--max-time", str(seconds), "--dump-header", "-", "--output", "/dev/stderr"]
    if rate:
        argv += ["--limit-rate", str(rate)]
    done = subprocess.run(["ip", "netns", "exec", lab.full_name(node), *argv, url(address, f"/octets/{octets}")],
                          capture_output=True, timeout=seconds + 5, check=True)
    expected = re.search(r"X-Sha256: (\w+)", done.stdout.decode()).group(1)
    return len(done.stderr) == octets and hashlib.sha256(done.stderr).hexdigest() == expected


def http_upload(lab, node, address, content, seconds=30):
    """An upload; True if the server got these octets."""
    path = lab.folder / "upload"
    path.write_bytes(content)
    argv = ["curl", "-sS", "--max-time", seconds, "--upload-file", path, url(address)]
    answer = lab.run(node, argv, seconds + 5).stdout.split()
    return answer == [hashlib.sha256(content).hexdigest(), str(len(content))]


def load_page(lab, node, servers, connections, seconds=15.0):
    """A page of many parts: that many connections at the same time, spread over `servers` (address, port), and a request
    through each once all of them stand or have had their time. How many brought their part, whole."""
    request, expected = b"GET /octets/3000 HTTP/1.0\r\n\r\n", next(http_server.pattern(3000))
    end = time.monotonic() + seconds
    with contextlib.ExitStack() as stack:
        opened = []
        for number in range(connections):
            made = stack.enter_context(lab.socket(node, socket.AF_INET, socket.SOCK_STREAM))
            made.setblocking(False)
            made.bind(("", 20000 + number))  # The kernel would give one port to two that call different servers.
            made.connect_ex(servers[number % len(servers)])
            opened.append(made)
        standing = _ready(opened, selectors.EVENT_WRITE, end)
        standing = [made for made in standing if made.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0]
        parts = {made: b"" for made in standing}
        for made in standing:
            made.sendall(request)
        waiting = set(standing)
        while waiting and (answering := _ready(waiting, selectors.EVENT_READ, end, everybody=False)):
            for made in answering:
                more = made.recv(65536)
                parts[made] += more
                if not more:
                    waiting.discard(made)
        return sum(part.endswith(b"\r\n\r\n" + expected) for part in parts.values())


def _ready(sockets, event, end, everybody=True):
    """Those that are ready for the event, all of them or the first, before the end of the time."""
    with selectors.DefaultSelector() as selector:
        for made in sockets:
            selector.register(made, event)
        found = []
        while selector.get_map() and (left := end - time.monotonic()) > 0:
            for key, _ in selector.select(left):
                selector.unregister(key.fileobj)
                found.append(key.fileobj)
            if found and not everybody:
                break
        return found


# ping and traceroute


def ping(lab, node, address, count=3, size=56, interval=0.05, options=()):
    """(answers received, the whole output)."""
    done = lab.run(node, ["ping", "-n", "-q", "-c", count, "-i", interval, "-W", 1, "-s", size, *options, address],
                   count * 1.5 + 10, check=False)
    match = re.search(r"(\d+) received", done.stdout)
    return (int(match.group(1)) if match else 0), done.stdout + done.stderr


def traceroute(lab, node, address, mode=(), hops=12):
    """The addresses of the hops, '*' for one that did not answer."""
    done = lab.run(node, ["traceroute", "-n", "-q", "1", "-w", "1", "-m", hops, "-N", "4", *mode, address], 30)
    found = []
    for line in done.stdout.splitlines()[1:]:
        words = line.split()
        if len(words) >= 2 and words[0].isdigit():
            found.append(words[1])
    return found


def path_mtu(lab, node, address):
    """The path MTU that the node's kernel has learned for a destination, or None."""
    match = re.search(r"\bmtu (\d+)", lab.ip(node, f"route get {address}"))
    return int(match.group(1)) if match else None


# UDP


def udp_echo(lab, node, address, payload, seconds=2.0, dont_fragment=None, port=ECHO_PORT):
    """Sends a datagram to the echo server; the answer, or None. `dont_fragment` sets or clears DF explicitly."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with lab.socket(node, family, socket.SOCK_DGRAM) as client:
        if dont_fragment is not None:
            set_dont_fragment(client, dont_fragment)
        client.settimeout(seconds)
        client.sendto(payload, (address, port))
        try:
            return client.recvfrom(65535)[0]
        except (TimeoutError, ConnectionRefusedError):
            return None


def set_dont_fragment(client, on):
    """IP_MTU_DISCOVER: 2 sets DF and reports EMSGSIZE, 0 clears DF and ignores the path MTU."""
    if client.family == socket.AF_INET6:
        client.setsockopt(socket.IPPROTO_IPV6, 23, 2 if on else 0)
    else:
        client.setsockopt(socket.IPPROTO_IP, 10, 2 if on else 0)


def pattern(length):
    """A payload of which any lost, doubled or moved part changes the SHA-256."""
    out, counter = b"", 0
    blocks = []
    while counter * 32 < length:
        blocks.append(hashlib.sha256(b"yonroku %d" % counter).digest())
        counter += 1
    out = b"".join(blocks)
    return out[:length]


class CountedFlow:
    """A steady one-way UDP flow from one node to another that knows which of its datagrams arrived."""

    def __init__(self, lab, sender, receiver, bind, to, rate, port=SINK_PORT, size=22):
        self.sink = lab.spawn(receiver, [udp_tool(), "sink", "--bind", bind, "--port", port], "sink")
        self.sink.wait_for_line("listening")
        self.source = lab.spawn(sender, [udp_tool(), "send", "--to", to, "--port", port, "--rate", rate,
                                         "--size", size], "source")

    def go_first(self):
        self.source.go_first()
        self.sink.go_first()

    def finish(self):
        """Ends the flow; the sink's figures plus `sent`, `lost`."""
        self.source.stop()
        sent = self.source.result()["sent"]
        time.sleep(0.3)
        self.sink.stop()
        result = self.sink.result()
        return result | {"sent": sent, "lost": sent - result["unique"]}


# iperf3


def iperf(lab, node, address, seconds=3, reverse=False, options=()):
    """One TCP stream; {"gbps": received Gb/s, "retransmits": n, "octets": n}."""
    argv = ["iperf3", "--json", "--client", address, "--port", IPERF_PORT, "--time", max(1, math.ceil(seconds)), *options]
    if reverse:
        argv.append("--reverse")
    for _ in range(5):
        done = lab.run(node, argv, seconds + 15, check=False)
        if '"error"' not in done.stdout:
            break
        time.sleep(0.3)  # The server may still be busy with the end of the run before.
    try:
        report = json.loads(done.stdout)
        end = report["end"]
        return {"gbps": end["sum_received"]["bits_per_second"] / 1e9, "octets": end["sum_received"]["bytes"],
                "retransmits": end["sum_sent"].get("retransmits", 0)}
    except (ValueError, KeyError) as error:
        raise LabError(f"iperf3 from {node} to {address} failed: {done.stdout[-500:]}{done.stderr}") from error
