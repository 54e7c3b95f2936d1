"""What a driver holds of a serial line: it asks and tells its device, whoever else shares the cable."""

from __future__ import annotations

from twisted.internet.defer import Deferred, fail

from pylpaca.errors import Unavailable
from pylpaca.serial.cable import Cable, Party
from pylpaca.serial.exchange import Accept, Exchange
from pylpaca.serial.framing import Framing


class SerialLine:
    """
    A device's end of a cable; `Device.open_serial` gives one.

    It stays the same when the cable is pulled and put back. Until the port is open again, and the device prepared, everything
    fails at once with a sentence that says so.
    """

    def __init__(self, cable: Cable, party: Party) -> None:
        self._cable, self._party = cable, party

    def ask(
        self,
        command: bytes,
        urgent: bool = False,
        *,
        reply: Framing | None = None,
        within: float | None = None,
        retries: int | None = None,
        accept: Accept | None = None,
    ) -> Deferred[bytes]:
        """
        Send a command; fires with its reply, or fails with DriverError.

        :param urgent: before those that wait.
        :param reply: how the reply to this one is cut, if not as all others.
        :param within: seconds to wait for it, each time it is sent; by default those of the settings.
        :param retries: how often it is sent again, which only what may be asked twice may be; by default those of the settings.
        :param accept: whether a message is the reply; what is none is passed over, and the waiting goes on.
        """
        settings = self._party.settings
        return self._submit(
            command,
            urgent,
            framing=reply or self._party.framing,
            within=settings.reply_within if within is None else within,
            retries=settings.retries if retries is None else retries,
            accept=accept,
        )

    def tell(self, command: bytes, urgent: bool = False) -> Deferred[bytes]:
        """
        Send a command that has no reply; fires with b"" when it is on its way, or fails with DriverError.

        :param urgent: before those that wait, and even while the line has to be silent.
        """
        return self._submit(command, urgent)

    def require_open(self) -> None:
        """
        For a device that talks by itself: nothing while the line can be used, else what it said last would pass for the present.

        :raises Unavailable: it cannot, as when the cable is out.
        """
        if self._cable.owner_for(self._party) is None:
            raise Unavailable(self._cable.why_not(self._party))

    @property
    def changes(self) -> int:
        """The framework's: how often something happened after which devices on this cable may answer differently than before."""
        return self._cable.changes

    def changed(self) -> None:
        """The framework's: such a thing happened, to whichever of them."""
        self._cable.changes += 1

    def close(self) -> Deferred[None]:
        """Leave the cable, whose port is closed with its last device; fires when it is. Commands that wait fail."""
        return self._cable.leave(self._party)

    def _submit(
        self,
        command: bytes,
        urgent: bool,
        framing: Framing | None = None,
        within: float = 0.0,
        retries: int = 0,
        accept: Accept | None = None,
    ) -> Deferred[bytes]:
        owner = self._cable.owner_for(self._party)
        if owner is None:
            return fail(Unavailable(self._cable.why_not(self._party)))
        try:
            data = self._party.framing.outgoing(command)
            if not isinstance(data, bytes):
                raise TypeError(f"a command is bytes, as b'STATUS', not {data!r}")
            if framing is not None and not within > 0:
                raise ValueError(f"a reply needs more than {within} s")
        except Exception:  # a mistake in the driver is told to who asks, and does not reach the port
            return fail()
        done: Deferred[bytes] = Deferred(lambda _: owner.forget(exchange))
        exchange = Exchange(command, data, done, self._party, framing, within, retries, accept, urgent)
        owner.submit(exchange)
        return done
