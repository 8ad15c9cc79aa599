#include "natlog/ipfix_message.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "base/wire.h"
#include "natlog/fields.h"

namespace yonroku::natlog {
namespace {

using Kind = share::NatEvent::Kind;

constexpr Milliseconds kNever = -1;
constexpr std::size_t kLargestMessage = 65535;
constexpr uint16_t kVersion = 10;
constexpr uint16_t kTemplateSet = 2;
constexpr std::size_t kMessageHeader = 16;  // RFC 7011 §3.1
constexpr std::size_t kSetHeader = 4;       // RFC 7011 §3.3.2

struct Element {
  uint16_t number;
  uint16_t size;
};
constexpr Element kTime{323, 8};  // observationTimeMilliseconds, which RFC 8158 calls timeStamp
constexpr Element kNatEvent{230, 1};
constexpr Element kNatInstance{463, 4};
constexpr Element kProtocol{4, 1};
constexpr Element kSourceIpv4{8, 4};
constexpr Element kSourceIpv6{27, 16};
constexpr Element kSourcePort{7, 2};
constexpr Element kPostNatSourceIpv4{225, 4};
constexpr Element kPostNaptSourcePort{227, 2};
constexpr Element kDestinationIpv4{12, 4};
constexpr Element kDestinationPort{11, 2};
constexpr Element kPostNatDestinationIpv4{226, 4};
constexpr Element kPostNaptDestinationPort{228, 2};
constexpr Element kPortRangeStart{361, 2};
constexpr Element kPortRangeEnd{362, 2};
constexpr Element kQuotaExceeded{466, 4};
constexpr Element kMaxSessionEntries{471, 4};
constexpr Element kMaxEntriesPerUser{473, 4};

// RFC 8158 §4.3, Table 2
enum EventNumber : uint8_t {
  kNat44SessionCreate = 4,
  kNat64SessionCreate = 6,
  kNat44BibCreate = 8,
  kNat64BibCreate = 10,  // the deletion is the next number, of these four
  kPortsExhausted = 12,
  kQuotaIsExceeded = 13,
  kPortBlockAllocation = 16,
  kPortBlockDeallocation = 17,
};
// RFC 8158 §4.4, Table 3
constexpr uint32_t kMaximumSessionEntries = 1;
constexpr uint32_t kMaximumEntriesPerUser = 3;

enum class Shape : uint8_t { Mapping, Session, PortBlock, PortsExhausted, UserLimit, TableFull };
// Deviates from RFC 8158 §4.6: it knows no DS-Lite. Behind a B4 it is NAT44, and its IPv6 address stands next
// to the inside's IPv4 address.
enum class Inside : uint8_t { Ipv4, Ipv6, BehindB4 };

Inside inside_of(const share::InsideEndpoint& inside) {
  if (inside.ipv6 == Ipv6Address{}) return Inside::Ipv4;
  return has_inside_ipv4(inside) ? Inside::BehindB4 : Inside::Ipv6;
}

Shape shape_of(const share::NatEvent& event) {
  switch (event.kind) {
    case Kind::PortBlockTaken:
    case Kind::PortBlockReturned: return Shape::PortBlock;
    case Kind::PortsExhausted: return Shape::PortsExhausted;
    case Kind::LimitExceeded: return Shape::UserLimit;
    case Kind::TableFull: return Shape::TableFull;
    default: break;
  }
  return is_session(event.kind) && event.remote.address != Ipv4Address{} ? Shape::Session : Shape::Mapping;
}

// In a template as in its records: one list for both. An Out has put(element, value) for integers, and for
// IPv6 addresses.
template <class Out>
void put_elements(Out& out, Shape shape, Inside inside, const Event& event, uint8_t number) {
  const share::NatEvent& what = event.what;
  const share::NatSettings& nat = event.source->settings.nat;
  out.put(kTime, static_cast<uint64_t>(event.time));
  out.put(kNatEvent, number);
  out.put(kNatInstance, event.source->number);
  if (shape == Shape::TableFull) {
    out.put(kQuotaExceeded, kMaximumSessionEntries);
    out.put(kMaxSessionEntries, nat.max_sessions);
    return;
  }
  if (inside != Inside::Ipv4) out.put(kSourceIpv6, what.inside.ipv6);
  if (inside != Inside::Ipv6) out.put(kSourceIpv4, what.inside.ipv4.value());
  if (shape == Shape::UserLimit) {
    out.put(kQuotaExceeded, kMaximumEntriesPerUser);
    const bool is_of_ports = what.limit == share::NatRefusal::SubscriberPorts;
    out.put(kMaxEntriesPerUser, is_of_ports ? nat.ports_per_subscriber : nat.sessions_per_subscriber);
    return;
  }
  out.put(kPostNatSourceIpv4, what.outside.address.value());
  if (shape == Shape::PortBlock) {
    out.put(kPortRangeStart, what.outside.port);
    out.put(kPortRangeEnd, event.last_port);
    return;
  }
  static constexpr uint8_t kProtocols[] = {17, 6, 1};  // in the order of NatProtocol
  const bool is_icmp_of_ipv6 = what.protocol == share::NatProtocol::Icmp && inside == Inside::Ipv6;
  out.put(kProtocol, is_icmp_of_ipv6 ? uint8_t{58} : kProtocols[static_cast<std::size_t>(what.protocol)]);
  if (shape == Shape::PortsExhausted) return;
  out.put(kSourcePort, what.inside.port);
  out.put(kPostNaptSourcePort, what.outside.port);
  if (shape == Shape::Mapping) return;
  if (inside != Inside::Ipv6) out.put(kDestinationIpv4, what.remote.address.value());
  out.put(kDestinationPort, what.remote.port);
  out.put(kPostNatDestinationIpv4, what.remote.address.value());
  out.put(kPostNaptDestinationPort, what.remote.port);
}

template <class Wire>
void append(std::string& out, Wire wire) {
  out.append(reinterpret_cast<const char*>(&wire), sizeof wire);
}
void append16(std::string& out, std::size_t value) {
  append(out, be16::from_host(static_cast<uint16_t>(value)));
}

struct RecordWriter {
  std::string& out;
  void put(Element, uint8_t value) { out += static_cast<char>(value); }
  void put(Element, uint16_t value) { append(out, be16::from_host(value)); }
  void put(Element, uint32_t value) { append(out, be32::from_host(value)); }
  void put(Element, uint64_t value) { append(out, be64::from_host(value)); }
  void put(Element, const Ipv6Address& address) {
    put(kTime, address.high());
    put(kTime, address.low());
  }
};

struct TemplateWriter {
  std::string out{};
  std::size_t count = 0;
  template <class Value>
  void put(Element element, const Value&) {
    append16(out, element.number);
    append16(out, element.size);
    ++count;
  }
};

constexpr std::size_t index_of(Shape shape, Inside inside) {
  return shape == Shape::TableFull ? kIpfixTemplateCount - 1
                                   : static_cast<std::size_t>(shape) * 3 + static_cast<std::size_t>(inside);
}

// RFC 7011 §3.4.1: a template record.
std::string template_record(std::size_t index) {
  const Source source{};
  const Event event{0, &source, {}, 0};
  TemplateWriter writer;
  const bool is_last = index == kIpfixTemplateCount - 1;
  put_elements(writer, is_last ? Shape::TableFull : static_cast<Shape>(index / 3),
               is_last ? Inside::Ipv4 : static_cast<Inside>(index % 3), event, 0);
  std::string record;
  append16(record, kFirstIpfixTemplate + index);
  append16(record, writer.count);
  return record + writer.out;
}

const std::string& template_of(std::size_t index) {
  static const auto kAll = [] {
    std::array<std::string, kIpfixTemplateCount> all;
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = template_record(i);
    return all;
  }();
  return kAll[index];
}

uint8_t number_of(Kind kind, Inside inside) {
  const bool is_nat64 = inside == Inside::Ipv6;
  const uint8_t bib = is_nat64 ? kNat64BibCreate : kNat44BibCreate;
  const uint8_t session = is_nat64 ? kNat64SessionCreate : kNat44SessionCreate;
  switch (kind) {
    case Kind::BindingCreated: return bib;
    case Kind::BindingEnded: return static_cast<uint8_t>(bib + 1);
    case Kind::SessionCreated: return session;
    case Kind::SessionEnded: return static_cast<uint8_t>(session + 1);
    case Kind::PortBlockTaken: return kPortBlockAllocation;
    case Kind::PortBlockReturned: return kPortBlockDeallocation;
    case Kind::PortsExhausted: return kPortsExhausted;
    case Kind::LimitExceeded:
    case Kind::TableFull: break;
  }
  return kQuotaIsExceeded;
}

// nullopt: the key is none of ours; it came from a file.
std::optional<std::size_t> index_of(const Message& message) {
  be16 number;
  if (message.key.size() != sizeof number) return std::nullopt;
  std::memcpy(&number, message.key.data(), sizeof number);
  if (number.host() < kFirstIpfixTemplate || number.host() >= kFirstIpfixTemplate + kIpfixTemplateCount)
    return std::nullopt;
  return number.host() - kFirstIpfixTemplate;
}

}  // namespace

void IpfixEncoder::encode(const Batch& batch, std::vector<Message>& out) {
  const auto* const events = std::get_if<std::vector<Event>>(&batch);
  if (events == nullptr) return;
  for (const Event& event : *events) {
    // No event is about how fast somebody is.
    if (event.what.kind == Kind::LimitExceeded &&
        event.what.limit == share::NatRefusal::SubscriberSessionRate)
      continue;
    const Shape shape = shape_of(event.what);
    const Inside inside = inside_of(event.what.inside);
    Message message;
    append16(message.key, kFirstIpfixTemplate + index_of(shape, inside));
    RecordWriter writer{message.octets};
    put_elements(writer, shape, inside, event, number_of(event.what.kind, inside));
    out.push_back(std::move(message));
  }
}

void IpfixFramer::begin() {
  sequence_ = 0;
  told_.fill(kNever);
}

bool IpfixFramer::is_due(std::size_t which, Milliseconds now) const {
  if (told_[which] == kNever || now < told_[which]) return true;  // the clock was set back
  return settings_.template_interval != 0 && now - told_[which] >= settings_.template_interval;
}

std::size_t IpfixFramer::frame(const std::deque<Message>& messages, std::size_t first, std::size_t most,
                               Milliseconds now, std::string& out) {
  std::string templates, sets;
  std::size_t set_begin = 0, count = 0;
  std::optional<std::size_t> open;
  uint32_t records = 0;
  for (; first + count < messages.size(); ++count) {
    const Message& message = messages[first + count];
    const auto index = index_of(message);
    if (!index) continue;
    const std::size_t learning = is_due(*index, now) ? template_of(*index).size() : 0;
    const std::size_t learnt = templates.size() + learning;
    const std::size_t size = kMessageHeader + (learnt != 0 ? kSetHeader + learnt : 0) + sets.size() +
                             (open != index ? kSetHeader : 0) + message.octets.size();
    if (records != 0 && size > std::min(most, kLargestMessage)) break;
    if (learning != 0) {
      templates += template_of(*index);
      told_[*index] = now;
    }
    if (open != index) {
      open = index;
      set_begin = sets.size();
      append16(sets, kFirstIpfixTemplate + *index);
      append16(sets, 0);
    }
    sets += message.octets;
    const be16 length = be16::from_host(static_cast<uint16_t>(sets.size() - set_begin));
    std::memcpy(&sets[set_begin + 2], &length, sizeof length);
    ++records;
  }
  const std::size_t template_set = templates.empty() ? 0 : kSetHeader + templates.size();
  append16(out, kVersion);
  append16(out, kMessageHeader + template_set + sets.size());
  append(out, be32::from_host(static_cast<uint32_t>(now / 1000)));
  append(out, be32::from_host(sequence_));
  append(out, be32::from_host(settings_.observation_domain));
  if (!templates.empty()) {
    append16(out, kTemplateSet);
    append16(out, template_set);
    out += templates;
  }
  out += sets;
  sequence_ += records;
  return count;
}

}  // namespace yonroku::natlog
