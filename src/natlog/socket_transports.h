// Messages over UDP, TCP and TLS.
#pragma once

#include <deque>
#include <memory>
#include <optional>

#include "natlog/connection.h"
#include "natlog/framer.h"
#include "natlog/message.h"

namespace yonroku::natlog {

// Knows what left, and nothing more; where nobody listens, and the network says so, it waits.
class DatagramTransport : public Transport {
 public:
  DatagramTransport(Destination destination, std::unique_ptr<Framer> framer)
      : destination_(std::move(destination)), framer_(std::move(framer)) {}
  void put(std::vector<Message> messages) override;
  Result<void> send() override;
  Result<void> flush() override { return {}; }
  std::vector<Message> take_rest() override;

 private:
  Result<void> send_some();
  [[nodiscard]] std::size_t largest() const;

  Destination destination_;
  std::unique_ptr<Framer> framer_;
  std::optional<FileDescriptor> socket_;
  std::deque<Message> messages_;
};

// What the receiver's kernel has not confirmed is sent again when the connection breaks; what it has
// confirmed and the receiver never read is lost, and nobody can tell.
class StreamTransport : public Transport {
 public:
  StreamTransport(Destination destination, std::unique_ptr<Framer> framer, std::optional<TlsClient> tls)
      : destination_(std::move(destination)), framer_(std::move(framer)), tls_(std::move(tls)) {}
  void put(std::vector<Message> messages) override;
  Result<void> send() override;
  Result<void> flush() override;
  std::vector<Message> take_rest() override;

 private:
  struct Chunk {
    uint64_t end;  // in the stream
    std::size_t messages;
  };
  Result<void> connect();
  Result<void> write(Deadline deadline);
  Result<void> check();
  void disconnect();
  void release();

  Destination destination_;
  std::unique_ptr<Framer> framer_;
  std::optional<TlsClient> tls_;
  std::optional<StreamConnection> connection_;
  std::deque<Message> messages_;  // first those that are on their way, then those that wait
  std::deque<Chunk> sent_;
  std::size_t on_their_way_ = 0;  // messages, those of `buffer_` included
  std::string buffer_;            // the last of them, from `next_` on not yet written
  std::size_t next_ = 0;
  std::size_t in_buffer_ = 0;  // messages
};

}  // namespace yonroku::natlog
