#include "observe/totals.h"

namespace yonroku::observe {

void Totals::add(const Counters& counters) {
  for (std::size_t i = 0; i < received.size(); ++i) received[i] += counters.received[i].value();
  for (std::size_t d = 0; d < kDirections; ++d) {
    for (std::size_t p = 0; p < kProtocols; ++p) {
      translated[d][p].packets += counters.translated[d][p].packets.value();
      translated[d][p].octets += counters.translated[d][p].octets.value();
    }
  }
  for (std::size_t i = 0; i < dropped.size(); ++i)
    for_each_kind([&](PacketKind kind) {
      const uint64_t count = counters.dropped[i].by_kind[kind].value();
      dropped_by_kind[i][kind] += count;
      dropped[i] += count;
    });
  for (std::size_t i = 0; i < icmp_errors_sent.size(); ++i)
    icmp_errors_sent[i] += counters.icmp_errors_sent[i].value();
  for (std::size_t i = 0; i < too_big_sent.size(); ++i) too_big_sent[i] += counters.too_big_sent[i].value();
  for (std::size_t d = 0; d < kDirections; ++d) too_big_forwarded[d] += counters.too_big_forwarded[d].value();
  icmp_errors_limited += counters.icmp_errors_limited.value();
  segmented += counters.segmented.value();
  reassembled += counters.reassembled.value();
  handed_over += counters.handed_over.value();
  reassembled_fragments += counters.reassembled_fragments.value();
  segments += counters.segments.value();
  fragments += counters.fragments.value();
  not_sent += counters.not_sent.value();
  batches += counters.batches.value();
}

}  // namespace yonroku::observe
