// Reads a whole file into memory, no more than `max_size` bytes of it.
#pragma once

#include <cstddef>
#include <string>

#include "base/result.h"

namespace yonroku::config {

[[nodiscard]] Result<std::string> read_text_file(const std::string& path, std::size_t max_size);

// `path` as seen from `directory`; an absolute path stays.
[[nodiscard]] std::string path_from(const std::string& directory, const std::string& path);
// "a/b" for "a/b/c.yaml", "." for "c.yaml".
[[nodiscard]] std::string directory_of(const std::string& path);

}  // namespace yonroku::config
