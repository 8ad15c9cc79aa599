// What the programs are told of an instance: its settings and tables as they need them, or why they can't
// serve it.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "fastpath/layout.h"
#include "mechanism/nat64.h"
#include "mechanism/siit_settings.h"
#include "share/mapping/eam_table.h"
#include "share/mapping/slot.h"

namespace yonroku::fastpath {

// An instance's part of the map `tables`.
inline constexpr uint32_t kTablesOfInstance = 4;
constexpr TableNumber table_number(uint32_t instance, uint32_t table) {
  return instance * kTablesOfInstance + table;
}

struct Served {
  InstanceView view{};
  std::vector<share::TableMemoryView> tables;  // in the order of their numbers
};
// Or why not, as a clause: "it has a denylist".
using ServedOrNot = std::expected<Served, std::string>;

[[nodiscard]] ServedOrNot serve(uint32_t instance, const mechanism::SiitSettings& settings,
                                const share::EamTable& table);
// A NAT's flows say what is to be done.
[[nodiscard]] Served serve(const mechanism::Nat64Settings& settings);

}  // namespace yonroku::fastpath
