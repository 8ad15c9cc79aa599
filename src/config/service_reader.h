// Reads the services of a load balancer, and checks what one key means for another.
#pragma once

#include <span>
#include <vector>

#include "config/findings.h"
#include "config/section_reader.h"
#include "config/service_settings.h"
#include "share/nat/nat_settings.h"

namespace yonroku::config {

// `pools` are those of the same instance: no server has an address of theirs.
[[nodiscard]] std::vector<ServiceSettings> read_services(SectionReader& keys,
                                                         std::span<const share::NatPool> pools,
                                                         Findings& findings);

}  // namespace yonroku::config
