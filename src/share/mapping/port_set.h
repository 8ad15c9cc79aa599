// The ports of one customer on a shared IPv4 address: the Generalized Modulus Algorithm of RFC 7597 §5.1
// (derived in RFC 7597 Appendix B). A port is three fields side by side:
//
//   | A: a bits, "PSID offset" | PSID: k bits | j: m = 16 - a - k bits |
//
// A is never 0 when a > 0: the low 2^(16-a) ports, the system ports among them, belong to nobody. ICMP
// identifiers are shared out like ports.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace yonroku::share {

// How an address is cut up; the same for all customers that share it.
struct PortParameters {
  uint8_t psid_offset = 0;  // a, 0 to 15
  uint8_t psid_length = 0;  // k, 0 to 16: 2^k customers share the address

  // The fields fit a port, and the offset is one that RFC 7598 §4.5 can say.
  [[nodiscard]] constexpr bool are_valid() const {
    return psid_offset <= 15 && psid_length <= 16 && psid_offset + psid_length <= 16;
  }
  [[nodiscard]] constexpr bool is_shared() const { return psid_length > 0; }
  [[nodiscard]] constexpr unsigned m() const { return 16u - psid_offset - psid_length; }
  // Whether the algorithm gives the port to anybody. An address that is not shared has all its ports.
  [[nodiscard]] constexpr bool gives_out(uint16_t port) const {
    return !is_shared() || psid_offset == 0 || port >> (16 - psid_offset) != 0;
  }
  // Whose the port is; only when gives_out(port).
  [[nodiscard]] constexpr uint16_t psid_of(uint16_t port) const {
    return static_cast<uint16_t>(uint32_t{port} >> m() & ((1u << psid_length) - 1));
  }
  friend constexpr auto operator<=>(const PortParameters&, const PortParameters&) = default;
};

class PortSet {
 public:
  // nullopt when the parameters are invalid or the PSID has more than k bits.
  static constexpr std::optional<PortSet> create(PortParameters parameters, uint16_t psid) {
    if (!parameters.are_valid() || psid >> parameters.psid_length != 0) return std::nullopt;
    return PortSet(parameters, psid);
  }

  [[nodiscard]] constexpr const PortParameters& parameters() const { return parameters_; }
  [[nodiscard]] constexpr uint16_t psid() const { return psid_; }
  [[nodiscard]] constexpr bool contains(uint16_t port) const {
    return parameters_.gives_out(port) && parameters_.psid_of(port) == psid_;
  }

  // The set as runs of consecutive ports, in ascending order. An address that is not shared is one run.
  struct Range {
    uint16_t first;
    uint16_t last;
    friend constexpr bool operator==(const Range&, const Range&) = default;
  };
  [[nodiscard]] constexpr std::size_t range_count() const {
    if (!parameters_.is_shared() || parameters_.psid_offset == 0) return 1;
    return (std::size_t{1} << parameters_.psid_offset) - 1;
  }
  [[nodiscard]] constexpr std::size_t range_size() const {
    return parameters_.is_shared() ? std::size_t{1} << parameters_.m() : 65536;
  }
  [[nodiscard]] constexpr std::size_t size() const { return range_count() * range_size(); }
  // index is below range_count().
  [[nodiscard]] constexpr Range range(std::size_t index) const {
    if (!parameters_.is_shared()) return {0, 65535};
    const std::size_t a = parameters_.psid_offset == 0 ? 0 : index + 1;
    const std::size_t first = a << (16 - parameters_.psid_offset) | std::size_t{psid_} << parameters_.m();
    return {static_cast<uint16_t>(first), static_cast<uint16_t>(first + range_size() - 1)};
  }
  friend constexpr bool operator==(const PortSet&, const PortSet&) = default;

 private:
  constexpr PortSet(PortParameters parameters, uint16_t psid) : parameters_(parameters), psid_(psid) {}
  PortParameters parameters_;
  uint16_t psid_;
};

}  // namespace yonroku::share
