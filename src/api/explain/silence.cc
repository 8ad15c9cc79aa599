#include "api/explain/silence.h"

#include <fmt/format.h>

#include <vector>

namespace yonroku::api {
namespace {

// Reasons about which nobody is ever told: because an RFC says so, or because nobody would be helped.
Decision silent_reason(DropReason reason, bool is_ipv4) {
  switch (reason) {
    case DropReason::TruncatedHeader:
    case DropReason::BadVersion:
    case DropReason::LengthMismatch:
    case DropReason::BadExtensionHeader:
    case DropReason::Ipv4HeaderChecksum:
      return {"", "Its source may be as damaged as the rest of it.", "RFC 1812 §5.2.2"};
    case DropReason::IllegalSource: return {"", "Its source is nobody who could be told.", "RFC 1812 §5.3.7"};
    case DropReason::IllegalDestination:
      return {"", "Nobody is told about a destination that no router forwards to.", "RFC 1812 §5.3.7"};
    case DropReason::Igmp:
    case DropReason::IcmpTypeNotTranslatable:
    case DropReason::IcmpCodeNotTranslatable:
    case DropReason::IcmpPointerNotTranslatable:
      return {"", "Messages without a counterpart disappear in silence.",
              is_ipv4 ? "RFC 7915 §4.2" : "RFC 7915 §5.2"};
    case DropReason::IcmpChecksum:
    case DropReason::InnerPacketTruncated:
    case DropReason::InnerPacketIsIcmpError:
    case DropReason::InnerAddressNotMapped:
    case DropReason::TunnelErrorNotRelayed:
      return {"", "It is an ICMP error itself, and there are no errors about errors.",
              is_ipv4 ? "RFC 1812 §4.3.2.7" : "RFC 4443 §2.4"};
    case DropReason::SourceNotOurs:
    case DropReason::DestinationNotOurs:
      return {"", "It has no business here, and its source may be forged.", ""};
    case DropReason::InboundIcmp: return {"", "It is meant to disappear in silence.", "RFC 7596 §8.1"};
    case DropReason::NotEncapsulated: return {"", "The end of a tunnel answers echo requests only.", ""};
    case DropReason::CongestionLost:
      return {"", "A lost packet is how its sender, who knows no ECN, learns of congestion.",
              "RFC 6040 §4.2"};
    case DropReason::ReassemblyOverlap:
      return {"", "Overlapping fragments disappear in silence.", "RFC 5722 §4"};
    default: return {"", "Packets that are dropped for this reason disappear in silence.", ""};
  }
}

}  // namespace

Decision decision_of_silence(std::span<const std::byte> dropped, const Verdict& verdict,
                             const engine::IcmpReplySettings& settings) {
  using engine::IcmpSilence;
  std::vector<std::byte> bytes(dropped.begin(), dropped.end());
  const Packet packet(bytes, 0, bytes.size());
  const bool is_ipv4 = !dropped.empty() && static_cast<unsigned>(dropped[0]) >> 4 == 4;
  const char* const rules = is_ipv4 ? "RFC 1812 §4.3.2.7" : "RFC 4443 §2.4";
  switch (engine::silence_about(packet, verdict, settings)) {
    case IcmpSilence::SwitchedOff: return {"", "The setting icmp-errors is off.", ""};
    case IcmpSilence::Spoofing: return {"", "The setting report-spoofing is off.", "RFC 7596 §6.2"};
    case IcmpSilence::Unreachable: return {"", "The setting report-unreachable is off.", "RFC 7596 §6.2"};
    case IcmpSilence::AboutIcmpError:
      return {"", "It is an ICMP error itself, and there are no errors about errors.", rules};
    case IcmpSilence::AboutIcmpv6:
      return {"", "Nobody hears that an ICMPv6 message is administratively prohibited.", "RFC 7915 §5.4"};
    case IcmpSilence::LaterFragment:
      return {"", "Only the first fragment of a packet is reported.", "RFC 1812 §4.3.2.7"};
    case IcmpSilence::SourceIsNoHost:
      return {"", "Its source names no single host that could be told.", rules};
    case IcmpSilence::DestinationIsNoHost:
      return {"", "Nobody is told about a destination that names no single host.", rules};
    case IcmpSilence::Unreadable:
    case IcmpSilence::ReasonIsSilent: return silent_reason(verdict.reason, is_ipv4);
    case IcmpSilence::None: break;
  }
  if (verdict.reason == DropReason::UnsolicitedSyn)
    return {"",
            "It is kept for tcp-incoming-syn-timeout seconds first: should the host inside open the same "
            "connection "
            "meanwhile, there is nothing to tell.",
            "RFC 5382 §4.3"};
  return {"", "The setting icmp-error-rate allows no more in this second.", "RFC 4443 §2.4"};
}

}  // namespace yonroku::api
