#include "natlog/sinks.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <pwd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "natlog/ipfix_message.h"
#include "natlog/json_lines.h"
#include "natlog/kafka_transport.h"
#include "natlog/network_sink.h"
#include "natlog/socket_transports.h"
#include "natlog/store/open_store.h"
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

// The log tells who did what: nobody else's business.
Result<void> make_folder(const std::string& path, const std::optional<std::string>& user) {
  const std::string fix = "make it, or set nat-log: path";
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return {};
  std::filesystem::create_directories(path, error);
  if (error) return fail(path, error.message(), fix);
  std::filesystem::permissions(path, std::filesystem::perms::owner_all, error);
  const passwd* const entry = user ? ::getpwnam(user->c_str()) : nullptr;
  if (entry != nullptr && ::geteuid() == 0 && ::chown(path.c_str(), entry->pw_uid, entry->pw_gid) != 0)
    return fail(path, std::strerror(errno), fix);
  return {};
}

Result<std::unique_ptr<Sink>> make_sink(const config::SyslogSettings& settings, const std::string& folder) {
  using enum config::SyslogSettings::Transport;
  static constexpr std::string_view kTransports[] = {"udp", "tcp", "tls"};
  const Destination destination{settings.server, settings.port};
  std::unique_ptr<Transport> transport;
  if (settings.transport == Udp) {
    transport = std::make_unique<DatagramTransport>(destination, std::make_unique<SyslogDatagrams>());
  } else {
    std::optional<TlsClient> tls;
    if (settings.transport == Tls) tls = TRY(TlsClient::create(settings.tls, settings.server_name));
    transport =
        std::make_unique<StreamTransport>(destination, std::make_unique<SyslogStream>(), std::move(tls));
  }
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
  const Destination destination{settings.server, settings.port};
  std::unique_ptr<Transport> transport;
  if (is_udp)
    transport = std::make_unique<DatagramTransport>(destination, std::move(framer));
  else
    transport = std::make_unique<StreamTransport>(destination, std::move(framer), std::nullopt);
  std::string name =
      fmt::format("ipfix {} {}", is_udp ? "udp" : "tcp", with_port(settings.server, settings.port));
  std::string all = fmt::format("{} {} {}", name, settings.observation_domain, settings.template_interval);
  UnsentFile unsent(folder, name);
  return std::make_unique<NetworkSink>(std::move(name), std::move(all), std::make_unique<IpfixEncoder>(),
                                       std::move(transport), std::move(unsent));
}

Result<std::unique_ptr<Sink>> make_sink(const config::KafkaSettings& settings, const std::string& folder) {
  std::string name = fmt::format("kafka {} {}", settings.brokers[0], settings.topic);
  std::string all = fmt::format("{} {} {} {}", name, fmt::join(settings.brokers, ","),
                                static_cast<int>(settings.transport), words_of(settings.tls));
  UnsentFile unsent(folder, name);
  return std::make_unique<NetworkSink>(std::move(name), std::move(all), std::make_unique<JsonEncoder>(),
                                       std::make_unique<KafkaTransport>(settings), std::move(unsent));
}

}  // namespace

Result<Sinks> open_sinks(const config::NatLogSettings& settings, const std::optional<std::string>& user) {
  Sinks sinks;
  if (settings.store) sinks.push_back(TRY(open_store(settings.store_settings, user)));
  for (const auto& one : settings.syslog) sinks.push_back(TRY(make_sink(one, settings.path)));
  for (const auto& one : settings.ipfix) sinks.push_back(TRY(make_sink(one, settings.path)));
  for (const auto& one : settings.kafka) sinks.push_back(TRY(make_sink(one, settings.path)));
  if (!sinks.empty()) TRY(make_folder(settings.path, user));
  return sinks;
}

}  // namespace yonroku::natlog
