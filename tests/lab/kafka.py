"""A Kafka cluster for tests: librdkafka's own, in `kafka_tool.c`, and a door before it that wants TLS and SASL.

The cluster knows neither, so the door ends the one and does the other (RFC 4616, RFC 5802), hands on the rest, and tells
clients that it is the broker itself.
"""

import base64
import contextlib
import hashlib
import hmac
import secrets
import socket
import ssl
import struct
import threading

from namespaces import LabError, wait_for
from probes import compiled

# Of the requests: https://kafka.apache.org/protocol
API_VERSIONS, SASL_HANDSHAKE, SASL_AUTHENTICATE = 18, 17, 36
UNSUPPORTED_VERSION, SASL_AUTHENTICATION_FAILED = 35, 58


class Cluster:
    """One broker, at a loopback port of a node, with one topic."""

    def __init__(self, lab, node, topic):
        self.lab, self.node = lab, node
        self.process = lab.spawn(node, [compiled("kafka_tool", "-lrdkafka"), topic], "kafka")
        wait_for(lambda: "\n" in self.process.stdout, seconds=10, what="a Kafka cluster")
        self.port = int(self.process.stdout.splitlines()[0].rpartition(":")[2])

    def messages(self):
        """All that is in the topic: (key, value)."""
        text = self.process.stdout
        return [tuple(line.split(" ", 1)) for line in text[: text.rfind("\n")].splitlines()[1:]]


class Door:
    """Listens at a loopback port of a node. With `certificate` (file of the certificate, file of its key) it speaks TLS; with
    `users` (of a mechanism: name and password) nobody else gets in."""

    def __init__(self, lab, node, cluster, certificate=None, mechanism=None, users=None):
        self.lab, self.node, self.cluster = lab, node, cluster
        self.mechanism, self.users = mechanism, users or {}
        self.context = None
        self.requests = 0  # that came through
        self.refused = 0
        if certificate:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*certificate)
        self.listener = lab.socket(node, socket.AF_INET, socket.SOCK_STREAM)
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen()
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client = self.listener.accept()[0]
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        try:
            with contextlib.ExitStack() as stack:
                stack.callback(client.close)
                if self.context:
                    client = stack.enter_context(self.context.wrap_socket(client, server_side=True))
                broker = stack.enter_context(self.lab.socket(self.node, socket.AF_INET, socket.SOCK_STREAM))
                broker.connect(("127.0.0.1", self.cluster.port))
                self._talk(client, broker)
        except (OSError, LabError):  # ssl.SSLError is an OSError
            self.refused += 1

    def _talk(self, client, broker):
        """Request by request, as a client that has one on its way at a time."""
        ours, theirs = struct.pack(">i", self.port), struct.pack(">i", self.cluster.port)
        login = _Login(self.mechanism, self.users) if self.mechanism else None
        while request := _read_frame(client):
            kind, version = struct.unpack_from(">hh", request)
            correlation = request[4:8]
            body = request[10 + max(struct.unpack_from(">h", request, 8)[0], 0) :]
            if kind == API_VERSIONS:
                answer = correlation + self._versions(broker, version)
            elif kind in (SASL_HANDSHAKE, SASL_AUTHENTICATE) and login:
                answer = correlation + (login.begin(body) if kind == SASL_HANDSHAKE else login.go_on(body))
            elif login and not login.is_done:
                self.refused += 1
                return
            else:
                self.requests += 1
                _write_frame(broker, request)
                answer = _read_frame(broker).replace(b"127.0.0.1" + theirs, b"127.0.0.1" + ours)
            _write_frame(client, answer)

    def _versions(self, broker, version):
        """What the cluster has, in the oldest form, and SASL."""
        if version != 0:
            return struct.pack(">hi3h", UNSUPPORTED_VERSION, 1, API_VERSIONS, 0, 0)
        _write_frame(broker, struct.pack(">hhih", API_VERSIONS, 0, 0, -1))
        answer = _read_frame(broker)[4:]
        error, count = struct.unpack_from(">hi", answer)
        more = struct.pack(">6h", SASL_HANDSHAKE, 0, 1, SASL_AUTHENTICATE, 0, 0)
        return struct.pack(">hi", error, count + 2) + answer[6 : 6 + 6 * count] + more


class _Login:
    """The server's side of PLAIN and SCRAM."""

    def __init__(self, mechanism, users):
        self.mechanism, self.users = mechanism, users
        self.is_done = False
        self.first = None  # of SCRAM: what was said so far

    def begin(self, body):
        name = body[2 : 2 + struct.unpack_from(">h", body)[0]].decode()
        own = self.mechanism.encode()
        error = 0 if name == self.mechanism else 33  # UNSUPPORTED_SASL_MECHANISM
        return struct.pack(">hih", error, 1, len(own)) + own

    def go_on(self, body):
        said = body[4 : 4 + struct.unpack_from(">i", body)[0]].decode()
        try:
            answer = (self._plain if self.mechanism == "PLAIN" else self._scram)(said).encode()
        except (ValueError, KeyError):
            return struct.pack(">hhi", SASL_AUTHENTICATION_FAILED, -1, 0)
        return struct.pack(">hhi", 0, -1, len(answer)) + answer

    def _plain(self, said):
        _, name, password = said.split("\0")
        if self.users[name] != password:
            raise ValueError
        self.is_done = True
        return ""

    def _scram(self, said):
        digest = "sha" + self.mechanism.rpartition("-")[2]
        if self.first is None:
            bare = said.removeprefix("n,,")
            fields = dict(field.split("=", 1) for field in bare.split(","))
            nonce, salt = fields["r"] + secrets.token_hex(8), secrets.token_bytes(16)
            answer = f"r={nonce},s={base64.b64encode(salt).decode()},i=4096"
            salted = hashlib.pbkdf2_hmac(digest, self.users[fields["n"]].encode(), salt, 4096)
            self.first = (bare, answer, nonce, salted)
            return answer
        bare, answer, nonce, salted = self.first
        without_proof, _, proof = said.partition(",p=")
        # librdkafka before 2.6.1 says its own part twice, and Kafka lets it.
        if not without_proof.split(",r=")[1].endswith(nonce):
            raise ValueError
        messages = f"{bare},{answer},{without_proof}".encode()
        key = hmac.digest(salted, b"Client Key", digest)
        signature = hmac.digest(hashlib.new(digest, key).digest(), messages, digest)
        wanted = bytes(a ^ b for a, b in zip(key, signature, strict=True))
        if not hmac.compare_digest(base64.b64decode(proof), wanted):
            raise ValueError
        self.is_done = True
        return "v=" + base64.b64encode(hmac.digest(hmac.digest(salted, b"Server Key", digest), messages, digest)).decode()


def _read_exactly(connection, size):
    octets = b""
    while len(octets) < size:
        piece = connection.recv(size - len(octets))
        if not piece:
            return b""
        octets += piece
    return octets


def _read_frame(connection):
    head = _read_exactly(connection, 4)
    return _read_exactly(connection, struct.unpack(">i", head)[0]) if head else b""


def _write_frame(connection, octets):
    connection.sendall(struct.pack(">i", len(octets)) + octets)
