"""The serial cables of a server: two devices whose settings mean the same port share one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

from twisted.internet.interfaces import IReactorTime

from pylpaca.errors import DriverError
from pylpaca.serial.cable import Cable, Party, Ports
from pylpaca.serial.debt import Debt
from pylpaca.serial.framing import Framing
from pylpaca.serial.line import SerialLine
from pylpaca.serial.listener import Listener
from pylpaca.serial.recording import Recorder
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
        listener = None if unsolicited is None else Listener(framing, unsolicited, device)

        party = Party(device, settings, framing, listener, lambda: prepare(line) if prepare is not None else None, given_up)
        line = SerialLine(cable, party)
        await cable.join(party)
        return line

    async def _cable(self, device: str, settings: SerialSettings) -> Cable:
        while (cable := self._found(settings.port)) is not None and cable.is_closing:
            await cable.closed()
        if cable is None:
            cable = Cable(settings, self._clock, self._ports, self._recorder(settings), self._cables.remove, self._debt_of)
            self._cables.append(cable)
            return cable
        for name in OF_THE_LINE:
            theirs, ours = getattr(cable.settings, name), getattr(settings, name)
            if theirs != ours:
                other = cable.parties[0].device
                raise DriverError(f"{other} and {device} share port {cable.name}, but not {name}: {theirs!r} and {ours!r}")
        return cable

    def _recorder(self, settings: SerialSettings) -> Recorder | None:
        if not settings.record:
            return None
        return Recorder(settings.record, self._clock, self._utc, settings.model_dump(include={"port", *OF_THE_LINE} - {"record"}))

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
