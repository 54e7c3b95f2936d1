"""TLS by a line of the configuration."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import ssl
import tempfile
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from tests.chaos.crowd import connected, until_closed
from tests.chaos.figures import Figure, Missing, exactly
from tests.chaos.processes import DOME, server
from tests.raw import PATIENCE, Tcp, get
from tests.test_end_to_end import free_udp_port

SILENT = 300  # clients who begin no handshake
CUT_OFF_WITHIN = 13.0  # seconds


@dataclass(frozen=True)
class Certificate:
    """A certificate for this machine's loopback that signs itself."""

    key: Path
    certificate: Path

    def trusted(self) -> ssl.SSLContext:
        """What a client is told to trust."""
        return ssl.create_default_context(cafile=str(self.certificate))

    @property
    def endpoint(self) -> str:
        """As a user writes it."""
        return f"ssl:0:interface=127.0.0.1:privateKey={self.key}:certKey={self.certificate}"


@contextmanager
def certificate() -> Iterator[Certificate]:
    """A new one."""
    try:
        import OpenSSL  # noqa: F401  # what Twisted's TLS is made of
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
    except ImportError:
        raise Missing("no TLS here: install pylpaca[tls]") from None
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "pylpaca")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    with tempfile.TemporaryDirectory() as name_of_folder:
        folder = Path(name_of_folder)
        found = Certificate(folder / "key.pem", folder / "certificate.pem")
        plain = serialization.NoEncryption()
        found.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
        found.certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        yield found


def secure_address(ready: str) -> str:
    """Where TLS is spoken, as the line that the server is ready says it."""
    found = re.search(r"https://(127\.0\.0\.1:\d+)", ready)
    assert found is not None, ready
    return found[1]


def discovered(port: int) -> list[int]:
    """What discovery says."""
    with socket.socket(type=socket.SOCK_DGRAM) as asking:
        asking.settimeout(1.0)
        asking.sendto(b"alpacadiscovery1", ("127.0.0.1", port))
        try:
            return [json.loads(asking.recv(100))["AlpacaPort"]]
        except TimeoutError:
            return []


def name_of(address: str, context: ssl.SSLContext, **headers: str) -> Any:
    """The name of the dome, as a client of this address hears it."""
    with urlopen(Request(f"https://{address}/api/v1/dome/0/name", headers=headers), timeout=PATIENCE, context=context) as answer:
        return json.load(answer)["Value"]


async def silent(address: str) -> list[float]:
    """Seconds until each of many clients who say nothing is cut off."""
    few = asyncio.Semaphore(20)  # a system that has too many to hand over forgets some, who then wait for ever

    async def one(number: int) -> float:
        async with few:
            made = await connected(address, number)
            await asyncio.sleep(0.05)
        took, _ = await asyncio.wait_for(until_closed(made), 2 * CUT_OFF_WITHIN)
        return took

    return await asyncio.gather(*(one(number) for number in range(1, SILENT + 1)))


def tls() -> Iterator[Figure]:
    """A certificate that signs itself, in an endpoint as users write it."""
    with certificate() as made_up:
        discovery = free_udp_port()
        options = ("--listen", "tcp:0:interface=127.0.0.1", "--listen", made_up.endpoint, "--discovery-port", str(discovery))
        password = "Basic " + b64encode(b"me:secret").decode()
        with server([DOME], options, users={"me": "secret"}) as made:
            address = secure_address(made.ready)
            yield exactly("answers over TLS", name_of(address, made_up.trusted(), Authorization=password) == "Dome 0", 1)
            plain = Tcp.to(address)
            plain.send([get("/management/apiversions")])
            yield exactly("answers of Alpaca to a client that does not speak TLS there", b"Alpaca" in plain.rest(), 0)
            yield exactly(
                "discovery speaks of the plain port", discovered(discovery) == [int(made.address.rpartition(":")[2])], 1
            )
            took = asyncio.run(silent(address))
            yield exactly("clients cut off who never shook hands", len(took), SILENT)
            yield Figure("the last after", max(took), most=CUT_OFF_WITHIN, unit="s")
            yield exactly(
                "answers over TLS afterwards", name_of(address, made_up.trusted(), Authorization=password) == "Dome 0", 1
            )
            yield exactly("faults in the log", sum("Traceback" in line for line in made.lines), 0)
        with server([DOME], ("--listen", made_up.endpoint, "--discovery-port", str(discovery))) as made:
            yield exactly("answers over TLS alone", name_of(secure_address(made.ready), made_up.trusted()) == "Dome 0", 1)
            yield exactly("discovery speaks of a port when there is TLS alone", len(discovered(discovery)), 0)
