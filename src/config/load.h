// The way in: a configuration file becomes Settings, or every error that is in it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostic.h"
#include "config/settings.h"

namespace yonroku::config {

struct Loaded {
  Settings settings;
  std::vector<Warning> warnings;
};

enum class MappingsFiles : uint8_t { Read, Skip };

// Relative mappings-files are looked for beside the file.
[[nodiscard]] ConfigResult<Loaded> load_config(const std::string& path);

// `filename` is for messages; `base_dir` is where relative mappings-files are looked for.
[[nodiscard]] ConfigResult<Loaded> parse_config(std::string_view text, std::string_view filename,
                                                const std::string& base_dir,
                                                MappingsFiles files = MappingsFiles::Read);

}  // namespace yonroku::config
