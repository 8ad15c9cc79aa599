#include "control/instance.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <random>
#include <set>
#include <unordered_set>

#include "control/huge_pages.h"
#include "control/snapshot_builder.h"

namespace yonroku::control {
namespace {

uint64_t random_seed() {
  std::random_device device;
  return (uint64_t{device()} << 32 | device()) | 1;
}

std::string to_text(const share::EamMapping& mapping) {
  return mapping.ipv4.to_string() + " <-> " + mapping.ipv6.to_string();
}

// The CLAT's own address is a mapping that the settings imply.
std::optional<share::EamMapping> clat_mapping(const config::InstanceSettings& settings) {
  if (!settings.clat_address) return std::nullopt;
  return share::EamMapping{Ipv4Prefix::holding(settings.clat_ipv4, 32),
                           Ipv6Prefix::holding(*settings.clat_address, 128)};
}

// The address that this host's own programs use through a CLAT.
std::optional<Ipv4Prefix> host_address(const config::InstanceSettings& settings) {
  if (!settings.clat_address || settings.routes == config::RouteMode::Manual) return std::nullopt;
  return Ipv4Prefix::holding(settings.clat_ipv4, 32);
}

// The address that we answer Neighbour Solicitations for.
std::optional<Ipv6Address> proxied_address(const config::InstanceSettings& settings) {
  if (!settings.neighbour_proxy || settings.routes == config::RouteMode::Manual) return std::nullopt;
  return settings.clat_address;
}

void answer_neighbour_solicitations(const std::string& device) {
  std::ofstream("/proc/sys/net/ipv6/conf/" + device + "/proxy_ndp") << "1\n";
}

}  // namespace

Instance::Instance(const config::InstanceSettings& settings, Netlink netlink)
    : settings_(settings),
      netlink_(std::move(netlink)),
      routes_(settings.device),
      since_(std::chrono::system_clock::now()) {}

Instance::~Instance() {
  for (auto& worker : workers_) worker->stop();
  if (const auto proxied = proxied_address(settings_))
    (void)netlink_.remove_proxy_neighbour(*settings_.neighbour_proxy, *proxied);
  // The device and its routes go away with its last queue.
}

Result<std::unique_ptr<Instance>> Instance::open(const config::InstanceSettings& settings) {
  auto table = TRY(build_eam_table(settings, random_seed(), huge_page_memory()));
  const auto routes = TRY(implied_routes(settings));
  std::unique_ptr<Instance> instance(new Instance(settings, TRY(Netlink::open())));
  instance->table_ = std::move(table);
  instance->snapshot_ = build_snapshot(settings, instance->table_);
  instance->settings_.mappings = {};
  instance->settings_.mappings.shrink_to_fit();

  auto device = TRY(io::open_tun(settings.device, settings.workers));
  instance->make_workers(std::move(device.queues));
  TRY(instance->set_up_link(settings, nullptr));
  TRY(instance->routes_.change_to(instance->netlink_, routes));
  instance->routes_.change_own_route(instance->netlink_, own_route(settings));
  return instance;
}

void Instance::make_workers(std::vector<io::TunQueue> queues) {
  const auto count = static_cast<uint16_t>(queues.size());
  for (uint16_t i = 0; i < count; ++i)
    workers_.push_back(
        std::make_unique<engine::Worker>(std::move(queues[i]), snapshot_.get(), random_seed(), i, count));
}

Result<void> Instance::set_up_link(const config::InstanceSettings& settings, const config::InstanceSettings* old) {
  const std::string& device = settings.device;
  TRY(netlink_.bring_up(device, std::max<uint32_t>(settings.ipv4_mtu, settings.ipv6_mtu)));

  const auto address = host_address(settings);
  const auto old_address = old == nullptr ? std::nullopt : host_address(*old);
  if (address && address != old_address) TRY(netlink_.add_address(device, *address));
  if (old_address && address != old_address) TRY(netlink_.remove_address(device, *old_address));

  const auto proxied = proxied_address(settings);
  const auto old_proxied = old == nullptr ? std::nullopt : proxied_address(*old);
  const bool same = proxied == old_proxied && (old == nullptr || settings.neighbour_proxy == old->neighbour_proxy);
  if (proxied && !same) {
    answer_neighbour_solicitations(*settings.neighbour_proxy);
    TRY(netlink_.add_proxy_neighbour(*settings.neighbour_proxy, *proxied));
  }
  if (old_proxied && !same) TRY(netlink_.remove_proxy_neighbour(*old->neighbour_proxy, *old_proxied));
  return {};
}

void Instance::start_workers() {
  for (auto& worker : workers_) worker->start();
}

void Instance::await_quiescence() const {
  for (const auto& worker : workers_) worker->await_quiescence();
}

void Instance::use(std::unique_ptr<engine::Snapshot> snapshot) {
  for (auto& worker : workers_) worker->use(snapshot.get());
  std::swap(snapshot_, snapshot);
  await_quiescence();  // then the old one is freed
}

Result<void> Instance::reload(const config::InstanceSettings& settings) {
  const auto routes = TRY(implied_routes(settings));
  const Change change = change_to(settings.mappings, settings);
  TRY(check(change, settings));
  TRY(set_up_link(settings, &settings_));
  TRY(routes_.change_to(netlink_, routes));
  routes_.change_own_route(netlink_, own_route(settings));
  apply(change);
  settings_ = settings;
  settings_.mappings = {};
  use(build_snapshot(settings, table_));
  return {};
}

Instance::Change Instance::change_to(std::span<const share::EamMapping> mappings,
                                     const config::InstanceSettings& settings) const {
  struct Hash {
    std::size_t operator()(const Ipv4Prefix& p) const {
      return std::hash<uint64_t>()(uint64_t{p.length()} << 32 | p.address().value());
    }
  };
  Change change;
  std::unordered_set<Ipv4Prefix, Hash> kept;
  kept.reserve(mappings.size() + 1);
  const auto keep = [&](const share::EamMapping& mapping) {
    kept.insert(mapping.ipv4);
    const auto present = table_->at(mapping.ipv4);
    if (!present) {
      change.add.push_back(mapping);
    } else if (*present != mapping) {
      change.replace.push_back(mapping);
    }
  };
  if (const auto own = clat_mapping(settings)) keep(*own);
  for (const auto& mapping : mappings) keep(mapping);
  table_->for_each([&](const share::EamMapping& mapping) {
    if (!kept.contains(mapping.ipv4)) change.remove.push_back(mapping.ipv4);
  });
  return change;
}

// Would every step be accepted? IPv6 prefixes that the change frees may be taken by it.
Result<void> Instance::check(const Change& change, const config::InstanceSettings& settings) const {
  std::set<Ipv6Prefix> freed;
  std::set<Ipv6Prefix> taken;
  std::set<Ipv4Prefix> new_ipv4;
  const auto own = clat_mapping(settings);
  for (const Ipv4Prefix& ipv4 : change.remove) {
    const auto mapping = table_->at(ipv4);
    if (!mapping) return fail(settings_.name, "no mapping for " + ipv4.to_string(), "`yonroku mappings list` shows them");
    if (own && own->ipv4 == ipv4)
      return fail(settings_.name, ipv4.to_string() + " is the CLAT's own mapping", "change `clat-address` instead");
    freed.insert(mapping->ipv6);
  }
  for (const auto& mapping : change.replace) freed.insert(table_->at(mapping.ipv4)->ipv6);
  const auto may_take = [&](const share::EamMapping& mapping) -> Result<void> {
    if (!mapping.is_valid())
      return fail(settings_.name, to_text(mapping) + ": " +
                                      std::string(share::describe(share::EamTable::Refusal::Ipv4SuffixTooLong)));
    const auto holder = table_->at(mapping.ipv6);
    if ((holder && !freed.contains(mapping.ipv6)) || !taken.insert(mapping.ipv6).second)
      return fail(settings_.name, to_text(mapping) + ": another mapping has the same IPv6 prefix" +
                                      (holder ? " (" + to_text(*holder) + ")" : ""));
    return {};
  };
  for (const auto& mapping : change.replace) TRY(may_take(mapping));
  for (const auto& mapping : change.add) {
    TRY(may_take(mapping));
    if (table_->at(mapping.ipv4) || !new_ipv4.insert(mapping.ipv4).second)
      return fail(settings_.name, to_text(mapping) + ": another mapping has the same IPv4 prefix",
                  "remove that one first, or use `mappings replace`");
  }
  return {};
}

Result<void> Instance::change_routes(const Change& change) {
  if (settings_.routes == config::RouteMode::Manual || settings_.mechanism == config::Mechanism::Clat ||
      settings_.ipv4_routes)
    return {};
  for (const auto& mapping : change.add) TRY(routes_.cover(netlink_, mapping.ipv4));
  for (const Ipv4Prefix& ipv4 : change.remove) TRY(routes_.uncover(netlink_, ipv4));
  return {};
}

void Instance::apply(const Change& change) {
  table_->reserve(table_->size() + change.add.size());
  // A replacement whose IPv6 prefix is still held by another one that changes too waits until that is gone.
  for (const Ipv4Prefix& ipv4 : change.remove) (void)table_->remove(ipv4);
  std::vector<share::EamMapping> waiting;
  for (const auto& mapping : change.replace)
    if (table_->replace(mapping) != share::EamTable::Refusal::None) waiting.push_back(mapping);
  for (const auto& mapping : waiting) (void)table_->remove(mapping.ipv4);
  for (const auto& mapping : waiting) (void)table_->add(mapping);
  for (const auto& mapping : change.add) (void)table_->add(mapping);
  if (const auto retired = table_->take_retired(); !retired.empty()) await_quiescence();
}

Result<void> Instance::change_mappings(const Change& change) {
  TRY(check(change, settings_));
  TRY(change_routes(change));
  apply(change);
  return {};
}

observe::Totals Instance::totals() const {
  observe::Totals totals;
  for (const auto& worker : workers_) totals.add(worker->counters());
  return totals;
}

std::optional<std::string> Instance::failure() const {
  for (const auto& worker : workers_)
    if (const int error = worker->failure(); error != 0)
      return "device " + settings_.device + " is gone: " + std::strerror(error);
  return std::nullopt;
}

}  // namespace yonroku::control
