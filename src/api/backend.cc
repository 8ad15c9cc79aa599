#include "api/backend.h"

namespace yonroku::api {
namespace {

class DaemonBackend final : public Backend {
 public:
  DaemonBackend(control::Daemon& daemon, std::function<Result<void>()> reload)
      : daemon_(daemon), reload_(std::move(reload)) {}

  control::Status status() override { return daemon_.status(); }
  std::vector<control::InstanceCounters> counters() override { return daemon_.counters(); }
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
  Result<void> reload() override { return reload_(); }

 private:
  control::Daemon& daemon_;
  std::function<Result<void>()> reload_;
};

}  // namespace

std::unique_ptr<Backend> backend_of(control::Daemon& daemon, std::function<Result<void>()> reload) {
  return std::make_unique<DaemonBackend>(daemon, std::move(reload));
}

}  // namespace yonroku::api
