// Ten octets as a virtio header, the rest as the packet behind it: what is decoded lies inside of the packet,
// and encoding it asks for the same again.
#include <cstring>
#include <vector>

#include "engine/segmentation.h"
#include "io/virtio_header.h"
#include "require.h"

using yonroku::Packet;
using yonroku::io::VirtioHeader;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  VirtioHeader header{};
  if (size < sizeof header) return 0;
  std::memcpy(&header, data, sizeof header);
  const auto body = std::as_bytes(std::span(data + sizeof header, size - sizeof header));
  std::vector<std::byte> buffer(body.begin(), body.end());  // of just that size
  Packet packet(buffer, 0, buffer.size());

  const auto offload = decode(header, packet.size());
  if (!offload) {
    REQUIRE(offload.error() == yonroku::DropReason::BadOffloadMetadata);
    return 0;
  }
  REQUIRE(offload->partial_checksum == ((header.flags & VirtioHeader::kNeedsChecksum) != 0));
  REQUIRE(!offload->partial_checksum ||
          offload->checksum_start + offload->checksum_offset + 2u <= packet.size());
  REQUIRE(!offload->is_super_packet() || offload->segment_size > 0);
  packet.offload = *offload;

  const VirtioHeader encoded = yonroku::io::encode(packet);
  REQUIRE(encoded.header_size <= packet.size());
  const auto again = decode(encoded, packet.size());
  REQUIRE(again.has_value());
  REQUIRE(again->partial_checksum == offload->partial_checksum &&
          again->checksum_start == offload->checksum_start &&
          again->checksum_offset == offload->checksum_offset &&
          again->segmentation == offload->segmentation && again->segment_size == offload->segment_size);

  // Segments, if the packet has any, are of the sizes that were asked for and make up the whole payload.
  const auto segments = yonroku::engine::Segments::of(packet);
  if (!segments) return 0;
  REQUIRE(segments->count() > 0 && segments->largest() <= packet.size());
  std::vector<std::byte> out(segments->largest());
  const std::size_t first = segments->write(0, out);
  REQUIRE(first <= out.size());
  std::size_t carried = first;
  for (std::size_t i = 1; i < segments->count(); ++i) {
    const std::size_t written = segments->write(i, out);
    REQUIRE(written <= first);
    REQUIRE(i + 1 == segments->count() || written == first);
    carried += written;
  }
  // Each segment repeats the headers.
  const std::size_t front = segments->count() == 1 ? 0 : first - offload->segment_size;
  REQUIRE(carried - (segments->count() - 1) * front <= packet.size());
  return 0;
}
