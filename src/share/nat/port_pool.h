// The addresses and ports that a NAT gives out, and which of them are taken. Ports of an address are numbered
// as slots, lowest port first, so that a range and a port set of RFC 7597 §5.1 look alike. A worker gives out
// its own share of every address's slots, and which worker that is can be told from address and port alone.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/random_source.h"
#include "packet/ipv4_address.h"
#include "share/nat/chunked_queue.h"
#include "share/nat/nat_settings.h"
#include "share/nat/timer_wheel.h"

namespace yonroku::share {

// `count` ports in runs of `run`, the first ports of two runs `spacing` apart.
struct PortSlots {
  uint16_t first = 0;
  uint32_t count = 0;
  uint32_t run = 0;
  uint32_t spacing = 65536;

  static constexpr PortSlots of_range(uint16_t first, uint16_t last) {
    const uint32_t count = uint32_t{last} - first + 1u;
    return {first, count, count, 65536};
  }
  // RFC 7597 §5.1, without port 0: of a set that begins with it, the first port is left out.
  static constexpr PortSlots of_port_set(const PortSet& set) {
    const auto run = static_cast<uint32_t>(set.range_size());
    const uint16_t first = set.range(0).first;
    if (first == 0) return {1, run - 1, run - 1, 65536};
    const unsigned offset = set.parameters().psid_offset;
    return {first, static_cast<uint32_t>(set.size()), run, uint32_t{1} << (16 - offset)};
  }
  static constexpr PortSlots of_pool(const NatPool& pool) {
    return pool.port_set ? of_port_set(*pool.port_set) : of_range(pool.first_port, pool.last_port);
  }
  [[nodiscard]] constexpr uint16_t port(uint32_t slot) const {
    return static_cast<uint16_t>(first + slot / run * spacing + slot % run);
  }
  // nullopt when the port is none of them.
  [[nodiscard]] constexpr std::optional<uint32_t> slot(uint16_t port) const {
    if (port < first) return std::nullopt;
    const uint32_t beyond = uint32_t{port} - first;
    const uint32_t slot = beyond / spacing * run + beyond % spacing;
    if (beyond % spacing >= run || slot >= count) return std::nullopt;
    return slot;
  }
  // The first slot whose port is not below `port`; count when there is none.
  [[nodiscard]] constexpr uint32_t first_from(uint32_t port) const {
    if (port <= first) return 0;
    const uint32_t beyond = port - first;
    const uint32_t into = beyond % spacing < run ? beyond % spacing : run;
    const uint32_t slot = beyond / spacing * run + into;
    return slot < count ? slot : count;
  }
  // Whether neighbouring slots of the same parity have ports of the same parity.
  [[nodiscard]] constexpr bool alternates() const {
    return run == count || (run % 2 == 0 && spacing % 2 == 0);
  }
  friend constexpr bool operator==(const PortSlots&, const PortSlots&) = default;
};

class PortPool {
 public:
  // An address of the pool by its number, and a slot of it.
  struct Place {
    uint32_t address = 0;
    uint32_t slot = 0;
  };
  // Slots [begin, end) of one address.
  struct Span {
    uint32_t begin = 0;
    uint32_t end = 0;
  };
  enum class Parity : uint8_t { Any, Even, Odd };

  // For worker `worker` of `workers`.
  PortPool(const NatSettings& settings, uint16_t worker, uint16_t workers);

  [[nodiscard]] uint16_t worker() const { return worker_; }
  [[nodiscard]] uint16_t workers() const { return workers_; }
  [[nodiscard]] uint32_t address_count() const { return static_cast<uint32_t>(address_pool_.size()); }
  [[nodiscard]] Ipv4Address address(uint32_t number) const;
  [[nodiscard]] std::optional<uint32_t> number_of(Ipv4Address address) const {
    if (address < lowest_ || address > highest_) return std::nullopt;
    return search(address);
  }
  [[nodiscard]] std::optional<Place> place_of(Ipv4Address address, uint16_t port) const;
  [[nodiscard]] uint16_t port_of(const Place& place) const {
    return slots_of(place.address).port(place.slot);
  }
  [[nodiscard]] const PortSlots& slots_of(uint32_t address) const {
    return pools_[address_pool_[address]].slots;
  }
  [[nodiscard]] const std::optional<PortSet>& port_set_of(uint32_t address) const {
    return pools_[address_pool_[address]].port_set;
  }
  // The worker's own share of an address.
  [[nodiscard]] Span share_of(uint32_t address) const;
  // Whose share the slot is in.
  [[nodiscard]] uint16_t worker_of(const Place& place) const;

  // A free slot of the span, the first from a random one on; it is taken. nullopt: none.
  std::optional<uint32_t> take_any(uint32_t address, NatProtocol protocol, Span span, Parity parity,
                                   RandomSource& random);
  // False when it was taken already, or is at rest.
  bool take(const Place& place, NatProtocol protocol);
  // The slot is free now, or after its rest.
  void give_back(const Place& place, NatProtocol protocol, Tick rested);
  void give_back(const Place& place, NatProtocol protocol);
  // Frees what has rested, `most` ports of it. True when there is more.
  bool end_rests(Tick now, std::size_t most);

  // What rests in `before` and is here too rests on, unless somebody has it here.
  void take_over_rests(PortPool before);

  // How many slots of the address are taken or rest.
  [[nodiscard]] uint32_t used(uint32_t address, NatProtocol protocol) const {
    return state_[address].used[static_cast<std::size_t>(protocol)];
  }
  // Adds the address's slots that are taken or rest, as `used` counts them, a bit for each slot.
  void add_taken(uint32_t address, NatProtocol protocol, std::span<uint64_t> bits) const;
  // Of all addresses together: the worker's share of slots, and how many are taken or rest.
  [[nodiscard]] uint64_t total() const { return total_; }
  [[nodiscard]] uint64_t total_used(NatProtocol protocol) const {
    return total_used_[static_cast<std::size_t>(protocol)];
  }
  [[nodiscard]] std::size_t resting() const { return rests_.size(); }

 private:
  struct Pool {
    std::vector<Ipv4Prefix> addresses;
    uint32_t first_number = 0;
    PortSlots slots;
    std::optional<PortSet> port_set;
  };
  struct AddressState {
    std::array<std::unique_ptr<uint64_t[]>, kNatProtocolCount>
        taken;  // a bit for each slot; made when needed
    std::array<uint32_t, kNatProtocolCount> used{};
  };
  struct Rest {
    Tick until = 0;
    uint32_t address = 0;
    uint16_t slot = 0;
    NatProtocol protocol{};
  };
  [[nodiscard]] std::optional<uint32_t> search(Ipv4Address address) const;
  uint64_t* taken(uint32_t address, NatProtocol protocol);
  void count_taken(uint32_t address, NatProtocol protocol) {
    ++state_[address].used[static_cast<std::size_t>(protocol)];
    ++total_used_[static_cast<std::size_t>(protocol)];
  }

  std::vector<Pool> pools_;
  Ipv4Address lowest_{UINT32_MAX};  // of all addresses: most packets go beyond
  Ipv4Address highest_{0};
  std::vector<uint16_t> address_pool_;  // the pool of each address
  std::vector<AddressState> state_;
  uint64_t total_ = 0;
  std::array<uint64_t, kNatProtocolCount> total_used_{};
  ChunkedQueue<Rest> rests_;  // in the order of their ends
  uint16_t worker_;
  uint16_t workers_;
  uint32_t share_unit_;  // slots that always belong to one worker together
};

}  // namespace yonroku::share
