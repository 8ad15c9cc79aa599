// Sessions whose packets somebody else forwards (the programs in the kernel), so that the NAT does not see
// them: it says which and until when, and asks when a packet was seen.
#pragma once

#include <cstdint>

#include "base/instant.h"
#include "packet/ipv6_address.h"
#include "share/nat/nat_event.h"
#include "share/nat/nat_settings.h"

namespace yonroku::share {

// All that it takes to forward the packets of a session, in both directions.
struct OffloadedSession {
  NatProtocol protocol{};
  InsideEndpoint inside;
  Ipv4Endpoint outside;
  Ipv4Endpoint remote;  // of ICMP queries without a port
  // Source and destination of its IPv6 packets on the way out, and the other way round on the way in, from
  // the mechanism. NAT64: host and `remote` in the prefix; tunnels: their ends; MAP-T: `outside` and
  // `remote`.
  Ipv6Address near;
  Ipv6Address far;
  // The destination port on the way out, where it is another than `remote` has (load balancers); else 0.
  uint16_t far_port = 0;
  // False: a UDP session that nobody outside has answered yet. Only its packets on the way out are forwarded;
  // the NAT has to see the first answer.
  bool is_answered = true;
  // Of its binding's sessions, as Nat::newest_session() knows it.
  bool is_newest = true;
  friend bool operator==(const OffloadedSession&, const OffloadedSession&) = default;
};

class SessionOffload {
 public:
  // Not the number of a flow; these are below 2^31.
  static constexpr uint32_t kNone = UINT32_MAX;
  // When a packet was seen last in each direction, by the NAT's clock; Instant(): never.
  struct Seen {
    Instant out;
    Instant in;
  };

  // All in the worker's thread: they must not block. From now on the session's plain packets may be forwarded
  // without the NAT. The flow's number, or kNone: there is no room for it.
  virtual uint32_t begin(const OffloadedSession& session) noexcept = 0;
  // The NAT sees all packets again.
  virtual void end(uint32_t flow) noexcept = 0;
  [[nodiscard]] virtual Seen seen(uint32_t flow) const noexcept = 0;
  // Whether begin() would make the same flow of the session again.
  [[nodiscard]] virtual bool is_of(uint32_t flow, const OffloadedSession& session) const noexcept = 0;

 protected:
  ~SessionOffload() = default;
};

}  // namespace yonroku::share
