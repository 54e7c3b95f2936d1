"""The newcomer's guide as what it tells its reader to do, one thing after the other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

PAGE = Path(__file__).parent.parent / "docs" / "first-driver.md"
DRIVER = "drivers/stepper.py"


@dataclass(frozen=True)
class WriteFile:
    """Put this text into a file."""

    name: str
    text: str


@dataclass(frozen=True)
class Type:
    """Type this command; these lines appear, with … for anything."""

    command: str
    appears: tuple[str, ...]


@dataclass
class Growing:
    """The driver as it is put together on the page; a member that is shown again takes the place of the other."""

    imports: list[str] = field(default_factory=list)
    head: str = ""
    members: dict[str, str] = field(default_factory=dict)

    def add(self, block: str) -> None:
        """An example: the empty class, imports, or members."""
        if block.startswith("    "):
            for member in re.split(r"\n\n(?=    \S)", block.rstrip("\n")):
                found = re.match(r"\s*(?:async def |def |class )?(\w+)", member)
                assert found is not None
                self.members.pop(found[1], None)
                self.members[found[1]] = member
            return
        imports, _, head = block.partition("\n\n\n")
        self.imports = sorted([*self.imports, *imports.rstrip("\n").split("\n")])
        self.head = head.rstrip("\n") or self.head

    @property
    def text(self) -> str:
        """The file."""
        return "\n".join(self.imports) + "\n\n\n" + "\n\n".join([self.head, *self.members.values()]) + "\n"


def finished() -> str:
    """The whole file, as the page shows it at its end."""
    *_, last = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return str(last)


def steps() -> Iterator[WriteFile | Type]:
    """What the reader does."""
    driver = Growing()
    for prose, language, block in re.findall(r"(.*?)^```(\w+)\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL):
        if language == "console":
            for typed in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
                command, *appears = typed.rstrip("\n").split("\n")
                yield Type(command, tuple(appears))
        elif (named := re.findall(r"this into `([^`]+)`", prose)) and named[-1] != DRIVER:
            yield WriteFile(named[-1], block)
        elif block != finished():
            driver.add(block)
            yield WriteFile(DRIVER, driver.text)
    yield WriteFile(DRIVER, driver.text)
