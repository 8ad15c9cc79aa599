#!/usr/bin/python3
"""A small HTTP/1.1 server for the lab. It tells each visitor where the request came from.

GET /            one line of text: "hello <client address>, this is <server address>"
GET /octets/N    N octets of a fixed pattern, with their SHA-256 in the X-Sha256 header
PUT /            answers with the SHA-256 and the length of what was uploaded
"""

import hashlib
import http.server
import socket
import sys

BLOCK = bytes((i * 7 + i // 251) % 256 for i in range(65536))


def pattern(length):
    """The first `length` octets of the pattern, in blocks."""
    while length > 0:
        yield BLOCK[:length]
        length -= len(BLOCK)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, text):
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if not self.path.startswith("/octets/"):
            mine = self.connection.getsockname()[0]
            self.answer(f"hello {self.client_address[0]}, this is {mine}\n")
            return
        length = int(self.path.removeprefix("/octets/"))
        digest = hashlib.sha256()
        for block in pattern(length):
            digest.update(block)
        self.send_response(200)
        self.send_header("Content-Length", str(length))
        self.send_header("X-Sha256", digest.hexdigest())
        self.end_headers()
        for block in pattern(length):
            self.wfile.write(block)

    def do_PUT(self):
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.send_response_only(100)
            self.end_headers()
        remaining = int(self.headers["Content-Length"])
        digest, length = hashlib.sha256(), 0
        while remaining > 0:
            block = self.rfile.read(min(remaining, 65536))
            if not block:
                break
            digest.update(block)
            length += len(block)
            remaining -= len(block)
        self.answer(f"{digest.hexdigest()} {length}\n")

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024


def main():
    address, port = sys.argv[1], int(sys.argv[2])
    Server.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
    server = Server((address, port), Handler)
    print("listening", file=sys.stderr, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
