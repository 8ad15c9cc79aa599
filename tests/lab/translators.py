"""The programs that can sit on the gateway: our daemon, and tayga as an independent one to compare with.

Both offer start(), stop() and `device`; everything else (reload, counters, mappings) is our daemon's alone.
"""

import json
import os
import pathlib
import re
import shutil
import signal

from namespaces import OFFLOAD, LabError, wait_for

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]


def yonroku_binary():
    return pathlib.Path(os.environ.get("YONROKU", REPOSITORY / "build/release/yonroku"))


def with_offload(config):
    """The configuration with `offload:` in every instance, if the lab is to use one."""
    if not OFFLOAD:
        return config
    config = re.sub(r"^    offload: .*\n", "", config, flags=re.MULTILINE)  # it may have been written before
    return re.sub(r"^  - name: .*$", lambda line: f"{line[0]}\n    offload: {OFFLOAD}", config, flags=re.MULTILINE)


class Yonroku:
    """`yonroku run` in one node of a lab."""

    def __init__(self, lab, node, config, name="yonroku"):
        self.lab = lab
        self.node = node
        self.name = name
        self.process = None
        self.config_path = lab.folder / f"{name}.yaml"
        self.socket_path = lab.folder / f"{name}.sock"
        self.write_config(config)

    @property
    def config(self):
        return self.config_path.read_text()

    def write_config(self, config):
        """Replaces the configuration file; the control socket is always the lab's own."""
        self.config_path.write_text(f"control: {{socket: {self.socket_path}}}\n{with_offload(config)}")

    def start(self, seconds=10.0, environment=None, pin_to=None):
        if not yonroku_binary().exists():
            raise LabError(f"there is no {yonroku_binary()}: run ./dev build first")
        argv = [yonroku_binary(), "run", "--config", self.config_path]
        if pin_to is not None:
            argv = ["taskset", "-c", str(pin_to), *argv]
        self.process = self.lab.spawn(self.node, argv, self.name, environment)
        self.process.wait_for_line("ready", seconds)
        return self

    def stop(self):
        """A clean stop; returns the exit status."""
        return self.process.stop(signal.SIGTERM)

    def kill(self):
        self.process.stop(signal.SIGKILL)

    def reload(self, seconds=5.0):
        """SIGHUP; waits until the daemon said `reloaded`."""
        before = self.process.lines("reloaded")
        self.process.popen.send_signal(signal.SIGHUP)
        self.process.wait_for_line("reloaded", seconds, count=before + 1)

    def reload_badly(self, seconds=5.0):
        """SIGHUP with a configuration that must be refused; returns what the daemon said."""
        before = len(self.process.stderr)
        self.process.popen.send_signal(signal.SIGHUP)
        wait_for(lambda: len(self.process.stderr) > before, seconds, what="a complaint about the configuration")
        wait_for(lambda: self.process.stderr.endswith("\n"), seconds, what="the whole complaint")
        return self.process.stderr[before:]

    def command(self, *words, check=True, text_input=None, seconds=30.0):
        """Runs `yonroku <words> --socket …`; returns the CompletedProcess."""
        return self.lab.run(self.node, [yonroku_binary(), *words, "--socket", self.socket_path], seconds, check,
                            text_input)

    def show(self, topic):
        return json.loads(self.command("show", topic, "--json").stdout)

    def drops(self, reason, instance=None):
        """How many packets the daemon has dropped for a reason, over all instances or in one."""
        return sum(entry["drops"].get(reason, 0) for entry in self.counters(instance))

    def counters(self, instance=None):
        """The counters of each instance."""
        entries = self.show("counters")["instances"]
        return [entry for entry in entries if instance in (None, entry["name"])]

    def accounted(self, instance=None):
        """How many packets the daemon says it has dealt with: translated, or dropped for a reason."""
        return sum(entry[way] for entry in self.counters(instance) for way in ("to-ipv4", "to-ipv6", "hairpin")
                   ) + sum(sum(entry["drops"].values()) for entry in self.counters(instance))

    def mappings(self, *words, text_input=None, check=True):
        return self.command("mappings", *words, text_input=text_input, check=check)

    def cpu_seconds(self):
        """The processor time that the daemon has used so far."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Tayga:
    """tayga in one node, with the same duties: device, addresses and routes."""

    def __init__(self, lab, node, prefix, mappings, device="tayga", ipv4="192.0.0.9", name="tayga"):
        self.lab = lab
        self.node = node
        self.name = name
        self.device = device
        self.prefix = prefix
        self.mappings = mappings
        self.process = None
        self.config_path = lab.folder / f"{name}.conf"
        lines = [f"tun-device {device}", f"ipv4-addr {ipv4}", f"prefix {prefix}"]
        lines += [f"map {ipv4} {ipv6}" for ipv4, ipv6 in mappings]
        self.config_path.write_text("\n".join(lines) + "\n")

    @staticmethod
    def installed():
        return shutil.which("tayga", path="/usr/sbin:/usr/local/sbin:/usr/bin") is not None

    @property
    def config(self):
        return self.config_path.read_text()

    def start(self, pin_to=None):
        self.lab.run(self.node, ["tayga", "--mktun", "--config", self.config_path])
        self.lab.ip(self.node, f"link set {self.device} up")
        for ipv4, _ in self.mappings:
            self.lab.ip(self.node, f"route replace {ipv4} dev {self.device}")
        self.lab.ip(self.node, f"-6 route replace {self.prefix} dev {self.device}")
        argv = ["tayga", "--nodetach", "--config", self.config_path]
        if pin_to is not None:
            argv = ["taskset", "-c", str(pin_to), *argv]
        self.process = self.lab.spawn(self.node, argv, self.name)
        wait_for(lambda: "LOWER_UP" in self.lab.ip(self.node, f"link show {self.device}"), what="tayga's device")
        return self

    def stop(self):
        status = self.process.stop(signal.SIGTERM)
        self.lab.ip(self.node, f"link del {self.device}", check=False)
        return status
