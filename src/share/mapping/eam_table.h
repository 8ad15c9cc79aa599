// The Explicit Address Mapping Table (RFC 7757 §3.1): longest match both ways, over prefixes of any length.
//
// Two hash tables hold every mapping, one keyed by its IPv4 prefix and one by its IPv6 prefix; a set of the
// lengths in use says which lengths a lookup tries, longest first. With host mappings only, a lookup is one
// probe, and mostly none where there is no mapping (near_blocks.h). One writer may change the table while
// workers read: a reader sees each mapping either before or after a change, never half of it.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <optional>
#include <string_view>
#include <vector>

#include "share/mapping/concurrent_table.h"
#include "share/mapping/eam.h"
#include "share/mapping/eam_slots.h"
#include "share/mapping/length_set.h"
#include "share/mapping/near_blocks.h"

namespace yonroku::share {

class EamTable {
 public:
  // Why a mapping was refused.
  enum class Refusal : uint8_t {
    None,
    Ipv4SuffixTooLong,
    Ipv6NotForwarded,
    Ipv4PrefixTaken,
    Ipv6PrefixTaken,
    NotFound
  };

  // What is wrong with the mapping by itself.
  [[nodiscard]] static Refusal check(const EamMapping& mapping);

  // `seed` keys the hash, so that nobody can choose addresses that collide.
  explicit EamTable(uint64_t seed, std::pmr::memory_resource* memory = std::pmr::get_default_resource());

  // --- readers, on any thread ---
  void prefetch(Ipv4Address address) const noexcept;
  void prefetch(const Ipv6Address& address) const noexcept;
  [[nodiscard]] std::optional<EamMapping> find(Ipv4Address address) const noexcept;
  [[nodiscard]] std::optional<EamMapping> find(const Ipv6Address& address) const noexcept;
  // The same with the address translated. False, and `translated` untouched, when no mapping matches.
  YONROKU_HOT_INLINE bool translate(Ipv4Address address, Ipv6Address& translated) const noexcept {
    if (!ipv4_blocks_.may_hold(address)) return false;
    return ipv4_lengths_.from_longest([&](unsigned length) YONROKU_HOT_LAMBDA {
      return by_ipv4_.visit(Ipv4Prefix::holding(address, length), [&](const Words& words) YONROKU_HOT_LAMBDA {
        translated = detail::EamTraits<Ipv4Prefix>::value(words).to_ipv6(address);
      });
    });
  }
  YONROKU_HOT_INLINE bool translate(const Ipv6Address& address, Ipv4Address& translated) const noexcept {
    if (!ipv6_blocks_.may_hold(address)) return false;
    return ipv6_lengths_.from_longest([&](unsigned length) YONROKU_HOT_LAMBDA {
      return by_ipv6_.visit(Ipv6Prefix::holding(address, length), [&](const Words& words) YONROKU_HOT_LAMBDA {
        translated = detail::EamTraits<Ipv6Prefix>::value(words).to_ipv4(address);
      });
    });
  }

  // --- the one writer ---
  void reserve(std::size_t count);
  // Identical prefixes are refused; overlapping ones are resolved by the longest match (RFC 7757 §3.2).
  Refusal add(const EamMapping& mapping);
  Refusal remove(const Ipv4Prefix& ipv4);
  // Gives an IPv4 prefix that is mapped another IPv6 prefix; it is mapped at every moment.
  Refusal replace(const EamMapping& mapping);
  [[nodiscard]] std::size_t size() const { return by_ipv4_.size(); }
  [[nodiscard]] std::size_t memory_size() const { return by_ipv4_.memory_size() + by_ipv6_.memory_size(); }
  [[nodiscard]] TableMemoryView memory_by_ipv4() const { return by_ipv4_.memory_view(); }
  [[nodiscard]] TableMemoryView memory_by_ipv6() const { return by_ipv6_.memory_view(); }
  [[nodiscard]] const LengthSet<32>& ipv4_lengths() const { return ipv4_lengths_; }
  [[nodiscard]] const LengthSet<128>& ipv6_lengths() const { return ipv6_lengths_; }
  [[nodiscard]] const NearBlocks& ipv4_blocks() const { return ipv4_blocks_; }
  [[nodiscard]] const NearBlocks& ipv6_blocks() const { return ipv6_blocks_; }
  [[nodiscard]] std::optional<EamMapping> at(const Ipv4Prefix& ipv4) const { return by_ipv4_.find(ipv4); }
  [[nodiscard]] std::optional<EamMapping> at(const Ipv6Prefix& ipv6) const { return by_ipv6_.find(ipv6); }
  // In no order.
  template <class Visitor>
  void for_each(Visitor&& visit) const {
    by_ipv4_.for_each([&](const Ipv4Prefix&, const EamMapping& mapping) { visit(mapping); });
  }
  // What readers may still be looking at after a change: keep it until none of them can.
  struct Retired {
    std::vector<std::unique_ptr<ConcurrentTable<detail::EamTraits<Ipv4Prefix>>::Storage>> ipv4;
    std::vector<std::unique_ptr<ConcurrentTable<detail::EamTraits<Ipv6Prefix>>::Storage>> ipv6;
    [[nodiscard]] bool empty() const { return ipv4.empty() && ipv6.empty(); }
  };
  [[nodiscard]] Retired take_retired() { return {by_ipv4_.take_retired(), by_ipv6_.take_retired()}; }

 private:
  ConcurrentTable<detail::EamTraits<Ipv4Prefix>> by_ipv4_;
  ConcurrentTable<detail::EamTraits<Ipv6Prefix>> by_ipv6_;
  LengthSet<32> ipv4_lengths_;
  LengthSet<128> ipv6_lengths_;
  NearBlocks ipv4_blocks_;
  NearBlocks ipv6_blocks_;
};

[[nodiscard]] std::string_view describe(EamTable::Refusal refusal);

}  // namespace yonroku::share
