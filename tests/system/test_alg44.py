"""FTP through the NAT44s at the ends of tunnels with vsftpd and curl: the AFTR of DS-Lite, and the customer edges of MAP-E,
MAP-T and Lightweight 4over6. Active transfers need the gateway; the server is in the Internet."""

import re

import pytest
from scenarios import Softwire
from test_alg import ACTIVE, PASSIVE, SIPP, VSFTPD, Ftp, digest

pytestmark = pytest.mark.skipif(not (VSFTPD and SIPP), reason="vsftpd or sipp (sip-tester) is not installed")

URL = "ftp://203.0.113.80"
ALG = "    alg: [ftp, sip]\n"
AFTR = """\
instances:
  - name: br
    mechanism: ds-lite-aftr
    aftr-address: 2001:db8:ffff::1
    pools: [{addresses: 192.0.2.18, ports: 1024-65535}]
"""
RULE = "{ipv6-prefix: '2001:db8::/40', ipv4-prefix: 192.0.2.0/24, ea-length: 10, psid-offset: 0}"
EDGES = {
    "map-e": f"""\
instances:
  - name: wan4
    mechanism: map-e-ce
    end-user-prefix: 2001:db8:12:4000::/50
    br-address: 2001:db8:ffff::1
    rules: [{RULE}]
""",
    "map-t": f"""\
instances:
  - name: wan4
    mechanism: map-t-ce
    end-user-prefix: 2001:db8:12:4000::/50
    dmr: 2001:db8:ffff::/64
    rules: [{RULE}]
""",
    "lw4o6": """\
instances:
  - name: wan4
    mechanism: lwb4
    b4-address: 2001:db8:12:4000:0:c000:212:1
    aftr-address: 2001:db8:ffff::1
    ipv4-address: 192.0.2.18
    psid-length: 2
    psid: 1
""",
}


def start(lab, options):
    """Both ends; the NAT is ours, at the provider's end in DS-Lite and at the customer's otherwise."""
    if lab.kind == "ds-lite":
        lab.start(border=AFTR + options)
    else:
        lab.is_shared = False  # no NAT of the kernel's in front
        lab.start(customer=EDGES[lab.kind] + options)
    return Ftp(lab, URL)


@pytest.fixture(scope="module", params=[(kind, workers) for kind in ("ds-lite", "map-e", "map-t", "lw4o6") for workers in (1, 3)],
                ids=lambda param: f"{param[0]}-{param[1]}")
def ftp(request):
    kind, workers = request.param
    with Softwire(kind) as lab:
        yield start(lab, f"{ALG}    workers: {workers}\n")
        for end in (lab.translator, lab.customer):
            assert end.process.running(), end.process.stderr


@pytest.mark.parametrize("mode", [PASSIVE, ACTIVE], ids=["passive", "active"])
def test_ftp_download_upload_and_listing(ftp, mode):
    assert ftp.download(*mode), ftp.said
    assert ftp.upload(*mode), ftp.said
    assert ftp.lists(*mode), ftp.said


def test_what_was_rewritten_is_counted(ftp):
    nat = ftp.lab.translator if ftp.lab.kind == "ds-lite" else ftp.lab.customer

    def count():
        return int(re.search(r"gateways: ([\d,]+) rewritten", nat.command("show", "status").stdout).group(1).replace(",", ""))

    before = count()
    assert ftp.lists(*ACTIVE), ftp.said
    assert count() == before + 1


def test_ftp_port_instead_of_eprt(ftp):
    assert ftp.download(*ACTIVE, "--disable-eprt"), ftp.said


def test_ftp_several_transfers_on_one_control_connection(ftp):
    """Each changes lengths again: the shifts of the sequence numbers add up."""
    target = ftp.lab.folder / "several"
    assert ftp.curl(*ACTIVE, *[word for _ in range(5) for word in (f"{URL}/file", "-o", str(target))], seconds=20) == 0, ftp.said
    assert digest(target.read_bytes()) == digest(ftp.content)


@pytest.mark.parametrize("kind", ["ds-lite", "map-e"])
def test_ftp_active_fails_without_the_gateway(kind):
    """So that the tests above show that it is the gateway."""
    with Softwire(kind) as lab:
        ftp = start(lab, "")
        assert ftp.lists(), ftp.said
        assert not ftp.lists(*ACTIVE)
