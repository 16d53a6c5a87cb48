"""What earlier saves of a workbook that stays open in Excel said: the next one is compared with what it goes on from.

Somebody who saves, types on and saves again began from a generation, but goes on from the save before. Each save is
kept as what it differs by from the generation that it names.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lib.changes import Change, cell_to_json, folded
from lib.register import Register
from lib.store.question import Question
from lib.store.reading import Content

KEPT = 3  # several people may have the same generation open


@dataclass(frozen=True)
class Saved:
    """One save of a workbook edited outside.

    Attributes:
        generation: the one that it names.
        change: what it says and the register took or had: cells, and new rows under the numbers that they were given.
        places: the row in Excel of each of those new rows, by number. A number stays when the rest of it is removed.
        asked: the keys of the questions that it raised.
        sheets: the SHA-256 of each sheet of others.
        holder: who had the workbook open, and in which program; "" where nobody is known.
    """

    generation: int
    change: Change = field(default_factory=Change)
    places: Mapping[str, int] = field(default_factory=dict)
    asked: Sequence[str] = ()
    sheets: Mapping[str, str] = field(default_factory=dict)
    holder: str = ""

    def base(self, generation: Content, theirs: Content) -> Content:
        """What a later save is compared with: the generation with what this one said.

        Of sheets of others only the hash is known, so they are as in `theirs` where they are the same.
        """
        register = Register.of(generation.frame, generation.extras).applied(self.change)
        now = digests(theirs.sheets)
        sheets = {name: theirs.sheets[name] if now.get(name) == was else () for name, was in self.sheets.items()}
        return Content(register.frame, register.extras, generation.info, sheets)

    def then(self, later: Saved) -> Saved:
        """The save after this one, as what it differs by from the generation."""
        return replace(later, change=folded([self.change, later.change]), places={**self.places, **later.places})

    def joined(self, question: Question, i: str) -> Saved:
        """The same after a new row that waited came in under a number."""
        if question.key not in self.asked:
            return self
        others = {name: {i: value} for name, value in question.others.items()}
        change = folded([self.change, Change([{**question.row, "id": i}], others=others)])
        return replace(self, change=change, places={**self.places, i: int(question.where)})

    def without(self, ids: Collection[str]) -> Saved:
        """The same without what it says of some rows."""
        change = self.change
        return replace(
            self,
            change=Change(
                [row for row in change.add if row["id"] not in ids],
                {i: values for i, values in change.set.items() if i not in ids},
                others={
                    name: {i: value for i, value in cells.items() if i not in ids}
                    for name, cells in change.others.items()
                },
            ),
        )

    def to_json(self) -> dict[str, Any]:
        """The save as JSON can hold it."""
        return {
            "generation": self.generation,
            "change": self.change.to_json(),
            "places": dict(self.places),
            "asked": list(self.asked),
            "sheets": dict(self.sheets),
            "holder": self.holder,
        }

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> Saved:
        """The save that `to_json` wrote."""
        return cls(
            written["generation"],
            Change.from_json(written["change"]),
            written["places"],
            written["asked"],
            written["sheets"],
            written["holder"],
        )


def digests(sheets: Mapping[str, Sequence[Sequence[Any]]]) -> dict[str, str]:
    """The SHA-256 of each sheet."""
    return {
        name: hashlib.sha256(json.dumps([[cell_to_json(cell) for cell in row] for row in rows]).encode()).hexdigest()
        for name, rows in sheets.items()
    }
