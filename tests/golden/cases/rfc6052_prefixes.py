"""RFC 6052: addresses with IPv4 addresses in them, all six prefix lengths, and the Well-Known Prefix."""

from corpus import PROHIBITED4, PROHIBITED6, from_ipv4, from_ipv6, golden, reply4, reply6, unmapped_source6

UDP = "UDP(sport=1000,dport=53)/b'yonroku!'"
LENGTHS = (32, 40, 48, 56, 64, 96)
# IPv4 address -> IPv6 address for each prefix length. 192.0.2.33 is RFC 6052 §2.4's Table 1; the others are written
# out by the rules of §2.2: 198.51.100.2 is c6 33 64 02, 223.255.255.254 is df ff ff fe.
TABLE = {
    "192.0.2.33": ("2001:db8:c000:221::", "2001:db8:1c0:2:21::", "2001:db8:122:c000:2:2100::",
                   "2001:db8:122:3c0:0:221::", "2001:db8:122:344:c0:2:2100::", "2001:db8:122:344::192.0.2.33"),
    "198.51.100.2": ("2001:db8:c633:6402::", "2001:db8:1c6:3364:2::", "2001:db8:122:c633:64:200::",
                     "2001:db8:122:3c6:33:6402::", "2001:db8:122:344:c6:3364:200::", "2001:db8:122:344::c633:6402"),
    "223.255.255.254": ("2001:db8:dfff:fffe::", "2001:db8:1df:ffff:fe::", "2001:db8:122:dfff:ff:fe00::",
                        "2001:db8:122:3df:ff:fffe::", "2001:db8:122:344:df:ffff:fe00::",
                        "2001:db8:122:344::dfff:fffe"),
}
SERVER4 = "192.0.2.33"
CASES = []
for index, length in enumerate(LENGTHS):
    config = f"prefix-{length}.yaml"
    server6 = TABLE[SERVER4][index]
    for peer4 in ("198.51.100.2", "223.255.255.254"):
        peer6 = TABLE[peer4][index]
        CASES.append(golden(
            f"rfc6052/2.4-prefix-{length}-and-{peer4}",
            f"RFC 6052 §2.4: the example 192.0.2.33 with a prefix of {length} bits, there and back"
            + (" (RFC 7915 Appendix A uses the same addresses)." if (length, peer4) == (40, "198.51.100.2") else "."),
            from_ipv4(f"IP(src='{peer4}',dst='{SERVER4}')/{UDP}", "to-ipv6",
                      f"IPv6(src='{peer6}',dst='{server6}',hlim=63)/{UDP}"),
            from_ipv6(f"IPv6(src='{server6}',dst='{peer6}')/{UDP}", "to-ipv4",
                      f"IP(src='{SERVER4}',dst='{peer4}',ttl=63,id=1)/{UDP}"),
            config=config))

# --- suffix and u octet: written out, with what RFC 6052 §2.2 says is wrong in them ---
SUFFIXED = {32: "2001:db8:c633:6402:ff:ffff:ffff:ffff", 40: "2001:db8:1c6:3364:2:ffff:ffff:ffff",
            48: "2001:db8:122:c633:64:2ff:ffff:ffff", 56: "2001:db8:122:3c6:33:6402:ffff:ffff",
            64: "2001:db8:122:344:c6:3364:2ff:ffff"}
NONZERO_U = {32: "2001:db8:c633:6402:100::", 40: "2001:db8:1c6:3364:8002::", 48: "2001:db8:122:c633:164:200::",
             56: "2001:db8:122:3c6:ff33:6402::", 64: "2001:db8:122:344:2c6:3364:200::"}
for index, length in enumerate(LENGTHS[:-1]):
    config = f"prefix-{length}.yaml"
    server6 = TABLE[SERVER4][index]
    strange = f"IPv6(src='{server6}',dst='{NONZERO_U[length]}')/{UDP}"
    CASES += [
        golden(f"rfc6052/2.2-prefix-{length}-suffix-is-ignored",
               "RFC 6052 §2.2: a suffix that is not zero is ignored.",
               from_ipv6(f"IPv6(src='{server6}',dst='{SUFFIXED[length]}')/{UDP}", "to-ipv4",
                         f"IP(src='{SERVER4}',dst='198.51.100.2',ttl=63,id=1)/{UDP}"),
               config=config),
        golden(f"rfc6052/2.2-prefix-{length}-u-octet-of-a-destination-must-be-zero",
               "RFC 6052 §2.2: bits 64 to 71 MUST be zero; an address in which they are not stands for no IPv4 "
               "address.",
               from_ipv6(strange, "reply destination-not-mapped",
                         reply6(f"'{server6}'", PROHIBITED6, strange, source="'2001:db8:ffff::1'")),
               config=config),
        golden(f"rfc6052/2.2-prefix-{length}-u-octet-of-a-source-must-be-zero",
               "RFC 6052 §2.2: bits 64 to 71 MUST be zero; an address in which they are not stands for no IPv4 "
               "address.",
               unmapped_source6(f"IPv6(src='{NONZERO_U[length]}',dst='{server6}')/{UDP}", f"'{NONZERO_U[length]}'", source="'2001:db8:ffff::1'"),
               config=config),
    ]

# --- the Well-Known Prefix ---
GLOBAL4, GLOBAL6 = "8.8.8.8", "64:ff9b::808:808"
FROM_HERE = "IPv6(src=S6,dst='{}')/" + UDP
CASES += [
    golden("rfc6052/2.4-well-known-prefix", "RFC 6052 §2.4: a global IPv4 address in the Well-Known Prefix.",
           from_ipv4(f"IP(src='{GLOBAL4}',dst=S4)/{UDP}", "to-ipv6", f"IPv6(src='{GLOBAL6}',dst=S6,hlim=63)/{UDP}"),
           from_ipv6(FROM_HERE.format(GLOBAL6), "to-ipv4", f"IP(src=S4,dst='{GLOBAL4}',ttl=63,id=1)/{UDP}"),
           config="wkp.yaml"),
    golden("rfc6052/2.4-well-known-prefix-table-2",
           "RFC 6052 §2.4, Table 2: 64:ff9b::192.0.2.33, with the restriction of §3.1 lifted.",
           from_ipv4(f"IP(src='192.0.2.33',dst=S4)/{UDP}", "to-ipv6",
                     f"IPv6(src='64:ff9b::192.0.2.33',dst=S6,hlim=63)/{UDP}"),
           config="wkp-translate.yaml"),
    golden("rfc6052/3.1-error-from-a-private-router-has-the-translator-as-source",
           "RFC 6052 §3.1: the router's private address must not be in the Well-Known Prefix. Dropping its errors "
           "would break path MTU discovery, so the translator's own address stands for it.",
           from_ipv4(f"IP(src='10.0.0.1',dst=S4)/ICMP(type=11,code=0)/(IP(src=S4,dst='{GLOBAL4}',ttl=64,id=0)/{UDP})",
                     "to-ipv6", f"IPv6(src='2001:db8:ffff::1',dst=S6,hlim=63)/ICMPv6TimeExceeded(code=0)/"
                     f"(IPv6(src=S6,dst='{GLOBAL6}',hlim=64)/{UDP})"), config="wkp.yaml"),
    golden("rfc6052/3.1-mapped-addresses-are-not-restricted",
           "RFC 6052 §3.1: 192.0.2.80 is not global but has an EAM, so the Well-Known Prefix is not used for it.",
           from_ipv4(f"IP(src='{GLOBAL4}',dst=S4)/{UDP}", "to-ipv6", f"IPv6(src='{GLOBAL6}',dst=S6,hlim=63)/{UDP}"),
           config="wkp.yaml"),
]
for address, embedded in (("10.1.2.3", "a01:203"), ("100.64.0.1", "6440:1"), 
                          ("172.16.0.1", "ac10:1"), ("172.31.255.254", "ac1f:fffe"), ("192.0.0.1", "c000:1"),
                          ("192.0.2.33", "c000:221"), ("192.168.0.1", "c0a8:1"), ("198.18.0.1", "c612:1"),
                          ("198.19.255.254", "c613:fffe"), ("198.51.100.2", "c633:6402"), ("203.0.113.7", "cb00:7107")):
    OUT, BACK = f"IP(src='{address}',dst=S4,id=3)/{UDP}", FROM_HERE.format(f"64:ff9b::{embedded}")
    CASES += [
        golden(f"rfc6052/3.1-well-known-prefix-is-not-for-{address}",
               f"RFC 6052 §3.1: {address} is not global, so the packet MUST be dropped; RFC 7915 §4.4 and §5.4: "
               "with the usual answer.",
               from_ipv4(OUT, "reply well-known-prefix-non-global", reply4(f"'{address}'", PROHIBITED4, OUT)),
               from_ipv6(BACK, "reply well-known-prefix-non-global",
                         reply6("S6", PROHIBITED6, BACK, source="'2001:db8:ffff::1'")),
               config="wkp.yaml"),
    ]
for address, embedded in (("11.0.0.1", "b00:1"), ("100.63.255.254", "643f:fffe"), ("100.128.0.1", "6480:1"),
                          ("172.15.255.254", "ac0f:fffe"), ("172.32.0.1", "ac20:1"), ("192.0.3.1", "c000:301"),
                          ("198.17.255.254", "c611:fffe"), ("198.20.0.1", "c614:1"), ("223.255.255.254", "dfff:fffe")):
    CASES.append(golden(
        f"rfc6052/3.1-well-known-prefix-is-for-{address}",
        f"RFC 6052 §3.1: {address} is global, next to a range that is not.",
        from_ipv6(FROM_HERE.format(f"64:ff9b::{embedded}"), "to-ipv4",
                  f"IP(src=S4,dst='{address}',ttl=63,id=1)/{UDP}"), config="wkp.yaml"))
for config, prefix, why in (("wkp-translate", "64:ff9b::", "RFC 6052 §3.1: the restriction can be lifted"),
                            ("local-use-prefix", "64:ff9b:1::", "RFC 8215 §5: the local-use prefix is not so")):
    CASES.append(golden(
        f"rfc6052/3.1-{config}-takes-private-addresses", f"{why}.",
        from_ipv4(f"IP(src='10.1.2.3',dst=S4)/{UDP}", "to-ipv6", f"IPv6(src='{prefix}a01:203',dst=S6,hlim=63)/{UDP}"),
        from_ipv6(FROM_HERE.format(f"{prefix}a01:203"), "to-ipv4", f"IP(src=S4,dst='10.1.2.3',ttl=63,id=1)/{UDP}"),
        config=f"{config}.yaml"))
