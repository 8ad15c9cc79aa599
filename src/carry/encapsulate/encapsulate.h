// The one encapsulator (RFC 2473): puts IPv4 packets into IPv6 packets and takes them out again, given the
// addresses of the tunnel's ends. Nothing is written until the crossing is certain, so a dropped packet is
// intact for the ICMP error about it.
//
// The time to live is left alone: whoever routed the packet into the tunnel has counted it (RFC 2473 §3.1
// makes the tunnel one hop).
#pragma once

#include <cstdint>

#include "base/random_source.h"
#include "carry/crossing.h"
#include "carry/encapsulate/settings.h"
#include "packet/flow.h"
#include "packet/ipv4_view.h"
#include "packet/ipv6_view.h"
#include "packet/packet.h"
#include "packet/verdict.h"

namespace yonroku::carry {

class Encapsulate {
 public:
  explicit Encapsulate(const EncapsulateSettings& settings);

  // Octets in front of the inner packet: the IPv6 header, and the encapsulation limit's where one is sent.
  [[nodiscard]] std::size_t overhead() const { return overhead_; }

  // Puts the IPv4 packet into an IPv6 packet. `path_mtu` is what is known of the way to the other end, at
  // most ipv6_mtu. packet-too-big when it does not fit and DF is set; the verdict says what to cut when it
  // may be cut. `identification` is spent when the outer packet is to be cut.
  Verdict wrap(Packet& packet, const Ipv4View& ip, const Ipv4Flow& flow, const Crossing6& ends,
               uint32_t path_mtu, RandomSource& identification) const noexcept;

  // Takes out `inner`, the checked payload of `outer`. congestion-lost by RFC 6040 §4.2.
  Verdict unwrap(Packet& packet, const Ipv6View& outer, const Ipv4View& inner) const noexcept;

  [[nodiscard]] const EncapsulateSettings& settings() const { return settings_; }

 private:
  void write_front(std::byte* at, uint8_t tos, std::size_t payload, const Ipv4Flow& flow,
                   const Crossing6& ends, bool fragment_header, uint32_t identification) const noexcept;

  EncapsulateSettings settings_;
  std::size_t overhead_;
};

// The flow label of a flow's packets with FlowLabel::Hash: 20 bits, the same for each packet of the flow and
// in each run of the program, so that border relays that share an address agree. Never 0, which says that
// there is none (RFC 6437 §2).
[[nodiscard]] constexpr uint32_t flow_label(const Ipv4Flow& flow) {
  uint64_t hash = (uint64_t{flow.source.value()} << 32 | flow.destination.value()) * 0x9e3779b97f4a7c15;
  hash ^= uint64_t{flow.source_port} << 24 | uint64_t{flow.destination_port} << 8 |
          static_cast<uint8_t>(flow.protocol);
  hash = (hash ^ (hash >> 32)) * 0xd6e8feb86659fd93;
  const auto label = static_cast<uint32_t>(hash >> 44);
  return label == 0 ? 1 : label;
}

// Which of the four codepoints the inner packet leaves with, by RFC 6040 §4.2 (`inner` and `outer` are the
// low two bits). nullopt: the packet is to be dropped.
[[nodiscard]] constexpr std::optional<uint8_t> ecn_out_of_tunnel(uint8_t inner, uint8_t outer) {
  constexpr uint8_t kNotEct = 0, kEct1 = 1, kCe = 3;
  if (outer == kCe) return inner == kNotEct ? std::nullopt : std::optional(kCe);
  if (outer == kEct1 && inner == 2) return kEct1;
  return inner;
}

}  // namespace yonroku::carry
