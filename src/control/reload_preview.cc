#include "control/reload_preview.h"

namespace yonroku::control {

std::string_view to_string(InstanceChange change) {
  switch (change) {
    case InstanceChange::Added: return "added";
    case InstanceChange::Removed: return "removed";
    case InstanceChange::Kept: break;
  }
  return "kept";
}

}  // namespace yonroku::control
