"""How the LX200 protocol writes numbers."""

from __future__ import annotations

from datetime import date, timedelta

from twisted.trial.unittest import SynchronousTestCase

from drivers import lx200_formats as formats


class ReadTests(SynchronousTestCase):
    def test_every_form(self) -> None:
        """Hours and degrees, short, long and with decimals, whatever separates them."""
        for reply, value in (
            (b"05:47.4", 5.79),
            (b"23:59.9", 23 + 59.9 / 60),
            (b"13:15:36", 13.26),
            (b"13:15:36.0000", 13.26),
            (b"+45*59", 45 + 59 / 60),
            (b"-45*30", -45.5),
            (b"+45\xdf30", 45.5),
            (b"+45\xdf30:36", 45.51),
            (b"+45*30'36", 45.51),
            (b"+45*30:36.000", 45.51),
            (b"-45*30'36\"", -45.51),
            (b"254*09", 254.15),
            (b" 13:15:36 ", 13.26),
        ):
            self.assertAlmostEqual(formats.sexagesimal(reply), value, 9, str(reply))

    def test_sign_of_zero(self) -> None:
        """The sign stands before a zero, too."""
        self.assertEqual([formats.sexagesimal(reply) for reply in (b"-00*30", b"+00*30", b"-00*00:36")], [-0.5, 0.5, -0.01])

    def test_rounded_up(self) -> None:
        """A mount that rounds up to 60 seconds, or to 24 hours, means the next minute, or midnight."""
        self.assertAlmostEqual(formats.sexagesimal(b"12:59:60"), 13.0, 9)
        self.assertEqual(formats.hours(b"24:00:00"), 0.0)
        self.assertEqual(formats.hours(b"23:59:60"), 0.0)

    def test_noise(self) -> None:
        """What is no such number is not taken for one."""
        for reply in (
            b"",
            b"1",
            b"12",
            b"12:60.0",
            b"12:34:61",
            b"12:34:56:78",
            b"*12:34",
            b"1234:56",
            b"12:3a",
            b"\xff\xff12:34",
            b"N/A",
        ):
            self.assertRaises(ValueError, formats.sexagesimal, reply)
        self.assertRaises(ValueError, formats.hours, b"24:00:01")
        self.assertRaises(ValueError, formats.hours, b"-01:00:00")
        self.assertRaises(ValueError, formats.latitude, b"+90*01")

    def test_length(self) -> None:
        """The long format has seconds."""
        self.assertEqual(
            [formats.is_long(reply) for reply in (b"05:47.4", b"05:47:24", b"+45*59", b"+45*59:01")], [False, True] * 2
        )

    def test_longitude(self) -> None:
        """East is positive here, and negative or more than 180 degrees there."""
        for reply, east in ((b"000*00", 0.0), (b"008*15", -8.25), (b"-008*15", 8.25), (b"351*45", 8.25), (b"+179*30", -179.5)):
            self.assertEqual(formats.longitude(reply), east)
        self.assertEqual([formats.longitude(reply) for reply in (b"+180*00", b"-180*00", b"180*30")], [-180.0, -180.0, 179.5])

    def test_azimuth(self) -> None:
        """It goes round."""
        self.assertEqual([formats.azimuth(reply) for reply in (b"000*00", b"359*30", b"360*00")], [0.0, 359.5, 0.0])

    def test_day(self) -> None:
        """Two digits are enough until 2091."""
        self.assertEqual(formats.day(b"02/06/92"), date(1992, 2, 6))
        self.assertEqual(formats.day(b"12/31/91"), date(2091, 12, 31))
        self.assertEqual(formats.day(b"02/29/28"), date(2028, 2, 29))
        for reply in (b"02/30/26", b"13/01/26", b"2/1/26", b"", b"02/01/2026"):
            self.assertRaises(ValueError, formats.day, reply)

    def test_offset(self) -> None:
        """Whole hours, hours with decimals, hours and minutes."""
        for reply, hours in ((b"+05", 5.0), (b"-5", -5.0), (b"05", 5.0), (b"-05.5", -5.5), (b"+05:30", 5.5), (b"-00:30", -0.5)):
            self.assertEqual(formats.offset(reply), timedelta(hours=hours))
        self.assertRaises(ValueError, formats.offset, b"five")


class WrittenTests(SynchronousTestCase):
    def test_hours(self) -> None:
        """Short, long, and with decimals; what is next to midnight is midnight."""
        self.assertEqual(
            [formats.in_hours(5.79, decimals) for decimals in (None, 0, 4)], ["05:47.4", "05:47:24", "05:47:24.0000"]
        )
        for decimals, midnight in ((None, "00:00.0"), (0, "00:00:00"), (4, "00:00:00.0000")):
            self.assertEqual(formats.in_hours(23.999999999, decimals), midnight)

    def test_degrees(self) -> None:
        """Signed ones, with a carry up to the degrees."""
        self.assertEqual(
            [formats.in_degrees(-0.51, decimals) for decimals in (None, 0, 3)], ["-00*31", "-00*30:36", "-00*30:36.000"]
        )
        self.assertEqual(
            [formats.in_degrees(9.99999999, decimals) for decimals in (None, 0, 3)], ["+10*00", "+10*00:00", "+10*00:00.000"]
        )
        self.assertEqual(formats.in_degrees(-90.0, 0), "-90*00:00")

    def test_unsigned(self) -> None:
        """Three digits, from 0 to below 360."""
        for value, text in ((0.0, "000*00"), (-8.25, "351*45"), (8.25, "008*15"), (359.9999, "000*00"), (360.0, "000*00")):
            self.assertEqual(formats.in_degrees(value, None, 3, ""), text)

    def test_back_again(self) -> None:
        """What is written is read as it was, to half of the last digit."""
        for number in range(-9000, 9001, 7):
            degrees = number / 100 + 1 / 123
            for decimals, last in ((None, 1 / 60), (0, 1 / 3600), (3, 0.001 / 3600)):
                if abs(degrees) <= 90:
                    read = formats.latitude(formats.in_degrees(degrees, decimals).encode())
                    self.assertLessEqual(abs(read - degrees), last / 2 * 1.0001)
                hours = abs(degrees) % 24
                wrong = abs(formats.hours(formats.in_hours(hours, decimals).encode()) - hours)
                self.assertLessEqual(min(wrong, 24 - wrong), (last if decimals is not None else 0.1 / 60) / 2 * 1.0001)
