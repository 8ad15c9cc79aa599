"""The offload beside the engine alone and plain forwarding: `lab_bench.py --only offload`.

For each scenario there are labs for plain forwarding and for each kind of offload, all up at once and idle except for the
one that is measured; the first scenario of each length of chain also has plain IPv4, and NAT44 by nftables. XDP on veth
needs links without checksum offload: what runs on such links is compared with plain IPv6 on such links, which is a row of
its own.
"""

import contextlib
import dataclasses
import functools
import ipaddress
import json
import os
import time

import chain
import probes
from chain import BORDER, CUSTOMER_IPV6, MECHANISMS, NAT44, PLAIN_IPV4, PLAIN_IPV6, PORT, Chain
from measuring import Row, in_one_line, flood, interleave, pin, progress, round_trip, same_schedule, write_mappings
from namespaces import LabError
from translators import REPOSITORY

FEEDER = REPOSITORY / "build/release/bench/xdp_feed"
SCENARIOS = list(MECHANISMS)
KINDS = ["off", "tc", "xdp", "auto"]
MEASURES = ["tcp", "udp", "rtt", "table", "feed"]
TABLE_SIZES = [1, 1 << 10, 1 << 17, 1 << 20]
MAPPED_PREFIX, MAPPED_FIRST = "100.64.0.0/12", "100.64.0.0"
SERVER_PREFIX, SERVER_FIRST = "2001:db8:aaaa::/48", "2001:db8:aaaa::"
TABLE = f"""\
  - name: dc
    mechanism: siit
    pref64: 2001:db8:64::/96
    mappings-files: [mappings.csv]
    ipv4-routes: [{MAPPED_PREFIX}]
"""
BARE_REDIRECT = "XDP redirect, unseen"  # what XDP could reach if it had nothing to do
SENDS = {"to the server": ("client", "server"), "to the client": ("server", "client")}


@dataclasses.dataclass(frozen=True)
class Contestant:
    """One path from client to server: its lab, its name in the table, and how the ends reach each other."""

    name: str
    lab: Chain
    way: chain.Way
    reference: str = ""  # the contestant that it is compared with
    goal: bool = False

    def address(self, receiver):
        return self.way.server if receiver == "server" else self.way.client


class Labs:
    """The contestants of one scenario, and why others are missing."""

    def __init__(self, stack, scenario, arguments, notes):
        """`stack` keeps the labs up."""
        self.stack, self.scenario, self.arguments, self.notes = stack, scenario, arguments, notes
        self.mechanism = MECHANISMS[scenario]
        self.states = {}
        self.contestants = []
        for is_for_xdp, kinds in kinds_by_links(arguments).items():
            self._add_plain(is_for_xdp)
            for kind in kinds:
                self._add_offload(kind)
        if is_first_of_its_length(scenario, arguments.scenarios.split(",")):
            self._add_baselines()

    def _lab(self, is_for_xdp):
        return self.stack.enter_context(Chain(self.mechanism.has_customer, is_for_xdp))

    def _add_plain(self, is_for_xdp):
        self.contestants.append(Contestant(reference_name(is_for_xdp), self._lab(is_for_xdp), PLAIN_IPV6))

    def _add_baselines(self):
        plain = self.contestants[0]  # on the links that everything but XDP has
        self.contestants += [Contestant("plain IPv4", plain.lab, PLAIN_IPV4, plain.name),
                             Contestant("nftables NAT44", self._lab(False).start_nat44(), NAT44, plain.name)]

    def _add_offload(self, kind):
        lab = self._lab(kind == "xdp")
        try:
            start(lab, self.scenario, kind, self.arguments, self.states)
        except LabError as error:
            self.notes.append(f"{self.scenario}, {path_name(kind)}: {in_one_line(error)}")
            return
        reference = reference_name(kind == "xdp")
        self.contestants.append(Contestant(path_name(kind), lab, self.mechanism.way, reference, kind == "tc"))


def is_first_of_its_length(scenario, scenarios):
    """Whether no scenario before it in the list has as many nodes."""
    length = MECHANISMS[scenario].has_customer
    return scenario == next(one for one in scenarios if MECHANISMS[one].has_customer == length)


def reference_name(is_for_xdp):
    return "plain IPv6, XDP links" if is_for_xdp else "plain IPv6"


def path_name(kind):
    return "engine alone" if kind == "off" else kind


def start(lab, scenario, kind, arguments, states, **options):
    """Starts a scenario with a kind of offload; `states` gets what the daemons say of it."""
    lab.start(scenario, key_of(kind, arguments), **options)
    same_schedule(*lab.translators)
    if kind != "off":
        name = f"{scenario}, {kind}"
        states[name] = [chain.offload_state(translator) for translator in lab.translators]
        progress(f"{name}: the daemons say {json.dumps(states[name])}")


@functools.cache
def missing_kinds(kinds):
    """The kinds of offload that this binary does not know, each with what it says."""
    with Chain() as lab:
        answers = {kind: chain.why_no_offload(lab, kind) for kind in kinds}
    return {kind: why for kind, why in answers.items() if why}


def asked_kinds(arguments):
    return tuple(arguments.offload.split(","))


def kinds_of(arguments):
    """The kinds of offload that were asked for and that this binary can do: without any it is the engine alone."""
    return [kind for kind in asked_kinds(arguments) if kind == "off" or kind not in missing_kinds(asked_kinds(arguments))]


def kinds_by_links(arguments):
    """The kinds on ordinary links, and those on links for XDP; a kind with a goal comes next to what it is compared with."""
    kinds = kinds_of(arguments)
    ordinary = sorted((kind for kind in kinds if kind != "xdp"), key=lambda kind: kind == "off")
    return {False: ordinary} | ({True: ["xdp"]} if "xdp" in kinds else {})


def key_of(kind, arguments):
    """The value of the key `offload`, or None where this binary does not know the key."""
    return None if kind in missing_kinds(asked_kinds(arguments)) else kind


def bench_offload(arguments, notes, states):
    """Rows of all scenarios; `notes` gets what could not be measured and why, `states` what the daemons say."""
    for kind, why in missing_kinds(asked_kinds(arguments)).items():
        if kind != "off":
            notes.append(f"`offload: {kind}` is unknown to this yonroku, so nothing of it is measured ({why})")
            progress(notes[-1])
    rows = []
    measures = arguments.measures.split(",")
    through = [measure for measure in THROUGH if measure in measures]
    for scenario in arguments.scenarios.split(","):
        if through:
            rows += bench_through(scenario, through, arguments, notes, states)
        if "feed" in measures and scenario in fed_scenarios(arguments):
            rows += bench_feed(scenario, arguments, notes)
    if "table" in measures:
        rows += bench_table(arguments, notes)
    return rows


def bench_through(scenario, measures, arguments, notes, states):
    """What goes from one end to the other."""
    rows = []
    with contextlib.ExitStack() as stack:
        labs = Labs(stack, scenario, arguments, notes)
        states |= labs.states
        for measure in measures:
            runs = THROUGH[measure](scenario, labs.contestants, arguments)
            rows += interleave(f"{scenario} {measure}", runs, arguments.rounds, notes)
    return rows


def rows_of(measure, unit, contestants, how="ratio", **goal):
    """A row for each contestant, linked to those that they are compared with."""
    rows = {}
    for one in contestants:
        rows[one.name] = Row(measure, one.name, unit, rows.get(one.reference), how, **(goal if one.goal else {}))
    return rows


# TCP, UDP, round trips


def tcp_runs(scenario, contestants, arguments):
    """Bulk TCP, one stream; the direction is that of the data."""
    for lab in {one.lab for one in contestants}:
        probes.serve_iperf(lab, "server")
    runs = []
    for way in SENDS:
        rows = rows_of(f"{scenario}, TCP {way}", "Gb/s", contestants, at_least=0.95)
        runs += [([rows[one.name]], functools.partial(tcp_figures, one, way == "to the client", arguments.seconds))
                 for one in contestants]
    return runs


def tcp_figures(one, reverse, seconds):
    return [probes.iperf(one.lab, "client", one.way.server, seconds, reverse)["gbps"]]


def udp_runs(scenario, contestants, arguments):
    """64-octet frames of many flows at saturation: what arrives per second, and the machine's time for each."""
    runs = []
    for way, ends in SENDS.items():
        rates = rows_of(f"{scenario}, small UDP {way}", "kpps", contestants, at_least=0.9)
        costs = rows_of(f"{scenario}, processor time {way}", "µs/packet", contestants)
        runs += [([rates[one.name], costs[one.name]], functools.partial(udp_figures, one, ends, arguments))
                 for one in contestants]
    return runs


def udp_figures(one, ends, arguments):
    sender, receiver = ends
    return flood(one.lab, sender, receiver, one.way.any_address(receiver), one.address(receiver), arguments.seconds,
                 flows=arguments.flows, apart=True, answer=True)


def rtt_runs(scenario, contestants, _arguments):
    """UDP ping-pong with both ends and all translators on one core: median round trip."""
    core = max(os.sched_getaffinity(0))
    for lab in {one.lab for one in contestants}:
        for translator in lab.translators:
            pin(translator.process, {core})
    for lab, address in {(one.lab, one.way.any_address("server")) for one in contestants}:
        probes.serve_echo(lab, "server", address, pin_to=core)
    rows = rows_of(f"{scenario}, round trip p50, one core", "µs", contestants, "difference", at_most=1)
    return [([rows[one.name]], functools.partial(rtt_figures, one, core)) for one in contestants]


def rtt_figures(one, core):
    return [round_trip(one.lab, one.way.server, core)]


THROUGH = {"tcp": tcp_runs, "udp": udp_runs, "rtt": rtt_runs}


# Mapping tables


def bench_table(arguments, notes):
    """Small UDP to random destinations of as many as there are mappings."""
    with contextlib.ExitStack() as stack:
        runs = []
        plain = {is_for_xdp: table_lab(stack, is_for_xdp) for is_for_xdp in kinds_by_links(arguments)}
        for size in TABLE_SIZES:
            for is_for_xdp, kinds in kinds_by_links(arguments).items():
                reference = Row(f"random destinations of {size:,}", reference_name(is_for_xdp), "kpps")
                runs.append(([reference], functools.partial(table_figures, plain[is_for_xdp], SERVER_FIRST, size, arguments)))
                runs += [run for kind in kinds if (run := table_run(stack, kind, size, reference, arguments, notes))]
        return interleave("table", runs, arguments.rounds, notes)


def table_run(stack, kind, size, reference, arguments, notes):
    """A daemon with so many mappings, or nothing and a note."""
    lab = table_lab(stack, kind == "xdp")
    write_mappings(lab.folder / "mappings.csv", size)
    row = Row(reference.measure, path_name(kind), "kpps", reference, at_least=0.9 if kind == "tc" else None)
    try:
        lab.start_gateway(TABLE, key_of(kind, arguments), seconds=60)
    except LabError as error:
        notes.append(f"{row.measure}, {row.path}: {in_one_line(error)}")
        return None
    same_schedule(*lab.translators)
    return [row], functools.partial(table_figures, lab, MAPPED_FIRST, size, arguments)


def table_lab(stack, is_for_xdp):
    """All mapped addresses are the server's."""
    lab = stack.enter_context(Chain(xdp_links=is_for_xdp))
    lab.ip("server", f"-6 route add local {SERVER_PREFIX} dev lo")
    lab.route("gateway", SERVER_PREFIX, chain.SERVER_IPV6)
    return lab


def table_figures(lab, first, size, arguments):
    return flood(lab, "client", "server", "::", first, arguments.seconds, spread=size, apart=True)[:1]


# Frames fed as a driver would


def fed_scenarios(arguments):
    """The gateway of 464XLAT is a NAT64: what is fed to one is fed to the other."""
    return [scenario for scenario in arguments.scenarios.split(",") if scenario != "464xlat"]


def bench_feed(scenario, arguments, notes):
    """Small UDP frames of many flows that enter the gateway as from a driver; counted one link further, by two kinds of sink:
    an XDP program, and the kernel's packet filter. In front of the second the kernel makes a packet of each frame, which
    costs more than what is measured: even a redirect that looks at nothing hardly reaches the goal there."""
    if not FEEDER.exists():
        raise LabError(f"there is no {FEEDER}: build the target lab_tools")
    with contextlib.ExitStack() as stack:
        contestants = feed_contestants(stack, scenario, arguments, notes)
        runs = []
        for way in SENDS:
            for sink in FEED_SINKS:
                goal = {"at_least": 1.3} if sink == "XDP sink" else {}
                rows = rows_of(f"{scenario}, fed {way}, {sink}", "kpps", contestants, **goal)
                runs += [([rows[one.name]], functools.partial(feed_figures, one, scenario, way, sink, arguments))
                         for one in contestants]
        return interleave(f"{scenario} feed", runs, arguments.rounds, notes)


def feed_contestants(stack, scenario, arguments, notes):
    """All on links as XDP needs them."""
    mechanism = MECHANISMS[scenario]
    plain = still_lab(stack, mechanism)
    reference = reference_name(is_for_xdp=True)
    contestants = [Contestant(reference, plain, PLAIN_IPV6)]
    for kind in reversed(kinds_of(arguments)):
        lab = still_lab(stack, mechanism)
        try:
            start(lab, scenario, kind, arguments, {}, has_customer=False)
        except LabError as error:
            notes.append(f"{scenario}, fed frames, {path_name(kind)}: {in_one_line(error)}")
            continue
        contestants.append(Contestant(path_name(kind), lab, mechanism.way, reference, kind == "xdp"))
    if is_first_of_its_length(scenario, fed_scenarios(arguments)):
        contestants += [Contestant(BARE_REDIRECT, plain, PLAIN_IPV6, reference),
                        Contestant("plain IPv4", plain, PLAIN_IPV4, reference)]
    return contestants


def still_lab(stack, mechanism):
    return know_neighbours(stack.enter_context(Chain(mechanism.has_customer, xdp_links=True)))


def know_neighbours(lab):
    """The gateway's neighbours are known for good: a sink that drops everything also drops what would find them."""
    for neighbour, addresses in ((lab.gateways_client, lab.client_link), ("server", (chain.SERVER_IPV4, chain.SERVER_IPV6))):
        mac = lab.mac(neighbour, "to-gateway")
        for address in addresses:
            lab.ip("gateway", f"neigh replace {address} lladdr {mac} dev to-{neighbour} nud permanent")
    return lab


def feed_figures(one, scenario, way, sink, arguments):
    """Thousands of frames per second that came through."""
    lab = one.lab
    near, far = lab.gateways_client, "server"
    if way == "to the client":
        near, far = far, near
    path = lab.folder / f"{one.name} {way}".replace(" ", "-")
    if not path.exists():
        to = (far, "to-gateway") if one.name == BARE_REDIRECT else ("gateway", f"to-{near}")
        path.write_text(frame_file(frames(scenario, one.way, way, arguments.flows, lab.mac(*to))))
        if way == "to the client" and one.name != BARE_REDIRECT:
            answer_once(one, scenario, arguments.flows)
    argv = feed_command(one, near, path, arguments.seconds)
    if one.name == BARE_REDIRECT:
        argv += ["--redirect", f"to-{far}"]
    with FEED_SINKS[sink](lab, far) as received:
        result = lab.spawn("gateway", argv, "feed").result(arguments.seconds + 30)
        time.sleep(0.1)
        count = received()
    if count == 0:
        raise LabError(f"nothing of {result['sent']} frames arrived at {far}")
    return [count / result["seconds"] / 1e3]


def feed_command(one, near, path, seconds):
    argv = [FEEDER, "feed", "--interface", f"to-{near}", "--frames", path, "--seconds", seconds]
    if one.name == "xdp" or (one.name == "auto" and one.lab.has_xdp("gateway", f"to-{near}")):
        argv.append("--attached")
    return argv


def answer_once(one, scenario, flows):
    """The client has sent something to each of the server's ports: sessions of an open port that nobody behind it answers
    are not offloaded."""
    lab, near = one.lab, one.lab.gateways_client
    path = lab.folder / f"{one.name} answers".replace(" ", "-")
    path.write_text(frame_file(frames(scenario, one.way, "to the server", flows, lab.mac("gateway", f"to-{near}"), True)))
    lab.spawn("gateway", feed_command(one, near, path, 0.05), "answers").result(30)


@contextlib.contextmanager
def xdp_sink(lab, node):
    sink = lab.spawn(node, [FEEDER, "sink", "--interface", "to-gateway"], "sink")
    sink.wait_for_line("listening")

    def received():
        sink.stop()
        return sink.result()["received"]

    try:
        yield received
    finally:
        sink.stop()


@contextlib.contextmanager
def filter_sink(lab, node):
    lab.run(node, ["nft", "-f", "-"], text_input="""\
table inet sink {
  counter received { }
  chain prerouting {
    type filter hook prerouting priority raw
    iifname "to-gateway" counter name received drop
  }
}
""")
    try:
        yield lambda: packets_of(lab.run(node, ["nft", "-j", "list", "counter", "inet", "sink", "received"]).stdout)
    finally:
        lab.run(node, ["nft", "delete", "table", "inet", "sink"])


def packets_of(text):
    """The packets of a named counter, from nft's JSON."""
    return next(entry["counter"]["packets"] for entry in json.loads(text)["nftables"] if "counter" in entry)


FEED_SINKS = {"XDP sink": xdp_sink, "filter sink": filter_sink}


def frames(scenario, way, direction, flows, mac, is_answer=False):
    """Ethernet frames to the gateway with 22 octets in UDP, which is 64 octets of frame for IPv4, one for each flow: from a
    source port of its own to the sink's, or back."""
    from scapy.layers.inet import UDP
    from scapy.layers.l2 import Ether
    ethernet = Ether(src="02:00:00:00:00:01", dst=mac)
    network = headers(scenario, way, direction)
    ports = [(PORT, 20000 + flow) if is_answer else (20000 + flow, PORT) for flow in range(flows)]
    return [bytes(ethernet / network / UDP(sport=source, dport=destination) / bytes(22)) for source, destination in ports]


def headers(scenario, way, direction):
    """The network headers with which a packet reaches the gateway: from the server, or from the customer's end."""
    from scapy.layers.inet import IP
    from scapy.layers.inet6 import IPv6
    if direction == "to the client":
        return (IPv6 if way.is_ipv6_at_server else IP)(src=way.server_source, dst=way.client)
    if way in (PLAIN_IPV4, PLAIN_IPV6):
        return (IPv6 if way.is_ipv6_at_client else IP)(src=way.client_source, dst=way.server)
    if tunnel := MECHANISMS[scenario].tunnel_source:
        return IPv6(src=tunnel, dst=BORDER) / IP(src=way.client_source, dst=way.server)
    if scenario == "map-t":
        return IPv6(src=CUSTOMER_IPV6, dst=embedded_64("2001:db8:ffff::", way.server))
    return (IPv6 if way.is_ipv6_at_client else IP)(src=way.client_source, dst=way.server)


def embedded_64(prefix, ipv4):
    """An IPv4 address in a /64 (RFC 6052 §2.2: behind the octet of zeros)."""
    return str(ipaddress.IPv6Address(int(ipaddress.IPv6Address(prefix)) | int(ipaddress.IPv4Address(ipv4)) << 24))


def frame_file(frames_):
    return "".join(frame.hex() + "\n" for frame in frames_)
