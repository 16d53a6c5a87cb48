"""`removed`: the numbers and dates of removed rows, so that no file read later brings a removed row back.

It holds nothing else of a row and is readable without a password.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from lib.errors import Damaged, NewerSchema, StoreError
from lib.files import locked, reason, remove_leftovers, write_atomically
from lib.i18n import N_
from lib.stamp import Cached

VERSION = 1


class _Content(NamedTuple):
    dates: Mapping[str, dt.date] = {}
    ids: frozenset[str] = frozenset()
    last_number: int = 0
    unfinished: frozenset[str] = frozenset()


class Removed:
    """The removed rows of a register. Every change is on the disk when the call returns.

    Reading costs a stat while the file is the same. A missing file is empty; one that cannot be read never is.

    Raises, whatever is asked:
        Damaged: the file cannot be read.
        NewerSchema: a newer version of the program wrote it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = path.with_name(f"{path.name}.lock")
        self._cached = Cached(path, self._read)

    @property
    def ids(self) -> frozenset[str]:
        """The numbers of all removed rows."""
        return self._content().ids

    @property
    def dates(self) -> Mapping[str, dt.date]:
        """When each was removed."""
        return self._content().dates

    @property
    def last_number(self) -> int:
        """The last number that the register had given when a row was last removed."""
        return self._content().last_number

    @property
    def unfinished(self) -> frozenset[str]:
        """Those that are not yet confirmed gone from every file."""
        return self._content().unfinished

    def add(self, dates: Mapping[str, dt.date], last_number: int) -> None:
        """Enter removed rows, unfinished. Those that are in keep their date and stay as they are.

        Raises:
            NotWritten, Busy: nothing was entered.
        """
        with locked(self._lock):
            now = self._content()
            new = {i: day for i, day in dates.items() if i not in now.ids}
            last = max(now.last_number, last_number)
            if new or last != now.last_number:
                self._write({**now.dates, **new}, last, now.unfinished | new.keys())

    def finished(self, ids: Iterable[str]) -> None:
        """Enter that rows are gone from every file.

        Raises:
            NotWritten, Busy: nothing was entered.
        """
        with locked(self._lock):
            now = self._content()
            left = now.unfinished.difference(ids)
            if left != now.unfinished:
                self._write(now.dates, now.last_number, left)

    def remove_leftovers(self) -> None:
        """Remove what killed processes left of their writes, unless somebody writes just now."""
        with contextlib.suppress(StoreError), locked(self._lock, seconds=0):
            remove_leftovers(self.path)

    def _write(self, dates: Mapping[str, dt.date], last_number: int, unfinished: frozenset[str]) -> None:
        content = {
            "version": VERSION,
            "last_number": last_number,
            "removed": {i: day.isoformat() for i, day in dates.items()},
            "unfinished": sorted(unfinished),
        }
        # In one line: indented, Python's slow encoder would take half a second for 100,000 rows.
        write_atomically(self.path, json.dumps(content).encode())

    def _content(self) -> _Content:
        try:
            return self._cached()
        except OSError as error:
            raise Damaged(
                N_("The file {file} cannot be read: {reason}. Nothing was written."),
                file=self.path.name,
                reason=reason(error),
            ) from error

    def _read(self) -> _Content:
        try:
            content = json.loads(self.path.read_bytes())
            if int(content["version"]) > VERSION:
                raise NewerSchema
            dates = {i: dt.date.fromisoformat(day) for i, day in content["removed"].items()}
            last_number, unfinished = content["last_number"], frozenset(content["unfinished"])
        except FileNotFoundError:
            return _Content()
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise _damaged(self.path) from error
        if type(last_number) is not int or last_number < 0 or not unfinished <= dates.keys():
            raise _damaged(self.path)
        return _Content(dates, frozenset(dates), last_number, unfinished)


def _damaged(path: Path) -> Damaged:
    return Damaged(
        N_(
            "The file {file} is damaged: it was cut short or changed by another program. "
            "Nothing was written. Put an undamaged copy in its place."
        ),
        file=path.name,
    )
