#include "carry/translate/icmp_error.h"

#include <algorithm>

#include "packet/checksum.h"

namespace yonroku::carry {
namespace {

constexpr uint32_t kLowestIpv6Mtu = 1280;  // RFC 8200 §5
constexpr uint32_t kLowestIpv4Mtu = 68;    // RFC 791 §3.2

struct Body {
  std::span<const std::byte> quote;
  std::span<const std::byte> extensions;
};

// RFC 4884 §4: `quote_length` octets of original datagram, then an extension structure. A length of zero, or
// one that leaves no room for an extension header, means that there are no extensions. Quotes below 128
// octets are not allowed there, but seen, and repaired when they are written.
Body split_body(std::span<const std::byte> body, std::size_t quote_length) {
  constexpr std::size_t kExtensionHeaderSize = 4;
  if (quote_length == 0 || quote_length + kExtensionHeaderSize > body.size()) return {body, {}};
  return {body.first(quote_length), body.subspan(quote_length)};
}

}  // namespace

bool is_icmp_error(const Ipv4View& ip) noexcept {
  return ip.header().protocol == IpProtocol::Icmp && ip.header().fragment_offset() == 0 &&
         !ip.payload().empty() && icmpv4::is_error(static_cast<uint8_t>(ip.payload()[0]));
}

bool is_icmp_error(const Ipv6View& ip) noexcept {
  return ip.protocol() == IpProtocol::Icmpv6 &&
         (!ip.has_fragment_header() || ip.fragment_header().fragment_offset() == 0) &&
         !ip.payload().empty() && icmpv6::is_error(static_cast<uint8_t>(ip.payload()[0]));
}

Checked<Icmpv4Error> Icmpv4Error::parse(const Ipv4View& ip) noexcept {
  const auto message = ip.payload();
  if (message.size() < sizeof(IcmpHeader)) return std::unexpected(DropReason::TruncatedHeader);
  const auto* header = reinterpret_cast<const IcmpHeader*>(message.data());
  if (header->type != icmpv4::kDestinationUnreachable && header->type != icmpv4::kTimeExceeded &&
      header->type != icmpv4::kParameterProblem)
    return std::unexpected(DropReason::IcmpTypeNotTranslatable);
  OnesSum sum;
  sum.add(message);
  if (sum.folded() != 0xffff) return std::unexpected(DropReason::IcmpChecksum);

  const Body body = split_body(message.subspan(sizeof(IcmpHeader)), header->rest[1] * 4u);
  const auto quote = Ipv4View::parse_quote(body.quote);
  if (!quote) return std::unexpected(quote.error());
  if (is_icmp_error(*quote)) return std::unexpected(DropReason::InnerPacketIsIcmpError);
  return Icmpv4Error{header, *quote, body.extensions};
}

Checked<Icmpv6Error> Icmpv6Error::parse(const Ipv6View& ip) noexcept {
  const auto message = ip.payload();
  if (message.size() < sizeof(IcmpHeader)) return std::unexpected(DropReason::TruncatedHeader);
  const auto* header = reinterpret_cast<const IcmpHeader*>(message.data());
  if (header->type < icmpv6::kDestinationUnreachable || header->type > icmpv6::kParameterProblem)
    return std::unexpected(DropReason::IcmpTypeNotTranslatable);
  // The checksum would be over the last segment's address (RFC 8200 §8.1), and the packet must not cross
  // anyway.
  if (ip.segments_left_offset() != 0) return std::unexpected(DropReason::SegmentsLeft);
  OnesSum sum;
  sum.add(ip.header().source());
  sum.add(ip.header().destination());
  sum.add(static_cast<uint32_t>(message.size()));
  sum.add(uint32_t{static_cast<uint8_t>(IpProtocol::Icmpv6)});
  sum.add(message);
  if (sum.folded() != 0xffff) return std::unexpected(DropReason::IcmpChecksum);

  const bool has_length =
      header->type == icmpv6::kDestinationUnreachable || header->type == icmpv6::kTimeExceeded;
  const Body body = split_body(message.subspan(sizeof(IcmpHeader)), has_length ? header->rest[0] * 8u : 0);
  const auto quote = Ipv6View::parse_quote(body.quote);
  if (!quote) return std::unexpected(quote.error());
  if (is_icmp_error(*quote)) return std::unexpected(DropReason::InnerPacketIsIcmpError);
  return Icmpv6Error{header, *quote, body.extensions};
}

uint32_t plateau_below(uint32_t total_length) noexcept {
  for (const uint32_t plateau : {65535u, 32000u, 17914u, 8166u, 4352u, 2002u, 1492u})
    if (plateau < total_length) return plateau;
  return kLowestIpv6Mtu;
}

Checked<IcmpErrorKind> kind_to_ipv6(const Icmpv4Error& error, const IcmpMtus& mtus) noexcept {
  using namespace icmpv4;
  const IcmpHeader& icmp = *error.header;
  const auto unreachable = [](uint8_t code) {
    return IcmpErrorKind{icmpv6::kDestinationUnreachable, code, 0, true};
  };
  const auto bad_code = std::unexpected(DropReason::IcmpCodeNotTranslatable);
  switch (icmp.type) {
    case kDestinationUnreachable:
      switch (icmp.code) {
        case 0:
        case 1:
        case 5:
        case 6:
        case 7:
        case 8:
        case 11:
        case 12: return unreachable(icmpv6::kNoRoute);
        case 2:  // the Next Header field of the IPv6 header
          return IcmpErrorKind{icmpv6::kParameterProblem, icmpv6::kUnrecognizedNextHeader,
                               offsetof(Ipv6Header, next_header), false};
        case 3: return unreachable(icmpv6::kPortUnreachable);
        case 4: {
          const uint32_t stated = icmp.rest_value() & 0xffff;
          const uint32_t mtu =
              stated != 0 ? stated + 20 : plateau_below(error.quote.header().total_length.host());
          return IcmpErrorKind{icmpv6::kPacketTooBig, 0,
                               std::max(kLowestIpv6Mtu, std::min({mtu, mtus.ipv6_mtu, mtus.ipv4_mtu + 20})),
                               false};
        }
        case 9:
        case 10:
        case 13:
        case 15: return unreachable(icmpv6::kAdministrativelyProhibited);
        default: return bad_code;
      }
    case kTimeExceeded: return IcmpErrorKind{icmpv6::kTimeExceeded, icmp.code, 0, true};
    case kParameterProblem: {
      if (icmp.code != 0 && icmp.code != 2) return bad_code;
      constexpr int8_t kPointers[] = {0, 1, 4, 4, -1, -1, -1, -1, 7, 6, -1, -1, 8, 8, 8, 8, 24, 24, 24, 24};
      const uint8_t pointer = icmp.rest[0];
      if (pointer >= std::size(kPointers) || kPointers[pointer] < 0)
        return std::unexpected(DropReason::IcmpPointerNotTranslatable);
      return IcmpErrorKind{icmpv6::kParameterProblem, icmpv6::kErroneousHeaderField,
                           static_cast<uint32_t>(kPointers[pointer]), false};
    }
    default: return std::unexpected(DropReason::IcmpTypeNotTranslatable);
  }
}

Checked<IcmpErrorKind> kind_to_ipv4(const Icmpv6Error& error, const IcmpMtus& mtus) noexcept {
  using namespace icmpv6;
  const IcmpHeader& icmp = *error.header;
  const auto unreachable = [](uint8_t code) {
    return IcmpErrorKind{icmpv4::kDestinationUnreachable, code, 0, true};
  };
  const auto bad_code = std::unexpected(DropReason::IcmpCodeNotTranslatable);
  switch (icmp.type) {
    case kDestinationUnreachable:
      switch (icmp.code) {
        case 0:
        case 2:
        case 3: return unreachable(icmpv4::kHostUnreachable);
        case 1: return unreachable(icmpv4::kHostAdministrativelyProhibited);
        case 4: return unreachable(icmpv4::kPortUnreachable);
        default: return bad_code;
      }
    case kPacketTooBig: {
      const uint32_t shrink = error.quote.has_fragment_header() ? 28 : 20;
      const uint32_t stated =
          icmp.rest_value() > kLowestIpv4Mtu + shrink ? icmp.rest_value() - shrink : kLowestIpv4Mtu;
      const uint32_t mtu = std::min({stated, mtus.ipv4_mtu, mtus.ipv6_mtu - 20});
      IcmpErrorKind kind = unreachable(icmpv4::kFragmentationNeeded);
      kind.rest = mtu;
      return kind;
    }
    case kTimeExceeded: return IcmpErrorKind{icmpv4::kTimeExceeded, icmp.code, 0, true};
    case kParameterProblem: {
      if (icmp.code == kUnrecognizedNextHeader) return unreachable(icmpv4::kProtocolUnreachable);
      if (icmp.code != kErroneousHeaderField) return bad_code;
      const uint32_t pointer = icmp.rest_value();
      constexpr int8_t kPointers[] = {0, 1, -1, -1, 2, 2, 9, 8};
      int mapped = -1;
      if (pointer < std::size(kPointers)) {
        mapped = kPointers[pointer];
      } else if (pointer < sizeof(Ipv6Header)) {
        mapped = pointer < offsetof(Ipv6Header, destination_wire) ? 12 : 16;
      }
      if (mapped < 0) return std::unexpected(DropReason::IcmpPointerNotTranslatable);
      // RFC 792: the pointer is the first of the four octets.
      return IcmpErrorKind{icmpv4::kParameterProblem, 0, static_cast<uint32_t>(mapped) << 24, true};
    }
    default: return std::unexpected(DropReason::IcmpTypeNotTranslatable);
  }
}

}  // namespace yonroku::carry
