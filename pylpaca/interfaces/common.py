"""What every ASCOM device has in common (Platform 7)."""

from __future__ import annotations

from zope.interface import taggedValue

from pylpaca.errors import ActionNotImplemented
from pylpaca.interfaces.declaration import IAscom, Put, Result, rule
from pylpaca.interfaces.rules import Listed
from pylpaca.values import StateItem


class IDevice(IAscom):
    """The members that every device type has."""

    taggedValue("device_type", "Device")

    def Connected() -> Result[bool]:
        """Whether the link to the device is open."""

    rule(Connected, while_disconnected=True)

    def SetConnected(Connected: bool) -> Result[None]:
        """Open or close the link; answered when that is done."""

    rule(SetConnected, while_disconnected=True, deadline=4.5)

    def Connect() -> Result[None]:
        """Start opening the link; done when Connecting is false."""

    rule(Connect, while_disconnected=True)

    def Disconnect() -> Result[None]:
        """Start closing the link; done when Connecting is false."""

    rule(Disconnect, while_disconnected=True)

    def Connecting() -> Result[bool]:
        """Whether the link is being opened or closed; after a failed Connect, the reason as an error until the next try."""

    rule(Connecting, while_disconnected=True)

    def Name() -> Result[str]:
        """The device's short name."""

    rule(Name, while_disconnected=True)

    def Description() -> Result[str]:
        """What the device is, in one line."""

    rule(Description, while_disconnected=True)

    def DriverInfo() -> Result[str]:
        """What the driver is."""

    rule(DriverInfo, while_disconnected=True)

    def DriverVersion() -> Result[str]:
        """The version of the driver."""

    rule(DriverVersion, while_disconnected=True)

    def InterfaceVersion() -> Result[int]:
        """The version of the ASCOM interface of this device type."""

    rule(InterfaceVersion, while_disconnected=True)

    def SupportedActions() -> Result[list[str]]:
        """The names that Action takes."""

    rule(SupportedActions, while_disconnected=True)

    def Action(Action: str, Parameters: str) -> Put[str]:
        """Run an action of the driver's own and give its answer."""

    rule(Action, Listed("Action", "SupportedActions", ActionNotImplemented))

    def CommandBlind(Command: str, Raw: bool) -> Result[None]:
        """Send a command to the hardware, no answer wanted (deprecated by ASCOM)."""

    rule(CommandBlind, optional=True)

    def CommandBool(Command: str, Raw: bool) -> Put[bool]:
        """Send a command to the hardware that is answered by yes or no (deprecated by ASCOM)."""

    rule(CommandBool, optional=True)

    def CommandString(Command: str, Raw: bool) -> Put[str]:
        """Send a command to the hardware and give its answer (deprecated by ASCOM)."""

    rule(CommandString, optional=True)

    def DeviceState() -> Result[list[StateItem]]:
        """The values that change while the device works, taken together."""
