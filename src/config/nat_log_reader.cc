#include "config/nat_log_reader.h"

#include <bit>

#include "config/section_reader.h"

namespace yonroku::config {

NatLogSettings read_nat_log(const Node& section, Findings& findings) {
  SectionReader keys(section, Scope::NatLog, std::nullopt, findings);
  NatLogSettings log;
  log.events = keys.choice<LoggedEvents>("events");
  log.destinations = keys.boolean("destinations");
  if (log.destinations && log.events != LoggedEvents::Sessions)
    findings.error(keys.place_of("destinations"), "destinations are of sessions, and no sessions are logged",
                   "write \"events: sessions\", or remove destinations");
  log.queue = std::bit_ceil(static_cast<uint32_t>(keys.integer("queue")));
  return log;
}

}  // namespace yonroku::config
