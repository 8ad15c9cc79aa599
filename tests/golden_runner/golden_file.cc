#include "golden_file.h"

#include <charconv>
#include <fstream>

namespace yonroku::golden {
namespace {

std::string trimmed(std::string text) {
  const auto comment = text.find('#');
  if (comment != std::string::npos) text.resize(comment);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\r')) text.pop_back();
  const auto begin = text.find_first_not_of(' ');
  return begin == std::string::npos ? std::string() : text.substr(begin);
}

Result<void> append_hex(const std::string& line, std::vector<std::byte>& out, const std::string& where) {
  std::string digits;
  for (const char c : line) {
    if (c == ' ') continue;
    if (std::isxdigit(static_cast<unsigned char>(c)) == 0) return fail(where, "not a hex digit");
    digits += c;
  }
  if (digits.size() % 2 != 0) return fail(where, "half an octet");
  for (std::size_t i = 0; i < digits.size(); i += 2)
    out.push_back(static_cast<std::byte>(std::stoi(digits.substr(i, 2), nullptr, 16)));
  return {};
}

// "240" or "239.5" seconds.
Result<Duration> parse_seconds(const std::string& text, const std::string& where) {
  double seconds = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size() || seconds < 0) return fail(where, "no time");
  return Duration::milliseconds(static_cast<int64_t>(seconds * 1000 + 0.5));
}

}  // namespace

Result<GoldenFile> read_golden_file(const std::string& path) {
  std::ifstream in(path);
  if (!in) return fail(path, "cannot be opened");
  GoldenFile file;
  std::vector<std::byte>* hex = nullptr;
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    const std::string where = path + ":" + std::to_string(number);
    if (line.empty() || line[0] == '#') continue;
    if (line[0] == ' ') {
      if (hex == nullptr) return fail(where, "hex outside a packet");
      TRY(append_hex(trimmed(line), *hex, where));
      continue;
    }
    const auto colon = line.find(':');
    if (colon == std::string::npos) return fail(where, "no key");
    const std::string key = line.substr(0, colon);
    const std::string value = trimmed(line.substr(colon + 1));
    hex = nullptr;
    if (key == "config") {
      file.config = value;
    } else if (key == "from-ipv4" || key == "from-ipv6") {
      hex = &file.steps.emplace_back().input;
    } else if (key == "at") {
      file.steps.emplace_back().until = TRY(parse_seconds(value, where));
    } else if (file.steps.empty()) {
      return fail(where, "no input before it");
    } else if (key == "expect") {
      file.steps.back().expect = value;
    } else if (key == "packet") {
      hex = &file.steps.back().packets.emplace_back();
    } else {
      return fail(where, "unknown key " + key);
    }
  }
  if (file.steps.empty() || file.config.empty()) return fail(path, "no steps or no config");
  for (const Step& step : file.steps)
    if (step.expect.empty() != step.until.has_value()) return fail(path, "a step without expect");
  return file;
}

}  // namespace yonroku::golden
