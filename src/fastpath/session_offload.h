// The offload of a worker's NAT: its sessions become flows of the programs. One for each worker of an
// instance, whose NAT has one kind of flows.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>

#include "fastpath/flow_table.h"
#include "share/nat/nat.h"
#include "share/nat/session_offload.h"

namespace yonroku::fastpath {

class FlowOffload final : public share::SessionOffload {
 public:
  // `instance` is its number in the map `instances`.
  FlowOffload(FlowTable table, FlowKind kind, uint8_t instance)
      : table_(std::move(table)), kind_(kind), instance_(instance) {}

  uint32_t begin(const share::OffloadedSession& session) noexcept override {
    return table_.install(content_of(session, kind_, instance_));
  }
  void end(uint32_t flow) noexcept override { table_.remove(flow); }
  [[nodiscard]] Seen seen(uint32_t flow) const noexcept override;
  [[nodiscard]] bool is_of(uint32_t flow, const share::OffloadedSession& session) const noexcept override {
    return table_.content(flow) == content_of(session, kind_, instance_);
  }

  // What an earlier program has left becomes the NAT's again, whose offload this is; packets are forwarded
  // meanwhile. Flows are removed that are no longer `right`, which may complete what they say of a
  // session, or that the NAT refuses. How many of either.
  struct Recovered {
    uint32_t kept = 0;
    uint32_t removed = 0;
  };
  Recovered recover(share::Nat& nat, Instant now, const std::function<bool(share::OffloadedSession&)>& right);

  [[nodiscard]] const FlowTable& table() const { return table_; }

  [[nodiscard]] static FlowContent content_of(const share::OffloadedSession& session, FlowKind kind,
                                              uint8_t instance) noexcept;
  // The session of a flow that was made of one: for share::Nat::adopt().
  [[nodiscard]] static share::OffloadedSession session_of(const FlowContent& content) noexcept;

 private:
  FlowTable table_;
  FlowKind kind_;
  uint8_t instance_;
};

}  // namespace yonroku::fastpath
