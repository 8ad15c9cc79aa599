"""Application level gateways of a NAT64 with real programs: vsftpd and curl (RFC 6384), sipp on both sides (RFC 3261).

Every server knows IPv4 alone, every client IPv6 alone.
"""

import hashlib
import os
import re
import shutil
import socket
import time

import pytest
from namespaces import wait_for
from scenarios import Nat64

VSFTPD = shutil.which("vsftpd", path="/usr/sbin:/usr/bin")
SIPP = shutil.which("sipp")
pytestmark = pytest.mark.skipif(not (VSFTPD and SIPP), reason="vsftpd or sipp (sip-tester) is not installed")

SIZE = 1_000_000
WITH_ALG = Nat64.CONFIG + "    alg: [ftp, sip]\n"
URL = f"ftp://[{Nat64.SERVER}]"
MEDIA_PORT = 40000


class Ftp:
    """A lab with an FTP server, whose files are in a folder."""

    def __init__(self, lab, url=URL, **settings):
        self.lab, self.url = lab, url
        root = lab.folder / "ftp"
        lab.folder.chmod(0o755)
        for folder in (root, lab.folder / "empty"):
            folder.mkdir()
            folder.chmod(0o755)
        self.uploads = root / "in"
        self.uploads.mkdir()
        self.uploads.chmod(0o777)
        self.content = os.urandom(SIZE)
        (root / "file").write_bytes(self.content)
        (root / "file").chmod(0o644)
        config = lab.folder / "vsftpd.conf"
        values = {
            "listen": "YES", "background": "NO", "anonymous_enable": "YES", "local_enable": "NO", "write_enable": "YES",
            "anon_upload_enable": "YES", "anon_umask": "022", "anon_root": root, "secure_chroot_dir": lab.folder / "empty",
            "connect_from_port_20": "YES", "seccomp_sandbox": "NO", "xferlog_enable": "NO", **settings,
        }
        config.write_text("".join(f"{key}={value}\n" for key, value in values.items()))
        self.process = lab.spawn("server", [VSFTPD, str(config)], "vsftpd")
        wait_for(self.answers, 5, what="vsftpd answering")

    def answers(self):
        with self.lab.socket("server", socket.AF_INET, socket.SOCK_STREAM) as probe:
            return probe.connect_ex((Nat64.SERVER_IPV4, 21)) == 0

    def curl(self, *arguments, seconds=8):
        """The exit status of curl on the client."""
        done = self.lab.run("client", ["curl", "-sS", "-g", "--max-time", seconds, *arguments], check=False)
        self.said = done.stdout + done.stderr
        return done.returncode

    def download(self, *arguments):
        target = self.lab.folder / "downloaded"
        target.unlink(missing_ok=True)
        status = self.curl(*arguments, "-o", target, f"{self.url}/file")
        return status == 0 and digest(target.read_bytes()) == digest(self.content)

    def upload(self, *arguments):
        source = self.lab.folder / "to-upload"
        source.write_bytes(os.urandom(SIZE))
        name = f"up{time.monotonic_ns()}"
        status = self.curl(*arguments, "-T", source, f"{self.url}/in/{name}")
        target = self.uploads / name
        return status == 0 and target.exists() and digest(target.read_bytes()) == digest(source.read_bytes())

    def lists(self, *arguments):
        return self.curl(*arguments, f"{self.url}/") == 0 and re.search(r" file$", self.said, re.MULTILINE) is not None


def digest(content):
    return hashlib.sha256(content).hexdigest()


@pytest.fixture(scope="module", params=[1, 3], ids=["one-worker", "three-workers"])
def ftp(request):
    with Nat64() as lab:
        lab.start(WITH_ALG + f"    workers: {request.param}\n")
        yield Ftp(lab)
        assert lab.translator.process.running(), lab.translator.process.stderr


@pytest.fixture
def nat():
    with Nat64() as lab:
        yield lab
        assert lab.translator.process.running(), lab.translator.process.stderr


# RFC 6384: curl asks EPSV in passive mode and EPRT in active mode; vsftpd sees PASV and PORT.

PASSIVE = ()
ACTIVE = ("-P", "-")


@pytest.mark.parametrize("mode", [PASSIVE, ACTIVE], ids=["passive", "active"])
def test_ftp_download_upload_and_listing(ftp, mode):
    assert ftp.download(*mode), ftp.said
    assert ftp.upload(*mode), ftp.said
    assert ftp.lists(*mode), ftp.said


@pytest.mark.parametrize("mode", [PASSIVE, ACTIVE], ids=["passive", "active"])
def test_ftp_several_transfers_on_one_control_connection(ftp, mode):
    """Each changes lengths again: the shifts of the sequence numbers add up."""
    target = ftp.lab.folder / "several"
    assert ftp.curl(*mode, *[word for _ in range(5) for word in (f"{URL}/file", "-o", str(target))], seconds=20) == 0, ftp.said
    assert digest(target.read_bytes()) == digest(ftp.content)


def test_ftp_active_over_a_bad_link(nat):
    """A packet in five is lost: what was rewritten is sent again, alone and with what follows it."""
    nat.start(WITH_ALG)
    ftp = Ftp(nat)
    if nat.run("internet", ["nft", "list", "ruleset"], check=False).returncode != 0:
        pytest.skip("nftables is not available")
    nat.run("internet", ["nft", "add table inet bad; add chain inet bad forward { type filter hook forward priority 0; };"
                         "add rule inet bad forward tcp dport 21 numgen inc mod 5 == 0 drop;"
                         "add rule inet bad forward tcp sport 21 numgen inc mod 6 == 0 drop"])
    for _ in range(2):
        assert ftp.curl(*ACTIVE, f"{URL}/", seconds=25) == 0, ftp.said


def test_ftp_active_fails_without_the_gateway(nat):
    """So that the tests above show that it is the gateway."""
    nat.start()
    ftp = Ftp(nat)
    assert not ftp.lists(*ACTIVE)


def test_ftp_server_without_epsv(nat):
    """RFC 6384 §6: why EPSV becomes PASV. Without the gateway such a server can't be used."""
    nat.start(WITH_ALG)
    ftp = Ftp(nat, cmds_denied="EPSV,EPRT")
    assert ftp.download(), ftp.said
    assert ftp.download(*ACTIVE), ftp.said


def test_ftp_active_with_address_dependent_filtering(nat):
    nat.start(WITH_ALG + "    filtering: address-dependent\n")
    ftp = Ftp(nat, connect_from_port_20="NO")
    assert ftp.download(*ACTIVE), ftp.said


def test_ftp_algs(nat):
    """RFC 6384 §11, by hand."""
    nat.start(WITH_ALG)
    Ftp(nat)
    with nat.socket("client", socket.AF_INET6, socket.SOCK_STREAM) as control:
        control.settimeout(5)
        control.connect((Nat64.SERVER, 21))
        lines = control.makefile("rb")

        def ask(command):
            control.sendall(command + b"\r\n")
            return lines.readline()

        assert lines.readline().startswith(b"220 ")
        assert ask(b"ALGS STATUS64").rstrip() == b"216 EPSVEPRT"
        assert ask(b"USER anonymous").startswith(b"331 ")
        assert ask(b"PASS me@").startswith(b"230 ")
        assert ask(b"ALGS DISABLE64").rstrip() == b"216 NONE"
        assert ask(b"EPSV").startswith(b"229 ")
        assert ask(b"ALGS ENABLE64").rstrip() == b"216 EPSVEPRT"
        assert ask(b"EPSV 1").startswith(b"522 ")
        assert ask(b"EPSV ALL").startswith(b"504 ")
        assert ask(b"EPSV").startswith(b"229 ")
        assert ask(b"QUIT").startswith(b"221 ")


# SIP


def call(nat, *arguments):
    """A call from sipp on the client to sipp on the server; both processes."""
    server = nat.spawn("server", [SIPP, "-sn", "uas", "-i", Nat64.SERVER_IPV4, "-p", "5060", "-m", "1", "-nostdin",
                                  "-trace_msg", "-message_file", str(nat.folder / "uas.log")], "uas")
    time.sleep(0.5)
    client = nat.spawn("client", [SIPP, "-sn", "uac", "-i", Nat64.CLIENT, "-p", "5060", "-mp", str(MEDIA_PORT), "-m", "1",
                                  "-nostdin", "-timeout", "20", *arguments, f"[{Nat64.SERVER}]:5060"], "uac")
    return server, client


def invitation(nat):
    log = nat.folder / "uas.log"
    text = log.read_text(errors="replace") if log.exists() else ""
    return re.search(r"INVITE sip:.*?m=audio [^\n]*", text, re.DOTALL)


def test_sip_call(nat):
    """Setup and teardown; and what the server was told works before the client has sent a single RTP packet."""
    nat.start(WITH_ALG)
    server, client = call(nat, "-rtp_echo", "-d", "3000")
    wait_for(lambda: invitation(nat), 5, what="an INVITE")
    text = invitation(nat).group(0)
    assert "2001:db8" not in re.sub(r"Call-ID:.*", "", text), text
    address = re.search(r"c=IN IP4 (\S+)", text).group(1)
    port = int(re.search(r"m=audio (\d+)", text).group(1))
    assert address == Nat64.POOL
    assert port % 2 == 0
    with nat.socket("server", socket.AF_INET, socket.SOCK_DGRAM) as media:
        media.settimeout(2)
        media.sendto(b"\x80\x00" + bytes(170), (address, port))
        assert media.recvfrom(2048) == (b"\x80\x00" + bytes(170), (address, port))
    assert client.wait(20) == 0, client.stdout[-2000:] + client.stderr
    assert server.wait(20) == 0, server.stdout[-2000:] + server.stderr


def test_sip_names_the_wrong_family_without_the_gateway(nat):
    nat.start()
    server, client = call(nat, "-d", "100")
    wait_for(lambda: invitation(nat), 5, what="an INVITE")
    assert f"c=IN IP6 {Nat64.CLIENT}" in invitation(nat).group(0)
    client.stop()
    server.stop()
