#include "control/nat_view.h"

#include <gtest/gtest.h>

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
