"""Network namespaces, veth links and the processes inside them, all of which go away again.

Every lab has a short random tag; its namespaces are called yonroku-<tag>-<node>. Links are created inside the
namespaces, so the root namespace never sees an interface of ours. `Namespaces.close()` ends what runs inside, removes
everything and may be called twice; `guard()` turns signals into exceptions so that a `with` block always gets there.
A file in /run/yonroku-lab remembers each lab, which lets `lab.py down` clear up after a kill -9 and after --keep.
"""

import contextlib
import ctypes
import json
import os
import pathlib
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import time

# `tc`, `xdp` or `auto` in the environment: every instance of ours offloads, and links are made for it.
OFFLOAD = os.environ.get("YONROKU_LAB_OFFLOAD", "")
STATE_FOLDER = pathlib.Path("/run/yonroku-lab")
NETNS_FOLDER = pathlib.Path("/etc/netns")
CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


class LabError(Exception):
    """Something that the lab itself needs did not work."""


def why_no_lab():
    """The reason why this machine can't run the lab, or None."""
    if os.geteuid() != 0:
        return "needs root (network namespaces)"
    if not os.path.exists("/dev/net/tun"):
        return "needs /dev/net/tun"
    if not shutil.which("ip"):
        return "needs iproute2"
    return None


@contextlib.contextmanager
def guard():
    """SIGTERM and SIGHUP end the block as Ctrl-C does: through `finally`."""

    def leave(number, _frame):
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def wait_for(condition, seconds=5.0, step=0.02, what="condition"):
    """Polls until `condition()` is true and returns its value; raises LabError when the time is up."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise LabError(f"{what}: not within {seconds:g} s")
        time.sleep(step)


class Process:
    """A program in a namespace, its output in files."""

    def __init__(self, namespace, argv, folder, name, environment=None, stdin=None):
        self.argv = argv
        self.name = name
        self.stdout_path = folder / f"{name}.out"
        self.stderr_path = folder / f"{name}.err"
        with open(self.stdout_path, "wb") as out, open(self.stderr_path, "wb") as err:
            self.popen = subprocess.Popen(  # `ip netns exec` becomes the program, so the pid is the program's.
                ["ip", "netns", "exec", namespace, *map(str, argv)],
                stdin=stdin or subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env={**os.environ, **(environment or {})},
            )

    @property
    def pid(self):
        return self.popen.pid

    @property
    def stdout(self):
        return self.stdout_path.read_text(errors="replace")

    @property
    def stderr(self):
        return self.stderr_path.read_text(errors="replace")

    def running(self):
        return self.popen.poll() is None

    def lines(self, text):
        """How many lines on standard error say `text`, or end in it."""
        return sum(line == text or line.endswith(" " + text) for line in self.stderr.splitlines())

    def wait_for_line(self, text, seconds=5.0, count=1):
        """Waits until `text` appeared on standard error `count` times."""

        def seen():
            if self.lines(text) >= count:
                return True
            if not self.running():
                raise LabError(f"{self.name} ended with {self.popen.returncode} before it said '{text}':\n{self.stderr}")
            return False

        wait_for(seen, seconds, what=f"{self.name} saying '{text}'")

    def go_first(self):
        """Gives the process the priority that a router's own has, so that other work here does not decide a test."""
        for task in os.listdir(f"/proc/{self.pid}/task"):
            os.setpriority(os.PRIO_PROCESS, int(task), -15)

    def wait(self, seconds=10.0):
        """Waits for the end; returns the exit status."""
        try:
            return self.popen.wait(seconds)
        except subprocess.TimeoutExpired as error:
            raise LabError(f"{self.name} still runs after {seconds:g} s") from error

    def stop(self, number=signal.SIGTERM, seconds=5.0):
        """Sends a signal, waits, and kills if that did not help; returns the exit status."""
        if self.running():
            self.popen.send_signal(number)
            try:
                self.popen.wait(seconds)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()
        return self.popen.returncode

    def result(self, seconds=30.0):
        """The JSON that the program printed, once it has ended."""
        status = self.wait(seconds)
        if status != 0:
            raise LabError(f"{shlex.join(map(str, self.argv))} ended with {status}:\n{self.stderr}")
        return json.loads(self.stdout)


class Namespaces:
    """The namespaces of one lab."""

    def __init__(self):
        reason = why_no_lab()
        if reason:
            raise LabError(f"the lab {reason}")
        self.tag = secrets.token_hex(2)
        self.nodes = []
        self.processes = []
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"yonroku-lab-{self.tag}-"))
        self.folder.chmod(0o755)
        self.kept = False
        self._remember()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if not self.kept:
            self.close()

    # Nodes and links

    def full_name(self, node):
        return f"yonroku-{self.tag}-{node}"

    def add(self, *nodes, forwarding=()):
        """Creates namespaces; those in `forwarding` become routers."""
        for node in nodes:
            self.nodes.append(node)
            self._remember()
            _run(["ip", "netns", "add", self.full_name(node)])
            self.ip(node, "link set lo up")
            settings = {
                "net.ipv4.conf.all.rp_filter": 0,
                "net.ipv4.conf.default.rp_filter": 0,
                "net.ipv6.conf.default.accept_dad": 0,
                "net.ipv6.conf.default.accept_ra": 0,
                # Ping and traceroute send faster than a host may answer by default.
                "net.ipv4.icmp_ratelimit": 0,
                "net.ipv6.icmp.ratelimit": 0,
            }
            if node in forwarding:
                settings |= {"net.ipv4.ip_forward": 1, "net.ipv6.conf.all.forwarding": 1}
            self.sysctl(node, settings)

    def link(self, a, b, mtu=1500):
        """A veth pair between two nodes; each end is named after the node that it leads to."""
        _run(["ip", "-n", self.full_name(a), "link", "add", f"to-{b}", "type", "veth", "peer", "name", f"to-{a}",
              "netns", self.full_name(b)])
        for node, peer in ((a, b), (b, a)):
            self.ip(node, f"link set to-{peer} mtu {mtu} up")
            if OFFLOAD == "xdp":
                # Frames that XDP programs see have no unfinished checksums, and those that they send are taken by a
                # receiver that polls.
                self.run(node, ["ethtool", "-K", f"to-{peer}", "tx", "off", "tso", "off", "gro", "on"])

    def address(self, node, device, *addresses):
        for address in addresses:
            self.ip(node, f"addr add {address} dev {device}" + (" nodad" if ":" in address else ""))

    def route(self, node, destination, gateway, extra=""):
        family = "-6" if ":" in destination + gateway else "-4"
        self.ip(node, f"{family} route replace {destination} via {gateway} {extra}")

    def mtu(self, a, b, mtu):
        """Gives both ends of the link between two nodes this MTU."""
        self.ip(a, f"link set to-{b} mtu {mtu}")
        self.ip(b, f"link set to-{a} mtu {mtu}")

    def prepare_for_xdp(self, *ends):
        """Makes the veth links carry what XDP programs on them expect: checksums that are complete (no checksum or
        segmentation offload at any sender) and, at `ends`, which have no XDP program themselves, a receiver that takes
        redirected frames (GRO)."""
        for node in self.nodes:
            for device in self.devices(node):
                gro = ["gro", "on"] if node in ends else []
                self.run(node, ["ethtool", "-K", device, "tx", "off", "tso", "off", *gro])

    def devices(self, node):
        """The links of a node."""
        return [entry["ifname"] for entry in json.loads(self.ip(node, "-json link show type veth"))]

    def mac(self, node, device):
        return json.loads(self.ip(node, f"-json link show {device}"))[0]["address"]

    def has_xdp(self, node, device):
        """Whether an XDP program is attached."""
        return "xdp" in json.loads(self.ip(node, f"-json link show {device}"))[0]

    def ip(self, node, command, check=True):
        """Runs `ip <command>` in a node; returns its output."""
        words = shlex.split(command)
        return _run(["ip", "-n", self.full_name(node), *words], check=check)

    def sysctl(self, node, settings):
        assignments = [f"{name}={value}" for name, value in settings.items()]
        self.run(node, ["sysctl", "-q", "-w", *assignments])

    def resolver(self, node, address):
        """Programs in the node ask this name server."""
        folder = NETNS_FOLDER / self.full_name(node)  # `ip netns exec` puts what is here over /etc.
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "resolv.conf").write_text(f"nameserver {address}\noptions timeout:1 attempts:3\n")

    # Programs

    def run(self, node, argv, seconds=30.0, check=True, text_input=None):
        """Runs a program in a node to its end; returns the CompletedProcess."""
        argv = shlex.split(argv) if isinstance(argv, str) else [str(word) for word in argv]
        try:
            done = subprocess.run(["ip", "netns", "exec", self.full_name(node), *argv], input=text_input, text=True,
                                  errors="replace", capture_output=True, timeout=seconds, check=False)
        except subprocess.TimeoutExpired as error:
            raise LabError(f"{node}: {shlex.join(argv)} did not end within {seconds:g} s") from error
        if check and done.returncode != 0:
            raise LabError(f"{node}: {shlex.join(argv)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done

    def spawn(self, node, argv, name, environment=None):
        """Starts a program in a node; it ends with the lab at the latest."""
        argv = shlex.split(argv) if isinstance(argv, str) else argv
        unique = f"{name}-{len(self.processes)}"
        process = Process(self.full_name(node), argv, self.folder, unique, environment)
        self.processes.append(process)
        return process

    @contextlib.contextmanager
    def inside(self, node):
        """Code in this block (of this thread) is in the node's network namespace: sockets made here stay there."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        there = os.open(f"/run/netns/{self.full_name(node)}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            _setns(there)
            yield
        finally:
            _setns(home)
            os.close(there)
            os.close(home)

    def socket(self, node, *arguments):
        with self.inside(node):
            return socket.socket(*arguments)

    # The end

    def close(self):
        """Ends every process in the namespaces and removes them."""
        before = {}
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with contextlib.suppress(ValueError):  # Only the main thread may.
                before[number] = signal.signal(number, signal.SIG_IGN)
        try:
            for process in reversed(self.processes):
                process.stop(seconds=2.0)
            remove({"nodes": [self.full_name(node) for node in self.nodes], "folder": str(self.folder)})
            (STATE_FOLDER / f"{self.tag}.json").unlink(missing_ok=True)
            self.nodes.clear()
            self.processes.clear()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def keep(self):
        """Leaves the lab up after this program; `lab.py down` removes it."""
        self.kept = True
        self._remember()

    def _remember(self):
        STATE_FOLDER.mkdir(exist_ok=True)
        state = {"tag": self.tag, "owner": os.getpid(), "kept": self.kept, "folder": str(self.folder),
                 "nodes": [self.full_name(node) for node in self.nodes]}
        (STATE_FOLDER / f"{self.tag}.json").write_text(json.dumps(state))


def remove(state):
    """Removes the namespaces of one remembered lab with everything that runs inside."""
    for name in state["nodes"]:
        if not name.startswith("yonroku-"):
            continue
        shutil.rmtree(NETNS_FOLDER / name, ignore_errors=True)
        if not os.path.exists(f"/run/netns/{name}"):
            continue
        for pid in _run(["ip", "netns", "pids", name], check=False).split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        _run(["ip", "netns", "del", name], check=False)
    if pathlib.Path(state["folder"]).name.startswith("yonroku-lab-"):
        shutil.rmtree(state["folder"], ignore_errors=True)


def remembered_labs():
    """The states of all labs that a file in /run/yonroku-lab remembers, with `alive` saying if their owner runs."""
    for path in sorted(STATE_FOLDER.glob("*.json")):
        try:
            state = json.loads(path.read_text())
        except (OSError, ValueError):
            continue
        yield path, state | {"alive": os.path.exists(f"/proc/{state['owner']}") and not state["kept"]}


def _setns(descriptor):
    if _libc.setns(descriptor, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def _run(argv, check=True):
    done = subprocess.run(argv, text=True, capture_output=True, timeout=30, check=False)
    if check and done.returncode != 0:
        raise LabError(f"{shlex.join(argv)} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout
