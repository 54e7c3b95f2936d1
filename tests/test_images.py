"""Images through the server: from what a driver hands over to what a client reads, and everything on the way."""

from __future__ import annotations

import gc
import json
import weakref
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from pylpaca import stopping, web
from pylpaca.client import ask, remote
from pylpaca.errors import DriverError, InvalidOperation
from pylpaca.imagebytes import TYPE
from pylpaca.interfaces import ICamera
from pylpaca.protocol import FORM
from pylpaca.sending import PIECE, Sending
from pylpaca.testing import Answer, Connection, HeldThread, MemoryServer
from pylpaca.threads import OwnThread, at_once
from pylpaca.values import CameraState, ElementType
from tests.doubles import FetchingCamera, PictureCamera, SlowCamera
from tests.imagedecoder import Decoded, decoded

IMAGES = ("imagearray", "imagearrayvariant")
BYTES = {"Accept": TYPE}
IN_BYTES = {"B": 6, "H": 8, "h": 1, "i": 2}  # numpy's letter of a type, and its number on the wire


def unique(shape: tuple[int, ...], dtype: str, low: int = 0) -> NDArray[Any]:
    """An asymmetric picture with a different value in every pixel."""
    return (np.arange(np.prod(shape), dtype=np.int64) + low).reshape(shape).astype(dtype)


class ImageTestCase(SynchronousTestCase):
    driver_class: type[PictureCamera] = PictureCamera
    own_thread: OwnThread = staticmethod(at_once)

    def setUp(self) -> None:
        entry = {"device_type": "camera", "device_number": 0, "device_driver": f"tests.doubles:{self.driver_class.__name__}"}
        dome = {"device_type": "dome", "device_number": 0, "device_driver": "DomeSimulator"}
        self.server = MemoryServer({"drivers": [entry, dome]}, own_thread=self.own_thread)
        self.camera: Any = self.server.driver("camera")
        self.clock = self.server.clock
        self.put("connected", Connected=True)

    def get(self, member: str) -> Answer:
        return self.server.get(f"camera/0/{member}")

    def put(self, member: str, **form: Any) -> Answer:
        return self.server.put(f"camera/0/{member}", **form)

    def take(self, picture: Any, sent_as: ElementType | None = None) -> None:
        """A whole exposure."""
        self.camera.picture, self.camera.sent_as = picture, sent_as
        self.assertEqual(self.put("startexposure", Duration=1, Light=True).error, 0)
        self.clock.advance(1)

    def fetched(self, member: str = "imagearray", accept: str = "") -> Answer:
        headers = {"Accept": accept} if accept else {}
        return self.server.request("GET", f"camera/0/{member}?ClientTransactionID=321", b"", headers)

    def image(self, member: str = "imagearray", accept: str = "") -> Decoded:
        answer = self.fetched(member, accept)
        self.assertEqual(answer.status, 200)
        return decoded(answer.body, answer.headers["content-type"])

    def state(self) -> tuple[bool, int]:
        return self.get("imageready").value, self.get("camerastate").value


class PixelTests(ImageTestCase):
    """Pixel for pixel, on pictures that are not square and have no value twice."""

    def equal(self, picture: NDArray[Any], sent_as: int, kind: int = 2) -> None:
        wanted = picture.swapaxes(0, 1).tolist()
        for member in IMAGES:
            for accept in (TYPE, f"application/json, {TYPE}", "", "application/json", "*/*"):
                found = self.image(member, accept)
                binary = TYPE in accept
                self.assertEqual(found.pixels, wanted, (member, accept))
                self.assertEqual((found.kind, found.sent_as), (kind, sent_as) if binary else (min(kind, 3), min(kind, 3)))
                self.assertEqual((found.rank, found.client_transaction), (picture.ndim, 321))
                self.assertGreater(found.server_transaction, 0)

    def test_mono(self) -> None:
        """Each type that whole numbers are narrowed to."""
        for code, low in (("B", 0), ("H", 100), ("h", -100), ("i", 100_000)):
            self.take(unique((13, 17), "i4", low))
            self.equal(self.camera.picture, IN_BYTES[code])

    def test_colour(self) -> None:
        """The same in three planes."""
        for code, low in (("B", 0), ("H", 100), ("h", -100), ("i", 100_000)):
            self.take(unique((7, 11, 3), "i4", low))
            self.equal(self.camera.picture, IN_BYTES[code])

    def test_fractions(self) -> None:
        """Fractions are Double, or Single, and lose nothing."""
        for shape in ((13, 17), (7, 11, 3)):
            self.take(unique(shape, "f8") / 8)
            self.equal(self.camera.picture, 3, 3)

    def test_single(self) -> None:
        """A Single is one on the wire; JSON calls both a Double."""
        self.take(unique((13, 17), "f4") / 8)
        found = self.image(accept=TYPE)
        self.assertEqual((found.kind, found.sent_as, found.pixels), (4, 4, self.camera.picture.T.tolist()))
        found = self.image()
        self.assertEqual((found.kind, found.pixels), (3, self.camera.picture.T.tolist()))

    def test_declared(self) -> None:
        """The type that a driver named is the one on the wire."""
        self.take(unique((13, 17), "u1"), ElementType.UInt16)
        self.equal(self.camera.picture, 8)

    def test_client(self) -> None:
        """Our own client gives it back as the driver handed it over."""
        device = remote(ICamera, self.server.http(), "http://memory/api/v1/camera/0", self.clock)
        for shape in ((13, 17), (7, 11, 3)):
            self.take(unique(shape, "u2", 300))
            for asked in (device.ImageArray, device.ImageArrayVariant):
                fetching = Deferred.fromCoroutine(ask(asked()))
                self.clock.pump([0] * 20)
                found = self.successResultOf(fetching)
                self.assertTrue(np.array_equal(found.array, self.camera.picture))
                self.assertEqual(found.pixels.dtype.str, "<u2")

    def test_whatever_size(self) -> None:
        """A large one, in both forms."""
        picture = unique((1100, 900), "i4")
        self.take(picture)
        self.assertEqual(np.array(self.image(accept=TYPE).pixels).tolist(), picture.T.tolist())
        self.assertEqual(self.image().pixels, picture.T.tolist())


class OwnImageArrayTests(PixelTests):
    """A driver that has an ImageArray of its own gives what the camera has, and the same arrives."""

    driver_class = FetchingCamera

    def test_declared(self) -> None:
        """It cannot name a type: the pixels say it."""
        self.take(unique((13, 17), "u1"), ElementType.UInt16)
        self.equal(self.camera.picture, 6)

    def test_no_image(self) -> None:
        """What is no image is the driver's error, with Type and Rank, in JSON whatever was asked for."""
        self.camera.picture = {"pixels": None}
        for accept in ("", TYPE):
            answer = self.fetched(accept=accept)
            self.assertEqual(answer.error, 0x500)
            self.assertIn("dict", answer.json["ErrorMessage"])
            self.assertEqual((answer.json["Type"], answer.json["Rank"], answer.json["Value"]), (2, 2, []))


class AnswerTests(ImageTestCase):
    def test_heads(self) -> None:
        """Exact types; ImageBytes says its length, JSON of unknown length comes in chunks."""
        self.take(unique((3, 4), "u2", 300))
        answer = self.fetched(accept=TYPE)
        self.assertEqual(answer.headers["content-type"], TYPE)
        self.assertEqual(answer.headers["content-length"], str(44 + 24))
        answer = self.fetched()
        self.assertEqual(answer.headers["content-type"], "application/json; charset=utf-8")
        self.assertEqual(answer.headers["transfer-encoding"], "chunked")
        self.assertNotIn("content-length", answer.headers)

    def test_refusals(self) -> None:
        """No image, no link, no such device: as JSON or text, whatever was asked for."""
        for member in IMAGES:
            answer = self.fetched(member, TYPE)
            self.assertEqual((answer.error, answer.headers["content-type"]), (0x40B, "application/json; charset=utf-8"))
            self.assertEqual(list(answer.json)[:3], ["Type", "Rank", "Value"])
        self.put("connected", Connected=False)
        self.assertEqual(self.fetched(accept=TYPE).error, 0x407)
        self.assertEqual(self.server.request("GET", "camera/1/imagearray", b"", BYTES).status, 400)
        self.assertEqual(self.server.request("GET", "camera/0/imagearray?ClientID=x", b"", BYTES).status, 400)

    def test_head(self) -> None:
        """HEAD is GET without the image, of which nothing is looked at."""
        self.take(unique((3, 4), "u2", 300))
        self.patch(web, "Sending", None)
        answer = self.server.request("HEAD", "camera/0/imagearray", b"", BYTES)
        self.assertEqual((answer.status, answer.headers["content-length"], answer.body), (200, "68", b""))
        self.assertEqual(self.server.request("HEAD", "camera/0/imagearray").body, b"")

    def test_old_http(self) -> None:
        """A client of HTTP/1.0 gets both forms, too; it knows no chunks."""
        self.take(unique((3, 4), "u2", 300))
        for accept in (TYPE, "application/json"):
            connection = self.server.connection()
            connection.send(f"GET /api/v1/camera/0/imagearray HTTP/1.0\r\nAccept: {accept}\r\n\r\n".encode())
            head, _, body = connection.received.partition(b"\r\n\r\n")
            self.assertNotIn(b"chunked", head)
            self.assertEqual(decoded(body, accept).pixels, self.camera.picture.T.tolist())
            self.assertTrue(connection.closed)

    def test_next_request(self) -> None:
        """The connection goes on after either form; pipelined requests are answered in order."""
        self.take(unique((300, 200), "i4"))
        connection = self.server.connection()
        ask = b"GET /api/v1/camera/0/%s HTTP/1.1\r\nHost: x\r\n%s\r\n"
        accept = b"Accept: application/imagebytes\r\n"
        connection.send(ask % (b"imagearray", accept) + ask % (b"imagearray", b"") + ask % (b"name", b""))
        self.server.clock.advance(0)
        self.assertEqual(connection.received.count(b"HTTP/1.1 200 OK"), 3)
        self.assertTrue(connection.received.endswith(b'"ErrorMessage":""}'))
        self.assertFalse(connection.closed)

    def test_not_a_number(self) -> None:
        """JSON has no word for what is no number: refused with the way out, and ImageBytes has it."""
        self.take(np.array([[1.0, float("nan")]]))
        answer = self.fetched()
        self.assertEqual(answer.error, 0x500)
        self.assertIn(TYPE, answer.json["ErrorMessage"])
        self.assertEqual(repr(self.image(accept=TYPE).pixels), "[[1.0], [nan]]")


class BackPressureTests(ImageTestCase):
    """What a client takes decides how much of an image is under way to it."""

    def setUp(self) -> None:
        super().setUp()
        self.take(unique((1000, 2000), "i4", 100_000))

    def fetching(self, accept: str = TYPE) -> tuple[Connection, Any]:
        """A client that takes nothing until it is told to."""
        connection = self.server.connection()
        transport = connection._transport
        write = transport.write

        def takes_a_piece(data: bytes) -> None:
            write(data)
            if transport.producer is not None and len(data) > 1000:
                transport.producer.pauseProducing()

        transport.write = takes_a_piece  # type: ignore[method-assign]
        transport.writeSequence = lambda data: takes_a_piece(b"".join(data))  # type: ignore[method-assign]
        request = f"GET /api/v1/camera/0/imagearray HTTP/1.1\r\nHost: x\r\nAccept: {accept}\r\n\r\n"
        connection.send(request.encode())
        return connection, transport

    def test_a_piece_at_a_time(self) -> None:
        """Nothing is written ahead of the client, and in the end all of it is there."""
        for accept in (TYPE, "application/json"):
            connection, transport = self.fetching(accept)
            sizes = [len(connection.received)]
            while transport.producer._requestProducer is not None:
                transport.producer.resumeProducing()
                sizes.append(len(connection.received))
            self.assertGreater(len(sizes), 6)
            self.assertLess(max(after - before for before, after in pairwise(sizes)), 1 << 19)
            answer = connection.answer()
            assert answer is not None
            self.assertEqual(decoded(answer.body, answer.headers["content-type"]).pixels[0][:3], [100_000, 102_000, 104_000])

    def test_others_meanwhile(self) -> None:
        """Other devices answer while an image waits for its client."""
        self.fetching()
        self.assertEqual(self.server.get("dome/0/name").error, 0)

    def test_shared(self) -> None:
        """Several clients read the same bytes, each at its own pace, each with its own transaction."""
        first, _ = self.fetching()
        pixels = self.camera.ImageArray().pixels
        self.assertEqual(len(self.image(accept=TYPE).pixels), 2000)
        self.assertIs(self.camera.ImageArray().pixels, pixels)
        self.assertLess(len(first.received), PIECE + 1000)

    def test_next_exposure(self) -> None:
        """A new exposure does not disturb who still reads the last image."""
        first, transport = self.fetching()
        wanted = self.camera.ImageArray().pixels.tobytes()
        self.take(unique((2, 2), "u1"))
        while not first.received.endswith(wanted[-4:]):
            transport.producer.resumeProducing()
        self.assertTrue(first.received.endswith(wanted))

    def test_client_gone(self) -> None:
        """A client that goes away in the middle leaves nothing behind: no timer, no pixels, no line in the log."""
        timers = len(self.clock.getDelayedCalls())
        connection, transport = self.fetching()
        self.assertGreater(len(self.clock.getDelayedCalls()), timers)
        producer, pixels = transport.producer, weakref.ref(self.camera.ImageArray().pixels)
        connection.hang_up()
        self.put("startexposure", Duration=1, Light=True)
        gc.collect()
        self.assertIsNone(pixels())
        self.assertEqual([each for each in self.clock.getDelayedCalls() if "Abort" in str(each) or "abort" in str(each)], [])
        sent = len(connection.received)
        producer.resumeProducing()
        self.assertEqual(len(connection.received), sent)
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_server_stops(self) -> None:
        """When the server stops, a client that takes its image gets all of it; one that does not is cut off in time."""
        slow, transport = self.fetching()
        asleep, _ = self.fetching()
        site = self.server.site
        ended = Deferred.fromCoroutine(stopping.end(self.clock, site.pending, site.open_connections, [self.camera]))
        while not slow.closed:
            transport.producer.resumeProducing()
        self.assertTrue(slow.received.endswith(self.camera.ImageArray().pixels.tobytes()[-100:]))
        slow.hang_up()
        self.clock.advance(stopping.CALLS_WITHIN)
        self.assertFalse(asleep.closed)
        self.clock.advance(stopping.ANSWERS_WITHIN)
        self.assertTrue(asleep.closed)
        self.successResultOf(ended)

    def test_client_asleep(self) -> None:
        """A client that takes nothing for long is cut off; one that takes a piece now and then is not."""
        slow, transport = self.fetching()
        asleep, _ = self.fetching()
        for _ in range(4):
            self.clock.advance(Sending.PATIENCE / 2)
            transport.producer.resumeProducing()
        self.assertTrue(asleep.closed)
        self.assertFalse(slow.closed)

    def test_deadline(self) -> None:
        """The deadline of a driver's call does not apply to the sending."""
        slow, transport = self.fetching()
        while transport.producer._requestProducer is not None:
            self.clock.advance(Sending.PATIENCE - 1)
            transport.producer.resumeProducing()
        self.assertTrue(slow.received.endswith(self.camera.ImageArray().pixels.tobytes()[-100:]))


class HandingOverTests(ImageTestCase):
    """While an image is made ready, in the camera's own thread."""

    def setUp(self) -> None:
        self.own_thread = self.thread = HeldThread()
        super().setUp()

    def test_in_one_step(self) -> None:
        """Download until it can be fetched, though the camera itself is idle; then idle and ready in one step."""
        self.take(unique((3, 4), "u1"))
        self.assertEqual(self.camera.state, CameraState.Idle)
        self.assertEqual(self.state(), (False, CameraState.Download))
        state = {item["Name"]: item["Value"] for item in self.get("devicestate").value}
        self.assertEqual((state["CameraState"], state["ImageReady"]), (CameraState.Download, False))
        self.assertEqual(self.fetched().error, 0x40B)
        self.thread.release()
        self.assertEqual(self.state(), (True, CameraState.Idle))
        self.assertEqual(self.image().pixels, self.camera.picture.T.tolist())

    def test_no_exposure_meanwhile(self) -> None:
        """Another exposure is refused until then, as while the camera is read out."""
        self.take(unique((3, 4), "u1"))
        self.assertEqual(self.put("startexposure", Duration=1, Light=True).error, InvalidOperation.number)
        self.thread.release()
        self.assertEqual(self.put("startexposure", Duration=1, Light=True).error, 0)
        self.assertEqual(self.state(), (False, CameraState.Exposing))

    def test_converted_once(self) -> None:
        """However often and in whatever form it is fetched, it is made ready once."""
        self.take(unique((3, 4), "u1"))
        self.thread.release()
        for accept in (TYPE, "", TYPE):
            self.image(accept=accept)
        self.assertEqual(self.thread.count, 0)

    def test_aborted(self) -> None:
        """Aborted meanwhile, it never turns up, and the next exposure is the next one's."""
        self.take(unique((3, 4), "u1"))
        self.assertEqual(self.put("abortexposure").error, 0)
        self.assertEqual(self.state(), (False, CameraState.Idle))
        self.take(unique((5, 6), "u1"))
        self.thread.release()
        self.assertEqual(self.state(), (False, CameraState.Download))
        self.thread.release()
        self.assertEqual(len(self.image().pixels), 6)

    def test_abort_at_rest(self) -> None:
        """An abort at rest leaves the image where it is."""
        self.take(unique((3, 4), "u1"))
        self.thread.release()
        self.assertEqual(self.put("abortexposure").error, 0)
        self.assertEqual(self.state(), (True, CameraState.Idle))

    def test_new_link(self) -> None:
        """Disconnected meanwhile, it never turns up."""
        self.take(unique((3, 4), "u1"))
        self.put("connected", Connected=False)
        self.put("connected", Connected=True)
        self.thread.release()
        self.assertEqual(self.state(), (False, CameraState.Idle))

    def test_aborted_before(self) -> None:
        """A driver that hands over what was aborted before, or belongs to another link, hands over nothing."""
        for member, form in (("abortexposure", {}), ("connected", {"Connected": False})):
            self.put("startexposure", Duration=1, Light=True)
            self.put(member, **form)
            self.put("connected", Connected=True)
            self.clock.advance(1)
            self.assertEqual((self.state(), self.thread.count), ((False, CameraState.Idle), 0))

    def test_fails_after_it_was_given_up(self) -> None:
        """What fails when nobody wants it any more is no error of the next exposure."""
        self.take("no image")
        self.put("abortexposure")
        self.put("startexposure", Duration=1, Light=True)
        self.thread.release()
        self.assertEqual(self.state(), (False, CameraState.Exposing))

    def test_let_go_on_disconnect(self) -> None:
        """A camera that is disconnected does not keep its last image in memory."""
        self.take(unique((3, 4), "u1"))
        self.thread.release()
        pixels = weakref.ref(self.camera.ImageArray().pixels)
        self.put("connected", Connected=False)
        gc.collect()
        self.assertIsNone(pixels())

    def test_no_image(self) -> None:
        """What is no image: the driver is told, clients see Error and no image, and the next exposure works."""
        self.take("no image")
        self.thread.release()
        assert self.camera.handed is not None
        self.assertEqual(self.state(), (False, CameraState.Error))
        self.take(unique((3, 4), "u1"))
        self.thread.release()
        self.assertEqual(self.state(), (True, CameraState.Idle))

    def test_told(self) -> None:
        """Who hands over waits until it can be fetched, or hears why not."""
        self.put("startexposure", Duration=1, Light=True)
        good = self.camera.hand_over([[1]])
        self.assertNoResult(good)
        self.thread.release()
        self.successResultOf(good)
        self.put("abortexposure")
        self.put("startexposure", Duration=1, Light=True)
        bad = self.camera.hand_over("nothing")
        self.thread.release()
        self.assertIn("str", str(self.failureResultOf(bad, DriverError).value))

    def test_refused_exposure_keeps_image(self) -> None:
        """An exposure that is refused takes nothing away."""
        self.take(unique((3, 4), "u1"))
        self.thread.release()
        self.assertEqual(self.put("startexposure", Duration=1000, Light=True).error, 0x401)
        self.assertEqual(self.state(), (True, CameraState.Idle))
        self.assertEqual(json.loads(self.fetched().body)["ErrorNumber"], 0)


class SlowStartTests(ImageTestCase):
    """A driver that needs a while to begin an exposure."""

    driver_class = SlowCamera

    def setUp(self) -> None:
        super().setUp()
        self.camera.picture = unique((3, 4), "u1")

    def begin(self, seconds: float) -> Connection:
        body = f"Duration={seconds}&Light=true".encode()
        return self.server.begin("PUT", "camera/0/startexposure", body, {"Content-Type": FORM})

    def answered(self, connection: Connection) -> int:
        answer = connection.answer("PUT")
        assert answer is not None
        return answer.error

    def test_once(self) -> None:
        """While one begins it is not idle, and no other can begin."""
        first, second = self.begin(10), self.begin(10)
        self.assertEqual(self.state(), (False, CameraState.Waiting))
        self.clock.advance(0.5)
        self.assertEqual((self.answered(first), self.answered(second), self.camera.starts), (0, InvalidOperation.number, 1))
        self.assertEqual(self.state(), (False, CameraState.Exposing))

    def test_label(self) -> None:
        """It began when the driver had begun it; its duration is known at once."""
        self.begin(10)
        self.assertEqual(self.get("lastexposureduration").value, 10.0)
        self.clock.advance(0.5)
        self.assertEqual(self.get("lastexposurestarttime").value, "2026-01-01T00:00:00.500")

    def test_other_link(self) -> None:
        """What began on the last link says nothing on the next one."""
        self.begin(10)
        self.put("connected", Connected=False)
        self.put("connected", Connected=True)
        self.clock.advance(0.5)
        self.assertEqual(self.get("lastexposureduration").error, InvalidOperation.number)

    def test_fails(self) -> None:
        """One that cannot begin takes nothing away: the last image is there, and its label."""
        self.begin(2)
        self.clock.pump([0.5, 2])
        self.assertEqual(self.state(), (True, CameraState.Idle))
        self.camera.fails = True
        failing = self.begin(7)
        self.assertEqual(self.state(), (False, CameraState.Waiting))
        self.clock.advance(0.5)
        self.assertEqual(self.answered(failing), DriverError.number)
        self.assertEqual((self.state(), self.get("lastexposureduration").value), ((True, CameraState.Idle), 2.0))
        self.assertEqual(self.image().pixels, self.camera.picture.T.tolist())


class SlowAbortTests(ImageTestCase):
    driver_class = SlowCamera

    def setUp(self) -> None:
        self.own_thread = self.thread = HeldThread()
        super().setUp()

    def test_in_thread(self) -> None:
        """An abort that has to wait behind the image, in the same thread, wins all the same."""
        self.camera.picture = unique((3, 4), "u1")
        self.server.begin("PUT", "camera/0/startexposure", b"Duration=1&Light=true", {"Content-Type": FORM})
        self.clock.pump([0.5, 1])
        self.assertEqual(self.state(), (False, CameraState.Download))
        abort = self.server.begin("PUT", "camera/0/abortexposure")
        self.thread.release()
        self.thread.release()
        answer = abort.answer("PUT")
        assert answer is not None
        self.assertEqual((answer.error, self.state()), (0, (False, CameraState.Idle)))
