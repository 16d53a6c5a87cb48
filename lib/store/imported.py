"""What the journal keeps of an import, so that it can be taken back: which rows, and who touched them since."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from lib.register import number_of

KEPT = 4  # imports that may be taken back, as many as backups are kept of them


@dataclass(frozen=True)
class Imported:
    """One import, and what of it can be taken back.

    Attributes:
        made: when its backup was made, which is its key.
        by: who imported.
        first, last: the numbers of the rows that it added; 0 for none.
        changed: the ids of rows that it changed.
        touched: those of all these ids that somebody changed or removed since its backup.
    """

    made: dt.datetime
    by: str
    first: int = 0
    last: int = 0
    changed: frozenset[str] = frozenset()
    touched: frozenset[str] = frozenset()

    def __contains__(self, prospect_id: str) -> bool:
        return prospect_id in self.changed or 0 < self.first <= number_of(prospect_id) <= self.last

    def after(self, ids: Collection[str]) -> Imported:
        """The same after somebody touched some rows."""
        touched = {i for i in ids if i in self}
        return replace(self, touched=self.touched | touched) if touched - self.touched else self

    @property
    def rows(self) -> int:
        """How many rows an undo would still reach."""
        return len(self.changed) + (self.last - self.first + 1 if self.first else 0) - len(self.touched)

    def to_json(self) -> dict[str, Any]:
        """The import as JSON can hold it."""
        return {
            "made": self.made.isoformat(),
            "by": self.by,
            "first": self.first,
            "last": self.last,
            "changed": sorted(self.changed),
            "touched": sorted(self.touched),
        }

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> Imported:
        """The import that `to_json` wrote."""
        return cls(
            dt.datetime.fromisoformat(written["made"]),
            written["by"],
            written["first"],
            written["last"],
            frozenset(written["changed"]),
            frozenset(written["touched"]),
        )
