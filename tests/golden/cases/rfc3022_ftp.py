"""RFC 3022 §4.4: FTP through the NAT44s at the ends of tunnels, and of the customer edge that translates.

HOST is inside, C4 the server in the Internet. The host's numbers begin at 1000, the server's at 2000.
"""

from corpus import at, from_ipv4, from_ipv6, golden, reply4
from nat import numbered

HOST, SHORT = "'192.168.1.2'", "'10.0.0.1'"
PORT_IN, SHORT_PORT_IN = "PORT 192,168,1,2,160,40\\r\\n", "PORT 10,0,0,1,160,40\\r\\n"    # 25 and 22 octets: 41000
EPRT_IN = "EPRT |1|192.168.1.2|41000|\\r\\n"    # 28 octets
OF_227 = "227 Entering Passive Mode (203,0,113,7,237,19).\\r\\n"
DF = ",flags='DF'"


def tcp(sport, dport, flags, seq, ack, text="", options=""):
    return f"TCP(sport={sport},dport={dport},flags='{flags}',seq={seq},ack={ack}{options})" + (
        f"/b'{text}'" if text else "")


def ip(payload, src, dst, extra="", ttl=63):
    return f"IP(src={src},dst={dst},ttl={ttl},id=7{extra})/{payload}"


class Nat:
    """A NAT and how packets look on its two sides. `control` and `data` are the ports that it gives out."""

    def __init__(self, label, config, public, control, data):
        self.label, self.config, self.public, self.control, self.data = label, config, f"'{public}'", control, data
        named = ",".join(public.split(".") + [str(data >> 8), str(data & 255)])
        self.port_out, self.eprt_out = f"PORT {named}\\r\\n", f"EPRT |1|{public}|{data}|\\r\\n"

    def case(self, name, note, *steps, config=None):
        return golden(f"rfc3022/4.4-{self.label}-{name}", f"RFC 3022 §4.4: {note}", *numbered(steps),
                      config=config or self.config)

    def client(self, seq, ack, text="", becomes=None, seq_becomes=None, ack_becomes=None, flags="PA", host=HOST, extra="",
               extra_becomes=None):
        """The host sends on the control connection."""
        return self.out(tcp(40000, 21, flags, seq, ack, text),
                        tcp(self.control, 21, flags, seq_becomes or seq, ack_becomes or ack, text if becomes is None else becomes),
                        host=host, extra=extra, extra_becomes=extra_becomes)

    def server(self, seq, ack, text="", seq_becomes=None, ack_becomes=None, flags="PA", host=HOST, options="", options_become=""):
        """The server sends on the control connection."""
        return self.back(tcp(21, self.control, flags, seq, ack, text, options),
                         tcp(21, 40000, flags, seq_becomes or seq, ack_becomes or ack, text, options_become), host=host)

    def opens(self, host=HOST):
        return (self.client(999, 0, flags="S", host=host), self.server(1999, 1000, flags="SA", host=host),
                self.client(1000, 2000, flags="A", host=host), self.server(2000, 1000, "220 Ready\\r\\n", host=host))

    def data_in(self, flags, seq=7000, ack=0, host=HOST, port=20):
        """The server sends on the data connection that it opened."""
        return self.back(tcp(port, self.data, flags, seq, ack), tcp(port, 41000, flags, seq, ack), host=host)

    def data_out(self, flags, seq, ack, host=HOST):
        return self.out(tcp(41000, 20, flags, seq, ack), tcp(self.data, 20, flags, seq, ack), host=host)

    def cases(self):
        shift = len(PORT_IN) - len(self.port_out)
        active = (*self.opens(), self.client(1000, 2011, PORT_IN, self.port_out),
                  self.server(2011, 1025 - shift, "200 OK\\r\\n", ack_becomes=1025))
        longer = len(self.port_out) - len(SHORT_PORT_IN)
        yield self.case("port", "PORT names the outside address, and the server reaches the host there.", *active,
                        self.data_in("S"), self.data_out("SA", 8000, 7001), self.data_in("A", 7001, 8001),
                        self.data_in("FA", 7001, 8001), self.data_out("A", 8001, 7002))
        yield self.case("numbers-afterwards", "both ways, SACK too.", *active,
                        self.client(1025, 2019, "LIST\\r\\n", seq_becomes=1025 - shift),
                        self.server(2019, 1025 - shift, flags="A", ack_becomes=1025,
                                    options=f",options=[('SAck',({1028 - shift},{1031 - shift}))]",
                                    options_become=",options=[('SAck',(1028,1031))]"),
                        self.server(2019, 1031 - shift, "150 Now\\r\\n", ack_becomes=1031),
                        self.client(1031, 2028, flags="FA", seq_becomes=1031 - shift),
                        self.server(2028, 1032 - shift, flags="FA", ack_becomes=1032))
        yield self.case("sent-again", "after two minutes, the same again.", *active, at(120),
                        self.client(1000, 2011, PORT_IN, self.port_out),
                        self.client(1000, 2019, PORT_IN + "LIST\\r\\n", self.port_out + "LIST\\r\\n"))
        yield self.case("longer", "a packet that grew may be cut: its sender does not know.", *self.opens(SHORT),
                        self.client(1000, 2011, SHORT_PORT_IN, self.port_out, host=SHORT, extra=DF, extra_becomes=""),
                        self.server(2011, 1022 + longer, "200 OK\\r\\n", ack_becomes=1022, host=SHORT),
                        self.client(1022, 2019, "LIST\\r\\n", seq_becomes=1022 + longer, host=SHORT, extra=DF),
                        self.data_in("S", host=SHORT))
        yield self.case("eprt", "stays EPRT.", *self.opens(), self.client(1000, 2011, EPRT_IN, self.eprt_out), self.data_in("S"))
        yield self.case("passive", "the server is outside: PASV, EPSV and their replies pass as they are.", *self.opens(),
                        self.client(1000, 2011, "PASV\\r\\n"), self.server(2011, 1006, OF_227),
                        self.client(1006, 2060, "EPSV\\r\\n"),
                        self.server(2060, 1012, "229 Entering Extended Passive Mode (|||60691|)\\r\\n"),
                        self.client(1012, 2108, "QUIT\\r\\n"))
        yield self.case("of-somebody-else", "an address that is not the host's own passes.", *self.opens(),
                        self.client(1000, 2011, "PORT 192,168,1,3,160,40\\r\\n"))


class Customer(Nat):
    """MAP-E: hosts come without a tunnel."""

    near, far = "2001:db8:12:3400:0:c000:212:34", "2001:db8:ffff::1"

    def sent6(self, inner):
        return f"IPv6(src='{self.near}',dst='{self.far}',hlim=64)/{inner}"

    def out(self, inside, outside, *, host=HOST, extra="", extra_becomes=None):
        return from_ipv4(ip(inside, host, "C4", extra), "to-ipv6",
                         self.sent6(ip(outside, self.public, "C4", extra if extra_becomes is None else extra_becomes)))

    def back(self, outside, inside, *, host=HOST):
        return from_ipv6(f"IPv6(src='{self.far}',dst='{self.near}',hlim=60)/{ip(outside, 'C4', self.public)}", "to-ipv4",
                         ip(inside, "C4", host))


class Translating(Customer):
    """MAP-T: likewise, and they cross as IPv6 packets."""

    SERVER6 = "'2001:db8:ffff:0:cb:71:700:0'"

    def out(self, inside, outside, *, host=HOST, extra="", extra_becomes=None):
        return from_ipv4(ip(inside, host, "C4", extra), "to-ipv6", f"IPv6(src='{self.near}',dst={self.SERVER6},hlim=62)/{outside}")

    def back(self, outside, inside, *, host=HOST):
        return from_ipv6(f"IPv6(src={self.SERVER6},dst='{self.near}',hlim=60)/{outside}", "to-ipv4",
                         f"IP(src=C4,dst={host},ttl=59,id=NEXT)/{inside}")


class Provider(Nat):
    """DS-Lite: hosts come in tunnels."""

    near, far = "2001:db8:0:2::1", "2001:db8:0:1::1"

    def out(self, inside, outside, *, host=HOST, extra="", extra_becomes=None, far=None):
        return from_ipv6(f"IPv6(src='{far or self.far}',dst='{self.near}',hlim=60)/{ip(inside, host, 'C4', extra)}", "to-ipv4",
                         ip(outside, self.public, "C4", extra if extra_becomes is None else extra_becomes))

    def back(self, outside, inside, *, host=HOST, far=None):
        return from_ipv4(ip(outside, "C4", self.public), "to-ipv6",
                         f"IPv6(src='{self.near}',dst='{far or self.far}',hlim=64)/{ip(inside, 'C4', host)}")


AFTR = Provider("aftr", "aftr-alg.yaml", "192.0.2.1", 5000, 5001)
CE = Customer("map-e-ce", "map-e-ce-alg.yaml", "192.0.2.18", 1232, 1233)
MAP_T = Translating("map-t-ce", "map-t-ce-alg.yaml", "192.0.2.18", 1232, 1233)
LARGE = ip(tcp(40000, 21, "PA", 1000, 2011, PORT_IN + "x" * 1400), HOST, "C4", DF)
SERVER_OUT = "227 Entering Passive Mode (192,168,1,2,160,40).\\r\\n"         # 49 octets
SERVER_OUT_BECOMES = "227 Entering Passive Mode (192,0,2,1,19,136)\\r\\n"    # 46: 5000


def of_server(inside, outside):
    return AFTR.out(inside, outside)


CASES = [
    *AFTR.cases(),
    *CE.cases(),
    *MAP_T.cases(),
    CE.case("refused-as-it-is", "a packet with DF that does not fit: its sender hears of the one that it sent.", *CE.opens(),
            from_ipv4(LARGE, "reply packet-too-big", reply4(HOST, "ICMP(type=3,code=4,nexthopmtu=1460)", LARGE))),
    AFTR.case("server-inside", "the 227 of a server inside names where it can be reached.",
              AFTR.back(tcp(33000, 21, "S", 999, 0), tcp(33000, 21, "S", 999, 0)),
              of_server(tcp(21, 33000, "SA", 1999, 1000), tcp(21, 33000, "SA", 1999, 1000)),
              AFTR.back(tcp(33000, 21, "PA", 1000, 2000, "PASV\\r\\n"), tcp(33000, 21, "PA", 1000, 2000, "PASV\\r\\n")),
              of_server(tcp(21, 33000, "PA", 2000, 1006, SERVER_OUT), tcp(21, 33000, "PA", 2000, 1006, SERVER_OUT_BECOMES)),
              AFTR.back(tcp(33001, 5000, "S", 7000, 0), tcp(33001, 41000, "S", 7000, 0)),
              AFTR.back(tcp(33000, 21, "PA", 1006, 2046, "LIST\\r\\n"), tcp(33000, 21, "PA", 1006, 2049, "LIST\\r\\n")),
              config="aftr-alg-static.yaml"),
]
