#include "mechanism/alg/control_channel.h"

#include <algorithm>
#include <cstring>

namespace yonroku::mechanism {

using carry::SequenceShift;

namespace {

constexpr uint8_t kUrg = 0x20;

std::string_view text_of(std::span<const std::byte> octets) {
  return {reinterpret_cast<const char*>(octets.data()), octets.size()};
}

FtpSide other(FtpSide side) { return side == FtpSide::Client ? FtpSide::Server : FtpSide::Client; }

// RFC 6384 §5: the urgent pointer keeps its meaning, or goes.
void clear_urgent(TcpHeader& tcp, carry::ChecksumState checksum) noexcept {
  if ((tcp.flags & kUrg) == 0) return;
  ChecksumDelta delta;
  delta.replace(uint32_t{tcp.flags}, uint32_t{tcp.flags} & ~uint32_t{kUrg});
  delta.replace(tcp.urgent, be16{});
  tcp.flags = static_cast<uint8_t>(tcp.flags & ~kUrg);
  tcp.urgent = be16{};
  if (checksum == carry::ChecksumState::Complete) tcp.checksum = delta.apply(tcp.checksum);
}

}  // namespace

DropReason ControlChannel::process(Packet& packet, const TextPlace& place, FtpSide from,
                                   FtpBindings& bindings, AlgCounts& counts) noexcept {
  auto& tcp = *reinterpret_cast<TcpHeader*>(packet.data() + place.transport);
  const std::size_t header_size = std::max(tcp.header_size(), sizeof(TcpHeader));
  if (packet.size() < place.transport + header_size) return DropReason::None;
  const std::string_view payload = text_of(packet.bytes().subspan(place.transport + header_size));
  const auto size = static_cast<uint32_t>(payload.size());
  Direction& sent = direction(from);
  const uint32_t sequence = tcp.sequence.host();
  if (sent.shift.cut_by(sequence, size) != nullptr) return DropReason::ControlLineCut;

  Edits edits;
  if (size > 0) {
    if (!sent.is_known || carry::is_before(sent.next, sequence)) {
      // The first, or something is missing in front of it: a line begins here if it looks like one.
      sent.in_line = sent.is_known && !FtpDialogue::looks_like_line(from, payload);
      sent.head_size = 0;
      sent.is_known = true;
      sent.next = sequence;
    }
    const uint32_t known = std::min(sent.next - sequence, size);
    repeat(payload, sequence, sent, edits);
    const std::size_t repeated = edits.count;
    if (known < size) read(payload, known, sequence, from, bindings, edits, counts);
    if (carry::is_before(sent.next, sequence + size)) sent.next = sequence + size;
    if (edits.count > 0) {
      if (!apply(packet, place, edits)) {
        ++counts.not_understood;
        edits.count = 0;
      } else {
        clear_urgent(*reinterpret_cast<TcpHeader*>(packet.data() + place.transport), place.checksum);
        counts.rewritten += edits.count - repeated;
      }
    }
    for (std::size_t i = repeated; i < edits.count; ++i) {
      const Edit& edit = edits.list[i];
      const uint32_t begin = sequence + static_cast<uint32_t>(edit.offset);
      sent.shift.add(begin, begin + static_cast<uint32_t>(edit.size),
                     static_cast<uint32_t>(edit.text.size()));
    }
  }
  const auto segment = packet.bytes().subspan(place.transport);
  shift_sequence(segment, sent.shift, place.checksum);
  shift_acknowledgment(segment, direction(other(from)).shift, place.checksum);
  return DropReason::None;
}

// What was rewritten before and is sent again.
void ControlChannel::repeat(std::string_view payload, uint32_t sequence, const Direction& direction,
                            Edits& edits) noexcept {
  for (std::size_t i = 0; i < direction.texts.size(); ++i) {
    const Text& text = direction.texts[(direction.next_text + i) % direction.texts.size()];
    const SequenceShift::Change* change = text.size == 0 ? nullptr : direction.shift.find(text.begin);
    if (change == nullptr) continue;
    const uint32_t offset = change->begin - sequence;
    if (offset >= payload.size()) continue;
    edits.list[edits.count++] = {offset, change->end - change->begin, text.view()};
  }
}

// New text, from an offset on.
void ControlChannel::read(std::string_view payload, std::size_t from_offset, uint32_t sequence, FtpSide from,
                          FtpBindings& bindings, Edits& edits, AlgCounts& counts) noexcept {
  Direction& sent = direction(from);
  for (std::size_t at = from_offset; at < payload.size() && !dialogue_.stands_back();) {
    const std::size_t end = payload.find('\n', at);
    const std::string_view line =
        payload.substr(at, end == std::string_view::npos ? std::string_view::npos : end + 1 - at);
    if (end == std::string_view::npos || sent.in_line || line.size() > FtpDialogue::kLongestLine) {
      read_part(line, from, counts);
    } else {
      Text& text = sent.texts[sent.next_text];
      std::array<char, FtpDialogue::kLongestResult> buffer;
      TextWriter out(buffer);
      const auto result = from == FtpSide::Client ? dialogue_.on_command(line, bindings, out)
                                                  : dialogue_.on_reply(line, bindings, out);
      if (result == FtpDialogue::Line::Refused) ++counts.refused;
      if (result == FtpDialogue::Line::Rewritten) {
        if (out.is_complete() && edits.count < edits.list.size()) {
          text = {sequence + static_cast<uint32_t>(at), static_cast<uint8_t>(out.text().size()), buffer};
          sent.next_text = static_cast<uint8_t>((sent.next_text + 1) % sent.texts.size());
          edits.list[edits.count++] = {at, line.size(), text.view()};
        } else {
          ++counts.not_understood;
        }
      }
    }
    at += line.size();
  }
}

// A part of a line, or one that is too long.
void ControlChannel::read_part(std::string_view part, FtpSide from, AlgCounts& counts) noexcept {
  Direction& sent = direction(from);
  if (!sent.in_line) sent.head_size = 0;
  for (const char c : part) {
    if (sent.head_size == sent.head.size()) break;
    sent.head[sent.head_size++] = c;
  }
  sent.in_line = !part.ends_with('\n');
  if (sent.in_line) return;
  const std::string_view head(sent.head.data(), sent.head_size);
  if (FtpDialogue::looks_like_line(from, head)) ++counts.not_understood;
  dialogue_.on_split_line(from, head);
}

bool ControlChannel::apply(Packet& packet, const TextPlace& place, const Edits& edits) noexcept {
  const std::size_t front =
      place.transport + reinterpret_cast<const TcpHeader*>(packet.data() + place.transport)->header_size();
  std::size_t removed = 0;
  std::size_t added = 0;
  for (const Edit& edit : std::span(edits.list).first(edits.count)) {
    removed += edit.size;
    added += edit.text.size();
  }
  const std::size_t size = packet.size() + added - removed;
  if (added > removed && (size > place.most || added - removed > packet.tailroom())) return false;
  const TransportText change(packet, place);
  // From the back, so that offsets in front stay right.
  for (std::size_t i = edits.count; i > 0; --i) {
    const Edit& edit = edits.list[i - 1];
    const std::size_t old_end = front + edit.offset + edit.size;
    const std::size_t behind = packet.size() - old_end;
    if (edit.text.size() > edit.size) packet.resize(packet.size() + edit.text.size() - edit.size);
    std::memmove(packet.data() + front + edit.offset + edit.text.size(), packet.data() + old_end, behind);
    if (edit.text.size() < edit.size) packet.truncate(packet.size() + edit.text.size() - edit.size);
    std::memcpy(packet.data() + front + edit.offset, edit.text.data(), edit.text.size());
  }
  change.finish(packet);
  return true;
}

}  // namespace yonroku::mechanism
