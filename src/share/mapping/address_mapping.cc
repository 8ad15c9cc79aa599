#include "share/mapping/address_mapping.h"

#include "share/mapping/special_addresses.h"

namespace yonroku::share {
namespace {

template <class Prefixes, class Address>
bool any_contains(const Prefixes& prefixes, const Address& address) {
  for (const auto& prefix : prefixes)
    if (prefix.contains(address)) return true;
  return false;
}

}  // namespace

bool AddressMapping::may_carry(const Pref64& prefix, Ipv4Address address) const noexcept {
  return !is_restricted(prefix) || is_global(address);
}

Checked<Ipv6Address> AddressMapping::to_ipv6(Ipv4Address address, Role role, Side side, Trace* trace,
                                             UseMappings use_mappings) const noexcept {
  const auto mapped = look_up(address, role, side, trace, use_mappings);
  if (mapped && !settings_.denylist_ipv6.empty() && any_contains(settings_.denylist_ipv6, *mapped)) {
    if (trace != nullptr) trace->note(TraceStep::Denied, *mapped);
    return std::unexpected(DropReason::DeniedAddress);
  }
  return mapped;
}

Checked<Ipv6Address> AddressMapping::look_up(Ipv4Address address, Role role, Side side, Trace* trace,
                                             UseMappings use_mappings) const noexcept {
  const bool is_source = role == Role::Source;
  if (!settings_.denylist_ipv4.empty() && any_contains(settings_.denylist_ipv4, address)) {
    if (trace != nullptr) trace->note(TraceStep::Denied, address);
    return std::unexpected(DropReason::DeniedAddress);
  }
  if (use_mappings == UseMappings::Yes) {
    if (const auto mapping = table_->find(address)) {
      const Ipv6Address mapped = mapping->to_ipv6(address);
      if (trace != nullptr)
        trace->note(is_source ? TraceStep::SourceByMapping : TraceStep::DestinationByMapping, address,
                    mapped);
      return mapped;
    }
  }
  const auto& prefix = prefix_of(side);
  // Our own address is nobody's: embedded, it would come straight back.
  if (!prefix || (!is_source && address == own_address_)) {
    if (trace != nullptr)
      trace->note(is_source ? TraceStep::SourceNotMapped : TraceStep::DestinationNotMapped, address);
    return std::unexpected(is_source ? DropReason::SourceNotMapped : DropReason::DestinationNotMapped);
  }
  if (!is_source && use_mappings == UseMappings::Yes && table_->size() > 0 &&
      comes_back(address, side, Side::Ipv6)) {
    if (trace != nullptr) trace->note(TraceStep::WouldLoop, address);
    return std::unexpected(DropReason::DestinationNotMapped);
  }
  if (!may_carry(*prefix, address)) {
    if (trace != nullptr) trace->note(TraceStep::NotGlobal, address);
    return std::unexpected(DropReason::WellKnownPrefixNonGlobal);
  }
  const Ipv6Address mapped = prefix->embed(address);
  if (trace != nullptr)
    trace->note(is_source ? TraceStep::SourceByPrefix : TraceStep::DestinationByPrefix, address, mapped);
  return mapped;
}

Checked<AddressMapping::Mapped4> AddressMapping::to_ipv4(const Ipv6Address& address, Role role, Side side,
                                                         Trace* trace) const noexcept {
  const bool is_source = role == Role::Source;
  if (!settings_.denylist_ipv6.empty() && any_contains(settings_.denylist_ipv6, address)) {
    if (trace != nullptr) trace->note(TraceStep::Denied, address);
    return std::unexpected(DropReason::DeniedAddress);
  }
  Mapped4 mapped;
  if (const auto mapping = table_->find(address)) {
    mapped.address = mapping->to_ipv4(address);
    if (trace != nullptr)
      trace->note(is_source ? TraceStep::SourceByMapping : TraceStep::DestinationByMapping, address,
                  mapped.address);
  } else {
    const auto& prefix = prefix_of(side);
    const auto extracted = prefix ? prefix->extract(address) : std::nullopt;
    if (!extracted || (!is_source && *extracted == own_address_)) {
      if (trace != nullptr)
        trace->note(is_source ? TraceStep::SourceNotMapped : TraceStep::DestinationNotMapped, address);
      return std::unexpected(is_source ? DropReason::SourceNotMapped : DropReason::DestinationNotMapped);
    }
    if (!may_carry(*prefix, *extracted)) {
      if (trace != nullptr) trace->note(TraceStep::NotGlobal, *extracted);
      return std::unexpected(DropReason::WellKnownPrefixNonGlobal);
    }
    if (!is_source && comes_back(*extracted, side, Side::Ipv4) && !has_mapping(*extracted)) {
      if (trace != nullptr) trace->note(TraceStep::WouldLoop, *extracted);
      return std::unexpected(DropReason::DestinationNotMapped);
    }
    mapped = {*extracted, true};
    if (trace != nullptr)
      trace->note(is_source ? TraceStep::SourceByPrefix : TraceStep::DestinationByPrefix, address,
                  mapped.address);
  }
  if (!settings_.denylist_ipv4.empty() && any_contains(settings_.denylist_ipv4, mapped.address)) {
    if (trace != nullptr) trace->note(TraceStep::Denied, mapped.address);
    return std::unexpected(DropReason::DeniedAddress);
  }
  return mapped;
}

}  // namespace yonroku::share
