"""RFC 7757 §4: IPv6-only hosts behind the same translator reach each other by their IPv4 addresses."""

import ipaddress
import socket

import probes
import pytest
from scenarios import Hairpin, behind_pref64


@pytest.fixture(scope="module", params=["intrinsic", "simple"])
def pair(request):
    with Hairpin(request.param) as lab:
        lab.start()
        for node in ("alice", "bob"):
            probes.serve_http(lab, node, "::")
            probes.serve_echo(lab, node, "::")
        yield lab


def test_http_through_the_other_hosts_ipv4_address(pair):
    page = probes.http_get(pair, "alice", behind_pref64(pair.BOB_AS_IPV4))
    seen = page.removeprefix("hello ").partition(",")[0]
    assert ipaddress.ip_address(seen) == ipaddress.ip_address(behind_pref64(pair.ALICE_AS_IPV4))


def test_both_directions_and_sizes(pair):
    for node, other in (("alice", pair.BOB_AS_IPV4), ("bob", pair.ALICE_AS_IPV4)):
        assert probes.ping(pair, node, behind_pref64(other))[0] == 3
        for size in (0, 100, 1452, 4000):
            payload = probes.pattern(size)
            assert probes.udp_echo(pair, node, behind_pref64(other), payload) == payload, size


def test_bulk_tcp(pair):
    assert probes.http_upload(pair, "alice", behind_pref64(pair.BOB_AS_IPV4), probes.pattern(5_000_000))


def test_icmp_error_comes_back(pair):
    """The quoted packet crosses back as well, so the sender's kernel finds its socket."""
    with pair.socket("alice", socket.AF_INET6, socket.SOCK_DGRAM) as client:
        client.settimeout(2)
        client.connect((behind_pref64(pair.BOB_AS_IPV4), 4711))
        client.send(b"anybody there?")
        with pytest.raises(ConnectionRefusedError):
            client.recv(100)
