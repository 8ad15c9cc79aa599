// What keys a configuration may have: the table that tools/gen_schema.py makes from schema.yaml.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "config/settings.h"

namespace yonroku::config {

enum class Scope : uint8_t {
  Top,
  Control,
  Log,
  NatLog,
  Instance,
  Mapping,
  Rule,
  Softwire,
  Pool,
  StaticBinding,
  Service,
  Server,
  SyslogServer,
  IpfixCollector,
  KafkaCluster,
  Health
};
enum class Changes : uint8_t { Reload, Restart };
enum class ValueType : uint8_t {
  Section,
  Instances,
  Mappings,
  Rules,
  Softwires,
  Pools,
  StaticBindings,
  Services,
  Servers,
  SyslogServers,
  IpfixCollectors,
  KafkaClusters,
  Name,
  Device,
  User,
  Path,
  UrlPath,
  LoopbackEndpoint,
  Host,
  HostPort,
  Topic,
  Text,
  Integer,
  Boolean,
  Choice,
  ChoiceOrInteger,
  Ipv4Address,
  Ipv6Address,
  Ipv4Prefix,
  Ipv6Prefix,
  Pref64,
  PortRange,
};

struct KeySpec {
  std::string_view name;
  Scope scope;
  ValueType type;
  bool is_list;
  bool takes_single;  // of a list: a value alone stands for a list of one
  Changes changes;
  std::array<bool, kMechanismCount> mechanisms;  // indexed by Mechanism
  std::array<bool, kMechanismCount> required;
  std::array<std::optional<std::string_view>, kMechanismCount> defaults;
  std::array<std::string_view, kMechanismCount> instead;  // the key that this mechanism has for it, or ""
  int64_t minimum;
  int64_t maximum;
  std::span<const std::string_view> values;

  [[nodiscard]] bool belongs_to(Mechanism m) const { return mechanisms[static_cast<std::size_t>(m)]; }
  // nullopt: by every mechanism.
  [[nodiscard]] bool is_required_by(std::optional<Mechanism> m) const {
    return m ? required[static_cast<std::size_t>(*m)] : std::ranges::all_of(required, std::identity());
  }
};

[[nodiscard]] std::span<const KeySpec> schema();
// nullptr when the scope has no such key.
[[nodiscard]] const KeySpec* find_key(Scope scope, std::string_view name);

// The candidate that `word` most likely is a slip of the pen for, or "".
[[nodiscard]] std::string_view closest_word(std::string_view word,
                                            std::span<const std::string_view> candidates);

}  // namespace yonroku::config
