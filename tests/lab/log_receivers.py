"""What receives the log in tests: rsyslog and nfcapd, and what they got in the words of `yonroku show`."""

import json
import pathlib
import re
import socket
import subprocess

from namespaces import wait_for
from scenarios import Nat64

FLOWS = 200
FIELD = re.compile(r' ([A-Za-z0-9-]+)="([^"]*)"')


def with_log(lab, receivers, more=""):
    folder = pathlib.Path(lab.folder) / "kept"
    return f"nat-log:\n  path: {folder}\n{more}{receivers}" + Nat64.CONFIG


def send_flows(lab, count=FLOWS, first=20000, node="client", server=Nat64.SERVER):
    """UDP from `count` ports of a node: a binding each."""
    if node == "client" and server == Nat64.SERVER:
        lab.run(node, ["ping", "-c1", "-W2", "2001:db8:a::1"])  # neighbours that are unknown cost packets
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    for port in range(first, first + count):
        with lab.socket(node, family, socket.SOCK_DGRAM) as one:
            one.bind(("", port))
            one.sendto(b"x", (server, 4000))


def bindings(lab):
    """What the daemon says that it has: (protocol, inside, inside port, outside, outside port)."""
    shown = lab.translator.show("bindings")["bindings"]
    return {
        (b["protocol"], b["inside"], b["inside-port"], b["outside"], b["outside-port"])
        for b in shown
        if b["protocol"] != "icmp"
    }


def fields(line):
    return dict(FIELD.findall(line))


def created(entries):
    return [
        (e["protocol"], e["inside"], int(e["inside-port"]), e["outside"], int(e["outside-port"]))
        for e in entries
        if e.get("event") == "binding-created" and e["protocol"] != "icmp"
    ]


class Rsyslog:
    """rsyslogd that writes whole messages as they came to a file."""

    PORTS = {"udp": 5514, "tcp": 5601, "tls": 6514}

    def __init__(self, lab, folder, transport):
        self.lab, self.folder, self.file, self.transport = lab, folder, folder / "received", transport
        driver = {"udp": "", "tcp": ""}.get(transport)
        if driver is None:
            driver = (
                f'global(DefaultNetstreamDriver="ossl" DefaultNetstreamDriverCAFile="{folder}/ca.pem" '
                f'DefaultNetstreamDriverCertFile="{folder}/server.pem" '
                f'DefaultNetstreamDriverKeyFile="{folder}/server.key")\n'
            )
        mode = ' StreamDriver.Name="ossl" StreamDriver.Mode="1" StreamDriver.AuthMode="x509/certvalid"' if driver else ""
        module = 'module(load="imudp")' if transport == "udp" else f'module(load="imtcp" KeepAlive="on"{mode})'
        kind = "imudp" if transport == "udp" else "imtcp"
        # The usual 208 KiB are less than a burst of 200 datagrams.
        room = ' rcvbufSize="4m"' if transport == "udp" else ""
        self.config = folder / "rsyslog.conf"
        self.config.write_text(
            f'{driver}global(workDirectory="{folder}")\n{module}\ninput(type="{kind}" port="{self.PORTS[transport]}"{room})\n'
            f'template(name="raw" type="string" string="%rawmsg%\\n")\n'
            f'action(type="omfile" file="{self.file}" template="raw")\n'
        )
        self.process = None

    def start(self):
        self.process = self.lab.spawn(
            "server", ["rsyslogd", "-n", "-f", str(self.config), "-i", str(self.folder / "pid")], "rsyslogd"
        )
        kind = "-lun" if self.transport == "udp" else "-ltn"
        port = self.PORTS[self.transport]
        wait_for(lambda: f":{port} " in self.lab.run("server", ["ss", kind]).stdout, what="rsyslogd listens")
        return self

    def lines(self):
        return self.file.read_text().splitlines() if self.file.exists() else []

    def entries(self):
        return [fields(line) for line in self.lines()]


def make_certificates(folder, name):
    """A CA, a certificate of the server for `name`, and one of ours."""

    def openssl(*words):
        subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=folder)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=test CA")
    for who, alternative in (("server", name), ("client", "DNS:gateway.example")):
        openssl("req", *key, "-keyout", f"{who}.key", "-out", f"{who}.csr", "-subj", f"/CN={who}")
        (folder / "extension").write_text(f"subjectAltName={alternative}\n")
        openssl("x509", "-req", "-in", f"{who}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                "-days", "2", "-extfile", "extension", "-out", f"{who}.pem")  # fmt: skip


class Nfcapd:
    """nfcapd in the server's namespace; what it stored, as nfdump tells it."""

    def __init__(self, lab, folder):
        self.lab, self.folder = lab, folder
        self.process = lab.spawn("server", ["nfcapd", "-w", str(folder), "-p", "4739", "-t", "3600", "-b", "0.0.0.0"], "nfcapd")
        wait_for(lambda: ":4739 " in lab.run("server", ["ss", "-lun"]).stdout, what="nfcapd listens")

    def stop(self):
        self.process.stop()
        shown = self.lab.run("server", ["nfdump", "-R", str(self.folder), "-o", "json", "-q"]).stdout
        return json.loads(f"[{shown}]")
