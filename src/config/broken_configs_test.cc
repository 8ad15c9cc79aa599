// tests/broken_configs: NAME.yaml with exactly the lines of NAME.expected. To write the .expected files anew
// after a change of words, run this program with YONROKU_UPDATE_EXPECTED=1 and read the difference.

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "config/load.h"

namespace yonroku::config {
namespace {

namespace fs = std::filesystem;

class BrokenConfigs : public testing::Test {
 protected:
  void SetUp() override { fs::current_path(YONROKU_SOURCE_DIR "/tests/broken_configs"); }
  void TearDown() override { fs::current_path(before_); }

  static std::string read(const fs::path& path) {
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }

 private:
  fs::path before_ = fs::current_path();
};

TEST_F(BrokenConfigs, SayExactlyWhatIsExpected) {
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator(".")) {
    if (entry.path().extension() != ".yaml") continue;
    ++count;
    const std::string name = entry.path().stem().string();
    const auto loaded = load_config(name + ".yaml");
    ASSERT_FALSE(loaded) << name << " is not broken";
    const std::string said = loaded.error().to_string() + '\n';
    if (std::getenv("YONROKU_UPDATE_EXPECTED") != nullptr) std::ofstream(name + ".expected") << said;
    EXPECT_EQ(said, read(name + ".expected")) << name;
  }
  EXPECT_GE(count, 40u);
}

TEST_F(BrokenConfigs, EveryErrorSaysWhereWhatAndHowToFixIt) {
  for (const auto& entry : fs::directory_iterator(".")) {
    if (entry.path().extension() != ".yaml") continue;
    const auto loaded = load_config(entry.path().filename().string());
    ASSERT_FALSE(loaded);
    for (const Diagnostic& error : loaded.error().errors) {
      EXPECT_FALSE(error.file.empty()) << error.to_string();
      EXPECT_FALSE(error.what.empty()) << error.to_string();
      EXPECT_FALSE(error.fix.empty()) << error.to_string();
      EXPECT_EQ(error.to_string().find('\n'), std::string::npos) << error.to_string();
    }
  }
}

TEST(Examples, AllPassWithoutWarnings) {
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator(YONROKU_SOURCE_DIR "/examples")) {
    if (entry.path().extension() != ".yaml") continue;
    ++count;
    const auto loaded = load_config(entry.path().string());
    ASSERT_TRUE(loaded) << loaded.error().to_string();
    for (const Warning& warning : loaded->warnings) ADD_FAILURE() << warning.to_string();
  }
  EXPECT_GE(count, 4u);
}

}  // namespace
}  // namespace yonroku::config
