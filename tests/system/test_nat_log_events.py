"""What the NAT log tells, at a real rsyslog: sessions, blocks of ports, DS-Lite, changes of tables."""

import json
import socket

import pytest
from log_receivers import Rsyslog, bindings, created, send_flows, with_log
from namespaces import wait_for
from scenarios import CustomerEdge, Nat64, SiitDc, Softwire

PORT = Rsyslog.PORTS["tcp"]


def section(server, more=""):
    address = f"'{server}'" if ":" in server else server
    return f"{more}  syslog:\n    - {{server: {address}, port: {PORT}, transport: tcp}}\n"


def of(server, *events):
    """The entries of some kinds."""
    return [e for e in server.entries() if e.get("event") in events]


def wait_for_entries(server, count, *events, seconds=10):
    wait_for(lambda: len(of(server, *events)) >= count, seconds, what=f"{count} of {events}")
    entries = of(server, *events)
    assert len(entries) == count
    return entries


def only(entry, *names):
    return tuple(entry.get(name) for name in names)


@pytest.mark.parametrize("destinations", ["true", "false"])
def test_sessions(tmp_path, destinations):
    """Of one binding, to two servers; they end with the program, which has one entry for all."""
    with Nat64() as lab:
        server = Rsyslog(lab, tmp_path, "tcp").start()
        more = f"  events: sessions\n  destinations: {destinations}\n"
        timeouts = "    icmp-timeout: 1\n"
        lab.start(with_log(lab, section(Nat64.SERVER_IPV4, more)) + timeouts)
        with lab.socket("client", socket.AF_INET6, socket.SOCK_DGRAM) as one:
            one.bind(("", 20000))
            one.sendto(b"x", (Nat64.SERVER, 4000))
            one.sendto(b"x", (Nat64.OTHER, 4001))
        created = wait_for_entries(server, 2, "session-created")
        shown = lab.translator.show("sessions")["sessions"]
        names = ("protocol", "inside", "inside-port", "outside", "outside-port")
        assert {only(e, *names) for e in created} == {tuple(str(s[name]) for name in names) for s in shown}
        remotes = {(e.get("remote"), e.get("remote-port")) for e in created}
        if destinations == "true":
            assert remotes == {(Nat64.SERVER_IPV4, "4000"), (Nat64.OTHER_IPV4, "4001")}
        else:
            assert remotes == {(None, None)}
        lab.run("client", ["ping", "-c1", "-W2", Nat64.SERVER])
        ended = wait_for_entries(server, 1, "session-ended")
        assert only(ended[0], "protocol", "inside", "remote", "remote-port") == (
            "icmp", Nat64.CLIENT, Nat64.SERVER_IPV4 if destinations == "true" else None, None,
        )  # fmt: skip
        assert not of(server, "binding-created", "binding-ended")
        assert all(line.count(" NAT-SESSION ") == 1 for line in server.lines() if '"session-' in line)


def test_bindings_of_an_aftr(tmp_path):
    """The B4's address and the host's; two hosts behind two B4s have the same private address."""
    with CustomerEdge("ds-lite") as lab:
        server = Rsyslog(lab, tmp_path, "tcp").start()
        lab.start(f"nat-log:\n  path: {lab.folder}/kept\n" + section(lab.SERVER))
        for node in ("client", "friend"):
            send_flows(lab, 50, node=node, server=lab.SERVER)
        created = [e for e in wait_for_entries(server, 100, "binding-created") if e["protocol"] == "udp"]
        shown = lab.translator.show("bindings")["bindings"]
        names = ("protocol", "inside", "inside-ipv4", "inside-port", "outside", "outside-port")
        assert {only(e, *names) for e in created} == {tuple(str(b[name]) for name in names) for b in shown}
        assert {only(e, "inside", "inside-ipv4") for e in created} == {(b4, lab.CLIENT) for b4 in lab.B4S["ds-lite"]}


def test_blocks_of_ports(tmp_path):
    """Taken and returned; a block is for all protocols, and no binding is told."""
    with Nat64() as lab:
        server = Rsyslog(lab, tmp_path, "tcp").start()
        blocks = "    port-allocation: blocks\n    port-block-size: 64\n    port-blocks-per-subscriber: 2\n"
        blocks += "    udp-timeout: 2\n"
        lab.start(with_log(lab, section(Nat64.SERVER_IPV4)) + blocks)
        send_flows(lab, 100)
        shown = lab.translator.show("subscribers")["subscribers"]
        wanted = {tuple(block["ports"].split("-")) for one in shown for block in one["port-blocks"]}
        assert len(wanted) == 2
        taken = wait_for_entries(server, 2, "port-block-taken")
        assert {only(e, "outside-port", "outside-last-port") for e in taken} == wanted
        assert {only(e, "inside", "outside", "protocol", "inside-port") for e in taken} == {(Nat64.CLIENT, Nat64.POOL, None, None)}
        returned = wait_for_entries(server, 2, "port-block-returned", seconds=15)
        assert {only(e, "outside-port", "outside-last-port") for e in returned} == wanted
        assert not of(server, "binding-created")


def test_refusals(tmp_path):
    """Which limit it was, and at which address ports are used up."""
    with Nat64() as lab:
        server = Rsyslog(lab, tmp_path, "tcp").start()
        config = with_log(lab, section(Nat64.SERVER_IPV4)).replace("1024-65535", "2000-2003")
        lab.start(config)
        send_flows(lab, 6)
        refused = wait_for_entries(server, 2, "ports-exhausted")
        assert {only(e, "protocol", "inside", "outside", "outside-port") for e in refused} == {
            ("udp", Nat64.CLIENT, Nat64.POOL, None)
        }
        lab.translator.write_config(config.replace("2000-2003", "3000-3099") + "    ports-per-subscriber: 3\n")
        lab.translator.reload()
        send_flows(lab, 4, 21000)
        (limit,) = wait_for_entries(server, 1, "subscriber-limit")
        assert only(limit, "inside", "limit") == (Nat64.CLIENT, "subscriber-ports")


def test_mappings_that_change(tmp_path):
    with SiitDc() as lab:
        server = Rsyslog(lab, tmp_path, "tcp").start()
        config = f"nat-log:\n  path: {lab.folder}/kept\n" + section(SiitDc.SERVER) + SiitDc.CONFIG
        lab.start(config)
        (whole,) = wait_for_entries(server, 1, "mappings-replaced")
        assert only(whole, "instance", "size") == ("dc", "1")
        lab.translator.mappings("add", "192.0.2.81", "2001:db8:5::81")
        (added,) = wait_for_entries(server, 1, "mapping-added")
        assert added["line"] == "192.0.2.81/32,2001:db8:5::81/128"
        lab.translator.mappings("remove", "192.0.2.81")
        (removed,) = wait_for_entries(server, 1, "mapping-removed")
        assert removed["line"] == added["line"]
        lab.translator.write_config(config.replace('ipv6: "2001:db8:5::80"', 'ipv6: "2001:db8:5::82"'))
        lab.translator.reload()
        assert wait_for_entries(server, 2, "mapping-added")[1]["line"] == "192.0.2.80/32,2001:db8:5::82/128"
        assert wait_for_entries(server, 2, "mapping-removed")[1]["line"] == "192.0.2.80/32,2001:db8:5::80/128"


@pytest.mark.parametrize("kind", ["map-e", "lw4o6"])
def test_rules_and_softwires_that_change(tmp_path, kind):
    """By command, then by a reload with another table."""
    with Softwire(kind) as lab:
        server = Rsyslog(lab, tmp_path, "tcp").start()
        config = f"nat-log:\n  path: {lab.folder}/kept\n" + section(Softwire.SERVER) + Softwire.BORDERS[kind]
        lab.start(border=config)
        word = "rule" if kind == "map-e" else "softwire"
        (whole,) = wait_for_entries(server, 1, f"{word}s-replaced")
        assert only(whole, "instance", "size") == ("br", "1")
        (present,) = lab.translator.command(f"{word}s", "list").stdout.splitlines()[1:]
        more = present.replace("192.0.2.0/24", "192.0.3.0/24").replace("2001:db8::/40", "2001:db8:100::/40")
        more = more.replace("192.0.2.18", "192.0.2.19")
        header = lab.translator.command(f"{word}s", "list").stdout.splitlines()[0]
        lab.translator.command(f"{word}s", "add", "--batch", "-", text_input=f"{header}\n{more}\n")
        (added,) = wait_for_entries(server, 1, f"{word}-added")
        assert added["line"] == more
        lab.translator.command(f"{word}s", "replace", "-", text_input=f"{header}\n{more}\n")
        (removed,) = wait_for_entries(server, 1, f"{word}-removed")
        assert removed["line"] == present
        lab.translator.reload()  # the file still has the first table
        assert wait_for_entries(server, 2, f"{word}-added")[1]["line"] == present
        assert wait_for_entries(server, 2, f"{word}-removed")[1]["line"] == more
        times = [line.split(" ")[1] for line in server.lines()]
        assert times == sorted(times)


def recovered(server):
    return [only(e, "protocol", "inside", "inside-port", "outside", "outside-port")
            for e in of(server, "binding-created") if e.get("recovered") == "true" and e["protocol"] != "icmp"]  # fmt: skip


def test_a_log_that_begins_later(tmp_path):
    """It is told what is there; so is a receiver that comes later still. What begins then is no news of old."""
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    with Nat64() as lab:
        one, two = Rsyslog(lab, folders[0], "tcp").start(), Rsyslog(lab, folders[1], "udp").start()
        lab.start()
        send_flows(lab, 2000)
        known = {tuple(map(str, each)) for each in bindings(lab)}
        assert len(known) == 2000
        log = section(Nat64.SERVER_IPV4)
        lab.translator.write_config(with_log(lab, log))
        lab.translator.reload()
        wait_for(lambda: len(recovered(one)) >= 2000, seconds=10, what="what was there")
        assert sorted(recovered(one)) == sorted(known), "each once"
        send_flows(lab, 10, 40000)
        wait_for(lambda: len(created(one.entries())) >= 2010, what="what is new")
        assert len(recovered(one)) == 2000
        more = f"    - {{server: {Nat64.SERVER_IPV4}, port: {Rsyslog.PORTS['udp']}}}\n"
        lab.translator.write_config(with_log(lab, log + more))
        lab.translator.reload()
        wait_for(lambda: len(recovered(two)) >= 2010, seconds=10, what="what was there for the second")
        assert set(recovered(two)) == {tuple(map(str, each)) for each in bindings(lab)}
        asked = ["who", "--subscriber", Nat64.CLIENT, "--json", "--limit", "10000"]
        answers = lambda: [each for each in json.loads(lab.translator.command(*asked).stdout)["answers"] if each["protocol"] == "udp"]
        wait_for(lambda: len(answers()) >= 2010, what="the store, which writes once a second")
        assert len(answers()) == 2010, "the store has each once"


def test_blocks_of_a_log_that_begins_later(tmp_path):
    blocks = "    port-allocation: blocks\n    port-block-size: 64\n    port-blocks-per-subscriber: 4\n"
    with Nat64() as lab:
        server = Rsyslog(lab, tmp_path, "tcp").start()
        lab.start(Nat64.CONFIG + blocks)
        send_flows(lab, 200)
        shown = lab.translator.show("subscribers")["subscribers"]
        lab.translator.write_config(with_log(lab, section(Nat64.SERVER_IPV4)) + blocks)
        lab.translator.reload()
        taken = wait_for_entries(server, 4, "port-block-taken")
        assert {only(e, "inside", "outside", "recovered") for e in taken} == {(Nat64.CLIENT, Nat64.POOL, "true")}
        assert {f"{e['outside-port']}-{e['outside-last-port']}" for e in taken} == {
            block["ports"] for one in shown for block in one["port-blocks"]
        }
