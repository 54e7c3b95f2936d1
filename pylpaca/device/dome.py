"""What drivers of a dome are made of."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

from zope.interface import implementer

from pylpaca.device.base import Device, left_out
from pylpaca.errors import MemberNotImplemented
from pylpaca.interfaces import IDome, Result
from pylpaca.values import Degrees, ShutterState


@implementer(IDome)
class Dome(Device):
    """A dome: an author writes ShutterStatus, Slewing and AbortSlew, and what the dome can do."""

    interface: ClassVar[Any] = IDome

    @left_out
    def Altitude(self) -> Result[Degrees]:
        raise MemberNotImplemented

    @left_out
    def AtHome(self) -> Result[bool]:
        raise MemberNotImplemented

    @left_out
    def AtPark(self) -> Result[bool]:
        raise MemberNotImplemented

    @left_out
    def Azimuth(self) -> Result[Degrees]:
        raise MemberNotImplemented

    def CanFindHome(self) -> Result[bool]:
        return False

    def CanPark(self) -> Result[bool]:
        return False

    def CanSetAltitude(self) -> Result[bool]:
        return False

    def CanSetAzimuth(self) -> Result[bool]:
        return False

    def CanSetPark(self) -> Result[bool]:
        return False

    def CanSetShutter(self) -> Result[bool]:
        return False

    def CanSlave(self) -> Result[bool]:
        return False

    def CanSyncAzimuth(self) -> Result[bool]:
        return False

    @abstractmethod
    def ShutterStatus(self) -> Result[ShutterState]: ...

    def Slaved(self) -> Result[bool]:
        return False

    @left_out
    def SetSlaved(self, Slaved: bool) -> Result[None]:
        return None  # without CanSlave, only False comes here

    @abstractmethod
    def Slewing(self) -> Result[bool]: ...

    @abstractmethod
    def AbortSlew(self) -> Result[None]: ...

    @left_out
    def OpenShutter(self) -> Result[None]:
        raise MemberNotImplemented

    @left_out
    def CloseShutter(self) -> Result[None]:
        raise MemberNotImplemented

    @left_out
    def FindHome(self) -> Result[None]:
        raise MemberNotImplemented

    @left_out
    def Park(self) -> Result[None]:
        raise MemberNotImplemented

    @left_out
    def SetPark(self) -> Result[None]:
        raise MemberNotImplemented

    @left_out
    def SlewToAltitude(self, Altitude: Degrees) -> Result[None]:
        raise MemberNotImplemented

    @left_out
    def SlewToAzimuth(self, Azimuth: Degrees) -> Result[None]:
        raise MemberNotImplemented

    @left_out
    def SyncToAzimuth(self, Azimuth: Degrees) -> Result[None]:
        raise MemberNotImplemented
