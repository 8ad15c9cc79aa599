// Errors and warnings about one configuration file while it is being read.
#pragma once

#include <algorithm>
#include <string>
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

  // In the order of the file, those about other files behind.
  [[nodiscard]] ConfigErrors take_errors() {
    sort(errors_.errors);
    return std::move(errors_);
  }
  [[nodiscard]] std::vector<Warning> take_warnings() {
    sort(warnings_);
    return std::move(warnings_);
  }

 private:
  template <class T>
  void sort(std::vector<T>& list) const {
    std::ranges::stable_sort(list, [&](const T& a, const T& b) {
      const bool a_elsewhere = a.file != file_;
      const bool b_elsewhere = b.file != file_;
      if (a_elsewhere != b_elsewhere) return b_elsewhere;
      return !a_elsewhere && a.position < b.position;
    });
  }

  std::string file_;
  ConfigErrors errors_;
  std::vector<Warning> warnings_;
};

}  // namespace yonroku::config
