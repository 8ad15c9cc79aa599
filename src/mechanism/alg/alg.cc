#include "mechanism/alg/alg.h"

#include "packet/ipv4_view.h"
#include "packet/ipv6_view.h"

namespace yonroku::mechanism {

using share::Ipv4Endpoint;
using share::Nat;
using share::NatProtocol;
using share::NatSide;

namespace {

constexpr uint16_t kSipPort = 5060;  // RFC 3261 §18.1.1

bool is_ftp(const Conversation& conversation) {
  return conversation.remote.port == kFtpPort || conversation.inside.port == kFtpPort;
}

// The transport header of an unfragmented packet; nullopt when there is none to look at.
std::optional<TextPlace> place_of(const Packet& packet, std::size_t& size, NatProtocol protocol) {
  TextPlace place;
  place.protocol = protocol == NatProtocol::Tcp ? IpProtocol::Tcp : IpProtocol::Udp;
  if (const auto ipv4 = Ipv4View::parse(packet.bytes())) {
    if (ipv4->header().protocol != place.protocol || ipv4->header().is_fragment()) return std::nullopt;
    place.transport = ipv4->header_size();
    size = ipv4->header().total_length.host();
  } else if (const auto ipv6 = Ipv6View::parse(packet.bytes())) {
    if (ipv6->protocol() != place.protocol || ipv6->is_fragment()) return std::nullopt;
    place.transport = ipv6->payload_offset();
    size = ipv6->size();
  } else {
    return std::nullopt;
  }
  const std::size_t least = place.protocol == IpProtocol::Tcp ? sizeof(TcpHeader) : sizeof(UdpHeader);
  if (size < place.transport + least) return std::nullopt;
  place.checksum = carry::check_offload(packet.offload, size, place.transport, place.protocol);
  if (place.checksum == carry::ChecksumState::Senseless) return std::nullopt;
  return place;
}

class BindingsOfNat final : public FtpBindings {
 public:
  BindingsOfNat(const Conversation& conversation, Nat& nat, Instant now)
      : FtpBindings(conversation.pref64 != nullptr ? Gateway::Nat64 : Gateway::Nat44,
                    conversation.remote.port == kFtpPort ? FtpSide::Client : FtpSide::Server,
                    conversation.inside, conversation.outside.address),
        nat_(nat),
        remote_{conversation.remote.address, inside_is() == FtpSide::Client ? kFtpDataPort : uint16_t{0}},
        now_(now) {}

  std::optional<Ipv4Endpoint> expect(uint16_t port) noexcept override {
    Ipv4Endpoint outside;
    const Nat::Outbound expected{
        {inside().ipv6, inside().ipv4, port}, remote_, NatProtocol::Tcp, TcpHeader::kSyn};
    if (nat_.reserve(expected, now_, outside) != DropReason::None) return std::nullopt;
    return outside;
  }

 private:
  Nat& nat_;
  Ipv4Endpoint remote_;  // whose connection is expected; of a client only the address is known
  Instant now_;
};

}  // namespace

bool Alg::concerns(const AlgSettings& settings, const Conversation& conversation) noexcept {
  if (conversation.protocol == NatProtocol::Tcp) return settings.ftp && is_ftp(conversation);
  return settings.sip && conversation.protocol == NatProtocol::Udp &&
         (conversation.remote.port == kSipPort || conversation.inside.port == kSipPort);
}

std::optional<Verdict> Alg::process(Packet& packet, const Conversation& conversation, Nat& nat,
                                    Instant now) noexcept {
  std::size_t size = 0;
  auto place = place_of(packet, size, conversation.protocol);
  if (!place) return std::nullopt;
  if (packet.offload.is_super_packet()) return Verdict::segment();
  place->most = conversation.most;
  packet.truncate(size);
  if (conversation.protocol == NatProtocol::Tcp) return ftp(packet, *place, conversation, nat, now);
  sip(packet, *place, conversation, nat, now);
  return std::nullopt;
}

// --- FTP ---

std::optional<Verdict> Alg::ftp(Packet& packet, const TextPlace& place, const Conversation& conversation,
                                Nat& nat, Instant now) noexcept {
  uint32_t id = channel_of(conversation);
  const auto& tcp = *reinterpret_cast<const TcpHeader*>(packet.data() + place.transport);
  if ((tcp.flags & TcpHeader::kSyn) != 0) {
    // Another connection between the same ends; an answer to its SYN comes before any text.
    if (id != kNone && (tcp.flags & TcpHeader::kAck) == 0) remove_channel(id);
    return std::nullopt;
  }
  if (id == kNone) {
    if (packet.size() <= place.transport + tcp.header_size()) return std::nullopt;
    id = add_channel(conversation, nat);
    if (id == kNone) {
      ++counts_.refused;
      return std::nullopt;
    }
  } else if (id != newest_) {
    unlink(id);
    link_newest(id);
  }
  BindingsOfNat bindings(conversation, nat, now);
  const bool is_from_client =
      (conversation.from == NatSide::Inside) == (bindings.inside_is() == FtpSide::Client);
  const DropReason reason = channels_[id].process(
      packet, place, is_from_client ? FtpSide::Client : FtpSide::Server, bindings, counts_);
  if (reason != DropReason::None) return Verdict::drop(reason);
  return std::nullopt;
}

uint32_t Alg::hash(const Conversation& conversation) const noexcept {
  const auto word = [](const Ipv4Endpoint& e) { return uint64_t{e.address.value()} << 16 | e.port; };
  const auto product = static_cast<unsigned __int128>(word(conversation.outside) ^ secret_) *
                       (word(conversation.remote) ^ (secret_ << 17 | secret_ >> 47));
  return static_cast<uint32_t>(static_cast<uint64_t>(product >> 64) ^ static_cast<uint64_t>(product));
}

uint32_t Alg::channel_of(const Conversation& conversation) const noexcept {
  return by_ends_.find(hash(conversation), [&](uint32_t id) {
    const ControlChannel& channel = channels_[id];
    return channel.outside == conversation.outside && channel.remote == conversation.remote;
  });
}

uint32_t Alg::add_channel(const Conversation& conversation, const Nat& nat) noexcept {
  constexpr int kMostLookedAt = 8;
  for (int i = 0; channels_.is_full() && i < kMostLookedAt; ++i) {
    const uint32_t id = oldest_;
    const ControlChannel& channel = channels_[id];
    if (!nat.has_session({channel.outside, channel.remote, NatProtocol::Tcp, 0})) {
      remove_channel(id);
    } else {  // idle, but alive: the next time others are looked at
      unlink(id);
      link_newest(id);
    }
  }
  if (channels_.is_full()) return kNone;
  const uint32_t id = channels_.add();
  channels_[id].outside = conversation.outside;
  channels_[id].remote = conversation.remote;
  by_ends_.insert(hash(conversation), id);
  link_newest(id);
  return id;
}

void Alg::remove_channel(uint32_t id) noexcept {
  Conversation ends;
  ends.outside = channels_[id].outside;
  ends.remote = channels_[id].remote;
  by_ends_.erase(hash(ends), id);
  unlink(id);
  channels_.remove(id);
}

void Alg::link_newest(uint32_t id) noexcept {
  channels_[id].older = newest_;
  channels_[id].newer = kNone;
  if (newest_ != kNone) channels_[newest_].newer = id;
  newest_ = id;
  if (oldest_ == kNone) oldest_ = id;
}

void Alg::unlink(uint32_t id) noexcept {
  const ControlChannel& channel = channels_[id];
  (channel.newer != kNone ? channels_[channel.newer].older : newest_) = channel.older;
  (channel.older != kNone ? channels_[channel.older].newer : oldest_) = channel.newer;
}

}  // namespace yonroku::mechanism
