#include "carry/proxy_header.h"

#include <algorithm>
#include <cstring>

#include "carry/translate/transport.h"
#include "packet/checksum.h"
#include "packet/headers.h"

namespace yonroku::carry {
namespace {

constexpr uint8_t kUrgent = 0x20;

struct WireHeader {
  uint8_t signature[12];
  uint8_t version_command;
  uint8_t family_transport;
  be16 length;
  be64 client[2];
  be64 server[2];
  be16 client_port;
  be16 server_port;
};
static_assert(sizeof(WireHeader) == kProxyHeaderSize && alignof(WireHeader) == 1);

// The MSS option's value, or null.
const be16* find_mss(std::span<const std::byte> tcp) {
  constexpr uint8_t kEndOfOptions = 0, kNoOperation = 1, kMaximumSegmentSize = 2, kMssSize = 4;
  const std::size_t end = std::min(reinterpret_cast<const TcpHeader*>(tcp.data())->header_size(), tcp.size());
  std::size_t at = sizeof(TcpHeader);
  while (at + 1 < end && static_cast<uint8_t>(tcp[at]) != kEndOfOptions) {
    const auto kind = static_cast<uint8_t>(tcp[at]);
    const auto length = kind == kNoOperation ? 1u : static_cast<unsigned>(tcp[at + 1]);
    if (length == 0 || at + length > end) return nullptr;
    if (kind == kMaximumSegmentSize && length == kMssSize)
      return reinterpret_cast<const be16*>(tcp.data() + at + 2);
    at += length;
  }
  return nullptr;
}

}  // namespace

std::array<std::byte, kProxyHeaderSize> proxy_header(const ProxiedConnection& connection) noexcept {
  constexpr uint8_t kVersion2Proxy = 0x21, kInet6Stream = 0x21;
  constexpr std::size_t kRest = 36;
  WireHeader header{
      {0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a},
      kVersion2Proxy,
      kInet6Stream,
      be16::from_host(kRest),
      {be64::from_host(connection.client.high()), be64::from_host(connection.client.low())},
      {be64::from_host(connection.server.high()), be64::from_host(connection.server.low())},
      be16::from_host(connection.client_port),
      be16::from_host(connection.server_port),
  };
  std::array<std::byte, kProxyHeaderSize> octets;
  std::memcpy(octets.data(), &header, sizeof header);
  return octets;
}

void insert_proxy_header(Packet& packet, const ProxiedConnection& connection) noexcept {
  const auto octets = proxy_header(connection);
  const std::size_t headers =
      sizeof(Ipv4Header) +
      reinterpret_cast<const TcpHeader*>(packet.data() + sizeof(Ipv4Header))->header_size();
  packet.reshape_front(0, kProxyHeaderSize);
  std::memmove(packet.data(), packet.data() + kProxyHeaderSize, headers);
  std::memcpy(packet.data() + headers, octets.data(), kProxyHeaderSize);

  auto& ip = *reinterpret_cast<Ipv4Header*>(packet.data());
  const be16 total = be16::from_host(static_cast<uint16_t>(ip.total_length.host() + kProxyHeaderSize));
  ChecksumDelta ip_delta;
  ip_delta.replace(ip.total_length, total);
  ip.total_length = total;
  ip.checksum = ip_delta.apply(ip.checksum);

  auto& tcp = *reinterpret_cast<TcpHeader*>(packet.data() + sizeof(Ipv4Header));
  // The pseudo-header has the segment's length; what the device sums itself is not counted twice.
  ChecksumDelta delta;
  delta.added(static_cast<uint32_t>(kProxyHeaderSize));
  if (packet.offload.partial_checksum) {
    tcp.checksum = delta.apply_to_partial(tcp.checksum);
  } else {
    OnesSum sum;
    sum.add(std::span<const std::byte>(octets));
    delta.added(uint32_t{sum.folded()});
  }
  ChecksumDelta pushed;
  const auto flags_word = [&] { return uint32_t{tcp.data_offset} << 8 | tcp.flags; };
  pushed.removed(flags_word());
  tcp.flags |= TcpHeader::kPsh;
  pushed.added(flags_word());
  if ((tcp.flags & kUrgent) != 0) {
    const be16 urgent = be16::from_host(static_cast<uint16_t>(tcp.urgent.host() + kProxyHeaderSize));
    pushed.replace(tcp.urgent, urgent);
    tcp.urgent = urgent;
  }
  if (!packet.offload.partial_checksum) tcp.checksum = pushed.apply(delta.apply(tcp.checksum));
}

void lower_mss(std::span<std::byte> tcp, uint16_t by, bool is_partial_checksum) noexcept {
  constexpr unsigned kLeast = 64;
  const be16* const announced = find_mss(tcp);
  if (announced == nullptr) return;
  ChecksumDelta delta;
  const unsigned lower = announced->host() > by + kLeast ? announced->host() - unsigned{by} : kLeast;
  clamp_mss(tcp, static_cast<uint16_t>(lower), delta);
  auto& header = *reinterpret_cast<TcpHeader*>(tcp.data());
  if (!is_partial_checksum) header.checksum = delta.apply(header.checksum);
}

}  // namespace yonroku::carry
