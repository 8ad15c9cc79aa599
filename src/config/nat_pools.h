// The addresses of a NAT's pools: how many there are, and which are there twice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "packet/prefix.h"
#include "share/nat/nat_settings.h"

namespace yonroku::config {

// Two prefixes with addresses in common, by their indices. `outer` contains `inner`, or equals it.
struct PrefixPair {
  std::size_t inner;
  std::size_t outer;
};
// One pair for each prefix that lies in another.
[[nodiscard]] std::vector<PrefixPair> find_overlaps(std::span<const Ipv4Prefix> prefixes);
[[nodiscard]] std::vector<PrefixPair> find_overlaps(std::span<const Ipv6Prefix> prefixes);

[[nodiscard]] std::vector<Ipv4Prefix> prefixes_of(std::span<const share::NatPool> pools);
[[nodiscard]] uint64_t count_addresses(std::span<const share::NatPool> pools);
// Addresses that both have. The pools of one instance have no address twice.
[[nodiscard]] std::optional<Ipv4Prefix> first_shared_prefix(std::span<const share::NatPool> some,
                                                            std::span<const share::NatPool> others);

}  // namespace yonroku::config
