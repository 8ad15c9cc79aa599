"""Puts single packets into a TUN device of the lab, past the kernel's routing, and catches what the translator sends.

A packet socket on the device sends raw IP packets straight to the program behind it, whatever is in them; what the
program writes arrives at the same socket. So even packets that no kernel would route reach the translator.
"""

import select
import socket
import time

ETH_P_ALL, ETH_P_IP, ETH_P_IPV6 = 0x0003, 0x0800, 0x86DD
PACKET_OUTGOING = 4


class TunPort:
    def __init__(self, lab, node, device):
        with lab.inside(node):
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
            self.socket.bind((device, ETH_P_ALL))
        self.device = device
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, packet):
        """One packet to the translator; its first four bits say which protocol the kernel calls it."""
        packet = bytes(packet)
        protocol = ETH_P_IPV6 if packet[:1] and packet[0] >> 4 == 6 else ETH_P_IP
        while True:
            try:
                self.socket.sendto(packet, (self.device, protocol))
                return
            except OSError as error:  # The device's queue is full.
                if error.errno != 105:
                    raise
                time.sleep(0.001)

    def received(self, seconds=0.3, most=None):
        """What the translator sends until nothing came for that long, or `most` packets came."""
        packets = []
        end = time.monotonic() + seconds
        while most is None or len(packets) < most:
            if not select.select([self.socket], [], [], max(0.0, end - time.monotonic()))[0]:
                break
            packet, (_, _, kind, _, _) = self.socket.recvfrom(65535)
            if kind != PACKET_OUTGOING:
                packets.append(packet)
                end = time.monotonic() + seconds
        return packets

    def exchange(self, packet, seconds=0.3):
        """What one packet becomes."""
        self.received(0)
        self.send(packet)
        return self.received(seconds)
