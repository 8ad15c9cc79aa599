#include "engine/reassembly.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "packet/checksum.h"
#include "packet/ipv4_view.h"
#include "packet/ipv6_view.h"

namespace yonroku::engine {
namespace {

constexpr uint8_t kEcnMask = 3, kNotEct = 0, kCe = 3;

}  // namespace

struct Reassembly::Piece {
  Key key;
  std::span<const std::byte>
      front;  // of the packet, up to the fragmentable part; without the Fragment Header
  std::span<const std::byte> data;
  std::size_t begin = 0;
  bool more = false;
  bool is_ipv6 = false;
  uint32_t identification = 0;  // IPv6
  IpProtocol next{};            // IPv6: what follows the Fragment Header
  uint8_t ecn = 0;
};

std::size_t Reassembly::Hash::operator()(const Key& key) const {
  uint64_t h = seed;
  for (const uint64_t word : key.words) {
    h = (h ^ word) * 0x9e3779b97f4a7c15;
    h ^= h >> 32;
  }
  return static_cast<std::size_t>(h * 0xd6e8feb86659fd93);
}

bool Reassembly::take_apart(const Packet& packet, std::size_t at, Piece& piece) {
  const auto bytes = std::span<const std::byte>(packet.bytes());
  auto& words = piece.key.words;
  if (at >= sizeof(Ipv6Header)) {
    const auto& outer = *reinterpret_cast<const Ipv6Header*>(bytes.data());
    words[4] = outer.source().high();
    words[5] = outer.source().low();
    words[6] = outer.destination().high();
    words[7] = outer.destination().low();
  }
  if (at >= bytes.size()) return false;
  if (static_cast<uint8_t>(bytes[at]) >> 4 == 4) {
    const auto ip = Ipv4View::parse(bytes.subspan(at));
    if (!ip || !ip->header().is_fragment()) return false;
    const Ipv4Header& header = ip->header();
    words[0] = uint64_t{header.source().value()} << 32 | header.destination().value();
    words[1] = uint64_t{header.identification.host()} << 8 | static_cast<uint8_t>(header.protocol);
    piece.front = bytes.first(at + ip->header_size());
    piece.data = ip->payload();
    piece.begin = header.fragment_offset() * std::size_t{8};
    piece.more = header.more_fragments();
    piece.ecn = header.tos & kEcnMask;
    return true;
  }
  const auto ip = Ipv6View::parse(bytes.subspan(at));
  if (!ip || !ip->has_fragment_header()) return false;
  const Ipv6FragmentHeader& fragment = ip->fragment_header();
  words[0] = ip->header().source().high();
  words[1] = ip->header().source().low();
  words[2] = ip->header().destination().high();
  words[3] = ip->header().destination().low();
  words[4] ^= uint64_t{1} << 32 | fragment.identification.host();
  piece.front =
      bytes.first(static_cast<std::size_t>(reinterpret_cast<const std::byte*>(&fragment) - bytes.data()));
  piece.data = ip->payload();
  piece.begin = fragment.fragment_offset() * std::size_t{8};
  piece.more = fragment.more_fragments();
  piece.identification = fragment.identification.host();
  piece.is_ipv6 = true;
  piece.next = fragment.next_header;
  piece.ecn = ip->header().traffic_class() & kEcnMask;
  return true;
}

void Reassembly::forget(Packets::iterator it) {
  octets_ -= it->second.octets;
  by_age_.erase(it->second.age);
  packets_.erase(it);
}

void Reassembly::make_room(std::size_t octets) {
  while (!by_age_.empty() && (octets_ + octets > kMemory || packets_.size() >= kMostPackets)) {
    const auto oldest = packets_.find(*by_age_.front());
    evicted_[oldest->second.kind] += oldest->second.fragments.size();
    forget(oldest);
  }
}

Reassembly::Lost Reassembly::take_evicted() { return std::exchange(evicted_, {}); }

Reassembly::Lost Reassembly::expire(Instant now) {
  Lost lost;
  while (!by_age_.empty()) {
    const auto oldest = packets_.find(*by_age_.front());
    if (now - oldest->second.since < kTimeout) break;
    lost[oldest->second.kind] += oldest->second.fragments.size();
    forget(oldest);
  }
  return lost;
}

// None when the piece has its place.
DropReason Reassembly::insert(Assembly& assembly, const Piece& piece) {
  const std::size_t end = piece.begin + piece.data.size();
  // RFC 8200 §4.5: all but the last are multiples of 8 octets; nothing may reach beyond what a packet can
  // hold.
  if (piece.data.empty() || (piece.more && piece.data.size() % 8 != 0) || end > 65535)
    return DropReason::LengthMismatch;
  auto& fragments = assembly.fragments;
  const auto after = std::ranges::upper_bound(fragments, piece.begin, {}, &Fragment::begin);
  if (after != fragments.begin()) {
    const Fragment& before = *std::prev(after);
    const bool is_same = before.begin == piece.begin && before.data.size() == piece.data.size() &&
                         std::memcmp(before.data.data(), piece.data.data(), piece.data.size()) == 0;
    if (is_same) return DropReason::None;
    if (before.begin + before.data.size() > piece.begin) return DropReason::ReassemblyOverlap;
  }
  if (after != fragments.end() && end > after->begin) return DropReason::ReassemblyOverlap;
  if (!piece.more) {
    if (assembly.end != 0 || (!fragments.empty() && fragments.back().begin > piece.begin))
      return DropReason::ReassemblyOverlap;
    assembly.end = end;
  } else if (assembly.end != 0 && end > assembly.end) {
    return DropReason::ReassemblyOverlap;
  }
  if (fragments.size() >= kMostFragments) return DropReason::ReassemblyNoRoom;
  fragments.insert(after, {piece.begin, {piece.data.begin(), piece.data.end()}});
  assembly.octets += piece.data.size();
  return DropReason::None;
}

// Writes the whole packet, unless its lengths do not fit the header fields or it can't carry the congestion
// that a fragment of it has met.
DropReason Reassembly::finish(const Assembly& assembly, const Piece& last, std::size_t at,
                              FragmentHeader kept, Packet& whole) {
  const bool is_ipv6 = last.is_ipv6;
  const std::size_t extensions_end = assembly.front.size();
  const std::size_t front =
      extensions_end + (is_ipv6 && kept == FragmentHeader::Keep ? sizeof(Ipv6FragmentHeader) : 0);
  const std::size_t total = front + assembly.end;
  if (total - at > 65535 + (is_ipv6 ? sizeof(Ipv6Header) : 0)) return DropReason::LengthMismatch;
  if (at != 0 && total - sizeof(Ipv6Header) > 65535) return DropReason::LengthMismatch;
  const bool is_marked = (assembly.ecn_seen & 1 << kCe) != 0;
  if (is_marked && (assembly.ecn_seen & 1 << kNotEct) != 0) return DropReason::CongestionLost;
  whole.resize(total);
  std::byte* const out = whole.data();
  std::memcpy(out, assembly.front.data(), extensions_end);
  for (const Fragment& fragment : assembly.fragments)
    std::memcpy(out + front + fragment.begin, fragment.data.data(), fragment.data.size());

  if (is_ipv6) {
    auto& header = *reinterpret_cast<Ipv6Header*>(out + at);
    header.payload_length = be16::from_host(static_cast<uint16_t>(total - at - sizeof(Ipv6Header)));
    if (is_marked)
      header.version_class_flow = be32::from_host(header.version_class_flow.host() | uint32_t{kCe} << 20);
    // What pointed at the Fragment Header points behind it.
    IpProtocol* next = &header.next_header;
    for (std::size_t position = at + sizeof(Ipv6Header); position < extensions_end;) {
      auto& extension = *reinterpret_cast<Ipv6ExtensionHeader*>(out + position);
      next = &extension.next_header;
      position += (std::size_t{extension.length} + 1) * 8;
    }
    *next = assembly.next;
    if (kept == FragmentHeader::Keep) {
      *next = IpProtocol::Fragment;
      auto& fragment = *reinterpret_cast<Ipv6FragmentHeader*>(out + extensions_end);
      fragment = {assembly.next, 0, {}, be32::from_host(last.identification)};
    }
    return DropReason::None;
  }
  auto& header = *reinterpret_cast<Ipv4Header*>(out + at);
  header.total_length = be16::from_host(static_cast<uint16_t>(total - at));
  if (is_marked) header.tos |= kCe;
  header.flags_fragment_offset = {};
  header.checksum = {};
  OnesSum sum;
  sum.add(std::span<const std::byte>(out + at, front - at));
  header.checksum = sum.checksum();
  if (at != 0)
    reinterpret_cast<Ipv6Header*>(out)->payload_length =
        be16::from_host(static_cast<uint16_t>(total - sizeof(Ipv6Header)));
  return DropReason::None;
}

Reassembly::Outcome Reassembly::add(const Packet& packet, std::size_t at, Instant now, Packet& whole,
                                    FragmentHeader header) {
  Piece piece;
  if (!take_apart(packet, at, piece)) return {false, DropReason::LengthMismatch, 1};
  auto it = packets_.find(piece.key);
  if (it == packets_.end()) {
    make_room(piece.data.size());
    it = packets_.emplace(piece.key, Assembly{}).first;
    it->second.since = now;
    it->second.kind = observe::kind_of(packet.bytes());
    it->second.age = by_age_.insert(by_age_.end(), &it->first);
  } else if (octets_ + piece.data.size() > kMemory) {
    // The newest packets are the likeliest to become complete: this one moves to their end and others give
    // way.
    by_age_.splice(by_age_.end(), by_age_, it->second.age);
    make_room(piece.data.size());
  }
  Assembly& assembly = it->second;
  if (assembly.spoilt) return {false, DropReason::ReassemblyOverlap, 1};
  octets_ -= assembly.octets;
  const DropReason refused = insert(assembly, piece);
  octets_ += assembly.octets;
  if (refused == DropReason::LengthMismatch) {
    if (assembly.fragments.empty()) forget(it);
    return {false, refused, 1};
  }
  if (refused != DropReason::None) {
    // Later fragments of the packet are to be dropped as well (RFC 5722 §4): what is left of it remembers
    // that.
    const std::size_t fragments = assembly.fragments.size() + 1;
    octets_ -= assembly.octets;
    assembly.octets = 0;
    assembly.fragments = {};
    assembly.front = {};
    assembly.spoilt = true;
    return {false, refused, fragments};
  }
  assembly.ecn_seen |= static_cast<uint8_t>(1 << piece.ecn);
  if (piece.begin == 0 && assembly.front.empty()) {
    assembly.next = piece.next;
    assembly.front.assign(piece.front.begin(), piece.front.end());
    assembly.octets += piece.front.size();
    octets_ += piece.front.size();
  }
  std::size_t reached = 0;
  for (const Fragment& fragment : assembly.fragments) {
    if (fragment.begin != reached) return {};
    reached += fragment.data.size();
  }
  if (assembly.end == 0 || reached != assembly.end) return {};
  const std::size_t fragments = assembly.fragments.size();
  const DropReason unfit = finish(assembly, piece, at, header, whole);
  forget(it);
  if (unfit != DropReason::None) return {false, unfit, fragments};
  return {true, DropReason::None, fragments};
}

}  // namespace yonroku::engine
