// Other settings while bindings exist: what may stay stays, with its port, its block and its sessions, and
// nobody gets what another has. Looks at each binding, so it takes as long as there are many.
#include <algorithm>
#include <utility>
#include <vector>

#include "share/nat/nat_lookup.h"

namespace yonroku::share {
namespace {

using Wanted = std::pair<uint64_t, const StaticBinding*>;

}  // namespace

void Nat::change(const NatSettings& settings, Instant now) noexcept {
  now_ = now;
  const bool same_timeouts = settings.timeouts == settings_.timeouts;
  if (has_places_of(settings) && settings.mapping == settings_.mapping &&
      settings.static_bindings == settings_.static_bindings) {
    settings_ = settings;
    set_timeouts();
  } else {
    change_places(settings);
  }
  if (!same_timeouts) shorten_sessions(tick_of(now));
}

bool Nat::has_places_of(const NatSettings& settings) const noexcept {
  return settings.pools == settings_.pools && settings.subscribers == settings_.subscribers;
}

// Whether a binding that the NAT made itself has a place in another pool, too.
bool Nat::keeps_place(const Binding& binding, const PortPool& pool) const noexcept {
  if (settings_.allocation == PortAllocation::Deterministic) return false;
  const auto there = pool.place_of(binding.outside, binding.outside_port);
  if (!there) return false;
  const PortPool::Span share = pool.share_of(there->address);
  if (there->slot < share.begin || there->slot >= share.end) return false;
  if (settings_.allocation == PortAllocation::Dynamic) return true;
  const auto here = pool_.place_of(binding.outside, binding.outside_port);
  return here && pool_.slots_of(here->address) == pool.slots_of(there->address);
}

void Nat::change_places(const NatSettings& settings) noexcept {
  PortPool pool(settings, pool_.worker(), pool_.workers());
  std::vector<Wanted> wanted;
  for (const StaticBinding& b : settings.static_bindings)
    wanted.emplace_back(key_of_place({b.outside, b.outside_port}, b.protocol), &b);
  std::ranges::sort(wanted);
  const bool same_pools = has_places_of(settings);
  const auto stays = [&](const Binding& b) {
    const uint64_t key = key_of_place({b.outside, b.outside_port}, b.protocol());
    const auto at = std::ranges::lower_bound(wanted, key, {}, &Wanted::first);
    const StaticBinding* const here = at != wanted.end() && at->first == key ? at->second : nullptr;
    if (b.is_static())  // Ports that follow from a number may be another worker's now, and so is all of the
                        // host's.
      return here != nullptr && (same_pools || settings_.allocation != PortAllocation::Deterministic) &&
             here->inside == b.inside_ipv6 && here->inside_ipv4 == b.inside_ipv4 &&
             here->inside_port == b.inside_port;
    return here == nullptr && settings.mapping == settings_.mapping && (same_pools || keeps_place(b, pool));
  };
  for (uint32_t id = 0; id < bindings_.used(); ++id)
    if (is_in_use(id) && !stays(bindings_[id])) end_all_of(id);
  for (uint32_t id = 0; id < bindings_.used(); ++id) {
    const Binding& b = bindings_[id];
    if (!is_in_use(id) || b.is_shared()) continue;
    if (const auto place = pool.place_of(b.outside, b.outside_port)) (void)pool.take(*place, b.protocol());
  }
  move_subscribers(pool, same_pools);
  PortPool before = std::exchange(pool_, std::move(pool));
  settings_ = settings;
  set_timeouts();
  add_static_bindings(tick_of(now_));
  pool_.take_over_rests(std::move(before));
}

// Addresses have other numbers in another pool. Whoever still has a block has it there as well.
void Nat::move_subscribers(const PortPool& pool, bool same_pools) noexcept {
  std::vector<std::vector<bool>> blocks_taken(pool.address_count());
  const auto take = [&](uint32_t address, uint32_t number) {
    auto& taken = blocks_taken[address];
    if (taken.empty()) taken.resize(pool.share_of(address).end / settings_.block_size);
    taken[number] = true;
    ++used_blocks_;
  };
  used_blocks_ = 0;
  const bool has_blocks = settings_.allocation == PortAllocation::Blocks;
  for (uint32_t id = 0; id < subscribers_.used(); ++id) {
    Subscriber& s = subscribers_[id];
    if (s.bindings == 0 || s.address == kNone) continue;
    s.address = pool.number_of(pool_.address(s.address)).value_or(kNone);
    if (settings_.allocation == PortAllocation::Deterministic && !same_pools) {
      s.address = kNone;
      s.blocks[0] = {};
    }
    for (const Block& block : s.blocks)
      if (has_blocks && block.number != kNone) take(s.address, block.number);
  }
  ChunkedQueue<RestingBlock> rest_on;
  for (; !resting_blocks_.empty(); resting_blocks_.pop()) {
    const RestingBlock& block = resting_blocks_.front();
    const auto address = pool.number_of(pool_.address(block.address));
    if (!address || pool.slots_of(*address) != pool_.slots_of(block.address)) continue;
    rest_on.push({block.until, *address, block.number});
    take(*address, block.number);
  }
  resting_blocks_ = std::move(rest_on);
  blocks_taken_ = std::move(blocks_taken);
}

// Ends what has ended by the new timeouts as well, not when it would have by the old ones.
void Nat::shorten_sessions(Tick now) noexcept {
  const auto shorten = [&](uint32_t session, NatProtocol protocol) {
    Session& s = at(session);
    const Tick latest = now + lifetime_of(s, protocol);
    if (is_past(s.expires, latest)) return;
    wheel_of(s).cancel(session, links());
    s.expires = latest;
    begin_timer(session);
  };
  for (uint32_t id = 0; id < bindings_.used(); ++id) {
    const Binding& b = bindings_[id];
    if (!is_in_use(id) || !b.has_session()) continue;
    shorten(id, b.protocol());
    for (uint32_t i = b.further; i != kNone; i = further_[i].older) shorten(i | kFurther, b.protocol());
  }
}

// Static bindings have room whoever has to go. Goes on at `from`; false when there are too many of them.
bool Nat::make_room(uint32_t& from) noexcept {
  const auto is_full = [&] { return bindings_.is_full() || subscribers_.is_full(); };
  for (; is_full() && from < bindings_.used(); ++from)
    if (is_in_use(from) && !bindings_[from].is_static()) end_all_of(from);
  return !is_full();
}

// The binding with all its sessions, static or not.
void Nat::end_all_of(uint32_t binding) noexcept {
  const Binding& b = bindings_[binding];
  while (b.further != kNone) end_session(b.further | kFurther, Rest::No);
  if (b.has_session()) end_session(binding, Rest::No);
  if (is_in_use(binding)) end_binding(binding, Rest::No);
}

}  // namespace yonroku::share
