// Who receives the log.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "natlog/record.h"

namespace yonroku::natlog {

// Called from one thread. It may wait for a receiver, but no more than seconds: the end of the program waits
// for it.
class Sink {
 public:
  virtual ~Sink() = default;
  // What it is and where, as status and messages call it: "syslog udp [2001:db8::1]:514".
  [[nodiscard]] virtual std::string name() const = 0;
  // What makes it another one than it was, where that is more than its name: at a reload a receiver with the
  // same settings goes on.
  [[nodiscard]] virtual std::string settings() const { return name(); }
  // After an error the same batch comes again: at least once, where the way there can tell.
  virtual Result<void> write(const Batch& batch) = 0;
  // All that was written is where it is to be. Called when nothing more waits, at least once a second, and at
  // the end.
  virtual Result<void> flush() = 0;
  // The end: of what was not written or not flushed, as much as can be is kept for the next start. The first
  // may be the one whose writing failed last. Returns how many entries are lost.
  virtual uint64_t keep(const std::vector<std::shared_ptr<const Batch>>& unwritten) {
    uint64_t lost = 0;
    for (const auto& batch : unwritten) lost += size_of(*batch);
    return lost;
  }
  // What somebody should look at although writing works. In any thread.
  [[nodiscard]] virtual std::optional<std::string> remark() const { return std::nullopt; }
  // After a reload: this one goes on in the place of another of the same name, which was never written to. In
  // any thread.
  virtual void use(const Sink& same_name) { (void)same_name; }
};

using Sinks = std::vector<std::unique_ptr<Sink>>;

}  // namespace yonroku::natlog
