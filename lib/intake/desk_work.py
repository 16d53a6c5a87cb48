"""The child's side of an import (`lib.intake.desk`): what it has read and found so far."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lib import child
from lib.intake import planning, returning
from lib.intake.checking import KINDS, Check, Finding, check, with_lookalikes
from lib.intake.desk import Overview, Sheet, Snapshot
from lib.intake.files import Book, Limits, Value, read
from lib.intake.headings import Table, table_at, tables
from lib.intake.matching import Matching, key_of, propose, remember
from lib.intake.planning import Decisions, Draft
from lib.intake.records import Record, records

SHOWN = 5  # rows of a table that are shown before it is matched


@dataclass
class Work:
    """One import. The jobs are those of `Desk`."""

    book: Book | None = None
    tables: list[Table] = field(default_factory=list)
    download: returning.Download | None = None
    table: Table | None = None
    records: list[Record] = field(default_factory=list)
    made: Check | None = None

    def read(self, content: bytes, name: str, password: str, limits: Limits, key: bytes) -> Overview:
        self.book = read(content, name, password=password, limits=limits)
        self.download = returning.fingerprints(self.book, key)
        hidden = {sheet.name for sheet in self.book.sheets if self.download and not sheet.visible}
        self.tables = [table for table in tables(self.book) if table.sheet not in hidden]
        sheets = [
            Sheet(table.sheet, table.headings, len(table.rows), table.rows[:SHOWN], table.notes)
            for table in self.tables
        ]
        downloaded = (self.download.by, self.download.at) if self.download else None
        return Overview(self.book.kind, sheets, self.book.notes, downloaded)

    def choose(self, sheet: int, remembered: Mapping[str, Any], region: str, heading_row: int | None) -> Matching:
        assert self.book
        table = self.tables[sheet]
        if heading_row != -1:
            table = table_at(next(one for one in self.book.sheets if one.name == table.sheet), heading_row)
        self.table, self.made = table, None
        return propose(table, remembered.get(key_of(table)), region=region)

    def remember(self, matching: Matching) -> tuple[str, dict[str, Any]]:
        assert self.table
        return remember(self.table, matching)

    def check(
        self, matching: Matching, snapshot: Snapshot, today: dt.date, users: Mapping[str, str], erase: bool
    ) -> dict[str, int]:
        assert self.book and self.table
        register = snapshot.register()
        found = records(self.table, matching, today=today, region=snapshot.region, users=users)
        if self.download:
            sheet = next(sheet for sheet in self.book.sheets if sheet.name == self.table.sheet)
            made = returning.compare(self.download, found, register, today=today, sheet=sheet)
            self.made = with_lookalikes(made, today=today)
        else:
            self.made = check(found, register, today=today, gone=snapshot.gone, erase=erase)
        counts = dict.fromkeys(KINDS, 0)
        for finding in self.made.findings:
            counts[finding.kind] += 1
        return counts

    def _of(self, kind: str) -> list[Finding]:
        assert self.made
        return [finding for finding in self.made.findings if finding.kind == kind]

    def findings(self, kind: str, start: int, count: int) -> list[Finding]:
        return self._of(kind)[start : start + count]

    def keys(self, kind: str) -> list[str]:
        return [finding.key for finding in self._of(kind)]

    def draft(self, decisions: Decisions) -> Draft:
        assert self.made
        return planning.draft(self.made, decisions)

    def left_out(self, decisions: Decisions) -> tuple[list[str], list[tuple[int, list[Value], str, Finding]]]:
        assert self.made and self.table
        rows = dict(zip(self.table.numbers, self.table.rows, strict=True))
        found = []
        for finding in planning.left_out(self.made, decisions):
            assert finding.record
            found.append((finding.record.number, rows[finding.record.number], finding.kind, finding))
        return self.table.headings, found


if __name__ == "__main__":
    work = Work()
    names = ("read", "choose", "remember", "check", "findings", "keys", "draft", "left_out")
    child.serve({name: getattr(work, name) for name in names})
