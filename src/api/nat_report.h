// Tables of a NAT as text for people, from the API's answers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "control/nat_view.h"

namespace yonroku::api {

// Pages of one table under one heading. Columns are as wide as the widest so far.
class NatTableText {
 public:
  enum class Reasons : uint8_t { Hidden, Shown };
  // Reasons: entries of `sessions` say of which instance they are and why they end; bindings without a
  // session may be among them.
  explicit NatTableText(control::NatTable table, Reasons reasons = Reasons::Hidden)
      : table_(table), reasons_(reasons) {}

  // The rows of one answer.
  [[nodiscard]] std::string page(const nlohmann::ordered_json& answer);
  // What is said at the end: the busiest subscribers of ports; that there was nothing.
  [[nodiscard]] std::string end(const nlohmann::ordered_json& last_answer) const;

 private:
  using Row = std::vector<std::string>;
  [[nodiscard]] Row heading() const;
  [[nodiscard]] Row row_of(const nlohmann::ordered_json& entry) const;

  control::NatTable table_;
  Reasons reasons_;
  std::vector<std::size_t> widths_;
  bool has_rows_ = false;
  std::string port_sets_;  // of addresses that a customer edge has a part of
};

// "12:03:59.120  new  udp  [2001:db8::1]:40000  192.0.2.1:1024  203.0.113.9:53", without an end of line.
[[nodiscard]] std::string event_text(const nlohmann::ordered_json& event);

}  // namespace yonroku::api
