// What the HTTP API asks of the program. The real one is control::Daemon; tests bring their own.
// Called from several threads at once.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "control/daemon.h"

namespace yonroku::api {

class Backend {
 public:
  virtual ~Backend() = default;

  virtual control::Status status() = 0;
  virtual std::vector<control::InstanceCounters> counters() = 0;
  virtual Result<std::vector<share::EamMapping>> mappings(const std::string& instance) = 0;
  virtual Result<control::MappingChange> add_mappings(const std::string& instance,
                                                      std::span<const share::EamMapping> mappings) = 0;
  virtual Result<control::MappingChange> remove_mappings(const std::string& instance,
                                                         std::span<const Ipv4Prefix> ipv4) = 0;
  virtual Result<control::MappingChange> replace_mappings(const std::string& instance,
                                                          std::span<const share::EamMapping> mappings) = 0;
  virtual Result<control::RuleWords> rule_words(const std::string& instance, control::TableKind kind) = 0;
  virtual Result<control::RuleList> rules(const std::string& instance, control::TableKind kind) = 0;
  virtual Result<control::MappingChange> add_rules(const std::string& instance, control::TableKind kind,
                                                   const control::RuleWords& words,
                                                   std::span<const share::MapRule> rules) = 0;
  virtual Result<control::MappingChange> remove_rules(const std::string& instance, control::TableKind kind,
                                                      std::span<const control::RuleName> names) = 0;
  virtual Result<control::MappingChange> replace_rules(const std::string& instance, control::TableKind kind,
                                                       const control::RuleWords& words,
                                                       std::vector<share::MapRule> rules) = 0;
  // Whose packets failed the check of the source; `instance` empty: of each.
  virtual Result<std::vector<control::InstanceSpoofers>> spoofers(const std::string& instance) = 0;
  // Some more of a table of a NAT, from a place on.
  virtual Result<control::NatPiece> look_at_nat(const std::string& instance, const control::NatQuery& query,
                                                const control::NatPlace& from, std::size_t most) = 0;
  // Whoever tells what happens in a NAT from now on.
  virtual Result<std::shared_ptr<control::NatFollower>> follow_nat(const std::string& instance,
                                                                   const control::NatQuery& query) = 0;
  virtual Result<control::HistoryView> history(const std::string& instance, control::HistorySpan span,
                                               std::optional<control::HistoryMoment> since) = 0;
  // The folder of the log on disk; an error says why there is none.
  virtual Result<std::string> log_folder() = 0;
  virtual Result<void> reload() = 0;
  // What a reload would do.
  virtual Result<control::ReloadPreview> preview_reload() = 0;
  virtual Result<control::NatEndPiece> look_at_ends(const control::InstancePreview& preview,
                                                    const control::NatPlace& from) = 0;
};

// Both read the configuration file again; the second changes nothing.
struct Reloads {
  std::function<Result<void>()> reload;
  std::function<Result<control::ReloadPreview>()> preview;
};

// `daemon` outlives it.
[[nodiscard]] std::unique_ptr<Backend> backend_of(control::Daemon& daemon, Reloads reloads);

}  // namespace yonroku::api
