#include "natlog/password_file.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace yonroku::natlog {
namespace {

struct Row {
  std::string_view name;
  std::string content;
  unsigned mode;
  std::string_view outcome;  // the password, or part of the complaint
};

TEST(PasswordFile, OneLineThatOthersMayNotRead) {
  const auto folder = std::filesystem::temp_directory_path() / fmt::format("yonroku-password-{}", ::getpid());
  std::filesystem::create_directories(folder);
  const std::string path = folder / "password";
  const Row rows[] = {
      {"with its end of line", "se cret\n", 0600, "se cret"},
      {"without", "secret", 0640, "secret"},
      {"the longest", std::string(kLongestPassword, 'x') + '\n', 0600, std::string_view()},
      {"for everybody", "secret\n", 0644, "everybody may read the password"},
      {"nothing", "\n", 0600, "holds no password"},
      {"two lines", "secret\nmore\n", 0600, "holds no password"},
      {"too long", std::string(kLongestPassword + 1, 'x'), 0600, "holds no password"},
      {"binary", std::string("a\0b", 3), 0600, "holds no password"},
  };
  for (const Row& row : rows) {
    std::ofstream(path, std::ios::binary) << row.content;
    std::filesystem::permissions(path, static_cast<std::filesystem::perms>(row.mode));
    const auto password = read_password(path);
    if (password)
      EXPECT_EQ(*password, row.outcome.empty() ? std::string(kLongestPassword, 'x') : row.outcome)
          << row.name;
    else
      EXPECT_THAT(password.error().what, testing::HasSubstr(row.outcome)) << row.name;
    EXPECT_EQ(password.has_value(), row.outcome.empty() || row.content.starts_with(row.outcome)) << row.name;
  }
  const auto folder_itself = read_password(folder);
  ASSERT_FALSE(folder_itself);
  std::filesystem::remove_all(folder);
  const auto missing = read_password(path);
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().what, testing::StartsWith("the password cannot be read: No such file"));
}

}  // namespace
}  // namespace yonroku::natlog
