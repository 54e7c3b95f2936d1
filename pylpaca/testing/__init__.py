"""For the tests of drivers: a whole server in memory, on a simulated clock, and the other end of a serial line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from http.client import HTTPResponse
from io import BytesIO
from ipaddress import ip_network
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode

from treq.client import HTTPClient
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, execute, succeed
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IConsumer, IHalfCloseableDescriptor, IProtocol, IProtocolFactory, IStreamClientEndpoint
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.web.client import URI, Agent, HTTPConnectionPool
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IAgentEndpointFactory, IBodyProducer, IResponse
from zope.interface import implementer

from pylpaca import config
from pylpaca.device import Device, Surroundings
from pylpaca.errors import DriverError
from pylpaca.protocol import FORM
from pylpaca.roster import build
from pylpaca.safety import precautions
from pylpaca.serial import Cables, SerialSettings
from pylpaca.serial.inventory import Port
from pylpaca.service import build_site
from pylpaca.settings.reopening import Reopening
from pylpaca.state import StateFolder, UniqueIds
from pylpaca.threads import InThread, OwnThread, at_once
from pylpaca.watching.recent import Recent

MIDNIGHT = datetime(2026, 1, 1, tzinfo=UTC)  # when the simulated clock begins
NEAR = [ip_network("192.0.2.0/24"), ip_network("198.51.100.0/24"), ip_network("2001:db8::/32")]  # where clients in memory are
PUMPS = 100  # turns of the reactor that an answer without a delay may take


@dataclass(frozen=True)
class Answer:
    """What the server answered."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes

    @property
    def json(self) -> Any:
        """The envelope."""
        return json.loads(self.body)

    @property
    def text(self) -> str:
        """The sentence of a refusal."""
        return self.body.decode().strip()

    @property
    def value(self) -> Any:
        """`Value` of an answer without an error; AssertionError otherwise."""
        if self.status != 200 or self.json["ErrorNumber"]:
            raise AssertionError(f"{self.status} {self.body!r}")
        return self.json.get("Value")

    @property
    def error(self) -> int:
        """The ErrorNumber; AssertionError if the request was not understood."""
        if self.status != 200:
            raise AssertionError(f"{self.status} {self.body!r}")
        return int(self.json["ErrorNumber"])


@implementer(IHalfCloseableDescriptor)
class _ServerEnd(StringTransport):
    """The server's end of a connection, which behaves as TCP does: closing its half ends neither reading nor what is read."""

    MOST_HELD = 1 << 16  # bytes that are not taken, before whoever writes is asked to pause

    said_all = False
    client_reads = True
    _untaken = 0

    def write(self, data: bytes) -> None:
        super().write(data)
        if not self.client_reads:
            before, self._untaken = self._untaken, self._untaken + len(data)
            if before <= self.MOST_HELD < self._untaken and self.producer is not None:
                self.producer.pauseProducing()

    def writeSequence(self, data: Iterable[bytes]) -> None:
        self.write(b"".join(data))

    def take(self) -> None:
        """The client reads what there is."""
        before, self._untaken = self._untaken, 0
        if before > self.MOST_HELD and self.producer is not None:
            self.producer.resumeProducing()

    def loseWriteConnection(self) -> None:
        self.said_all = True

    def abortConnection(self) -> None:
        self.loseConnection()

    def readConnectionLost(self, reason: Failure) -> None:
        """The client says no more."""

    def writeConnectionLost(self, reason: Failure) -> None:
        """The client listens no more."""


class Connection:
    """One connection to the server's own site."""

    def __init__(self, site: Any, peer: str) -> None:
        self._transport = _ServerEnd(peerAddress=IPv4Address("TCP", peer, 50000))
        self._protocol = site.buildProtocol(IPv4Address("TCP", peer, 50000))
        self._protocol.makeConnection(self._transport)

    def send(self, data: bytes) -> None:
        """Send raw bytes, as a client would."""
        self._protocol.dataReceived(data)

    @property
    def received(self) -> bytes:
        """Every byte the server sent so far."""
        return bytes(self._transport.value())

    @property
    def closed(self) -> bool:
        """Whether the server has closed the connection, or says no more on it."""
        return self._transport.disconnecting or self._transport.said_all

    @property
    def gone(self) -> bool:
        """Whether nothing is left of the connection."""
        return self._transport.disconnecting

    @property
    def listens(self) -> bool:
        """Whether the server takes what is sent, and does not leave it to the client's side to keep."""
        return self._transport.producerState == "producing"

    def stop_reading(self) -> None:
        """The client takes nothing from now on."""
        self._transport.client_reads = False

    def read(self) -> None:
        """The client takes what there is now."""
        self._transport.take()

    def hang_up(self) -> None:
        """The client goes away."""
        self._protocol.connectionLost(Failure(ConnectionDone()))

    def answer(self, verb: str = "GET") -> Answer | None:
        """The first answer, if it is there whole."""
        if b"\r\n\r\n" not in self.received:
            return None
        response = HTTPResponse(_Readable(self.received), method=verb)  # type: ignore[arg-type]  # all it uses is makefile
        response.begin()
        body = response.read()
        return Answer(response.status, {name.lower(): text for name, text in response.getheaders()}, body)


class _Readable:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, mode: str) -> BytesIO:
        return BytesIO(self._data)


class MemoryServer:
    """
    A server without sockets; time passes only when `clock.advance` is called.

    :param configuration: as config.json has it.
    :param serial: the other end of serial ports, by the name of the port.
    :param file: where it was read from; the pages at /setup write it.
    :param own_thread: makes the devices' own threads; if not said, what they would do is done at once.
    """

    def __init__(
        self,
        configuration: Mapping[str, Any] | None = None,
        clock: Clock | None = None,
        serial: Mapping[str, SerialDouble] | None = None,
        own_thread: OwnThread = at_once,
        file: Path | None = None,
    ) -> None:
        self.clock = clock or Clock()
        ports = SerialPorts(self.clock, serial or {})
        read = config.load(file) if file is not None else config.read(dict(configuration or {"drivers": []}))
        ids = UniqueIds(StateFolder(Path("in memory")))  # a folder that is never made
        cables = Cables(self.clock, ports, self.utc)
        surroundings = Surroundings(self.clock, utc=self.utc, cables=cables, own_thread=own_thread)
        self.roster, mistakes = build(read, surroundings, ids)
        self.precautions, unsafe = precautions.read(read, self.roster, self.clock)
        if found := [*read.mistakes, *mistakes, *unsafe]:
            raise AssertionError("\n".join(map(str, found)))
        self.precautions.start()
        self.reopening = Reopening(read, self.roster, surroundings, self.precautions)
        self.recent = Recent(self.clock, self.utc)  # of those who want it to observe the log
        self.site = build_site(
            read,
            self.roster,
            self.clock,
            self.reopening,
            lambda: NEAR,
            self.utc,
            self.precautions.heard,
            own_thread,
            self.recent,
        )

    def utc(self) -> datetime:
        """The time of day, which passes with the clock."""
        return MIDNIGHT + timedelta(seconds=self.clock.seconds())

    def driver(self, kind: str, number: int = 0) -> Device:
        """A driver of this server."""
        return self.roster.entries[kind, number].driver

    def connection(self, peer: str = "192.0.2.7") -> Connection:
        """A new connection from a client at this address."""
        return Connection(self.site, peer)

    def http(self, peer: str = "192.0.2.7") -> HTTPClient:
        """
        treq's client of somebody at this address; whatever host it asks, it asks this server.

        An answer that needs no time is there at once, any other as soon as `clock.advance` has let it pass.
        """
        return memory_http(self.site, self.clock, peer)

    def get(self, path: str, **parameters: Any) -> Answer:
        """GET a path; one that does not start with a slash is below /api/v1/."""
        query = urlencode(parameters)
        return self.request("GET", path + (f"?{query}" if query else ""))

    def put(self, path: str, **form: Any) -> Answer:
        """PUT a form; one that does not start with a slash is below /api/v1/."""
        return self.request("PUT", path, urlencode(form).encode(), {"Content-Type": FORM})

    def request(self, verb: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        """Send any request on a connection of its own and take its answer, which must not need time to pass."""
        connection = self.begin(verb, path, body, headers)
        for _ in range(PUMPS):
            if (answer := connection.answer(verb)) is not None:
                connection.hang_up()
                return answer
            self.clock.advance(0)
        raise AssertionError(f"no answer to {verb} {path} unless time passes")

    def begin(
        self,
        verb: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        peer: str = "192.0.2.7",
    ) -> Connection:
        """Send any request and leave its answer for later."""
        if not path.startswith("/"):
            path = f"/api/v1/{path}"
        lines = [f"{verb} {path} HTTP/1.1", "Host: memory", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {text}" for name, text in (headers or {}).items()]
        connection = self.connection(peer)
        connection.send("\r\n".join([*lines, "", ""]).encode() + body)
        return connection


def memory_http(site: Any, clock: Clock, peer: str = "192.0.2.7") -> HTTPClient:
    """treq's client of somebody at this address; whatever host it asks, it asks this site, over connections in memory."""
    return HTTPClient(_MemoryAgent(site, clock, peer), data_to_body_producer=_WholeBody)


class _Wire(StringTransport):
    """One end of a connection in memory: what is written arrives at the other end in the next turn of the reactor."""

    def __init__(self, clock: Clock, protocol: IProtocol, peer: str) -> None:
        super().__init__(peerAddress=IPv4Address("TCP", peer, 50000))
        self._clock, self._protocol = clock, protocol
        self._other: _Wire | None = None

    def join(self, other: _Wire) -> None:
        self._other = other
        self._protocol.makeConnection(self)

    def write(self, data: bytes) -> None:
        if not self.disconnecting and self._other is not None:
            self._clock.callLater(0, self._other.arrive, bytes(data))

    def writeSequence(self, data: Iterable[bytes]) -> None:
        self.write(b"".join(data))

    def arrive(self, data: bytes) -> None:
        if self._other is not None:
            self._protocol.dataReceived(data)

    def loseConnection(self) -> None:
        if not self.disconnecting:
            self.disconnecting = True
            self._clock.callLater(0, self._end)

    abortConnection = loseConnection

    def _end(self) -> None:
        other, self._other = self._other, None
        if other is not None:
            self._protocol.connectionLost(Failure(ConnectionDone()))
            other._end()


@implementer(IAgentEndpointFactory, IStreamClientEndpoint)
class _WayToSite:
    """However it is called, it is this site."""

    def __init__(self, site: Any, clock: Clock, peer: str) -> None:
        self._site, self._clock, self._peer = site, clock, peer

    def endpointForURI(self, uri: URI) -> IStreamClientEndpoint:
        return self

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        here = IPv4Address("TCP", self._peer, 50000)
        client, server = protocolFactory.buildProtocol(here), self._site.buildProtocol(here)
        assert client is not None
        ends = _Wire(self._clock, client, self._peer), _Wire(self._clock, server, self._peer)
        ends[1].join(ends[0])
        ends[0].join(ends[1])
        return succeed(client)


@implementer(IAgent)
class _MemoryAgent:
    """Twisted's agent over connections in memory."""

    def __init__(self, site: Any, clock: Clock, peer: str) -> None:
        self._clock = clock
        self._agent = Agent.usingEndpointFactory(clock, _WayToSite(site, clock, peer), HTTPConnectionPool(clock))

    def request(
        self,
        method: bytes,
        uri: bytes,
        headers: Headers | None = None,
        bodyProducer: IBodyProducer | None = None,
    ) -> Deferred[IResponse]:
        answer: Deferred[IResponse] = self._agent.request(method, uri, headers, bodyProducer)
        self._clock.advance(0)
        return answer


@implementer(IBodyProducer)
class _WholeBody:
    """A body that is sent at once: treq's own asks the real reactor for turns."""

    def __init__(self, body: str | bytes) -> None:
        self._body = body.encode() if isinstance(body, str) else body
        self.length = len(self._body)

    def startProducing(self, consumer: IConsumer) -> Deferred[None]:
        consumer.write(self._body)
        return succeed(None)

    def pauseProducing(self) -> None:
        """It is sent already."""

    def resumeProducing(self) -> None:
        """It is sent already."""

    def stopProducing(self) -> None:
        """It is sent already."""


class SerialDouble:
    """
    The device at the other end of a serial line.

    :param answer: gets each command without its terminator, and gives the reply without its own, or None for silence.
    """

    def __init__(self, answer: Callable[[bytes], bytes | None], terminator: bytes = b"\n") -> None:
        self._answer, self._terminator = answer, terminator
        self._received = b""
        self._line: Protocol | None = None
        self.clock: Clock | None = None
        self.is_there = True  # whether its cable is plugged in
        self.commands: list[bytes] = []

    def plug(self, line: Protocol, clock: Clock) -> None:
        """Connect a driver's end."""
        self._line, self.clock = line, clock
        line.makeConnection(_SerialTransport(self))

    def unplug(self) -> None:
        """Pull the cable."""
        self.is_there = False
        self.hang_up()

    def plug_in(self) -> None:
        """Put the cable back; a line that looks for it finds it in half a second."""
        self.is_there = True

    def hang_up(self) -> None:
        """The line is closed; nothing is received any more."""
        self._received = b""
        line, self._line = self._line, None
        if line is not None:
            line.connectionLost(Failure(ConnectionDone()))

    def receive(self, data: bytes) -> None:
        """What the driver sent."""
        *commands, self._received = (self._received + data).split(self._terminator)
        for command in commands:
            self.commands.append(command)
            reply = self._answer(command)
            if reply is not None:
                self.say(reply + self._terminator)

    def say(self, data: bytes) -> None:
        """Send bytes to the driver, in the next turn of the reactor."""
        assert self.clock is not None
        self.clock.callLater(0, self._deliver, data)

    def _deliver(self, data: bytes) -> None:
        if self._line is not None:
            self._line.dataReceived(data)


class _SerialTransport:
    def __init__(self, double: SerialDouble) -> None:
        self._double = double

    def write(self, data: bytes) -> None:
        self._double.receive(data)

    def loseConnection(self) -> None:
        self._double.hang_up()

    abortConnection = loseConnection


class SerialPorts:
    """The serial ports of a computer in memory."""

    def __init__(self, clock: Clock, doubles: Mapping[str, SerialDouble]) -> None:
        self._clock, self._doubles = clock, doubles

    def which(self, port: str) -> str:
        """Its name, since each has but one."""
        return port

    def is_there(self, port: str) -> bool:
        """Whether it is there, and plugged in."""
        return port in self._doubles and self._doubles[port].is_there

    def here(self) -> list[Port]:
        """Those that are plugged in."""
        return [Port(name, description="a double") for name in self._doubles if self.is_there(name)]

    def open(self, settings: SerialSettings, line: Protocol) -> None:
        """Open one; DriverError if it is not there."""
        if not self.is_there(settings.port):
            raise DriverError(f"there is no port {settings.port}: plug the device in")
        self._doubles[settings.port].plug(line, self._clock)


class HeldThread:
    """
    A device's own thread that waits to be let go, for what happens meanwhile: `MemoryServer(…, own_thread=HeldThread())`.
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[Deferred[Any], Callable[[], Any]]] = []

    def __call__(self, name: str) -> InThread:
        return cast(InThread, self._hold)

    def _hold(self, function: Callable[..., Any], *arguments: Any, **named: Any) -> Deferred[Any]:
        waiting: Deferred[Any] = Deferred()
        self._waiting.append((waiting, partial(function, *arguments, **named)))
        return waiting

    @property
    def count(self) -> int:
        """How many calls wait."""
        return len(self._waiting)

    def release(self) -> None:
        """Let the call that has waited longest be done."""
        waiting, call = self._waiting.pop(0)
        execute(call).chainDeferred(waiting)
