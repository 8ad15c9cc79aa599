#include "carry/translate/icmp_extensions.h"

#include <algorithm>
#include <cstring>

#include "packet/checksum.h"

namespace yonroku::carry {
namespace {

struct ExtensionHeader {  // RFC 4884 §7
  uint8_t version_reserved;
  uint8_t reserved;
  be16 checksum;
};
static_assert(sizeof(ExtensionHeader) == 4);

struct NodeAddressObject {
  be16 length;
  uint8_t class_number;
  uint8_t class_type;
  be16 address_family;
  be16 reserved;
  be64 address[2];
};
static_assert(sizeof(NodeAddressObject) == 24);

}  // namespace

ExtensionBuilder::ExtensionBuilder(std::span<const std::byte> received) noexcept {
  if (received.empty() || received.size() > kCapacity) return;
  std::memcpy(buffer_, received.data(), received.size());
  size_ = received.size();
}

void ExtensionBuilder::add_node_address(const Ipv6Address& address) noexcept {
  constexpr uint8_t kVersion2 = 0x20, kNodeIdentification = 5, kIpAddressSubObject = 0x04;
  constexpr uint16_t kAddressFamilyIpv6 = 2;
  const std::size_t begin = size_ == 0 ? sizeof(ExtensionHeader) : size_;
  if (begin + sizeof(NodeAddressObject) > kCapacity) return;
  if (size_ == 0) {
    const ExtensionHeader header{kVersion2, 0, {}};
    std::memcpy(buffer_, &header, sizeof header);
  }
  const NodeAddressObject object{be16::from_host(sizeof(NodeAddressObject)),
                                 kNodeIdentification,
                                 kIpAddressSubObject,
                                 be16::from_host(kAddressFamilyIpv6),
                                 {},
                                 {be64::from_host(address.high()), be64::from_host(address.low())}};
  std::memcpy(buffer_ + begin, &object, sizeof object);
  size_ = begin + sizeof object;
  update_checksum();
}

void ExtensionBuilder::update_checksum() noexcept {
  auto& header = *reinterpret_cast<ExtensionHeader*>(buffer_);
  header.checksum = {};
  OnesSum sum;
  sum.add(bytes());
  header.checksum = sum.checksum();
}

std::size_t lay_out_body(std::span<std::byte> body, std::size_t quote_size,
                         std::span<const std::byte> extensions, std::size_t limit, std::size_t unit,
                         uint8_t& length_attribute) noexcept {
  constexpr std::size_t kLeastQuote = 128;
  length_attribute = 0;
  limit = std::min(limit, body.size());
  if (extensions.empty() || extensions.size() + kLeastQuote > limit) return std::min(quote_size, limit);
  // The length attribute is one octet.
  const std::size_t room = std::min((limit - extensions.size()) / unit * unit, 255 * unit);
  const std::size_t kept = std::min(quote_size, room);
  const std::size_t padded = std::max(kLeastQuote, (kept + unit - 1) / unit * unit);
  std::memset(body.data() + kept, 0, padded - kept);
  std::memcpy(body.data() + padded, extensions.data(), extensions.size());
  length_attribute = static_cast<uint8_t>(padded / unit);
  return padded + extensions.size();
}

}  // namespace yonroku::carry
