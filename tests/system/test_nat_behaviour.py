"""RFC 4787, RFC 5382: every kind of mapping with every kind of filtering, judged from outside."""

import nat_behaviour
import pytest
from nat_behaviour import KINDS
from scenarios import CustomerEdge, Nat64


@pytest.fixture(scope="module", params=[1, 3], ids=["one-worker", "three-workers"])
def lab(request):
    with Nat64() as made:
        made.workers = f"    workers: {request.param}\n"
        yield made.start(Nat64.CONFIG + made.workers)


@pytest.mark.parametrize("mapping", KINDS)
@pytest.mark.parametrize("filtering", KINDS)
def test_mapping_and_filtering(lab, mapping, filtering):
    lab.translator.write_config(Nat64.CONFIG + lab.workers + f"    mapping: {mapping}\n    filtering: {filtering}\n")
    lab.translator.reload()
    with nat_behaviour.Observers(lab) as observers:
        assert (observers.udp_mapping(), observers.udp_filtering()) == (mapping, filtering)
        assert (observers.tcp_mapping(), observers.tcp_filtering()) == (mapping, filtering)


@pytest.fixture(scope="module", params=["map-e", "ds-lite"])
def line(request):
    with CustomerEdge(request.param) as made:
        yield made.start()


@pytest.mark.parametrize("mapping", KINDS)
@pytest.mark.parametrize("filtering", KINDS)
def test_the_nat_of_an_ipv6_only_line(line, mapping, filtering):
    """That of the customer's own router (MAP-E), and that of the provider (DS-Lite), through the tunnel."""
    line.nat.write_config(line.nat_config(f"    mapping: {mapping}\n    filtering: {filtering}\n"))
    line.nat.reload()
    with nat_behaviour.Observers(line) as observers:
        assert (observers.udp_mapping(), observers.udp_filtering()) == (mapping, filtering)
        assert (observers.tcp_mapping(), observers.tcp_filtering()) == (mapping, filtering)


@pytest.fixture(scope="module")
def coturn(line):
    return nat_behaviour.Coturn(line, "to-internet")


@pytest.mark.skipif(not nat_behaviour.Coturn.installed(), reason="coturn is not installed")
@pytest.mark.parametrize("kinds", [(KINDS[0], KINDS[0]), (KINDS[0], KINDS[2]), (KINDS[2], KINDS[2])])
def test_somebody_elses_verdict(line, coturn, kinds):
    """RFC 5780, by coturn."""
    line.nat.write_config(line.nat_config("    mapping: {}\n    filtering: {}\n".format(*kinds)))
    line.nat.reload()
    assert coturn.judges() == kinds
