#include "config/nat_log_reader.h"

#include <fmt/format.h>

#include <bit>
#include <map>

#include "config/section_reader.h"
#include "config/text_file.h"

namespace yonroku::config {
namespace {

constexpr std::size_t kMostReceivers = 16;  // of a kind: each has a queue of its own

class ReceiverReader {
 public:
  ReceiverReader(SectionReader& keys, const std::string& base_dir, Findings& findings)
      : keys_(keys), base_dir_(base_dir), findings_(findings) {}

  std::vector<SyslogSettings> read_syslog() {
    std::vector<SyslogSettings> all;
    for (const Node* node : entries("syslog")) {
      const std::size_t errors = findings_.error_count();
      SectionReader keys(*node, Scope::SyslogServer, std::nullopt, findings_);
      SyslogSettings one;
      one.server = keys.text("server").value_or("");
      one.transport = keys.choice<SyslogSettings::Transport>("transport");
      const bool is_tls = one.transport == SyslogSettings::Transport::Tls;
      one.port = is_tls ? 6514 : 514;
      if (keys.has("port")) one.port = static_cast<uint16_t>(keys.integer("port"));
      one.facility = static_cast<uint8_t>(keys.choice<uint8_t>("facility"));
      one.server_name = read_server_name(keys, is_tls).value_or(one.server);
      one.tls = read_tls(keys, is_tls);
      check_is_single(*node, errors, fmt::format("{} port {}", one.server, one.port));
      all.push_back(std::move(one));
    }
    return all;
  }

  std::vector<IpfixSettings> read_ipfix() {
    std::vector<IpfixSettings> all;
    for (const Node* node : entries("ipfix")) {
      const std::size_t errors = findings_.error_count();
      SectionReader keys(*node, Scope::IpfixCollector, std::nullopt, findings_);
      IpfixSettings one;
      one.server = keys.text("server").value_or("");
      one.transport = keys.choice<IpfixSettings::Transport>("transport");
      const bool is_tls = one.transport == IpfixSettings::Transport::Tls;
      one.port = is_tls ? 4740 : 4739;
      if (keys.has("port")) one.port = static_cast<uint16_t>(keys.integer("port"));
      one.observation_domain = static_cast<uint32_t>(keys.integer("observation-domain"));
      one.template_interval = static_cast<uint32_t>(keys.integer("template-interval"));
      if (one.transport != IpfixSettings::Transport::Udp && keys.has("template-interval"))
        findings_.error(keys.place_of("template-interval"),
                        fmt::format("template-interval has no meaning by {}", is_tls ? "tls" : "tcp"),
                        "remove it, or write \"transport: udp\"");
      one.server_name = read_server_name(keys, is_tls).value_or(one.server);
      one.tls = read_tls(keys, is_tls);
      if (is_tls && !one.tls.certificate)
        findings_.warn(*node, "the collector can't tell who we are without a certificate of ours",
                       "add \"certificate:\" (RFC 7011 §11.3)");
      check_is_single(*node, errors, fmt::format("{} port {}", one.server, one.port));
      all.push_back(std::move(one));
    }
    return all;
  }

  std::vector<KafkaSettings> read_kafka() {
    std::vector<KafkaSettings> all;
    for (const Node* node : entries("kafka")) {
      const std::size_t errors = findings_.error_count();
      SectionReader keys(*node, Scope::KafkaCluster, std::nullopt, findings_);
      KafkaSettings one;
      one.brokers = keys.hosts_and_ports("brokers");
      if (const Node& list = keys.place_of("brokers");
          keys.has("brokers") && list.kind == Node::Kind::Sequence && list.children.empty())
        findings_.error(list, "brokers is empty", "name one of the cluster's brokers");
      one.topic = keys.text("topic").value_or("");
      one.transport = keys.choice<KafkaSettings::Transport>("transport");
      one.tls = read_tls(keys, one.transport == KafkaSettings::Transport::Tls);
      read_sasl(keys, one);
      if (!one.brokers.empty())
        check_is_single(*node, errors, fmt::format("{} topic {}", one.brokers[0], one.topic));
      all.push_back(std::move(one));
    }
    return all;
  }

 private:
  std::vector<const Node*> entries(std::string_view key) {
    seen_.clear();
    std::vector<const Node*> nodes = keys_.sections(key);
    if (nodes.size() > kMostReceivers) {
      findings_.error(keys_.place_of(key),
                      fmt::format("{}: {} receivers, more than {}", key, nodes.size(), kMostReceivers),
                      "let one of them hand on what it gets");
      nodes.resize(kMostReceivers);
    }
    return nodes;
  }

  TlsSettings read_tls(SectionReader& keys, bool is_tls) {
    TlsSettings tls;
    const auto read = [&](std::string_view key) -> std::optional<std::string> {
      if (!is_tls) refuse(keys, key);
      const auto given = keys.text(key);
      if (!given) return std::nullopt;
      return path_from(base_dir_, *given);
    };
    tls.ca_file = read("ca-file");
    tls.certificate = read("certificate");
    tls.private_key = read("private-key");
    if (tls.private_key && !tls.certificate)
      findings_.error(keys.place_of("private-key"), "private-key without a certificate",
                      "add \"certificate:\" with the file of the certificate that it belongs to");
    return tls;
  }

  void read_sasl(SectionReader& keys, KafkaSettings& kafka) {
    kafka.sasl = keys.choice<KafkaSettings::Sasl>("sasl-mechanism");
    const bool is_sasl = kafka.sasl != KafkaSettings::Sasl::None;
    for (const std::string_view key : {"username", "password-file"}) {
      const auto given = keys.text(key);
      if (given) (key == "username" ? kafka.username : kafka.password_file) = *given;
      if (keys.has(key) && !is_sasl)
        findings_.error(keys.place_of(key), fmt::format("{} has no meaning without SASL", key),
                        "write a sasl-mechanism such as SCRAM-SHA-512, or remove it");
      if (!keys.has(key) && is_sasl)
        findings_.error(keys.place_of("sasl-mechanism"), fmt::format("sasl-mechanism without {}", key),
                        fmt::format("add \"{}:\"", key));
    }
    if (is_sasl) kafka.password_file = path_from(base_dir_, kafka.password_file);
    if (kafka.sasl == KafkaSettings::Sasl::Plain && kafka.transport != KafkaSettings::Transport::Tls)
      findings_.warn(keys.place_of("sasl-mechanism"), "PLAIN shows the password to everybody on the way",
                     "write \"transport: tls\", or use SCRAM-SHA-512");
  }

  std::optional<std::string> read_server_name(SectionReader& keys, bool is_tls) {
    if (!is_tls) refuse(keys, "server-name");
    return keys.text("server-name");
  }

  void refuse(SectionReader& keys, std::string_view key) {
    if (keys.has(key))
      findings_.error(keys.place_of(key), fmt::format("{} has no meaning without TLS", key),
                      "write \"transport: tls\", or remove it");
  }

  void check_is_single(const Node& node, std::size_t errors_before, const std::string& where) {
    if (findings_.error_count() != errors_before) return;
    const auto [first, is_new] = seen_.try_emplace(where, &node);
    if (!is_new)
      findings_.error(node,
                      fmt::format("the receiver in line {} is {} too", first->second->position.line, where),
                      "name each receiver once");
  }

  SectionReader& keys_;
  const std::string& base_dir_;
  Findings& findings_;
  std::map<std::string, const Node*> seen_;
};

}  // namespace

NatLogSettings read_nat_log(const Node& section, const std::string& base_dir, Findings& findings) {
  SectionReader keys(section, Scope::NatLog, std::nullopt, findings);
  NatLogSettings log;
  log.events = keys.choice<LoggedEvents>("events");
  log.destinations = keys.boolean("destinations");
  if (log.destinations && log.events != LoggedEvents::Sessions)
    findings.error(keys.place_of("destinations"), "destinations are of sessions, and no sessions are logged",
                   "write \"events: sessions\", or remove destinations");
  log.queue = std::bit_ceil(static_cast<uint32_t>(keys.integer("queue")));
  if (const auto path = keys.text("path")) log.path = path_from(base_dir, *path);
  ReceiverReader receivers(keys, base_dir, findings);
  log.syslog = receivers.read_syslog();
  log.ipfix = receivers.read_ipfix();
  log.kafka = receivers.read_kafka();
  log.store = keys.boolean("store");
  log.keep_days = static_cast<uint32_t>(keys.integer("keep-days"));
  log.keep_size = static_cast<uint32_t>(keys.integer("keep-size"));
  return log;
}

}  // namespace yonroku::config
