"""One record of the journal: who did what and when, and what it changes."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lib.changes import Change, cell_from_json, cell_to_json
from lib.store.imported import Imported
from lib.store.log import Entry, entry_from_json, entry_to_json
from lib.store.question import Question
from lib.store.saved import Saved

Sheets = Mapping[str, Sequence[Sequence[Any]]]


@dataclass(frozen=True)
class Record:
    """What one commit holds. `entry` is the line of the change log; the rest never leaves the journal.

    `asked` are questions to a person and `answered` the keys of those that are settled. `sheets` are other people's
    sheets, taken over from a workbook edited outside, `merged` is that file's SHA-256, and `saved` what it said.
    `workbook` is the generation and SHA-256 of the workbook that is about to take the old one's place. `imported` tells
    of an import, and `undone` names one that was taken back.
    """

    entry: Entry | None = None
    change: Change = field(default_factory=Change)
    asked: Sequence[Question] = ()
    answered: Sequence[str] = ()
    sheets: Sheets | None = None
    merged: str = ""
    saved: Saved | None = None
    workbook: tuple[int, str] | None = None
    imported: Imported | None = None
    undone: dt.datetime | None = None

    def to_bytes(self) -> bytes:
        written: dict[str, Any] = {
            "entry": entry_to_json(self.entry) if self.entry else None,
            "change": self.change.to_json(),
            "asked": [question.to_json() for question in self.asked],
            "answered": list(self.answered),
            "sheets": None if self.sheets is None else sheets_to_json(self.sheets),
            "merged": self.merged,
            "saved": self.saved.to_json() if self.saved else None,
            "workbook": self.workbook,
            "imported": self.imported.to_json() if self.imported else None,
            "undone": self.undone.isoformat() if self.undone else None,
        }
        kept = {name: value for name, value in written.items() if value or (name == "sheets" and value is not None)}
        return json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, written: bytes) -> Record:
        content = json.loads(written)
        workbook = content.get("workbook")
        return cls(
            entry_from_json(content["entry"]) if content.get("entry") else None,
            Change.from_json(content.get("change", {})),
            [Question.from_json(question) for question in content.get("asked", ())],
            content.get("answered", ()),
            sheets_from_json(content["sheets"]) if "sheets" in content else None,
            content.get("merged", ""),
            Saved.from_json(content["saved"]) if "saved" in content else None,
            (workbook[0], workbook[1]) if workbook else None,
            Imported.from_json(content["imported"]) if "imported" in content else None,
            dt.datetime.fromisoformat(content["undone"]) if "undone" in content else None,
        )


def sheets_to_json(sheets: Sheets) -> dict[str, Any]:
    return {name: [[cell_to_json(cell) for cell in row] for row in rows] for name, rows in sheets.items()}


def sheets_from_json(written: Mapping[str, Any]) -> dict[str, list[list[Any]]]:
    return {name: [[cell_from_json(cell) for cell in row] for row in rows] for name, rows in written.items()}
