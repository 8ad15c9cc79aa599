// What does not lie on the stack, where there is little room.
#pragma once

#include "fastpath/bpf/maps.h"

namespace yonroku::bpf {

// One after the other in the same place.
union FlowSearch {
  fastpath::FlowKey key;
  fastpath::FlowContent found;
};

// Of the packet that the processor is at. What one program writes, the part that it goes on with reads
// (bpf/parts.h).
struct Scratch {
  FlowSearch search;
  uint32_t instance;  // whose the packet is, by its flow or by routing; kNobody
  uint32_t unused;
};
inline constexpr uint32_t kNobody = fastpath::kMostInstances;

}  // namespace yonroku::bpf

extern "C" {
struct {
  MAP_UINT(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  MAP_UINT(max_entries, 1);
  MAP_UINT(key_size, 4);
  MAP_UINT(value_size, sizeof(yonroku::bpf::Scratch));
} scratch SECTION(".maps");
}
