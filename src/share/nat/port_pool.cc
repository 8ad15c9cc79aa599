#include "share/nat/port_pool.h"

#include <algorithm>

#include "base/check.h"

namespace yonroku::share {

PortPool::PortPool(const NatSettings& settings, uint16_t worker, uint16_t workers)
    : worker_(worker),
      workers_(workers),
      share_unit_(settings.allocation == PortAllocation::Dynamic ? 1 : settings.block_size) {
  for (const NatPool& pool : settings.pools) {
    const auto first = static_cast<uint32_t>(address_pool_.size());
    for (const Ipv4Prefix& prefix : pool.addresses) {
      lowest_ = std::min(lowest_, prefix.address());
      highest_ =
          std::max(highest_, Ipv4Address(prefix.address().value() | ~Ipv4Prefix::mask(prefix.length())));
      address_pool_.resize(address_pool_.size() + (std::size_t{1} << prefix.suffix_length()),
                           static_cast<uint16_t>(pools_.size()));
    }
    pools_.push_back({pool.addresses, first, PortSlots::of_pool(pool), pool.port_set});
  }
  state_.resize(address_pool_.size());
  for (uint32_t address = 0; address < address_count(); ++address) {
    const Span share = share_of(address);
    total_ += share.end - share.begin;
  }
}

Ipv4Address PortPool::address(uint32_t number) const {
  const Pool& pool = pools_[address_pool_[number]];
  uint32_t left = number - pool.first_number;
  for (const Ipv4Prefix& prefix : pool.addresses) {
    const uint64_t size = uint64_t{1} << prefix.suffix_length();
    if (left < size) return Ipv4Address(prefix.address().value() + left);
    left -= static_cast<uint32_t>(size);
  }
  return {};
}

std::optional<uint32_t> PortPool::search(Ipv4Address address) const {
  for (const Pool& pool : pools_) {
    uint32_t number = pool.first_number;
    for (const Ipv4Prefix& prefix : pool.addresses) {
      if (prefix.contains(address)) return number + (address.value() - prefix.address().value());
      number += static_cast<uint32_t>(uint64_t{1} << prefix.suffix_length());
    }
  }
  return std::nullopt;
}

std::optional<PortPool::Place> PortPool::place_of(Ipv4Address address, uint16_t port) const {
  const auto number = number_of(address);
  if (!number) return std::nullopt;
  const auto slot = slots_of(*number).slot(port);
  if (!slot) return std::nullopt;
  return Place{*number, *slot};
}

PortPool::Span PortPool::share_of(uint32_t address) const {
  const uint32_t units = slots_of(address).count / share_unit_;
  const auto bound = [&](uint64_t worker) {
    return static_cast<uint32_t>(units * worker / workers_) * share_unit_;
  };
  const bool is_last = worker_ + 1 == workers_ && share_unit_ == 1;
  return {bound(worker_), is_last ? slots_of(address).count : bound(worker_ + 1u)};
}

uint16_t PortPool::worker_of(const Place& place) const {
  const uint64_t units = std::max<uint32_t>(slots_of(place.address).count / share_unit_, 1);
  const uint64_t unit = place.slot / share_unit_;
  return static_cast<uint16_t>(std::min<uint64_t>(((unit + 1) * workers_ - 1) / units, workers_ - 1u));
}

uint64_t* PortPool::taken(uint32_t address, NatProtocol protocol) {
  auto& bits = state_[address].taken[static_cast<std::size_t>(protocol)];
  if (bits == nullptr) bits = std::make_unique<uint64_t[]>(slots_of(address).count / 64 + 1);
  return bits.get();
}

std::optional<uint32_t> PortPool::take_any(uint32_t address, NatProtocol protocol, Span span, Parity parity,
                                           RandomSource& random) {
  if (span.begin >= span.end) return std::nullopt;
  const PortSlots& slots = slots_of(address);
  uint64_t allowed = ~uint64_t{0};  // of 64 slots
  if (parity != Parity::Any) {
    const bool first_is_even = slots.first % 2 == 0;
    if (slots.alternates())
      allowed = (parity == Parity::Even) == first_is_even ? 0x5555555555555555 : 0xaaaaaaaaaaaaaaaa;
    else if ((parity == Parity::Even) != first_is_even)
      return std::nullopt;  // runs of single ports: all have the parity of the first
  }
  uint64_t* const bits = taken(address, protocol);
  const uint32_t start = span.begin + static_cast<uint32_t>(random.below(span.end - span.begin));
  // RFC 6056 §3.3.1: from a random port on, the first that is free. Two stretches: up to the end, and round.
  for (const Span& stretch : {Span{start, span.end}, Span{span.begin, start}}) {
    for (uint32_t slot = stretch.begin; slot < stretch.end; slot = (slot / 64 + 1) * 64) {
      const uint64_t free = (~bits[slot / 64] & allowed) >> (slot % 64);
      if (free == 0) continue;
      slot += static_cast<uint32_t>(__builtin_ctzll(free));
      if (slot >= stretch.end) break;
      bits[slot / 64] |= uint64_t{1} << (slot % 64);
      count_taken(address, protocol);
      return slot;
    }
  }
  return std::nullopt;
}

bool PortPool::take(const Place& place, NatProtocol protocol) {
  uint64_t& word = taken(place.address, protocol)[place.slot / 64];
  const uint64_t bit = uint64_t{1} << (place.slot % 64);
  if ((word & bit) != 0) return false;
  word |= bit;
  count_taken(place.address, protocol);
  return true;
}

void PortPool::add_taken(uint32_t address, NatProtocol protocol, std::span<uint64_t> bits) const {
  const auto& taken = state_[address].taken[static_cast<std::size_t>(protocol)];
  if (taken == nullptr) return;
  const std::size_t words = std::min<std::size_t>(bits.size(), (slots_of(address).count + 63) / 64);
  for (std::size_t i = 0; i < words; ++i) bits[i] |= taken[i];
}

void PortPool::give_back(const Place& place, NatProtocol protocol, Tick rested) {
  rests_.push({rested, place.address, static_cast<uint16_t>(place.slot), protocol});
}

void PortPool::give_back(const Place& place, NatProtocol protocol) {
  uint64_t& word = taken(place.address, protocol)[place.slot / 64];
  const uint64_t bit = uint64_t{1} << (place.slot % 64);
  YONROKU_CHECK((word & bit) != 0);
  word &= ~bit;
  --state_[place.address].used[static_cast<std::size_t>(protocol)];
  --total_used_[static_cast<std::size_t>(protocol)];
}

bool PortPool::end_rests(Tick now, std::size_t most) {
  while (!rests_.empty() && is_past(rests_.front().until, now)) {
    if (most-- == 0) return true;
    const Rest rest = rests_.front();
    rests_.pop();
    give_back({rest.address, rest.slot}, rest.protocol);
  }
  return false;
}

void PortPool::take_over_rests(PortPool before) {
  for (; !before.rests_.empty(); before.rests_.pop()) {
    const Rest& rest = before.rests_.front();
    const auto place = place_of(before.address(rest.address), before.port_of({rest.address, rest.slot}));
    if (place && take(*place, rest.protocol)) give_back(*place, rest.protocol, rest.until);
  }
}

}  // namespace yonroku::share
