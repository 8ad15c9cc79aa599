#include "control/offload_view.h"

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

fastpath::ServedOrNot offload_view(uint32_t number, const engine::Mechanism& mechanism,
                                   const Tables& tables) {
  if (const auto* const siit = std::get_if<mechanism::Siit>(&mechanism))
    return fastpath::serve(number, siit->settings(), *tables.eam);
  return std::unexpected("the offload does not know its mechanism");
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
