#include "natlog/unsent_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

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
