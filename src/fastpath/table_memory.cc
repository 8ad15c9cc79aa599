#include "fastpath/table_memory.h"

#include <bpf/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include "io/huge_pages.h"
#include "share/mapping/slot.h"

namespace yonroku::fastpath {
namespace {

using share::Slot;

// A header slot, then the table's.
std::size_t mapped_size(std::size_t size) {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return (size + sizeof(Slot) + page - 1) / page * page;
}

}  // namespace

void* TableMemory::do_allocate(std::size_t size, std::size_t alignment) {
  const std::size_t slots = size / sizeof(Slot);
  LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE | BPF_F_INNER_MAP);
  io::FileDescriptor map(bpf_map_create(BPF_MAP_TYPE_ARRAY, "yonroku_table", sizeof(uint32_t), sizeof(Slot),
                                        static_cast<uint32_t>(slots + 1), &options));
  void* const memory = map.is_open() ? ::mmap(nullptr, mapped_size(size), PROT_READ | PROT_WRITE,
                                              MAP_SHARED | MAP_POPULATE, map.get(), 0)
                                     : MAP_FAILED;
  if (memory == MAP_FAILED) return io::huge_page_memory()->allocate(size, alignment);
  Slot* const header = static_cast<Slot*>(memory);
  header->words[0] = slots;
  const std::scoped_lock lock(mutex_);
  maps_.emplace(header + 1, std::move(map));
  return header + 1;
}

void TableMemory::do_deallocate(void* memory, std::size_t size, std::size_t alignment) {
  {
    const std::scoped_lock lock(mutex_);
    if (maps_.erase(memory) == 0) return io::huge_page_memory()->deallocate(memory, size, alignment);
  }
  ::munmap(static_cast<Slot*>(memory) - 1, mapped_size(size));
}

int TableMemory::map_of(const void* slots, uint64_t seed) noexcept {
  const std::scoped_lock lock(mutex_);
  const auto found = maps_.find(slots);
  if (found == maps_.end()) return -1;
  const_cast<Slot*>(static_cast<const Slot*>(slots) - 1)->words[1] = seed;
  return found->second.get();
}

}  // namespace yonroku::fastpath
