// Who had which place outside for how long: what events of a NAT come to when begin and end are put together.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "natlog/record.h"

namespace yonroku::natlog {

// Not over. As long as a time in the file, so that writing the end does not move the row.
inline constexpr Milliseconds kOpen = (Milliseconds{1} << 47) - 1;

struct Interval {
  enum class Kind : uint8_t { Block, Binding, Session };
  Kind kind{};
  share::NatProtocol protocol{};  // not of blocks
  bool is_recovered = false;      // it was there before that was logged
  bool is_begin_known = true;     // else it began before `begin`
  int64_t source = 0;             // the row of the catalogue
  share::InsideEndpoint inside;
  share::Ipv4Endpoint outside;
  uint16_t last_port = 0;
  share::Ipv4Endpoint remote;
  Milliseconds begin = 0;
  Milliseconds until = kOpen;

  // The clock may have been set back since it began: then it is what lies between. But what began by `known`
  // may be in other segments too, and keeps the begin that they know it by.
  void end(Milliseconds time, Milliseconds known) {
    until = std::max(begin, time);
    if (begin > known) begin = std::min(begin, time);
  }
  // Only of sessions whose destinations were logged.
  [[nodiscard]] bool is_remote_known() const { return remote != share::Ipv4Endpoint(); }
  [[nodiscard]] bool is_same_as(const Interval& other) const {
    return kind == other.kind && protocol == other.protocol && source == other.source &&
           inside == other.inside && outside == other.outside && remote == other.remote &&
           begin == other.begin;
  }
};
inline constexpr std::size_t kIntervalKinds = 3;

[[nodiscard]] constexpr int64_t place_of(const share::Ipv4Endpoint& endpoint) {
  return int64_t{endpoint.address.value()} << 16 | endpoint.port;
}
[[nodiscard]] constexpr share::Ipv4Endpoint endpoint_of(int64_t place) {
  return {Ipv4Address(static_cast<uint32_t>(place >> 16)), static_cast<uint16_t>(place)};
}

}  // namespace yonroku::natlog
