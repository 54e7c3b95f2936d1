"""The wire format."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from pylpaca.errors import BadRequest, DriverError, InvalidValue
from pylpaca.interfaces import IDome, IFocuser, operations
from pylpaca.protocol import (
    Ids,
    TransactionCounter,
    read_arguments,
    read_fields,
    read_ids,
    refusal,
    success,
    wire_type,
    written,
)
from pylpaca.values import ShutterState, StateItem

DOME, FOCUSER = operations(IDome), operations(IFocuser)


class FieldsTests(SynchronousTestCase):
    def test_query_names_fold(self) -> None:
        """Names in a query are found in any case."""
        self.assertEqual(read_fields("GET", b"clientID=1&X=a+b%20c", b""), {"clientid": "1", "x": "a b c"})

    def test_body_names_are_exact(self) -> None:
        """Names in a body stay as they are, and the query of a PUT says nothing."""
        self.assertEqual(read_fields("PUT", b"Position=1", b"position=2"), {"position": "2"})

    def test_empty_values_are_kept(self) -> None:
        """An empty text is a value."""
        self.assertEqual(read_fields("PUT", b"", b"Parameters="), {"Parameters": ""})

    def test_content_types(self) -> None:
        """A form may or may not say that it is one; JSON may not pretend."""
        for kind in ("", "application/x-www-form-urlencoded", "Application/X-WWW-Form-URLencoded; charset=utf-8"):
            self.assertEqual(read_fields("PUT", b"", b"a=1", kind), {"a": "1"})
        refused = self.assertRaises(BadRequest, read_fields, "PUT", b"", b'{"a":1}', "application/json")
        self.assertIn("application/x-www-form-urlencoded", refused.sentence)

    def test_not_utf8(self) -> None:
        """Bytes that are not UTF-8 are refused, sent raw or quoted."""
        for body in (b"a=\xff", b"a=%ff"):
            self.assertRaises(BadRequest, read_fields, "PUT", b"", body)

    def test_contradictions(self) -> None:
        """A field given twice must say the same twice."""
        self.assertEqual(read_fields("PUT", b"", b"a=1&a=1"), {"a": "1"})
        self.assertRaises(BadRequest, read_fields, "PUT", b"", b"a=1&a=2")
        self.assertRaises(BadRequest, read_fields, "GET", b"a=1&A=2", b"")

    def test_too_many_fields(self) -> None:
        """Nobody needs more than a hundred fields."""
        self.assertRaises(BadRequest, read_fields, "PUT", b"", b"&".join(b"f%d=1" % n for n in range(101)))


class IdsTests(SynchronousTestCase):
    def test_absent(self) -> None:
        """Ids that are not there are 0."""
        self.assertEqual(read_ids("GET", {}), Ids(0, 0))

    def test_read(self) -> None:
        """Ids go up to 2**32 - 1."""
        self.assertEqual(read_ids("GET", {"clientid": "4294967295", "clienttransactionid": "0"}), Ids(4294967295, 0))

    def test_miscased_in_a_body(self) -> None:
        """In a body a mis-cased id is an unknown field."""
        self.assertEqual(read_ids("PUT", {"clientid": "7", "clienttransactionid": "8"}), Ids(0, 0))

    def test_refused(self) -> None:
        """What int() would take and the protocol does not is refused, naming the id."""
        for text in ("", "     ", "-1", "NASDAQ", "4294967296", " 12", "1_0", "+5", "１２", "1.0", "0x1"):
            for name in ("ClientID", "ClientTransactionID"):
                self.assertIn(name, self.assertRaises(BadRequest, read_ids, "PUT", {name: text}).sentence)


class ArgumentsTests(SynchronousTestCase):
    def read(self, method: str, **fields: str) -> object:
        operation = {**DOME, **FOCUSER}[method]
        return next(iter(read_arguments(operation, fields).values()))

    def test_booleans(self) -> None:
        """true and false in any case, nothing else."""
        for text in ("true", "True", "TRUE"):
            self.assertIs(self.read("SetSlaved", Slaved=text), True)
        self.assertIs(self.read("SetSlaved", Slaved="False"), False)
        for text in ("", "1", "0", "yes", "123456", "asdqwe", " true"):
            self.assertRaises(BadRequest, self.read, "SetSlaved", Slaved=text)

    @given(st.integers(-(2**31), 2**31 - 1))
    def test_integers(self, number: int) -> None:
        """Every 32-bit integer is read as it is."""
        self.assertEqual(self.read("Move", Position=str(number)), number)

    def test_no_integers(self) -> None:
        """Texts, decimals and what does not fit into 32 bits are no integers."""
        for text in ("", "x", "1.0", "1e3", " 1", "1_000", "2147483648", "-2147483649", "99999999999", "１"):
            self.assertRaises(BadRequest, self.read, "Move", Position=text)

    @given(st.floats(allow_nan=False, allow_infinity=False))
    def test_numbers(self, number: float) -> None:
        """Every number is read as it was written, in the shortest form with or without an exponent."""
        self.assertEqual(self.read("SlewToAzimuth", Azimuth=repr(number)), number)
        self.assertEqual(self.read("SlewToAzimuth", Azimuth=repr(number).upper()), number)

    def test_no_numbers(self) -> None:
        """nan, inf, overflow, commas and blanks are refused, saying how the right call looks."""
        for text in ("", "nan", "inf", "-Infinity", "1e999", "1,5", "1.5 ", "0x10", "1_0.0", "1.5.2", ".", "e5", "١.٥"):
            refused = self.assertRaises(BadRequest, self.read, "SlewToAzimuth", Azimuth=text)
            self.assertIn("Azimuth must be a number in degrees", refused.sentence)
            self.assertIn("PUT …/slewtoazimuth with the body Azimuth=12.5", refused.sentence)

    def test_long_numbers(self) -> None:
        """A number with thousands of digits is refused at once, however it ends."""
        for text in ("1" * 60_000, "1" * 60_000 + "x", "1" * 399 + "x"):
            refused = self.assertRaises(BadRequest, self.read, "SlewToAzimuth", Azimuth=text)
            self.assertLess(len(refused.sentence), 200)

    def test_missing(self) -> None:
        """A missing parameter is named; one in the wrong case is told from a missing one."""
        self.assertIn("Azimuth", self.assertRaises(BadRequest, self.read, "SlewToAzimuth").sentence)
        refused = self.assertRaises(BadRequest, self.read, "SlewToAzimuth", azimuth="1")
        self.assertIn("spelled Azimuth, not azimuth", refused.sentence)


class WrittenTests(SynchronousTestCase):
    def test_right_types(self) -> None:
        """What a driver gives is brought to the declared type."""
        self.assertEqual(repr(written(DOME["Azimuth"], 90)), "90.0")
        self.assertEqual(written(DOME["ShutterStatus"], ShutterState.Opening), 2)
        self.assertEqual(written(DOME["ShutterStatus"], 3), 3)
        self.assertEqual(written(DOME["SupportedActions"], ("a", "b")), ["a", "b"])
        self.assertEqual(written(DOME["DeviceState"], [StateItem("Slewing", True)]), [{"Name": "Slewing", "Value": True}])
        self.assertIsNone(written(DOME["OpenShutter"], "whatever"))

    def test_numpy(self) -> None:
        """The scalars of numpy are as good as Python's."""
        import numpy

        self.assertIs(written(DOME["Slewing"], numpy.bool_(True)), True)
        self.assertEqual(repr(written(FOCUSER["Position"], numpy.uint16(7))), "7")
        self.assertEqual(repr(written(DOME["Azimuth"], numpy.float32(1.5))), "1.5")

    def test_wrong_types(self) -> None:
        """A wrong type is a fault of the driver that names the member, never invalid JSON."""
        wrong = {
            "Slewing": (1, None, "true"),
            "Azimuth": (None, "1", True, float("nan"), float("inf"), [], 10**400),
            "ShutterStatus": (9, None, "Open", 1.0, True),
            "Name": (None, 5, b"x"),
            "SupportedActions": ("abc", None, [1]),
            "InterfaceVersion": (3.0, "3", True),
            "DeviceState": ([("Slewing", True)], None),
        }
        for method, values in wrong.items():
            for value in values:
                refused = self.assertRaises(DriverError, written, DOME[method], value)
                self.assertIn(method, str(refused))


class EnvelopeTests(SynchronousTestCase):
    def test_success(self) -> None:
        """Exactly the keys of the protocol; Value only where there is one."""
        expected = b'{"Value":1.5,"ClientTransactionID":8,"ServerTransactionID":3,"ErrorNumber":0,"ErrorMessage":""}'
        self.assertEqual(success(DOME["Azimuth"], Ids(1, 8), 3, 1.5), expected)
        expected = b'{"ClientTransactionID":8,"ServerTransactionID":3,"ErrorNumber":0,"ErrorMessage":""}'
        self.assertEqual(success(DOME["OpenShutter"], Ids(1, 8), 3, None), expected)

    def test_neutral_values(self) -> None:
        """A refused GET carries a value of the member's own type."""
        neutral = {"Azimuth": 0.0, "Slewing": False, "ShutterStatus": 0, "Name": "", "DeviceState": [], "SupportedActions": []}
        for method, value in neutral.items():
            answer = json.loads(refusal(DOME[method], Ids(), 1, InvalidValue("no")))
            self.assertEqual(repr(answer["Value"]), repr(value), method)
            self.assertEqual((answer["ErrorNumber"], answer["ErrorMessage"]), (0x401, "no"))

    def test_puts_with_a_value(self) -> None:
        """Of the PUTs only Action, CommandBool and CommandString carry Value."""
        with_value = {o.method for o in DOME.values() if o.verb == "PUT" and o.returns_value}
        self.assertEqual(with_value, {"Action", "CommandBool", "CommandString"})

    def test_never_an_empty_message(self) -> None:
        """An error without a sentence gets one: clients take an empty message for success."""
        self.assertEqual(json.loads(refusal(DOME["Park"], Ids(), 1, InvalidValue()))["ErrorMessage"], "InvalidValue (0x401)")

    def test_transactions_wrap(self) -> None:
        """ServerTransactionID runs from 1 to 2**32 - 1 and begins again at 1."""
        count = TransactionCounter()
        self.assertEqual([count(), count()], [1, 2])
        count._last = 2**32 - 2
        self.assertEqual([count(), count()], [2**32 - 1, 1])

    def test_enumerations_are_read_as_integers(self) -> None:
        """A number that is none of an enumeration's is readable: refusing it is for the rules."""
        self.assertEqual(wire_type(ShutterState).read("9"), 9)
