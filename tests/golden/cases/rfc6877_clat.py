"""RFC 6877: CLAT. The customer's side has a single address, a prefix, or mappings; all else is behind the PLAT."""

from corpus import PROHIBITED6, from_ipv4, from_ipv6, golden, reply4, reply6, unmapped_source4, unmapped_source6

UDP = "UDP(sport=1000,dport=53)/b'yonroku!'"
HERE6 = "2001:db8::464"


def there_and_back(name, note, config, here, here6, there, there6):
    return golden(f"rfc6877/{name}", f"RFC 6877 {note}",
                  from_ipv4(f"IP(src='{here}',dst='{there}',flags='DF')/{UDP}", "to-ipv6",
                            f"IPv6(src='{here6}',dst='{there6}',hlim=63)/{UDP}"),
                  from_ipv6(f"IPv6(src='{there6}',dst='{here6}')/{UDP}", "to-ipv4",
                            f"IP(src='{there}',dst='{here}',ttl=63,id=1)/{UDP}"), config=f"{config}.yaml")


TCP_SYN = "TCP(sport=40000,dport=443,flags='S',options=[('MSS',1460)])"
FAR = "64:ff9b::808:808"
ABOUT6 = f"(IPv6(src='{HERE6}',dst='{FAR}',hlim=1)/{UDP})"
ABOUT4 = f"(IP(src='192.0.0.1',dst='8.8.8.8',ttl=1,id=0)/{UDP})"
STRANGER = f"IPv6(src='{FAR}',dst='2001:db8::465')/{UDP}"
STRANGER_LAN = f"IPv6(src='2001:db8:1234::808:808',dst='2001:db8:bbbb::c0a8:102')/{UDP}"
BIG = "IP(src='192.0.0.1',dst='8.8.8.8',flags='DF',id=3)/UDP(sport=1000,dport=443)/data(1472)"
LATE = f"IP(src='192.0.0.1',dst='8.8.8.8',ttl=1,id=3)/{UDP}"
CASES = [
    there_and_back("6.3-single-address", "§6.3: the host's 192.0.0.1 (RFC 7335 §3) is the one address.", "clat",
                   "192.0.0.1", HERE6, "8.8.8.8", FAR),
    there_and_back("6.3-single-address-of-a-lan", "§6.3: any other IPv4 address may be it.", "clat-ipv4",
                   "192.168.1.2", HERE6, "198.51.100.1", "2001:db8:1234::c633:6401"),
    there_and_back("6.3-prefix-for-a-lan", "§6.3: with a prefix of its own every host of the LAN has an address; "
                   "the addresses are those of Figure 3.", "clat-prefix",
                   "192.168.1.2", "2001:db8:aaaa::192.168.1.2", "198.51.100.1", "2001:db8:1234::198.51.100.1"),
    there_and_back("6.3-prefixes-of-64-bits", "§6.3: both prefixes may be of any RFC 6052 length.", "clat-prefix-64",
                   "192.168.1.2", "2001:db8:464:1:c0:a801:200::", "198.51.100.2", "2001:db8:122:344:c6:3364:200::"),
    there_and_back("6.3-mappings", "§6.3 and RFC 7757 Appendix A.1: a CLAT as an EAM.", "clat-eam",
                   "192.0.0.1", HERE6, "8.8.8.8", FAR),
    there_and_back("6.3-mapping-for-a-lan", "§6.3 and RFC 7757 Appendix A.1: a LAN as an EAM.", "clat-eam",
                   "192.168.1.77", "2001:db8:464::4d", "8.8.8.8", FAR),
    there_and_back("6.3-private-destination-behind-the-plat",
                   "§6.3: what is behind the operator's PLAT is the operator's affair, so a CLAT translates "
                   "addresses that are not global with the Well-Known Prefix too.", "clat",
                   "192.0.0.1", HERE6, "10.1.2.3", "64:ff9b::a01:203"),
    golden("rfc6877/6.3-tcp", "RFC 6877 §6.3: TCP through the CLAT.",
           from_ipv4(f"IP(src='192.0.0.1',dst='8.8.8.8',flags='DF')/{TCP_SYN}", "to-ipv6",
                     f"IPv6(src='{HERE6}',dst='{FAR}',hlim=63)/{TCP_SYN}"), config="clat.yaml"),
    golden("rfc6877/6.3-ping", "RFC 6877 §6.3: ping through the CLAT.",
           from_ipv4("IP(src='192.0.0.1',dst='8.8.8.8')/ICMP(type=8,id=1,seq=1)/data(56)", "to-ipv6",
                     f"IPv6(src='{HERE6}',dst='{FAR}',hlim=63)/ICMPv6EchoRequest(id=1,seq=1,data=data(56))"),
           from_ipv6(f"IPv6(src='{FAR}',dst='{HERE6}')/ICMPv6EchoReply(id=1,seq=1,data=data(56))", "to-ipv4",
                     "IP(src='8.8.8.8',dst='192.0.0.1',ttl=63,id=1)/ICMP(type=0,id=1,seq=1)/data(56)"),
           config="clat.yaml"),
    golden("rfc6877/6.3-source-that-is-not-the-single-address",
           "RFC 6877 §6.3: other hosts need NAT44 in front, or a prefix.",
           unmapped_source4(f"IP(src='192.168.1.2',dst='8.8.8.8')/{UDP}", "'192.168.1.2'"), config="clat.yaml"),
    golden("rfc6877/6.3-source-without-a-mapping",
           "RFC 6877 §6.3: the PLAT's prefix is not for the customer's side.",
           unmapped_source4(f"IP(src='192.168.2.1',dst='8.8.8.8')/{UDP}", "'192.168.2.1'"), config="clat-eam.yaml"),
    golden("rfc6877/6.3-native-ipv6-source-is-dropped",
           "RFC 6877 §6.3: what does not come from the PLAT is not for the CLAT's IPv4 side.",
           unmapped_source6(f"IPv6(src='2001:db8:99::1',dst='{HERE6}')/{UDP}", "'2001:db8:99::1'", source="'2001:db8::464'"), config="clat.yaml"),
    golden("rfc6877/6.3-destination-that-is-not-the-single-address",
           "RFC 7915 §5.4: the CLAT answers from its own address.",
           from_ipv6(STRANGER, "reply destination-not-mapped",
                     reply6(f"'{FAR}'", PROHIBITED6, STRANGER, source=f"'{HERE6}'")), config="clat.yaml"),
    golden("rfc6877/6.3-destination-outside-the-prefix",
           "RFC 7915 §5.4: the CLAT answers from 192.0.0.8 in its prefix.",
           from_ipv6(STRANGER_LAN, "reply destination-not-mapped",
                     reply6("'2001:db8:1234::808:808'", PROHIBITED6, STRANGER_LAN,
                            source="'2001:db8:aaaa::c000:8'")), config="clat-prefix.yaml"),
    golden("rfc6877/6.3-large-packet-is-answered",
           "RFC 7915 §4.1: 1500 octets with DF do not fit; the program is told 1480.",
           from_ipv4(BIG, "reply packet-too-big",
                     reply4("'192.0.0.1'", "ICMP(type=3,code=4,nexthopmtu=1480)", BIG)), config="clat.yaml"),
    golden("rfc6877/6.3-ttl-1-is-answered", "RFC 7915 §4.1: the CLAT is a hop of traceroute.",
           from_ipv4(LATE, "reply ttl-exceeded", reply4("'192.0.0.1'", "ICMP(type=11,code=0)", LATE)),
           config="clat.yaml"),
    golden("rfc6877/6.3-packet-too-big-from-the-plat",
           "RFC 7915 §5.2: from the PLAT's prefix the source is translated.",
           from_ipv6(f"IPv6(src='64:ff9b::808:101',dst='{HERE6}')/ICMPv6PacketTooBig(mtu=1400)/{ABOUT6}", "to-ipv4",
                     f"IP(src='8.8.1.1',dst='192.0.0.1',ttl=63,id=1)/ICMP(type=3,code=4,nexthopmtu=1380)/{ABOUT4}"),
           config="clat.yaml"),
    golden("icmpext-xlat/clat-traceroute-through-native-routers",
           "draft-ietf-v6ops-icmpext-xlat-v6only-source: the routers between CLAT and PLAT have IPv6 addresses alone.",
           from_ipv6(f"IPv6(src='2001:db8:99::1',dst='{HERE6}')/ICMPv6TimeExceeded(code=0)/{ABOUT6}", "to-ipv4",
                     "IP(src='192.0.0.8',dst='192.0.0.1',ttl=63,id=1)/ICMP(type=11,code=0,length=32)/"
                     f"(pad({ABOUT4},128)+extension(node_identification('2001:db8:99::1')))"), config="clat.yaml"),
    golden("rfc6877/6.3-hosts-of-the-lan-in-an-error",
           "RFC 7915 §5.3: inner addresses swap sides: the inner source is the customer's.",
           from_ipv6("IPv6(src='2001:db8:1234::c633:6401',dst='2001:db8:aaaa::c0a8:102')/ICMPv6DestUnreach(code=4)/"
                     f"(IPv6(src='2001:db8:aaaa::c0a8:102',dst='2001:db8:1234::c633:6401')/{UDP})", "to-ipv4",
                     "IP(src='198.51.100.1',dst='192.168.1.2',ttl=63,id=1)/ICMP(type=3,code=3)/"
                     f"(IP(src='192.168.1.2',dst='198.51.100.1',id=0)/{UDP})"), config="clat-prefix.yaml"),
    golden("rfc6877/6.3-error-from-the-lan",
           "RFC 7915 §4.3: an error of a LAN host about what came from the PLAT.",
           from_ipv4("IP(src='192.168.1.2',dst='198.51.100.1')/ICMP(type=3,code=3)/"
                     f"(IP(src='198.51.100.1',dst='192.168.1.2')/{UDP})", "to-ipv6",
                     "IPv6(src='2001:db8:aaaa::c0a8:102',dst='2001:db8:1234::c633:6401',hlim=63)/"
                     "ICMPv6DestUnreach(code=4)/"
                     f"(IPv6(src='2001:db8:1234::c633:6401',dst='2001:db8:aaaa::c0a8:102')/{UDP})"),
           config="clat-prefix.yaml"),
]
