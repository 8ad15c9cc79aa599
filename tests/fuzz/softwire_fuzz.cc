// The whole tunnel path with an oracle. The input is a packet; octets behind the packet's own length choose
// the configuration, what the device says about the packet (softwire_choices.h), and more packets for the
// same tunnels, so that fragments meet and errors teach. Each input is processed as it is, and once more with
// its checksums mended.
#include "engine/pipeline.h"
#include "io/virtio_header.h"
#include "require.h"
#include "softwire_choices.h"

namespace {

namespace test = yonroku::test;
namespace fuzz = yonroku::fuzz;
using yonroku::Offload;
using yonroku::Packet;
using yonroku::Verdict;
using yonroku::engine::Pipeline;

constexpr uint8_t kIpv4InIpv6 = 4;
constexpr uint8_t kDestinationOptions = 60;

struct Output {
  test::Octets octets;
  Offload offload;
};

// Outer and inner checksums; chance alone never makes them right.
test::Octets mended(test::View packet) {
  test::Octets octets(packet.begin(), packet.end());
  const auto seen = test::see(octets);
  if (!seen) return octets;
  if (seen->version == 6 && seen->protocol == kIpv4InIpv6 && !seen->is_fragment()) {
    const auto inner = std::span(octets).subspan(seen->transport);
    if (const auto seen_inner = test::see(inner); seen_inner && seen_inner->version == 4)
      test::set_header_checksum(inner);
  }
  if (seen->version == 4) test::set_header_checksum(octets);
  if (!seen->is_fragment()) test::set_transport_checksum(octets);
  return octets;
}

// Lengths and header checksums of one packet, and of what it carries.
void check_form(const Output& output) {
  const auto seen = test::see(output.octets);
  REQUIRE(seen && seen->total == output.octets.size() && seen->header_checksum_right);
  if (output.offload.partial_checksum)
    REQUIRE(output.offload.checksum_start + output.offload.checksum_offset + 2u <= output.octets.size());
  if (seen->version == 4 || seen->protocol != kIpv4InIpv6 || seen->is_fragment()) return;
  const test::View inner = test::View(output.octets).subspan(seen->transport);
  const auto seen_inner = test::see(inner);
  REQUIRE(seen_inner && seen_inner->version == 4);
  REQUIRE(seen_inner->total == inner.size() && seen_inner->header_checksum_right);
}

void check_reply(const Output& output) {
  const auto seen = test::see(output.octets);
  REQUIRE(!seen->is_fragment() && seen->hop_limit == 64);
  REQUIRE(seen->protocol == (seen->version == 4 ? test::kIcmp : test::kIcmpv6));
  REQUIRE(test::transport_sum(output.octets, *seen) == 0xffff);
  REQUIRE(output.octets.size() <= (seen->version == 4 ? 576u : 1280u));
  REQUIRE(!output.offload.partial_checksum && !output.offload.is_super_packet());
}

// What a tunnel must not change of an IPv4 packet: everything but TOS, time to live, checksums, and a SYN's
// MSS.
test::Octets essence(test::View ipv4) {
  test::Octets octets(ipv4.begin(), ipv4.end());
  const auto seen = test::see(octets);
  REQUIRE(seen && seen->version == 4);
  octets.resize(seen->total);
  octets[1] = octets[8] = 0;
  octets[6] &= 0x7f;  // the reserved bit, which fragments do not keep
  test::put16(octets, 10, 0);
  if (seen->protocol == test::kTcp && seen->fragment_offset == 0 && octets.size() > seen->transport + 13 &&
      (octets[seen->transport + 13] & 2) != 0)
    octets.resize(seen->transport + 13);
  return octets;
}

// One IPv6 packet out of its fragments, or out of packets with a fragment of the inner packet each; the IPv4
// packet in it.
test::Octets carried(const std::vector<Output>& outputs) {
  const auto first = *test::see(outputs.front().octets);
  if (first.version == 4) return outputs.front().octets;
  if (first.is_fragment()) {
    test::Octets joined;
    for (const Output& output : outputs) {
      const auto seen = *test::see(output.octets);
      REQUIRE(seen.fragment_offset == joined.size() && seen.identification == first.identification);
      REQUIRE(seen.more_fragments == (&output != &outputs.back()));
      joined.insert(joined.end(), output.octets.begin() + static_cast<std::ptrdiff_t>(seen.transport),
                    output.octets.end());
    }
    // An encapsulation limit stands in front of the packet.
    const std::size_t front = first.protocol == 60 ? (joined.at(1) + 1u) * 8u : 0;
    REQUIRE(joined.size() > front);
    return {joined.begin() + static_cast<std::ptrdiff_t>(front), joined.end()};
  }
  test::Octets whole;
  for (const Output& output : outputs) {
    const auto seen = *test::see(output.octets);
    const test::View inner = test::View(output.octets).subspan(seen.transport);
    if (whole.empty()) {
      whole.assign(inner.begin(), inner.end());
      continue;
    }
    const auto seen_inner = *test::see(inner);
    whole.insert(whole.end(), inner.begin() + static_cast<std::ptrdiff_t>(seen_inner.transport), inner.end());
  }
  if (outputs.size() > 1) {
    const auto last_at = test::see(outputs.back().octets)->transport;
    const bool more = (outputs.back().octets[last_at + 6] & 0x20) != 0;
    test::put16(whole, 2, static_cast<uint32_t>(whole.size()));
    test::put16(whole, 6, (test::get16(whole, 6) & 0xdfff) | (more ? test::kMf : 0u));
  }
  return whole;
}

class Tunnels {
 public:
  explicit Tunnels(fuzz::Choices& choices) : chosen_(fuzz::choose_softwire(choices)) {}

  void process(const fuzz::Input& input) {
    if (input.octets.size() > Pipeline::kLargestPacket) return;
    std::vector<std::byte> buffer(Pipeline::kHeadroom + input.octets.size());
    Packet packet(buffer, Pipeline::kHeadroom, input.octets.size());
    const auto bytes = std::as_bytes(std::span(input.octets));
    std::copy(bytes.begin(), bytes.end(), packet.data());
    packet.offload = input.offload;

    now_ = now_ + yonroku::Duration::seconds(1);
    const auto& softwire = std::get<yonroku::mechanism::Softwire>(chosen_.snapshot->mechanism);
    softwire.prefetch(packet.bytes());
    const uint64_t segmented = pipeline_.counters().segmented.value();
    const uint64_t reassembled = pipeline_.counters().reassembled.value();
    std::vector<Output> outputs;
    const auto outcome =
        pipeline_.process(*chosen_.snapshot, softwire, packet, now_, [&](const Packet& result) {
          REQUIRE(result.headroom() >= sizeof(yonroku::io::VirtioHeader));
          REQUIRE(yonroku::io::encode(result).header_size <= result.size());
          const auto octets = test::octets_of(result.bytes());
          outputs.push_back({{octets.begin(), octets.end()}, result.offload});
        });
    for (const Output& output : outputs) check_form(output);
    const bool was_segmented = pipeline_.counters().segmented.value() != segmented;
    const bool was_reassembled = pipeline_.counters().reassembled.value() != reassembled;
    const bool has_partial = input.offload.partial_checksum;
    switch (outcome.verdict.action) {
      case Verdict::Action::Drop:
        if (!has_partial && !was_segmented)
          REQUIRE(std::ranges::equal(test::octets_of(packet.bytes()), input.octets));
        if (was_segmented) return;
        REQUIRE(outputs.size() == (outcome.replied ? 1u : 0u));
        if (outcome.replied) check_reply(outputs.front());
        return;
      case Verdict::Action::Reassemble:
        REQUIRE(outputs.empty() && !outcome.replied);
        REQUIRE(has_partial || std::ranges::equal(test::octets_of(packet.bytes()), input.octets));
        return;
      default: break;
    }
    if (was_segmented) return;
    REQUIRE(!outputs.empty() && !outcome.replied);
    check_forwarded(input, outputs, was_reassembled || has_partial);
  }

 private:
  void check_forwarded(const fuzz::Input& input, const std::vector<Output>& outputs,
                       bool is_changed_more) const {
    const auto seen = test::see(input.octets);
    const auto first = test::see(outputs.front().octets);
    REQUIRE(seen);
    const bool is_own_icmp = first->version == 6 && first->protocol == test::kIcmpv6;
    const bool is_relayed_icmp = first->version == 4 && seen->version == 6 && seen->protocol == test::kIcmpv6;
    if (is_own_icmp) {
      REQUIRE(outputs.size() == 1 && seen->version == 6 && first->source == seen->destination);
      return;
    }
    if (is_relayed_icmp) {
      REQUIRE(outputs.size() == 1);
      check_reply(outputs.front());
      return;
    }
    REQUIRE(first->version == 6 || outputs.size() == 1);
    for (const Output& output : outputs) {
      if (first->version != 6) break;
      const auto each = *test::see(output.octets);
      REQUIRE(output.octets.size() <= chosen_.settings.ipv6_mtu);
      REQUIRE(each.hop_limit == chosen_.settings.hop_limit);
      REQUIRE(each.source == first->source && each.destination == first->destination);
      REQUIRE(each.traffic_class == first->traffic_class);
    }
    if (is_changed_more) return;
    std::size_t front = seen->version == 4 ? 0 : seen->transport;
    // Options behind the Fragment Header of an atomic fragment.
    if (seen->version == 6 && seen->protocol == kDestinationOptions)
      front += (input.octets.at(front + 1) + 1u) * 8u;
    const test::View was = test::View(input.octets).subspan(front);
    REQUIRE(essence(was) == essence(carried(outputs)));
  }

  fuzz::Chosen chosen_;
  Pipeline pipeline_{/*seed=*/0};
  yonroku::Instant now_ = yonroku::Instant::from_nanoseconds(1'000'000'000);
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  constexpr std::size_t kChoices = 8;  // of the configuration, and three about the first packet
  const test::View octets(data, size);
  const auto total = [](test::View packet) {
    const auto seen = test::see(packet);
    return seen ? std::max<std::size_t>(seen->total, 1) : packet.size();
  };
  for (const bool mend : {false, true}) {
    test::View left = octets;
    const test::View first = left.first(total(left));
    left = left.subspan(first.size());
    fuzz::Choices choices(left.first(std::min(kChoices, left.size())));
    left = left.subspan(std::min(kChoices, left.size()));
    Tunnels tunnels(choices);
    const test::Octets octets_of_first = mend ? mended(first) : test::Octets(first.begin(), first.end());
    tunnels.process(fuzz::choose_input(octets_of_first, choices, mend));
    for (int more = 0; more < 8 && !left.empty(); ++more) {
      const test::View next = left.first(total(left));
      left = left.subspan(next.size());
      tunnels.process({mend ? mended(next) : test::Octets(next.begin(), next.end()), {}});
    }
  }
  return 0;
}
