// yonroku translate IN.pcap OUT.pcap: what an instance would make of captured packets. The capture's time
// stamps are the clock, nothing is random: the same input gives the same output.

#include <fmt/format.h>
#include <sys/stat.h>

#include <cstdio>
#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "api/json.h"
#include "api/offline.h"
#include "app/commands.h"
#include "app/offline_options.h"
#include "io/pcap.h"
#include "observe/totals.h"

namespace yonroku::app {
namespace {

struct TranslateOptions : OfflineOptions {
  std::string input;
  std::string output;
};

struct Summary {
  observe::Totals totals;
  uint64_t packets = 0;
  uint64_t written = 0;
  uint64_t skipped = 0;    // frames without IP
  uint64_t cut_short = 0;  // packets that the capture did not keep whole
};

bool is_same_file(const std::string& a, const std::string& b) {
  struct stat first{};
  struct stat second{};
  return ::stat(a.c_str(), &first) == 0 && ::stat(b.c_str(), &second) == 0 && S_ISREG(first.st_mode) &&
         first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

Result<Summary> translate_file(const TranslateOptions& options, api::OfflineInstance& instance) {
  if (is_same_file(options.input, options.output))
    return fail(options.output, "is the input itself", "write to another file");
  auto reader = TRY(io::PcapReader::open(options.input));
  auto writer = TRY(io::PcapWriter::create(options.output));
  Summary summary;
  for (;;) {
    const auto packet = TRY(reader.next());
    if (!packet) break;
    ++summary.packets;
    if (packet->missing > 0) ++summary.cut_short;
    instance.process(packet->bytes, packet->time, [&](const Packet& result) {
      writer.write(packet->time, result.bytes());
      ++summary.written;
    });
  }
  TRY(writer.close());
  summary.skipped = reader.skipped();
  summary.totals.add(instance.counters());
  return summary;
}

void print_json(const Summary& summary) {
  nlohmann::ordered_json json = {{"packets", summary.packets},
                                 {"written", summary.written},
                                 {"skipped-frames", summary.skipped},
                                 {"cut-short", summary.cut_short}};
  json.update(api::to_json(summary.totals));
  fmt::print("{}\n", json.dump(2));
}

void print_text(const Summary& summary) {
  const nlohmann::ordered_json counters = api::to_json(summary.totals);
  const auto number = [&](const char* name) { return counters[name].get<uint64_t>(); };
  const auto plural = [](uint64_t n, const char* thing) {
    return fmt::format("{} {}{}", n, thing, n == 1 ? "" : "s");
  };
  fmt::print(stderr, "{}: {} to IPv6, {} to IPv4, {} hairpinned, {} dropped; {} written\n",
             plural(summary.packets, "packet"), number("to-ipv6"), number("to-ipv4"), number("hairpin"),
             number("dropped"), summary.written);
  for (std::size_t i = 1; i < kDropReasonCount; ++i)
    if (summary.totals.dropped[i] > 0)
      fmt::print(stderr, "  dropped {}: {} ({})\n", summary.totals.dropped[i], kDropReasons[i].label,
                 kDropReasons[i].help);
  const uint64_t errors = summary.totals.icmp_errors_sent[0] + summary.totals.icmp_errors_sent[1];
  if (errors > 0) fmt::print(stderr, "  {} sent\n", plural(errors, "ICMP error"));
  if (summary.totals.icmp_errors_limited > 0)
    fmt::print(stderr, "  {} not sent because of icmp-error-rate\n",
               plural(summary.totals.icmp_errors_limited, "ICMP error"));
  if (summary.totals.fragments > 0)
    fmt::print(stderr, "  {} made\n", plural(summary.totals.fragments, "fragment"));
  if (summary.skipped > 0) fmt::print(stderr, "  {} without IP skipped\n", plural(summary.skipped, "frame"));
  if (summary.cut_short > 0)
    fmt::print(stderr, "  {} cut short by the capture; capture whole packets (tcpdump -s 0)\n",
               plural(summary.cut_short, "packet"));
}

void translate(const TranslateOptions& options) {
  if (options.is_json && options.output == "-")
    throw CLI::ValidationError("OUT.pcap and --json cannot both go to standard output");
  const config::Settings settings = load_settings(options.config);
  const config::InstanceSettings* chosen = value_or_fail(api::choose_instance(settings, options.instance));
  auto instance = value_or_fail(api::OfflineInstance::create(*chosen));
  const Summary summary = value_or_fail(translate_file(options, instance));
  if (options.is_json)
    print_json(summary);
  else
    print_text(summary);
}

}  // namespace

void add_translate_command(CLI::App& app) {
  const auto options = std::make_shared<TranslateOptions>();
  CLI::App* command = app.add_subcommand("translate", "Translate a capture file offline");
  options->add_to(*command);
  command->add_option("IN.pcap", options->input, "packets to translate; - is standard input")->required();
  command->add_option("OUT.pcap", options->output, "where to write the result; - is standard output")
      ->required();
  command->callback([options] { translate(*options); });
}

}  // namespace yonroku::app
