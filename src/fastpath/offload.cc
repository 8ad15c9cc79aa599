#include "fastpath/offload.h"

#include <net/if.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>

namespace yonroku::fastpath {
namespace {

constexpr uint64_t kFlowsAlone = 30'000'000'000;  // nanoseconds; longer than the daemon is ever busy

constexpr uint32_t bit(Place place) { return 1u << static_cast<uint32_t>(place); }

// Drivers that run XDP programs before anything else is made of a frame, and take frames from the programs of
// others (the kernel's ndo_xdp_xmit). With others `auto` stays with tc.
bool is_known_for_xdp(const std::string& driver) {
  static constexpr const char* kDrivers[] = {"mlx5_core", "i40e",    "ice",           "ixgbe",      "igc",
                                             "igb",       "bnxt_en", "ena",           "sfc",        "mvneta",
                                             "mvpp2",     "dpaa2",   "gve",           "nfp",        "qede",
                                             "mlx4_en",   "stmmac",  "fsl_dpaa2_eth", "mtk_soc_eth"};
  return std::ranges::any_of(kDrivers, [&](const char* each) { return driver == each; });
}

bool is_wished_at(const Wish& wish, const Interface& interface) {
  return wish.interfaces.empty() ||
         std::ranges::find(wish.interfaces, interface.name) != wish.interfaces.end();
}

// Why an interface can't have programs; empty: it can.
std::string why_not(const Interface& interface) {
  if (interface.is_loopback) return "loopback";
  if (interface.has_master) return "a port of a bridge or bond, which has its packets";
  return {};
}

}  // namespace

Result<std::unique_ptr<Offload>> Offload::create(uint32_t most_flows, const State& state) {
  std::optional<Pins> pins;
  if (state.folder) pins = TRY(Pins::open(*state.folder));
  Programs programs = TRY(Programs::load(most_flows, pins ? &*pins : nullptr));
  std::unique_ptr<Offload> offload(new Offload(std::move(pins), std::move(programs)));
  if (offload->programs_.has_recovered()) TRY(offload->recover(state.with_flows));
  return offload;
}
Offload::~Offload() = default;

Result<void> Offload::forget(const std::string& folder) {
  const Pins pins = TRY(Pins::open(folder));
  if (pins.names().empty()) return {};
  spdlog::info("offload: removes what an earlier program has left in {}", folder);
  pins.remove_all();
  return {};
}

// Only flows go on by themselves; of everything else an earlier program's tables are not this one's.
Result<void> Offload::recover(const std::vector<std::string>& with_flows) {
  std::set<uint32_t> numbers;
  for (uint32_t number = 0; number < kMostInstances; ++number) {
    const InstanceView view = TRY(programs_.instance(number));
    const std::string name(view.name, ::strnlen(view.name, sizeof view.name));
    if (view.kind == Kind::Nat && std::ranges::find(with_flows, name) != with_flows.end()) {
      earlier_.emplace(name, Earlier{number, view.first_flow});
      numbers.insert(number);
      continue;  // what is known of their tunnels too, until serve()
    }
    TRY(programs_.set_instance(number, InstanceView{}));
    for (uint32_t table = 0; table < kTablesOfInstance; ++table)
      TRY(programs_.remove_table(table_number(number, table)));
  }
  const uint32_t ended =
      programs_.end_flows_but([&](uint32_t instance) { return numbers.contains(instance); });
  if (ended != 0) spdlog::info("offload: {} flows of instances that are gone end", ended);
  return {};
}

// Flows know instances by their numbers.
uint32_t Offload::number_for(const std::string& name) const {
  if (const auto found = earlier_.find(name); found != earlier_.end()) return found->second.number;
  const auto is_taken = [&](uint32_t number) {
    return instances_.contains(number) ||
           std::ranges::any_of(earlier_, [&](const auto& each) { return each.second.number == number; });
  };
  uint32_t number = 0;
  while (is_taken(number)) ++number;
  return number;
}

void Offload::have_started(uid_t user) {
  if (!pins_) return;
  for (const uint32_t device : programs_.devices())
    if (!is_ours(device) && !attached_.contains(device)) programs_.remove_device(device);
  const auto is_attached = [&](const std::string& pin) {
    return std::ranges::any_of(attached_, [&](const auto& each) {
      return (each.second.tc && each.second.tc->pin() == pin) ||
             (each.second.xdp && each.second.xdp->pin() == pin);
    });
  };
  for (const std::string& pin : pins_->names())
    if (Attachment::is_pin(pin) && !is_attached(pin)) pins_->remove(pin);
  if (const uint32_t ended = programs_.end_flows_without_table(); ended != 0)
    spdlog::info("offload: {} flows have no place any more and end", ended);
  earlier_.clear();
  pins_->give_to(user);
}

void Offload::leave() noexcept {
  if (!pins_) return;
  is_leaving_ = true;
  for (auto& [index, attached] : attached_) {
    if (attached.tc) attached.tc->leave();
    if (attached.xdp) attached.xdp->leave();
  }
}

Result<uint32_t> Offload::add(const std::string& name, const std::string& device, const Wish& wish) {
  const uint32_t number = number_for(name);
  if (number >= kMostInstances)
    return fail(name, "the offload serves at most " + std::to_string(kMostInstances) + " instances",
                "set offload to off in some of them");
  Instance& instance = instances_[number];
  instance.name = name;
  instance.wish = wish;
  instance.device = ::if_nametoindex(device.c_str());
  if (instance.device == 0) {
    instances_.erase(number);
    return fail(device, std::strerror(errno));
  }
  instance.refusal = "it is being started";
  programs_.clear_counters(number);
  Device told{};
  told.use = Device::kInstance;
  told.instance = number;
  if (const auto set = programs_.set_device(instance.device, told); !set) {
    instances_.erase(number);
    return std::unexpected(set.error());
  }
  return number;
}

void Offload::remove(uint32_t number) {
  const auto found = instances_.find(number);
  if (found == instances_.end()) return;
  programs_.remove_device(found->second.device);
  if (is_leaving_) return;
  (void)programs_.set_instance(number, InstanceView{});
  for (uint32_t table = 0; table < kTablesOfInstance; ++table)
    (void)programs_.remove_table(table_number(number, table));
  for (const uint32_t table : found->second.flow_tables) programs_.remove_flow_table(table);
  instances_.erase(found);
}

std::unique_ptr<FlowOffload> Offload::flows_for(uint32_t number, FlowKind kind, uint32_t records) {
  Instance& instance = instances_.at(number);
  uint32_t first = 0;  // where its flows have been
  if (const auto found = earlier_.find(instance.name); found != earlier_.end())
    first = found->second.first_flow + static_cast<uint32_t>(instance.flow_tables.size()) * records;
  auto table = programs_.add_flow_table(records, first);
  if (!table) return nullptr;
  instance.flow_tables.push_back(table->first_number());
  tell_of(number, instance);
  return std::make_unique<FlowOffload>(*std::move(table), kind, static_cast<uint8_t>(number));
}

void Offload::set_wish(uint32_t number, const Wish& wish) {
  Instance& instance = instances_.at(number);
  instance.wish = wish;
  tell_of(number, instance);
}

uint32_t Offload::places_of(const Instance& instance) const {
  switch (instance.wish.mode) {
    case Mode::Off: return 0;
    case Mode::Tc: return bit(Place::Tc);
    case Mode::Xdp:
    case Mode::Auto: break;
  }
  return bit(Place::Tc) | bit(Place::Xdp);
}

void Offload::tell_of(uint32_t number, const Instance& instance) {
  InstanceView view{};
  if (instance.view && instance.wish.mode != Mode::Off) {
    view = *instance.view;
    view.places = places_of(instance);
  }
  instance.name.copy(view.name, sizeof view.name);
  if (!instance.flow_tables.empty()) view.first_flow = instance.flow_tables.front();
  if (const auto told = programs_.set_instance(number, view); !told)
    spdlog::error("{}: {}", instance.name, told.error().to_string());
}

void Offload::serve(uint32_t number, const ServedOrNot& served) {
  Instance& instance = instances_.at(number);
  const auto refuse = [&](std::string why) {
    instance.view.reset();
    instance.refusal = std::move(why);
    tell_of(number, instance);
  };
  if (!served) return refuse(served.error());
  uint32_t table = 0;
  for (const share::TableMemoryView& memory : served->tables) {
    const int map = table_memory_.map_of(memory.slots, memory.seed);
    if (map < 0) return refuse("the kernel had no memory for a table that it can share");
    if (const auto set = programs_.set_table(table_number(number, table++), map); !set)
      return refuse(set.error().to_string());
  }
  instance.view = served->view;
  instance.refusal.clear();
  tell_of(number, instance);
}

bool Offload::is_ours(uint32_t interface) const {
  return std::ranges::any_of(instances_, [&](const auto& each) { return each.second.device == interface; });
}

void Offload::attach(std::span<const Interface> present) {
  std::erase_if(attached_, [&](const auto& each) {
    const bool is_gone =
        std::ranges::none_of(present, [&](const Interface& one) { return one.index == each.first; });
    if (is_gone) programs_.remove_device(each.first);
    return is_gone;
  });
  for (const Interface& interface : present) {
    if (is_ours(interface.index)) continue;
    bool wants_tc = false, wants_xdp = false, chooses = false;
    for (const auto& [number, instance] : instances_) {
      if (instance.wish.mode == Mode::Off || !is_wished_at(instance.wish, interface)) continue;
      wants_tc = true;  // XDP has it as a second chance
      wants_xdp = wants_xdp || instance.wish.mode == Mode::Xdp;
      chooses = chooses || instance.wish.mode == Mode::Auto;
    }
    attach_to(interface, wants_tc, wants_xdp, chooses);
  }
  programs_.forget_routes();
}

void Offload::attach_to(const Interface& interface, bool wants_tc, bool wants_xdp, bool chooses) {
  if (!wants_tc && !attached_.contains(interface.index)) return;
  Attached& attached = attached_[interface.index];
  attached.interface = interface;
  attached.why = why_not(interface);
  if (!wants_tc || !attached.why.empty()) {
    attached.tc.reset();
    attached.xdp.reset();
    programs_.remove_device(interface.index);
    if (!wants_tc) attached_.erase(interface.index);
    return;
  }
  if (!attached.tc) {
    auto tc = Attachment::at_tc(interface.index,
                                interface.is_ethernet ? programs_.tc() : programs_.tc_without_link(), pins());
    if (tc) attached.tc = std::move(*tc);
    if (!tc) attached.why = tc.error().what;
  }
  const bool is_veth = interface.kind == "veth";
  const bool tries_xdp =
      interface.is_ethernet && (wants_xdp || (chooses && is_known_for_xdp(interface.driver)));
  if (tries_xdp && !attached.xdp) {
    auto xdp = Attachment::at_xdp(interface.index, programs_.xdp(), pins());
    if (xdp) attached.xdp = std::move(*xdp);
    if (!xdp) attached.why = xdp.error().what + ": tc instead";
  } else if (!tries_xdp) {
    attached.xdp.reset();
  }
  if (attached.why.empty()) {
    if (!interface.is_ethernet)
      attached.why = "no link layer: XDP is for Ethernet";
    else if (attached.xdp && is_veth)
      attached.why =
          "as wished; veth: checksums must be finished (ethtool -K PEER tx off) and the peer must have GRO "
          "on";
    else if (attached.xdp)
      attached.why = wants_xdp ? "as wished" : "driver " + interface.driver + " runs XDP";
    else if (is_veth && chooses)
      attached.why = "veth: XDP would lose unfinished checksums";
    else if (chooses)
      attached.why =
          "driver " + (interface.driver.empty() ? "of no name" : interface.driver) + " is not known for XDP";
    else
      attached.why = "as wished";
  }
  Device device{};
  if (attached.xdp) device.use |= Device::kXdpTarget;
  if (is_veth || interface.kind == "tun") device.use |= Device::kHandsOn;
  if (!interface.has_neighbours) device.use |= Device::kWithoutNeighbours;
  std::memcpy(device.mac, interface.mac, sizeof device.mac);
  if (const auto set = programs_.set_device(interface.index, device); !set)
    spdlog::error("offload: {}: {}", interface.name, set.error().to_string());
}

void Offload::trust_blocks() noexcept {
  programs_.trust_blocks();
  if (!pins_) programs_.follow_flows_for(kFlowsAlone);
}

CountersView Offload::counters(uint32_t instance) const {
  CountersView sum{};
  for (const Place place : {Place::Tc, Place::Xdp}) {
    const auto counted = programs_.counters(instance, place);
    if (counted) sum += *counted;
  }
  return sum;
}

std::vector<InterfaceStatus> Offload::interfaces() const {
  std::vector<InterfaceStatus> all;
  for (const auto& [index, attached] : attached_)
    all.push_back({attached.interface.name, attached.tc.has_value(), attached.xdp.has_value(), attached.why});
  return all;
}

InstanceStatus Offload::status(uint32_t number) const {
  const Instance& instance = instances_.at(number);
  InstanceStatus status;
  status.name = instance.name;
  if (!instance.view) status.refusal = instance.refusal;
  for (const Place place : {Place::Tc, Place::Xdp})
    if (const auto counted = programs_.counters(number, place); counted)
      status.counters[static_cast<std::size_t>(place)] = *counted;
  for (const auto& [index, attached] : attached_)
    if ((attached.tc || attached.xdp) && is_wished_at(instance.wish, attached.interface))
      status.interfaces.push_back(attached.interface.name);
  return status;
}

}  // namespace yonroku::fastpath
