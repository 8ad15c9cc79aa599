#include "api/explain/icmp_facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace yonroku::api {
namespace {

struct Name {
  uint8_t number;
  const char* text;
};

template <std::size_t kSize>
const char* find(const Name (&names)[kSize], uint8_t number) {
  for (const Name& name : names)
    if (name.number == number) return name.text;
  return nullptr;
}

constexpr Name kIcmpv4Types[] = {{0, "Echo Reply"},           {3, "Destination Unreachable"},
                                 {4, "Source Quench"},        {5, "Redirect"},
                                 {8, "Echo Request"},         {9, "Router Advertisement"},
                                 {10, "Router Solicitation"}, {11, "Time Exceeded"},
                                 {12, "Parameter Problem"},   {13, "Timestamp"},
                                 {14, "Timestamp Reply"},     {15, "Information Request"},
                                 {16, "Information Reply"},   {17, "Address Mask Request"},
                                 {18, "Address Mask Reply"}};
constexpr Name kIcmpv4Unreachable[] = {{0, "Net Unreachable"},
                                       {1, "Host Unreachable"},
                                       {2, "Protocol Unreachable"},
                                       {3, "Port Unreachable"},
                                       {4, "Fragmentation Needed"},
                                       {5, "Source Route Failed"},
                                       {6, "Net Unknown"},
                                       {7, "Host Unknown"},
                                       {8, "Source Host Isolated"},
                                       {9, "Net Administratively Prohibited"},
                                       {10, "Host Administratively Prohibited"},
                                       {11, "Net Unreachable for TOS"},
                                       {12, "Host Unreachable for TOS"},
                                       {13, "Communication Administratively Prohibited"},
                                       {14, "Host Precedence Violation"},
                                       {15, "Precedence Cutoff"}};
constexpr Name kTimeExceeded[] = {{0, "in transit"}, {1, "in reassembly"}};
constexpr Name kIcmpv6Types[] = {{1, "Destination Unreachable"},
                                 {2, "Packet Too Big"},
                                 {3, "Time Exceeded"},
                                 {4, "Parameter Problem"},
                                 {128, "Echo Request"},
                                 {129, "Echo Reply"},
                                 {130, "Multicast Listener Query"},
                                 {131, "Multicast Listener Report"},
                                 {132, "Multicast Listener Done"},
                                 {133, "Router Solicitation"},
                                 {134, "Router Advertisement"},
                                 {135, "Neighbour Solicitation"},
                                 {136, "Neighbour Advertisement"},
                                 {137, "Redirect"},
                                 {143, "Multicast Listener Report v2"}};
constexpr Name kIcmpv6Unreachable[] = {{0, "No Route"},
                                       {1, "Administratively Prohibited"},
                                       {2, "Beyond Scope of Source"},
                                       {3, "Address Unreachable"},
                                       {4, "Port Unreachable"},
                                       {5, "Source Address Failed Policy"},
                                       {6, "Reject Route"}};
constexpr Name kIcmpv6Parameter[] = {
    {0, "Erroneous Header Field"}, {1, "Unrecognized Next Header"}, {2, "Unrecognized IPv6 Option"}};
constexpr Name kIcmpv4Parameter[] = {{0, "Pointer"}, {1, "Missing Option"}, {2, "Bad Length"}};

const char* code_name(unsigned ip_version, uint8_t type, uint8_t code) {
  if (ip_version == 4) {
    if (type == icmpv4::kDestinationUnreachable) return find(kIcmpv4Unreachable, code);
    if (type == icmpv4::kTimeExceeded) return find(kTimeExceeded, code);
    return type == icmpv4::kParameterProblem ? find(kIcmpv4Parameter, code) : nullptr;
  }
  if (type == icmpv6::kDestinationUnreachable) return find(kIcmpv6Unreachable, code);
  if (type == icmpv6::kTimeExceeded) return find(kTimeExceeded, code);
  return type == icmpv6::kParameterProblem ? find(kIcmpv6Parameter, code) : nullptr;
}

bool is_error(unsigned ip_version, uint8_t type) {
  return ip_version == 4 ? icmpv4::is_error(type) : icmpv6::is_error(type);
}

// RFC 4884 §4: how many octets of the body the length attribute says are quote; 0 when it says nothing.
std::size_t quote_length(unsigned ip_version, const IcmpHeader& icmp) {
  if (ip_version == 4) {
    const bool has_length = icmp.type == icmpv4::kDestinationUnreachable ||
                            icmp.type == icmpv4::kTimeExceeded || icmp.type == icmpv4::kParameterProblem;
    return has_length ? icmp.rest[1] * std::size_t{4} : 0;
  }
  const bool has_length = icmp.type == icmpv6::kDestinationUnreachable || icmp.type == icmpv6::kTimeExceeded;
  return has_length ? icmp.rest[0] * std::size_t{8} : 0;
}

struct ObjectHeader {  // RFC 4884 §8
  be16 length;
  uint8_t class_number;
  uint8_t class_type;
};
static_assert(sizeof(ObjectHeader) == 4);

constexpr std::size_t kExtensionHeaderSize = 4;
constexpr uint8_t kNodeIdentification = 5;

// Calls visit(header, payload) for each object, until it returns true.
template <class Visitor>
void for_each_object(std::span<const std::byte> extensions, Visitor&& visit) {
  for (std::size_t at = kExtensionHeaderSize; at + sizeof(ObjectHeader) <= extensions.size();) {
    const auto* object = header_at<ObjectHeader>(extensions.subspan(at));
    const std::size_t length = object->length.host();
    if (length < sizeof(ObjectHeader) || at + length > extensions.size()) return;
    if (visit(*object, extensions.subspan(at + sizeof(ObjectHeader), length - sizeof(ObjectHeader)))) return;
    at += length;
  }
}

// A sub-object of 2 octets of address family, 2 reserved, and the address.
std::optional<std::string> address_in(const ObjectHeader& object, std::span<const std::byte> payload) {
  constexpr uint8_t kIpAddress = 0x04;
  constexpr std::size_t kFront = 4;
  if (object.class_number != kNodeIdentification || (object.class_type & kIpAddress) == 0 ||
      payload.size() < kFront + 16)
    return std::nullopt;
  std::array<uint8_t, 16> octets{};
  std::memcpy(octets.data(), payload.data() + kFront, octets.size());
  return Ipv6Address::from_octets(octets).to_string();
}

}  // namespace

std::string icmp_name(unsigned ip_version, uint8_t type, uint8_t code) {
  const char* name = ip_version == 4 ? find(kIcmpv4Types, type) : find(kIcmpv6Types, type);
  const std::string type_text = name == nullptr ? "unknown type" : name;
  if (!is_error(ip_version, type) && code == 0) return fmt::format("{} ({})", type_text, type);
  const char* detail = code_name(ip_version, type, code);
  return fmt::format("{}{} ({}/{})", type_text, detail == nullptr ? "" : std::string(", ") + detail, type,
                     code);
}

const IcmpHeader* icmp_header(const PacketFacts& packet) {
  if (!packet.is_icmp() || !packet.has_transport_header()) return nullptr;
  return header_at<IcmpHeader>(packet.payload);
}

std::optional<IcmpErrorParts> icmp_error_parts(const PacketFacts& packet) {
  const IcmpHeader* icmp = icmp_header(packet);
  if (icmp == nullptr || !is_error(packet.version, icmp->type)) return std::nullopt;
  const auto body = packet.payload.subspan(sizeof(IcmpHeader));
  const std::size_t quoted = quote_length(packet.version, *icmp);
  if (quoted == 0 || quoted + kExtensionHeaderSize > body.size()) return IcmpErrorParts{icmp, body, {}};
  return IcmpErrorParts{icmp, body.first(quoted), body.subspan(quoted)};
}

std::optional<uint32_t> icmp_mtu(unsigned ip_version, const IcmpHeader& icmp) {
  if (ip_version == 4) {
    if (icmp.type != icmpv4::kDestinationUnreachable || icmp.code != icmpv4::kFragmentationNeeded)
      return std::nullopt;
    return icmp.rest_value() & 0xffff;
  }
  if (icmp.type != icmpv6::kPacketTooBig) return std::nullopt;
  return icmp.rest_value();
}

std::optional<uint32_t> icmp_pointer(unsigned ip_version, const IcmpHeader& icmp) {
  if (ip_version == 4) {
    if (icmp.type != icmpv4::kParameterProblem) return std::nullopt;
    return icmp.rest[0];
  }
  if (icmp.type != icmpv6::kParameterProblem) return std::nullopt;
  return icmp.rest_value();
}

std::optional<std::string> node_address(std::span<const std::byte> extensions) {
  std::optional<std::string> found;
  for_each_object(extensions, [&](const ObjectHeader& object, std::span<const std::byte> payload) {
    found = address_in(object, payload);
    return found.has_value();
  });
  return found;
}

std::string describe_extensions(std::span<const std::byte> extensions) {
  std::string objects;
  for_each_object(extensions, [&](const ObjectHeader& object, std::span<const std::byte> payload) {
    if (!objects.empty()) objects += ", ";
    if (const auto address = address_in(object, payload))
      objects += "Node Identification " + *address;
    else if (object.class_number == 1)
      objects += "MPLS Label Stack";
    else if (object.class_number == 2)
      objects += "Interface Information";
    else
      objects += fmt::format("object of class {} type {}", object.class_number, object.class_type);
    return false;
  });
  return fmt::format("{} octets{}{}", extensions.size(), objects.empty() ? "" : ": ", objects);
}

}  // namespace yonroku::api
