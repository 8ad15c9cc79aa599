// What the offload is told of an instance, and how its counters join the workers'.
#pragma once

#include <optional>

#include "carry/crossing.h"
#include "config/settings.h"
#include "control/snapshot_builder.h"
#include "engine/snapshot.h"
#include "fastpath/offload.h"
#include "observe/totals.h"

namespace yonroku::control {

[[nodiscard]] fastpath::Wish offload_wish(const config::InstanceSettings& settings);

// How many sessions of its NAT may be flows of the programs.
[[nodiscard]] uint32_t flow_records(const config::InstanceSettings& settings);

// What the programs can do in the mechanism's place, or why not.
[[nodiscard]] fastpath::ServedOrNot offload_view(uint32_t number, const engine::Mechanism& mechanism,
                                                 const Tables& tables);

// What flows its NAT has that programs can forward; nothing: none.
[[nodiscard]] std::optional<fastpath::FlowKind> flow_kind(config::Mechanism mechanism);

// Near and far end of a session of its NAT (PortChange::port: far_port), if it may be offloaded.
[[nodiscard]] std::optional<carry::Crossing6> ends_of(const engine::Mechanism& mechanism,
                                                      const share::OffloadedSession& session);

// Says of a session what its flow does not, for the NAT of this mechanism.
void identify(const engine::Mechanism& mechanism, share::OffloadedSession& session);

// Whether a session that was offloaded under other settings, perhaps, could be under these.
[[nodiscard]] bool may_offload(const engine::Mechanism& mechanism, const share::OffloadedSession& session);

void add(observe::Totals& totals, const fastpath::CountersView& counters);

}  // namespace yonroku::control
