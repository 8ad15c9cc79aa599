"""RFC 4787, RFC 5382: every kind of mapping with every kind of filtering, judged from outside."""

import nat_behaviour
import pytest
from nat_behaviour import KINDS
from scenarios import Nat64


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
