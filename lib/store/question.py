"""What a workbook from outside says that only a person can decide."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lib.changes import cell_from_json, cell_to_json, row_from_json, row_to_json


@dataclass(frozen=True)
class Question:
    """Something from outside that waits for a person's decision.

    Attributes:
        kind: "missing" (a row is no longer there), "protected" (a value that only a manager sets), "conflict" (a field
            changed on both sides), "cell" (what stands in it cannot be taken), "new" (a row that is not complete).
        id: the row's number; "" for a new row.
        code: the column.
        base, theirs: plain values: what it was, and what the file says.
        where: the cell or the row in Excel, such as "H13" or "13".
        typed: what stands in the cell that cannot be taken; for "new" a line for each of them, as "H13: what".
        row: the values of a new row that could be understood; for "protected" the values that are taken together.
        others: what a new row says in columns of others.
    """

    kind: str
    id: str = ""
    code: str = ""
    base: Any = None
    theirs: Any = None
    where: str = ""
    typed: str = ""
    row: Mapping[str, Any] = field(default_factory=dict)
    others: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Short, and the same for the same question, wherever in the file its row stands and whatever it was before.

        It is made from personal data: keep it where they are kept.
        """
        said = self.to_json()
        del said["base"]
        if self.id or self.row or self.others:
            del said["where"]
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]

    def to_json(self) -> dict[str, Any]:
        """The question as JSON can hold it."""
        return {
            "kind": self.kind,
            "id": self.id,
            "code": self.code,
            "base": row_to_json({self.code: self.base})[self.code],
            "theirs": row_to_json({self.code: self.theirs})[self.code],
            "where": self.where,
            "typed": self.typed,
            "row": row_to_json(self.row),
            "others": {name: cell_to_json(value) for name, value in self.others.items()},
        }

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> Question:
        """The question that `to_json` wrote."""
        code = written["code"]
        return cls(
            written["kind"],
            written["id"],
            code,
            row_from_json({code: written["base"]})[code],
            row_from_json({code: written["theirs"]})[code],
            written["where"],
            written["typed"],
            row_from_json(written["row"]),
            {name: cell_from_json(value) for name, value in written["others"].items()},
        )
