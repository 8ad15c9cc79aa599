"""RFC 3261: SIP over UDP through a NAT64. What names an address names the one of the other side."""

from nat import back, nat_case, out

case = nat_case("3261", "nat64-alg.yaml")

CRLF = "\\r\\n"


def message(*lines, body=()):
    text = "".join(line + CRLF for line in body)
    octets = len(text.replace(CRLF, "12"))
    return "".join(line + CRLF for line in (*lines, f"Content-Length: {octets}", "")) + text


def udp(sport, dport, text):
    return f"UDP(sport={sport},dport={dport})/b'{text}'"


def description(family, address, port, *more):
    return ("v=0", f"o=a 1 1 IN {family} {address}", "s=-", f"c=IN {family} {address}", "t=0 0",
            f"m=audio {port} RTP/AVP 0", *more)


V6, SERVER6 = "2001:db8:1::a", "2001:db8:64::cb00:7107"
V4, SERVER4 = "192.0.2.1", "203.0.113.7"


def invite(host, server, via, body):
    return message(f"INVITE sip:b@{server} SIP/2.0", f"Via: SIP/2.0/UDP {host}{via};branch=z9hG4bK1",
                   f"From: <sip:a@{host}{via}>;tag=1", f"To: <sip:b@{server}>", "Call-ID: 1@[2001:db8:1::a]",
                   "CSeq: 1 INVITE", f"Contact: <sip:a@{host}{via}>", "Content-Type: application/sdp", body=body)


def ok(host, server, via, body):
    return message("SIP/2.0 200 OK", f"Via: SIP/2.0/UDP {host}{via};branch=z9hG4bK1", f"From: <sip:a@{host}{via}>;tag=1",
                   f"To: <sip:b@{server}>;tag=2", "CSeq: 1 INVITE", f"Contact: <sip:b@{server}:5060>",
                   "Content-Type: application/sdp", body=body)


# The signalling's binding is 5000; RTP's and RTCP's are the next even port and the one above.
INVITED = out(udp(5060, 5060, invite(f"[{V6}]", f"[{SERVER6}]", ":5060", description("IP6", V6, 40000))),
              udp(5000, 5060, invite(V4, SERVER4, ":5000", description("IP4", V4, 5002))))
RTP = "UDP(sport={},dport={})/data(172)".format

CASES = [
    case("18.1.1-invite", "Request-URI, Via, From, To, Contact and the description; the Call-ID stays.", INVITED),
    case("18.1.2-answer", "goes back to what the host has said, and the server is where the host sees it.", INVITED,
         back(udp(5060, 5000, ok(V4, SERVER4, ":5000", description("IP4", SERVER4, 6000))),
              udp(5060, 5060, ok(f"[{V6}]", f"[{SERVER6}]", ":5060", description("IP6", SERVER6, 6000))))),
    case("18.1.1-media", "RFC 3550 §11: RTP and RTCP reach the host before it has sent any.", INVITED,
         back(RTP(6000, 5002), RTP(6000, 40000)), back(RTP(6001, 5003), RTP(6001, 40001)),
         out(RTP(40000, 6000), RTP(5002, 6000)), out(RTP(40001, 6001), RTP(5003, 6001))),
    case("18.1.1-invite-sent-again", "the same bindings.", INVITED, INVITED),
    case("18.1.1-no-description", "an OPTIONS without a body.",
         out(udp(5060, 5060, message(f"OPTIONS sip:[{SERVER6}] SIP/2.0", f"Via: SIP/2.0/UDP [{V6}];branch=z9hG4bK1")),
             udp(5000, 5060, message(f"OPTIONS sip:{SERVER4} SIP/2.0", f"Via: SIP/2.0/UDP {V4}:5000;branch=z9hG4bK1")))),
    case("18.1.1-other-port", "a Contact at another port gets its binding.",
         out(udp(5060, 5060, message("SIP/2.0 200 OK", f"Contact: <sip:a@[{V6}]:5070>")),
             udp(5000, 5060, message("SIP/2.0 200 OK", f"Contact: <sip:a@{V4}:5001>"))),
         back(udp(5060, 5001, "x"), udp(5060, 5070, "x"))),
    case("18.1.1-no-message", "keep-alives and what is not SIP.", out(udp(5060, 5060, CRLF), udp(5000, 5060, CRLF)),
         back(udp(5060, 5000, "\\0\\1"), udp(5060, 5060, "\\0\\1"))),
    case("18.1.1-request-from-outside", "to a host that has said where it is.", INVITED,
         back(udp(5060, 5000, message(f"BYE sip:a@{V4}:5000 SIP/2.0", f"Via: SIP/2.0/UDP {SERVER4};branch=z9hG4bK2")),
              udp(5060, 5060, message(f"BYE sip:a@[{V6}]:5060 SIP/2.0",
                                      f"Via: SIP/2.0/UDP [{SERVER6}];branch=z9hG4bK2")))),
]
