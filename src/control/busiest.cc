#include "control/busiest.h"

#include <algorithm>
#include <iterator>

namespace yonroku::control {

Busiest::Busiest(SubscriberOrder by, std::size_t most, const NatFilter& filter)
    : query_{NatTable::Subscribers, filter, false, by, 0}, most_(most) {}

void Busiest::add(std::vector<share::SubscriberView> piece) {
  if (piece.empty()) return;
  std::ranges::move(piece, std::back_inserter(found_));
  std::ranges::stable_sort(found_, std::ranges::greater{}, [this](const share::SubscriberView& subscriber) {
    return measure(subscriber, query_.order);
  });
  if (found_.size() < most_) return;
  found_.resize(most_);
  query_.least = most_ == 0 ? UINT32_MAX : measure(found_.back(), query_.order) + 1;
}

}  // namespace yonroku::control
