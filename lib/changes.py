"""A change as values: what it adds to the register, sets in it and takes out of it. The journal keeps it as JSON."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lib import schema

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Change:
    """What becomes of the register. First rows are removed, then added, then set: one that comes back is in both.

    `add` holds complete rows with their `id`, `set` the new values of some columns by id, and `remove` ids. Values are
    plain, as `schema.to_row` gives them. `others` holds new values in columns that the schema does not know, by the
    column's name and then by id. `last_number` is the last number given, where numbers were.
    """

    add: Sequence[Row] = ()
    set: Mapping[str, Row] = field(default_factory=dict)
    remove: Sequence[str] = ()
    others: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    last_number: int = 0

    def __bool__(self) -> bool:
        return bool(self.add or self.set or self.remove or self.others)

    @property
    def ids(self) -> list[str]:
        """The rows that it touches, each once."""
        others = (i for cells in self.others.values() for i in cells)
        return list(dict.fromkeys([*(str(row["id"]) for row in self.add), *self.set, *self.remove, *others]))

    def to_json(self) -> dict[str, Any]:
        """The change as JSON can hold it; empty parts and empty values are left out."""
        written = {
            "add": [
                {code: _written(value) for code, value in row.items() if value not in (None, "")} for row in self.add
            ],
            "set": {i: {code: _written(value) for code, value in row.items()} for i, row in self.set.items()},
            "remove": list(self.remove),
            "others": {name: {i: cell_to_json(v) for i, v in cells.items()} for name, cells in self.others.items()},
            "last_number": self.last_number,
        }
        return {part: value for part, value in written.items() if value}

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> Change:
        """The change that `to_json` wrote."""
        return cls(
            [_read(row) for row in written.get("add", ())],
            {i: _read(row) for i, row in written.get("set", {}).items()},
            written.get("remove", ()),
            {
                name: {i: cell_from_json(v) for i, v in cells.items()}
                for name, cells in written.get("others", {}).items()
            },
            written.get("last_number", 0),
        )


def folded(changes: Iterable[Change]) -> Change:
    """One change that does what several do one after the other."""
    add: dict[str, dict[str, Any]] = {}
    set_: dict[str, dict[str, Any]] = {}
    remove: dict[str, None] = {}
    others: dict[str, dict[str, Any]] = {}
    last = 0
    for change in changes:
        for i in change.remove:
            set_.pop(i, None)
            for column in others.values():
                column.pop(i, None)
            if add.pop(i, None) is None:
                remove[i] = None
        add.update({str(row["id"]): dict(row) for row in change.add})
        for i, values in change.set.items():
            (add[i] if i in add else set_.setdefault(i, {})).update(values)
        for name, cells in change.others.items():
            others.setdefault(name, {}).update(cells)
        last = max(last, change.last_number)
    return Change(list(add.values()), set_, list(remove), others, last)


def row_to_json(row: Row) -> dict[str, Any]:
    """Values of a row, by code, as JSON can hold them."""
    return {code: _written(value) for code, value in row.items()}


def row_from_json(row: Row) -> dict[str, Any]:
    """The values that `row_to_json` wrote; dates that are dates already stay."""
    return _read(row)


def _written(value: Any) -> Any:
    return value.isoformat() if isinstance(value, dt.date) else value


def _read(row: Row) -> dict[str, Any]:
    return {code: _value(code, value) for code, value in row.items()}


def _value(code: str, value: Any) -> Any:
    if not value or not isinstance(value, str) or code not in schema.DATE_CODES:
        return value
    if schema.BY_CODE[code].kind is schema.Kind.TIME:
        return dt.datetime.fromisoformat(value)
    return dt.date.fromisoformat(value)


def cell_to_json(value: Any) -> Any:
    """A cell of somebody else's column or sheet as JSON can hold it: what JSON has no kind for gets a mark."""
    match value:
        case dt.datetime():
            return {"time": value.isoformat()}
        case dt.date():
            return {"date": value.isoformat()}
        case dt.time():
            return {"clock": value.isoformat()}
        case dt.timedelta():
            return {"seconds": value.total_seconds()}
        case _:
            return value


def cell_from_json(value: Any) -> Any:
    """The cell that `cell_to_json` wrote."""
    match value:
        case {"time": text}:
            return dt.datetime.fromisoformat(text)
        case {"date": text}:
            return dt.date.fromisoformat(text)
        case {"clock": text}:
            return dt.time.fromisoformat(text)
        case {"seconds": number}:
            return dt.timedelta(seconds=number)
        case _:
            return value
