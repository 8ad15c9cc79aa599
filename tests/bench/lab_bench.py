#!/usr/bin/python3
"""Measures the translator in the lab beside plain forwarding by the kernel, over the same veth links.

lab_bench.py [--rounds N] [--seconds S] [--only tcp,udp,rtt,table,softwires,tunnel,nat64,log,begin,scrape] [--peer] [--realtime] [--json FILE]
lab_bench.py --only offload [--scenarios siit,nat64,…] [--offload off,tc,xdp] [--measures tcp,udp,rtt,table,feed] [--flows N]

Rounds are interleaved (plain IPv4, plain IPv6, translator, plain IPv4, …), so that whatever else the machine does hits
all alike. A ratio is taken within each round; reported are the median of these ratios and their spread.
Everything (traffic source, forwarding, translator, sink) shares the machine's cores: figures are meaningful as ratios.
On a machine that others use too, --realtime runs all of it as SCHED_RR (except the round trips), ahead of their work.
"""

import argparse
import contextlib
import json
import os
import pathlib
import platform
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lab"))

import namespaces  # noqa: E402  (the lab is a folder beside this one)
import offload_bench  # noqa: E402
import probes  # noqa: E402
from log_bench import bench_begin, bench_log, bench_scrape  # noqa: E402
from measuring import HEADER, Row, pin, progress, round_trip, same_schedule, saturate, schedule, write_mappings  # noqa: E402
from namespaces import LabError  # noqa: E402
from scenarios import KernelCustomer, Nat64, SiitDc, Softwire, behind_pref64  # noqa: E402
from translators import Tayga, Yonroku  # noqa: E402

MAPPED_PREFIX = "100.64.0.0/12"
MAPPED_FIRST, MAPPED_COUNT = "100.64.0.0", 1 << 20
SERVER_PREFIX = "2001:db8:aaaa::/48"
ONE_MAPPING = f"""\
instances:
  - name: dc
    mechanism: siit
    pref64: 2001:db8:64::/96
    mappings:
      - {{ipv4: {MAPPED_PREFIX}, ipv6: "2001:db8:aaaa::/108"}}
"""
MILLION_MAPPINGS = f"""\
instances:
  - name: dc
    mechanism: siit
    pref64: 2001:db8:64::/96
    mappings-files: [million.csv]
    ipv4-routes: [{MAPPED_PREFIX}]
"""


def contestants(arguments):
    return ["yonroku", *(["tayga"] if arguments.peer else [])] if not arguments.stand_in else ["tayga"]


@contextlib.contextmanager
def labs_of(arguments):
    """One lab per translator, all up at once and idle except for the one that is measured."""
    with contextlib.ExitStack() as stack:
        labs = {name: stack.enter_context(SiitDc(plain=True)).start(translator=name) for name in contestants(arguments)}
        for lab in labs.values():
            same_schedule(lab.translator)
        yield labs


# TCP


def bench_tcp(arguments):
    """Bulk TCP, one stream; the direction is that of the data."""
    with labs_of(arguments) as labs:
        for lab in labs.values():
            probes.serve_iperf(lab, "server")
        first = next(iter(labs.values()))
        runs = []
        for reverse in (False, True):
            way = "to the client" if reverse else "to the server"
            crossing = "to-ipv4" if reverse else "to-ipv6"
            ipv6 = Row(f"TCP {way}", "plain IPv6", "Gb/s")
            ipv4 = Row(f"TCP {way}", "plain IPv4", "Gb/s", ipv6)
            runs += [(ipv4, first, SiitDc.PLAIN_SERVER_IPV4, reverse), (ipv6, first, SiitDc.SERVER, reverse)]
            runs += [(Row(f"TCP {way}", f"{name} {crossing}", "Gb/s", ipv6), lab, SiitDc.SERVER_AS_IPV4, reverse)
                     for name, lab in labs.items()]
        for number in range(arguments.rounds):
            for row, lab, address, reverse in runs:
                row.samples.append(probes.iperf(lab, "client", address, arguments.seconds, reverse)["gbps"])
            progress(f"TCP round {number + 1}: " + ", ".join(f"{row.path} {row.samples[-1]:.2f}" for row, *_ in runs))
        return [row for row, *_ in runs]


# Small UDP


def bench_udp(arguments):
    """64-octet frames (22 octets of payload), one flow, at saturation: what arrives per second."""
    with labs_of(arguments) as labs:
        first = next(iter(labs.values()))
        runs = []
        for sender, receiver, bind4, way, crossing in (
            ("client", "server", "0.0.0.0", "to the server", "to-ipv6"),
            ("server", "client", "0.0.0.0", "to the client", "to-ipv4"),
        ):
            forward = sender == "client"
            ipv6 = Row(f"small UDP {way}", "plain IPv6", "kpps")
            ipv4 = Row(f"small UDP {way}", "plain IPv4", "kpps", ipv6)
            runs.append((ipv4, first, sender, receiver, bind4, SiitDc.PLAIN_SERVER_IPV4 if forward else SiitDc.CLIENT))
            runs.append((ipv6, first, sender, receiver, "::", SiitDc.SERVER if forward else SiitDc.PLAIN_CLIENT_IPV6))
            for name, lab in labs.items():
                runs.append((Row(f"small UDP {way}", f"{name} {crossing}", "kpps", ipv6), lab, sender, receiver,
                             "::" if forward else "0.0.0.0",
                             SiitDc.SERVER_AS_IPV4 if forward else SiitDc.CLIENT_AS_IPV6))
        for number in range(arguments.rounds):
            for row, *run in runs:
                row.samples.append(saturate(*run, arguments.seconds))
            progress(f"UDP round {number + 1}: " + ", ".join(f"{row.path} {row.samples[-1]:.0f}" for row, *_ in runs))
        return [row for row, *_ in runs]


# Round trips


def bench_rtt(arguments):
    """UDP ping-pong with client, translator and server on one core: median round trip."""
    core = max(os.sched_getaffinity(0))
    with labs_of(arguments) as labs:
        first = next(iter(labs.values()))
        for lab in labs.values():
            pin(lab.translator.process, {core})
            probes.serve_echo(lab, "server", "::", pin_to=core)
        probes.serve_echo(first, "server", "0.0.0.0", pin_to=core)
        ipv6 = Row("round trip p50, one core", "plain IPv6", "µs")
        ipv4 = Row("round trip p50, one core", "plain IPv4", "µs", ipv6, "difference")
        runs = [(ipv4, first, SiitDc.PLAIN_SERVER_IPV4), (ipv6, first, SiitDc.SERVER)]
        runs += [(Row("round trip p50, one core", name, "µs", ipv6, "difference"), lab, SiitDc.SERVER_AS_IPV4)
                 for name, lab in labs.items()]
        for number in range(arguments.rounds):
            for row, lab, address in runs:
                row.samples.append(round_trip(lab, address, core))
            progress(f"RTT round {number + 1}: " + ", ".join(f"{row.path} {row.samples[-1]:.2f}" for row, *_ in runs))
        return [row for row, *_ in runs]


# Mapping table


def table_lab(config, stack):
    lab = stack.enter_context(SiitDc(plain=True))
    lab.ip("server", f"-6 route add local {SERVER_PREFIX} dev lo")
    lab.route("gateway", SERVER_PREFIX, SiitDc.SERVER)
    if "million.csv" in config:
        write_mappings(lab.folder / "million.csv", MAPPED_COUNT)
    before = time.monotonic()
    lab.start(config, seconds=60)
    took = time.monotonic() - before
    same_schedule(lab.translator)
    return lab, took


def bench_table(arguments):
    """Small UDP to random destinations of 2^20, translated by one prefix mapping and by 2^20 single mappings."""
    if arguments.stand_in:
        return []
    with contextlib.ExitStack() as stack:
        one, _ = table_lab(ONE_MAPPING, stack)
        million, loading = table_lab(MILLION_MAPPINGS, stack)
        ipv6 = Row("random destinations", "plain IPv6", "kpps")
        row_one = Row("random destinations", "yonroku, 1 mapping", "kpps", ipv6)
        row_million = Row("random destinations", "yonroku, 1,048,576 mappings", "kpps", row_one)
        start = Row("start with 1,048,576 mappings", "from exec to ready", "s")
        start.samples.append(loading)
        runs = [(ipv6, one, "2001:db8:aaaa::"), (row_one, one, MAPPED_FIRST), (row_million, million, MAPPED_FIRST)]
        for number in range(arguments.rounds):
            for row, lab, address in runs:
                row.samples.append(saturate(lab, "client", "server", "::", address, arguments.seconds, MAPPED_COUNT))
            progress(f"table round {number + 1}: " + ", ".join(f"{row.path} {row.samples[-1]:.0f}" for row, *_ in runs))
        return [ipv6, row_one, row_million, start]


# Binding table


SOFTWIRES = 10_000_000
LWAFTR = """\
instances:
  - name: br
    mechanism: lwaftr
    br-addresses: ["2001:db8:ffff::1"]
    softwires-files: [softwires.csv]
    ipv4-routes: [10.0.0.0/8]
"""


def bench_softwires(arguments):
    """How long ten million softwires of a CSV file take to be ready, and how much memory the program has then."""
    if arguments.stand_in:
        return []
    took = Row(f"start with {SOFTWIRES:,} softwires", "from exec to ready", "s")
    memory = Row(f"start with {SOFTWIRES:,} softwires", "resident memory then", "MB")
    with Softwire("lw4o6") as lab:
        with open(lab.folder / "softwires.csv", "w", encoding="ascii") as out:
            for i in range(SOFTWIRES):  # 64 customers to an address
                address = f"10.{i >> 22}.{i >> 14 & 255}.{i >> 6 & 255}"
                out.write(f"2001:db8:{i >> 16:x}:{i & 0xffff:x}::1,{address},0,6,{i & 63}\n")
        before = time.monotonic()
        border = Yonroku(lab, "br", LWAFTR, name="br").start(seconds=120)
        took.samples.append(time.monotonic() - before)
        status = pathlib.Path(f"/proc/{border.process.pid}/status").read_text()
        memory.samples.append(int(status.split("VmRSS:")[1].split()[0]) / 1e3)
    return [took, memory]


# Tunnel


def bench_tunnel(arguments):
    """Bulk TCP and small UDP through a MAP-E border; the kernel is the customer's end of the tunnel."""
    if arguments.stand_in:
        return []
    with KernelCustomer() as lab:
        lab.start()
        same_schedule(lab.translator)
        probes.serve_iperf(lab, "server")
        runs = []
        for reverse in (False, True):
            way, does = ("to the client", "encapsulates") if reverse else ("to the server", "decapsulates")
            plain = Row(f"tunnel, TCP {way}", "plain IPv6", "Gb/s")
            through = Row(f"tunnel, TCP {way}", f"yonroku {does}", "Gb/s", plain)
            for row, address in ((plain, lab.SERVER_IPV6), (through, lab.SERVER)):
                runs.append((row, lambda a=address, r=reverse: probes.iperf(lab, "client", a, arguments.seconds, r)["gbps"]))
            sender, receiver = ("server", "client") if reverse else ("client", "server")
            plain = Row(f"tunnel, small UDP {way}", "plain IPv6", "kpps")
            through = Row(f"tunnel, small UDP {way}", f"yonroku {does}", "kpps", plain)
            for row, bind, address in ((plain, "::", "2001:db8:c::2" if reverse else lab.SERVER_IPV6),
                                       (through, "0.0.0.0", lab.CLIENT if reverse else lab.SERVER)):
                runs.append((row, lambda s=sender, r=receiver, b=bind, a=address: saturate(lab, s, r, b, a,
                                                                                           arguments.seconds)))
        for number in range(arguments.rounds):
            for row, measure in runs:
                row.samples.append(measure())
            progress(f"tunnel round {number + 1}: " + ", ".join(f"{row.path} {row.samples[-1]:.4g}" for row, _ in runs))
        return [row for row, _ in runs]


# NAT64


NAT64_SESSIONS = 1 << 16
NAT64_CONFIG = """\
instances:
  - name: nat
    mechanism: nat64
    pref64: 2001:db8:64::/96
    pools:
      - {addresses: 192.0.2.0/28, ports: 1024-65535}
    static-bindings:
      - {protocol: udp, inside: "2001:db8:a::2", inside-port: 9, outside: 192.0.2.1, outside-port: 9}
"""


def bench_nat64(arguments):
    """Bulk TCP, small UDP and short connections through NAT64, beside plain IPv6 over the same links.

    What plain IPv6 does is all that the ends can: they share the cores with what is measured.
    """
    if arguments.stand_in:
        return []
    with Nat64() as lab:
        lab.start(NAT64_CONFIG)
        same_schedule(lab.translator)
        probes.serve_iperf(lab, "server")
        probes.serve_calls(lab, "server", "::")
        lab.sysctl("client", {"net.ipv4.ip_local_port_range": "1024 65535"})
        # Many other ends of sessions: addresses of a whole network, all of them the server's.
        lab.route("internet", "198.18.0.0/16", lab.SERVER_IPV4)
        lab.ip("server", "route add local 198.18.0.0/16 dev lo")
        runs = []
        for reverse in (False, True):
            way, crossing = ("to the client", "to-ipv6") if reverse else ("to the server", "to-ipv4")
            plain = Row(f"NAT64, TCP {way}", "plain IPv6", "Gb/s")
            through = Row(f"NAT64, TCP {way}", f"yonroku {crossing}", "Gb/s", plain)
            for row, address in ((plain, lab.PLAIN_SERVER_IPV6), (through, lab.SERVER)):
                runs.append((row, lambda a=address, r=reverse: probes.iperf(lab, "client", a, arguments.seconds, r)["gbps"]))
            sender, receiver = ("server", "client") if reverse else ("client", "server")
            plain = Row(f"NAT64, small UDP {way}", "plain IPv6", "kpps")
            through = Row(f"NAT64, small UDP {way}", f"yonroku {crossing}", "kpps", plain)
            for row, bind, address in ((plain, "::", lab.CLIENT if reverse else lab.PLAIN_SERVER_IPV6),
                                       (through, "::" if reverse else "0.0.0.0", lab.POOL if reverse else lab.SERVER)):
                runs.append((row, lambda s=sender, r=receiver, b=bind, a=address: saturate(lab, s, r, b, a,
                                                                                           arguments.seconds)))
            if not reverse:
                many = Row(f"NAT64, small UDP {way}", f"yonroku, {NAT64_SESSIONS:,} sessions", "kpps", through)
                runs.append((many, lambda: saturate(lab, "client", "server", "0.0.0.0", behind_pref64("198.18.0.0"),
                                                    arguments.seconds, NAT64_SESSIONS)))
        plain = Row("NAT64, TCP connections", "plain IPv6", "thousand/s")
        through = Row("NAT64, TCP connections", "yonroku", "thousand/s", plain)
        for row, address in ((plain, lab.PLAIN_SERVER_IPV6), (through, lab.SERVER)):
            runs.append((row, lambda a=address: probes.call_rate(lab, "client", a, arguments.seconds) / 1e3))
        for number in range(arguments.rounds):
            for row, measure in runs:
                row.samples.append(measure())
            progress(f"NAT64 round {number + 1}: " + ", ".join(f"{row.path} {row.samples[-1]:.4g}" for row, _ in runs))
        return [row for row, _ in runs]


BENCHES = {"tcp": bench_tcp, "udp": bench_udp, "rtt": bench_rtt, "table": bench_table, "softwires": bench_softwires,
           "tunnel": bench_tunnel, "nat64": bench_nat64, "log": bench_log, "begin": bench_begin, "scrape": bench_scrape}
OFFLOAD_SCENARIOS = "siit,nat64,464xlat,map-e"


def conditions(arguments):
    model = next((line.split(":", 1)[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    return {
        "cores": len(os.sched_getaffinity(0)), "cpu": model, "kernel": platform.release(), "rounds": arguments.rounds,
        "seconds": arguments.seconds, "realtime": arguments.realtime, "load_before": os.getloadavg()[0],
        "links": "veth with default offloads (TSO, GRO, checksum), MTU 1500", "offload": {},
    }


def choices(text, known):
    """A list of known words, as it was given."""
    unknown = [word for word in text.split(",") if word not in known]
    if unknown:
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: choose from {', '.join(known)}")
    return text


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, help="default 5; of the offload 4")
    parser.add_argument("--seconds", type=float, help="length of each throughput run (default 3; of the offload 1)")
    parser.add_argument("--only", default=",".join(BENCHES), type=lambda text: choices(text, [*BENCHES, "offload"]),
                        help=f"some of {','.join(BENCHES)}; or offload")
    parser.add_argument("--peer", action="store_true", help="measure tayga too")
    parser.add_argument("--realtime", action="store_true", help="run ahead of whatever else the machine does")
    parser.add_argument("--stand-in", action="store_true", help="measure tayga instead, to try the bench itself")
    parser.add_argument("--json", metavar="FILE")
    offload = parser.add_argument_group("--only offload")
    offload.add_argument("--scenarios", default=OFFLOAD_SCENARIOS, type=lambda text: choices(text, offload_bench.SCENARIOS),
                         help=f"some of {','.join(offload_bench.SCENARIOS)} (default {OFFLOAD_SCENARIOS})")
    offload.add_argument("--offload", default="off,tc,xdp", type=lambda text: choices(text, offload_bench.KINDS),
                         help=f"some of {','.join(offload_bench.KINDS)} (default off,tc,xdp)")
    offload.add_argument("--measures", default=",".join(offload_bench.MEASURES),
                         type=lambda text: choices(text, offload_bench.MEASURES),
                         help=f"some of {','.join(offload_bench.MEASURES)} (default all)")
    offload.add_argument("--flows", type=int, default=256, help="of small UDP, a power of two up to 1024 (default 256)")
    arguments = parser.parse_args()
    if arguments.peer and not Tayga.installed():
        parser.error("--peer needs the package tayga")
    if arguments.only == "offload":
        if arguments.flows not in (1 << n for n in range(11)):
            parser.error("--flows takes a power of two up to 1024")
        if arguments.realtime and "rtt" in arguments.measures:
            parser.error("--realtime falsifies round trips: leave them out of --measures")
    elif "offload" in arguments.only:
        parser.error("--only offload stands alone: its runs have another length")
    arguments.rounds = arguments.rounds or (4 if arguments.only == "offload" else 5)
    arguments.seconds = arguments.seconds or (1.0 if arguments.only == "offload" else 3.0)
    return arguments


def measure(arguments, state, notes):
    """The rows of what was asked for; `state` and `notes` get what the offload has to say."""
    if arguments.only == "offload":
        schedule(os.SCHED_RR if arguments.realtime else os.SCHED_OTHER)
        return offload_bench.bench_offload(arguments, notes, state["offload"])
    rows = []
    for name in arguments.only.split(","):
        schedule(os.SCHED_RR if arguments.realtime and name != "rtt" else os.SCHED_OTHER)
        rows += BENCHES[name](arguments)
    return rows


def main():
    arguments = read_arguments()
    state, notes = conditions(arguments), []
    try:
        with namespaces.guard():
            rows = measure(arguments, state, notes)
    except LabError as error:
        print(f"lab_bench: {error}", file=sys.stderr)
        return 1
    print(f"{state['cores']} cores ({state['cpu']}), kernel {state['kernel']}; {state['links']}; all ends share the cores;")
    print(f"{state['rounds']} interleaved rounds of {state['seconds']:g} s; load before the start {state['load_before']:.2f}"
          f"{'; all but the round trips as SCHED_RR' if arguments.realtime else ''}.\n")
    print(HEADER)
    for row in rows:
        print(row.as_markdown())
    for number, note in enumerate(notes):
        print(f"{'' if number else chr(10)}Not measured: {note}.")
    if arguments.json:
        document = {"conditions": state, "rows": [row.as_json() for row in rows], "not measured": notes}
        pathlib.Path(arguments.json).write_text(json.dumps(document, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
