// The offload's programs and maps in the kernel: loaded once, for all instances and interfaces.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "fastpath/layout.h"

struct yonroku_offload;

namespace yonroku::fastpath {

class Programs {
 public:
  // Needs CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN. An error says what the kernel did not like.
  static Result<Programs> load();
  Programs(Programs&&) noexcept;
  Programs& operator=(Programs&&) noexcept;
  ~Programs();

  // File descriptors of programs.
  [[nodiscard]] int tc() const;
  [[nodiscard]] int tc_without_link() const;  // for interfaces without a link layer
  [[nodiscard]] int xdp() const;

  // Control::kernel_hops; 1 after load().
  void set_kernel_hops(uint32_t hops) noexcept;
  // Routes, neighbours or interfaces have changed: what programs remember of them is void.
  void forget_routes() noexcept;
  // Routing depends on more than the destination: remember nothing.
  void set_exact(bool is_exact) noexcept;

  // Each says what the kernel did not like.
  Result<void> set_instance(uint32_t number, const InstanceView& view);
  Result<void> set_table(TableNumber number, int slots);  // the map's file descriptor
  Result<void> remove_table(TableNumber number);
  Result<void> set_device(uint32_t interface, const Device& device);
  void remove_device(uint32_t interface) noexcept;
  // The sum of all processors.
  [[nodiscard]] Result<CountersView> counters(uint32_t instance, Place place) const;
  void clear_counters(uint32_t instance) noexcept;

 private:
  struct Free {
    void operator()(yonroku_offload* object) const;
  };
  explicit Programs(yonroku_offload* object) : object_(object) {}
  Result<void> map_control();

  std::unique_ptr<yonroku_offload, Free> object_;
  Control* control_ = nullptr;  // shared with the kernel
};

}  // namespace yonroku::fastpath
