#include "engine/mailbox.h"

namespace yonroku::engine {

void Mailbox::answer() {
  Letter* const letter = take();
  if (letter == nullptr) return;
  (*letter->question)();
  letter->is_answered.store(true, std::memory_order_release);  // the letter is gone after this
}

}  // namespace yonroku::engine
