"""CLAT (RFC 6877) against a stateless PLAT: tayga's if it is installed, so that somebody else must understand our packets.
With our NAT64 as the PLAT: test_464xlat.py."""

import ipaddress

import probes
import pytest
from scenarios import Clat
from translators import Tayga


MASQUERADE = """
table ip nat {
  chain out {
    type nat hook postrouting priority srcnat;
    oifname "clat" masquerade
  }
}
"""


@pytest.fixture(scope="module", params=["tayga", "yonroku-siit"])
def line(request):
    if request.param == "tayga" and not Tayga.installed():
        pytest.skip("tayga is not installed")
    with Clat() as lab:
        lab.start(plat=request.param)
        probes.serve_http(lab, "server", "0.0.0.0")
        probes.serve_echo(lab, "server", "0.0.0.0")
        probes.serve_http(lab, "client", "0.0.0.0")
        yield lab


def test_the_server_sees_the_public_address(line):
    assert probes.http_get(line, "client", line.SERVER).startswith(f"hello {line.CLIENT_AS_SEEN},")


def test_connections_from_outside(line):
    page = probes.http_get(line, "server", line.CLIENT_AS_SEEN)
    assert page.startswith(f"hello {line.SERVER},")


def test_transfers_arrive_unchanged(line):
    assert probes.http_download(line, "client", line.SERVER, 10_000_000)
    assert probes.http_upload(line, "client", line.SERVER, probes.pattern(3_000_000))


@pytest.mark.parametrize("size", [0, 64, 1232, 1400, 1452, 4096])
def test_udp(line, size):
    payload = probes.pattern(size)
    assert probes.udp_echo(line, "client", line.SERVER, payload, dont_fragment=False) == payload


def test_ping_both_ways(line):
    assert probes.ping(line, "client", line.SERVER)[0] == 3
    assert probes.ping(line, "server", line.CLIENT_AS_SEEN)[0] == 3


def test_traceroute_ends_at_the_server(line):
    hops = probes.traceroute(line, "client", line.SERVER)
    assert hops[0] == "192.168.1.1" and hops[-1] == line.SERVER, hops


def test_programs_on_the_host_itself():
    """One /128 (RFC 6877 §6.3) stands for 192.0.0.1 (RFC 7335): the CPE's own programs use it as their IPv4 address."""
    address = "2001:db8:464::c1a7"
    config = ("instances:\n  - name: clat\n    mechanism: clat\n    plat-prefix: 2001:db8:64::/96\n"
              f"    clat-address: {address}\n    default-route: true\n")
    with Clat() as lab:
        lab.start(config, plat_mappings=[("198.51.100.7", address)], plat_config=(
            "instances:\n  - name: plat\n    mechanism: siit\n    pref64: 2001:db8:64::/96\n"
            f"    mappings:\n      - {{ipv4: 198.51.100.7, ipv6: '{address}'}}\n"))
        probes.serve_http(lab, "server", "0.0.0.0")
        assert "192.0.0.1" in lab.ip("cpe", "-4 addr show dev clat")
        assert probes.http_get(lab, "cpe", lab.SERVER).startswith("hello 198.51.100.7,")
        assert probes.http_download(lab, "cpe", lab.SERVER, 5_000_000)
        assert probes.ping(lab, "cpe", lab.SERVER)[0] == 3


def test_hosts_behind_one_address_share_it_through_nat():
    """With one /128 for a whole LAN, the kernel's NAT44 in front of the CLAT shares it (RFC 6877 §6.3)."""
    address = "2001:db8:464::c1a7"
    config = ("instances:\n  - name: clat\n    mechanism: clat\n    plat-prefix: 2001:db8:64::/96\n"
              f"    clat-address: {address}\n    default-route: true\n")
    with Clat() as lab:
        if lab.run("cpe", ["nft", "list", "ruleset"], check=False).returncode != 0:
            pytest.skip("nftables is not available")
        lab.run("cpe", ["nft", "-f", "-"], text_input=MASQUERADE)
        lab.start(config, plat_mappings=[("198.51.100.7", address)], plat_config=(
            "instances:\n  - name: plat\n    mechanism: siit\n    pref64: 2001:db8:64::/96\n"
            f"    mappings:\n      - {{ipv4: 198.51.100.7, ipv6: '{address}'}}\n"))
        probes.serve_http(lab, "server", "0.0.0.0")
        assert probes.http_get(lab, "client", lab.SERVER).startswith("hello 198.51.100.7,")
        assert probes.http_download(lab, "client", lab.SERVER, 5_000_000)


def test_neighbour_proxy_where_the_isp_routes_nothing():
    """RFC 6877 §6.3: the CLAT address lies in the /64 of the uplink, so somebody must answer for it."""
    address = "2001:db8:a::c1a7"
    config = ("instances:\n  - name: clat\n    mechanism: clat\n    plat-prefix: 2001:db8:64::/96\n"
              f"    clat-address: {address}\n    default-route: true\n    neighbour-proxy: to-isp\n")
    with Clat() as lab:
        lab.start(config, plat_mappings=[("198.51.100.7", address)], plat_config=(
            "instances:\n  - name: plat\n    mechanism: siit\n    pref64: 2001:db8:64::/96\n"
            f"    mappings:\n      - {{ipv4: 198.51.100.7, ipv6: '{address}'}}\n"))
        probes.serve_http(lab, "server", "0.0.0.0")
        assert probes.http_get(lab, "cpe", lab.SERVER).startswith("hello 198.51.100.7,")
        assert ipaddress.ip_address(address) in {
            ipaddress.ip_address(line.split()[0]) for line in
            lab.ip("isp", "-6 neigh show dev to-cpe").splitlines() if "FAILED" not in line}
