// One client: how long it may take, how much it may send, and that the end of the server is not kept waiting.
#include "api/connection.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <thread>

namespace yonroku::api {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Short enough for a test, long enough for a busy machine.
constexpr Patience kShort{.idle = milliseconds(20'000),
                          .stalled = milliseconds(20'000),
                          .progress = milliseconds(300),
                          .farewell = milliseconds(300)};
constexpr milliseconds kSoon{5000};

class ConnectionTest : public testing::Test {
 protected:
  ConnectionTest() {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    client_ = io::FileDescriptor(ends[0]);
    connection_.emplace(io::FileDescriptor(ends[1]), stop_.get(), Connection::Door::Unix, kShort);
  }
  void send(const std::string& text) const {
    EXPECT_EQ(::send(client_.get(), text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  // Sends an octet now and then until `act` returns; how long that took.
  milliseconds while_dribbling(const std::function<void()>& act) const {
    std::atomic<bool> is_over = false;
    std::thread dribbler([&] {
      while (!is_over) {
        (void)::send(client_.get(), "x", 1, MSG_NOSIGNAL);
        std::this_thread::sleep_for(milliseconds(10));
      }
    });
    const milliseconds took = time_of(act);
    is_over = true;
    dribbler.join();
    return took;
  }
  static milliseconds time_of(const std::function<void()>& act) {
    const auto begin = steady_clock::now();
    act();
    return std::chrono::duration_cast<milliseconds>(steady_clock::now() - begin);
  }
  // Reads until nothing more is to be had: how many octets.
  std::size_t read_all(std::size_t most = SIZE_MAX) {
    std::size_t count = 0;
    char buffer[4096];
    while (count < most) {
      const ssize_t got = connection_->read(buffer, std::min(sizeof buffer, most - count));
      if (got <= 0) break;
      count += static_cast<std::size_t>(got);
    }
    return count;
  }
  void stop_later() {
    stopper_ = std::jthread([this] {
      std::this_thread::sleep_for(milliseconds(50));
      ::eventfd_write(stop_.get(), 1);
    });
  }

  io::FileDescriptor stop_{::eventfd(0, EFD_CLOEXEC)};
  io::FileDescriptor client_;
  std::optional<Connection> connection_;
  std::jthread stopper_;
};

TEST_F(ConnectionTest, AHeadHasToBeWholeInTime) {
  send("GET ");
  ASSERT_TRUE(connection_->wait_for_request());
  const milliseconds took = while_dribbling([&] { read_all(); });
  EXPECT_GE(took, kShort.progress / 2);
  EXPECT_LT(took, kSoon) << "an octet now and then would hold its place for ever";
  EXPECT_TRUE(connection_->is_over()) << "what comes behind is no request";
}

TEST_F(ConnectionTest, ABodyHasToGetOn) {
  send("PUT");
  ASSERT_TRUE(connection_->wait_for_request());
  connection_->expect_body(1 << 30);
  EXPECT_LT(while_dribbling([&] { read_all(); }), kSoon);
  EXPECT_TRUE(connection_->is_over());
}

TEST_F(ConnectionTest, ALongBodyMayTakeAsLongAsItGetsOn) {
  send("PUT");
  ASSERT_TRUE(connection_->wait_for_request());
  constexpr std::size_t kPieces = 20;
  const std::string piece(64 << 10, 'x');
  connection_->expect_body(kPieces * piece.size());
  std::jthread sender([&] {
    for (std::size_t i = 0; i < kPieces; ++i) {
      std::this_thread::sleep_for(kShort.progress / 6);
      send(piece);
    }
  });
  EXPECT_EQ(read_all(3 + kPieces * piece.size()), 3 + kPieces * piece.size());
  EXPECT_FALSE(connection_->is_over());
}

TEST_F(ConnectionTest, EachRequestHasItsTime) {
  for (int i = 0; i < 3; ++i) {
    send("GET");
    ASSERT_TRUE(connection_->wait_for_request());
    EXPECT_EQ(read_all(3), 3u);
    std::this_thread::sleep_for(kShort.progress);  // its answer is made
  }
}

// RFC 9112 sets no bound to a head, and the HTTP library neither.
TEST_F(ConnectionTest, OnlyABodyThatIsExpectedMayBeLarge) {
  const std::string much(1 << 20, 'x');
  const auto read_much = [&] {
    std::jthread sender([&] { (void)::send(client_.get(), much.data(), much.size(), MSG_NOSIGNAL); });
    EXPECT_TRUE(connection_->wait_for_request());
    const std::size_t count = read_all(much.size());
    if (connection_->is_over()) connection_->part();  // takes what the sender still has
    ::shutdown(client_.get(), SHUT_WR);
    return count;
  };
  EXPECT_LE(read_much(), std::size_t{256} << 10);
  EXPECT_TRUE(connection_->is_over());
}

TEST_F(ConnectionTest, ABodyThatIsExpectedComesWhole) {
  send("PUT");
  ASSERT_TRUE(connection_->wait_for_request());
  EXPECT_EQ(read_all(3), 3u);
  const std::string much(1 << 20, 'x');
  connection_->expect_body(much.size());
  std::jthread sender([&] { send(much); });
  EXPECT_EQ(read_all(much.size()), much.size());
}

TEST_F(ConnectionTest, TheEndOfTheServerWaitsForNobody) {
  send("GET ");
  ASSERT_TRUE(connection_->wait_for_request());
  stop_later();
  EXPECT_LT(time_of([&] { read_all(); }), kSoon) << "a client in the middle of a request";
  EXPECT_TRUE(connection_->is_over());
  const std::string much(32 << 20, 'x');
  EXPECT_LT(time_of([&] { EXPECT_EQ(connection_->write(much.data(), much.size()), -1); }), kSoon)
      << "one that does not take its answer";
}

TEST_F(ConnectionTest, AClientThatStillSendsHearsItsAnswer) {
  send("PUT");
  ASSERT_TRUE(connection_->wait_for_request());
  EXPECT_EQ(read_all(3), 3u);
  connection_->refuse();
  EXPECT_EQ(connection_->write("no", 2), 2);
  std::jthread client([&] {
    send(std::string(4 << 20, 'x'));  // all of it, as simple clients do
    char answer[8];
    EXPECT_EQ(::recv(client_.get(), answer, sizeof answer, 0), 2);
    EXPECT_EQ(::recv(client_.get(), answer, sizeof answer, 0), 0) << "and that there is no more";
    client_ = {};
  });
  connection_->part();
}

TEST_F(ConnectionTest, AClientThatIsRefusedIsNotListenedToForEver) {
  connection_->refuse();
  EXPECT_LT(while_dribbling([&] { connection_->part(); }), kSoon);
}

}  // namespace
}  // namespace yonroku::api
