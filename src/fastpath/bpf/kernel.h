// What the kernel offers to programs: helpers, declared as C++ wants them (bpf-helpers(7)), and how maps are
// defined.
#pragma once

#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <cstdint>

#include "base/hot.h"

// Everything is inlined: a function of its own can't return a class, and would be put where libbpf does not
// look.
#define YONROKU_INLINE_ALL_BEGIN \
  _Pragma("clang attribute push(__attribute__((always_inline)), apply_to = function)")
#define YONROKU_INLINE_ALL_END _Pragma("clang attribute pop")
// But for some that the verifier shall check once, whoever calls them: their arguments and results are plain.
#define YONROKU_OUT_OF_LINE __attribute__((noinline))

#define SECTION(name) __attribute__((section(name), used))
// libbpf's map definitions (its documentation: "BTF-defined maps").
#define MAP_UINT(name, value) int(*name)[value]

namespace yonroku::bpf {

#define YONROKU_HELPER(name, result, ...) \
  inline result (*const name)(__VA_ARGS__) = reinterpret_cast<result (*)(__VA_ARGS__)>(BPF_FUNC_##name)

YONROKU_HELPER(map_lookup_elem, void*, void* map, const void* key);
YONROKU_HELPER(map_update_elem, long, void* map, const void* key, const void* value, uint64_t flags);
YONROKU_HELPER(tail_call, long, void* context, void* programs, uint32_t number);
YONROKU_HELPER(ktime_get_coarse_ns, uint64_t);
YONROKU_HELPER(get_smp_processor_id, uint32_t);
YONROKU_HELPER(fib_lookup, long, void* context, bpf_fib_lookup* parameters, int size, uint32_t flags);
YONROKU_HELPER(redirect, long, uint32_t interface, uint64_t flags);
YONROKU_HELPER(redirect_neigh, long, uint32_t interface, bpf_redir_neigh* next_hop, int size, uint64_t flags);
YONROKU_HELPER(skb_change_proto, long, __sk_buff* packet, __be16 protocol, uint64_t flags);
YONROKU_HELPER(skb_adjust_room, long, __sk_buff* packet, int32_t change, uint32_t mode, uint64_t flags);
YONROKU_HELPER(skb_change_tail, long, __sk_buff* packet, uint32_t length, uint64_t flags);
YONROKU_HELPER(skb_change_head, long, __sk_buff* packet, uint32_t length, uint64_t flags);
YONROKU_HELPER(skb_pull_data, long, __sk_buff* packet, uint32_t length);
YONROKU_HELPER(l4_csum_replace, long, __sk_buff* packet, uint32_t offset, uint64_t from, uint64_t to,
               uint64_t flags);
YONROKU_HELPER(csum_update, int64_t, __sk_buff* packet, uint32_t sum);
YONROKU_HELPER(xdp_adjust_head, long, xdp_md* packet, int delta);
YONROKU_HELPER(xdp_adjust_tail, long, xdp_md* packet, int delta);
#undef YONROKU_HELPER

// Keeps the compiler from moving loads and stores across it.
inline void barrier() { asm volatile("" ::: "memory"); }

}  // namespace yonroku::bpf
