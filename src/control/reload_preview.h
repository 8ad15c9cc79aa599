// What a reload would end, found out beforehand: which sessions and bindings of which instances, and why.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/nat_view.h"
#include "share/nat/nat_end.h"

namespace yonroku::control {

enum class InstanceChange : uint8_t { Added, Removed, Kept };
[[nodiscard]] std::string_view to_string(InstanceChange change);

struct InstancePreview {
  std::string name;
  InstanceChange change{};
  uint64_t generation = 0;  // of the settings that are compared with
  // Of each worker; null where there is no NAT or no binding can end.
  std::shared_ptr<const std::vector<share::NatChange>> nat_changes;
};

// In the order of the new settings, then those that go.
using ReloadPreview = std::vector<InstancePreview>;

struct NatEndPiece {
  std::vector<share::NatEndView> ends;
  std::optional<NatPlace> next;  // nullopt: that was the last
};

}  // namespace yonroku::control
