// Clients that are slow, many or send much: what they get, and that they keep nobody waiting.
#include <sys/wait.h>

#include <chrono>
#include <thread>

#include "api/server_test_base.h"

namespace yonroku::api {
namespace {

constexpr std::size_t kMebi = 1 << 20;

class ServerClientsTest : public ServerTest {
 protected:
  // A client that has said this and stays.
  [[nodiscard]] io::FileDescriptor connected(const std::string& said) const {
    io::FileDescriptor fd(::socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, path_.size());
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::send(fd.get(), said.data(), said.size(), MSG_NOSIGNAL), static_cast<ssize_t>(said.size()));
    return fd;
  }
  static std::string put(std::size_t length) {
    return "PUT /v1/mappings HTTP/1.1\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n";
  }
};

TEST_F(ServerClientsTest, TheStopDoesNotWaitForThoseInTheMiddleOfARequest) {
  const auto in_head = connected("GET /v1/sta");
  const auto in_body = connected(put(1000) + "192.0.2.1,2001:");
  const auto idle = connected("");
  ASSERT_TRUE(client_.request(Method::Get, "/v1/status"));  // by then the others were accepted
  const auto begin = std::chrono::steady_clock::now();
  server_->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
}

TEST_F(ServerClientsTest, WhatIsTooLargeIsRefusedInWordsBeforeItIsRead) {
  struct Row {
    const char* name;
    std::string head;
    const char* said;
  };
  const Row rows[] = {
      {"a table", put(1024 * kMebi + 1), "more than 1024 MiB"},
      {"no number that a machine has",
       "PUT /v1/mappings HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n", "more than 1024 MiB"},
      {"a change", "POST /v1/mappings HTTP/1.1\r\nContent-Length: 33554433\r\n\r\n", "more than 32 MiB"},
      {"complaints", "POST /v1/who HTTP/1.1\r\nContent-Length: 33554433\r\n\r\n", "more than 32 MiB"},
  };
  for (const Row& row : rows) {
    const std::string answer = raw(path_, row.head + "GET /v1/status HTTP/1.1\r\n\r\n");
    EXPECT_THAT(answer, HasSubstr("413 Payload Too Large")) << row.name;
    EXPECT_THAT(answer, HasSubstr(row.said)) << row.name;
    EXPECT_THAT(answer, HasSubstr("send it in parts")) << row.name;
    EXPECT_EQ(answer.find("200 OK"), answer.npos) << row.name << ": its body is no request";
  }
}

TEST_F(ServerClientsTest, WhatDoesNotSayHowLargeItIsMayBeTooLargeAsWell) {
  std::string request = "POST /v1/mappings HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 33; ++i) request += "100000\r\n" + std::string(kMebi, '#') + "\r\n";
  EXPECT_THAT(raw(path_, request + "0\r\n\r\n"), HasSubstr("more than 32 MiB"));
}

// Ten million softwires are 400 MB and more.
TEST_F(ServerClientsTest, ATableMayBeLarge) {
  std::string body(257 * kMebi, '#');
  body += "\n192.0.2.1,2001:db8::1\n";
  const auto answer = client_.request(Method::Put, "/v1/mappings", body);
  ASSERT_TRUE(answer) << answer.error().to_string();
  EXPECT_THAT(answer->body, HasSubstr("\"added\":1"));
}

TEST_F(ServerClientsTest, ABodyThatNobodyTakesIsNotRead) {
  for (const char* method : {"POST", "PUT", "PATCH", "DELETE"}) {
    const std::string answer =
        raw(path_, std::string(method) + " /v1/nothing HTTP/1.1\r\nContent-Length: 1000000000\r\n\r\n");
    EXPECT_THAT(answer, HasSubstr("404 Not Found")) << method;
    EXPECT_THAT(answer, HasSubstr("there is no such thing here")) << method;
  }
  EXPECT_THAT(raw(path_, "PRI * HTTP/1.1\r\nContent-Length: 1000000000\r\n\r\n"), HasSubstr("HTTP/1.1 4"));
}

TEST_F(ServerClientsTest, ABodyOfSomebodyWhoMayNotChangeAnythingIsNotRead) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
  ASSERT_EQ(::chmod(path_.c_str(), 0666), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    if (::setresuid(65534, 65534, 65534) != 0) ::_exit(3);
    // Answered although nothing of the body has come.
    const auto fd = connected(put(1000 * kMebi));
    const timeval patience{5, 0};
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    std::string answer(4096, ' ');
    answer.resize(static_cast<std::size_t>(std::max<ssize_t>(0, ::recv(fd.get(), answer.data(), 4096, 0))));
    ::_exit(answer.find("403 Forbidden") != answer.npos ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

TEST_F(ServerClientsTest, AHeadIsNotEndless) {
  const std::string answer =
      raw(path_, "GET /v1/status HTTP/1.1\r\nX: " + std::string(kMebi, 'x') + "\r\n\r\n");
  EXPECT_EQ(answer.find("200 OK"), answer.npos);
  EXPECT_TRUE(client_.request(Method::Get, "/v1/status")) << "and others are served";
}

}  // namespace
}  // namespace yonroku::api
