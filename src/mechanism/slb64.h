// Stateful load balancing from IPv6 to IPv4: an IPv6 virtual address (VIP) and port stand for a pool of IPv4
// servers, and clients of the IPv6 Internet reach them.
//
//   IPv6 packet -> which service? (share::ServiceTable) -> the server of its flow (share::Nat), or a new one
//   (share::Service) -> whom does the client become? (the same NAT) -> carry::Translate -> IPv4
//   IPv4 packet -> whom is it for? (the NAT) -> carry::Translate -> IPv6, from the VIP
//
// There is one table of flows, the NAT's. A binding belongs to one client endpoint and one service, whose
// number stands where NAT64 has no use for InsideEndpoint::ipv4; the binding's newest session says which
// server has the flow. So a running connection stays where it is while servers come, go or change weights.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "carry/crossing.h"
#include "carry/translate/translate.h"
#include "mechanism/nat_prefetch.h"
#include "mechanism/nat_transport.h"
#include "mechanism/worker_state.h"
#include "packet/packet.h"
#include "packet/verdict.h"
#include "share/balancing/service_table.h"
#include "share/nat/nat.h"

namespace yonroku::mechanism {

struct Slb64Settings {
  carry::TranslateSettings translate;
  share::NatSettings nat;  // mapping endpoint-independent, filtering address-and-port-dependent
  std::shared_ptr<const share::ServiceTable> services;
};

class Slb64 {
 public:
  explicit Slb64(const Slb64Settings& settings) : settings_(settings), translate_(settings.translate) {}

  // Brings what process() will look up for each of the packets towards the cache. Any octets will do.
  void prefetch(std::span<const Packet> packets, const WorkerState& state) const noexcept;
  Verdict process(Packet& packet, WorkerState& state) const noexcept;
  [[nodiscard]] static constexpr bool ends_tunnels() { return false; }
  [[nodiscard]] const Slb64Settings& settings() const { return settings_; }

  // Near and far end (share::OffloadedSession), with the far end's port, of the session if it were offloaded
  // now, under these settings. Nothing: the worker reads it (PROXY protocol), or it would get another server.
  [[nodiscard]] std::optional<carry::Crossing6> ends_of(
      const share::OffloadedSession& session) const noexcept;
  // Of a session that the worker has. A connection that began with the PROXY protocol keeps its numbers if
  // the service has it no longer.
  [[nodiscard]] std::optional<carry::Crossing6> ends_of(const share::OffloadedSession& session,
                                                        const WorkerState& state) const noexcept;
  // The service of a session that is known by its far end, if there is one today.
  void identify(share::OffloadedSession& session) const noexcept;

  // Makes the worker's tables where they are missing, and lets them have these settings where they are not.
  void prepare(WorkerState& state) const;
  // No server opens connections to a client, so that no SYN of one is kept.
  [[nodiscard]] static bool is_still_unsolicited(std::span<const std::byte>, const WorkerState&) noexcept {
    return false;
  }

 private:
  [[nodiscard]] Prefetched prefetch_index(std::span<const std::byte> packet,
                                          const share::Nat& nat) const noexcept;
  Verdict from_ipv4(Packet& packet, WorkerState& state) const noexcept;
  Verdict from_ipv6(Packet& packet, WorkerState& state) const noexcept;
  Verdict error_from_ipv4(Packet& packet, const Ipv4View& ip, WorkerState& state) const noexcept;
  Verdict error_from_ipv6(Packet& packet, const Ipv6View& ip, WorkerState& state) const noexcept;
  struct Choice {
    const share::Server* server;  // null: none takes it
    bool is_new;                  // the flow begins with it
  };
  static Choice server_for(const share::Service& service, const share::InsideEndpoint& inside,
                           const NatTransport& transport, const WorkerState& state) noexcept;

  // The NAT's candidate.
  void offer_session(WorkerState& state) const noexcept;

  // A TCP packet of a service in its two directions, where the PROXY protocol may change it.
  Verdict to_server(Packet& packet, const Ipv6View& ip, const carry::Crossing4& crossing,
                    const share::Service& service, WorkerState& state) const noexcept;
  Verdict to_client(Packet& packet, const Ipv4View& ip, const carry::Crossing6& crossing,
                    WorkerState& state) const noexcept;

  Slb64Settings settings_;
  carry::Translate translate_;
};

}  // namespace yonroku::mechanism
