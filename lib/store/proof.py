"""Proving the files of a register one by one. Nothing is written, and what is wrong is told, not raised."""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from lib import cleaning, schema
from lib.errors import Invalid, NewerSchema, StoreError
from lib.files import WORKBOOK
from lib.i18n import N_, Text
from lib.store import loading, workbook
from lib.store.copies import SECOND, Copy
from lib.store.core import Core
from lib.store.keys import derive, unseal
from lib.store.removed import Removed
from lib.store.workbook import Content

_NAMED = 10  # a finding names no more rows than this
_OTHER = N_("It belongs to another register.")


class Finding(NamedTuple):
    """Something that a person should know of: in which file or row, and what it is."""

    where: str
    problem: Text


@dataclass
class Folder:
    """A data folder that is inspected: its files, the passwords that may open them, and the register if it loads.

    `gone` are numbers of rows that no file may hold any more.
    """

    core: Core
    passwords: list[str]
    loaded: bool = False
    gone: set[str] = field(default_factory=set)


class Recalled(Removed):
    """The removed rows as the change log names them, where their file is lost: nothing is written."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._found: dict[str, dt.date] = {}

    def add(self, dates: Mapping[str, dt.date], last_number: int) -> None:
        self._found.update(dates)

    @property
    def ids(self) -> frozenset[str]:
        return frozenset(self._found)

    unfinished = ids


def finding(where: str, msgid: str, /, **params: Any) -> Finding:
    return Finding(where, Text(msgid, params))


def named(ids: Collection[str]) -> str:
    """Ids as a list to read, no more than a few."""
    return ", ".join(sorted(ids)[:_NAMED]) + (" …" if len(ids) > _NAMED else "")


def journal(folder: Folder) -> Iterator[Finding]:
    """Load the register from copies and journal, every record of every segment.

    Raises:
        NewerSchema
    """
    core = folder.core
    if not core.removed.path.exists():
        core.removed = Recalled(core.removed.path)
    try:
        folder.gone = set(core.removed.ids)
        segments = core.journal.segments()
        if not segments:
            yield finding("journal", N_("There is no journal. The register goes on from the workbook as it stands."))
            return
        missing = sorted({*range(segments[0], segments[-1])} - {*segments})
        for segment in missing:
            yield finding(core.journal.path(segment).name, N_("This part of the journal is missing."))
        if missing:
            return
        loading.load(core, recover=True)
        folder.loaded, folder.gone = True, core.gone - core.unfinished
        changes = [read.record.change for read in core.journal.peek(segments[0])]
    except NewerSchema:
        raise
    except StoreError as error:
        yield Finding(str(error.text.params.get("file", "journal")), error.text)
        return
    if isinstance(core.removed, Recalled) and core.removed.ids:
        text = N_("It is missing. The change log names the removed rows; it is made anew when the register opens.")
        yield finding(core.removed.path.name, text)
    yield from _removed(folder, "journal", {i for c in changes for i in (*c.set, *(str(row["id"]) for row in c.add))})


def register(folder: Folder) -> Iterator[Finding]:
    """The rows of the register."""
    if folder.loaded:
        yield from _rows(folder, folder.core.frame, "")


def workbook_on_disk(folder: Folder) -> Iterator[Finding]:
    """The workbook: it opens, every cell is understood, and it holds what the register holds.

    Raises:
        NewerSchema
    """
    core = folder.core
    try:
        sealed = loading.read_bytes(core.path)
        content = workbook.read(sealed, folder.passwords, WORKBOOK)
    except NewerSchema:
        raise
    except StoreError as error:
        yield Finding(WORKBOOK, error.text)
        return
    yield from _removed(folder, WORKBOOK, set(content.frame["id"]))
    generation = core.state.known.get(loading.digest(sealed)) if folder.loaded else None
    if generation is None:
        yield from _changed_outside(folder, content, taken=loading.digest(sealed) in core.state.merged)
        return
    if generation < core.oldest:
        yield finding(WORKBOOK, N_("It is an older copy. The program writes it anew when it opens the register."))
    elif core.is_current and (differs := _differing(content.frame, core.frame)):
        yield finding(WORKBOOK, N_("It does not hold the same as the register in: {ids}."), ids=named(differs))
    if core.backups.generation(generation) is None:
        yield finding(WORKBOOK, N_("There is no verified copy of it among the backups."))


def _changed_outside(folder: Folder, content: Content, *, taken: bool) -> Iterator[Finding]:
    core, rows = folder.core, content.frame
    if folder.loaded:
        if content.info.register != core.state.name:
            yield finding(WORKBOOK, _OTHER)
            return
        if content.info.generation > core.journal.segment:
            yield finding("journal", N_("It is older than the workbook: newer changes are missing from it."))
        if not taken:
            yield finding(WORKBOOK, N_("Another program changed it, and its edits are not taken over yet."))
        rows = rows[rows["id"].isin(_differing(rows, core.frame))]
    for problem in content.problems:
        text = N_("The value in cell {cells} does not fit its column.")
        yield finding(f"{WORKBOOK} {problem.cell}", text, cells=problem.cell)
    yield from _rows(folder, rows, f"{WORKBOOK} ")


def copy(folder: Folder, copy: Copy) -> Iterator[Finding]:
    """A backup: it opens, could be restored, and holds what its name says."""
    where = str(copy.path) if copy.place == SECOND else f"{copy.path.parent.name}/{copy.path.name}"
    try:
        content = workbook.read(folder.core.backups.read(copy), folder.passwords, copy.path.name)
        content.check()
    except StoreError as error:
        yield Finding(where, error.text)
        return
    yield from _removed(folder, where, set(content.frame["id"]))
    if folder.loaded and content.info.register != folder.core.state.name:
        yield finding(where, _OTHER)
    if len(content.frame) != copy.rows or content.info.generation != copy.generation:
        yield finding(where, N_("It does not hold what its name says, but {n} rows."), n=len(content.frame))


def change_log(core: Core) -> Iterator[Finding]:
    """The files of the change log: every block opens."""
    key = derive(core.master, "log")
    for path in sorted(core.change_log.folder.glob("????-??.log")):
        blocks = path.read_bytes().splitlines()
        if shut := sum(not _opens(key, block, path.stem) for block in blocks):
            text = N_("{n} of its {all} blocks cannot be read: lines of the change log are missing.")
            yield finding(f"log/{path.name}", text, n=shut, all=len(blocks))


def _opens(key: bytes, block: bytes, month: str) -> bool:
    try:
        content = unseal(key, base64.b64decode(block), month)
        return content is not None and isinstance(json.loads(content), list)
    except ValueError:
        return False


def _removed(folder: Folder, where: str, ids: set[str]) -> Iterator[Finding]:
    if held := ids & folder.gone:
        yield finding(where, N_("It still holds rows that were removed for good: {ids}."), ids=named(held))


def _rows(folder: Folder, frame: pd.DataFrame, where: str) -> Iterator[Finding]:
    """What the forms would not take today."""
    today, region = folder.core.today, folder.core.settings.phone_region
    for values in frame.to_dict("records"):
        row = schema.to_row(values)
        typed = {code: row[code] for code in schema.FORM_CODES}
        try:
            _, wrong = cleaning.clean_record(typed, today=today, region=region)
        except Invalid as error:
            wrong = error.fields
        for code, text in wrong.items():
            yield Finding(f"{where}{row['id']} {code}", text)


def _differing(one: pd.DataFrame, other: pd.DataFrame) -> list[str]:
    """The ids of rows that are only in one of two tables, or not the same in both."""
    a, b = _by_id(one), _by_id(other)
    return sorted(i for i in a.keys() | b.keys() if a.get(i) != b.get(i))


def _by_id(frame: pd.DataFrame) -> dict[str, tuple[Any, ...]]:
    codes = [code for code in schema.CODES if code != "expires"]  # computed, never read back
    columns = [frame[code].astype(object).where(frame[code].notna(), None).tolist() for code in codes]
    return dict(zip(frame["id"], zip(*columns, strict=True), strict=True))
