"""slb64 with real traffic: IPv6 clients, virtual addresses, nginx and HAProxy on IPv4-only servers."""

import collections
import hashlib
import shutil
import subprocess
import threading
import time

import probes
import pytest
from namespaces import OFFLOAD, wait_for
from scenarios import Slb64

needs_nginx = pytest.mark.skipif(not shutil.which("nginx", path="/usr/sbin:/usr/bin"), reason="nginx is not installed")
needs_haproxy = pytest.mark.skipif(not shutil.which("haproxy", path="/usr/sbin:/usr/bin"), reason="haproxy is not installed")

NGINX = """\
daemon off; master_process off; pid {folder}/nginx-{name}.pid; error_log stderr;
events {{ worker_connections 512; }}
http {{
  access_log off; default_type text/plain; client_body_temp_path {folder}/body-{name};
  proxy_temp_path {folder}/proxy-{name}; fastcgi_temp_path {folder}/fcgi-{name};
  uwsgi_temp_path {folder}/uwsgi-{name}; scgi_temp_path {folder}/scgi-{name};
  server {{
    listen {address}:8080;
    root {folder};
    location = / {{ return 200 "{name} $remote_addr\\n"; }}
    location / {{ }}
  }}
  server {{
    listen {address}:8081 proxy_protocol;
    root {folder};
    client_max_body_size 100m;
    location = / {{
      return 200 "{name} $remote_addr $proxy_protocol_addr $proxy_protocol_port $proxy_protocol_server_addr $proxy_protocol_server_port\\n";
    }}
    location / {{ }}
  }}
}}
"""
HAPROXY = """\
defaults
  mode http
  timeout client 10s
  timeout server 10s
  timeout connect 5s
frontend web
  bind {address}:8081 accept-proxy
  http-request return status 200 content-type text/plain lf-string "haproxy %[src] %[src_port] %[dst] %[dst_port]\\n"
"""
LOSS = "table inet lossy { chain lossy { type filter hook forward priority 0; meta l4proto tcp numgen random mod 100 < 4 drop; }; }"
PROXY_SERVICE = """\
      - vip: 2001:db8:80::1
        port: 81
        proxy-protocol: v2
        servers: [{address: 203.0.113.10, port: 8081}]
        health: {check: http, interval: 1, timeout: 1, rise: 1, fall: 1}
"""
LARGE = 20_000_000
REFUSED = 7    # what curl says of a connection that could not be made; 28 would be a time-out


def serve(lab, name):
    """nginx with a page that says who it is and whom it sees, and a large file."""
    content = (b"%d " % 7919) * (LARGE // 5)
    (lab.folder / "large").write_bytes(content)
    lab.folder.chmod(0o755)
    path = lab.folder / f"nginx-{name}.conf"
    path.write_text(NGINX.format(folder=lab.folder, name=name, address=Slb64.SERVERS[name]))
    server = lab.spawn(name, ["/usr/sbin/nginx", "-c", path, "-p", lab.folder], f"nginx-{name}")
    wait_for(lambda: ":8080" in lab.run(name, ["ss", "-Hltn"]).stdout, what=f"nginx on {name}")
    return server


@pytest.fixture(params=[1, 3], ids=["one-worker", "three-workers"])
def web(request):
    with Slb64() as lab:
        lab.nginx = {name: serve(lab, name) for name in Slb64.SERVERS}
        lab.workers = f"    workers: {request.param}\n"
        lab.start(Slb64.CONFIG + lab.workers)
        yield lab
        assert lab.translator.process.running(), lab.translator.process.stderr


def get(lab, port=80, node="client", path="/", options=(), check=True):
    return lab.run(node, ["curl", "-sS", "--max-time", 5, *options, f"http://[{Slb64.VIP}]:{port}{path}"], 10, check).stdout


def answers(lab, count, node="client"):
    """Who answered so many connections."""
    urls = [f"http://[{Slb64.VIP}]/"] * count
    pages = lab.run(node, ["curl", "-sS", "--max-time", 20, "--no-keepalive", "-H", "Connection: close", *urls], 25).stdout
    seen = collections.Counter(line.split()[0] for line in pages.splitlines())
    assert seen.total() == count
    return seen


def servers(lab, port=80):
    """The servers of a service, by their address."""
    services = lab.translator.show("services")["services"]
    return {server["address"]: server for service in services if service["port"] == port for server in service["servers"]}


@needs_nginx
def test_a_page_and_who_is_seen(web):
    name, client = get(web).split()
    assert name in ("one", "two") and client == Slb64.POOL
    assert probes.ping(web, "client", Slb64.VIP)[0] == 3
    done = web.run("client", ["curl", "-sS", "--max-time", 5, f"http://[{Slb64.VIP}]:82/"], check=False)
    assert done.returncode == REFUSED  # by Port Unreachable


@needs_nginx
def test_connections_go_by_weight(web):
    weighted = Slb64.CONFIG.replace("{address: 203.0.113.10, port: 8080}", "{address: 203.0.113.10, port: 8080, weight: 3}")
    web.translator.write_config(weighted + web.workers)
    web.translator.reload()
    seen = answers(web, 400)
    assert 260 <= seen["one"] <= 340 and seen["one"] + seen["two"] == 400, seen
    counted = servers(web)
    assert counted["203.0.113.10"]["flows"] == seen["one"] and counted["203.0.113.11"]["flows"] == seen["two"]
    text = web.translator.command("show", "services").stdout
    assert "tcp [2001:db8:80::1]:80" in text and "203.0.113.10:8080" in text


@needs_nginx
def test_affinity_by_address(web):
    web.translator.write_config(Slb64.CONFIG.replace("        port: 80\n", "        port: 80\n        affinity: address\n") + web.workers)
    web.translator.reload()
    for node in ("client", "neighbour"):
        assert len(answers(web, 30, node)) == 1


@needs_nginx
def test_a_dead_server_gets_nothing_new(web):
    assert set(answers(web, 40)) == {"one", "two"}
    web.nginx["one"].stop()
    wait_for(lambda: not servers(web)["203.0.113.10"]["up"], 10, what="the check to fail")
    assert set(answers(web, 40)) == {"two"}
    failed = servers(web)["203.0.113.10"]
    assert failed["failed-checks"] >= 2 and failed["failure"]
    assert "web: the server 203.0.113.10:8080 of [2001:db8:80::1]:80 is down: " in web.translator.process.stderr
    metrics = web.run("gateway", ["curl", "-sS", "--unix-socket", web.translator.socket_path, "http://yonroku/metrics"]).stdout
    assert ('yonroku_server_up{instance="web",vip="2001:db8:80::1",port="80",protocol="tcp",server="203.0.113.10:8080"} 0'
            in metrics)
    web.nginx["two"].stop()
    wait_for(lambda: not servers(web)["203.0.113.11"]["up"], 10, what="the check to fail")
    done = web.run("client", ["curl", "-sS", "--max-time", 5, f"http://[{Slb64.VIP}]/"], check=False)
    assert done.returncode == REFUSED
    assert web.translator.drops("no-server") > 0
    serve(web, "one")
    wait_for(lambda: servers(web)["203.0.113.10"]["up"], 10, what="the check to succeed")
    assert set(answers(web, 20)) == {"one"}


@needs_nginx
def test_a_download_survives_changes_of_the_servers(web):
    result = {}

    def download():
        done = subprocess.run(["ip", "netns", "exec", web.full_name("client"), "curl", "-sS", "--limit-rate", "4M",
                               "--max-time", "40", f"http://[{Slb64.VIP}]/large"], capture_output=True, check=False)
        result["digest"], result["error"] = hashlib.sha256(done.stdout).hexdigest(), done.stderr

    thread = threading.Thread(target=download)
    thread.start()
    try:
        time.sleep(1)
        more = Slb64.CONFIG.replace("        health:", "          - {address: 203.0.113.12, port: 8080, weight: 50}\n        health:")
        web.translator.write_config(more + web.workers)
        web.translator.reload()
        assert answers(web, 40)["three"] > 30
        drained = more.replace("203.0.113.10, port: 8080", "203.0.113.10, port: 8080, weight: 0").replace(
            "203.0.113.11, port: 8080", "203.0.113.11, port: 8080, weight: 0")
        web.translator.write_config(drained + web.workers)
        web.translator.reload()
        assert set(answers(web, 20)) == {"three"}
        assert thread.is_alive()
    finally:
        thread.join()
    assert result["digest"] == hashlib.sha256((web.folder / "large").read_bytes()).hexdigest(), result["error"]


@needs_nginx
@pytest.mark.skipif(bool(OFFLOAD), reason="chooses the offload itself")
def test_established_connections_are_the_kernels(web):
    """But for those with the PROXY protocol, whose numbers are the engine's."""
    def counted():
        offload = web.translator.show("offload")["instances"][0]["tc"]
        return offload["to-ipv4"]["packets"] + offload["to-ipv6"]["packets"]

    def fetch(port):
        done = subprocess.run(["ip", "netns", "exec", web.full_name("client"), "curl", "-sS", "--max-time", "20",
                               f"http://[{Slb64.VIP}]:{port}/large"], capture_output=True, check=True)
        assert hashlib.sha256(done.stdout).digest() == hashlib.sha256((web.folder / "large").read_bytes()).digest()

    web.translator.write_config((Slb64.CONFIG + PROXY_SERVICE + web.workers).replace("    pools:", "    offload: tc\n    pools:"))
    web.translator.stop()
    web.translator.start()
    wait_for(lambda: servers(web, 81).get("203.0.113.10", {}).get("checks", 0) >= 1, what="checks")
    fetch(80)
    first = counted()
    assert first > 200
    fetch(81)
    assert counted() == first
    web.nginx["one"].stop()
    web.nginx["two"].stop()
    wait_for(lambda: not any(server["up"] for server in servers(web).values()), 10, what="the checks to fail")
    assert get(web, check=False) == ""


def with_proxy(lab):
    """Starts the service with proxy-protocol, and waits until its checks, which have a header too, succeed."""
    lab.translator.write_config(Slb64.CONFIG + PROXY_SERVICE + lab.workers)
    lab.translator.reload()
    wait_for(lambda: servers(lab, 81).get("203.0.113.10", {}).get("checks", 0) >= 2, what="checks")
    assert servers(lab, 81)["203.0.113.10"]["up"]


@needs_nginx
def test_proxy_protocol_with_nginx(web):
    with_proxy(web)
    for node, address in (("client", Slb64.CLIENT), ("neighbour", Slb64.NEIGHBOUR)):
        name, peer, client, port, vip, vip_port = get(web, 81, node, options=["--local-port", "41000"]).split()
        assert (name, peer, client, port, vip, vip_port) == ("one", Slb64.POOL, address, "41000", Slb64.VIP, "81")
    # Numbers stay right over a whole download, and many connections.
    done = subprocess.run(["ip", "netns", "exec", web.full_name("client"), "curl", "-sS", "--max-time", "20",
                           f"http://[{Slb64.VIP}]:81/large"], capture_output=True, check=True)
    assert hashlib.sha256(done.stdout).digest() == hashlib.sha256((web.folder / "large").read_bytes()).digest()
    # A large first segment, from the client: super-packets are split to take the header.
    (web.folder / "upload").write_bytes(b"x" * 3_000_000)
    status = get(web, 81, path="/", options=["-o", "/dev/null", "-w", "%{http_code}", "-H", "Expect:", "--data-binary",
                                              f"@{web.folder}/upload"])
    assert status == "200"


@needs_nginx
def test_proxy_protocol_over_a_lossy_path(web):
    """Segments are lost and sent again in both directions; selective acknowledgments have the right numbers."""
    with_proxy(web)
    web.run("gateway", ["nft", "-f", "-"], text_input=LOSS)
    for _ in range(10):
        assert get(web, 81, options=["--max-time", "20", "--retry", "0"]).split()[2] == Slb64.CLIENT
    done = subprocess.run(["ip", "netns", "exec", web.full_name("client"), "curl", "-sS", "--max-time", "40", "-r", "0-1999999",
                           f"http://[{Slb64.VIP}]:81/large"], capture_output=True, check=True)
    assert done.stdout == (web.folder / "large").read_bytes()[:2_000_000]


@needs_nginx
@needs_haproxy
def test_proxy_protocol_with_haproxy(web):
    web.nginx["one"].stop()
    path = web.folder / "haproxy.cfg"
    path.write_text(HAPROXY.format(address=Slb64.SERVERS["one"]))
    web.spawn("one", ["/usr/sbin/haproxy", "-db", "-f", path], "haproxy")
    wait_for(lambda: ":8081" in web.run("one", ["ss", "-Hltn"]).stdout, what="haproxy")
    with_proxy(web)
    assert get(web, 81, options=["--local-port", "41001"]).split() == ["haproxy", Slb64.CLIENT, "41001", Slb64.VIP, "81"]
