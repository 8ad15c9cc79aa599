// packaging/openapi.yaml: what can be asked, and what is answered.
#pragma once

#include <string_view>

namespace yonroku::api {

[[nodiscard]] std::string_view openapi_text();

}  // namespace yonroku::api
