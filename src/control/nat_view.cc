#include "control/nat_view.h"

namespace yonroku::control {
namespace {

using share::Nat;

template <class T>
bool is_or_any(const std::optional<T>& wanted, const T& value) {
  return !wanted || *wanted == value;
}

bool is_nearly(uint64_t used, uint64_t total) { return total > 0 && used * 10 > total * 9; }

}  // namespace

std::string_view to_string(NatTable table) {
  switch (table) {
    case NatTable::Bindings: return "bindings";
    case NatTable::Sessions: return "sessions";
    case NatTable::Subscribers: return "subscribers";
    case NatTable::Ports: break;
  }
  return "ports";
}

uint32_t measure(const share::SubscriberView& subscriber, SubscriberOrder by) {
  return by == SubscriberOrder::Bindings ? subscriber.bindings : subscriber.sessions;
}

template <class View>
bool NatFilter::matches_endpoints(const View& view) const {
  return is_or_any(protocol, view.protocol) && is_or_any(outside_port, view.outside.port) &&
         is_or_any(outside, view.outside.address) && is_or_any(inside_port, view.inside.port) &&
         is_or_any(inside, view.inside.ipv6) && is_or_any(inside_ipv4, view.inside.ipv4) &&
         (!subscriber || subscriber->contains(view.inside.ipv6)) &&
         (!subscriber_ipv4 || subscriber_ipv4->contains(view.inside.ipv4));
}

bool NatFilter::matches(const share::BindingView& binding) const { return matches_endpoints(binding); }

bool NatFilter::matches(const share::SessionView& session) const {
  return matches_endpoints(session) && is_or_any(remote, session.remote.address) &&
         is_or_any(remote_port, session.remote.port);
}

bool NatFilter::matches(const share::NatEvent& event) const {
  return matches_endpoints(event) && is_or_any(remote, event.remote.address) &&
         is_or_any(remote_port, event.remote.port);
}

bool NatFilter::matches(const share::SubscriberView& view) const {
  return (!subscriber || subscriber->contains(view.ipv6.address()) ||
          view.ipv6.contains(subscriber->address())) &&
         (!subscriber_ipv4 || subscriber_ipv4->contains(view.ipv4)) && (!outside || view.outside == outside);
}

bool NatFilter::matches(const share::PoolAddressView& view) const { return is_or_any(outside, view.address); }

uint64_t look_at(const Nat& nat, const NatQuery& query, uint64_t entry, std::size_t most, Instant now,
                 NatPiece& piece) {
  const std::size_t before = piece.size();
  const auto keep_in = [&](auto& entries) {
    return [&](const auto& view) {
      if (query.filter.matches(view)) entries.push_back(view);
    };
  };
  // Place by place, so that a listing can end at any of them.
  std::size_t cost = 0;
  while (entry != Nat::kEnd && cost < kNatPlacesAtOnce && piece.size() - before < most) {
    ++cost;
    switch (query.table) {
      case NatTable::Bindings:
        entry = nat.visit_bindings(entry, 1, now, [&](const share::BindingView& view) {
          cost += view.sessions;
          if (query.filter.matches(view)) piece.bindings.push_back(view);
        });
        break;
      case NatTable::Sessions: entry = nat.visit_sessions(entry, 1, now, keep_in(piece.sessions)); break;
      case NatTable::Subscribers:
        entry = nat.visit_subscribers(entry, 1, [&](const share::SubscriberView& view) {
          if (measure(view, query.order) >= query.least && query.filter.matches(view))
            piece.subscribers.push_back(view);
        });
        break;
      case NatTable::Ports: {
        const uint64_t address = entry;
        const std::size_t ports_before = piece.ports.size();
        entry = nat.visit_addresses(entry, 1, keep_in(piece.ports));
        if (query.has_taken_ports && piece.ports.size() > ports_before)
          nat.add_taken_ports(address, piece.taken.emplace_back());
        break;
      }
    }
  }
  return entry;
}

uint64_t NatStatus::session_count() const {
  return counts.sessions_of(share::NatProtocol::Udp) + counts.sessions_of(share::NatProtocol::Tcp) +
         counts.sessions_of(share::NatProtocol::Icmp);
}

std::vector<std::string_view> short_of(const NatStatus& nat) {
  constexpr std::string_view kPorts[share::kNatProtocolCount] = {"udp-ports", "tcp-ports", "icmp-ports"};
  std::vector<std::string_view> what;
  for (std::size_t i = 0; i < share::kNatProtocolCount; ++i)
    if (is_nearly(nat.counts.used_ports[i], nat.counts.ports)) what.push_back(kPorts[i]);
  if (is_nearly(nat.counts.used_blocks, nat.counts.blocks)) what.emplace_back("port-blocks");
  if (is_nearly(nat.session_count(), nat.max_sessions)) what.emplace_back("sessions");
  return what;
}

}  // namespace yonroku::control
