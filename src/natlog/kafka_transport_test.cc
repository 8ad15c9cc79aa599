#include "natlog/kafka_transport.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <array>
#include <chrono>
#include <map>
#include <set>

#include "natlog/json_lines.h"
#include "natlog/test_entries.h"

namespace yonroku::natlog {
namespace {

using Kind = share::NatEvent::Kind;

TEST(JsonLines, InTheWordsOfTheApi) {
  const Source source = test_source();
  std::vector<Message> lines;
  JsonEncoder encoder;
  Event event = test_event(source, Kind::SessionCreated, share::NatProtocol::Tcp);
  event.what.is_recovered = true;
  encoder.encode(std::vector{event}, lines);
  encoder.encode(Note{kTestTime, Note::Kind::Lost, &source, 3}, lines);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].key, "2001:db8:12::7");
  EXPECT_EQ(
      lines[0].octets,
      R"({"time":"2026-11-21T12:03:59.120Z","instance":"plat","event":"session-created","protocol":"tcp",)"
      R"("inside":"2001:db8:12::7","inside-port":40000,"outside":"198.51.100.2","outside-port":2000,)"
      R"("remote":"203.0.113.80","remote-port":443,"recovered":true})");
  EXPECT_EQ(lines[1].key, "plat");
  EXPECT_EQ(lines[1].octets,
            R"({"time":"2026-11-21T12:03:59.120Z","instance":"plat","event":"log-lost","count":3})");
}

TEST(JsonLines, ASubscriberHasOneKey) {
  Source source = test_source();
  source.settings.nat.subscriber_prefix_length = 56;
  std::vector<Message> lines;
  JsonEncoder().encode(std::vector{test_event(source, Kind::BindingCreated)}, lines);
  EXPECT_EQ(lines.at(0).key, "2001:db8:12::");
}

// librdkafka's own cluster, in this process.
class Kafka : public testing::Test {
 protected:
  Kafka() {
    host_ = make(RD_KAFKA_PRODUCER, "");
    cluster_ = rd_kafka_mock_cluster_new(host_, 1);
    rd_kafka_mock_topic_create(cluster_, "log", 2, 1);
  }
  ~Kafka() override {
    rd_kafka_mock_cluster_destroy(cluster_);
    rd_kafka_destroy(host_);
  }
  static rd_kafka_t* make(rd_kafka_type_t type, const std::string& brokers) {
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    std::array<char, 256> words{};
    if (!brokers.empty())
      rd_kafka_conf_set(conf, "bootstrap.servers", brokers.c_str(), words.data(), words.size());
    rd_kafka_conf_set(conf, "group.id", "test", words.data(), words.size());
    return rd_kafka_new(type, conf, words.data(), words.size());
  }
  config::KafkaSettings settings() const {
    config::KafkaSettings settings;
    settings.brokers = {rd_kafka_mock_cluster_bootstraps(cluster_)};
    settings.topic = "log";
    return settings;
  }
  // All that is in the topic, as partition, key and value.
  std::vector<std::tuple<int, std::string, std::string>> consume(std::size_t count) const {
    rd_kafka_t* consumer = make(RD_KAFKA_CONSUMER, rd_kafka_mock_cluster_bootstraps(cluster_));
    rd_kafka_poll_set_consumer(consumer);
    rd_kafka_topic_partition_list_t* parts = rd_kafka_topic_partition_list_new(2);
    for (const int partition : {0, 1}) rd_kafka_topic_partition_list_add(parts, "log", partition)->offset = 0;
    rd_kafka_assign(consumer, parts);
    rd_kafka_topic_partition_list_destroy(parts);
    std::vector<std::tuple<int, std::string, std::string>> all;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (all.size() < count && std::chrono::steady_clock::now() < deadline) {
      rd_kafka_message_t* message = rd_kafka_consumer_poll(consumer, 100);
      if (message == nullptr) continue;
      if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
        all.emplace_back(message->partition, std::string(static_cast<char*>(message->key), message->key_len),
                         std::string(static_cast<char*>(message->payload), message->len));
      rd_kafka_message_destroy(message);
    }
    rd_kafka_consumer_close(consumer);
    rd_kafka_destroy(consumer);
    return all;
  }
  static bool flush(KafkaTransport& transport) {
    for (int i = 0; i < 20; ++i)
      if (transport.flush()) return true;
    return false;
  }

  rd_kafka_t* host_;
  rd_kafka_mock_cluster_t* cluster_;
};

TEST_F(Kafka, OneSubscriberStaysInOrder) {
  KafkaTransport transport(settings());
  std::vector<Message> messages;
  for (int i = 0; i < 1000; ++i)
    messages.push_back({"subscriber " + std::to_string(i % 10), std::to_string(1000 + i)});
  transport.put(messages);
  ASSERT_TRUE(transport.send());
  ASSERT_TRUE(flush(transport));
  std::map<std::string, std::pair<int, std::string>> last;
  const auto received = consume(1000);
  EXPECT_EQ(received.size(), 1000u);
  for (const auto& [partition, key, value] : received) {
    const auto [at, is_new] = last.try_emplace(key, partition, value);
    EXPECT_EQ(at->second.first, partition);
    EXPECT_TRUE(is_new || at->second.second < value) << value;
    at->second.second = value;
  }
  EXPECT_EQ(last.size(), 10u);
  EXPECT_TRUE(transport.take_rest().empty());
}

TEST_F(Kafka, ABrokerThatGoesAndComesBack) {
  KafkaTransport transport(settings());
  transport.put({{"key", "first"}});
  ASSERT_TRUE(transport.send());
  ASSERT_TRUE(flush(transport));
  ASSERT_EQ(rd_kafka_mock_broker_set_down(cluster_, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
  transport.put({{"key", "second"}, {"key", "third"}});
  EXPECT_TRUE(transport.send());
  const auto outcome = transport.flush();
  ASSERT_FALSE(outcome);
  EXPECT_THAT(outcome.error().what, testing::StartsWith("the cluster has not confirmed 2 messages"));
  ASSERT_EQ(rd_kafka_mock_broker_set_up(cluster_, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
  ASSERT_TRUE(flush(transport));
  std::set<std::string> values;
  for (const auto& [partition, key, value] : consume(3)) values.insert(value);
  EXPECT_EQ(values, (std::set<std::string>{"first", "second", "third"}));
}

TEST_F(Kafka, WhatIsNotConfirmedIsGivenBack) {
  KafkaTransport transport(settings());
  ASSERT_EQ(rd_kafka_mock_broker_set_down(cluster_, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
  const std::vector<Message> messages = {{"a", "1"}, {"b", "2"}};
  transport.put(messages);
  EXPECT_TRUE(transport.send());
  EXPECT_FALSE(transport.flush());
  EXPECT_THAT(transport.take_rest(), testing::UnorderedElementsAreArray(messages));
}

}  // namespace
}  // namespace yonroku::natlog
