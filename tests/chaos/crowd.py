"""Many clients at once who mean no good: `python -m tests.chaos.crowd KIND ADDRESS NUMBERS…`, each from an address of its own."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from pylpaca.sending import Sending
from tests.raw import get

PATH = "/api/v1/dome/0/name"  # what the client who means well asks for

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing is resetting


def say(**what: Any) -> None:
    """One line for the process that started this one."""
    print(json.dumps(what), flush=True)


def source(number: int) -> tuple[str, int]:
    """An address of loopback for each."""
    return f"127.{10 + (number >> 16)}.{number >> 8 & 255}.{number & 255}", 0


async def connected(address: str, number: int, receive_buffer: int = 0) -> socket.socket:
    """A connection from an address of its own."""
    host, _, port = address.rpartition(":")
    made = socket.socket()
    made.setblocking(False)
    if receive_buffer:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    made.bind(source(number))
    await asyncio.get_running_loop().sock_connect(made, (host, int(port)))
    return made


async def until_closed(made: socket.socket, again: bytes = b"") -> tuple[float, bytes]:
    """Seconds from now until the server closes, and what it said; something is sent each half a second."""
    loop = asyncio.get_running_loop()
    began, said = loop.time(), b""

    async def trickle() -> None:
        while again:
            await asyncio.sleep(0.5)
            await loop.sock_sendall(made, again)

    trickling = asyncio.ensure_future(trickle())
    try:
        while data := await loop.sock_recv(made, 4096):
            said += data
    except ConnectionError:
        said += b"(reset)"
    took = loop.time() - began
    trickling.cancel()
    await asyncio.gather(trickling, return_exceptions=True)
    made.close()
    return took, said


async def half_open(address: str, count: str) -> None:
    """Each sends half a head; every other one goes on with a line each half a second."""
    loop = asyncio.get_running_loop()

    async def one(number: int) -> tuple[float, bytes]:
        made = await connected(address, number)
        await loop.sock_sendall(made, get("/").removesuffix(b"\r\n"))
        return await until_closed(made, b"A: b\r\n" if number % 2 else b"")

    found = await asyncio.gather(*(one(number) for number in range(1, int(count) + 1)))
    told = sum(said.startswith(b"HTTP/1.1 408 ") for _, said in found)
    say(closed=len(found), told=told, first=min(found)[0], last=max(found)[0])


async def greedy(address: str, count: str) -> None:
    """One client opens all it can, and holds them until it is told to stop."""
    made = [await connected(address, 1) for _ in range(int(count))]
    reading = [asyncio.ensure_future(asyncio.get_running_loop().sock_recv(each, 4096)) for each in made]
    done, waiting = await asyncio.wait(reading, timeout=2.0)
    say(kept=len(waiting), refused=sum(each.result().startswith(b"HTTP/1.1 503 ") for each in done))
    for each in waiting:
        each.cancel()
    await told_to_stop()
    say(stopped=True)


async def flood(address: str, count: str, a_second: str) -> None:
    """So many hold connections open, each from another address, half of them after asking something; more come and come."""
    loop = asyncio.get_running_loop()
    held: list[socket.socket] = []
    stop = asyncio.ensure_future(told_to_stop())
    number = 0
    while not stop.done():
        number += 1
        made = await connected(address, number)
        if number % 2:
            await loop.sock_sendall(made, get("/management/apiversions"))
        held.append(made)
        if len(held) > int(count):
            held.pop(0).close()
        if number == int(count):
            say(held=number)
        if number >= int(count):
            await asyncio.sleep(1 / int(a_second))
    say(opened=number)


async def deaf(address: str, count: str) -> None:
    """Each asks for an image and takes nothing of it; or for one page after another."""
    loop = asyncio.get_running_loop()
    asked = {0: get("/api/v1/camera/0/imagearray", "Accept: application/imagebytes"), 1: get("/setup") * 300}
    held = [await connected(address, number, 4096) for number in range(1, int(count) + 1)]
    sending = [asyncio.ensure_future(loop.sock_sendall(made, asked[number % 2])) for number, made in enumerate(held)]
    await asyncio.wait(sending, timeout=2.0)
    say(held=len(held))
    poll = [made for number, made in enumerate(held) if number % 2 == 0]
    began = loop.time()
    gone: list[float] = []
    while poll and loop.time() - began < Sending.PATIENCE + 30.0:
        await asyncio.sleep(0.25)
        for made in [each for each in poll if each.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) or _is_reset(each)]:
            poll.remove(made)
            gone.append(loop.time() - began)
    for each in sending:
        each.cancel()
    say(gone=len(gone), last=max(gone, default=0.0))


def _is_reset(made: socket.socket) -> bool:
    """Whether the other end is gone, without taking anything."""
    state = made.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
    return state == 7  # TCP_CLOSE


async def hang_up(address: str, count: str, devices: str) -> None:
    """Each asks one of the devices something that takes time, and goes; every other one without a word."""
    loop = asyncio.get_running_loop()
    few = asyncio.Semaphore(100)

    async def one(number: int) -> None:
        async with few:
            made = await connected(address, number)
            await loop.sock_sendall(made, get(f"/api/v1/focuser/{number % int(devices)}/maxstep"))
            await asyncio.sleep(0.2)
            if number % 2:
                made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            made.close()

    await asyncio.gather(*(one(number) for number in range(1, int(count) + 1)))
    say(gone=int(count))


PATHS = ("/", "/setup", "/setup/v1/dome/0/setup", "/management/apiversions", "/management/v1/configureddevices", PATH, "/nowhere")


async def ask_all(address: str, own: str) -> None:
    """One client at an address of its own asks for everything, over HTTP and of discovery."""
    loop = asyncio.get_running_loop()
    found = {"asked": 0, "403": 0, "alpaca": 0, "discovery": 0}
    for path in PATHS:
        reader, writer = await asyncio.open_connection(address, 11111, local_addr=(own, 0))
        writer.write(get(path, "Connection: close"))
        said = await reader.read()
        writer.close()
        found["asked"] += 1
        found["403"] += said.startswith(b"HTTP/1.1 403 ")
        found["alpaca"] += b"ServerTransactionID" in said
    with socket.socket(socket.AF_INET6 if ":" in own else socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.setblocking(False)
        asking.bind((own, 0))
        await loop.sock_sendto(asking, b"alpacadiscovery1", (address, 32227))
        try:
            said = await asyncio.wait_for(loop.sock_recv(asking, 100), 1.0)
            found["discovery"] += said == b'{"AlpacaPort":11111}'
        except TimeoutError:
            pass
    say(**found)


ETH_P_IP = 0x0800


async def flood_discovery(address: str, a_second: str, for_seconds: str) -> None:
    """Discovery questions, each from another address of a private network; what the server sends is counted."""
    loop = asyncio.get_running_loop()
    host, _, port = address.rpartition(":")
    sending = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    heard = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_IP))
    heard.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
    heard.bind(("there", ETH_P_IP))
    heard.setblocking(False)
    packets = [
        question(f"10.{number >> 8}.{number & 255}.7", host, int(port)) for number in range(int(a_second) * int(for_seconds))
    ]
    say(ready=True)
    began = loop.time()
    for start in range(0, len(packets), 50):
        for packet in packets[start : start + 50]:
            sending.sendto(packet, (host, 0))
        await asyncio.sleep(max(0.0, began + (start + 50) / int(a_second) - loop.time()))
    seconds = loop.time() - began
    answers = []
    while True:
        try:
            packet = await asyncio.wait_for(loop.sock_recv(heard, 2000), 1.2)
        except TimeoutError:
            break
        ip, udp = packet[:20], packet[20:28]
        if ip[9] == socket.IPPROTO_UDP and ip[12:16] == socket.inet_aton(host) and udp[:2] == struct.pack("!H", int(port)):
            answers.append(packet[28:])
    sizes = {"asked": len(packets), "asked_bytes": 16 * len(packets)}
    say(seconds=seconds, **sizes, answered=len(answers), answered_bytes=sum(map(len, answers)))


def question(source: str, host: str, port: int) -> bytes:
    """A discovery question that pretends to come from somewhere."""
    text = b"alpacadiscovery1"
    udp = struct.pack("!HHHH", 54321, port, 8 + len(text), 0) + text
    ends = socket.inet_aton(source) + socket.inet_aton(host)
    return struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, socket.IPPROTO_UDP, 0) + ends + udp


async def told_to_stop() -> None:
    """Waits for the end of standard input."""
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


CROWDS = (half_open, greedy, flood, deaf, hang_up, ask_all, flood_discovery)
KINDS: dict[str, Callable[..., Awaitable[None]]] = {each.__name__: each for each in CROWDS}


def main(kind: str, *arguments: str) -> None:
    """Be one of these crowds."""
    import resource  # not everywhere

    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    async def run() -> None:
        await KINDS[kind](*arguments)

    asyncio.run(run())


if __name__ == "__main__":
    main(*sys.argv[1:])
