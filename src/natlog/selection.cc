#include "natlog/selection.h"

namespace yonroku::natlog {

using Kind = share::NatEvent::Kind;

Detail detail_of(config::LoggedEvents events, const config::InstanceSettings& settings) {
  switch (events) {
    case config::LoggedEvents::PortBlocks: return Detail::PortBlocks;
    case config::LoggedEvents::Bindings: return Detail::Bindings;
    case config::LoggedEvents::Sessions: return Detail::Sessions;
    case config::LoggedEvents::Auto: break;
  }
  switch (settings.nat.allocation) {
    case share::PortAllocation::Blocks: return Detail::PortBlocks;
    case share::PortAllocation::Deterministic: return Detail::Nothing;
    case share::PortAllocation::Dynamic: break;
  }
  return Detail::Bindings;
}

bool is_logged(Kind kind, Detail detail) {
  switch (kind) {
    case Kind::BindingCreated:
    case Kind::BindingEnded: return detail == Detail::Bindings;
    // RFC 8158 §5.2: where destinations are not logged, a session says no more than its binding.
    case Kind::SessionCreated:
    case Kind::SessionEnded: return detail == Detail::Sessions;
    case Kind::PortBlockTaken:
    case Kind::PortBlockReturned: return detail == Detail::PortBlocks;
    case Kind::PortsExhausted:
    case Kind::LimitExceeded:
    case Kind::TableFull: return true;
  }
  return false;
}

bool RefusalLimit::passes(Kind kind, Milliseconds time) {
  if (kind != Kind::PortsExhausted && kind != Kind::LimitExceeded && kind != Kind::TableFull) return true;
  Second& second = of_kind_[static_cast<std::size_t>(kind) % std::size(of_kind_)];
  if (time / 1000 != second.number) second = {time / 1000, 0};
  return ++second.count <= kPerSecond;
}

}  // namespace yonroku::natlog
