#include "carry/encapsulate/tunnel_error.h"

#include <algorithm>
#include <cstring>

#include "carry/translate/translate.h"

namespace yonroku::carry {
namespace {

// Whether a Parameter Problem is about a Tunnel Encapsulation Limit that has run out (RFC 2473 §4.1.1): the
// pointer leads to the value of such an option among the quoted packet's tunnel headers.
bool reports_spent_limit(const Icmpv6Error& icmp) {
  constexpr uint8_t kOptionType = 4, kOptionLength = 1, kSpent = 0;
  if (icmp.header->type != icmpv6::kParameterProblem || icmp.header->code != icmpv6::kErroneousHeaderField)
    return false;
  const std::size_t value = icmp.header->rest_value();
  if (value < sizeof(Ipv6Header) + 4 || value >= icmp.quote.payload_offset()) return false;
  const auto* const octets = reinterpret_cast<const uint8_t*>(&icmp.quote.header());
  return octets[value - 2] == kOptionType && octets[value - 1] == kOptionLength && octets[value] == kSpent;
}

}  // namespace

Checked<TunnelError> TunnelError::parse(const Ipv6View& ip) noexcept {
  auto icmp = Icmpv6Error::parse(ip);
  if (!icmp) return std::unexpected(icmp.error());
  Ipv6View& quote = icmp->quote;
  const bool is_of_later_fragment =
      quote.has_fragment_header() && quote.fragment_header().fragment_offset() != 0;
  // Where we cut the tunnel packet, an encapsulation limit stands behind the Fragment Header.
  if (!is_of_later_fragment && quote.skip_options_behind_fragment_header() != DropReason::None)
    return std::unexpected(DropReason::InnerPacketTruncated);
  TunnelError error;
  error.entry = quote.header().source();
  error.exit = quote.header().destination();
  error.type = icmp->header->type;
  error.code = icmp->header->code;
  error.mtu = icmp->header->rest_value();
  error.is_about_spent_limit = reports_spent_limit(*icmp);
  error.tunnel_headers = quote.payload_offset();
  if (is_of_later_fragment) return error;
  if (quote.protocol() != IpProtocol::Ipv4) return std::unexpected(DropReason::TunnelErrorNotRelayed);
  const auto inner = Ipv4View::parse_quote(quote.payload());
  if (!inner) return std::unexpected(inner.error());
  error.inner = *inner;
  return error;
}

Verdict relay_tunnel_error(Packet& packet, const TunnelError& error, Ipv4Address source) noexcept {
  if (!error.inner) return Verdict::drop(DropReason::InnerPacketTruncated);
  const Ipv4View& inner = *error.inner;
  if (is_icmp_error(inner)) return Verdict::drop(DropReason::InnerPacketIsIcmpError);
  if (inner.header().fragment_offset() != 0) return Verdict::drop(DropReason::TunnelErrorNotRelayed);
  uint8_t code = icmpv4::kHostUnreachable;
  uint32_t rest = 0;
  switch (error.type) {
    case icmpv6::kDestinationUnreachable:
    case icmpv6::kTimeExceeded: break;
    case icmpv6::kParameterProblem:
      if (!error.is_about_spent_limit) return Verdict::drop(DropReason::TunnelErrorNotRelayed);
      break;
    case icmpv6::kPacketTooBig: {
      // RFC 2473 §8.1: only who forbade fragmentation can do something about it.
      if (!inner.header().dont_fragment()) return Verdict::drop(DropReason::TunnelErrorNotRelayed);
      code = icmpv4::kFragmentationNeeded;
      const uint32_t mtu = std::clamp<uint32_t>(error.mtu, 1280, UINT16_MAX);
      rest =
          mtu - static_cast<uint32_t>(error.tunnel_headers < mtu ? error.tunnel_headers : sizeof(Ipv6Header));
      break;
    }
    default: return Verdict::drop(DropReason::TunnelErrorNotRelayed);
  }

  constexpr std::size_t kLargest = 576;  // RFC 1812 §4.3.2.3
  constexpr std::size_t kFront = sizeof(Ipv4Header) + sizeof(IcmpHeader);
  constexpr std::size_t kLeastQuote = 8;  // RFC 792: of the payload
  if (inner.payload().size() < kLeastQuote) return Verdict::drop(DropReason::InnerPacketTruncated);
  const auto* const quote = reinterpret_cast<const std::byte*>(&inner.header());
  const std::size_t quoted = std::min(inner.size(), kLargest - kFront);
  Ipv4Fields fields;
  fields.addresses = {source, inner.header().source()};
  fields.tos = 0xc0;  // RFC 1812 §4.3.2.5
  fields.ttl = 64;
  fields.protocol = IpProtocol::Icmp;
  fields.total_length = static_cast<uint16_t>(kFront + quoted);
  fields.flags_fragment_offset = Ipv4Header::kDontFragment;

  // The quote stays where it is; the headers go in front of it, over the tunnel's.
  const auto skipped = static_cast<std::size_t>(quote - packet.data());
  packet.reshape_front(skipped, kFront);
  packet.truncate(kFront + quoted);
  packet.offload = {};
  auto& icmp = *reinterpret_cast<IcmpHeader*>(packet.data() + sizeof(Ipv4Header));
  icmp.type = icmpv4::kDestinationUnreachable;
  icmp.code = code;
  icmp.checksum = {};
  icmp.set_rest(rest);
  OnesSum sum;
  sum.add(std::span<const std::byte>(packet.bytes().subspan(sizeof(Ipv4Header))));
  icmp.checksum = sum.checksum();
  write_ipv4_header(packet.data(), fields);
  return Verdict::to_ipv4();
}

}  // namespace yonroku::carry
