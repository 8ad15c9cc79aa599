// What the benchmark of the offload puts around its programs: makes the packet anew, each time another, and
// goes on to the program.
#include <array>
#include <bit>
#include <compare>
#include <cstring>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "fastpath/bpf/kernel.h"

YONROKU_INLINE_ALL_BEGIN
#include "fastpath/bpf/link.h"
YONROKU_INLINE_ALL_END

namespace yonroku::bpf {

inline constexpr uint32_t kHeaders = 96;  // octets of the frame's beginning that are written
inline constexpr uint32_t kLeast = 64;
struct Frames {
  uint32_t count;
  uint32_t next;
  uint32_t size;  // of each frame
  uint32_t unused;
};
struct Frame {
  uint64_t words[kHeaders / 8];
};

}  // namespace yonroku::bpf

extern "C" {

struct {
  MAP_UINT(type, BPF_MAP_TYPE_ARRAY);
  MAP_UINT(max_entries, 1);
  MAP_UINT(key_size, 4);
  MAP_UINT(value_size, sizeof(yonroku::bpf::Frames));
} about SECTION(".maps");

struct {
  MAP_UINT(type, BPF_MAP_TYPE_ARRAY);
  MAP_UINT(max_entries, 1);
  MAP_UINT(key_size, 4);
  MAP_UINT(value_size, sizeof(yonroku::bpf::Frame));
  MAP_UINT(map_flags, BPF_F_MMAPABLE);
} frames SECTION(".maps");

struct {
  MAP_UINT(type, BPF_MAP_TYPE_PROG_ARRAY);
  MAP_UINT(max_entries, 1);
  MAP_UINT(key_size, 4);
  MAP_UINT(value_size, 4);
} program_at_tc SECTION(".maps");

struct {
  MAP_UINT(type, BPF_MAP_TYPE_PROG_ARRAY);
  MAP_UINT(max_entries, 1);
  MAP_UINT(key_size, 4);
  MAP_UINT(value_size, 4);
} program_at_xdp SECTION(".maps");

}  // extern "C"

YONROKU_INLINE_ALL_BEGIN
namespace yonroku::bpf {

template <uint32_t kFront>
bool grow(const Tc<kFront>& link, uint32_t) {
  return link.become_ipv6();
}
template <uint32_t kFront>
bool shrink(const Tc<kFront>& link, uint32_t) {
  return link.become_ipv4();
}
bool grow(const Xdp& link, uint32_t octets) { return link.enter_tunnel(octets); }
bool shrink(const Xdp& link, uint32_t octets) { return link.cut_front(octets); }

template <class Link>
int restore(const Link& link) {
  uint32_t at = 0;
  auto* const here = static_cast<Frames*>(map_lookup_elem(&about, &at));
  if (here == nullptr) return Link::kDrop;
  at = here->next;
  here->next = at + 1 >= here->count ? 0 : at + 1;
  const auto* const frame = static_cast<const Frame*>(map_lookup_elem(&frames, &at));
  if (frame == nullptr) return Link::kDrop;
  const uint32_t size = link.size();
  if (size < here->size && !grow(link, here->size - size)) return Link::kDrop;
  if (size > here->size && !shrink(link, size - here->size)) return Link::kDrop;
  // With the headers of a tunnel, or without: 64 octets are the smallest frame.
  char* const out = link.begin();
  if (out + kLeast > link.end()) return Link::kDrop;
  for (uint32_t i = 0; i < kLeast / 8; ++i) reinterpret_cast<uint64_t*>(out)[i] = frame->words[i];
  if (out + kHeaders > link.end()) return -2;
  for (uint32_t i = kLeast / 8; i < kHeaders / 8; ++i) reinterpret_cast<uint64_t*>(out)[i] = frame->words[i];
  return -2;
}

// Changes the packet's size as a translator must, and does nothing else.
template <class Link>
int cross(const Link& link) {
  const uint16_t protocol = link.protocol();
  return (protocol == ETH_P_IP ? link.become_ipv6() : link.become_ipv4()) ? 0 : Link::kDrop;
}

}  // namespace yonroku::bpf
YONROKU_INLINE_ALL_END

extern "C" {

SECTION("tc") int restore_tc(__sk_buff* packet) {
  const int result = yonroku::bpf::restore(yonroku::bpf::Tc<ETH_HLEN>(packet));
  if (result == -2) yonroku::bpf::tail_call(packet, &program_at_tc, 0);
  return TC_ACT_SHOT;
}
SECTION("tc") int nothing_tc([[maybe_unused]] __sk_buff* packet) { return TC_ACT_REDIRECT; }
SECTION("tc") int cross_tc(__sk_buff* packet) {
  return yonroku::bpf::cross(yonroku::bpf::Tc<ETH_HLEN>(packet)) == 0 ? TC_ACT_REDIRECT : TC_ACT_SHOT;
}
SECTION("xdp") int restore_xdp(xdp_md* packet) {
  const int result = yonroku::bpf::restore(yonroku::bpf::Xdp(packet));
  if (result == -2) yonroku::bpf::tail_call(packet, &program_at_xdp, 0);
  return XDP_ABORTED;
}
SECTION("xdp") int nothing_xdp([[maybe_unused]] xdp_md* packet) { return XDP_REDIRECT; }
SECTION("xdp") int cross_xdp(xdp_md* packet) {
  return yonroku::bpf::cross(yonroku::bpf::Xdp(packet)) == 0 ? XDP_REDIRECT : XDP_ABORTED;
}

char kLicense[] SECTION("license") = "GPL";

}  // extern "C"
