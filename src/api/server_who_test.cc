// Who was it, over a socket: questions, tables, and what is wrong with them.
#include <filesystem>

#include "api/server_test_base.h"
#include "natlog/clock.h"
#include "natlog/store/store.h"

namespace yonroku::api {
namespace {

using testing::IsEmpty;

class ServerWhoTest : public ServerTest {
 protected:
  ~ServerWhoTest() override { std::filesystem::remove_all(folder_); }

  void keep_log() {
    config::NatLogSettings log;
    log.path = folder_;
    backend_->settings_.nat_log = log;
  }
  // An hour ago a subscriber got a block of ports.
  void write_log() {
    std::filesystem::create_directories(folder_);
    const natlog::Milliseconds then = natlog::utc_now() - 3'600'000;
    natlog::Store store(folder_, {.age = then, .size = UINT64_MAX}, [then] { return then; });
    natlog::Source source{1, {}};
    source.settings.name = "plat";
    source.settings.mechanism = config::Mechanism::Nat64;
    source.settings.nat.subscriber_prefix_length = 56;
    ASSERT_TRUE(store.write(natlog::Note{then, natlog::Note::Kind::Began, &source}));
    share::NatEvent event;
    event.kind = share::NatEvent::Kind::PortBlockTaken;
    event.inside.ipv6 = *Ipv6Address::parse("2001:db8:12:3400::");
    event.outside = {Ipv4Address(198, 51, 100, 2), 2048};
    ASSERT_TRUE(store.write(std::vector<natlog::Event>{{then, &source, event, 2559}}));
  }
  std::string ask(const std::string& query) {
    return raw(path_, "GET /v1/who?" + query + " HTTP/1.1\r\n\r\n");
  }
  std::string post(const std::string& query, const std::string& table) {
    return raw(path_, "POST /v1/who" + query + " HTTP/1.1\r\nContent-Type: text/csv\r\nContent-Length: " +
                          std::to_string(table.size()) + "\r\n\r\n" + table);
  }

  std::string folder_ = path_ + ".log";
};

TEST_F(ServerWhoTest, Answers) {
  keep_log();
  write_log();
  const json found = get("/v1/who?address=198.51.100.2&port=2100&time=-1h&skew=60");
  ASSERT_EQ(found["answers"].size(), 1u);
  EXPECT_EQ(found["answers"][0]["subscriber"], "2001:db8:12:3400::/56");
  EXPECT_EQ(found["answers"][0]["instance"], "plat");
  EXPECT_EQ(found["more"], false);
  EXPECT_THAT(get("/v1/who?address=198.51.100.2&port=2047&time=-1h&skew=60")["answers"], IsEmpty());
  EXPECT_EQ(get("/v1/who?subscriber=2001:db8::/32")["answers"][0]["outside-ports"], "2048-2559");
  EXPECT_THAT(
      get("/v1/who?address=198.51.100.2&port=2100&time=-1h&skew=60&remote=203.0.113.7")["answers"][0]["note"]
          .get<std::string>(),
      HasSubstr("whether it was to 203.0.113.7 is not known"));
}

TEST_F(ServerWhoTest, AnswersATable) {
  keep_log();
  write_log();
  const std::string answer = post("?skew=60", "id,ip,port,time\r\n7,198.51.100.2,2100,-1h\r\n8,x,1,now\r\n");
  EXPECT_THAT(answer, HasSubstr("200 OK"));
  EXPECT_THAT(answer, HasSubstr("text/csv"));
  EXPECT_THAT(answer, HasSubstr("\nid,ip,port,time,instance,"));
  EXPECT_THAT(answer, HasSubstr("\n7,198.51.100.2,2100,\"'-1h\",plat,nat64,2001:db8:12:3400::/56,"));
  EXPECT_THAT(answer, HasSubstr("\n8,x,1,now,,,,,,,,,\"error: address: \"\"x\"\" is no IPv4 address"));
  EXPECT_THAT(post("", ""), HasSubstr("200 OK"));
}

TEST_F(ServerWhoTest, SaysWhatIsWrongWithAQuestion) {
  keep_log();
  write_log();
  for (const auto& [query, what] : std::initializer_list<std::pair<const char*, const char*>>{
           {"", "is no IPv4 address"},
           {"address=198.51.100.2", "an address is shared, and without its port nobody can tell"},
           {"address=198.51.100.2&port=70000", "0 to 65535"},
           {"address=198.51.100.2&port=1&protocol=sctp", "udp, tcp or icmp"},
           {"address=198.51.100.2&port=1&skew=x", "at most 86400"},
           {"address=198.51.100.2&port=1&time=soon", "write 2026-11-21"},
           {"address=198.51.100.2&port=1&remote=x", "such as 203.0.113.7:443"},
           {"subscriber=x", "an IPv6 prefix such as"},
           {"subscriber=2001:db8::/32&from=now&until=-1h", "is after until"},
           {"subscriber=2001:db8::/32&limit=0", "is no number"}}) {
    const std::string answer = ask(query);
    EXPECT_THAT(answer, HasSubstr("400 Bad Request")) << query;
    EXPECT_THAT(answer, HasSubstr(what)) << query;
  }
}

TEST_F(ServerWhoTest, SaysWhyThereIsNoLog) {
  for (const std::string& answer :
       {ask("address=198.51.100.2&port=2100"), post("", "198.51.100.2,2100,now\n")}) {
    EXPECT_THAT(answer, HasSubstr("409 Conflict"));
    EXPECT_THAT(answer, HasSubstr("no log is kept"));
    EXPECT_THAT(answer, HasSubstr("add a section `nat-log` to the configuration"));
  }
  keep_log();
  EXPECT_THAT(ask("address=198.51.100.2&port=2100"), HasSubstr("409 Conflict"));  // nothing was written yet
  EXPECT_THAT(ask("address=198.51.100.2&port=2100"), HasSubstr("is there a log"));
  backend_->settings_.nat_log->store = false;
  EXPECT_THAT(ask("address=198.51.100.2&port=2100"), HasSubstr("409 Conflict"));
  EXPECT_THAT(ask("address=198.51.100.2&port=2100"), HasSubstr("ask those who receive it"));
}

}  // namespace
}  // namespace yonroku::api
