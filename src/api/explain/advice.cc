#include "api/explain/advice.h"

namespace yonroku::api {
namespace {

constexpr std::string_view kBrokenOnTheWay =
    "The packet is damaged, or was made by hand. Look for the device that sends it; nothing is to be set "
    "here.";
constexpr std::string_view kNothing = "Nothing: every translator has to drop these. Nobody should miss them.";
constexpr std::string_view kBrokenIcmp =
    "Look at the device that sent this ICMP message: what it sends can't be used. The packet that it "
    "complains about was "
    "lost there, not here.";
constexpr std::string_view kNotUsed =
    "Nothing: the other family has no message that says this. Programs do without.";

}  // namespace

std::string_view advice_about(DropReason reason) {
  switch (reason) {
    case DropReason::None: return "";
    case DropReason::TruncatedHeader:
    case DropReason::BadVersion:
    case DropReason::LengthMismatch:
    case DropReason::Ipv4HeaderChecksum:
    case DropReason::BadExtensionHeader: return kBrokenOnTheWay;
    case DropReason::BadOffloadMetadata:
      return "The kernel described this packet in a way that does not fit it. Report it with `uname -r` and "
             "how the packet "
             "reached the TUN device.";
    case DropReason::NoSoftwire:
      return "If a customer should have this address, add a rule or a softwire for it. If not, send no route "
             "for it to this device (ipv4-routes).";
    case DropReason::SourceInPref64:
      return "A packet that was translated already came back from the IPv6 side, or somebody forges such "
             "sources. See that "
             "no route leads pref64 in a circle.";
    case DropReason::NoBinding:
      return "Nobody inside uses this address and port: the session is over, or the packet is a scanner's. "
             "To let "
             "connections in, add a static binding.";
    case DropReason::NoService:
      return "The virtual address is ours, but no service has this port and protocol: the client is wrong, "
             "or "
             "a service is missing. `yonroku show services` lists them.";
    case DropReason::NoServer:
      return "All servers of the service are down by its health checks, or have weight 0; or the connection "
             "was with a server that is no longer in the settings. `yonroku show services` says which.";
    case DropReason::Filtered:
      return "The host inside has not sent anything to this source. `filtering: endpoint-independent` lets "
             "everybody "
             "answer who knows the port.";
    case DropReason::UnsolicitedSyn:
      return "A connection from outside to nobody. Usually scanners. To let connections in, add a static "
             "binding.";
    case DropReason::TcpWithoutSession:
      return "The NAT does not know the connection: it was idle for longer than tcp-established-timeout, or "
             "began before "
             "this program did. The host has to open it again.";
    case DropReason::NoPort:
      return "Every port that the subscriber may have is taken. Add addresses to the pools, allow more ports "
             "or blocks for "
             "each subscriber, or set when-exhausted: reuse-by-destination.";
    case DropReason::SubscriberLimit:
      return "One subscriber opens more than it may: a scan or an infection, or limits that are too low for "
             "several people "
             "behind one address (ports-per-subscriber, sessions-per-subscriber, new-sessions-per-second).";
    case DropReason::TableFull: return "Raise max-sessions; a session takes about 100 octets.";
    case DropReason::B4NotAllowed:
      return "The customer's tunnel comes from an IPv6 address outside of b4-prefixes. Add its prefix there, "
             "if it "
             "is a customer.";
    case DropReason::ControlLineCut:
      return "An FTP line was rewritten, and its sender repeats a part of it. It will repeat all of it.";
    case DropReason::WorkerBusy:
      return "A subscriber's sessions are one worker's. See which subscriber sends more than a core can do.";
    case DropReason::ProtocolNotNatted:
      return "A NAT can share an address only among protocols with ports, and ping. Give a host that needs "
             "another one an "
             "address of its own (siit).";
    case DropReason::PortNotAssigned:
      return "Nobody has this port: the customers of this address have others (`yonroku map port-set`). "
             "Usually scanners. If a customer should have it, add the softwire.";
    case DropReason::ProtocolWithoutPorts:
      return "Customers who share an address can only use protocols with ports, and ping. Give a customer "
             "who needs another one a whole address.";
    case DropReason::InboundIcmp:
      return "The setting inbound-icmp keeps it out. If large packets from customers get lost, let errors "
             "pass (inbound-icmp: errors): path MTU discovery needs them.";
    case DropReason::SourceSpoofed:
      return "The customer's equipment uses an address or port that it does not own, or its rule differs "
             "from the one here. Compare the two (`yonroku map address`); if they agree, somebody forges "
             "sources.";
    case DropReason::SourceNotOurs:
      return "Only the customer's own addresses may enter the tunnel: NAT the hosts behind it, or add their "
             "prefix to customer-prefixes (inside-prefixes at an AFTR).";
    case DropReason::DestinationNotOurs:
      return "Send no other destination to this device, or add the address (br-addresses, local-address, "
             "customer-prefixes).";
    case DropReason::NotEncapsulated:
      return "This address is the end of a tunnel and nothing else. If the sender means the tunnel, it must "
             "send IPv4 in IPv6 (next header 4).";
    case DropReason::InnerTtlExceeded: return "Usually traceroute at work between two customers.";
    case DropReason::InnerPacketTooBig:
      return "The sender is told the size that fits, and adapts. If connections between customers hang, "
             "something filters these ICMP errors: let them pass, or set mss-clamp: auto.";
    case DropReason::CongestionLost:
      return "Nothing: a router in the network was congested, and the packet's sender does not understand "
             "congestion marks.";
    case DropReason::TunnelErrorNotRelayed:
      return "Nothing: it is counted, and the sender of the inner packet can do nothing about it. If many "
             "come, look at the IPv6 network between the tunnel's ends.";
    case DropReason::ReassemblyOverlap:
      return "Overlapping fragments are an attack or a broken device. Look for who sends them.";
    case DropReason::ReassemblyTimeout:
      return "Fragments got lost on the way. Raise the MTU of the network between the tunnel's ends, or set "
             "mss-clamp: auto, so that fewer packets are cut.";
    case DropReason::ReassemblyNoRoom:
      return "More packets are cut than can be put together. Raise the MTU between the tunnel's ends; if the "
             "fragments come from outside, it may be an attack.";
    case DropReason::NoBuffer: return "This should not happen. Report it with the packet.";
    case DropReason::IllegalSource:
      return "A router must not forward packets from this source. If they are many, filter them where they "
             "enter the "
             "network (BCP 38).";
    case DropReason::IllegalDestination:
      return "Multicast, link-local and loopback destinations are not translated. See that no route leads "
             "them to the "
             "translator's device.";
    case DropReason::SourceNotMapped:
      return "If this host should be reachable across the translator, give it a mapping (`yonroku mappings "
             "add`, or "
             "mappings: in the configuration), or an address in the translation prefix.";
    case DropReason::DestinationNotMapped:
      return "If the destination should exist, add a mapping for it or set pref64. If it should not, send no "
             "route for it to "
             "the translator (ipv4-routes, ipv6-routes).";
    case DropReason::DeniedAddress:
      return "denylist-ipv4 or denylist-ipv6 forbids it. Shorten the list if this packet should pass.";
    case DropReason::WellKnownPrefixNonGlobal:
      return "Use a prefix of your own as pref64 (for example 2001:db8:64::/96), or set "
             "well-known-prefix-non-global: "
             "translate if you know that the other end accepts it.";
    case DropReason::SourceRoute:
      return "Nothing: a source route can't be kept across the families, and few networks let one pass.";
    case DropReason::SegmentsLeft:
      return "Let the packet visit its last segment before it reaches the translator.";
    case DropReason::TtlExceeded:
    case DropReason::HopLimitExceeded:
      return "Usually traceroute at work. If it is ordinary traffic, look for a routing loop through the "
             "translator.";
    case DropReason::PacketTooBig:
      return "The sender is told the size that fits, and adapts. If connections hang, something filters "
             "these ICMP errors: "
             "let them pass, or set mss-clamp: auto. If the links carry more, raise ipv4-mtu or ipv6-mtu.";
    case DropReason::UdpZeroChecksum:
      return "Set udp-zero-checksum: compute, or let the sender use checksums.";
    case DropReason::UdpZeroChecksumFragment:
      return "Let the sender use UDP checksums, or send datagrams that need no fragments.";
    case DropReason::Ipv6UdpZeroChecksum:
      return "IPv6 hosts must use UDP checksums; this one is a tunnel (RFC 6935) or broken. Let it use "
             "checksums.";
    case DropReason::FragmentedIcmp:
      return "Use smaller pings. The checksum of a fragmented message covers what is not in the packet.";
    case DropReason::ExtensionAfterFragment:
      return "Such packets are rare, for example fragmented AH. Let the sender avoid fragments.";
    case DropReason::ProtocolNotTranslatable:
      return "Nothing: this protocol number has another meaning on the other side. Tunnel it if it must "
             "cross.";
    case DropReason::Igmp: return kNothing;
    case DropReason::IcmpTypeNotTranslatable:
    case DropReason::IcmpCodeNotTranslatable:
    case DropReason::IcmpPointerNotTranslatable: return kNotUsed;
    case DropReason::IcmpChecksum:
    case DropReason::InnerPacketTruncated:
    case DropReason::InnerPacketIsIcmpError: return kBrokenIcmp;
    case DropReason::InnerAddressNotMapped:
      return "The error is about a packet that did not come through this translator, or whose mapping is "
             "gone. Harmless "
             "unless they are many; then compare the mappings of all translators.";
  }
  return "";
}

std::string_view advice_about_tunnel(DropReason reason) {
  switch (reason) {
    case DropReason::IllegalDestination:
      return "Multicast, link-local and loopback destinations are for one link. See that no route leads them "
             "to this device.";
    case DropReason::SegmentsLeft:
      return "Let the packet visit its last segment before it reaches the tunnel's end.";
    case DropReason::PacketTooBig:
      return "The sender is told the size that fits, and adapts. If connections hang, something filters "
             "these ICMP errors: let them pass, or set mss-clamp: auto. If the network between the tunnel's "
             "ends "
             "carries more, raise ipv6-mtu.";
    default: return advice_about(reason);
  }
}

}  // namespace yonroku::api
