// The offload's programs with the engine as their oracle (tests/offload). The input is a packet; octets
// behind the packet's own length choose the configuration, where the packet is seen, and what the frame is
// like. Each input is run as it is, and once more with its checksums mended. Needs root: without, nothing is
// run.
#include <unistd.h>

#include <cstdio>

#include "differential.h"
#include "require.h"
#include "translator_choices.h"

namespace {

namespace fuzz = yonroku::fuzz;
namespace offload = yonroku::offload;
namespace test = yonroku::test;

// Of tests/golden/configs, so that the corpus' packets find their addresses mapped; make_seeds.py knows the
// order.
constexpr const char* kConfigs[] = {"eam-basic.yaml",  "rfc7757.yaml",     "clat-eam.yaml",
                                    "prefix-48.yaml",  "eam-overlap.yaml", "ipv4-mtu-1400.yaml",
                                    "loop-guard.yaml", "tos-fixed.yaml",   "map-t.yaml",
                                    "map-e.yaml",      "lwaftr.yaml",      "tunnel.yaml"};

// All of them at once, each an instance with a link of its own. Null: not served.
struct Setup {
  offload::World world;
  std::unique_ptr<offload::Differential> of_config[std::size(kConfigs)] = {};
  bool knows_sums = world.knows_sums();
};

template <class T>
T must(yonroku::Result<T> result) {
  if (!result) std::fprintf(stderr, "%s\n", result.error().to_string().c_str());
  REQUIRE(result);
  return *std::move(result);
}

std::unique_ptr<Setup> set_up() {
  if (::geteuid() != 0) {
    std::fprintf(stderr, "SKIPPED: the offload's programs need root\n");
    return nullptr;
  }
  auto setup = std::make_unique<Setup>(Setup{must(offload::World::create())});
  for (uint32_t i = 0; i < std::size(kConfigs); ++i) {
    auto made =
        must(offload::Differential::create(std::string(YONROKU_GOLDEN_DIR) + "/configs/" + kConfigs[i], i));
    if (!made->reason_unserved().empty()) {
      std::fprintf(stderr, "SKIPPED: %s: %s\n", kConfigs[i], made->reason_unserved().c_str());
      continue;
    }
    const auto entered = made->enter(setup->world);
    REQUIRE(entered);
    setup->of_config[i] = std::move(made);
  }
  return setup;
}

void run(offload::Differential& differential, test::Octets packet, fuzz::Choices& choices, bool knows_sums) {
  const uint8_t kind = choices.next();
  const uint16_t segment_size = choices.next16();
  const offload::Hook hook = offload::kHooks[kind & 1];
  for (unsigned padding = kind >> 4 & 3; padding > 0; --padding) packet.push_back(choices.next());
  if (packet.size() > offload::kLargestPacket) return;
  offload::Arrival arrival{std::move(packet)};
  if ((kind & 2) != 0 && hook == offload::Hook::Tc && offload::can_be_super_packet(arrival.packet))
    arrival.segment_size = segment_size;
  else if ((kind & 64) != 0 && knows_sums && offload::can_have_sum(arrival.packet))
    arrival.sum = yonroku::fastpath::Sum::Complete;
  if ((kind & 4) != 0) arrival.ether_type = (kind & 8) != 0 ? 0x0800 : 0x86dd;
  differential.start_over();
  const offload::Compared compared = differential.compare(hook, arrival);
  if (!compared.problem.empty()) std::fprintf(stderr, "%s\n", compared.problem.c_str());
  REQUIRE(compared.problem.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  static const std::unique_ptr<Setup> kSetup = set_up();
  if (kSetup == nullptr) return 0;
  const test::View octets(data, size);
  const auto seen = test::see(octets);
  const std::size_t end = seen ? seen->total : size;
  for (const bool mend : {false, true}) {
    fuzz::Choices choices(octets.subspan(end));
    offload::Differential* const differential = kSetup->of_config[choices.next() % std::size(kConfigs)].get();
    if (differential == nullptr) return 0;
    test::Octets packet(data, data + end);
    if (seen && mend) {
      if (seen->version == 4) test::set_header_checksum(packet);
      if (!seen->is_fragment()) test::set_transport_checksum(packet);
    }
    run(*differential, std::move(packet), choices, kSetup->knows_sums);
  }
  return 0;
}
