"""The serial cables of a server: two devices whose settings mean the same port share one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from copy import copy
from datetime import datetime

from twisted.internet.interfaces import IReactorTime

from pylpaca.errors import DriverError
from pylpaca.serial.cable import Cable, Party, Ports
from pylpaca.serial.debt import Debt
from pylpaca.serial.framing import Framing
from pylpaca.serial.inventory import Port
from pylpaca.serial.line import SerialLine
from pylpaca.serial.listener import Listener
from pylpaca.serial.recording import Hearer, Recorder
from pylpaca.serial.settings import SerialSettings

Prepare = Callable[[SerialLine], Awaitable[None] | None]

OF_THE_LINE = ("baudrate", "bytesize", "parity", "stopbits", "dtr", "rts", "wait_after_open", "record")


class Cables:
    """
    The serial cables of a server.

    :param utc: the time of day, for recordings.
    """

    def __init__(self, clock: IReactorTime, ports: Ports, utc: Callable[[], datetime]) -> None:
        self._clock, self._ports, self._utc = clock, ports, utc
        self._cables: list[Cable] = []
        self._debts: dict[str, Debt] = {}  # by node
        self._hearer: Hearer | None = None

    def heard_by(self, hearer: Hearer) -> Cables:
        """The same cables; of each that is joined through these, `hearer` hears what is said, until `unheard`."""
        same = copy(self)
        same._hearer = hearer
        return same

    def hear(self, device: str, hearer: Hearer) -> None:
        """Hear what is said on the cables that a device uses now."""
        for cable in self._cables:
            if device in [party.device for party in cable.parties]:
                cable.hearers.append(hearer)

    def unheard(self, hearer: Hearer) -> None:
        """It hears nothing any more."""
        for cable in self._cables:
            cable.hearers[:] = [each for each in cable.hearers if each is not hearer]

    def users(self, port: str) -> list[str]:
        """The names of the devices that use a port now."""
        try:
            cable = self._found(port)
        except DriverError:
            return []
        return [] if cable is None else [party.device for party in cable.parties]

    def here(self) -> Sequence[Port]:
        """The ports of the computer that can be seen; may take a while."""
        return self._ports.here()

    def which(self, port: str) -> str:
        """
        The same for two settings that mean the same port now.

        :raises DriverError: it is not here; the sentence says what to do.
        """
        return self._ports.which(port)

    def is_there(self, port: str) -> bool:
        """Whether a port is here, as far as that is seen without trying."""
        return self._ports.is_there(port)

    async def join(
        self,
        device: str,
        settings: SerialSettings,
        framing: Framing,
        unsolicited: Callable[[bytes], object] | None = None,
        prepare: Prepare | None = None,
        given_up: Callable[[DriverError], object] = lambda _: None,
    ) -> SerialLine:
        """
        A device's end of the cable that its settings mean; the port is opened if it is not open yet.

        :param device: its name, for sentences.
        :param given_up: is told that the port was lost, and not found again in time.
        :raises DriverError: it cannot be opened, or another device uses it with other settings. What `prepare` raises.
        """
        cable = await self._cable(device, settings)
        if self._hearer is not None:
            cable.hearers.append(self._hearer)
        listener = None if unsolicited is None else Listener(framing, unsolicited, device)

        party = Party(device, settings, framing, listener, lambda: prepare(line) if prepare is not None else None, given_up)
        line = SerialLine(cable, party)
        await cable.join(party)
        return line

    async def _cable(self, device: str, settings: SerialSettings) -> Cable:
        while (cable := self._found(settings.port)) is not None and cable.is_closing:
            await cable.closed()
        if cable is None:
            cable = Cable(settings, self._clock, self._ports, self._recorders(settings), self._cables.remove, self._debt_of)
            self._cables.append(cable)
            return cable
        for name in OF_THE_LINE:
            theirs, ours = getattr(cable.settings, name), getattr(settings, name)
            if theirs != ours:
                other = cable.parties[0].device
                raise DriverError(f"{other} and {device} share port {cable.name}, but not {name}: {theirs!r} and {ours!r}")
        return cable

    def _recorders(self, settings: SerialSettings) -> list[Recorder]:
        if not settings.record:
            return []
        told = settings.model_dump(include={"port", *OF_THE_LINE} - {"record"})
        return [Recorder(settings.record, self._clock, self._utc, told)]

    def _debt_of(self, node: str) -> Debt:
        return self._debts.setdefault(node, Debt())

    def _found(self, port: str) -> Cable | None:
        """The cable of this port, if there is one."""
        for cable in self._cables:
            if cable.settings.port == port:
                return cable  # even if it is not here now
        node = self._ports.which(port)
        return next((cable for cable in self._cables if node == (cable.node or self._now(cable))), None)

    def _now(self, cable: Cable) -> str | None:
        """Which port a cable that is not open would be if it were now; None if it is not here."""
        try:
            return self._ports.which(cable.settings.port)
        except DriverError:
            return None
