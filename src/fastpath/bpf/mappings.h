// share::EamTable for programs.
#pragma once

#include "fastpath/bpf/table.h"
#include "share/mapping/eam_slots.h"

YONROKU_INLINE_ALL_END
// The verifier checks these once each, whoever calls them: their arguments are plain.
extern "C" {

YONROKU_OUT_OF_LINE int search_eam_by_ipv4(uint32_t table, uint32_t address, uint32_t length,
                                           yonroku::share::Words* words) {
  using namespace yonroku;
  if (words == nullptr) return bpf::kUnknown;
  return bpf::search<share::detail::EamTraits<Ipv4Prefix>>(
      table, Ipv4Prefix::holding(Ipv4Address(address), length), *words);
}

YONROKU_OUT_OF_LINE int search_eam_by_ipv6(uint64_t high, uint64_t low, uint32_t table, uint32_t length,
                                           yonroku::share::Words* words) {
  using namespace yonroku;
  if (words == nullptr) return bpf::kUnknown;
  return bpf::search<share::detail::EamTraits<Ipv6Prefix>>(table, Ipv6Prefix::holding({high, low}, length),
                                                           *words);
}

}  // extern "C"
YONROKU_INLINE_ALL_BEGIN

namespace yonroku::bpf {

using fastpath::MappingsView;

template <class Address>
YONROKU_HOT_INLINE bool may_hold(const uint64_t (&blocks)[share::kNearWords], const Address& address) {
  const uint32_t bit = share::near_bit_of(address);
  return (blocks[bit / 64 % share::kNearWords] >> bit % 64 & 1) != 0;
}

// The mapping of an address with the longest prefix.
YONROKU_HOT_INLINE Search search_eam(const MappingsView& mappings, Ipv4Address address, Ipv6Address& mapped) {
  if (!may_hold(mappings.ipv4_blocks, address)) return kNotFound;
  return search_longest(mappings.ipv4_lengths, [&](uint32_t length) YONROKU_HOT_LAMBDA {
    Words words;
    const auto found =
        static_cast<Search>(search_eam_by_ipv4(mappings.by_ipv4, address.value(), length, &words));
    if (found == kFound) mapped = share::detail::EamTraits<Ipv4Prefix>::value(words).to_ipv6(address);
    return found;
  });
}
YONROKU_HOT_INLINE Search search_eam(const MappingsView& mappings, const Ipv6Address& address,
                                     Ipv4Address& mapped) {
  if (!may_hold(mappings.ipv6_blocks, address)) return kNotFound;
  return search_longest(mappings.ipv6_lengths, [&](uint32_t length) YONROKU_HOT_LAMBDA {
    Words words;
    const auto found = static_cast<Search>(
        search_eam_by_ipv6(address.high(), address.low(), mappings.by_ipv6, length, &words));
    if (found == kFound) mapped = share::detail::EamTraits<Ipv6Prefix>::value(words).to_ipv4(address);
    return found;
  });
}

}  // namespace yonroku::bpf
