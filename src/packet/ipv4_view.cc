#include "packet/ipv4_view.h"

namespace yonroku {

bool Ipv4View::has_unexpired_source_route() const {
  constexpr uint8_t kEndOfOptions = 0, kNoOperation = 1, kLooseSourceRoute = 131, kStrictSourceRoute = 137;
  const auto options = this->options();
  std::size_t at = 0;
  while (at < options.size()) {
    const auto kind = static_cast<uint8_t>(options[at]);
    if (kind == kEndOfOptions) return false;
    if (kind == kNoOperation) {
      ++at;
      continue;
    }
    if (at + 2 > options.size()) return false;
    const auto length = static_cast<uint8_t>(options[at + 1]);
    if (length < 2 || at + length > options.size()) return false;
    if ((kind == kLooseSourceRoute || kind == kStrictSourceRoute) && length >= 3) {
      const auto pointer = static_cast<uint8_t>(options[at + 2]);
      if (pointer <= length) return true;
    }
    at += length;
  }
  return false;
}

}  // namespace yonroku
