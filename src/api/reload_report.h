// What a reload would end as text for people, from the lines of the API's answer.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "api/nat_report.h"

namespace yonroku::api {

class ReloadText {
 public:
  // One line of the answer: some more of the table, whose rows come several at a time, or the sums.
  [[nodiscard]] std::string line(const nlohmann::ordered_json& line);

 private:
  [[nodiscard]] std::string take_rows();
  [[nodiscard]] std::string sums(const nlohmann::ordered_json& line) const;

  NatTableText table_{control::NatTable::Sessions, NatTableText::Reasons::Shown};
  std::vector<nlohmann::ordered_json> rows_;
  bool has_rows_ = false;
};

}  // namespace yonroku::api
