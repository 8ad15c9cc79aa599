#include "control/services.h"

#include <fmt/format.h>

#include <vector>

namespace yonroku::control {

std::string to_text(const ServerName& server) {
  return fmt::format("{}:{} of [{}]:{}", server.address.to_string(), server.port,
                     server.service.vip.to_string(), server.service.port);
}

std::shared_ptr<const share::ServiceTable> build_services(std::span<const config::ServiceSettings> services,
                                                          ServiceNumbers& numbers, const DownServers& down) {
  std::vector<share::Service> built;
  built.reserve(services.size());
  for (const config::ServiceSettings& service : services) {
    std::vector<share::Server> servers;
    for (const config::ServerSettings& server : service.servers) {
      const ServerName name{service.key, server.endpoint.address, server.endpoint.port};
      servers.push_back({server.endpoint, server.weight, !down.contains(name), numbers.of(name)});
    }
    built.emplace_back(service.key, numbers.of(service.key), service.affinity, service.proxy_protocol,
                       servers);
  }
  return std::make_shared<const share::ServiceTable>(std::move(built));
}

}  // namespace yonroku::control
