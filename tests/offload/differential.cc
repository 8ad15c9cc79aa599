#include "differential.h"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>

#include "config/load.h"
#include "control/snapshot_builder.h"

namespace yonroku::offload {
namespace {

using test::get16;
using test::Octets;
using test::Seen;
using test::View;

// Which mechanisms fastpath::serve() knows.
template <class Mech>
fastpath::ServedOrNot serve(uint32_t number, const Mech& mechanism, const engine::Snapshot& snapshot) {
  if constexpr (requires { fastpath::serve(number, mechanism.settings(), *snapshot.eam_table); })
    return fastpath::serve(number, mechanism.settings(), *snapshot.eam_table);
  else if constexpr (requires {
                       fastpath::serve(number, mechanism.settings(), *snapshot.rules, *snapshot.path_mtus);
                     })
    return fastpath::serve(number, mechanism.settings(), *snapshot.rules, *snapshot.path_mtus);
  else if constexpr (requires {
                       fastpath::serve(number, mechanism.settings(), *snapshot.eam_table, *snapshot.rules);
                     })
    return fastpath::serve(number, mechanism.settings(), *snapshot.eam_table, *snapshot.rules);
  return std::unexpected("no program serves its mechanism");
}

constexpr const char* kMissNames[] = {
#define YONROKU_MISS(enumerator, name, meaning) name,
#include "fastpath/misses.def"
#undef YONROKU_MISS
};

std::string hex(View octets) {
  std::string text;
  for (std::size_t i = 0; i < octets.size(); ++i)
    text += fmt::format("{}{:02x}", i == 0 ? "" : i % 16 == 0 ? "\n  " : " ", octets[i]);
  return text;
}

// Whether the frame's type tells the truth.
bool is_what_it_says(const Arrival& arrival) {
  if (arrival.ether_type == 0) return true;
  return !arrival.packet.empty() && (arrival.packet[0] >> 4 == 6 ? 0x86dd : 0x0800) == arrival.ether_type;
}

// What the kernel hands to the TUN device: without what follows the packet.
View without_padding(View packet) {
  const auto seen = test::see(packet);
  return seen ? packet.first(seen->total) : packet;
}

// How the kernel hands over a super-packet: the checksum is left to whoever cuts it.
void become_super_packet(Packet& packet, const Arrival& arrival) {
  const std::span octets(reinterpret_cast<uint8_t*>(packet.data()), packet.size());
  const auto seen = test::see(octets);
  if (!seen) return;
  test::set_partial_checksum(octets);
  const bool is_udp = seen->protocol == test::kUdp;
  using Segmentation = Offload::Segmentation;
  packet.offload.segmentation = is_udp               ? Segmentation::Udp
                                : seen->version == 4 ? Segmentation::TcpIpv4
                                                     : Segmentation::TcpIpv6;
  packet.offload.segment_size = arrival.segment_size;
  packet.offload.partial_checksum = true;
  packet.offload.checksum_start = static_cast<uint16_t>(seen->transport);
  packet.offload.checksum_offset = is_udp ? 6 : 16;
}

// An identification made for a packet that may be fragmented (RFC 7915 §5.1) is any.
bool has_free_identification(View arrived, View forwarded) {
  return arrived[0] >> 4 == 6 && arrived[6] != 4 && forwarded[0] >> 4 == 4 && (forwarded[6] & 0x40) == 0;
}

// At tc the kernel may be asked to write the addresses (bpf_redirect_neigh), after the program.
bool has_right_addresses(Hook hook, View frame) {
  const auto are = [&](const Mac& destination, const Mac& source) {
    return std::ranges::equal(frame.first(6), destination) && std::ranges::equal(frame.subspan(6, 6), source);
  };
  return are(kNextHopMac, kOwnMac) || (hook == Hook::Tc && are(kOwnMac, kNextHopMac));
}

std::string compare_forwarded(Hook hook, View arrived, View frame, const Octets& expected) {
  const View packet = frame.subspan(kEthernetHeader);
  if (!has_right_addresses(hook, frame))
    return "its Ethernet addresses are not the next hop's and the interface's";
  if (get16(frame, 12) != (expected[0] >> 4 == 6 ? 0x86dd : 0x0800)) return "its Ethernet type is wrong";
  if (packet.size() != expected.size()) return "it has another size than the engine's";
  if (!has_free_identification(arrived, packet))
    return std::ranges::equal(packet, expected) ? "" : "it has other octets than the engine's";
  if (test::ones_sum(packet.first(20)) != 0xffff) return "its header checksum is wrong";
  Octets masked(packet.begin(), packet.end());
  std::copy_n(expected.begin() + 4, 2, masked.begin() + 4);
  std::copy_n(expected.begin() + 10, 2, masked.begin() + 10);
  return masked == expected ? "" : "it has other octets than the engine's";
}

// TCP without SYN, UDP with a checksum, ICMP echo; no options, nor extension headers, nor fragments.
bool is_usual(View packet, const Seen& seen) {
  if (seen.hop_limit <= 1 || seen.is_fragment() || seen.has_fragment_header) return false;
  if (seen.transport != (seen.version == 4 ? 20u : 40u)) return false;
  const View transport = packet.subspan(seen.transport, seen.total - seen.transport);
  if (seen.protocol == test::kTcp) return transport.size() >= 20 && (transport[13] & 2) == 0;
  if (seen.protocol == test::kUdp) return transport.size() >= 8 && get16(transport, 6) != 0;
  if (transport.size() < 8) return false;
  if (seen.version == 4) return seen.protocol == test::kIcmp && (transport[0] == 0 || transport[0] == 8);
  return seen.protocol == test::kIcmpv6 && (transport[0] == 128 || transport[0] == 129);
}

}  // namespace

Octets framed(const Arrival& arrival) {
  Octets frame(kEthernetHeader);
  std::ranges::copy(kOwnMac, frame.begin());
  std::ranges::copy(kNextHopMac, frame.begin() + 6);
  const bool is_ipv6 = !arrival.packet.empty() && arrival.packet[0] >> 4 == 6;
  test::put16(frame, 12, arrival.ether_type != 0 ? arrival.ether_type : is_ipv6 ? 0x86dd : 0x0800);
  frame.insert(frame.end(), arrival.packet.begin(), arrival.packet.end());
  return frame;
}

bool can_be_super_packet(View packet) {
  const auto seen = test::see(packet);
  return seen && seen->total == packet.size() &&
         (seen->protocol == test::kTcp || seen->protocol == test::kUdp) && test::has_right_checksum(packet);
}

bool can_have_sum(View packet) {
  constexpr uint8_t kIpip = 4;
  const auto seen = test::see(packet);
  if (!seen) return true;
  return seen->total == packet.size() &&
         (seen->protocol != kIpip || can_have_sum(packet.subspan(seen->transport)));
}

Counts::Counts(const observe::Counters& counters) {
  for (std::size_t i = 0; i < at.size(); ++i) {
    const auto& flow = counters.translated[i / observe::kProtocols][i % observe::kProtocols];
    at[i] = {flow.packets.value(), flow.octets.value()};
  }
}

Counts::Counts(const fastpath::CountersView& counters) {
  for (std::size_t i = 0; i < at.size(); ++i) {
    const fastpath::Count& count = counters.forwarded[i / observe::kProtocols][i % observe::kProtocols];
    at[i] = {count.packets, count.octets};
  }
}

Counts& Counts::operator+=(const Counts& other) {
  for (std::size_t i = 0; i < at.size(); ++i) {
    at[i].packets += other.at[i].packets;
    at[i].octets += other.at[i].octets;
  }
  return *this;
}

Counts& Counts::operator-=(const Counts& other) {
  for (std::size_t i = 0; i < at.size(); ++i) {
    at[i].packets -= other.at[i].packets;
    at[i].octets -= other.at[i].octets;
  }
  return *this;
}

std::string Counts::to_string() const {
  std::string text;
  for (std::size_t i = 0; i < at.size(); ++i)
    if (at[i].packets != 0)
      text += fmt::format("{}{} {}: {} of {} octets", text.empty() ? "" : ", ",
                          observe::kDirectionLabels[i / observe::kProtocols],
                          observe::kProtocolLabels[i % observe::kProtocols], at[i].packets, at[i].octets);
  return text.empty() ? "none" : text;
}

Differential::Differential(const config::InstanceSettings& settings, uint32_t number)
    : number_(number),
      settings_(settings),
      buffer_(engine::Pipeline::kHeadroom + engine::Pipeline::kLargestPacket) {
  start_over();
}

Result<std::unique_ptr<Differential>> Differential::create(const std::string& config, uint32_t number) {
  const auto loaded = config::load_config(config);
  if (!loaded) return fail(config, "can't be loaded");
  std::unique_ptr<Differential> made(new Differential(loaded->settings.instances.at(0), number));
  TRY(made->build());
  return made;
}

Result<void> Differential::build() {
  auto tables = TRY(control::build_tables(settings_, /*seed=*/1, &memory_));
  snapshot_ = control::build_snapshot(settings_, std::move(tables));
  auto served = std::visit([&](const auto& mechanism) { return serve(number_, mechanism, *snapshot_); },
                           snapshot_->mechanism);
  if (served) {
    served_ = *std::move(served);
  } else {
    reason_unserved_ = served.error();
  }
  return {};
}

Result<void> Differential::enter(World& world) {
  world_ = &world;
  TRY(world_->serve(number_, served_, memory_));
  return choose_routes(Routes::Both);
}

Result<void> Differential::choose_routes(Routes routes) {
  routes_ = TRY(control::implied_routes(settings_));
  if (const auto own = control::own_route(settings_)) routes_.ipv4.push_back(*own);
  if (routes == Routes::Ipv4) routes_.ipv6.clear();
  if (routes == Routes::Ipv6) routes_.ipv4.clear();
  return world_->route(number_, routes_);
}

void Differential::start_over() {
  pipeline_ = std::make_unique<engine::Pipeline>(/*seed=*/0);
  now_ = beginning_;
}

Differential::Expected Differential::ask_engine(const Arrival& arrival) {
  const View input = without_padding(arrival.packet);
  Packet packet(buffer_, engine::Pipeline::kHeadroom, input.size());
  std::copy_n(reinterpret_cast<const std::byte*>(input.data()), input.size(), packet.data());
  if (arrival.segment_size != 0) become_super_packet(packet, arrival);
  Expected expected;
  const Counts before(pipeline_->counters());
  const auto emit = [&](const Packet& result) {
    const View octets = test::octets_of(result.bytes());
    Octets& kept = expected.packets.emplace_back(octets.begin(), octets.end());
    if (result.offload.partial_checksum) test::set_transport_checksum(kept);
  };
  expected.outcome = std::visit(
      [&](const auto& mechanism) { return pipeline_->process(*snapshot_, mechanism, packet, now_, emit); },
      snapshot_->mechanism);
  expected.counted = Counts(pipeline_->counters());
  expected.counted -= before;
  return expected;
}

bool Differential::is_routed_here(const Seen& seen) const {
  if (seen.version == 4) {
    const Ipv4Address address(test::get32(seen.destination, 0));
    const auto holds = [&](const Ipv4Prefix& prefix) { return prefix.contains(address); };
    const bool is_lan = std::ranges::any_of(kLan, holds);
    return std::ranges::any_of(routes_.ipv4, [&](const Ipv4Prefix& prefix) {
      return holds(prefix) && (!is_lan || prefix.length() > 16);
    });
  }
  const Ipv6Address address = Ipv6Address::from_octets(seen.destination);
  return std::ranges::any_of(routes_.ipv6, [&](const auto& prefix) { return prefix.contains(address); });
}

bool Differential::is_plain(const Octets& packet, const Expected& expected) const {
  const auto& verdict = expected.outcome.verdict;
  const fastpath::SiitView& siit = served_.view.siit;
  // Whom RFC 6052 §3.1 lets into the well-known prefix is left to the engine.
  if (siit.ipv4_side.is_restricted != 0 || siit.ipv6_side.is_restricted != 0) return false;
  if (expected.packets.size() != 1 || verdict.action == Verdict::Action::Drop) return false;
  const auto in = test::see(packet);
  const auto out = test::see(expected.packets[0]);
  if (!in || !out || in->version == out->version || out->is_fragment()) return false;
  return is_usual(packet, *in) && is_routed_here(*in) && !is_routed_here(*out);
}

// Once more, with an eye on the counters.
std::string Differential::why_passed_up(Hook hook, const Arrival& arrival, View frame) {
  const fastpath::CountersView before = counters();
  (void)world_->run(number_, hook, frame, arrival.note());
  const fastpath::CountersView after = counters();
  for (std::size_t i = 0; i < fastpath::kMissCount; ++i)
    if (after.misses[i] != before.misses[i]) return kMissNames[i];
  return "not routed to the instance";
}

int64_t Differential::monotonic_now() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

std::string Differential::difference(Hook hook, const Arrival& arrival, View frame,
                                     const World::Outcome& outcome, const Expected& expected) {
  if (outcome.action == World::Action::Other)
    return "the program returned " + std::to_string(outcome.returned);
  if (!outcome.is_sum_right) return "the sum that the device told of it has become wrong";
  if (outcome.action == World::Action::PassedUp) {
    if (!std::ranges::equal(outcome.frame, frame)) return "passed up, but not untouched";
    if (!is_what_it_says(arrival) || !is_plain(arrival.packet, expected)) return "";
    const std::string why = why_passed_up(hook, arrival, frame);
    // Test runs make super-packets that the kernel does not put into tunnels; those of senders it does (the
    // lab).
    const bool is_beyond_test_runs = arrival.segment_size != 0 && (why == "no-room" || why == "segments");
    if (!is_beyond_test_runs) return "plain, but passed up: " + why;
    return "";
  }
  if (!is_what_it_says(arrival)) return "forwarded, though it is not of the frame's type";
  if (expected.outcome.verdict.action == Verdict::Action::Drop)
    return "forwarded, but the engine drops it: " + std::string(label(expected.outcome.verdict.reason));
  if (expected.packets.size() != 1)
    return "forwarded, but the engine sends " + std::to_string(expected.packets.size()) + " packets";
  return compare_forwarded(hook, arrival.packet, outcome.frame, expected.packets[0]);
}

Compared Differential::compare(Hook hook, const Arrival& arrival) {
  const Octets frame = framed(arrival);
  const auto outcome = world_->run(number_, hook, frame, arrival.note());
  const Expected expected = ask_engine(arrival);
  Compared compared;
  if (!outcome) return compared;
  compared.problem = difference(hook, arrival, frame, *outcome, expected);
  compared.result = Compared::Result::PassedUp;
  if (outcome->action == World::Action::Forwarded) {
    compared.result = Compared::Result::Forwarded;
    forwarded_ += expected.counted;
  }
  if (!compared.problem.empty()) {
    compared.problem = std::string(name(hook)) + ": " + compared.problem + "\nframe:\n  " + hex(frame) +
                       "\nfrom the program:\n  " + hex(outcome->frame);
    for (const Octets& packet : expected.packets) compared.problem += "\nthe engine's:\n  " + hex(packet);
  }
  return compared;
}

void Differential::let_time_pass(Duration since_beginning) {
  now_ = beginning_ + since_beginning;
  std::visit(
      [&](const auto& mechanism) {
        while (pipeline_->expire(*snapshot_, mechanism, now_, [](const Packet&) {})) {
        }
      },
      snapshot_->mechanism);
}

fastpath::CountersView Differential::counters() const {
  fastpath::CountersView sum{};
  for (const Hook hook : kHooks) {
    const auto counters = world_->programs().counters(number_, hook).value_or(fastpath::CountersView{});
    for (std::size_t i = 0; i < 2; ++i)
      for (std::size_t j = 0; j < observe::kProtocols; ++j) {
        sum.forwarded[i][j].packets += counters.forwarded[i][j].packets;
        sum.forwarded[i][j].octets += counters.forwarded[i][j].octets;
      }
    for (std::size_t i = 0; i < fastpath::kMissCount; ++i) sum.misses[i] += counters.misses[i];
  }
  return sum;
}

std::string Differential::compare_counters() const {
  const Counts programs(counters());
  if (programs == forwarded_) return {};
  return "the programs counted " + programs.to_string() + ", the engine " + forwarded_.to_string();
}

}  // namespace yonroku::offload
