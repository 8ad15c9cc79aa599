// Entries of the log as JSON, in the words of docs/api.md, keyed by the subscriber.
#pragma once

#include "natlog/message.h"
#include "natlog/time_text.h"

namespace yonroku::natlog {

class JsonEncoder : public Encoder {
 public:
  void encode(const Batch& batch, std::vector<Message>& out) override;

 private:
  template <class Entry>
  std::string line_of(const Entry& entry);
  TimeText time_;
};

// Members behind others: ,"event":"binding-created",...
void append_json(std::string& out, const share::NatEvent& event);

}  // namespace yonroku::natlog
