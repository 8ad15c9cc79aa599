#include "natlog/kafka_transport.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <librdkafka/rdkafka.h>
#include <spdlog/spdlog.h>

#include <array>
#include <chrono>
#include <functional>

#include "natlog/password_file.h"

namespace yonroku::natlog {
namespace {

using std::chrono::steady_clock;

constexpr int kFlushWithin = 1000;  // milliseconds
constexpr std::chrono::milliseconds kSendWithin{1000};
constexpr int kPollFor = 50;  // milliseconds

using Set = std::function<void(const char* name, const std::string& value)>;

void set_security(const Set& set, const config::KafkaSettings& settings, const std::string& password) {
  static constexpr const char* kMechanisms[] = {"", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"};
  const bool is_tls = settings.transport == config::KafkaSettings::Transport::Tls;
  const bool is_sasl = settings.sasl != config::KafkaSettings::Sasl::None;
  if (is_sasl) {
    set("sasl.mechanism", kMechanisms[static_cast<std::size_t>(settings.sasl)]);
    set("sasl.username", settings.username);
    set("sasl.password", password);
  }
  set("security.protocol", std::string(is_sasl ? "sasl_" : "") + (is_tls ? "ssl" : "plaintext"));
  if (!is_tls) return;
  set("ssl.endpoint.identification.algorithm", "https");  // RFC 6125
  const auto set_file = [&](const char* name, const std::optional<std::string>& file) {
    if (file) set(name, *file);
  };
  set_file("ssl.ca.location", settings.tls.ca_file);
  set_file("ssl.certificate.location", settings.tls.certificate);
  set_file("ssl.key.location",
           settings.tls.private_key ? settings.tls.private_key : settings.tls.certificate);
}

}  // namespace

KafkaTransport::~KafkaTransport() {
  if (kafka_ == nullptr) return;
  (void)rd_kafka_purge(kafka_, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  rd_kafka_destroy(kafka_);
}

std::unexpected<Error> KafkaTransport::failure(std::string what) const {
  return fail({}, last_error_.empty() ? std::move(what) : fmt::format("{}: {}", what, last_error_));
}

Result<void> KafkaTransport::open() {
  std::string password;
  if (settings_.sasl != config::KafkaSettings::Sasl::None)
    password = TRY(read_password(settings_.password_file));
  rd_kafka_conf_t* const conf = rd_kafka_conf_new();
  std::array<char, 512> words{};
  Result<void> outcome;
  const auto set = [&](const char* name, const std::string& value) {
    if (outcome &&
        rd_kafka_conf_set(conf, name, value.c_str(), words.data(), words.size()) != RD_KAFKA_CONF_OK)
      outcome = fail({}, words.data());
  };
  set("client.id", "yonroku");
  set("bootstrap.servers", fmt::format("{}", fmt::join(settings_.brokers, ",")));
  set("acks", "all");
  // In order, also when one has to be sent again.
  set("max.in.flight.requests.per.connection", "1");
  set("message.timeout.ms", "0");  // never given up: the queue before us is bounded
  set("partitioner", "murmur2_random");
  set("linger.ms", "20");
  set("compression.codec", "lz4");
  set("reconnect.backoff.max.ms", "2000");
  set_security(set, settings_, password);
  rd_kafka_conf_set_opaque(conf, this);
  rd_kafka_conf_set_dr_msg_cb(conf, [](rd_kafka_t*, const rd_kafka_message_t* report, void* transport) {
    static_cast<KafkaTransport*>(transport)->delivered(*report);
  });
  rd_kafka_conf_set_error_cb(conf, [](rd_kafka_t*, int, const char* reason, void* transport) {
    static_cast<KafkaTransport*>(transport)->last_error_ = reason;
  });
  rd_kafka_conf_set_log_cb(
      conf, [](const rd_kafka_t*, int, const char*, const char* text) { spdlog::debug("kafka: {}", text); });
  if (outcome) {
    kafka_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, words.data(), words.size());
    if (kafka_ == nullptr) outcome = fail({}, words.data());
  }
  if (kafka_ == nullptr) rd_kafka_conf_destroy(conf);
  return outcome;
}

void KafkaTransport::delivered(const rd_kafka_message_s& report) {
  if (report.err == RD_KAFKA_RESP_ERR_NO_ERROR) {
    last_error_.clear();
    return;
  }
  last_error_ = rd_kafka_err2str(report.err);
  refused_.push_back({{static_cast<const char*>(report.key), report.key_len},
                      {static_cast<const char*>(report.payload), report.len}});
}

void KafkaTransport::put(std::vector<Message> messages) {
  waiting_.insert(waiting_.end(), std::make_move_iterator(messages.begin()),
                  std::make_move_iterator(messages.end()));
}

Result<void> KafkaTransport::send() {
  if (kafka_ == nullptr) TRY(open());
  const auto deadline = steady_clock::now() + kSendWithin;
  waiting_.insert(waiting_.begin(), std::make_move_iterator(refused_.begin()),
                  std::make_move_iterator(refused_.end()));
  refused_.clear();
  while (!waiting_.empty()) {
    Message& next = waiting_.front();
    const auto outcome = rd_kafka_producev(kafka_, RD_KAFKA_V_TOPIC(settings_.topic.c_str()),
                                           RD_KAFKA_V_KEY(next.key.data(), next.key.size()),
                                           RD_KAFKA_V_VALUE(next.octets.data(), next.octets.size()),
                                           RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
    if (outcome == RD_KAFKA_RESP_ERR_NO_ERROR) {
      waiting_.pop_front();
    } else if (outcome != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
      return fail({}, rd_kafka_err2str(outcome));
    } else if (steady_clock::now() >= deadline) {
      return failure("the cluster takes nothing");
    } else {
      rd_kafka_poll(kafka_, kPollFor);
    }
  }
  rd_kafka_poll(kafka_, 0);
  return {};
}

Result<void> KafkaTransport::flush() {
  TRY(send());
  (void)rd_kafka_flush(kafka_, kFlushWithin);
  const auto left = static_cast<std::size_t>(rd_kafka_outq_len(kafka_)) + refused_.size();
  if (left != 0) return failure(fmt::format("the cluster has not confirmed {} messages", left));
  return {};
}

std::vector<Message> KafkaTransport::take_rest() {
  if (kafka_ != nullptr) {
    (void)rd_kafka_purge(kafka_, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    (void)rd_kafka_flush(kafka_, kFlushWithin);
  }
  std::vector<Message> rest = std::exchange(refused_, {});
  rest.insert(rest.end(), std::make_move_iterator(waiting_.begin()), std::make_move_iterator(waiting_.end()));
  waiting_.clear();
  return rest;
}

}  // namespace yonroku::natlog
