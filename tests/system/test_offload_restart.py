"""The offload without the daemon: established sessions of NATs go on while it is killed, stopped or reloaded."""

import hashlib
import socket
import subprocess
import threading
import time

import namespaces
import probes
import pytest
from namespaces import LabError, wait_for
from scenarios import CustomerEdge, Nat64, Slb64
from translators import Yonroku

PORT = 5001
OCTETS = 200_000_000
SECONDS = 5

OFFLOAD = "    offload: tc\n" if not namespaces.OFFLOAD else ""


class Stateful:
    """A lab with a BPF file system of its own: `ip netns exec` hides the machine's."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.bpf = self.folder / "bpf"
        self.state = self.bpf / "yonroku"
        self.bpf.mkdir()
        subprocess.run(["mount", "-t", "bpf", "-o", "mode=0700", "bpf", self.bpf], check=True)

    def close(self):
        for process in reversed(self.processes):
            process.stop(seconds=2.0)
        subprocess.run(["umount", "-l", self.bpf], check=False)
        super().close()

    def again(self):
        """Starts the daemon with the NAT once more; what it says is a new file."""
        self.nat.start()

    def sessions(self):
        """TCP sessions with the server of transfers."""
        return [one for one in self.nat.show("sessions")["sessions"]
                if one["protocol"] == "tcp" and one.get("remote-port") == PORT]


class Lab(Stateful, Nat64):
    SERVER_BINDS = Nat64.SERVER_IPV4

    @property
    def nat(self):
        return self.translator

    def config(self, nat=OFFLOAD, top=""):
        return f"offload-state: {self.state}\n{top}{Nat64.CONFIG}{nat}"


class Home(Stateful, CustomerEdge):
    """The NAT is the customer edge's, or the AFTR's."""

    SERVER_BINDS = CustomerEdge.SERVER

    def options(self, top=""):
        """What the NAT's configuration ends with."""
        return f"{OFFLOAD}offload-state: {self.state}\n{top}"


class Balancer(Stateful, Slb64):
    """The file is a server's behind a virtual address, with another port."""

    SERVER = Slb64.VIP
    SERVER_BINDS = Slb64.SERVERS["one"]
    SERVICE = f"      - {{vip: {SERVER}, port: {PORT}, servers: [{{address: {SERVER_BINDS}, port: {PORT}}}]}}\n"
    OTHER = f"      - {{vip: {SERVER}, port: 80, servers: [{{address: {SERVER_BINDS}}}]}}\n"

    @property
    def nat(self):
        return self.translator

    def config(self, services):
        return (f"offload-state: {self.state}\ninstances:\n  - name: web\n    mechanism: slb64\n{OFFLOAD}"
                f"    pools: [{{addresses: {self.POOL}}}]\n    services:\n{services}")

    def socket(self, node, *arguments):
        return super().socket("one" if node == "server" else node, *arguments)


@pytest.fixture
def lab():
    with Lab() as made:
        yield made


class Transfer:
    """A file that a client reads from an IPv4 server, as slowly as to take some seconds."""

    def __init__(self, lab, octets=OCTETS, seconds=SECONDS):
        self.octets, self.seconds = octets, seconds
        self.server = lab.SERVER
        self.received = 0
        self.failure = None
        self.content = probes.pattern(1_000_000)
        self.hash = hashlib.sha256()
        self.listener = lab.socket("server", socket.AF_INET, socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((lab.SERVER_BINDS, PORT))
        self.listener.listen()
        self.client = lab.socket("client", socket.AF_INET6 if ":" in lab.SERVER else socket.AF_INET, socket.SOCK_STREAM)
        self.client.settimeout(10)
        self.client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 18)  # little is on its way
        self.may_end = threading.Event()
        self.threads = [threading.Thread(target=self._send, daemon=True),
                        threading.Thread(target=self._receive, daemon=True)]
        for thread in self.threads:
            thread.start()
        wait_for(lambda: self.received > self.octets // 20 or self.failure, what="the transfer beginning")

    def _send(self):
        connection, self.peer = self.listener.accept()
        with connection:
            for _ in range(self.octets // len(self.content)):
                connection.sendall(self.content)
            self.may_end.wait(30)

    def _receive(self):
        try:
            self.client.connect((self.server, PORT))
            begin = time.monotonic()
            while self.received < self.octets:
                data = self.client.recv(1 << 20)
                if not data:
                    raise OSError("the end came early")
                self.hash.update(data)
                self.received += len(data)
                time.sleep(max(0.0, begin + self.received / self.octets * self.seconds - time.monotonic()))
        except OSError as error:
            self.failure = error

    def progress(self, seconds):
        """How many octets arrive in that time."""
        before = self.received
        time.sleep(seconds)
        return self.received - before

    def wait(self):
        """All of it is there, and right."""
        self.threads[1].join(40)
        assert self.failure is None
        assert self.received == self.octets
        expected = hashlib.sha256()
        for _ in range(self.octets // len(self.content)):
            expected.update(self.content)
        assert self.hash.digest() == expected.digest()

    def end(self):
        """FIN in both directions."""
        self.may_end.set()
        self.threads[0].join(5)
        self.client.close()
        self.listener.close()


def check_over(lab, transfer, before):
    """The session outlives the transfer, as the same, and ends as others do."""
    transfer.wait()
    after, = lab.sessions()
    assert {**after, "seconds-left": 0} == {**before, "seconds-left": 0}
    assert after["state"] == "established"
    transfer.end()
    wait_for(lambda: all(one["state"] != "established" for one in lab.sessions()), what="the session ending")


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("how", ["kill", "stop"])
def test_a_transfer_outlives_the_daemon(lab, how, workers):
    lab.start(lab.config(OFFLOAD + f"    workers: {workers}\n"))
    transfer = Transfer(lab)
    before, = lab.sessions()
    getattr(lab.translator, how)()
    assert not lab.translator.process.running()
    assert transfer.progress(1.0) > OCTETS / SECONDS / 4, "while the daemon is away"
    lab.again()
    assert "1 sessions went on in the offload and are recovered, 0 end" in lab.translator.process.stderr
    now, = lab.sessions()
    assert now["outside-port"] == before["outside-port"] == transfer.peer[1]
    check_over(lab, transfer, before)


def test_a_transfer_outlives_a_reload(lab):
    lab.start(lab.config())
    transfer = Transfer(lab)
    before, = lab.sessions()
    lab.translator.write_config(lab.config(top="log: {level: debug}\n"))
    lab.translator.reload()
    check_over(lab, transfer, before)


@pytest.mark.parametrize("kind", ["map-e", "lw4o6", "map-t", "ds-lite"])
def test_transfers_through_other_nats_go_on(kind):
    """Killed, stopped and reloaded. Packets of tunnels, which programs of their own forward, too."""
    with Home(kind) as lab:
        lab.start(lab.options())
        transfer = Transfer(lab, octets=80_000_000, seconds=8)
        before, = lab.sessions()
        for how in ("kill", "stop"):
            getattr(lab.nat, how)()
            assert not lab.nat.process.running()
            assert transfer.progress(1.0) > 3_000_000, f"{how}: while the daemon is away"
            lab.again()
            assert "1 sessions went on in the offload and are recovered, 0 end" in lab.nat.process.stderr
            assert lab.sessions()[0]["outside-port"] == before["outside-port"] == transfer.peer[1]
            flows = lab.nat.show("offload")["instances"][0]["flows"]
            assert (flows["used"], flows["recovered"], flows["ended"]) == (1, 1, 0)
        lab.nat.write_config(lab.nat_config(lab.options("log: {level: debug}\n")))
        lab.nat.reload()
        check_over(lab, transfer, before)


def test_a_transfer_through_a_load_balancer_goes_on():
    """Its services have other numbers in another order."""
    with Balancer() as lab:
        lab.start(lab.config(Balancer.SERVICE + Balancer.OTHER))
        transfer = Transfer(lab, octets=80_000_000, seconds=8)
        before, = lab.sessions()
        for how, services in (("kill", Balancer.OTHER + Balancer.SERVICE), ("stop", Balancer.SERVICE)):
            getattr(lab.nat, how)()
            assert transfer.progress(1.0) > 3_000_000, f"{how}: while the daemon is away"
            lab.nat.write_config(lab.config(services))
            lab.again()
            assert "1 sessions went on in the offload and are recovered, 0 end" in lab.nat.process.stderr
            assert lab.sessions()[0]["outside-port"] == before["outside-port"] == transfer.peer[1]
        lab.nat.write_config(lab.config(Balancer.SERVICE + Balancer.OTHER))
        lab.nat.reload()
        transfer.wait()
        transfer.end()
        wait_for(lambda: all(one["state"] != "established" for one in lab.sessions()), what="the session ending")


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_sessions_that_were_the_engines(lab, how):
    """A program that is stopped leaves them to the offload; one that is killed can't."""
    lab.start(lab.config(OFFLOAD + "    offload-after: 200\n"))
    with lab.socket("server", socket.AF_INET, socket.SOCK_STREAM) as listener, \
            lab.socket("client", socket.AF_INET6, socket.SOCK_STREAM) as client:
        listener.bind((lab.SERVER_BINDS, PORT))
        listener.listen()
        client.settimeout(5)
        client.connect((lab.SERVER, PORT))
        connection, peer = listener.accept()
        client.sendall(b"before")
        assert connection.recv(100) == b"before"
        assert lab.nat.show("offload")["instances"][0]["flows"]["used"] == 0
        getattr(lab.nat, how)()
        if how == "stop":
            assert "1 sessions go on in the offload, 0 end" in lab.nat.process.stderr
            connection.sendall(b"meanwhile")
            assert client.recv(100) == b"meanwhile"
        lab.again()
        now = lab.sessions()
        assert [one["outside-port"] for one in now] == ([peer[1]] if how == "stop" else [])
        if how == "stop":
            client.sendall(b"afterwards")
            assert connection.recv(100) == b"afterwards"
        connection.close()


def test_new_connections_and_other_sessions_after_a_restart(lab):
    """A port that a recovered session has is not given to others."""
    lab.start(lab.config())
    transfer = Transfer(lab)
    lab.translator.kill()
    lab.again()
    probes.serve_http(lab, "server", "0.0.0.0")
    for _ in range(5):
        assert probes.http_get(lab, "client", Nat64.SERVER).startswith("hello 192.0.2.1")
    transfer.wait()
    transfer.end()


def test_what_is_there_ends_with_the_offload(lab):
    """Without an offload nothing stays; and nothing of another layout is used."""
    lab.start(lab.config())
    assert (lab.state / "map-flows").exists()
    assert lab.state.stat().st_mode & 0o777 == 0o700
    assert any(pin.name.startswith("tc-") for pin in lab.state.iterdir())
    lab.translator.stop()
    lab.translator.write_config(lab.config(OFFLOAD + "    offload-flows: 1000\n"))
    lab.again()
    assert "has another size; it begins anew" in lab.translator.process.stderr
    lab.translator.stop()
    lab.translator.write_config(lab.config(""))
    lab.again()
    assert list(lab.state.iterdir()) == []


def test_interfaces_that_are_no_longer_wished_for(lab):
    lab.start(lab.config())
    links = {pin.name for pin in lab.state.iterdir() if not pin.name.startswith("map-")}
    lab.translator.kill()
    lab.translator.write_config(lab.config(OFFLOAD + "    offload-interfaces: [to-client, to-internet]\n"))
    lab.again()
    left = {pin.name for pin in lab.state.iterdir() if not pin.name.startswith("map-")}
    assert left < links and len(left) == 2


def test_another_user_can_keep_it_up(lab):
    """Without root's privileges it pins what comes later, and the next start takes over all of it."""
    lab.start(lab.config(top="user: nobody\n"))
    transfer = Transfer(lab)
    before, = lab.sessions()
    links = [pin.name for pin in lab.state.iterdir() if pin.name.startswith(("tc-", "xdp-"))]
    lab.ip("gateway", "link add later type veth peer name peer")

    def added():
        return [pin.name for pin in lab.state.iterdir() if pin.name.startswith("tc-") and pin.name not in links]

    wait_for(lambda: len(added()) == 2, what="programs at the new interfaces")
    lab.ip("gateway", "link del later")
    wait_for(lambda: not added(), what="their end")
    lab.translator.kill()
    lab.again()
    assert "1 sessions went on" in lab.translator.process.stderr
    check_over(lab, transfer, before)


def test_the_folder_is_one_programs(lab):
    lab.start(lab.config())
    second = Yonroku(lab, "gateway", lab.config().replace("name: nat", "name: other"), name="second")
    with pytest.raises(LabError, match="another program's"):
        second.start()
    assert lab.translator.process.running()


def test_elsewhere_it_says_why(lab):
    with pytest.raises(LabError, match="not of a BPF file system"):
        lab.start(lab.config().replace(str(lab.state), str(lab.folder / "state")))
    assert not (lab.folder / "state").exists()
    with pytest.raises(LabError, match="is everybody's"):
        lab.start(lab.config().replace(str(lab.state), str(lab.bpf)))
