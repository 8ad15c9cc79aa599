// From a YAML tree to Settings, key by key. What one key means for another is checked by settings_check.h.
#pragma once

#include <string>

#include "config/document.h"
#include "config/findings.h"
#include "config/load.h"
#include "config/settings.h"

namespace yonroku::config {

// Every key of schema.yaml is read here. On errors in `findings` the Settings are incomplete and must not be
// used.
[[nodiscard]] Settings read_settings(const Node& root, const std::string& base_dir, MappingsFiles files,
                                     Findings& findings);

}  // namespace yonroku::config
