#include "carry/sequence_shift.h"

#include <algorithm>
#include <cstring>

namespace yonroku::carry {
namespace {

constexpr uint32_t kFarBehind = uint32_t{1} << 30;
constexpr std::byte kEndOfOptions{0}, kNoOperation{1}, kSack{5};  // RFC 9293 §3.1, RFC 2018 §3
constexpr std::size_t kBlockSize = 8;

struct SackBlock {
  be32 left;
  be32 right;
};
static_assert(sizeof(SackBlock) == kBlockSize && alignof(SackBlock) == 1);

// The blocks of one option, without its kind and length.
void shift_blocks(std::span<std::byte> blocks, const SequenceShift& shift) noexcept {
  std::size_t kept = 0;
  for (std::size_t at = 0; at + kBlockSize <= blocks.size(); at += kBlockSize) {
    SackBlock block;
    std::memcpy(&block, blocks.data() + at, kBlockSize);
    const uint32_t left = shift.to_sender_from(block.left.host());
    const uint32_t right = shift.to_sender(block.right.host());
    if (!is_before(left, right)) continue;
    block = {be32::from_host(left), be32::from_host(right)};
    std::memcpy(blocks.data() + kept, &block, kBlockSize);
    kept += kBlockSize;
  }
  std::byte* const option = blocks.data() - 2;
  option[1] = static_cast<std::byte>(2 + kept);
  if (kept == 0) std::fill_n(option, 2, kNoOperation);
  std::ranges::fill(blocks.subspan(kept), kNoOperation);
}

void shift_sack(std::span<std::byte> options, const SequenceShift& shift) noexcept {
  std::size_t at = 0;
  while (at + 1 < options.size() && options[at] != kEndOfOptions) {
    if (options[at] == kNoOperation) {
      ++at;
      continue;
    }
    const auto length = static_cast<std::size_t>(options[at + 1]);
    if (length < 2 || length > options.size() - at) return;
    if (options[at] == kSack && (length - 2) % kBlockSize == 0)
      shift_blocks(options.subspan(at + 2, length - 2), shift);
    at += length;
  }
}

uint32_t sum_of(std::span<const std::byte> options) noexcept {
  OnesSum sum;
  sum.add(options);
  return sum.folded();
}

}  // namespace

void SequenceShift::forget_far_behind(uint32_t sequence) noexcept {
  if (count_ == 0) return;
  const Change& newest = changes_[count_ - 1];
  if (is_before(sequence, newest.end) || sequence - newest.end < kFarBehind) return;
  first_ = newest.after;
  count_ = 0;
}

bool SequenceShift::add(uint32_t begin, uint32_t end, uint32_t length) noexcept {
  forget_far_behind(begin);
  if (is_before(end, begin) || (count_ > 0 && is_before(begin, changes_[count_ - 1].end))) return false;
  const uint32_t before = count_ > 0 ? changes_[count_ - 1].after : first_;
  if (count_ == kMostChanges) {
    first_ = changes_[0].after;
    std::copy(changes_.begin() + 1, changes_.end(), changes_.begin());
    --count_;
  }
  changes_[count_++] = {begin, end, before, before + length - (end - begin)};
  return true;
}

const SequenceShift::Change* SequenceShift::find(uint32_t begin) const noexcept {
  const auto found = std::ranges::find(changes(), begin, &Change::begin);
  return found == changes().end() ? nullptr : &*found;
}

const SequenceShift::Change* SequenceShift::cut_by(uint32_t sequence, uint32_t length) const noexcept {
  if (length == 0) return nullptr;
  for (const Change& change : changes()) {
    const bool is_apart = !is_before(sequence, change.end) || !is_before(change.begin, sequence + length);
    const bool holds_all = !is_before(change.begin, sequence) && !is_before(sequence + length, change.end);
    const bool is_keep_alive = length == 1 && sequence + 1 == change.end;
    if (!is_apart && !holds_all && !is_keep_alive) return &change;
  }
  return nullptr;
}

uint32_t SequenceShift::to_receiver(uint32_t sequence) const noexcept {
  uint32_t shift = first_;
  for (const Change& change : changes()) {
    if (!is_before(change.begin, sequence)) break;
    if (is_before(sequence, change.end)) {
      const uint32_t least = change.begin + change.before;
      const uint32_t from_end = sequence + change.after;
      return is_before(from_end, least) ? least : from_end;
    }
    shift = change.after;
  }
  return sequence + shift;
}

uint32_t SequenceShift::to_sender(uint32_t acknowledgment) const noexcept {
  uint32_t shift = first_;
  for (const Change& change : changes()) {
    if (is_before(acknowledgment, change.begin + change.before)) break;
    if (is_before(acknowledgment, change.end + change.after)) return change.begin;
    shift = change.after;
  }
  return acknowledgment - shift;
}

uint32_t SequenceShift::to_sender_from(uint32_t left_edge) const noexcept {
  uint32_t shift = first_;
  for (const Change& change : changes()) {
    if (!is_before(change.begin + change.before, left_edge)) break;
    if (is_before(left_edge, change.end + change.after)) return change.end;
    shift = change.after;
  }
  return left_edge - shift;
}

void shift_sequence(std::span<std::byte> tcp, SequenceShift& shift, ChecksumState checksum) noexcept {
  if (shift.is_idle()) return;
  auto& header = *reinterpret_cast<TcpHeader*>(tcp.data());
  const uint32_t was = header.sequence.host();
  shift.forget_far_behind(was);
  const uint32_t now = shift.to_receiver(was);
  ChecksumDelta delta;
  delta.replace(was, now);
  header.sequence = be32::from_host(now);
  if (checksum == ChecksumState::Complete) header.checksum = delta.apply(header.checksum);
}

void shift_acknowledgment(std::span<std::byte> tcp, const SequenceShift& shift,
                          ChecksumState checksum) noexcept {
  auto& header = *reinterpret_cast<TcpHeader*>(tcp.data());
  if (shift.is_idle() || (header.flags & TcpHeader::kAck) == 0) return;
  const std::size_t size = std::clamp(header.header_size(), sizeof(TcpHeader), tcp.size());
  const auto options = tcp.subspan(sizeof(TcpHeader), size - sizeof(TcpHeader));
  ChecksumDelta delta;
  delta.removed(sum_of(options));
  const uint32_t was = header.acknowledgment.host();
  const uint32_t now = shift.to_sender(was);
  delta.replace(was, now);
  header.acknowledgment = be32::from_host(now);
  shift_sack(options, shift);
  delta.added(sum_of(options));
  if (checksum == ChecksumState::Complete) header.checksum = delta.apply(header.checksum);
}

}  // namespace yonroku::carry
