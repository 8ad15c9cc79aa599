#include "carry/fragmentation.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "packet/checksum.h"

namespace yonroku::carry {

Cuts::Cuts(std::span<const std::byte> packet, std::size_t front, std::size_t size) noexcept
    : packet_(packet), front_(front), payload_(packet.size() - front), step_((size - front) / 8 * 8) {
  YONROKU_CHECK(packet.size() >= front && size >= front + 8);
}

Cuts Cuts::of_ipv4(std::span<const std::byte> packet, std::size_t size) noexcept {
  return {packet, sizeof(Ipv4Header), size};
}

Cuts Cuts::of_ipv6(std::span<const std::byte> packet, std::size_t size) noexcept {
  return {packet, sizeof(Ipv6Header) + sizeof(Ipv6FragmentHeader), size};
}

std::size_t Cuts::write(std::size_t index, std::span<std::byte> out) const noexcept {
  const std::size_t begin = index * step_;
  const std::size_t carried = std::min(step_, payload_ - begin);
  const bool is_last = begin + carried == payload_;
  const std::size_t total = front_ + carried;
  YONROKU_CHECK(begin < payload_ && total <= out.size());
  std::memcpy(out.data(), packet_.data(), front_);
  std::memcpy(out.data() + front_, packet_.data() + front_ + begin, carried);

  if (front_ == sizeof(Ipv4Header)) {
    auto& header = *reinterpret_cast<Ipv4Header*>(out.data());
    const bool more = !is_last || header.more_fragments();
    const auto offset = static_cast<uint16_t>(header.fragment_offset() + begin / 8);
    header.total_length = be16::from_host(static_cast<uint16_t>(total));
    header.flags_fragment_offset =
        be16::from_host(static_cast<uint16_t>(offset | (more ? Ipv4Header::kMoreFragments : 0)));
    header.checksum = {};
    OnesSum sum;
    sum.add(std::span<const std::byte>(out.first(sizeof(Ipv4Header))));
    header.checksum = sum.checksum();
  } else {
    auto& header = *reinterpret_cast<Ipv6Header*>(out.data());
    auto& fragment = *reinterpret_cast<Ipv6FragmentHeader*>(out.data() + sizeof(Ipv6Header));
    const bool more = !is_last || fragment.more_fragments();
    const auto offset = static_cast<uint16_t>(fragment.fragment_offset() + begin / 8);
    header.payload_length = be16::from_host(static_cast<uint16_t>(total - sizeof(Ipv6Header)));
    fragment.offset_more = be16::from_host(static_cast<uint16_t>(offset << 3 | (more ? 1 : 0)));
  }
  return total;
}

}  // namespace yonroku::carry
