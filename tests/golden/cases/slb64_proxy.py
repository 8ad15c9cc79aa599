"""slb64 with `proxy-protocol: v2`: the server reads 52 octets in front of what the client sends, and each end counts as
if the other did. The header is written here octet by octet from HAProxy's proxy-protocol.txt."""

from corpus import from_ipv6, golden, reply6
from nat import HOST, OURS6, POOL, numbered
from cases.slb64 import VIP, WEB, to_client, to_server

SIZE = 52
ISN, PEER = 1000, 2000          # initial sequence numbers of the client and of the server
HEADER = ("bytes.fromhex('0d0a0d0a000d0a515549540a' '21' '21' '0024'"
          " '20010db800010000000000000000000a' '20010db8008000000000000000000001' '03e8' '0050')")


def case(name, note, *steps):
    return golden(f"slb64/proxy-{name}", f"RFC 9293 §3.4: {note}", *numbered(steps), config="slb64-proxy.yaml")


def client(flags, seq, ack=PEER + 1, options="[]", urgent=0):
    return f"TCP(sport=1000,dport=80,flags='{flags}',seq={seq},ack={ack},options={options},urgptr={urgent})"


def at_server(flags, seq, ack=PEER + 1, options="[]", urgent=0):
    return f"TCP(sport=5000,dport=8080,flags='{flags}',seq={seq},ack={ack},options={options},urgptr={urgent})"


def server(flags, seq, ack, options="[]"):
    return f"TCP(sport=8080,dport=5000,flags='{flags}',seq={seq},ack={ack},options={options})"


def at_client(flags, seq, ack, options="[]"):
    return f"TCP(sport=80,dport=1000,flags='{flags}',seq={seq},ack={ack},options={options})"


SYN = to_server(client("S", ISN, 0, "[('MSS',1440)]"), at_server("S", ISN, 0, "[('MSS',1440)]"))
SYN_ACK = to_client(server("SA", PEER, ISN + 1, "[('MSS',1460)]"), at_client("SA", PEER, ISN + 1, f"[('MSS',{1460 - SIZE})]"))
ACK = to_server(client("A", ISN + 1), at_server("PA", ISN + 1) + "/" + HEADER)
OPEN = (SYN, SYN_ACK, ACK)
# The server has read the header; nothing of this is the client's.
ACKNOWLEDGED = to_client(server("A", PEER + 1, ISN + 1 + SIZE), at_client("A", PEER + 1, ISN + 1))


def data(flags, seq, size, shift=SIZE):
    return to_server(f"{client(flags, seq)}/data({size})", f"{at_server(flags, seq + shift)}/data({size})")


CASES = [
    case("connection", "the header rides on the ACK of the handshake; what follows is numbered behind it, and the "
         "server's acknowledgments in front of it. The MSS leaves room for it.", *OPEN, ACKNOWLEDGED,
         data("PA", ISN + 1, 20),
         to_client(server("A", PEER + 1, ISN + 21 + SIZE) + "/data(30)", at_client("A", PEER + 1, ISN + 21) + "/data(30)"),
         data("PA", ISN + 21, 30), to_server(client("FA", ISN + 51, PEER + 31), at_server("FA", ISN + 51 + SIZE, PEER + 31)),
         to_client(server("FA", PEER + 31, ISN + 52 + SIZE), at_client("FA", PEER + 31, ISN + 52))),
    case("again-until-acknowledged", "each segment that begins where the client does has the header, whatever it carries; "
         "those behind have not.", *OPEN,
         to_server(client("PA", ISN + 1) + "/data(20)", f"{at_server('PA', ISN + 1)}/{HEADER}/data(20)"),
         data("A", ISN + 21, 30), ACK, ACKNOWLEDGED, data("PA", ISN + 1, 20)),
    case("acknowledged-in-part", "the client has sent nothing of it; the header is sent again whole.", *OPEN,
         to_client(server("A", PEER + 1, ISN + 1 + 20), at_client("A", PEER + 1, ISN + 1)), ACK,
         to_client(server("A", PEER + 1, ISN + SIZE), at_client("A", PEER + 1, ISN + 1)), ACK, ACKNOWLEDGED,
         to_server(client("A", ISN + 1), at_server("A", ISN + 1 + SIZE))),
    case("selective-acknowledgments", "RFC 2018: their blocks are the client's numbers too.", *OPEN, data("A", ISN + 21, 30),
         to_client(server("A", PEER + 1, ISN + 1 + SIZE, f"[('SAck',({ISN + 21 + SIZE},{ISN + 51 + SIZE}))]"),
                   at_client("A", PEER + 1, ISN + 1, f"[('SAck',({ISN + 21},{ISN + 51}))]"))),
    case("reset-at-once", "there is nobody any more who could read it.", SYN, SYN_ACK,
         to_server(client("R", ISN + 1, 0), at_server("R", ISN + 1, 0))),
    case("syn-again", "it is the same connection.", SYN, SYN, SYN_ACK, SYN_ACK, ACK, ACKNOWLEDGED),
    case("port-again", "another connection from the same port has its own header.", *OPEN, ACKNOWLEDGED,
         to_client(server("R", PEER + 1, 0), at_client("R", PEER + 1, 0)),
         to_server(client("S", 90000, 0), at_server("S", 90000, 0)),
         to_client(server("SA", 7000, 90001), at_client("SA", 7000, 90001)),
         to_server(client("A", 90001, 7001), at_server("PA", 90001, 7001) + "/" + HEADER)),
    case("numbers-wrap", "sequence numbers are modulo 2^32.",
         to_server(client("S", 2**32 - 1, 0), at_server("S", 2**32 - 1, 0)),
         to_client(server("SA", PEER, 0), at_client("SA", PEER, 0)),
         to_server(client("A", 0), at_server("PA", 0) + "/" + HEADER),
         to_client(server("A", PEER + 1, SIZE), at_client("A", PEER + 1, 0)), data("PA", 0, 20)),
    case("urgent-data", "the pointer counts from the segment's beginning.", SYN, SYN_ACK,
         to_server(client("PAU", ISN + 1, urgent=5) + "/data(20)",
                   f"{at_server('PAU', ISN + 1, urgent=5 + SIZE)}/{HEADER}/data(20)")),
    case("data-with-the-syn", "RFC 7413: the header goes in front of it.",
         to_server(client("S", ISN, 0) + "/data(20)", f"{at_server('SP', ISN, 0)}/{HEADER}/data(20)")),
    case("no-room", "the first octet comes in a segment as large as the link: its sender is told what fits with the header.",
         SYN, SYN_ACK,
         from_ipv6(f"IPv6(src={HOST},dst={VIP})/{client('A', ISN + 1)}/data(1409)", "reply packet-too-big",
                   reply6(HOST, f"ICMPv6PacketTooBig(mtu={1500 + 20 - SIZE})",
                          f"IPv6(src={HOST},dst={VIP})/{client('A', ISN + 1)}/data(1409)", source=OURS6)),
         from_ipv6(f"IPv6(src={HOST},dst={VIP})/{client('A', ISN + 1)}/data(1408)", "to-ipv4",
                   f"IP(src={POOL},dst={WEB},ttl=63,id=0,flags='DF')/{at_server('PA', ISN + 1)}/{HEADER}/data(1408)")),
]
