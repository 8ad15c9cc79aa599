// The programs that the one of each place goes on with: a program and all that it calls have 512 octets of
// stack (docs/decisions/0021). They are told whose the packet is, with its flow if it has been found, and
// look at the packet anew, which is cheaper than to keep what was seen of it.
#pragma once

#include "fastpath/bpf/link.h"

extern "C" {

int yonroku_tc_softwire(__sk_buff* packet);
int yonroku_tc_map_t(__sk_buff* packet);
int yonroku_tc_nat(__sk_buff* packet);
int yonroku_tc_without_link_softwire(__sk_buff* packet);
int yonroku_tc_without_link_map_t(__sk_buff* packet);
int yonroku_tc_without_link_nat(__sk_buff* packet);
int yonroku_xdp_softwire(xdp_md* packet);
int yonroku_xdp_map_t(xdp_md* packet);
int yonroku_xdp_nat(xdp_md* packet);

struct {
  MAP_UINT(type, BPF_MAP_TYPE_PROG_ARRAY);
  MAP_UINT(max_entries, 3);
  MAP_UINT(key_size, 4);
  int (*values[])(__sk_buff*);
} tc_parts SECTION(".maps") = {
    nullptr, nullptr, nullptr, {yonroku_tc_softwire, yonroku_tc_map_t, yonroku_tc_nat}};

struct {
  MAP_UINT(type, BPF_MAP_TYPE_PROG_ARRAY);
  MAP_UINT(max_entries, 3);
  MAP_UINT(key_size, 4);
  int (*values[])(__sk_buff*);
} tc_without_link_parts SECTION(".maps") = {
    nullptr,
    nullptr,
    nullptr,
    {yonroku_tc_without_link_softwire, yonroku_tc_without_link_map_t, yonroku_tc_without_link_nat}};

struct {
  MAP_UINT(type, BPF_MAP_TYPE_PROG_ARRAY);
  MAP_UINT(max_entries, 3);
  MAP_UINT(key_size, 4);
  int (*values[])(xdp_md*);
} xdp_parts SECTION(".maps") = {
    nullptr, nullptr, nullptr, {yonroku_xdp_softwire, yonroku_xdp_map_t, yonroku_xdp_nat}};

}  // extern "C"

namespace yonroku::bpf {

enum class Part : uint32_t { Softwire, MapT, Nat };  // in the order of the values above

YONROKU_HOT_INLINE void* parts_of(const Tc<ETH_HLEN>&) { return &tc_parts; }
YONROKU_HOT_INLINE void* parts_of(const Tc<0>&) { return &tc_without_link_parts; }
YONROKU_HOT_INLINE void* parts_of(const Xdp&) { return &xdp_parts; }

// Returns only if there is no such program: the daemon that brought them is gone, and nothing was pinned.
template <class Link>
YONROKU_HOT_INLINE int go_on(const Link& link, Part part) {
  (void)tail_call(link.context(), parts_of(link), static_cast<uint32_t>(part));
  return Link::kUp;
}

}  // namespace yonroku::bpf
