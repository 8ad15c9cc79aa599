#include "natlog/network_sink.h"

#include <spdlog/spdlog.h>

#include <iterator>

namespace yonroku::natlog {

void NetworkSink::put_unsent() {
  if (std::exchange(has_looked_, true)) return;
  std::vector<Message> messages = unsent_.read();
  if (messages.empty()) return;
  spdlog::info("{}: {} messages were kept for it", name_, messages.size());
  transport_->put(std::move(messages));
}

Result<void> NetworkSink::write(const Batch& batch) {
  put_unsent();
  if (!has_put_) {
    std::vector<Message> messages;
    encoder_->encode(batch, messages);
    transport_->put(std::move(messages));
  }
  auto outcome = transport_->send();
  has_put_ = !outcome;
  return outcome;
}

Result<void> NetworkSink::flush() {
  auto outcome = transport_->flush();
  if (outcome) unsent_.remove();
  return outcome;
}

uint64_t NetworkSink::keep(const std::vector<std::shared_ptr<const Batch>>& unwritten) {
  put_unsent();
  // What a receiver of the same name, which ended after this one began, has left there. What both had comes
  // twice.
  std::vector<Message> messages;
  if (!unsent_.is_as_read()) messages = unsent_.read();
  std::vector<Message> rest = transport_->take_rest();
  messages.insert(messages.end(), std::make_move_iterator(rest.begin()), std::make_move_iterator(rest.end()));
  for (const auto& batch : unwritten)
    if (!std::exchange(has_put_, false)) encoder_->encode(*batch, messages);
  if (messages.empty()) return 0;
  const auto kept = unsent_.write(messages);
  if (!kept) spdlog::error("{}: {}", name_, kept.error().to_string());
  const std::size_t count = kept ? *kept : 0;
  if (count != 0) spdlog::info("{}: {} messages are kept for the next start", name_, count);
  return messages.size() - count;
}

}  // namespace yonroku::natlog
