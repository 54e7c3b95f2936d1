"""The declaration of a dome."""

from __future__ import annotations

from typing import Annotated

from zope.interface import taggedValue

from pylpaca import values
from pylpaca.errors import InvalidWhileSlaved
from pylpaca.interfaces.common import IDevice
from pylpaca.interfaces.declaration import Result, SafeState, State, rule
from pylpaca.interfaces.rules import Needs, RefusedWhile, Within
from pylpaca.values import Degrees, Direction

NOT_SLAVED = RefusedWhile("Slaved", InvalidWhileSlaved)
CLOSED = SafeState(
    "close",
    (("ShutterStatus", values.ShutterState.Closed),),
    after="telescope",
    coming=("ShutterStatus", values.ShutterState.Closing),
)
PARKED = SafeState("park", (("AtPark", True), ("Slewing", False)), before=("Slaved", "SetSlaved"), after="telescope")


class IDome(IDevice):
    """
    A dome, a clamshell or a roll-off roof (ASCOM IDomeV3).

    Azimuth is in degrees, north 0, east 90, below 360; altitude in degrees, horizon 0, zenith 90.
    """

    taggedValue("device_type", "Dome")
    taggedValue("interface_version", 3)

    def Altitude() -> State[Degrees]:
        """How high the opening points."""

    rule(Altitude, optional=True)

    def AtHome() -> State[bool]:
        """Whether the dome stands at its home position."""

    rule(AtHome, optional=True)

    def AtPark() -> State[bool]:
        """Whether the dome stands at its park position."""

    rule(AtPark, optional=True)

    def Azimuth() -> State[Direction]:
        """Where the opening points."""

    rule(Azimuth, optional=True)

    def CanFindHome() -> Result[bool]:
        """Whether FindHome works."""

    def CanPark() -> Result[bool]:
        """Whether Park works."""

    def CanSetAltitude() -> Result[bool]:
        """Whether SlewToAltitude works."""

    def CanSetAzimuth() -> Result[bool]:
        """Whether SlewToAzimuth works."""

    def CanSetPark() -> Result[bool]:
        """Whether SetPark works."""

    def CanSetShutter() -> Result[bool]:
        """Whether OpenShutter and CloseShutter work."""

    def CanSlave() -> Result[bool]:
        """Whether the hardware itself can follow the telescope."""

    def CanSyncAzimuth() -> Result[bool]:
        """Whether SyncToAzimuth works."""

    def ShutterStatus() -> State[values.ShutterState]:
        """What the shutter is doing; always a value, also on a dome without a motor on its shutter."""

    def Slaved() -> Result[bool]:
        """Whether the dome follows the telescope."""

    def SetSlaved(Slaved: bool) -> Result[None]:
        """Follow the telescope, or stop doing so."""

    rule(SetSlaved, Needs("CanSlave", only_if="Slaved"), moves="Slaved")

    def Slewing() -> State[bool]:
        """Whether any part is moving: azimuth, altitude or shutter."""

    rule(Slewing, busy=(True,))

    def AbortSlew() -> Result[None]:
        """Stop every motion at once; Slaved is false afterwards."""

    rule(AbortSlew, stops=True)

    def OpenShutter() -> Result[None]:
        """Start opening; done when ShutterStatus is Open."""

    rule(OpenShutter, Needs("CanSetShutter"), moves=True)

    def CloseShutter() -> Result[None]:
        """Start closing; done when ShutterStatus is Closed."""

    rule(CloseShutter, Needs("CanSetShutter"), moves=True, reaches=CLOSED)

    def FindHome() -> Result[None]:
        """Start searching the home position; done when Slewing is false."""

    rule(FindHome, Needs("CanFindHome"), NOT_SLAVED, moves=True)

    def Park() -> Result[None]:
        """Start moving to the park position, where it may stand already; done when Slewing is false."""

    rule(Park, Needs("CanPark"), NOT_SLAVED, moves=True, reaches=PARKED)

    def SetPark() -> Result[None]:
        """Make the present position the park position."""

    rule(SetPark, Needs("CanSetPark"))

    def SlewToAltitude(Altitude: Annotated[Degrees, Within(0, 90)]) -> Result[None]:
        """Start moving the opening to an altitude; done when Slewing is false."""

    rule(SlewToAltitude, Needs("CanSetAltitude"), NOT_SLAVED, moves=True)

    def SlewToAzimuth(Azimuth: Annotated[Degrees, Within(0, 360, open_end=True)]) -> Result[None]:
        """Start turning the opening to an azimuth; done when Slewing is false."""

    rule(SlewToAzimuth, Needs("CanSetAzimuth"), NOT_SLAVED, moves=True)

    def SyncToAzimuth(Azimuth: Annotated[Degrees, Within(0, 360, open_end=True)]) -> Result[None]:
        """Call the present azimuth this; nothing moves."""

    rule(SyncToAzimuth, Needs("CanSyncAzimuth"), NOT_SLAVED)
