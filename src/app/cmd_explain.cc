// yonroku explain PACKET: what happens to a packet, each decision with the RFC section that asks for it.

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cstdio>
#include <iostream>
#include <iterator>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "api/explain/explanation.h"
#include "api/explain/packet_input.h"
#include "app/commands.h"
#include "app/offline_options.h"
#include "config/text_file.h"
#include "io/pcap.h"

namespace yonroku::app {
namespace {

struct ExplainOptions : OfflineOptions {
  std::vector<std::string> words;
  std::optional<uint64_t> only;  // of a capture file: the number of the packet to show
};

// A single packet has no time; any will do.
constexpr Instant kAnyTime = Instant::from_nanoseconds(1'000'000'000);

class Printer {
 public:
  explicit Printer(bool is_json) : is_json_(is_json) {}

  void print(const api::Explanation& explanation, uint64_t number, std::optional<Instant> time) {
    if (is_json_) return print_json(explanation, number, time);
    if (!is_first_) fmt::print("\n");
    is_first_ = false;
    if (time) fmt::print("packet {}, {}\n\n", number, time_text(*time));
    fmt::print("{}", api::to_text(explanation));
  }

  void finish() {
    if (is_json_) fmt::print("{}]}}\n", is_first_ ? "{\"packets\":[" : "\n");
  }

 private:
  void print_json(const api::Explanation& explanation, uint64_t number, std::optional<Instant> time) {
    nlohmann::ordered_json json = {{"packet", number}};
    if (time) json["time"] = time_text(*time);
    json.update(api::to_json(explanation));
    fmt::print("{}{}", is_first_ ? "{\"packets\":[\n" : ",\n", json.dump(1));
    is_first_ = false;
  }

  static std::string time_text(Instant time) {
    constexpr int64_t kPerSecond = 1'000'000'000;
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:09}Z",
                       fmt::gmtime(static_cast<time_t>(time.nanoseconds() / kPerSecond)),
                       time.nanoseconds() % kPerSecond);
  }

  bool is_json_;
  bool is_first_ = true;
};

bool is_file(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 && !S_ISDIR(status.st_mode);
}

Result<void> explain_capture(const ExplainOptions& options, const config::InstanceSettings& settings,
                             api::OfflineInstance& instance, io::PcapReader& reader) {
  Printer printer(options.is_json);
  uint64_t number = 0;
  bool has_shown = false;
  for (;;) {
    const auto packet = TRY(reader.next());
    if (!packet) break;
    ++number;
    const auto explanation = api::explain(instance, settings, packet->bytes, packet->time);
    if (options.only && number != *options.only) continue;
    printer.print(explanation, number, packet->time);
    has_shown = true;
    if (options.only) break;
  }
  printer.finish();
  if (options.only && !has_shown)
    return fail(options.words.front(), fmt::format("there is no packet {}", *options.only),
                fmt::format("the file has {}", number));
  if (number == 0) return fail(options.words.front(), "there is no IP packet in the file");
  return {};
}

Result<void> explain_hex(const ExplainOptions& options, const config::InstanceSettings& settings,
                         api::OfflineInstance& instance, std::string_view text) {
  const auto packet = TRY(api::parse_hex_packet(text));
  Printer printer(options.is_json);
  printer.print(api::explain(instance, settings, packet, kAnyTime), 1, std::nullopt);
  printer.finish();
  return {};
}

Result<void> explain_words(const ExplainOptions& options, const config::InstanceSettings& settings,
                           api::OfflineInstance& instance) {
  constexpr std::size_t kLargestHexFile = 1 << 20;
  const std::string& first = options.words.front();
  if (options.words.size() == 1 && first == "-") {
    const std::string text{std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
    return explain_hex(options, settings, instance, text);
  }
  if (options.words.size() == 1 && is_file(first)) {
    auto reader = io::PcapReader::open(first);
    if (reader) return explain_capture(options, settings, instance, *reader);
    // Perhaps octets in a text file.
    const auto text = config::read_text_file(first, kLargestHexFile);
    if (text && api::parse_hex_packet(*text)) return explain_hex(options, settings, instance, *text);
    return std::unexpected(reader.error());
  }
  if (options.words.size() == 1 && first.find_first_of("/.") != std::string::npos)
    return fail(first, "there is no such file");
  const std::string text =
      std::accumulate(options.words.begin(), options.words.end(), std::string(),
                      [](std::string all, const std::string& word) { return all + word + " "; });
  return explain_hex(options, settings, instance, text);
}

void explain(const ExplainOptions& options) {
  const config::Settings settings = load_settings(options.config);
  const config::InstanceSettings* chosen = value_or_fail(api::choose_instance(settings, options.instance));
  auto instance = value_or_fail(api::OfflineInstance::create(*chosen));
  value_or_fail(explain_words(options, *chosen, instance));
}

}  // namespace

void add_explain_command(CLI::App& app) {
  const auto options = std::make_shared<ExplainOptions>();
  CLI::App* command = app.add_subcommand("explain", "Say what happens to a packet and why");
  options->add_to(*command);
  command->add_option("--packet", options->only, "of a capture file, show only the packet with this number")
      ->check(CLI::PositiveNumber);
  command
      ->add_option("PACKET", options->words,
                   "octets in hexadecimal, or - to read them from standard input, or a capture file")
      ->required();
  command->callback([options] { explain(*options); });
}

}  // namespace yonroku::app
