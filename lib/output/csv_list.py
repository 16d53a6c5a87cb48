"""The list as CSV: what a Finnish Excel opens right. It is not encrypted.

Cells that a spreadsheet would take for a formula get an apostrophe in front.
Source: owasp.org/www-community/attacks/CSV_Injection.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Sequence
from typing import Any

import pandas as pd

from lib import schema
from lib.output.fingerprints import plain_columns
from lib.schema import Kind

_FORMULA = re.compile(r"[=+\-@\t\r\n＝＋－＠]")
_E164 = re.compile(r"\+[1-9][0-9]{1,14}")


def build(frame: pd.DataFrame, codes: Sequence[str], *, language: str) -> bytes:
    """UTF-8 with a byte order mark, semicolons and CRLF.

    Args:
        frame: the rows, in order, with the schema's codes as columns.
        codes: the columns to take, in order.
        language: of headings and choices.
    """
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow([schema.heading(code, language) for code in codes])
    columns = [[_cell(code, value, language) for value in v] for code, v in plain_columns(frame, codes).items()]
    writer.writerows(zip(*columns, strict=True))
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def _cell(code: str, value: Any, language: str) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, dt.datetime):
        return f"{value.day}.{value.month}.{value.year} {value:%H:%M:%S}"
    if isinstance(value, dt.date):
        return f"{value.day}.{value.month}.{value.year}"
    column = schema.BY_CODE[code]
    text = schema.label(code, str(value), language) if column.choices else str(value)
    spared = column.kind is Kind.PHONE and _E164.fullmatch(text)
    return f"'{text}" if _FORMULA.match(text) and not spared else text
