// The application level gateways of a NAT whose inside is IPv4 (nat44.h): who talks to whom, and when the
// text may change.
#pragma once

#include <cstddef>
#include <optional>

#include "carry/encapsulate/encapsulate.h"
#include "carry/translate/transport.h"
#include "mechanism/alg/alg.h"
#include "mechanism/nat44.h"
#include "mechanism/worker_state.h"
#include "packet/ipv4_view.h"
#include "packet/ipv6_view.h"
#include "packet/packet.h"
#include "packet/verdict.h"

namespace yonroku::mechanism {

// Makes the worker's gateways where they are on and missing.
void prepare_alg(const AlgSettings& settings, WorkerState& state);

// Of a packet that nat44_outbound() or nat44_inbound() has let through, and that is not changed yet. nullopt:
// it concerns no gateway.
[[nodiscard]] std::optional<Conversation> outbound_conversation(const AlgSettings& settings,
                                                                const Ipv4View& ip,
                                                                const Ipv6Address& softwire,
                                                                const Nat44Change& change) noexcept;
[[nodiscard]] std::optional<Conversation> inbound_conversation(const AlgSettings& settings,
                                                               const Ipv4View& ip,
                                                               const share::InsideEndpoint& inside) noexcept;

// Before an IPv4 packet crosses: changes its text, and looks at it again. `fits` are the octets that cross
// uncut; a larger packet with DF will be refused, and stays as its sender knows it. nullopt: go on; otherwise
// the packet is untouched.
[[nodiscard]] std::optional<Verdict> change_text(Packet& packet, Ipv4View& ip, std::size_t fits,
                                                 const Conversation& conversation,
                                                 WorkerState& state) noexcept;

// Takes the IPv4 packet out of its tunnel, changes it as the NAT said, and last its text.
[[nodiscard]] Verdict unwrap_and_change_text(const carry::Encapsulate& encapsulate, Packet& packet,
                                             const Ipv6View& outer, const Ipv4View& inner,
                                             const carry::TransportPlan& plan, const Nat44Change& change,
                                             const Conversation& conversation, WorkerState& state) noexcept;

}  // namespace yonroku::mechanism
