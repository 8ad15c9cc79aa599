#include "control/nat_follower.h"

namespace yonroku::control {
namespace {

bool is_about_session(const share::NatEvent& event) {
  return event.kind == share::NatEvent::Kind::SessionCreated ||
         event.kind == share::NatEvent::Kind::SessionEnded;
}

}  // namespace

NatFollower::NatFollower(std::shared_ptr<const NatEventRings> rings, const NatQuery& query,
                         std::function<void()> leave)
    : rings_(std::move(rings)), query_(query), leave_(std::move(leave)) {
  for (const auto& ring : rings_->of_worker) next_.push_back(ring.end());
}

NatFollower::News NatFollower::read() {
  constexpr std::size_t kMost = 1000;  // of one worker
  News news;
  news.is_over = rings_->have_ended.load(std::memory_order_acquire);
  for (std::size_t i = 0; i < next_.size(); ++i)
    news.missed += rings_->of_worker[i].read(next_[i], kMost, news.events);
  std::erase_if(news.events, [&](const share::NatEvent& event) {
    return is_about_session(event) != (query_.table == NatTable::Sessions) || !query_.filter.matches(event);
  });
  return news;
}

}  // namespace yonroku::control
