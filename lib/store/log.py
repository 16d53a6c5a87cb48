"""The change log: who did what to which rows and when, never their content.

`log/YYYY-MM.log` holds one sealed record a line. It grows only at its end, so its size slows nothing.
"""

from __future__ import annotations

import base64
import datetime as dt
import errno
import json
import os
from pathlib import Path
from typing import Any, NamedTuple

from lib.errors import NotWritten
from lib.files import reason
from lib.store.keys import seal, unseal


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

    def append(self, entry: Entry) -> None:
        """Write a line to the disk.

        Raises:
            NotWritten: the line is not there.
        """
        month = f"{entry.at:%Y-%m}"
        record = json.dumps([entry.at.isoformat(), entry.by, entry.action, entry.ids, entry.facts], ensure_ascii=False)
        line = base64.b64encode(seal(self._key, record.encode(), month)) + b"\n"
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
            for line in path.read_bytes().splitlines():
                try:
                    record = unseal(self._key, base64.b64decode(line), path.stem)
                except ValueError:
                    record = None
                if record is not None:
                    at, by, action, ids, facts = json.loads(record)
                    found.append(Entry(dt.datetime.fromisoformat(at), by, action, ids, facts))
        return found[::-1]
