// A Kafka cluster of one broker, librdkafka's own, at a loopback port.
//
//   kafka_tool TOPIC
//
// Prints the broker's place, then every message of the topic as it comes, a line each: key, a blank, value.
// Ends with a signal.
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { kPartitions = 4, kWait = 100 /* milliseconds */ };

static volatile sig_atomic_t is_stopping = 0;
static void stop(int number) {
  (void)number;
  is_stopping = 1;
}

static rd_kafka_t* make(rd_kafka_type_t type, const char* brokers) {
  char words[256];
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  const char* const settings[][2] = {
      {"bootstrap.servers", brokers}, {"group.id", "test"}, {"fetch.wait.max.ms", "50"}};
  for (size_t i = 0; brokers != NULL && i < sizeof settings / sizeof *settings; ++i)
    if (rd_kafka_conf_set(conf, settings[i][0], settings[i][1], words, sizeof words) != RD_KAFKA_CONF_OK) {
      fprintf(stderr, "%s\n", words);
      exit(1);
    }
  rd_kafka_t* made = rd_kafka_new(type, conf, words, sizeof words);
  if (made == NULL) {
    fprintf(stderr, "%s\n", words);
    exit(1);
  }
  return made;
}

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  signal(SIGTERM, stop);
  signal(SIGINT, stop);
  setvbuf(stdout, NULL, _IOLBF, 0);
  rd_kafka_t* const host = make(RD_KAFKA_PRODUCER, NULL);
  rd_kafka_mock_cluster_t* const cluster = rd_kafka_mock_cluster_new(host, 1);
  if (cluster == NULL ||
      rd_kafka_mock_topic_create(cluster, argv[1], kPartitions, 1) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    fprintf(stderr, "no cluster\n");
    return 1;
  }
  const char* const brokers = rd_kafka_mock_cluster_bootstraps(cluster);
  printf("%s\n", brokers);

  rd_kafka_t* const consumer = make(RD_KAFKA_CONSUMER, brokers);
  rd_kafka_poll_set_consumer(consumer);
  rd_kafka_topic_partition_list_t* const parts = rd_kafka_topic_partition_list_new(kPartitions);
  for (int i = 0; i < kPartitions; ++i) rd_kafka_topic_partition_list_add(parts, argv[1], i)->offset = 0;
  rd_kafka_assign(consumer, parts);
  rd_kafka_topic_partition_list_destroy(parts);
  while (!is_stopping) {
    rd_kafka_message_t* const message = rd_kafka_consumer_poll(consumer, kWait);
    if (message == NULL) continue;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
      printf("%.*s %.*s\n", (int)message->key_len, (const char*)message->key, (int)message->len,
             (const char*)message->payload);
    rd_kafka_message_destroy(message);
  }
  rd_kafka_consumer_close(consumer);
  rd_kafka_destroy(consumer);
  rd_kafka_mock_cluster_destroy(cluster);
  rd_kafka_destroy(host);
  return 0;
}
