// Every mechanism's first question: which version is it?
#pragma once

#include <cstdint>

#include "base/hot.h"
#include "packet/packet.h"
#include "packet/verdict.h"

namespace yonroku::mechanism {

// The verdict of from_ipv4() or from_ipv6(); truncated-header, bad-version.
template <class FromIpv4, class FromIpv6>
YONROKU_HOT_INLINE Verdict by_version(const Packet& packet, FromIpv4&& from_ipv4, FromIpv6&& from_ipv6) {
  if (packet.size() == 0) return Verdict::drop(DropReason::TruncatedHeader);
  switch (static_cast<uint8_t>(*packet.data()) >> 4) {
    case 4: return from_ipv4();
    case 6: return from_ipv6();
    default: return Verdict::drop(DropReason::BadVersion);
  }
}

}  // namespace yonroku::mechanism
