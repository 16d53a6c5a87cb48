"""The change log: who did what to which rows and when, never their content.

`log/YYYY-MM.log` holds one sealed record a line. It grows only at its end, so its size slows nothing.
"""

from __future__ import annotations

import base64
import datetime as dt
import errno
import json
import logging
import os
from pathlib import Path
from typing import Any, NamedTuple

from lib.errors import NotWritten
from lib.files import reason
from lib.store.keys import seal, unseal

_logger = logging.getLogger(__name__)


class Entry(NamedTuple):
    """One line of the log: local time, user, action, ids of rows, and facts such as a reason or a count."""

    at: dt.datetime
    by: str
    action: str
    ids: list[str]
    facts: dict[str, Any]


class ChangeLog:
    """The log of one data folder, sealed under `key` (32 bytes)."""

    def __init__(self, folder: Path, key: bytes) -> None:
        self.folder = folder
        self._key = key
        self._waiting: list[tuple[str, bytes]] = []

    def append(self, entry: Entry) -> None:
        """Write a line to the disk, after those that wait.

        Raises:
            NotWritten: the line is not there.
        """
        self.write_waiting()
        self._write(*self._sealed(entry))

    def append_done(self, entry: Entry) -> None:
        """Write a line about what is on the disk already: if it cannot be written now, it waits."""
        self._waiting.append(self._sealed(entry))
        try:
            self.write_waiting()
        except NotWritten as error:
            cause = error.text.params["reason"]
            _logger.warning("The change is saved, but its line in the change log waits: %s.", cause)

    def write_waiting(self) -> None:
        """Write the lines that wait.

        Raises:
            NotWritten: they go on waiting.
        """
        while self._waiting:
            self._write(*self._waiting[0])
            del self._waiting[0]

    def _sealed(self, entry: Entry) -> tuple[str, bytes]:
        month = f"{entry.at:%Y-%m}"
        record = json.dumps([entry.at.isoformat(), entry.by, entry.action, entry.ids, entry.facts], ensure_ascii=False)
        return month, base64.b64encode(seal(self._key, record.encode(), month)) + b"\n"

    def _write(self, month: str, line: bytes) -> None:
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

    def entries(self, months: int = 12) -> list[Entry]:
        """The lines of the last months, newest first. A line that does not open is left out."""
        found: list[Entry] = []
        for path in sorted(self.folder.glob("????-??.log"))[-months:]:
            # A line whose sync failed was written again, byte for byte: it counts once.
            for line in dict.fromkeys(path.read_bytes().splitlines()):
                try:
                    record = unseal(self._key, base64.b64decode(line), path.stem)
                except ValueError:
                    record = None
                if record is not None:
                    at, by, action, ids, facts = json.loads(record)
                    found.append(Entry(dt.datetime.fromisoformat(at), by, action, ids, facts))
        return found[::-1]
