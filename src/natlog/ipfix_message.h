// Events of a NAT as IPFIX (RFC 7011) with the information elements of RFC 8158. Notes, changes of tables
// and a subscriber's limit of new sessions have no elements there: they are not told.
#pragma once

#include <array>
#include <cstdint>

#include "natlog/framer.h"
#include "natlog/message.h"

namespace yonroku::natlog {

inline constexpr uint16_t kFirstIpfixTemplate = 256;
inline constexpr std::size_t kIpfixTemplateCount = 16;

// A data record for each event; its key is the number of its template, big endian.
class IpfixEncoder : public Encoder {
 public:
  void encode(const Batch& batch, std::vector<Message>& out) override;
};

// Data records to messages. A message has the templates that its records need and the collector may not know.
class IpfixFramer : public Framer {
 public:
  struct Settings {
    uint32_t observation_domain;
    Milliseconds template_interval;  // 0: a collector never forgets one (RFC 7011 §8.4 and §10.4)
  };
  explicit IpfixFramer(Settings settings) : settings_(settings) { begin(); }
  void begin() override;
  std::size_t frame(const std::deque<Message>& messages, std::size_t first, std::size_t most,
                    Milliseconds now, std::string& out) override;

 private:
  [[nodiscard]] bool is_due(std::size_t which, Milliseconds now) const;

  Settings settings_;
  uint32_t sequence_ = 0;  // RFC 7011 §3.1: of the next data record
  std::array<Milliseconds, kIpfixTemplateCount> told_{};
};

}  // namespace yonroku::natlog
