#!/usr/bin/python3
"""The lab as a command: shows a mechanism working with real traffic.

lab.py run [SCENARIO|all] [--keep] [--seconds N] [--translator yonroku|tayga] [--plat yonroku|yonroku-siit|tayga]
           siit-dc (default), nat64, clat, map-e, map-t, lw4o6, ipip, ds-lite; and homes with both ends ours: map-e-home,
           v6plus-home, map-t-home, lw4o6-home, ds-lite-home
lab.py list     the labs that are up
lab.py down     removes labs that were left up, by --keep or by a kill

Needs root and /dev/net/tun. Everything happens in network namespaces of its own.
"""

import argparse
import ipaddress
import statistics
import sys

import namespaces
import probes
from name_server import Unbound
from namespaces import LabError
from scenarios import Clat, CustomerEdge, Nat64, SiitDc, Softwire
from translators import Tayga, yonroku_binary

BOLD, DIM, GREEN, RED, PLAIN = ("\033[1m", "\033[2m", "\033[32m", "\033[31m", "\033[0m") if sys.stdout.isatty() else [""] * 5


class Report:
    """Prints what was sent and what arrived, and remembers if anything failed."""

    def __init__(self):
        self.failures = 0

    def title(self, text):
        print(f"\n{BOLD}{text}{PLAIN}", flush=True)

    def text(self, text):
        print("\n".join(f"  {line}" for line in text.rstrip("\n").splitlines()), flush=True)

    def check(self, what, good, detail):
        mark = f"{GREEN}ok{PLAIN}  " if good else f"{RED}FAIL{PLAIN}"
        self.failures += not good
        first, *rest = str(detail).strip().splitlines() or [""]
        print(f"  {mark} {what:<44} {first}", flush=True)
        for line in rest:
            print(f"       {'':<44} {line}", flush=True)

    def attempt(self, what, action):
        """Runs `action`, which returns (good, detail); a LabError counts as a failure."""
        try:
            self.check(what, *action())
        except LabError as error:
            self.check(what, False, error)


def same_address(a, b):
    try:
        a, b = ipaddress.ip_address(a), ipaddress.ip_address(b)
        return (getattr(a, "ipv4_mapped", None) or a) == b
    except ValueError:
        return False


def explore(report, lab, client, server, towards_server, towards_client, seen_as, bind, large_ping):
    """The traffic of every scenario: HTTP, ping, UDP and traceroute, both ways."""
    probes.serve_http(lab, server, bind)
    probes.serve_echo(lab, server, bind)

    def get():
        page = probes.http_get(lab, client, towards_server).strip()
        seen = page.removeprefix("hello ").partition(",")[0]
        return same_address(seen, seen_as), f"server says: {page}"

    def download():
        good = probes.http_download(lab, client, towards_server, 50_000_000)
        return good, "SHA-256 equal" if good else "content differs"

    def pings(node, address, size, options=()):
        received, output = probes.ping(lab, node, address, count=5, size=size, options=options)
        timing = next((line for line in output.splitlines() if line.startswith("rtt")), "")
        return received == 5, f"{received}/5  {timing}"

    def echo(size):
        payload = probes.pattern(size)
        answer = probes.udp_echo(lab, client, towards_server, payload)
        return answer == payload, "came back unchanged" if answer == payload else "did not come back"

    def trace(node, address):
        hops = probes.traceroute(lab, node, address)
        return bool(hops) and same_address(hops[-1], address), " > ".join(hops)

    reachable = towards_client is not None  # A client behind a NAT can't be called.
    report.title("What is sent, and what arrives")
    report.attempt(f"{client}: curl {probes.url(towards_server)}", get)
    report.attempt(f"{client}: download of 50 MB", download)
    report.attempt(f"{client}: ping {towards_server}", lambda: pings(client, towards_server, 56))
    report.attempt(f"{client}: ping, {large_ping} octets, DF clear",
                   lambda: pings(client, towards_server, large_ping, ["-M", "dont"]))
    if reachable:
        report.attempt(f"{server}: ping {towards_client}", lambda: pings(server, towards_client, 56))
    report.attempt(f"{client}: UDP echo, 64 octets", lambda: echo(64))
    report.attempt(f"{client}: UDP echo, 4096 octets (fragments)", lambda: echo(4096))
    report.attempt(f"{client}: traceroute", lambda: trace(client, towards_server))
    if reachable:
        report.attempt(f"{server}: traceroute", lambda: trace(server, towards_client))


def throughput(report, lab, paths, seconds):
    """iperf3 over each of `paths` (name, client address, server address), both directions, in turn."""
    probes.serve_iperf(lab, "server")
    figures = {}
    for name, address in paths:
        for reverse in (False, True):
            runs = [probes.iperf(lab, "client", address, seconds, reverse)["gbps"] for _ in range(1)]
            figures[name, reverse] = statistics.median(runs)
    print(f"  {'TCP, one stream, Gb/s':<30} {'to the server':>16} {'to the client':>16}")
    for name, _ in paths:
        cells = []
        for reverse in (False, True):
            value = figures[name, reverse]
            share = value / figures["plain IPv6 forwarding", reverse] if "plain IPv6 forwarding" in dict(paths) else None
            cells.append(f"{value:7.2f}" + (f"  ({share:4.2f})" if share is not None else "        "))
        print(f"  {name:<30} {cells[0]:>16} {cells[1]:>16}")
    if "plain IPv6 forwarding" in dict(paths):
        print(f"  {DIM}in brackets: as a share of plain IPv6 forwarding by the kernel over the same links{PLAIN}")


def counters(report, translator):
    if isinstance(translator, Tayga):
        return
    report.title("What the daemon counted (yonroku show counters)")
    shown = translator.command("show", "counters", check=False)
    report.text(shown.stdout or shown.stderr)


def show_config(report, lab, translator, node):
    program = "tayga" if isinstance(translator, Tayga) else "yonroku run"
    report.title(f"The configuration ({program} on {node})")
    report.text("\n".join(line for line in translator.config.splitlines() if not line.startswith("control:")))


def run_siit_dc(arguments, report):
    """map646's case, from topology to throughput."""
    lab = SiitDc(plain=True)
    with lab:
        report.title("SIIT-DC: IPv4 clients reach IPv6-only servers (RFC 7755, RFC 7757)")
        report.text(SiitDc.PICTURE)
        lab.start(translator=arguments.translator)
        show_config(report, lab, lab.translator, "gateway")
        explore(report, lab, "client", "server", SiitDc.SERVER_AS_IPV4, SiitDc.CLIENT_AS_IPV6, SiitDc.CLIENT_AS_IPV6, "::",
                large_ping=1400)
        report.title("Throughput")
        throughput(report, lab, [
            ("plain IPv4 forwarding", SiitDc.PLAIN_SERVER_IPV4),
            ("plain IPv6 forwarding", SiitDc.SERVER),
            (f"{arguments.translator}", SiitDc.SERVER_AS_IPV4),
        ], arguments.seconds)
        counters(report, lab.translator)
        if arguments.keep:
            keep(report, lab, [
                ("client", "curl http://192.0.2.80/"),
                ("client", "ping 192.0.2.80"),
                ("server", f"ping {SiitDc.CLIENT_AS_IPV6}"),
                ("gateway", "tcpdump -ni dc"),
            ])


def run_nat64(arguments, report):
    """IPv6-only clients reach an IPv4 server by its name, through one shared address."""
    with Nat64() as lab:
        lab.start()
        report.title("NAT64: IPv6-only clients reach IPv4 servers through a shared address (RFC 6146)")
        report.text(Nat64.PICTURE)
        show_config(report, lab, lab.translator, "gateway")
        explore(report, lab, "client", "server", Nat64.SERVER, None, Nat64.POOL, "0.0.0.0", large_ping=3000)

        def by_name(node):
            page = lab.run(node, ["curl", "-sS", "--max-time", 10, "http://server.example/"], 15).stdout.strip()
            return page.startswith(f"hello {Nat64.POOL},"), f"server says: {page}"

        def look_up():
            answer = lab.run("client", ["getent", "ahostsv6", "server.example"]).stdout.split()[0]
            return same_address(answer, Nat64.SERVER), answer

        if Unbound.installed():
            lab.serve_names()
            report.title("By name, with a DNS64 (RFC 6147)")
            report.attempt("client: AAAA of server.example", look_up)
            for node in ("client", "neighbour"):
                report.attempt(f"{node}: curl http://server.example/", lambda node=node: by_name(node))
        report.title("Throughput")
        throughput(report, lab, [
            ("plain IPv6 forwarding", Nat64.PLAIN_SERVER_IPV6),
            ("yonroku nat64", Nat64.SERVER),
        ], arguments.seconds)
        counters(report, lab.translator)
        if arguments.keep:
            keep(report, lab, [
                ("client", "curl http://server.example/"),
                ("neighbour", f"ping {Nat64.SERVER}"),
                ("client", f"traceroute -n {Nat64.SERVER}"),
                ("internet", "tcpdump -ni to-gateway"),
                ("gateway", "tcpdump -ni nat"),
            ])


def run_clat(arguments, report):
    """464XLAT from an IPv4-only LAN to an IPv4-only server over an IPv6-only line."""
    lab = Clat()
    with lab:
        lab.start(plat=arguments.plat)
        report.title("CLAT: IPv4-only programs on an IPv6-only line (RFC 6877)")
        report.text(Clat.PICTURE % {"yonroku": "yonroku (nat64)", "yonroku-siit": "yonroku (siit)"}.get(lab.plat_kind, "tayga"))
        show_config(report, lab, lab.translator, "cpe")
        show_config(report, lab, lab.plat, "isp")
        explore(report, lab, "client", "server", Clat.SERVER, None if lab.plat_kind == "yonroku" else Clat.CLIENT_AS_SEEN, Clat.CLIENT_AS_SEEN, "0.0.0.0",
                large_ping=1200)  # Two translators: a ping that the first must fragment can't pass the second.
        report.title(f"Throughput (through both translators; the PLAT is {lab.plat_kind})")
        throughput(report, lab, [(f"yonroku + {lab.plat_kind}", Clat.SERVER)], arguments.seconds)
        counters(report, lab.translator)
        if arguments.keep:
            keep(report, lab, [
                ("client", f"curl http://{Clat.SERVER}/"),
                ("client", f"traceroute -n {Clat.SERVER}"),
                ("cpe", "tcpdump -ni clat"),
            ])


def keep(report, lab, commands):
    lab.keep()
    report.title("The lab stays up. Try:")
    for node, command in commands:
        report.text(f"ip netns exec {lab.full_name(node)} {command}")
    if not isinstance(lab.translator, Tayga):
        report.text(f"{yonroku_binary()} show counters --socket {lab.translator.socket_path}")
    report.text(f"\nand when you are done: {sys.argv[0]} down")


SOFTWIRES = {
    "map-e": "MAP-E: an IPv4 address for four customers, without state at the provider (RFC 7597)",
    "map-t": "MAP-T: the same by translation, without a tunnel (RFC 7599)",
    "lw4o6": "Lightweight 4over6: the same from a table of customers (RFC 7596)",
    "ipip": "A fixed IPv4 prefix over an IPv6-only line (RFC 2473)",
    "ds-lite": "DS-Lite: the customer's B4, with the AFTR's end of the tunnel (RFC 6333)",
}


def run_softwire(kind):
    """IPv4 in IPv6 from the customer's equipment to the border, both of them ours."""

    def run(arguments, report):
        with Softwire(kind) as lab:
            lab.start()
            report.title(SOFTWIRES[kind])
            report.text(Softwire.PICTURE % lab.client_address)
            show_config(report, lab, lab.translator, "br")
            show_config(report, lab, lab.customer, "cpe")
            explore(report, lab, "client", "server", Softwire.SERVER, None if lab.is_shared else lab.client_address,
                    lab.client_as_seen, "0.0.0.0",
                    large_ping=1200 if kind == "map-t" else 3000)
            report.title("Throughput (through both ends of the tunnel)")
            throughput(report, lab, [
                ("plain IPv6 forwarding", Softwire.SERVER_IPV6),
                (f"yonroku {kind}", Softwire.SERVER),
            ], arguments.seconds)
            counters(report, lab.translator)
            if arguments.keep:
                keep(report, lab, [
                    ("client", f"curl http://{Softwire.SERVER}/"),
                    ("client", f"traceroute -n {Softwire.SERVER}"),
                    ("isp", "tcpdump -ni to-br ip6"),
                    ("br", "tcpdump -ni br"),
                ])

    return run


HOMES = {  # kind: the scenario's name, what it is, the customer's and the provider's mechanism
    "map-e": ("map-e-home", "MAP-E, both ends: a customer edge with its NAT and the border relay (RFC 7597)", "map-e-ce", "map-e-br"),
    "v6plus": ("v6plus-home", "MAP-E as on lines in Japan (draft-ietf-softwire-map-03): 240 ports for a home", "map-e-ce", "map-e-br"),
    "map-t": ("map-t-home", "MAP-T, both ends: the same by translation (RFC 7599)", "map-t-ce", "map-t-br"),
    "lw4o6": ("lw4o6-home", "Lightweight 4over6, both ends: lwB4 with its NAT, and lwAFTR (RFC 7596)", "lwb4", "lwaftr"),
    "ds-lite": ("ds-lite-home", "DS-Lite, both ends: B4, and AFTR with the NAT (RFC 6333)", "ds-lite-b4", "ds-lite-aftr"),
}


def run_home(kind):
    """Private IPv4 at home, an IPv6-only provider, the IPv4 Internet; two customers with one public address."""
    _, title, customer, border = HOMES[kind]

    def run(arguments, report):
        with CustomerEdge(kind) as lab:
            ports = sorted(lab.ports(0))
            http_port = ports[8]
            lab.start("    static-bindings:\n" + lab.forward("tcp", "sibling", 80, http_port))
            report.title(title)
            report.text(CustomerEdge.PICTURE % {"customer": customer, "border": border})
            show_config(report, lab, lab.edges[0], "cpe")
            show_config(report, lab, lab.translator, "br")
            explore(report, lab, "client", "server", lab.SERVER, None, lab.SHARED, "0.0.0.0", large_ping=3000)
            probes.serve_http(lab, "sibling", "0.0.0.0")

            def page(node, address, port, expected):
                answer = lab.run(node, ["curl", "-sS", "--max-time", 5, f"http://{address}:{port}/"], 10).stdout.strip()
                return answer == expected, f"server says: {answer}"

            def parts():
                for number in range(81, 90):
                    lab.address("server", "to-internet", f"203.0.113.{number}/32")
                loaded = probes.load_page(lab, "client", [(f"203.0.113.{number}", 80) for number in range(80, 90)], 500)
                return loaded == 500, f"{loaded} of 500 parts, through {len(ports):,} ports"

            report.title("One address for two customers")
            report.attempt("friend: curl, the same private address", lambda: page(
                "friend", lab.SERVER, 80, f"hello {lab.SHARED}, this is {lab.SERVER}"))
            report.attempt(f"server: curl, port forward {http_port}", lambda: page(
                "server", lab.SHARED, http_port, f"hello {lab.SERVER}, this is {lab.SIBLING}"))
            report.attempt(f"client: curl {lab.SHARED}:{http_port} (hairpin)", lambda: page(
                "client", lab.SHARED, http_port, f"hello {lab.SHARED}, this is {lab.SIBLING}"))
            report.attempt(f"friend: curl {lab.SHARED}:{http_port} (customers)", lambda: page(
                "friend", lab.SHARED, http_port, f"hello {lab.SHARED}, this is {lab.SIBLING}"))
            report.attempt("client: a page of 500 connections", parts)
            report.title("Who has which ports (yonroku show ports)")
            report.text(lab.nat.command("show", "ports").stdout)
            report.title("Throughput (through both ends)")
            throughput(report, lab, [("plain IPv6 forwarding", lab.SERVER_IPV6), (f"{customer} and {border}", lab.SERVER)],
                       arguments.seconds)
            counters(report, lab.nat)
            if arguments.keep:
                keep(report, lab, [
                    ("client", f"curl http://{lab.SERVER}/"),
                    ("client", f"traceroute -n {lab.SERVER}"),
                    ("isp", "tcpdump -ni to-br ip6"),
                    ("cpe", "tcpdump -ni wan4"),
                ])

    return run


SCENARIOS = {"siit-dc": run_siit_dc, "nat64": run_nat64, "clat": run_clat} | {kind: run_softwire(kind) for kind in SOFTWIRES} | {
    home[0]: run_home(kind) for kind, home in HOMES.items()}


def command_run(arguments):
    report = Report()
    for name in SCENARIOS if arguments.scenario == "all" else [arguments.scenario]:
        SCENARIOS[name](arguments, report)
    print()
    if report.failures:
        print(f"{RED}{report.failures} of the checks failed.{PLAIN}")
    return 1 if report.failures else 0


def command_list(_):
    for _, state in namespaces.remembered_labs():
        condition = "in use" if state["alive"] else "kept" if state["kept"] else "left behind"
        print(f"{state['tag']}  {condition:<12} {' '.join(state['nodes'])}")
    return 0


def command_down(_):
    for path, state in namespaces.remembered_labs():
        if state["alive"]:
            continue
        namespaces.remove(state)
        path.unlink(missing_ok=True)
        print(f"removed lab {state['tag']}")
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="build a scenario, send traffic through it, show what arrived")
    run.add_argument("scenario", nargs="?", default="siit-dc", choices=[*SCENARIOS, "all"])
    run.add_argument("--keep", action="store_true", help="leave the lab up")
    run.add_argument("--seconds", type=float, default=2, help="length of each throughput measurement (default 2)")
    run.add_argument("--translator", choices=["yonroku", "tayga"], default="yonroku", help="for siit-dc")
    run.add_argument("--plat", choices=["yonroku", "yonroku-siit", "tayga"], default="yonroku",
                     help="for clat: our NAT64 (default), or a stateless translator, ours or tayga")
    run.set_defaults(function=command_run)
    commands.add_parser("list", help="show the labs that are up").set_defaults(function=command_list)
    commands.add_parser("down", help="remove labs that were left up").set_defaults(function=command_down)
    arguments = parser.parse_args()
    try:
        with namespaces.guard():
            return arguments.function(arguments)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
