// A packet typed or pasted as hexadecimal octets.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace yonroku::api {

// Pairs of hex digits, with blanks, colons or line breaks between them as anybody likes; `#` comments; the
// offsets
// ("0x0010:") of tcpdump -x are passed over.
[[nodiscard]] Result<std::vector<std::byte>> parse_hex_packet(std::string_view text);

}  // namespace yonroku::api
