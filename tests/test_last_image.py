"""The last image of a camera on its page: its preview, its histogram and its FITS file, with what others say of it."""

from __future__ import annotations

import re
import warnings
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from pylpaca import circumstances
from pylpaca.circumstances import GUIDING, LATE, air_mass, sexagesimal
from pylpaca.frames import prepared
from pylpaca.interfaces import DEVICE_TYPES, operations
from pylpaca.preview import picture
from pylpaca.sending import PIECE
from pylpaca.testing import Answer, HeldThread, MemoryServer
from pylpaca.threads import InThread, OwnThread, at_once
from pylpaca.values import SensorType
from tests.test_control import simulator
from tests.test_preview import decoded, sky

CAMERA = "/control/v1/camera/0"


class HeldPreviews:
    """Threads that run at once, but for that of previews, which waits."""

    def __init__(self) -> None:
        self.held = HeldThread()

    def __call__(self, name: str) -> InThread:
        return self.held(name) if name == "previews" else at_once(name)


class ImageTestCase(SynchronousTestCase):
    """A camera that takes the picture that it is given, among simulators of other types."""

    own_thread: OwnThread = staticmethod(at_once)
    camera_class = "PictureCamera"

    def setUp(self) -> None:
        entries = [simulator(kind) for kind in ("telescope", "filterwheel", "focuser", "rotator")]
        camera = {
            "device_type": "camera",
            "device_number": 0,
            "device_driver": f"tests.doubles:{self.camera_class}",
            "name": "Big Eye",
        }
        self.server = MemoryServer({"drivers": [camera, *entries]}, own_thread=self.own_thread)
        self.camera: Any = self.server.driver("camera")
        self.put("camera", "connected", Connected=True)

    def put(self, kind: str, member: str, **form: Any) -> None:
        self.assertEqual(self.server.put(f"{kind}/0/{member}", **form).error, 0)

    def take(self, image: NDArray[Any], seconds: float = 2.0, light: bool = True) -> None:
        self.camera.picture = image
        self.put("camera", "startexposure", Duration=seconds, Light=light)
        self.server.clock.advance(seconds)

    def asked(self, what: str, **headers: str) -> Answer:
        return self.server.request("GET", f"{CAMERA}/{what}", headers={k.replace("_", "-"): v for k, v in headers.items()})

    def unit(self) -> Any:
        """The FITS file, as astropy reads it without finding anything wrong."""
        answer = self.asked("image.fits")
        self.assertEqual(answer.status, 200)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = fits.open(BytesIO(answer.body))[0]
            found.verify("exception")
        return found

    def header(self) -> Any:
        return self.unit().header


class PreviewTests(ImageTestCase):
    """What a page shows."""

    def test_nothing_yet(self) -> None:
        """Before the first exposure there is a picture that says so."""
        answer = self.asked("preview")
        self.assertEqual((answer.status, answer.headers["content-type"]), (200, "image/svg+xml"))
        self.assertIn(b"no image", answer.body)

    def test_picture(self) -> None:
        """The preview is the picture of the last frame."""
        image = sky()
        image[3, 500] = 60_000
        self.take(image)
        answer = self.asked("preview")
        self.assertEqual(answer.headers["content-type"], "image/png")
        self.assertTrue(np.array_equal(decoded(answer.body), picture(prepared(image))))

    def test_histogram(self) -> None:
        """The histogram is that of the last frame."""
        self.take(sky(level=777))
        self.assertIn(b"median 777<", self.asked("histogram").body)

    def test_next_exposure(self) -> None:
        """The next exposure has another picture."""
        self.take(sky(level=777))
        self.asked("histogram")
        self.take(sky(level=888))
        self.assertIn(b"median 888<", self.asked("histogram").body)

    def test_gone_while_exposing(self) -> None:
        """While the next exposure is under way there is no image, as for clients."""
        self.take(sky())
        self.put("camera", "startexposure", Duration=5, Light=True)
        self.assertIn(b"no image", self.asked("preview").body)

    def test_same_again(self) -> None:
        """A browser that has it already is told that it is still the same."""
        self.take(sky())
        mark = self.asked("preview").headers["etag"]
        self.assertEqual(self.asked("preview", If_None_Match=mark).status, 304)

    def test_other_mark(self) -> None:
        """An image of another exposure is not taken for the same."""
        self.take(sky())
        mark = self.asked("preview").headers["etag"]
        self.take(sky())
        self.assertEqual(self.asked("preview", If_None_Match=mark).status, 200)

    def test_no_such_camera(self) -> None:
        """A camera that is not there has no preview."""
        self.assertEqual(self.server.get("/control/v1/camera/7/preview").status, 404)

    def test_mosaic(self) -> None:
        """A mosaic is shown in colours; a subframe that begins at an odd column begins with another one."""
        self.camera.SensorType = lambda: SensorType.RGGB
        for start, offset in ((0, (0, 0)), (1, (1, 0))):
            self.put("camera", "startx", StartX=start)
            self.put("camera", "numx", NumX=90)
            image = sky()
            image[::2, ::2] += 500
            self.take(image)
            wanted = picture(prepared(image), SensorType.RGGB, offset)
            self.assertTrue(np.array_equal(decoded(self.asked("preview").body), wanted))


class CostTests(ImageTestCase):
    """Who looks pays, once."""

    def setUp(self) -> None:
        self.previews = HeldPreviews()
        self.own_thread = self.previews
        super().setUp()

    def test_nobody_looks(self) -> None:
        """Nothing is made of a frame that nobody looks at."""
        self.take(sky())
        self.assertEqual(self.previews.held.count, 0)

    def test_all_look(self) -> None:
        """For all who look it is made once."""
        self.take(sky())
        looking = [self.server.begin("GET", f"{CAMERA}/{what}") for what in ("preview", "histogram", "preview")]
        self.assertEqual(self.previews.held.count, 1)
        self.previews.held.release()
        self.assertTrue(all(each.answer() is not None for each in looking))

    def test_who_hangs_up(self) -> None:
        """One who hangs up does not keep the others from it."""
        self.take(sky())
        first, second = (self.server.begin("GET", f"{CAMERA}/preview") for _ in range(2))
        first.hang_up()
        self.previews.held.release()
        self.assertIsNotNone(second.answer())

    def test_frame_is_let_go(self) -> None:
        """A page that was looked at keeps no frame alive."""
        import gc
        import weakref

        self.take(sky())
        looking = self.server.begin("GET", f"{CAMERA}/preview")
        self.previews.held.release()
        looking.hang_up()
        frame = weakref.ref(self.camera._fetchable)
        self.put("camera", "startexposure", Duration=5, Light=True)
        gc.collect()
        self.assertIsNone(frame())


class OwnImageTests(ImageTestCase):
    """A driver with an ImageArray of its own."""

    camera_class = "FetchingCamera"

    def test_preview_and_file(self) -> None:
        """It has a preview and a file, too."""
        self.camera.picture = sky(level=555)
        self.assertIn(b"median 555<", self.asked("histogram").body)
        self.assertTrue(np.array_equal(self.unit().data, self.camera.picture))


class FileTests(ImageTestCase):
    """FITS."""

    def test_no_image(self) -> None:
        """Without an image there is no file, but a sentence."""
        answer = self.asked("image.fits")
        self.assertEqual((answer.status, answer.text), (409, "there is no image yet"))

    def test_pixels(self) -> None:
        """Its pixels are those of the image, row by row."""
        image = sky((43, 57))
        self.take(image)
        self.assertTrue(np.array_equal(self.unit().data, image))

    def test_colour(self) -> None:
        """Planes are the third axis."""
        image = np.stack([sky(level=level) for level in (500, 1000, 2000)], axis=2)
        self.take(image)
        self.assertTrue(np.array_equal(self.unit().data, np.moveaxis(image, 2, 0)))

    def test_name(self) -> None:
        """It is saved under the name of the camera and the time of the exposure."""
        self.take(sky())
        wanted = 'attachment; filename="camera0_2026-01-01T00-00-00.fits"'
        self.assertEqual(self.asked("image.fits").headers["content-disposition"], wanted)

    def test_head(self) -> None:
        """Who asks for its head is told how long it is."""
        self.take(sky())
        length = self.server.request("HEAD", f"{CAMERA}/image.fits").headers["content-length"]
        self.assertEqual(int(length), len(self.asked("image.fits").body))

    def test_slow_reader(self) -> None:
        """A client that takes it slowly is sent no more than it takes, and has it whole in the end."""
        image = np.arange(2_000_000, dtype=np.uint16).reshape(1000, 2000)
        self.take(image)
        connection = self.server.connection()
        connection.stop_reading()
        connection.send(f"GET {CAMERA}/image.fits HTTP/1.1\r\nHost: memory\r\n\r\n".encode())
        self.assertLess(len(connection.received), 1_000_000)
        for _ in range(image.nbytes // PIECE + 2):
            connection.read()
        answer = connection.answer()
        assert answer is not None
        self.assertTrue(np.array_equal(fits.open(BytesIO(answer.body))[0].data, image))

    def test_reader_gone(self) -> None:
        """A client that goes away in the middle leaves nothing behind."""
        self.take(np.zeros((1000, 2000), np.uint16))
        timers = len(self.server.clock.getDelayedCalls())
        connection = self.server.connection()
        connection.stop_reading()
        connection.send(f"GET {CAMERA}/image.fits HTTP/1.1\r\nHost: memory\r\n\r\n".encode())
        connection.hang_up()
        self.assertEqual(len(self.server.clock.getDelayedCalls()), timers)

    def test_camera(self) -> None:
        """The header has what the camera says of the exposure."""
        self.put("camera", "binx", BinX=1)
        self.take(sky(), 2.0)
        header = self.header()
        wanted = {
            "IMAGETYP": "LIGHT",
            "INSTRUME": "Big Eye",
            "DATE-OBS": "2026-01-01T00:00:00.000",
            "DATE-AVG": "2026-01-01T00:00:01.000",
            "EXPTIME": 2.0,
            "XBINNING": 1,
            "YBINNING": 1,
            "XPIXSZ": 5.0,
            "YPIXSZ": 5.0,
        }
        self.assertEqual({name: header[name] for name in wanted}, wanted)

    def test_dark(self) -> None:
        """A dark exposure and a bias are called so."""
        found = []
        for seconds in (1.0, 0.0):
            self.take(sky(), seconds, light=False)
            found.append(self.header()["IMAGETYP"])
        self.assertEqual(found, ["DARK", "BIAS"])

    def test_as_it_was_taken(self) -> None:
        """Binning and subframe are those of the exposure, whatever was set since."""
        self.camera.MaxBinX = self.camera.MaxBinY = lambda: 4
        for name, value in (("BinX", 2), ("StartX", 3), ("NumX", 40), ("NumY", 40)):
            self.put("camera", name.lower(), **{name: value})
        self.take(sky((40, 40)))
        self.put("camera", "binx", BinX=1)
        header = self.header()
        self.assertEqual([header[name] for name in ("XBINNING", "XPIXSZ", "XORGSUBF")], [2, 10.0, 3])

    def test_mosaic(self) -> None:
        """A mosaic is named as image tools know it, with where it begins."""
        self.camera.SensorType = lambda: SensorType.RGGB
        self.put("camera", "starty", StartY=1)
        self.put("camera", "numy", NumY=90)
        self.take(sky())
        header = self.header()
        self.assertEqual([header[name] for name in ("BAYERPAT", "XBAYROFF", "YBAYROFF")], ["RGGB", 0, 1])

    def test_no_mosaic(self) -> None:
        """A sensor without colours has no mosaic in its header."""
        self.take(sky())
        self.assertNotIn("BAYERPAT", self.header())


class NeighbourTests(ImageTestCase):
    """What other devices say of an image."""

    def connect(self, *kinds: str) -> None:
        for kind in kinds:
            self.put(kind, "connected", Connected=True)

    def point(self) -> None:
        self.connect("telescope")
        self.put("telescope", "tracking", Tracking=True)
        self.put("telescope", "slewtocoordinatesasync", RightAscension=6.5, Declination=20.25)
        self.server.clock.pump([1.0] * 120)

    def test_nobody_else(self) -> None:
        """Devices that are not connected are not spoken of."""
        self.take(sky())
        self.assertFalse({"TELESCOP", "RA", "FILTER", "FOCPOS", "ROTATOR"} & set(self.header()))

    def test_telescope(self) -> None:
        """Where the telescope points, in degrees and sexagesimal, and what it is."""
        self.point()
        self.take(sky())
        header = self.header()
        told = (
            round(header["RA"], 3),
            round(header["DEC"], 3),
            header["OBJCTRA"][:5],
            header["OBJCTDEC"][:6],
            header["FOCALLEN"],
        )
        self.assertEqual(told, (97.5, 20.25, "06 30", "+20 15", 1260.0))

    def test_what_a_solver_needs(self) -> None:
        """All that a plate solver begins with is there, and the place of the observatory."""
        self.point()
        self.take(sky())
        wanted = {
            "RA",
            "DEC",
            "OBJCTRA",
            "OBJCTDEC",
            "EQUINOX",
            "FOCALLEN",
            "XPIXSZ",
            "AIRMASS",
            "SITELAT",
            "SITELONG",
            "SITEELEV",
        }
        self.assertEqual(wanted - set(self.header()), set())

    def test_others(self) -> None:
        """The filter's name, the focuser's place and temperature, the rotator's angle."""
        self.connect("filterwheel", "focuser", "rotator")
        self.take(sky())
        header = self.header()
        filter_name = self.server.get("filterwheel/0/names").value[0]
        told = (header["FILTER"], header["FOCPOS"], header["FOCTEMP"], header["ROTATOR"])
        position, temperature = (self.server.get(f"focuser/0/{each}").value for each in ("position", "temperature"))
        self.assertEqual(told, (filter_name, position, temperature, 0.0))

    def test_moved_since(self) -> None:
        """A telescope that was slewed since is not believed where it points, only what it is."""
        self.point()
        self.take(sky())
        self.put("telescope", "slewtocoordinatesasync", RightAscension=6.6, Declination=20)
        header = self.header()
        self.assertEqual(("RA" in header, "FOCALLEN" in header, "SITELAT" in header), (False, True, True))

    def test_looked_at_before(self) -> None:
        """What was said when somebody looked stays in the file, whatever moves then."""
        self.point()
        self.take(sky())
        self.asked("preview")
        self.put("telescope", "slewtocoordinatesasync", RightAscension=6.6, Declination=20)
        self.assertAlmostEqual(self.header()["RA"], 97.5, places=3)

    def test_guided(self) -> None:
        """Guiding does not make a pointing doubtful."""
        self.point()
        self.put("camera", "startexposure", Duration=2, Light=True)
        self.put("telescope", "pulseguide", Direction=0, Duration=500)
        self.camera.picture = sky()
        self.server.clock.advance(2)
        self.assertIn("RA", self.header())

    def test_long_ago(self) -> None:
        """What is asked minutes after the exposure is not taken for what was then."""
        self.point()
        self.take(sky())
        self.server.clock.advance(LATE + 1)
        self.assertNotIn("RA", self.header())

    def test_connected_since(self) -> None:
        """A wheel that turned since has no filter in the header."""
        self.connect("filterwheel")
        self.take(sky())
        self.put("filterwheel", "position", Position=2)
        self.server.clock.advance(30)
        header = self.header()
        self.assertEqual(("FWHEEL" in header, "FILTER" in header), (True, False))

    def test_documented(self) -> None:
        """Every keyword that a file has is told in the documentation."""
        self.camera.SensorType = lambda: SensorType.RGGB
        self.connect("filterwheel", "focuser", "rotator")
        self.point()
        self.take(sky())
        page = (Path(__file__).parent.parent / "docs" / "hand-boxes.md").read_text()
        told = set(re.findall(r"`([A-Z-]{2,8})`", page))
        structure = {"SIMPLE", "BITPIX", "NAXIS", "NAXIS1", "NAXIS2", "BZERO", "BSCALE"}
        self.assertEqual(set(self.header()) - structure - told, set())

    def test_guiding_is_declared(self) -> None:
        """What counts as guiding is declared, and sets a mount in motion."""
        declared = operations(DEVICE_TYPES["telescope"])
        self.assertTrue(all(declared[each].moves for each in GUIDING))

    def test_silent_telescope(self) -> None:
        """A telescope that does not answer keeps nobody from the image for longer than two seconds."""
        self.point()
        self.take(sky())
        telescope: Any = self.server.driver("telescope")
        telescope.RightAscension = Deferred
        connection = self.server.begin("GET", f"{CAMERA}/image.fits")
        self.server.clock.advance(2)
        answer = connection.answer()
        assert answer is not None
        self.assertNotIn("RA", fits.open(BytesIO(answer.body))[0].header)


class CompanionTests(SynchronousTestCase):
    """Which of several telescopes an image is of."""

    def companion(self, camera: int, *connected: int) -> int | None:
        entries = [{**simulator(kind), "device_number": number} for kind in ("telescope", "camera") for number in range(3)]
        server = MemoryServer({"drivers": entries})
        for number in connected:
            server.put(f"telescope/{number}/connected", Connected=True)
        entry = server.roster.entries["camera", camera]
        found = circumstances.companion_of(entry, server.roster, "telescope")
        return found.number if found is not None else None

    def test_same_number(self) -> None:
        """That with the camera's number."""
        self.assertEqual(self.companion(1, 0, 1), 1)

    def test_only_one(self) -> None:
        """Or else the only one that is connected."""
        self.assertEqual(self.companion(1, 2), 2)

    def test_several(self) -> None:
        """Of several others none: a wrong pointing is worse than none."""
        self.assertIsNone(self.companion(1, 0, 2))


class FigureTests(SynchronousTestCase):
    """How coordinates are written."""

    def test_sexagesimal(self) -> None:
        """Hours and degrees with minutes and seconds; a full minute is carried, and minus zero keeps its sign."""
        found = [sexagesimal(5.5), sexagesimal(-0.5, True), sexagesimal(1 - 1e-9), sexagesimal(41.269, True)]
        self.assertEqual(found, ["05 30 00.00", "-00 30 00.00", "01 00 00.00", "+41 16 08.40"])

    def test_air_mass(self) -> None:
        """1 at the zenith, 2 at thirty degrees, about 38 at the horizon."""
        self.assertEqual([round(air_mass(each), 1) for each in (90, 30, 0.001)], [1.0, 2.0, 38.7])
