#include "api/openapi.h"

namespace yonroku::api {

std::string_view openapi_text() {
  static constexpr std::string_view kText =
#include "openapi_text.inc"
      ;
  return kText;
}

}  // namespace yonroku::api
