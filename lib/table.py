"""The rows of the register: a DataFrame that never changes, and beside it the few rows that are newer than it.

Putting a DataFrame together anew takes milliseconds, so a new row or value waits beside it until somebody asks for
the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from lib import retention, schema
from lib.errors import NoSuchProspect

Row = Mapping[str, Any]
FEW = 50  # more rows than these do not wait


class _Parts(NamedTuple):
    """The frame and the columns of others; where each id stands in them; and what waits: new rows, changed values."""

    frame: pd.DataFrame
    extras: pd.DataFrame
    places: dict[str, int]
    new: dict[str, dict[str, Any]]
    changed: dict[str, dict[str, Any]]


class Table:
    """Rows of `schema.CODES`, and columns that the schema does not know beside them. Each change gives a new table.

    Args:
        years: the retention period, from which the column `expires` is computed.
    """

    def __init__(self, frame: pd.DataFrame, extras: pd.DataFrame, years: int) -> None:
        self.years = years
        frame = frame.assign(expires=retention.expires_column(frame, years))
        self._now = _Parts(frame, extras, _places(frame), {}, {})

    def _of(self, parts: _Parts) -> Table:
        table = Table.__new__(Table)
        table.years, table._now = self.years, parts
        return table

    # -- reading ----------------------------------------------------------------------------------------------

    @property
    def frame(self) -> pd.DataFrame:
        """The rows, in order: text `str`, dates datetime64[us]."""
        return self._together().frame

    @property
    def extras(self) -> pd.DataFrame:
        """Columns that the schema does not know, row by row beside `frame`."""
        return self._together().extras

    @property
    def positions(self) -> Mapping[str, int]:
        """Where each prospect stands, by id."""
        return self._together().places

    def __len__(self) -> int:
        return len(self._now.frame) + len(self._now.new)

    def __contains__(self, prospect_id: str) -> bool:
        return prospect_id in self._now.new or prospect_id in self._now.places

    def position(self, prospect_id: str) -> int:
        """Where a prospect stands.

        Raises:
            NoSuchProspect: nowhere.
        """
        now = self._now
        if (place := now.places.get(prospect_id)) is not None:
            return place
        if prospect_id in now.new:
            return len(now.frame) + list(now.new).index(prospect_id)
        raise NoSuchProspect(id=prospect_id)

    def row(self, prospect_id: str) -> dict[str, Any]:
        """One prospect as plain values (see `schema.to_row`).

        Raises:
            NoSuchProspect
        """
        now = self._now
        if prospect_id in now.new:
            return dict(now.new[prospect_id])
        if prospect_id not in now.places:
            raise NoSuchProspect(id=prospect_id)
        row = schema.to_row(now.frame.iloc[now.places[prospect_id]].to_dict())
        return {**row, **now.changed.get(prospect_id, {})}

    # -- changing ---------------------------------------------------------------------------------------------

    def added(self, rows: Sequence[Row]) -> Table:
        """The table with rows after the others."""
        now = self._now
        if len(rows) + len(now.new) <= FEW:
            new = {str(row["id"]): self._complete({**schema.EMPTY, **row}) for row in rows}
            return self._of(now._replace(new={**now.new, **new}))
        now = self._together()
        frame = schema.to_frame(rows)
        return self._of(_joined(now, frame.assign(expires=retention.expires_column(frame, self.years))))

    def changed(self, changes: Mapping[str, Row]) -> Table:
        """The table with other values in some rows, by id; rows that are not there are passed over."""
        now = self._now
        if len(changes) + len(now.changed) > FEW:
            now = self._together()
            return self._of(now._replace(frame=_with_changes(now, changes, self.years)))
        new, changed = dict(now.new), dict(now.changed)
        for i, values in changes.items():
            if i in new:
                new[i] = self._complete({**new[i], **values})
            elif i in now.places:
                row = self._complete({**self.row(i), **values})
                changed[i] = {**changed.get(i, {}), **{code: row[code] for code in {*values, "expires"}}}
        return self._of(now._replace(new=new, changed=changed))

    def removed(self, ids: Iterable[str]) -> Table:
        """The table without some rows; those that are not there are passed over."""
        now = self._together()
        places = [now.places[i] for i in ids if i in now.places]
        frame, extras = (t.drop(index=places).reset_index(drop=True) for t in (now.frame, now.extras))
        return self._of(_Parts(frame, extras, _places(frame), {}, {}))

    def with_others(self, columns: Mapping[str, Mapping[str, Any]]) -> Table:
        """The table with other values in columns that the schema does not know, by column and id."""
        now = self._together()
        extras = now.extras.copy()
        for name, cells in columns.items():
            values = extras[name].tolist() if name in extras else [""] * len(extras)
            for i, value in cells.items():
                if i in now.places:
                    values[now.places[i]] = value
            extras[name] = pd.Series(values, dtype=object, index=extras.index)
        return self._of(now._replace(extras=extras))

    def in_order(self, number_of: Callable[[str], int]) -> Table:
        """The table in the order of its numbers."""
        now = self._together()
        order = np.argsort([number_of(i) for i in now.frame["id"]], kind="stable")
        frame, extras = (t.iloc[order].reset_index(drop=True) for t in (now.frame, now.extras))
        return self._of(_Parts(frame, extras, _places(frame), {}, {}))

    def under(self, years: int) -> Table:
        """The table under another retention period."""
        return Table(self.frame, self.extras, years)

    def _complete(self, row: dict[str, Any]) -> dict[str, Any]:
        row["expires"] = retention.expires(row["received"], self.years, row["hold_until"])
        return row

    def _together(self) -> _Parts:
        """The whole, with what waited put in. Two readers at once do the same work, and no harm."""
        now = self._now
        if now.changed:
            now = now._replace(frame=_with_changes(now, now.changed, self.years), changed={})
        if now.new:
            now = _joined(now, schema.to_frame(list(now.new.values())))
        self._now = now
        return now


def _places(frame: pd.DataFrame) -> dict[str, int]:
    return {i: n for n, i in enumerate(frame["id"].tolist())}


def _joined(parts: _Parts, new: pd.DataFrame) -> _Parts:
    """The parts with rows at the end of the frame, and none that wait."""
    start = len(parts.frame)
    frame = pd.concat([parts.frame, new], ignore_index=True)
    places = {**parts.places, **{i: start + n for n, i in enumerate(new["id"].tolist())}}
    return _Parts(frame, parts.extras.reindex(range(len(frame))), places, {}, {})


def _with_changes(parts: _Parts, changes: Mapping[str, Row], years: int) -> pd.DataFrame:
    frame, places = parts.frame, parts.places
    by_code: dict[str, dict[int, Any]] = {}
    for i, values in changes.items():
        if i in places:
            for code, value in values.items():
                by_code.setdefault(code, {})[places[i]] = value
    # A column that stays the same is shared with the old table, not copied.
    frame = frame.assign(**{code: _with_values(frame[code], values, code) for code, values in by_code.items()})
    if {"received", "hold_until"} & by_code.keys():
        touched = sorted(places[i] for i in changes if i in places)
        ends = retention.expires_column(frame.iloc[touched], years)
        frame["expires"] = _with_values(frame["expires"], dict(zip(touched, ends, strict=True)), "expires")
    return frame


def _with_values(column: pd.Series[Any], values: Mapping[int, Any], code: str) -> pd.Series[Any]:
    column = column.copy()
    kept: list[Any] = list(values.values())
    if code in schema.DATE_CODES:
        kept = list(pd.to_datetime(kept).astype("datetime64[us]"))  # None becomes NaT
    column.iloc[list(values)] = kept
    return column
