"""One import at work: a child process holds the file's rows, the matching and the check; the server asks it.

So no page waits for a table of 100,000 rows, and when the import is over its rows are out of memory. What reads the
stranger's file is a process of its own again (`lib.intake.files`).
"""

from __future__ import annotations

import datetime as dt
import weakref
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from lib import child
from lib.errors import ImportRefused
from lib.i18n import N_, Text
from lib.intake.checking import Finding
from lib.intake.files import Limits, Value
from lib.intake.matching import Matching
from lib.intake.planning import Decisions, Draft
from lib.register import Register
from lib.table import Table as Rows


@dataclass(frozen=True)
class Sheet:
    """A table of the file: its sheet, its headings, how many rows, the first of them, and what to know about it."""

    name: str
    headings: Sequence[str]
    rows: int
    first: Sequence[Sequence[Value]]
    notes: Sequence[Text]


@dataclass(frozen=True)
class Overview:
    """What a file holds. `downloaded` tells who took it along and when, where it is a list of this register."""

    kind: str
    sheets: Sequence[Sheet]
    notes: Sequence[Text]
    downloaded: tuple[str, dt.datetime] | None = None


@dataclass(frozen=True)
class Snapshot:
    """A register as a child process is given it."""

    frame: pd.DataFrame
    extras: pd.DataFrame
    last_number: int
    years: int
    region: str
    gone: frozenset[str] = frozenset()

    @classmethod
    def of(cls, register: Register, gone: Collection[str]) -> Snapshot:
        return cls(
            register.frame,
            register.extras,
            register.last_number,
            register.retention_years,
            register.region,
            frozenset(gone),
        )

    def register(self) -> Register:
        return Register(Rows(self.frame, self.extras, self.years), self.last_number, self.region)


class Desk:
    """The server's side. Each call raises the errors of the step that it asks for, or ImportRefused where the child is
    gone: the import then begins again. Close it when the import is over; it ends with the object at the latest."""

    def __init__(self) -> None:
        try:
            self._child = child.Child("lib.intake.desk_work")
        except child.Ended as error:
            raise _gone() from error
        self._end = weakref.finalize(self, _end, self._child)

    def close(self) -> None:
        self._end()

    def _ask(self, job: str, *given: Any) -> Any:
        try:
            return self._child.ask(job, *given)
        except child.Ended as error:
            raise _gone() from error

    def read(self, content: bytes, name: str, *, password: str, limits: Limits, key: bytes) -> Overview:
        """Read a file. Errors as for `lib.intake.files.read`.

        Args:
            key: of the fingerprints in this register's own lists.
        """
        overview: Overview = self._ask("read", content, name, password, limits, key)
        return overview

    def choose(self, sheet: int, remembered: Mapping[str, Any], region: str, heading_row: int | None = -1) -> Matching:
        """Take one of the tables, and say which column is which.

        Args:
            sheet: its place in the overview.
            remembered: matchings of earlier tables, by the key of their headings.
            heading_row: where the headings stand, from 0; None for no headings, -1 for where they were found.
        """
        matching: Matching = self._ask("choose", sheet, remembered, region, heading_row)
        return matching

    def remember(self, matching: Matching) -> tuple[str, dict[str, Any]]:
        """The matching as it is kept for tables with the same headings, and the key of these."""
        found: tuple[str, dict[str, Any]] = self._ask("remember", matching)
        return found

    def check(
        self, matching: Matching, snapshot: Snapshot, *, today: dt.date, users: Mapping[str, str], erase: bool
    ) -> dict[str, int]:
        """Compare the table with the register. Returns how many findings there are, by kind."""
        counts: dict[str, int] = self._ask("check", matching, snapshot, today, dict(users), erase)
        return counts

    def findings(self, kind: str, start: int = 0, count: int = 100) -> list[Finding]:
        """Some of the findings of a kind, in the order of the file."""
        found: list[Finding] = self._ask("findings", kind, start, count)
        return found

    def keys(self, kind: str) -> list[str]:
        """The keys of all findings of a kind."""
        found: list[str] = self._ask("keys", kind)
        return found

    def draft(self, decisions: Decisions) -> Draft:
        """What the decisions amount to."""
        drafted: Draft = self._ask("draft", decisions)
        return drafted

    def left_out(self, decisions: Decisions) -> tuple[list[str], list[tuple[int, list[Value], str, Finding]]]:
        """The headings of the file, and its rows that the register does not get: number, cells, kind, finding."""
        found: tuple[list[str], list[tuple[int, list[Value], str, Finding]]] = self._ask("left_out", decisions)
        return found


def _end(process: child.Child) -> None:
    process.kill()
    process.close()


def _gone() -> ImportRefused:
    return ImportRefused(N_("The import was interrupted. Nothing was changed. Begin it again."))
