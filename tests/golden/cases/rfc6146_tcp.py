"""RFC 6146 §3.5.2: TCP through a NAT64, state by state; the time-outs are counted in seconds."""

from corpus import at, reply4
from nat import OTHER, OURS4, SECOND, TCP, back, nat_case, no_way_in, no_way_out, out, received

case = nat_case("6146", "nat64.yaml")


def host(flags, to=("C4", "C6")):
    """The host sends, of its only connection to that server."""
    return out(TCP(1000, 80, flags), TCP(5000, 80, flags), to=to)


def server(flags, source=("C4", "C6")):
    """The server sends."""
    return back(TCP(80, 5000, flags), TCP(80, 1000, flags), source=source)


def held(source=("C4", "C6"), port=5000):
    """A SYN that nobody asked for: nothing is said about it yet."""
    return no_way_in("unsolicited-syn", TCP(80, port, "S"), source=source)


def unreachable(to="C4", source=("C4", "C6"), port=5000):
    """What the sender of such a SYN hears in the end."""
    return reply4(to, "ICMP(type=3,code=3)", received(TCP(80, port, "S"), source=source), source=OURS4)


OPEN = (host("S"), server("SA"), host("A"))
GONE = (no_way_in("tcp-without-session", TCP(80, 5000, "A")), no_way_out("tcp-without-session", TCP(1000, 80, "A")))

CASES = [
    # --- CLOSED ---
    case("3.5.2.2-connection", "a V6 SYN makes binding and session; the handshake and data pass.", *OPEN, server("PA"),
         host("A")),
    case("3.5.2.2-two-hosts", "each has its binding.", host("S"),
         out(TCP(1000, 80, "S"), TCP(5001, 80, "S"), host=OTHER),
         back(TCP(80, 5001, "SA"), TCP(80, 1000, "SA"), host=OTHER), server("SA")),
    case("3.5.2.2-two-connections-of-one-port", "one binding, a session for each server.", *OPEN, host("S", SECOND),
         server("SA", SECOND), server("A")),
    case("3.5.2.2-no-syn-and-no-binding", "silently discarded, from either side; nothing is remembered.", *GONE, *GONE,
         no_way_out("tcp-without-session", TCP(1000, 80, "R")), no_way_in("tcp-without-session", TCP(80, 5000, "R")),
         no_way_in("tcp-without-session", TCP(80, 5000, "F")), host("S")),
    case("3.5.2.2-no-syn-but-a-binding",
         "translated, and no session is made of it: the binding goes with its only one.",
         host("S"), back(TCP(80, 5000, "A"), TCP(80, 1000, "A"), source=SECOND), host("A", SECOND), at(241), *GONE),
    case("3.5.2.2-no-syn-but-a-binding-filtered", "the filters do not allow it.", *OPEN,
         no_way_in("filtered", TCP(80, 5000, "A"), source=SECOND), server("A"), config="nat64-filter-address.yaml"),

    # --- V6 INIT ---
    case("3.5.2.2-unanswered-syn-lasts-4-minutes", "TCP_TRANS; a SYN with ACK makes it ESTABLISHED.", host("S"),
         at(239),
         server("SA"), at(7000), host("A")),
    case("3.5.2.2-unanswered-syn-ends", "TCP_TRANS is over, and the binding has no session.", host("S"), at(241), *GONE,
         host("S")),
    case("3.5.2.2-syn-again", "a V6 SYN sets the timer anew.", host("S"), at(200), host("S"), at(430), server("SA")),
    case("3.5.2.2-other-packets-do-not-open", "translated; the state stays, and so does the timer.", host("S"), at(200),
         host("A"), server("A"), at(241), *GONE),
    case("3.5.2.2-syn-from-both-sides", "a V4 SYN without ACK makes it ESTABLISHED as well.", host("S"), server("S"),
         at(1000), server("A"), host("A")),

    # --- V4 INIT ---
    case("3.5.2.2-unsolicited-syn", "it is stored for 6 seconds; then Port Unreachable quotes it.", held(), at(5),
         at(7, unreachable()), at(20)),
    case("3.5.2.2-unsolicited-syn-again", "another packet changes nothing: one error, when it is due.", held(), at(1),
         held(), at(3), held(), at(5), at(7, unreachable()), at(20)),
    case("3.5.2.2-unsolicited-syns-of-two", "each sender hears of its own.", held(), at(2),
         held(SECOND, 5001), at(7, unreachable()), at(9, unreachable(SECOND[0], SECOND, 5001))),
    case("3.5.2.2-simultaneous-open", "the V6 SYN finds the stored one's session, which is ESTABLISHED; no error is "
         "sent, and the stored SYN is dropped (RFC 5382 §4.3).", held(), at(3), host("S"), at(7), server("S"),
         at(1000),
         server("A"), host("A")),
    case("3.5.2.2-simultaneous-open-through-filters", "a SYN that the filters keep out is stored all the same.",
         host("S"), held(SECOND), at(3), host("S", SECOND), at(7), server("SA", SECOND), at(1000), server("A", SECOND),
         config="nat64-filter-address.yaml"),
    case("3.5.2.2-filtered-syn", "stored, and Port Unreachable after 6 seconds.", host("S"), held(SECOND), at(5),
         at(7, unreachable(SECOND[0], SECOND)), config="nat64-filter-address.yaml"),
    case("3.5.2.2-syn-to-a-binding", "without filters it is forwarded, and the host may accept.", host("S"),
         server("S", SECOND), at(7), host("SA", SECOND), at(1000), server("A", SECOND)),
    case("3.5.2.2-syn-to-a-binding-lasts-4-minutes", "TCP_TRANS, and the binding lasts with it.", host("S"), at(100),
         server("S", SECOND), at(339), server("A", SECOND), at(341), *GONE),
    case("3.5.2.2-wait-is-configurable", "10 seconds here.", held(), at(9), at(11, unreachable()),
         config="nat64-timeouts.yaml"),

    # --- ESTABLISHED ---
    case("3.5.2.2-established-lasts-2-hours-and-4-minutes", "TCP_EST and TCP_TRANS; each packet sets the timer anew.",
         *OPEN, at(7439), server("A"), at(14878), host("A"), at(22316), server("A"), at(29758), *GONE),
    case("3.5.2.2-established-timeout-is-configurable", "2 hours, the least that TCP_EST may be.", *OPEN, at(7199),
         server("A"), at(14401), *GONE, config="nat64-timeouts.yaml"),
    case("3.5.2.2-opening-timeout-is-configurable", "a minute here.", host("S"), at(59), host("S"), at(120), *GONE,
         config="nat64-timeouts.yaml"),
    case("3.5.2.2-closing-timeout-is-configurable", "half a minute here.", *OPEN, host("FA"), server("FA"), at(29),
         host("A"), at(31), *GONE, config="nat64-timeouts.yaml"),

    # --- FIN ---
    case("3.5.2.2-both-fins-the-host-first", "TCP_TRANS from the second FIN on; what passes then does not change it.",
         *OPEN, host("FA"), at(100), server("FA"), host("A"), at(300), server("A"), host("A"), at(341), *GONE),
    case("3.5.2.2-both-fins-the-server-first", "TCP_TRANS from the second FIN on.", *OPEN, server("FA"), at(100),
         host("FA"), server("A"), at(339), server("A"), at(341), *GONE),
    case("3.5.2.2-fin-of-the-server", "one FIN: the connection lasts, and each packet sets the timer anew.", *OPEN,
         server("FA"), at(7000), host("PA"), at(14000), server("A"), at(21442), *GONE),
    case("3.5.2.2-fin-of-the-host", "likewise.", *OPEN, host("FA"), at(7000), server("PA"), at(14000), host("A")),
    case("3.5.2.2-fin-again", "a second FIN of the same side is any packet.", *OPEN, host("FA"), host("FA"), at(7000),
         server("A")),

    # --- TRANS ---
    case("3.5.2.2-rst-of-the-server", "translated; TCP_TRANS.", *OPEN, server("R"), at(241), *GONE),
    case("3.5.2.2-rst-of-the-host", "translated; TCP_TRANS.", *OPEN, host("RA"), at(241), *GONE),
    case("3.5.2.2-rst-that-nobody-believes", "another packet makes it ESTABLISHED again.", *OPEN, server("R"), at(239),
         host("A"), at(7000), server("A")),
    case("3.5.2.2-rst-again", "a RST in TRANS is translated and prolongs nothing.", *OPEN, server("R"), at(200),
         server("R"), at(241), *GONE),
]
