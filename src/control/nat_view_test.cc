#include "control/nat_view.h"

#include <gtest/gtest.h>

#include "control/busiest.h"

namespace yonroku::control {
namespace {

using share::NatProtocol;

TEST(NatFilter, AsksAboutWhatIsSet) {
  const share::SessionView session{NatProtocol::Tcp,
                                   {*Ipv6Address::parse("2001:db8:0:12::1"), {}, 40000},
                                   {Ipv4Address(192, 0, 2, 1), 1024},
                                   {Ipv4Address(203, 0, 113, 80), 443},
                                   2,
                                   60};
  struct Row {
    const char* name;
    void (*set)(NatFilter&);
    bool matches;
  };
  const Row rows[] = {
      {"nothing", [](NatFilter&) {}, true},
      {"subscriber", [](NatFilter& f) { f.subscriber = Ipv6Prefix::parse("2001:db8::/56"); }, true},
      {"another one", [](NatFilter& f) { f.subscriber = Ipv6Prefix::parse("2001:db8:0:100::/56"); }, false},
      {"inside", [](NatFilter& f) { f.inside = Ipv6Address::parse("2001:db8:0:12::1"); }, true},
      {"inside's port", [](NatFilter& f) { f.inside_port = 40001; }, false},
      {"inside of IPv4", [](NatFilter& f) { f.inside_ipv4 = Ipv4Address(10, 0, 0, 1); }, false},
      {"outside", [](NatFilter& f) { f.outside = Ipv4Address(192, 0, 2, 1); }, true},
      {"outside's port", [](NatFilter& f) { f.outside_port = 1025; }, false},
      {"remote", [](NatFilter& f) { f.remote = Ipv4Address(203, 0, 113, 80); }, true},
      {"remote's port", [](NatFilter& f) { f.remote_port = 80; }, false},
      {"protocol", [](NatFilter& f) { f.protocol = NatProtocol::Udp; }, false},
  };
  for (const Row& row : rows) {
    NatFilter filter;
    row.set(filter);
    EXPECT_EQ(filter.matches(session), row.matches) << row.name;
  }
}

TEST(NatFilter, FindsSubscribersBothWays) {
  share::SubscriberView subscriber;
  subscriber.ipv6 = *Ipv6Prefix::parse("2001:db8::/56");
  subscriber.outside = Ipv4Address(192, 0, 2, 1);
  NatFilter filter;
  for (const auto& [prefix, matches] : {std::pair{"2001:db8::/32", true}, std::pair{"2001:db8::7", true},
                                        std::pair{"2001:db9::/32", false}}) {
    filter.subscriber = Ipv6Prefix::parse(prefix);
    EXPECT_EQ(filter.matches(subscriber), matches) << prefix;
  }
  filter = {};
  filter.outside = Ipv4Address(192, 0, 2, 2);
  EXPECT_FALSE(filter.matches(subscriber));
}

TEST(LookAt, CostsNoMoreThanAllowedAndEndsAnywhere) {
  share::NatSettings settings;
  settings.pools = {{{*Ipv4Prefix::parse("192.0.2.1")}, 1024, 65535}};
  settings.max_sessions = 10'000;
  share::Nat nat(settings, 1, 0, 1, Instant{});
  for (uint16_t port = 1; port <= 20; ++port)
    for (uint16_t remote = 1; remote <= 50; ++remote) {
      share::Ipv4Endpoint outside;
      ASSERT_EQ(nat.outbound({{Ipv6Address(0x20010db800000000, 1), {}, port},
                              {Ipv4Address(203, 0, 113, 80), remote},
                              NatProtocol::Udp,
                              0},
                             Instant{}, outside),
                DropReason::None);
    }
  for (const NatTable table : {NatTable::Bindings, NatTable::Sessions}) {
    for (const std::size_t most : {std::size_t{1}, std::size_t{7}, std::size_t{10'000}}) {
      std::size_t seen = 0;
      for (uint64_t entry = 0; entry != share::Nat::kEnd;) {
        NatPiece piece;
        entry = look_at(nat, {table, {}}, entry, most, Instant{}, piece);
        EXPECT_LE(piece.size(), std::min(most, kNatPlacesAtOnce));
        seen += piece.size();
      }
      EXPECT_EQ(seen, table == NatTable::Bindings ? 20u : 1000u);
    }
  }
  NatPiece piece;
  EXPECT_NE(look_at(nat, {NatTable::Bindings, {}}, 0, 10'000, Instant{}, piece), share::Nat::kEnd)
      << "sessions that are counted cost as well";
}

class BusiestTest : public testing::Test {
 protected:
  static constexpr uint64_t kSubscribers = 3000;
  BusiestTest() {
    settings_.pools = {{{*Ipv4Prefix::parse("192.0.2.0/28")}, 1024, 65535}};
    settings_.max_sessions = 20'000;
    nat_.emplace(settings_, 1, 0, 1, Instant{});
    // Subscriber 2000 has the most sessions, all of one port; subscriber 1000 the most ports.
    for (uint64_t i = 0; i < kSubscribers; ++i) open(i, 1, i % 7 + 1);
    open(1000, 40, 1);
    open(2000, 1, 300);
  }
  void open(uint64_t subscriber, uint16_t ports, uint64_t remotes) {
    for (uint16_t port = 1; port <= ports; ++port)
      for (uint16_t remote = 1; remote <= remotes; ++remote) {
        share::Ipv4Endpoint outside;
        ASSERT_EQ(nat_->outbound({{Ipv6Address(0x20010db800000000 + subscriber, 1), {}, port},
                                  {Ipv4Address(203, 0, 113, 80), remote},
                                  NatProtocol::Udp,
                                  0},
                                 Instant{}, outside),
                  DropReason::None);
      }
  }
  static uint64_t number(const share::SubscriberView& view) {
    return view.ipv6.address().high() & 0xffffffff;
  }

  share::NatSettings settings_;
  std::optional<share::Nat> nat_;
};

TEST_F(BusiestTest, AreFoundInBoundedPieces) {
  struct Row {
    SubscriberOrder by;
    uint64_t first;
    uint32_t measure;
  };
  for (const Row& row :
       {Row{SubscriberOrder::Sessions, 2000, 300}, Row{SubscriberOrder::Bindings, 1000, 40}}) {
    Busiest busiest(row.by, 10, {});
    std::size_t handed_out = 0, looks = 0;
    for (uint64_t entry = 0; entry != share::Nat::kEnd; ++looks) {
      NatPiece piece;
      const uint64_t before = entry;
      entry = look_at(*nat_, busiest.query(), entry, kNatPlacesAtOnce, Instant{}, piece);
      EXPECT_TRUE(entry == share::Nat::kEnd || entry - before <= kNatPlacesAtOnce);
      handed_out += piece.size();
      busiest.add(std::move(piece.subscribers));
    }
    EXPECT_EQ(looks, (kSubscribers + kNatPlacesAtOnce - 1) / kNatPlacesAtOnce);
    EXPECT_LT(handed_out, kNatPlacesAtOnce + 20) << "those behind the first piece stay where they are";
    ASSERT_EQ(busiest.found().size(), 10U);
    EXPECT_EQ(number(busiest.found()[0]), row.first);
    EXPECT_EQ(measure(busiest.found()[0], row.by), row.measure);
    EXPECT_TRUE(std::ranges::is_sorted(busiest.found(), std::ranges::greater{},
                                       [&](const auto& view) { return measure(view, row.by); }));
  }
}

TEST_F(BusiestTest, AreThoseThatFitTheFilter) {
  NatFilter filter;
  filter.subscriber = Ipv6Prefix::parse("2001:db8:0:10::/60");
  Busiest busiest(SubscriberOrder::Sessions, 3, filter);
  for (uint64_t entry = 0; entry != share::Nat::kEnd;) {
    NatPiece piece;
    entry = look_at(*nat_, busiest.query(), entry, kNatPlacesAtOnce, Instant{}, piece);
    busiest.add(std::move(piece.subscribers));
  }
  std::vector<uint64_t> numbers;
  for (const auto& view : busiest.found()) numbers.push_back(number(view));
  EXPECT_EQ(numbers, (std::vector<uint64_t>{0x14, 0x1b, 0x13})) << "7, 7 and 6 sessions";
}

TEST(NatStatus, IsShortAboveNineTenths) {
  NatStatus nat;
  EXPECT_TRUE(short_of(nat).empty()) << "of nothing";
  nat.max_sessions = 1000;
  nat.counts.ports = 100;
  nat.counts.used_ports = {90, 91, 0};
  nat.counts.sessions[0] = {900};
  EXPECT_EQ(short_of(nat), (std::vector<std::string_view>{"tcp-ports"}));
  nat.counts.sessions[1][2] = 1;
  nat.counts.blocks = 10;
  nat.counts.used_blocks = 10;
  EXPECT_EQ(short_of(nat), (std::vector<std::string_view>{"tcp-ports", "port-blocks", "sessions"}));
}

}  // namespace
}  // namespace yonroku::control
