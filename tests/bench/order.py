#!/usr/bin/python3
"""Counts bursts that arrive out of order because their session goes over to the offload meanwhile.

order.py [--bursts N] [--rounds N] [--offload tc,xdp] [PROGRAM…]

Each burst is 50 datagrams of 1,200 octets, sent one by one through a session of NAT64 that had three packets before. Programs
(builds of yonroku; by default the release build) are measured in turns.
"""

import argparse
import contextlib
import os
import pathlib
import socket
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lab"))

import namespaces  # noqa: E402  (the lab is a folder beside this one)
import translators  # noqa: E402
from scenarios import Nat64  # noqa: E402

DATAGRAMS, SIZE, PORT = 50, 1200, 4433
SO_RCVBUFFORCE = 33


def endpoint(lab, node, family, port=0):
    made = lab.socket(node, family, socket.SOCK_DGRAM)
    made.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 22)  # that no burst is too much for it
    made.bind(("", port))
    made.settimeout(2)
    return made


def is_in_order(lab, sender):
    whole = [b"%04d" % number * (SIZE // 4) for number in range(DATAGRAMS)]
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(endpoint(lab, "server", socket.AF_INET, PORT))
        client = stack.enter_context(endpoint(lab, "client", socket.AF_INET6))
        client.sendto(b"?", (lab.SERVER, PORT))
        outside = server.recvfrom(10)[1]
        server.sendto(b"!", outside)
        client.recv(10)
        client.sendto(b"go", (lab.SERVER, PORT))
        server.recv(10)
        source, to, sink = (client, (lab.SERVER, PORT), server) if sender == "client" else (server, outside, client)
        for datagram in whole:
            source.sendto(datagram, to)
        return [sink.recv(SIZE) for _ in whole] == whole


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bursts", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--offload", default="tc,xdp")
    parser.add_argument("programs", nargs="*", metavar="PROGRAM", default=[str(translators.yonroku_binary())])
    arguments = parser.parse_args()
    for number in range(arguments.rounds):
        for each in arguments.programs:
            os.environ["YONROKU"] = each
            for place in arguments.offload.split(","):
                namespaces.OFFLOAD = translators.OFFLOAD = place
                with Nat64() as lab:
                    lab.start(Nat64.CONFIG + "    workers: 1\n")
                    for sender in ("client", "server"):
                        late = sum(not is_in_order(lab, sender) for _ in range(arguments.bursts))
                        print(f"round {number + 1}, {each}, {place}, from the {sender}: "
                              f"{late} of {arguments.bursts} out of order", flush=True)


if __name__ == "__main__":
    main()
