#include "engine/icmp_reply.h"

#include <algorithm>
#include <cstring>
#include <expected>
#include <optional>

#include "carry/translate/icmp_error.h"
#include "carry/translate/translate.h"
#include "packet/ipv4_view.h"
#include "packet/ipv6_view.h"
#include "share/mapping/special_addresses.h"

namespace yonroku::engine {
namespace {

struct Kind {
  uint8_t type;
  uint8_t code;
  uint32_t rest;
};

std::optional<Kind> kind_for_ipv4(const Verdict& verdict) {
  using namespace icmpv4;
  switch (verdict.reason) {
    case DropReason::TtlExceeded: return Kind{kTimeExceeded, 0, 0};
    case DropReason::PacketTooBig: return Kind{kDestinationUnreachable, kFragmentationNeeded, verdict.detail};
    case DropReason::InnerTtlExceeded: return Kind{kTimeExceeded, 0, 0};
    case DropReason::InnerPacketTooBig:
      return Kind{kDestinationUnreachable, kFragmentationNeeded, verdict.detail};
    case DropReason::NoSoftwire:
    case DropReason::PortNotAssigned:
    case DropReason::ProtocolWithoutPorts: return Kind{kDestinationUnreachable, kHostUnreachable, 0};
    case DropReason::UnsolicitedSyn: return Kind{kDestinationUnreachable, kPortUnreachable, 0};
    case DropReason::ProtocolNotNatted: return Kind{kDestinationUnreachable, kProtocolUnreachable, 0};
    // RFC 5508 §6, REQ-8; who is outside learns nothing about the NAT.
    case DropReason::NoPort:
    case DropReason::SubscriberLimit:
    case DropReason::TableFull:
      if (verdict.detail == 0) return std::nullopt;
      return Kind{kDestinationUnreachable, kAdministrativelyProhibited, 0};
    case DropReason::SourceRoute: return Kind{kDestinationUnreachable, kSourceRouteFailed, 0};
    case DropReason::SourceNotMapped:
    case DropReason::DestinationNotMapped:
    case DropReason::DeniedAddress:
    case DropReason::WellKnownPrefixNonGlobal:
    case DropReason::SourceNotOurs:
    case DropReason::UdpZeroChecksum:
    case DropReason::UdpZeroChecksumFragment:
    case DropReason::ProtocolNotTranslatable:
      return Kind{kDestinationUnreachable, kAdministrativelyProhibited, 0};
    default: return std::nullopt;
  }
}

std::optional<Kind> kind_for_ipv6(const Verdict& verdict, const IcmpReplySettings& settings) {
  using namespace icmpv6;
  constexpr uint8_t kSourceFailedPolicy = 5;  // RFC 4443 §3.1
  switch (verdict.reason) {
    case DropReason::SourceSpoofed:
      if (!settings.report_spoofing) return std::nullopt;
      return Kind{kDestinationUnreachable, kSourceFailedPolicy, 0};
    case DropReason::HopLimitExceeded: return Kind{kTimeExceeded, 0, 0};
    case DropReason::PacketTooBig: return Kind{kPacketTooBig, 0, verdict.detail};
    case DropReason::NoPort:
    case DropReason::SubscriberLimit:
    case DropReason::TableFull:
      if (settings.nat_outside == NatOutside::Ipv6) return std::nullopt;
      return Kind{kDestinationUnreachable, kAddressUnreachable, 0};
    case DropReason::UnsolicitedSyn:
    case DropReason::NoService:
    case DropReason::NoServer:
    case DropReason::ProtocolNotNatted: return Kind{kDestinationUnreachable, kPortUnreachable, 0};
    case DropReason::SegmentsLeft: return Kind{kParameterProblem, kErroneousHeaderField, verdict.detail};
    case DropReason::SourceNotMapped:
    case DropReason::DestinationNotMapped:
    case DropReason::DeniedAddress:
    case DropReason::WellKnownPrefixNonGlobal:
    case DropReason::ExtensionAfterFragment:
    case DropReason::ProtocolNotTranslatable:
      return Kind{kDestinationUnreachable, kAdministrativelyProhibited, 0};
    default: return std::nullopt;
  }
}

// RFC 1812 §4.3.2.7: not about ICMP errors, not about later fragments, not to sources that name no single
// host.
template <class View>
IcmpSilence silence_about_packet(const View& ip, bool is_later_fragment) {
  if (carry::is_icmp_error(ip)) return IcmpSilence::AboutIcmpError;
  if (is_later_fragment) return IcmpSilence::LaterFragment;
  if (!share::may_be_forwarded(ip.header().source())) return IcmpSilence::SourceIsNoHost;
  if (!share::may_be_forwarded(ip.header().destination())) return IcmpSilence::DestinationIsNoHost;
  return IcmpSilence::None;
}

// What is to be said about a packet, or why nothing is.
template <class View>
struct Due {
  View ip;
  Kind kind;
};

// RFC 7596 §6.2: the customer of the destination was looked up, and not found.
constexpr bool is_unreachable(DropReason reason) {
  return reason == DropReason::NoSoftwire || reason == DropReason::PortNotAssigned ||
         reason == DropReason::ProtocolWithoutPorts;
}

std::expected<Due<Ipv4View>, IcmpSilence> due_to_ipv4(std::span<const std::byte> dropped,
                                                      const Verdict& verdict,
                                                      const IcmpReplySettings& settings) {
  const auto ip = Ipv4View::parse(dropped);
  if (!ip) return std::unexpected(IcmpSilence::Unreadable);
  const auto kind = kind_for_ipv4(verdict);
  if (!kind) return std::unexpected(IcmpSilence::ReasonIsSilent);
  if (is_unreachable(verdict.reason) && !settings.report_unreachable)
    return std::unexpected(IcmpSilence::Unreachable);
  const IcmpSilence silence = silence_about_packet(*ip, ip->header().fragment_offset() != 0);
  if (silence != IcmpSilence::None) return std::unexpected(silence);
  return Due<Ipv4View>{*ip, *kind};
}

std::expected<Due<Ipv6View>, IcmpSilence> due_to_ipv6(std::span<const std::byte> dropped,
                                                      const Verdict& verdict,
                                                      const IcmpReplySettings& settings) {
  const auto ip = Ipv6View::parse(dropped);
  if (!ip) return std::unexpected(IcmpSilence::Unreadable);
  const auto kind = kind_for_ipv6(verdict, settings);
  if (!kind)
    return std::unexpected(verdict.reason == DropReason::SourceSpoofed ? IcmpSilence::Spoofing
                                                                       : IcmpSilence::ReasonIsSilent);
  const bool is_later = ip->has_fragment_header() && ip->fragment_header().fragment_offset() != 0;
  const IcmpSilence silence = silence_about_packet(*ip, is_later);
  if (silence != IcmpSilence::None) return std::unexpected(silence);
  // RFC 7915 §5.4: "administratively prohibited" is not sent about any ICMPv6 message.
  if (kind->type == icmpv6::kDestinationUnreachable && kind->code == icmpv6::kAdministrativelyProhibited &&
      ip->protocol() == IpProtocol::Icmpv6)
    return std::unexpected(IcmpSilence::AboutIcmpv6);
  return Due<Ipv6View>{*ip, *kind};
}

template <class View>
IcmpSilence silence_of(const std::expected<Due<View>, IcmpSilence>& due) {
  return due ? IcmpSilence::None : due.error();
}

std::size_t reply_to_ipv4(std::span<const std::byte> dropped, const Verdict& verdict,
                          const IcmpReplySettings& settings, NatOutside from, std::span<std::byte> out) {
  constexpr std::size_t kLargest = 576;           // RFC 1812 §4.3.2.3
  constexpr uint8_t kInternetworkControl = 0xc0;  // RFC 1812 §4.3.2.5
  constexpr uint8_t kTtl = 64;
  const auto due = due_to_ipv4(dropped, verdict, settings);
  if (!due) return 0;
  const auto& [ip, kind] = *due;

  constexpr std::size_t kFront = sizeof(Ipv4Header) + sizeof(IcmpHeader);
  const std::size_t quoted = std::min(ip.size(), kLargest - kFront);
  const std::size_t total = kFront + quoted;
  std::memcpy(out.data() + kFront, dropped.data(), quoted);
  auto& icmp = *reinterpret_cast<IcmpHeader*>(out.data() + sizeof(Ipv4Header));
  icmp.type = kind.type;
  icmp.code = kind.code;
  icmp.checksum = {};
  icmp.set_rest(kind.rest);
  OnesSum sum;
  sum.add(std::span<const std::byte>(out.subspan(sizeof(Ipv4Header), total - sizeof(Ipv4Header))));
  icmp.checksum = sum.checksum();

  carry::Ipv4Fields fields;
  fields.addresses = {settings.source_ipv4, ip.header().source()};
  // Another address would not cross a border relay, nor the Internet if it is 192.0.0.1.
  if (from == settings.nat_outside && verdict.reason != DropReason::DestinationNotMapped)
    fields.addresses.source = ip.header().destination();
  fields.tos = kInternetworkControl;
  fields.ttl = kTtl;
  fields.protocol = IpProtocol::Icmp;
  fields.total_length = static_cast<uint16_t>(total);
  fields.flags_fragment_offset = Ipv4Header::kDontFragment;  // hence no identification (RFC 6864 §4.1)
  carry::write_ipv4_header(out.data(), fields);
  return total;
}

std::size_t reply_to_ipv6(const Packet& dropped, const Verdict& verdict, const IcmpReplySettings& settings,
                          std::span<std::byte> out) {
  constexpr uint8_t kHopLimit = 64;
  const auto due = due_to_ipv6(dropped.bytes(), verdict, settings);
  if (!due) return 0;
  const auto& [ip, kind] = *due;

  constexpr std::size_t kFront = sizeof(Ipv6Header) + sizeof(IcmpHeader);
  const std::size_t quoted = std::min(ip.size(), kLargestIcmpReply - kFront);
  const std::size_t message = sizeof(IcmpHeader) + quoted;
  std::memcpy(out.data() + kFront, dropped.data(), quoted);
  auto& header = *reinterpret_cast<Ipv6Header*>(out.data());
  header.set_version_and_class(0);
  header.payload_length = be16::from_host(static_cast<uint16_t>(message));
  header.next_header = IpProtocol::Icmpv6;
  header.hop_limit = kHopLimit;
  header.set_source(settings.source_ipv6);
  header.set_destination(ip.header().source());
  auto& icmp = *reinterpret_cast<IcmpHeader*>(out.data() + sizeof(Ipv6Header));
  icmp.type = kind.type;
  icmp.code = kind.code;
  icmp.checksum = {};
  icmp.set_rest(kind.rest);
  OnesSum sum;
  sum.add(settings.source_ipv6);
  sum.add(ip.header().source());
  sum.add(static_cast<uint32_t>(message));
  sum.add(uint32_t{static_cast<uint8_t>(IpProtocol::Icmpv6)});
  sum.add(std::span<const std::byte>(out.subspan(sizeof(Ipv6Header), message)));
  icmp.checksum = sum.checksum();
  return sizeof(Ipv6Header) + message;
}

// The inner packet's sender is told, as if the packet had come out of the tunnel.
constexpr bool is_about_inner(const Verdict& verdict) {
  switch (verdict.reason) {
    case DropReason::InnerTtlExceeded:
    case DropReason::InnerPacketTooBig: return true;
    case DropReason::PortNotAssigned:
    case DropReason::ProtocolWithoutPorts:
    case DropReason::NoPort:
    case DropReason::SubscriberLimit:
    case DropReason::TableFull:
    case DropReason::ProtocolNotNatted:
    case DropReason::UnsolicitedSyn: return verdict.detail != 0;
    default: return false;
  }
}

}  // namespace

IcmpSilence silence_about(const Packet& dropped, const Verdict& verdict,
                          const IcmpReplySettings& settings) noexcept {
  if (!settings.send) return IcmpSilence::SwitchedOff;
  if (dropped.size() == 0) return IcmpSilence::Unreadable;
  if (static_cast<uint8_t>(*dropped.data()) >> 4 == 4)
    return silence_of(due_to_ipv4(dropped.bytes(), verdict, settings));
  if (is_about_inner(verdict)) {
    const auto outer = Ipv6View::parse(dropped.bytes());
    return outer ? silence_of(due_to_ipv4(outer->payload(), verdict, settings)) : IcmpSilence::Unreadable;
  }
  return silence_of(due_to_ipv6(dropped.bytes(), verdict, settings));
}

std::size_t make_icmp_reply(const Packet& dropped, const Verdict& verdict, const IcmpReplySettings& settings,
                            std::span<std::byte> out) noexcept {
  if (!settings.send || dropped.size() == 0) return 0;
  if (static_cast<uint8_t>(*dropped.data()) >> 4 == 4)
    return reply_to_ipv4(dropped.bytes(), verdict, settings, NatOutside::Ipv4, out);
  if (is_about_inner(verdict)) {
    const auto outer = Ipv6View::parse(dropped.bytes());
    return outer ? reply_to_ipv4(outer->payload(), verdict, settings, NatOutside::Ipv6, out) : 0;
  }
  return reply_to_ipv6(dropped, verdict, settings, out);
}

}  // namespace yonroku::engine
