#!/bin/sh
# Runs in the guest: a SIIT gateway between an IPv4-only client and an IPv6-only server, and traffic through it.
# usage: siit.sh YONROKU UDP_TOOL OFFLOAD
# OFFLOAD is a value of the key `offload`; "none" leaves the key out.
set -eu

yonroku=$1
udp_tool=$2
offload=$3
config=/tmp/siit.yaml
socket=/run/yonroku.sock
page=/tmp/www/page

in_client() { ip netns exec client "$@"; }
in_gateway() { ip netns exec gateway "$@"; }
in_server() { ip netns exec server "$@"; }

# The topology of SiitDc in tests/lab/scenarios.py.
for node in client gateway server; do
  ip netns add "$node"
  ip -n "$node" link set lo up
done
ip -n client link add to-gateway type veth peer name to-client netns gateway
ip -n server link add to-gateway type veth peer name to-server netns gateway
ip -n client address add 203.0.113.2/24 dev to-gateway
ip -n gateway address add 203.0.113.1/24 dev to-client
ip -n gateway address add 2001:db8:5::1/64 dev to-server nodad
ip -n server address add 2001:db8:5::80/64 dev to-gateway nodad
ip -n client link set to-gateway up
ip -n gateway link set to-client up
ip -n gateway link set to-server up
ip -n server link set to-gateway up
ip -n client route add default via 203.0.113.1
ip -n server route add default via 2001:db8:5::1
in_gateway sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1

cat >$config <<CONFIG
control: {socket: $socket}
instances:
  - name: dc
    mechanism: siit
    pref64: 2001:db8:64::/96
    mappings:
      - {ipv4: 192.0.2.80, ipv6: "2001:db8:5::80"}
CONFIG
if [ "$offload" != none ]; then echo "    offload: $offload" >>$config; fi

ip netns exec gateway "$yonroku" run --config $config 2>/tmp/yonroku.err &
daemon=$!
trap 'cat /tmp/yonroku.err; kill $daemon 2>/dev/null || true' EXIT
tries=0
until grep -q 'ready$' /tmp/yonroku.err; do
  tries=$((tries + 1))
  if [ $tries -gt 100 ] || ! kill -0 $daemon 2>/dev/null; then exit 1; fi
  sleep 0.2
done

echo "== ping"
for size in 56 1400; do
  in_client ping -q -i 0.2 -c 3 -W 5 -s $size 192.0.2.80
  in_server ping -6 -q -i 0.2 -c 3 -W 5 -s $size 2001:db8:64::203.0.113.2
done

echo "== UDP, the largest in fragments"
in_server "$udp_tool" echo --bind :: --port 7 &
sleep 0.5
for size in 22 1400 1900; do
  in_client "$udp_tool" pingpong --to 192.0.2.80 --port 7 --count 20 --size $size | tee /tmp/pingpong
  grep -q '"lost": 0,' /tmp/pingpong
done

echo "== a megabyte by TCP"
mkdir -p "${page%/*}"
head -c 1048576 /dev/urandom >$page
in_server httpd -p '[::]:80' -h "${page%/*}"
in_client curl -sS -m 20 -o /tmp/received http://192.0.2.80/page
cmp $page /tmp/received

echo "== counters"
in_gateway "$yonroku" show counters --socket $socket
if [ "$offload" != none ]; then
  echo "== offload"
  in_gateway "$yonroku" show offload --socket $socket
fi

trap - EXIT
kill $daemon
wait $daemon
echo "all went through"
