"""What those cost a NAT64 who watch it: the log of every session, from the start or begun later, and scrapes of the metrics
while there are many."""

import contextlib
import threading
import time

import probes
from measuring import Row, flood, interleave, progress
from namespaces import LabError, wait_for
from scenarios import Nat64, behind_pref64

# Sessions to 16 million hosts: nearly every datagram opens one.
HOSTS, HOSTS_PREFIX = "10.0.0.0", "10.0.0.0/8"
SPREAD = 1 << 24
CONFIG = """\
instances:
  - name: nat
    mechanism: nat64
    pref64: 2001:db8:64::/96
    pools:
      - {{addresses: 192.0.2.0/28, ports: 1024-65535}}
    max-sessions: {sessions}
    udp-timeout: {timeout}
"""
# With destinations: without, all sessions of a host's port look alike, and are one row in the store.
LOG = """\
nat-log:
  events: sessions
  destinations: true
  path: {folder}
"""
MANY_SESSIONS = 10_000_000
FEWER_SESSIONS = 2_000_000
SCRAPES = "--unix-socket {socket} --silent --output /dev/null http://localhost/metrics"


def many_servers(lab):
    """The server is a whole network's addresses."""
    lab.route("internet", HOSTS_PREFIX, lab.SERVER_IPV4)
    lab.ip("server", f"route add local {HOSTS_PREFIX} dev lo")


def open_sessions(lab, seconds):
    """New sessions as fast as they come: (thousands per second, µs of the worker's time for each)."""
    def so_far():
        counters = lab.translator.counters("nat")[0]
        return counters["nat"]["udp"]["created-sessions"], sum(worker["cpu-seconds"] for worker in counters["workers"])

    sessions, time_before = so_far()
    flood(lab, "client", "server", "0.0.0.0", behind_pref64(HOSTS), seconds, SPREAD)
    opened, time_after = (after - before for after, before in zip(so_far(), (sessions, time_before), strict=True))
    return opened / seconds / 1e3, time_after * 1e6 / opened


def bench_log(arguments):
    """New sessions with a log of each of them on this host's disk, and without."""
    with contextlib.ExitStack() as stack:
        runs = []
        before = None
        for path, log in (("no log", ""), ("every session in the store", LOG)):
            lab = stack.enter_context(Nat64())
            lab.start(CONFIG.format(sessions=4_000_000, timeout=5) + log.format(folder=lab.folder / "log"))
            many_servers(lab)
            rows = [Row("new NAT64 sessions", path, "thousand/s", before and before[0]),
                    Row("new NAT64 sessions, the worker's time for each", path, "µs", before and before[1],
                        at_most=1.1 if before else None)]
            runs.append((rows, lambda lab=lab: open_sessions(lab, arguments.seconds)))
            before = before or rows
        rows = interleave("log", runs, arguments.rounds, [])
        for receiver in lab.translator.show("status")["nat-log"]["receivers"]:
            progress(f"log: {receiver}")
        return rows


def open_many(lab, sessions, what):
    many_servers(lab)
    while (left := sessions - lab.translator.counters("nat")[0]["nat"]["udp"]["created-sessions"]) > 0:
        progress(f"{what}: {left:,} sessions to go")
        flood(lab, "client", "server", "0.0.0.0", behind_pref64(HOSTS), min(5, 1 + left / 300_000), SPREAD)


def bench_begin(arguments):
    """A reload begins a log: how long until it has told of all sessions that were there, none of them lost."""
    row = Row("a log begins: telling sessions that are there", "every session in the store", "thousand/s")
    return interleave("begin", [([row], begin_log)], arguments.rounds, [])


def begin_log():
    with Nat64() as lab:
        config = CONFIG.format(sessions=FEWER_SESSIONS * 5 // 4, timeout=3600)
        lab.start(config)
        open_many(lab, FEWER_SESSIONS, "begin")
        lab.translator.write_config(config + LOG.format(folder=lab.folder / "log"))
        start = time.monotonic()
        lab.translator.reload()
        receiver = wait_for(lambda: (one := told(lab))["written"] >= FEWER_SESSIONS and not one["waiting"] and one,
                            seconds=300, step=0.1, what="all is told")
        if receiver["lost"]:
            raise LabError(f"{receiver['lost']} entries were lost")
        return [receiver["written"] / (time.monotonic() - start) / 1e3]


def told(lab):
    return lab.translator.show("status")["nat-log"]["receivers"][0]


def scrape(lab, until, took):
    """Scrapes, one after another, until told to end; notes how long each took."""
    argv = ["curl", *SCRAPES.format(socket=lab.translator.socket_path).split()]
    while not until.is_set():
        start = time.monotonic()
        lab.run(lab.translator.node, argv)
        took.append(time.monotonic() - start)


def bench_scrape(arguments):
    """Round trips through a NAT64 with ten million sessions, while its metrics are scraped all the time, and not."""
    with Nat64() as lab:
        lab.start(CONFIG.format(sessions=MANY_SESSIONS * 5 // 4, timeout=3600))
        open_many(lab, MANY_SESSIONS, "scrape")
        probes.serve_echo(lab, "server", "0.0.0.0")

        def round_trips():
            argv = [probes.udp_tool(), "pingpong", "--to", lab.SERVER, "--port", probes.ECHO_PORT, "--count", 100_000]
            result = lab.spawn("client", argv, "pingpong").result(60)
            if result["lost"]:
                raise LabError(f"{result['lost']} round trips were lost")
            return result["p50_us"], result["p99_us"], result["p100_us"]

        took = []

        def while_scraped():
            until = threading.Event()
            scraper = threading.Thread(target=scrape, args=(lab, until, took))
            scraper.start()
            try:
                return round_trips()
            finally:
                until.set()
                scraper.join()

        def rows(path, references):
            return [Row(f"round trip, 10 million sessions, {which}", path, "µs", reference)
                    for which, reference in zip(("p50", "p99", "longest"), references, strict=True)]

        plain = rows("nobody scrapes", (None, None, None))
        scraped = rows("scraped all the time", plain)
        out = interleave("scrape", [(plain, round_trips), (scraped, while_scraped)], arguments.rounds, [])
        progress(f"scrape: {len(took)} scrapes, longest {max(took) * 1e3:.1f} ms")
        return out
