// Reads the section `nat-log`.
#pragma once

#include <string>

#include "config/document.h"
#include "config/findings.h"
#include "config/nat_log_settings.h"

namespace yonroku::config {

// Relative paths are below `base_dir`.
[[nodiscard]] NatLogSettings read_nat_log(const Node& section, const std::string& base_dir,
                                          Findings& findings);

}  // namespace yonroku::config
