"""Judges a NAT from outside, as RFC 5780 does: what a client's packets come from, and whose packets reach it.

Two servers with two ports each stand in the lab's nodes `server` and `other`. Both questions have three answers, which are
called as the configuration calls them.
"""

import contextlib
import shutil
import socket
import time

from namespaces import wait_for

KINDS = ["endpoint-independent", "address-dependent", "address-and-port-dependent"]
PORTS = (3478, 3479)


class Observers:
    def __init__(self, lab, client="client"):
        self.lab, self.client = lab, client
        self.stack = contextlib.ExitStack()
        self.udp, self.tcp = {}, {}

    def __enter__(self):
        for node in ("server", "other"):
            for port in PORTS:
                self.udp[node, port] = self._socket(node, socket.SOCK_DGRAM, port)
                self.tcp[node, port] = self._socket(node, socket.SOCK_STREAM, port)
                self.tcp[node, port].listen()
        return self

    def __exit__(self, *_):
        self.stack.close()

    def _socket(self, node, kind, port=0):
        is_ipv6 = node == self.client and ":" in self.lab.SERVER
        family = socket.AF_INET6 if is_ipv6 else socket.AF_INET
        made = self.stack.enter_context(self.lab.socket(node, family, kind))
        for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
            made.setsockopt(socket.SOL_SOCKET, option, 1)
        made.bind(("", port))
        made.settimeout(2)
        return made

    def _address(self, node):
        return self.lab.SERVER if node == "server" else self.lab.OTHER

    # Mapping: do packets to another port, and to another address, come from the same place?

    def udp_mapping(self):
        client = self._socket(self.client, socket.SOCK_DGRAM)
        return _kind(lambda node, port: self._ask(client, node, port))

    def _ask(self, client, node, port):
        """Where the observer sees a datagram of this socket come from."""
        client.sendto(b"who am I?", (self._address(node), port))
        return self.udp[node, port].recvfrom(100)[1]

    def tcp_mapping(self):
        port = self._socket(self.client, socket.SOCK_STREAM).getsockname()[1]
        return _kind(lambda node, to: self._call(port, node, to))

    def _call(self, port, node, to):
        """Where the observer sees a connection from this port come from."""
        caller = self._socket(self.client, socket.SOCK_STREAM, port)
        caller.connect((self._address(node), to))
        answered, where = self.tcp[node, to].accept()
        self.stack.enter_context(answered)
        return where

    # Filtering: who may answer, if one has been asked?

    def udp_filtering(self):
        client = self._socket(self.client, socket.SOCK_DGRAM)
        outside = self._ask(client, "server", PORTS[0])
        asked, heard = f"server {PORTS[0]}", set()
        for node, port in (("other", PORTS[1]), ("server", PORTS[1]), ("server", PORTS[0])):
            self.udp[node, port].sendto(f"{node} {port}".encode(), outside)
        # Whom the filter lets through is there by then, or soon after.
        with contextlib.suppress(TimeoutError):
            while True:
                client.settimeout(0.3 if asked in heard else 5)
                heard.add(client.recv(100).decode())
        assert asked in heard, "who was asked can't answer"
        return _filter(f"other {PORTS[1]}" in heard, f"server {PORTS[1]}" in heard)

    def tcp_filtering(self, patience=0.5):
        listener = self._socket(self.client, socket.SOCK_STREAM)
        port = listener.getsockname()[1]
        outside = self._call(port, "server", PORTS[0])
        listener.listen()

        def gets_in(node):
            caller = self._socket(node, socket.SOCK_STREAM)
            caller.settimeout(patience)
            return caller.connect_ex(outside) == 0

        return _filter(gets_in("other"), gets_in("server"))


def _kind(seen_by):
    first, other_port, other_address = seen_by("server", PORTS[0]), seen_by("server", PORTS[1]), seen_by("other", PORTS[0])
    if first == other_port:
        return KINDS[0] if first == other_address else KINDS[1]
    return KINDS[2]


def _filter(stranger, same_address):
    return KINDS[0] if stranger else KINDS[1] if same_address else KINDS[2]


class Coturn:
    """Somebody else's judgement: coturn's STUN server (RFC 5780) in the node `server`, with a second address there."""

    SECOND = "203.0.113.81"

    def __init__(self, lab, device):
        self.lab = lab
        lab.address("server", device, f"{self.SECOND}/32")
        lab.spawn("server", ["turnserver", "-n", "--no-cli", "--no-tls", "--no-dtls", "--no-auth", "--no-tcp", "-m", "1", "-L",
                             lab.SERVER, "-L", self.SECOND, "--log-file", "stdout", "--simple-log", "--pidfile",
                             lab.folder / "turnserver.pid"], "turnserver")
        wait_for(lambda: lab.run("server", ["ss", "-Hlun"]).stdout.count(":347") >= 4, what="turnserver listening")
        time.sleep(0.3)

    @staticmethod
    def installed():
        return shutil.which("turnutils_natdiscovery") is not None

    def judges(self, client="client"):
        """What its client says: the kind of mapping and the kind of filtering, as KINDS calls them, each None if it says none."""
        done = self.lab.run(client, ["turnutils_natdiscovery", "-m", "-f", "-p", "3478", self.lab.SERVER], 40, check=False)
        words = (done.stdout + done.stderr).lower().replace(" ", "-")
        return tuple(next((kind for kind in KINDS if f"{kind}-{what}" in words), None) for what in ("mapping", "filtering"))
