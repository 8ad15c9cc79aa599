"""What the lab benchmarks share: the rows of the result, runs in interleaved rounds, and the figures that are taken."""

import os
import pathlib
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lab"))

import probes  # noqa: E402  (the lab is a folder beside this one)
from namespaces import LabError  # noqa: E402


class Row:
    """One line of the result: a path's figure per round, and the figures that it is compared with.

    `at_least` or `at_most` is the goal for the median of the comparison.
    """

    def __init__(self, measure, path, unit, reference=None, how="ratio", at_least=None, at_most=None):
        self.measure, self.path, self.unit, self.reference, self.how = measure, path, unit, reference, how
        self.at_least, self.at_most = at_least, at_most
        self.samples = []

    def relative(self):
        if self.reference is None:
            return []
        pairs = zip(self.samples, self.reference.samples)
        return [a - b if self.how == "difference" else a / b for a, b in pairs if b]

    def goal(self):
        """"at least 0.95: met", or nothing."""
        if self.at_least is None and self.at_most is None:
            return ""
        median = statistics.median(self.relative())
        if self.at_least is not None:
            return f"at least {self.at_least:g}: {'met' if median >= self.at_least else 'missed'}"
        return f"at most {self.at_most:g}: {'met' if median <= self.at_most else 'missed'}"

    def as_json(self):
        out = {"measure": self.measure, "path": self.path, "unit": self.unit, "samples": self.samples,
               "median": statistics.median(self.samples)}
        if self.reference is not None:
            relative = self.relative()
            out |= {"compared_with": self.reference.path, "how": self.how, "relative_median": statistics.median(relative),
                    "relative_least": min(relative), "relative_most": max(relative), "goal": self.goal()}
        return out

    def as_markdown(self):
        median = statistics.median(self.samples)
        cells = [self.measure, self.path, f"{median:.4g} {self.unit}",
                 f"{min(self.samples):.4g}–{max(self.samples):.4g}"]
        if self.reference is None:
            cells += ["", ""]
        else:
            relative = self.relative()
            sign, unit = ("+", f" {self.unit}") if self.how == "difference" else ("", " ×")
            cells += [f"{statistics.median(relative):{sign}.2f}{unit} {self.reference.path}",
                      f"{min(relative):.2f}–{max(relative):.2f}"]
        return "| " + " | ".join([*cells, self.goal()]) + " |"


HEADER = "| measure | path | median | spread | compared with | spread | goal |\n|---|---|---|---|---|---|---|"


def progress(text):
    print(f"  {text}", file=sys.stderr, flush=True)


def interleave(name, runs, rounds, notes):
    """Measures all runs once, then all once more, and so on; returns the rows that have their figures.

    A run is its rows and a function that returns a figure for each. One that fails is left out with a note, unless others
    are compared with it.
    """
    left = list(runs)
    for number in range(rounds):
        for run in list(left):
            rows, measure = run
            try:
                figures = measure()
            except LabError as error:
                if rows[0].reference is None:
                    raise
                notes.append(f"{rows[0].measure}, {rows[0].path}: {in_one_line(error)}")
                left.remove(run)
                continue
            for row, figure in zip(rows, figures, strict=True):
                row.samples.append(figure)
        progress(f"{name} round {number + 1}: " + ", ".join(f"{rows[0].path} {rows[0].samples[-1]:.4g}" for rows, _ in left))
    return by_measure(row for rows, _ in left for row in rows)


def by_measure(rows):
    """The rows of one measure one after another; otherwise in their order."""
    groups = {}
    for row in rows:
        groups.setdefault(row.measure, []).append(row)
    return [row for group in groups.values() for row in group]


def in_one_line(error):
    """The end of what an error says, which is where a program says why."""
    return " ".join(str(error).split())[-300:]


# Who runs when, and where


def schedule(policy):
    """What this program and all that it starts run as."""
    os.sched_setscheduler(0, policy, os.sched_param(10 if policy == os.SCHED_RR else 0))


def tasks(process):
    return [int(task) for task in os.listdir(f"/proc/{process.pid}/task")]


def same_schedule(*translators):
    """Among real-time processes the translators must be that too, whatever policy they have chosen for themselves."""
    if os.sched_getscheduler(0) == os.SCHED_RR:
        for translator in translators:
            for task in tasks(translator.process):
                os.sched_setscheduler(task, os.SCHED_RR, os.sched_param(10))


def pin(process, cores):
    for task in tasks(process):
        os.sched_setaffinity(task, cores)


# Figures


def busy_seconds(stat):
    """The processor time of all cores that was not idle, waited or stolen, from the text of /proc/stat."""
    user, nice, system, _idle, _iowait, irq, softirq = map(int, stat.splitlines()[0].split()[1:8])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def busy_now():
    return busy_seconds(pathlib.Path("/proc/stat").read_text())


def flood(lab, sender, receiver, bind, to, seconds, spread=1, flows=1, apart=False, answer=False):
    """What arrives while the sender sends as fast as it can: (thousands of datagrams per second, µs of processor time of the
    whole machine for each). `apart` keeps the two ends on two cores, which varies less. `answer`: each flow is answered now
    and then."""
    cores = sorted(os.sched_getaffinity(0))
    source_on, sink_on = (["taskset", "-c", core] if apart else [] for core in (cores[0], cores[-1]))
    sink = lab.spawn(receiver, [*sink_on, probes.udp_tool(), "sink", "--bind", bind, "--port", probes.SINK_PORT,
                                "--every", 200, *(["--answer"] if answer else [])], "sink")
    sink.wait_for_line("listening")
    before = busy_now()
    lab.spawn(sender, [*source_on, probes.udp_tool(), "send", "--to", to, "--port", probes.SINK_PORT, "--seconds", seconds,
                       "--spread", spread, "--flows", flows], "source").result(seconds + 20)
    busy = busy_now() - before
    time.sleep(0.2)
    sink.stop()
    result = sink.result()
    if result["received"] == 0:
        raise LabError(f"nothing arrived from {sender} at {to}")
    return result["rate"] / 1e3, busy * 1e6 / result["received"]


def saturate(*arguments, **options):
    """Datagrams per second that arrive while the sender sends as fast as it can, in thousands."""
    return flood(*arguments, **options)[0]


def round_trip(lab, address, core):
    """The median of the round trips to an echo server, in µs, with the client on this core."""
    argv = ["taskset", "-c", core, probes.udp_tool(), "pingpong", "--to", address, "--port", probes.ECHO_PORT,
            "--count", 20000]
    return lab.spawn("client", argv, "pingpong").result(60)["p50_us"]


def write_mappings(path, count):
    """Mappings of single addresses from 100.64.0.0 on; the IPv6 side is scattered over 2001:db8:aaaa::/48, as grown
    networks are."""
    mask = (1 << 64) - 1
    with open(path, "w", encoding="ascii") as out:
        for i in range(count):
            v = (i + 1) * 0x9E3779B97F4A7C15 & mask
            v = (v ^ v >> 31) * 0xBF58476D1CE4E5B9 & mask
            out.write(f"100.{64 + (i >> 16)}.{i >> 8 & 255}.{i & 255},"
                      f"2001:db8:aaaa:{v >> 48:x}:{v >> 32 & 0xFFFF:x}:{v >> 16 & 0xFFFF:x}:{v & 0xFFFF:x}:{i & 0xFFFF:x}\n")
