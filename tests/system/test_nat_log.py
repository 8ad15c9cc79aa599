"""The NAT log at real receivers: rsyslog, nfcapd, ipfixDump. What arrives is what `yonroku show` says."""

import contextlib
import ipaddress
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import threading
import time

import pytest
from log_receivers import FLOWS, Nfcapd, Rsyslog, bindings, created, make_certificates, send_flows, with_log
from namespaces import wait_for
from scenarios import Nat64


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
        lab.translator.reload(seconds=3)  # it does not wait for the old receiver, which has 5 seconds more
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


@contextlib.contextmanager
def collecting(lab, address, file):
    """Somebody listens at port 4739 of the server; what comes in one connection is in the file afterwards."""
    with lab.socket("server", socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, 4739))
        listener.listen()
        yield
        listener.settimeout(5)
        stream = b""
        with listener.accept()[0] as connection:
            connection.settimeout(5)
            while piece := connection.recv(65536):
                stream += piece
        file.write_bytes(stream)


def ipfix_values(file, *names):
    """As ipfixDump reads them: the values of each element."""
    text = subprocess.run(["ipfixDump", "--in", str(file)], check=True, capture_output=True, text=True).stdout
    return [re.findall(rf"\) +{name} : (\S+)", text) for name in names]


def test_ipfix_by_tcp_as_ipfixdump_reads_it(tmp_path):
    """Every element by name, port blocks with their range included."""
    blocks = "    port-allocation: blocks\n    port-block-size: 64\n    port-blocks-per-subscriber: 8\n"
    with Nat64() as lab, collecting(lab, Nat64.SERVER_IPV4, tmp_path / "stream"):
        lab.start(with_log(lab, f"  ipfix:\n    - {{server: {Nat64.SERVER_IPV4}, transport: tcp}}\n") + blocks)
        send_flows(lab, 300)
        shown = lab.translator.show("subscribers")["subscribers"]
        lab.translator.stop()
    first, last, inside, outside = ipfix_values(
        tmp_path / "stream", "portRangeStart", "portRangeEnd", "sourceIPv6Address", "postNATSourceIPv4Address"
    )
    wanted = {tuple(map(int, b["ports"].split("-"))) for s in shown for b in s["port-blocks"]}
    assert len(wanted) == 5
    assert set(zip(map(int, first), map(int, last), strict=True)) == wanted
    assert {ipaddress.ip_address(a) for a in inside} == {ipaddress.ip_address(Nat64.CLIENT)}
    assert set(outside) == {Nat64.POOL}


class SlowTlsServer:
    """Looks at the certificate of who comes only after a while (RFC 8446 §2: the client is done before that)."""

    def __init__(self, lab, folder, seconds):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(folder / "ca.pem")
        context.load_cert_chain(folder / "server.pem", folder / "server.key")
        with lab.inside("server"):
            self.socket = socket.create_server((Nat64.SERVER_IPV4, 4740))
        threading.Thread(target=self.serve, args=(context, seconds), daemon=True).start()

    def serve(self, context, seconds):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.socket.accept()
                with connection, contextlib.suppress(OSError):
                    self.refuse(connection, context, seconds)

    def refuse(self, connection, context, seconds):
        said, ours = ssl.MemoryBIO(), ssl.MemoryBIO()
        session = context.wrap_bio(said, ours, server_side=True)
        try:
            while octets := connection.recv(65536):
                said.write(octets)
                with contextlib.suppress(ssl.SSLWantReadError):
                    session.do_handshake()
                connection.sendall(ours.read())
                time.sleep(seconds)
        except ssl.SSLError:  # an OSError too
            connection.sendall(ours.read())


def test_a_refusal_after_the_handshake_loses_nothing(tmp_path):
    make_certificates(tmp_path, f"IP:{Nat64.SERVER_IPV4}")
    entry = f"{{server: {Nat64.SERVER_IPV4}, transport: tls, ca-file: {tmp_path}/ca.pem}}"
    with Nat64() as lab:
        server = SlowTlsServer(lab, tmp_path, 0.2)
        with server.socket:
            lab.start(with_log(lab, f"  store: false\n  ipfix:\n    - {entry}\n"))
            send_flows(lab, 10)

            def receiver():
                return lab.translator.show("status")["nat-log"]["receivers"][0]

            wait_for(lambda: receiver()["error"], seconds=10, what="a complaint")
            assert "certificate required" in receiver()["error"]
            one = receiver()
            assert (one["written"], one["lost"]) == (0, 0)
            assert one["waiting"] >= 10


HAPROXY = """\
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend ipfix
  bind %(address)s:4740 ssl crt %(folder)s/both.pem ca-file %(folder)s/ca.pem verify required
  default_backend collector
backend collector
  server one %(address)s:4739
"""


def test_ipfix_by_tls(tmp_path):
    """haproxy ends TLS before a collector, and lets nobody in without a certificate (RFC 7011 §11.3)."""
    make_certificates(tmp_path, f"IP:{Nat64.SERVER_IPV4}")
    (tmp_path / "both.pem").write_text((tmp_path / "server.pem").read_text() + (tmp_path / "server.key").read_text())
    (tmp_path / "haproxy.cfg").write_text(HAPROXY % {"address": Nat64.SERVER_IPV4, "folder": tmp_path})
    entry = f"server: {Nat64.SERVER_IPV4}, transport: tls, ca-file: {tmp_path}/ca.pem"
    ours = f"{entry}, certificate: {tmp_path}/client.pem, private-key: {tmp_path}/client.key"
    with Nat64() as lab, collecting(lab, Nat64.SERVER_IPV4, tmp_path / "stream"):
        lab.spawn("server", ["haproxy", "-db", "-f", str(tmp_path / "haproxy.cfg")], "haproxy")
        wait_for(lambda: ":4740 " in lab.run("server", ["ss", "-ltn"]).stdout, what="haproxy listens")
        lab.start(with_log(lab, f"  store: false\n  ipfix:\n    - {{{entry}}}\n"))
        send_flows(lab, 10)

        def status():
            return lab.translator.show("status")["nat-log"]["receivers"][0]

        wait_for(lambda: status()["error"], seconds=10, what="a complaint")
        lab.translator.write_config(with_log(lab, f"  store: false\n  ipfix:\n    - {{{ours}}}\n"))
        lab.translator.reload()
        send_flows(lab, FLOWS, 30000)
        known = bindings(lab)
        wait_for(lambda: status()["waiting"] == 0 and not status()["error"], seconds=10, what="all is sent")
        lab.translator.stop()
    event, *rest = ipfix_values(
        tmp_path / "stream", "natEvent", "sourceIPv6Address", "sourceTransportPort", "postNATSourceIPv4Address",
        "postNAPTSourceTransportPort",
    )  # fmt: skip
    assert set(event) == {"10"}, "NAT64 bindings"
    told = {
        ("udp", str(ipaddress.ip_address(inside)), int(port), outside, int(outside_port))
        for inside, port, outside, outside_port in zip(*rest, strict=True)
    }
    assert told == known
