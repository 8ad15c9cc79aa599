// Which address and port a binding gets (RFC 4787 §4, RFC 7422 §2, RFC 7857 §3), and what becomes of them
// when it ends.
#include <algorithm>

#include "share/nat/nat_lookup.h"

namespace yonroku::share {

// Of two at random the one with more room; where both are full, the next that is not.
uint32_t Nat::choose_address(NatProtocol protocol) noexcept {
  constexpr uint32_t kMostTried = 64;
  const uint32_t count = pool_.address_count();
  const auto room = [&](uint32_t address) {
    const PortPool::Span share = pool_.share_of(address);
    const uint32_t used = pool_.used(address, protocol);
    return share.end - share.begin > used ? share.end - share.begin - used : 0u;
  };
  const auto one = static_cast<uint32_t>(random_.below(count));
  const auto other = static_cast<uint32_t>(random_.below(count));
  const uint32_t better = room(other) > room(one) ? other : one;
  for (uint32_t i = 0; i < std::min(count, kMostTried); ++i)
    if (const uint32_t address = (better + i) % count; room(address) > 0) return address;
  return better;
}

bool Nat::take_port(Subscriber& subscriber, const Outbound& packet, Ipv4Endpoint& outside) noexcept {
  const bool keeps_contiguity = settings_.keep_contiguity && settings_.allocation == PortAllocation::Dynamic;
  if ((keeps_contiguity || is_reserving_pair_) && take_next_port(subscriber, packet, outside)) return true;
  if (subscriber.address == kNone) {
    if (settings_.allocation == PortAllocation::Deterministic) {
      const auto place = deterministic_place(subscriber.ipv6);
      if (!place) return false;
      subscriber.address = place->address;
      subscriber.blocks[0] = {place->slot / settings_.block_size, 0};
    } else {
      subscriber.address = choose_address(packet.protocol);
    }
  }
  if (settings_.allocation == PortAllocation::Dynamic)
    return take_port_in(subscriber.address, pool_.share_of(subscriber.address), packet, outside);
  for (Block& block : subscriber.blocks) {
    if (block.number == kNone || !take_port_in(subscriber.address, span_of(block), packet, outside)) continue;
    ++block.used;
    return true;
  }
  Block* fresh = nullptr;
  if (settings_.allocation == PortAllocation::Deterministic || !take_block(subscriber, fresh)) return false;
  if (!take_port_in(subscriber.address, span_of(*fresh), packet, outside)) return false;
  ++fresh->used;
  return true;
}

bool Nat::take_port_in(uint32_t address, PortPool::Span span, const Outbound& packet,
                       Ipv4Endpoint& outside) noexcept {
  using Parity = PortPool::Parity;
  const PortSlots& slots = pool_.slots_of(address);
  const uint32_t user_ports = std::clamp(slots.first_from(1024), span.begin, span.end);
  Parity parity = Parity::Any;
  if ((settings_.keep_parity || is_reserving_pair_) && packet.protocol == NatProtocol::Udp)
    parity = packet.inside.port % 2 == 0 ? Parity::Even : Parity::Odd;
  // What is wished first, then whatever there is.
  const bool is_system = packet.inside.port < 1024;
  const bool keeps_range = settings_.keep_range && packet.protocol != NatProtocol::Icmp;
  const PortPool::Span wished = !keeps_range ? span
                                : is_system  ? PortPool::Span{span.begin, user_ports}
                                             : PortPool::Span{user_ports, span.end};
  std::optional<uint32_t> slot;
  for (const PortPool::Span& among : {wished, span})
    for (const Parity with : {parity, Parity::Any})
      if (!slot) slot = pool_.take_any(address, packet.protocol, among, with, random_);
  if (!slot) return false;
  outside = {pool_.address(address), slots.port(*slot)};
  return true;
}

// RFC 4787 §4.2.3: RTCP's port is the one above RTP's, outside too where that can be.
bool Nat::take_next_port(Subscriber& subscriber, const Outbound& packet, Ipv4Endpoint& outside) noexcept {
  if (packet.protocol != NatProtocol::Udp || packet.inside.port == 0) return false;
  Outbound below = packet;
  --below.inside.port;
  Ipv4Endpoint neighbour;
  if (!find_outside(below, neighbour) || neighbour.port == UINT16_MAX) return false;
  const Ipv4Endpoint next{neighbour.address, static_cast<uint16_t>(neighbour.port + 1)};
  const auto place = pool_.place_of(next.address, next.port);
  if (!place) return false;
  PortPool::Span among = pool_.share_of(place->address);
  Block* block = nullptr;
  if (settings_.allocation != PortAllocation::Dynamic) {
    block = std::ranges::find(subscriber.blocks, place->slot / settings_.block_size, &Block::number);
    if (block == std::end(subscriber.blocks) || place->address != subscriber.address) return false;
    among = span_of(*block);
  }
  if (place->slot < among.begin || place->slot >= among.end || !pool_.take(*place, packet.protocol))
    return false;
  if (block != nullptr) ++block->used;
  outside = next;
  return true;
}

// RFC 7857 §3: the same port again, to a destination that nobody else reaches from it.
bool Nat::share_port(const Subscriber& subscriber, const Outbound& packet, Ipv4Endpoint& outside) noexcept {
  constexpr uint32_t kMostTried = 256;
  if (subscriber.address == kNone || packet.protocol == NatProtocol::Icmp) return false;
  const auto try_span = [&](PortPool::Span span) {
    if (span.begin >= span.end) return false;
    const uint32_t size = span.end - span.begin;
    const auto start = static_cast<uint32_t>(random_.below(size));
    for (uint32_t i = 0; i < std::min(size, kMostTried); ++i) {
      const Ipv4Endpoint candidate{pool_.address(subscriber.address),
                                   pool_.port_of({subscriber.address, span.begin + (start + i) % size})};
      const uint32_t other = binding_of(Inbound{candidate, packet.remote, packet.protocol, 0});
      if (other != kNone && (bindings_[other].is_shared() || bindings_[other].is_static() ||
                             session_of(other, packet.remote) != kNone))
        continue;
      outside = candidate;
      return true;
    }
    return false;
  };
  if (settings_.allocation == PortAllocation::Dynamic) return try_span(pool_.share_of(subscriber.address));
  return std::ranges::any_of(subscriber.blocks,
                             [&](const Block& b) { return b.number != kNone && try_span(span_of(b)); });
}

PortPool::Span Nat::span_of(const Block& block) const noexcept {
  return {block.number * settings_.block_size, (block.number + 1) * settings_.block_size};
}

bool Nat::take_block(Subscriber& subscriber, Block*& block) noexcept {
  const auto free_entry = std::ranges::find(subscriber.blocks, kNone, &Block::number);
  if (free_entry - subscriber.blocks >= settings_.blocks_per_subscriber) return false;
  const PortPool::Span share = pool_.share_of(subscriber.address);
  const uint32_t first = share.begin / settings_.block_size;
  const uint32_t count = share.end / settings_.block_size - first;
  if (count == 0) return false;
  const std::vector<bool>& taken = blocks_of(subscriber.address);
  const auto start = static_cast<uint32_t>(random_.below(count));
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t number = first + (start + i) % count;
    if (taken[number]) continue;
    block = free_entry;
    take_block_number(subscriber, *block, number);
    return true;
  }
  return false;
}

std::vector<bool>& Nat::blocks_of(uint32_t address) noexcept {
  auto& taken = blocks_taken_[address];
  if (taken.empty()) taken.resize(pool_.share_of(address).end / settings_.block_size);
  return taken;
}

void Nat::take_block_number(Subscriber& subscriber, Block& entry, uint32_t number) noexcept {
  blocks_of(subscriber.address)[number] = true;
  ++used_blocks_;
  entry = {number, 0};
  report_block(NatEvent::Kind::PortBlockTaken, subscriber, subscriber.address, entry);
}

void Nat::give_back_port(Subscriber& subscriber, const Ipv4Endpoint& outside, NatProtocol protocol,
                         Rest rest) noexcept {
  const auto place = pool_.place_of(outside.address, outside.port);
  if (!place) return;
  // RFC 6888 REQ-8: a port that anybody outside can reach is not soon another's. TCP's are watched until the
  // connection is over, and what filtering lets in is not for the one before.
  const bool rests = rest == Rest::Yes && protocol == NatProtocol::Udp && settings_.port_rest > 0 &&
                     settings_.filtering == Dependence::EndpointIndependent;
  if (rests)
    pool_.give_back(*place, protocol, tick_of(now_) + port_rest_);
  else
    pool_.give_back(*place, protocol);
  if (settings_.allocation == PortAllocation::Dynamic) return;
  const uint32_t number = place->slot / settings_.block_size;
  const auto block = std::ranges::find(subscriber.blocks, number, &Block::number);
  if (block == std::end(subscriber.blocks) || --block->used > 0 ||
      settings_.allocation == PortAllocation::Deterministic)
    return;
  report_block(NatEvent::Kind::PortBlockReturned, subscriber, place->address, *block);
  block->number = kNone;
  resting_blocks_.push({tick_of(now_) + block_rest_, place->address, number});
}

}  // namespace yonroku::share
