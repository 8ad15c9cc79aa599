// Entries of the log as messages of syslog (RFC 5424 §6): each has all of its fields as structured data, and
// says the same to a reader.
#pragma once

#include <cstdint>
#include <string>

#include "natlog/message.h"
#include "natlog/time_text.h"

namespace yonroku::natlog {

class SyslogEncoder : public Encoder {
 public:
  struct Origin {
    uint8_t facility;  // RFC 5424 §6.2.1
    std::string host;  // any text: what may not stand in HOSTNAME is replaced
    int process;
  };
  explicit SyslogEncoder(const Origin& origin);
  void encode(const Batch& batch, std::vector<Message>& out) override;

 private:
  template <class Entry>
  void encode_entry(const Entry& entry, std::vector<Message>& out);

  unsigned facility_;
  std::string origin_;        // HOSTNAME APP-NAME PROCID
  uint32_t sequence_id_ = 0;  // RFC 5424 §7.3.1
  TimeText time_;
};

}  // namespace yonroku::natlog
