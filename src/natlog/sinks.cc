#include "natlog/sinks.h"

namespace yonroku::natlog {

Result<Sinks> open_sinks(const config::NatLogSettings&, const std::optional<std::string>&) { return Sinks(); }

}  // namespace yonroku::natlog
