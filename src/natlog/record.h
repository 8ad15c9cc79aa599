// What the log is made of. One kind of entry for every receiver.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "config/settings.h"
#include "share/mapping/eam.h"
#include "share/mapping/map_rule.h"
#include "share/nat/nat_event.h"

namespace yonroku::natlog {

// An instance under one configuration. Lives as long as the log: entries point to it.
struct Source {
  uint32_t number;                    // of the instance in this process, from 1 on
  config::InstanceSettings settings;  // without tables
  [[nodiscard]] const std::string& instance() const { return settings.name; }
};

using Milliseconds = int64_t;  // of UTC since 1970

struct Event {
  Milliseconds time;
  const Source* source;
  share::NatEvent what;
  uint16_t last_port;  // of a block that begins with what.outside.port; else that port
  // It has been there since the instance began for the log, or longer; else what.is_recovered says that an
  // offload kept it while the program did not run.
  bool was_there = false;
};

// Something about the log itself, or an instance.
struct Note {
  enum class Kind : uint8_t {
    Began,    // the instance
    Changed,  // its settings: `source` has the new ones
    Ended,    // the instance, and all that it knew
    Lost,     // `count` entries
  };
  Milliseconds time;
  Kind kind;
  const Source* source;  // null: of any
  uint64_t count = 0;
};

// A change of a table of mappings, rules or softwires.
struct TableChange {
  enum class Kind : uint8_t {
    Whole,  // the table is `added` from now on, whatever was before
    Part,   // `removed` is gone, then `added` is there
  };
  Milliseconds time = 0;
  Kind kind = Kind::Part;
  const Source* source = nullptr;
  // One of the two pairs is empty.
  std::vector<share::EamMapping> added_mappings{}, removed_mappings{};
  std::vector<share::MapRule> added_rules{}, removed_rules{};
};

using Batch = std::variant<std::vector<Event>, Note, TableChange>;

// How many entries count against a queue's limit.
[[nodiscard]] inline std::size_t size_of(const Batch& batch) {
  const auto* const events = std::get_if<std::vector<Event>>(&batch);
  return events != nullptr ? events->size() : 1;
}

}  // namespace yonroku::natlog
