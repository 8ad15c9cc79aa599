// YONROKU_CHECK(condition): an invariant of our own. Never used on input of any kind.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace yonroku {

[[noreturn]] inline void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "yonroku: internal error: %s (%s:%d)\n", condition, file, line);
  std::abort();
}

}  // namespace yonroku

#define YONROKU_CHECK(condition)                     \
  (__builtin_expect(static_cast<bool>(condition), 1) \
       ? void()                                      \
       : ::yonroku::check_failed(#condition, __FILE__, __LINE__))
