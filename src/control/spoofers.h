// Who sends into a tunnel, or to a translator with rules, what is not his: the sources whose packets failed
// the check most often, put together from an instance's workers.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <vector>

#include "engine/frequent_sources.h"
#include "packet/ipv6_address.h"

namespace yonroku::control {

struct Spoofer {
  Ipv6Address source;
  uint64_t packets = 0;        // at most
  uint64_t at_least = 0;       // of more sources than a worker has places for, some packets may be another's
  std::chrono::seconds age{};  // of the last of them
};

struct InstanceSpoofers {
  std::string instance;
  std::vector<Spoofer> spoofers;
};

// Those of one worker more, as of `now`.
void add(std::vector<Spoofer>& all, std::span<const engine::FrequentSources::Source> sources, Instant now);
// The busiest first.
void sort_by_packets(std::vector<Spoofer>& all);

}  // namespace yonroku::control
