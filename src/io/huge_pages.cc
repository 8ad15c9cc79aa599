#include "io/huge_pages.h"

#include <sys/mman.h>

#include <new>

namespace yonroku::io {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;

class HugePageMemory final : public std::pmr::memory_resource {
  void* do_allocate(std::size_t size, std::size_t alignment) override {
    if (size < kHugePage) return ::operator new(size, std::align_val_t(alignment));
    void* const memory = ::operator new(rounded(size), std::align_val_t(kHugePage));
    ::madvise(memory, rounded(size), MADV_HUGEPAGE);
    return memory;
  }
  void do_deallocate(void* memory, std::size_t size, std::size_t alignment) override {
    ::operator delete(memory, std::align_val_t(size < kHugePage ? alignment : kHugePage));
  }
  [[nodiscard]] bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
    return this == &other;
  }
  static std::size_t rounded(std::size_t size) { return (size + kHugePage - 1) / kHugePage * kHugePage; }
};

}  // namespace

std::pmr::memory_resource* huge_page_memory() {
  static HugePageMemory memory;
  return &memory;
}

}  // namespace yonroku::io
