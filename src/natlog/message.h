// What a receiver in the network gets: one message for an entry of the log. What is in it is its encoder's
// business, how it gets there its transport's.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "natlog/record.h"

namespace yonroku::natlog {

struct Message {
  std::string key;  // of Kafka; of IPFIX the template
  std::string octets;
  friend bool operator==(const Message&, const Message&) = default;
};

class Encoder {
 public:
  virtual ~Encoder() = default;
  // In order, behind what is in `out` already.
  virtual void encode(const Batch& batch, std::vector<Message>& out) = 0;
};

class Transport {
 public:
  virtual ~Transport() = default;
  // The messages are the transport's until they have arrived.
  virtual void put(std::vector<Message> messages) = 0;
  // Sends what it has, for a few seconds. After an error some is still here: the next call goes on with it.
  virtual Result<void> send() = 0;
  // All has arrived, as far as the transport can tell. Waits a second at most.
  virtual Result<void> flush() = 0;
  // The end: what has not arrived, or may not have, oldest first.
  virtual std::vector<Message> take_rest() = 0;
};

}  // namespace yonroku::natlog
