"""The reverse proxies of docs/security.md: their examples, with nothing changed but ports and files."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tests.chaos.figures import Figure, Missing, exactly
from tests.chaos.processes import DOME, LOOPBACK, server
from tests.chaos.tls import Certificate, certificate
from tests.raw import PATIENCE, until_open
from tests.test_end_to_end import free_tcp_port

PAGE = Path(__file__).parent.parent.parent / "docs" / "security.md"
NAME = "obs.example.org"
PASSWORD = "Basic " + b64encode(b"me:secret").decode()


def example(language: str) -> str:
    """What the page shows for a proxy."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return str(found)


def nginx(folder: Path, port: int, behind: str, proof: Certificate) -> list[str]:
    """The command that starts nginx with the page's example."""
    text = example("nginx")
    for old, new in (
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        (f"/etc/ssl/{NAME}.pem", str(proof.certificate)),
        (f"/etc/ssl/{NAME}.key", str(proof.key)),
        ("/etc/nginx/observatory.passwords", str(folder / "passwords")),
        ("127.0.0.1:11111", behind),
    ):
        assert old in text, old
        text = text.replace(old, new)
    (folder / "passwords").write_text("me:{PLAIN}secret\n")
    paths = "".join(f"    {each}_temp_path {folder}/{each};\n" for each in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    settings = f"daemon off;\nmaster_process off;\npid {folder}/pid;\nerror_log {folder}/errors;\nevents {{}}\n"
    (folder / "nginx.conf").write_text(f"{settings}http {{\n    access_log off;\n{paths}{text}}}\n")
    return ["nginx", "-c", str(folder / "nginx.conf"), "-e", str(folder / "errors")]


def caddy(folder: Path, port: int, behind: str, proof: Certificate) -> list[str]:
    """The command that starts Caddy with the page's example, and a certificate of ours instead of one it would ask for."""
    text = example("caddy")
    made = subprocess.run(["caddy", "hash-password", "--plaintext", "secret"], capture_output=True, text=True, check=True)
    only_here = "{\n    admin off\n    auto_https disable_redirects\n    default_bind 127.0.0.1\n}\n"
    for pattern, new in (
        (rf"^{re.escape(NAME)} \{{", f"{only_here}https://{NAME}:{port} {{\n    tls {proof.certificate} {proof.key}"),
        (r"\$2a\$\S+", made.stdout.strip()),
        (r"127\.0\.0\.1:11111", behind),
    ):
        (old,) = re.findall(pattern, text, re.MULTILINE)
        text = text.replace(old, new)
    (folder / "Caddyfile").write_text(text)
    return ["caddy", "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]


@contextmanager
def running(make: Callable[..., list[str]], behind: str, proof: Certificate) -> Iterator[int]:
    """The port on which a proxy answers."""
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_tcp_port()
        command = make(folder, port, behind, proof)
        with (folder / "said").open("w") as said:
            process = subprocess.Popen(command, stdout=said, stderr=said, env={"HOME": name, "PATH": "/usr/sbin:/usr/bin:/bin"})
        try:
            try:
                until_open("127.0.0.1", port)
            except AssertionError as error:
                raise AssertionError(f"{error}: {(folder / 'said').read_text()}") from None
            yield port
        finally:
            process.terminate()
            process.wait(PATIENCE)


def status(port: int, proof: Certificate, member: str = "name", body: bytes | None = None, **headers: str) -> tuple[int, str]:
    """What a client of the proxy is answered; one that sends something has it PUT."""
    url = f"https://127.0.0.1:{port}/api/v1/dome/0/{member}"
    asked = Request(url, body, {"Host": NAME, **headers}, method="GET" if body is None else "PUT")
    try:
        with urlopen(asked, timeout=PATIENCE, context=proof.trusted()) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


def reverse_proxy() -> Iterator[Figure]:
    """nginx and Caddy in front of a server that only they can reach."""
    there = [make for make in (nginx, caddy) if shutil.which(make.__name__)]
    if not there:
        raise Missing("no proxy here: install nginx or caddy")
    with certificate() as proof, server([DOME], LOOPBACK, allowed_hosts=[NAME], max_connections_per_peer=1024) as made:
        for make in there:
            with running(make, made.address, proof) as port:
                name = make.__name__
                found, text = status(port, proof, Authorization=PASSWORD)
                yield exactly(f"{name}: status with the password", found, 200)
                yield exactly(f"{name}: the answer is the server's", '"Value":"Dome 0"' in text, 1)
                yield exactly(f"{name}: without it", status(port, proof)[0], 401)
                for whose, origin, promised in (("the server", f"https://{NAME}", 200), ("others", "https://evil.example", 403)):
                    found, _ = status(port, proof, "connected", b"Connected=True", Authorization=PASSWORD, Origin=origin)
                    yield exactly(f"{name}: a PUT of a page of {whose}", found, promised)
