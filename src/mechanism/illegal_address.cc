#include "mechanism/illegal_address.h"

namespace yonroku::mechanism {

Verdict illegal(Trace* trace, TraceStep step, const TraceAddress& address) noexcept {
  if (trace != nullptr) trace->note(step, address);
  return Verdict::drop(step == TraceStep::IllegalSource ? DropReason::IllegalSource
                                                        : DropReason::IllegalDestination);
}

}  // namespace yonroku::mechanism
