#include "natlog/delivery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "natlog/test_entries.h"
#include "natlog/test_receiver.h"

namespace yonroku::natlog {
namespace {

using testing::ElementsAre;

class DeliveryTest : public testing::Test {
 protected:
  void offer(std::size_t events) {
    delivery_.offer(std::make_shared<const Batch>(
        std::vector<Event>(events, test_event(source_, share::NatEvent::Kind::BindingCreated))));
  }
  void offer(Note::Kind kind, uint64_t count = 0) {
    delivery_.offer(std::make_shared<const Batch>(Note{kTestTime, kind, &source_, count}));
  }
  void refuse(bool refuses) {
    const std::scoped_lock lock(received_->mutex);
    received_->refuses = refuses;
  }

  const Source source_ = test_source();
  std::shared_ptr<Received> received_ = std::make_shared<Received>();
  Delivery delivery_{std::make_unique<Receiver>(received_), 8};
};

const std::string kEvent = "plat 0 2000";

// What is read later depends on them.
TEST_F(DeliveryTest, NotesAndTablesFindRoomAlways) {
  refuse(true);
  offer(Note::Kind::Began);
  offer(7);
  offer(3);
  offer(Note::Kind::Changed);
  delivery_.offer(std::make_shared<const Batch>(
      TableChange{.time = kTestTime, .source = &source_, .added_mappings = {{}}}));
  offer(1);
  offer(Note::Kind::Ended);
  EXPECT_EQ(delivery_.status().lost, 4u);
  refuse(false);
  // What is missing is told before what came behind it.
  EXPECT_THAT(received_->wait(13),
              ElementsAre("plat began", kEvent, kEvent, kEvent, kEvent, kEvent, kEvent, kEvent, "all lost 3",
                          "plat changed", "table +1 -0", "all lost 1", "plat ended"));
}

TEST_F(DeliveryTest, NoBatchOfEventsPassesTheLimit) {
  refuse(true);
  for (int i = 0; i < 20; ++i) offer(1);
  EXPECT_EQ(delivery_.status().waiting, 8u);
  EXPECT_EQ(delivery_.status().lost, 12u);
  refuse(false);
}

// They may come every few milliseconds for as long as nobody takes them.
TEST_F(DeliveryTest, NotesOfLossesArePutTogether) {
  refuse(true);
  offer(8);
  for (int i = 0; i < 20; ++i) offer(Note::Kind::Lost, 5);
  EXPECT_EQ(delivery_.status().waiting, 8u);
  EXPECT_EQ(delivery_.status().lost, 0u) << "those were lost elsewhere";
  offer(Note::Kind::Ended);
  refuse(false);
  const auto words = received_->wait(10);
  ASSERT_EQ(words.size(), 10u);
  EXPECT_EQ(words[8], "all lost 100");
  EXPECT_EQ(words[9], "plat ended");
}

// Each batch takes it a while; what it is not given it is to keep.
class SlowReceiver : public Sink {
 public:
  std::string name() const override { return "slow"; }
  Result<void> write(const Batch& /*batch*/) override {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    return {};
  }
  Result<void> flush() override { return {}; }
};

TEST(Delivery, ASlowReceiverHasNoMoreTimeToEnd) {
  const Source source = test_source();
  Delivery delivery(std::make_unique<SlowReceiver>(), 1000, std::chrono::milliseconds(100));
  for (int i = 0; i < 500; ++i)
    delivery.offer(std::make_shared<const Batch>(
        std::vector<Event>{test_event(source, share::NatEvent::Kind::BindingCreated)}));
  const auto before = std::chrono::steady_clock::now();
  delivery.end();
  while (!delivery.has_ended()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(5));
  const DeliveryStatus status = delivery.status();
  EXPECT_GT(status.lost, 0u);
  EXPECT_EQ(status.written + status.lost, 500u);
}

}  // namespace
}  // namespace yonroku::natlog
