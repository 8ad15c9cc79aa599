#include "app/encoded.h"

#include <fmt/format.h>

#include <string_view>

namespace yonroku::app {

std::string encoded(const std::string& text) {
  constexpr std::string_view kPlain = "-._~:/";
  std::string out;
  for (const char c : text) {
    const bool is_plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          kPlain.find(c) != std::string_view::npos;
    out += is_plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

}  // namespace yonroku::app
