"""A router with something of everything for the dashboard to show: a customer edge, NATs, borders, mappings, services; and
traffic from a LAN that fills some tables and breaks some rules. `python3 console_lab.py` keeps it up."""

import pathlib
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lab"))

from namespaces import Namespaces, guard  # noqa: E402  (the lab is a folder beside this one)
from scapy.layers.inet import IP, UDP  # noqa: E402
from translators import Yonroku  # noqa: E402

HOSTS = 24
CUSTOMERS = 12


def config():
    rules = "".join(f"      - {{ipv6-prefix: '2001:db8:{0x4000 + i:x}::/48', ipv4-prefix: 203.0.{i}.0/24, ea-length: 12, "
                    f"psid-offset: 6}}\n" for i in range(120, 250))
    softwires = "".join(f"      - {{b4-address: '2001:db8:b4::{i:x}', ipv4: 198.18.{i // 64}.{i % 64}, psid-length: 4, "
                        f"psid: {i % 16}}}\n" for i in range(1, 400))
    mappings = "".join(f"      - {{ipv4: 198.19.0.{i}, ipv6: '2001:db8:1:1::{i:x}'}}\n" for i in range(1, 60))
    return f"""\
instances:
  - name: wan4
    mechanism: map-e-ce
    end-user-prefix: 2001:db8:12:3400::/56
    br-address: 2001:db8:ffff::1
    udp-timeout: 30
    dns-timeout: 2
    port-rest-time: 20
    rules:
      - {{ipv6-prefix: '2001:db8::/40', ipv4-prefix: 192.0.2.0/24, ea-length: 16, psid-offset: 4}}
    static-bindings:
      - {{protocol: tcp, inside-ipv4: 192.168.1.80, inside-port: 443, outside: 192.0.2.18, outside-port: 4928}}
      - {{protocol: udp, inside-ipv4: 192.168.1.81, inside-port: 5060, outside: 192.0.2.18, outside-port: 4930}}
  - name: plat
    mechanism: nat64
    workers: 2
    pref64: 2001:db8:64::/96
    pools:
      - {{addresses: 198.51.100.0/29, ports: 1024-65535}}
    port-allocation: blocks
    port-block-size: 512
    subscriber-prefix-length: 64
    udp-timeout: 30
    sessions-per-subscriber: 300
  - name: border
    mechanism: map-e-br
    br-addresses: ['2001:db8:ffff::2']
    rules:
{rules}  - name: lw
    mechanism: lwaftr
    br-addresses: ['2001:db8:ffff::3']
    softwires:
{softwires}  - name: dc
    mechanism: siit
    pref64: 2001:db8:46::/96
    mappings:
{mappings}  - name: web
    mechanism: slb64
    pools:
      - {{addresses: 198.51.100.240/28}}
    services:
      - vip: 2001:db8:80::1
        port: 80
        servers:
          - {{address: 203.0.113.80, port: 8080, weight: 2}}
          - {{address: 203.0.113.81, port: 8080}}
        health: {{check: tcp, interval: 1, fall: 2}}
"""


class Console(Namespaces):
    """lan – router – internet."""

    def __init__(self):
        super().__init__()
        self.router = None
        self.rounds = 0
        try:
            self._build()
        except BaseException:
            self.close()
            raise

    def _build(self):
        self.add("lan", "router", "internet", forwarding=("router",))
        self.link("lan", "router")
        self.link("router", "internet")
        self.address("router", "to-lan", "192.168.1.1/24", "2001:db8:a::1/64")
        self.address("lan", "to-router", "192.168.1.2/24", "2001:db8:a::2/64")
        self.address("router", "to-internet", "203.0.113.1/24")
        self.address("internet", "to-router", "203.0.113.80/24")
        for i in range(HOSTS):
            self.address("lan", "to-router", f"192.168.1.{100 + i}/24")
        for i in range(CUSTOMERS):
            self.address("lan", "to-router", f"2001:db8:12:{i:x}::7/128")
        self.route("lan", "default", "192.168.1.1")
        self.route("lan", "default", "2001:db8:a::1")
        self.route("router", "2001:db8:12::/60", "2001:db8:a::2")
        self.route("internet", "default", "203.0.113.1")
        self.router = Yonroku(self, "router", config())

    def start(self):
        self.router.start()

    def _send(self, family, source, destinations, payload=b"a question of somebody inside"):
        with self.socket("lan", family, socket.SOCK_DGRAM) as sender:
            sender.bind((source, 0))
            for destination in destinations:
                try:
                    sender.sendto(payload, destination)
                except OSError:  # what the network refused before is told at the next packet
                    pass

    def talk(self):
        """A round of traffic: of one host in six at home, and of all customers of the NAT64."""
        self.rounds += 1
        for i in range(self.rounds % 6, HOSTS, 6):
            for _ in range(1 + 4 // (i + 1)):
                self._send(socket.AF_INET, f"192.168.1.{100 + i}", [("203.0.112.9", 53 if i % 3 == 0 else 4000 + i)])
        for i in range(CUSTOMERS):
            for _ in range(2 + 40 // (i + 1)):
                self._send(socket.AF_INET6, f"2001:db8:12:{i:x}::7",
                           [(f"2001:db8:64::203.0.113.{n}", 5000 + n) for n in range(80, 84)])
        self._spoof()

    def _spoof(self):
        """Tunnel packets whose inner source is not their sender's."""
        with self.socket("lan", socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_IPIP) as sender:
            inner = bytes(IP(src="203.0.120.7", dst="203.0.113.80") / UDP(sport=5000, dport=53))
            for _ in range(20):
                for border in ("2001:db8:ffff::2", "2001:db8:ffff::3"):
                    sender.sendto(inner, (border, 0))


def main():
    with guard(), Console() as lab:
        lab.start()
        print(lab.router.socket_path, flush=True)
        while True:
            lab.talk()
            time.sleep(1)


if __name__ == "__main__":
    main()
