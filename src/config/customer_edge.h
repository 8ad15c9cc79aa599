// What a customer edge has by its provider's rules: an IPv4 address or prefix, the ports of it, and its own
// IPv6 address (RFC 7597 §5, RFC 7599 §5, RFC 7596 §5.1).
#pragma once

#include <span>

#include "config/findings.h"
#include "config/section_reader.h"
#include "config/settings.h"

namespace yonroku::config {

// Reads the keys that only customer edges have, and fills in what follows from them: basic_rule, own,
// local_addresses and the NAT's pool. `candidates` are the rules of which one is the basic mapping rule; lwb4
// has none.
void read_customer_edge(InstanceSettings& instance, std::span<const share::MapRule> candidates,
                        SectionReader& keys, Findings& findings);

}  // namespace yonroku::config
