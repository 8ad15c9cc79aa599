"""Changes of softwires while traffic flows: `yonroku softwires` loses nothing and takes effect at once."""

import contextlib
import json
import time

import probes
import pytest
from scenarios import Softwire

RATE = 10000
PORT = 20000  # one of the customer's


@contextlib.contextmanager
def busy_lab():
    """The lab with a steady UDP flow both ways: from behind the customer's NAT, and to the customer's own address."""
    with Softwire("lw4o6") as lab:
        lab.start()
        lab.translator.process.go_first()
        lab.customer.process.go_first()
        assert probes.ping(lab, "client", lab.SERVER)[0] > 0  # Neighbours are known before anything is counted.
        lab.flows = [
            probes.CountedFlow(lab, "client", "server", "0.0.0.0", lab.SERVER, RATE),
            probes.CountedFlow(lab, "server", "cpe", "0.0.0.0", lab.SHARED, RATE, port=PORT),
        ]
        for flow in lab.flows:
            flow.go_first()
        time.sleep(0.3)
        yield lab


def refused_by_devices(lab):
    """What the TUN devices of both ends did not take because their queue was full."""
    return sum(json.loads(lab.ip(node, f"-s -j link show dev {device}"))[0]["stats64"]["tx"]["dropped"]
               for node, device in (("br", "br"), ("cpe", "ce")))


def nothing_is_lost_during(change, tries=3):
    """As in test_reload.py: where a queue was full for want of a processor, and only there, there is another try."""
    for _ in range(tries):
        with busy_lab() as lab:
            change(lab)
            results = [flow.finish() for flow in lab.flows]
            refused = refused_by_devices(lab)
        assert min(result["sent"] for result in results) > 1000
        assert [(result["duplicates"], result["late"]) for result in results] == [(0, 0)] * 2
        lost = sum(result["lost"] for result in results)
        if lost == 0:
            return
        assert lost <= refused, f"{lost} lost, of which the devices' queues refused {refused}: {results}"
    pytest.fail(f"a device's queue was full in each of {tries} tries: {results}")


def softwires(lab, *words, **options):
    return lab.translator.command("softwires", *words, **options).stdout


def addition(step):
    """A hundred customers on seven addresses, other ones each time."""
    return "".join(f"2001:db8:7:{step:x}::{n:x},198.18.{step & 255}.{n // 16},6,4,{n % 16}\n" for n in range(100))


def test_a_thousand_changes_a_second_lose_nothing():
    """5 s of batches: 100 added and 100 removed every 100 ms; routes come and go with them, and the table grows."""

    def change(lab):
        start = time.monotonic()
        for step in range(50):
            if step >= 2:
                softwires(lab, "remove", "--batch", "-", text_input=addition(step - 2))
            softwires(lab, "add", "--batch", "-", text_input=addition(step))
            time.sleep(max(0.0, start + (step + 1) * 0.1 - time.monotonic()))
        took = time.monotonic() - start
        assert took < 30, f"9800 changes took {took:.1f} s"
        assert len(softwires(lab, "list").splitlines()) == 1 + 1 + 200

    nothing_is_lost_during(change)


def test_replacing_the_table_loses_nothing():
    def change(lab):
        own = softwires(lab, "list")
        for step in range(10):
            softwires(lab, "replace", "-", text_input=own + addition(step))
            time.sleep(0.05)
        assert len(softwires(lab, "list").splitlines()) == 102
        lab.translator.reload()
        assert softwires(lab, "list") == own

    nothing_is_lost_during(change)


def test_changes_are_effective_at_once():
    with Softwire("lw4o6") as lab:
        lab.start()
        assert probes.ping(lab, "client", lab.SERVER, count=1)[0] == 1
        for _ in range(10):
            softwires(lab, "remove", lab.SHARED, "--psid", "1")
            assert probes.ping(lab, "client", lab.SERVER, count=1, options=["-W", "0.1"])[0] == 0
            assert lab.SHARED not in lab.ip("br", "route show dev br")
            softwires(lab, "add", lab.CE_ADDRESS, lab.SHARED, "--psid-length", "2", "--psid", "1")
            assert probes.ping(lab, "client", lab.SERVER, count=1)[0] == 1
