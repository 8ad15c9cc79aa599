// Packets that are nearly valid: made from a seed, with the addresses of examples, so that most concern the
// mechanism, and each with something about it that may matter.
#pragma once

#include <vector>

#include "base/random_source.h"
#include "differential.h"

namespace yonroku::offload {

class Packets {
 public:
  // `examples` are packets of the configuration, such as the golden corpus' inputs: at least one.
  Packets(uint64_t seed, std::vector<test::Octets> examples);

  Arrival next();

 private:
  bool one_in(uint64_t n) { return random_.below(n) == 0; }
  uint8_t octet() { return static_cast<uint8_t>(random_.next()); }
  uint16_t word() { return static_cast<uint16_t>(random_.next()); }
  test::Octets octets(std::size_t size);
  const test::Octets& example() { return examples_[random_.below(examples_.size())]; }

  test::Octets like(test::View example);
  test::Octets ipv4_like(const test::Seen& seen);
  test::Octets ipv6_like(const test::Seen& seen);
  test::Octets tunnel_like(const test::Seen& outer, test::View inner);
  // One of the example's, or next to it, or somebody else's.
  test::Address address_like(const test::Address& address, unsigned version);
  uint8_t hops();
  std::size_t payload_size();
  test::Octets segment(unsigned version, uint8_t& protocol);
  test::Octets tcp(const test::Octets& data);
  test::Octets udp(const test::Octets& data);
  test::Octets icmp(unsigned version, const test::Octets& data);
  uint16_t port();
  test::Octets extension_headers(uint8_t& next_header);

  void spoil(Arrival& arrival);
  void spoil_checksum(test::Octets& packet);

  RandomSource random_;
  std::vector<test::Octets> examples_;
  std::vector<test::Address> ipv4_, ipv6_;
  std::vector<uint16_t> ports_;
};

}  // namespace yonroku::offload
