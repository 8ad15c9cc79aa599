// Golden packets explained: what a reader must find in the text.
#include "api/explain/explanation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <nlohmann/json.hpp>

#include "api/explain/advice.h"
#include "api/explain/packet_input.h"
#include "config/load.h"

namespace yonroku::api {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::string kGolden = std::string(YONROKU_SOURCE_DIR) + "/tests/golden/";

struct Case {
  config::Settings settings;
  std::vector<std::vector<std::byte>> packets;
};

// The inputs of a golden file.
Case read_case(const std::string& path) {
  Case out;
  std::ifstream file(path);
  std::string line;
  bool is_input = false;
  std::vector<std::string> inputs;
  while (std::getline(file, line)) {
    if (line.starts_with("config: ")) {
      const auto loaded = config::load_config(kGolden + "configs/" + line.substr(8));
      if (loaded) out.settings = loaded->settings;
    }
    if (!line.starts_with(" ")) {
      is_input = line.starts_with("from-ipv");
      if (is_input) inputs.emplace_back();
    } else if (is_input) {
      inputs.back() += line + "\n";
    }
  }
  for (const std::string& hex : inputs) {
    const auto packet = parse_hex_packet(hex);
    out.packets.push_back(packet ? *packet : std::vector<std::byte>{});
  }
  return out;
}

std::vector<Explanation> explain_all(const std::string& path) {
  const Case golden = read_case(path);
  if (golden.settings.instances.empty()) return {};
  const auto& settings = golden.settings.instances.front();
  auto instance = OfflineInstance::create(settings);
  std::vector<Explanation> out;
  out.reserve(golden.packets.size());
  for (const auto& packet : golden.packets)
    out.push_back(explain(*instance, settings, packet, Instant::from_nanoseconds(1'000'000'000)));
  return out;
}

// With every run of blanks as one, since lines are wrapped.
std::string unwrapped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const char plain = c == '\n' ? ' ' : c;
    if (plain != ' ' || out.empty() || out.back() != ' ') out += plain;
  }
  return out;
}

struct Row {
  const char* golden;
  std::vector<const char*> said;
  std::vector<const char*> unsaid;
};

const Row kRows[] = {
    {"rfc7915/4.1-tcp",
     {"IPv4 203.0.113.7 → 192.0.2.80, TTL 64", "TCP 40000 → 80, PSH ACK", "(right)",
      "The destination 192.0.2.80 is 2001:db8:2::80 by an explicit mapping. [RFC 7757 §3.3]",
      "The source 203.0.113.7 is 2001:db8:64::cb00:7107 by the translation prefix. [RFC 6052 §2.3]",
      "TTL 64 becomes hop limit 63: a translator is a router. [RFC 7915 §4.1]",
      "The TOS 0x00 is copied to the traffic class.", "DF is set: no Fragment Header",
      "The TCP checksum 0x3047 becomes 0x963f, adjusted by the change of the addresses. [RFC 7915 §4.5]",
      "verdict: translated to IPv6", "hop limit 63, traffic class 0x00, 74 octets"},
     {"what you can do", "wrong"}},
    {"rfc7915/4.1-df1-1481-octets-are-answered-with-3-4",
     {"verdict: dropped, packet-too-big",
      "1481 octets would become more than ipv6-mtu 1500, and DF forbids to cut them. [RFC 7915 §4.1]",
      "ICMP Destination Unreachable, Fragmentation Needed (3/4) goes back to 203.0.113.7",
      "packets of 1480 octets will pass.", "what you can do", "mss-clamp: auto", "the answer",
      "1481 octets of which 548 are here"},
     {"after"}},
    {"rfc7915/4.1-df0-1500-octets-are-cut",
     {"DF is clear and the result does not fit in lowest-ipv6-mtu 1280: it is cut into 2 fragments.",
      "after, fragment 1 of 2", "after, fragment 2 of 2",
      "Fragment id 0x00001234, fragment at offset 0, more follow", "fragment at offset 1232, the last",
      "248 octets of UDP"},
     {}},
    {"rfc7915/4.1-option-record-route-is-skipped",
     {"option Record Route", "IPv4 options are (Record Route) not translated, and left out. [RFC 7915 §4.1]"},
     {}},
    {"rfc7915/4.1-middle-fragment",
     {"more follow", "The packet is a fragment: its identification",
      "A later fragment has no transport header: there is no checksum to adjust."},
     {}},
    {"rfc7915/4.2-mtu-00576-eam-basic",
     {"ICMP Destination Unreachable, Fragmentation Needed (3/4) becomes ICMPv6 Packet Too Big (2/0). "
      "[RFC 7915 §4.2]",
      "MTU 576 becomes 1280: an IPv6 header is 20 octets longer, and no IPv6 path has less than 1280.",
      "the packet that it quotes crosses as well. [RFC 7915 §4.3]", "is kept: it is a record"},
     {}},
    {"rfc7915/5.1.1-fragment-header-becomes-ipv4-fields",
     {"The Fragment Header becomes IPv4 fields: identification", "DF is clear. [RFC 7915 §5.1.1]"},
     {}},
    {"rfc7915/5.2-echo-of-1500-octets-has-df",
     {"ICMPv6 Echo Request (128) becomes ICMP Echo Request (8). [RFC 7915 §5.2]", "more than 1260: DF is set",
      "adjusted: ICMP covers no pseudo-header"},
     {}},
    {"rfc7915/5.5-wrong-tcp-checksum-stays-wrong-by-0001",
     {"would be right)", "it was wrong and stays wrong by as much"},
     {}},
    {"rfc7915/5.2-neighbour-discovery-is-dropped",
     {"verdict: dropped, icmp-type-not-translatable", "[RFC 7915 §5.2]", "No ICMP error is sent about it."},
     {"the answer"}},
    {"icmpext-xlat/packet-too-big-gets-dummy-source-and-node-identification",
     {"the dummy address 192.0.0.8 stands for it. [RFC 7600 §4.8]", "MTU 1400 becomes 1380",
      "A Node Identification object tells the sender's real address, 2001:db8:9::1",
      "extension 28 octets: Node Identification 2001:db8:9::1",
      "the packet that it quotes crosses as well. [RFC 7915 §5.3]"},
     {}},
    {"rfc7757/4.2.2-figure-8-normal-packet",
     {"verdict: translated to IPv4 and back", "The traffic class 0x00 is kept.",
      "has an explicit mapping itself: the packet is translated straight back. [RFC 7757 §4.2.2]",
      "Hop limit 64 becomes hop limit 63"},
     {}},
    {"rfc7757/4.2.2-figure-9-time-exceeded-from-a-router",
     {"of the quoted packet has an explicit mapping itself: the error goes straight back. [RFC 7757 §4.2.2]",
      "comes back as Time Exceeded"},
     {}},
    {"mss-clamp/syn-above-the-clamp", {"is lowered to", "(setting mss-clamp). [RFC 9293 §3.7.1]"}, {}},
    {"rfc791/3.1-header-cut-off",
     {"19 octets without a whole IP header: 45 00 00 24", "Packet ends inside a header. [RFC 791 §3.1]"},
     {"decisions"}},
};

// Tunnels: one row for each mechanism, and for each kind of verdict.
const Row kTunnelRows[] = {
    {"rfc7597/5.1-port-1235",
     {"The destination 192.0.2.18 port 1235 belongs to the customer at 2001:db8:12:3400:0:c000:212:34. "
      "[RFC 7597 §5.3]",
      "The rule 2001:db8::/40 and 192.0.2.0/24 with 16 EA bits has the address. [RFC 7597 §5]",
      "Port 1235 is 000001 | 00110100 | 11 in binary: 6 bits of offset, then PSID 0x34 (52), then number 3 "
      "of "
      "its range. [RFC 7597 §5.1]",
      "Bits 0 to 39: the rule's prefix 2001:db8::/40.",
      "Bits 40 to 47: EA bits, the IPv4 suffix 0x12 that makes 192.0.2.18 of 192.0.2.0/24.",
      "Bits 48 to 55: EA bits, the PSID 0x34 (52).", "Bits 56 to 63: the subnet, zero.",
      "Bits 64 to 127: the interface identifier 0:c000:212:34: 16 zero bits, 192.0.2.18, PSID 0x34 (52). "
      "[RFC 7597 §6]",
      "The customer has 192.0.2.18 with 252 ports: 1232 to 1235, 2256 to 2259, …, 64720 to 64723.",
      "Into the tunnel from 2001:db8:ffff::1 to", "TTL 64 is left alone", "The outer hop limit is 64",
      "The ECN field, Not-ECT, is copied. [RFC 6040 §4.1]", "The flow label is 0",
      "48 octets and 40 for the IPv6 header make 88, which fit in ipv6-mtu 1500. [RFC 2473 §7.2]",
      "verdict: into the tunnel: IPv4 in IPv6",
      "hop limit 64, traffic class 0x00, 88 octets IPv4 203.0.113.7"},
     {"what you can do", "RFC 7915", "translat"}},
    {"rfc7597/5.1-port-80-is-excluded",
     {"The destination 192.0.2.18 port 80 belongs to nobody.",
      "Port 80 is 000000 | 00010100 | 00 in binary: 6 bits of offset, all 0, so it is nobody's, as are all "
      "below "
      "1024.",
      "verdict: dropped, port-not-assigned", "Host Unreachable (3/1) goes back to 203.0.113.7"},
     {}},
    {"rfc7597/5.1-port-1023-is-excluded-silent",
     {"No ICMP error is sent about it. The setting icmp-errors is off."},
     {"the answer"}},
    {"rfc7596/6.2-address-of-nobody-unreported",
     {"No ICMP error is sent about it. The setting report-unreachable is off. [RFC 7596 §6.2]"},
     {"the answer"}},
    {"rfc7596/8.1-echo-request-kept-out",
     {"An ICMP message from 203.0.113.7, and inbound-icmp keeps it out. [RFC 7596 §8.1]",
      "verdict: dropped, inbound-icmp", "It is meant to disappear in silence."},
     {"the answer"}},
    {"rfc7597/8.1-port-of-another",
     {"The inner source 192.0.2.18 port 1236 does not belong to the outer source "
      "2001:db8:12:3400:0:c000:212:34. [RFC 7597 §8.1]",
      "192.0.2.18 port 1236 belongs to the customer at 2001:db8:12:3500:0:c000:212:35.",
      "The customer at 2001:db8:12:3400:0:c000:212:34 has 192.0.2.18 with 252 ports: 1232 to 1235",
      "No ICMP error is sent about it. The setting report-spoofing is off. [RFC 7596 §6.2]"},
     {}},
    {"rfc7597/8.1-another-interface-identifier",
     {"The customer whose prefix holds", "That customer's MAP address is", "[RFC 7597 §6]"},
     {}},
    {"rfc7597/8-hairpin",
     {"Not spoofed: the outer source", "is a customer here too: the packet goes back into the tunnel to",
      "nobody else routes the packet between the two tunnels.",
      "verdict: out of one tunnel and into another: both ends are customers here"},
     {}},
    {"rfc7597/8-hairpin-too-big-with-df",
     {"verdict: dropped, inner-packet-too-big", "and DF forbids to cut them", "would fit. [RFC 2473 §7.2]"},
     {}},
    {"rfc7597/8.2-echo-request", {"The identifier of an ICMP query counts as its port. [RFC 7597 §8.2]"}, {}},
    {"rfc7597/8.2-error-from-outside",
     {"An ICMP error belongs to whom the packet that it quotes belongs to. [RFC 7597 §8.2]"},
     {}},
    {"rfc7597/9-udp-out-and-back",
     {"The source 192.168.1.2 with its port has no binding yet: it gets one, and becomes 192.0.2.18. "
      "[RFC 3022 §2.2]",
      "The way to 203.0.113.7, as to every destination, is the tunnel to 2001:db8:ffff::1.",
      "The source port 5001 becomes 1232: that of the binding. [RFC 3022 §2.2]",
      "The UDP checksum is adjusted by what changed. [RFC 3022 §4.1]", "verdict: into the tunnel"},
     {"untouched", "RFC 6146"}},
    {"rfc7597/9-udp-without-checksum", {"UDP came without a checksum, and gets none."}, {"untouched"}},
    {"rfc7597/9-hairpin-ping-to-its-own-identifier",
     {"also inside: the packet goes straight back in. [RFC 4787 §6]",
      "TTL 63 is left alone: the routing around the NAT counts.", "verdict: back to the hosts: IPv4"},
     {"tunnel"}},
    {"rfc7597/a-example-3-customer",
     {"192.0.2.19 port 1028 belongs to the customer at 2001:db8:13:100:0:c000:213:1."},
     {"every destination"}},
    {"rfc7597/8-public-source-on-the-lan", {"The source 192.0.2.18 is this customer's public address"}, {}},
    {"rfc7597/9-gre-from-outside",
     {"Protocol Unreachable (3/2) goes back to 203.0.113.7, through the tunnel."},
     {}},
    {"rfc6333/8.2-udp-out-and-back",
     {"The source 192.168.1.2 is behind the B4 2001:db8:0:1::1. [RFC 6333 §6.6]",
      "The source port 5001 becomes 5000", "verdict: out of the tunnel: IPv4"},
     {"untouched"}},
    {"rfc6333/11-not-from-public",
     {"The source 198.51.100.77 is in none of inside-prefixes: 10.0.0.0/8", "[RFC 6333 §11]"},
     {"RFC 7597"}},
    {"rfc6333/6.5-echo-to-the-aftr",
     {"the TTL starts anew at 64. [RFC 6333 §6.5]"},
     {"RFC 4443 §4.2] verdict"}},
    {"rfc7599/8.1-udp-out-and-back",
     {"The source 192.0.2.18 is 2001:db8:12:3400:0:c000:212:34 by the basic mapping rule."},
     {"RFC 6146 §3.5]"}},
    {"rfc7597/8.2-gre-to-a-shared-address", {"Only a port would tell which of the customers"}, {}},
    {"rfc7597/6-draft-03-address",
     {"the interface identifier c0:2:1200:3400: 8 zero bits, 192.0.2.18, PSID 0x34 (52), 8 zero bits."},
     {}},
    {"rfc7597/8.3.2-fragments-in-order",
     {"Whose the packet is, its ports tell, and only the first fragment has them. [RFC 7597 §8.3.2]",
      "It is held for up to 60 seconds", "verdict: held: a fragment that waits for the others",
      "what you can do Nothing: it goes on when it is whole."},
     {"after ", "ICMP error"}},
    {"rfc7597/8.3.1-anycast-cuts-the-inner-packet",
     {"and DF is clear.", "(setting fragment: inner); its destination puts them together. [RFC 4459 §3.4]"},
     {}},
    {"rfc7596/6.2-from-the-first-port",
     {"A softwire ties 192.0.2.1, PSID 1 of 6 bits, to 2001:db8:b4::1. [RFC 7596 §6.1]",
      "Port 1024 is 000001 | 0000000000 in binary: PSID 1, then number 0 of its range.",
      "The customer has 192.0.2.1 with 1024 ports: 1024 to 2047.",
      "ECN: Not-ECT inside and Not-ECT outside leave as Not-ECT. [RFC 6040 §4.2]",
      "verdict: out of the tunnel: IPv4"},
     {"RFC 7915"}},
    {"rfc7596/6.2-port-of-nobody",
     {"192.0.2.1 is shared by PSIDs of 6 bits; 2 of them have a customer.", "Nobody has that PSID."},
     {}},
    {"rfc7596/6.2-to-the-wrong-address-of-ours", {"That customer's packets are to go to"}, {}},
    {"rfc7596/6.2-spoofing-reported", {"Source Address Failed", "goes back to"}, {"No ICMP error"}},
    {"rfc7040/6-to-the-customer", {"A softwire ties 192.0.2.1 to 2001:db8:b4::1. [RFC 7040 §6]"}, {}},
    {"rfc2473/3.1-udp", {"The tunnel ties 192.0.2.80/28 to 2001:db8:b4::2. [RFC 2473 §3.1]"}, {}},
    {"rfc2473/3.1-customer-source-of-somebody-else",
     {"is none of the customer's own addresses. They are: 192.0.2.80/28, 198.51.100.1/32.",
      "verdict: dropped, source-not-ours"},
     {}},
    {"rfc2473/3-echo-request-to-this-end", {"verdict: answered: an echo reply from this end"}, {"TTL"}},
    {"rfc2473/7.2-cut-the-outer-packet-because-of-ipv4-options",
     {"each with 8 octets of Fragment Header; the other end of the tunnel puts them together (the IPv4 "
      "packet has "
      "options",
      "The IPv4 options travel inside."},
     {}},
    {"rfc2473/7.2-encapsulation-limit-takes-8-octets",
     {"and 48 for the IPv6 header with the encapsulation limit make"},
     {}},
    {"rfc2473/8.3-too-big-with-df",
     {"ICMPv6 Packet Too Big (2/0) becomes ICMP Destination Unreachable, Fragmentation Needed (3/4)",
      "MTU 1400 less the 40 octets of the tunnel's headers is 1360. [RFC 2473 §8.3]",
      "no packet to 2001:db8:b4::2 will be larger than 1400 octets. [RFC 2473 §6.7]",
      "verdict: relayed: the inner packet's sender is told", "> UDP 1232 → 53"},
     {}},
    {"rfc2473/8.3-too-big-without-df",
     {"reports about a packet inside the tunnel. [RFC 2473 §8]",
      "The inner packet may be fragmented (DF is clear)", "no packet to 2001:db8:b4::2 will be larger than",
      "there are no errors about errors. [RFC 4443 §2.4]"},
     {"its sender is told"}},
    {"rfc2473/8-error-about-a-packet-of-somebody-else",
     {"verdict: dropped, tunnel-error-not-relayed", "The packet that it quotes came from"},
     {}},
    {"rfc2473/8-error-about-an-inner-multicast-source", {"names no single host that could be told."}, {}},
    {"rfc2473/7-mss-above-the-clamp", {"is lowered to 1420 (setting mss-clamp). [RFC 9293 §3.7.1]"}, {}},
    {"rfc7597/a-example-5-given-psid", {"with 0 EA bits and the given PSID 0x34 (52) has the address."}, {}},
    {"rfc6040/4.2-not-ect-inside-ce-outside",
     {"Marked CE outside, and Not-ECT inside: the mark can't be passed on. [RFC 6040 §4.2]",
      "No ICMP error is sent about it. A lost packet is how its sender"},
     {}},
    {"rfc7599/a-example-2-forwarded-to-the-ce",
     {"is 2001:db8:12:3400:0:c000:212:34, the customer who has the port. [RFC 7597 §5.3]",
      "The rule 2001:db8::/40 and 192.0.2.0/24 with 16 EA bits has the address. [RFC 7597 §5]",
      "Bits 48 to 55: EA bits, the PSID 0x34 (52).", "verdict: translated to IPv6"},
     {"tunnel", "the outer", "the inner"}},
    {"rfc7599/8.3-excluded-port",
     {"The source 2001:db8:12:3400:0:c000:212:34 is not the customer who has 192.0.2.18 port",
      "so it is nobody's, as are all below 1024."},
     {"tunnel"}},
    {"rfc6333/5.2-tcp",
     {"The way to 203.0.113.7, as to every destination, is the tunnel to 2001:db8:ffff::1. [RFC 6333 §5.2]",
      "[RFC 6333 §7.1]"},
     {"EA bits"}},
    {"rfc6333/5.3-1461-octets-with-df",
     {"1461 octets and 40 for the IPv6 header make 1501, more than ipv6-mtu 1500, and DF forbids to cut "
      "them: "
      "1460 would fit.",
      "packets of 1460 octets will pass."},
     {"RFC 7915"}},
    {"rfc6333/5.3-1500-octets",
     {"The IPv6 packet is cut into 2 fragments, each with 8 octets of Fragment Header", "[RFC 6333 §5.3]",
      "Fragment id 0x", "1500 octets of which"},
     {}},
};

void expect_said(std::span<const Row> rows) {
  for (const Row& row : rows) {
    const std::string path = kGolden + row.golden + ".golden";
    const auto explanations = explain_all(path);
    ASSERT_FALSE(explanations.empty()) << path;
    const std::string text = unwrapped(to_text(explanations.front()));
    for (const char* said : row.said) EXPECT_THAT(text, HasSubstr(said)) << row.golden;
    for (const char* unsaid : row.unsaid) EXPECT_THAT(text, Not(HasSubstr(unsaid))) << row.golden;
  }
}

TEST(Explanation, SaysWhatMatters) { expect_said(kRows); }

TEST(Explanation, SaysWhatMattersOfTunnels) { expect_said(kTunnelRows); }

TEST(Explanation, FragmentsArePutTogether) {
  const auto explanations = explain_all(kGolden + "rfc2473/7.2-fragments-in-order.golden");
  ASSERT_EQ(explanations.size(), 2u);
  EXPECT_EQ(explanations[0].verdict, "held");
  EXPECT_THAT(
      unwrapped(to_text(explanations[0])),
      HasSubstr("Fragment id 0x00000000, fragment at offset 0, more follow IPv4 192.0.2.80 → 203.0.113.7"));
  EXPECT_EQ(explanations[1].verdict, "to-ipv4");
  EXPECT_THAT(unwrapped(to_text(explanations[1])),
              HasSubstr("With this one 2 fragments are here: together they are a packet of 1528 octets."));
  const auto json = to_json(explanations[1]);
  EXPECT_EQ(json["whole"]["octets"], 1528);
  EXPECT_EQ(json["whole"]["headers"][1]["header"], "IPv4");
  EXPECT_FALSE(to_json(explanations[0]).contains("whole"));
  EXPECT_TRUE(to_json(explanations[0]).contains("advice"));
}

TEST(Explanation, SaysWhyNobodyIsTold) {
  struct Silence {
    const char* golden;
    const char* said;
  };
  for (const Silence& row : std::initializer_list<Silence>{
           {"denylist/error-is-silent", "It is an ICMP error itself, and there are no errors about errors."},
           {"denylist/echo-requests", "Nobody hears that an ICMPv6 message is administratively prohibited."},
           {"rfc1812/5.2.2-header-checksum-is-verified", "Its source may be as damaged as the rest of it."},
           {"rfc2473/7.2-too-big-later-fragment-with-df", "Only the first fragment of a packet is reported."},
           {"rfc7915/5.2-neighbour-discovery-is-dropped",
            "Messages without a counterpart disappear in silence."}}) {
    const auto explanations = explain_all(kGolden + row.golden + ".golden");
    EXPECT_TRUE(std::ranges::any_of(explanations, [&](const Explanation& e) {
      return !e.is_answered && e.silence.text == row.said && to_json(e)["silence"]["text"] == row.said;
    })) << row.golden;
  }
}

TEST(Explanation, TheWholeCorpusCanBeExplained) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(kGolden)) {
    if (entry.path().extension() != ".golden") continue;
    for (const Explanation& explanation : explain_all(entry.path())) {
      ++count;
      const std::string text = to_text(explanation);
      for (const char* unsaid : {"{from}", "{to}", "{}", "  .", "[]"})
        EXPECT_THAT(text, Not(HasSubstr(unsaid))) << entry.path() << "\n" << text;
      EXPECT_EQ(explanation.verdict == "drop", explanation.reason != DropReason::None) << entry.path();
      for (const Decision& decision : explanation.decisions)
        EXPECT_TRUE(decision.text.ends_with('.')) << decision.text;
      const auto json = to_json(explanation);
      EXPECT_EQ(json["after"].size(), explanation.after.size());
      EXPECT_EQ(explanation.silence.text.empty(), explanation.verdict != "drop" || explanation.is_answered)
          << entry.path();
    }
  }
  EXPECT_GT(count, 800u);
}

TEST(Explanation, LinesFitATerminal) {
  const std::string text = to_text(
      explain_all(kGolden + "icmpext-xlat/packet-too-big-gets-dummy-source-and-node-identification.golden")
          .at(0));
  std::size_t columns = 0;
  for (const char c : text) {
    columns = c == '\n' ? 0 : columns + ((static_cast<unsigned char>(c) & 0xc0) != 0x80 ? 1 : 0);
    EXPECT_LE(columns, 100u);
  }
  EXPECT_THAT(text, Not(HasSubstr("[RFC\n"))) << "a citation stays on one line";
}

TEST(Explanation, JsonHasEveryPart) {
  const auto json =
      to_json(explain_all(kGolden + "rfc7915/4.1-df1-1481-octets-are-answered-with-3-4.golden").at(0));
  EXPECT_EQ(json["verdict"], "drop");
  EXPECT_EQ(json["reason"], "packet-too-big");
  EXPECT_EQ(json["answered"], true);
  EXPECT_EQ(json["before"]["octets"], 1481);
  EXPECT_EQ(json["before"]["headers"][0]["header"], "IPv4");
  EXPECT_EQ(json["after"][0]["headers"][1]["header"], "ICMP");
  EXPECT_EQ(json["decisions"][0]["topic"], "addresses");
}

TEST(Explanation, EveryDropReasonComesWithAdvice) {
  for (std::size_t i = 1; i < kDropReasonCount; ++i) {
    EXPECT_TRUE(advice_about(static_cast<DropReason>(i)).ends_with('.')) << kDropReasons[i].label;
    EXPECT_TRUE(advice_about_tunnel(static_cast<DropReason>(i)).ends_with('.')) << kDropReasons[i].label;
  }
}

TEST(PacketInput, TakesOctetsAsPeopleWriteThem) {
  struct Good {
    const char* name;
    const char* text;
    std::size_t size;
  };
  for (const Good& row : std::initializer_list<Good>{{"blanks", "45 00 00 14", 4},
                                                     {"one run", "45000014", 4},
                                                     {"colons", "45:00:0A:ff", 4},
                                                     {"lines and comments", "45 00 # start\n  00 14\n", 4},
                                                     {"tcpdump -x", "\t0x0000:  4500 0014\n\t0x0010:  ab", 5},
                                                     {"halves of four", "4500 0014 00", 5}}) {
    const auto packet = parse_hex_packet(row.text);
    ASSERT_TRUE(packet) << row.name;
    EXPECT_EQ(packet->size(), row.size) << row.name;
  }
  for (const char* text : {"", "  # only a comment", "45 0", "45 0g", "0x45", "45 00 …"})
    EXPECT_FALSE(parse_hex_packet(text)) << text;
}

TEST(Explain, ALoadBalancerSaysWhichServerAndWhy) {
  const auto connection = explain_all(kGolden + "slb64/tcp-connection.golden");
  ASSERT_GE(connection.size(), 3u);
  const std::string syn = unwrapped(to_text(connection[0]));
  EXPECT_THAT(syn, HasSubstr("A new flow to 2001:db8:80::1 and its port: the hash of its client chooses the "
                             "server 203.0.113.80."));
  EXPECT_THAT(syn, HasSubstr("The source port 1000 becomes 5000: that of the binding."));
  EXPECT_THAT(syn, HasSubstr("The destination port 80 becomes 8080: that of the server."));
  const std::string answer = unwrapped(to_text(connection[1]));
  EXPECT_THAT(answer, HasSubstr("The source 203.0.113.80 is seen by the client as the virtual address "
                                "2001:db8:80::1."));
  EXPECT_THAT(answer, HasSubstr("The source port 8080 becomes 80: that of the service."));
  EXPECT_THAT(unwrapped(to_text(connection[2])),
              HasSubstr("The flow to 2001:db8:80::1 and its port has a server: it stays with 203.0.113.80."));
  const auto refused = explain_all(kGolden + "slb64/all-servers-drained.golden");
  ASSERT_EQ(refused.size(), 1u);
  const std::string none = unwrapped(to_text(refused[0]));
  EXPECT_THAT(none, HasSubstr("No server of the service at 2001:db8:80::1 takes the flow"));
  EXPECT_THAT(none, HasSubstr("`yonroku show services`"));
}

TEST(Explain, ANat44SaysWhatItRewrote) {
  const auto about_tcp = explain_all(kGolden + "rfc7597/9-error-about-tcp.golden");
  ASSERT_EQ(about_tcp.size(), 2u);
  const std::string error = unwrapped(to_text(about_tcp[1]));
  EXPECT_THAT(error, HasSubstr("It quotes a packet from 192.168.1.2 to 203.0.113.7 now"));
  EXPECT_THAT(error, Not(HasSubstr("untouched")));
  const auto spoofed = explain_all(kGolden + "rfc7599/8.2-port-of-another-set.golden");
  ASSERT_EQ(spoofed.size(), 2u);
  const std::string forged = unwrapped(to_text(spoofed[1]));
  EXPECT_THAT(forged,
              HasSubstr("192.0.2.19 with its port is not the outer source 2001:db8:13:100:0:c000:213:1's"));
  EXPECT_THAT(forged, Not(HasSubstr("No mapping")));
  const auto across = explain_all(kGolden + "rfc7599/11-hairpin-udp.golden");
  ASSERT_EQ(across.size(), 3u);
  const std::string back = unwrapped(to_text(across[1]));
  EXPECT_THAT(back, HasSubstr("verdict: back to the hosts: IPv4"));
  EXPECT_THAT(back, Not(HasSubstr("a translator is a router")));
}

TEST(Explain, ANatSaysWhetherThereWasABinding) {
  const auto first = explain_all(kGolden + "rfc6146/3.5.1-udp-out-and-back.golden");
  ASSERT_EQ(first.size(), 2u);
  const std::string out = unwrapped(to_text(first[0]));
  EXPECT_THAT(out, HasSubstr("with its port has no binding yet: it gets one, and becomes 192.0.2.1."));
  EXPECT_THAT(out, HasSubstr(": that of the binding. [RFC 6146 §3.5.1]"));
  EXPECT_THAT(out, HasSubstr("adjusted by the change of the addresses and the ports."));
  EXPECT_THAT(unwrapped(to_text(first[1])),
              HasSubstr("The destination 192.0.2.1 with its port has a binding: it becomes 2001:db8:"));
  const auto again = explain_all(kGolden + "rfc6146/3.5.1-one-port-to-two-servers.golden");
  ASSERT_GE(again.size(), 2u);
  EXPECT_THAT(unwrapped(to_text(again[1])), HasSubstr("has a binding"));
  const auto ping = explain_all(kGolden + "rfc6146/3.1-static-binding-of-icmp.golden");
  ASSERT_FALSE(ping.empty());
  EXPECT_THAT(unwrapped(to_text(ping[0])), HasSubstr("The identifier "));
  const auto syn = explain_all(kGolden + "rfc6146/3.5.2.2-unsolicited-syn.golden");
  ASSERT_FALSE(syn.empty());
  EXPECT_THAT(unwrapped(to_text(syn[0])), HasSubstr("No ICMP error is sent about it. It is kept for"));
  EXPECT_THAT(unwrapped(to_text(syn[0])), HasSubstr("a capture file of the whole conversation tells more"));
}

}  // namespace
}  // namespace yonroku::api
