// The world in which the offload's programs run for tests: a network namespace where each instance has its
// TUN device, and its own link to everybody else, with routes; the kernel's own routing answers the programs.
// No packet travels: BPF_PROG_TEST_RUN shows one to a program, and says what became of it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/result.h"
#include "control/routes.h"
#include "fastpath/instance_view.h"
#include "fastpath/programs.h"
#include "fastpath/table_memory.h"
#include "fastpath/test_network.h"
#include "io/tun.h"
#include "packet/test_packets.h"

namespace yonroku::offload {

using Mac = std::array<uint8_t, 6>;
inline constexpr Mac kOwnMac{2, 0, 0, 0, 0, 1};
inline constexpr Mac kNextHopMac{2, 0, 0, 0, 0, 2};
// Who is behind the link even where a default route leads to the instance: a customer's network.
inline constexpr Ipv4Prefix kLan[] = {
    Ipv4Prefix::holding(Ipv4Address(10, 0, 0, 0), 8), Ipv4Prefix::holding(Ipv4Address(172, 16, 0, 0), 12),
    Ipv4Prefix::holding(Ipv4Address(192, 168, 0, 0), 16), Ipv4Prefix::holding(Ipv4Address(192, 0, 0, 0), 29)};
inline constexpr std::size_t kEthernetHeader = 14;
// BPF_PROG_TEST_RUN takes about a page; every interface's MTU leaves room for a larger IP header.
inline constexpr std::size_t kLargestPacket = 3300;

using Hook = fastpath::Place;
inline constexpr Hook kHooks[] = {Hook::Tc, Hook::Xdp};
const char* name(Hook hook);

class World {
 public:
  // Needs root. Moves the calling thread, and what it starts, to a network namespace that ends with it.
  static Result<World> create();

  // `instance`, below fastpath::kMostInstances, is this one from now on. `memory` holds its tables; both
  // outlive what is run.
  Result<void> serve(uint32_t instance, const fastpath::Served& served, fastpath::TableMemory& memory);
  // What comes by its link and has such a destination is for it; everything else leaves by the link.
  Result<void> route(uint32_t instance, const control::ImpliedRoutes& routes);

  // How often the kernel itself counts a hop on each side of the engine; 0 at first.
  void set_kernel_hops(uint32_t hops) { programs_.set_kernel_hops(hops); }

  enum class Action : uint8_t { Forwarded, PassedUp, Other };
  struct Outcome {
    Action action;
    int returned;        // by the program
    test::Octets frame;  // as the program left it
    bool is_sum_right = true;
  };
  // What a frame has that is not in it (tc only).
  struct Note {
    uint16_t segment_size = 0;  // of a super-packet
    fastpath::Sum sum = fastpath::Sum::None;
  };
  // Shows a frame that arrives by the link. Nothing when the kernel does not run programs on such a frame.
  std::optional<Outcome> run(uint32_t instance, Hook hook, test::View frame, const Note& note);
  // Whether the kernel has Sum::Complete.
  [[nodiscard]] bool knows_sums() const { return fastpath::TestNetwork::knows_sums(programs_.tc()); }

  [[nodiscard]] const fastpath::Programs& programs() const { return programs_; }

 private:
  // What an instance has.
  struct Place {
    io::TunDevice tun;
    uint32_t link;  // interface index
    uint32_t tables = 0;
    std::string remove_routes = {};  // for ip(8)
  };

  explicit World(fastpath::Programs programs) : programs_(std::move(programs)) {}
  Result<Place*> place_of(uint32_t instance);

  fastpath::Programs programs_;
  std::map<uint32_t, Place> places_;
};

}  // namespace yonroku::offload
