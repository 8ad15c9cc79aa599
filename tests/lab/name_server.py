"""unbound as a name server of the lab: it answers for a zone, or makes a DNS64's answers of somebody else's (RFC 6147)."""

import shutil

from namespaces import wait_for


class Unbound:
    """`options` go to its server section; what it does not know it asks at `forward_to`, and nobody else."""

    def __init__(self, lab, node, name, options, forward_to=None):
        self.lab, self.node, self.name, self.process = lab, node, name, None
        self.config_path = lab.folder / f"{name}.conf"
        lines = ["server:", "do-daemonize: no", "use-syslog: no", 'logfile: ""', 'username: ""', 'chroot: ""',
                 f'directory: "{lab.folder}"', f'pidfile: "{lab.folder}/{name}.pid"', "num-threads: 1", "do-not-query-localhost: no",
                 *options, "remote-control:", "control-enable: no"]
        if forward_to:
            lines += ["forward-zone:", 'name: "."', f"forward-addr: {forward_to}"]
        self.config_path.write_text("\n".join(lines) + "\n")

    @staticmethod
    def installed():
        return shutil.which("unbound", path="/usr/sbin:/usr/local/sbin:/usr/bin") is not None

    def start(self):
        self.process = self.lab.spawn(self.node, ["unbound", "-d", "-c", self.config_path], self.name)
        wait_for(lambda: ":53 " in self.lab.run(self.node, ["ss", "-Hlun"]).stdout, what=f"{self.name} listening")
        return self
