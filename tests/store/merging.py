"""Three people and their workbook, for tests of merging: its content edited, and what comes of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from lib import schema
from lib.changes import Change
from lib.register import Register
from lib.store.merge import Merged, merge
from lib.store.workbook import Content

from .books import content_of

TODAY = dt.date(2026, 11, 23)
NOW = dt.datetime(2026, 11, 23, 9, 30)
BY = "excel"
MARKS = {"changed_at": NOW, "changed_by": BY}
PERSON = {
    "source": "phone",
    "name": "Aino Kokeilija",
    "organisation": "Esimerkki Oy",
    "phone": "+358401234567",
    "email": "aino@example.com",
    "interests": "Sauna; Kuisti",
    "status": "new",
    "notes": "eka\ntoka",
}


def three(**others: Any) -> Content:
    """Three rows: Aino, Bertta and Cecilia."""
    names = ("Aino Kokeilija", "Bertta Kokeilija", "Cecilia Kokeilija")
    return content_of(*({**PERSON, "name": name} for name in names), **others)


def with_cells(content: Content, *cells: tuple[int, str, Any], extras: bool = False) -> Content:
    """A workbook's content after edits: the row in the table, the column, its value as it is read."""
    table = (content.extras if extras else content.frame).copy()
    for row, code, value in cells:
        if extras:
            table[code] = table[code].astype(object)
        value = pd.Timestamp(value) if code in schema.DATE_CODES and not extras else value
        table.iloc[row, table.columns.get_loc(code)] = value
    return replace(content, **{"extras" if extras else "frame": table})


def with_rows(content: Content, *new: Mapping[str, Any]) -> Content:
    """A workbook's content with rows below the others."""
    frame = pd.concat([content.frame, schema.to_frame(new)], ignore_index=True)
    return replace(content, frame=frame, extras=content.extras.reindex(range(len(frame))), rows=())


def without(content: Content, *places: int) -> Content:
    frame, extras = (t.drop(index=list(places)).reset_index(drop=True) for t in (content.frame, content.extras))
    return replace(content, frame=frame, extras=extras, rows=[r for n, r in enumerate(content.rows) if n not in places])


def register_of(content: Content) -> Register:
    return Register.of(content.frame, content.extras, content.info.last_number)


def merged(theirs: Content, *, ours: Register | None = None, base: Content | None = None, **rest: Any) -> Merged:
    base = three() if base is None else base
    ours = register_of(base) if ours is None else ours
    return merge(base, theirs, ours, **{"removed": (), "today": TODAY, "now": NOW, "by": BY, **rest})


def changed(register: Register, i: str = "P-000001", **values: Any) -> Register:
    return register.applied(Change(set={i: values}))


def asked(found: Merged) -> list[tuple[str, str, str]]:
    return [(question.kind, question.id, question.code) for question in found.questions]


def nothing(found: Merged) -> bool:
    return not found.change and not found.questions
