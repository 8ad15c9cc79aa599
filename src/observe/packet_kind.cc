#include "observe/packet_kind.h"

namespace yonroku::observe {
namespace {

constexpr unsigned kMostExtensionHeaders = 16;

Protocol protocol_of_ipv4(std::span<const std::byte> packet) noexcept {
  if (packet.size() < sizeof(Ipv4Header) || static_cast<uint8_t>(packet[0]) >> 4 != 4) return Protocol::Other;
  return protocol_of(reinterpret_cast<const Ipv4Header*>(packet.data())->protocol);
}

constexpr bool is_extension(IpProtocol next) {
  return next == IpProtocol::HopByHopOptions || next == IpProtocol::Routing ||
         next == IpProtocol::DestinationOptions || next == IpProtocol::Fragment;
}

Protocol protocol_of_ipv6(std::span<const std::byte> packet) noexcept {
  if (packet.size() < sizeof(Ipv6Header)) return Protocol::Other;
  IpProtocol next = reinterpret_cast<const Ipv6Header*>(packet.data())->next_header;
  std::size_t at = sizeof(Ipv6Header);
  bool is_later_fragment = false;
  for (unsigned seen = 0; seen < kMostExtensionHeaders && is_extension(next) && !is_later_fragment; ++seen) {
    if (at + sizeof(Ipv6FragmentHeader) > packet.size()) return Protocol::Other;
    const auto* extension = reinterpret_cast<const Ipv6ExtensionHeader*>(packet.data() + at);
    if (next == IpProtocol::Fragment) {
      is_later_fragment =
          reinterpret_cast<const Ipv6FragmentHeader*>(packet.data() + at)->fragment_offset() != 0;
      at += sizeof(Ipv6FragmentHeader);
    } else {
      at += (std::size_t{extension->length} + 1) * 8;
    }
    next = extension->next_header;
  }
  if (next != IpProtocol::Ipv4) return protocol_of(next);
  return is_later_fragment || at > packet.size() ? Protocol::Other : protocol_of_ipv4(packet.subspan(at));
}

}  // namespace

PacketKind kind_of(std::span<const std::byte> packet) noexcept {
  if (packet.empty() || static_cast<uint8_t>(packet[0]) >> 4 != 6)
    return {Direction::ToIpv6, protocol_of_ipv4(packet)};
  return {Direction::ToIpv4, protocol_of_ipv6(packet)};
}

}  // namespace yonroku::observe
