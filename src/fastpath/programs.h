// The offload's programs and maps in the kernel: loaded once, for all instances and interfaces.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "fastpath/flow_table.h"
#include "fastpath/layout.h"
#include "fastpath/pins.h"
#include "fastpath/route_blocks.h"

struct yonroku_offload;

namespace yonroku::fastpath {

// Memory that is shared with the kernel.
struct Unmap {
  std::size_t size = 0;
  void operator()(void* memory) const;
};

CountersView& operator+=(CountersView& sum, const CountersView& other);

class Programs {
 public:
  // With room for `most_flows` flows of all instances' NATs, 128 octets for each and as much again for their
  // index. Needs CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN. An error says what the kernel did not like.
  // With `pins`, the maps are those that an earlier program has left there, if they fit; if not, all that it
  // left is removed. Null: they end with the object.
  static Result<Programs> load(uint32_t most_flows = 0, const Pins* pins = nullptr);
  Programs(Programs&&) noexcept = default;
  Programs& operator=(Programs&&) noexcept = default;
  ~Programs() = default;

  // File descriptors of programs.
  [[nodiscard]] int tc() const;
  [[nodiscard]] int tc_without_link() const;  // for interfaces without a link layer
  [[nodiscard]] int xdp() const;

  // Whether the maps are those of an earlier program.
  [[nodiscard]] bool has_recovered() const { return has_recovered_; }

  // Control::kernel_hops; 1 after load().
  void set_kernel_hops(uint32_t hops) noexcept;
  // Routes, neighbours or interfaces have changed: what programs remember of them is void.
  void forget_routes() noexcept;
  // Routing depends on more than the destination: remember nothing.
  void set_exact(bool is_exact) noexcept;
  [[nodiscard]] bool is_exact() const noexcept;
  // fastpath/route_blocks.h: kBlockWords words of bits, all 0 after load(). Of any thread, atomically.
  [[nodiscard]] std::span<uint64_t> whole_blocks() const { return {whole_blocks_.get(), kBlockWords}; }
  // They are right for so long from now on.
  static constexpr uint64_t kBlocksLifetime = 2'000'000'000;  // nanoseconds
  void trust_blocks() noexcept;
  // After load() flows are followed for ever.
  void follow_flows_for(uint64_t nanoseconds) noexcept;

  // Each says what the kernel did not like.
  Result<void> set_instance(uint32_t number, const InstanceView& view);
  [[nodiscard]] Result<InstanceView> instance(uint32_t number) const;
  Result<void> set_table(TableNumber number, int slots);  // the map's file descriptor
  Result<void> remove_table(TableNumber number);
  Result<void> set_device(uint32_t interface, const Device& device);
  void remove_device(uint32_t interface) noexcept;
  [[nodiscard]] std::vector<uint32_t> devices() const;  // interface indices
  // When packets were last on their way to a neighbour at an interface with XDP, to a second; 0: never.
  [[nodiscard]] uint64_t last_use_of(const Neighbour& neighbour) const noexcept;
  // The sum of all processors.
  [[nodiscard]] Result<CountersView> counters(uint32_t instance, Place place) const;
  void clear_counters(uint32_t instance) noexcept;

  // Room for `records` flows of one worker, which it may use as long as these programs are there: from number
  // `first` on, or where that is not free, anywhere. What has been there since before is still in it. An
  // error when there is less left.
  Result<FlowTable> add_flow_table(uint32_t records, uint32_t first = 0);
  // The table whose first flow has that number is used no more; its flows end.
  void remove_flow_table(uint32_t first_number);
  // Ends flows that an earlier program left: those of other instances than these, and those outside of every
  // table. How many.
  uint32_t end_flows_but(const std::function<bool(uint32_t instance)>& stays);
  uint32_t end_flows_without_table();
  [[nodiscard]] std::span<Flow> flows() const { return {flows_.get(), most_flows_}; }  // of all tables

 private:
  struct Free {
    void operator()(yonroku_offload* object) const;
  };
  explicit Programs(yonroku_offload* object) : object_(object) {}
  void pin_maps(const Pins& pins);
  [[nodiscard]] std::string why_not_recovered(const Pins& pins) const;
  Result<void> map_control();
  Result<void> map_blocks();
  Result<void> map_flows(uint32_t most_flows);
  Result<void> set_up_control();
  [[nodiscard]] FlowTable flow_table(uint32_t first, uint32_t records) const;
  uint32_t end_flows(uint32_t first, uint32_t records);

  std::unique_ptr<yonroku_offload, Free> object_;
  // Shared with the kernel.
  std::unique_ptr<Control, Unmap> control_;
  std::unique_ptr<uint64_t[], Unmap> whole_blocks_;
  std::unique_ptr<Flow[], Unmap> flows_;
  std::unique_ptr<FlowBucket[], Unmap> flow_index_;
  uint32_t most_flows_ = 0;
  uint32_t buckets_ = 0;
  bool has_recovered_ = false;
  std::map<uint32_t, uint32_t> flow_tables_;  // their records, by the number of the first
};

}  // namespace yonroku::fastpath
