// Reads the section `nat-log`.
#pragma once

#include "config/document.h"
#include "config/findings.h"
#include "config/nat_log_settings.h"

namespace yonroku::config {

[[nodiscard]] NatLogSettings read_nat_log(const Node& section, Findings& findings);

}  // namespace yonroku::config
