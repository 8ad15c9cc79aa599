// Octets as operations on the mapping table, which must agree with a list that is searched from end to end.
#include <algorithm>
#include <vector>

#include "require.h"
#include "share/mapping/eam_table.h"

using yonroku::Ipv4Address;
using yonroku::Ipv4Prefix;
using yonroku::Ipv6Address;
using yonroku::Ipv6Prefix;
using yonroku::share::EamMapping;
using yonroku::share::EamTable;
using Refusal = EamTable::Refusal;

namespace {

class List {
 public:
  Refusal add(const EamMapping& m) {
    if (const Refusal refusal = EamTable::check(m); refusal != Refusal::None) return refusal;
    if (at(m.ipv4) != mappings_.end()) return Refusal::Ipv4PrefixTaken;
    if (holder(m.ipv6) != mappings_.end()) return Refusal::Ipv6PrefixTaken;
    mappings_.push_back(m);
    return Refusal::None;
  }
  Refusal remove(const Ipv4Prefix& ipv4) {
    const auto found = at(ipv4);
    if (found == mappings_.end()) return Refusal::NotFound;
    mappings_.erase(found);
    return Refusal::None;
  }
  Refusal replace(const EamMapping& m) {
    if (const Refusal refusal = EamTable::check(m); refusal != Refusal::None) return refusal;
    const auto found = at(m.ipv4);
    if (found == mappings_.end()) return Refusal::NotFound;
    const auto other = holder(m.ipv6);
    if (other != mappings_.end() && other != found) return Refusal::Ipv6PrefixTaken;
    *found = m;
    return Refusal::None;
  }
  template <class Address>
  [[nodiscard]] std::optional<EamMapping> find(const Address& address) const {
    std::optional<EamMapping> best;
    for (const EamMapping& m : mappings_) {
      if constexpr (std::is_same_v<Address, Ipv4Address>) {
        if (m.ipv4.contains(address) && (!best || m.ipv4.length() > best->ipv4.length())) best = m;
      } else {
        if (m.ipv6.contains(address) && (!best || m.ipv6.length() > best->ipv6.length())) best = m;
      }
    }
    return best;
  }
  [[nodiscard]] std::size_t size() const { return mappings_.size(); }

 private:
  std::vector<EamMapping>::iterator at(const Ipv4Prefix& ipv4) {
    return std::find_if(mappings_.begin(), mappings_.end(), [&](const auto& m) { return m.ipv4 == ipv4; });
  }
  std::vector<EamMapping>::iterator holder(const Ipv6Prefix& ipv6) {
    return std::find_if(mappings_.begin(), mappings_.end(), [&](const auto& m) { return m.ipv6 == ipv6; });
  }
  std::vector<EamMapping> mappings_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  constexpr std::size_t kOperation = 9;  // octets
  EamTable table(size == 0 ? 0 : data[0]);
  List list;
  for (std::size_t at = 0; at + kOperation <= std::min<std::size_t>(size, 4000); at += kOperation) {
    const uint8_t* op = data + at;
    const Ipv4Address ipv4(uint32_t{op[1]} << 24 | uint32_t{op[2]} << 8 | op[3]);
    const Ipv6Address ipv6(uint64_t{op[4]} << 56 | op[5], uint64_t{op[6]} << 56 | op[5]);
    const EamMapping m{Ipv4Prefix::holding(ipv4, op[7] % 33), Ipv6Prefix::holding(ipv6, op[8] % 129)};
    switch (op[0] % 8) {
      case 0: REQUIRE(table.remove(m.ipv4) == list.remove(m.ipv4)); break;
      case 1: REQUIRE(table.replace(m) == list.replace(m)); break;
      case 2:
        table.reserve(op[1]);
        (void)table.take_retired();
        break;
      default: REQUIRE(table.add(m) == list.add(m));
    }
    REQUIRE(table.size() == list.size());
    const auto forth = table.find(ipv4);
    REQUIRE(forth == list.find(ipv4));
    REQUIRE(!forth || forth->ipv6.contains(forth->to_ipv6(ipv4)));
    REQUIRE(!forth || forth->to_ipv4(forth->to_ipv6(ipv4)) == ipv4);
    const auto back = table.find(ipv6);
    REQUIRE(back == list.find(ipv6));
    REQUIRE(!back || back->ipv4.contains(back->to_ipv4(ipv6)));
  }
  return 0;
}
