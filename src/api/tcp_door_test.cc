// The API over TCP: who gets in.
#include "api/tcp_door.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/stat.h>

#include <fstream>

#include "api/server_test_base.h"

namespace yonroku::api {
namespace {

const std::string kToken = "0123456789abcdef-._~+/=";

class TcpDoorTest : public testing::Test {
 protected:
  void SetUp() override { write(kToken + "\n"); }
  void TearDown() override { ::unlink(file_.c_str()); }
  void write(const std::string& text, mode_t mode = 0640) {
    ::unlink(file_.c_str());
    std::ofstream(file_) << text;
    ASSERT_EQ(::chmod(file_.c_str(), mode), 0);
  }
  Result<TcpDoor> open(const std::string& address = "127.0.0.1", uint16_t port = 0) {
    return TcpDoor::open({address, port, file_});
  }
  std::string file_ = testing::TempDir() + "yonroku-token-" + std::to_string(::getpid());
};

TEST_F(TcpDoorTest, TheTokenIsASecret) {
  EXPECT_TRUE(open());
  write(kToken, 0644);
  EXPECT_THAT(open().error().to_string(), HasSubstr("everybody may read the token; chmod o= "));
  for (const std::string& bad : {std::string(), std::string("short"), kToken + "\n" + kToken, kToken + " ",
                                 std::string(513, 'a'), std::string(20, '\0')}) {
    write(bad);
    EXPECT_THAT(open().error().to_string(), HasSubstr("holds no token of 16 to 512 letters")) << bad;
  }
  ::unlink(file_.c_str());
  EXPECT_THAT(open().error().to_string(), HasSubstr("cannot be read: No such file"));
  file_ = "/dev/zero";
  EXPECT_THAT(open().error().to_string(), HasSubstr("is no file with a token"));
  file_.clear();
}

TEST_F(TcpDoorTest, OnlyTheWholeTokenOpens) {
  const auto door = open();
  ASSERT_TRUE(door);
  EXPECT_TRUE(door->has_token("Bearer " + kToken));
  EXPECT_TRUE(door->has_token("bearer " + kToken));
  for (const std::string& wrong :
       {std::string(), std::string("Bearer "), std::string("Bearer"), kToken, "Basic " + kToken,
        "Bearer " + kToken + "x", "Bearer " + kToken.substr(1), "Bearer " + kToken.substr(0, 15),
        "Bearer  " + kToken, "Bearer " + std::string(kToken.size(), '\0')})
    EXPECT_FALSE(door->has_token(wrong)) << wrong;
}

TEST_F(TcpDoorTest, NamesOfOthersThatLeadHereAreRefused) {
  const auto door = open();
  ASSERT_TRUE(door);
  for (const char* own : {"127.0.0.1", "127.0.0.1:4646", "localhost:8080", "[::1]:4646", "[::1]"})
    EXPECT_TRUE(door->is_own_name(own)) << own;
  for (const char* other :
       {"", "example.org", "example.org:4646", "127.0.0.1.example.org", "localhost.example.org",
        "127.0.0.2:4646", "[::2]:4646", "127.0.0.1:1:example.org", ":4646"})
    EXPECT_FALSE(door->is_own_name(other)) << other;
}

// The server of the other tests, at a port of its own as well.
class TcpServerTest : public TcpDoorTest {
 protected:
  void SetUp() override {
    TcpDoorTest::SetUp();
    auto socket = ListeningSocket::open(path_);
    ASSERT_TRUE(socket);
    auto door = open();
    ASSERT_TRUE(door);
    socklen_t size = sizeof address_;
    ASSERT_EQ(::getsockname(door->fd(), reinterpret_cast<sockaddr*>(&address_), &size), 0);
    server_ = Server::start(std::make_unique<FakeBackend>(), std::move(*socket), std::move(*door));
  }
  std::string ask(const std::string& request) { return exchange(address_, AF_INET, request); }
  std::string get(const std::string& path, const std::string& headers) {
    return ask("GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1:4646\r\n" + headers + "\r\n");
  }
  const std::string authorization_ = "Authorization: Bearer " + kToken + "\r\n";
  const std::string path_ = testing::TempDir() + "yonroku-tcp-" + std::to_string(::getpid()) + ".sock";
  sockaddr_in address_{};
  std::unique_ptr<Server> server_;
};

TEST_F(TcpServerTest, ReadingNeedsTheToken) {
  EXPECT_THAT(get("/v1/status", authorization_), HasSubstr("200 OK"));
  for (const std::string& wrong : {std::string(), std::string("Authorization: Bearer x\r\n")}) {
    const std::string answer = get("/v1/status", wrong);
    EXPECT_THAT(answer, HasSubstr("401 Unauthorized"));
    EXPECT_THAT(answer, HasSubstr("WWW-Authenticate: Bearer"));
    EXPECT_THAT(answer, HasSubstr("the token is missing or wrong"));
  }
  EXPECT_THAT(get("/nothing", ""), HasSubstr("401")) << "not even what there is";
  EXPECT_THAT(get("/v1/openapi.yaml", ""), HasSubstr("openapi: 3.1"));
}

TEST_F(TcpServerTest, WhoeverHasTheTokenMayChangeThings) {
  const std::string body = "\r\n192.0.2.9,2001:db8::9\n";
  const std::string head = "POST /v1/mappings HTTP/1.1\r\nHost: localhost\r\nContent-Length: 22\r\n";
  EXPECT_THAT(ask(head + authorization_ + body), HasSubstr("\"added\":1"));
  EXPECT_THAT(ask(head + body), HasSubstr("401 Unauthorized"));
  EXPECT_THAT(get("/v1/mappings", authorization_), HasSubstr("192.0.2.9"));
}

TEST_F(TcpServerTest, WhatComesBehindARefusedRequestIsNotLookedAt) {
  const std::string answer =
      ask("POST /v1/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500\r\n\r\n"
          "GET /v1/status HTTP/1.1\r\nHost: localhost\r\n" +
          authorization_ + "\r\n");
  EXPECT_THAT(answer, HasSubstr("401 Unauthorized"));
  EXPECT_EQ(answer.find("200 OK"), std::string::npos);
}

TEST_F(TcpServerTest, TheTokenIsAskedForWithEachRequest) {
  const std::string one = "GET /v1/status HTTP/1.1\r\nHost: localhost\r\n";
  const std::string answer = ask(one + authorization_ + "\r\n" + one + "\r\n");
  EXPECT_THAT(answer, HasSubstr("200 OK"));
  EXPECT_THAT(answer, HasSubstr("401 Unauthorized"));
}

TEST_F(TcpServerTest, RefusesNamesOfOthersAndRequestsWithoutAName) {
  const std::string end = authorization_ + "\r\n";
  EXPECT_THAT(ask("GET /v1/status HTTP/1.1\r\nHost: example.org\r\n" + end), HasSubstr("403 Forbidden"));
  EXPECT_THAT(ask("GET /v1/status HTTP/1.0\r\n" + end), HasSubstr("403 Forbidden"));
  EXPECT_THAT(ask("GET /v1/openapi.yaml HTTP/1.1\r\nHost: localhost\r\nHost: example.org\r\n\r\n"),
              HasSubstr("403 Forbidden"));
}

TEST_F(TcpServerTest, StrangersDoNotFillTheMemory) {
  std::string request = "GET /v1/status HTTP/1.1\r\nHost: localhost\r\n";
  while (request.size() < 1 << 20) request += "X-Long: " + std::string(1000, 'x') + "\r\n";
  EXPECT_EQ(ask(request + "\r\n").find("200 OK"), std::string::npos);
  EXPECT_THAT(get("/v1/status", authorization_), HasSubstr("200 OK")) << "and others are served";
}

TEST_F(TcpServerTest, TheSocketNeedsNoToken) {
  EXPECT_THAT(raw(path_, "GET /v1/status HTTP/1.1\r\n\r\n"), HasSubstr("200 OK"));
}

}  // namespace
}  // namespace yonroku::api
