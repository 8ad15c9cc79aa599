// Memory for large tables and packet buffers, on huge pages where the kernel grants them: a lookup in 10
// million mappings then misses the cache but not the TLB.
#pragma once

#include <memory_resource>

namespace yonroku::io {

// Lives as long as the process.
[[nodiscard]] std::pmr::memory_resource* huge_page_memory();

}  // namespace yonroku::io
