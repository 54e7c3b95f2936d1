"""What every dome passes."""

# Facts
#   The official checker allows 240 s a motion. After 3 s half a turn must still be under way, after 1 s 70 degrees in altitude,
#   so that it can be stopped. Slewing is true for azimuth, altitude and shutter; to park twice succeeds.

from __future__ import annotations

from typing import Any, ClassVar

from pylpaca.interfaces import IDome
from pylpaca.testing.conformance.program import POLL, Conformance, apart, part
from pylpaca.values import ShutterState

MOTION_WITHIN = 240.0
STOPS_WITHIN = 30.0
TOLERANCE = 1.0  # degrees


class DomeConformance(Conformance):
    """A dome, a clamshell or a roll-off roof, whatever it can do."""

    interface: ClassVar[Any] = IDome

    @part
    async def test_properties(self) -> None:
        """What a dome says of itself fits together; ShutterStatus always has a value."""
        device = self.device
        status = await device.ShutterStatus()
        self.holds(status != ShutterState.Error, "ShutterStatus is Error at the start")
        self.holds(status in set(ShutterState), f"ShutterStatus is {status!r}, which is none of its values")
        self.same("Slewing at the start", await device.Slewing(), False)
        azimuth = await self.optional(device.Azimuth())
        self.holds(azimuth is None or 0 <= azimuth < 360, f"Azimuth is {azimuth}")
        self.holds(azimuth is not None or not await device.CanSetAzimuth(), "CanSetAzimuth is True, but there is no Azimuth")
        altitude = await self.optional(device.Altitude())
        self.holds(altitude is None or 0 <= altitude <= 90, f"Altitude is {altitude}")
        self.holds(altitude is not None or not await device.CanSetAltitude(), "CanSetAltitude is True, but there is no Altitude")
        at_home, at_park = await self.optional(device.AtHome()), await self.optional(device.AtPark())
        self.holds(at_home is not None or not await device.CanFindHome(), "CanFindHome is True, but there is no AtHome")
        self.holds(at_park is not None or not await device.CanPark(), "CanPark is True, but there is no AtPark")

    @part
    async def test_incapable(self) -> None:
        """What a dome cannot do is refused with exactly 0x400."""
        device = self.device
        for capability, asked in (
            ("CanFindHome", lambda: device.FindHome()),
            ("CanPark", lambda: device.Park()),
            ("CanSetPark", lambda: device.SetPark()),
            ("CanSetAltitude", lambda: device.SlewToAltitude(45.0)),
            ("CanSetAzimuth", lambda: device.SlewToAzimuth(45.0)),
            ("CanSyncAzimuth", lambda: device.SyncToAzimuth(45.0)),
            ("CanSetShutter", lambda: device.OpenShutter()),
            ("CanSetShutter", lambda: device.CloseShutter()),
            ("CanSlave", lambda: device.SetSlaved(True)),
        ):
            if not await getattr(device, capability)():
                await self.refused(0x400, asked(), f"what needs {capability}")

    @part
    async def test_slaved(self) -> None:
        """Slaved can be turned on and off if the dome can follow; while it does, slews are refused."""
        device = self.device
        self.same("Slaved at the start", await device.Slaved(), False)
        if not await device.CanSlave():
            return
        await device.SetSlaved(True)
        self.same("Slaved after it was turned on", await device.Slaved(), True)
        if await device.CanSetAzimuth():
            await self.refused(0x409, device.SlewToAzimuth(10.0), "SlewToAzimuth while slaved")
        await device.AbortSlew()
        self.same("Slaved after AbortSlew", await device.Slaved(), False)

    @part
    async def test_shutter(self) -> None:
        """Opening and closing show at once in ShutterStatus and Slewing, and end in both at once."""
        device = self.device
        if not await device.CanSetShutter():
            return
        await device.CloseShutter()
        await self.until("ShutterStatus", device.ShutterStatus, ShutterState.Closed, MOTION_WITHIN)
        for _ in range(2):
            await self.shutter_moved("OpenShutter", ShutterState.Opening, ShutterState.Open)
            await self.shutter_moved("CloseShutter", ShutterState.Closing, ShutterState.Closed)

    async def shutter_moved(self, member: str, moving: ShutterState, ended: ShutterState) -> None:
        device = self.device
        await self.quickly(member, getattr(device, member)())
        self.same(f"ShutterStatus just after {member}", await device.ShutterStatus(), moving)
        self.same(f"Slewing just after {member}", await device.Slewing(), True)
        waited = 0.0
        while (status := await device.ShutterStatus()) != ended:
            self.same(f"ShutterStatus during {member}", status, moving)
            self.holds(waited <= MOTION_WITHIN, f"{member} has not ended after {MOTION_WITHIN:g} s")
            await self.pause(POLL)
            waited += POLL
        self.same(f"Slewing at the end of {member}", await device.Slewing(), False)

    @part
    async def test_slew_to_azimuth(self) -> None:
        """Every eighth of a turn is reached; outside the circle is refused."""
        if not await self.device.CanSetAzimuth():
            return
        for azimuth in range(0, 360, 45):
            await self.slewn("SlewToAzimuth", float(azimuth))
            found = await self.device.Azimuth()
            self.holds(apart(found, azimuth) <= TOLERANCE, f"Azimuth is {found} after a slew to {azimuth}")
        for outside in (-10.0, 360.0, 370.0):
            await self.refused(0x401, self.device.SlewToAzimuth(outside), f"SlewToAzimuth {outside}")

    @part
    async def test_slew_to_altitude(self) -> None:
        """Altitudes from the horizon to the zenith are reached, others refused."""
        if not await self.device.CanSetAltitude():
            return
        for altitude in (0, 15, 30, 45, 60, 75, 90):
            await self.slewn("SlewToAltitude", float(altitude))
            found = await self.device.Altitude()
            self.holds(abs(found - altitude) <= TOLERANCE, f"Altitude is {found} after a slew to {altitude}")
        for outside in (-10.0, 100.0):
            await self.refused(0x401, self.device.SlewToAltitude(outside), f"SlewToAltitude {outside}")

    @part
    async def test_abort(self) -> None:
        """AbortSlew is harmless at rest, and ends a slew that is under way for long enough to be stopped."""
        device = self.device
        await device.AbortSlew()
        self.same("Slaved after AbortSlew", await device.Slaved(), False)
        if await device.CanSetAzimuth():
            await self.slewn("SlewToAzimuth", 45.0)
            await self.stopped("SlewToAzimuth", 225.0, 3.0)
        if await device.CanSetAltitude():
            await self.slewn("SlewToAltitude", 10.0)
            await self.stopped("SlewToAltitude", 80.0, 1.0)
        if await device.CanSetShutter():
            await self.slewn("CloseShutter")
            whole_way = await self.slewn("OpenShutter")
            await self.slewn("CloseShutter")
            await device.OpenShutter()
            await self.pause(0.5)
            await device.AbortSlew()
            await self.until("Slewing after AbortSlew of OpenShutter", device.Slewing, False, STOPS_WITHIN)
            back = await self.slewn("CloseShutter")
            stopped = back <= whole_way / 2 + 2 * POLL
            self.holds(stopped, f"closing took {back:g} s after AbortSlew had stopped OpenShutter at once: it went on opening")

    @part
    async def test_sync(self) -> None:
        """A sync is read back at once, moves nothing, and can be taken back."""
        device = self.device
        if not await device.CanSyncAzimuth():
            return
        start = await device.Azimuth()
        for azimuth in ((start + 45) % 360, start):
            await device.SyncToAzimuth(azimuth)
            found = await device.Azimuth()
            self.holds(apart(found, azimuth) <= TOLERANCE, f"Azimuth is {found} after a sync to {azimuth}")
            self.same("Slewing after a sync", await device.Slewing(), False)
        for azimuth in (-10.0, 370.0):
            await self.refused(0x401, device.SyncToAzimuth(azimuth), f"SyncToAzimuth {azimuth}")

    @part
    async def test_home_and_park(self) -> None:
        """FindHome ends at home, Park parked, a slew leaves; to park twice succeeds."""
        device = self.device
        if await device.CanFindHome():
            await self.slewn("FindHome")
            self.same("AtHome after FindHome", await device.AtHome(), True)
            if await device.CanSetAzimuth():
                await self.slewn("SlewToAzimuth", (await device.Azimuth() + 90) % 360)
                self.same("AtHome after a slew", await device.AtHome(), False)
        if await device.CanPark():
            for _ in range(2):
                await self.slewn("Park")
                self.same("AtPark after Park", await device.AtPark(), True)
            if await device.CanSetAzimuth():
                before = await device.Azimuth()
                await self.slewn("SlewToAzimuth", (before + 90) % 360)
                self.same("AtPark after a slew", await device.AtPark(), False)
                if await device.CanSetPark():
                    await self.park_set(before)

    async def park_set(self, original: float) -> None:
        """SetPark makes the present place the one that Park goes to; afterwards it is the original one again."""
        device = self.device
        place = await device.Azimuth()
        await device.SetPark()
        await self.slewn("SlewToAzimuth", (place + 45) % 360)
        await self.slewn("Park")
        found = await device.Azimuth()
        self.holds(apart(found, place) <= TOLERANCE, f"Azimuth is {found} after Park, and SetPark was called at {place}")
        await self.slewn("SlewToAzimuth", original)
        await device.SetPark()

    async def slewn(self, member: str, *target: float) -> float:
        """A motion, to its end; how many seconds it took."""
        await self.quickly(member, getattr(self.device, member)(*target))
        return await self.until(f"Slewing after {member} {target}", self.device.Slewing, False, MOTION_WITHIN)

    async def stopped(self, member: str, target: float, after: float) -> None:
        """A motion that is stopped on its way."""
        await self.quickly(member, getattr(self.device, member)(target))
        await self.pause(after)
        self.same(f"Slewing {after:g} s after {member} {target}", await self.device.Slewing(), True)
        await self.device.AbortSlew()
        await self.until("Slewing after AbortSlew", self.device.Slewing, False, STOPS_WITHIN)
