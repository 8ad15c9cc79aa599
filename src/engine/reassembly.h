// Fragments put together again (RFC 791 §3.2, RFC 8200 §4.5, RFC 3168 §5.3): where a port is needed that only
// the first fragment has, and where a tunnel ends whose packets were cut. Memory is bounded; the oldest
// packets under way make room for new ones. Fragments that overlap spoil their whole packet (RFC 5722 §4);
// exact duplicates are ignored.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/instant.h"
#include "observe/packet_kind.h"
#include "packet/headers.h"
#include "packet/packet.h"
#include "packet/verdict.h"

namespace yonroku::engine {

class Reassembly {
 public:
  static constexpr Duration kTimeout = Duration::seconds(60);   // RFC 8200 §4.5; RFC 1122 §3.3.2 for IPv4
  static constexpr std::size_t kMemory = std::size_t{4} << 20;  // octets of fragments held
  static constexpr std::size_t kMostPackets = 1024;             // under way at a time
  static constexpr std::size_t kMostFragments = 64;             // of one packet

  // `seed` keys the hash, so that nobody can choose identifications that collide.
  explicit Reassembly(uint64_t seed) : packets_(kMostPackets, Hash{seed}) {}

  // What becomes of an IPv6 packet's Fragment Header. Kept, it makes the whole packet an atomic fragment (RFC
  // 6946): whoever translates it to IPv4 sees that its sender can fragment, and by which identification.
  enum class FragmentHeader : uint8_t { Remove, Keep };
  struct Outcome {
    bool is_complete = false;               // the whole packet is in `whole`
    DropReason dropped = DropReason::None;  // the fragment, and what its packet had, is gone
    std::size_t fragments = 0;              // how many that were (complete or dropped)
  };
  // Takes the fragment that begins `at` octets into `packet`, an IPv4 fragment or an IPv6 packet with a
  // Fragment Header, both of them checked. On completion the whole packet, with the octets that stood in
  // front of the first fragment, is written to `whole`, whose buffer must hold kLargest octets behind its
  // offset.
  Outcome add(const Packet& packet, std::size_t at, Instant now, Packet& whole,
              FragmentHeader header = FragmentHeader::Remove);
  // Fragments that are lost without one that came; what they are is known of the first that did.
  using Lost = observe::ByKind<std::size_t>;
  // Forgets packets that are under way for too long. Returns their fragments.
  Lost expire(Instant now);
  // Gives up the oldest packets until a new one has room; their fragments since the last call.
  [[nodiscard]] Lost take_evicted();

  static constexpr std::size_t kLargest = 65535 + 40 + 56;

 private:
  struct Key {
    std::array<uint64_t, 8>
        words{};  // outer addresses where there are, the packet's addresses, identification, protocol
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct Hash {
    uint64_t seed;
    std::size_t operator()(const Key& key) const;
  };
  struct Fragment {
    std::size_t begin;  // octets from the start of the fragmentable part
    std::vector<std::byte> data;
  };
  struct Assembly {
    Instant since;
    std::vector<std::byte> front;     // everything before the fragmentable part of the first fragment
    std::vector<Fragment> fragments;  // in order
    std::size_t octets = 0;
    std::size_t end = 0;  // of the fragmentable part; 0 until the last fragment came
    bool spoilt = false;
    observe::PacketKind kind;
    IpProtocol next{};     // IPv6: what the first fragment says (RFC 8200 §4.5)
    uint8_t ecn_seen = 0;  // bit n: a fragment has the ECN codepoint n
    std::list<const Key*>::iterator age;
  };
  struct Piece;
  using Packets = std::unordered_map<Key, Assembly, Hash>;

  static bool take_apart(const Packet& packet, std::size_t at, Piece& piece);
  void make_room(std::size_t octets);
  void forget(Packets::iterator it);
  static DropReason insert(Assembly& assembly, const Piece& piece);
  static DropReason finish(const Assembly& assembly, const Piece& last, std::size_t at, FragmentHeader kept,
                           Packet& whole);

  Packets packets_;
  std::list<const Key*> by_age_;  // oldest first
  std::size_t octets_ = 0;
  Lost evicted_;
};

}  // namespace yonroku::engine
