// Numbers as people read them.
#pragma once

#include <cstdint>
#include <string>

namespace yonroku::api {

// 1234567 as "1,234,567".
[[nodiscard]] std::string grouped(uint64_t number);
// "1 session", "2 sessions".
[[nodiscard]] std::string counted(uint64_t number, const char* thing);
// "12 %"; "<1 %" of something but not much.
[[nodiscard]] std::string percent_text(uint64_t part, uint64_t whole);

// Octets as "12 kB".
[[nodiscard]] std::string size_text(uint64_t octets);

}  // namespace yonroku::api
