// Any bytes as a table of complaints: an answer, and no crash; a table comes out with as many fields in each
// line, and a line at least for each that went in.

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

#include "api/who_request.h"
#include "natlog/store/store.h"

namespace {

using namespace yonroku;  // NOLINT(google-build-using-namespace)

constexpr natlog::Milliseconds kNow = 1'795'348'800'000;

void require(bool condition) {
  if (!condition) std::abort();
}

// A log of an instance that nobody used.
api::Who open_log() {
  const std::string folder =
      std::filesystem::temp_directory_path() / ("yonroku-who-fuzz-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  {
    natlog::Store store(folder, {.age = kNow, .size = UINT64_MAX}, [] { return kNow; });
    const natlog::Source source{1, {}};
    require(store.write(natlog::Note{kNow, natlog::Note::Kind::Began, &source}).has_value());
  }
  auto who = api::Who::open(folder);
  require(who.has_value());
  std::filesystem::remove_all(folder);
  return *std::move(who);
}

// Of one line, which is taken off the text.
std::size_t fields_of_line(std::string_view& text) {
  std::size_t fields = 1;
  bool is_quoted = false;
  while (!text.empty()) {
    const char c = text.front();
    text.remove_prefix(1);
    if (c == '"') is_quoted = !is_quoted;
    if (is_quoted) continue;
    if (c == '\n') break;
    fields += c == ',';
  }
  require(!is_quoted);
  return fields;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static api::Who who = open_log();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto answers = api::answer_csv(who, text, {}, kNow);
  require(answers.has_value());
  std::string_view rest = *answers;
  const std::size_t heading = fields_of_line(rest);
  require(heading >= 9);
  while (!rest.empty()) require(fields_of_line(rest) == heading);
  return 0;
}
