#include "config/settings.h"

#include <algorithm>

namespace yonroku::config {

std::string_view to_string(Mechanism mechanism) {
  switch (mechanism) {
    case Mechanism::Siit: return "siit";
    case Mechanism::Clat: return "clat";
    case Mechanism::MapEBr: return "map-e-br";
    case Mechanism::LwAftr: return "lwaftr";
    case Mechanism::FourOverSix: return "4over6";
    case Mechanism::Ipip: return "ipip";
    case Mechanism::DsLiteB4: return "ds-lite-b4";
    case Mechanism::MapTBr: return "map-t-br";
    case Mechanism::Nat64: return "nat64";
    case Mechanism::DsLiteAftr: return "ds-lite-aftr";
    case Mechanism::MapECe: return "map-e-ce";
    case Mechanism::MapTCe: return "map-t-ce";
    case Mechanism::LwB4: return "lwb4";
    case Mechanism::Slb64: return "slb64";
  }
  return "siit";
}

bool is_customer(const InstanceSettings& settings) {
  return settings.mechanism == Mechanism::Clat || settings.mechanism == Mechanism::DsLiteB4 ||
         is_customer_edge(settings.mechanism) ||
         (settings.mechanism == Mechanism::Ipip && settings.side == TunnelSide::Customer);
}

std::string_view to_string(LogLevel level) {
  switch (level) {
    case LogLevel::Trace: return "trace";
    case LogLevel::Debug: return "debug";
    case LogLevel::Info: return "info";
    case LogLevel::Warn: return "warn";
    case LogLevel::Error: return "error";
  }
  return "info";
}

std::vector<std::string> settings_needing_restart(const Settings& running, const Settings& wanted) {
  std::vector<std::string> fixed;
  if (running.control_socket != wanted.control_socket) fixed.emplace_back("control: socket");
  if (running.control_listen != wanted.control_listen) fixed.emplace_back("control: listen and token-file");
  if (running.user != wanted.user) fixed.emplace_back("user");
  if (running.offload_state != wanted.offload_state) fixed.emplace_back("offload-state");
  for (const InstanceSettings& now : wanted.instances) {
    const auto was = std::ranges::find(running.instances, now.name, &InstanceSettings::name);
    if (was == running.instances.end()) continue;
    const auto check = [&](bool is_same, std::string_view key) {
      if (!is_same) fixed.push_back("instance " + now.name + ": " + std::string(key));
    };
    check(was->mechanism == now.mechanism, "mechanism");
    check(was->device == now.device, "device");
    check(was->workers == now.workers, "workers");
    check(was->routes == now.routes, "routes");
    check(was->offload_flows == now.offload_flows, "offload-flows");
    if (!has_nat(now.mechanism) || was->mechanism != now.mechanism) continue;
    check(was->nat.allocation == now.nat.allocation, "port-allocation");
    check(was->nat.block_size == now.nat.block_size, "port-block-size");
    check(was->nat.subscriber_prefix_length == now.nat.subscriber_prefix_length, "subscriber-prefix-length");
    check(was->nat.subscribers == now.nat.subscribers, "subscribers");
    check(was->nat.max_sessions == now.nat.max_sessions, "max-sessions");
  }
  return fixed;
}

}  // namespace yonroku::config
