"""The NAT log in a Kafka cluster, plain and behind TLS and SASL. It is librdkafka's own, in another process."""

import json

import pytest
from kafka import Cluster, Door
from log_receivers import FLOWS, bindings, created, make_certificates, send_flows, with_log
from namespaces import wait_for
from scenarios import CustomerEdge, Nat64

USER, PASSWORD = "gateway", "not a secret, but long"


def section(port, more=""):
    return f"  kafka:\n    - {{brokers: ['127.0.0.1:{port}'], topic: nat{more}}}\n"


def entries(cluster):
    return [json.loads(value) for _, value in cluster.messages()]


def all_arrive(lab, cluster, count=FLOWS):
    """Every binding that the daemon has is there, once."""
    wait_for(lambda: len(created(entries(cluster))) >= count, seconds=20, step=0.5, what="all bindings in the cluster")
    received = created(entries(cluster))
    assert len(received) == len(set(received)), "each once"
    assert set(received) == bindings(lab)


def receiver(lab):
    """What the daemon says of the cluster."""
    return lab.translator.show("status")["nat-log"]["receivers"][-1]


def complaint(lab, words):
    wait_for(lambda: words in (receiver(lab)["error"] or ""), seconds=15, step=0.2, what=f"'{words}'")


def test_every_binding_of_a_nat64():
    with Nat64() as lab:
        cluster = Cluster(lab, "gateway", "nat")
        lab.start(with_log(lab, section(cluster.port), "  store: false\n"))
        send_flows(lab)
        all_arrive(lab, cluster)
        keys = {key for key, value in cluster.messages() if "binding" in value}
        assert keys == {Nat64.CLIENT}
        assert receiver(lab)["error"] is None
        lab.translator.stop()
        wait_for(lambda: entries(cluster)[-1]["event"] == "instance-ended", what="the last one at the consumer")
        assert cluster.messages()[-1][0] == "nat"


def test_every_session_of_an_aftr():
    """Two hosts behind one B4, one behind another that has the same private address."""
    with CustomerEdge("ds-lite") as lab:
        cluster = Cluster(lab, "br", "nat")
        lab.start(f"nat-log:\n  path: {lab.folder}/kept\n  events: sessions\n  destinations: true\n" + section(cluster.port))
        hosts = {"client": 0, "sibling": 0, "friend": 1}
        for node in hosts:
            lab.run(node, ["ping", "-c1", "-W2", lab.SERVER])
            send_flows(lab, 50, node=node, server=lab.SERVER)
        wanted = {
            (lab.B4S["ds-lite"][customer], lab.SIBLING if node == "sibling" else lab.CLIENT, port)
            for node, customer in hosts.items()
            for port in range(20000, 20050)
        }

        def sessions():
            return [e for e in entries(cluster) if e["event"] == "session-created" and e["protocol"] == "udp"]

        wait_for(lambda: len(sessions()) >= len(wanted), seconds=20, step=0.5, what="all sessions in the cluster")
        assert {(e["inside"], e["inside-ipv4"], e["inside-port"]) for e in sessions()} == wanted
        assert {(e["outside"], e["remote"], e["remote-port"]) for e in sessions()} == {(lab.SHARED, lab.SERVER, 4000)}
        places = [(s["inside"], s["inside-ipv4"], s["inside-port"], s["outside-port"])
                  for s in lab.translator.show("sessions")["sessions"] if s["protocol"] == "udp"]  # fmt: skip
        assert sorted(places) == sorted(
            (e["inside"], e["inside-ipv4"], e["inside-port"], e["outside-port"]) for e in sessions()
        )


@pytest.mark.parametrize(
    ("transport", "mechanism"),
    [("tls", None), ("tls", "PLAIN"), ("tcp", "PLAIN"), ("tcp", "SCRAM-SHA-256"), ("tls", "SCRAM-SHA-512")],
)
def test_tls_and_sasl(tmp_path, transport, mechanism):
    make_certificates(tmp_path, "IP:127.0.0.1")
    password = tmp_path / "password"
    password.write_text(PASSWORD + "\n")
    password.chmod(0o600)
    more = f", transport: {transport}"
    if transport == "tls":
        more += f", ca-file: {tmp_path}/ca.pem"
    if mechanism:
        more += f", sasl-mechanism: {mechanism}, username: {USER}, password-file: {password}"
    with Nat64() as lab:
        cluster = Cluster(lab, "gateway", "nat")
        certificate = (tmp_path / "server.pem", tmp_path / "server.key") if transport == "tls" else None
        door = Door(lab, "gateway", cluster, certificate, mechanism, {USER: PASSWORD})
        lab.start(with_log(lab, section(door.port, more), "  store: false\n"))
        send_flows(lab)
        all_arrive(lab, cluster)
        assert door.requests > 1
        door.close()


def test_an_unknown_authority_gets_nothing(tmp_path):
    """The broker's certificate is signed by somebody else, then is for somebody else."""
    other = tmp_path / "other"
    other.mkdir()
    make_certificates(tmp_path, "IP:127.0.0.1")
    make_certificates(other, "DNS:other.example")
    with Nat64() as lab:
        cluster = Cluster(lab, "gateway", "nat")
        good = Door(lab, "gateway", cluster, (tmp_path / "server.pem", tmp_path / "server.key"))
        wrong_name = Door(lab, "gateway", cluster, (other / "server.pem", other / "server.key"))
        tls = f", transport: tls, ca-file: {other}/ca.pem"
        lab.start(with_log(lab, section(good.port, tls), "  store: false\n"))
        complaint(lab, "certificate verify failed")
        lab.translator.write_config(with_log(lab, section(wrong_name.port, tls), "  store: false\n"))
        lab.translator.reload(seconds=15)
        complaint(lab, "certificate verify failed")
        send_flows(lab)
        assert good.requests == wrong_name.requests == 0
        assert good.refused > 0 < wrong_name.refused
        tls = f", transport: tls, ca-file: {tmp_path}/ca.pem"
        lab.translator.write_config(with_log(lab, section(good.port, tls), "  store: false\n"))
        lab.translator.reload(seconds=15)
        wait_for(lambda: entries(cluster), seconds=15, step=0.5, what="something by the right name")


def test_a_wrong_password_gets_nothing_in(tmp_path):
    password = tmp_path / "password"
    password.write_text("wrong\n")
    more = f", sasl-mechanism: SCRAM-SHA-256, username: {USER}, password-file: {password}"
    with Nat64() as lab:
        cluster = Cluster(lab, "gateway", "nat")
        door = Door(lab, "gateway", cluster, None, "SCRAM-SHA-256", {USER: PASSWORD})
        password.chmod(0o644)
        lab.start(with_log(lab, section(door.port, more), "  store: false\n"))
        complaint(lab, "everybody may read the password")
        password.chmod(0o600)  # It tries again.
        complaint(lab, "SASL authentication error")
        assert door.requests == 0
