// FTP's control channel as text (RFC 959, RFC 2428), one line at a time: the addresses and ports in it that
// mean nothing on the other side, and what takes their place. Through a NAT64 by RFC 6384; through a NAT44
// PORT, EPRT and the replies 227 and 229 keep their form.
//
// Knows nothing of segments (ControlChannel does) and of NATs (FtpBindings does). A line that is not
// understood stays as it is. An FtpDialogue is one control connection: which command each reply answers, and
// whether translation is on.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "mechanism/alg/text.h"
#include "share/nat/nat_event.h"

namespace yonroku::mechanism {

inline constexpr uint16_t kFtpPort = 21;  // of the control channel; RFC 6384 §5 knows no other
inline constexpr uint16_t kFtpDataPort =
    20;  // where an active server's data connections come from (RFC 959 §3.2)

enum class FtpSide : uint8_t { Client, Server };

// The bindings behind a control connection.
class FtpBindings {
 public:
  enum class Gateway : uint8_t { Nat64, Nat44 };
  FtpBindings(Gateway gateway, FtpSide inside_is, const share::InsideEndpoint& inside, Ipv4Address outside)
      : gateway_(gateway), inside_is_(inside_is), inside_(inside), outside_(outside) {}

  [[nodiscard]] Gateway gateway() const { return gateway_; }
  [[nodiscard]] FtpSide inside_is() const { return inside_is_; }
  [[nodiscard]] const share::InsideEndpoint& inside() const { return inside_; }
  // That the control connection has on the other side.
  [[nodiscard]] Ipv4Address outside() const { return outside_; }

  // The outside address and port where the other end will reach TCP `port` of the inside host; nullopt when
  // there is none to be had.
  virtual std::optional<share::Ipv4Endpoint> expect(uint16_t port) noexcept = 0;

 protected:
  ~FtpBindings() = default;

 private:
  Gateway gateway_;
  FtpSide inside_is_;
  share::InsideEndpoint inside_;
  Ipv4Address outside_;
};

class FtpDialogue {
 public:
  // What became of a line.
  enum class Line : uint8_t {
    Unchanged,
    Rewritten,  // its new text, line end included, was appended to the writer
    Refused,    // it would have been rewritten, but for a port that may not be asked for, or no binding
  };
  static constexpr std::size_t kLongestLine = 512;   // with its end; longer ones are not looked at
  static constexpr std::size_t kLongestResult = 64;  // of what is written

  // `line` ends with its LF, or is only a part of a line: `is_whole` tells. Of lines that come in parts the
  // last part counts, with what its first four octets were.
  Line on_command(std::string_view line, FtpBindings& bindings, TextWriter& out) noexcept;
  Line on_reply(std::string_view line, FtpBindings& bindings, TextWriter& out) noexcept;
  // A line that came in parts, so that it could not be changed; `head` are its first octets.
  void on_split_line(FtpSide from, std::string_view head) noexcept;

  // Nothing on this connection is looked at any more: it is protected (RFC 6384 §5), or no FTP.
  [[nodiscard]] bool stands_back() const { return stands_back_; }
  // Whether a line may begin there, after octets that were lost sight of: only what would be rewritten.
  [[nodiscard]] static bool looks_like_line(FtpSide from, std::string_view text) noexcept;

 private:
  // How the reply to a command is to be treated.
  enum class Expected : uint8_t {
    AsItIs,
    Passive,        // of PASV in place of EPSV: 227 becomes 229
    BadFamily,      // of NOOP in place of EPSV with another family: 522
    BadParameter,   // of NOOP in place of EPSV ALL, or of an ALGS that is none: 504
    Status,         // of NOOP in place of ALGS: 216
    Authentication  // of AUTH
  };
  static constexpr std::size_t kMostExpected = 32;

  Line extended_passive(std::string_view argument, TextWriter& out) noexcept;
  Line extended_port(std::string_view argument, FtpBindings& bindings, TextWriter& out) noexcept;
  Line port(std::string_view argument, FtpBindings& bindings, TextWriter& out) noexcept;
  Line status(std::string_view argument, TextWriter& out) noexcept;
  Line passive_reply(std::string_view line, Expected answered, FtpBindings& bindings,
                     TextWriter& out) noexcept;
  Line extended_passive_reply(std::string_view line, FtpBindings& bindings, TextWriter& out) noexcept;
  void expect(Expected what) noexcept;
  // What the final reply with that code answers.
  Expected answered_by(uint32_t code) noexcept;
  [[nodiscard]] bool is_suspended() const { return stands_back_ || authentications_ > 0; }

  std::array<Expected, kMostExpected> expected_{};  // a ring
  uint8_t first_ = 0;
  uint8_t count_ = 0;
  uint8_t authentications_ = 0;  // AUTH commands that no reply has come for
  uint16_t multi_line_ = 0;      // code of the reply that is under way, else 0
  bool is_enabled_ = true;       // ALGS ENABLE64
  bool stands_back_ = false;
};

}  // namespace yonroku::mechanism
