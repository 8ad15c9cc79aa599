#include "share/nat/port_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

namespace yonroku::share {
namespace {

// The slots of a set against the set itself, port by port; port 0 is never given out.
void expect_same(const PortSet& set) {
  const PortSlots slots = PortSlots::of_port_set(set);
  std::vector<uint16_t> ports;
  uint32_t wrong = 0;
  for (uint32_t port = 1; port <= UINT16_MAX; ++port) {
    const auto number = static_cast<uint16_t>(port);
    const bool is_in_set = set.contains(number);
    const auto slot = slots.slot(number);
    if (slot != (is_in_set ? std::optional(static_cast<uint32_t>(ports.size())) : std::nullopt)) ++wrong;
    if (slots.first_from(port) != ports.size()) ++wrong;
    if (is_in_set) ports.push_back(number);
  }
  EXPECT_EQ(wrong, 0u);
  EXPECT_EQ(slots.slot(0), std::nullopt);
  ASSERT_EQ(slots.count, ports.size());
  for (uint32_t slot = 0; slot < slots.count; ++slot)
    if (slots.port(slot) != ports[slot]) ++wrong;
  EXPECT_EQ(wrong, 0u);
}

TEST(PortSlots, AreThePortsOfTheSet) {
  for (unsigned offset = 0; offset <= 15; ++offset) {
    for (unsigned length = 1; offset + length <= 16; ++length) {
      const auto last = static_cast<uint16_t>((1u << length) - 1);
      for (const uint16_t psid : std::set<uint16_t>{0, 1, static_cast<uint16_t>(last / 3 * 2), last}) {
        SCOPED_TRACE(testing::Message() << "offset " << offset << ", length " << length << ", PSID " << psid);
        const auto set = PortSet::create(
            {.psid_offset = static_cast<uint8_t>(offset), .psid_length = static_cast<uint8_t>(length)}, psid);
        ASSERT_TRUE(set);
        expect_same(*set);
        if (HasFailure()) return;
      }
    }
  }
}

TEST(PortSlots, OfARangeAreItsPorts) {
  const PortSlots slots = PortSlots::of_range(5000, 5003);
  EXPECT_EQ(slots.count, 4u);
  EXPECT_EQ(slots.port(0), 5000);
  EXPECT_EQ(slots.port(3), 5003);
  EXPECT_EQ(slots.slot(4999), std::nullopt);
  EXPECT_EQ(slots.slot(5004), std::nullopt);
  EXPECT_EQ(PortSlots::of_range(1, 65535).count, 65535u);
}

TEST(PortPool, GivesOutTheWholeSetAndNothingElse) {
  const PortSet set = *PortSet::create({.psid_offset = 6, .psid_length = 8}, 0x34);
  NatSettings settings;
  settings.pools = {{.addresses = {*Ipv4Prefix::parse("192.0.2.18")}, .port_set = set}};
  PortPool pool(settings, 0, 1);
  RandomSource random(0x5eed);
  std::set<uint16_t> given;
  while (const auto slot =
             pool.take_any(0, NatProtocol::Udp, pool.share_of(0), PortPool::Parity::Any, random)) {
    const uint16_t port = pool.port_of({0, *slot});
    EXPECT_TRUE(set.contains(port)) << port;
    EXPECT_TRUE(given.insert(port).second) << port;
  }
  EXPECT_EQ(given.size(), 252u);
}

TEST(PortPool, WorkersShareTheSet) {
  const PortSet set = *PortSet::create({.psid_offset = 6, .psid_length = 8}, 0x34);
  NatSettings settings;
  settings.pools = {{.addresses = {*Ipv4Prefix::parse("192.0.2.18")}, .port_set = set}};
  for (const uint16_t workers : std::set<uint16_t>{2, 3, 7}) {
    std::multiset<uint16_t> given;
    for (uint16_t worker = 0; worker < workers; ++worker) {
      PortPool pool(settings, worker, workers);
      RandomSource random(0x5eed);
      while (const auto slot =
                 pool.take_any(0, NatProtocol::Udp, pool.share_of(0), PortPool::Parity::Any, random)) {
        EXPECT_EQ(pool.worker_of({0, *slot}), worker);
        given.insert(pool.port_of({0, *slot}));
      }
    }
    EXPECT_EQ(given.size(), 252u) << workers;
    EXPECT_EQ(std::set<uint16_t>(given.begin(), given.end()).size(), 252u) << workers;
  }
}

}  // namespace
}  // namespace yonroku::share
