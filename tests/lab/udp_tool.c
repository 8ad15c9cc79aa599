// UDP traffic for the lab: a fast generator, a counting sink, an echo server and a round-trip timer.
//
// Every datagram of `send` carries a sequence number, so `sink` can say exactly which ones were lost, doubled or late.
// Each command prints one JSON object on standard output when it ends (by itself or by SIGTERM / SIGINT).
//
//   udp_tool send     --to ADDRESS --port P [--seconds S] [--count N] [--rate PER_SECOND] [--size OCTETS] [--spread N]
//                     [--flows N]
//   udp_tool sink     --bind ADDRESS --port P [--seconds S] [--quiet MILLISECONDS] [--every MICROSECONDS]
//                     [--answer]
//   udp_tool echo     --bind ADDRESS --port P
//   udp_tool pingpong --to ADDRESS --port P [--count N] [--size OCTETS]
//
// `--spread N` sends each datagram to ADDRESS plus a random number below N (a power of two).
// `--flows N` sends from N ports in turn, a batch from each. Not with `--spread`.
// `--quiet` ends the sink that long after the last datagram. `--every` lets it sleep that long whenever its queue is empty,
// so that it is not woken for each datagram: what is measured is then the path and not the scheduler. With `--answer` it
// sends a datagram back to each port that it hears from, for the first of its datagrams, the second, the fourth and so
// on: whatever keeps an eye on who answers must not depend on a single datagram that a full queue may lose.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { kBatch = 64, kMostFlows = 1024, kLargest = 65507, kSinkBuffer = 2048 };

static volatile sig_atomic_t stopped = 0;
static void on_signal(int number) {
  (void)number;
  stopped = 1;
}

struct options {
  const char* address;
  uint16_t port;
  double seconds;
  uint64_t count;
  double rate;
  size_t size;
  uint32_t spread;
  uint32_t flows;
  int quiet;
  long every;
  bool answers;
};

union endpoint {
  struct sockaddr any;
  struct sockaddr_in ipv4;
  struct sockaddr_in6 ipv6;
};

static void die(const char* what) {
  perror(what);
  exit(1);
}

static uint64_t nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static socklen_t parse_endpoint(const struct options* options, union endpoint* endpoint) {
  memset(endpoint, 0, sizeof *endpoint);
  if (inet_pton(AF_INET, options->address, &endpoint->ipv4.sin_addr) == 1) {
    endpoint->ipv4.sin_family = AF_INET;
    endpoint->ipv4.sin_port = htons(options->port);
    return sizeof endpoint->ipv4;
  }
  if (inet_pton(AF_INET6, options->address, &endpoint->ipv6.sin6_addr) == 1) {
    endpoint->ipv6.sin6_family = AF_INET6;
    endpoint->ipv6.sin6_port = htons(options->port);
    return sizeof endpoint->ipv6;
  }
  fprintf(stderr, "udp_tool: %s is not an IP address\n", options->address);
  exit(2);
}

// Adds `offset` to the last 32 bits of the address.
static void move_endpoint(const union endpoint* base, uint32_t offset, union endpoint* moved) {
  *moved = *base;
  if (base->any.sa_family == AF_INET) {
    moved->ipv4.sin_addr.s_addr = htonl(ntohl(base->ipv4.sin_addr.s_addr) + offset);
  } else {
    uint32_t last;
    memcpy(&last, &base->ipv6.sin6_addr.s6_addr[12], sizeof last);
    last = htonl(ntohl(last) + offset);
    memcpy(&moved->ipv6.sin6_addr.s6_addr[12], &last, sizeof last);
  }
}

static int open_socket(const union endpoint* endpoint) {
  const int descriptor = socket(endpoint->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) die("socket");
  const int large = 256 << 20;
  if (setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &large, sizeof large) < 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &large, sizeof large);
  const int moderate = 4 << 20;
  setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &moderate, sizeof moderate);
  return descriptor;
}

static int bound_socket(const struct options* options) {
  union endpoint local;
  const socklen_t length = parse_endpoint(options, &local);
  const int descriptor = open_socket(&local);
  const int on = 1;
  if (local.any.sa_family == AF_INET6) setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (bind(descriptor, &local.any, length) < 0) die("bind");
  fprintf(stderr, "listening\n");
  return descriptor;
}

static int connected_socket(const struct options* options) {
  union endpoint remote;
  const socklen_t length = parse_endpoint(options, &remote);
  const int descriptor = open_socket(&remote);
  if (connect(descriptor, &remote.any, length) < 0) die("connect");
  return descriptor;
}

static uint32_t random_state = 2463534242u;
static uint32_t next_random(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 17;
  random_state ^= random_state << 5;
  return random_state;
}

// Sleeps until the next datagrams are due; returns how many are, at most a batch.
static uint64_t wait_until_due(const struct options* options, uint64_t start, uint64_t sent) {
  if (options->rate <= 0) return kBatch;
  while (!stopped) {
    const double elapsed = (double)(nanoseconds() - start) / 1e9;
    const uint64_t due = (uint64_t)(elapsed * options->rate) + 1;
    if (due > sent) return due - sent < kBatch ? due - sent : kBatch;
    const double wait = (double)(sent + 1) / options->rate - elapsed;
    // A batch's worth of waiting costs few wake-ups, and keeps bursts below a millisecond's traffic.
    const struct timespec pause = {0, (long)((wait > 0.001 ? wait : 0.001) * 1e9) % 1000000000};
    nanosleep(&pause, NULL);
  }
  return 0;
}

static int run_send(const struct options* options) {
  union endpoint base;
  const socklen_t length = parse_endpoint(options, &base);
  const bool many = options->spread > 1;
  static int descriptors[kMostFlows];
  for (uint32_t i = 0; i < options->flows; ++i)
    descriptors[i] = many ? open_socket(&base) : connected_socket(options);

  static union endpoint destinations[kBatch];
  static uint8_t payloads[kBatch][kSinkBuffer];
  struct mmsghdr messages[kBatch];
  struct iovec vectors[kBatch];
  memset(messages, 0, sizeof messages);
  const size_t size = options->size < 8 ? 8 : options->size > kSinkBuffer ? kSinkBuffer : options->size;
  for (int i = 0; i < kBatch; ++i) {
    vectors[i] = (struct iovec){payloads[i], size};
    messages[i].msg_hdr.msg_iov = &vectors[i];
    messages[i].msg_hdr.msg_iovlen = 1;
    if (many) {
      messages[i].msg_hdr.msg_name = &destinations[i];
      messages[i].msg_hdr.msg_namelen = length;
    }
  }

  uint64_t sent = 0;
  uint64_t refused = 0;
  uint32_t flow = 0;
  const uint64_t start = nanoseconds();
  const uint64_t end = options->seconds > 0 ? start + (uint64_t)(options->seconds * 1e9) : UINT64_MAX;
  while (!stopped && sent < options->count && nanoseconds() < end) {
    uint64_t batch = wait_until_due(options, start, sent);
    if (batch > options->count - sent) batch = options->count - sent;
    for (uint64_t i = 0; i < batch; ++i) {
      const uint64_t sequence = sent + i;
      memcpy(payloads[i], &sequence, sizeof sequence);
      if (many) move_endpoint(&base, next_random() & (options->spread - 1), &destinations[i]);
    }
    if (batch == 0) break;
    const int accepted = sendmmsg(descriptors[flow], messages, (unsigned)batch, 0);
    if (accepted > 0) {
      sent += (uint64_t)accepted;
      flow = flow + 1 < options->flows ? flow + 1 : 0;
    } else if (errno == EINTR) {
      continue;
    } else {
      ++refused;  // An ICMP error that came back, or a full queue: the datagram is sent again.
      if (errno != ECONNREFUSED && errno != ENOBUFS && errno != EMSGSIZE && errno != EHOSTUNREACH &&
          errno != ENETUNREACH)
        die("sendmmsg");
    }
  }
  const double elapsed = (double)(nanoseconds() - start) / 1e9;
  printf("{\"sent\": %llu, \"refused\": %llu, \"seconds\": %.6f, \"rate\": %.0f}\n", (unsigned long long)sent,
         (unsigned long long)refused, elapsed, (double)sent / elapsed);
  return 0;
}

static int run_sink(const struct options* options) {
  const int descriptor = bound_socket(options);
  static uint8_t payloads[kBatch][kSinkBuffer];
  struct mmsghdr messages[kBatch];
  struct iovec vectors[kBatch];
  static union endpoint peers[kBatch];
  static uint32_t heard[UINT16_MAX + 1];  // datagrams, by port
  memset(messages, 0, sizeof messages);
  for (int i = 0; i < kBatch; ++i) {
    vectors[i] = (struct iovec){payloads[i], kSinkBuffer};
    messages[i].msg_hdr.msg_iov = &vectors[i];
    messages[i].msg_hdr.msg_iovlen = 1;
    if (options->answers) messages[i].msg_hdr.msg_name = &peers[i];
  }
  const uint64_t capacity = UINT64_C(1) << 28;
  uint8_t* seen = calloc(capacity / 8, 1);
  if (seen == NULL) die("calloc");

  uint64_t received = 0, unique = 0, duplicates = 0, late = 0, first = 0, last = 0, longest_gap = 0, previous = 0;
  uint64_t largest_sequence = 0;
  const uint64_t start = nanoseconds();
  while (!stopped) {
    struct pollfd ready = {descriptor, POLLIN, 0};
    for (int i = 0; options->answers && i < kBatch; ++i) messages[i].msg_hdr.msg_namelen = sizeof peers[i];
    const int count = recvmmsg(descriptor, messages, kBatch, MSG_DONTWAIT, NULL);
    const uint64_t now = nanoseconds();
    if (count <= 0) {
      if (count < 0 && errno != EAGAIN && errno != EINTR) die("recvmmsg");
      if (options->seconds > 0 && (double)(now - start) / 1e9 > options->seconds) break;
      if (options->quiet > 0 && received > 0 && now - last > (uint64_t)options->quiet * 1000000u) break;
      if (options->every > 0) {
        const struct timespec pause = {0, options->every * 1000};
        nanosleep(&pause, NULL);
      } else {
        poll(&ready, 1, 20);
      }
      continue;
    }
    if (received == 0) first = now;
    if (received > 0 && now - previous > longest_gap) longest_gap = now - previous;
    previous = last = now;
    for (int i = 0; i < count; ++i) {
      ++received;
      const in_port_t port = options->answers ? peers[i].ipv4.sin_port : 0;  // IPv6's is in the same place
      const uint32_t times = ++heard[port];
      if (options->answers && (times & (times - 1)) == 0)
        sendto(descriptor, payloads[i], messages[i].msg_len, 0, &peers[i].any, messages[i].msg_hdr.msg_namelen);
      uint64_t sequence = 0;
      if (messages[i].msg_len < sizeof sequence) continue;
      memcpy(&sequence, payloads[i], sizeof sequence);
      if (sequence >= capacity) continue;
      const uint8_t bit = (uint8_t)(1u << (sequence % 8));
      if (seen[sequence / 8] & bit) {
        ++duplicates;
        continue;
      }
      seen[sequence / 8] |= bit;
      ++unique;
      if (sequence < largest_sequence)
        ++late;
      else
        largest_sequence = sequence;
    }
    if (options->seconds > 0 && (double)(now - start) / 1e9 > options->seconds) break;
  }
  const double elapsed = received > 1 ? (double)(last - first) / 1e9 : 0;
  printf("{\"received\": %llu, \"unique\": %llu, \"duplicates\": %llu, \"late\": %llu, \"largest\": %llu, "
         "\"seconds\": %.6f, \"rate\": %.0f, \"longest_gap_ms\": %.3f}\n",
         (unsigned long long)received, (unsigned long long)unique, (unsigned long long)duplicates,
         (unsigned long long)late, (unsigned long long)largest_sequence, elapsed,
         elapsed > 0 ? (double)received / elapsed : 0, (double)longest_gap / 1e6);
  return 0;
}

static int run_echo(const struct options* options) {
  const int descriptor = bound_socket(options);
  // IPv4 answers go with DF clear, so that an answer larger than the path comes back at once, as fragments.
  const int df_clear = IP_PMTUDISC_DONT;
  setsockopt(descriptor, IPPROTO_IP, IP_MTU_DISCOVER, &df_clear, sizeof df_clear);
  static uint8_t payload[kLargest];
  uint64_t answered = 0;
  while (!stopped) {
    union endpoint peer;
    socklen_t length = sizeof peer;
    const ssize_t size = recvfrom(descriptor, payload, sizeof payload, 0, &peer.any, &length);
    if (size < 0) {
      if (errno == EINTR) continue;
      die("recvfrom");
    }
    if (sendto(descriptor, payload, (size_t)size, 0, &peer.any, length) == size) ++answered;
  }
  printf("{\"answered\": %llu}\n", (unsigned long long)answered);
  return 0;
}

static int compare(const void* left, const void* right) {
  const uint64_t a = *(const uint64_t*)left, b = *(const uint64_t*)right;
  return a < b ? -1 : a > b;
}

static int run_pingpong(const struct options* options) {
  const int descriptor = connected_socket(options);
  const struct timeval patience = {1, 0};
  setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  const uint64_t count = options->count == UINT64_MAX ? 20000 : options->count;
  const uint64_t warm_up = count / 20;
  uint64_t* samples = calloc(count, sizeof *samples);
  static uint8_t payload[kSinkBuffer];
  if (samples == NULL) die("calloc");
  uint64_t measured = 0, lost = 0;
  for (uint64_t i = 0; i < count + warm_up && !stopped; ++i) {
    const uint64_t start = nanoseconds();
    memcpy(payload, &i, sizeof i);
    uint64_t answer = UINT64_MAX;
    if (send(descriptor, payload, options->size, 0) < 0 && errno != ECONNREFUSED) die("send");
    while (answer != i) {
      static uint8_t reply[kSinkBuffer];
      if (recv(descriptor, reply, sizeof reply, 0) < (ssize_t)sizeof answer) break;
      memcpy(&answer, reply, sizeof answer);
    }
    if (answer != i)
      ++lost;
    else if (i >= warm_up)
      samples[measured++] = nanoseconds() - start;
    if (lost > 20) break;
  }
  if (measured == 0) {
    fprintf(stderr, "udp_tool: no answer from %s\n", options->address);
    return 1;
  }
  qsort(samples, measured, sizeof *samples, compare);
  printf("{\"measured\": %llu, \"lost\": %llu, \"p10_us\": %.3f, \"p50_us\": %.3f, \"p90_us\": %.3f, \"p99_us\": %.3f, \"p100_us\": %.3f}\n",
         (unsigned long long)measured, (unsigned long long)lost, (double)samples[measured / 10] / 1e3,
         (double)samples[measured / 2] / 1e3, (double)samples[measured * 9 / 10] / 1e3,
         (double)samples[measured * 99 / 100] / 1e3, (double)samples[measured - 1] / 1e3);
  return 0;
}

int main(int argc, char** argv) {
  struct options options = {.address = "0.0.0.0", .count = UINT64_MAX, .size = 22, .spread = 1, .flows = 1};
  static const struct option known[] = {
      {"to", required_argument, NULL, 'a'},      {"bind", required_argument, NULL, 'a'},
      {"port", required_argument, NULL, 'p'},    {"seconds", required_argument, NULL, 's'},
      {"count", required_argument, NULL, 'n'},   {"rate", required_argument, NULL, 'r'},
      {"size", required_argument, NULL, 'b'},    {"spread", required_argument, NULL, 'd'},
      {"flows", required_argument, NULL, 'f'},   {"quiet", required_argument, NULL, 'q'},
      {"every", required_argument, NULL, 'e'},   {"answer", no_argument, NULL, 'w'},
      {NULL, 0, NULL, 0}};
  for (int letter; (letter = getopt_long(argc, argv, "", known, NULL)) != -1;) {
    switch (letter) {
      case 'a': options.address = optarg; break;
      case 'p': options.port = (uint16_t)atoi(optarg); break;
      case 's': options.seconds = atof(optarg); break;
      case 'n': options.count = strtoull(optarg, NULL, 10); break;
      case 'r': options.rate = atof(optarg); break;
      case 'b': options.size = (size_t)atol(optarg); break;
      case 'd': options.spread = (uint32_t)strtoul(optarg, NULL, 10); break;
      case 'f': options.flows = (uint32_t)strtoul(optarg, NULL, 10); break;
      case 'q': options.quiet = atoi(optarg); break;
      case 'e': options.every = atol(optarg); break;
      case 'w': options.answers = true; break;
      default: return 2;
    }
  }
  if (options.spread == 0 || (options.spread & (options.spread - 1)) != 0) {
    fprintf(stderr, "udp_tool: --spread takes a power of two\n");
    return 2;
  }
  if (options.flows == 0 || options.flows > kMostFlows || (options.flows > 1 && options.spread > 1)) {
    fprintf(stderr, "udp_tool: --flows takes 1 to %d, and not together with --spread\n", kMostFlows);
    return 2;
  }
  const struct sigaction action = {.sa_handler = on_signal};
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGINT, &action, NULL);
  const char* command = optind < argc ? argv[optind] : "";
  if (strcmp(command, "send") == 0) return run_send(&options);
  if (strcmp(command, "sink") == 0) return run_sink(&options);
  if (strcmp(command, "echo") == 0) return run_echo(&options);
  if (strcmp(command, "pingpong") == 0) return run_pingpong(&options);
  fprintf(stderr, "usage: udp_tool send|sink|echo|pingpong [--options], see the head of udp_tool.c\n");
  return 2;
}
