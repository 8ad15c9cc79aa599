// Messages to a topic of a Kafka cluster. Each counts as sent once all replicas have it; those with the same
// key stay in order. librdkafka is seen by kafka_transport.cc alone.
#pragma once

#include <deque>
#include <memory>

#include "config/nat_log_settings.h"
#include "natlog/message.h"

struct rd_kafka_s;
struct rd_kafka_message_s;

namespace yonroku::natlog {

class KafkaTransport : public Transport {
 public:
  explicit KafkaTransport(config::KafkaSettings settings) : settings_(std::move(settings)) {}
  ~KafkaTransport() override;
  KafkaTransport(const KafkaTransport&) = delete;
  KafkaTransport& operator=(const KafkaTransport&) = delete;
  void put(std::vector<Message> messages) override;
  Result<void> send() override;
  Result<void> flush() override;
  std::vector<Message> take_rest() override;

 private:
  Result<void> open();
  void delivered(const rd_kafka_message_s& report);
  [[nodiscard]] std::unexpected<Error> failure(std::string what) const;

  config::KafkaSettings settings_;
  rd_kafka_s* kafka_ = nullptr;
  std::deque<Message> waiting_;   // not yet given to librdkafka
  std::vector<Message> refused_;  // by the cluster; they go again
  std::string last_error_;
};

}  // namespace yonroku::natlog
