"""The cells of a column of the workbook as values in memory."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa

from lib import cleaning, schema
from lib.schema import Kind

_EXCEL_EPOCH = dt.datetime(1899, 12, 30)
_FIRST, _LAST = dt.datetime(schema.YEARS.start, 1, 1), dt.datetime(schema.YEARS.stop - 1, 12, 31, 23, 59, 59)
_FIRST_DAY, _LAST_DAY = _FIRST.date(), _LAST.date()


def table(columns: Mapping[str, Sequence[Any]]) -> pd.DataFrame:
    """Columns of values as a table with the types of `schema.DTYPES`, made in one go."""
    made: pd.DataFrame = pa.table({code: _arrow(code, values) for code, values in columns.items()}).to_pandas()
    return made


def _arrow(code: str, values: Sequence[Any]) -> Any:
    """A column as pandas keeps it (`schema.DTYPES`), made in one go."""
    match schema.BY_CODE[code].kind:
        case Kind.DATE:
            return pa.array(values, pa.date32()).cast(pa.timestamp("us"))
        case Kind.TIME:
            return pa.array(values, pa.timestamp("us"))
        case _:
            return pa.array(values, pa.large_string())


def as_written(code: str, cells: Sequence[Any]) -> tuple[Sequence[Any], list[int]]:
    """The cells of a column that the program wrote."""
    match schema.BY_CODE[code].kind:
        case Kind.DATE:
            return [cell or None for cell in cells], []
        case Kind.TIME:  # midnight is read as a date
            return [dt.datetime.combine(c, dt.time()) if type(c) is dt.date else c or None for c in cells], []
        case Kind.CHOICE:
            known = {label: schema.choice_of(code, label) or label for label in set(cells)}
            return [known[cell] for cell in cells], []
        case _:
            return cells, []


def understood(code: str, cells: Sequence[Any]) -> tuple[Sequence[Any], list[int]]:
    """The cells of a column as values in memory, and the places of those that cannot be understood."""
    match schema.BY_CODE[code].kind:
        case Kind.DATE:
            return _converted(cells, _date, lambda cell: type(cell) is dt.date and _FIRST_DAY <= cell <= _LAST_DAY)
        case Kind.TIME:
            return _converted(
                cells, _time, lambda c: type(c) is dt.datetime and not c.microsecond and _FIRST <= c <= _LAST
            )
        case Kind.CHOICE:
            known = {text: schema.choice_of(code, text) if text.strip() else "" for text in {str(c) for c in cells}}
            values = [known[str(cell)] for cell in cells]
            return [value or "" for value in values], [n for n, value in enumerate(values) if value is None]
        case _:
            short = schema.MAX_TEXT // 2
            return _converted(cells, _text, lambda cell: type(cell) is str and cell.isprintable() and len(cell) < short)


def _converted(
    cells: Sequence[Any], convert: Callable[[Any], Any], ready: Callable[[Any], bool]
) -> tuple[Sequence[Any], list[int]]:
    values, bad = [], []
    empty = convert("")
    for place, cell in enumerate(cells):
        if cell == "":
            cell = empty
        elif not ready(cell):
            try:
                cell = convert(cell)
            except (ValueError, OverflowError, TypeError):
                bad.append(place)
                cell = empty
        values.append(cell)
    return values, bad


def _text(cell: Any) -> str:
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)  # a phone or a postcode that Excel took for a number
    return cleaning.clean_text(cell)


def shown(cell: Any) -> str:
    """What stands in a cell, whatever it is."""
    try:
        return _text(cell)
    except ValueError:  # too long
        return str(cell)


def _time(cell: Any) -> dt.datetime | None:
    """A time from a cell: real, an Excel serial number, or written in ISO or Finnish form. Rounded to the second."""
    if cell == "" or cell is None:
        return None
    moment = _moment(cell).replace(tzinfo=None)
    if not _FIRST <= moment <= _LAST:
        raise ValueError(cell)
    return (moment + dt.timedelta(microseconds=500_000)).replace(microsecond=0)


def _moment(cell: Any) -> dt.datetime:
    if isinstance(cell, dt.datetime):
        return cell
    if isinstance(cell, dt.date):
        return dt.datetime.combine(cell, dt.time())
    if isinstance(cell, (int, float)):
        return _EXCEL_EPOCH + dt.timedelta(days=float(cell))
    text = str(cell).strip()
    for form in ("%d.%m.%Y", "%d.%m.%Y %H:%M", "%d.%m.%Y %H.%M"):
        try:
            return dt.datetime.strptime(text, form)
        except ValueError:
            continue
    return dt.datetime.fromisoformat(text)


def _date(cell: Any) -> dt.date | None:
    moment = _time(cell)
    return moment.date() if moment else None
