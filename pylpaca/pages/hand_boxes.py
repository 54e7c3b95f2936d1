"""What stands where on the hand box of a device type: members by their names, and what people call them."""

# Facts
#   Everything else follows from the declarations; a member that no section names is shown among the rest.
#   A section's members are methods of the interface. Of several in a tuple the first that the device has is shown. Neighbours in
#   a section that take the same parameters share the fields for them.

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class Style(Enum):
    """How a section looks, where not as a list of values and controls."""

    LIST = "values, then controls"
    LARGE = "one value that matters more than all else"
    PAD = "arrows"
    IN_AND_OUT = "steps to either side of a position"
    EACH = "a row for each of several things with a number"
    SENSORS = "a row for each sensor, with its age"
    IMAGE = "the last image"


@dataclass(frozen=True)
class Section:
    """A part of a hand box."""

    title: str
    members: tuple[str | tuple[str, ...], ...]
    style: Style = Style.LIST
    note: str = ""

    @property
    def names(self) -> list[str]:
        """All members that it names."""
        return [name for each in self.members for name in ([each] if isinstance(each, str) else each)]


HAND_BOXES: Mapping[str, tuple[Section, ...]] = {
    "telescope": (
        Section(
            "Where it points",
            (
                "RightAscension", "Declination", "Azimuth", "Altitude", "SiderealTime", "SideOfPier", "Tracking", "Slewing",
                "IsPulseGuiding", "AtPark", "AtHome",
            ),
        ),
        Section(
            "Arrows",
            ("MoveAxis", "PulseGuide"),
            Style.PAD,
            "The mount moves while an arrow is held. Arrows turn axes, not the sky: past the pole (pier side West) N goes south.",
        ),
        Section(
            "Go to a star",
            (("SlewToCoordinatesAsync", "SlewToCoordinates"), "SyncToCoordinates"),
            note="The mount has to track. Coordinates as 12 34 56, 12:34:56 or 12.58.",
        ),
        Section("Tracking", ("SetTracking", "SetTrackingRate")),
        Section("Park and home", ("Park", "Unpark", "FindHome", "SetPark")),
        Section(
            "Go to a place in the sky",
            (("SlewToAltAzAsync", "SlewToAltAz"), "SyncToAltAz"),
            note="The mount must not track.",
        ),
    ),
    "dome": (
        Section("Where it is", ("ShutterStatus", "Azimuth", "Altitude", "Slewing", "AtHome", "AtPark")),
        Section("Shutter", ("OpenShutter", "CloseShutter")),
        Section("Turn", ("SlewToAzimuth", "SyncToAzimuth", "SlewToAltitude", "SetSlaved")),
        Section("Park and home", ("Park", "FindHome", "SetPark")),
    ),
    "focuser": (
        Section("Where it is", ("Position", "IsMoving", "Temperature")),
        Section("In and out", ("Move",), Style.IN_AND_OUT),
        Section("Temperature compensation", ("SetTempComp",)),
        Section("About it", ("MaxStep", "MaxIncrement", "StepSize")),
    ),
    "filterwheel": (
        Section("Filters", ("SetPosition", "FocusOffsets")),
    ),
    "rotator": (
        Section("Where it is", ("Position", "MechanicalPosition", "IsMoving", "TargetPosition")),
        Section("Turn", ("MoveAbsolute", "Move", "MoveMechanical", "Sync")),
        Section("Sense of rotation", ("SetReverse",)),
    ),
    "switch": (Section("Switches", ("GetSwitchValue", "SetSwitch", "SetSwitchValue", "CancelAsync"), Style.EACH),),
    "covercalibrator": (
        Section("Cover", ("CoverState", "CoverMoving", "OpenCover", "CloseCover")),
        Section("Light", ("CalibratorState", "CalibratorChanging", "Brightness", "CalibratorOn", "CalibratorOff")),
    ),
    "observingconditions": (
        Section("Sensors", ("TimeSinceLastUpdate", "SensorDescription", "Refresh"), Style.SENSORS),
        Section("Averages", ("SetAveragePeriod",)),
    ),
    "safetymonitor": (Section("Is it safe to observe?", ("IsSafe",), Style.LARGE),),
    "camera": (
        Section("Last image", ("ImageArray",), Style.IMAGE),
        Section(
            "Exposure",
            (
                "CameraState", "PercentCompleted", "ImageReady", "StartExposure", "SetBinX", "SetGain", "SetOffset",
                "SetReadoutMode",
            ),
        ),
        Section("Cooler", ("CCDTemperature", "CoolerPower", "HeatSinkTemperature", "SetCoolerOn", "SetSetCCDTemperature")),
        Section(
            "Subframe",
            ("SetStartX", "SetStartY", "SetNumX", "SetNumY", "CameraXSize", "CameraYSize"),
            note="In binned pixels, from the top left; looked at when an exposure starts.",
        ),
    ),
}  # fmt: skip

# What a control is called where its ASCOM name does not say it best; before a slash the device type that this is for.
LABELS: Mapping[str, str] = {
    "BinX": "Binning",
    "BinY": "Binning of rows",
    "CalibratorOff": "Light off",
    "CalibratorOn": "Light on",
    "CancelAsync": "Cancel",
    "CCDTemperature": "Sensor temperature",
    "CloseCover": "Close the cover",
    "CloseShutter": "Close the shutter",
    "CoolerOn": "Cooler",
    "FindHome": "Home",
    "Light": "With",
    "Move": "Go to",
    "MoveAbsolute": "Turn to",
    "MoveMechanical": "Turn to mechanical",
    "NumX": "Width",
    "NumY": "Height",
    "OpenCover": "Open the cover",
    "OpenShutter": "Open the shutter",
    "Refresh": "Read the sensors now",
    "rotator/Move": "Turn by",
    "SetCCDTemperature": "Set point",
    "SetPark": "Park here from now on",
    "Slaved": "Follows the telescope",
    "SlewToAltAz": "Go (waits until it is there)",
    "SlewToAltAzAsync": "Go",
    "SlewToAltitude": "Go",
    "SlewToAzimuth": "Go",
    "SlewToCoordinates": "Go (waits until it is there)",
    "SlewToCoordinatesAsync": "Go",
    "StartExposure": "Expose",
    "StartX": "Left",
    "StartY": "Top",
    "StopExposure": "End it, keep the image",
    "Sync": "Sync: it is there now",
    "SyncToAltAz": "Sync: it points there now",
    "SyncToAzimuth": "Sync: it is there now",
    "SyncToCoordinates": "Sync: it points there now",
    "TempComp": "Compensation",
}

# The words for true and false, where they are not on and off.
CHOICES: Mapping[str, tuple[str, str]] = {"Light": ("light", "dark"), "Raw": ("as it is", "framed by the driver")}

# What people are asked before they do what others would notice, or what cannot be taken back.
QUESTIONS: Mapping[str, str] = {
    "CloseShutter": "Close the shutter? Nothing may stand in its way.",
    "OpenShutter": "Open the shutter?",
    "SetPark": "Make the present position the park position?",
    "SetSideOfPier": "Flip the mount?",
    "Sync": "Call the present position this?",
    "SyncToAltAz": "Say that the telescope points there now?",
    "SyncToAzimuth": "Call the present azimuth this?",
    "SyncToCoordinates": "Say that the telescope points there now?",
    "SyncToTarget": "Say that the telescope points at the target now?",
}

# What stands in a field before anybody types.
DEFAULTS: Mapping[str, str] = {"StartExposure Duration": "1", "PulseGuide Duration": "500"}
