// For tests only: packets made and read octet by octet, with checksums summed one 16-bit word at a time.
// Includes nothing of ours, so that a test never judges the code by the code.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <vector>

namespace yonroku::test {

using Octets = std::vector<uint8_t>;
using Address = std::array<uint8_t, 16>;  // IPv4 addresses use the first four octets
using View = std::span<const uint8_t>;

inline constexpr uint8_t kIcmp = 1, kTcp = 6, kUdp = 17, kIcmpv6 = 58, kFragmentHeader = 44;

// --- octets ---

inline uint32_t get16(View at, std::size_t offset) { return uint32_t{at[offset]} << 8 | at[offset + 1]; }
inline uint32_t get32(View at, std::size_t offset) { return get16(at, offset) << 16 | get16(at, offset + 2); }
inline void put16(std::span<uint8_t> at, std::size_t offset, uint32_t value) {
  at[offset] = static_cast<uint8_t>(value >> 8);
  at[offset + 1] = static_cast<uint8_t>(value);
}
inline void put32(std::span<uint8_t> at, std::size_t offset, uint32_t value) {
  put16(at, offset, value >> 16);
  put16(at, offset + 2, value);
}
inline Octets joined(std::initializer_list<Octets> parts) {
  Octets all;
  for (const Octets& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}
inline Octets counting(std::size_t size, uint8_t first = 0) {
  Octets octets(size);
  for (std::size_t i = 0; i < size; ++i) octets[i] = static_cast<uint8_t>(first + i);
  return octets;
}
inline View octets_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
}

// RFC 1071, the slow way: end-around carry after every word.
inline uint32_t ones_sum(View data, uint32_t sum = 0) {
  for (std::size_t i = 0; i < data.size(); i += 2) {
    sum += uint32_t{data[i]} << 8 | (i + 1 < data.size() ? data[i + 1] : 0u);
    if (sum > 0xffff) sum -= 0xffff;
  }
  return sum;
}

constexpr Address address4(uint8_t a, uint8_t b, uint8_t c, uint8_t d) { return {a, b, c, d}; }
constexpr Address address6(std::initializer_list<uint16_t> front, uint32_t back = 0) {
  Address address{};
  std::size_t at = 0;
  for (const uint16_t group : front) {
    address[at++] = static_cast<uint8_t>(group >> 8);
    address[at++] = static_cast<uint8_t>(group);
  }
  for (std::size_t i = 0; i < 4 && back != 0; ++i)
    address[12 + i] = static_cast<uint8_t>(back >> (24 - 8 * i));
  return address;
}

// --- reading ---

// What stands in a packet whose lengths are right.
struct Seen {
  unsigned version = 0;
  std::size_t total = 0;      // as the header says
  std::size_t transport = 0;  // where the upper-layer header begins
  uint8_t traffic_class = 0, hop_limit = 0, protocol = 0;
  bool has_fragment_header = false;  // IPv6
  std::size_t fragment_header = 0;
  bool dont_fragment = false, more_fragments = false;
  std::size_t fragment_offset = 0;  // in octets
  uint32_t identification = 0;
  Address source{}, destination{};
  bool header_checksum_right = true;

  [[nodiscard]] bool is_fragment() const { return more_fragments || fragment_offset != 0; }
};

inline std::optional<Seen> see_ipv4(View packet) {
  Seen seen;
  seen.version = 4;
  if (packet.size() < 20) return std::nullopt;
  seen.transport = (packet[0] & 15u) * 4u;
  seen.total = get16(packet, 2);
  if (seen.transport < 20 || seen.total < seen.transport || seen.total > packet.size()) return std::nullopt;
  seen.traffic_class = packet[1];
  seen.identification = get16(packet, 4);
  seen.dont_fragment = (packet[6] & 0x40) != 0;
  seen.more_fragments = (packet[6] & 0x20) != 0;
  seen.fragment_offset = (get16(packet, 6) & 0x1fff) * 8;
  seen.hop_limit = packet[8];
  seen.protocol = packet[9];
  std::copy_n(packet.begin() + 12, 4, seen.source.begin());
  std::copy_n(packet.begin() + 16, 4, seen.destination.begin());
  seen.header_checksum_right = ones_sum(packet.first(seen.transport)) == 0xffff;
  return seen;
}

inline std::optional<Seen> see_ipv6(View packet) {
  Seen seen;
  seen.version = 6;
  if (packet.size() < 40) return std::nullopt;
  seen.total = 40 + get16(packet, 4);
  if (seen.total > packet.size()) return std::nullopt;
  seen.traffic_class = static_cast<uint8_t>(get16(packet, 0) >> 4);
  seen.protocol = packet[6];
  seen.hop_limit = packet[7];
  std::copy_n(packet.begin() + 8, 16, seen.source.begin());
  std::copy_n(packet.begin() + 24, 16, seen.destination.begin());
  std::size_t at = 40;
  while (seen.protocol == 0 || seen.protocol == 43 || seen.protocol == 60 ||
         seen.protocol == kFragmentHeader) {
    if (at + 8 > seen.total) return std::nullopt;
    const bool is_fragment_header = seen.protocol == kFragmentHeader;
    seen.protocol = packet[at];
    if (is_fragment_header) {
      seen.has_fragment_header = true;
      seen.fragment_header = at;
      seen.fragment_offset = get16(packet, at + 2) & 0xfff8;
      seen.more_fragments = (packet[at + 3] & 1) != 0;
      seen.identification = get32(packet, at + 4);
      at += 8;
      break;
    }
    at += (packet[at + 1] + 1u) * 8u;
  }
  if (at > seen.total) return std::nullopt;
  seen.transport = at;
  return seen;
}

inline std::optional<Seen> see(View packet) {
  if (packet.empty()) return std::nullopt;
  return packet[0] >> 4 == 4 ? see_ipv4(packet) : packet[0] >> 4 == 6 ? see_ipv6(packet) : std::nullopt;
}

// The sum of the pseudo-header (RFC 8200 §8.1; ICMPv4 has none) for a transport segment of that size.
inline uint32_t pseudo_sum(const Seen& seen, std::size_t segment_size) {
  if (seen.version == 4 && seen.protocol == kIcmp) return 0;
  uint32_t sum = ones_sum(View(seen.source));
  sum = ones_sum(View(seen.destination), sum);
  const Octets rest{static_cast<uint8_t>(segment_size >> 24),
                    static_cast<uint8_t>(segment_size >> 16),
                    static_cast<uint8_t>(segment_size >> 8),
                    static_cast<uint8_t>(segment_size),
                    0,
                    seen.protocol};
  return ones_sum(rest, sum);
}

// Where the transport checksum lies; nullopt when the protocol has none that we know, or it is cut off.
inline std::optional<std::size_t> checksum_offset(const Seen& seen) {
  std::size_t at = seen.transport;
  if (seen.protocol == kTcp)
    at += 16;
  else if (seen.protocol == kUdp)
    at += 6;
  else if (seen.protocol == (seen.version == 4 ? kIcmp : kIcmpv6))
    at += 2;
  else
    return std::nullopt;
  if (seen.fragment_offset != 0 || at + 2 > seen.total) return std::nullopt;
  return at;
}

// The ones' complement sum over pseudo-header and segment of an unfragmented packet: 0xffff when its checksum
// is right. 0 is brought to 0xffff, so that equal sums compare equal.
inline std::optional<uint32_t> transport_sum(View packet, const Seen& seen) {
  if (seen.is_fragment() || !checksum_offset(seen)) return std::nullopt;
  const View segment = packet.subspan(seen.transport, seen.total - seen.transport);
  const uint32_t sum = ones_sum(segment, pseudo_sum(seen, segment.size()));
  return sum == 0 ? 0xffff : sum;
}
inline bool has_right_checksum(View packet) {
  const auto seen = see(packet);
  return seen && transport_sum(packet, *seen) == 0xffff;
}

// --- making ---

inline void set_header_checksum(std::span<uint8_t> ipv4) {
  const std::size_t size = (ipv4[0] & 15u) * 4u;
  put16(ipv4, 10, 0);
  put16(ipv4, 10, ~ones_sum(View(ipv4.first(size))));
}

// Makes the transport checksum right. UDP's is never zero.
inline void set_transport_checksum(std::span<uint8_t> packet) {
  const auto seen = see(packet);
  const auto at = seen ? checksum_offset(*seen) : std::nullopt;
  if (!at) return;
  put16(packet, *at, 0);
  const View segment = View(packet).subspan(seen->transport, seen->total - seen->transport);
  const auto checksum = static_cast<uint16_t>(~ones_sum(segment, pseudo_sum(*seen, segment.size())));
  put16(packet, *at, checksum == 0 && seen->protocol == kUdp ? 0xffff : checksum);
}
// Puts what a device gets instead: the pseudo-header's sum.
inline void set_partial_checksum(std::span<uint8_t> packet) {
  const auto seen = see(packet);
  if (const auto at = seen ? checksum_offset(*seen) : std::nullopt)
    put16(packet, *at, pseudo_sum(*seen, seen->total - seen->transport));
}

struct Ipv4Spec {
  Address source = address4(203, 0, 113, 7), destination = address4(192, 0, 2, 80);
  uint8_t protocol = kUdp, ttl = 64, tos = 0;
  uint16_t identification = 0, flags_and_offset = 0x4000;  // DF
  Octets options = {};                                     // a multiple of 4 octets
};
inline constexpr uint16_t kDf = 0x4000, kMf = 0x2000;

inline Octets ipv4(const Ipv4Spec& spec, const Octets& payload) {
  const std::size_t header = 20 + spec.options.size();
  Octets packet(20);
  packet[0] = static_cast<uint8_t>(0x40 | header / 4);
  packet[1] = spec.tos;
  put16(packet, 2, static_cast<uint32_t>(header + payload.size()));
  put16(packet, 4, spec.identification);
  put16(packet, 6, spec.flags_and_offset);
  packet[8] = spec.ttl;
  packet[9] = spec.protocol;
  std::copy_n(spec.source.begin(), 4, packet.begin() + 12);
  std::copy_n(spec.destination.begin(), 4, packet.begin() + 16);
  packet = joined({packet, spec.options, payload});
  set_header_checksum(packet);
  if ((spec.flags_and_offset & 0x3fff) == 0) set_transport_checksum(packet);
  return packet;
}

struct Ipv6Spec {
  Address source = address6({0x2001, 0xdb8, 2, 0, 0, 0, 0, 0x80});
  Address destination = address6({0x2001, 0xdb8, 0x64}, 0xcb007107);
  uint8_t next_header = kUdp, hop_limit = 64, traffic_class = 0;
  uint32_t flow_label = 0;
  Octets extensions = {};  // whole extension headers; next_header is the first one's number
};

inline Octets ipv6(const Ipv6Spec& spec, const Octets& payload) {
  Octets packet(40);
  put32(packet, 0, 0x60000000u | uint32_t{spec.traffic_class} << 20 | spec.flow_label);
  put16(packet, 4, static_cast<uint32_t>(spec.extensions.size() + payload.size()));
  packet[6] = spec.next_header;
  packet[7] = spec.hop_limit;
  std::copy_n(spec.source.begin(), 16, packet.begin() + 8);
  std::copy_n(spec.destination.begin(), 16, packet.begin() + 24);
  packet = joined({packet, spec.extensions, payload});
  if (const auto seen = see(packet); seen && !seen->is_fragment()) set_transport_checksum(packet);
  return packet;
}

inline Octets fragment_header(uint8_t next, std::size_t offset, bool more, uint32_t identification) {
  Octets header(8);
  header[0] = next;
  put16(header, 2, static_cast<uint32_t>(offset | (more ? 1 : 0)));
  put32(header, 4, identification);
  return header;
}

// Transport segments with ports 4000 and 80 and no checksum: ipv4() and ipv6() put it.
inline Octets udp(const Octets& data, uint16_t source = 4000, uint16_t destination = 80) {
  Octets segment(8);
  put16(segment, 0, source);
  put16(segment, 2, destination);
  put16(segment, 4, static_cast<uint32_t>(8 + data.size()));
  return joined({segment, data});
}
inline Octets tcp(const Octets& data, uint8_t flags = 0x10, uint32_t sequence = 1000,
                  const Octets& options = {}) {
  Octets segment(20);
  put16(segment, 0, 4000);
  put16(segment, 2, 80);
  put32(segment, 4, sequence);
  put32(segment, 8, 7);
  segment[12] = static_cast<uint8_t>((20 + options.size()) / 4 << 4);
  segment[13] = flags;
  put16(segment, 14, 0xfaf0);
  return joined({segment, options, data});
}
inline Octets icmp(uint8_t type, uint8_t code, uint32_t rest, const Octets& body) {
  Octets message(8);
  message[0] = type;
  message[1] = code;
  put32(message, 4, rest);
  return joined({message, body});
}

}  // namespace yonroku::test
