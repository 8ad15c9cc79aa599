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

TEST(Explanation, SaysWhatMatters) {
  for (const Row& row : kRows) {
    const std::string path = kGolden + row.golden + ".golden";
    const auto explanations = explain_all(path);
    ASSERT_FALSE(explanations.empty()) << path;
    const std::string text = unwrapped(to_text(explanations.front()));
    for (const char* said : row.said) EXPECT_THAT(text, HasSubstr(said)) << row.golden;
    for (const char* unsaid : row.unsaid) EXPECT_THAT(text, Not(HasSubstr(unsaid))) << row.golden;
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
  for (std::size_t i = 1; i < kDropReasonCount; ++i)
    EXPECT_TRUE(advice_about(static_cast<DropReason>(i)).ends_with('.')) << kDropReasons[i].label;
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

}  // namespace
}  // namespace yonroku::api
