// The whole translator with an oracle. The input is a packet; octets behind the packet's own length choose
// the configuration and what the device says about the packet (translator_choices.h). Each input is
// translated as it is, and once more with its checksums mended, since no mutation finds those.
#include "engine/pipeline.h"
#include "io/virtio_header.h"
#include "translator_oracle.h"

namespace {

namespace test = yonroku::test;
namespace fuzz = yonroku::fuzz;
using yonroku::Packet;
using yonroku::Verdict;
using yonroku::engine::Pipeline;

void translate(const fuzz::Input& input, const fuzz::Chosen& chosen) {
  if (input.octets.size() > Pipeline::kLargestPacket) return;
  // Headroom as a worker has it. Behind the packet only what ICMP errors need to grow into: nothing else may
  // look there.
  const auto seen = test::see(input.octets);
  const bool is_icmp = seen && (seen->protocol == test::kIcmp || seen->protocol == test::kIcmpv6);
  std::vector<std::byte> buffer(Pipeline::kHeadroom + input.octets.size() + (is_icmp ? 2048 : 0));
  Packet packet(buffer, Pipeline::kHeadroom, input.octets.size());
  const auto bytes = std::as_bytes(std::span(input.octets));
  std::copy(bytes.begin(), bytes.end(), packet.data());
  packet.offload = input.offload;

  Pipeline pipeline(/*seed=*/0);
  std::vector<fuzz::Output> outputs;
  const auto& siit = std::get<yonroku::mechanism::Siit>(chosen.snapshot->mechanism);
  siit.prefetch(packet.bytes());
  const auto outcome =
      pipeline.process(*chosen.snapshot, siit, packet, yonroku::Instant::from_nanoseconds(1'000'000'000),
                       [&](const Packet& result) {
                         REQUIRE(result.headroom() >= sizeof(yonroku::io::VirtioHeader));
                         REQUIRE(yonroku::io::encode(result).header_size <= result.size());
                         const auto octets = test::octets_of(result.bytes());
                         outputs.push_back({{octets.begin(), octets.end()}, result.offload});
                       });
  if (outcome.verdict.action == Verdict::Action::Drop) {
    // Untouched, but for a checksum that the device had left to us.
    const auto now = test::octets_of(packet.bytes());
    REQUIRE(std::ranges::equal(now, input.octets) ||
            (!packet.offload.partial_checksum &&
             std::ranges::equal(now, fuzz::completed(input.octets, input.octets.size(), input.offload))));
  }
  fuzz::Oracle(input, chosen.settings, pipeline, outcome).check(outputs);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const test::View octets(data, size);
  const auto seen = test::see(octets);
  const std::size_t end = seen ? seen->total : size;
  for (const bool mend : {false, true}) {
    fuzz::Choices choices(octets.subspan(end));
    const fuzz::Chosen chosen = fuzz::choose_configuration(choices);
    translate(fuzz::choose_input(octets.first(end), choices, mend), chosen);
  }
  return 0;
}
