"""464XLAT whole (RFC 6877), both ends ours: an IPv4-only client, our CLAT, IPv6 only, our NAT64 as the PLAT, an IPv4 server."""

import nat_behaviour
import probes
import pytest
from nat_behaviour import KINDS
from scenarios import Clat


@pytest.fixture(scope="module")
def line():
    with Clat() as lab:
        lab.start(plat="yonroku")
        probes.serve_http(lab, "server", "0.0.0.0")
        probes.serve_echo(lab, "server", "0.0.0.0")
        yield lab
        for end in (lab.translator, lab.plat):
            assert end.process.running(), end.process.stderr


def test_the_server_sees_an_address_of_the_pool(line):
    assert probes.http_get(line, "client", line.SERVER).startswith(f"hello {line.CLIENT_AS_SEEN},")


def test_transfers_arrive_unchanged(line):
    assert probes.http_download(line, "client", line.SERVER, 20_000_000)
    assert probes.http_upload(line, "client", line.SERVER, probes.pattern(5_000_000))


@pytest.mark.parametrize("size", [0, 64, 1232, 1433, 1452, 1472, 4096, 16000])
def test_udp(line, size):
    payload = probes.pattern(size)
    assert probes.udp_echo(line, "client", line.SERVER, payload, dont_fragment=False) == payload


def test_ping(line):
    for size in (0, 56, 1232):
        assert probes.ping(line, "client", line.SERVER, size=size)[0] == 3


def test_traceroute_ends_at_the_server(line):
    hops = probes.traceroute(line, "client", line.SERVER)
    assert hops[0] == "192.168.1.1" and hops[-1] == line.SERVER, hops


@pytest.mark.parametrize(("one", "other", "mtu", "learned"), [("cpe", "isp", 1280, 1260), ("isp", "server", 1300, 1300)])
def test_a_small_link(line, one, other, mtu, learned):
    """Packet Too Big of the IPv6-only network, and Fragmentation Needed of the Internet, both reach an IPv4-only client."""
    line.ip(one, f"link set to-{other} mtu {mtu}")
    try:
        line.ip("client", "route flush cache")
        assert probes.http_upload(line, "client", line.SERVER, probes.pattern(2_000_000), seconds=15)
        assert probes.path_mtu(line, "client", line.SERVER) == learned
    finally:
        line.ip(one, f"link set to-{other} mtu 1500")
        line.ip("client", "route flush cache")


@pytest.fixture(scope="module")
def coturn(line):
    return nat_behaviour.Coturn(line, "to-isp")


@pytest.mark.skipif(not nat_behaviour.Coturn.installed(), reason="coturn is not installed")
@pytest.mark.parametrize("kinds", [(KINDS[0], KINDS[0]), (KINDS[0], KINDS[1]), (KINDS[1], KINDS[1]), (KINDS[2], KINDS[2])])
def test_somebody_elses_verdict_about_the_nat(line, coturn, kinds):
    """RFC 5780, by coturn."""
    line.plat.write_config(Clat.PLAT_NAT64 + "    mapping: {}\n    filtering: {}\n".format(*kinds))
    line.plat.reload()
    assert coturn.judges() == kinds
