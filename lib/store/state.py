"""What the records of the journal add up to. Nothing here touches a file."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lib.changes import folded
from lib.register import Register
from lib.store.imported import KEPT as IMPORTS_KEPT
from lib.store.imported import Imported
from lib.store.journal import Read
from lib.store.question import Question
from lib.store.record import Sheets
from lib.store.saved import KEPT, Saved

KNOWN = 10  # workbooks whose digest is remembered


@dataclass(frozen=True)
class State:
    """The register, and what stands beside it.

    `name` is the register's identifier, `sheets` are other people's sheets, and `questions` wait for a person's
    decision, by key. `known` maps the SHA-256 of workbooks that the program wrote to their generation, `merged` are
    those of files edited outside whose edits are taken, and `saved` what the last of them said. `imports` may still be
    taken back. `unwritten` counts the records of each segment that change something. `removed` are the numbers removed,
    with their dates, in the segments that were read.
    """

    register: Register
    name: str
    sheets: Sheets = field(default_factory=dict)
    questions: Mapping[str, Question] = field(default_factory=dict)
    known: Mapping[str, int] = field(default_factory=dict)
    merged: Sequence[str] = ()
    saved: Sequence[Saved] = ()
    imports: Sequence[Imported] = ()
    unwritten: Mapping[int, int] = field(default_factory=dict)
    removed: Mapping[str, dt.date] = field(default_factory=dict)

    def after(self, reads: Sequence[Read]) -> State:
        """The state after some records."""
        if not reads:
            return self
        register = self.register.applied(folded(read.record.change for read in reads))
        sheets, questions, known = self.sheets, dict(self.questions), dict(self.known)
        merged, saved, unwritten = list(self.merged), list(self.saved), dict(self.unwritten)
        imports = list(self.imports)
        for segment, _, record in reads:
            questions.update({question.key: question for question in record.asked})
            for key in record.answered:
                question = questions.pop(key, None)
                if question and question.kind == "new" and record.change.add and not record.saved:
                    saved = [save.joined(question, str(record.change.add[0]["id"])) for save in saved]
            if record.change.remove:
                gone = set(record.change.remove)
                questions = {key: q for key, q in questions.items() if q.id not in gone}
                saved = [save.without(gone) for save in saved]
            if imports and record.change:
                imports = [one.after(record.change.ids) for one in imports]
            imports = [one for one in imports if one.made != record.undone]
            if record.imported:
                imports.append(record.imported)
            if record.sheets is not None:
                sheets = record.sheets
            if record.merged:
                merged.append(record.merged)
            if record.saved:
                saved.append(record.saved)
            if record.workbook:
                known[record.workbook[1]] = record.workbook[0]
            elif record.change or record.asked or record.answered or record.sheets is not None:
                unwritten[segment] = unwritten.get(segment, 0) + 1
        return replace(
            self,
            register=register,
            sheets=sheets,
            questions=questions,
            known=dict(list(known.items())[-KNOWN:]),
            merged=merged[-KNOWN:],
            saved=saved[-KEPT:],
            imports=imports[-IMPORTS_KEPT:],
            unwritten=unwritten,
            removed={**self.removed, **removed_in(reads)},
        )

    def under(self, register: Register) -> State:
        """The same, with the register under other rules."""
        return replace(self, register=register)

    def carried(self) -> dict[str, Any]:
        """What the header of the next segment keeps, since no workbook does."""
        return {
            "questions": [question.to_json() for question in self.questions.values()],
            "known": dict(self.known),
            "merged": list(self.merged),
            "saved": [save.to_json() for save in self.saved],
            "imports": [one.to_json() for one in self.imports],
        }

    @classmethod
    def begun(cls, register: Register, name: str, sheets: Sheets, carried: Mapping[str, Any]) -> State:
        """The state at the beginning of a segment, from the workbook before it and the segment's header."""
        questions = [Question.from_json(question) for question in carried.get("questions", ())]
        return cls(
            register,
            name,
            sheets,
            {question.key: question for question in questions},
            carried.get("known", {}),
            carried.get("merged", ()),
            [Saved.from_json(save) for save in carried.get("saved", ())],
            [Imported.from_json(one) for one in carried.get("imports", ())],
        )


def removed_in(reads: Sequence[Read]) -> dict[str, dt.date]:
    """The numbers that records remove for good, with the dates."""
    return {
        i: read.record.entry.at.date()
        for read in reads
        if read.record.entry and read.record.entry.action == "remove"
        for i in read.record.change.remove
    }
