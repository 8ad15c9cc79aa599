// Where what happens in the NATs and in the tables of the stateless mechanisms is written down.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace yonroku::config {

// What of a NAT: the least that answers who had an address and a port (Auto: blocks where there are blocks,
// nothing where it follows from the settings, else bindings), or more.
enum class LoggedEvents : uint8_t { Auto, PortBlocks, Bindings, Sessions };

// Files are as paths that open() takes.
struct TlsSettings {
  std::optional<std::string> ca_file;  // nullopt: whom the host trusts
  std::optional<std::string> certificate;
  std::optional<std::string> private_key;  // nullopt: in the file of the certificate
  friend bool operator==(const TlsSettings&, const TlsSettings&) = default;
};

struct SyslogSettings {
  enum class Transport : uint8_t { Udp, Tcp, Tls } transport = Transport::Udp;
  std::string server;  // address or name
  uint16_t port = 514;
  uint8_t facility = 16;    // RFC 5424 §6.2.1
  std::string server_name;  // that the certificate must be for
  TlsSettings tls;
  friend bool operator==(const SyslogSettings&, const SyslogSettings&) = default;
};

struct IpfixSettings {
  enum class Transport : uint8_t { Udp, Tcp, Tls } transport = Transport::Udp;
  std::string server;  // address or name
  uint16_t port = 4739;
  uint32_t observation_domain = 1;
  uint32_t template_interval = 60;  // seconds
  std::string server_name;          // that the certificate must be for
  TlsSettings tls;
  friend bool operator==(const IpfixSettings&, const IpfixSettings&) = default;
};

struct KafkaSettings {
  enum class Transport : uint8_t { Tcp, Tls } transport = Transport::Tcp;
  std::vector<std::string> brokers;  // "host", "host:port", "[address]:port"
  std::string topic = "yonroku";
  TlsSettings tls;
  enum class Sasl : uint8_t { None, Plain, ScramSha256, ScramSha512 } sasl = Sasl::None;
  std::string username;       // with sasl
  std::string password_file;  // likewise
  friend bool operator==(const KafkaSettings&, const KafkaSettings&) = default;
};

struct NatLogSettings {
  LoggedEvents events = LoggedEvents::Auto;
  bool destinations = false;  // of sessions; RFC 6888 REQ-12 advises against it
  uint32_t queue = 262144;    // events that may wait, of each worker and for each receiver; a power of two
  std::string path = "/var/lib/yonroku/log";  // a folder
  // No two of a list go to the same server and port, or topic.
  std::vector<SyslogSettings> syslog{};
  std::vector<IpfixSettings> ipfix{};
  std::vector<KafkaSettings> kafka{};
  bool store = true;           // the log on this host's disk, below `path`
  uint32_t keep_days = 180;    // in the store
  uint32_t keep_size = 10240;  // likewise, MiB
  friend bool operator==(const NatLogSettings&, const NatLogSettings&) = default;
};

}  // namespace yonroku::config
