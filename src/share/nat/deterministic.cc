#include "share/nat/deterministic.h"

#include <algorithm>

namespace yonroku::share {
namespace {

using Wide = unsigned __int128;

Wide wide(const Ipv6Address& address) { return Wide{address.high()} << 64 | address.low(); }

// Of one prefix: how many subscribers it holds.
Wide count_of(const NatSettings& settings, const Ipv6Prefix& prefix) {
  return Wide{1} << (settings.subscriber_prefix_length - prefix.length());
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
      return Ipv6Prefix::create(
          Ipv6Address(static_cast<uint64_t>(address >> 64), static_cast<uint64_t>(address)),
          settings.subscriber_prefix_length);
    }
    number -= count_of(settings, prefix);
  }
  return std::nullopt;
}

}  // namespace yonroku::share
