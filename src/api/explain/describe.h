// A packet in words, one line for each header.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace yonroku::api {

struct HeaderLine {
  std::string header;  // "IPv4", "TCP", "data"
  std::string text;
  unsigned depth = 0;  // 1 for the packet that an ICMP error quotes
};

[[nodiscard]] std::vector<HeaderLine> describe_packet(std::span<const std::byte> bytes);

// "45 00 00 14 ..."
[[nodiscard]] std::string to_hex(std::span<const std::byte> bytes);

}  // namespace yonroku::api
