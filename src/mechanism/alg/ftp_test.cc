#include "mechanism/alg/ftp.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace yonroku::mechanism {
namespace {

using Gateway = FtpBindings::Gateway;
using Line = FtpDialogue::Line;
using share::Ipv4Endpoint;

const Ipv6Address kHost = *Ipv6Address::parse("2001:db8:2::31");
const Ipv4Address kPrivate(10, 0, 0, 5);
const Ipv4Address kOutside(192, 0, 2, 31);

class Bindings final : public FtpBindings {
 public:
  Bindings(Gateway gateway, FtpSide inside_is)
      : FtpBindings(gateway, inside_is,
                    gateway == Gateway::Nat64 ? share::InsideEndpoint{kHost, {}, 40000}
                                              : share::InsideEndpoint{{}, kPrivate, 40000},
                    kOutside) {}
  std::optional<Ipv4Endpoint> expect(uint16_t port) noexcept override {
    asked.push_back(port);
    return answer;
  }
  std::optional<Ipv4Endpoint> answer = Ipv4Endpoint{kOutside, 60192};
  std::vector<uint16_t> asked;
};

class Talk {
 public:
  explicit Talk(Gateway gateway = Gateway::Nat64, FtpSide inside_is = FtpSide::Client)
      : bindings(gateway, inside_is) {}
  // What the other side gets to read.
  std::string command(const std::string& line) { return pass(FtpSide::Client, line + "\r\n"); }
  std::string reply(const std::string& line) { return pass(FtpSide::Server, line + "\r\n"); }
  std::string pass(FtpSide from, const std::string& line) {
    char buffer[FtpDialogue::kLongestResult];
    TextWriter out(buffer);
    last = from == FtpSide::Client ? dialogue.on_command(line, bindings, out)
                                   : dialogue.on_reply(line, bindings, out);
    EXPECT_TRUE(out.is_complete()) << line;
    std::string text(last == Line::Rewritten ? out.text() : std::string_view(line));
    EXPECT_TRUE(text.ends_with("\n")) << line;
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
    return text;
  }
  Bindings bindings;
  FtpDialogue dialogue;
  Line last = Line::Unchanged;
};

struct Row {
  const char* name;
  const char* before;
  const char* after;
};

TEST(FtpAlg, Rfc6384Section6ExtendedPassiveBecomesPassive) {
  for (const Row& row : std::initializer_list<Row>{
           {"no argument", "EPSV", "PASV"},
           {"the IPv6 family", "EPSV 2", "PASV"},
           {"in lower case", "epsv", "PASV"},
           {"behind Telnet's interrupt and data mark",
            "\xff\xf4\xff\xf2"
            "EPSV",
            "PASV"},
           {"another family is not passed on", "EPSV 1", "NOOP"},
           {"nor ALL", "EPSV ALL", "NOOP"},
           {"nor what nobody knows", "EPSV x", "NOOP"},
       }) {
    Talk talk;
    EXPECT_EQ(talk.command(row.before), row.after) << row.name;
  }
}

TEST(FtpAlg, Rfc6384Section6RepliesToExtendedPassive) {
  struct Reply {
    const char* name;
    const char* command;
    const char* from_server;
    const char* to_client;
  };
  for (const Reply& row : std::initializer_list<Reply>{
           {"the RFC's example, as long as before", "EPSV", "227 Entering Passive Mode (192,0,2,31,237,19).",
            "229 Entering Extended Passive Mode (|||60691|)"},
           {"the address is ignored", "EPSV 2", "227 Entering Passive Mode (10,255,255,25,4,1)",
            "229 Entering Extended Passive Mode (|||1025|)"},
           {"RFC 1123: without parentheses", "EPSV", "227 =127,0,0,1,237,19",
            "229 Entering Extended Passive Mode (|||60691|)"},
           {"a digit in the text", "EPSV", "227 mode 2 (192,0,2,31,237,19)",
            "229 Entering Extended Passive Mode (|||60691|)"},
           {"padded where it would be shorter", "EPSV",
            "227 Now we are entering the Passive Mode (1,2,3,4,4,1)",
            "229 Entering Extended Passive Mode          (|||1025|)"},
           {"a refusal stays", "EPSV", "425 Can't open data connection", "425 Can't open data connection"},
           {"octets that are none", "EPSV", "227 Entering (192,0,2,256,1,1)",
            "227 Entering (192,0,2,256,1,1)"},
           {"too few of them", "EPSV", "227 Entering (192,0,2,1,1)", "227 Entering (192,0,2,1,1)"},
           {"nothing", "EPSV", "227 ", "227 "},
           {"the client's own PASV", "PASV", "227 Entering Passive Mode (192,0,2,31,237,19)",
            "227 Entering Passive Mode (192,0,2,31,237,19)"},
       }) {
    Talk talk;
    talk.command(row.command);
    EXPECT_EQ(talk.reply(row.from_server), row.to_client) << row.name;
  }
}

TEST(FtpAlg, Rfc6384Section12NoopsReplyBecomesTheOneThatIsDue) {
  for (const Row& row : std::initializer_list<Row>{
           {"another family", "EPSV 1", "522 Network protocol not supported, use (2)"},
           {"ALL", "EPSV ALL", "504 Command not implemented for that parameter"},
           {"ALGS without argument", "ALGS", "504 Command not implemented for that parameter"},
           {"ALGS with another", "ALGS 46", "504 Command not implemented for that parameter"},
           {"ALGS STATUS64", "ALGS STATUS64", "216 EPSVEPRT"},
           {"ALGS ENABLE64", "algs enable64", "216 EPSVEPRT"},
           {"ALGS DISABLE64", "ALGS DISABLE64", "216 NONE"},
       }) {
    Talk talk;
    EXPECT_EQ(talk.command(row.before), "NOOP") << row.name;
    EXPECT_EQ(talk.reply("200 OK"), row.after) << row.name;
    EXPECT_EQ(talk.reply("200 OK"), "200 OK") << row.name << ": only the one";
  }
}

TEST(FtpAlg, Rfc6384Section72ExtendedPortBecomesPort) {
  for (const Row& row : std::initializer_list<Row>{
           {"the RFC's example", "EPRT |2|2001:db8:2::31|5282|", "PORT 192,0,2,31,235,32"},
           {"written otherwise", "eprt !2!2001:DB8:2:0:0:0:0:31!5282!", "PORT 192,0,2,31,235,32"},
       }) {
    Talk talk;
    EXPECT_EQ(talk.command(row.before), row.after) << row.name;
    EXPECT_EQ(talk.bindings.asked, std::vector<uint16_t>{5282}) << row.name;
  }
  for (const Row& row : std::initializer_list<Row>{
           {"somebody else's address", "EPRT |2|2001:db8:2::32|5282|", nullptr},
           {"an IPv4 address", "EPRT |1|192.0.2.31|5282|", nullptr},
           {"the family of the other", "EPRT |1|2001:db8:2::31|5282|", nullptr},
           {"no port", "EPRT |2|2001:db8:2::31||", nullptr},
           {"a port that is none", "EPRT |2|2001:db8:2::31|65536|", nullptr},
           {"more behind it", "EPRT |2|2001:db8:2::31|5282|x", nullptr},
           {"no end", "EPRT |2|2001:db8:2::31|5282", nullptr},
           {"a digit as delimiter", "EPRT 222001:db8:2::31252822", nullptr},
           {"nothing", "EPRT", nullptr},
           {"PORT of an IPv6 client", "PORT 192,0,2,31,235,32", nullptr},
           {"RFC 1639's LPRT", "LPRT 6,16,32,1,13,184,0,2,0,0,0,0,0,0,0,0,0,49,2,20,162", nullptr},
       }) {
    Talk talk;
    EXPECT_EQ(talk.command(row.before), row.before) << row.name;
    EXPECT_TRUE(talk.bindings.asked.empty()) << row.name;
  }
}

TEST(FtpAlg, PortsThatAreNotAskedForAndBindingsThatAreNotHad) {
  Talk talk;
  EXPECT_EQ(talk.command("EPRT |2|2001:db8:2::31|1023|"), "EPRT |2|2001:db8:2::31|1023|");
  EXPECT_EQ(talk.last, Line::Refused);
  EXPECT_TRUE(talk.bindings.asked.empty());
  talk.bindings.answer.reset();
  EXPECT_EQ(talk.command("EPRT |2|2001:db8:2::31|1024|"), "EPRT |2|2001:db8:2::31|1024|");
  EXPECT_EQ(talk.last, Line::Refused);
  talk.bindings.answer = Ipv4Endpoint{Ipv4Address(192, 0, 2, 32), 60192};
  EXPECT_EQ(talk.command("EPRT |2|2001:db8:2::31|1024|"), "EPRT |2|2001:db8:2::31|1024|")
      << "RFC 6384 §7.2: the address of the control channel, or none";
}

TEST(FtpAlg, Rfc6384Section10OtherCommandsPass) {
  Talk talk;
  for (const char* line :
       {"USER anonymous", "PASS me@example.net", "PASV", "RETR EPSV", "LIST", "", "STOR 227"})
    EXPECT_EQ(talk.command(line), line);
}

TEST(FtpAlg, Rfc6384Section5AuthenticationMakesItStandBack) {
  struct Auth {
    const char* name;
    const char* reply;
    bool stands_back;
  };
  for (const Auth& row : std::initializer_list<Auth>{{"accepted", "234 Proceed with negotiation.", true},
                                                     {"needs data", "334 ADAT", true},
                                                     {"not now", "431 Unable to accept", false},
                                                     {"unknown", "502 Command not implemented", false}}) {
    Talk talk;
    EXPECT_EQ(talk.command("AUTH TLS"), "AUTH TLS") << row.name;
    EXPECT_EQ(talk.command("EPSV"), "EPSV") << row.name << ": before the reply";
    EXPECT_EQ(talk.reply(row.reply), row.reply) << row.name;
    EXPECT_EQ(talk.dialogue.stands_back(), row.stands_back) << row.name;
    talk.reply("229 Entering Extended Passive Mode (|||60691|)");
    EXPECT_EQ(talk.command("EPSV"), row.stands_back ? "EPSV" : "PASV") << row.name;
  }
}

TEST(FtpAlg, Rfc6384Section11DisabledAndEnabledAgain) {
  Talk talk;
  talk.command("ALGS DISABLE64");
  talk.reply("200 OK");
  EXPECT_EQ(talk.command("EPSV"), "EPSV");
  EXPECT_EQ(talk.command("EPRT |2|2001:db8:2::31|5282|"), "EPRT |2|2001:db8:2::31|5282|");
  EXPECT_EQ(talk.reply("229 Entering Extended Passive Mode (|||60691|)"),
            "229 Entering Extended Passive Mode (|||60691|)");
  talk.reply("522 use (1)");
  talk.command("ALGS ENABLE64");
  EXPECT_EQ(talk.reply("200 OK"), "216 EPSVEPRT");
  EXPECT_EQ(talk.command("EPSV"), "PASV");
}

TEST(FtpAlg, RepliesAreCountedAsCommandsAre) {
  Talk talk;
  talk.reply("220-Welcome");
  talk.reply("227 (1,2,3,4,5,6) in a greeting");
  talk.reply("220 Ready");
  talk.command("RETR x");
  talk.command("EPSV 1");
  EXPECT_EQ(talk.reply("150 Here it comes"), "150 Here it comes");
  EXPECT_EQ(talk.reply("226 Done"), "226 Done");
  EXPECT_EQ(talk.reply("200 OK"), "522 Network protocol not supported, use (2)");
  talk.command("FEAT");
  talk.command("EPSV");
  EXPECT_EQ(talk.reply("211-Features:"), "211-Features:");
  EXPECT_EQ(talk.reply(" EPSV"), " EPSV");
  EXPECT_EQ(talk.reply("211 End"), "211 End");
  EXPECT_TRUE(talk.reply("227 (1,2,3,4,5,6)").starts_with("229 "));
}

TEST(FtpAlg, AReplyTooFewDoesNotMixUpPassiveMode) {
  Talk talk;
  talk.command("NOOP");
  talk.command("EPSV");
  EXPECT_TRUE(talk.reply("227 (1,2,3,4,5,6)").starts_with("229 "));
}

TEST(FtpAlg, WhatIsNotFtpIsLeftAlone) {
  for (const char* line :
       {"POST / HTTP/1.1", "GET / HTTP/1.0", "Host: example.net", "\x16\x03\x01 x", "A B"}) {
    Talk talk;
    talk.command(line);
    EXPECT_TRUE(talk.dialogue.stands_back()) << line;
    EXPECT_EQ(talk.command("EPRT |2|2001:db8:2::31|5282|"), "EPRT |2|2001:db8:2::31|5282|") << line;
  }
}

TEST(FtpAlg, NobodyMayOweEndlessReplies) {
  Talk talk;
  for (int i = 0; i < 100; ++i) talk.command("NOOP");
  EXPECT_TRUE(talk.dialogue.stands_back());
}

TEST(FtpAlg, Nat44ClientInside) {
  for (const Row& row : std::initializer_list<Row>{
           {"PORT", "PORT 10,0,0,5,20,162", "PORT 192,0,2,31,235,32"},
           {"EPRT", "EPRT |1|10.0.0.5|5282|", "EPRT |1|192.0.2.31|60192|"},
           {"PORT of another", "PORT 10,0,0,6,20,162", "PORT 10,0,0,6,20,162"},
           {"EPSV", "EPSV", "EPSV"},
           {"EPSV ALL", "EPSV ALL", "EPSV ALL"},
           {"PASV", "PASV", "PASV"},
           {"RFC 6384's command is for a NAT64", "ALGS STATUS64", "ALGS STATUS64"},
       }) {
    Talk talk(Gateway::Nat44);
    EXPECT_EQ(talk.command(row.before), row.after) << row.name;
  }
}

TEST(FtpAlg, Nat44ServerInside) {
  for (const Row& row : std::initializer_list<Row>{
           {"227", "227 Entering Passive Mode (10,0,0,5,20,162).",
            "227 Entering Passive Mode (192,0,2,31,235,32)"},
           {"229", "229 Entering Extended Passive Mode (|||5282|)",
            "229 Entering Extended Passive Mode (|||60192|)"},
           {"227 of another address", "227 ok (10,0,0,6,20,162)", "227 ok (10,0,0,6,20,162)"},
           {"229 without its form", "229 (|||5282)", "229 (|||5282)"},
       }) {
    Talk talk(Gateway::Nat44, FtpSide::Server);
    talk.command("PASV");
    EXPECT_EQ(talk.reply(row.before), row.after) << row.name;
    EXPECT_EQ(talk.command("PORT 203,0,113,7,4,1"), "PORT 203,0,113,7,4,1") << row.name;
  }
}

}  // namespace
}  // namespace yonroku::mechanism
