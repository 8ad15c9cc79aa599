#include "natlog/unsent_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "natlog/network_sink.h"

namespace yonroku::natlog {
namespace {

namespace fs = std::filesystem;
using testing::IsEmpty;

const std::vector<Message> kMessages = {{"key", "one"}, {"", std::string("t\0o", 3)}, {"2001:db8::1", ""}};

class Unsent : public testing::Test {
 protected:
  void TearDown() override { fs::remove_all(folder_); }
  fs::path folder_ = fs::path(testing::TempDir()) / ("unsent-" + std::to_string(::getpid()));
  Unsent() { fs::create_directories(folder_); }
  UnsentFile file() { return {folder_.string(), "syslog tcp [2001:db8::1]:514"}; }
};

TEST_F(Unsent, ComesBackUntilItHasArrived) {
  EXPECT_THAT(file().read(), IsEmpty());
  ASSERT_EQ(file().write(kMessages).value_or(0), kMessages.size());
  EXPECT_EQ(fs::path(file().path()).filename(), "syslog~tcp~~2001~db8~~1~~514.unsent");
  EXPECT_EQ(fs::status(file().path()).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  UnsentFile next = file();
  EXPECT_EQ(next.read(), kMessages);
  EXPECT_EQ(file().read(), kMessages) << "nobody said that it arrived";
  next.remove();
  EXPECT_THAT(file().read(), IsEmpty());
}

// At a reload during an outage the one that ends writes it while the next, which has read it, goes on.
TEST_F(Unsent, WhatAnotherHasWrittenSinceStays) {
  ASSERT_TRUE(file().write(kMessages));
  UnsentFile next = file();
  EXPECT_EQ(next.read(), kMessages);
  EXPECT_TRUE(next.is_as_read());
  std::vector<Message> more = kMessages;
  more.push_back({"", "later"});
  ASSERT_TRUE(file().write(more));
  EXPECT_FALSE(next.is_as_read()) << "it must not write over it";
  next.remove();
  EXPECT_EQ(file().read(), more);
}

// The same with the two receivers.
TEST_F(Unsent, TwoReceiversOfOneName) {
  struct OneByOne : Encoder {
    void encode(const Batch& batch, std::vector<Message>& out) override {
      out.push_back({"", std::to_string(std::get<Note>(batch).count)});
    }
  };
  struct Away : Transport {
    std::vector<Message> waiting;
    bool is_away = true;
    void put(std::vector<Message> messages) override {
      waiting.insert(waiting.end(), messages.begin(), messages.end());
    }
    Result<void> send() override { return is_away ? Result<void>(fail("test", "away")) : Result<void>(); }
    Result<void> flush() override {
      if (!is_away) waiting.clear();
      return send();
    }
    std::vector<Message> take_rest() override { return std::move(waiting); }
  };
  const auto sink = [&](Away*& transport) {
    auto made = std::make_unique<Away>();
    transport = made.get();
    return NetworkSink("r", "", std::make_unique<OneByOne>(), std::move(made), file());
  };
  const auto note = [](uint64_t count) {
    return std::make_shared<const Batch>(Note{0, Note::Kind::Lost, nullptr, count});
  };
  ASSERT_TRUE(file().write({{"", "1"}}));
  Away *of_old = nullptr, *of_next = nullptr;
  NetworkSink old = sink(of_old), next = sink(of_next);
  EXPECT_FALSE(old.write(*note(2)));
  EXPECT_FALSE(next.write(*note(3)));
  EXPECT_EQ(old.keep({}), 0u);
  const auto kept = [&](const char* octets) {
    return std::ranges::count(file().read(), std::string(octets), &Message::octets);
  };
  EXPECT_EQ(kept("2"), 1);
  // The receiver is there again, and gets what the next one has: not what the old one left.
  of_next->is_away = false;
  EXPECT_TRUE(next.write(*note(3)));
  EXPECT_TRUE(next.flush());
  EXPECT_EQ(kept("2"), 1);
  EXPECT_EQ(next.keep({note(4)}), 0u);
  EXPECT_EQ(kept("2"), 1);
  EXPECT_EQ(kept("4"), 1);
}

TEST_F(Unsent, WhatIsDamagedIsPutAside) {
  std::size_t count = 0;
  const std::string good = write_unsent("r", kMessages, count);
  EXPECT_EQ(count, kMessages.size());
  EXPECT_EQ(parse_unsent(good, "r").value_or(std::vector<Message>{}), kMessages);
  EXPECT_FALSE(parse_unsent(good, "s"));
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(parse_unsent(std::string_view(good).substr(0, size), "r")) << size;
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x10);
    EXPECT_FALSE(parse_unsent(bad, "r")) << i;
  }
  UnsentFile broken = file();
  std::ofstream(broken.path()) << "yonroku unsent messages, version 9\n";
  EXPECT_THAT(broken.read(), IsEmpty());
  EXPECT_FALSE(fs::exists(broken.path()));
  EXPECT_TRUE(fs::exists(broken.path() + ".damaged"));
}

TEST_F(Unsent, IsBounded) {
  const std::vector<Message> many(20, {"", std::string(kMostUnsentOctets / 16, 'x')});
  std::size_t count = 0;
  EXPECT_LE(write_unsent("r", many, count).size(), kMostUnsentOctets + 64);
  EXPECT_EQ(count, 15u);
}

TEST_F(Unsent, AFolderThatIsNotThere) {
  UnsentFile nowhere(folder_.string() + "/none", "r");
  EXPECT_FALSE(nowhere.write(kMessages));
}

}  // namespace
}  // namespace yonroku::natlog
