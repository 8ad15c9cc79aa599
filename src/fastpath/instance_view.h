// What the programs are told of an instance: its settings and tables as they need them, or why they can't
// serve it.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "carry/encapsulate/path_mtu_table.h"
#include "fastpath/layout.h"
#include "mechanism/ds_lite_aftr.h"
#include "mechanism/map_t.h"
#include "mechanism/map_t_ce.h"
#include "mechanism/nat64.h"
#include "mechanism/siit_settings.h"
#include "mechanism/slb64.h"
#include "mechanism/softwire.h"
#include "mechanism/softwire_napt.h"
#include "share/mapping/eam_table.h"
#include "share/mapping/map_rule_table.h"
#include "share/mapping/slot.h"

namespace yonroku::fastpath {

struct Served {
  InstanceView view{};
  std::vector<share::TableMemoryView> tables;  // in the order of their numbers
};
// Or why not, as a clause: "it has a denylist".
using ServedOrNot = std::expected<Served, std::string>;

[[nodiscard]] ServedOrNot serve(uint32_t instance, const mechanism::SiitSettings& settings,
                                const share::EamTable& table);
[[nodiscard]] ServedOrNot serve(uint32_t instance, const mechanism::SoftwireSettings& settings,
                                const share::MapRuleTable& rules, const carry::PathMtuTable& path_mtus);
[[nodiscard]] ServedOrNot serve(uint32_t instance, const mechanism::MapTSettings& settings,
                                const share::EamTable& mappings, const share::MapRuleTable& rules);
// A NAT's flows say what is to be done.
[[nodiscard]] Served serve(const mechanism::Nat64Settings& settings);
[[nodiscard]] Served serve(const mechanism::MapTCeSettings& settings);
[[nodiscard]] Served serve(const mechanism::Slb64Settings& settings);
[[nodiscard]] Served serve(uint32_t instance, const mechanism::DsLiteAftrSettings& settings,
                           const carry::PathMtuTable& path_mtus);
[[nodiscard]] Served serve(uint32_t instance, const mechanism::SoftwireNaptSettings& settings,
                           const carry::PathMtuTable& path_mtus);

}  // namespace yonroku::fastpath
