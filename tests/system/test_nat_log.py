"""The NAT log at real receivers: rsyslog, nfcapd, ipfixDump. What arrives is what `yonroku show` says."""

import ipaddress
import json
import pathlib
import re
import signal
import socket
import subprocess
import time

import pytest
from namespaces import wait_for
from scenarios import Nat64

FLOWS = 200
FIELD = re.compile(r' ([A-Za-z-]+)="([^"]*)"')


def with_log(lab, receivers, more=""):
    folder = pathlib.Path(lab.folder) / "kept"
    return f"nat-log:\n  path: {folder}\n{more}{receivers}" + Nat64.CONFIG


def send_flows(lab, count=FLOWS, first=20000):
    """UDP from `count` ports of the client: a binding each."""
    lab.run("client", ["ping", "-c1", "-W2", "2001:db8:a::1"])  # neighbours that are unknown cost packets
    for port in range(first, first + count):
        with lab.socket("client", socket.AF_INET6, socket.SOCK_DGRAM) as one:
            one.bind(("", port))
            one.sendto(b"x", (Nat64.SERVER, 4000))


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

    def entries(self):
        lines = self.file.read_text().splitlines() if self.file.exists() else []
        return [fields(line) for line in lines]


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


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_syslog_has_every_binding(tmp_path, transport):
    port = Rsyslog.PORTS[transport]
    entry = f"  syslog:\n    - {{server: {Nat64.SERVER_IPV4}, port: {port}, transport: {transport}, facility: local3"
    if transport == "tls":
        make_certificates(tmp_path, f"IP:{Nat64.SERVER_IPV4}")
        entry += f", ca-file: {tmp_path}/ca.pem, certificate: {tmp_path}/client.pem, private-key: {tmp_path}/client.key"
    with Nat64() as lab:
        server = Rsyslog(lab, tmp_path, transport).start()
        lab.start(with_log(lab, entry + "}\n"))
        send_flows(lab)
        wait_for(lambda: len(created(server.entries())) >= FLOWS, what="all bindings at rsyslogd")
        received = created(server.entries())
        assert len(received) == len(set(received)), "each once"
        assert set(received) == bindings(lab)
        lab.translator.stop()
        wait_for(lambda: server.entries()[-1].get("event") == "instance-ended", what="the end")
        sequence = [int(e["sequenceId"]) for e in server.entries()]
        assert sequence == list(range(1, len(sequence) + 1))
        assert server.file.read_text().startswith("<157>1 "), "local3, notice"


def test_tls_refuses_another_name(tmp_path):
    make_certificates(tmp_path, "DNS:other.example")
    with Nat64() as lab:
        server = Rsyslog(lab, tmp_path, "tls").start()
        entry = f"{{server: {Nat64.SERVER_IPV4}, port: 6514, transport: tls, ca-file: {tmp_path}/ca.pem"
        entry += f", certificate: {tmp_path}/client.pem, private-key: {tmp_path}/client.key"
        lab.start(with_log(lab, f"  syslog:\n    - {entry}}}\n"))
        wait_for(lambda: "certificate is not good for" in lab.translator.process.stderr, what="a complaint")
        assert not server.entries()
        lab.translator.write_config(with_log(lab, f"  syslog:\n    - {entry}, server-name: other.example}}\n"))
        lab.translator.reload(seconds=15)  # the old receiver gets its 5 seconds first
        wait_for(lambda: server.entries(), what="something by the right name")


def test_a_stalled_receiver_stalls_nobody(tmp_path):
    """The queue holds 1024 entries, and the kernel's buffers some more; what comes then is counted."""
    entry = f"  syslog:\n    - {{server: {Nat64.SERVER_IPV4}, port: 5601, transport: tcp}}\n"
    with Nat64() as lab:
        lab.sysctl("server", {"net.ipv4.tcp_rmem": "4096 8192 16384"})
        lab.sysctl("gateway", {"net.ipv4.tcp_wmem": "4096 8192 16384"})
        server = Rsyslog(lab, tmp_path, "tcp").start()
        lab.start(with_log(lab, entry, "  queue: 1024\n"))
        wait_for(lambda: server.entries(), what="the first message")
        server.process.popen.send_signal(signal.SIGSTOP)
        for first in range(20000, 28000, 200):
            send_flows(lab, 200, first)
            time.sleep(0.02)  # the device's queue is not what is tested
        assert len(bindings(lab)) > 7500, "packets went on"
        server.process.popen.send_signal(signal.SIGCONT)
        wait_for(lambda: len(created(server.entries())) > 500, seconds=15, what="what was queued")
        time.sleep(1)
        send_flows(lab, 10, 30000)
        wait_for(lambda: any(e.get("event") == "log-lost" for e in server.entries()), seconds=15, what="a note of loss")
        wait_for(lambda: any(e[2] == 30009 for e in created(server.entries())), seconds=15, what="the last")
        lost = sum(int(e["count"]) for e in server.entries() if e.get("event") == "log-lost")
        received = set(created(server.entries()))
        assert lost > 0
        assert len(received) + lost == len(bindings(lab))
        assert received <= bindings(lab)


def test_a_receiver_that_is_away_gets_it_later(tmp_path):
    """First while the daemon runs, then over its restart."""
    entry = f"  syslog:\n    - {{server: {Nat64.SERVER_IPV4}, port: 5601, transport: tcp}}\n"
    with Nat64() as lab:
        server = Rsyslog(lab, tmp_path, "tcp").start()
        lab.start(with_log(lab, entry))
        wait_for(lambda: server.entries(), what="the first message")
        server.process.stop()
        send_flows(lab)
        server.start()
        wait_for(lambda: len(set(created(server.entries()))) >= FLOWS, seconds=20, what="all bindings at rsyslogd")
        assert set(created(server.entries())) == bindings(lab)
        server.process.stop()
        send_flows(lab, FLOWS, 30000)
        known = bindings(lab)
        assert len(known) == 2 * FLOWS
        lab.translator.process.stop(seconds=15)
        kept = list((pathlib.Path(lab.folder) / "kept").glob("*.unsent"))
        assert len(kept) == 1, lab.translator.process.stderr
        server.start()
        lab.start(with_log(lab, entry))
        wait_for(lambda: len(set(created(server.entries()))) >= 2 * FLOWS, seconds=20, what="what was kept")
        assert set(created(server.entries())) == known
        events = [e.get("event") for e in server.entries()]
        assert events.index("instance-ended") < len(events) - 1 - events[::-1].index("instance-began")
        wait_for(lambda: not kept[0].exists(), what="nothing is kept")


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


def test_ipfix_at_nfcapd(tmp_path):
    """NAT64 bindings as nfdump 1.7.1 shows them: natEvent 10, addresses, ports, protocol."""
    with Nat64() as lab:
        collector = Nfcapd(lab, tmp_path)
        lab.start(with_log(lab, f"  ipfix:\n    - {{server: {Nat64.SERVER_IPV4}}}\n"))
        send_flows(lab)
        time.sleep(2)
        known = bindings(lab)
        assert len(known) == FLOWS
        records = collector.stop()
        assert len(records) == FLOWS
        assert {(r["proto"], r["nat_event"]) for r in records} == {(17, "NAT64 BIB create")}
        assert {
            ("udp", r["src6_addr"], r["src_port"], r["src4_xlt_ip"], int(r["src_xlt_port"])) for r in records
        } == known


def test_ipfix_by_tcp_as_ipfixdump_reads_it(tmp_path):
    """Every element by name, port blocks with their range included."""
    file = tmp_path / "stream.ipfix"
    blocks = "    port-allocation: blocks\n    port-block-size: 64\n    port-blocks-per-subscriber: 8\n"
    with Nat64() as lab, lab.socket("server", socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((Nat64.SERVER_IPV4, 4739))
        listener.listen()
        lab.start(with_log(lab, f"  ipfix:\n    - {{server: {Nat64.SERVER_IPV4}, transport: tcp}}\n") + blocks)
        send_flows(lab, 300)
        shown = lab.translator.show("subscribers")["subscribers"]
        lab.translator.stop()
        listener.settimeout(5)
        stream = b""
        with listener.accept()[0] as connection:
            while piece := connection.recv(65536):
                stream += piece
        file.write_bytes(stream)
    text = subprocess.run(["ipfixDump", "--in", str(file)], check=True, capture_output=True, text=True).stdout
    values = {
        name: re.findall(rf"\) +{name} : (\S+)", text)
        for name in ("natEvent", "sourceIPv6Address", "postNATSourceIPv4Address", "portRangeStart", "portRangeEnd")
    }
    wanted = {tuple(map(int, b["ports"].split("-"))) for s in shown for b in s["port-blocks"]}
    assert len(wanted) == 5
    assert set(zip(map(int, values["portRangeStart"]), map(int, values["portRangeEnd"]), strict=True)) == wanted, text
    assert {ipaddress.ip_address(a) for a in values["sourceIPv6Address"]} == {ipaddress.ip_address(Nat64.CLIENT)}
    assert set(values["postNATSourceIPv4Address"]) == {Nat64.POOL}
