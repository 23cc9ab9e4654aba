#!/usr/bin/python3
"""Prints free ports of 127.0.0.1, below those that the kernel gives to outgoing connections: one of these could otherwise
take a port, or leave it in TIME_WAIT, between this choice and the start of the server that it is for.

ports.py COUNT
"""
import random
import socket
import sys

with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as f:
    below = int(f.read().split()[0])
ports = []
for port in random.sample(range(1024, below), below - 1024):
    if len(ports) == int(sys.argv[1]):
        break
    try:
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            with socket.socket(socket.AF_INET, kind) as s:
                s.bind(("127.0.0.1", port))
    except OSError:
        continue
    ports.append(port)
else:
    sys.exit("ports.py: too few free ports")
print(*ports)
