"""`yonroku reload --dry-run` names the sessions that a reload then ends, and no others."""

import json
import socket

import probes
import pytest
from namespaces import wait_for
from scenarios import Nat64

STATIC = """\
    static-bindings:
      - {protocol: tcp, inside: '2001:db8:b::2', inside-port: 80, outside: 192.0.2.1, outside-port: 80}
"""
MANY, FEWER = (Nat64.CONFIG.replace("1024-65535", ports) for ports in ("2000-2399", "2000-2199"))


@pytest.fixture(params=[1, 2], ids=["one-worker", "two-workers"])
def nat(request):
    with Nat64() as lab:
        lab.workers = f"    workers: {request.param}\n"
        lab.start(MANY + STATIC + lab.workers)
        probes.serve_echo(lab, "server", "0.0.0.0")
        yield lab
        assert lab.translator.process.running(), lab.translator.process.stderr


def open_sessions(lab, count):
    """As many UDP sockets of the client, each with an answered session."""
    sockets = []
    for _ in range(count):
        made = lab.socket("client", socket.AF_INET6, socket.SOCK_DGRAM)
        made.settimeout(2)
        made.connect((lab.SERVER, probes.ECHO_PORT))
        made.send(b"hello")
        assert made.recv(100) == b"hello"
        sockets.append(made)
    return sockets


def key(session):
    return session["inside-port"], session["outside-port"]


def sessions(lab):
    return {key(session) for session in lab.translator.show("sessions")["sessions"]}


def dry_run(lab, *options):
    lines = lab.translator.command("reload", "--dry-run", "--json", *options).stdout.splitlines()
    *ends, sums = map(json.loads, lines)
    return ends, {instance["name"]: instance for instance in sums["instances"]}


def test_names_exactly_what_ends(nat):
    sockets = open_sessions(nat, 90)  # after the change a worker of two has 100 ports
    before = sessions(nat)
    assert len(before) == 90
    nat.translator.write_config(FEWER + nat.workers)
    ends, sums = dry_run(nat, "--all")
    static = [entry for entry in ends if entry["reason"] == "static-binding-removed"]
    assert [entry["outside-port"] for entry in static] == [80]
    told = {key(entry) for entry in ends if entry["reason"] == "port-not-given-out"}
    assert {entry for entry in before if entry[1] > 2199} <= told < before
    assert sums["nat"]["sessions"] == len(told) and sums["nat"]["bindings"] == len(told) + 1
    text = nat.translator.command("reload", "--dry-run", "--limit", "1").stdout
    assert f"nat: {len(told)} sessions and {len(told) + 1} bindings end" in text
    assert f"{len(told)} more are not listed" in text
    assert sessions(nat) == before, "a dry run changes nothing"

    assert nat.translator.command("reload").stdout == "reloaded\n"
    wait_for(lambda: sessions(nat) == before - told, 2, what="exactly these to end, with the next batch")
    for made in sockets:
        made.send(b"again")
        assert made.recv(100) == b"again"
    assert before - told <= sessions(nat), "those that were not named kept their ports"


def test_says_when_nothing_ends_and_what_is_wrong(nat):
    open_sessions(nat, 3)
    nat.translator.write_config(MANY + STATIC + nat.workers + "    udp-timeout: 200\n")
    assert nat.translator.command("reload", "--dry-run").stdout == "nat: nothing ends\n"
    nat.translator.write_config(MANY + STATIC + "    workers: 3\n")
    for words in (("reload", "--dry-run"), ("reload",)):
        refused = nat.translator.command(*words, check=False)
        assert refused.returncode == 1 and "workers" in refused.stderr
    nat.translator.write_config(MANY.replace("name: nat", "name: other") + nat.workers)
    ends, sums = dry_run(nat)
    assert {entry["reason"] for entry in ends} == {"nat-removed"} and len(ends) == 4
    assert (sums["nat"]["change"], sums["other"]["change"]) == ("removed", "added")
    assert len(sessions(nat)) == 3
