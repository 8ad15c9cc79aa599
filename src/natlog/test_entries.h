// Entries for tests, with addresses of RFC 5737 and RFC 3849.
#pragma once

#include "natlog/record.h"

namespace yonroku::natlog {

inline constexpr Milliseconds kTestTime = 1795262639120;  // 2026-11-21T12:03:59.120Z

inline Source test_source(config::Mechanism mechanism = config::Mechanism::Nat64) {
  config::InstanceSettings settings;
  settings.name = "plat";
  settings.mechanism = mechanism;
  settings.nat.max_sessions = 1000;
  settings.nat.ports_per_subscriber = 64;
  return {7, settings};
}

inline Event test_event(const Source& source, share::NatEvent::Kind kind,
                        share::NatProtocol protocol = share::NatProtocol::Udp) {
  share::NatEvent what;
  what.kind = kind;
  what.protocol = protocol;
  what.inside = {*Ipv6Address::parse("2001:db8:12::7"), {}, 40000};
  what.outside = {*Ipv4Address::parse("198.51.100.2"), 2000};
  what.remote = {*Ipv4Address::parse("203.0.113.80"), 443};
  return {kTestTime, &source, what, 2000};
}

}  // namespace yonroku::natlog
