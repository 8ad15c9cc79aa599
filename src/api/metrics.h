// Counters and state in the Prometheus text format.
#pragma once

#include <span>
#include <string>

#include "control/daemon.h"

namespace yonroku::api {

[[nodiscard]] std::string prometheus_text(const control::Status& status,
                                          std::span<const control::InstanceCounters> counters);

}  // namespace yonroku::api
