// Errors and warnings about one configuration file while it is being read.
#pragma once

#include <algorithm>
#include <numeric>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "config/diagnostic.h"
#include "config/document.h"
#include "config/values.h"

namespace yonroku::config {

class Findings {
 public:
  explicit Findings(std::string file) : file_(std::move(file)) {}

  void error(const Node& at, std::string what, std::string fix) {
    errors_.errors.push_back({file_, at.position, std::move(what), std::move(fix)});
  }
  void error(const Node& at, std::string_view key, Complaint complaint) {
    error(at, std::string(key) + ": " + std::move(complaint.what), std::move(complaint.fix));
  }
  void error(ConfigErrors others) {
    errors_.omitted += others.omitted;
    for (Diagnostic& other : others.errors) errors_.errors.push_back(std::move(other));
  }
  void warn(const Node& at, std::string what, std::string fix) {
    warnings_.push_back({{file_, at.position, std::move(what), std::move(fix)}});
  }
  void warn(std::vector<Warning> others) {
    for (Warning& other : others) warnings_.push_back(std::move(other));
  }

  [[nodiscard]] const std::string& file() const { return file_; }
  [[nodiscard]] bool has_errors() const { return !errors_.errors.empty(); }
  [[nodiscard]] std::size_t error_count() const { return errors_.errors.size(); }

  // In the order of the file, those about other files behind; at most kMaxListed, the rest is counted.
  [[nodiscard]] ConfigErrors take_errors() {
    sort(errors_.errors);
    if (errors_.errors.size() > kMaxListed) {
      errors_.omitted += errors_.errors.size() - kMaxListed;
      errors_.errors.resize(kMaxListed);
    }
    return std::move(errors_);
  }
  [[nodiscard]] std::vector<Warning> take_warnings() {
    sort(warnings_);
    return std::move(warnings_);
  }

 private:
  static constexpr std::size_t kMaxListed = 100;

  // Those of one place keep their order.
  template <class T>
  void sort(std::vector<T>& list) const {
    std::vector<std::size_t> order(list.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::sort(order, {}, [&](std::size_t i) {
      const bool is_elsewhere = list[i].file != file_;
      return std::tuple(is_elsewhere, is_elsewhere ? Position{} : list[i].position, i);
    });
    std::vector<T> sorted;
    sorted.reserve(list.size());
    for (const std::size_t i : order) sorted.push_back(std::move(list[i]));
    list = std::move(sorted);
  }

  std::string file_;
  ConfigErrors errors_;
  std::vector<Warning> warnings_;
};

}  // namespace yonroku::config
