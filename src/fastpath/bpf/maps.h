// The maps. fastpath/layout.h says what is in them.
#pragma once

#include "fastpath/bpf/kernel.h"
#include "fastpath/flow_layout.h"
#include "fastpath/layout.h"
#include "fastpath/route_blocks.h"
#include "share/mapping/slot.h"

extern "C" {

struct {
  MAP_UINT(type, BPF_MAP_TYPE_ARRAY);
  MAP_UINT(max_entries, 1);
  MAP_UINT(key_size, 4);
  MAP_UINT(value_size, sizeof(yonroku::fastpath::Control));
  MAP_UINT(map_flags, BPF_F_MMAPABLE);
} control SECTION(".maps");

struct {
  MAP_UINT(type, BPF_MAP_TYPE_ARRAY);
  MAP_UINT(max_entries, yonroku::fastpath::kMostInstances);
  MAP_UINT(key_size, 4);
  MAP_UINT(value_size, sizeof(yonroku::fastpath::InstanceView));
} instances SECTION(".maps");

struct {
  MAP_UINT(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  MAP_UINT(max_entries, yonroku::fastpath::kMostInstances* yonroku::fastpath::kPlaces);
  MAP_UINT(key_size, 4);
  MAP_UINT(value_size, sizeof(yonroku::fastpath::CountersView));
} counters SECTION(".maps");

struct {
  MAP_UINT(type, BPF_MAP_TYPE_HASH);
  MAP_UINT(max_entries, 1024);
  MAP_UINT(key_size, 4);
  MAP_UINT(value_size, sizeof(yonroku::fastpath::Device));
} devices SECTION(".maps");

struct {
  MAP_UINT(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  MAP_UINT(max_entries, yonroku::fastpath::kRoutes);
  MAP_UINT(key_size, 4);
  MAP_UINT(value_size, sizeof(yonroku::fastpath::Route));
} routes SECTION(".maps");

struct {
  MAP_UINT(type, BPF_MAP_TYPE_ARRAY);
  MAP_UINT(max_entries, yonroku::fastpath::kBlockWords);
  MAP_UINT(key_size, 4);
  MAP_UINT(value_size, sizeof(uint64_t));
  MAP_UINT(map_flags, BPF_F_MMAPABLE);
} whole_blocks SECTION(".maps");

struct {
  MAP_UINT(type, BPF_MAP_TYPE_LRU_HASH);
  MAP_UINT(max_entries, yonroku::fastpath::kNeighbours);
  MAP_UINT(key_size, sizeof(yonroku::fastpath::Neighbour));
  MAP_UINT(value_size, 8);
} neighbours SECTION(".maps");

struct table_slots {
  MAP_UINT(type, BPF_MAP_TYPE_ARRAY);
  MAP_UINT(max_entries, 1);
  MAP_UINT(key_size, 4);
  MAP_UINT(value_size, sizeof(yonroku::share::Slot));
  MAP_UINT(map_flags, BPF_F_MMAPABLE | BPF_F_INNER_MAP);
};
struct {
  MAP_UINT(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
  MAP_UINT(max_entries, yonroku::fastpath::kTablesOfInstance* yonroku::fastpath::kMostInstances);
  MAP_UINT(key_size, 4);
  table_slots* values[];
} tables SECTION(".maps");

// Sized when the programs are loaded.
struct {
  MAP_UINT(type, BPF_MAP_TYPE_ARRAY);
  MAP_UINT(max_entries, 1);
  MAP_UINT(key_size, 4);
  MAP_UINT(value_size, sizeof(yonroku::fastpath::Flow));
  MAP_UINT(map_flags, BPF_F_MMAPABLE);
} flows SECTION(".maps");

struct {
  MAP_UINT(type, BPF_MAP_TYPE_ARRAY);
  MAP_UINT(max_entries, 1);
  MAP_UINT(key_size, 4);
  MAP_UINT(value_size, sizeof(yonroku::fastpath::FlowBucket));
  MAP_UINT(map_flags, BPF_F_MMAPABLE);
} flow_index SECTION(".maps");

// IPv4 identifications (RFC 7915 §5.1), a counter for each of 1024 kinds of source, destination and protocol.
struct {
  MAP_UINT(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  MAP_UINT(max_entries, 1024);
  MAP_UINT(key_size, 4);
  MAP_UINT(value_size, 4);
} identifications SECTION(".maps");

}  // extern "C"

namespace yonroku::bpf {

template <class Value, class Map, class Key>
YONROKU_HOT_INLINE Value* find(Map& map, const Key& key) {
  return static_cast<Value*>(map_lookup_elem(&map, &key));
}

}  // namespace yonroku::bpf
