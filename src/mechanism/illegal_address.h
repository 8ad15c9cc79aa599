// What becomes of a packet whose source or destination no router may forward (RFC 1812 §5.3.7, RFC 7915
// §4.1).
#pragma once

#include "base/hot.h"
#include "packet/trace.h"
#include "packet/verdict.h"

namespace yonroku::mechanism {

// `step` is IllegalSource or IllegalDestination: noted where somebody asked, and the reason of the drop.
YONROKU_COLD Verdict illegal(Trace* trace, TraceStep step, const TraceAddress& address) noexcept;

}  // namespace yonroku::mechanism
