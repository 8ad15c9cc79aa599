// Any octets as an IPv6 packet and as the quote in an ICMP error: an answer that an independent walk over the
// extension headers agrees with.
#include "packet/ipv6_view.h"
#include "packet/test_packets.h"
#include "require.h"

using yonroku::Ipv6View;

namespace {

struct Walk {
  bool whole = true;
  std::size_t offset = 40;
  std::size_t fragment = 0;
  std::size_t segments_left = 0;
  unsigned count = 0;
  uint8_t next = 0;
};

Walk walk(yonroku::test::View data, std::size_t end) {
  Walk walk;
  walk.next = data[6];
  while (walk.next == 0 || walk.next == 43 || walk.next == 44 || walk.next == 60) {
    ++walk.count;
    if (walk.count > 16 || walk.offset + 8 > end) {
      walk.whole = false;
      return walk;
    }
    const std::size_t size = walk.next == 44 ? 8 : (data[walk.offset + 1] + 1u) * 8u;
    if (walk.offset + size > end) {
      walk.whole = false;
      return walk;
    }
    if (walk.next == 43 && data[walk.offset + 3] != 0 && walk.segments_left == 0)
      walk.segments_left = walk.offset + 3;
    const bool is_fragment = walk.next == 44;
    if (is_fragment) walk.fragment = walk.offset;
    walk.next = data[walk.offset];
    walk.offset += size;
    if (!is_fragment) continue;
    // What does not fit a whole packet (RFC 8200 §4.5).
    if ((yonroku::test::get16(data, walk.fragment + 2) & 0xfff8) + end - walk.offset > 65535)
      walk.whole = false;
    break;
  }
  return walk;
}

void check(const Ipv6View& view, yonroku::test::View data, std::size_t end) {
  const Walk expected = walk(data, end);
  REQUIRE(expected.whole);
  REQUIRE(view.size() == end && view.payload_offset() == expected.offset);
  REQUIRE(view.payload().size() == end - expected.offset);
  REQUIRE(static_cast<uint8_t>(view.protocol()) == expected.next);
  REQUIRE(view.segments_left_offset() == expected.segments_left);
  REQUIRE(view.has_fragment_header() == (expected.fragment != 0));
  if (expected.fragment == 0) {
    REQUIRE(!view.is_fragment());
    return;
  }
  const uint32_t field = yonroku::test::get16(data, expected.fragment + 2);
  REQUIRE(view.is_fragment() == ((field & 0xfff9) != 0));
  REQUIRE(view.fragment_header().fragment_offset() == field >> 3);
  REQUIRE(view.fragment_header().more_fragments() == ((field & 1) != 0));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const yonroku::test::View octets(data, size);
  const auto bytes = std::as_bytes(octets);
  const bool is_ipv6 = size >= 40 && data[0] >> 4 == 6;
  const std::size_t total = is_ipv6 ? 40 + yonroku::test::get16(octets, 4) : 0;
  const auto view = Ipv6View::parse(bytes);
  REQUIRE(view.has_value() == (is_ipv6 && total <= size && walk(octets, total).whole));
  if (view) check(*view, octets, total);
  const auto quote = Ipv6View::parse_quote(bytes);
  const std::size_t end = std::min(total, size);
  REQUIRE(quote.has_value() == (is_ipv6 && walk(octets, end).whole));
  if (quote) check(*quote, octets, end);
  return 0;
}
