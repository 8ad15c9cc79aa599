// What other settings do to bindings that exist: which end, and why. Asked before a change, to tell of it,
// and by the change itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "share/nat/nat_settings.h"
#include "share/nat/nat_views.h"
#include "share/nat/port_pool.h"

namespace yonroku::share {

// Why a binding ends with a change of settings, in the order in which they are looked for.
enum class NatEnd : uint8_t {
  None,                  // it stays
  NatRemoved,            // the NAT itself goes
  StaticBindingRemoved,  // it was made by the operator, and is no longer
  PortOfStaticBinding,   // its outside endpoint belongs to a static binding now
  MappingChanged,        // bindings depend on something else of the other end
  PortNotGivenOut,       // its outside endpoint is none that this worker could give out
};
inline constexpr std::size_t kNatEndCount = 6;
// "port-not-given-out".
[[nodiscard]] std::string_view to_string(NatEnd end);

// From some settings to others, of one worker of a NAT. Takes as long as there are addresses and static
// bindings.
class NatChange {
 public:
  NatChange(const NatSettings& before, const NatSettings& after, uint16_t worker, uint16_t workers);
  // The end of the NAT.
  static NatChange removal() { return NatChange(); }

  // Whether any binding could end, and where ports are given out has to be worked out again.
  [[nodiscard]] bool changes_places() const { return changes_places_; }

 private:
  friend class Nat;
  NatChange() : is_removal_(true), changes_places_(true) {}
  [[nodiscard]] const StaticBinding* static_binding_at(uint64_t place) const;

  bool is_removal_ = false;
  bool changes_places_;
  bool same_pools_ = false;
  bool same_mapping_ = false;
  std::vector<StaticBinding> static_bindings_;
  std::vector<std::pair<uint64_t, std::size_t>> by_place_;  // key_of_place(), which of static_bindings_
  std::optional<PortPool> pool_;
};

// A binding that would end, a session, or a binding with its first session.
struct NatEndView {
  NatEnd why{};
  bool is_binding = false;
  std::optional<SessionView> session;
  std::optional<BindingView> binding;  // where it has no session
};

}  // namespace yonroku::share
