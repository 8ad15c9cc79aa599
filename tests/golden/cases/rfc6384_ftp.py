"""RFC 6384: FTP through a NAT64. The text changes, and with it lengths, sequence numbers and acknowledgments.

The client's numbers begin at 1000, the server's at 2000; the control connection is 40000 to 21, outside 5000.
"""

from corpus import at
from nat import SECOND, back, nat_case, no_way_in, out

case = nat_case("6384", "nat64-alg.yaml")

EPSV, PASV = "EPSV\\r\\n", "PASV\\r\\n"
EPRT = "EPRT |2|2001:db8:1::a|41000|\\r\\n"  # 30 octets
PORT = "PORT 192,0,2,1,19,137\\r\\n"        # 23 octets: 5001
OF_227 = "227 Entering Passive Mode (203,0,113,7,237,19).\\r\\n"
OF_229 = "229 Entering Extended Passive Mode  (|||60691|)\\r\\n"


def tcp(sport, dport, flags, seq, ack, text="", options=""):
    return f"TCP(sport={sport},dport={dport},flags='{flags}',seq={seq},ack={ack}{options})" + (
        f"/b'{text}'" if text else "")


def client(seq, ack, text="", becomes=None, seq_becomes=None, ack_becomes=None, flags="PA", options="",
           options_become=None):
    """The client sends on the control connection."""
    return out(tcp(40000, 21, flags, seq, ack, text, options),
               tcp(5000, 21, flags, seq_becomes or seq, ack_becomes or ack, text if becomes is None else becomes,
                   options if options_become is None else options_become))


def server(seq, ack, text="", becomes=None, seq_becomes=None, ack_becomes=None, flags="PA", options="",
           options_become=None):
    """The server sends on the control connection."""
    return back(tcp(21, 5000, flags, seq, ack, text, options),
                tcp(21, 40000, flags, seq_becomes or seq, ack_becomes or ack, text if becomes is None else becomes,
                    options if options_become is None else options_become))


OPEN = (client(999, 0, flags="S"), server(1999, 1000, flags="SA"), client(1000, 2000, flags="A"),
        server(2000, 1000, "220 Ready\\r\\n"), client(1000, 2011, flags="A"))
# In place of 30 octets from 1000 on there are 23.
ACTIVE = (*OPEN, client(1000, 2011, EPRT, PORT), server(2011, 1023, "200 OK\\r\\n", ack_becomes=1030))


def data_in(flags, seq=7000, ack=0, source=("C4", "C6"), port=20):
    """The server sends on the data connection that it opened."""
    return back(tcp(port, 5001, flags, seq, ack), tcp(port, 41000, flags, seq, ack), source=source)


CASES = [
    case("5-nothing-to-change", "other lines pass as they are, either way.", *OPEN,
         client(1000, 2011, "USER anonymous\\r\\n"), server(2011, 1016, "331 Password\\r\\n"),
         client(1016, 2025, "LI"), client(1018, 2025, "ST\\r\\n")),
    case("5-split-line-passes", "a command in two parts stays as it is, and so does its reply.", *OPEN,
         client(1000, 2011, "EP"), client(1002, 2011, "SV\\r\\n"), server(2011, 1006, OF_227), client(1006, 2060, EPSV, PASV)),
    case("5-two-lines-in-one-segment", "each is looked at.", *OPEN,
         client(1000, 2011, "NOOP\\r\\n" + EPSV, "NOOP\\r\\n" + PASV),
         server(2011, 1012, "200 OK\\r\\n" + OF_227, "200 OK\\r\\n" + OF_229)),
    case("5-auth-accepted", "transparent from then on.", *OPEN, client(1000, 2011, "AUTH TLS\\r\\n"),
         server(2011, 1010, "234 Go on\\r\\n"), client(1010, 2022, EPSV)),
    case("5-auth-refused", "ignored.", *OPEN, client(1000, 2011, "AUTH TLS\\r\\n"),
         server(2011, 1010, "502 No\\r\\n"), client(1010, 2019, EPSV, PASV)),
    case("5-auth-keeps-the-numbers-right", "sequence numbers are adjusted on in transparent mode.", *ACTIVE,
         client(1030, 2019, "AUTH TLS\\r\\n", seq_becomes=1023), server(2019, 1033, "234 Go on\\r\\n", ack_becomes=1040),
         client(1040, 2030, "\\x16\\x03\\x01", seq_becomes=1033), server(2030, 1036, "\\x16\\x03\\x03", ack_becomes=1043)),
    case("5-urgent-goes", "where the text changes, the urgent pointer would point elsewhere.", *OPEN,
         out(tcp(40000, 21, "PAU", 1000, 2011, EPRT, ",urgptr=3"), tcp(5000, 21, "PA", 1000, 2011, PORT))),
    case("6-epsv-becomes-pasv", "and 227 becomes 229, as long as it was: no number changes.", *OPEN,
         client(1000, 2011, EPSV, PASV), server(2011, 1006, OF_227, OF_229),
         client(1006, 2060, "RETR x\\r\\n"), server(2060, 1014, "150 Now\\r\\n")),
    case("6-epsv-sent-again", "the same again, and what was said is not counted twice.", *OPEN,
         client(1000, 2011, EPSV, PASV), client(1000, 2011, EPSV, PASV),
         server(2011, 1006, OF_227, OF_229), server(2011, 1006, OF_227, OF_229),
         client(1006, 2060, "NOOP\\r\\n"), server(2060, 1012, "200 OK\\r\\n")),
    case("6-epsv-1", "522 by way of NOOP; the reply is longer than the one it stands for.", *OPEN,
         client(1000, 2011, "EPSV 1\\r\\n", "NOOP\\r\\n"),
         server(2011, 1006, "200 OK\\r\\n", "522 Network protocol not supported, use (2)\\r\\n", ack_becomes=1008),
         # 8 octets became 45.
         client(1008, 2056, flags="A", seq_becomes=1006, ack_becomes=2019),
         client(1008, 2056, "QUIT\\r\\n", seq_becomes=1006, ack_becomes=2019),
         server(2019, 1012, "221 Bye\\r\\n", seq_becomes=2056, ack_becomes=1014),
         server(2028, 1012, flags="FA", seq_becomes=2065, ack_becomes=1014)),
    case("6-epsv-all", "504 by way of NOOP.", *OPEN, client(1000, 2011, "EPSV ALL\\r\\n", "NOOP\\r\\n"),
         server(2011, 1006, "200 OK\\r\\n", "504 Command not implemented for that parameter\\r\\n", ack_becomes=1010)),
    case("7.2-eprt-becomes-port", "with a binding for the data connection, which the server opens.", *ACTIVE,
         data_in("S"), out(tcp(41000, 20, "SA", 8000, 7001), tcp(5001, 20, "SA", 8000, 7001)),
         data_in("A", 7001, 8001)),
    case("7.2-any-port-of-the-server", "it need not be 20.", *ACTIVE, data_in("S", port=1234)),
    case("7.2-filtered", "address-dependent filtering lets in the server and nobody else.", *ACTIVE,
         no_way_in("unsolicited-syn", tcp(20, 5001, "S", 7000, 0), source=SECOND), data_in("S"),
         config="nat64-alg-filter.yaml"),
    case("7.2-numbers-afterwards", "both ways.", *ACTIVE, client(1030, 2019, flags="A", seq_becomes=1023),
         client(1030, 2019, "LIST\\r\\n", seq_becomes=1023), server(2019, 1029, "150 Now\\r\\n", ack_becomes=1036),
         client(1036, 2028, flags="FA", seq_becomes=1029)),
    case("7.2-sent-again", "with the number and the text of the first time, also together with what follows.", *ACTIVE,
         client(1000, 2011, EPRT, PORT), client(1030, 2019, "LIST\\r\\n", seq_becomes=1023),
         client(1000, 2019, EPRT + "LIST\\r\\n", PORT + "LIST\\r\\n")),
    case("7.2-a-part-is-acknowledged", "all of the line or nothing.", *OPEN, client(1000, 2011, EPRT, PORT),
         server(2011, 1010, flags="A", ack_becomes=1000), server(2011, 1023, flags="A", ack_becomes=1030)),
    case("7.2-sack", "RFC 2018: blocks are in the sender's numbers.", *ACTIVE,
         server(2019, 1023, flags="A", options=",options=[('SAck',(1033,1043))]", ack_becomes=1030,
                options_become=",options=[('SAck',(1040,1050))]")),
    case("7.2-cut-line", "sent again from its middle: it would not fit what the server has.", *ACTIVE,
         out(tcp(40000, 21, "PA", 1030, 2019, "LIST\\r\\n"), tcp(5000, 21, "PA", 1023, 2019, "LIST\\r\\n"))),
    case("7.2-two-transfers", "each EPRT has its binding, and the shifts add up.", *ACTIVE,
         client(1030, 2019, EPRT.replace("41000", "41002"), PORT.replace("137", "138"), seq_becomes=1023),
         server(2019, 1046, "200 OK\\r\\n", ack_becomes=1060)),
    case("7.2-a-new-connection-begins-anew", "the same ports again: no shift is left.", *ACTIVE,
         client(1030, 2019, flags="R", seq_becomes=1023), *OPEN, client(1000, 2011, "LIST\\r\\n")),
    case("8-default-port-20", "from port 20 to the control connection's own port, where filtering lets it.", *OPEN,
         back(tcp(20, 5000, "S", 7000, 0), tcp(20, 40000, "S", 7000, 0))),
    case("10-pasv-passes", "and so does its reply.", *OPEN, client(1000, 2011, PASV), server(2011, 1006, OF_227)),
    case("11-algs", "STATUS64, DISABLE64 and ENABLE64, each a NOOP for the server.", *OPEN,
         client(1000, 2011, "ALGS STATUS64\\r\\n", "NOOP\\r\\n"),
         # 15 octets became 6, and 8 became 15, of which the padding is none.
         server(2011, 1006, "200 OK\\r\\n", "216 EPSVEPRT\\r\\n", ack_becomes=1015),
         client(1015, 2025, "ALGS DISABLE64\\r\\n", "NOOP\\r\\n", seq_becomes=1006, ack_becomes=2019),
         server(2019, 1012, "200 Fine indeed\\r\\n", "216 NONE       \\r\\n", seq_becomes=2025, ack_becomes=1031),
         client(1031, 2042, EPSV, seq_becomes=1012, ack_becomes=2036)),
    case("12-the-binding-ends", "unless the server connects to it.", *ACTIVE, at(241),
         no_way_in("unsolicited-syn", tcp(20, 5001, "S", 7000, 0))),
]
