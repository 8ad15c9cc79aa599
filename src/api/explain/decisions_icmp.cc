#include <fmt/format.h>

#include "api/explain/decisions.h"
#include "api/explain/icmp_facts.h"

namespace yonroku::api {
namespace {

const char* message_section(unsigned from_version) {
  return from_version == 4 ? "RFC 7915 §4.2" : "RFC 7915 §5.2";
}
const char* quote_section(unsigned from_version) {
  return from_version == 4 ? "RFC 7915 §4.3" : "RFC 7915 §5.3";
}

const char* family(unsigned version) { return version == 4 ? "ICMP" : "ICMPv6"; }

void mtu(const PacketFacts& before, const PacketFacts& after, const IcmpHeader& was, const IcmpHeader& now,
         Decisions& out) {
  const auto old_mtu = icmp_mtu(before.version, was);
  const auto new_mtu = icmp_mtu(after.version, now);
  if (!old_mtu || !new_mtu) return;
  const char* section = message_section(before.version);
  if (before.version == after.version) {
    out.push_back(
        {"message", fmt::format("The MTU {} is {} after both translations.", *old_mtu, *new_mtu), section});
  } else if (before.version == 4 && *old_mtu == 0) {
    out.push_back(
        {"message",
         fmt::format("The router stated no MTU: one is estimated from the quoted packet's length (RFC 1191 "
                     "§7), and stated as {}.",
                     *new_mtu),
         section});
  } else if (before.version == 4) {
    const bool is_exact = *new_mtu == *old_mtu + 20;
    out.push_back(
        {"message",
         fmt::format("MTU {} becomes {}: an IPv6 header is 20 octets longer{}.", *old_mtu, *new_mtu,
                     is_exact           ? ""
                     : *new_mtu == 1280 ? ", and no IPv6 path has less than 1280"
                                        : ", and the translator's own links (ipv4-mtu, ipv6-mtu) limit it"),
         section});
  } else {
    const uint32_t shrink = *old_mtu - *new_mtu;
    const char* why = shrink == 20   ? ""
                      : shrink == 28 ? " and so is the Fragment Header"
                                     : ", and the translator's own links (ipv4-mtu, ipv6-mtu) limit it";
    out.push_back(
        {"message",
         fmt::format("MTU {} becomes {}: the 20 octets by which an IPv6 header is longer are gone{}.",
                     *old_mtu, *new_mtu, why),
         section});
  }
}

void pointer(const PacketFacts& before, const PacketFacts& after, const IcmpHeader& was,
             const IcmpHeader& now, Decisions& out) {
  const auto old_pointer = icmp_pointer(before.version, was);
  const auto new_pointer = icmp_pointer(after.version, now);
  if (old_pointer && new_pointer)
    out.push_back({"message",
                   fmt::format("The pointer {} becomes {}, where the same field stands in an {} header.",
                               *old_pointer, *new_pointer, after.version == 4 ? "IPv4" : "IPv6"),
                   message_section(before.version)});
}

void message(const PacketFacts& before, const PacketFacts& after, const IcmpHeader& was,
             const IcmpHeader& now, bool is_error, Decisions& out) {
  const char* section = message_section(before.version);
  const std::string old_name = icmp_name(before.version, was.type, was.code);
  const std::string new_name = icmp_name(after.version, now.type, now.code);
  out.push_back({"message",
                 before.version == after.version
                     ? fmt::format("{} {} comes back as {}.", family(before.version), old_name, new_name)
                     : fmt::format("{} {} becomes {} {}.", family(before.version), old_name,
                                   family(after.version), new_name),
                 section});
  mtu(before, after, was, now, out);
  pointer(before, after, was, now, out);
  if (is_error) {
    out.push_back(
        {"message",
         fmt::format(
             "The checksum was verified, since the message changes in the middle, and is computed anew: "
             "0x{:04x}.",
             now.checksum.host()),
         section});
    return;
  }
  const char* change = before.version == after.version ? "adjusted by the change of the addresses"
                       : before.version == 4           ? "adjusted: ICMPv6 covers a pseudo-header"
                                                       : "adjusted: ICMP covers no pseudo-header";
  out.push_back({"message",
                 fmt::format("The checksum 0x{:04x} becomes 0x{:04x}, {}{}.", was.checksum.host(),
                             now.checksum.host(), change, wrong_checksum_words(before)),
                 section});
}

void quote_transport(const PacketFacts& was, const PacketFacts& now, unsigned from_version, Decisions& out) {
  const IcmpHeader* old_icmp = icmp_header(was);
  const IcmpHeader* new_icmp = icmp_header(now);
  if (old_icmp != nullptr && new_icmp != nullptr && old_icmp->type != new_icmp->type)
    out.push_back({"quote",
                   fmt::format("Its {} {} becomes {} {}.", family(was.version),
                               icmp_name(was.version, old_icmp->type, old_icmp->code), family(now.version),
                               icmp_name(now.version, new_icmp->type, new_icmp->code)),
                   quote_section(from_version)});
  const auto old_checksum = checksum_field(was);
  const auto new_checksum = checksum_field(now);
  if (old_checksum && new_checksum && *old_checksum != *new_checksum)
    out.push_back(
        {"quote",
         fmt::format("Its {} checksum 0x{:04x} is adjusted to 0x{:04x}, so that the sender knows its packet "
                     "again.",
                     protocol_name(was.protocol), *old_checksum, *new_checksum),
         quote_section(from_version)});
}

void quote(const PacketFacts& before, const PacketFacts& after, const IcmpErrorParts& was,
           const IcmpErrorParts& now, Decisions& out) {
  const auto old_quote = PacketFacts::read(was.quote);
  const auto new_quote = PacketFacts::read(now.quote);
  if (!old_quote || !new_quote) return;
  out.push_back({"quote",
                 fmt::format("Its {} {} is kept: it is a record, not a packet on its way.",
                             old_quote->version == 4 ? "TTL" : "hop limit", old_quote->hop_limit),
                 quote_section(before.version)});
  if (!old_quote->skipped.empty())
    out.push_back({"quote",
                   old_quote->version == 4 ? "Its IPv4 options are left out."
                                           : "Its IPv6 extension headers are left out.",
                   quote_section(before.version)});
  quote_transport(*old_quote, *new_quote, before.version, out);
  if (new_quote->payload.size() < old_quote->payload.size())
    out.push_back({"quote",
                   fmt::format("It is cut short by {} octets: no {} error may be larger than {} octets.",
                               old_quote->payload.size() - new_quote->payload.size(), family(after.version),
                               after.version == 4 ? 576 : 1280),
                   after.version == 4 ? "RFC 1812 §4.3.2.3" : "RFC 4443 §2.4"});
}

void extensions(const PacketFacts& before, const PacketFacts& after, const IcmpErrorParts& was,
                const IcmpErrorParts& now, Decisions& out) {
  const auto new_node = node_address(now.extensions);
  if (!was.extensions.empty() && now.extensions.empty())
    out.push_back(
        {"message",
         fmt::format("Its extension structure is left out: {} has no place for it, or it did not fit.",
                     icmp_name(after.version, now.header->type, now.header->code)),
         "RFC 4884 §4"});
  else if (!was.extensions.empty())
    out.push_back({"message",
                   "Its extension structure is kept, and the length attribute says where it is now.",
                   quote_section(before.version)});
  if (new_node && !node_address(was.extensions))
    out.push_back(
        {"message",
         fmt::format("A Node Identification object tells the sender's real address, {}, to whoever reads it.",
                     *new_node),
         "draft-ietf-v6ops-icmpext-xlat-v6only-source"});
}

}  // namespace

Decisions decisions_about_icmp(const PacketFacts& before, const PacketFacts& after) {
  Decisions out;
  const IcmpHeader* was = icmp_header(before);
  const IcmpHeader* now = icmp_header(after);
  if (was == nullptr || now == nullptr) return out;
  const auto old_error = icmp_error_parts(before);
  const auto new_error = icmp_error_parts(after);
  message(before, after, *was, *now, old_error.has_value(), out);
  if (!old_error || !new_error) return out;
  extensions(before, after, *old_error, *new_error, out);
  quote(before, after, *old_error, *new_error, out);
  return out;
}

}  // namespace yonroku::api
