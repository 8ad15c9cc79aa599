// Which application level gateways an instance has.
#pragma once

namespace yonroku::mechanism {

struct AlgSettings {
  bool ftp = false;
  bool sip = false;
  [[nodiscard]] bool is_on() const { return ftp || sip; }
  friend bool operator==(const AlgSettings&, const AlgSettings&) = default;
};

}  // namespace yonroku::mechanism
