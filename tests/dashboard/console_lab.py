"""A router with something of everything for the dashboard to show: every NAT, customer edges and the borders of their
tunnels, mappings, services, the offload and the log; and traffic from a LAN that fills some tables and breaks some rules.
`python3 console_lab.py` keeps it up.

What is usually the provider's is on the same router: a packet of the LAN goes into an instance of the customer's, over
the kernel's routing into the border's, and out to the Internet. Routing goes by destinations alone (with rules for
sources the offload would leave sessions to the engine), so the Internet's host has a name for each tunnel, which netfilter
replaces where the tunnel ends.
"""

import contextlib
import pathlib
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lab"))

from namespaces import Namespaces, guard  # noqa: E402  (the lab is a folder beside this one)
from probes import ECHO_PORT, serve_echo  # noqa: E402
from scapy.layers.inet import IP, UDP  # noqa: E402
from scenarios import PREF64, CustomerEdge, SiitDc, behind_pref64  # noqa: E402
from translators import Yonroku  # noqa: E402

HOSTS = 24
CUSTOMERS = 12
INTERNET = "203.0.113.80"
BORDERS = ("border", "lw", "aftr", "br-t")
EDGES = {"wan4": 1, "b4": 2, "ce-t": 3, "home": 4}  # the customer's ends, and the third octet in their LAN
MAPPED_SERVER, MAPPED_SERVER_IPV6 = "198.19.0.1", "2001:db8:1:1::1"
MAP_T_CUSTOMER = "2001:db8:7412:3400::/56"
RULE_V6PLUS = CustomerEdge.RULE % CustomerEdge.OFFSETS["v6plus"]
RULE_MAP_T = "{ipv6-prefix: '2001:db8:7400::/40', ipv4-prefix: 198.18.64.0/24, ea-length: 16, psid-offset: 6}"


def by_way_of(edge):
    """The host of the Internet as the LAN calls it, where the packet has to go through a tunnel."""
    return f"203.0.112.{EDGES[edge]}"


def config(log_folder):
    rules = "".join(f"      - {{ipv6-prefix: '2001:db8:{0x4000 + i:x}::/48', ipv4-prefix: 203.0.{i}.0/24, ea-length: 12, "
                    f"psid-offset: 6}}\n" for i in range(120, 250))
    softwires = "".join(f"      - {{b4-address: '2001:db8:b4::{i:x}', ipv4: 198.18.{i // 64}.{i % 64}, psid-length: 4, "
                        f"psid: {i % 16}}}\n" for i in range(1, 400))
    mappings = "".join(f"      - {{ipv4: 198.19.0.{i}, ipv6: '2001:db8:1:1::{i:x}'}}\n" for i in range(1, 60))
    wan4 = CustomerEdge.MAP_E_CE % {"prefix": CustomerEdge.PREFIXES[0], "rule": RULE_V6PLUS}
    return f"""\
nat-log:
  path: {log_folder}
{wan4}\
    udp-timeout: 30
    dns-timeout: 2
    port-rest-time: 20
    static-bindings:
      - {{protocol: tcp, inside-ipv4: 192.168.1.80, inside-port: 443, outside: 192.0.2.18, outside-port: 4928}}
      - {{protocol: udp, inside-ipv4: 192.168.1.81, inside-port: 5060, outside: 192.0.2.18, outside-port: 4930}}
  - name: plat
    mechanism: nat64
    workers: 2
    offload: tc
    pref64: {PREF64}
    pools:
      - {{addresses: 198.51.100.0/29, ports: 1024-65535}}
    port-allocation: blocks
    port-block-size: 512
    subscriber-prefix-length: 64
    udp-timeout: 30
    sessions-per-subscriber: 300
  - name: border
    mechanism: map-e-br
    br-addresses: ['{CustomerEdge.BORDER_ADDRESS}', '2001:db8:ffff::2']
    rules:
      - {RULE_V6PLUS}
{rules}  - name: lw
    mechanism: lwaftr
    br-addresses: ['2001:db8:ffff::3']
    softwires:
{softwires}  - name: dc
    mechanism: siit
    offload: tc
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
          - {{address: {INTERNET}, port: 8080, weight: 2}}
          - {{address: 203.0.113.81, port: 8080}}
        health: {{check: tcp, interval: 1, fall: 2}}
  - name: aftr
    mechanism: ds-lite-aftr
    aftr-address: 2001:db8:ffff::4
    b4-prefixes: ['2001:db8:b5::/48']
    udp-timeout: 30
    pools:
      - {{addresses: 198.51.100.16/30}}
  - name: home
    mechanism: ds-lite-b4
    b4-address: 2001:db8:b5::7
    aftr-address: 2001:db8:ffff::4
    default-route: false
  - name: b4
    mechanism: lwb4
    b4-address: 2001:db8:b4::11
    aftr-address: 2001:db8:ffff::3
    ipv4-address: 198.18.0.17
    psid-length: 4
    psid: 1
    udp-timeout: 30
    default-route: false
  - name: ce-t
    mechanism: map-t-ce
    end-user-prefix: {MAP_T_CUSTOMER}
    dmr: 2001:db8:fffe::/64
    udp-timeout: 30
    routes: manual
    rules:
      - {RULE_MAP_T}
  - name: br-t
    mechanism: map-t-br
    dmr: 2001:db8:fffe::/64
    rules:
      - {RULE_MAP_T}
"""


class Console(Namespaces):
    """lan – router – internet."""

    def __init__(self):
        super().__init__()
        self.router = self.without_log = None
        self.rounds = 0
        self.calls = []
        try:
            self._build()
        except BaseException:
            self.close()
            raise

    def _build(self):
        self.add("lan", "router", "internet", forwarding=("router",))
        self.link("lan", "router")
        self.link("router", "internet")
        self.address("router", "to-lan", "2001:db8:a::1/64")
        self.address("lan", "to-router", "2001:db8:a::2/64")
        for network in EDGES.values():
            self.address("router", "to-lan", f"192.168.{network}.1/24")
            self.address("lan", "to-router", *(f"192.168.{network}.{10 + i}/24" for i in range(4)))
        self.address("router", "to-internet", "203.0.113.1/24")
        self.address("internet", "to-router", f"{INTERNET}/24")
        for i in range(HOSTS):
            self.address("lan", "to-router", f"192.168.1.{100 + i}/24")
        for i in range(CUSTOMERS):
            self.address("lan", "to-router", f"2001:db8:12:{i:x}::7/128")
        self.address("lan", "to-router", f"{MAPPED_SERVER_IPV6}/128")
        self.route("lan", "default", "192.168.1.1")
        self.route("lan", "default", "2001:db8:a::1")
        self.route("router", "2001:db8:12::/60", "2001:db8:a::2")
        self.route("router", "2001:db8:1:1::/64", "2001:db8:a::2")
        self.route("internet", "default", "203.0.113.1")
        self.router = Yonroku(self, "router", config(self.folder / "log"))
        self.without_log = Yonroku(self, "internet", SiitDc.CONFIG, name="without-log")

    def start(self):
        self.router.start(seconds=60)  # eleven instances, on a machine that has a browser to run, too
        self.without_log.start()
        for edge in EDGES:
            self.ip("router", f"route replace {by_way_of(edge)} dev {edge}")
        self.ip("router", f"-6 route add {MAP_T_CUSTOMER} dev ce-t")
        self.run("router", ["nft", "-f", "-"], text_input=f"""
table ip tunnels {{
  chain prerouting {{
    type nat hook prerouting priority dstnat;
    iifname {{ {", ".join(f'"{border}"' for border in BORDERS)} }} ip daddr 203.0.112.0/24 dnat to {INTERNET}
  }}
}}
""")
        for node, address in (("internet", INTERNET), ("lan", MAPPED_SERVER_IPV6)):
            serve_echo(self, node, address)
        for i in range(3):
            self._call("lan", socket.AF_INET6, f"2001:db8:12:{i:x}::7", behind_pref64(INTERNET))
        for edge, network in EDGES.items():
            self._call("lan", socket.AF_INET, f"192.168.{network}.10", by_way_of(edge))
        self._call("internet", socket.AF_INET, INTERNET, MAPPED_SERVER)

    def close(self):
        for call in self.calls:
            call.close()
        super().close()

    def _call(self, node, family, source, destination):
        """A socket that goes on with one session."""
        call = self.socket(node, family, socket.SOCK_DGRAM)
        call.setblocking(False)
        call.bind((source, 0))
        call.connect((destination, ECHO_PORT))
        self.calls.append(call)

    def _send(self, family, source, destinations, payload=b"a question of somebody inside"):
        with self.socket("lan", family, socket.SOCK_DGRAM) as sender:
            sender.bind((source, 0))
            for destination in destinations:
                with contextlib.suppress(OSError):  # what the network refused before is told at the next packet
                    sender.sendto(payload, destination)

    def talk(self):
        """A round of traffic: of one host in six at home, and of all customers of the NATs."""
        self.rounds += 1
        for call in self.calls:
            self._go_on(call)
        for i in range(self.rounds % 6, HOSTS, 6):
            for _ in range(1 + 4 // (i + 1)):
                self._send(socket.AF_INET, f"192.168.1.{100 + i}", [(by_way_of("wan4"), 53 if i % 3 == 0 else 4000 + i)])
        for i in range(CUSTOMERS):
            for _ in range(2 + 40 // (i + 1)):
                self._send(socket.AF_INET6, f"2001:db8:12:{i:x}::7", [(behind_pref64(f"203.0.113.{n}"), 5000 + n) for n in range(80, 84)])
        for edge in ("b4", "ce-t", "home"):
            for i in range(1, 4):
                for _ in range(4 - i):
                    self._send(socket.AF_INET, f"192.168.{EDGES[edge]}.{10 + i}", [(by_way_of(edge), ECHO_PORT)])
        self._spoof()

    @staticmethod
    def _go_on(call):
        for _ in range(30):
            with contextlib.suppress(OSError):
                call.send(b"one more of them" * 32)
            with contextlib.suppress(OSError):
                call.recv(2048)

    def _spoof(self):
        """Packets whose inner source is not their sender's, and what is nobody's."""
        with self.socket("lan", socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_IPIP) as sender:
            inner = bytes(IP(src="203.0.120.7", dst=INTERNET) / UDP(sport=5000, dport=53))
            for _ in range(20):
                for border in ("2001:db8:ffff::2", "2001:db8:ffff::3", "2001:db8:ffff::4"):
                    sender.sendto(inner, (border, 0))
        self._send(socket.AF_INET6, "2001:db8:a::2", [(f"2001:db8:fffe:0:cb:7100:5000:{i:x}", 53) for i in range(10)])


def main():
    with guard(), Console() as lab:
        lab.start()
        print(lab.router.socket_path, flush=True)
        while True:
            lab.talk()
            time.sleep(1)


if __name__ == "__main__":
    main()
