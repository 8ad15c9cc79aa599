// Short TCP connections for the lab: each is set up, carries one request and one answer, and is closed by the server.
//
//   tcp_tool serve --bind ADDRESS --port P [--ports N]
//   tcp_tool call  --to ADDRESS --port P [--ports N] [--parallel N] [--seconds S]
//
// `--ports N` uses the ports P to P + N - 1 in turn, since an address and a port have only so many connections to one port
// within the time that a closed one is remembered. `call` prints one JSON object when its time is up.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { kEvents = 256, kBacklog = 4096 };
static const char kRequest[64] = "what a client asks for";
static const char kAnswer[256] = "what the server has to say";

static void die(const char* what) {
  perror(what);
  exit(1);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static socklen_t endpoint(const char* address, uint16_t port, struct sockaddr_storage* out) {
  memset(out, 0, sizeof *out);
  struct sockaddr_in* ipv4 = (struct sockaddr_in*)out;
  struct sockaddr_in6* ipv6 = (struct sockaddr_in6*)out;
  if (inet_pton(AF_INET, address, &ipv4->sin_addr) == 1) {
    ipv4->sin_family = AF_INET;
    ipv4->sin_port = htons(port);
    return sizeof *ipv4;
  }
  if (inet_pton(AF_INET6, address, &ipv6->sin6_addr) != 1) {
    fprintf(stderr, "%s is no address\n", address);
    exit(2);
  }
  ipv6->sin6_family = AF_INET6;
  ipv6->sin6_port = htons(port);
  return sizeof *ipv6;
}

static void watch(int epoll, int fd, uint32_t events, uint64_t tag) {
  struct epoll_event event = {.events = events, .data.u64 = tag};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) die("epoll_ctl");
}

_Noreturn static void serve(const char* address, uint16_t port, int ports) {
  const int epoll = epoll_create1(0);
  const uint64_t listening = UINT64_C(1) << 32;
  for (int i = 0; i < ports; ++i) {
    struct sockaddr_storage where;
    const socklen_t size = endpoint(address, (uint16_t)(port + i), &where);
    const int fd = socket(where.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
    const int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr*)&where, size) != 0) die("bind");
    if (listen(fd, kBacklog) != 0) die("listen");
    watch(epoll, fd, EPOLLIN, listening | (uint64_t)fd);
  }
  fputs("listening\n", stderr);
  for (;;) {
    struct epoll_event events[kEvents];
    const int count = epoll_wait(epoll, events, kEvents, -1);
    for (int i = 0; i < count; ++i) {
      const int fd = (int)(uint32_t)events[i].data.u64;
      if ((events[i].data.u64 & listening) != 0) {
        int accepted;
        while ((accepted = accept4(fd, NULL, NULL, SOCK_NONBLOCK)) >= 0) watch(epoll, accepted, EPOLLIN, (uint64_t)accepted);
        continue;
      }
      char request[sizeof kRequest];
      const ssize_t size = recv(fd, request, sizeof request, 0);
      if (size < 0 && errno == EAGAIN) continue;
      if (size == (ssize_t)sizeof request) (void)!send(fd, kAnswer, sizeof kAnswer, MSG_NOSIGNAL);
      close(fd);
    }
  }
}

struct call {
  int fd;
  size_t received;
  bool asked;
};

static void begin(int epoll, struct call* call, uint64_t index, const char* address, uint16_t port) {
  struct sockaddr_storage where;
  const socklen_t size = endpoint(address, port, &where);
  call->fd = socket(where.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (call->fd < 0) die("socket");
  call->received = 0;
  call->asked = false;
  if (connect(call->fd, (struct sockaddr*)&where, size) != 0 && errno != EINPROGRESS) die("connect");
  watch(epoll, call->fd, EPOLLIN | EPOLLOUT | EPOLLET, index);
}

// True when the connection is over: `good` says how.
static bool advance(struct call* call, uint32_t events, bool* good) {
  *good = false;
  if ((events & EPOLLERR) != 0) return true;
  if (!call->asked && (events & EPOLLOUT) != 0) {
    if (send(call->fd, kRequest, sizeof kRequest, MSG_NOSIGNAL) != (ssize_t)sizeof kRequest) return true;
    call->asked = true;
  }
  for (;;) {
    char answer[sizeof kAnswer];
    const ssize_t size = recv(call->fd, answer, sizeof answer, 0);
    if (size < 0) return errno != EAGAIN;
    if (size == 0) {
      *good = call->received == sizeof kAnswer;
      return true;
    }
    call->received += (size_t)size;
  }
}

static int call(const char* address, uint16_t port, int ports, int parallel, double seconds) {
  const int epoll = epoll_create1(0);
  struct call* calls = calloc((size_t)parallel, sizeof *calls);
  uint64_t begun = 0, done = 0, failed = 0;
  for (int i = 0; i < parallel; ++i)
    begin(epoll, &calls[i], (uint64_t)i, address, (uint16_t)(port + (int)(begun++ % (uint64_t)ports)));
  const double start = now();
  while (now() < start + seconds) {
    struct epoll_event events[kEvents];
    const int count = epoll_wait(epoll, events, kEvents, 100);
    for (int i = 0; i < count; ++i) {
      struct call* one = &calls[events[i].data.u64];
      bool good;
      if (!advance(one, events[i].events, &good)) continue;
      done += good;
      failed += !good;
      close(one->fd);
      begin(epoll, one, events[i].data.u64, address, (uint16_t)(port + (int)(begun++ % (uint64_t)ports)));
    }
  }
  const double took = now() - start;
  printf("{\"connections\": %llu, \"failed\": %llu, \"rate\": %.1f}\n", (unsigned long long)done, (unsigned long long)failed,
         (double)done / took);
  return 0;
}

int main(int argc, char** argv) {
  static const struct option known[] = {{"bind", 1, NULL, 'a'},  {"to", 1, NULL, 'a'},       {"port", 1, NULL, 'p'},
                                        {"ports", 1, NULL, 'n'}, {"parallel", 1, NULL, 'c'}, {"seconds", 1, NULL, 's'},
                                        {NULL, 0, NULL, 0}};
  const char* address = NULL;
  int port = 0, ports = 1, parallel = 64, option;
  double seconds = 3;
  while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
    if (option == 'a') address = optarg;
    else if (option == 'p') port = atoi(optarg);
    else if (option == 'n') ports = atoi(optarg);
    else if (option == 'c') parallel = atoi(optarg);
    else if (option == 's') seconds = atof(optarg);
    else return 2;
  }
  const struct rlimit files = {20000, 20000};
  setrlimit(RLIMIT_NOFILE, &files);
  if (address == NULL || optind >= argc) return 2;
  if (strcmp(argv[optind], "serve") == 0) serve(address, (uint16_t)port, ports);
  return call(address, (uint16_t)port, ports, parallel, seconds);
}
