// A receiver in the network: an encoder and a transport. What has not arrived at the end is kept in a file,
// and goes first at the next start.
#pragma once

#include <memory>
#include <string>

#include "natlog/message.h"
#include "natlog/sink.h"
#include "natlog/unsent_file.h"

namespace yonroku::natlog {

class NetworkSink : public Sink {
 public:
  // `settings`: all that makes it what it is, as text.
  NetworkSink(std::string name, std::string settings, std::unique_ptr<Encoder> encoder,
              std::unique_ptr<Transport> transport, UnsentFile unsent)
      : name_(std::move(name)),
        settings_(std::move(settings)),
        encoder_(std::move(encoder)),
        transport_(std::move(transport)),
        unsent_(std::move(unsent)) {}
  [[nodiscard]] std::string name() const override { return name_; }
  [[nodiscard]] std::string settings() const override { return settings_; }
  Result<void> write(const Batch& batch) override;
  Result<void> flush() override;
  uint64_t keep(const std::vector<std::shared_ptr<const Batch>>& unwritten) override;

 private:
  void put_unsent();

  std::string name_;
  std::string settings_;
  std::unique_ptr<Encoder> encoder_;
  std::unique_ptr<Transport> transport_;
  UnsentFile unsent_;
  bool has_looked_ = false;  // into the file
  bool has_put_ = false;     // the batch that comes again
};

}  // namespace yonroku::natlog
