#include "mechanism/nat44.h"

#include <gtest/gtest.h>

#include <array>
#include <set>

#include "carry/translate/translate.h"

namespace yonroku::mechanism {
namespace {

using Ports = Ipv4Flow::Ports;

constexpr Ipv4Address kShared(192, 0, 2, 18);
constexpr Ipv4Address kServer(203, 0, 113, 80);

// PSID 52 of 256 with 4 bits of offset: 4928 to 4943, ..., 62272 to 62287.
share::NatSettings shared_address() {
  share::NatPool pool;
  pool.addresses = {Ipv4Prefix::holding(kShared, 32)};
  pool.port_set = share::PortSet::create({.psid_offset = 4, .psid_length = 8}, 52);
  share::NatSettings settings;
  settings.pools = {pool};
  settings.max_sessions = 1000;
  return settings;
}

Ipv4Flow flow_to(Ipv4Address destination, uint16_t port, IpProtocol protocol, Ports ports) {
  Ipv4Flow flow;
  flow.source = Ipv4Address(192, 168, 1, 2);
  flow.destination = destination;
  flow.destination_port = port;
  flow.protocol = protocol;
  flow.ports = ports;
  return flow;
}

TEST(Nat44, ASharedAddressIsTheCustomersOwnAtItsPortsOnly) {
  const share::NatSettings settings = shared_address();
  WorkerState state(1, 0, 1);
  prepare_nat(settings, state);
  const struct Row {
    const char* name;
    Ipv4Flow flow;
    bool is_own;
  } rows[] = {
      {"the first port", flow_to(kShared, 4928, IpProtocol::Udp, Ports::Present), true},
      {"the last port", flow_to(kShared, 62287, IpProtocol::Tcp, Ports::Present), true},
      {"a neighbour's port", flow_to(kShared, 4944, IpProtocol::Tcp, Ports::Present), false},
      {"nobody's port", flow_to(kShared, 832, IpProtocol::Tcp, Ports::Present), false},
      {"another address", flow_to(kServer, 4928, IpProtocol::Tcp, Ports::Present), false},
      {"a ping: its identifier will be one of ours", flow_to(kShared, 4944, IpProtocol::Icmp, Ports::Present),
       true},
      {"a fragment", flow_to(kShared, 0, IpProtocol::Udp, Ports::Fragment), true},
  };
  for (const Row& row : rows) EXPECT_EQ(is_to_own(row.flow, settings, state), row.is_own) << row.name;
  Ipv4Flow error = flow_to(kShared, 4944, IpProtocol::Icmp, Ports::Present);
  error.is_icmp_error = true;
  EXPECT_FALSE(is_to_own(error, settings, state)) << "an error about a neighbour's packet";
}

TEST(Nat44, AWholeAddressIsTheCustomersOwnAtEveryPort) {
  share::NatSettings settings = shared_address();
  settings.pools.front().port_set.reset();
  WorkerState state(1, 0, 1);
  prepare_nat(settings, state);
  for (const uint16_t port : std::to_array<uint16_t>({1, 832, 4928, 65535}))
    EXPECT_TRUE(is_own(kShared, port, Ports::Present, settings, state)) << port;
  EXPECT_FALSE(is_own(kServer, 4928, Ports::Present, settings, state));
}

Ipv4View fragment(std::array<std::byte, sizeof(Ipv4Header) + 8>& octets, uint16_t identification) {
  carry::Ipv4Fields fields;
  fields.addresses = {kServer, kShared, {}};
  fields.ttl = 64;
  fields.protocol = IpProtocol::Udp;
  fields.total_length = static_cast<uint16_t>(octets.size());
  fields.identification = identification;
  carry::write_ipv4_header(octets.data(), fields);
  return *Ipv4View::parse(octets);
}

TEST(Nat44, FragmentsFromATunnelMeetAtOneWorker) {
  constexpr uint16_t kWorkers = 3;
  constexpr std::size_t kBehindIpv6 = sizeof(Ipv6Header);
  std::set<uint16_t> meeting_points;
  for (uint16_t identification = 0; identification < 30; ++identification) {
    std::array<std::byte, sizeof(Ipv4Header) + 8> octets{};
    const Ipv4View ip = fragment(octets, identification);
    std::set<uint16_t> of_this_packet;
    for (uint16_t worker = 0; worker < kWorkers; ++worker) {
      const Verdict verdict = gather_fragments(ip, kBehindIpv6, WorkerState(1, worker, kWorkers));
      const bool is_here = verdict.action == Verdict::Action::Reassemble;
      if (is_here)
        EXPECT_EQ(verdict.detail, kBehindIpv6);
      else
        EXPECT_EQ(verdict.action, Verdict::Action::HandOver);
      of_this_packet.insert(is_here ? worker : static_cast<uint16_t>(verdict.detail));
    }
    EXPECT_EQ(of_this_packet.size(), 1u) << identification;
    meeting_points.merge(of_this_packet);
  }
  EXPECT_EQ(meeting_points.size(), kWorkers);
}

}  // namespace
}  // namespace yonroku::mechanism
