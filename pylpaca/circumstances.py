"""Under which circumstances an image was taken, as plate solvers and image tools expect it in a FITS header."""

# Facts
#   There is no standard for most of these names; they are those that MaxIm, NINA and ASTAP write and read. RA and DEC are in
#   degrees, OBJCTRA and OBJCTDEC sexagesimal. XPIXSZ and YPIXSZ are those of a binned pixel.
#   BAYERPAT with XBAYROFF and YBAYROFF says which colour a pixel has; counted from the top row, as the image is stored.
#   What other devices say is asked when somebody looks at the image first, which may be later: where a device is that was asked
#   to move since the exposure began is not believed, nor what is asked minutes after its end. Guiding moves a mount by seconds
#   of arc, which no plate solver minds.
#   Air mass: Pickering (2002), good down to the horizon.

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pylpaca import __version__
from pylpaca.device import Camera, Device
from pylpaca.errors import AlpacaError
from pylpaca.fits import Card
from pylpaca.interfaces import operations
from pylpaca.questions import Questions
from pylpaca.roster import Entry, Roster
from pylpaca.values import EquatorialCoordinateType, PierSide, SensorType

GUIDING = ("PulseGuide", "SetTracking", "SetRightAscensionRate", "SetDeclinationRate")
LATE = 300.0  # seconds
MOSAICS = (SensorType.RGGB, SensorType.CMYG)  # those for which image tools have a word

_EPOCHS = {EquatorialCoordinateType.J2000: 2000.0, EquatorialCoordinateType.J2050: 2050.0, EquatorialCoordinateType.B1950: 1950.0}


@dataclass(frozen=True)
class Said:
    """What a device answered."""

    name: str
    answers: Mapping[str, Any]

    def __getitem__(self, member: str) -> Any:
        """The answer, or None."""
        found = self.answers.get(member)
        return None if isinstance(found, AlpacaError) else found

    def card(self, keyword: str, member: str, comment: str = "", times: float = 1) -> Iterator[Card]:
        """The card of a member, if there is an answer."""
        found = self[member]
        if found is not None and found != "":
            yield Card(keyword, found if times == 1 else found * times, comment)


async def cards(camera: Entry, roster: Roster, questions: Questions) -> list[Card]:
    """Those of the last image of a camera, from what it says itself and from the devices of this server that go with it."""
    driver = camera.driver
    assert isinstance(driver, Camera)
    found = list(_of_camera(await said_of(camera, questions), driver))
    late = _is_late(driver, found)
    for kind, (members, of_kind) in _COMPANIONS.items():
        companion = companion_of(camera, roster, kind)
        if companion is not None:
            said = await _said(companion, questions, members)
            if late or _has_moved(companion.driver, driver):
                said = _without_state(companion.driver, said)
            found += of_kind(said, found)
    return [*found, Card("SWCREATE", f"pylpaca {__version__}", "what wrote this file")]


def companion_of(camera: Entry, roster: Roster, kind: str) -> Entry | None:
    """The connected device of this type that has the camera's number, or else the only one that is connected."""
    connected = [each for each in roster if each.kind == kind and each.driver.link.is_open]
    same = [each for each in connected if each.number == camera.number]
    candidates = same or connected
    return candidates[0] if len(candidates) == 1 else None


def mosaic_of(camera: Said, driver: Camera) -> tuple[SensorType, tuple[int, int]]:
    """Which colours the pixels of its last image have, and the column and row at which the first cell begins."""
    kind = camera["SensorType"] or SensorType.Monochrome
    taken = _taken(camera, driver)
    if taken.binning != (1, 1):
        return SensorType.Monochrome, (0, 0)  # binned pixels have the light of all colours
    x, y = (camera[member] or 0 for member in ("BayerOffsetX", "BayerOffsetY"))
    return kind, ((x + taken.start[0]) % 2, (y + taken.start[1]) % 2)


async def said_of(camera: Entry, questions: Questions) -> Said:
    """What a camera says that matters for its last image."""
    return await _said(camera, questions, _CAMERA)


async def _said(entry: Entry, questions: Questions, members: Sequence[str]) -> Said:
    answers = await questions.ask(entry, [(member, ()) for member in members])
    return Said(entry.driver.name, {member: answer for (member, _), answer in answers.items()})


def _is_late(camera: Camera, cards: Sequence[Card]) -> bool:
    """Whether the exposure was over so long ago that others may have changed without being asked to."""
    said = {each.keyword: each.value for each in cards}
    began, seconds = said.get("DATE-OBS"), said.get("EXPTIME")
    if not isinstance(began, str) or not isinstance(seconds, float):
        return True
    return (camera.utc() - datetime.fromisoformat(began).replace(tzinfo=UTC)).total_seconds() - seconds > LATE


def _without_state(device: Device, said: Said) -> Said:
    """What does not change while a device works."""
    declared = operations(device.interface)
    return Said(said.name, {member: answer for member, answer in said.answers.items() if not declared[member].in_state})


def _has_moved(device: Device, camera: Camera) -> bool:
    """Whether a device has been asked to move since the camera's exposure began, by more than guiding does."""
    asked, before = device.link.motions.asked, camera.taken.motions.get(device) if camera.taken is not None else None
    return before is None or any(asked[method] != before[method] for method in asked if method not in GUIDING)


# ---- the camera ---------------------------------------------------------------------------------------------------

_CAMERA = (
    "BayerOffsetX", "BayerOffsetY", "BinX", "BinY", "CCDTemperature", "ElectronsPerADU", "Gain", "Gains", "LastExposureDuration",
    "LastExposureStartTime", "MaxADU", "Offset", "Offsets", "PixelSizeX", "PixelSizeY", "ReadoutMode", "ReadoutModes",
    "SensorName", "SensorType", "SetCCDTemperature", "StartX", "StartY",
)  # fmt: skip


@dataclass(frozen=True)
class _Geometry:
    binning: tuple[int, int]
    start: tuple[int, int]


def _taken(camera: Said, driver: Camera) -> _Geometry:
    """The binning and the subframe of the last exposure; a driver that keeps them itself says what is set now."""
    taken, own = driver.taken, type(driver)
    if taken is not None and own.BinX is Camera.BinX and own.StartX is Camera.StartX:
        return _Geometry(taken.binning, taken.start)
    return _Geometry((camera["BinX"] or 1, camera["BinY"] or 1), (camera["StartX"] or 0, camera["StartY"] or 0))


def _of_camera(camera: Said, driver: Camera) -> Iterator[Card]:
    taken = _taken(camera, driver)
    light, seconds = driver.taken is None or driver.taken.light, camera["LastExposureDuration"]
    yield Card("IMAGETYP", "LIGHT" if light else "BIAS" if seconds == 0 else "DARK")
    yield Card("INSTRUME", camera.name, "the camera")
    yield from camera.card("DETECTOR", "SensorName", "the sensor")
    yield from _times(camera["LastExposureStartTime"], seconds)
    for axis, binning, start in zip("XY", taken.binning, taken.start, strict=True):
        yield Card(f"{axis}BINNING", binning)
        yield from camera.card(f"{axis}PIXSZ", f"PixelSize{axis}", "[um] of a binned pixel", binning)
        yield Card(f"{axis}ORGSUBF", start, "[pixels] where the subframe begins, binned")
    yield from camera.card("CCD-TEMP", "CCDTemperature", "[deg C]")
    yield from camera.card("SET-TEMP", "SetCCDTemperature", "[deg C] that the cooler is to hold")
    yield from _chosen(camera, "GAIN", "Gain", "Gains")
    yield from _chosen(camera, "OFFSET", "Offset", "Offsets")
    yield from camera.card("EGAIN", "ElectronsPerADU", "[electrons] of an ADU")
    modes, mode = camera["ReadoutModes"], camera["ReadoutMode"]
    if modes and mode is not None and 0 <= mode < len(modes):
        yield Card("READOUTM", modes[mode], "the way of reading out")
    mosaic, offset = mosaic_of(camera, driver)
    if mosaic in MOSAICS:
        yield Card("BAYERPAT", mosaic.name, "the colours of the sensor's first pixels, from the top")
        yield Card("XBAYROFF", offset[0])
        yield Card("YBAYROFF", offset[1])


def _times(began: str | None, seconds: float | None) -> Iterator[Card]:
    if began is not None:
        yield Card("TIMESYS", "UTC")
        yield Card("DATE-OBS", began, "when the exposure began")
        if seconds is not None:
            middle = datetime.fromisoformat(began) + timedelta(seconds=seconds / 2)
            yield Card("DATE-AVG", middle.isoformat(timespec="milliseconds"), "the middle of the exposure")
    if seconds is not None:
        yield Card("EXPTIME", seconds, "[s]")
        yield Card("EXPOSURE", seconds, "[s]")


def _chosen(camera: Said, keyword: str, member: str, names: str) -> Iterator[Card]:
    number, known = camera[member], camera[names]
    if number is not None:
        yield Card(keyword, number, known[number] if known and 0 <= number < len(known) else "")


# ---- those that go with it ----------------------------------------------------------------------------------------

_TELESCOPE = (
    "Altitude", "ApertureDiameter", "Azimuth", "Declination", "EquatorialSystem", "FocalLength", "RightAscension", "SideOfPier",
    "SiteElevation", "SiteLatitude", "SiteLongitude",
)  # fmt: skip


def _of_telescope(telescope: Said, before: Sequence[Card]) -> Iterator[Card]:
    yield Card("TELESCOP", telescope.name)
    yield from telescope.card("FOCALLEN", "FocalLength", "[mm]", 1000)
    yield from telescope.card("APTDIA", "ApertureDiameter", "[mm]", 1000)
    right_ascension, declination = telescope["RightAscension"], telescope["Declination"]
    if right_ascension is not None and declination is not None:
        system = telescope["EquatorialSystem"]
        frame = f"[deg] {system.name}" if system is not None else "[deg]"
        yield Card("RA", right_ascension * 15, f"{frame}, where the telescope points")
        yield Card("DEC", declination, frame)
        yield Card("OBJCTRA", sexagesimal(right_ascension), "[hours]")
        yield Card("OBJCTDEC", sexagesimal(declination, signed=True), "[deg]")
        epoch = _EPOCHS.get(system, _of_date(before)) if system is not None else None
        if epoch is not None:
            yield Card("EQUINOX", epoch)
    yield from telescope.card("CENTALT", "Altitude", "[deg]")
    yield from telescope.card("CENTAZ", "Azimuth", "[deg] north 0, east 90")
    altitude = telescope["Altitude"]
    if altitude is not None and altitude > 0:
        yield Card("AIRMASS", air_mass(altitude))
    side = telescope["SideOfPier"]
    if side is not None and side is not PierSide.Unknown:
        yield Card("PIERSIDE", side.name.upper(), "the pointing state: WEST is through the pole")
    yield from telescope.card("SITELAT", "SiteLatitude", "[deg] north positive")
    yield from telescope.card("SITELONG", "SiteLongitude", "[deg] east positive")
    yield from telescope.card("SITEELEV", "SiteElevation", "[m]")


def _of_date(cards: Sequence[Card]) -> float | None:
    """The date of the exposure as a year, for coordinates of the date."""
    began = next((each.value for each in cards if each.keyword == "DATE-OBS"), None)
    if not isinstance(began, str):
        return None
    moment = datetime.fromisoformat(began)
    return round(moment.year + (moment.timetuple().tm_yday - 1) / 365.25, 2)


def _of_filterwheel(wheel: Said, before: Sequence[Card]) -> Iterator[Card]:
    yield Card("FWHEEL", wheel.name)
    names, position = wheel["Names"], wheel["Position"]
    if names and position is not None and 0 <= position < len(names):
        yield Card("FILTER", names[position])


def _of_focuser(focuser: Said, before: Sequence[Card]) -> Iterator[Card]:
    yield Card("FOCNAME", focuser.name, "the focuser")
    yield from focuser.card("FOCPOS", "Position", "[steps]")
    yield from focuser.card("FOCUSPOS", "Position", "[steps]")
    yield from focuser.card("FOCUSSZ", "StepSize", "[um] of a step")
    yield from focuser.card("FOCTEMP", "Temperature", "[deg C]")
    yield from focuser.card("FOCUSTEM", "Temperature", "[deg C]")


def _of_rotator(rotator: Said, before: Sequence[Card]) -> Iterator[Card]:
    yield Card("ROTNAME", rotator.name, "the rotator")
    yield from rotator.card("ROTATOR", "Position", "[deg] in the frame of the sky")
    yield from rotator.card("ROTATANG", "Position", "[deg]")


_COMPANIONS: Mapping[str, tuple[Sequence[str], Callable[[Said, Sequence[Card]], Iterator[Card]]]] = {
    "telescope": (_TELESCOPE, _of_telescope),
    "filterwheel": (("Names", "Position"), _of_filterwheel),
    "focuser": (("Position", "StepSize", "Temperature"), _of_focuser),
    "rotator": (("Position",), _of_rotator),
}


def sexagesimal(value: float, signed: bool = False) -> str:
    """Hours or degrees, minutes and seconds, with blanks between them, as OBJCTRA has it."""
    digits = 2
    hundredths = round(abs(value) * 3600 * 10**digits)
    minutes, seconds = divmod(hundredths, 60 * 10**digits)
    sign = ("-" if value < 0 else "+") if signed else ""
    return f"{sign}{minutes // 60:02} {minutes % 60:02} {seconds / 10**digits:05.2f}"


def air_mass(altitude: float) -> float:
    """Through how much air one looks at this altitude above the horizon, in degrees; 1 at the zenith."""
    return round(1 / math.sin(math.radians(altitude + 244 / (165 + 47 * altitude**1.1))), 4)
