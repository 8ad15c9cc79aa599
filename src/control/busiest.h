// The busiest subscribers of a NAT, found by looking at all of them piece by piece: neither a worker nor who
// asks ever holds more than a piece and those that are wanted.
#pragma once

#include <cstddef>
#include <vector>

#include "control/nat_view.h"

namespace yonroku::control {

class Busiest {
 public:
  Busiest(SubscriberOrder by, std::size_t most, const NatFilter& filter);

  // Of the next piece: leaves out who would not be among them any more.
  [[nodiscard]] const NatQuery& query() const { return query_; }
  void add(std::vector<share::SubscriberView> piece);
  // The busiest first; of equals those that were found first.
  [[nodiscard]] const std::vector<share::SubscriberView>& found() const { return found_; }

 private:
  NatQuery query_;
  std::size_t most_;
  std::vector<share::SubscriberView> found_;
};

}  // namespace yonroku::control
