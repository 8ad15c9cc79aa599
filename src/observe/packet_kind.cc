#include "observe/packet_kind.h"

#include <algorithm>

namespace yonroku::observe {
namespace {

bool is_ipv6(std::span<const std::byte> packet) noexcept {
  return !packet.empty() && static_cast<uint8_t>(packet[0]) >> 4 == 6;
}

constexpr unsigned kMostExtensionHeaders = 16;

// What is behind the IP headers, as far as it is there.
struct Upper {
  IpProtocol protocol = IpProtocol::NoNextHeader;
  std::span<const std::byte> bytes;
  bool is_later_fragment = false;
};

Upper behind_ipv4(std::span<const std::byte> packet) noexcept {
  if (packet.size() < sizeof(Ipv4Header) || static_cast<uint8_t>(packet[0]) >> 4 != 4) return {};
  const auto& header = *reinterpret_cast<const Ipv4Header*>(packet.data());
  const std::size_t size = std::min<std::size_t>((header.version_ihl & 0xf) * 4u, packet.size());
  return {header.protocol, packet.subspan(size), header.fragment_offset() != 0};
}

constexpr bool is_extension(IpProtocol next) {
  return next == IpProtocol::HopByHopOptions || next == IpProtocol::Routing ||
         next == IpProtocol::DestinationOptions || next == IpProtocol::Fragment;
}

Upper behind_ipv6(std::span<const std::byte> packet) noexcept {
  if (packet.size() < sizeof(Ipv6Header)) return {};
  Upper upper{reinterpret_cast<const Ipv6Header*>(packet.data())->next_header,
              packet.subspan(sizeof(Ipv6Header))};
  for (unsigned seen = 0;
       seen < kMostExtensionHeaders && is_extension(upper.protocol) && !upper.is_later_fragment; ++seen) {
    if (upper.bytes.size() < sizeof(Ipv6FragmentHeader)) return {};
    const auto* extension = reinterpret_cast<const Ipv6ExtensionHeader*>(upper.bytes.data());
    std::size_t size = (std::size_t{extension->length} + 1) * 8;
    if (upper.protocol == IpProtocol::Fragment) {
      size = sizeof(Ipv6FragmentHeader);
      upper.is_later_fragment =
          reinterpret_cast<const Ipv6FragmentHeader*>(extension)->fragment_offset() != 0;
    }
    upper.protocol = extension->next_header;
    upper.bytes = upper.bytes.subspan(std::min(size, upper.bytes.size()));
  }
  return upper;
}

Upper behind_headers(std::span<const std::byte> packet) noexcept {
  if (!is_ipv6(packet)) return behind_ipv4(packet);
  const Upper upper = behind_ipv6(packet);
  if (upper.protocol != IpProtocol::Ipv4) return upper;
  return upper.is_later_fragment ? Upper{} : behind_ipv4(upper.bytes);
}

}  // namespace

PacketKind kind_of(std::span<const std::byte> packet) noexcept {
  return {is_ipv6(packet) ? Direction::ToIpv4 : Direction::ToIpv6,
          protocol_of(behind_headers(packet).protocol)};
}

bool says_too_big(std::span<const std::byte> packet) noexcept {
  const Upper upper = behind_headers(packet);
  if (upper.is_later_fragment || upper.bytes.size() < sizeof(IcmpHeader)) return false;
  const auto& icmp = *reinterpret_cast<const IcmpHeader*>(upper.bytes.data());
  if (upper.protocol == IpProtocol::Icmpv6) return icmp.type == icmpv6::kPacketTooBig;
  return upper.protocol == IpProtocol::Icmp && icmp.type == icmpv4::kDestinationUnreachable &&
         icmp.code == icmpv4::kFragmentationNeeded;
}

}  // namespace yonroku::observe
