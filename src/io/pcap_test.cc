#include "io/pcap.h"

#include <gtest/gtest.h>
#include <pcap/pcap.h>
#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

namespace yonroku::io {
namespace {

using Octets = std::vector<uint8_t>;

std::string temporary_path(const char* name) {
  return testing::TempDir() + "pcap_test." + std::to_string(::getpid()) + "." + name;
}

std::span<const std::byte> bytes(const Octets& octets) { return std::as_bytes(std::span(octets)); }

Octets frame(std::initializer_list<Octets> parts) {
  Octets out;
  for (const Octets& part : parts) out.insert(out.end(), part.begin(), part.end());
  return out;
}

const Octets kMacs(12, 0x02);
const Octets kPayload{0x45, 0, 0, 20, 1, 2, 3, 4};

TEST(Pcap, FindsThePacketBehindEveryLinkLayer) {
  struct Row {
    const char* name;
    int link_type;
    Octets frame;
    std::optional<std::size_t> offset;
  };
  const Row rows[] = {
      {"raw IP", DLT_RAW, kPayload, 0},
      {"raw IPv4", DLT_IPV4, kPayload, 0},
      {"raw IPv6", DLT_IPV6, kPayload, 0},
      {"Ethernet, IPv4", DLT_EN10MB, frame({kMacs, {0x08, 0x00}, kPayload}), 14},
      {"Ethernet, IPv6", DLT_EN10MB, frame({kMacs, {0x86, 0xdd}, kPayload}), 14},
      {"one VLAN tag", DLT_EN10MB, frame({kMacs, {0x81, 0x00, 0, 7, 0x08, 0x00}, kPayload}), 18},
      {"two VLAN tags", DLT_EN10MB,
       frame({kMacs, {0x88, 0xa8, 0, 1, 0x81, 0x00, 0, 7, 0x86, 0xdd}, kPayload}), 22},
      {"ARP", DLT_EN10MB, frame({kMacs, {0x08, 0x06}, kPayload}), std::nullopt},
      {"a VLAN tag cut off", DLT_EN10MB, frame({kMacs, {0x81, 0x00, 0}}), std::nullopt},
      {"an Ethernet header cut off", DLT_EN10MB, kMacs, std::nullopt},
      {"cooked", DLT_LINUX_SLL, frame({Octets(14, 0), {0x08, 0x00}, kPayload}), 16},
      {"cooked, version 2", DLT_LINUX_SLL2, frame({{0x86, 0xdd}, Octets(18, 0), kPayload}), 20},
      {"cooked, with ARP", DLT_LINUX_SLL2, frame({{0x08, 0x06}, Octets(18, 0), kPayload}), std::nullopt},
      {"nothing", DLT_EN10MB, {}, std::nullopt},
      {"unknown link type", DLT_PPP, kPayload, std::nullopt},
  };
  for (const Row& row : rows) EXPECT_EQ(ip_offset(bytes(row.frame), row.link_type), row.offset) << row.name;
}

// Written with libpcap itself, since our writer knows raw IP only.
void write_ethernet(const std::string& path, std::initializer_list<Octets> frames, uint32_t not_captured) {
  pcap_t* handle = pcap_open_dead(DLT_EN10MB, 65535);
  pcap_dumper_t* dumper = pcap_dump_open(handle, path.c_str());
  for (const Octets& one : frames) {
    pcap_pkthdr header{};
    header.ts = {7, 5};  // 7.000005 s
    header.caplen = static_cast<bpf_u_int32>(one.size());
    header.len = header.caplen + not_captured;
    pcap_dump(reinterpret_cast<u_char*>(dumper), &header, one.data());
  }
  pcap_dump_close(dumper);
  pcap_close(handle);
}

TEST(Pcap, SkipsAndCountsWhatIsNotIp) {
  const std::string path = temporary_path("ethernet");
  write_ethernet(path, {frame({kMacs, {0x08, 0x06}, kPayload}), frame({kMacs, {0x08, 0x00}, kPayload})}, 3);
  auto reader = PcapReader::open(path);
  ASSERT_TRUE(reader) << reader.error().to_string();
  const auto packet = reader->next();
  ASSERT_TRUE(packet && packet->has_value());
  EXPECT_EQ((*packet)->time.nanoseconds(), 7'000'005'000);
  EXPECT_EQ((*packet)->bytes.size(), kPayload.size());
  EXPECT_EQ((*packet)->missing, 3u);
  const auto end = reader->next();
  ASSERT_TRUE(end);
  EXPECT_FALSE(end->has_value());
  EXPECT_EQ(reader->skipped(), 1u);
  ::unlink(path.c_str());
}

TEST(Pcap, WhatIsWrittenIsReadToTheNanosecond) {
  const std::string path = temporary_path("raw");
  auto writer = PcapWriter::create(path);
  ASSERT_TRUE(writer) << writer.error().to_string();
  const Octets large(65575, 0x60);
  writer->write(Instant::from_nanoseconds(1'700'000'000'123'456'789), bytes(kPayload));
  writer->write(Instant::from_nanoseconds(1'700'000'001'000'000'001), bytes(large));
  ASSERT_TRUE(writer->close());
  auto reader = PcapReader::open(path);
  ASSERT_TRUE(reader) << reader.error().to_string();
  auto packet = reader->next();
  ASSERT_TRUE(packet && packet->has_value());
  EXPECT_EQ((*packet)->time.nanoseconds(), 1'700'000'000'123'456'789);
  EXPECT_TRUE(std::ranges::equal((*packet)->bytes, bytes(kPayload)));
  packet = reader->next();
  ASSERT_TRUE(packet && packet->has_value());
  EXPECT_EQ((*packet)->time.nanoseconds(), 1'700'000'001'000'000'001);
  EXPECT_EQ((*packet)->bytes.size(), large.size());
  EXPECT_EQ((*packet)->missing, 0u);
  ::unlink(path.c_str());
}

TEST(Pcap, ErrorsNameTheFileAndWhatIsWrong) {
  const auto missing = PcapReader::open("/nonexistent/a.pcap");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().where, "/nonexistent/a.pcap");
  EXPECT_EQ(missing.error().what, "No such file or directory");

  const std::string text = temporary_path("text");
  std::ofstream(text) << "instances: [] # no capture at all\n";
  const auto wrong = PcapReader::open(text);
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().what.find("not a capture file"), std::string::npos) << wrong.error().what;
  ::unlink(text.c_str());

  const auto unwritable = PcapWriter::create("/nonexistent/out.pcap");
  ASSERT_FALSE(unwritable);
  EXPECT_EQ(unwritable.error().to_string(),
            "/nonexistent/out.pcap: cannot be written: No such file or directory");
}

TEST(Pcap, AFileCutOffIsAnErrorAtItsEnd) {
  const std::string path = temporary_path("cut");
  write_ethernet(path, {frame({kMacs, {0x08, 0x00}, kPayload}), frame({kMacs, {0x08, 0x00}, kPayload})}, 0);
  ASSERT_EQ(::truncate(path.c_str(), 24 + 16 + 22 + 10), 0);
  auto reader = PcapReader::open(path);
  ASSERT_TRUE(reader);
  EXPECT_TRUE(reader->next());
  const auto packet = reader->next();
  ASSERT_FALSE(packet);
  EXPECT_EQ(packet.error().where, path);
  ::unlink(path.c_str());
}

TEST(Pcap, AFullDiskIsNoticedOnClose) {
  if (::access("/dev/full", W_OK) != 0) GTEST_SKIP() << "no /dev/full";
  auto writer = PcapWriter::create("/dev/full");
  if (!writer) return;  // noticed even sooner
  writer->write(Instant::from_nanoseconds(0), bytes(kPayload));
  EXPECT_FALSE(writer->close());
}

}  // namespace
}  // namespace yonroku::io
