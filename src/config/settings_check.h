// What the keys of a configuration mean for each other: contradictions are errors, doubtful things warnings.
#pragma once

#include <string>
#include <vector>

#include "config/document.h"
#include "config/findings.h"
#include "config/section_reader.h"
#include "config/settings.h"

namespace yonroku::config {

// Also derives translator-ipv6 when it is not given. What the reader could not make out is not held against
// other keys.
struct KnownParts {
  bool has_mechanism = true;     // false: missing or misspelt
  bool has_all_mappings = true;  // false: some could not be read
};
void check_instance(InstanceSettings& instance, const SectionReader& keys, KnownParts known,
                    Findings& findings);

// Instances against each other; `nodes` are where they are written.
void check_together(const Settings& settings, const std::vector<const Node*>& nodes, Findings& findings);

void check_offload_state(const std::string& path, const Node& place, Findings& findings);
void check_control_socket(const std::string& path, const Node& place, Findings& findings);

}  // namespace yonroku::config
