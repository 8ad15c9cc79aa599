// For tests of flows: programs and the engine see the same packets.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "fastpath/instance_view.h"
#include "fastpath/table_memory.h"
#include "fastpath/test_network.h"
#include "fastpath/test_programs.h"
#include "fastpath/test_routing.h"
#include "mechanism/worker_state.h"

namespace yonroku::fastpath {

using test::Octets;

inline constexpr uint8_t kSyn = 0x02, kAck = 0x10, kFin = 0x01, kRst = 0x04;
// The IPv4 packet in a tunnel; else the packet itself.
inline Octets innermost(const Octets& packet) {
  const auto seen = test::see(packet);
  if (!seen || seen->protocol != kIpip) return packet;
  return {packet.begin() + static_cast<std::ptrdiff_t>(seen->transport), packet.end()};
}

// Of the same protocol and, in a tunnel, with the same ends: addresses and ports (of ICMP, the identifier)
// the other way round.
inline Octets answer_to(const Octets& packet, Octets transport, uint8_t tos = 0) {
  const auto seen = test::see(packet);
  const test::Ipv6Spec ipv6{.source = seen->destination,
                            .destination = seen->source,
                            .next_header = seen->protocol,
                            .traffic_class = tos};
  if (seen->protocol == kIpip)
    return test::ipv6(ipv6, answer_to(innermost(packet), std::move(transport), tos));
  const auto ports = packet.begin() + static_cast<std::ptrdiff_t>(seen->transport);
  if (seen->protocol == test::kIcmp || seen->protocol == test::kIcmpv6) {
    std::copy_n(ports + 4, 2, transport.begin() + 4);
  } else {
    std::copy_n(ports + 2, 2, transport.begin());
    std::copy_n(ports, 2, transport.begin() + 2);
  }
  if (seen->version == 6) return test::ipv6(ipv6, transport);
  return test::ipv4(
      {.source = seen->destination, .destination = seen->source, .protocol = seen->protocol, .tos = tos},
      transport);
}
inline Octets echo_reply_to(const Octets& packet, uint16_t sequence) {
  const uint8_t type = test::see(innermost(packet))->protocol == test::kIcmp ? 0 : 129;
  return answer_to(packet, test::icmp(type, 0, sequence, test::counting(56)));
}

class Flows : public testing::Test {
 protected:
  using Hook = TestNetwork::Hook;
  using Action = TestNetwork::Action;
  static constexpr Hook kHooks[] = {Hook::Tc, Hook::Xdp};
  using Engine = std::function<Verdict(Packet&)>;

  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    programs_ = test_programs();
    ASSERT_NE(programs_, nullptr);
    ASSERT_TRUE(TestNetwork::enter());
    knows_sums_ = TestNetwork::knows_sums(programs_->tc());
  }
  void TearDown() override {
    if (programs_ == nullptr) return;
    for (uint32_t first = 0; first < kTestFlows; ++first) programs_->remove_flow_table(first);
    (void)programs_->add_flow_table(kTestFlows);  // ends the flows that are left
    programs_->remove_flow_table(0);
  }
  void serve_by(Engine process, const Served& served) {
    process_ = std::move(process);
    InstanceView view = served.view;
    view.places = (1u << kPlaces) - 1;
    ASSERT_TRUE(programs_->set_instance(0, view));
    for (uint32_t i = 0; i < served.tables.size(); ++i)
      ASSERT_TRUE(programs_->set_table(table_number(0, i),
                                       memory_.map_of(served.tables[i].slots, served.tables[i].seed)));
  }

  // What the engine makes of it; empty when it goes no further.
  [[nodiscard]] Octets engine(test::View packet) const {
    std::vector<std::byte> buffer(128 + packet.size() + 64);
    std::memcpy(buffer.data() + 128, packet.data(), packet.size());
    Packet made(buffer, 128, packet.size());
    const Verdict verdict = process_(made);
    if (state_.nat) state_.nat->begin_offers();
    const bool is_sent =
        verdict.action == Verdict::Action::ToIpv4 || verdict.action == Verdict::Action::ToIpv6;
    if (!is_sent) return {};
    const test::View octets = test::octets_of(made.bytes());
    return {octets.begin(), octets.end()};
  }
  [[nodiscard]] int program(Hook hook) const { return hook == Hook::Tc ? programs_->tc() : programs_->xdp(); }
  [[nodiscard]] TestNetwork::Outcome run(Hook hook, test::View packet, Sum sum = Sum::None) const {
    return network_.run(hook, program(hook), TestNetwork::frame_of(packet), 1, sum);
  }

  // What leaves is what the engine makes of it with the kernel's routing before and behind it.
  void expect_forwarded(const Octets& packet) const {
    Octets expected = engine(routed(packet));
    ASSERT_FALSE(expected.empty());
    expected = routed(std::move(expected));
    const bool is_translated = innermost(packet) == packet && innermost(expected) == expected;
    for (const Hook hook : kHooks) {
      SCOPED_TRACE(hook == Hook::Tc ? "tc" : "XDP");
      const auto outcome = run(hook, packet);
      ASSERT_EQ(outcome.action, Action::Forwarded);
      Octets made(outcome.frame.begin() + 14, outcome.frame.end());
      // At tc the kernel may be left to write the link layer's header.
      EXPECT_TRUE(hook == Hook::Tc ||
                  std::equal(TestNetwork::kNextHopMac, TestNetwork::kNextHopMac + 6, outcome.frame.begin()));
      EXPECT_EQ(test::get16(outcome.frame, 12), made[0] >> 4 == 4 ? 0x0800u : 0x86ddu);
      EXPECT_TRUE(test::see(innermost(made))->header_checksum_right);
      EXPECT_EQ(test::has_right_checksum(innermost(made)), test::has_right_checksum(innermost(packet)));
      const auto forget_identification = [&](Octets& octets) {
        if (!is_translated || octets[0] >> 4 == 6 || (octets[6] & 0x40) != 0) return;
        test::put16(octets, 4, 0);
        test::put16(octets, 10, 0);
      };
      forget_identification(expected);
      forget_identification(made);
      EXPECT_EQ(made, expected);
      if (hook == Hook::Tc && knows_sums_) {
        const auto summed = run(hook, packet, Sum::Complete);
        EXPECT_TRUE(summed.is_sum_right);
        EXPECT_EQ(summed.action, Action::Forwarded);
      }
    }
  }
  void expect_passed_up(const Octets& packet, Miss why) const {
    for (const Hook hook : kHooks) {
      SCOPED_TRACE(hook == Hook::Tc ? "tc" : "XDP");
      programs_->clear_counters(0);
      const auto outcome = run(hook, packet);
      EXPECT_EQ(outcome.action, Action::PassedUp);
      EXPECT_EQ(outcome.frame, TestNetwork::frame_of(packet));
      EXPECT_EQ(programs_->counters(0, hook == Hook::Tc ? Place::Tc : Place::Xdp)
                    ->misses[static_cast<std::size_t>(why)],
                1u);
    }
  }

  TestNetwork network_;
  Programs* programs_ = nullptr;
  TableMemory memory_;
  mechanism::WorkerState state_{1};

 private:
  Engine process_;
  bool knows_sums_ = false;
};

}  // namespace yonroku::fastpath
