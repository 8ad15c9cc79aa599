// What must be true of whatever the translator makes of a packet, by a reader of its own
// (packet/test_packets.h): lengths, checksums, hop limits, fragments, sizes. Knows RFC 7915's invariants, not
// its tables: the golden corpus has those.
#pragma once

#include <vector>

#include "engine/pipeline.h"
#include "require.h"
#include "translator_choices.h"

namespace yonroku::fuzz {

struct Output {
  test::Octets octets;
  Offload offload;
};

// What a device would send: the checksum over everything from where it was asked to begin.
inline test::Octets completed(test::Octets octets, std::size_t total, const Offload& offload) {
  octets.resize(total);
  const std::size_t field = offload.checksum_start + std::size_t{offload.checksum_offset};
  if (!offload.partial_checksum || field + 2 > total) return octets;
  const auto sum = static_cast<uint16_t>(~test::ones_sum(test::View(octets).subspan(offload.checksum_start)));
  test::put16(octets, field, sum == 0 && offload.checksum_offset == 6 ? 0xffff : sum);
  return octets;
}

class Oracle {
 public:
  Oracle(const Input& input, const config::InstanceSettings& settings, const engine::Pipeline& pipeline,
         const engine::Pipeline::Outcome& outcome)
      : input_(input), settings_(settings), outcome_(outcome), counters_(pipeline.counters()) {
    seen_ = test::see(input.octets);
    segmented_ = counters_.segmented.value() > 0;
    if (seen_) was_ = completed(input.octets, seen_->total, input.offload);
    if (seen_) was_sum_ = test::transport_sum(was_, *seen_);
  }

  void check(const std::vector<Output>& outputs) const {
    check_counters(outputs);
    if (!outputs.empty()) REQUIRE(seen_ && seen_->header_checksum_right);
    std::vector<const Output*> fragments;
    for (const Output& output : outputs) {
      if (is_reply(output)) {
        check_reply(output);
        continue;
      }
      REQUIRE(segmented_ || outcome_.verdict.action != Verdict::Action::Drop);
      check_alone(output);
      fragments.push_back(&output);
      const auto seen = test::see(output.octets);
      if (!seen->more_fragments) check_whole(std::exchange(fragments, {}));
    }
    if (!fragments.empty()) check_whole(fragments);
  }

 private:
  [[nodiscard]] bool is_super() const { return input_.offload.is_super_packet(); }
  [[nodiscard]] bool is_hairpinned(const test::Seen& out) const {
    return out.version == 6 && seen_->version == 6;
  }
  [[nodiscard]] bool is_icmp() const {
    return seen_->protocol == (seen_->version == 4 ? test::kIcmp : test::kIcmpv6);
  }
  [[nodiscard]] bool is_icmp_error() const {
    if (!is_icmp() || seen_->fragment_offset != 0 || seen_->transport >= seen_->total) return false;
    const uint8_t type = input_.octets[seen_->transport];
    return seen_->version == 6 ? type < 128
                               : (type >= 3 && type <= 5) || type == 11 || type == 12;  // RFC 1122 §3.2.2
  }
  // A transport header that the device is asked about, where it belongs.
  [[nodiscard]] bool has_sane_offload() const {
    const Offload& offload = input_.offload;
    if (is_super() && seen_->is_fragment()) return false;
    if (!offload.partial_checksum) return true;
    const auto at = test::checksum_offset(*seen_);
    return at && offload.checksum_start == seen_->transport &&
           offload.checksum_start + offload.checksum_offset == *at;
  }

  void check_counters(const std::vector<Output>& outputs) const {
    uint64_t decided = 0;
    for (const auto& reason : counters_.dropped) decided += reason.value();
    for (const auto& direction : counters_.translated)
      for (const auto& flow : direction) decided += flow.packets.value();
    const uint64_t replies = counters_.icmp_errors_sent[0].value() + counters_.icmp_errors_sent[1].value();
    REQUIRE(counters_.received[0].value() + counters_.received[1].value() == 1);
    REQUIRE(decided == (segmented_ ? counters_.segments.value() : 1));
    REQUIRE(counters_.dropped[0].value() == 0);
    if (segmented_) return;
    REQUIRE(outcome_.replied == (replies == 1));
    if (outcome_.verdict.action == Verdict::Action::Drop) REQUIRE(outputs.size() == replies);
    if (outcome_.verdict.action != Verdict::Action::Drop) REQUIRE(!outputs.empty() && replies == 0);
    if (counters_.fragments.value() > 0) REQUIRE(counters_.fragments.value() == outputs.size());
  }

  [[nodiscard]] bool is_reply(const Output& output) const {
    if (!segmented_) return outcome_.replied;
    // Of super-packets, which are never ICMP.
    const auto seen = test::see(output.octets);
    return seen && (seen->protocol == test::kIcmp || seen->protocol == test::kIcmpv6) &&
           seen->version == seen_->version;
  }

  void check_reply(const Output& output) const {
    const auto seen = test::see(output.octets);
    REQUIRE(seen && seen->total == output.octets.size() && seen->version == seen_->version);
    REQUIRE(seen->header_checksum_right && test::transport_sum(output.octets, *seen) == 0xffff);
    REQUIRE(seen->destination == seen_->source && seen->hop_limit == 64 && !seen->is_fragment());
    REQUIRE(output.octets.size() <= (seen->version == 4 ? 576u : 1280u));
    REQUIRE(!output.offload.partial_checksum && !output.offload.is_super_packet());
    REQUIRE(!is_icmp_error() && seen_->fragment_offset == 0);
    if (segmented_) return;
    const test::View quote = test::View(output.octets).subspan(seen->transport + 8);
    REQUIRE(quote.size() ==
            std::min(seen_->total, (seen->version == 4 ? 576u : 1280u) - seen->transport - 8));
    REQUIRE(std::equal(quote.begin(), quote.end(), input_.octets.begin()) ||
            std::equal(quote.begin(), quote.end(), was_.begin()));
  }

  // What can be said of one packet, fragment or not.
  void check_alone(const Output& output) const {
    const auto seen = test::see(output.octets);
    REQUIRE(seen && seen->total == output.octets.size() && seen->header_checksum_right);
    REQUIRE(seen->hop_limit + 1 == seen_->hop_limit);
    REQUIRE(seen->transport == (seen->version == 4 ? 20u : seen->has_fragment_header ? 48u : 40u));
    const uint8_t first = output.octets[6];
    if (seen->version == 6) REQUIRE(first != 0 && first != 43 && first != 60);
    const uint8_t tos =
        seen_->version == 6 ? settings_.tos.value_or(seen_->traffic_class) : seen_->traffic_class;
    REQUIRE(seen->traffic_class == (seen->version == 6 ? settings_.traffic_class.value_or(tos) : tos));
    if (seen->version == 4) REQUIRE((output.octets[6] & 0x80) == 0);
    check_size(*seen, output);
    check_offload(*seen, output);
  }

  void check_size(const test::Seen& seen, const Output& output) const {
    std::size_t size = seen.total;
    if (output.offload.is_super_packet()) {
      const std::size_t header =
          seen.protocol == test::kTcp ? (output.octets[seen.transport + 12] >> 4) * 4u : 8u;
      size = std::min(size, seen.transport + header + output.offload.segment_size);
    }
    if (is_icmp_error()) {
      // A hairpinned packet never meets the IPv4 link.
      REQUIRE(size <= (seen.version == 4 ? std::min<std::size_t>(576, settings_.ipv4_mtu) : 1280));
    } else if (seen.version == 4) {
      REQUIRE(size <= settings_.ipv4_mtu);
    } else if (seen_->version == 4 && !seen_->dont_fragment) {
      REQUIRE(size <= settings_.lowest_ipv6_mtu);
    } else {
      REQUIRE(size <= settings_.ipv6_mtu);
    }
  }

  void check_offload(const test::Seen& seen, const Output& output) const {
    const Offload& offload = output.offload;
    if (segmented_) REQUIRE(!offload.is_super_packet() && !offload.partial_checksum);
    if (offload.partial_checksum)
      REQUIRE(offload.checksum_start + offload.checksum_offset + 2u <= output.octets.size());
    if (!offload.is_super_packet()) return;
    REQUIRE(is_super() && offload.segment_size == input_.offload.segment_size && offload.partial_checksum);
    REQUIRE(offload.checksum_start == seen.transport);
    REQUIRE(offload.segmentation == (seen.protocol == test::kUdp ? Offload::Segmentation::Udp
                                     : seen.version == 4         ? Offload::Segmentation::TcpIpv4
                                                                 : Offload::Segmentation::TcpIpv6));
  }

  // Fragments of one packet, or one packet: put together, it carries what came in.
  void check_whole(const std::vector<const Output*>& fragments) const {
    if (!has_sane_offload()) return;
    const auto first = *test::see(fragments.front()->octets);
    test::Octets whole = fragments.front()->octets;
    for (std::size_t i = 1; i < fragments.size(); ++i) {
      const auto next = *test::see(fragments[i]->octets);
      const auto before = *test::see(fragments[i - 1]->octets);
      REQUIRE(next.identification == first.identification && next.protocol == first.protocol);
      REQUIRE(next.source == first.source && next.destination == first.destination);
      REQUIRE(before.more_fragments);
      REQUIRE(next.fragment_offset == before.fragment_offset + before.total - before.transport);
      REQUIRE((before.total - before.transport) % 8 == 0);
      whole.insert(whole.end(), fragments[i]->octets.begin() + static_cast<std::ptrdiff_t>(next.transport),
                   fragments[i]->octets.end());
    }
    const auto last = *test::see(fragments.back()->octets);
    REQUIRE(first.fragment_offset == seen_->fragment_offset);
    REQUIRE(last.more_fragments == seen_->more_fragments);
    if (seen_->is_fragment()) REQUIRE((first.identification & 0xffff) == (seen_->identification & 0xffff));
    if (first.version == 4)
      REQUIRE(is_super() || is_icmp_error() ||
              first.dont_fragment == (!seen_->has_fragment_header && whole.size() > 1260));
    if (fragments.size() > 1) REQUIRE(!fragments.front()->offload.partial_checksum);

    // As if it had never been cut.
    const std::size_t payload = whole.size() - first.transport;
    if (first.version == 4) {
      test::put16(whole, 2, static_cast<uint32_t>(whole.size()));
      test::put16(whole, 6,
                  static_cast<uint32_t>(first.fragment_offset / 8 | (last.more_fragments ? test::kMf : 0)));
    } else {
      test::put16(whole, 4, static_cast<uint32_t>(whole.size() - 40));
      if (first.has_fragment_header)
        test::put16(whole, 42, static_cast<uint32_t>(first.fragment_offset | (last.more_fragments ? 1 : 0)));
    }
    if (payload > 65535) return;
    check_transport(completed(std::move(whole), first.transport + payload, fragments.front()->offload));
  }

  void check_transport(const test::Octets& now) const {
    const auto seen = *test::see(now);
    const auto now_sum = test::transport_sum(now, seen);
    REQUIRE(was_sum_.has_value() == now_sum.has_value());
    if (is_icmp_error()) {
      REQUIRE(now_sum == 0xffff);
      check_quote(now, seen);
      return;
    }
    const bool had_none = seen_->protocol == test::kUdp && seen_->fragment_offset == 0 &&
                          !input_.offload.partial_checksum && test::get16(was_, seen_->transport + 6) == 0;
    if (segmented_) {
      REQUIRE(now_sum == 0xffff);
      return;
    }
    if (now_sum) REQUIRE(had_none ? now_sum == 0xffff : now_sum == was_sum_);
    if (seen.protocol == test::kUdp && seen.fragment_offset == 0)
      REQUIRE(test::get16(now, seen.transport + 6) != 0);

    // The rest is as it was.
    test::Octets before(was_.begin() + static_cast<std::ptrdiff_t>(seen_->transport), was_.end());
    test::Octets after(now.begin() + static_cast<std::ptrdiff_t>(seen.transport), now.end());
    REQUIRE(before.size() == after.size());
    if (const auto at = test::checksum_offset(*seen_)) {
      test::put16(before, *at - seen_->transport, 0);
      test::put16(after, *at - seen_->transport, 0);
      if (is_icmp()) before[0] = after[0];
      const bool is_clamped = seen_->protocol == test::kTcp && (before[13] & 2) != 0 &&
                              settings_.mss_clamp.mode != config::MssClamp::Mode::Off;
      if (is_clamped) before = after;
    }
    REQUIRE(before == after);
  }

  // The packet quoted by an ICMP error has lengths that make sense, and in IPv4 a right checksum.
  static void check_quote(const test::Octets& error, const test::Seen& outer) {
    const test::View quote = test::View(error).subspan(outer.transport + 8);
    const std::size_t header = outer.version == 4 ? 20 : 40;
    REQUIRE(quote.size() >= header && quote[0] >> 4 == outer.version);
    const uint8_t length = error[outer.transport + (outer.version == 4 ? 5 : 4)];
    const bool has_length = outer.version == 4 || error[outer.transport] == 1 || error[outer.transport] == 3;
    if (has_length && length != 0) {
      const std::size_t size = length * (outer.version == 4 ? 4u : 8u);
      REQUIRE(size >= 128 && size + 4 <= quote.size());
    }
    if (outer.version == 4) {
      REQUIRE(quote[0] == 0x45 && test::get16(quote, 2) >= 20);
      REQUIRE(test::ones_sum(quote.first(20)) == 0xffff);
    }
  }

  const Input& input_;
  const config::InstanceSettings& settings_;
  const engine::Pipeline::Outcome& outcome_;
  const observe::Counters& counters_;
  std::optional<test::Seen> seen_;
  test::Octets was_;  // the input as its device would have completed it
  std::optional<uint32_t> was_sum_;
  bool segmented_ = false;
};

}  // namespace yonroku::fuzz
