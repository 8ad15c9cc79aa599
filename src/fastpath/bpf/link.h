// The two places where a program sees packets: tc (a socket buffer, perhaps a super-packet, perhaps with an
// unfinished checksum) and XDP (the frame as the driver received it). What is written once is a template over
// them.
//
// A packet begins with `kFront` octets of Ethernet, or with none on devices that have no link layer (tc
// only).
#pragma once

#include <linux/if_ether.h>

#include "fastpath/bpf/kernel.h"
#include "fastpath/layout.h"
#include "packet/checksum.h"
#include "packet/headers.h"

namespace yonroku::bpf {

struct EthernetHeader {
  uint8_t destination[ETH_ALEN];
  uint8_t source[ETH_ALEN];
  be16 type;
};
static_assert(sizeof(EthernetHeader) == ETH_HLEN);

inline constexpr uint32_t kMostHeaders =
    sizeof(Ipv6Header) + sizeof(Ipv4Header) + 60;  // worth having at hand

// Of whole 32-bit words, as they lie in memory.
template <uint32_t kOctets>
YONROKU_HOT_INLINE uint32_t sum_in_memory(const void* octets) {
  uint32_t words[kOctets / 4];
  __builtin_memcpy(words, octets, sizeof words);
  uint64_t sum = 0;
  for (const uint32_t word : words) sum += word;
  sum = (sum & 0xffffffff) + (sum >> 32);
  return static_cast<uint32_t>(sum + (sum >> 32));
}

template <uint32_t kFrontSize>
struct Tc {
  static constexpr uint32_t kFront = kFrontSize;
  static constexpr int kUp = TC_ACT_UNSPEC;
  static constexpr int kDrop = TC_ACT_SHOT;
  static constexpr fastpath::Place kPlace = fastpath::Place::Tc;
  __sk_buff* packet;

  YONROKU_HOT_INLINE explicit Tc(__sk_buff* skb) : packet(skb) {}
  [[nodiscard]] YONROKU_HOT_INLINE char* begin() const {
    return reinterpret_cast<char*>(static_cast<uintptr_t>(packet->data));
  }
  [[nodiscard]] YONROKU_HOT_INLINE char* end() const {
    return reinterpret_cast<char*>(static_cast<uintptr_t>(packet->data_end));
  }
  [[nodiscard]] YONROKU_HOT_INLINE __sk_buff* context() const { return packet; }
  [[nodiscard]] YONROKU_HOT_INLINE uint32_t size() const { return packet->len; }  // with the front
  [[nodiscard]] YONROKU_HOT_INLINE uint32_t ingress() const { return packet->ifindex; }
  [[nodiscard]] YONROKU_HOT_INLINE uint16_t protocol() const {
    return __builtin_bswap16(static_cast<uint16_t>(packet->protocol));
  }
  // A tag that is not in the frame belongs to a VLAN device: its own hook sees the packet next.
  [[nodiscard]] YONROKU_HOT_INLINE bool is_for_us() const {
    return packet->vlan_present == 0 && packet->pkt_type == 0;  // PACKET_HOST
  }
  [[nodiscard]] YONROKU_HOT_INLINE bool is_addressed_to(const uint8_t (&)[ETH_ALEN]) const { return true; }
  // Octets of payload in each segment of a super-packet, else 0.
  [[nodiscard]] YONROKU_HOT_INLINE uint32_t segment_size() const { return packet->gso_size; }
  // Headers where they can be read, if they are not yet.
  YONROKU_HOT_INLINE void have_headers() const {
    if (begin() + kFront + kMostHeaders > end()) {
      const uint32_t most = kFront + kMostHeaders;
      (void)skb_pull_data(packet, packet->len < most ? packet->len : most);
    }
  }

  // Cuts what follows the IP packet: Ethernet's padding. Only of packets that are none of segments.
  YONROKU_HOT_INLINE bool trim(uint32_t size) const {
    return packet->len <= size || packet->gso_size != 0 || skb_change_tail(packet, size, 0) == 0;
  }
  YONROKU_HOT_INLINE bool become_ipv6() const {
    return skb_change_proto(packet, __builtin_bswap16(ETH_P_IPV6), 0) == 0;
  }
  YONROKU_HOT_INLINE bool become_ipv4() const {
    return skb_change_proto(packet, __builtin_bswap16(ETH_P_IP), 0) == 0;
  }

  // Makes room for a tunnel's headers in front of an IPv4 packet.
  YONROKU_HOT_INLINE bool enter_tunnel(uint32_t headers) const {
    return skb_adjust_room(packet, static_cast<int32_t>(headers), BPF_ADJ_ROOM_MAC,
                           BPF_F_ADJ_ROOM_ENCAP_L3_IPV6 | BPF_F_ADJ_ROOM_FIXED_GSO) == 0;
  }
  // Takes so many octets from the front of the IP packet, which stays larger than an IPv6 header.
  YONROKU_HOT_INLINE bool cut_front(uint32_t octets) const {
    return skb_adjust_room(packet, -static_cast<int32_t>(octets), BPF_ADJ_ROOM_MAC,
                           BPF_F_ADJ_ROOM_FIXED_GSO) == 0;
  }

  // Adds the change to the checksum field at `field` octets behind the front. Whether the sum is finished or
  // the device's to finish, only the kernel knows. UDP without a checksum gets none (RFC 768).
  YONROKU_HOT_INLINE void change_checksum(uint32_t field, OnesSum pseudo_header, OnesSum other,
                                          bool is_udp) const {
    // The kernel sums in memory order.
    const auto in_memory = [](OnesSum sum) -> uint64_t { return __builtin_bswap16(sum.folded()); };
    const uint64_t udp = is_udp ? BPF_F_MARK_MANGLED_0 : 0;
    (void)l4_csum_replace(packet, kFront + field, 0, in_memory(pseudo_header), BPF_F_PSEUDO_HDR | udp);
    if (other.folded() != 0) (void)l4_csum_replace(packet, kFront + field, 0, in_memory(other), udp);
  }
  // A device may have told the sum of all that is behind the front (CHECKSUM_COMPLETE), and whoever gets the
  // packet by a veth believes it. The kernel keeps it as it takes octets away, puts zeros in, and in
  // l4_csum_replace(); what a program writes itself, it has to tell. IPv4 headers sum to nothing.
  YONROKU_HOT_INLINE void add_to_sum(uint32_t sum) const { (void)csum_update(packet, sum); }
};

struct Xdp {
  static constexpr uint32_t kFront = ETH_HLEN;
  static constexpr int kUp = XDP_PASS;
  static constexpr int kDrop = XDP_DROP;
  static constexpr fastpath::Place kPlace = fastpath::Place::Xdp;
  xdp_md* packet;

  YONROKU_HOT_INLINE explicit Xdp(xdp_md* frame) : packet(frame) {}
  [[nodiscard]] YONROKU_HOT_INLINE char* begin() const {
    return reinterpret_cast<char*>(static_cast<uintptr_t>(packet->data));
  }
  [[nodiscard]] YONROKU_HOT_INLINE char* end() const {
    return reinterpret_cast<char*>(static_cast<uintptr_t>(packet->data_end));
  }
  [[nodiscard]] YONROKU_HOT_INLINE xdp_md* context() const { return packet; }
  [[nodiscard]] YONROKU_HOT_INLINE uint32_t size() const {
    // In the verifier's eyes these are pointers, which are not subtracted in 32 bits.
    uint64_t first = packet->data;
    uint64_t last = packet->data_end;
    asm volatile("" : "+r"(first), "+r"(last));
    return static_cast<uint32_t>(last - first);
  }
  [[nodiscard]] YONROKU_HOT_INLINE uint32_t ingress() const { return packet->ingress_ifindex; }
  [[nodiscard]] YONROKU_HOT_INLINE uint16_t protocol() const {
    const char* at = begin();
    return at + sizeof(EthernetHeader) > end() ? 0 : reinterpret_cast<const EthernetHeader*>(at)->type.host();
  }
  // Whether it is for another station is asked once the interface's own address is at hand:
  // is_addressed_to().
  [[nodiscard]] YONROKU_HOT_INLINE bool is_for_us() const { return true; }
  [[nodiscard]] YONROKU_HOT_INLINE bool is_addressed_to(const uint8_t (&mac)[ETH_ALEN]) const {
    const char* at = begin();
    return at + sizeof(EthernetHeader) <= end() &&
           __builtin_memcmp(reinterpret_cast<const EthernetHeader*>(at)->destination, mac, ETH_ALEN) == 0;
  }
  [[nodiscard]] YONROKU_HOT_INLINE uint32_t segment_size() const { return 0; }
  YONROKU_HOT_INLINE void have_headers() const {}

  YONROKU_HOT_INLINE bool trim(uint32_t size) const {
    const int excess = static_cast<int>(this->size()) - static_cast<int>(size);
    return excess <= 0 || xdp_adjust_tail(packet, -excess) == 0;
  }
  YONROKU_HOT_INLINE bool become_ipv6() const {
    return xdp_adjust_head(packet, -static_cast<int>(sizeof(Ipv6Header) - sizeof(Ipv4Header))) == 0;
  }
  YONROKU_HOT_INLINE bool become_ipv4() const {
    return xdp_adjust_head(packet, sizeof(Ipv6Header) - sizeof(Ipv4Header)) == 0;
  }
  YONROKU_HOT_INLINE bool enter_tunnel(uint32_t headers) const {
    return xdp_adjust_head(packet, -static_cast<int>(headers)) == 0;
  }
  YONROKU_HOT_INLINE bool cut_front(uint32_t octets) const {
    return xdp_adjust_head(packet, static_cast<int>(octets)) == 0;
  }

  YONROKU_HOT_INLINE void change_checksum(uint32_t field, OnesSum pseudo_header, OnesSum other,
                                          bool is_udp) const {
    char* const at = begin() + kFront + field;
    if (at + sizeof(be16) > end()) return;
    auto& checksum = *reinterpret_cast<be16*>(at);
    if (is_udp && checksum == be16{}) return;
    ChecksumDelta delta;
    delta.added(pseudo_header);
    delta.added(other);
    const be16 now = delta.apply(checksum);
    checksum = is_udp && now == be16{} ? be16::from_host(0xffff) : now;
  }
  YONROKU_HOT_INLINE void add_to_sum(uint32_t) const {}
};

}  // namespace yonroku::bpf
