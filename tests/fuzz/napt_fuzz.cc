// The NATs at the ends of tunnels and of MAP-T with an oracle. The input chooses a configuration, and is a
// list of events then: packets as they are or mended, new flows, answers to what came out, errors about it,
// fragments of it, time. No port leaves that the subscriber has not, what was right stays right, and what is
// dropped is intact.
#include "engine/pipeline.h"
#include "require.h"
#include "softwire_choices.h"

namespace {

namespace test = yonroku::test;
namespace config = yonroku::config;
using test::Octets;
using yonroku::Offload;
using yonroku::Packet;
using yonroku::Verdict;
using yonroku::engine::Pipeline;

constexpr uint8_t kIpv4InIpv6 = 4;
constexpr test::Address kNear = test::address6({0x2001, 0xdb8, 0x12, 0x3400, 0, 0xc000, 0x212, 0x34});
constexpr test::Address kOldNear = test::address6({0x2001, 0xdb8, 0x12, 0x3400, 0xc0, 2, 0x1200, 0x3400});
constexpr test::Address kLwB4 = test::address6({0x2001, 0xdb8, 0xb4, 0, 0, 0, 0, 2});
constexpr test::Address kBorder = test::address6({0x2001, 0xdb8, 0xffff, 0, 0, 0, 0, 1});
constexpr test::Address kAftr = test::address6({0x2001, 0xdb8, 0, 2, 0, 0, 0, 1});
constexpr test::Address kB4 = test::address6({0x2001, 0xdb8, 0, 1, 0, 0, 0, 1});
constexpr test::Address kCustomer = test::address4(192, 0, 2, 18);
constexpr test::Address kPool = test::address4(192, 0, 2, 1);

// What a configuration means to the oracle.
struct Base {
  const char* text;
  test::Address public4;
  test::Address near, far;  // the ends of the tunnel, or the other end of MAP-T's packets
  bool (*has)(uint32_t port);
};

bool is_psid_52(uint32_t port) { return port >= 1024 && (port >> 2 & 0xff) == 52; }
bool is_one_of_two(uint32_t port) { return port == 2048 || port == 2049; }
bool is_of_pool(uint32_t port) { return port >= 5000 && port <= 5063; }

// In the order of NAPT_BASES in make_seeds.py.
constexpr Base kBases[] = {
    {R"(mechanism: map-e-ce
    end-user-prefix: '2001:db8:12:3400::/56'
    br-address: '2001:db8:ffff::1'
    rules: [{ipv6-prefix: '2001:db8::/40', ipv4-prefix: 192.0.2.0/24, ea-length: 16, psid-offset: 6}]
    static-bindings:
      - {protocol: tcp, inside-ipv4: 192.168.1.1, inside-port: 80, outside: 192.0.2.18, outside-port: 1232})",
     kCustomer, kNear, kBorder, is_psid_52},
    {R"(mechanism: lwb4
    b4-address: '2001:db8:b4::2'
    aftr-address: '2001:db8:ffff::1'
    ipv4-address: 192.0.2.18
    psid-length: 15
    psid: 1024)",
     kCustomer, kLwB4, kBorder, is_one_of_two},
    {R"(mechanism: ds-lite-aftr
    aftr-address: '2001:db8:0:2::1'
    pools: [{addresses: 192.0.2.1, ports: '5000-5063'}]
    ports-per-subscriber: 40)",
     kPool, kAftr, kB4, is_of_pool},
    {R"(mechanism: map-t-ce
    end-user-prefix: '2001:db8:12:3400::/56'
    dmr: '2001:db8:ffff::/64'
    rules: [{ipv6-prefix: '2001:db8::/40', ipv4-prefix: 192.0.2.0/24, ea-length: 16, psid-offset: 6}])",
     kCustomer, kNear, kBorder, is_psid_52},
    {R"(mechanism: ds-lite-aftr
    aftr-address: '2001:db8:0:2::1'
    pools: [{addresses: 192.0.2.1, ports: '5000-5063'}]
    port-allocation: blocks
    port-block-size: 16
    port-blocks-per-subscriber: 2)",
     kPool, kAftr, kB4, is_of_pool},
    {R"(mechanism: map-e-ce
    format: draft-03
    end-user-prefix: '2001:db8:12:3400::/56'
    br-address: '2001:db8:ffff::1'
    rules: [{ipv6-prefix: '2001:db8::/40', ipv4-prefix: 192.0.2.0/24, ea-length: 16, psid-offset: 6}])",
     kCustomer, kOldNear, kBorder, is_psid_52},
};

const config::InstanceSettings& settings_of(std::size_t base) {
  static const auto kAll = [] {
    std::vector<config::InstanceSettings> made;
    for (const Base& each : kBases) {
      const auto loaded = config::parse_config(
          std::string("instances:\n  - name: fuzz\n    ") + each.text + "\n", "fuzz", ".");
      if (!loaded) std::abort();
      made.push_back(loaded->settings.instances.at(0));
    }
    return made;
  }();
  return kAll[base];
}

// The IPv4 packet of a tunnel packet, or the packet itself.
test::View inner_of(test::View packet) {
  const auto seen = test::see(packet);
  if (!seen || seen->version == 4 || seen->protocol != kIpv4InIpv6 || seen->is_fragment()) return packet;
  return packet.subspan(seen->transport, seen->total - seen->transport);
}

bool has_ports(const test::Seen& seen) { return seen.protocol == test::kTcp || seen.protocol == test::kUdp; }
bool is_icmp(const test::Seen& seen) {
  return seen.protocol == (seen.version == 4 ? test::kIcmp : test::kIcmpv6);
}
bool is_query(test::View packet, const test::Seen& seen) {
  if (!is_icmp(seen) || seen.total < seen.transport + 8) return false;
  const uint8_t type = packet[seen.transport];
  return seen.version == 4 ? type == 0 || type == 8 : type == 128 || type == 129;
}
bool is_error(test::View packet, const test::Seen& seen) {
  if (!is_icmp(seen) || seen.total < seen.transport + 8) return false;
  const uint8_t type = packet[seen.transport];
  return seen.version == 4 ? type == 3 || type == 11 || type == 12 : type < 128;
}

// Header and transport checksums, those of the packet inside too. UDP without one is right in IPv4.
bool is_right(test::View packet) {
  const auto seen = test::see(packet);
  if (!seen || !seen->header_checksum_right) return false;
  if (seen->version == 6 && seen->protocol == kIpv4InIpv6 && !seen->is_fragment())
    return is_right(inner_of(packet));
  if (seen->is_fragment()) return true;
  const auto at = test::checksum_offset(*seen);
  if (!at) return true;
  if (seen->version == 4 && seen->protocol == test::kUdp && test::get16(packet, *at) == 0) return true;
  return test::transport_sum(packet, *seen) == 0xffff;
}

Octets mended(Octets packet) {
  const auto seen = test::see(packet);
  if (!seen) return packet;
  if (seen->version == 4) test::set_header_checksum(packet);
  if (seen->version == 6 && seen->protocol == kIpv4InIpv6 && !seen->is_fragment()) {
    const auto inner = std::span(packet).subspan(seen->transport, seen->total - seen->transport);
    if (const auto seen_inner = test::see(inner); seen_inner && seen_inner->version == 4) {
      test::set_header_checksum(inner);
      if (!seen_inner->is_fragment()) test::set_transport_checksum(inner);
    }
  } else if (!seen->is_fragment()) {
    test::set_transport_checksum(packet);
  }
  return packet;
}

// The packet that fragments of IPv6 packets make; that packet itself when there is one alone.
Octets joined(const std::vector<Octets>& outputs) {
  const auto first = test::see(outputs.front());
  if (outputs.size() == 1 || first->version == 4 || !first->is_fragment()) return outputs.front();
  Octets whole(outputs.front().begin(), outputs.front().begin() + 40);
  for (const Octets& output : outputs) {
    const auto seen = test::see(output);
    REQUIRE(seen->fragment_offset == whole.size() - 40 &&
            seen->more_fragments == (&output != &outputs.back()));
    whole.insert(whole.end(), output.begin() + static_cast<std::ptrdiff_t>(seen->transport), output.end());
  }
  whole[6] = first->protocol;
  test::put16(whole, 4, static_cast<uint32_t>(whole.size() - 40));
  return whole;
}

class Napt {
 public:
  Napt(std::size_t base, uint8_t flags, uint8_t mtu) : base_(kBases[base]), settings_(settings_of(base)) {
    settings_.nat.max_sessions = 4000;
    settings_.ipv6_mtu = std::array<uint16_t, 4>{1500, 1280, 1281, 9000}[mtu % 4];
    if ((flags & 1) != 0) settings_.fragment = config::FragmentPacket::Inner;
    if ((flags & 2) != 0) settings_.mss_clamp = {config::MssClamp::Mode::Bytes, 1220};
    if ((flags & 4) != 0) settings_.hairpin = false;
    if ((flags & 8) != 0) settings_.icmp_errors = config::IcmpErrors::Off;
    if ((flags & 16) != 0) settings_.nat.filtering = yonroku::share::Dependence::AddressDependent;
    if ((flags & 32) != 0) settings_.nat.mapping = yonroku::share::Dependence::AddressAndPortDependent;
    if ((flags & 64) != 0) settings_.nat.max_sessions = 1000;
    if ((flags & 128) != 0) settings_.nat.when_exhausted = yonroku::share::WhenExhausted::ReuseByDestination;
    auto tables = yonroku::control::build_tables(settings_, 1);
    if (!tables) std::abort();
    snapshot_ = yonroku::control::build_snapshot(settings_, std::move(*tables));
  }

  // One event; false when there are none left.
  bool event(test::View& left) {
    if (left.empty()) return false;
    const uint8_t kind = take(left);
    switch (kind % 10) {
      case 0:
      case 1: {
        const std::size_t size = std::min<std::size_t>(take16(left), left.size());
        Octets packet(left.begin(), left.begin() + static_cast<std::ptrdiff_t>(size));
        left = left.subspan(size);
        process(kind % 10 == 0 ? packet : mended(std::move(packet)));
        break;
      }
      case 2: process(outward(left)); break;
      case 3: process(answer(left)); break;
      case 4: process(error_about(left)); break;
      case 5: process(tunnel_error(left)); break;
      case 6: pass(take16(left)); break;
      case 7: process(changed(left, kind >= 128)); break;
      case 8: process_fragments(left); break;
      default: process_offloaded(left); break;
    }
    return true;
  }

 private:
  static uint8_t take(test::View& left) {
    if (left.empty()) return 0;
    const uint8_t octet = left[0];
    left = left.subspan(1);
    return octet;
  }
  static uint16_t take16(test::View& left) {
    const uint8_t high = take(left);
    return static_cast<uint16_t>(high << 8 | take(left));
  }
  [[nodiscard]] bool is_aftr() const { return settings_.mechanism == config::Mechanism::DsLiteAftr; }
  [[nodiscard]] bool is_map_t() const { return settings_.mechanism == config::Mechanism::MapTCe; }

  // Around a packet of the far end.
  [[nodiscard]] Octets in_tunnel(const Octets& ipv4, uint8_t which) const {
    test::Ipv6Spec spec;
    spec.source = base_.far;
    if (is_aftr() && which % 4 == 3) spec.source[15] = 3;
    spec.destination = base_.near;
    spec.next_header = kIpv4InIpv6;
    return test::ipv6(spec, ipv4);
  }
  // A packet of a host, as it comes to the NAT.
  Octets outward(test::View& left) const {
    const uint8_t who = take(left), what = take(left), size = take(left);
    test::Ipv4Spec spec;
    spec.source = test::address4(192, 168, 1, who % 4);
    constexpr test::Address kRemotes[] = {test::address4(203, 0, 113, 7), test::address4(198, 51, 100, 9),
                                          test::address4(192, 0, 2, 19), kCustomer, kPool};
    spec.destination = kRemotes[who / 4 % 5];
    spec.flags_and_offset = (who & 0x80) != 0 ? test::kDf : 0;
    const auto data = test::counting((size & 0x80) != 0 ? size * 12u : size);
    const uint16_t sport = static_cast<uint16_t>(what % 8 + 5000);
    const auto dport = static_cast<uint16_t>((what & 8) != 0 ? 1232 + what / 64 : 5000 + what / 64);
    Octets payload;
    switch (what / 16 % 4) {
      case 0: payload = test::udp(data, sport, dport); break;
      case 1:
        payload = test::tcp(data, (size & 1) != 0 ? 2 : 16);
        test::put16(payload, 0, sport);
        test::put16(payload, 2, dport);
        spec.protocol = test::kTcp;
        break;
      case 2:
        payload = test::icmp(8, 0, uint32_t{sport} << 16 | 1, data);
        spec.protocol = test::kIcmp;
        break;
      default: payload = data; spec.protocol = 47;
    }
    const Octets packet = test::ipv4(spec, payload);
    return is_aftr() ? in_tunnel(packet, who / 16) : packet;
  }
  [[nodiscard]] Octets former(test::View& left) const {
    const uint8_t index = take(left);
    return outputs_.empty() ? Octets() : outputs_[index % outputs_.size()];
  }
  // The same tunnel, in the other direction.
  static Octets turned_around(const Octets& about, const Octets& inner) {
    if (about.empty() || about[0] >> 4 == 4) return inner;
    test::Ipv6Spec spec;
    std::copy_n(about.begin() + 24, 16, spec.source.begin());
    std::copy_n(about.begin() + 8, 16, spec.destination.begin());
    spec.next_header = kIpv4InIpv6;
    return test::ipv6(spec, inner);
  }
  // To whoever sent what came out.
  Octets answer(test::View& left) const {
    const Octets about = former(left);
    const uint8_t how = take(left);
    const test::View inner = inner_of(about);
    const auto seen = test::see(inner);
    if (!seen || seen->total < seen->transport + 8) return {};
    Octets reply(inner.begin(), inner.begin() + static_cast<std::ptrdiff_t>(seen->total));
    const std::size_t half = seen->version == 4 ? 4 : 16;
    const std::size_t first = seen->version == 4 ? 12 : 8;
    std::swap_ranges(reply.begin() + static_cast<std::ptrdiff_t>(first),
                     reply.begin() + static_cast<std::ptrdiff_t>(first + half),
                     reply.begin() + static_cast<std::ptrdiff_t>(first + half));
    const std::size_t at = seen->transport;
    if (has_ports(*seen)) {
      const uint32_t port = test::get16(reply, at);
      test::put16(reply, at, test::get16(reply, at + 2));
      test::put16(reply, at + 2, port);
      if (seen->protocol == test::kTcp && reply.size() > at + 13) reply[at + 13] = how;
    } else if (is_query(reply, *seen)) {
      reply[at] = seen->version == 4 ? 0 : 129;
    }
    if ((how & 1) != 0 && seen->version == 4) reply[first + 3] ^= 1;  // somebody else's
    return inner.size() == about.size() ? mended(reply) : turned_around(about, mended(reply));
  }
  // By somebody on the way, to whoever sent what came out.
  Octets error_about(test::View& left) const {
    const Octets about = former(left);
    const uint8_t kind = take(left), size = take(left);
    const test::View inner = inner_of(about);
    const auto seen = test::see(inner);
    if (!seen) return {};
    const test::View quote = inner.first(std::min<std::size_t>(inner.size(), seen->transport + size));
    const Octets quoted(quote.begin(), quote.end());
    if (seen->version == 6) {
      test::Ipv6Spec spec;
      spec.destination = seen->source;
      spec.next_header = test::kIcmpv6;
      const uint8_t type = static_cast<uint8_t>(1 + kind % 4);
      return test::ipv6(spec, test::icmp(type, kind / 4 % 6, type == 2 ? 1280 + kind : 0, quoted));
    }
    test::Ipv4Spec spec;
    spec.source = (kind & 0x80) != 0 ? test::address4(198, 51, 100, 1) : seen->destination;
    spec.destination = seen->source;
    spec.protocol = test::kIcmp;
    constexpr uint8_t kTypes[] = {3, 11, 12, 3};
    const Octets error =
        test::ipv4(spec, test::icmp(kTypes[kind % 4], kind / 4 % 8, kind % 4 == 3 ? 600 + kind : 0, quoted));
    return inner.size() == about.size() ? error : turned_around(about, error);
  }
  // By a router inside of the tunnel.
  Octets tunnel_error(test::View& left) const {
    const Octets about = former(left);
    const uint8_t kind = take(left), size = take(left);
    const auto seen = test::see(about);
    if (!seen || seen->version == 4) return {};
    const std::size_t quoted = std::min<std::size_t>(about.size(), 40u + size);
    test::Ipv6Spec spec;
    spec.destination = seen->source;
    spec.next_header = test::kIcmpv6;
    const uint8_t type = static_cast<uint8_t>(1 + kind % 4);
    return test::ipv6(spec,
                      test::icmp(type, kind / 4 % 4, type == 2 ? 1200u + kind * 4u : 0u,
                                 Octets(about.begin(), about.begin() + static_cast<std::ptrdiff_t>(quoted))));
  }
  Octets changed(test::View& left, bool mend) const {
    Octets packet = answer(left);
    const uint16_t at = take16(left);
    const uint8_t by = take(left);
    if (packet.empty()) return packet;
    packet[at % packet.size()] ^= by;
    return mend ? mended(std::move(packet)) : packet;
  }
  void process_fragments(test::View& left) {
    const Octets packet = outward(left);
    const uint8_t where = take(left);
    const test::View inner = inner_of(packet);
    const auto seen = test::see(inner);
    const std::size_t cut = where / 2 * 8u;
    if (!seen || cut == 0 || seen->transport + cut >= seen->total) return process(packet);
    Octets first(inner.begin(), inner.begin() + static_cast<std::ptrdiff_t>(seen->transport + cut));
    Octets second(inner.begin(), inner.begin() + static_cast<std::ptrdiff_t>(seen->transport));
    second.insert(second.end(), inner.begin() + static_cast<std::ptrdiff_t>(seen->transport + cut),
                  inner.end());
    test::put16(first, 2, static_cast<uint32_t>(first.size()));
    test::put16(second, 2, static_cast<uint32_t>(second.size()));
    test::put16(first, 6, test::kMf);
    test::put16(second, 6, static_cast<uint32_t>(cut / 8));
    test::set_header_checksum(first);
    test::set_header_checksum(second);
    if (where % 2 != 0) std::swap(first, second);
    for (const Octets& part : {first, second})
      process(inner.size() == packet.size() ? part : in_tunnel(part, 0));
  }
  void process_offloaded(test::View& left) {
    Octets packet = outward(left);
    const uint8_t how = take(left);
    const auto outer = test::see(packet);
    const std::size_t front = inner_of(packet).size() == packet.size() ? 0 : outer->transport;
    const auto inner = std::span(packet).subspan(front);
    const auto seen = test::see(inner);
    const auto at = seen ? test::checksum_offset(*seen) : std::nullopt;
    if (!at) return process(packet);
    test::set_partial_checksum(inner);
    Offload offload;
    offload.partial_checksum = true;
    offload.checksum_start = static_cast<uint16_t>(front + seen->transport + (how & 0x40) / 8u);
    offload.checksum_offset = static_cast<uint16_t>(*at - seen->transport);
    if ((how & 1) != 0 && front == 0) {
      offload.segmentation =
          seen->protocol == test::kTcp ? Offload::Segmentation::TcpIpv4 : Offload::Segmentation::Udp;
      offload.segment_size = static_cast<uint16_t>(1 + how * 8);
    }
    process(packet, offload);
  }
  void pass(uint16_t seconds) {
    now_ = now_ + yonroku::Duration::seconds(seconds);
    std::visit(
        [&](const auto& mechanism) {
          while (pipeline_.expire(*snapshot_, mechanism, now_,
                                  [&](const Packet& result) { check_reply(octets_of(result)); })) {
          }
        },
        snapshot_->mechanism);
  }
  static Octets octets_of(const Packet& packet) {
    const auto octets = test::octets_of(packet.bytes());
    return {octets.begin(), octets.end()};
  }

  void process(const Octets& input, const Offload& offload = {}) {
    if (input.size() > Pipeline::kLargestPacket) return;
    std::vector<std::byte> buffer(Pipeline::kHeadroom + input.size());
    Packet packet(buffer, Pipeline::kHeadroom, input.size());
    const auto bytes = std::as_bytes(std::span(input));
    std::copy(bytes.begin(), bytes.end(), packet.data());
    packet.offload = offload;
    now_ = now_ + yonroku::Duration::milliseconds(10);
    const auto& counters = pipeline_.counters();
    const uint64_t reassembled = counters.reassembled.value();
    const uint64_t segmented = counters.segmented.value();
    std::vector<Octets> outputs;
    bool is_partial = false;
    const auto outcome = std::visit(
        [&](const auto& mechanism) {
          return pipeline_.process(*snapshot_, mechanism, packet, now_, [&](const Packet& result) {
            is_partial |= result.offload.partial_checksum;
            outputs.push_back(octets_of(result));
          });
        },
        snapshot_->mechanism);
    const bool was_right = is_right(input);
    all_right_ &= was_right || offload.partial_checksum;
    const bool was_segmented = counters.segmented.value() != segmented;
    const bool was_remade = was_segmented || counters.reassembled.value() != reassembled;
    for (const Octets& output : outputs) check_form(output);
    if (outcome.verdict.action == Verdict::Action::Drop && !was_remade) {
      if (!offload.partial_checksum) REQUIRE(std::ranges::equal(test::octets_of(packet.bytes()), input));
      REQUIRE(outputs.size() == (outcome.replied ? 1u : 0u));
    }
    if (outputs.empty()) return;
    if (outcome.replied) return check_reply(outputs.front());
    if (was_segmented) {  // into segments, each of which may be cut, or reported
      for (const Octets& output : outputs)
        if (!test::see(output)->is_fragment()) check_ports(input, output);
      return;
    }
    const Octets whole = joined(outputs);
    check_ports(input, whole);
    if (!is_partial && (was_remade ? all_right_ : was_right)) REQUIRE(is_right(whole));
    if (outputs_.size() < 64 && !is_partial) outputs_.push_back(whole);
  }

  static void check_form(const Octets& output) {
    const auto seen = test::see(output);
    REQUIRE(seen && seen->total == output.size() && seen->header_checksum_right);
    const test::View inner = inner_of(output);
    if (inner.size() == output.size()) return;
    const auto seen_inner = test::see(inner);
    REQUIRE(seen_inner && seen_inner->version == 4 && seen_inner->total == inner.size());
    REQUIRE(seen_inner->header_checksum_right);
  }
  static void check_reply(const Octets& output) {
    check_form(output);
    REQUIRE(is_right(output));
    const test::View inner = inner_of(output);
    REQUIRE(is_error(inner, *test::see(inner)));
  }

  // What goes out has the subscriber's address, and one of its ports.
  void check_ports(const Octets& input, const Octets& output) const {
    const bool came_in_ipv6 = input[0] >> 4 == 6;
    const bool leaves_in_ipv6 = output[0] >> 4 == 6;
    const test::View packet = inner_of(output);
    const auto seen = test::see(packet);
    const bool is_own_echo = leaves_in_ipv6 && came_in_ipv6;
    const bool is_out = is_aftr() ? !leaves_in_ipv6 : leaves_in_ipv6 && !is_own_echo;
    if (!is_out) {
      if (!leaves_in_ipv6 && !is_aftr()) REQUIRE(seen->destination != base_.public4);
      return;
    }
    REQUIRE(seen->source == (is_map_t() ? base_.near : base_.public4));
    if (seen->fragment_offset != 0) return;
    const std::size_t at = seen->transport;
    if (has_ports(*seen)) {
      REQUIRE(base_.has(test::get16(packet, at)));
    } else if (is_query(packet, *seen)) {
      REQUIRE(base_.has(test::get16(packet, at + 4)));
    } else {
      REQUIRE(is_error(packet, *seen));
      check_quoted(packet.subspan(at + 8));
    }
  }
  // It was on its way in.
  void check_quoted(test::View quote) const {
    const bool is_ipv4 = quote[0] >> 4 == 4;
    const std::size_t at = is_ipv4 ? (quote[0] & 15u) * 4u : 40;
    REQUIRE(quote.size() >= at + 4);
    const test::Address& ours = is_ipv4 ? base_.public4 : base_.near;
    REQUIRE(std::equal(ours.begin(), ours.begin() + (is_ipv4 ? 4 : 16), quote.begin() + (is_ipv4 ? 16 : 24)));
    const uint8_t protocol = quote[is_ipv4 ? 9 : 6];
    if (protocol == test::kTcp || protocol == test::kUdp) {
      REQUIRE(base_.has(test::get16(quote, at + 2)));
    } else if (protocol == test::kIcmp || protocol == test::kIcmpv6) {
      REQUIRE(quote.size() >= at + 6 && base_.has(test::get16(quote, at + 4)));
    }
  }

  const Base& base_;
  config::InstanceSettings settings_;
  std::unique_ptr<yonroku::engine::Snapshot> snapshot_;
  Pipeline pipeline_{/*seed=*/0};
  yonroku::Instant now_ = yonroku::Instant::from_nanoseconds(1'000'000'000);
  std::vector<Octets> outputs_;  // fragments put together
  bool all_right_ = true;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  test::View left(data, size);
  if (left.size() < 3) return 0;
  Napt napt(left[0] % std::size(kBases), left[1], left[2]);
  left = left.subspan(3);
  for (int events = 0; events < 64 && napt.event(left); ++events) {
  }
  return 0;
}
