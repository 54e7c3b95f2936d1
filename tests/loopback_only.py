"""Run in a network namespace of its own: brings up its loopback, starts the default server and lets alpyca find it."""

from __future__ import annotations

import fcntl
import json
import shutil
import socket
import struct
import subprocess
import sys
from pathlib import Path

from alpaca import discovery, management

from tests.server_process import ServerProcess

SIOCGIFFLAGS, SIOCSIFFLAGS = 0x8913, 0x8914
IFF_UP = 0x1


def bring_up_loopback() -> None:
    """As `ip link set lo up` does."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh14x", b"lo", 0)
        (flags,) = struct.unpack("16xh14x", fcntl.ioctl(any_socket, SIOCGIFFLAGS, request))
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))


def add_ipv6_interface() -> str:
    """A pair of interfaces that are cabled to each other; the name of one, once it can send to a group."""
    name = "pylpaca0"
    subprocess.run(["ip", "link", "add", name, "type", "veth", "peer", "name", "pylpaca1"], check=True)
    for each in (name, "pylpaca1"):
        subprocess.run(["ip", "link", "set", each, "up"], check=True)
    return name


def ask_group(interface: str) -> str:
    """The answer to a question to the IPv6 group; asked again while the interface is getting its address."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as client:
        client.settimeout(0.5)
        client.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, socket.if_nametoindex(interface))
        for _ in range(40):
            try:
                client.sendto(b"alpacadiscovery1", ("ff12::a1:9aca", 32227))
                return client.recv(1000).decode()
            except OSError:
                continue
    return ""


def main() -> None:
    """Print what was found as JSON."""
    bring_up_loopback()
    interface = add_ipv6_interface() if shutil.which("ip") else ""
    server = ServerProcess([], Path(sys.argv[1]))
    try:
        address = server.address
        found = {
            "ipv4": discovery.search_ipv4(numquery=2, timeout=2),
            "ipv6": ask_group(interface) if interface else None,
            "devices": [each["DeviceType"] for each in management.configureddevices(address)],
        }
    finally:
        status = server.terminate()
    print(json.dumps({**found, "status": status}))


if __name__ == "__main__":
    main()
