// A super-packet of any shape: two octets of segment size, one of kind, then the packet. Its segments are
// well-formed, have right checksums, and carry its payload in order.
#include <vector>

#include "engine/segmentation.h"
#include "packet/test_packets.h"
#include "require.h"

namespace test = yonroku::test;
using yonroku::Offload;
using yonroku::Packet;

namespace {

void check_segment(test::View segment, const test::Seen& whole) {
  const auto seen = test::see(segment);
  REQUIRE(seen && seen->total == segment.size() && seen->version == whole.version);
  REQUIRE(seen->transport == whole.transport && seen->protocol == whole.protocol);
  REQUIRE(seen->header_checksum_right);
  REQUIRE(seen->source == whole.source && seen->destination == whole.destination);
  // The device finishes the checksum.
  test::Octets partial(segment.begin(), segment.end());
  test::set_partial_checksum(partial);
  REQUIRE(seen->is_fragment() || std::ranges::equal(partial, segment));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  test::Octets octets(data + 3, data + size);
  const auto seen = test::see(octets);
  if (seen && seen->version == 4) test::set_header_checksum(octets);
  const bool is_tcp = seen && seen->protocol == test::kTcp;

  Packet packet(std::as_writable_bytes(std::span(octets)), 0, octets.size());
  packet.offload.segment_size = static_cast<uint16_t>(data[0] << 8 | data[1]);
  packet.offload.segmentation = static_cast<Offload::Segmentation>(data[2] & 3);
  packet.offload.partial_checksum = (data[2] & 4) == 0;
  if (seen) packet.offload.checksum_start = static_cast<uint16_t>(seen->transport);
  packet.offload.checksum_offset = is_tcp ? 16 : seen && seen->protocol == test::kUdp ? 6 : 2;
  if ((data[2] & 8) != 0) {  // or something else
    packet.offload.checksum_start = data[0];
    packet.offload.checksum_offset = static_cast<uint16_t>(data[1] << 8 | data[0]);
  }

  const auto segments = yonroku::engine::Segments::of(packet);
  if (!segments) return 0;
  REQUIRE(seen.has_value());
  const bool is_super = packet.offload.is_super_packet();
  const std::size_t front = seen->transport + (!is_super ? 0
                                               : is_tcp  ? (octets[seen->transport + 12] >> 4) * 4u
                                                         : 8u);
  test::Octets gathered;
  std::vector<std::byte> out(segments->largest());
  const uint32_t sequence = is_super && is_tcp ? test::get32(octets, seen->transport + 4) : 0;
  for (std::size_t i = 0; i < segments->count(); ++i) {
    const std::size_t written = segments->write(i, out);
    REQUIRE(written >= front && written <= segments->largest());
    const test::View segment = test::octets_of(std::span(out).first(written));
    check_segment(segment, *seen);
    if (is_super && is_tcp)
      REQUIRE(test::get32(segment, seen->transport + 4) == sequence + static_cast<uint32_t>(gathered.size()));
    if (is_super && !is_tcp) REQUIRE(test::get16(segment, seen->transport + 4) == written - seen->transport);
    gathered.insert(gathered.end(), segment.begin() + static_cast<std::ptrdiff_t>(front), segment.end());
  }
  if (is_super) {
    REQUIRE(std::equal(gathered.begin(), gathered.end(), octets.begin() + static_cast<std::ptrdiff_t>(front),
                       octets.begin() + static_cast<std::ptrdiff_t>(seen->total)));
  }
  return 0;
}
