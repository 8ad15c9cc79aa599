// Who receives the log.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "natlog/record.h"

namespace yonroku::natlog {

// Called from one thread, which may wait as long as it takes.
class Sink {
 public:
  virtual ~Sink() = default;
  // What it is and where, as status and messages call it: "syslog udp [2001:db8::1]:514".
  [[nodiscard]] virtual std::string name() const = 0;
  // After an error the same batch comes again: at least once, where the way there can tell.
  virtual Result<void> write(const Batch& batch) = 0;
  // All that was written is where it is to be. Called when nothing more waits, at least once a second, and at
  // the end.
  virtual Result<void> flush() = 0;
};

using Sinks = std::vector<std::unique_ptr<Sink>>;

}  // namespace yonroku::natlog
