#include "share/balancing/service_table.h"

#include <algorithm>

namespace yonroku::share {
namespace {

constexpr uint64_t word(const Ipv4Endpoint& endpoint) {
  return uint64_t{endpoint.address.value()} << 16 | endpoint.port;
}

// The same on every machine: no secret in it. Each bit of the result depends on every bit of both.
constexpr uint64_t mix(uint64_t a, uint64_t b) {
  const auto product = static_cast<unsigned __int128>(a ^ 0x9e3779b97f4a7c15) * (b ^ 0xd6e8feb86659fd93);
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

}  // namespace

Service::Service(const ServiceKey& key, uint32_t number, Affinity affinity, ProxyProtocol proxy_protocol,
                 std::span<const Server> servers)
    : key_(key),
      number_(number),
      affinity_(affinity),
      proxy_protocol_(proxy_protocol),
      servers_(servers.begin(), servers.end()) {
  std::ranges::sort(servers_, {}, [](const Server& server) { return word(server.endpoint); });
  std::vector<MaglevTable::Entry> entries;
  for (const Server& server : servers_)
    entries.push_back({word(server.endpoint), server.is_up ? server.weight : 0});
  table_ = MaglevTable(entries);
}

const Server* Service::choose(const Ipv6Address& client, uint16_t port) const noexcept {
  if (table_.is_empty()) return nullptr;
  const uint64_t counted = affinity_ == Affinity::Flow ? uint64_t{port} : 0;
  const uint64_t hash = mix(mix(client.high(), client.low()), counted);
  return &servers_[table_.at(static_cast<uint32_t>(hash >> 32))];
}

const Server* Service::find(const Ipv4Endpoint& endpoint) const noexcept {
  const auto found = std::ranges::lower_bound(servers_, word(endpoint), {},
                                              [](const Server& server) { return word(server.endpoint); });
  return found != servers_.end() && found->endpoint == endpoint ? &*found : nullptr;
}

ServiceTable::ServiceTable(std::vector<Service> services) : services_(std::move(services)) {
  std::ranges::sort(services_, {}, &Service::key);
  for (std::size_t i = 0; i < services_.size(); ++i) {
    const uint32_t number = services_[i].number();
    if (number >= by_number_.size()) by_number_.resize(number + 1, kNone);
    by_number_[number] = static_cast<uint32_t>(i);
    for (const Server& server : services_[i].servers())
      server_numbers_ = std::max(server_numbers_, server.number + 1);
  }
}

const Service* ServiceTable::find(const ServiceKey& key) const noexcept {
  const auto found = std::ranges::lower_bound(services_, key, {}, &Service::key);
  return found != services_.end() && found->key() == key ? &*found : nullptr;
}

const Service* ServiceTable::with_number(uint32_t number) const noexcept {
  if (number >= by_number_.size() || by_number_[number] == kNone) return nullptr;
  return &services_[by_number_[number]];
}

bool ServiceTable::uses_proxy_protocol() const {
  return std::ranges::any_of(
      services_, [](const Service& service) { return service.proxy_protocol() == ProxyProtocol::V2; });
}

bool ServiceTable::has_vip(const Ipv6Address& address) const noexcept {
  const auto first =
      std::ranges::lower_bound(services_, ServiceKey{address, 0, NatProtocol{}}, {}, &Service::key);
  return first != services_.end() && first->key().vip == address;
}

}  // namespace yonroku::share
