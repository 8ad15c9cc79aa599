// Result<T>: what an operation that an operator or the host can make fail returns.
// An Error says where, what and how to fix it. Packets never use this: see packet/verdict.h.
#pragma once

#include <expected>
#include <string>
#include <utility>

namespace yonroku {

struct Error {
  std::string where;  // "file:line:column", a device, a system call; may be empty
  std::string what;
  std::string fix;  // what the reader can do about it; may be empty

  // "where: what; fix" with the empty parts left out.
  [[nodiscard]] std::string to_string() const {
    std::string text = where.empty() ? what : where + ": " + what;
    if (!fix.empty()) text += "; " + fix;
    return text;
  }
};

template <class T>
using Result = std::expected<T, Error>;

[[nodiscard]] inline std::unexpected<Error> fail(std::string where, std::string what, std::string fix = {}) {
  return std::unexpected(Error{std::move(where), std::move(what), std::move(fix)});
}

}  // namespace yonroku

// TRY(expression): the value of a Result, or return its error from the enclosing function.
#define TRY(...)                                                                    \
  __extension__({                                                                   \
    auto yonroku_result = (__VA_ARGS__);                                            \
    if (!yonroku_result) return std::unexpected(std::move(yonroku_result).error()); \
    *std::move(yonroku_result);                                                     \
  })
