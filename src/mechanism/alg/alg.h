// Application level gateways: protocols that carry addresses in their text, helped through a NAT. FTP
// (RFC 6384; in NAT44s RFC 3022 §4.4) and SIP over UDP. For every mechanism with share::Nat: it calls
// process() with the packet and what the NAT said about it, before the packet crosses, or once it is out of
// its tunnel. Off by default; one that is off costs a look at the settings.
#pragma once

#include <array>
#include <cstdint>
#include <memory_resource>
#include <optional>

#include "base/instant.h"
#include "mechanism/alg/alg_settings.h"
#include "mechanism/alg/control_channel.h"
#include "mechanism/alg/sip.h"
#include "packet/packet.h"
#include "packet/verdict.h"
#include "share/mapping/rfc6052.h"
#include "share/nat/hash_index.h"
#include "share/nat/nat.h"
#include "share/nat/slab.h"

namespace yonroku::mechanism {

// A packet that the NAT has let through, and between whom.
struct Conversation {
  share::NatSide from{};  // where the packet comes from
  share::NatProtocol protocol{};
  uint8_t tcp_flags = 0;
  share::InsideEndpoint inside;
  share::Ipv4Endpoint outside;  // the inside's, by its binding
  share::Ipv4Endpoint remote;
  const share::Pref64* pref64 = nullptr;  // where the inside is IPv6: how it sees the remote
  std::size_t most = 65535;               // octets that the packet may have
};

// Of one worker. Memory for its tables is set aside at once and touched as it is needed.
class Alg {
 public:
  static constexpr std::size_t kMostChannels = 4096;  // FTP control connections at a time

  Alg(uint64_t secret, std::pmr::memory_resource* memory)
      : channels_(kMostChannels, memory), by_ends_(kMostChannels, memory), secret_(secret | 1) {}

  // Whether process() has to see the packet.
  [[nodiscard]] static bool concerns(const AlgSettings& settings, const Conversation& conversation) noexcept;
  // Changes the text and the lengths of the packet, an IPv4 or IPv6 packet without tunnel, whose addresses
  // and ports may be those of before or after the NAT; whoever looked at it before has to look again.
  // nullopt: go on. Otherwise the packet is untouched: Segment, or Drop with control-line-cut.
  std::optional<Verdict> process(Packet& packet, const Conversation& conversation, share::Nat& nat,
                                 Instant now) noexcept;
  [[nodiscard]] const AlgCounts& counts() const { return counts_; }
  [[nodiscard]] std::size_t channel_count() const { return channels_.size(); }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  std::optional<Verdict> ftp(Packet& packet, const TextPlace& place, const Conversation& conversation,
                             share::Nat& nat, Instant now) noexcept;
  void sip(Packet& packet, const TextPlace& place, const Conversation& conversation, share::Nat& nat,
           Instant now) noexcept;
  [[nodiscard]] uint32_t hash(const Conversation& conversation) const noexcept;
  [[nodiscard]] uint32_t channel_of(const Conversation& conversation) const noexcept;
  // kNone: all are in use by connections that live.
  uint32_t add_channel(const Conversation& conversation, const share::Nat& nat) noexcept;
  void remove_channel(uint32_t id) noexcept;
  void link_newest(uint32_t id) noexcept;
  void unlink(uint32_t id) noexcept;

  static constexpr std::size_t kRoom = SipMessage::kLargest + SipMessage::kLargest / 2;
  std::array<char, kRoom> body_;     // of the SIP message that is under way
  std::array<char, kRoom> message_;  // what it becomes
  share::Slab<ControlChannel> channels_;
  share::HashIndex by_ends_;
  uint64_t secret_;
  uint32_t newest_ = kNone;
  uint32_t oldest_ = kNone;
  AlgCounts counts_;
};

}  // namespace yonroku::mechanism
