#include "natlog/syslog_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "natlog/framer.h"
#include "natlog/test_entries.h"

namespace yonroku::natlog {
namespace {

using Kind = share::NatEvent::Kind;
using share::NatProtocol;
using testing::ElementsAre;

class SyslogMessage : public testing::Test {
 protected:
  std::vector<std::string> encode(const Batch& batch) {
    std::vector<Message> messages;
    encoder_.encode(batch, messages);
    std::vector<std::string> texts;
    for (const Message& message : messages) texts.push_back(message.octets);
    return texts;
  }
  std::string encode(const Event& event) { return encode(std::vector{event}).at(0); }

  Source source_ = test_source();
  SyslogEncoder encoder_{{.facility = 16, .host = "gate way", .process = 42}};
};

TEST_F(SyslogMessage, Binding) {  // RFC 5424 §6
  EXPECT_EQ(encode(test_event(source_, Kind::BindingCreated)),
            "<134>1 2026-11-21T12:03:59.120Z gate?way yonroku 42 NAT-BINDING [yonroku@32473 instance=\"plat\""
            " event=\"binding-created\" protocol=\"udp\" inside=\"2001:db8:12::7\" inside-port=\"40000\""
            " outside=\"198.51.100.2\" outside-port=\"2000\"][meta sequenceId=\"1\"]"
            " udp port 2000 of 198.51.100.2 now stands for 2001:db8:12::7 port 40000");
}

TEST_F(SyslogMessage, SessionOfIcmpBehindAB4) {
  Event event = test_event(source_, Kind::SessionEnded, NatProtocol::Icmp);
  event.what.inside.ipv4 = *Ipv4Address::parse("10.0.0.7");
  event.what.is_recovered = true;
  EXPECT_EQ(encode(event),
            "<134>1 2026-11-21T12:03:59.120Z gate?way yonroku 42 NAT-SESSION [yonroku@32473 instance=\"plat\""
            " event=\"session-ended\" protocol=\"icmp\" inside=\"2001:db8:12::7\" inside-ipv4=\"10.0.0.7\""
            " inside-identifier=\"40000\" outside=\"198.51.100.2\" outside-identifier=\"2000\""
            " remote=\"203.0.113.80\" recovered=\"true\"][meta sequenceId=\"1\"] icmp identifier 2000 of"
            " 198.51.100.2 no longer stands for 10.0.0.7 behind 2001:db8:12::7 identifier 40000 towards"
            " 203.0.113.80");
}

TEST_F(SyslogMessage, PortBlockHasNoProtocol) {
  Event event = test_event(source_, Kind::PortBlockTaken);
  event.last_port = 2255;
  EXPECT_EQ(encode(event),
            "<134>1 2026-11-21T12:03:59.120Z gate?way yonroku 42 PORT-BLOCK [yonroku@32473 instance=\"plat\""
            " event=\"port-block-taken\" inside=\"2001:db8:12::7\" outside=\"198.51.100.2\""
            " outside-port=\"2000\" outside-last-port=\"2255\"][meta sequenceId=\"1\"]"
            " ports 2000-2255 of 198.51.100.2 now belong to 2001:db8:12::7");
}

TEST_F(SyslogMessage, RefusalsAndNotesAreMoreSevere) {
  Event event = test_event(source_, Kind::PortsExhausted);
  event.what.outside = {};
  EXPECT_THAT(encode(event), testing::StartsWith("<132>1 "));
  EXPECT_THAT(encode(event), testing::EndsWith("] no udp port is left for 2001:db8:12::7"));
  event.what.outside.address = *Ipv4Address::parse("198.51.100.2");
  EXPECT_THAT(encode(event),
              testing::EndsWith(" outside=\"198.51.100.2\"][meta sequenceId=\"3\"] no udp port is left for"
                                " 2001:db8:12::7 at 198.51.100.2"));
  EXPECT_THAT(encode(Note{kTestTime, Note::Kind::Lost, nullptr, 12}),
              ElementsAre("<131>1 2026-11-21T12:03:59.120Z gate?way yonroku 42 NOTE [yonroku@32473"
                          " event=\"log-lost\" count=\"12\"][meta sequenceId=\"4\"]"
                          " 12 entries of the log are missing here"));
  EXPECT_THAT(encode(Note{kTestTime, Note::Kind::Ended, &source_}),
              ElementsAre(testing::AllOf(testing::StartsWith("<133>1 "),
                                         testing::HasSubstr("instance=\"plat\" event=\"instance-ended\""))));
}

TEST_F(SyslogMessage, WhichLimit) {
  using enum share::NatRefusal;
  const std::pair<share::NatRefusal, std::string_view> rows[] = {
      {SubscriberPorts, "limit=\"subscriber-ports\" | has as many ports as it may have"},
      {SubscriberSessions, "limit=\"subscriber-sessions\" | has as many sessions as it may have"},
      {SubscriberSessionRate, "limit=\"subscriber-session-rate\" | opens sessions faster than it may"},
  };
  for (const auto& [limit, words] : rows) {
    Event event = test_event(source_, Kind::LimitExceeded);
    event.what.outside = {};
    event.what.limit = limit;
    const auto bar = words.find(" | ");
    EXPECT_THAT(encode(event), testing::HasSubstr(std::string(words.substr(0, bar)) + "][meta"));
    EXPECT_THAT(encode(event), testing::EndsWith(std::string(words.substr(bar + 2))));
  }
}

TEST_F(SyslogMessage, AMessageForEachLineOfATable) {
  Source siit = test_source(config::Mechanism::Siit);
  TableChange change{.time = kTestTime, .source = &siit};
  change.removed_mappings = {{*Ipv4Prefix::parse("192.0.2.1/32"), *Ipv6Prefix::parse("2001:db8::1/128")}};
  change.added_mappings = {{*Ipv4Prefix::parse("192.0.2.0/24"), *Ipv6Prefix::parse("2001:db8:1::/120")}};
  const auto lines = encode(change);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_THAT(lines[0], testing::HasSubstr(R"(event="mapping-removed" line="192.0.2.1/32,2001:db8::1/128")"));
  EXPECT_THAT(lines[1], testing::HasSubstr(R"(event="mapping-added" line="192.0.2.0/24,2001:db8:1::/120")"));
  change.kind = TableChange::Kind::Whole;
  const auto whole = encode(change);
  ASSERT_EQ(whole.size(), 1u);
  EXPECT_THAT(whole[0], testing::HasSubstr(
                            R"( TABLE [yonroku@32473 instance="plat" event="mappings-replaced" size="1"])"));
}

TEST(SyslogFraming, CountsOctets) {  // RFC 6587 §3.4.1
  const std::deque<Message> messages = {{{}, "one"}, {{}, "three"}, {{}, "seventeen"}};
  std::string out;
  EXPECT_EQ(SyslogStream().frame(messages, 0, 10, 0, out), 2u);
  EXPECT_EQ(out, "3 one5 three");
  out.clear();
  EXPECT_EQ(SyslogStream().frame(messages, 2, 1, 0, out), 1u) << "at least one";
  EXPECT_EQ(out, "9 seventeen");
  out.clear();
  EXPECT_EQ(SyslogDatagrams().frame(messages, 1, 1, 0, out), 1u);
  EXPECT_EQ(out, "three");
}

}  // namespace
}  // namespace yonroku::natlog
