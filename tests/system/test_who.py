"""Who was it: real traffic, then the question that an operator is asked; also after kill -9."""

import csv
import datetime
import io
import json
import socket
import time

import pytest
from namespaces import wait_for
from scenarios import Nat64, Softwire
from translators import yonroku_binary


def log_section(lab):
    return f"nat-log:\n  path: {lab.folder}/log\n"


def utc_now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def who(lab, *words, check=True):
    return json.loads(lab.translator.command("who", *map(str, words), "--json", check=check).stdout)


def who_offline(lab, *words):
    argv = [yonroku_binary(), "who", *map(str, words), "--store", f"{lab.folder}/log", "--json"]
    return json.loads(lab.run("gateway" if isinstance(lab, Nat64) else "br", argv).stdout)


def subscribers(answer):
    return [each["subscriber"] for each in answer["answers"]]


def seen_place(lab, node="client", address=Nat64.SERVER):
    """Which address and port a UDP datagram of a node comes from."""
    receiver = lab.socket("server", socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind(("", 7777))
    receiver.settimeout(5)
    sender = lab.socket(node, socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    sender.sendto(b"who am I", (address, 7777))
    place = receiver.recvfrom(100)[1]
    receiver.close()
    sender.close()
    return place


@pytest.fixture
def nat():
    with Nat64() as lab:
        yield lab
        assert lab.translator.process.running(), lab.translator.process.stderr


@pytest.fixture(params=["map-e", "lw4o6"])
def line(request):
    with Softwire(request.param) as lab:
        yield lab


def test_nat64_with_blocks_of_ports(nat):
    """Two subscribers, each with its block; the program dies, and another has the port."""
    allocation = "    subscriber-prefix-length: 64\n    port-allocation: blocks\n    port-block-size: 512\n"
    nat.start(log_section(nat) + Nat64.CONFIG + allocation)
    address, port = seen_place(nat)
    other_address, other_port = seen_place(nat, "neighbour")
    time.sleep(1.5)
    answer = who(nat, address, port, "udp")
    assert subscribers(answer) == ["2001:db8:a::/64"]
    assert answer["answers"][0]["how"] == "port-block"
    first, last = map(int, answer["answers"][0]["outside-ports"].split("-"))
    assert first <= port <= last == first + 511
    assert subscribers(who(nat, other_address, other_port)) == ["2001:db8:b::/64"]
    assert subscribers(who(nat, address, port, "udp", "-1h")) == []
    assert [each["outside"] for each in who(nat, "--subscriber", "2001:db8:a::/64")["answers"]] == [address]
    before = utc_now()

    nat.translator.kill()
    time.sleep(2.5)
    away = utc_now()
    nat.translator.start()
    answer = who(nat, address, port, "udp", before, "--skew", "1")
    assert subscribers(answer) == ["2001:db8:a::/64"], answer
    assert answer["answers"][0]["until"] is not None
    assert answer["gaps"][-1]["why"] == "not-running"
    answer = who(nat, address, port, "udp", away)
    assert subscribers(answer) == []
    assert "the program did not run" in nat.translator.command("who", address, str(port), "udp", away).stdout
    # The same without the program.
    assert subscribers(who_offline(nat, address, port, "udp", before, "--skew", "1")) == ["2001:db8:a::/64"]

    complaints = f"id,ip,port,proto,timestamp\n1,{address},{port},udp,{before}\n2,{address},{port},udp,{away}\n"
    path = nat.folder / "complaints.csv"
    path.write_text(complaints)
    answers = list(csv.DictReader(io.StringIO(nat.translator.command("who", "--csv", str(path), "--skew", "1").stdout)))
    assert [(row["id"], row["subscriber"]) for row in answers] == [("1", "2001:db8:a::/64"), ("2", "")]
    assert "did not run" in answers[1]["note"]


def test_deterministic_nat64(nat):
    """RFC 7422: nothing is logged, and the answer follows from the settings of that time."""
    nat.start(log_section(nat) + Nat64.CONFIG + "    subscriber-prefix-length: 64\n    port-allocation: deterministic\n"
              "    port-block-size: 512\n    subscribers: [2001:db8:a::/64, 2001:db8:b::/64]\n")
    address, port = seen_place(nat, "neighbour")
    time.sleep(1.2)
    answer = who(nat, address, port)
    assert subscribers(answer) == ["2001:db8:b::/64"]
    assert answer["answers"][0]["how"] == "deterministic"
    assert answer["answers"][0]["outside-ports"] == "1536-2047"
    before = utc_now()
    nat.translator.kill()
    nat.translator.start()
    assert subscribers(who(nat, address, port, "tcp", before, "--skew", "2")) == ["2001:db8:b::/64"]


def test_borders_without_state(line):
    """The rule, or the softwire, that was in force: also after it was removed."""
    line.start(border=log_section(line) + Softwire.BORDERS[line.kind])
    address, port = seen_place(line, "client", line.SERVER)
    assert address == line.SHARED
    answer = who(line, address, port)
    assert answer["answers"][0]["how"] == ("softwire" if line.kind == "lw4o6" else "rule")
    assert answer["answers"][0]["inside"] == line.CE_ADDRESS
    before = utc_now()
    line.translator.kill()
    line.translator.start()
    assert subscribers(who(line, address, port, "udp", before)) == subscribers(answer)
    assert subscribers(who(line, address, port, "udp")) == subscribers(answer)
    if line.kind == "lw4o6":
        line.translator.command("softwires", "remove", line.SHARED, "--psid", "1")
        time.sleep(0.2)
        assert subscribers(who(line, address, port, "udp", before)) == subscribers(answer)
        assert subscribers(who(line, address, port, "udp")) == []


def test_an_instance_that_is_removed(line):
    """By a reload, or while the program does not run: its rules and softwires are nobody's from then on."""
    config = log_section(line) + Softwire.BORDERS[line.kind]
    other = log_section(line) + Softwire.BORDERS["ipip"].replace("name: br", "name: other").replace("ffff::1", "ffff::2")
    place = (line.SHARED, line.PORTS[0], "udp")
    line.start(border=config)
    time.sleep(1.2)
    before = utc_now()
    assert subscribers(who(line, *place, before)) != []
    line.translator.write_config(other)
    line.translator.reload()
    time.sleep(1.2)
    assert subscribers(who(line, *place)) == []
    assert subscribers(who(line, *place, before)) != []
    line.translator.write_config(config)
    line.translator.reload()
    time.sleep(1.2)
    assert subscribers(who(line, *place)) != []
    line.translator.stop()
    line.translator.write_config(other)
    line.translator.start()
    wait_for(lambda: subscribers(who(line, *place)) == [], 15, what="the end of the table")


def test_a_host_without_a_log_says_so(nat):
    nat.start()
    asked = nat.translator.command("who", "192.0.2.1", "2000", check=False)
    assert asked.returncode == 1
    assert "no log is kept" in asked.stderr
    assert "add a section `nat-log`" in asked.stderr


def test_a_host_that_only_sends_its_log_away_says_so(nat):
    nat.start(f"nat-log:\n  path: {nat.folder}/log\n  store: false\n  syslog: [{{server: 127.0.0.1}}]\n" + Nat64.CONFIG)
    asked = nat.translator.command("who", "192.0.2.1", "2000", check=False)
    assert asked.returncode == 1
    assert "`store` is false; ask those who receive it" in asked.stderr


def test_without_the_program_the_log_is_still_there(nat):
    nat.start(log_section(nat) + Nat64.CONFIG)
    time.sleep(1.2)
    nat.translator.kill()
    asked = nat.translator.command("who", "192.0.2.1", "2000", check=False)
    assert asked.returncode == 1
    assert "--store FOLDER" in asked.stderr
    assert who_offline(nat, "192.0.2.1", "2000")["answers"] == []
    nat.translator.start()
