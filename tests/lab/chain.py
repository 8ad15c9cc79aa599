"""The shortest line of nodes in which a mechanism's gateway stands between a client and a server, to measure it.

Both families are everywhere, so that the same line also forwards plain IPv4 and plain IPv6, or hides IPv4 behind NAT44:
what a translator is compared with. A customer's end, where the mechanism has one, is the kernel's for encapsulation
(segment routing wraps IPv4 in IPv6 without a further header, and keeps super-packets whole), otherwise ours.
"""

import dataclasses
import json

from namespaces import LabError, Namespaces
from scenarios import PREF64, behind_pref64
from translators import Yonroku, yonroku_binary

CLIENT_IPV4, CLIENT_IPV6 = "192.168.1.2", "2001:db8:c::2"
SERVER_IPV4, SERVER_IPV6 = "203.0.113.80", "2001:db8:5::80"
MASQUERADE = "203.0.113.1"
PUBLIC = "192.0.2.1"  # of a NAT of ours
MAPPED_SERVER = "192.0.2.80"
CUSTOMER_IPV4 = "192.0.2.18"  # a customer with an address of its own, which needs no NAT
CUSTOMER_IPV6 = "2001:db8:12:0:0:c000:212:0"
BORDER = "2001:db8:ffff::1"
B4 = "2001:db8:12::b4"
CLAT_PREFIX = "2001:db8:464::/96"
PORT = 9  # of the UDP sink, which a NAT leads to the client

RULE = "{ipv6-prefix: '2001:db8::/40', ipv4-prefix: 192.0.2.0/24, ea-length: 8, psid-offset: 0}"


@dataclasses.dataclass(frozen=True)
class Way:
    """By which addresses the two ends reach each other, and of which family each then is."""

    server: str  # as the client calls it
    client: str  # as the server calls it
    is_ipv6_at_client: bool
    is_ipv6_at_server: bool
    client_source: str = ""
    server_source: str = ""

    def any_address(self, node):
        return "::" if (self.is_ipv6_at_client if node == "client" else self.is_ipv6_at_server) else "0.0.0.0"


PLAIN_IPV6 = Way(SERVER_IPV6, CLIENT_IPV6, True, True, CLIENT_IPV6, SERVER_IPV6)
PLAIN_IPV4 = Way(SERVER_IPV4, CLIENT_IPV4, False, False, CLIENT_IPV4, SERVER_IPV4)
NAT44 = Way(SERVER_IPV4, MASQUERADE, False, False, CLIENT_IPV4, SERVER_IPV4)

NAT64 = f"""\
  - name: nat
    mechanism: nat64
    pref64: {PREF64}
    pools:
      - {{addresses: {PUBLIC}, ports: 1024-65535}}
    static-bindings:
      - {{protocol: udp, inside: "%s", inside-port: {PORT}, outside: {PUBLIC}, outside-port: {PORT}}}
"""
CLAT = f"""\
  - name: clat
    mechanism: clat
    plat-prefix: {PREF64}
    clat-prefix: {CLAT_PREFIX}
    default-route: true
"""
MAP_T_CUSTOMER = f"""\
  - name: ce
    mechanism: siit
    pref64: "2001:db8:ffff::/64"
    routes: manual
    mappings:
      - {{ipv4: {CUSTOMER_IPV4}, ipv6: "{CUSTOMER_IPV6}"}}
"""


@dataclasses.dataclass(frozen=True)
class Mechanism:
    """What runs on the gateway, and at the customer: instances of ours, or where the kernel's tunnel begins."""

    gateway: str
    way: Way
    customer: str = ""
    tunnel_source: str = ""

    @property
    def has_customer(self):
        return bool(self.customer or self.tunnel_source)


def _from_customer(client, source):
    return Way(SERVER_IPV4, client, False, False, source, SERVER_IPV4)


MECHANISMS = {
    "siit": Mechanism(
        f"""\
  - name: dc
    mechanism: siit
    pref64: {PREF64}
    mappings:
      - {{ipv4: {MAPPED_SERVER}, ipv6: "{SERVER_IPV6}"}}
""",
        Way(MAPPED_SERVER, behind_pref64(CLIENT_IPV4), False, True, CLIENT_IPV4, SERVER_IPV6)),
    "nat64": Mechanism(NAT64 % CLIENT_IPV6,
                       Way(behind_pref64(SERVER_IPV4), PUBLIC, True, False, CLIENT_IPV6, SERVER_IPV4)),
    "464xlat": Mechanism(NAT64 % f"2001:db8:464::{CLIENT_IPV4}", _from_customer(PUBLIC, CLIENT_IPV4), customer=CLAT),
    "map-e": Mechanism(f"""\
  - name: br
    mechanism: map-e-br
    br-addresses: ["{BORDER}"]
    ipv6-mtu: 1540
    rules: [{RULE}]
""", _from_customer(CUSTOMER_IPV4, CUSTOMER_IPV4), tunnel_source=CUSTOMER_IPV6),
    "map-t": Mechanism(f"""\
  - name: br
    mechanism: map-t-br
    dmr: "2001:db8:ffff::/64"
    rules: [{RULE}]
""", _from_customer(CUSTOMER_IPV4, CUSTOMER_IPV4), customer=MAP_T_CUSTOMER),
    "lw4o6": Mechanism(f"""\
  - name: br
    mechanism: lwaftr
    br-addresses: ["{BORDER}"]
    ipv6-mtu: 1540
    softwires:
      - {{b4-address: "{CUSTOMER_IPV6}", ipv4: {CUSTOMER_IPV4}}}
""", _from_customer(CUSTOMER_IPV4, CUSTOMER_IPV4), tunnel_source=CUSTOMER_IPV6),
    "ds-lite": Mechanism(f"""\
  - name: br
    mechanism: ds-lite-aftr
    aftr-address: "{BORDER}"
    b4-prefixes: ["2001:db8:12::/48"]
    ipv6-mtu: 1540
    pools:
      - {{addresses: {PUBLIC}, ports: 1024-65535}}
    static-bindings:
      - protocol: udp
        inside: "{B4}"
        inside-ipv4: {CLIENT_IPV4}
        inside-port: {PORT}
        outside: {PUBLIC}
        outside-port: {PORT}
""", _from_customer(PUBLIC, CLIENT_IPV4), tunnel_source=B4),
}


class Chain(Namespaces):
    """client ── (cpe) ── gateway ── server"""

    def __init__(self, has_customer=False, xdp_links=False):
        super().__init__()
        self.has_customer = has_customer
        self.near = "cpe" if has_customer else "gateway"  # the client's neighbour
        self.translators = []
        try:
            self._build()
            if xdp_links:
                self.prepare_for_xdp("client", "server", *(["cpe"] if has_customer else []))
        except BaseException:
            self.close()
            raise

    def _build(self):
        self.add("client", *(["cpe"] if self.has_customer else []), "gateway", "server", forwarding=("cpe", "gateway"))
        self.link("client", self.near)
        self.link("gateway", "server")
        self.address("client", f"to-{self.near}", f"{CLIENT_IPV4}/24", f"{CLIENT_IPV6}/64")
        self.address(self.near, "to-client", "192.168.1.1/24", "2001:db8:c::1/64")
        self.address("gateway", "to-server", f"{MASQUERADE}/24", "2001:db8:5::1/64")
        self.address("server", "to-gateway", f"{SERVER_IPV4}/24", f"{SERVER_IPV6}/64")
        for node, ipv4, ipv6 in (("client", "192.168.1.1", "2001:db8:c::1"), ("server", MASQUERADE, "2001:db8:5::1")):
            self.route(node, "default", ipv4)
            self.route(node, "default", ipv6)
        if self.has_customer:
            self.link("cpe", "gateway", mtu=1564)  # room for the tunnel's header
            self.address("cpe", "to-gateway", "198.51.100.2/24", "2001:db8:a::2/64")
            self.address("gateway", "to-cpe", "198.51.100.1/24", "2001:db8:a::1/64")
            self.route("cpe", "default", "198.51.100.1")
            self.route("cpe", "default", "2001:db8:a::1")
            self.route("gateway", "192.168.1.0/24", "198.51.100.2")
            for network in ("2001:db8:c::/64", "2001:db8:464::/64", "2001:db8:12::/48"):
                self.route("gateway", network, "2001:db8:a::2")

    def start_nat44(self):
        """The kernel's own NAT: masquerade, and the sink's port led to the client."""
        self.run("gateway", ["nft", "-f", "-"], text_input=f"""\
table ip nat {{
  chain prerouting {{
    type nat hook prerouting priority dstnat
    iifname "to-server" udp dport {PORT} dnat to {CLIENT_IPV4}
  }}
  chain postrouting {{
    type nat hook postrouting priority srcnat
    oifname "to-server" masquerade
  }}
}}
""")
        return self

    @property
    def gateways_client(self):
        """The gateway's neighbour on the client's side, and there the addresses of its link."""
        return "cpe" if self.has_customer else "client"

    @property
    def client_link(self):
        return ("198.51.100.2", "2001:db8:a::2") if self.has_customer else (CLIENT_IPV4, CLIENT_IPV6)

    def start(self, mechanism, offload=None, seconds=10.0, has_customer=True):
        """Starts a mechanism's ends, or the gateway's alone. `offload` is the key's value for all of them."""
        chosen = MECHANISMS[mechanism]
        if self.has_customer:  # From here on IPv4 gets across by the mechanism or not at all.
            self.ip("cpe", "-4 addr del 198.51.100.2/24 dev to-gateway")
            self.ip("gateway", "-4 addr del 198.51.100.1/24 dev to-cpe")
        if has_customer and self.has_customer:
            self._start_customer(chosen, offload, seconds)
        return self.start_gateway(chosen.gateway, offload, seconds)

    def start_gateway(self, instances, offload=None, seconds=10.0):
        self.translators.append(Yonroku(self, "gateway", with_offload(instances, offload)).start(seconds))
        return self

    def _start_customer(self, mechanism, offload, seconds):
        if mechanism.way.client_source == CUSTOMER_IPV4:
            self._give_client_the_customers_address()
        if mechanism.tunnel_source:
            self._start_kernel_tunnel(mechanism)
            return
        self.translators.append(Yonroku(self, "cpe", with_offload(mechanism.customer, offload), "cpe").start(seconds))
        if mechanism.customer == MAP_T_CUSTOMER:
            self.ip("cpe", "route add 203.0.113.0/24 dev ce")
            self.ip("cpe", f"-6 route add {CUSTOMER_IPV6}/128 dev ce")

    def _give_client_the_customers_address(self):
        self.address("client", "to-cpe", f"{CUSTOMER_IPV4}/32")
        self.ip("client", f"route replace default via 192.168.1.1 src {CUSTOMER_IPV4}")
        self.ip("cpe", f"route add {CUSTOMER_IPV4}/32 dev to-client")

    def _start_kernel_tunnel(self, mechanism):
        source, client = mechanism.tunnel_source, mechanism.way.client_source
        self.ip("cpe", f"sr tunsrc set {source}")
        self.ip("cpe", f"route add 203.0.113.0/24 encap seg6 mode encap.red segs {BORDER} dev to-gateway")
        self.ip("cpe", f"-6 route add {source}/128 encap seg6local action End.DX4 nh4 {client} dev to-client")


def with_offload(instances, offload):
    """A configuration of these instances, each with its key `offload`, if one is given."""
    key = f"    offload: {offload}\n" if offload else ""
    return "instances:\n" + "".join(f"  - name:{one}{key}" for one in instances.split("  - name:")[1:])


def why_no_offload(lab, offload):
    """Why this binary can't be asked for a kind of offload at all, or None."""
    trial = Yonroku(lab, "gateway", with_offload(MECHANISMS["siit"].gateway, offload), "trial")
    done = lab.run("gateway", [yonroku_binary(), "check", trial.config_path], check=False)
    if done.returncode == 0:
        return None
    return (done.stdout + done.stderr).strip().splitlines()[0]


def offload_state(translator):
    """What the daemon says of its offload (`yonroku show offload --json`)."""
    done = translator.command("show", "offload", "--json", check=False)
    if done.returncode != 0:
        raise LabError(f"`yonroku show offload` fails: {done.stderr.strip()}")
    return json.loads(done.stdout)
