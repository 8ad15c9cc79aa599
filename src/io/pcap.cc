#include "io/pcap.h"

#include <pcap/pcap.h>

#include <cerrno>
#include <cstring>

#include "base/wire.h"

namespace yonroku::io {
namespace {

constexpr int kSnapshotLength = 262144;  // libpcap's own largest: a translated packet always fits
constexpr std::size_t kEtherTypeSize = 2;

enum EtherType : uint16_t {
  kIpv4 = 0x0800,
  kIpv6 = 0x86dd,
  kCustomerVlan = 0x8100,  // IEEE 802.1Q
  kServiceVlan = 0x88a8,   // IEEE 802.1ad
  kOldServiceVlan = 0x9100,
};

bool is_vlan(uint16_t type) {
  return type == kCustomerVlan || type == kServiceVlan || type == kOldServiceVlan;
}

std::optional<uint16_t> ether_type_at(std::span<const std::byte> frame, std::size_t offset) {
  if (offset + kEtherTypeSize > frame.size()) return std::nullopt;
  be16 type;
  std::memcpy(&type, frame.data() + offset, sizeof type);
  return type.host();
}

// `type_offset`: where the first EtherType stands; VLAN tags may follow it.
std::optional<std::size_t> behind_ether_types(std::span<const std::byte> frame, std::size_t type_offset,
                                              std::size_t payload_offset) {
  constexpr std::size_t kVlanTagSize = 4;
  auto type = ether_type_at(frame, type_offset);
  while (type && is_vlan(*type)) {
    type = ether_type_at(frame, payload_offset + kEtherTypeSize);
    payload_offset += kVlanTagSize;
  }
  if (!type || (*type != kIpv4 && *type != kIpv6)) return std::nullopt;
  return payload_offset;
}

}  // namespace

std::optional<std::size_t> ip_offset(std::span<const std::byte> frame, int link_type) {
  switch (link_type) {
    case DLT_RAW:
    case DLT_IPV4:
    case DLT_IPV6: return 0;
    case DLT_EN10MB: return behind_ether_types(frame, 12, 14);
    case DLT_LINUX_SLL: return behind_ether_types(frame, 14, 16);
    case DLT_LINUX_SLL2: return behind_ether_types(frame, 0, 20);
    default: return std::nullopt;
  }
}

// --- reading ---

void PcapReader::Close::operator()(pcap* p) const { pcap_close(p); }

Result<PcapReader> PcapReader::open(const std::string& path) {
  std::FILE* file = path == "-" ? stdin : std::fopen(path.c_str(), "rb");
  if (file == nullptr) return fail(path, std::strerror(errno), "give the path of a pcap or pcapng file");
  char message[PCAP_ERRBUF_SIZE] = {};
  pcap_t* handle = pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, message);
  if (handle == nullptr) {
    if (file != stdin) std::fclose(file);
    return fail(path, std::string("not a capture file: ") + message,
                "give a pcap or pcapng file, as tcpdump -w writes");
  }
  const int link_type = pcap_datalink(handle);
  PcapReader reader(path, handle, link_type);
  switch (link_type) {
    case DLT_RAW:
    case DLT_IPV4:
    case DLT_IPV6:
    case DLT_EN10MB:
    case DLT_LINUX_SLL:
    case DLT_LINUX_SLL2: return reader;
    default: break;
  }
  const char* name = pcap_datalink_val_to_description(link_type);
  return fail(path,
              "link type " + std::to_string(link_type) + " (" + (name == nullptr ? "unknown" : name) +
                  ") is not understood",
              "capture on an Ethernet or TUN device, or on \"any\"");
}

Result<std::optional<CapturedPacket>> PcapReader::next() {
  for (;;) {
    pcap_pkthdr* header = nullptr;
    const u_char* data = nullptr;
    const int outcome = pcap_next_ex(handle_.get(), &header, &data);
    if (outcome == PCAP_ERROR_BREAK) return std::nullopt;
    if (outcome != 1)
      return fail(path_, std::string("cannot be read further: ") + pcap_geterr(handle_.get()),
                  "the file may have been cut off while it was written");
    const std::span<const std::byte> frame(reinterpret_cast<const std::byte*>(data), header->caplen);
    const auto offset = ip_offset(frame, link_type_);
    if (!offset || *offset > frame.size()) {
      ++skipped_;
      continue;
    }
    CapturedPacket packet;
    // With nanosecond precision tv_usec counts nanoseconds.
    packet.time = Instant::from_nanoseconds(int64_t{header->ts.tv_sec} * 1'000'000'000 + header->ts.tv_usec);
    packet.bytes = frame.subspan(*offset);
    packet.missing = header->len > header->caplen ? header->len - header->caplen : 0;
    return packet;
  }
}

// --- writing ---

void PcapWriter::Close::operator()(pcap* p) const { pcap_close(p); }
void PcapWriter::Close::operator()(pcap_dumper* p) const { pcap_dump_close(p); }

Result<PcapWriter> PcapWriter::create(const std::string& path) {
  pcap_t* handle = pcap_open_dead_with_tstamp_precision(DLT_RAW, kSnapshotLength, PCAP_TSTAMP_PRECISION_NANO);
  if (handle == nullptr) return fail(path, "out of memory");
  PcapWriter writer(path, handle, nullptr);
  std::FILE* file = path == "-" ? stdout : std::fopen(path.c_str(), "wb");
  if (file == nullptr) return fail(path, std::string("cannot be written: ") + std::strerror(errno));
  pcap_dumper_t* dumper = pcap_dump_fopen(handle, file);
  if (dumper == nullptr) {
    const std::string why = pcap_geterr(handle);
    if (file != stdout) std::fclose(file);
    return fail(path, "cannot be written: " + why);
  }
  writer.dumper_.reset(dumper);
  return writer;
}

void PcapWriter::write(Instant time, std::span<const std::byte> packet) {
  constexpr int64_t kPerSecond = 1'000'000'000;
  pcap_pkthdr header{};
  header.ts.tv_sec = time.nanoseconds() / kPerSecond;
  header.ts.tv_usec = time.nanoseconds() % kPerSecond;
  header.caplen = static_cast<bpf_u_int32>(packet.size());
  header.len = header.caplen;
  pcap_dump(reinterpret_cast<u_char*>(dumper_.get()), &header,
            reinterpret_cast<const u_char*>(packet.data()));
}

Result<void> PcapWriter::close() {
  errno = 0;
  const bool flushed = pcap_dump_flush(dumper_.get()) == 0 && std::ferror(pcap_dump_file(dumper_.get())) == 0;
  const int error = errno;
  dumper_.reset();
  if (!flushed)
    return fail(
        path_,
        std::string("could not be written whole: ") + (error != 0 ? std::strerror(error) : "I/O error"),
        "make room and try again");
  return {};
}

}  // namespace yonroku::io
