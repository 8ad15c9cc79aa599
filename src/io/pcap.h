// Capture files: IP packets out of pcap and pcapng with any usual link layer, and raw IP packets into pcap.
// Time stamps keep their nanoseconds.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/instant.h"
#include "base/result.h"

struct pcap;
struct pcap_dumper;

namespace yonroku::io {

struct CapturedPacket {
  Instant time;
  std::span<const std::byte> bytes;  // from the IP header on; valid until the next read
  std::size_t missing = 0;           // octets that were on the wire and that the capture left out
};

class PcapReader {
 public:
  // "-" is standard input.
  static Result<PcapReader> open(const std::string& path);

  // The next IP packet; nullopt at the file's end. Frames that carry something else are skipped.
  Result<std::optional<CapturedPacket>> next();

  [[nodiscard]] uint64_t skipped() const { return skipped_; }

 private:
  struct Close {
    void operator()(pcap* p) const;
  };
  PcapReader(std::string path, pcap* handle, int link_type)
      : path_(std::move(path)), handle_(handle), link_type_(link_type) {}

  std::string path_;
  std::unique_ptr<pcap, Close> handle_;
  int link_type_;
  uint64_t skipped_ = 0;
};

// Where the IP packet lies in a frame of that link type (a DLT_ value); nullopt when it carries none.
[[nodiscard]] std::optional<std::size_t> ip_offset(std::span<const std::byte> frame, int link_type);

class PcapWriter {
 public:
  // Link type "raw IP". "-" is standard output.
  static Result<PcapWriter> create(const std::string& path);

  void write(Instant time, std::span<const std::byte> packet);
  // Must be called: only now it is known whether everything could be written.
  Result<void> close();

 private:
  struct Close {
    void operator()(pcap* p) const;
    void operator()(pcap_dumper* p) const;
  };
  PcapWriter(std::string path, pcap* handle, pcap_dumper* dumper)
      : path_(std::move(path)), handle_(handle), dumper_(dumper) {}

  std::string path_;
  std::unique_ptr<pcap, Close> handle_;
  std::unique_ptr<pcap_dumper, Close> dumper_;
};

}  // namespace yonroku::io
