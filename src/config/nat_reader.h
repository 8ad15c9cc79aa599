// The keys of a NAT (RFC 6146, RFC 4787, RFC 5382, RFC 5508, RFC 6888), and what they mean for each other.
#pragma once

#include "config/findings.h"
#include "config/section_reader.h"
#include "config/settings.h"

namespace yonroku::config {

// Reads them into `instance.nat`, whose pool is there already where the instance is a customer edge. `keys`
// are those of the instance.
void read_nat(InstanceSettings& instance, SectionReader& keys, Findings& findings);

}  // namespace yonroku::config
