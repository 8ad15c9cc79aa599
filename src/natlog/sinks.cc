#include "natlog/sinks.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <array>

#include "natlog/clock.h"
#include "natlog/ipfix_message.h"
#include "natlog/json_lines.h"
#include "natlog/kafka_transport.h"
#include "natlog/log_folder.h"
#include "natlog/network_sink.h"
#include "natlog/socket_transports.h"
#include "natlog/store/store.h"
#include "natlog/syslog_message.h"

namespace yonroku::natlog {
namespace {

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

std::string with_port(const std::string& host, uint16_t port) {
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port)
                                             : fmt::format("[{}]:{}", host, port);
}

std::string words_of(const config::TlsSettings& tls) {
  return fmt::format("{} {} {}", tls.ca_file.value_or(""), tls.certificate.value_or(""),
                     tls.private_key.value_or(""));
}

constexpr std::string_view kTransports[] = {"udp", "tcp", "tls"};

// Of syslog and IPFIX, which have the same transports.
template <class Settings>
Result<std::unique_ptr<Transport>> make_transport(const Settings& settings, std::unique_ptr<Framer> framer) {
  using Way = typename Settings::Transport;
  const Destination destination{settings.server, settings.port};
  std::unique_ptr<Transport> transport;
  if (settings.transport == Way::Udp) {
    transport = std::make_unique<DatagramTransport>(destination, std::move(framer));
  } else {
    std::optional<TlsClient> tls;
    if (settings.transport == Way::Tls) tls = TRY(TlsClient::create(settings.tls, settings.server_name));
    transport = std::make_unique<StreamTransport>(destination, std::move(framer), std::move(tls));
  }
  return transport;
}

Result<std::unique_ptr<Sink>> make_sink(const config::SyslogSettings& settings, const std::string& folder) {
  std::unique_ptr<Framer> framer = std::make_unique<SyslogStream>();
  if (settings.transport == config::SyslogSettings::Transport::Udp)
    framer = std::make_unique<SyslogDatagrams>();
  auto transport = TRY(make_transport(settings, std::move(framer)));
  std::string name = fmt::format("syslog {} {}", kTransports[static_cast<std::size_t>(settings.transport)],
                                 with_port(settings.server, settings.port));
  std::string all =
      fmt::format("{} {} {} {}", name, settings.facility, settings.server_name, words_of(settings.tls));
  auto encoder =
      std::make_unique<SyslogEncoder>(SyslogEncoder::Origin{settings.facility, host_name(), ::getpid()});
  UnsentFile unsent(folder, name);
  return std::make_unique<NetworkSink>(std::move(name), std::move(all), std::move(encoder),
                                       std::move(transport), std::move(unsent));
}

Result<std::unique_ptr<Sink>> make_sink(const config::IpfixSettings& settings, const std::string& folder) {
  const bool is_udp = settings.transport == config::IpfixSettings::Transport::Udp;
  constexpr Milliseconds kPerSecond = 1000;
  auto framer = std::make_unique<IpfixFramer>(IpfixFramer::Settings{
      settings.observation_domain, is_udp ? settings.template_interval * kPerSecond : 0});
  auto transport = TRY(make_transport(settings, std::move(framer)));
  std::string name = fmt::format("ipfix {} {}", kTransports[static_cast<std::size_t>(settings.transport)],
                                 with_port(settings.server, settings.port));
  std::string all = fmt::format("{} {} {} {} {}", name, settings.observation_domain,
                                settings.template_interval, settings.server_name, words_of(settings.tls));
  UnsentFile unsent(folder, name);
  return std::make_unique<NetworkSink>(std::move(name), std::move(all), std::make_unique<IpfixEncoder>(),
                                       std::move(transport), std::move(unsent));
}

Result<std::unique_ptr<Sink>> make_sink(const config::KafkaSettings& settings, const std::string& folder) {
  std::string name = fmt::format("kafka {} {}", settings.brokers[0], settings.topic);
  std::string all = fmt::format("{} {} {} {} {} {} {}", name, fmt::join(settings.brokers, ","),
                                static_cast<int>(settings.transport), words_of(settings.tls),
                                static_cast<int>(settings.sasl), settings.username, settings.password_file);
  UnsentFile unsent(folder, name);
  return std::make_unique<NetworkSink>(std::move(name), std::move(all), std::make_unique<JsonEncoder>(),
                                       std::make_unique<KafkaTransport>(settings), std::move(unsent));
}

std::unique_ptr<Sink> make_store(const config::NatLogSettings& settings) {
  constexpr Milliseconds kDay = 86'400'000;
  return std::make_unique<Store>(
      settings.path,
      StoreLimits{.age = settings.keep_days * kDay, .size = uint64_t{settings.keep_size} << 20}, utc_now);
}

}  // namespace

Result<Sinks> open_sinks(const config::NatLogSettings& settings, const std::optional<std::string>& user) {
  Sinks sinks;
  if (settings.store) sinks.push_back(make_store(settings));
  for (const auto& one : settings.syslog) sinks.push_back(TRY(make_sink(one, settings.path)));
  for (const auto& one : settings.ipfix) sinks.push_back(TRY(make_sink(one, settings.path)));
  for (const auto& one : settings.kafka) sinks.push_back(TRY(make_sink(one, settings.path)));
  if (!sinks.empty()) TRY(make_log_folder(settings.path, user));
  return sinks;
}

}  // namespace yonroku::natlog
