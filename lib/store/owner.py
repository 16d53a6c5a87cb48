"""Who has the workbook open in Excel or LibreOffice: what the owner file that they put beside it says.

Sources: LibreOffice's own readers of both kinds, svl/source/misc/lockfilecommon.cxx (text: full name, system user,
host, time, profile, between commas, a backslash before a comma, semicolon or backslash of a name) and
msodocumentlockfile.cxx (165 bytes: length and name in the system's 8-bit code, then from byte 55 length and name in
UTF-16). LibreOffice may put both kinds beside a workbook, so its own is looked at first.
"""

from __future__ import annotations

import datetime as dt
import re
import stat
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

STALE_HOURS = 12  # a crashed program leaves its owner file behind
_ENOUGH = 4096  # bytes: no owner file is longer
_UTF16_AT = 55
_FIELD = re.compile(rb"((?:[^\\,;]|\\.)*)([,;]?)", re.DOTALL)

Stamp = tuple[int, int, int]


@dataclass(frozen=True)
class Holder:
    """Somebody who has the workbook open. `stamp` tells this owner file from any later one.

    `name` is "" where the file does not say. `since` is in the time zone that was asked for, without one.
    """

    name: str
    program: str
    file: str
    since: dt.datetime
    stamp: Stamp


def holder(
    workbook: Path, *, now: float | dt.datetime, zone: dt.tzinfo | None = None, passed_over: Collection[Stamp] = ()
) -> Holder | None:
    """Who has the workbook open, or None. Costs three stats while nobody has.

    Args:
        now: the moment, or its seconds since the epoch; one without a time zone is in the system's, as files count.
            An owner file is stale 12 hours after it was made.
        zone: of `since`; None is the system's.
        passed_over: stamps of owner files that somebody has declared stale.
    """
    seconds = now.timestamp() if isinstance(now, dt.datetime) else now
    for file, program in (
        (f".~lock.{workbook.name}#", "LibreOffice"),
        (f"~${workbook.name}", "Excel"),
        (f"~${workbook.name[2:]}", "Excel"),  # as Word names it; Excel's own name is the one above
    ):
        path = workbook.with_name(file)
        try:
            state = path.lstat()
        except (OSError, ValueError):
            continue
        stamp = (state.st_mtime_ns, state.st_size, state.st_ino)
        # A file from far in the future comes from a wrong clock, and would never grow old.
        stale = abs(seconds - state.st_mtime) > STALE_HOURS * 3600
        if not stat.S_ISREG(state.st_mode) or stale or stamp in passed_over:
            continue
        name = (_name_by_libreoffice if program == "LibreOffice" else _name_by_excel)(_beginning(path))
        since = dt.datetime.fromtimestamp(state.st_mtime, zone).replace(tzinfo=None, microsecond=0)
        return Holder(name, program, file, since, stamp)
    return None


def _beginning(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_ENOUGH)
    except OSError:  # Excel may keep others from reading it
        return b""


def _name_by_libreoffice(content: bytes) -> str:
    """The full name, else the system's user, else the host."""
    fields = []
    for match in _FIELD.finditer(content):
        fields.append(_clean(re.sub(rb"\\(.)", rb"\1", match[1], flags=re.DOTALL).decode("utf-8", "replace")))
        if match[2] != b",":
            break
    return next((field for field in fields[:3] if field), "")


def _name_by_excel(content: bytes) -> str:
    """The name in UTF-16, else the one in 8-bit characters."""
    for start in (_UTF16_AT, _UTF16_AT - 1):  # one byte earlier in the form that Word writes
        length = int.from_bytes(content[start : start + 2], "little")
        name = content[start + 2 : start + 2 + 2 * length]
        if 0 < length <= 54 and len(name) == 2 * length:
            if text := _clean(name.decode("utf-16-le", "replace")):
                return text
    return _clean(content[1 : 1 + content[0]].decode("cp1252", "replace")) if content else ""


def _clean(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
