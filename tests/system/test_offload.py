"""The offload in the lab: what the kernel forwards itself, what it leaves, and that it follows changes.

That packets come out right with it, all other system tests say when YONROKU_LAB_OFFLOAD is `tc` or `xdp`.
"""

import socket
import time

import probes
import pytest
from namespaces import OFFLOAD, wait_for
from scenarios import Nat64, SiitDc, Softwire

pytestmark = pytest.mark.skipif(bool(OFFLOAD), reason="chooses the offload itself")


def config_with(config, mode):
    return config.replace("\n    mechanism:", f"\n    offload: {mode}\n    mechanism:", 1)


def instance(lab):
    return lab.translator.show("offload")["instances"][0]


def forwarded(lab, *directions, place="tc"):
    return sum(instance(lab)[place][direction]["packets"] for direction in directions or ("to-ipv4", "to-ipv6"))


def answered(lab, count, **options):
    received, output = probes.ping(lab, "client", lab.SERVER_AS_IPV4, count=count, **options)
    assert received == count, output


@pytest.fixture
def lab():
    with SiitDc() as one:
        one.start(config_with(SiitDc.CONFIG, "tc") + "    ipv4-routes: [192.0.2.0/24, 10.0.0.0/8]\n")
        answered(one, 2)  # neighbours are known
        yield one


def test_plain_packets_are_the_kernels_and_counted_once(lab):
    before, accounted = forwarded(lab), lab.translator.accounted()
    answered(lab, 20)
    assert forwarded(lab) - before == 40
    assert 40 <= lab.translator.accounted() - accounted < 45  # hosts talk about routers and groups, too


def test_what_is_not_plain_is_the_engines(lab):
    """An echo that must be cut (RFC 7915 §4.1): DF is clear, and it does not fit lowest-ipv6-mtu."""
    before = forwarded(lab, "to-ipv6")
    answered(lab, 3, size=1400, options=["-M", "dont"])
    assert forwarded(lab, "to-ipv6") == before
    assert instance(lab)["tc"]["misses"]["too-big"] >= 3


def test_changed_mappings_are_followed_at_once(lab):
    ipv4, ipv6 = lab.MAPPINGS[0]
    lab.translator.command("mappings", "remove", ipv4)
    received, _ = probes.ping(lab, "client", lab.SERVER_AS_IPV4, count=2)
    assert received == 0
    lab.translator.command("mappings", "add", ipv4, ipv6)
    before = forwarded(lab)
    answered(lab, 5)
    assert forwarded(lab) - before >= 8


def test_a_table_that_grows_is_followed(lab):
    """Ten thousand mappings more make a new map of the table; nothing is lost."""
    table = lab.folder / "more.csv"
    table.write_text("".join(f"10.{i >> 8}.{i & 255}.0/24,2001:db8:{i + 4096:x}::/120\n" for i in range(10000)))
    lab.translator.command("mappings", "add", "--batch", table)
    before = forwarded(lab)
    answered(lab, 5)
    assert forwarded(lab) - before == 10


def test_a_reload_switches_it(lab):
    lab.translator.write_config(SiitDc.CONFIG)
    lab.translator.reload()
    assert instance(lab)["state"] == "off"
    answered(lab, 3)
    lab.translator.write_config(config_with(SiitDc.CONFIG, "auto"))
    lab.translator.reload()
    before = forwarded(lab)
    answered(lab, 5)
    assert forwarded(lab) - before >= 8
    interfaces = [each for each in lab.translator.show("offload")["interfaces"] if each["places"]]
    assert interfaces and all(each["places"] == ["tc"] and "veth" in each["why"] for each in interfaces)


def test_reverse_path_checks_that_are_skipped_are_told(lab):
    """rp_filter is asked behind the place where programs are."""
    assert not [each for each in lab.translator.show("status")["warnings"] if "rp_filter" in each]
    lab.sysctl("gateway", {"net.ipv4.conf.to-client.rp_filter": 1})
    assert [each for each in lab.translator.show("status")["warnings"] if each.startswith("to-client: rp_filter is 1")]


def test_routes_that_change_are_followed_at_once(lab):
    lab.ip("gateway", "route add 2001:db8:5::80/128 via 2001:db8:5::99")  # where nobody is
    received, _ = probes.ping(lab, "client", lab.SERVER_AS_IPV4, count=2)
    assert received == 0
    lab.ip("gateway", "route del 2001:db8:5::80/128")
    answered(lab, 3)


def test_established_sessions_are_the_kernels():
    with Nat64() as lab:
        lab.start(config_with(Nat64.CONFIG, "tc"))
        probes.serve_iperf(lab, "server")
        assert probes.iperf(lab, "client", lab.SERVER, seconds=1)["gbps"] > 0.1
        assert forwarded(lab) > 100
        assert instance(lab)["tc"]["misses"]["tcp-flags"] > 0  # SYN and FIN


def test_policy_rules_leave_sessions_to_the_engine():
    """Where a session's packets go then depends on more than a flow knows; without the rules all is as before."""
    with Nat64() as lab:
        lab.start(config_with(lab.CONFIG, "tc"))

        def answered(count):
            received, output = probes.ping(lab, "client", lab.SERVER, count=count)
            assert received == count, output

        answered(30)
        assert forwarded(lab) > 0
        assert lab.translator.show("offload")["routes-by"] == "destination"
        lab.ip("gateway", "rule add from 203.0.113.7 table main")
        wait_for(lambda: lab.translator.show("offload")["routes-by"] == "packet", what="the rule is seen")
        assert "sessions of NATs stay with the engine" in lab.translator.command("show", "offload").stdout
        before = forwarded(lab)
        answered(10)
        assert forwarded(lab) == before
        lab.ip("gateway", "rule del from 203.0.113.7 table main")
        wait_for(lambda: lab.translator.show("offload")["routes-by"] == "destination", what="the rule is gone")
        answered(10)
        assert forwarded(lab) > before


# Seconds. A session goes over when no packet has come for a tenth of that.
BETWEEN_BURSTS = 0.001
SETTLED = 0.1  # whatever was offered is begun, even if the machine is busy


def test_one_way_udp_is_the_kernels_and_its_first_answer_the_engines():
    with Nat64() as lab:
        lab.start(config_with(Nat64.CONFIG, "tc"))
        with lab.socket("server", socket.AF_INET, socket.SOCK_DGRAM) as server:
            with lab.socket("client", socket.AF_INET6, socket.SOCK_DGRAM) as client:
                server.bind(("0.0.0.0", 5140))
                server.settimeout(2)
                client.settimeout(2)
                client.connect((lab.SERVER, 5140))

                def outward(count):
                    before = forwarded(lab, "to-ipv4")
                    for number in range(count):
                        client.send(b"<165>1 one way %d" % number)
                        _, peer = server.recvfrom(100)
                        time.sleep(BETWEEN_BURSTS)
                    return forwarded(lab, "to-ipv4") - before, peer

                assert outward(20)[0] == 0, "a scan or a question that is asked again"
                assert 50 <= outward(200)[0] < 200
                time.sleep(SETTLED)
                by_the_kernel, peer = outward(100)
                assert by_the_kernel == 100
                state = lambda: [each["state"] for each in lab.translator.show("sessions")["sessions"]]
                assert state() == ["unanswered"]

                server.sendto(b"who is there?", peer)
                assert client.recv(100) == b"who is there?"
                assert forwarded(lab, "to-ipv6") == 0
                assert state() == ["answered"]
                outward(1)
                time.sleep(SETTLED)
                assert outward(20)[0] == 20
                for _ in range(5):
                    server.sendto(b"again", peer)
                    assert client.recv(100) == b"again"
                assert forwarded(lab, "to-ipv6") == 5
                assert state() == ["answered"]


def test_a_stream_that_was_asked_for_is_the_kernels():
    """But not what strangers send to a port that is open to all, as long as nobody there answers."""
    with Nat64() as lab:
        lab.start(config_with(Nat64.CONFIG, "tc"))
        with lab.socket("server", socket.AF_INET, socket.SOCK_DGRAM) as server, \
                lab.socket("server", socket.AF_INET, socket.SOCK_DGRAM) as stranger, \
                lab.socket("client", socket.AF_INET6, socket.SOCK_DGRAM) as client:
            server.bind(("0.0.0.0", 5140))
            stranger.bind(("0.0.0.0", 5141))
            server.settimeout(2)
            client.settimeout(2)
            client.sendto(b"play", (lab.SERVER, 5140))
            _, peer = server.recvfrom(100)

            def inward(sender, count):
                before = forwarded(lab, "to-ipv6")
                for number in range(count):
                    sender.sendto(b"part %d" % number, peer)
                    client.recv(100)
                    time.sleep(BETWEEN_BURSTS)
                return forwarded(lab, "to-ipv6") - before

            assert 0 < inward(server, 20) < 20
            time.sleep(SETTLED)
            assert inward(server, 50) == 50
            assert inward(stranger, 50) == 0
            client.sendto(b"yes?", (lab.SERVER, 5141))
            time.sleep(SETTLED)
            assert inward(stranger, 50) == 50


UDP_SEGMENT = 103


@pytest.mark.parametrize("kind", ["ipip", "map-e"])
def test_udp_super_packets_go_into_tunnels_whole(kind):
    """One send() of twenty datagrams is one packet for the program at the border."""
    with Softwire(kind) as lab:
        lab.start(border=config_with(Softwire.BORDERS[kind], "tc"))
        with lab.socket("client", socket.AF_INET, socket.SOCK_DGRAM) as client:
            with lab.socket("server", socket.AF_INET, socket.SOCK_DGRAM) as server:
                server.bind((lab.SERVER, 4433))
                server.settimeout(2)
                client.settimeout(2)
                client.sendto(b"first", (lab.SERVER, 4433))
                _, peer = server.recvfrom(100)
                whole = probes.pattern(20 * 1200 - 400)
                server.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 1200)
                for _ in range(3):
                    before = forwarded(lab, "to-ipv6")
                    server.sendto(whole, peer)
                    received = [client.recv(2000) for _ in range(20)]
                    assert [len(datagram) for datagram in received] == [1200] * 19 + [800]
                    assert b"".join(received) == whole
                assert forwarded(lab, "to-ipv6") - before == 1


def test_a_neighbour_that_only_xdp_uses_is_asked_for():
    """The server's link-layer address changes, and nobody tells. The kernel asks a neighbour that it sees being used;
    of XDP's packets it sees none. With the kernel's own times that takes a minute at most, here a few seconds."""
    with SiitDc() as lab:
        lab.prepare_for_xdp("client", "server")
        times = {"base_reachable_time_ms": 2000, "delay_first_probe_time": 1, "retrans_time_ms": 200}
        lab.sysctl("gateway", {f"net.ipv6.neigh.to-server.{name}": value for name, value in times.items()})
        lab.start(config_with(SiitDc.CONFIG, "xdp"))
        answered(lab, 3)
        before = forwarded(lab, "to-ipv6", place="xdp")
        answered(lab, 5)
        assert forwarded(lab, "to-ipv6", place="xdp") - before == 5

        lab.ip("server", "link set to-gateway address 02:00:00:00:00:99")
        received, _ = probes.ping(lab, "client", lab.SERVER_AS_IPV4, count=2)
        assert received == 0, "it told of its new address"
        end = time.monotonic() + 30
        while probes.ping(lab, "client", lab.SERVER_AS_IPV4, count=5)[0] < 5:
            assert time.monotonic() < end
        before = forwarded(lab, "to-ipv6", place="xdp")
        answered(lab, 5)
        assert forwarded(lab, "to-ipv6", place="xdp") - before == 5


def test_it_can_not_begin_in_a_running_program():
    with SiitDc() as lab:
        lab.start(SiitDc.CONFIG)
        lab.translator.write_config(config_with(SiitDc.CONFIG, "tc"))
        assert "restart it" in lab.translator.reload_badly()
