// Which of the things that happen in a NAT are logged.
#pragma once

#include "config/nat_log_settings.h"
#include "natlog/record.h"

namespace yonroku::natlog {

// What Auto means for an instance (RFC 6888 REQ-14: as little as answers the question).
enum class Detail : uint8_t { Nothing, PortBlocks, Bindings, Sessions };
[[nodiscard]] Detail detail_of(config::LoggedEvents events, const config::InstanceSettings& settings);

// Refusals always are.
[[nodiscard]] bool is_logged(share::NatEvent::Kind kind, Detail detail);

// Refusals come with every packet that is refused: RFC 8158 §5.2 wants them limited. So many a second of each
// kind.
class RefusalLimit {
 public:
  static constexpr unsigned kPerSecond = 10;
  [[nodiscard]] bool passes(share::NatEvent::Kind kind, Milliseconds time);

 private:
  struct Second {
    Milliseconds number = 0;
    unsigned count = 0;
  };
  Second of_kind_[16];
};

}  // namespace yonroku::natlog
