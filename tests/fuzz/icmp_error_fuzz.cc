// Any octets as an ICMP error message of either family, its checksum mended: taken apart without reading past
// its end, and what each type and code becomes is a type and code of the other family.
#include "carry/translate/icmp_error.h"
#include "carry/translate/icmp_extensions.h"
#include "packet/test_packets.h"
#include "require.h"

namespace test = yonroku::test;
using yonroku::Ipv4View;
using yonroku::Ipv6View;
namespace carry = yonroku::carry;

namespace {

constexpr carry::IcmpMtus kMtus{1400, 1500};

bool lies_in(std::span<const std::byte> part, const test::Octets& whole) {
  const auto bytes = std::as_bytes(std::span(whole));
  return part.empty() ||
         (part.data() >= bytes.data() && part.data() + part.size() <= bytes.data() + bytes.size());
}

void lay_out(std::span<const std::byte> extensions, std::size_t quote, std::size_t limit, std::size_t unit) {
  std::vector<std::byte> body(limit, std::byte{0xaa});
  carry::ExtensionBuilder builder(extensions);
  builder.add_node_address(yonroku::Ipv6Address(1, 2));
  REQUIRE(builder.bytes().size() <= 1152);
  uint8_t length = 0;
  const std::size_t size =
      carry::lay_out_body(body, std::min(quote, limit), builder.bytes(), limit, unit, length);
  REQUIRE(size <= limit);
  if (length != 0) {
    REQUIRE(length * unit >= 128 && length * unit + builder.bytes().size() == size);
  }
}

void from_ipv4(const test::Octets& message) {
  const test::Octets packet = test::ipv4({.protocol = test::kIcmp}, message);
  const auto ip = Ipv4View::parse(std::as_bytes(std::span(packet)));
  REQUIRE(ip.has_value());
  if (!carry::is_icmp_error(*ip)) return;
  const auto error = carry::Icmpv4Error::parse(*ip);
  if (!error) {
    REQUIRE(error.error() != yonroku::DropReason::IcmpChecksum);
    return;
  }
  REQUIRE(lies_in(error->extensions, packet) && !carry::is_icmp_error(error->quote));
  REQUIRE(error->extensions.empty() || error->extensions.size() >= 4);
  lay_out(error->extensions, error->quote.size(), 1232, 8);
  const auto kind = carry::kind_to_ipv6(*error, kMtus);
  if (!kind) return;
  REQUIRE(kind->type >= 1 && kind->type <= 4 && (kind->code <= 4 || kind->type == 3));
  if (kind->type == 2) REQUIRE(kind->rest >= 1280 && kind->rest <= 1500);
  if (kind->type == 4 && kind->code == 0) REQUIRE(kind->rest < 40);
}

void from_ipv6(const test::Octets& message) {
  const test::Octets packet = test::ipv6({.next_header = test::kIcmpv6}, message);
  const auto ip = Ipv6View::parse(std::as_bytes(std::span(packet)));
  REQUIRE(ip.has_value());
  if (!carry::is_icmp_error(*ip)) return;
  const auto error = carry::Icmpv6Error::parse(*ip);
  if (!error) {
    REQUIRE(error.error() != yonroku::DropReason::IcmpChecksum);
    return;
  }
  REQUIRE(lies_in(error->extensions, packet) && !carry::is_icmp_error(error->quote));
  lay_out(error->extensions, error->quote.size(), 548, 4);
  const auto kind = carry::kind_to_ipv4(*error, kMtus);
  if (!kind) return;
  REQUIRE(kind->type == 3 || kind->type == 11 || kind->type == 12);
  if (kind->type == 3 && kind->code == 4) REQUIRE(kind->rest >= 68 && kind->rest <= 1400);
  if (kind->type == 12) REQUIRE(kind->rest >> 24 < 20 && (kind->rest & 0xff'ffff) == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  if (size > 60'000) return 0;
  // Golden packets come with their IP headers, other inputs without.
  const test::View whole(data, size);
  const auto seen = test::see(whole);
  const test::View message = seen ? whole.subspan(seen->transport, seen->total - seen->transport) : whole;
  const test::Octets octets(message.begin(), message.end());
  if (octets.size() >= 4 || octets.empty()) {
    from_ipv4(octets);
    from_ipv6(octets);
  }
  for (const uint32_t length : {0u, static_cast<uint32_t>(size)}) {
    const uint32_t plateau = carry::plateau_below(length);
    REQUIRE(plateau >= 1280 && (plateau < length || plateau == 1280));
  }
  return 0;
}
