// Questions to GET and POST /v1/who, and how they are answered from a log.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "api/who.h"

namespace yonroku::api {

// What is asked with one line. Times as parse_time() reads them; empty: not given.
struct WhoRequest {
  std::string address, port, protocol, time, skew;  // who it was
  std::string subscriber, from, until, limit;       // or what that one used
  std::string remote;                               // of both: "ADDRESS" or "ADDRESS:PORT"
};

// `now` is UTC in milliseconds since 1970. What is wrong with the request is an error without a place in a
// file: `where` is the name of the parameter.
[[nodiscard]] Result<WhoResult> answer(Who& who, const WhoRequest& request, int64_t now);
[[nodiscard]] Result<WhoQuestion> parse_question(const WhoRequest& request, int64_t now);

// A table of complaints, with a line for each; the first may name the columns. The table with the answers: a
// line for each, and one for a complaint without. What is wrong with a line is its answer. `of_all` says
// `skew`, and `remote` for lines that do not name one. An error once `is_ending` says that nobody waits for
// it.
[[nodiscard]] Result<std::string> answer_csv(
    Who& who, std::string_view complaints, const WhoRequest& of_all, int64_t now,
    const std::function<bool()>& is_ending = [] { return false; });

}  // namespace yonroku::api
