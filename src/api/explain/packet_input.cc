#include "api/explain/packet_input.h"

#include <cctype>
#include <string>

namespace yonroku::api {
namespace {

bool is_hex(char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; }

unsigned digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  return static_cast<unsigned>((c | 0x20) - 'a') + 10;
}

// "0x0010:" at the beginning of a line.
std::string_view without_offset(std::string_view line) {
  const auto begin = line.find_first_not_of(" \t");
  if (begin == std::string_view::npos || !line.substr(begin).starts_with("0x")) return line;
  auto end = begin + 2;
  while (end < line.size() && is_hex(line[end])) ++end;
  return end > begin + 2 && end < line.size() && line[end] == ':' ? line.substr(end + 1) : line;
}

Result<void> append_line(std::string_view line, std::vector<std::byte>& packet) {
  line = without_offset(line.substr(0, line.find('#')));
  for (std::size_t i = 0; i < line.size();) {
    if (line[i] == ' ' || line[i] == '\t' || line[i] == '\r' || line[i] == ':') {
      ++i;
      continue;
    }
    if (!is_hex(line[i]))
      return fail("", "'" + std::string(line.substr(i, 1)) + "' is no hexadecimal digit",
                  "give octets such as \"45 00 00 14 …\", or the path of a capture file");
    if (i + 1 >= line.size() || !is_hex(line[i + 1]))
      return fail("", "an octet has two hexadecimal digits, and one is missing",
                  "give octets such as \"45 00 00 14 …\"");
    packet.push_back(static_cast<std::byte>(digit(line[i]) << 4 | digit(line[i + 1])));
    i += 2;
  }
  return {};
}

}  // namespace

Result<std::vector<std::byte>> parse_hex_packet(std::string_view text) {
  std::vector<std::byte> packet;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    TRY(append_line(line, packet));
  }
  if (packet.empty()) return fail("", "there is no octet in it", "give octets such as \"45 00 00 14 …\"");
  return packet;
}

}  // namespace yonroku::api
