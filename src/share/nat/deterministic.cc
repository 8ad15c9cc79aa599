#include "share/nat/deterministic.h"

#include <algorithm>

namespace yonroku::share {
namespace {

using Wide = unsigned __int128;

Wide wide(const Ipv6Address& address) { return Wide{address.high()} << 64 | address.low(); }

Ipv6Address narrow(Wide address) {
  return {static_cast<uint64_t>(address >> 64), static_cast<uint64_t>(address)};
}

// Of one prefix: how many subscribers it holds.
Wide count_of(const NatSettings& settings, const Ipv6Prefix& prefix) {
  return Wide{1} << (settings.subscriber_prefix_length - prefix.length());
}

std::optional<PortPool::Place> next_block(const NatSettings& settings, const PortPool& pool,
                                          PortPool::Place place) {
  place.slot += settings.block_size;
  for (; place.address < pool.address_count(); place = {place.address + 1, 0})
    if (place.slot + settings.block_size <= pool.slots_of(place.address).count) return place;
  return std::nullopt;
}

}  // namespace

std::optional<PortPool::Place> deterministic_place(const NatSettings& settings, const PortPool& pool,
                                                   const Ipv6Address& subscriber) {
  const unsigned shift = 128u - settings.subscriber_prefix_length;
  Wide number = 0;
  const auto home = std::ranges::find_if(settings.subscribers, [&](const Ipv6Prefix& prefix) {
    const bool is_home = prefix.contains(subscriber);
    number += is_home ? (wide(subscriber) - wide(prefix.address())) >> shift : count_of(settings, prefix);
    return is_home;
  });
  if (home == settings.subscribers.end()) return std::nullopt;
  for (uint32_t address = 0; address < pool.address_count(); ++address) {
    const uint32_t blocks = pool.slots_of(address).count / settings.block_size;
    if (number < blocks) return PortPool::Place{address, static_cast<uint32_t>(number) * settings.block_size};
    number -= blocks;
  }
  return std::nullopt;
}

std::vector<DeterministicBlock> deterministic_blocks(const NatSettings& settings, const PortPool& pool,
                                                     const Ipv6Prefix& prefix, std::size_t most) {
  std::vector<DeterministicBlock> blocks;
  const unsigned length = settings.subscriber_prefix_length;
  for (const Ipv6Prefix& home : settings.subscribers) {
    if (!home.contains(prefix) && !prefix.contains(home)) continue;
    const Ipv6Prefix& asked = home.contains(prefix) ? prefix : home;
    Wide rest = asked.length() < length ? count_of(settings, asked) : Wide{1};
    Wide address = wide(Ipv6Prefix::holding(asked.address(), length).address());
    auto place = deterministic_place(settings, pool, narrow(address));
    for (; place && rest > 0 && blocks.size() < most; --rest, address += Wide{1} << (128u - length)) {
      blocks.push_back({Ipv6Prefix::holding(narrow(address), length), *place});
      place = next_block(settings, pool, *place);
    }
  }
  return blocks;
}

std::optional<Ipv6Prefix> deterministic_subscriber(const NatSettings& settings, const PortPool& pool,
                                                   const PortPool::Place& place) {
  const uint32_t block = place.slot / settings.block_size;
  if (block >= pool.slots_of(place.address).count / settings.block_size) return std::nullopt;
  Wide number = block;
  for (uint32_t address = 0; address < place.address; ++address)
    number += pool.slots_of(address).count / settings.block_size;
  const unsigned shift = 128u - settings.subscriber_prefix_length;
  for (const Ipv6Prefix& prefix : settings.subscribers) {
    if (number < count_of(settings, prefix)) {
      const Wide address = wide(prefix.address()) + (number << shift);
      return Ipv6Prefix::create(narrow(address), settings.subscriber_prefix_length);
    }
    number -= count_of(settings, prefix);
  }
  return std::nullopt;
}

}  // namespace yonroku::share
