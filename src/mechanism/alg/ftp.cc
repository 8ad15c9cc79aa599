#include "mechanism/alg/ftp.h"

namespace yonroku::mechanism {

using share::Ipv4Endpoint;

namespace {

constexpr uint16_t kFirstUserPort = 1024;
constexpr unsigned char kIac = 0xff, kDont = 0xfe, kWill = 0xfb;  // RFC 854

// Without its line end (RFC 959: CRLF; a bare LF is taken too).
std::string_view without_end(std::string_view line) {
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
  return line;
}

// A client that interrupts a transfer sends Telnet commands first (RFC 959).
std::string_view behind_telnet_commands(std::string_view line) {
  while (line.size() >= 2 && static_cast<unsigned char>(line[0]) == kIac) {
    const auto command = static_cast<unsigned char>(line[1]);
    line.remove_prefix(command >= kWill && command <= kDont && line.size() >= 3 ? 3 : 2);
  }
  return line;
}

struct Command {
  std::string_view word;
  std::string_view argument;
};

Command command_of(std::string_view line) {
  line = behind_telnet_commands(without_end(line));
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos) return {line, {}};
  std::string_view argument = line.substr(space);
  while (!argument.empty() && argument.front() == ' ') argument.remove_prefix(1);
  while (!argument.empty() && argument.back() == ' ') argument.remove_suffix(1);
  return {line.substr(0, space), argument};
}

// RFC 959 §5.3: three or four letters. What else speaks through this port is not FTP; that a browser can be
// made to send text which looks like a command is the reason to look at all lines.
bool is_ftp(const Command& command) {
  if (command.word.empty()) return command.argument.empty();
  if (command.word.size() < 3 || command.word.size() > 4) return false;
  for (const char c : command.word)
    if (!is_letter(c)) return false;
  for (const std::string_view other : {"GET", "PUT", "POST", "HEAD"})
    if (equals_ignoring_case(command.word, other)) return false;
  return true;
}

// RFC 959: h1,h2,h3,h4,p1,p2.
std::optional<Ipv4Endpoint> take_host_port(std::string_view& text) {
  uint32_t octets[6];
  std::string_view rest = text;
  for (std::size_t i = 0; i < 6; ++i) {
    if (i > 0 && !take(rest, ',')) return std::nullopt;
    const auto octet = take_number(rest, 255);
    if (!octet) return std::nullopt;
    octets[i] = *octet;
  }
  text = rest;
  return Ipv4Endpoint{Ipv4Address(octets[0] << 24 | octets[1] << 16 | octets[2] << 8 | octets[3]),
                      static_cast<uint16_t>(octets[4] << 8 | octets[5])};
}

// RFC 2428 §2: <d>family<d>address<d>port<d>.
struct ExtendedAddress {
  uint32_t family = 0;
  std::string_view address;
  uint16_t port = 0;
};
std::optional<ExtendedAddress> extended_address_of(std::string_view text) {
  if (text.empty() || text.front() < 33 || text.front() > 126 || is_digit(text.front())) return std::nullopt;
  const char delimiter = text.front();
  ExtendedAddress result;
  text.remove_prefix(1);
  const auto family = take_number(text, UINT16_MAX);
  if (!family || !take(text, delimiter)) return std::nullopt;
  const std::size_t end = text.find(delimiter);
  if (end == std::string_view::npos) return std::nullopt;
  result.family = *family;
  result.address = text.substr(0, end);
  text.remove_prefix(end + 1);
  const auto port = take_number(text, UINT16_MAX);
  if (!port || !take(text, delimiter) || !text.empty()) return std::nullopt;
  result.port = static_cast<uint16_t>(*port);
  return result;
}

void write_host_port(const Ipv4Endpoint& endpoint, TextWriter& out) {
  out.add_octets(endpoint.address.value(), ",")
      << "," << uint32_t{endpoint.port} / 256 << "," << uint32_t{endpoint.port} % 256;
}

// The code of a reply's line, 0 when it has none. `more` tells of the hyphen behind it.
uint32_t code_of(std::string_view line, bool& more) {
  std::string_view rest = line.substr(0, 3);
  const auto code = line.size() >= 4 ? take_number(rest, 599) : std::nullopt;
  if (!code || !rest.empty() || *code < 100) return 0;
  more = line[3] == '-';
  const bool is_end = line[3] == ' ' || line[3] == '\r' || line[3] == '\n';
  return more || is_end ? *code : 0;
}

// Where the addresses of a 227 begin: RFC 1123 §4.1.2.6, whoever reads it must look for the digits.
std::string_view from_first_digit_group(std::string_view line) {
  line.remove_prefix(3);
  std::size_t at = line.find('(');
  if (at == std::string_view::npos) at = 0;
  while (at < line.size() && !is_digit(line[at])) ++at;
  return line.substr(at);
}

// In place of the old text, of its size where it can be: then no sequence number changes.
FtpDialogue::Line write_reply(std::string_view text, std::string_view behind, std::size_t size,
                              TextWriter& out) {
  const std::size_t whole = text.size() + behind.size() + 2;
  out << text;
  for (std::size_t i = whole; i < size && i < FtpDialogue::kLongestResult; ++i) out << " ";
  out << behind << "\r\n";
  return FtpDialogue::Line::Rewritten;
}

}  // namespace

// --- which reply answers what ---

void FtpDialogue::expect(Expected what) noexcept {
  if (count_ == kMostExpected) {  // nobody waits so long for a reply
    stands_back_ = true;
    return;
  }
  expected_[(first_ + count_++) % kMostExpected] = what;
  if (what == Expected::Authentication) ++authentications_;
}

FtpDialogue::Expected FtpDialogue::answered_by(uint32_t code) noexcept {
  constexpr uint32_t kEnteringPassiveMode = 227;
  std::size_t skipped = 0;
  // Only PASV is answered by this: whatever was thought to come before it has had its answer.
  if (code == kEnteringPassiveMode)
    while (skipped < count_ && expected_[(first_ + skipped) % kMostExpected] != Expected::Passive) ++skipped;
  if (skipped == count_) skipped = 0;
  if (count_ == 0) return Expected::AsItIs;
  Expected answered = Expected::AsItIs;
  for (std::size_t i = 0; i <= skipped; ++i) {
    answered = expected_[first_];
    first_ = static_cast<uint8_t>((first_ + 1) % kMostExpected);
    --count_;
    if (answered == Expected::Authentication) --authentications_;
  }
  return answered;
}

// --- commands ---

bool FtpDialogue::looks_like_line(FtpSide from, std::string_view text) noexcept {
  if (from == FtpSide::Server) {
    bool more = false;
    return code_of(text, more) != 0;
  }
  for (const std::string_view word : {"EPSV", "EPRT ", "PORT ", "AUTH ", "ALGS "})
    if (starts_ignoring_case(text, word)) return true;
  return false;
}

void FtpDialogue::on_split_line(FtpSide from, std::string_view head) noexcept {
  if (stands_back_) return;
  if (from == FtpSide::Client) {
    expect(starts_ignoring_case(head, "AUTH") ? Expected::Authentication : Expected::AsItIs);
    return;
  }
  bool more = false;
  const uint32_t code = code_of(head, more);
  if (multi_line_ != 0 ? code == multi_line_ && !more : code >= 200 && !more) {
    const Expected answered = answered_by(code);
    if (answered == Expected::Authentication && code < 400) stands_back_ = true;
    multi_line_ = 0;
  } else if (multi_line_ == 0 && code != 0 && more) {
    multi_line_ = static_cast<uint16_t>(code);
  }
}

FtpDialogue::Line FtpDialogue::on_command(std::string_view line, FtpBindings& bindings,
                                          TextWriter& out) noexcept {
  if (stands_back_) return Line::Unchanged;
  const Command command = command_of(line);
  if (!is_ftp(command)) {
    stands_back_ = true;
    return Line::Unchanged;
  }
  if (command.word.empty()) return Line::Unchanged;
  const auto is = [&](std::string_view word) { return equals_ignoring_case(command.word, word); };
  if (is("AUTH")) {
    expect(Expected::Authentication);
    return Line::Unchanged;
  }
  Line result = Line::Unchanged;
  const std::size_t expected_before = count_;
  if (!is_suspended()) {
    const bool is_nat64 = bindings.gateway() == FtpBindings::Gateway::Nat64;
    const bool client_is_inside = bindings.inside_is() == FtpSide::Client;
    if (is_nat64 && client_is_inside && is("ALGS"))
      result = status(command.argument, out);
    else if (is_nat64 && client_is_inside && is_enabled_ && is("EPSV"))
      result = extended_passive(command.argument, out);
    else if (client_is_inside && is("EPRT") && (is_enabled_ || !is_nat64))
      result = extended_port(command.argument, bindings, out);
    else if (client_is_inside && !is_nat64 && is("PORT"))
      result = port(command.argument, bindings, out);
  }
  if (count_ == expected_before) expect(Expected::AsItIs);
  return result;
}

// RFC 6384 §6. What is not passed on becomes NOOP, so that there is a reply to put ours in place of (RFC 6384
// §12).
FtpDialogue::Line FtpDialogue::extended_passive(std::string_view argument, TextWriter& out) noexcept {
  if (argument.empty() || argument == "2") {
    expect(Expected::Passive);
    out << "PASV\r\n";
  } else if (equals_ignoring_case(argument, "ALL")) {
    expect(Expected::BadParameter);
    out << "NOOP\r\n";
  } else {
    expect(Expected::BadFamily);
    out << "NOOP\r\n";
  }
  return Line::Rewritten;
}

// RFC 6384 §11.
FtpDialogue::Line FtpDialogue::status(std::string_view argument, TextWriter& out) noexcept {
  const auto is = [&](std::string_view word) { return equals_ignoring_case(argument, word); };
  if (is("ENABLE64"))
    is_enabled_ = true;
  else if (is("DISABLE64"))
    is_enabled_ = false;
  expect(is("ENABLE64") || is("DISABLE64") || is("STATUS64") ? Expected::Status : Expected::BadParameter);
  out << "NOOP\r\n";
  return Line::Rewritten;
}

// RFC 6384 §7.2; through a NAT44 it stays an EPRT.
FtpDialogue::Line FtpDialogue::extended_port(std::string_view argument, FtpBindings& bindings,
                                             TextWriter& out) noexcept {
  constexpr uint32_t kIpv4 = 1, kIpv6 = 2;
  const auto address = extended_address_of(argument);
  if (!address) return Line::Unchanged;
  const bool is_nat64 = bindings.gateway() == FtpBindings::Gateway::Nat64;
  const bool is_own =
      is_nat64 ? address->family == kIpv6 && Ipv6Address::parse(address->address) == bindings.inside().ipv6
               : address->family == kIpv4 && Ipv4Address::parse(address->address) == bindings.inside().ipv4;
  if (!is_own) return Line::Unchanged;
  if (address->port < kFirstUserPort) return Line::Refused;
  const auto outside = bindings.expect(address->port);
  if (!outside || outside->address != bindings.outside()) return Line::Refused;
  if (is_nat64) {
    out << "PORT ";
    write_host_port(*outside, out);
  } else {
    out << "EPRT |1|" << outside->address << "|" << uint32_t{outside->port} << "|";
  }
  out << "\r\n";
  return Line::Rewritten;
}

FtpDialogue::Line FtpDialogue::port(std::string_view argument, FtpBindings& bindings,
                                    TextWriter& out) noexcept {
  const auto asked = take_host_port(argument);
  if (!asked || !argument.empty() || asked->address != bindings.inside().ipv4) return Line::Unchanged;
  if (asked->port < kFirstUserPort) return Line::Refused;
  const auto outside = bindings.expect(asked->port);
  if (!outside || outside->address != bindings.outside()) return Line::Refused;
  out << "PORT ";
  write_host_port(*outside, out);
  out << "\r\n";
  return Line::Rewritten;
}

// --- replies ---

FtpDialogue::Line FtpDialogue::on_reply(std::string_view line, FtpBindings& bindings,
                                        TextWriter& out) noexcept {
  if (stands_back_) return Line::Unchanged;
  bool more = false;
  const uint32_t code = code_of(line, more);
  if (multi_line_ != 0) {
    if (code != multi_line_ || more) return Line::Unchanged;
    multi_line_ = 0;
    const Expected answered = code >= 200 ? answered_by(code) : Expected::AsItIs;
    if (answered == Expected::Authentication && code < 400) stands_back_ = true;
    return Line::Unchanged;
  }
  if (code == 0) return Line::Unchanged;
  if (more) {
    multi_line_ = static_cast<uint16_t>(code);
    return Line::Unchanged;
  }
  if (code < 200) return Line::Unchanged;
  const bool was_suspended = is_suspended();
  const Expected answered = answered_by(code);
  switch (answered) {
    case Expected::Authentication:
      if (code < 400) stands_back_ = true;
      return Line::Unchanged;
    // Deviates from RFC 6384 §12, which ends the connection when NOOP is not answered by 200: servers answer
    // 530 before the login.
    case Expected::BadFamily:
      return write_reply("522 Network protocol not supported, use (2)", {}, line.size(), out);
    case Expected::BadParameter:
      return write_reply("504 Command not implemented for that parameter", {}, line.size(), out);
    case Expected::Status:
      return write_reply(is_enabled_ ? "216 EPSVEPRT" : "216 NONE", {}, line.size(), out);
    case Expected::AsItIs:
    case Expected::Passive: break;
  }
  if (was_suspended) return Line::Unchanged;
  if (code == 227) return passive_reply(line, answered, bindings, out);
  if (code == 229 && bindings.inside_is() == FtpSide::Server)
    return extended_passive_reply(line, bindings, out);
  return Line::Unchanged;
}

// RFC 6384 §6: the address is ignored, since clients do.
FtpDialogue::Line FtpDialogue::passive_reply(std::string_view line, Expected answered, FtpBindings& bindings,
                                             TextWriter& out) noexcept {
  std::string_view text = from_first_digit_group(line);
  const auto server = take_host_port(text);
  if (!server) return Line::Unchanged;
  if (answered == Expected::Passive) {
    char port_text[16];
    TextWriter port(port_text);
    port << "(|||" << uint32_t{server->port} << "|)";
    return write_reply("229 Entering Extended Passive Mode ", port.text(), line.size(), out);
  }
  if (bindings.inside_is() == FtpSide::Client || server->address != bindings.inside().ipv4 ||
      bindings.gateway() == FtpBindings::Gateway::Nat64)
    return Line::Unchanged;
  if (server->port < kFirstUserPort) return Line::Refused;
  const auto outside = bindings.expect(server->port);
  if (!outside) return Line::Refused;
  out << "227 Entering Passive Mode (";
  write_host_port(*outside, out);
  out << ")\r\n";
  return Line::Rewritten;
}

FtpDialogue::Line FtpDialogue::extended_passive_reply(std::string_view line, FtpBindings& bindings,
                                                      TextWriter& out) noexcept {
  const std::size_t at = line.find("(|||");
  if (at == std::string_view::npos) return Line::Unchanged;
  std::string_view text = line.substr(at + 4);
  const auto port = take_number(text, UINT16_MAX);
  if (!port || !text.starts_with("|)")) return Line::Unchanged;
  if (*port < kFirstUserPort) return Line::Refused;
  const auto outside = bindings.expect(static_cast<uint16_t>(*port));
  if (!outside || outside->address != bindings.outside()) return Line::Refused;
  out << "229 Entering Extended Passive Mode (|||" << uint32_t{outside->port} << "|)\r\n";
  return Line::Rewritten;
}

}  // namespace yonroku::mechanism
