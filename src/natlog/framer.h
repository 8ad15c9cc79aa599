// How messages are laid out for a connection: one after the other in a stream, or in datagrams.
#pragma once

#include <deque>
#include <string>

#include "natlog/message.h"

namespace yonroku::natlog {

class Framer {
 public:
  virtual ~Framer() = default;
  // A connection begins.
  virtual void begin() = 0;
  // Appends messages to `out`, from the `first` on: as many as fit into `most` octets, and at least one. Into
  // a datagram, where it is one. Returns how many.
  virtual std::size_t frame(const std::deque<Message>& messages, std::size_t first, std::size_t most,
                            Milliseconds now, std::string& out) = 0;
};

// RFC 5426 §3.1: a datagram has one message.
class SyslogDatagrams : public Framer {
 public:
  void begin() override {}
  std::size_t frame(const std::deque<Message>& messages, std::size_t first, std::size_t, Milliseconds,
                    std::string& out) override {
    out += messages[first].octets;
    return 1;
  }
};

// RFC 6587 §3.4.1 and RFC 5425 §4.3: MSG-LEN SP SYSLOG-MSG.
class SyslogStream : public Framer {
 public:
  void begin() override {}
  std::size_t frame(const std::deque<Message>& messages, std::size_t first, std::size_t most, Milliseconds,
                    std::string& out) override {
    std::size_t count = 0;
    do {
      const std::string& octets = messages[first + count++].octets;
      out += std::to_string(octets.size()) + ' ' + octets;
    } while (first + count < messages.size() && out.size() < most);
    return count;
  }
};

}  // namespace yonroku::natlog
