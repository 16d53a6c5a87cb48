"""Tables that come in: a list of this register that was edited on a workstation, and a stranger's table."""

from __future__ import annotations

import datetime as dt
import io
from pathlib import Path
from typing import Any

import openpyxl
import xlsxwriter

from lib import sample, schema
from lib.store.encryption import decrypt
from lib.store.sheet import SHEET

from .jobs import PASSWORD, Measured, newcomers, timed, workspace_of

EDITS, NEW, DELETED = 50, 200, 500  # of so many rows one is edited, one is added, one is deleted
COLUMNS = ("received", "source", "organisation", "name", "title", "phone", "email", "address", "interests", "notes")


def foreign(rows: int) -> bytes:
    """A table of strangers as another program writes it, without a password."""
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"constant_memory": True, "default_date_format": "d.m.yyyy"})
    sheet = book.add_worksheet("Asiakkaat")
    sheet.write_row(0, 0, [schema.heading(code, "fi") for code in COLUMNS])
    today = dt.date.today()
    for number, row in enumerate(sample.rows(rows, 3, today), 1):
        known = {**row, "received": today - dt.timedelta(days=number % 1500)}
        known["source"] = schema.label("source", row["source"], "fi")
        sheet.write_row(number, 0, [known.get(code) or "" for code in COLUMNS])
    book.close()
    return buffer.getvalue()


def come_back(folder: Path) -> Measured:
    """A download of all rows is edited, read, checked and applied; exactly the edits are found, and arrive."""
    workspace = workspace_of(folder)
    before = workspace.find().set_index("id")
    count = len(before)
    edited, new, deleted = count // EDITS, max(1, count // NEW), max(1, count // DELETED)
    sealed = workspace.excel_list(list(before.index), schema.CODES, password=PASSWORD, language="fi")
    back = _edited(decrypt(sealed, PASSWORD), edited, new, deleted)
    made: list[Any] = []
    read = timed(lambda: made.extend(workspace.begin_import(back, "lista.xlsx")))
    desk = made[0]
    try:
        counts: dict[str, int] = {}
        checked = timed(lambda: counts.update(workspace.check_table(desk, workspace.match(desk, 0))))
        found = {kind: number for kind, number in counts.items() if number and kind != "same"}
        assert found == {"change": edited, "new": new, "deleted": deleted}, found
        applied = timed(workspace.apply_import, desk, _decisions())
    finally:
        desk.close()
    after = workspace.find().set_index("id")
    there = after.loc[before.index]
    differs = {str(i) for i in before.index[(there["notes"] != before["notes"]).to_numpy()]}
    others = [code for code in before.columns if code not in ("notes", "changed_at", "changed_by")]
    assert len(differs) == edited and len(after) == count + new and there[others].equals(before[others])
    return {"read": [read], "check": [checked], "apply": [applied]}


def _decisions() -> Any:
    from lib.intake.planning import Decisions

    return Decisions()


def _edited(plain: bytes, edited: int, new: int, deleted: int) -> bytes:
    book = openpyxl.load_workbook(io.BytesIO(plain))
    sheet: Any = book[SHEET]
    columns = {str(cell.value): cell.column for cell in sheet[1]}
    notes = columns[schema.heading("notes", "fi")]
    for number in range(edited):
        sheet.cell(2 + number * EDITS, notes).value = f"Muutettu työasemalla, {number}."
    end = sheet.max_row
    for number, row in enumerate(newcomers(new), 1):
        row |= {"source": schema.label("source", "phone", "fi"), "received": dt.datetime(2026, 1, 15)}
        for code in ("name", "organisation", "email", "source", "received"):
            sheet.cell(end + number, columns[schema.heading(code, "fi")]).value = row[code]
    sheet.delete_rows(end - deleted + 1 - EDITS, deleted)
    saved = io.BytesIO()
    book.save(saved)
    return saved.getvalue()
