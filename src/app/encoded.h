// Values in the query of a request.
#pragma once

#include <string>

namespace yonroku::app {

// Values may hold colons and brackets, and whatever was typed.
[[nodiscard]] std::string encoded(const std::string& text);

}  // namespace yonroku::app
