#include "share/mapping/eam_table.h"

#include "share/mapping/special_addresses.h"

namespace yonroku::share {

EamTable::EamTable(uint64_t seed, std::pmr::memory_resource* memory)
    : by_ipv4_(seed, memory), by_ipv6_(seed, memory) {}

void EamTable::prefetch(Ipv4Address address) const noexcept {
  if (!ipv4_blocks_.may_hold(address)) return;
  (void)ipv4_lengths_.from_longest([&](unsigned length) {
    by_ipv4_.prefetch(Ipv4Prefix::holding(address, length));
    return true;  // the longest is the likeliest
  });
}

void EamTable::prefetch(const Ipv6Address& address) const noexcept {
  if (!ipv6_blocks_.may_hold(address)) return;
  (void)ipv6_lengths_.from_longest([&](unsigned length) {
    by_ipv6_.prefetch(Ipv6Prefix::holding(address, length));
    return true;
  });
}

std::optional<EamMapping> EamTable::find(Ipv4Address address) const noexcept {
  std::optional<EamMapping> found;
  (void)ipv4_lengths_.from_longest([&](unsigned length) {
    found = by_ipv4_.find(Ipv4Prefix::holding(address, length));
    return found.has_value();
  });
  return found;
}

std::optional<EamMapping> EamTable::find(const Ipv6Address& address) const noexcept {
  std::optional<EamMapping> found;
  (void)ipv6_lengths_.from_longest([&](unsigned length) {
    found = by_ipv6_.find(Ipv6Prefix::holding(address, length));
    return found.has_value();
  });
  return found;
}

void EamTable::reserve(std::size_t count) {
  by_ipv4_.reserve(count);
  by_ipv6_.reserve(count);
}

EamTable::Refusal EamTable::check(const EamMapping& mapping) {
  if (!mapping.is_valid()) return Refusal::Ipv4SuffixTooLong;
  return holds_only_special(mapping.ipv6) ? Refusal::Ipv6NotForwarded : Refusal::None;
}

EamTable::Refusal EamTable::add(const EamMapping& mapping) {
  if (const Refusal refusal = check(mapping); refusal != Refusal::None) return refusal;
  if (by_ipv4_.find(mapping.ipv4)) return Refusal::Ipv4PrefixTaken;
  if (!by_ipv6_.insert(mapping.ipv6, mapping)) return Refusal::Ipv6PrefixTaken;
  ipv6_blocks_.add(mapping.ipv6);
  ipv6_lengths_.add(mapping.ipv6.length());
  ipv4_blocks_.add(mapping.ipv4);
  by_ipv4_.insert(mapping.ipv4, mapping);
  ipv4_lengths_.add(mapping.ipv4.length());
  return Refusal::None;
}

EamTable::Refusal EamTable::remove(const Ipv4Prefix& ipv4) {
  const auto mapping = by_ipv4_.find(ipv4);
  if (!mapping) return Refusal::NotFound;
  by_ipv4_.erase(ipv4);
  ipv4_lengths_.remove(ipv4.length());
  by_ipv6_.erase(mapping->ipv6);
  ipv6_lengths_.remove(mapping->ipv6.length());
  return Refusal::None;
}

EamTable::Refusal EamTable::replace(const EamMapping& mapping) {
  if (const Refusal refusal = check(mapping); refusal != Refusal::None) return refusal;
  const auto old = by_ipv4_.find(mapping.ipv4);
  if (!old) return Refusal::NotFound;
  if (old->ipv6 == mapping.ipv6) return Refusal::None;
  if (!by_ipv6_.insert(mapping.ipv6, mapping)) return Refusal::Ipv6PrefixTaken;
  ipv6_blocks_.add(mapping.ipv6);
  ipv6_lengths_.add(mapping.ipv6.length());
  by_ipv4_.replace(mapping.ipv4, mapping);
  by_ipv6_.erase(old->ipv6);
  ipv6_lengths_.remove(old->ipv6.length());
  return Refusal::None;
}

std::string_view describe(EamTable::Refusal refusal) {
  switch (refusal) {
    case EamTable::Refusal::None: return "accepted";
    case EamTable::Refusal::Ipv4SuffixTooLong:
      return "the IPv4 suffix is longer than the IPv6 suffix (RFC 7757 §3.1)";
    case EamTable::Refusal::Ipv6NotForwarded:
      return "the IPv6 prefix is of addresses that no router forwards (::, ::1, fe80::/10, ff00::/8)";
    case EamTable::Refusal::Ipv4PrefixTaken: return "another mapping has the same IPv4 prefix";
    case EamTable::Refusal::Ipv6PrefixTaken: return "another mapping has the same IPv6 prefix";
    case EamTable::Refusal::NotFound: return "no mapping has this IPv4 prefix";
  }
  return "";
}

}  // namespace yonroku::share
