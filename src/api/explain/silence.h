// Why nobody is told about a dropped packet.
#pragma once

#include <cstddef>
#include <span>

#include "api/explain/decisions.h"
#include "engine/icmp_reply.h"
#include "packet/verdict.h"

namespace yonroku::api {

// About a packet that was dropped, and not answered.
[[nodiscard]] Decision decision_of_silence(std::span<const std::byte> dropped, const Verdict& verdict,
                                           const engine::IcmpReplySettings& settings);

}  // namespace yonroku::api
