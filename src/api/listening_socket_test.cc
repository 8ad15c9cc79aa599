#include "api/listening_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <fstream>

#include "api/server_test_base.h"

namespace yonroku::api {
namespace {

TEST(ListeningSocket, ModeAndDirectory) {
  const std::string directory = testing::TempDir() + "yonroku-api-dir-" + std::to_string(::getpid());
  const std::string path = directory + "/control.sock";
  const mode_t umask_before = ::umask(077);
  {
    auto socket = ListeningSocket::open(path);
    ASSERT_TRUE(socket) << socket.error().to_string();
    struct stat status{};
    ASSERT_EQ(::stat(directory.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777u, 0750u);
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777u, 0660u);
  }
  ::umask(umask_before);
  EXPECT_NE(::access(path.c_str(), F_OK), 0);
  ::rmdir(directory.c_str());
}

TEST(ListeningSocket, ReplacesTheSocketOfTheDeadOnly) {
  const std::string path = testing::TempDir() + "yonroku-stale-" + std::to_string(::getpid()) + ".sock";
  {  // Bound, never listening: what kill -9 leaves.
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, path.size());
    const io::FileDescriptor fd(::socket(AF_UNIX, SOCK_STREAM, 0));
    ASSERT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  auto socket = ListeningSocket::open(path);
  ASSERT_TRUE(socket) << socket.error().to_string();
  const auto server = Server::start(std::make_unique<FakeBackend>(), std::move(*socket));
  const auto second = ListeningSocket::open(path);
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().to_string(), HasSubstr("another yonroku serves this socket (process " +
                                                    std::to_string(::getpid()) + ", instances: dc, plat)"));
  EXPECT_TRUE(Client(path).request(Method::Get, "/v1/status")) << "the first is not disturbed";
}

TEST(ListeningSocket, RefusesWhatItCannotUse) {
  const std::string file = testing::TempDir() + "yonroku-file-" + std::to_string(::getpid());
  std::ofstream(file) << "precious\n";
  const auto in_the_way = ListeningSocket::open(file);
  ASSERT_FALSE(in_the_way);
  EXPECT_THAT(in_the_way.error().to_string(), HasSubstr("is no socket, and is in the way"));
  EXPECT_EQ(::access(file.c_str(), F_OK), 0);
  ::unlink(file.c_str());
  EXPECT_FALSE(ListeningSocket::open(std::string(200, 'x')));
  EXPECT_FALSE(ListeningSocket::open("/nonexistent/deep/control.sock"));
}

}  // namespace
}  // namespace yonroku::api
