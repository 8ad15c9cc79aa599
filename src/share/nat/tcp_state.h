// What a NAT follows of a TCP connection (RFC 6146 §3.5.2, RFC 7857 §2): enough to know how long to remember
// it. Sequence numbers are not looked at.
//
//                 SYN outside                       FIN inside       FIN outside
//   InsideInit ───────────────► Established ─────► InsideFin ─────────────► BothFin
//   OutsideInit ──────────────►             ─────► OutsideFin ────────────►
//                 SYN inside          │ ▲           FIN outside     FIN inside
//                                 RST ▼ │ anything else
//                                  Transitory
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "packet/headers.h"

namespace yonroku::share {

enum class TcpState : uint8_t {
  InsideInit,   // RFC 6146: V6 INIT
  OutsideInit,  // V4 INIT
  Established,
  InsideFin,   // V6 FIN RCV
  OutsideFin,  // V4 FIN RCV
  BothFin,     // V4 FIN + V6 FIN RCV
  Transitory,  // TRANS
};
inline constexpr std::size_t kTcpStateCount = 7;

constexpr std::string_view to_string(TcpState state) {
  constexpr std::string_view kTexts[kTcpStateCount] = {
      "inside-init", "outside-init", "established", "inside-fin", "outside-fin", "both-fin", "transitory"};
  return kTexts[static_cast<std::size_t>(state)];
}

enum class NatSide : uint8_t { Inside, Outside };

// What becomes of the time that the session has left.
enum class TcpLifetime : uint8_t { Unchanged, Opening, Established, Closing };

struct TcpStep {
  TcpState state;
  TcpLifetime lifetime;
};

// Connections that a new SYN or a shortage may end first.
constexpr bool is_transitory(TcpState state) {
  return state == TcpState::InsideInit || state == TcpState::OutsideInit || state == TcpState::BothFin ||
         state == TcpState::Transitory;
}

// Opens a connection: a SYN, and neither an answer to one nor a refusal.
constexpr bool opens(uint8_t flags) {
  return (flags & (TcpHeader::kSyn | TcpHeader::kAck | TcpHeader::kRst)) == TcpHeader::kSyn;
}

// A packet with these flags came from `side`.
constexpr TcpStep next_tcp_state(TcpState state, NatSide side, uint8_t flags) {
  const bool syn = (flags & TcpHeader::kSyn) != 0;
  const bool fin = (flags & TcpHeader::kFin) != 0;
  const bool rst = (flags & TcpHeader::kRst) != 0;
  const bool inside = side == NatSide::Inside;
  switch (state) {
    case TcpState::InsideInit:
      if (syn && !inside) return {TcpState::Established, TcpLifetime::Established};
      return {state, syn ? TcpLifetime::Opening : TcpLifetime::Unchanged};
    case TcpState::OutsideInit:
      if (syn && inside) return {TcpState::Established, TcpLifetime::Established};
      return {state, syn ? TcpLifetime::Opening : TcpLifetime::Unchanged};
    case TcpState::Established:
      if (rst) return {TcpState::Transitory, TcpLifetime::Closing};
      if (fin) return {inside ? TcpState::InsideFin : TcpState::OutsideFin, TcpLifetime::Unchanged};
      return {state, TcpLifetime::Established};
    case TcpState::InsideFin:
      if (fin && !inside) return {TcpState::BothFin, TcpLifetime::Closing};
      return {state, TcpLifetime::Established};
    case TcpState::OutsideFin:
      if (fin && inside) return {TcpState::BothFin, TcpLifetime::Closing};
      return {state, TcpLifetime::Established};
    case TcpState::BothFin:
      // Deviates from RFC 6146 §3.5.2.2, which lets nothing but time end this state: a host that opens the
      // same connection again is not made to wait.
      if (syn && inside && !rst) return {TcpState::InsideInit, TcpLifetime::Opening};
      return {state, TcpLifetime::Unchanged};
    case TcpState::Transitory:
      if (rst) return {state, TcpLifetime::Unchanged};
      if (syn && inside) return {TcpState::InsideInit, TcpLifetime::Opening};
      return {TcpState::Established, TcpLifetime::Established};
  }
  return {state, TcpLifetime::Unchanged};
}

}  // namespace yonroku::share
