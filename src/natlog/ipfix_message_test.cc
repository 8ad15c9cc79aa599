#include "natlog/ipfix_message.h"

#include <gtest/gtest.h>

#include <string_view>

#include "natlog/test_entries.h"

namespace yonroku::natlog {
namespace {

using Kind = share::NatEvent::Kind;

std::string hex(std::string_view octets) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char c : octets) {
    text += kDigits[static_cast<uint8_t>(c) >> 4];
    text += kDigits[static_cast<uint8_t>(c) & 15];
  }
  return text;
}
std::string without_spaces(std::string text) {
  std::erase(text, ' ');
  return text;
}

std::deque<Message> encode(const std::vector<Event>& events) {
  std::vector<Message> messages;
  IpfixEncoder().encode(events, messages);
  return {messages.begin(), messages.end()};
}

constexpr std::size_t kRoom = 1400;
constexpr Milliseconds kLater = kTestTime + 60'000;

// Octets by hand, from RFC 7011 §3 and RFC 8158 §4.2; the system test has other programs read the same.
TEST(IpfixMessage, Nat64Bindings) {
  const Source source = test_source();
  IpfixFramer framer({.observation_domain = 9, .template_interval = 60'000});
  std::string out;
  const auto records =
      encode({test_event(source, Kind::BindingCreated), test_event(source, Kind::BindingEnded)});
  ASSERT_EQ(framer.frame(records, 0, kRoom, kTestTime, out), 2u);
  EXPECT_EQ(
      hex(out),
      without_spaces("000a 0088 6b0188af 00000000 00000009"
                     "0002 0028 0101 0008  0143 0008  00e6 0001  01cf 0004"
                     "                     001b 0010  00e1 0004  0004 0001  0007 0002  00e3 0002"
                     "0101 0050"
                     "000001a1fdfdec10 0a 00000007 20010db8001200000000000000000007 c6336402 11 9c40 07d0"
                     "000001a1fdfdec10 0b 00000007 20010db8001200000000000000000007 c6336402 11 9c40 07d0"));
}

TEST(IpfixMessage, PortBlockBehindAB4) {
  const Source source = test_source(config::Mechanism::DsLiteAftr);
  Event event = test_event(source, Kind::PortBlockTaken);
  event.what.inside.ipv4 = *Ipv4Address::parse("10.0.0.7");
  event.last_port = 2255;
  const auto records = encode({event});
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(hex(records[0].octets),
            without_spaces(
                "000001a1fdfdec10 10 00000007 20010db8001200000000000000000007 0a000007 c6336402 07d0 08cf"));
}

TEST(IpfixMessage, Refusals) {
  const Source source = test_source();
  Source with_sessions = source;
  with_sessions.settings.nat.sessions_per_subscriber = 200;
  Event sessions = test_event(with_sessions, Kind::LimitExceeded), rate = sessions;
  sessions.what.limit = share::NatRefusal::SubscriberSessions;
  rate.what.limit = share::NatRefusal::SubscriberSessionRate;  // there is nothing to tell it with
  const auto records = encode({test_event(source, Kind::LimitExceeded), test_event(source, Kind::TableFull),
                               test_event(source, Kind::PortsExhausted), rate, sessions});
  ASSERT_EQ(records.size(), 4u);
  EXPECT_EQ(
      hex(records[3].octets),
      without_spaces("000001a1fdfdec10 0d 00000007 20010db8001200000000000000000007 00000003 000000c8"));
  EXPECT_EQ(
      hex(records[0].octets),
      without_spaces("000001a1fdfdec10 0d 00000007 20010db8001200000000000000000007 00000003 00000040"));
  EXPECT_EQ(hex(records[1].octets), without_spaces("000001a1fdfdec10 0d 00000007 00000001 000003e8"));
  EXPECT_EQ(hex(records[2].octets),
            without_spaces("000001a1fdfdec10 0c 00000007 20010db8001200000000000000000007 c6336402 11"));
}

TEST(IpfixMessage, SequenceNumbersAndTemplatesAgain) {  // RFC 7011 §3.1 and §8.4
  const Source source = test_source();
  const auto records = encode(std::vector(3, test_event(source, Kind::SessionCreated)));
  IpfixFramer framer({.observation_domain = 1, .template_interval = 60'000});
  const auto frame = [&](std::size_t most, Milliseconds now) {
    std::string out;
    const std::size_t count = framer.frame(records, 0, most, now, out);
    return std::tuple(count, hex(out.substr(8, 4)), hex(out.substr(16, 2)));
  };
  EXPECT_EQ(frame(kRoom, kTestTime), std::tuple(3u, "00000000", "0002"));
  EXPECT_EQ(frame(kRoom, kLater - 1), std::tuple(3u, "00000003", "0104"));
  EXPECT_EQ(frame(120, kLater), std::tuple(1u, "00000006", "0002"));
  EXPECT_EQ(frame(16 + 4 + 2 * 46, kLater), std::tuple(2u, "00000007", "0104"));
  // A clock that was set back must not keep a collector without templates for as long.
  EXPECT_EQ(frame(kRoom, kLater - 86'400'000), std::tuple(3u, "00000009", "0002"));
  EXPECT_EQ(frame(kRoom, kLater - 86'400'000), std::tuple(3u, "0000000c", "0104"));
  framer.begin();
  EXPECT_EQ(frame(kRoom, kLater), std::tuple(3u, "00000000", "0002"));
}

TEST(IpfixMessage, RecordsOfSeveralTemplatesKeepTheirOrder) {
  const Source source = test_source();
  const auto records = encode({test_event(source, Kind::BindingCreated), test_event(source, Kind::TableFull),
                               test_event(source, Kind::BindingEnded)});
  IpfixFramer framer({.observation_domain = 1, .template_interval = 0});
  std::string out;
  EXPECT_EQ(framer.frame(records, 0, kRoom, kTestTime, out), 3u);
  out.clear();
  EXPECT_EQ(framer.frame(records, 0, kRoom, kTestTime + 1'000'000'000, out), 3u);
  EXPECT_EQ(hex(out.substr(16, 4)) + hex(out.substr(16 + 42, 4)) + hex(out.substr(16 + 42 + 25, 4)),
            "0101002a010f00190101002a");
}

TEST(IpfixMessage, RecordsFromAFileThatAreNoneAreSkipped) {
  IpfixFramer framer({.observation_domain = 1, .template_interval = 0});
  std::string out;
  EXPECT_EQ(framer.frame({{"", "x"}, {"\xff\xff", "x"}, {"abc", ""}}, 0, kRoom, kTestTime, out), 3u);
  EXPECT_EQ(out.size(), 16u);
}

}  // namespace
}  // namespace yonroku::natlog
