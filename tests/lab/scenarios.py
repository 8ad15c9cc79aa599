"""The topologies: nodes, links, addresses, and the configuration that the translator gets.

All addresses are from the documentation prefixes (RFC 5737, RFC 3849) or, where an IPv4 site has private addresses,
from RFC 1918.
"""

from name_server import Unbound
from namespaces import Namespaces
from translators import Tayga, Yonroku

PREF64 = "2001:db8:64::/96"


def behind_pref64(ipv4):
    """How an IPv4 address looks from the IPv6 side."""
    return f"2001:db8:64::{ipv4}"


class SiitDc(Namespaces):
    """IPv4 clients reach IPv6-only servers (RFC 7755, RFC 7757): what map646 was written for.

    With `routers`, a router stands on either side of the gateway, so that small links and traceroute have a place.
    With `plain`, both ends also get an address of the other family, for forwarding without a translator to compare with.
    """

    CLIENT = "203.0.113.2"
    SERVER = "2001:db8:5::80"
    SERVER_AS_IPV4 = "192.0.2.80"
    CLIENT_AS_IPV6 = behind_pref64("203.0.113.2")
    PLAIN_CLIENT_IPV6 = "2001:db8:c::2"
    PLAIN_SERVER_IPV4 = "198.51.100.80"
    MAPPINGS = [("192.0.2.80", "2001:db8:5::80")]

    CONFIG = """\
instances:
  - name: dc
    mechanism: siit
    pref64: 2001:db8:64::/96                          # IPv4 hosts appear in here
    mappings:
      - {ipv4: 192.0.2.80, ipv6: "2001:db8:5::80"}    # the server's IPv4 address
"""

    PICTURE = """\
      IPv4 only                              gateway                            IPv6 only
  ┌──────────────────┐      IPv4      ┌──────────────────┐      IPv6      ┌──────────────────┐
  │ client           ├────────────────┤ .1  [ dc ]    ::1├────────────────┤ server           │
  │ 203.0.113.2      │ 203.0.113.0/24 │  yonroku (siit)  │ 2001:db8:5::/64│ 2001:db8:5::80   │
  └──────────────────┘                └──────────────────┘                └──────────────────┘
    sees the server as 192.0.2.80                    sees the client as 2001:db8:64::203.0.113.2
"""

    def __init__(self, routers=False, plain=False):
        super().__init__()
        self.translator = None
        self.routers = routers
        try:
            self._build()
            if plain:
                self._add_plain_addresses()
        except BaseException:
            self.close()
            raise

    def _build(self):
        if self.routers:
            self.add("client", "router4", "gateway", "router6", "server", forwarding=("router4", "gateway", "router6"))
            self.link("client", "router4")
            self.link("router4", "gateway")
            self.link("gateway", "router6")
            self.link("router6", "server")
            self.address("client", "to-router4", "203.0.113.2/24")
            self.address("router4", "to-client", "203.0.113.1/24")
            self.address("router4", "to-gateway", "198.51.100.1/24")
            self.address("gateway", "to-router4", "198.51.100.2/24")
            self.address("gateway", "to-router6", "2001:db8:6::1/64")
            self.address("router6", "to-gateway", "2001:db8:6::2/64")
            self.address("router6", "to-server", "2001:db8:5::1/64")
            self.address("server", "to-router6", "2001:db8:5::80/64")
            self.route("client", "default", "203.0.113.1")
            self.route("router4", "default", "198.51.100.2")
            self.route("gateway", "203.0.113.0/24", "198.51.100.1")
            self.route("gateway", "2001:db8:5::/64", "2001:db8:6::2")
            self.route("router6", "default", "2001:db8:6::1")
            self.route("server", "default", "2001:db8:5::1")
            self.client_device, self.server_device = "to-router4", "to-router6"
        else:
            self.add("client", "gateway", "server", forwarding=("gateway",))
            self.link("client", "gateway")
            self.link("gateway", "server")
            self.address("client", "to-gateway", "203.0.113.2/24")
            self.address("gateway", "to-client", "203.0.113.1/24")
            self.address("gateway", "to-server", "2001:db8:5::1/64")
            self.address("server", "to-gateway", "2001:db8:5::80/64")
            self.route("client", "default", "203.0.113.1")
            self.route("server", "default", "2001:db8:5::1")
            self.client_device = self.server_device = "to-gateway"

    def _add_plain_addresses(self):
        self.address("client", "to-gateway", "2001:db8:c::2/64")
        self.address("gateway", "to-client", "2001:db8:c::1/64")
        self.address("gateway", "to-server", "198.51.100.1/24")
        self.address("server", "to-gateway", "198.51.100.80/24")
        self.route("client", "default", "2001:db8:c::1")
        self.route("server", "default", "198.51.100.1")

    def start(self, config=None, translator="yonroku", **arguments):
        """Starts the translator on the gateway."""
        if translator == "tayga":
            self.translator = Tayga(self, "gateway", PREF64, self.MAPPINGS)
        else:
            self.translator = Yonroku(self, "gateway", config or self.CONFIG)
        self.translator.start(**arguments)
        return self


class Clat(Namespaces):
    """IPv4-only programs on an IPv6-only line (RFC 6877): CLAT at the customer, a translator of the ISP behind it.

    The ISP's side (PLAT) is our NAT64 ("yonroku"), which is 464XLAT as RFC 6877 has it; or it is stateless and maps the
    customer's IPv6 addresses to public IPv4 addresses one to one: ours ("yonroku-siit"), or "tayga", so that each of our
    packets is understood by somebody else's code.
    """

    CLIENT = "192.168.1.2"
    CLIENT_AS_SEEN = "198.51.100.2"
    SERVER = "203.0.113.80"
    PLAT_MAPPINGS = [("198.51.100.0/24", "2001:db8:464::c0a8:100/120")]

    CONFIG = """\
instances:
  - name: clat
    mechanism: clat
    plat-prefix: 2001:db8:64::/96       # the ISP's NAT64 prefix: the IPv4 Internet is in here
    clat-prefix: 2001:db8:464::/96      # our own LAN, 192.168.1.0/24, is in here
    default-route: true
"""

    PLAT_NAT64 = """\
instances:
  - name: plat
    mechanism: nat64
    pref64: 2001:db8:64::/96            # IPv4 hosts appear in here
    pools:
      - {addresses: 198.51.100.2, ports: 1024-65535}
"""

    PLAT_CONFIG = """\
instances:
  - name: plat
    mechanism: siit
    pref64: 2001:db8:64::/96
    mappings:
      - {ipv4: 198.51.100.0/24, ipv6: "2001:db8:464::c0a8:100/120"}
"""

    PICTURE = """\
     IPv4 only                   CPE                                ISP                    IPv4 only
  ┌──────────────┐ IPv4  ┌────────────────┐   IPv6 only   ┌────────────────────┐  IPv4  ┌──────────────┐
  │ client       ├───────┤ .1  [ clat ]   ├───────────────┤ ::1  [ PLAT ]   .1 ├────────┤ server       │
  │ 192.168.1.2  │       │ yonroku (clat) │2001:db8:a::/64│ %-18s │        │ 203.0.113.80 │
  └──────────────┘       └────────────────┘               └────────────────────┘        └──────────────┘
                        192.168.1.2 <-> 2001:db8:464::192.168.1.2 <-> 198.51.100.2
"""

    def __init__(self):
        super().__init__()
        self.translator = self.plat = None
        try:
            self._build()
        except BaseException:
            self.close()
            raise

    def _build(self):
        self.add("client", "cpe", "isp", "server", forwarding=("cpe", "isp"))
        self.link("client", "cpe")
        self.link("cpe", "isp")
        self.link("isp", "server")
        self.address("client", "to-cpe", "192.168.1.2/24")
        self.address("cpe", "to-client", "192.168.1.1/24")
        self.address("cpe", "to-isp", "2001:db8:a::2/64")
        self.address("isp", "to-cpe", "2001:db8:a::1/64")
        self.address("isp", "to-server", "203.0.113.1/24")
        self.address("server", "to-isp", "203.0.113.80/24")
        self.route("client", "default", "192.168.1.1")
        self.route("cpe", "default", "2001:db8:a::1")
        self.route("isp", "2001:db8:464::/64", "2001:db8:a::2")
        self.route("server", "default", "203.0.113.1")

    def start(self, config=None, plat=None, plat_config=None, plat_mappings=None):
        """Starts both translators. By default the PLAT is stateless, and tayga where there is one."""
        self.plat_kind = plat or ("tayga" if Tayga.installed() else "yonroku-siit")
        if self.plat_kind == "tayga":
            self.plat = Tayga(self, "isp", PREF64, plat_mappings or self.PLAT_MAPPINGS)
        else:
            default = self.PLAT_NAT64 if self.plat_kind == "yonroku" else self.PLAT_CONFIG
            self.plat = Yonroku(self, "isp", plat_config or default, name="plat")
        self.plat.start()
        self.translator = Yonroku(self, "cpe", config or self.CONFIG).start()
        return self


class Softwire(Namespaces):
    """IPv4 in IPv6 from a customer's site to the provider's border, over an IPv6-only network.

    `kind` is what the border is: map-e, map-t (which translates instead), lw4o6 (a shared address: the CPE's kernel does the NAT into the port set), ipip
    (a fixed prefix, no NAT) or ds-lite (the B4; its AFTR's tunnel end without the NAT).
    """

    SERVER = "203.0.113.80"
    SERVER_IPV6 = "2001:db8:5::80"
    SHARED, PORTS = "192.0.2.18", (16384, 32767)
    CE_ADDRESS = "2001:db8:12:4000:0:c000:212:1"
    BORDER_ADDRESS = "2001:db8:ffff::1"
    FIXED_PREFIX = "192.0.2.8/29"

    CUSTOMER = """\
instances:
  - name: ce
    mechanism: ipip
    local-address: "2001:db8:12:4000:0:c000:212:1"
    remote-address: "2001:db8:ffff::1"
    customer-prefixes: [%s]
"""
    B4 = """\
instances:
  - name: ce
    mechanism: ds-lite-b4
    b4-address: "2001:db8:12:4000:0:c000:212:1"
    aftr-address: "2001:db8:ffff::1"
"""
    MAP_T_CE = """\
instances:
  - name: ce
    mechanism: clat                             # translates as a MAP-T CE does, behind the kernel's NAT
    plat-prefix: "2001:db8:ffff::/64"
    clat-ipv4: 192.0.2.18
    clat-address: "2001:db8:12:4000:0:c000:212:1"
"""
    BORDERS = {
        "map-t": """\
instances:
  - name: br
    mechanism: map-t-br
    dmr: "2001:db8:ffff::/64"
    rules:                                      # 4 customers share each address of 192.0.2.0/24
      - {ipv6-prefix: "2001:db8::/40", ipv4-prefix: 192.0.2.0/24, ea-length: 10, psid-offset: 0}
""",
        "map-e": """\
instances:
  - name: br
    mechanism: map-e-br
    br-addresses: ["2001:db8:ffff::1"]
    rules:                                      # 4 customers share each address of 192.0.2.0/24
      - {ipv6-prefix: "2001:db8::/40", ipv4-prefix: 192.0.2.0/24, ea-length: 10, psid-offset: 0}
""",
        "lw4o6": """\
instances:
  - name: br
    mechanism: lwaftr
    br-addresses: ["2001:db8:ffff::1"]
    softwires:
      - {b4-address: "2001:db8:12:4000:0:c000:212:1", ipv4: 192.0.2.18, psid-length: 2, psid: 1}
""",
        "ipip": """\
instances:
  - name: br
    mechanism: ipip
    side: provider
    local-address: "2001:db8:ffff::1"
    remote-address: "2001:db8:12:4000:0:c000:212:1"
    customer-prefixes: [192.0.2.8/29]
""",
        "ds-lite": """\
instances:
  - name: br
    mechanism: ipip                             # where an AFTR would do NAT
    side: provider
    local-address: "2001:db8:ffff::1"
    remote-address: "2001:db8:12:4000:0:c000:212:1"
    customer-prefixes: [192.168.1.0/24, 192.0.0.2]
""",
    }

    PICTURE = """\
    private IPv4              CPE                     IPv6 only                 border                IPv4
  ┌──────────────┐  ┌────────────────────┐  ┌───────────────────────────┐  ┌─────────────────┐  ┌──────────────┐
  │ client       ├──┤ .1 (NAT) [ ce ] ::2├──┤ isp: forwards IPv6 and     ├──┤  [ br ]         ├──┤ server       │
  │ %-12s │  │ yonroku            │  │ knows nothing of IPv4     │  │  yonroku        │  │ 203.0.113.80 │
  └──────────────┘  └────────────────────┘  └───────────────────────────┘  └─────────────────┘  └──────────────┘
                     2001:db8:12:4000:0:c000:212:1  ======= IPv4 in IPv6 =======  2001:db8:ffff::1
"""

    def __init__(self, kind="map-e"):
        super().__init__()
        self.kind = kind
        self.translator = self.customer = None
        self.is_shared = kind in ("map-e", "map-t", "lw4o6")
        self.client_address = "192.0.2.10" if kind == "ipip" else "192.168.1.2"
        self.client_as_seen = self.SHARED if self.is_shared else self.client_address
        try:
            self._build()
        except BaseException:
            self.close()
            raise

    def _build(self):
        self.add("client", "cpe", "isp", "br", "server", forwarding=("cpe", "isp", "br"))
        for one, other in (("client", "cpe"), ("cpe", "isp"), ("isp", "br"), ("br", "server")):
            self.link(one, other)
        lan, length = ("192.0.2.9", 29) if self.kind == "ipip" else ("192.168.1.1", 24)
        self.address("client", "to-cpe", f"{self.client_address}/{length}")
        self.address("cpe", "to-client", f"{lan}/{length}")
        self.address("cpe", "to-isp", "2001:db8:a::2/64")
        self.address("isp", "to-cpe", "2001:db8:a::1/64")
        self.address("isp", "to-br", "2001:db8:b::1/64")
        self.address("br", "to-isp", "2001:db8:b::2/64")
        self.address("br", "to-server", "203.0.113.1/24")
        self.address("server", "to-br", "203.0.113.80/24")
        self.route("client", "default", lan)
        self.route("cpe", "default", "2001:db8:a::1")
        self.route("isp", "2001:db8:12::/48", "2001:db8:a::2")
        self.route("isp", "2001:db8:ffff::/48", "2001:db8:b::2")
        self.route("br", "default", "2001:db8:b::1")
        self.route("server", "default", "203.0.113.1")
        # For plain IPv6 forwarding over the same links, to compare with.
        self.address("client", "to-cpe", "2001:db8:c::2/64")
        self.address("cpe", "to-client", "2001:db8:c::1/64")
        self.address("br", "to-server", "2001:db8:5::1/64")
        self.address("server", "to-br", "2001:db8:5::80/64")
        self.route("client", "default", "2001:db8:c::1")
        self.route("server", "default", "2001:db8:5::1")
        self.route("isp", "2001:db8:c::/64", "2001:db8:a::2")
        self.route("isp", "2001:db8:5::/64", "2001:db8:b::2")

    def start(self, border=None, customer=None):
        """Starts both ends, and the NAT of a shared address."""
        if customer is None:
            prefix = self.SHARED if self.is_shared else self.FIXED_PREFIX
            customer = {"ds-lite": self.B4, "map-t": self.MAP_T_CE}.get(self.kind, self.CUSTOMER % prefix)
        self.translator = Yonroku(self, "br", border or self.BORDERS[self.kind], name="br").start()
        self.customer = Yonroku(self, "cpe", customer, name="ce").start()
        if self.is_shared:
            self.run("cpe", ["nft", "-f", "-"], text_input=f"""
table ip nat {{
  chain postrouting {{
    type nat hook postrouting priority srcnat;
    oifname "ce" meta l4proto {{ tcp, udp, icmp }} snat to {self.SHARED}:{self.PORTS[0]}-{self.PORTS[1]}
  }}
}}
""")
        return self


class Nat64(Namespaces):
    """IPv6-only clients reach IPv4 servers through a shared address (RFC 6146), by names that a DNS64 makes (RFC 6147).

    The name server of the zone `example` is on the first server, DNS64 on the gateway: both are unbound. Behind the gateway
    is a router, so that small links and traceroute have a place.
    """

    CLIENT, NEIGHBOUR = "2001:db8:a::2", "2001:db8:b::2"
    POOL = "192.0.2.1"
    SERVER_IPV4, OTHER_IPV4 = "203.0.113.80", "203.0.113.200"
    SERVER, OTHER = behind_pref64(SERVER_IPV4), behind_pref64(OTHER_IPV4)
    PLAIN_SERVER_IPV6 = "2001:db8:5::80"
    DNS64 = "2001:db8:d::64"

    CONFIG = """\
instances:
  - name: nat
    mechanism: nat64
    pref64: 2001:db8:64::/96            # IPv4 hosts appear in here, as the DNS64 says too
    pools:
      - {addresses: 192.0.2.1, ports: 1024-65535}
"""

    PICTURE = """\
     IPv6 only                         gateway                                         IPv4
  ┌──────────────┐  IPv6  ┌────────────────────────────────┐  IPv4  ┌───────────┐  ┌────────────────┐
  │ client       ├────────┤ 2001:db8:a::1                  │        │ internet  ├──┤ server         │
  │ 2001:db8:a::2│        │    yonroku (nat64)   [ nat ]   ├────────┤ (router)  │  │ 203.0.113.80   │
  ├──────────────┤        │ 2001:db8:64::/96 <-> 192.0.2.1 │        │           │  ├────────────────┤
  │ neighbour    ├────────┤ 2001:db8:b::1                  │        │           ├──┤ other          │
  │ 2001:db8:b::2│        │    unbound (DNS64)             │        │           │  │ 203.0.113.200  │
  └──────────────┘        └────────────────────────────────┘        └───────────┘  └────────────────┘
    server.example is 2001:db8:64::203.0.113.80                      the clients are 192.0.2.1 here
"""

    def __init__(self):
        super().__init__()
        self.translator = None
        try:
            self._build()
        except BaseException:
            self.close()
            raise

    def _build(self):
        self.add("client", "neighbour", "gateway", "internet", "server", "other", forwarding=("gateway", "internet"))
        for one, other in (("client", "gateway"), ("neighbour", "gateway"), ("gateway", "internet"), ("internet", "server"),
                           ("internet", "other")):
            self.link(one, other)
        for host, network in (("client", "2001:db8:a::"), ("neighbour", "2001:db8:b::")):
            self.address(host, "to-gateway", f"{network}2/64")
            self.address("gateway", f"to-{host}", f"{network}1/64")
            self.route(host, "default", f"{network}1")
            self.resolver(host, self.DNS64)
        self.address("gateway", "lo", f"{self.DNS64}/128")
        self.address("gateway", "to-internet", "198.51.100.2/24")
        self.address("internet", "to-gateway", "198.51.100.1/24")
        self.address("internet", "to-server", "203.0.113.1/25")
        self.address("server", "to-internet", f"{self.SERVER_IPV4}/25")
        self.address("internet", "to-other", "203.0.113.129/25")
        self.address("other", "to-internet", f"{self.OTHER_IPV4}/25")
        self.route("gateway", "default", "198.51.100.1")
        self.route("internet", "192.0.2.0/24", "198.51.100.2")
        self.route("server", "default", "203.0.113.1")
        self.route("other", "default", "203.0.113.129")
        # For plain IPv6 forwarding over the same links, to compare with.
        self.address("gateway", "to-internet", "2001:db8:6::1/64")
        self.address("internet", "to-gateway", "2001:db8:6::2/64")
        self.address("internet", "to-server", "2001:db8:5::1/64")
        self.address("server", "to-internet", f"{self.PLAIN_SERVER_IPV6}/64")
        self.route("gateway", "2001:db8:5::/64", "2001:db8:6::2")
        self.route("internet", "default", "2001:db8:6::1")
        self.route("server", "default", "2001:db8:5::1")

    def start(self, config=None, **arguments):
        self.translator = Yonroku(self, "gateway", config or self.CONFIG).start(**arguments)
        return self

    def serve_names(self):
        """The zone on the server, and the DNS64 that the clients ask."""
        zone = Unbound(self, "server", "zone", [
            f"interface: {self.SERVER_IPV4}", "access-control: 0.0.0.0/0 allow", 'module-config: "iterator"',
            'local-zone: "example." static',
            f'local-data: "server.example. IN A {self.SERVER_IPV4}"', f'local-data: "other.example. IN A {self.OTHER_IPV4}"',
            f'local-data: "both.example. IN A {self.SERVER_IPV4}"', f'local-data: "both.example. IN AAAA {self.PLAIN_SERVER_IPV6}"',
        ])
        dns64 = Unbound(self, "gateway", "dns64", [
            f"interface: {self.DNS64}", "access-control: ::/0 allow", 'module-config: "dns64 iterator"', f"dns64-prefix: {PREF64}",
        ], forward_to=self.SERVER_IPV4)
        zone.start()
        dns64.start()
        return self


class KernelCustomer(Softwire):
    """A MAP-E border whose customer's end is the kernel's: segment routing wraps and unwraps IPv4 in IPv6 without a further
    header, and keeps super-packets whole. The customer has a whole address, so that it needs no NAT."""

    CLIENT = "192.0.2.18"
    CE_ADDRESS = "2001:db8:12:0:0:c000:212:0"
    BORDER = """\
instances:
  - name: br
    mechanism: map-e-br
    br-addresses: ["2001:db8:ffff::1"]
    ipv6-mtu: 1540
    rules:
      - {ipv6-prefix: "2001:db8::/40", ipv4-prefix: 192.0.2.0/24, ea-length: 8, psid-offset: 0}
"""

    def _build(self):
        super()._build()
        for one, other in (("cpe", "isp"), ("isp", "br")):  # The kernel keeps room for a header that it does not send.
            self.ip(one, f"link set to-{other} mtu 1564")
            self.ip(other, f"link set to-{one} mtu 1564")
        self.address("client", "to-cpe", f"{self.CLIENT}/32")
        self.ip("client", f"route replace default via 192.168.1.1 src {self.CLIENT}")
        self.ip("cpe", f"route add {self.CLIENT}/32 dev to-client")
        self.ip("cpe", f"sr tunsrc set {self.CE_ADDRESS}")
        self.ip("cpe", f"route add 203.0.113.0/24 encap seg6 mode encap.red segs {self.BORDER_ADDRESS} dev to-isp")
        self.ip("cpe", f"-6 route add {self.CE_ADDRESS}/128 encap seg6local action End.DX4 nh4 {self.CLIENT} dev to-client")

    def start(self):
        self.translator = Yonroku(self, "br", self.BORDER, name="br").start()
        return self


class CustomerEdge(Namespaces):
    """Private IPv4 at home, an IPv6-only provider, the IPv4 Internet: both ends of what is between are ours.

    `kind` is map-e, v6plus (MAP-E as draft-ietf-softwire-map-03 has it, with 240 ports in 15 runs, as on lines in Japan),
    map-t, lw4o6 or ds-lite. Two customers share one public address, and their hosts have the same private addresses. The
    provider's network has no IPv4 at all.
    """

    CLIENT, SIBLING = "192.168.1.2", "192.168.2.2"  # behind one customer edge; `friend`, behind the other, is .1.2 too
    SHARED = "192.0.2.18"
    SERVER, OTHER = "203.0.113.80", "203.0.113.200"
    SERVER_IPV6 = "2001:db8:5::80"
    BORDER_ADDRESS = "2001:db8:ffff::1"
    PREFIXES = ["2001:db8:12:3400::/56", "2001:db8:12:3500::/56"]
    PSIDS, PSID_LENGTH = [52, 53], 8
    OFFSETS = {"map-e": 6, "v6plus": 4, "map-t": 6, "lw4o6": 6}
    B4S = {"ds-lite": ["2001:db8:12:3400::b4", "2001:db8:12:3500::b4"],
           "lw4o6": ["2001:db8:12:3400:0:c000:212:34", "2001:db8:12:3500:0:c000:212:35"]}
    RULE = "{ipv6-prefix: '2001:db8::/40', ipv4-prefix: 192.0.2.0/24, ea-length: 16, psid-offset: %d}"

    MAP_E_CE = """\
instances:
  - name: wan4
    mechanism: map-e-ce
    end-user-prefix: %(prefix)s       # from the provider, by DHCPv6
    br-address: 2001:db8:ffff::1
    rules:                            # 256 customers share each address of 192.0.2.0/24
      - %(rule)s
"""
    MAP_E_BR = """\
instances:
  - name: br
    mechanism: map-e-br
    br-addresses: ['2001:db8:ffff::1']
    rules:
      - %(rule)s
"""
    CUSTOMERS = {
        "map-e": MAP_E_CE,
        "v6plus": MAP_E_CE + "    format: draft-03\n",
        "map-t": """\
instances:
  - name: wan4
    mechanism: map-t-ce
    end-user-prefix: %(prefix)s       # from the provider, by DHCPv6
    dmr: 2001:db8:ffff::/64           # the IPv4 Internet is in here
    rules:                            # 256 customers share each address of 192.0.2.0/24
      - %(rule)s
""",
        "lw4o6": """\
instances:
  - name: wan4
    mechanism: lwb4
    b4-address: %(b4)s
    aftr-address: 2001:db8:ffff::1
    ipv4-address: 192.0.2.18
    psid-offset: 6
    psid-length: 8
    psid: %(psid)d
""",
        "ds-lite": """\
instances:
  - name: wan4
    mechanism: ds-lite-b4
    b4-address: %(b4)s
    aftr-address: 2001:db8:ffff::1
""",
    }
    BORDERS = {
        "map-e": MAP_E_BR,
        "v6plus": MAP_E_BR + "    format: draft-03\n",
        "map-t": """\
instances:
  - name: br
    mechanism: map-t-br
    dmr: 2001:db8:ffff::/64
    rules:
      - %(rule)s
""",
        "lw4o6": """\
instances:
  - name: br
    mechanism: lwaftr
    br-addresses: ['2001:db8:ffff::1']
    softwires:
      - {b4-address: '2001:db8:12:3400:0:c000:212:34', ipv4: 192.0.2.18, psid-offset: 6, psid-length: 8, psid: 52}
      - {b4-address: '2001:db8:12:3500:0:c000:212:35', ipv4: 192.0.2.18, psid-offset: 6, psid-length: 8, psid: 53}
""",
        "ds-lite": """\
instances:
  - name: br
    mechanism: ds-lite-aftr
    aftr-address: 2001:db8:ffff::1
    b4-prefixes: ['2001:db8:12::/48']
    pools:
      - addresses: 192.0.2.18
""",
    }

    PICTURE = """\
       private IPv4                                  IPv6 only                                       IPv4
  ┌────────────────────┐  ┌────────────┐                                                    ┌────────────────────┐
  │ client 192.168.1.2 ├──┤ cpe [wan4] │                                               ┌────┤ server 203.0.113.80│
  │ sibling    .2.2    ├──┤ yonroku    ├─┐  ┌────────────────┐  ┌─────────┐  ┌─────────┴┐   └────────────────────┘
  └────────────────────┘  └────────────┘ ├──┤ isp: forwards  ├──┤ br [br] ├──┤ internet │
  ┌────────────────────┐  ┌────────────┐ │  │ IPv6, has no   │  │ yonroku │  │ (router) │   ┌────────────────────┐
  │ friend 192.168.1.2 ├──┤ cpe2 [wan4]├─┘  │ IPv4 at all    │  └─────────┘  └─────────┬┘   │ other              │
  └────────────────────┘  │ yonroku    │    └────────────────┘                         └────┤ 203.0.113.200      │
                          └────────────┘                                                    └────────────────────┘
    %(customer)s here, %(border)s there; both customers are 192.0.2.18 in the Internet
"""

    def __init__(self, kind="map-e"):
        super().__init__()
        self.kind = kind
        self.translator = None
        self.edges = []
        try:
            self._build()
        except BaseException:
            self.close()
            raise

    def _build(self):
        self.add("client", "sibling", "friend", "isp", "cpe", "cpe2", "br", "internet", "server", "other",
                 forwarding=("cpe", "cpe2", "isp", "br", "internet"))
        self.sysctl("isp", {"net.ipv4.ip_forward": 0})
        for one, other in (("client", "cpe"), ("sibling", "cpe"), ("friend", "cpe2"), ("cpe", "isp"), ("cpe2", "isp"),
                           ("isp", "br"), ("br", "internet"), ("internet", "server"), ("internet", "other")):
            self.link(one, other)
        for host, edge, network in (("client", "cpe", "192.168.1"), ("sibling", "cpe", "192.168.2"),
                                    ("friend", "cpe2", "192.168.1")):
            self.address(host, f"to-{edge}", f"{network}.2/24")
            self.address(edge, f"to-{host}", f"{network}.1/24")
            self.route(host, "default", f"{network}.1")
        for edge, prefix, link in (("cpe", self.PREFIXES[0], "2001:db8:a001::"), ("cpe2", self.PREFIXES[1], "2001:db8:a002::")):
            self.address(edge, "to-isp", f"{link}2/64")
            self.address("isp", f"to-{edge}", f"{link}1/64")
            self.route(edge, "default", f"{link}1")
            self.route("isp", prefix, f"{link}2")
        self.address("isp", "to-br", "2001:db8:b001::1/64")
        self.address("br", "to-isp", "2001:db8:b001::2/64")
        self.route("isp", "2001:db8:ffff::/48", "2001:db8:b001::2")
        self.route("br", "default", "2001:db8:b001::1")
        self.address("br", "to-internet", "198.51.100.2/24")
        self.address("internet", "to-br", "198.51.100.1/24")
        self.route("br", "default", "198.51.100.1")
        self.route("internet", "192.0.2.0/24", "198.51.100.2")
        for host, address, router in (("server", self.SERVER, "203.0.113.1"), ("other", self.OTHER, "203.0.113.129")):
            self.address("internet", f"to-{host}", f"{router}/25")
            self.address(host, "to-internet", f"{address}/25")
            self.route(host, "default", router)
        # For plain IPv6 forwarding over the same links, to compare with.
        self.address("client", "to-cpe", "2001:db8:c::2/64")
        self.address("cpe", "to-client", "2001:db8:c::1/64")
        self.route("client", "default", "2001:db8:c::1")
        self.route("isp", "2001:db8:c::/64", "2001:db8:a001::2")
        self.address("br", "to-internet", "2001:db8:6::1/64")
        self.address("internet", "to-br", "2001:db8:6::2/64")
        self.address("internet", "to-server", "2001:db8:5::1/64")
        self.address("server", "to-internet", f"{self.SERVER_IPV6}/64")
        self.route("server", "default", "2001:db8:5::1")
        self.route("internet", "default", "2001:db8:6::1")
        self.route("br", "2001:db8:5::/64", "2001:db8:6::2")
        self.route("isp", "2001:db8:5::/64", "2001:db8:b001::2")

    @property
    def nat(self):
        """The daemon that shares the address: the first customer's, or with DS-Lite the provider's."""
        return self.translator if self.kind == "ds-lite" else self.edges[0]

    def ports(self, customer=0):
        """The ports that a customer may have (RFC 7597 §5.1): not what yonroku says, but what the formula does."""
        if self.kind == "ds-lite":
            return set(range(1024, 65536))
        return port_set(self.OFFSETS[self.kind], self.PSID_LENGTH, self.PSIDS[customer])

    def customer_config(self, customer=0, options=""):
        rule = self.RULE % self.OFFSETS.get(self.kind, 0)
        return self.CUSTOMERS[self.kind] % {"prefix": self.PREFIXES[customer], "psid": self.PSIDS[customer], "rule": rule,
                                            "b4": self.B4S.get(self.kind, ["", ""])[customer]} + options

    def border_config(self, options=""):
        return self.BORDERS[self.kind] % {"rule": self.RULE % self.OFFSETS.get(self.kind, 0)} + options

    def nat_config(self, options):
        """The configuration of the daemon that shares the address."""
        return self.border_config(options) if self.kind == "ds-lite" else self.customer_config(0, options)

    def start(self, nat="", nat2=""):
        """Starts all three ends. `nat` are more settings of the daemon that shares the address; where that is the customer's,
        `nat2` are those of the second customer."""
        is_at_border = self.kind == "ds-lite"
        self.translator = Yonroku(self, "br", self.border_config(nat if is_at_border else ""), name="br").start()
        for customer, (edge, options) in enumerate((("cpe", nat), ("cpe2", nat2))):
            config = self.customer_config(customer, "" if is_at_border else options)
            self.edges.append(Yonroku(self, edge, config, name=edge).start())
        return self

    def forward(self, protocol, host, port, outside_port):
        """A static binding: an outside port that is always this host's."""
        customer = 1 if host == "friend" else 0
        b4 = f"inside: '{self.B4S['ds-lite'][customer]}', " if self.kind == "ds-lite" else ""
        address = self.SIBLING if host == "sibling" else self.CLIENT
        return (f"      - {{protocol: {protocol}, {b4}inside-ipv4: {address}, inside-port: {port}, outside: {self.SHARED}, "
                f"outside-port: {outside_port}}}\n")

    def serve_names(self):
        """A name server in the Internet, with one name."""
        Unbound(self, "server", "zone", [
            f"interface: {self.SERVER}", "access-control: 0.0.0.0/0 allow", 'module-config: "iterator"',
            'local-zone: "example." static', f'local-data: "server.example. IN A {self.SERVER}"',
        ]).start()
        return self


class KernelBorder(CustomerEdge):
    """The customer edge is ours, the border the kernel's: segment routing wraps and unwraps IPv4 in IPv6 without a further
    header. It knows nothing of ports, so the first customer is alone with the address."""

    CE_ADDRESSES = {"map-e": "2001:db8:12:3400:0:c000:212:34", "v6plus": "2001:db8:12:3400:c0:2:1200:3400",
                    "lw4o6": "2001:db8:12:3400:0:c000:212:34"}

    def start(self, nat=""):
        for one, other in (("cpe", "isp"), ("isp", "br")):  # The kernel keeps room for a header that it does not send.
            self.mtu(one, other, 1564)
        self.ip("br", f"sr tunsrc set {self.BORDER_ADDRESS}")
        self.ip("br", f"route add {self.SHARED}/32 encap seg6 mode encap.red segs {self.CE_ADDRESSES[self.kind]} dev to-isp")
        self.ip("br", f"-6 route add {self.BORDER_ADDRESS}/128 encap seg6local action End.DX4 nh4 {self.SERVER} dev to-internet")
        self.edges.append(Yonroku(self, "cpe", self.customer_config(0, "    ipv6-mtu: 1540\n" + nat), name="cpe").start())
        return self


class KernelB4(CustomerEdge):
    """The AFTR is ours, the first customer's B4 the kernel's."""

    def __init__(self):
        super().__init__("ds-lite")

    def start(self, nat=""):
        for one, other in (("cpe", "isp"), ("isp", "br")):
            self.mtu(one, other, 1564)
        b4 = self.B4S["ds-lite"][0]
        self.ip("cpe", f"sr tunsrc set {b4}")
        self.ip("cpe", f"route add 203.0.113.0/24 encap seg6 mode encap.red segs {self.BORDER_ADDRESS} dev to-isp")
        self.ip("cpe", f"-6 route add {b4}/128 encap seg6local action End.DX4 nh4 {self.CLIENT} dev to-client")
        self.translator = Yonroku(self, "br", self.border_config(nat), name="br").start()
        return self


class TaygaBorder(CustomerEdge):
    """The MAP-T customer edge is ours, the border a stateless translator of somebody else's."""

    def __init__(self):
        super().__init__("map-t")

    def start(self, nat=""):
        self.translator = Tayga(self, "br", "2001:db8:ffff::/64", [(self.SHARED, "2001:db8:12:3400:0:c000:212:34")]).start()
        self.edges.append(Yonroku(self, "cpe", self.customer_config(0, nat), name="cpe").start())
        return self


def port_set(offset, psid_length, psid):
    """RFC 7597 §5.1: | i, `offset` bits | PSID | j, the rest |, without i = 0 where there is an offset, without port 0."""
    rest = 16 - offset - psid_length
    return {i << (16 - offset) | psid << rest | j for i in range(1 if offset else 0, 1 << offset) for j in range(1 << rest)} - {0}


class Hairpin(Namespaces):
    """Two IPv6-only hosts that know each other only by IPv4 addresses (RFC 7757 §4)."""

    ALICE, ALICE_AS_IPV4 = "2001:db8:a::1", "192.0.2.1"
    BOB, BOB_AS_IPV4 = "2001:db8:b::1", "192.0.2.2"

    CONFIG = """\
instances:
  - name: dc
    mechanism: siit
    pref64: 2001:db8:64::/96
    mappings:
      - {ipv4: 192.0.2.1, ipv6: "2001:db8:a::1"}
      - {ipv4: 192.0.2.2, ipv6: "2001:db8:b::1"}
    hairpinning: %s
"""

    def __init__(self, hairpinning="intrinsic"):
        super().__init__()
        self.translator = None
        self.hairpinning = hairpinning
        try:
            self.add("alice", "gateway", "bob", forwarding=("gateway",))
            for host, network in (("alice", "2001:db8:a::"), ("bob", "2001:db8:b::")):
                self.link(host, "gateway")
                self.address(host, "to-gateway", f"{network}1/64")
                self.address("gateway", f"to-{host}", f"{network}ff/64")
                self.route(host, "default", f"{network}ff")
        except BaseException:
            self.close()
            raise

    def start(self):
        self.translator = Yonroku(self, "gateway", self.CONFIG % self.hairpinning).start()
        return self


class TwoGateways(Namespaces):
    """SIIT-DC with two equal gateways between one IPv4 and one IPv6 router: who translates is only a route."""

    CLIENT, SERVER = SiitDc.CLIENT, SiitDc.SERVER
    SERVER_AS_IPV4, CLIENT_AS_IPV6 = SiitDc.SERVER_AS_IPV4, SiitDc.CLIENT_AS_IPV6

    def __init__(self):
        super().__init__()
        self.translators = []
        try:
            self._build()
        except BaseException:
            self.close()
            raise

    def _build(self):
        self.add("client", "router4", "gateway1", "gateway2", "router6", "server",
                 forwarding=("router4", "gateway1", "gateway2", "router6"))
        self.link("client", "router4")
        self.link("router6", "server")
        self.address("client", "to-router4", "203.0.113.2/24")
        self.address("router4", "to-client", "203.0.113.1/24")
        self.address("router6", "to-server", "2001:db8:5::1/64")
        self.address("server", "to-router6", "2001:db8:5::80/64")
        self.route("client", "default", "203.0.113.1")
        self.route("server", "default", "2001:db8:5::1")
        for number in (1, 2):
            gateway = f"gateway{number}"
            self.link("router4", gateway)
            self.link(gateway, "router6")
            self.address("router4", f"to-{gateway}", f"198.51.100.{number * 64 + 1}/26")
            self.address(gateway, "to-router4", f"198.51.100.{number * 64 + 2}/26")
            self.address(gateway, "to-router6", f"2001:db8:6:{number}::1/64")
            self.address("router6", f"to-{gateway}", f"2001:db8:6:{number}::2/64")
            self.route(gateway, "203.0.113.0/24", f"198.51.100.{number * 64 + 1}")
            self.route(gateway, "2001:db8:5::/64", f"2001:db8:6:{number}::2")
        self.use(1)

    def use(self, number):
        """Both routers send what is to be translated to this gateway from now on."""
        self.route("router4", "192.0.2.80", f"198.51.100.{number * 64 + 2}")
        self.route("router6", PREF64, f"2001:db8:6:{number}::1")

    def start(self):
        for number in (1, 2):
            self.translators.append(Yonroku(self, f"gateway{number}", SiitDc.CONFIG, f"yonroku{number}").start())
        return self


class Slb64(Namespaces):
    """Clients of the IPv6 Internet reach a pool of IPv4-only servers by a virtual address."""

    CLIENT, NEIGHBOUR = "2001:db8:a::2", "2001:db8:b::2"
    VIP = "2001:db8:80::1"
    POOL = "192.0.2.1"
    SERVERS = {"one": "203.0.113.10", "two": "203.0.113.11", "three": "203.0.113.12"}

    CONFIG = """\
instances:
  - name: web
    mechanism: slb64
    pools:
      - {addresses: 192.0.2.1}
    services:
      - vip: 2001:db8:80::1
        port: 80
        servers:
          - {address: 203.0.113.10, port: 8080}
          - {address: 203.0.113.11, port: 8080}
        health: {check: http, interval: 1, timeout: 1, rise: 1, fall: 2}
"""

    PICTURE = """\
     IPv6 only                         gateway                                IPv4 only
  ┌──────────────┐  IPv6  ┌────────────────────────────────┐  IPv4  ┌──────────────────────┐
  │ client       ├────────┤ 2001:db8:a::1                  ├────────┤ one     203.0.113.10 │
  │ 2001:db8:a::2│        │    yonroku (slb64)   [ web ]   │        ├──────────────────────┤
  ├──────────────┤        │ 2001:db8:80::1 -> 203.0.113... ├────────┤ two     203.0.113.11 │
  │ neighbour    ├────────┤ 2001:db8:b::1                  │        ├──────────────────────┤
  │ 2001:db8:b::2│        │    clients are 192.0.2.1       ├────────┤ three   203.0.113.12 │
  └──────────────┘        └────────────────────────────────┘        └──────────────────────┘
"""

    def __init__(self):
        super().__init__()
        self.translator = None
        try:
            self._build()
        except BaseException:
            self.close()
            raise

    def _build(self):
        self.add("client", "neighbour", "gateway", *self.SERVERS, forwarding=("gateway",))
        for host, network in (("client", "2001:db8:a::"), ("neighbour", "2001:db8:b::")):
            self.link(host, "gateway")
            self.address(host, "to-gateway", f"{network}2/64")
            self.address("gateway", f"to-{host}", f"{network}1/64")
            self.route(host, "default", f"{network}1")
        for number, (server, address) in enumerate(self.SERVERS.items()):
            self.link("gateway", server)
            self.address("gateway", f"to-{server}", f"198.51.100.{4 * number + 1}/30")
            self.address(server, "to-gateway", f"198.51.100.{4 * number + 2}/30")
            self.address(server, "lo", f"{address}/32")
            self.route("gateway", f"{address}/32", f"198.51.100.{4 * number + 2}")
            self.route(server, "default", f"198.51.100.{4 * number + 1}")

    def start(self, config=None, **arguments):
        self.translator = Yonroku(self, "gateway", config or self.CONFIG).start(**arguments)
        return self
