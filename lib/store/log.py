"""The change log: who did what to which rows and when, never their content.

A line of it is part of the change's own record in the journal. When a segment goes, its lines move into
`log/YYYY-MM.log`: a sealed block for each segment and month. The files grow only at their end, so their size slows
nothing; a month's lines go when the setting says so, but those that prove a removal.
"""

from __future__ import annotations

import base64
import datetime as dt
import errno
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from lib.errors import NotWritten, StoreError
from lib.files import listed, reason, remove_leftovers, write_atomically
from lib.i18n import N_
from lib.store.keys import seal, unseal

LASTING = frozenset({"remove", "erased"})  # proofs of a removal
LASTING_MONTHS = 120  # how long they stay, whatever the setting says
MOST_NAMED = 1000  # rows; a line about a change or an import of more names none of them, but a removal's names all


class Entry(NamedTuple):
    """One line of the log: local time, user, action, ids of rows, and facts such as a reason or a count."""

    at: dt.datetime
    by: str
    action: str
    ids: list[str]
    facts: dict[str, Any]


class Key(NamedTuple):
    """Which record of the journal a line came with: its segment and its number there."""

    segment: int
    number: int


def entry_to_json(entry: Entry) -> list[Any]:
    return [entry.at.isoformat(), entry.by, entry.action, entry.ids, entry.facts]


def entry_from_json(written: Iterable[Any]) -> Entry:
    at, by, action, ids, facts = written
    return Entry(dt.datetime.fromisoformat(at), by, action, ids, facts)


class ChangeLog:
    """The log of one data folder, sealed under `key` (32 bytes)."""

    def __init__(self, folder: Path, key: bytes) -> None:
        self.folder = folder
        self._key = key

    def write(self, entries: Mapping[Key, Entry]) -> None:
        """Write lines to the disk. A line that is there already is no harm: it counts once.

        Raises:
            NotWritten: not all of them are there.
        """
        months: dict[str, list[Any]] = {}
        for key, entry in entries.items():
            months.setdefault(f"{entry.at:%Y-%m}", []).append([*key, *entry_to_json(entry)])
        for month, lines in months.items():
            self._append(month, self._sealed(month, lines))

    def _sealed(self, month: str, lines: list[Any]) -> bytes:
        content = json.dumps(lines, ensure_ascii=False, separators=(",", ":")).encode()
        return base64.b64encode(seal(self._key, content, month)) + b"\n"

    def _opened(self, month: str, line: bytes) -> list[Any] | None:
        try:
            content = unseal(self._key, base64.b64decode(line), month)
        except ValueError:
            return None
        return None if content is None else list(json.loads(content))

    def forget(self, before: dt.date, lasting_before: dt.date) -> None:
        """Remove the lines of the months before that of a day; proofs of a removal stay until the other day's month.

        A block that does not open may hold such a proof, and stays as long.

        Raises:
            StoreError: some of it is still there.
        """
        for path in listed(self.folder, "????-??.log"):
            if path.stem >= f"{before:%Y-%m}":
                break
            remove_leftovers(path)
            kept = b""
            lines = self._lines(path) if path.stem >= f"{lasting_before:%Y-%m}" else []
            for line in filter(None, lines):
                entries = self._opened(path.stem, line)
                if entries is None:
                    kept += line + b"\n"
                elif lasting := [entry for entry in entries if entry_from_json(entry[2:]).action in LASTING]:
                    kept += line + b"\n" if lasting == entries else self._sealed(path.stem, lasting)
            if not kept:
                try:
                    path.unlink()
                except OSError as error:
                    raise NotWritten(reason=reason(error)) from error
            elif kept != b"".join(line + b"\n" for line in lines):
                write_atomically(path, kept)

    def _append(self, month: str, line: bytes) -> None:
        try:
            self.folder.mkdir(mode=0o700, exist_ok=True)
            descriptor = os.open(self.folder / f"{month}.log", os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(descriptor, "r+b", buffering=0) as file:
                end = file.seek(0, os.SEEK_END)
                if end:
                    file.seek(end - 1)
                    if file.read(1) != b"\n":  # a line torn by a crash: the new one starts on its own
                        line = b"\n" + line
                if file.write(line) != len(line):  # unbuffered: a full disk takes a part and says nothing
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(file.fileno())
        except OSError as error:
            raise NotWritten(reason=reason(error)) from error

    def _lines(self, path: Path) -> list[bytes]:
        try:
            return path.read_bytes().splitlines()
        except FileNotFoundError:  # its time was over just now
            return []
        except OSError as error:
            raise StoreError(
                N_("The file {file} cannot be read: {reason}. Nothing was written."),
                file=path.name,
                reason=reason(error),
            ) from error

    def entries(self, months: int = 12) -> dict[Key, Entry]:
        """The lines of the last months, or of all with 0. A block that does not open is left out.

        Raises:
            StoreError: a file cannot be read.
        """
        found: dict[Key, Entry] = {}
        for path in listed(self.folder, "????-??.log")[-months:]:
            for line in self._lines(path):
                for segment, number, *entry in self._opened(path.stem, line) or ():
                    found[Key(segment, number)] = entry_from_json(entry)
        return found
