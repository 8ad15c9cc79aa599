// A table of rules or softwires as text, piece by piece: ten million make more text than anybody wants to
// hold.
#pragma once

#include <cstddef>
#include <string>

#include "control/daemon.h"

namespace yonroku::api {

class RuleListing {
 public:
  RuleListing(control::RuleList list, control::TableKind kind, bool is_csv)
      : list_(std::move(list)), kind_(kind), is_csv_(is_csv) {}

  // Some more of it; empty after the last.
  [[nodiscard]] std::string next_piece();

 private:
  control::RuleList list_;
  control::TableKind kind_;
  bool is_csv_;
  std::size_t next_ = 0;
  bool has_begun_ = false;
  bool has_ended_ = false;
};

}  // namespace yonroku::api
