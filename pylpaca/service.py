"""The composition root: command line and configuration in, one Twisted service out; nothing is opened before it starts."""

# Facts
#   Twisted's reactor.seconds is the time of day: on a machine whose clock is set after boot it would fire or hang every timer.
#   twistd writes a pid file even with -n, and a stale one blocks the next start. It repeats a SIGTERM or SIGINT on itself after a
#   clean shutdown, so that its exit status is not 0; and it prints a traceback for a UsageError that makeService raises.

from __future__ import annotations

import gc
import os
import re
import signal
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from errno import EACCES, EADDRINUSE
from pathlib import Path
from typing import Any

from twisted.application.service import IService, MultiService
from twisted.internet.defer import Deferred, gatherResults, maybeDeferred
from twisted.internet.endpoints import TCP4ServerEndpoint, TCP6ServerEndpoint, serverFromString
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger, globalLogPublisher
from twisted.python import usage
from twisted.python.failure import Failure

from pylpaca import __version__, config, daytime, stopping
from pylpaca.config import Configuration, Mistake, ServerSection
from pylpaca.connections import Census, room_for
from pylpaca.device import Surroundings
from pylpaca.device.base import utc_now
from pylpaca.discovery import Address, DiscoveryService
from pylpaca.discreet import of_configuration
from pylpaca.dispatch import Answered, Dispatcher
from pylpaca.exposed_files import exposed
from pylpaca.management import Management
from pylpaca.network import Neighbourhood, Network, own_addresses, own_networks
from pylpaca.pages import Rooms, load
from pylpaca.pages.observatory import Observatory
from pylpaca.protocol import TransactionCounter
from pylpaca.questions import Questions
from pylpaca.roster import Roster, build, simulators
from pylpaca.safety import precautions
from pylpaca.safety.precautions import Precautions
from pylpaca.serial import Cables, RealPorts
from pylpaca.settings.reopening import Reopening
from pylpaca.state import StateFolder, UniqueIds, state_folder
from pylpaca.stopping import quiet
from pylpaca.systemd import Notifier
from pylpaca.threads import InThread, OwnThread, at_once, let_go, own_thread
from pylpaca.viewing import Viewing
from pylpaca.walls import Walls, full_name, own_name
from pylpaca.watchdog import Watchdog
from pylpaca.watching.recent import Recent
from pylpaca.watching.records import Records
from pylpaca.web import AlpacaSite, Api

log = Logger()

EVERYWHERE = r"tcp6:{port}:interface=\:\:"  # dual stack on most systems; how people write it
TIDIES_AFTER = 1.0  # seconds, when whoever waited for the start has an answer
AFTERWARDS = 5.0  # seconds for what comes after on_exit, of which systemd is told
STOP_SIGNALS = [getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGBREAK") if hasattr(signal, name)]
_TCP_PORT = re.compile(r"(?:tcp|tcp6|ssl):(?:port=)?(-?\d+)(?=:|$)")


class Options(usage.Options):
    """The command line."""

    synopsis = "[options]"
    longdesc = (
        "Serves astronomical hardware to ASCOM Alpaca clients. Without --config: a simulator of every device type. "
        "`python -m pylpaca check config.json` says what is wrong in a configuration, `python -m pylpaca ports` which serial "
        "ports there are."
    )

    optParameters = [  # noqa: RUF012  # as Twisted wants it
        ["config", "c", None, "The configuration file; without it, simulators are served."],
        ["discovery-port", None, None, f"The UDP port of discovery, or off. [default: {config.DISCOVERY_PORT}]"],
    ]

    def __init__(self) -> None:
        super().__init__()
        self["listen"] = []
        self.server: AlpacaServer | None = None

    def opt_listen(self, endpoint: str) -> None:
        """
        Where HTTP listens, as a Twisted endpoint; may be given more than once.
        [default: every address on port 11111]
        """
        self["listen"].append(endpoint)

    opt_l = opt_listen

    def opt_version(self) -> None:
        """Print the version and exit."""
        print(f"pylpaca {__version__}")
        raise SystemExit(0)

    def postOptions(self) -> None:
        from twisted.internet import reactor

        if self.parent is not None and self.parent.get("nodaemon") and self.parent.get("pidfile") == "twistd.pid":
            self.parent["pidfile"] = ""
        reactor.seconds = time.monotonic  # type: ignore[method-assign]
        let_go(reactor)
        in_front = self.parent is None or bool(self.parent.get("nodaemon", True))

        def on_signal(end: Callable[[str], None]) -> None:
            for number in STOP_SIGNALS:
                signal.signal(number, lambda got, _: reactor.callFromThread(end, signal.Signals(got).name))  # type: ignore[attr-defined]

        recent = Recent(reactor, utc_now)
        globalLogPublisher.addObserver(recent)  # here, of what is said while all is built; then from when it starts
        try:
            self.server = compose(self, reactor, os.environ, on_signal, ended if in_front else CannotStart, recent)
        except CannotStart as error:
            raise SystemExit(str(error)) from None
        finally:
            globalLogPublisher.removeObserver(recent)
        if self.server.is_watched:
            Watchdog(reactor, self.server.latest).setServiceParent(self.server)


class CannotStart(Exception):
    """Why the server cannot start, for the person who started it; with the mistakes in what it was given, if that is why."""

    def __init__(self, sentence: str, mistakes: Sequence[Mistake] = ()) -> None:
        super().__init__(sentence)
        self.mistakes = mistakes


def ended(sentence: str) -> BaseException:
    """In the foreground the sentence stands in the log; a daemon hands it to the program that waits for it instead."""
    return SystemExit(1)


def makeService(options: Options) -> IService:
    """What twistd runs."""
    assert options.server is not None
    return options.server


def compose(
    options: Options,
    reactor: Any,
    environment: Mapping[str, str],
    on_signal: Callable[[Callable[[str], None]], None] = lambda end: None,
    stop_with: Callable[[str], BaseException] = ended,
    recent: Recent | None = None,
) -> AlpacaServer:
    """
    Build the whole server; nothing is opened, written or moved.

    :param on_signal: is told what to call, with the signal's name, when the program is asked to end.
    :param stop_with: makes the exception that ends the program when a port cannot be opened.
    :param recent: observes the program's log.
    :raises CannotStart: every mistake in the command line and the configuration, each in a line.
    """
    file = Path(options["config"]) if options["config"] is not None else None
    configuration = config.load(file) if file is not None else simulators()
    mistakes = list(configuration.mistakes)
    discovery_port = _discovery_port(options["discovery-port"], configuration, mistakes)
    endpoints = _endpoints(options["listen"], configuration, reactor, mistakes)
    state = StateFolder(state_folder(configuration.server.state_dir, file, environment))
    unique_ids = UniqueIds(state)
    cables = Cables(reactor, RealPorts(reactor), utc_now)
    surroundings = Surroundings(reactor, cables=cables, own_thread=own_thread(reactor))
    roster, unusable = build(configuration, surroundings, unique_ids)
    for mistake in unusable:
        if file is None and mistake.missing_package:  # nobody asked for this simulator by name
            log.warn("a simulator is left out: {reason}", reason=mistake.sentence)
        else:
            mistakes.append(mistake)
    safety, unsafe = precautions.read(configuration, roster, reactor)
    mistakes += unsafe
    if mistakes:
        mistakes.sort(key=lambda each: (each.line, each.column))
        raise CannotStart("\n".join(["pylpaca cannot start:", *(f"  {mistake}" for mistake in mistakes)]), mistakes)
    for sentence in filter(None, [openness(configuration.server), *exposed(configuration)]):
        log.warn("{sentence}", sentence=sentence)
    reopening = Reopening(configuration, roster, surroundings, safety)
    site = build_site(
        configuration,
        roster,
        reactor,
        reopening,
        heard=safety.heard,
        own_thread=surroundings.own_thread,
        recent=recent,
    )
    notifier = Notifier(environment, reactor)
    in_thread = surroundings.own_thread("name servers")
    watched = configuration.server.watchdog
    return AlpacaServer(
        reactor, site, endpoints, discovery_port, roster, unique_ids, notifier, in_thread, on_signal, stop_with, safety, watched
    )


def build_site(
    configuration: Configuration,
    roster: Roster,
    clock: IReactorTime,
    reopening: Reopening,
    networks: Callable[[], Sequence[Network]] = own_networks,
    utc: Callable[[], datetime] = utc_now,
    heard: Callable[[], None] | None = None,
    own_thread: OwnThread = at_once,
    recent: Recent | None = None,
) -> AlpacaSite:
    """
    All that HTTP answers.

    :param reopening: gives devices other settings.
    :param networks: those this machine has an address in, whose other machines are near.
    :param utc: the time of day.
    :param heard: is told whenever a client asks a device for anything.
    :param own_thread: makes threads for what takes long and is for pages only.
    :param recent: keeps what was logged.
    """
    server = configuration.server
    counter = TransactionCounter()
    management = Management(server, roster, counter)
    walls = Walls(
        near=None if server.allow_public else Neighbourhood(clock.seconds, networks),
        names={*server.allowed_hosts, own_name()},
        origins=server.cors_origins,
        users={name: password.get_secret_value() for name, password in server.users.items()},
    )
    census = Census(room_for(server.max_connections), server.max_connections_per_peer, clock.seconds)
    discreet = of_configuration(configuration, (entry.driver.settings for entry in roster))
    records = Records(clock, recent or Recent(clock, utc), utc(), connections=lambda: census.count)
    records.recent.know(roster, discreet)
    if server.request_log:
        records.telling.add(log_answered)
    dispatcher = Dispatcher(roster, clock, counter, records.telling, heard)
    api = Api(dispatcher, management, clock)
    viewing = Viewing(roster, dispatcher, clock)
    roster.replaced.append(viewing.replaced)
    roster.replaced.append(lambda entry: records.recent.know(roster, discreet))
    reopening.learn = discreet.learn
    observatory = Observatory(
        management,
        roster,
        viewing,
        Questions(dispatcher, clock),
        clock,
        utc,
        reopening,
        records,
        discreet,
        own_thread,
        openness(server),
    )
    site = AlpacaSite(api, Rooms(observatory), walls, census, clock, server.request_log, server.hot_road)
    records.refused = site.refusals
    site.observatory = observatory
    return site


def openness(server: ServerSection) -> str:
    """What people are warned of, if clients of any network are served."""
    if not server.allow_public:
        return ""
    asked = "with one of the names and passwords of its users" if server.users else "without a password"
    return f"Whoever reaches this server from anywhere can use it, {asked}: allow_public is true."


def log_answered(answered: Answered) -> None:
    """One line for a request of a device."""
    log.info(
        "{peer} ClientID {client} {verb} {kind}/{number}/{member}: {error}in {milliseconds:.1f} ms "
        "(ClientTransactionID {transaction}, ServerTransactionID {server_transaction})",
        peer=answered.request.peer,
        client=answered.ids.client,
        verb=answered.request.verb,
        kind=answered.request.kind,
        number=answered.request.number,
        member=answered.request.member,
        error=f"error 0x{answered.error:X} " if answered.error else "",
        milliseconds=1000 * answered.seconds,
        transaction=answered.ids.transaction,
        server_transaction=answered.server_transaction,
    )


def _discovery_port(said: str | None, configuration: Configuration, mistakes: list[Mistake]) -> int | None:
    port: str | int = configuration.server.discovery_port if said is None else said
    if port == "off":
        return None
    try:
        number = int(port)
    except ValueError:
        number = 0
    if not 1 <= number <= 65535:
        mistakes.append(Mistake(f'--discovery-port must be a port from 1 to 65535, or "off", not {port}'))
    return number


@dataclass(frozen=True)
class Listen:
    """One place where HTTP is to listen; `instead` is tried when the machine does not have its address family."""

    description: str
    endpoint: Any
    instead: Any = None


def _endpoints(said: Sequence[str], configuration: Configuration, reactor: Any, mistakes: list[Mistake]) -> list[Listen]:
    found: list[Listen] = []
    for index, description in enumerate(said or configuration.server.listen):
        reason = ""
        try:
            endpoint = serverFromString(reactor, description)
        except Exception as error:  # each kind of endpoint has its own way to complain
            reason = f"is no Twisted endpoint ({error}); write for example tcp:{config.HTTP_PORT}"
        else:
            port = _TCP_PORT.match(description)
            if port is not None and not 0 <= int(port[1]) <= 65535:
                reason = "has no port from 1 to 65535"
            elif description in [each.description for each in found] and (port is None or int(port[1])):
                reason = "is given twice"
        if not reason:
            found.append(Listen(description, endpoint))
        elif said:
            mistakes.append(Mistake(f"--listen {description!r} {reason}"))
        else:
            mistakes.append(configuration.source.mistake(f"{description!r} {reason}", ("server", "listen", index)))
    if found or mistakes:
        return found
    dual_stack = TCP6ServerEndpoint(reactor, config.HTTP_PORT, interface="::")
    return [Listen(EVERYWHERE.format(port=config.HTTP_PORT), dual_stack, TCP4ServerEndpoint(reactor, config.HTTP_PORT))]


class AlpacaServer(MultiService):
    """The running server: binds first, then answers discovery, then says that it is ready; ends in the order of `stopping`."""

    def __init__(
        self,
        reactor: Any,
        site: AlpacaSite,
        listens: Sequence[Listen],
        discovery_port: int | None,
        roster: Roster,
        unique_ids: UniqueIds,
        notifier: Notifier,
        in_thread: InThread,
        on_signal: Callable[[Callable[[str], None]], None],
        stop_with: Callable[[str], BaseException],
        precautions: Precautions,
        is_watched: bool = False,
    ) -> None:
        super().__init__()
        self.is_watched, self.latest = is_watched, site.latest
        self.roster, self.precautions = roster, precautions
        self._in_thread = in_thread
        self._on_signal, self._stop_with = on_signal, stop_with
        self._notifier = notifier
        self._told_to_stop = False
        self._reactor, self._site, self._listens = reactor, site, listens
        self._discovery_port, self._unique_ids = discovery_port, unique_ids
        self._ports: list[Any] = []

    def startService(self) -> None:
        for listen in self._listens:
            self._bind(listen)
        super().startService()
        globalLogPublisher.addObserver(self._site.observatory.records.recent)
        self._unique_ids.save()
        plain = [port for port in self._ports if getattr(port, "factory", None) is self._site]  # discovery speaks of these only
        addresses = [address for port in plain for address in _addresses(port)]
        secure = [address for port in self._ports if port not in plain for address in _addresses(port)]
        seen = self._site.observatory
        if self._discovery_port is not None:
            discovery = DiscoveryService(
                self._reactor, self._discovery_port, addresses, self._site.walls.near, seen.discovery.heard
            )
            discovery.setServiceParent(self)
            seen.discovery.port, seen.discovery.works = self._discovery_port, discovery.works
        said = [*spoken(addresses, own_addresses()), *(f"https://{each}" for each in spoken(secure, own_addresses()))]
        seen.addresses = said
        self._reactor.callWhenRunning(self._running, said, seen.discovery.works)

    def _running(self, addresses: Sequence[str], discovery_works: bool) -> None:
        """The reactor runs: from here a signal ends it cleanly; devices are connected, and people told."""
        self._on_signal(self._stop)
        self._in_thread(full_name).addCallback(self._site.walls.names.add)
        for entry in self.roster:
            if entry.driver.link.permanent:
                entry.driver.link.vote(True)
        self.precautions.start()
        self._site.observatory.records.lateness.start()
        if doubt := daytime.doubt(utc_now()):
            log.warn("{doubt}", doubt=doubt)
        self._reactor.callLater(TIDIES_AFTER, self._tidy)
        spoken_of = ", ".join(addresses) or ", ".join(each.description for each in self._listens)
        self._notifier.ready(f"{len(self.roster.entries)} devices at {spoken_of}")
        log.info(
            "ready: {count} devices; type one of these into a client: {addresses} (discovery {discovery})",
            count=len(self.roster.entries),
            addresses=spoken_of,
            discovery=f"on UDP port {self._discovery_port}" if discovery_works else "off",
        )

    def _tidy(self) -> None:
        """Load what nobody had to wait for; then all that is there stays, and is not looked at for garbage again."""

        def freeze(_: object) -> None:
            gc.unfreeze()
            gc.collect()
            gc.freeze()

        self._site.observatory.in_thread(load).addErrback(lambda failure: log.failure("pages", failure)).addBoth(freeze)

    def _bind(self, listen: Listen) -> None:
        """Open one port; ends the program, with nothing left open, if that cannot be done."""
        reason = self._try(listen.endpoint)
        if reason is not None and listen.instead is not None and _errno(reason) not in (EADDRINUSE, EACCES):
            reason = self._try(listen.instead)
        if reason is not None:
            self._give_up(_why_not(listen.description, reason))
        elif listen.instead is not None and _is_ipv6_only(self._ports[-1]):
            reason = self._try(listen.instead)
            if reason is not None:
                self._give_up(_why_not(listen.description, reason))

    def _try(self, endpoint: Any) -> Failure | None:
        outcomes: list[Any] = []
        endpoint.listen(self._site).addBoth(outcomes.append)
        if not outcomes:
            return Failure(NotImplementedError("this kind of endpoint cannot be opened at start"))
        if isinstance(outcomes[0], Failure):
            return outcomes[0]
        self._ports.append(outcomes[0])
        return None

    def _give_up(self, sentence: str) -> None:
        for port in self._ports:
            port.stopListening()
        log.critical("{sentence}", sentence=sentence)
        raise self._stop_with(sentence)

    def stopService(self) -> Deferred[Any]:
        return Deferred.fromCoroutine(self._ended(super().stopService()))

    async def _ended(self, services: Any) -> None:
        began = self._reactor.seconds()
        self.precautions.stop()
        self._site.observatory.records.lateness.stop()
        self._notifier.stopping()
        ports, self._ports = self._ports, []
        await gatherResults([quiet(services), *(quiet(maybeDeferred(port.stopListening)) for port in ports)])
        devices = [entry.driver for entry in self.roster]
        await stopping.end(self._reactor, self._site.pending, self._site.open_connections, devices, self._leave)
        self._notifier.close()
        log.info("stopped in {seconds:.1f} s", seconds=self._reactor.seconds() - began)
        globalLogPublisher.removeObserver(self._site.observatory.records.recent)

    async def _leave(self) -> None:
        await self.precautions.leave(lambda status, seconds: self._notifier.stopping(status, AFTERWARDS + seconds))

    def _stop(self, signal_name: str) -> None:
        if self._told_to_stop:
            log.info("{signal} again: it is stopping", signal=signal_name)
            self.precautions.on_exit.end(f"{signal_name} again")
            return
        self._told_to_stop = True
        log.info("{signal}: stopping", signal=signal_name)
        self._reactor.stop()


def _addresses(port: Any) -> list[Address]:
    """Where an open port listens; a dual-stack one on both families."""
    host = port.getHost()
    if not hasattr(host, "port"):
        return []  # not TCP
    found = [Address(host.host, host.port)]
    if host.host == "::" and not _is_ipv6_only(port):
        found.append(Address("0.0.0.0", host.port))  # noqa: S104
    return found


def _is_ipv6_only(port: Any) -> bool:
    sock = getattr(port, "socket", None)
    if sock is None or sock.family != socket.AF_INET6:
        return False
    return bool(sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY))


def spoken(addresses: Sequence[Address], own: Sequence[str]) -> list[str]:
    """What a person types into a client, the addresses that others can use first."""
    wildcards = {"0.0.0.0": False, "::": True}  # noqa: S104
    found = []
    for address in addresses:
        if address.host in wildcards:
            hosts = [host for host in own if (":" in host) is wildcards[address.host]]
        else:
            hosts = [address.host]
        found += [f"[{host}]:{address.port}" if ":" in host else f"{host}:{address.port}" for host in hosts]
    return sorted(dict.fromkeys(found), key=lambda each: (each.startswith(("127.", "[::1]")), each.startswith("[")))


def _errno(reason: Failure) -> int | None:
    error = reason.value
    return getattr(error.socketError if isinstance(error, CannotListenError) else error, "errno", None)


def _why_not(description: str, reason: Failure) -> str:
    number = _errno(reason)
    if number == EADDRINUSE:
        why = "its port is in use by another program; stop that one, or choose another port with --listen tcp:11112"
    elif number == EACCES:
        why = "this user has no permission for it; ports below 1024 need one, others do not"
    else:
        why = reason.getErrorMessage()
    return f"pylpaca cannot listen on {description}: {why}"
