// Everything that workers read and nobody changes: one instance's settings, made whole, swapped whole.
#pragma once

#include <cstdint>
#include <memory>
#include <variant>

#include "base/instant.h"
#include "engine/icmp_reply.h"
#include "mechanism/ds_lite_aftr.h"
#include "mechanism/map_t.h"
#include "mechanism/map_t_ce.h"
#include "mechanism/nat64.h"
#include "mechanism/siit.h"
#include "mechanism/slb64.h"
#include "mechanism/softwire.h"
#include "mechanism/softwire_napt.h"

namespace yonroku::engine {

// The closed set of mechanisms.
using Mechanism =
    std::variant<mechanism::Siit, mechanism::Softwire, mechanism::MapT, mechanism::Nat64,
                 mechanism::SoftwireNapt, mechanism::DsLiteAftr, mechanism::MapTCe, mechanism::Slb64>;

struct Snapshot {
  // Declared first: the mechanism refers to them. Null where it has no use for one.
  std::shared_ptr<share::EamTable> eam_table;
  std::shared_ptr<share::MapRuleTable> rules;
  std::shared_ptr<carry::PathMtuTable> path_mtus;
  Mechanism mechanism;
  IcmpReplySettings icmp;
  uint32_t icmp_error_rate = 1000;           // per second, for the whole instance
  Duration held_syn = Duration::seconds(6);  // before an unsolicited TCP SYN is answered (RFC 5382 REQ-4)
  uint64_t generation = 0;                   // tells settings apart for a worker that keeps something
};

}  // namespace yonroku::engine
