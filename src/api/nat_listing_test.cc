#include "api/nat_listing.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace yonroku::api {
namespace {

using control::NatPiece;
using control::NatPlace;
using control::NatQuery;
using control::NatTable;
using nlohmann::json;

// A NAT of so many looks, each with one subscriber that is busier than the one before.
class NatListingTest : public testing::Test {
 protected:
  static constexpr uint64_t kLooks = 1000;

  std::string list(NatTable table, const std::multimap<std::string, std::string>& parameters) {
    const auto look = [this](const NatQuery& query, const NatPlace& from, std::size_t) -> Result<NatPiece> {
      if (++looks_ > answered_) return fail("plat", "worker 0 did not answer", "try again");
      NatPiece piece;
      share::SubscriberView subscriber;
      subscriber.ipv4 = Ipv4Address(static_cast<uint32_t>(0x0a000000 + from.entry));
      subscriber.sessions = static_cast<uint32_t>(from.entry + 1);
      subscriber.bindings = 1;
      if (query.table == NatTable::Subscribers && measure(subscriber, query.order) >= query.least)
        piece.subscribers.push_back(subscriber);
      if (query.table == NatTable::Subscribers && from.entry + 1 < kLooks)
        piece.next = NatPlace{0, from.entry + 1};
      return piece;
    };
    NatListing listing(*parse_nat_request(table, parameters), look, NatListing::Pause::Never);
    std::string text;
    while (!listing.has_ended()) {
      const auto piece = listing.next_piece();
      if (!piece && text.empty()) return "refused";
      text += piece ? *piece : listing.end_with(piece.error());
    }
    return text;
  }

  uint64_t looks_ = 0;
  uint64_t answered_ = UINT64_MAX;
};

TEST_F(NatListingTest, SortedSubscribersAreFewAndTheBusiestFirst) {
  const json answer = json::parse(list(NatTable::Subscribers, {{"sort", "sessions"}, {"limit", "3"}}));
  EXPECT_EQ(looks_, kLooks);
  ASSERT_EQ(answer["subscribers"].size(), 3U);
  EXPECT_EQ(answer["subscribers"][0]["sessions"], 1000);
  EXPECT_EQ(answer["subscribers"][2]["sessions"], 998);
  EXPECT_EQ(answer["next"], nullptr);
}

TEST_F(NatListingTest, TheBusiestComeBehindThePorts) {
  const json answer = json::parse(list(NatTable::Ports, {{"busiest", "2"}}));
  EXPECT_EQ(answer["busiest"].size(), 2U);
  EXPECT_EQ(answer["busiest"][0]["subscriber"], "10.0.0.0")
      << "each has one binding: the first that was found";
  EXPECT_EQ(answer["next"], nullptr);
  looks_ = 0;
  EXPECT_EQ(json::parse(list(NatTable::Ports, {{"busiest", "0"}}))["busiest"], json::array());
  EXPECT_EQ(looks_, 1U) << "at the ports";
}

TEST_F(NatListingTest, AnAnswerThatBreaksOffIsWhole) {
  answered_ = 600;
  for (const auto& [table, parameter] : {std::pair{NatTable::Subscribers, std::pair{"sort", "sessions"}},
                                         std::pair{NatTable::Ports, std::pair{"busiest", "3"}},
                                         std::pair{NatTable::Subscribers, std::pair{"limit", "900"}}}) {
    looks_ = 0;
    const json answer = json::parse(list(table, {{parameter.first, parameter.second}}));
    EXPECT_EQ(answer["error"]["what"], "worker 0 did not answer");
  }
  answered_ = 0;
  EXPECT_EQ(list(NatTable::Subscribers, {{"sort", "sessions"}}), "refused");
}

}  // namespace
}  // namespace yonroku::api
