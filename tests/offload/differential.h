// One configuration in the engine and in the offload's programs: what the programs forward has the engine's
// octets, and everything else passes them untouched.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "config/settings.h"
#include "engine/pipeline.h"
#include "world.h"

namespace yonroku::offload {

// A packet as it arrives.
struct Arrival {
  test::Octets packet;                      // and the frame's padding
  uint16_t segment_size = 0;                // of a super-packet (tc only), whose checksum must be right
  uint16_t ether_type = 0;                  // 0: as the packet's version says
  fastpath::Sum sum = fastpath::Sum::None;  // Complete: of what can_have_sum()
  [[nodiscard]] World::Note note() const { return {segment_size, sum}; }
};

// Packets forwarded to IPv6 and to IPv4, of each protocol.
struct Counts {
  struct Count {
    uint64_t packets = 0, octets = 0;
    bool operator==(const Count&) const = default;
  };
  std::array<Count, 2 * observe::kProtocols> at{};

  Counts() = default;
  explicit Counts(const observe::Counters& counters);
  explicit Counts(const fastpath::CountersView& counters);
  Counts& operator+=(const Counts& other);
  Counts& operator-=(const Counts& other);
  bool operator==(const Counts&) const = default;
  [[nodiscard]] std::string to_string() const;
};

// From the next hop to the interface.
test::Octets framed(const Arrival& arrival);
// TCP or UDP with a right checksum, and nothing behind it.
bool can_be_super_packet(test::View packet);
// Whether nothing follows it or the packet in it. Of a packet that is cut the kernel forgets the sum, for
// which a test run asks nevertheless.
bool can_have_sum(test::View packet);

struct Compared {
  enum class Result : uint8_t { Forwarded, PassedUp, NotRun } result = Result::NotRun;
  std::string problem;  // how they differ; empty: they agree
};

class Differential {
 public:
  // The first instance of the file, which is to be `number` to the programs.
  static Result<std::unique_ptr<Differential>> create(const std::string& config, uint32_t number = 0);
  // Why the offload leaves everything to the engine; empty: it does not, and enter() may be called.
  [[nodiscard]] const std::string& reason_unserved() const { return reason_unserved_; }
  // Makes the programs serve it. The world outlives this.
  Result<void> enter(World& world);
  // Which of the routes lead to the instance: where one family's don't, what it sends in that family leaves
  // whatever the destination. All do after enter().
  enum class Routes : uint8_t { Both, Ipv4, Ipv6 };
  Result<void> choose_routes(Routes routes);

  // Forgets all flows and the time that has passed.
  void start_over();
  Compared compare(Hook hook, const Arrival& arrival);
  // What the mechanism does while time passes.
  void let_time_pass(Duration since_beginning);
  // Whether the programs have counted what they forwarded as the engine counts; a sentence if not.
  [[nodiscard]] std::string compare_counters() const;
  [[nodiscard]] fastpath::CountersView counters() const;  // of all hooks

 private:
  // What the engine made of a packet.
  struct Expected {
    engine::Pipeline::Outcome outcome;
    std::vector<test::Octets> packets;
    Counts counted;
  };

  Differential(const config::InstanceSettings& settings, uint32_t number);
  Result<void> build();
  Expected ask_engine(const Arrival& arrival);
  std::string difference(Hook hook, const Arrival& arrival, test::View frame, const World::Outcome& outcome,
                         const Expected& expected);
  std::string why_passed_up(Hook hook, const Arrival& arrival, test::View frame);
  // The engine forwards it whole, nothing about it is unusual, and routes lead to the instance and on: no
  // reason to pass it up.
  [[nodiscard]] bool is_plain(const test::Octets& packet, const Expected& expected) const;
  [[nodiscard]] bool is_routed_here(const test::Seen& seen) const;

  World* world_ = nullptr;
  uint32_t number_;
  config::InstanceSettings settings_;
  control::ImpliedRoutes routes_;  // that lead to the instance
  fastpath::TableMemory memory_;
  fastpath::Served served_;
  std::unique_ptr<engine::Snapshot> snapshot_;
  std::unique_ptr<engine::Pipeline> pipeline_;
  std::vector<std::byte> buffer_;
  Instant now_;
  Counts forwarded_;  // as the engine counts what the programs forwarded
  std::string reason_unserved_;

  // The programs read the kernel's clock, the engine is told the time: its clock begins as theirs is.
  const Instant beginning_ = Instant::from_nanoseconds(monotonic_now());
  static int64_t monotonic_now();
};

}  // namespace yonroku::offload
