// What an instance's NAT shows to the API: a piece of a table at a time, filtered where it is, and the sums
// of its workers.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/instant.h"
#include "mechanism/alg/control_channel.h"
#include "packet/ipv4_address.h"
#include "packet/ipv6_address.h"
#include "packet/prefix.h"
#include "share/nat/nat.h"
#include "share/nat/nat_views.h"

namespace yonroku::control {

enum class NatTable : uint8_t { Bindings, Sessions, Subscribers, Ports };
inline constexpr std::size_t kNatTableCount = 4;
// "bindings", as in the API.
[[nodiscard]] std::string_view to_string(NatTable table);

// Which entries; what is not set is not asked about. A table that has no such thing ignores it.
struct NatFilter {
  std::optional<Ipv6Prefix> subscriber;  // a whole address: the subscriber that it belongs to
  std::optional<Ipv4Prefix> subscriber_ipv4;
  std::optional<Ipv6Address> inside;
  std::optional<Ipv4Address> inside_ipv4;
  std::optional<uint16_t> inside_port;  // or ICMP identifier
  std::optional<Ipv4Address> outside;
  std::optional<uint16_t> outside_port;
  std::optional<Ipv4Address> remote;
  std::optional<uint16_t> remote_port;
  std::optional<share::NatProtocol> protocol;

  [[nodiscard]] bool matches(const share::BindingView& binding) const;
  [[nodiscard]] bool matches(const share::SessionView& session) const;
  [[nodiscard]] bool matches(const share::SubscriberView& subscriber) const;
  [[nodiscard]] bool matches(const share::PoolAddressView& address) const;
  [[nodiscard]] bool matches(const share::NatEvent& event) const;

  friend bool operator==(const NatFilter&, const NatFilter&) = default;

 private:
  template <class View>
  [[nodiscard]] bool matches_endpoints(const View& view) const;
};

enum class SubscriberOrder : uint8_t { Bindings, Sessions };
[[nodiscard]] uint32_t measure(const share::SubscriberView& subscriber, SubscriberOrder by);

struct NatQuery {
  NatTable table{};
  NatFilter filter;
  bool has_taken_ports = false;  // of `ports`: which ones, too
  // Of `subscribers`: only those with so many, so that a worker hands out few where few are wanted.
  SubscriberOrder order = SubscriberOrder::Bindings;
  uint32_t least = 0;
};

// Where a listing goes on.
struct NatPlace {
  uint32_t worker = 0;
  uint64_t entry = 0;  // of its table
  friend bool operator==(const NatPlace&, const NatPlace&) = default;
};

// Entries of the table that was asked for; the others stay empty.
struct NatPiece {
  std::vector<share::BindingView> bindings;
  std::vector<share::SessionView> sessions;
  std::vector<share::SubscriberView> subscribers;
  std::vector<share::PoolAddressView> ports;
  std::vector<share::TakenPorts> taken;  // of each of `ports`, when asked for
  std::optional<NatPlace> next;          // nullopt: that was the last

  [[nodiscard]] std::size_t size() const {
    return bindings.size() + sessions.size() + subscribers.size() + ports.size();
  }
};

// Places that one look at a table may cost: some 50 microseconds.
inline constexpr std::size_t kNatPlacesAtOnce = 256;

// Adds what there is of the query from `entry` on, at most `most` entries, looking at kNatPlacesAtOnce at
// most. Returns where to go on, or Nat::kEnd. In the worker's thread.
uint64_t look_at(const share::Nat& nat, const NatQuery& query, uint64_t entry, std::size_t most, Instant now,
                 NatPiece& piece);

// The sums over an instance's workers.
struct NatStatus {
  // Addresses shown one by one; metrics have a label for each.
  static constexpr std::size_t kMostAddresses = 64;
  share::NatCounts counts;
  uint64_t max_sessions = 0;
  uint64_t addresses = 0;                          // of the pools
  std::vector<share::PoolAddressView> by_address;  // the first of them
  std::optional<mechanism::AlgCounts> alg;         // where application level gateways are on

  [[nodiscard]] uint64_t session_count() const;
};

// What is nearly used up, above 90 %: "udp-ports", "tcp-ports", "icmp-ports", "port-blocks", "sessions".
[[nodiscard]] std::vector<std::string_view> short_of(const NatStatus& nat);

}  // namespace yonroku::control
