#include "share/nat/deterministic.h"

#include <gtest/gtest.h>

namespace yonroku::share {
namespace {

NatSettings settings() {
  NatSettings settings;
  settings.allocation = PortAllocation::Deterministic;
  settings.block_size = 1000;
  settings.subscriber_prefix_length = 56;
  settings.subscribers = {*Ipv6Prefix::parse("2001:db8:1::/54"), *Ipv6Prefix::parse("2001:db8:2::/48")};
  settings.pools = {
      {.addresses = {*Ipv4Prefix::parse("192.0.2.0/31")}, .first_port = 10000, .last_port = 12500},
      {.addresses = {*Ipv4Prefix::parse("203.0.113.0/24")}}};
  return settings;
}

TEST(Deterministic, FollowsFromTheNumber) {
  const NatSettings nat = settings();
  const PortPool pool(nat, 0, 1);
  struct Row {
    const char* subscriber;
    const char* address;
    uint16_t first_port;
  };
  // Two blocks of each address of the first pool, 64 of the second's.
  for (const Row& row :
       {Row{"2001:db8:1:0::", "192.0.2.0", 10000}, Row{"2001:db8:1:100::", "192.0.2.0", 11000},
        Row{"2001:db8:1:200::", "192.0.2.1", 10000}, Row{"2001:db8:1:300::", "192.0.2.1", 11000},
        Row{"2001:db8:2:0::", "203.0.113.0", 1024}, Row{"2001:db8:2:100::", "203.0.113.0", 2024},
        Row{"2001:db8:2:4000::", "203.0.113.1", 1024}}) {
    const auto subscriber = Ipv6Prefix::create(*Ipv6Address::parse(row.subscriber), 56);
    const auto place = deterministic_place(nat, pool, subscriber->address());
    ASSERT_TRUE(place) << row.subscriber;
    EXPECT_EQ(pool.address(place->address).to_string(), row.address);
    EXPECT_EQ(pool.port_of(*place), row.first_port);
    for (const uint32_t into : {0u, 1u, 999u})
      EXPECT_EQ(deterministic_subscriber(nat, pool, {place->address, place->slot + into}), subscriber);
  }
}

TEST(Deterministic, WhatIsNobodys) {
  const NatSettings nat = settings();
  const PortPool pool(nat, 0, 1);
  EXPECT_FALSE(deterministic_place(nat, pool, *Ipv6Address::parse("2001:db8:3::")));
  EXPECT_FALSE(deterministic_subscriber(nat, pool, {0, 2000}));  // what is left of an address
  EXPECT_FALSE(deterministic_subscriber(nat, pool, {200, 0}));   // more blocks than subscribers
}

}  // namespace
}  // namespace yonroku::share
