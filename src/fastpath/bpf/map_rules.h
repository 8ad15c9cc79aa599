// share::MapRuleTable for programs. The verifier checks each function here once, whoever calls it: arguments
// and results are plain, and every state that a rule can have is gone when the function returns.
#pragma once

#include "fastpath/bpf/table.h"
#include "fastpath/layout.h"
#include "share/mapping/map_rule_slots.h"

namespace yonroku::bpf {

using fastpath::RulesView;

// Where a customer is.
struct End {
  uint64_t high, low;
  uint64_t border;
};

enum Which : uint32_t { kCustomer, kHost };  // MapRule::address_of() or MapRule::host_address_of()

// Whether the bit of the address' /16 is set, or can't be read.
YONROKU_HOT_INLINE bool is_near(TableNumber near, Ipv4Address address) {
  void* const slots = map_lookup_elem(&tables, &near);
  if (slots == nullptr) return true;
  const uint32_t word = share::NearBits::word_of(address);
  const uint32_t at = word / 4 + 1;
  const auto* const slot = static_cast<const Slot*>(map_lookup_elem(slots, &at));
  return slot == nullptr || (slot->words[word % 4] & share::NearBits::bit_of(address)) != 0;
}

}  // namespace yonroku::bpf

YONROKU_INLINE_ALL_END
extern "C" {

// `pattern` is a prefix length, a PSID offset and a PSID length, an octet each.
YONROKU_OUT_OF_LINE int search_rule_by_ipv4(uint32_t table, uint32_t address, uint32_t pattern, uint32_t psid,
                                            yonroku::share::Words* words) {
  using namespace yonroku;
  if (words == nullptr) return bpf::kUnknown;
  const share::MapRuleKey key{
      Ipv4Prefix::holding(Ipv4Address(address), pattern & 0xff),
      {static_cast<uint8_t>(pattern >> 8 & 0xff), static_cast<uint8_t>(pattern >> 16 & 0xff)},
      static_cast<uint16_t>(psid)};
  return bpf::search<share::MapRuleByIpv4>(table, key, *words);
}

YONROKU_OUT_OF_LINE int search_rule_by_ipv6(uint64_t high, uint64_t low, uint32_t table, uint32_t length,
                                            yonroku::share::Words* words) {
  using namespace yonroku;
  if (words == nullptr) return bpf::kUnknown;
  return bpf::search<share::MapRuleByIpv6>(table, Ipv6Prefix::holding({high, low}, length), *words);
}

YONROKU_OUT_OF_LINE int search_shared_prefix(uint32_t table, uint32_t address, uint32_t length) {
  using namespace yonroku;
  share::Words ignored;
  return bpf::search<share::SharedPrefixes>(table, Ipv4Prefix::holding(Ipv4Address(address), length),
                                            ignored);
}

// Where the rule in `words` puts the customer: kFound, or kNotFound when it gives the port to nobody.
YONROKU_OUT_OF_LINE int end_by_rule(const yonroku::share::Words* words, uint32_t address, uint32_t port,
                                    uint32_t which, yonroku::bpf::End* end) {
  using namespace yonroku;
  if (words == nullptr || end == nullptr) return bpf::kNotFound;
  const share::MapRule rule = share::MapRuleTraits::value(*words);
  const share::PortParameters ports = rule.ports();
  const auto its_port = static_cast<uint16_t>(port);
  if (!ports.gives_out(its_port)) return bpf::kNotFound;
  const share::AddressAndPsid customer{Ipv4Address(address),
                                       ports.is_shared() ? ports.psid_of(its_port) : uint16_t{0}};
  const Ipv6Address address6 =
      which == bpf::kHost ? rule.host_address_of(customer) : rule.address_of(customer);
  *end = {address6.high(), address6.low(), rule.parts().border};
  return bpf::kFound;
}

// Like share::MapRuleTable::find_end(): who has the address and port. kNotFound: nobody has the address,
// whatever the port; kUnknown: the engine must say.
YONROKU_OUT_OF_LINE int find_end(const yonroku::fastpath::RulesView* rules, uint32_t address, uint32_t port,
                                 uint32_t which, yonroku::bpf::End* end) {
  using namespace yonroku;
  if (rules == nullptr || end == nullptr || rules->count > fastpath::kMostPatterns) return bpf::kUnknown;
  bool is_taken = false;
  for (uint32_t i = 0; i < fastpath::kMostPatterns; ++i) {
    if (i >= rules->count) break;
    const fastpath::RulePattern& pattern = rules->pattern[i];
    const share::PortParameters given{pattern.psid_offset, pattern.psid_length};
    uint32_t psid = 0;
    if (given.is_shared()) {
      if (!given.gives_out(static_cast<uint16_t>(port))) continue;
      psid = given.psid_of(static_cast<uint16_t>(port));
    }
    share::Words words;
    const int found = search_rule_by_ipv4(
        rules->by_ipv4, address,
        pattern.ipv4_length | uint32_t{pattern.psid_offset} << 8 | uint32_t{pattern.psid_length} << 16, psid,
        &words);
    if (found == bpf::kUnknown) return bpf::kUnknown;
    if (found == bpf::kNotFound) continue;
    if (end_by_rule(&words, address, port, which, end) == bpf::kFound) return bpf::kFound;
    is_taken = true;
  }
  if (is_taken) return bpf::kUnknown;
  if (!bpf::is_near(rules->near, Ipv4Address(address))) return bpf::kNotFound;
  // The address may be shared, and the PSID nobody's.
  for (uint32_t i = 0; i < fastpath::kMostPatterns; ++i) {
    if (i >= rules->count) break;
    const fastpath::RulePattern& pattern = rules->pattern[i];
    if (pattern.psid_length != 0 &&
        search_shared_prefix(rules->shared, address, pattern.ipv4_length) != bpf::kNotFound)
      return bpf::kUnknown;
  }
  return bpf::kNotFound;
}

// Whose the IPv6 address is, if that customer may use the port (RFC 7599 §8.3). kNotFound: no rule has it;
// kUnknown: it may not, or the engine must say.
YONROKU_OUT_OF_LINE int find_customer(const yonroku::fastpath::RulesView* rules, uint64_t high, uint64_t low,
                                      uint32_t port, uint32_t* address) {
  using namespace yonroku;
  if (rules == nullptr || address == nullptr || rules->ipv6_lengths.count > fastpath::kMostLengths)
    return bpf::kUnknown;
  share::Words words;
  int found = bpf::kNotFound;
  for (uint32_t i = 0; i < fastpath::kMostLengths && found == bpf::kNotFound; ++i) {
    if (i >= rules->ipv6_lengths.count) break;
    found = search_rule_by_ipv6(high, low, rules->by_ipv6, rules->ipv6_lengths.length[i], &words);
  }
  if (found != bpf::kFound) return found;
  const share::MapRule rule = share::MapRuleTraits::value(words);
  const share::AddressAndPsid customer = rule.customer_of({high, low});
  const share::PortParameters ports = rule.ports();
  const auto its_port = static_cast<uint16_t>(port);
  const bool is_its_own =
      !ports.is_shared() || (ports.gives_out(its_port) && ports.psid_of(its_port) == customer.psid);
  if (!is_its_own || rule.host_address_of(customer) != Ipv6Address(high, low)) return bpf::kUnknown;
  *address = customer.address.value();
  return bpf::kFound;
}

}  // extern "C"
YONROKU_INLINE_ALL_BEGIN
