"""RFC 6146 §3.4, §3.5.3, §3.6 and §3.7: ICMP through a NAT64. Queries have bindings, errors belong to others'.
RFC 5508 §4.1: what of an error is looked at."""

from corpus import at, from_ipv4, from_ipv6
from nat import (CLIENT, HOST, OTHER, PING4, PING6, PONG4, PONG6, POOL, ROUTER, SECOND, TCP, UDP, back, nat_case,
                 no_port, no_way_in, out)

case = nat_case("6146", "nat64.yaml")
behave = nat_case("5508", "nat64.yaml")
PINGS, PONGS = out(PING6(7), PING4(5000)), back(PONG4(5000), PONG6(7))
OPENS = out(UDP(1000, 53), UDP(5000, 53))
ANSWERED = back(UDP(53, 5000), UDP(53, 1000))
SHORT = "TCP(sport={},dport={},flags='A',seq=1000,ack=2000)/data(600)".format

# A packet of the host as the Internet has it, and as the host sent it; and one on its way to the host.
LEFT = f"IP(src={POOL},dst=C4,ttl=9,id=0)/{{}}".format
SENT = f"IPv6(src={HOST},dst=C6,hlim=9)/{{}}".format
ARRIVED = f"IPv6(src=C6,dst={HOST},hlim=9)/{{}}".format
CAME = f"IP(src=C4,dst={POOL},ttl=9,id=0)/{{}}".format
ROUTER6 = "N6"


def error_in(icmp4, icmp6, quoted4, quoted6, source=ROUTER):
    """An error from the Internet about what the host sent."""
    return from_ipv4(f"IP(src={source[0]},dst={POOL},id=7)/{icmp4}/({quoted4})", "to-ipv6",
                     f"IPv6(src={source[1]},dst={HOST},hlim=63)/{icmp6}/({quoted6})")


def error_out(icmp6, icmp4, quoted6, quoted4, source=HOST):
    """An error from the IPv6 network about what came for the host."""
    return from_ipv6(f"IPv6(src={source},dst=C6)/{icmp6}/({quoted6})", "to-ipv4",
                     f"IP(src={POOL},dst=C4,ttl=63,id=NEXT)/{icmp4}/({quoted4})")


def lost_in(reason, quoted4, icmp="ICMP(type=3,code=3)"):
    return from_ipv4(f"IP(src=R4,dst={POOL},id=7)/{icmp}/({quoted4})", f"drop {reason}")


def lost_out(reason, quoted6, icmp="ICMPv6DestUnreach(code=4)", host=HOST):
    return from_ipv6(f"IPv6(src={host},dst=C6)/{icmp}/({quoted6})", f"drop {reason}")


KINDS = (("port-unreachable", "ICMP(type=3,code=3)", "ICMPv6DestUnreach(code=4)"),
         ("host-unreachable", "ICMP(type=3,code=1)", "ICMPv6DestUnreach(code=0)"),
         ("too-big", "ICMP(type=3,code=4,nexthopmtu=1400)", "ICMPv6PacketTooBig(mtu=1420)"),
         ("time-exceeded", "ICMP(type=11,code=0)", "ICMPv6TimeExceeded(code=0)"))
BACKWARDS = (KINDS[0], ("no-route", "ICMP(type=3,code=1)", "ICMPv6DestUnreach(code=0)"),
             ("too-big", "ICMP(type=3,code=4,nexthopmtu=1380)", "ICMPv6PacketTooBig(mtu=1400)"), KINDS[3])
UNREACHABLE4, UNREACHABLE6 = KINDS[0][1:]

CASES = [
    # --- §3.5.3: queries ---
    case("3.5.3-echo", "the identifier is translated in both directions.", PINGS, PONGS),
    case("3.5.3-echo-of-two-hosts", "the same identifier of two hosts becomes two.", PINGS,
         out(PING6(7), PING4(5001), host=OTHER), back(PONG4(5001), PONG6(7), host=OTHER), PONGS),
    case("3.5.3-echo-to-two-servers", "a binding is for all destinations.", PINGS,
         out(PING6(7), PING4(5000), to=SECOND), out(PING6(8), PING4(5001)),
         back(PONG4(5000), PONG6(7), source=SECOND), PONGS),
    case("3.5.3-echo-without-a-binding", "dropped; the ICMP error is optional, and not sent.",
         no_way_in("no-binding", PING4(5000)), no_way_in("no-binding", PONG4(5000)), PINGS,
         no_way_in("no-binding", PONG4(5001))),
    case("3.5.3-echo-from-outside", "without filters a binding lets queries in, and the host's reply out.", PINGS,
         back(PING4(5000), PING6(7), source=SECOND), out(PONG6(7), PONG4(5000), to=SECOND)),
    case("3.5.3-echo-filtered", "who was not asked may not send.", PINGS,
         no_way_in("filtered", PING4(5000), source=SECOND), no_way_in("filtered", PONG4(5000), source=SECOND), PONGS,
         config="nat64-filter-address.yaml"),
    case("3.5.3-echo-session-lasts-a-minute", "ICMP_DEFAULT, from the last packet on.", PINGS, at(59), PONGS, at(117),
         PINGS, at(178), no_way_in("no-binding", PONG4(5000))),
    case("3.5.3-timeout-is-configurable", "a minute and a half here.", PINGS, at(89), PONGS, at(180),
         no_way_in("no-binding", PONG4(5000)), config="nat64-timeouts.yaml"),
    case("3.5.3-no-identifier-left",
         "nothing is made, and Address Unreachable goes to the host; identifiers need no rest.",
         PINGS, no_port(PING6(7), host=OTHER), at(61), out(PING6(7), PING4(5000), host=OTHER),
         config="nat64-one-port.yaml"),

    # --- §3.6.1, §3.7: errors from the Internet ---
    *(case(f"3.7-{name}-from-a-router", "addresses and ports of the quoted packet are those that the host sent; the "
           "router stays visible.", OPENS,
           error_in(icmp4, icmp6, LEFT(UDP(5000, 53)), SENT(UDP(1000, 53))), ANSWERED)
      for name, icmp4, icmp6 in KINDS),
    case("3.7-error-from-the-server", "the server itself has no such port.", OPENS,
         error_in(UNREACHABLE4, UNREACHABLE6, LEFT(UDP(5000, 53)), SENT(UDP(1000, 53)), source=CLIENT)),
    case("3.7-error-about-tcp", "8 octets of TCP have the ports and no checksum.",
         out(TCP(1000, 80, "S"), TCP(5000, 80, "S")),
         error_in("ICMP(type=3,code=4,nexthopmtu=1400)", "ICMPv6PacketTooBig(mtu=1420)",
                  f"cut({LEFT(SHORT(5000, 80))},28)", f"cut({SENT(SHORT(1000, 80))},48)"),
         back(TCP(80, 5000, "SA"), TCP(80, 1000, "SA"))),
    case("3.6.2-error-about-an-echo-request", "the quoted identifier is the host's.", PINGS,
         error_in("ICMP(type=11,code=0)", "ICMPv6TimeExceeded(code=0)", LEFT(PING4(5000)), SENT(PING6(7)))),
    case("3.7-errors-pass-filters", "filters are for §3.5, which errors skip; the router was never sent to.", OPENS,
         error_in("ICMP(type=11,code=0)", "ICMPv6TimeExceeded(code=0)", LEFT(UDP(5000, 53)), SENT(UDP(1000, 53))),
         config="nat64-filter-port.yaml"),

    # --- errors from the IPv6 network ---
    *(case(f"3.7-{name}-from-a-host", "addresses and ports of the quoted packet are those that the Internet knows.",
           OPENS, error_out(icmp6, icmp4, ARRIVED(UDP(53, 1000)), CAME(UDP(53, 5000))), ANSWERED)
      for name, icmp4, icmp6 in BACKWARDS),
    case("3.6.1-error-from-an-ipv6-router", "the source is the binding's, whoever sent it.", OPENS,
         error_out("ICMPv6TimeExceeded(code=0)", "ICMP(type=11,code=0)", ARRIVED(UDP(53, 1000)), CAME(UDP(53, 5000)),
                   source=ROUTER6)),
    case("3.6.1-error-of-the-host-about-tcp", "8 octets of TCP have the ports and no checksum.",
         out(TCP(1000, 80, "S"), TCP(5000, 80, "S")),
         error_out("ICMPv6PacketTooBig(mtu=1400)", "ICMP(type=3,code=4,nexthopmtu=1380)",
                   f"cut({ARRIVED(SHORT(80, 1000))},48)", f"cut({CAME(SHORT(80, 5000))},28)")),
    case("3.6.2-error-about-an-echo-reply", "the quoted identifier is the binding's.", PINGS,
         error_out("ICMPv6TimeExceeded(code=1)", "ICMP(type=11,code=1)", ARRIVED(PONG6(7)), CAME(PONG4(5000)))),

    # --- §3.4, §3.5: errors that do not pass, and what errors do not do ---
    case("3.6.1-error-about-no-binding", "nobody sent that, and nobody gets it.",
         lost_in("no-binding", LEFT(UDP(5000, 53))), OPENS, lost_in("no-binding", LEFT(UDP(5001, 53))),
         lost_in("no-binding", LEFT(TCP(5000, 53, "S")))),
    case("3.6.1-error-of-a-host-about-no-binding", "nothing came to that port.",
         lost_out("no-binding", ARRIVED(UDP(53, 1000))), OPENS, lost_out("no-binding", ARRIVED(UDP(53, 1001)))),
    case("3.4-error-about-an-error", "silently discarded.", OPENS,
         lost_in("inner-packet-is-icmp-error", LEFT(f"ICMP(type=3,code=3)/({CAME(UDP(53, 5000))})")),
         lost_out("inner-packet-is-icmp-error", ARRIVED(f"ICMPv6DestUnreach(code=4)/({SENT(UDP(1000, 53))})"))),
    case("3.4-quote-without-ports", "no tuple can be made of it: silently discarded.", OPENS,
         lost_in("inner-packet-truncated", f"cut({LEFT(UDP(5000, 53))},23)"),
         lost_out("inner-packet-truncated", f"cut({ARRIVED(UDP(53, 1000))},43)")),
    case("3.4-quote-of-a-later-fragment", "what looks like ports there is data: no tuple can be made of it.", OPENS,
         lost_in("inner-packet-truncated", f"IP(src={POOL},dst=C4,ttl=9,id=5,frag=185)/{UDP(5000, 53)}"),
         lost_out("inner-packet-truncated",
                  f"IPv6(src=C6,dst={HOST},hlim=9)/IPv6ExtHdrFragment(offset=185,id=5)/{UDP(53, 1000)}")),
    case("3.5-errors-prolong-nothing", "no error changes a binding or a session.", OPENS, at(200),
         error_in(UNREACHABLE4, UNREACHABLE6, LEFT(UDP(5000, 53)), SENT(UDP(1000, 53))),
         error_out(UNREACHABLE6, UNREACHABLE4, ARRIVED(UDP(53, 1000)), CAME(UDP(53, 5000))), at(301),
         no_way_in("no-binding", UDP(53, 5000)), lost_in("no-binding", LEFT(UDP(5000, 53)))),
    case("3.5-errors-end-no-connection", "no error changes a binding or a session.",
         out(TCP(1000, 80, "S"), TCP(5000, 80, "S")),
         error_in("ICMP(type=3,code=1)", "ICMPv6DestUnreach(code=0)", LEFT(TCP(5000, 80, "S")),
                  SENT(TCP(1000, 80, "S"))),
         back(TCP(80, 5000, "SA"), TCP(80, 1000, "SA"))),

    # --- RFC 5508 §4.1 ---
    behave("4.1-error-with-a-wrong-checksum", "silently dropped.", OPENS,
           from_ipv4(f"wrong(IP(src=R4,dst={POOL},id=7)/{UNREACHABLE4}/({LEFT(UDP(5000, 53))}),1)",
                     "drop icmp-checksum"),
           from_ipv6(f"wrong(IPv6(src={HOST},dst=C6)/{UNREACHABLE6}/({ARRIVED(UDP(53, 1000))}),1)",
                     "drop icmp-checksum"), ANSWERED),
    behave("4.1-quoted-packet-with-options", "the ports stand behind the options.", OPENS,
           error_in(UNREACHABLE4, UNREACHABLE6,
                    f"IP(src={POOL},dst=C4,ttl=9,id=0,options=[IPOption_NOP()]*4)/{UDP(5000, 53)}",
                    SENT(UDP(1000, 53)))),
    behave("4.1-quoted-packet-with-a-wrong-checksum", "the quoted UDP checksum is not looked at, and stays as wrong.",
           OPENS,
           error_in(UNREACHABLE4, UNREACHABLE6, f"wrong({LEFT(UDP(5000, 53))},5)", f"wrong({SENT(UDP(1000, 53))},5)"),
           error_out(UNREACHABLE6, UNREACHABLE4, f"wrong({ARRIVED(UDP(53, 1000))},5)",
                     f"wrong({CAME(UDP(53, 5000))},5)")),
    behave("4.1-quoted-packet-is-cut-off", "what there is of the packet is enough.", OPENS,
           error_in("ICMP(type=11,code=0)", "ICMPv6TimeExceeded(code=0)", f"cut({LEFT(UDP(5000, 53))},28)",
                    f"cut({SENT(UDP(1000, 53))},48)")),
]
