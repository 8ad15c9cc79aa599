#include "api/server.h"

#include <httplib.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <list>
#include <mutex>
#include <thread>

#include <nlohmann/json.hpp>

#include "api/connection.h"
#include "api/dashboard.h"
#include "api/json.h"
#include "api/routes.h"

namespace yonroku::api {
namespace {

// Of each door: who comes by one does not keep others out of the other.
constexpr std::size_t kMostConnections = 64;
constexpr int kUnauthorized = 401;
constexpr int kForbidden = 403;

// The client whose request runs on this thread.
thread_local Connection* current_connection = nullptr;

// The library's routing, parsing and answering, on sockets that we accept ourselves: it does not tell who the
// peer is, and keeps a thread of a small pool busy with each idle client.
class Http : public httplib::Server {
 private:
  // The library compresses what a client lets it, with Brotli at its slowest when it may choose.
  static void ask_for_little_work(httplib::Request& request) {
    const bool has_gzip = request.get_header_value("Accept-Encoding").find("gzip") != std::string::npos;
    request.headers.erase("Accept-Encoding");
    if (has_gzip) request.set_header("Accept-Encoding", "gzip");
  }

 public:
  // The library takes an invalid socket for the end of the server, and sends no answer in pieces then.
  Http() { svr_sock_ = 0; }
  void end() { svr_sock_ = INVALID_SOCKET; }

  void serve(Connection& connection) {
    current_connection = &connection;
    bool is_closed = false;
    while (!is_closed && !connection.is_over() && connection.wait_for_request())
      if (!process_request(connection, /*close_connection=*/false, is_closed, ask_for_little_work)) break;
    if (connection.is_over()) connection.part();
    current_connection = nullptr;
  }
};

// Whether a client on TCP may have the request answered; if not, why.
std::optional<Error> refusal(const TcpDoor& tcp, const httplib::Request& request, int& status) {
  status = kForbidden;
  if (request.get_header_value_count("Host") != 1 || !tcp.is_own_name(request.get_header_value("Host")))
    return Error{"Host", "this is not the host that was asked for", "ask http://127.0.0.1 or http://[::1]"};
  if (tcp.has_token(request.get_header_value("Authorization"))) {
    current_connection->trust();
    return std::nullopt;
  }
  if (is_open_to_all(request.method, request.path)) return std::nullopt;
  status = kUnauthorized;
  return Error{"Authorization", "the token is missing or wrong",
               "send \"Authorization: Bearer TOKEN\", with the token of control: token-file:"};
}

class ThreadedServer final : public Server, private Asker {
 public:
  ThreadedServer(std::unique_ptr<Backend> backend, ListeningSocket socket, std::optional<TcpDoor> tcp)
      : backend_(std::move(backend)),
        socket_(std::move(socket)),
        tcp_(std::move(tcp)),
        stop_event_(::eventfd(0, EFD_CLOEXEC)) {
    add_routes(http_, *backend_, *this);
    http_.set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
      return check_door(request, response);
    });
    http_.set_post_routing_handler([](const httplib::Request&, const httplib::Response& response) {
      if (response.get_header_value("Connection") == "close") current_connection->refuse();
    });
    acceptor_ = std::thread([this] { accept_all(); });
  }
  ~ThreadedServer() override { stop(); }

  void stop() override {
    if (!acceptor_.joinable()) return;
    is_ending_ = true;
    ::eventfd_write(stop_event_.get(), 1);
    http_.end();
    acceptor_.join();
    for (auto& client : clients_) client.join();
    clients_.clear();
    socket_.reset();
    tcp_.reset();
  }

 private:
  using Clients = std::list<std::thread>;
  using HandlerResponse = httplib::Server::HandlerResponse;

  bool may_change() const override { return current_connection->may_change(); }
  void expect_body(std::size_t largest) override { current_connection->expect_body(largest); }
  bool is_ending() const override { return is_ending_; }

  HandlerResponse check_door(const httplib::Request& request, httplib::Response& response) const {
    int status = kForbidden;
    std::optional<Error> error;
    if (is_from_another_site(request))
      error = Error{"Host", "a page of another site may have sent this",
                    "ask for localhost, an address, or a name without a dot"};
    else if (current_connection->door() == Connection::Door::Tcp)
      error = refusal(*tcp_, request, status);
    else if (request.method == "PRI")  // of HTTP/2; the library would keep its body
      error = Error{"", "there is no such method", "GET, POST, PUT and DELETE are known"};
    if (!error) return HandlerResponse::Unhandled;
    response.status = status;
    response.set_header("Connection", "close");  // its body is not read
    if (status == kUnauthorized) response.set_header("WWW-Authenticate", "Bearer realm=\"yonroku\"");
    response.set_content(dump(to_json(*error)) + "\n", "application/json");
    return HandlerResponse::Handled;
  }

  void accept_all() {
    pollfd watched[] = {
        {stop_event_.get(), POLLIN, 0}, {socket_->fd(), POLLIN, 0}, {tcp_ ? tcp_->fd() : -1, POLLIN, 0}};
    for (;;) {
      join_finished();
      if (::poll(watched, std::size(watched), -1) < 0 && errno != EINTR) return;
      if (watched[0].revents != 0) return;
      if (watched[1].revents != 0) accept(watched[1].fd, Connection::Door::Unix);
      if (watched[2].revents != 0) accept(watched[2].fd, Connection::Door::Tcp);
    }
  }

  void accept(int listening, Connection::Door door) {
    io::FileDescriptor fd(::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC));
    if (fd.is_open()) {
      serve(std::move(fd), door);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
      pollfd stop{stop_event_.get(), POLLIN, 0};
      ::poll(&stop, 1, 100);  // until something is freed
    }
  }

  void serve(io::FileDescriptor fd, Connection::Door door) {
    std::unique_lock lock(mutex_);
    std::size_t& connected = connected_[static_cast<std::size_t>(door)];
    // By the socket a moment's wait; by TCP none, since others must not wait for it.
    const auto wait = std::chrono::seconds(door == Connection::Door::Unix ? 1 : 0);
    if (!room_.wait_for(lock, wait, [&] { return connected < kMostConnections; }))
      return;  // the client sees a closed connection
    ++connected;
    const auto place = clients_.emplace(clients_.end());
    *place = std::thread([this, place, &connected,
                          connection = std::make_shared<Connection>(std::move(fd), stop_event_.get(), door)] {
      http_.serve(*connection);
      const std::scoped_lock done(mutex_);
      finished_.push_back(place);
      --connected;
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
  std::optional<TcpDoor> tcp_;
  io::FileDescriptor stop_event_;
  std::atomic<bool> is_ending_ = false;
  Http http_;
  std::mutex mutex_;
  std::condition_variable room_;
  std::array<std::size_t, 2> connected_{};  // by door
  Clients clients_;
  std::vector<Clients::iterator> finished_;
  std::thread acceptor_;
};

}  // namespace

std::unique_ptr<Server> Server::start(std::unique_ptr<Backend> backend, ListeningSocket socket,
                                      std::optional<TcpDoor> tcp) {
  return std::make_unique<ThreadedServer>(std::move(backend), std::move(socket), std::move(tcp));
}

}  // namespace yonroku::api
