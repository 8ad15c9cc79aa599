"""slb64: an IPv6 virtual address and port in front of IPv4 servers. The NAT is that of RFC 6146, the headers follow
RFC 7915; what is new is that both ports change, and that the client knows the server by the virtual address."""

from corpus import at, from_ipv4, from_ipv6, golden, reply4, reply6
from nat import HOST, OTHER, OURS4, OURS6, POOL, TCP, UDP, numbered

VIP, SECOND_VIP = "'2001:db8:80::1'", "'2001:db8:80::2'"
WEB, DNS, OTHER_WEB = "'203.0.113.80'", "'203.0.113.53'", "'203.0.113.81'"
ROUTER4, ROUTER6 = "R4", "N6"
PORT_UNREACHABLE6 = "ICMPv6DestUnreach(code=4)"
SHORT = "TCP(sport={},dport={},flags='A',seq=1000,ack=2000)/data(100)".format


def case(name, note, *steps, config="slb64.yaml"):
    return golden(f"slb64/{name}", f"RFC 6146 §3.5: {note}", *numbered(steps), config=config)


def sent(payload, *, client=HOST, vip=VIP, extra=""):
    return f"IPv6(src={client},dst={vip}{extra})/{payload}"


def answered(payload, *, server=WEB, extra=""):
    return f"IP(src={server},dst={POOL},id=7{extra})/{payload}"


def to_server(before, after, *, client=HOST, vip=VIP, server=WEB):
    """A client sends, and a server gets it."""
    return from_ipv6(sent(before, client=client, vip=vip), "to-ipv4",
                     f"IP(src={POOL},dst={server},ttl=63,id=NEXT)/{after}")


def to_client(before, after, *, client=HOST, vip=VIP, server=WEB):
    """A server answers, and the client gets it from the virtual address."""
    return from_ipv4(answered(before, server=server), "to-ipv6", f"IPv6(src={vip},dst={client},hlim=63)/{after}")


def lost(reason, payload, **who):
    return from_ipv6(sent(payload, **who), f"drop {reason}")


def lost_answer(reason, payload, **who):
    return from_ipv4(answered(payload, **who), f"drop {reason}")


def refused(reason, payload, *, client=HOST, vip=VIP, icmp=PORT_UNREACHABLE6):
    packet = sent(payload, client=client, vip=vip)
    return from_ipv6(packet, f"reply {reason}", reply6(client, icmp, packet, source=OURS6))


OPEN = (to_server(TCP(1000, 80, "S"), TCP(5000, 8080, "S")), to_client(TCP(8080, 5000, "SA"), TCP(80, 1000, "SA")),
        to_server(TCP(1000, 80, "A"), TCP(5000, 8080, "A")))
ASKED = to_server(UDP(1000, 53), UDP(5000, 5353), server=DNS)
TOLD = to_client(UDP(5353, 5000), UDP(53, 1000), server=DNS)

# Packets as routers quote them: what the server's side has seen, and what the client's side has.
TO_SERVER = f"IP(src={POOL},dst={{}},ttl=9,id=0)/{{}}".format
BY_CLIENT = f"IPv6(src={HOST},dst={VIP},hlim=9)/{{}}".format
TO_CLIENT = f"IPv6(src={VIP},dst={HOST},hlim=9)/{{}}".format
BY_SERVER = f"IP(src={{}},dst={POOL},ttl=9,id=0)/{{}}".format


def error_in(icmp4, icmp6, quoted4, quoted6, source=ROUTER4):
    """An error from the servers' network about what a client sent: the client hears it from the virtual address."""
    return from_ipv4(f"IP(src={source},dst={POOL},id=7)/{icmp4}/({quoted4})", "to-ipv6",
                     f"IPv6(src={VIP},dst={HOST},hlim=63)/{icmp6}/({quoted6})")


def error_out(icmp6, icmp4, quoted6, quoted4, source=HOST, server=WEB):
    """An error from the clients' network about what a server sent: it comes from the client's address of the pool."""
    return from_ipv6(f"IPv6(src={source},dst={VIP})/{icmp6}/({quoted6})", "to-ipv4",
                     f"IP(src={POOL},dst={server},ttl=63,id=NEXT)/{icmp4}/({quoted4})")


KINDS_IN = (("port-unreachable", "ICMP(type=3,code=3)", "ICMPv6DestUnreach(code=4)"),
            ("host-unreachable", "ICMP(type=3,code=1)", "ICMPv6DestUnreach(code=0)"),
            ("too-big", "ICMP(type=3,code=4,nexthopmtu=1400)", "ICMPv6PacketTooBig(mtu=1420)"),
            ("time-exceeded", "ICMP(type=11,code=0)", "ICMPv6TimeExceeded(code=0)"))
KINDS_OUT = (KINDS_IN[0], KINDS_IN[1], ("too-big", "ICMP(type=3,code=4,nexthopmtu=1380)", "ICMPv6PacketTooBig(mtu=1400)"),
             KINDS_IN[3])
WHOLE = "UDP(sport={},dport={})/data(1600)".format
FRAGMENTS = "IPv6(src={},dst={})/IPv6ExtHdrFragment(nh=17,id=9,offset={},m={})/part(IPv6(src={},dst={})/{},{},{})".format

CASES = [
    # --- both ports change ---
    case("tcp-connection", "the handshake and data pass; both addresses and both ports change.", *OPEN,
         to_client(TCP(8080, 5000, "PA"), TCP(80, 1000, "PA"))),
    case("tcp-same-port", "the server has the service's port where none is given.",
         to_server(TCP(1000, 443, "S"), TCP(5000, 443, "S")), to_client(TCP(443, 5000, "SA"), TCP(443, 1000, "SA"))),
    case("udp-flow", "there and back.", ASKED, TOLD, ASKED),
    case("udp-without-checksum", "an answer without a checksum gets one, over the ports that the client sees.", ASKED,
         from_ipv4(answered("UDP(sport=5353,dport=5000,chksum=0)/data(20)", server=DNS), "to-ipv6",
                   f"IPv6(src={VIP},dst={HOST},hlim=63)/UDP(sport=53,dport=1000)/data(20)")),
    case("two-clients", "each has a port of the pool.", *OPEN,
         to_server(TCP(1000, 80, "S"), TCP(5001, 8080, "S"), client=OTHER),
         to_client(TCP(8080, 5001, "SA"), TCP(80, 1000, "SA"), client=OTHER)),
    case("two-services-of-one-client-port", "a binding is for one service: the answers come from the right one.", *OPEN,
         to_server(TCP(1000, 443, "S"), TCP(5001, 443, "S")),
         to_server(TCP(1000, 80, "S"), TCP(5002, 8080, "S"), vip=SECOND_VIP, server=OTHER_WEB),
         to_client(TCP(443, 5001, "SA"), TCP(443, 1000, "SA")),
         to_client(TCP(8080, 5002, "SA"), TCP(80, 1000, "SA"), vip=SECOND_VIP, server=OTHER_WEB),
         to_client(TCP(8080, 5000, "A"), TCP(80, 1000, "A"))),

    # --- what does not pass ---
    case("port-without-service", "Port Unreachable; the virtual address has other ports, and other protocols there.",
         refused("no-service", TCP(1000, 8080, "S")), refused("no-service", UDP(1000, 80)),
         refused("no-service", TCP(1000, 53, "S"))),
    case("all-servers-drained", "Port Unreachable for new connections.", refused("no-server", TCP(1000, 81, "S"))),
    case("not-a-virtual-address", "Administratively Prohibited, as for any address without a mapping.",
         refused("destination-not-mapped", TCP(1000, 80, "S"), vip="'2001:db8:80::3'", icmp="ICMPv6DestUnreach(code=1)")),
    case("tcp-without-connection", "silently discarded.", lost("tcp-without-session", TCP(1000, 80, "A")),
         lost_answer("tcp-without-session", TCP(8080, 5000, "A"))),
    case("connections-from-servers", "nobody is asked to accept one.", lost_answer("no-binding", TCP(8080, 5000, "S")),
         *OPEN, lost_answer("no-binding", TCP(9, 5000, "S"))),
    case("answers-of-others", "only the server that was sent to may answer.", ASKED,
         lost_answer("filtered", UDP(5353, 5000), server=WEB), lost_answer("filtered", UDP(5354, 5000), server=DNS), TOLD),
    case("flow-ends", "after five minutes without a packet.", ASKED, at(299), TOLD, at(600),
         lost_answer("no-binding", UDP(5353, 5000), server=DNS)),
    case("hop-limit", "it ends here, and nothing is opened.",
         from_ipv6(sent(TCP(1000, 80, "S"), extra=",hlim=1"), "reply hop-limit-exceeded",
                   reply6(HOST, "ICMPv6TimeExceeded(code=0)", sent(TCP(1000, 80, "S"), extra=",hlim=1"), source=OURS6)),
         lost_answer("tcp-without-session", TCP(8080, 5000, "A"))),
    case("time-to-live", "an answer ends here, and the server is told.", *OPEN,
         from_ipv4(answered(TCP(8080, 5000, "A"), extra=",ttl=1"), "reply ttl-exceeded",
                   reply4(WEB, "ICMP(type=11,code=0)", answered(TCP(8080, 5000, "A"), extra=",ttl=1"), source=OURS4))),
    case("other-protocols", "nobody knows whose they are.",
         refused("protocol-not-natted", "data(20)", vip=VIP + ",nh=47", icmp=PORT_UNREACHABLE6)),

    # --- pings ---
    case("ping", "the virtual address itself answers.",
         from_ipv6(sent("ICMPv6EchoRequest(id=7,seq=1,data=data(20))", extra=",hlim=1"), "hairpin",
                   f"IPv6(src={VIP},dst={HOST},hlim=64)/ICMPv6EchoReply(id=7,seq=1,data=data(20))")),
    case("pong-to-nobody", "the virtual address has asked nothing.",
         lost("icmp-type-not-translatable", "ICMPv6EchoReply(id=7,seq=1,data=data(20))")),

    # --- errors ---
    *(case(f"{name}-about-what-a-client-sent", "the quoted packet is what the client sent, and the error comes from "
           "the virtual address.", *OPEN,
           error_in(icmp4, icmp6, TO_SERVER(WEB, SHORT(5000, 8080)), BY_CLIENT(SHORT(1000, 80))))
      for name, icmp4, icmp6 in KINDS_IN),
    *(case(f"{name}-about-what-a-server-sent", "the quoted packet is what the server sent.", *OPEN,
           error_out(icmp6, icmp4, TO_CLIENT(SHORT(80, 1000)), BY_SERVER(WEB, SHORT(8080, 5000)), source=ROUTER6))
      for name, icmp4, icmp6 in KINDS_OUT),
    case("error-from-the-server", "of UDP: the client hears that nobody is there.", ASKED,
         error_in("ICMP(type=3,code=3)", "ICMPv6DestUnreach(code=4)", TO_SERVER(DNS, UDP(5000, 5353)),
                  BY_CLIENT(UDP(1000, 53)), source=DNS)),
    case("error-about-nobody", "it is about no flow of ours.", ASKED,
         from_ipv4(f"IP(src=R4,dst={POOL},id=7)/ICMP(type=3,code=3)/({TO_SERVER(DNS, UDP(5001, 5353))})",
                   "drop no-binding"),
         from_ipv4(f"IP(src=R4,dst={POOL},id=7)/ICMP(type=3,code=3)/({TO_SERVER(WEB, UDP(5000, 5353))})",
                   "drop no-binding"),
         from_ipv6(f"IPv6(src={HOST},dst={VIP})/ICMPv6DestUnreach(code=4)/({TO_CLIENT(UDP(53, 1001))})",
                   "drop no-binding"),
         from_ipv6(f"IPv6(src={HOST},dst={VIP})/ICMPv6DestUnreach(code=4)/({TO_CLIENT(UDP(54, 1000))})",
                   "drop inner-address-not-mapped")),

    # --- fragments ---
    case("fragments-of-a-client", "only the first has ports: they are put together, and the whole crosses.",
         from_ipv6(FRAGMENTS(HOST, VIP, 0, 1, HOST, VIP, WHOLE(1000, 53), 0, 800), "held"),
         from_ipv6(FRAGMENTS(HOST, VIP, 100, 0, HOST, VIP, WHOLE(1000, 53), 800, 1608), "to-ipv4",
                   f"IP(src={POOL},dst={DNS},ttl=63,id=9,flags='MF',frag=0,proto=17)/part(IP(src={POOL},dst={DNS})/"
                   f"{WHOLE(5000, 5353)},0,1480)",
                   f"IP(src={POOL},dst={DNS},ttl=63,id=9,frag=185,proto=17)/part(IP(src={POOL},dst={DNS})/"
                   f"{WHOLE(5000, 5353)},1480,1608)")),
]
