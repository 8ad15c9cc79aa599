#include "api/backend.h"

namespace yonroku::api {
namespace {

class DaemonBackend final : public Backend {
 public:
  DaemonBackend(control::Daemon& daemon, Reloads reloads) : daemon_(daemon), reloads_(std::move(reloads)) {}

  control::Status status() override { return daemon_.status(); }
  std::vector<control::InstanceCounters> counters() override { return daemon_.counters(); }
  Result<control::HistoryView> history(const std::string& instance, control::HistorySpan span,
                                       std::optional<control::HistoryMoment> since) override {
    return daemon_.history(instance, span, since);
  }
  Result<std::vector<share::EamMapping>> mappings(const std::string& instance) override {
    return daemon_.mappings(instance);
  }
  Result<control::MappingChange> add_mappings(const std::string& instance,
                                              std::span<const share::EamMapping> mappings) override {
    return daemon_.add_mappings(instance, mappings);
  }
  Result<control::MappingChange> remove_mappings(const std::string& instance,
                                                 std::span<const Ipv4Prefix> ipv4) override {
    return daemon_.remove_mappings(instance, ipv4);
  }
  Result<control::MappingChange> replace_mappings(const std::string& instance,
                                                  std::span<const share::EamMapping> mappings) override {
    return daemon_.replace_mappings(instance, mappings);
  }
  Result<control::RuleWords> rule_words(const std::string& instance, control::TableKind kind) override {
    return daemon_.rule_words(instance, kind);
  }
  Result<control::RuleList> rules(const std::string& instance, control::TableKind kind) override {
    return daemon_.rules(instance, kind);
  }
  Result<control::MappingChange> add_rules(const std::string& instance, control::TableKind kind,
                                           const control::RuleWords& words,
                                           std::span<const share::MapRule> rules) override {
    return daemon_.add_rules(instance, kind, words, rules);
  }
  Result<control::MappingChange> remove_rules(const std::string& instance, control::TableKind kind,
                                              std::span<const control::RuleName> names) override {
    return daemon_.remove_rules(instance, kind, names);
  }
  Result<control::MappingChange> replace_rules(const std::string& instance, control::TableKind kind,
                                               const control::RuleWords& words,
                                               std::vector<share::MapRule> rules) override {
    return daemon_.replace_rules(instance, kind, words, std::move(rules));
  }
  Result<std::vector<control::InstanceSpoofers>> spoofers(const std::string& instance) override {
    return daemon_.spoofers(instance);
  }
  Result<control::NatPiece> look_at_nat(const std::string& instance, const control::NatQuery& query,
                                        const control::NatPlace& from, std::size_t most) override {
    return daemon_.look_at_nat(instance, query, from, most);
  }
  Result<std::shared_ptr<control::NatFollower>> follow_nat(const std::string& instance,
                                                           const control::NatQuery& query) override {
    return daemon_.follow_nat(instance, query);
  }
  Result<std::string> log_folder() override { return daemon_.log_folder(); }
  Result<void> reload() override { return reloads_.reload(); }
  Result<control::ReloadPreview> preview_reload() override { return reloads_.preview(); }
  Result<control::NatEndPiece> look_at_ends(const control::InstancePreview& preview,
                                            const control::NatPlace& from) override {
    return daemon_.look_at_ends(preview, from);
  }

 private:
  control::Daemon& daemon_;
  Reloads reloads_;
};

}  // namespace

std::unique_ptr<Backend> backend_of(control::Daemon& daemon, Reloads reloads) {
  return std::make_unique<DaemonBackend>(daemon, std::move(reloads));
}

}  // namespace yonroku::api
