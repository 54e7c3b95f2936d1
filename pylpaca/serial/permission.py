"""Whether this user may open a device node, and what to do about it if not."""

from __future__ import annotations

import os
import shlex
import stat
import sys
from dataclasses import dataclass

READ_AND_WRITE = 0o6
OWNER, GROUP, OTHERS = 6, 3, 0  # where their bits are in a mode


@dataclass(frozen=True)
class Owner:
    """To whom a node belongs."""

    user: str
    group: str
    mode: int  # as stat has it

    def lets(self, whom: int) -> bool:
        """Whether these may read and write it: OWNER, GROUP or OTHERS."""
        return (self.mode >> whom) & READ_AND_WRITE == READ_AND_WRITE


@dataclass(frozen=True)
class User:
    """Who runs this program."""

    name: str
    active: frozenset[str]  # the groups of this process
    listed: frozenset[str]  # the groups that a new login would have


def may_open(node: str) -> bool:
    """Whether this user may read and write a node; it is not opened for that."""
    if sys.platform == "win32":
        return True  # to look at a COM port as a file would be to open it
    return os.access(node, os.R_OK | os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def owner_of(node: str) -> Owner | None:
    """To whom a node belongs; None if that cannot be known."""
    if sys.platform == "win32":
        return None
    try:
        status = os.stat(node)
    except OSError:
        return None
    return Owner(_user(status.st_uid), _group(status.st_gid), status.st_mode)


def this_user() -> User | None:
    """Who runs this program; None where users have no groups."""
    if sys.platform == "win32":
        return None
    import pwd

    active = frozenset(_group(each) for each in {os.getegid(), *os.getgroups()})
    try:
        entry = pwd.getpwuid(os.geteuid())
    except KeyError:  # an id that a container made up
        return User(str(os.geteuid()), active, active)
    return User(entry.pw_name, active, frozenset(map(_group, os.getgrouplist(entry.pw_name, entry.pw_gid))))


def what_to_do(owner: Owner | None, user: User | None) -> str:
    """What lets this user open a node that this program may not open."""
    if owner is None or user is None:
        return "add this user to the group that owns it (often dialout), and log in again"
    if owner.lets(OTHERS) or (owner.lets(GROUP) and owner.group in user.active):
        return "its owner and group allow it, so a container or sandbox (docker, snap, flatpak) does not: give it the port"
    if not owner.lets(GROUP) or owner.group in ("root", "wheel"):  # nobody should join these for a serial port
        return (
            f"only {owner.user} may ({stat.filemode(owner.mode)}): "
            "either the system uses it as a console, or it needs a udev rule that gives it to a group"
        )
    if owner.group in user.listed:
        return (
            f"{user.name} is in its group {owner.group} already, but was not when this session began: "
            "log out and in again (restart a service; if neither helps, the computer)"
        )
    type_this = f"sudo usermod -aG {shlex.quote(owner.group)} {shlex.quote(user.name)}"
    return f"add this user to the group {owner.group}, which owns it: type `{type_this}`, then log in again (restart a service)"


def _user(number: int) -> str:
    if sys.platform == "win32":
        return str(number)
    import pwd

    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _group(number: int) -> str:
    if sys.platform == "win32":
        return str(number)
    import grp

    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
