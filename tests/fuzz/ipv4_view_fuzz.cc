// Any octets as an IPv4 packet and as the quote in an ICMP error: an answer that an independent reader agrees
// with.
#include "packet/ipv4_view.h"
#include "packet/test_packets.h"
#include "require.h"

using yonroku::DropReason;
using yonroku::Ipv4View;

namespace {

// What a reader who believes nothing makes of the first octets.
DropReason expected(yonroku::test::View data) {
  if (data.size() < 20) return DropReason::TruncatedHeader;
  if (data[0] >> 4 != 4) return DropReason::BadVersion;
  const std::size_t header = (data[0] & 15u) * 4u;
  const std::size_t total = yonroku::test::get16(data, 2);
  if (header < 20 || total < header) return DropReason::LengthMismatch;
  if (data.size() < header) return DropReason::TruncatedHeader;
  if (data.size() < total) return DropReason::LengthMismatch;
  if ((yonroku::test::get16(data, 6) & 0x1fff) * 8 + total > 65535) return DropReason::LengthMismatch;
  if (yonroku::test::ones_sum(data.first(header)) != 0xffff) return DropReason::Ipv4HeaderChecksum;
  return DropReason::None;
}

void check(const Ipv4View& view, yonroku::test::View data) {
  REQUIRE(view.size() <= data.size() && view.header_size() >= 20 && view.header_size() <= view.size());
  REQUIRE(view.payload().size() == view.size() - view.header_size());
  REQUIRE(view.options().size() == view.header_size() - 20);
  REQUIRE(view.options().size() <= 40 || view.header_size() == 60);
  REQUIRE(view.header().total_length.host() == yonroku::test::get16(data, 2));
  const bool route = view.has_unexpired_source_route();
  REQUIRE(!route || !view.options().empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const yonroku::test::View octets(data, size);
  const auto bytes = std::as_bytes(octets);
  const DropReason reason = expected(octets);
  const auto view = Ipv4View::parse(bytes);
  REQUIRE(view.has_value() == (reason == DropReason::None));
  if (view) {
    check(*view, octets);
    REQUIRE(view->size() == view->header().total_length.host());
  } else {
    REQUIRE(view.error() == reason);
  }
  const auto quote = Ipv4View::parse_quote(bytes);
  REQUIRE(quote || !view);  // a quote is judged more mildly
  if (quote) check(*quote, octets);

  // The same with its checksum mended, to get behind that check.
  if (reason == DropReason::Ipv4HeaderChecksum) {
    yonroku::test::Octets mended(data, data + size);
    yonroku::test::set_header_checksum(mended);
    const auto again = Ipv4View::parse(std::as_bytes(std::span(mended)));
    REQUIRE(again.has_value());
    check(*again, mended);
  }
  return 0;
}
