"""Rows of a table that comes in, as values of the register's columns."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from lib.i18n import Text

Value = str | int | float | bool | dt.datetime | dt.date | dt.time | None


@dataclass(frozen=True)
class Record:
    """One row: its number in the file, its values, what of it cannot be taken and why.

    `values` are cleaned, by code, "" or None where they are empty; only matched columns are there. `others` are columns
    beside the schema's, by heading. `wrong` and `warnings` are by code, and so is `cells`, which tells where ("C12").
    """

    number: int
    values: dict[str, Any]
    others: dict[str, Value]
    wrong: dict[str, Text]
    warnings: dict[str, Text]
    cells: dict[str, str]
