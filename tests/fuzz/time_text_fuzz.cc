// Any bytes as a time: an error, or a moment that is the same when it is written and read again.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "api/time_text.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr int64_t kNow = 1'795'348'800'000;
  const auto time =
      yonroku::api::parse_time(std::string_view(reinterpret_cast<const char*>(data), size), kNow);
  if (!time) return 0;
  if (*time < 0) std::abort();
  const auto again = yonroku::api::parse_time(yonroku::api::time_text(*time), kNow);
  if (!again || *again != *time) std::abort();
  return 0;
}
