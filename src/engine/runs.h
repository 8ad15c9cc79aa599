// Which TCP connections send super-packets at the moment. The segments of one travel through a queue that
// joins them and is emptied a little later; single packets of the same connection follow them there for a
// while, so that none overtakes them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/instant.h"
#include "packet/headers.h"

namespace yonroku::engine {

class Runs {
 public:
  // Where the connection of a TCP packet, IPv4 without options, is remembered. Connections may share a place.
  static std::optional<std::size_t> place_of(std::span<const std::byte> packet) noexcept {
    if (packet.size() < sizeof(Ipv4Header) + sizeof(TcpHeader)) return std::nullopt;
    const auto& ip = *reinterpret_cast<const Ipv4Header*>(packet.data());
    if (ip.version_ihl != 0x45 || ip.protocol != IpProtocol::Tcp) return std::nullopt;
    const auto& tcp = *reinterpret_cast<const TcpHeader*>(packet.data() + sizeof(Ipv4Header));
    const uint64_t mixed = (uint64_t{ip.source().value() ^ ip.destination().value()} << 32 |
                            uint64_t{tcp.source_port.host()} << 16 | tcp.destination_port.host()) *
                           0x9e3779b97f4a7c15;
    return mixed >> (64 - kPlacesLog2);
  }
  void begin(std::size_t place, Instant now) { until_[place] = now + kLasts; }
  [[nodiscard]] bool is_under_way(std::size_t place, Instant now) const { return now < until_[place]; }

 private:
  static constexpr unsigned kPlacesLog2 = 9;
  static constexpr Duration kLasts = Duration::milliseconds(10);
  std::array<Instant, std::size_t{1} << kPlacesLog2> until_{};
};

}  // namespace yonroku::engine
