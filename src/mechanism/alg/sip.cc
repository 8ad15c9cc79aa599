#include "mechanism/alg/sip.h"

#include <algorithm>

namespace yonroku::mechanism {
namespace {

constexpr uint16_t kDefaultPort = 5060;  // RFC 3261 §19.1.2

// Takes a line with its end; the last one may have none.
std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end == std::string_view::npos ? text.size() : end + 1);
  text.remove_prefix(line.size());
  return line;
}

std::string_view without_end(std::string_view line) {
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
  return line;
}
std::string_view end_of(std::string_view line) { return line.substr(without_end(line).size()); }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool continues(std::string_view line) { return line.starts_with(' ') || line.starts_with('\t'); }

// RFC 3261 §7.3.1.
std::string_view name_of(std::string_view line) { return trimmed(line.substr(0, line.find(':'))); }

// Also in their compact forms, RFC 3261 §7.3.3.
bool is_header(std::string_view name, std::string_view full, std::string_view compact) {
  return equals_ignoring_case(name, full) || (!compact.empty() && equals_ignoring_case(name, compact));
}
bool has_addresses(std::string_view name) {
  return is_header(name, "Via", "v") || is_header(name, "Contact", "m") || is_header(name, "From", "f") ||
         is_header(name, "To", "t") || is_header(name, "Route", {}) || is_header(name, "Record-Route", {});
}
bool is_content_length(std::string_view name) { return is_header(name, "Content-Length", "l"); }

bool is_sip(std::string_view start_line) {
  const std::string_view line = without_end(start_line);
  return line.starts_with("SIP/2.0 ") || (line.ends_with(" SIP/2.0") && is_letter(line.front()));
}

std::optional<SipAddress> address_of(std::string_view text) {
  SipAddress result;
  if (const auto ipv4 = Ipv4Address::parse(text)) {
    result.ipv4 = *ipv4;
    return result;
  }
  if (const auto ipv6 = Ipv6Address::parse(text)) {
    result.is_ipv6 = true;
    result.ipv6 = *ipv6;
    return result;
  }
  return std::nullopt;
}

void write_address(const SipAddress& address, TextWriter& out) {
  if (address.is_ipv6)
    out << address.ipv6;
  else
    out << address.ipv4;
}

// A literal address at the front of the text, in brackets where it is IPv6, and how long it is.
struct Literal {
  SipAddress address;
  std::size_t size = 0;
};
std::optional<Literal> literal_at(std::string_view text) {
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos || end > Ipv6Address::kLongestText + 7) return std::nullopt;
    const auto ipv6 = Ipv6Address::parse(text.substr(1, end - 1));
    if (!ipv6) return std::nullopt;
    return Literal{{true, {}, *ipv6}, end + 1};
  }
  std::size_t size = 0;
  while (size < text.size() && size < 16 && (is_digit(text[size]) || text[size] == '.')) ++size;
  const auto ipv4 = Ipv4Address::parse(text.substr(0, size));
  if (!ipv4) return std::nullopt;
  // A name or a user that begins like an address.
  if (size < text.size() && (is_letter(text[size]) || text[size] == '-' || text[size] == '@'))
    return std::nullopt;
  return Literal{{false, *ipv4, {}}, size};
}

bool may_precede_host(char c) {
  constexpr std::string_view kBefore = "@: =,;<\t";
  return kBefore.find(c) != std::string_view::npos;
}

// RFC 3261 §25.1 host ":" port; returns how much of `value` is done with.
std::size_t write_endpoint(std::string_view value, const Literal& literal, SipNames& names, TextWriter& out) {
  std::string_view rest = value.substr(literal.size);
  std::optional<uint32_t> port;
  if (std::string_view number = rest; take(number, ':')) {
    port = take_number(number, UINT16_MAX);
    if (port) rest = number;
  }
  const std::size_t size = value.size() - rest.size();
  SipEndpoint endpoint{literal.address, static_cast<uint16_t>(port.value_or(kDefaultPort))};
  if (!names.signalling(endpoint)) {
    out << value.substr(0, size);
    return size;
  }
  if (endpoint.address.is_ipv6) out << "[";
  write_address(endpoint.address, out);
  if (endpoint.address.is_ipv6) out << "]";
  if (port || endpoint.port != kDefaultPort) out << ":" << uint32_t{endpoint.port};
  return size;
}

// RFC 3261 §20.42, RFC 3581 §4: what the server has seen of the client. 0: no such parameter here.
std::size_t write_seen(std::string_view value, SipNames& names, TextWriter& out) {
  constexpr std::string_view kReceived = "received=", kPort = "rport=";
  if (starts_ignoring_case(value, kReceived)) {
    const std::string_view text = value.substr(kReceived.size());
    const std::size_t size = std::min(text.find_first_of(";, \t\r\n"), text.size());
    auto address = address_of(text.substr(0, size));
    if (!address || !names.host(*address)) return 0;
    out << kReceived;
    write_address(*address, out);
    return kReceived.size() + size;
  }
  if (starts_ignoring_case(value, kPort)) {
    std::string_view text = value.substr(kPort.size());
    const auto number = take_number(text, UINT16_MAX);
    auto port = static_cast<uint16_t>(number.value_or(0));
    if (!number || !names.seen_port(port)) return 0;
    out << kPort << uint32_t{port};
    return value.size() - text.size();
  }
  return 0;
}

}  // namespace

// --- the message ---

SipMessage::Result SipMessage::rewrite(std::string_view message, SipNames& names, TextWriter& scratch,
                                       TextWriter& out) noexcept {
  std::string_view rest = message;
  if (message.empty() || !is_sip(take_line(rest))) return Result::Unchanged;
  if (message.size() > kLargest) return Result::NotUnderstood;
  const auto headers = read_headers(message);
  if (!headers) return Result::NotUnderstood;
  const std::string_view body = message.substr(headers->size, headers->body_size);
  if (!headers->has_description)
    scratch << body;
  else if (!write_description(body, names, scratch))
    return Result::NotUnderstood;
  write_headers(message.substr(0, headers->size), scratch.text().size(), names, out);
  out << scratch.text();
  if (!scratch.is_complete() || !out.is_complete()) return Result::NotUnderstood;
  return out.text() == message ? Result::Unchanged : Result::Rewritten;
}

std::optional<SipMessage::Headers> SipMessage::read_headers(std::string_view message) noexcept {
  Headers headers;
  std::string_view rest = message;
  take_line(rest);
  std::optional<std::size_t> length;
  bool is_encoded = false;
  for (;;) {
    const std::string_view line = take_line(rest);
    if (!line.ends_with('\n')) return std::nullopt;
    if (without_end(line).empty()) break;
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || continues(line)) continue;
    const std::string_view name = name_of(line);
    std::string_view value = trimmed(without_end(line.substr(colon + 1)));
    if (is_content_length(name)) {
      const auto number = take_number(value, UINT16_MAX);
      if (!number || !value.empty() || length) return std::nullopt;
      length = *number;
    } else if (is_header(name, "Content-Type", "c")) {
      headers.has_description = starts_ignoring_case(value, "application/sdp");
    } else if (is_header(name, "Content-Encoding", "e")) {
      is_encoded = true;
    }
  }
  headers.size = message.size() - rest.size();
  headers.body_size = length.value_or(rest.size());
  headers.has_description = headers.has_description && !is_encoded && headers.body_size > 0;
  // RFC 3261 §18.3: what is behind the body is discarded; what is missing makes an error.
  if (headers.body_size > rest.size()) return std::nullopt;
  return headers;
}

void SipMessage::write_headers(std::string_view headers, std::size_t body_size, SipNames& names,
                               TextWriter& out) noexcept {
  const std::string_view start = take_line(headers);
  if (start.starts_with("SIP/2.0 "))
    out << start;
  else
    write_value(start, names, out);
  bool in_addresses = false;
  while (!headers.empty()) {
    const std::string_view line = take_line(headers);
    const std::string_view name = name_of(line);
    if (!continues(line)) in_addresses = has_addresses(name);
    if (!continues(line) && is_content_length(name)) {
      out << line.substr(0, line.find(':')) << ": " << static_cast<uint32_t>(body_size) << end_of(line);
    } else if (in_addresses) {
      write_value(line, names, out);
    } else {
      out << line;
    }
  }
}

void SipMessage::write_value(std::string_view value, SipNames& names, TextWriter& out) noexcept {
  std::size_t written = 0;
  std::size_t at = 0;
  bool is_quoted = false;
  while (at < value.size()) {
    const char c = value[at];
    if (is_quoted && c == '\\') {
      at += 2;
      continue;
    }
    if (c == '"') is_quoted = !is_quoted;
    const bool may_begin = !is_quoted && at > 0 && may_precede_host(value[at - 1]);
    if (!may_begin || (c != '[' && c != 'r' && c != 'R' && !is_digit(c))) {
      ++at;
      continue;
    }
    const auto literal = literal_at(value.substr(at));
    const TextWriter before = out;
    out << value.substr(written, at - written);
    const std::size_t done = literal ? write_endpoint(value.substr(at), *literal, names, out)
                                     : write_seen(value.substr(at), names, out);
    if (done == 0) {
      out = before;
      ++at;
    } else {
      at += done;
      written = at;
    }
  }
  if (written < value.size()) out << value.substr(written);
}

// --- the session description ---

namespace {

struct Words {
  std::string_view word[8];
  std::size_t count = 0;
};
Words words_of(std::string_view line) {
  Words words;
  line = without_end(line);
  while (!line.empty() && words.count < std::size(words.word)) {
    const std::size_t end = std::min(line.find(' '), line.size());
    words.word[words.count++] = line.substr(0, end);
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return words;
}

// RFC 4566: nettype addrtype address, at the end of c=, o= and a=rtcp.
std::optional<SipAddress> connection_of(const Words& words, std::size_t at) {
  if (words.count != at + 3) return std::nullopt;
  std::string_view text = words.word[at + 2];
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);  // sipp writes so
  const auto address = address_of(text);
  if (!address || words.word[at + 1] != (address->is_ipv6 ? "IP6" : "IP4")) return std::nullopt;
  return address;
}
void write_connection(const SipAddress& address, TextWriter& out) {
  out << (address.is_ipv6 ? "IN IP6 " : "IN IP4 ");
  write_address(address, out);
}

// A line that ends with an address, the first of whose words is `at`.
void write_with_address(std::string_view line, std::size_t at, SipNames& names, TextWriter& out) {
  const Words words = words_of(line);
  auto address = connection_of(words, at);
  if (!address || !names.host(*address)) {
    out << line;
    return;
  }
  out << line.substr(0, static_cast<std::size_t>(words.word[at].data() - line.data()));
  if (line.starts_with("c=")) out << "c=";
  write_connection(*address, out);
  out << end_of(line);
}

// c=IN IP4 a: the first word has the type of the line in front.
std::string_view address_line_of(std::string_view section) {
  while (!section.empty())
    if (const std::string_view line = take_line(section); line.starts_with("c=")) return line;
  return {};
}

}  // namespace

bool SipMessage::write_description(std::string_view body, SipNames& names, TextWriter& out) noexcept {
  // The session's lines, then a section for each m=.
  std::size_t streams = 0;
  std::string_view session_address;
  while (!body.empty()) {
    std::string_view rest = body;
    take_line(rest);
    while (!rest.empty() && !rest.starts_with("m=")) take_line(rest);
    const std::string_view section = body.substr(0, body.size() - rest.size());
    if (!section.starts_with("m="))
      session_address = address_line_of(section);
    else if (++streams > kMostStreams)
      return false;
    write_section(section, session_address, names, out);
    body = rest;
  }
  return true;
}

void SipMessage::write_section(std::string_view section, std::string_view session_address, SipNames& names,
                               TextWriter& out) noexcept {
  SipEndpoint stream;
  SipEndpoint before;
  uint16_t rtcp = 0;
  bool is_moved = false;
  bool names_rtcp = false;
  const std::string_view media = section.starts_with("m=") ? section.substr(0, section.find('\n') + 1) : "";
  if (!media.empty()) {
    const std::string_view own = address_line_of(section);
    const auto address = connection_of(words_of(own.empty() ? session_address : own), 0);
    const Words words = words_of(media);
    std::string_view number = words.count >= 3 ? words.word[1] : std::string_view{};
    const auto port = take_number(number, UINT16_MAX - 1);
    // Port 0 is a stream refused (RFC 3264 §6); "/n" are several at once; only UDP has the NAT's pairs.
    const bool is_udp = words.count >= 3 && !starts_ignoring_case(words.word[2], "TCP");
    if (address && port && *port > 0 && number.empty() && is_udp) {
      before = stream = {*address, static_cast<uint16_t>(*port)};
      rtcp = static_cast<uint16_t>(*port + 1);
      is_moved = names.media(stream, rtcp);
    }
  }
  std::string_view end = "\r\n";
  while (!section.empty()) {
    const std::string_view line = take_line(section);
    const Words words = words_of(line);
    if (!end_of(line).empty()) end = end_of(line);
    if (line.starts_with("o=")) {
      write_with_address(line, 3, names, out);
    } else if (line.starts_with("c=")) {
      write_with_address(line, 0, names, out);
    } else if (is_moved && line.starts_with("m=")) {
      out << words.word[0] << " " << uint32_t{stream.port}
          << line.substr(words.word[0].size() + 1 + words.word[1].size());
    } else if (is_moved && line.starts_with("a=rtcp:")) {
      // RFC 3605 §2.1.
      names_rtcp = true;
      std::string_view text = words.word[0].substr(7);
      SipEndpoint other{before.address, static_cast<uint16_t>(take_number(text, UINT16_MAX).value_or(0))};
      if (other.port == before.port + 1)
        other = {stream.address, rtcp};
      else
        (void)names.signalling(other);
      out << "a=rtcp:" << uint32_t{other.port};
      if (words.count == 4) {
        out << " ";
        write_connection(other.address, out);
      }
      out << end_of(line);
    } else {
      out << line;
    }
  }
  if (is_moved && !names_rtcp && rtcp != stream.port + 1) out << "a=rtcp:" << uint32_t{rtcp} << end;
}

}  // namespace yonroku::mechanism
