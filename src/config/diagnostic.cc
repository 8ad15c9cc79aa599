#include "config/diagnostic.h"

#include <fmt/format.h>

namespace yonroku::config {

std::string ConfigErrors::to_string() const {
  std::string text;
  for (const Diagnostic& error : errors) {
    if (!text.empty()) text += '\n';
    text += error.to_string();
  }
  if (omitted > 0) text += fmt::format("\nand {} more error{}", omitted, omitted == 1 ? "" : "s");
  return text;
}

}  // namespace yonroku::config
