// The keys of a NAT (RFC 6146, RFC 4787, RFC 5382, RFC 5508, RFC 6888), and what they mean for each other.
#pragma once

#include <optional>

#include "config/findings.h"
#include "config/section_reader.h"
#include "share/mapping/rfc6052.h"
#include "share/nat/nat_settings.h"

namespace yonroku::config {

// `keys` are those of the instance; no inside address may lie in `pref64` (RFC 6146 §5.4).
[[nodiscard]] share::NatSettings read_nat(SectionReader& keys, const std::optional<share::Pref64>& pref64,
                                          Findings& findings);

}  // namespace yonroku::config
