// What the operator decides about a stateless translator (SIIT, RFC 7915 with RFC 7757; CLAT, RFC 6877).
#pragma once

#include <cstdint>
#include <vector>

#include "carry/translate/settings.h"
#include "packet/prefix.h"
#include "share/mapping/address_mapping.h"

namespace yonroku::mechanism {

enum class Hairpinning : uint8_t { Off, Simple, Intrinsic };  // RFC 7757 §4.2

// What stands for an ICMPv6 error's sender that has no IPv4 address.
enum class UntranslatableSource : uint8_t {
  Dummy,  // 192.0.0.8 (draft-ietf-v6ops-icmpext-xlat-v6only-source)
  Pool,   // an address of the pool, at random (RFC 6791 §3.1)
  Drop,
};

enum class NodeIdentification : uint8_t { Omit, Append };

struct SiitSettings {
  carry::TranslateSettings translate;
  share::AddressMappingSettings mapping;
  Hairpinning hairpinning = Hairpinning::Intrinsic;
  UntranslatableSource untranslatable_source = UntranslatableSource::Dummy;
  std::vector<Ipv4Prefix> icmpv6_source_pool;
  NodeIdentification node_identification = NodeIdentification::Append;
  Ipv6Address translator_ipv6;  // stands for an ICMPv4 error's sender that has no IPv6 address
};

}  // namespace yonroku::mechanism
