#include "api/server.h"

#include <httplib.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <cerrno>
#include <condition_variable>
#include <list>
#include <mutex>
#include <thread>

#include "api/connection.h"
#include "api/routes.h"

namespace yonroku::api {
namespace {

constexpr std::size_t kMostConnections = 64;

// The client whose request runs on this thread.
thread_local const Connection* current_connection = nullptr;

bool current_may_change() { return current_connection != nullptr && current_connection->may_change(); }

// The library's routing, parsing and answering, on sockets that we accept ourselves: it does not tell who the
// peer is, and keeps a thread of a small pool busy with each idle client.
class Http : public httplib::Server {
 public:
  // The library takes an invalid socket for the end of the server, and sends no answer in pieces then.
  Http() { svr_sock_ = 0; }
  void end() { svr_sock_ = INVALID_SOCKET; }

  void serve(Connection& connection) {
    current_connection = &connection;
    bool is_closed = false;
    while (!is_closed && connection.wait_for_request())
      if (!process_request(connection, /*close_connection=*/false, is_closed, nullptr)) break;
    current_connection = nullptr;
  }
};

class ThreadedServer final : public Server {
 public:
  ThreadedServer(std::unique_ptr<Backend> backend, ListeningSocket socket)
      : backend_(std::move(backend)), socket_(std::move(socket)), stop_event_(::eventfd(0, EFD_CLOEXEC)) {
    add_routes(http_, *backend_, current_may_change);
    acceptor_ = std::thread([this] { accept_all(); });
  }
  ~ThreadedServer() override { stop(); }

  void stop() override {
    if (!acceptor_.joinable()) return;
    ::eventfd_write(stop_event_.get(), 1);
    http_.end();
    acceptor_.join();
    for (auto& client : clients_) client.join();
    clients_.clear();
    socket_.reset();
  }

 private:
  using Clients = std::list<std::thread>;

  void accept_all() {
    pollfd watched[] = {{socket_->fd(), POLLIN, 0}, {stop_event_.get(), POLLIN, 0}};
    for (;;) {
      join_finished();
      if (::poll(watched, 2, -1) < 0 && errno != EINTR) return;
      if (watched[1].revents != 0) return;
      if (watched[0].revents == 0) continue;
      io::FileDescriptor fd(::accept4(socket_->fd(), nullptr, nullptr, SOCK_CLOEXEC));
      if (fd.is_open()) {
        serve(std::move(fd));
      } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
        ::poll(watched + 1, 1, 100);  // until something is freed
      }
    }
  }

  void serve(io::FileDescriptor fd) {
    std::unique_lock lock(mutex_);
    const bool has_room = room_.wait_for(
        lock, std::chrono::seconds(1), [&] { return clients_.size() - finished_.size() < kMostConnections; });
    if (!has_room) return;  // the client sees a closed connection
    const auto place = clients_.emplace(clients_.end());
    *place = std::thread(
        [this, place, connection = std::make_shared<Connection>(std::move(fd), stop_event_.get())] {
          http_.serve(*connection);
          const std::scoped_lock done(mutex_);
          finished_.push_back(place);
          room_.notify_one();
        });
  }

  void join_finished() {
    std::vector<Clients::iterator> finished;
    {
      const std::scoped_lock lock(mutex_);
      finished.swap(finished_);
    }
    for (const auto& client : finished) {
      client->join();
      const std::scoped_lock lock(mutex_);
      clients_.erase(client);
    }
  }

  std::unique_ptr<Backend> backend_;
  std::optional<ListeningSocket> socket_;
  io::FileDescriptor stop_event_;
  Http http_;
  std::mutex mutex_;
  std::condition_variable room_;
  Clients clients_;
  std::vector<Clients::iterator> finished_;
  std::thread acceptor_;
};

}  // namespace

std::unique_ptr<Server> Server::start(std::unique_ptr<Backend> backend, ListeningSocket socket) {
  return std::make_unique<ThreadedServer>(std::move(backend), std::move(socket));
}

}  // namespace yonroku::api
