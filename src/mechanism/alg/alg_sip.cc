// SIP over UDP through the NAT: no state but its bindings.
#include <cstring>

#include "mechanism/alg/alg.h"

namespace yonroku::mechanism {

using share::InsideEndpoint;
using share::Ipv4Endpoint;
using share::Nat;
using share::NatProtocol;

namespace {

constexpr uint16_t kFirstUserPort = 1024;

SipAddress named(Ipv4Address address) { return {false, address, {}}; }
SipAddress named(const Ipv6Address& address) { return {true, {}, address}; }

// What the two directions have in common: who is who.
class NamesOfNat : public SipNames {
 protected:
  NamesOfNat(const Conversation& conversation, Nat& nat, Instant now, AlgCounts& counts)
      : conversation_(conversation), nat_(nat), now_(now), counts_(counts) {}

  [[nodiscard]] SipAddress inside_address() const {
    return conversation_.pref64 != nullptr ? named(conversation_.inside.ipv6)
                                           : named(conversation_.inside.ipv4);
  }
  [[nodiscard]] Nat::Outbound from_inside(uint16_t port) const {
    return {{conversation_.inside.ipv6, conversation_.inside.ipv4, port},
            {conversation_.remote.address, 0},
            NatProtocol::Udp,
            0};
  }

  ~NamesOfNat() = default;

  const Conversation& conversation_;
  Nat& nat_;
  Instant now_;
  AlgCounts& counts_;
};

class OutwardNames final : public NamesOfNat {
 public:
  OutwardNames(const Conversation& conversation, Nat& nat, Instant now, AlgCounts& counts)
      : NamesOfNat(conversation, nat, now, counts) {}

  bool host(SipAddress& address) noexcept override {
    if (address == inside_address()) {
      address = named(conversation_.outside.address);
      return true;
    }
    if (conversation_.pref64 == nullptr || !address.is_ipv6) return false;
    Ipv4Address remote;
    if (!conversation_.pref64->extract(address.ipv6, remote)) return false;
    address = named(remote);
    return true;
  }
  bool signalling(SipEndpoint& endpoint) noexcept override {
    if (endpoint.address != inside_address()) return host(endpoint.address);
    if (endpoint.port == conversation_.inside.port) {
      endpoint = {named(conversation_.outside.address), conversation_.outside.port};
      return true;
    }
    Ipv4Endpoint outside;
    if (endpoint.port < kFirstUserPort ||
        nat_.reserve(from_inside(endpoint.port), now_, outside) != DropReason::None) {
      ++counts_.refused;
      return false;
    }
    endpoint = {named(outside.address), outside.port};
    return true;
  }
  bool media(SipEndpoint& rtp, uint16_t& rtcp) noexcept override {
    if (rtp.address != inside_address()) return host(rtp.address);
    Ipv4Endpoint outside;
    Ipv4Endpoint outside_above;
    if (rtp.port < kFirstUserPort ||
        nat_.reserve_pair(from_inside(rtp.port), now_, outside, outside_above) != DropReason::None) {
      ++counts_.refused;
      return false;
    }
    rtp = {named(outside.address), outside.port};
    rtcp = outside_above.port;
    return true;
  }
  bool seen_port(uint16_t&) noexcept override { return false; }  // of the other end's
};

class InwardNames final : public NamesOfNat {
 public:
  InwardNames(const Conversation& conversation, Nat& nat, Instant now, AlgCounts& counts)
      : NamesOfNat(conversation, nat, now, counts) {}

  bool host(SipAddress& address) noexcept override {
    if (address.is_ipv6) return false;
    if (address.ipv4 == conversation_.outside.address) {
      address = inside_address();
      return true;
    }
    return embed(address);
  }
  bool signalling(SipEndpoint& endpoint) noexcept override {
    if (endpoint.address.is_ipv6) return false;
    InsideEndpoint inside;
    if (endpoint.address.ipv4 == conversation_.outside.address &&
        nat_.find_inside({{endpoint.address.ipv4, endpoint.port}, conversation_.remote, NatProtocol::Udp, 0},
                         inside) &&
        inside.ipv6 == conversation_.inside.ipv6 && inside.ipv4 == conversation_.inside.ipv4) {
      endpoint = {inside_address(), inside.port};
      return true;
    }
    return embed(endpoint.address);
  }
  bool media(SipEndpoint& rtp, uint16_t&) noexcept override {
    return !rtp.address.is_ipv6 && embed(rtp.address);
  }
  bool seen_port(uint16_t& port) noexcept override {
    if (port != conversation_.outside.port) return false;
    port = conversation_.inside.port;
    return true;
  }

 private:
  // How a host that has IPv6 alone sees another one.
  bool embed(SipAddress& address) noexcept {
    if (conversation_.pref64 == nullptr) return false;
    address = named(conversation_.pref64->embed(address.ipv4));
    return true;
  }
};

}  // namespace

void Alg::sip(Packet& packet, const TextPlace& place, const Conversation& conversation, Nat& nat,
              Instant now) noexcept {
  const std::size_t front = place.transport + sizeof(UdpHeader);
  const auto& udp = *reinterpret_cast<const UdpHeader*>(packet.data() + place.transport);
  if (udp.length.host() != packet.size() - place.transport) return;
  const std::string_view message(reinterpret_cast<const char*>(packet.data() + front), packet.size() - front);
  TextWriter body(body_);
  TextWriter out(message_);
  SipMessage::Result result{};
  if (conversation.from == share::NatSide::Inside) {
    OutwardNames names(conversation, nat, now, counts_);
    result = SipMessage::rewrite(message, names, body, out);
  } else {
    InwardNames names(conversation, nat, now, counts_);
    result = SipMessage::rewrite(message, names, body, out);
  }
  if (result == SipMessage::Result::Unchanged) return;
  const std::string_view text = out.text();
  const bool has_grown = text.size() > message.size();
  if (result == SipMessage::Result::NotUnderstood ||
      (has_grown && (front + text.size() > place.most || text.size() - message.size() > packet.tailroom()))) {
    ++counts_.not_understood;
    return;
  }
  const TransportText change(packet, place);
  packet.resize(front + text.size());
  std::memcpy(packet.data() + front, text.data(), text.size());
  change.finish(packet);
  ++counts_.rewritten;
}

}  // namespace yonroku::mechanism
