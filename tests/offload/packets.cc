#include "packets.h"

#include <algorithm>

namespace yonroku::offload {
namespace {

using test::Address;
using test::address4;
using test::address6;
using test::Octets;
using test::Seen;
using test::View;

constexpr uint8_t kIpv4InIpv6 = 4;

const Address kSpecial4[] = {address4(0, 0, 0, 0),     address4(127, 0, 0, 1),       address4(169, 254, 1, 1),
                             address4(224, 0, 0, 1),   address4(255, 255, 255, 255), address4(192, 0, 0, 8),
                             address4(192, 168, 1, 1), address4(8, 8, 8, 8)};
const Address kSpecial6[] = {address6({}),
                             address6({0, 0, 0, 0, 0, 0, 0, 1}),
                             address6({0xfe80, 0, 0, 0, 0, 0, 0, 5}),
                             address6({0xff02, 0, 0, 0, 0, 0, 0, 1}),
                             address6({0, 0, 0, 0, 0, 0xffff}, 0x7f000001),
                             address6({0x64, 0xff9b}, 0xc0000201),
                             address6({0x64, 0xff9b}, 0x7f000001),
                             address6({0x2001, 0xdb8, 0xffff}, 0x08080808)};
// Of packets: just at an MTU, or where RFC 7915 has a limit.
constexpr std::size_t kSizes[] = {1260, 1280, 1300, 1380, 1400, 1480, 1500, 1520, 68, 88};

}  // namespace

Packets::Packets(uint64_t seed, std::vector<Octets> examples)
    : random_(seed), examples_(std::move(examples)) {
  for (const Octets& packet : examples_) {
    View rest(packet);
    auto seen = test::see(rest);
    for (int depth = 0; seen && depth < 2; ++depth) {
      auto& addresses = seen->version == 4 ? ipv4_ : ipv6_;
      addresses.push_back(seen->source);
      addresses.push_back(seen->destination);
      rest = rest.subspan(seen->transport, seen->total - seen->transport);
      if (rest.size() >= 4 && (seen->protocol == test::kTcp || seen->protocol == test::kUdp))
        ports_.insert(ports_.end(), {static_cast<uint16_t>(test::get16(rest, 0)),
                                     static_cast<uint16_t>(test::get16(rest, 2))});
      seen = seen->protocol == kIpv4InIpv6 ? test::see(rest) : std::nullopt;
    }
  }
  if (ports_.empty()) ports_.push_back(80);
}

Arrival Packets::next() {
  Arrival arrival;
  const Octets& from = example();
  arrival.packet = one_in(16) ? from : like(from);
  if (one_in(4)) spoil(arrival);
  if (arrival.packet.size() > kLargestPacket) arrival.packet.resize(kLargestPacket);
  const std::size_t size = arrival.packet.size();
  if (one_in(8) && can_be_super_packet(arrival.packet)) {
    arrival.segment_size = static_cast<uint16_t>(1 + random_.below(one_in(2) ? 64 : 1500));
    return arrival;
  }
  if (size < 46 && !one_in(4)) arrival.packet.resize(46);  // Ethernet's least
  if (one_in(32)) arrival.packet.resize(arrival.packet.size() + random_.below(64));
  if (one_in(128)) arrival.ether_type = one_in(2) ? 0x0800 : 0x86dd;
  return arrival;
}

Octets Packets::octets(std::size_t size) {
  Octets data(size);
  for (std::size_t i = 0; i < size; i += 8) {
    const uint64_t eight = random_.next();
    for (std::size_t j = i; j < std::min(size, i + 8); ++j)
      data[j] = static_cast<uint8_t>(eight >> 8 * (j - i));
  }
  return data;
}

Octets Packets::like(View example) {
  const auto seen = test::see(example);
  if (!seen) return {example.begin(), example.end()};
  if (seen->version == 4) return ipv4_like(*seen);
  if (seen->protocol == kIpv4InIpv6)
    return tunnel_like(*seen, example.subspan(seen->transport, seen->total - seen->transport));
  return ipv6_like(*seen);
}

Octets Packets::ipv4_like(const Seen& seen) {
  test::Ipv4Spec spec;
  const Octets data = segment(4, spec.protocol);
  spec.source = address_like(seen.source, 4);
  spec.destination = address_like(seen.destination, 4);
  spec.tos = octet();
  spec.ttl = hops();
  spec.identification = word();
  spec.flags_and_offset = one_in(2) ? test::kDf : 0;
  if (one_in(32)) spec.flags_and_offset = word();
  if (one_in(32)) spec.options = one_in(2) ? Octets(4 * (1 + random_.below(10)), 1) : octets(4);
  return test::ipv4(spec, data);
}

Octets Packets::ipv6_like(const Seen& seen) {
  test::Ipv6Spec spec;
  const Octets data = segment(6, spec.next_header);
  spec.source = address_like(seen.source, 6);
  spec.destination = address_like(seen.destination, 6);
  spec.traffic_class = octet();
  spec.hop_limit = hops();
  spec.flow_label = static_cast<uint32_t>(random_.below(1 << 20));
  if (one_in(32)) spec.extensions = extension_headers(spec.next_header);
  return test::ipv6(spec, data);
}

Octets Packets::tunnel_like(const Seen& outer, View inner) {
  test::Ipv6Spec spec;
  spec.next_header = kIpv4InIpv6;
  spec.source = address_like(outer.source, 6);
  spec.destination = address_like(outer.destination, 6);
  spec.traffic_class = octet();
  spec.hop_limit = hops();
  spec.flow_label = static_cast<uint32_t>(random_.below(1 << 20));
  if (one_in(32)) spec.extensions = extension_headers(spec.next_header);
  return test::ipv6(spec, like(inner));
}

Address Packets::address_like(const Address& address, unsigned version) {
  Address made = address;
  const auto& others = version == 4 ? ipv4_ : ipv6_;
  switch (random_.below(16)) {
    case 0: made[version == 4 ? 3 : 15] = octet(); break;
    case 1: made[random_.below(version == 4 ? 4 : 16)] ^= static_cast<uint8_t>(1u << random_.below(8)); break;
    case 2: made = others[random_.below(others.size())]; break;
    case 3:
      if (one_in(4)) made = version == 4 ? kSpecial4[random_.below(8)] : kSpecial6[random_.below(8)];
      break;
    default: break;
  }
  return made;
}

uint8_t Packets::hops() { return one_in(8) ? static_cast<uint8_t>(random_.below(4)) : octet(); }

std::size_t Packets::payload_size() {
  if (!one_in(4)) return random_.below(65);
  if (one_in(16)) return random_.below(kLargestPacket - 100);
  const std::size_t near = kSizes[random_.below(std::size(kSizes))] + random_.below(5);
  return near - std::min<std::size_t>(near, 22 + 20 * random_.below(4));
}

Octets Packets::segment(unsigned version, uint8_t& protocol) {
  const Octets data = octets(payload_size());
  const uint64_t kind = random_.below(32);
  if (kind == 0) {
    protocol = octet();
    return data;
  }
  protocol = kind < 12 ? test::kTcp : kind < 24 ? test::kUdp : version == 4 ? test::kIcmp : test::kIcmpv6;
  return kind < 12 ? tcp(data) : kind < 24 ? udp(data) : icmp(version, data);
}

uint16_t Packets::port() { return one_in(4) ? word() : ports_[random_.below(ports_.size())]; }

Octets Packets::tcp(const Octets& data) {
  constexpr uint8_t kUsual[] = {0x10, 0x18, 0x11, 0x14, 0x04, 0x12, 0x02, 0x10};  // ACK, PSH, FIN, RST, SYN
  const uint8_t flags = one_in(16) ? octet() : kUsual[random_.below(8)];
  Octets made = test::tcp(data, flags, static_cast<uint32_t>(random_.next()), octets(4 * random_.below(4)));
  test::put16(made, 0, port());
  test::put16(made, 2, port());
  if (one_in(32)) made[12] = octet();
  return made;
}

Octets Packets::udp(const Octets& data) {
  Octets made = test::udp(data, port(), port());
  if (one_in(32)) test::put16(made, 4, one_in(2) ? word() : test::get16(made, 4) - 1);
  return made;
}

Octets Packets::icmp(unsigned version, const Octets& data) {
  uint8_t type = static_cast<uint8_t>(version == 4 ? 8 * random_.below(2) : 128 + random_.below(2));
  if (one_in(8)) type = one_in(2) ? octet() : static_cast<uint8_t>(1 + random_.below(12));
  return test::icmp(type, one_in(16) ? octet() : uint8_t{0}, uint32_t{port()} << 16 | word(), data);
}

Octets Packets::extension_headers(uint8_t& next_header) {
  const uint8_t carried = next_header;
  if (one_in(2)) {
    next_header = test::kFragmentHeader;
    return test::fragment_header(carried, one_in(2) ? 0 : 8 * random_.below(200), one_in(2), word());
  }
  constexpr uint8_t kWithLength[] = {0, 43, 60};
  next_header = kWithLength[random_.below(3)];
  Octets header = octets(8);
  header[0] = carried;
  header[1] = 0;
  return header;
}

void Packets::spoil(Arrival& arrival) {
  Octets& packet = arrival.packet;
  if (packet.empty()) return;
  switch (random_.below(4)) {
    case 0: spoil_checksum(packet); break;
    case 1: packet.resize(random_.below(packet.size())); break;
    default:
      for (uint64_t changes = 1 + random_.below(3); changes > 0; --changes)
        packet[random_.below(std::min<std::size_t>(packet.size(), 64))] = octet();
      if (one_in(4)) break;
      if (packet.size() >= 20 && packet[0] >> 4 == 4 && (packet[0] & 15u) * 4u <= packet.size() &&
          (packet[0] & 15u) >= 5)
        test::set_header_checksum(packet);
      if (one_in(2)) test::set_transport_checksum(packet);
  }
}

void Packets::spoil_checksum(Octets& packet) {
  const auto seen = test::see(packet);
  if (!seen) return;
  const auto at = test::checksum_offset(*seen);
  constexpr uint16_t kNotable[] = {0, 0xffff, 1, 0xfffe};
  if (at && !one_in(4))
    test::put16(packet, *at, one_in(2) ? word() : kNotable[random_.below(4)]);
  else if (seen->version == 4)
    test::put16(packet, 10, word());
}

}  // namespace yonroku::offload
