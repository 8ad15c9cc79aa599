// Fragments of a packet, in any order and more than once, come out as the packet; fragments that overlap
// never do; what is held stays bounded. The input chooses the packet, its cuts, and what happens to the
// pieces.
#include "engine/reassembly.h"
#include "packet/test_packets.h"
#include "require.h"
#include "translator_choices.h"

namespace {

namespace test = yonroku::test;
using yonroku::DropReason;
using yonroku::Instant;
using yonroku::Packet;
using yonroku::engine::Reassembly;
using yonroku::fuzz::Choices;

constexpr std::size_t kHeadroom = 128;
constexpr uint8_t kIpv4InIpv6 = 4;
constexpr uint8_t kUnknown = 253;  // for experiments: no checksum that anybody would put
enum class Kind : uint8_t { Ipv4, Ipv6, Ipv4InIpv6 };

struct Piece {
  std::size_t begin;
  std::size_t end;
  bool more;
};

test::Octets fragment(Kind kind, const test::Octets& payload, const Piece& piece, uint32_t identification) {
  const test::Octets data(payload.begin() + static_cast<std::ptrdiff_t>(piece.begin),
                          payload.begin() + static_cast<std::ptrdiff_t>(piece.end));
  if (kind == Kind::Ipv6) {
    test::Ipv6Spec spec;
    spec.next_header = test::kFragmentHeader;
    spec.extensions = test::fragment_header(kUnknown, piece.begin, piece.more, identification);
    return test::ipv6(spec, data);
  }
  test::Ipv4Spec spec;
  spec.protocol = kUnknown;
  spec.identification = static_cast<uint16_t>(identification);
  spec.flags_and_offset = static_cast<uint16_t>(piece.begin / 8 | (piece.more ? test::kMf : 0));
  const test::Octets inner = test::ipv4(spec, data);
  return kind == Kind::Ipv4 ? inner : test::ipv6({.next_header = kIpv4InIpv6}, inner);
}

test::Octets whole_of(Kind kind, const test::Octets& payload, uint32_t identification) {
  if (kind == Kind::Ipv6) return test::ipv6({.next_header = kUnknown}, payload);
  return fragment(kind, payload, {0, payload.size(), false}, identification);
}

class Reassembler {
 public:
  // Whether that was the last fragment missing; then the packet is in `whole`.
  bool add(Kind kind, test::Octets octets, Reassembly::Outcome* outcome = nullptr) {
    const Packet piece(std::as_writable_bytes(std::span(octets)), 0, octets.size());
    Packet whole(buffer_, kHeadroom, 0);
    const auto result = reassembly_.add(piece, kind == Kind::Ipv4InIpv6 ? 40 : 0, now_, whole);
    const auto bytes = test::octets_of(whole.bytes());
    if (result.is_complete) whole_.assign(bytes.begin(), bytes.end());
    if (outcome != nullptr) *outcome = result;
    return result.is_complete;
  }
  [[nodiscard]] const test::Octets& whole() const { return whole_; }
  Reassembly& reassembly() { return reassembly_; }
  void wait(yonroku::Duration duration) { now_ = now_ + duration; }
  [[nodiscard]] Instant now() const { return now_; }

 private:
  Reassembly reassembly_{1};
  Instant now_ = Instant::from_nanoseconds(1'000'000'000);
  std::vector<std::byte> buffer_ = std::vector<std::byte>(kHeadroom + Reassembly::kLargest);
  test::Octets whole_;
};

std::vector<Piece> choose_cuts(Choices& choices, std::size_t size) {
  std::vector<Piece> pieces;
  const std::size_t count = 2 + std::size_t{choices.next()} % 12;
  std::size_t begin = 0;
  for (std::size_t left = count; left > 0; --left) {
    const std::size_t rest = size - begin;
    if (rest <= 8) break;
    const std::size_t end = left == 1 ? size : begin + 8 + choices.next16() % (rest - 8 + 1) / 8 * 8;
    if (end >= size) break;
    pieces.push_back({begin, end, true});
    begin = end;
  }
  pieces.push_back({begin, size, false});
  return pieces;
}

// Every order, every duplicate: complete with the last piece that was missing, and not before.
std::size_t sum(const Reassembly::Lost& lost) {
  std::size_t all = 0;
  yonroku::observe::for_each_kind([&](yonroku::observe::PacketKind kind) { all += lost[kind]; });
  return all;
}

void put_together(Choices& choices, Kind kind) {
  const std::size_t size = 16 + std::size_t{choices.next16()} % 4000;
  const test::Octets payload = test::counting(size, choices.next());
  const uint32_t identification = choices.next16();
  const std::vector<Piece> pieces = choose_cuts(choices, size);
  if (pieces.size() < 2) return;
  Reassembler reassembler;
  std::vector<bool> has_come(pieces.size());
  std::size_t missing = pieces.size();
  for (std::size_t step = 0; missing > 0; ++step) {
    // When the choices have run out the rest comes in order.
    std::size_t index = step < 40 ? choices.next() % pieces.size() : step % pieces.size();
    if (step >= 40)
      while (has_come[index]) index = (index + 1) % pieces.size();
    if (!has_come[index]) {
      has_come[index] = true;
      --missing;
    }
    Reassembly::Outcome outcome;
    const bool is_complete =
        reassembler.add(kind, fragment(kind, payload, pieces[index], identification), &outcome);
    REQUIRE(outcome.dropped == DropReason::None);
    REQUIRE(is_complete == (missing == 0));
  }
  REQUIRE(reassembler.whole() == whole_of(kind, payload, identification));
  // Nothing is left of it: the same fragment begins anew.
  REQUIRE(!reassembler.add(kind, fragment(kind, payload, pieces[0], identification)));
  REQUIRE(sum(reassembler.reassembly().expire(reassembler.now())) == 0);
  reassembler.wait(Reassembly::kTimeout);
  REQUIRE(sum(reassembler.reassembly().expire(reassembler.now())) == 1);
}

// A piece that overlaps another, before the packet is complete: nothing ever comes out.
void overlap(Choices& choices, Kind kind) {
  const std::size_t size = 32 + std::size_t{choices.next16()} % 2000;
  const test::Octets payload = test::counting(size);
  const std::vector<Piece> pieces = choose_cuts(choices, size);
  if (pieces.size() < 2) return;
  Reassembler reassembler;
  const std::size_t first = choices.next() % pieces.size();
  REQUIRE(!reassembler.add(kind, fragment(kind, payload, pieces[first], 7)));
  // Shares its last octets or its first ones with the piece that came, and is not the same.
  const Piece& there = pieces[first];
  Piece bad{there.begin / 16 * 8, (there.begin + 8) / 8 * 8, true};
  if ((choices.next() & 1) != 0) bad = {there.begin, there.begin + 8, true};
  if (bad.end > size || (bad.begin == there.begin && bad.end == there.end)) return;
  test::Octets other = payload;
  for (uint8_t& octet : other) octet ^= 0xff;
  Reassembly::Outcome outcome;
  REQUIRE(!reassembler.add(kind, fragment(kind, other, bad, 7), &outcome));
  REQUIRE(outcome.dropped == DropReason::ReassemblyOverlap);
  for (const Piece& piece : pieces) {
    REQUIRE(!reassembler.add(kind, fragment(kind, payload, piece, 7), &outcome));
    REQUIRE(outcome.dropped == DropReason::ReassemblyOverlap);
  }
}

// First fragments of ever new packets: what was not given up fits the bounds.
void flood(Choices& choices, Kind kind) {
  const std::size_t size = 8 + std::size_t{choices.next16()} % 8192 / 8 * 8;
  const std::size_t count = 1 + choices.next16() % (2 * Reassembly::kMostPackets);
  const test::Octets payload = test::counting(size);
  Reassembler reassembler;
  std::size_t held = 0;
  for (std::size_t i = 0; i < count; ++i) {
    REQUIRE(!reassembler.add(kind, fragment(kind, payload, {0, size, true}, static_cast<uint32_t>(i))));
    const std::size_t evicted = sum(reassembler.reassembly().take_evicted());
    REQUIRE(evicted <= held);
    held += 1 - evicted;
    REQUIRE(held <= Reassembly::kMostPackets && held * size <= Reassembly::kMemory);
  }
  // All came at once and go at once.
  reassembler.wait(Reassembly::kTimeout);
  REQUIRE(sum(reassembler.reassembly().expire(reassembler.now())) == held);
}

// Fragments as they come, of few identifications: nothing but the bounds is known.
void anything(Choices& choices, Kind kind, std::size_t steps) {
  const test::Octets payload = test::counting(2048);
  Reassembler reassembler;
  for (std::size_t i = 0; i < steps && i < 200; ++i) {
    const std::size_t begin = std::size_t{choices.next()} % 64 * 8;
    const uint8_t shape = choices.next();
    const std::size_t size =
        8 + std::size_t{shape} % 64 * 8 + ((shape & 0x80) != 0 ? choices.next() % 8u : 0u);
    const Piece piece{begin, begin + size, (shape & 0x40) != 0};
    const bool is_complete = reassembler.add(kind, fragment(kind, payload, piece, choices.next() & 1));
    if (is_complete) {
      const auto seen = test::see(reassembler.whole());
      REQUIRE(seen && seen->total == reassembler.whole().size() && seen->header_checksum_right);
    }
    reassembler.wait(yonroku::Duration::seconds(choices.next() % 32));
    (void)reassembler.reassembly().expire(reassembler.now());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  Choices choices(test::View(data, size));
  const auto kind = static_cast<Kind>(choices.next() % 3);
  switch (choices.next() % 8) {
    case 0: flood(choices, kind); break;
    case 1:
    case 2: overlap(choices, kind); break;
    case 3: anything(choices, kind, size / 4); break;
    default: put_together(choices, kind); break;
  }
  return 0;
}
