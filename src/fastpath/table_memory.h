// Memory for tables that the engine and the programs in the kernel share: each piece is a map of share::Slot.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <mutex>
#include <unordered_map>

#include "io/file_descriptor.h"

namespace yonroku::fastpath {

class TableMemory final : public std::pmr::memory_resource {
 public:
  // The map that holds a table whose slots begin there, or -1: it is in ordinary memory. Writes the hashes'
  // key into its header. Of any thread.
  [[nodiscard]] int map_of(const void* slots, uint64_t seed) noexcept;

 private:
  // Falls back on ordinary memory where the kernel has none for a map: the engine's table must not fail.
  void* do_allocate(std::size_t size, std::size_t alignment) override;
  void do_deallocate(void* memory, std::size_t size, std::size_t alignment) override;
  [[nodiscard]] bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
    return this == &other;
  }

  std::mutex mutex_;
  std::unordered_map<const void*, io::FileDescriptor> maps_;  // by where their slots begin
};

}  // namespace yonroku::fastpath
