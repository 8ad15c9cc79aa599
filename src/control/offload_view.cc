#include "control/offload_view.h"

#include <algorithm>

namespace yonroku::control {
namespace {

fastpath::Mode mode_of(config::Offload offload) {
  switch (offload) {
    case config::Offload::Off: return fastpath::Mode::Off;
    case config::Offload::Tc: return fastpath::Mode::Tc;
    case config::Offload::Xdp: return fastpath::Mode::Xdp;
    case config::Offload::Auto: break;
  }
  return fastpath::Mode::Auto;
}

}  // namespace

fastpath::Wish offload_wish(const config::InstanceSettings& settings) {
  return {mode_of(settings.offload), settings.offload_interfaces};
}

uint32_t flow_records(const config::InstanceSettings& settings) {
  if (settings.offload == config::Offload::Off || !flow_kind(settings.mechanism)) return 0;
  // Each worker has its part, which is one at least.
  return static_cast<uint32_t>(std::max<uint64_t>(
      std::min<uint64_t>(settings.nat.max_sessions, settings.offload_flows), settings.workers));
}

fastpath::ServedOrNot offload_view(uint32_t number, const engine::Mechanism& mechanism,
                                   const Tables& tables) {
  if (const auto* const siit = std::get_if<mechanism::Siit>(&mechanism))
    return fastpath::serve(number, siit->settings(), *tables.eam);
  if (const auto* const softwire = std::get_if<mechanism::Softwire>(&mechanism))
    return fastpath::serve(number, softwire->settings(), *tables.rules, *tables.path_mtus);
  if (const auto* const map_t = std::get_if<mechanism::MapT>(&mechanism))
    return fastpath::serve(number, map_t->settings(), *tables.eam, *tables.rules);
  if (const auto* const nat64 = std::get_if<mechanism::Nat64>(&mechanism))
    return fastpath::serve(nat64->settings());
  if (const auto* const map_t_ce = std::get_if<mechanism::MapTCe>(&mechanism))
    return fastpath::serve(map_t_ce->settings());
  if (const auto* const aftr = std::get_if<mechanism::DsLiteAftr>(&mechanism))
    return fastpath::serve(number, aftr->settings(), *tables.path_mtus);
  if (const auto* const napt = std::get_if<mechanism::SoftwireNapt>(&mechanism))
    return fastpath::serve(number, napt->settings(), *tables.path_mtus);
  if (const auto* const balancer = std::get_if<mechanism::Slb64>(&mechanism))
    return fastpath::serve(balancer->settings());
  return std::unexpected("the offload does not know its mechanism");
}

std::optional<fastpath::FlowKind> flow_kind(config::Mechanism mechanism) {
  switch (mechanism) {
    case config::Mechanism::Nat64: return fastpath::FlowKind::Nat64;
    case config::Mechanism::DsLiteAftr: return fastpath::FlowKind::DsLiteAftr;
    case config::Mechanism::MapECe:
    case config::Mechanism::LwB4: return fastpath::FlowKind::SoftwireNapt;
    case config::Mechanism::MapTCe: return fastpath::FlowKind::MapTCe;
    case config::Mechanism::Slb64: return fastpath::FlowKind::Slb64;
    default: return std::nullopt;
  }
}

std::optional<carry::Crossing6> ends_of(const engine::Mechanism& mechanism,
                                        const share::OffloadedSession& session) {
  return std::visit(
      [&](const auto& one) -> std::optional<carry::Crossing6> {
        if constexpr (requires { one.ends_of(session); }) return one.ends_of(session);
        return std::nullopt;
      },
      mechanism);
}

void identify(const engine::Mechanism& mechanism, share::OffloadedSession& session) {
  std::visit(
      [&](const auto& one) {
        if constexpr (requires { one.identify(session); }) one.identify(session);
      },
      mechanism);
}

bool may_offload(const engine::Mechanism& mechanism, const share::OffloadedSession& session) {
  const auto ends = ends_of(mechanism, session);
  return ends && ends->source == session.near && ends->destination == session.far &&
         ends->port.port == session.far_port;
}

void add(observe::Totals& totals, const fastpath::CountersView& counters) {
  for (std::size_t direction = 0; direction < std::size(counters.forwarded); ++direction)
    for (std::size_t protocol = 0; protocol < observe::kProtocols; ++protocol) {
      const fastpath::Count& counted = counters.forwarded[direction][protocol];
      observe::Totals::Flow& flow = totals.translated[direction][protocol];
      flow.packets += counted.packets;
      flow.octets += counted.octets;
      totals.received[direction] += counted.packets;  // IPv4 packets are those that go to IPv6
    }
}

}  // namespace yonroku::control
