"""The sheet that people see in Excel: headings, widths, real dates, dropdowns, marked rows. Everything else is text.

XlsxWriter works in memory: nothing is written to the temporary folder.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd
import xlsxwriter
from numpy.typing import NDArray
from xlsxwriter import xmlwriter
from xlsxwriter.utility import xl_col_to_name

from lib import schema
from lib.i18n import N_, translator
from lib.schema import Kind

SHEET = "Prospektit"
_EPOCH, _DAY = dt.datetime(1899, 12, 30), dt.timedelta(days=1)
_LEAP_DAY = 61  # 1 March 1900, behind a 29 February that only Excel knows
_SPARE_ROWS = 1000  # dropdowns reach below the last row, for rows that are added in Excel
_INK, _PAPER = "#0B5A5E", "#FFFFFF"
# XlsxWriter misses the second of two escapes that share an underscore, "_x0041_x0041_": it would be read as a letter.
xmlwriter.re_control_chars_1 = re.compile("(_)(?=x[0-9a-fA-F]{4}_)")


def new_book(buffer: BytesIO) -> Any:
    """An empty workbook in memory, in which text stays text."""
    book = xlsxwriter.Workbook(
        buffer,
        {
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "default_date_format": "d.m.yyyy",
            "max_url_length": 2079,
        },
    )
    return book


def add_prospects(
    book: Any, frame: pd.DataFrame, codes: Sequence[str], language: str, extras: pd.DataFrame | None = None
) -> None:
    """Add the sheet of prospects to a workbook.

    Args:
        frame: the rows, with at least the columns `codes`.
        codes: the columns, in order.
        language: of headings and choices.
        extras: columns of others, kept beside ours.
    """
    sheet = book.add_worksheet(SHEET)
    style = {"valign": "top", "font_size": 10}
    head = book.add_format(
        {"bold": True, "font_color": _PAPER, "bg_color": _INK, "valign": "vcenter", "text_wrap": True}
    )
    text = book.add_format({**style, "num_format": "@"})
    formats = {
        Kind.DATE: book.add_format({**style, "num_format": "d.m.yyyy", "align": "left"}),
        Kind.TIME: book.add_format({**style, "num_format": "d.m.yyyy h:mm", "align": "left"}),
    }
    last = max(len(frame), 1)
    sheet.set_row(0, 30)
    for number, code in enumerate(codes):
        column = schema.BY_CODE[code]
        cell_format = formats.get(column.kind, text)
        sheet.set_column(number, number, column.width, cell_format)
        sheet.write_string(0, number, schema.heading(code, language), head)
        if column.is_date:
            serials = _serials(frame[code])
            for place in np.flatnonzero(~np.isnan(serials)).tolist():
                sheet.write_number(place + 1, number, serials[place], cell_format)
        else:
            values = frame[code].tolist()
            if column.choices:
                values = [schema.label(code, value, language) for value in values]
            for row, value in enumerate(values, 1):
                if value:
                    sheet.write_string(row, number, value, cell_format)
        if column.choices:
            labels = [schema.label(code, choice, language) for choice in column.choices]
            sheet.data_validation(1, number, last + _SPARE_ROWS, number, {"validate": "list", "source": labels})
    if extras is not None:
        _add_extras(sheet, extras, len(codes), head, other_formats(book))
    sheet.freeze_panes(1, 1)
    sheet.autofilter(0, 0, last, len(codes) - 1 + (0 if extras is None else extras.shape[1]))
    _mark_rows(book, sheet, codes, last)
    sheet.set_landscape()
    sheet.set_paper(9)
    if len(codes) <= 12:  # more would be too small to read on one page's width
        sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)
    sheet.set_footer("&L&A&R&P / &N")


def _serials(column: pd.Series[Any]) -> NDArray[np.float64]:
    """Dates and times as Excel counts them: in days since 1900, its leap year; NaN where there is none."""
    seconds = column.to_numpy(dtype="datetime64[s]")
    serials = (seconds - np.datetime64("1899-12-30", "s")) / np.timedelta64(1, "D")
    serials[serials < _LEAP_DAY] -= 1
    return serials


def _add_extras(sheet: Any, extras: pd.DataFrame, start: int, head: Any, dates: Mapping[type, Any]) -> None:
    for number, name in enumerate(extras.columns, start):
        sheet.set_column(number, number, 18)
        sheet.write_string(0, number, str(name), head)
        for row, value in enumerate(extras[name].tolist(), 1):
            write_any(sheet, row, number, value, dates)


def other_formats(book: Any) -> dict[type, Any]:
    """How dates, times and lengths of time look in columns and sheets of others."""
    looks = {dt.date: "d.m.yyyy", dt.datetime: "d.m.yyyy h:mm:ss", dt.time: "h:mm:ss", dt.timedelta: "[h]:mm:ss"}
    return {kind: book.add_format({"num_format": look}) for kind, look in looks.items()}


def write_any(sheet: Any, row: int, column: int, value: object, dates: Mapping[type, Any]) -> None:
    """Write a cell of somebody else's column or sheet as what it is."""
    if value is None or value == "" or value != value:
        return
    if isinstance(value, bool):
        sheet.write_boolean(row, column, value)
    elif isinstance(value, (int, float)) and math.isfinite(value):
        sheet.write_number(row, column, _Exact(value))
    elif isinstance(value, (dt.date, dt.time, dt.timedelta)):
        sheet.write_number(row, column, _serial(value), dates[type(value)])
    else:
        sheet.write_string(row, column, str(value))


class _Exact(float):
    """A number that is written with all its digits: XlsxWriter leaves the seventeenth out."""

    def __format__(self, form: str) -> str:
        return repr(float(self))


def _serial(value: dt.date | dt.time | dt.timedelta) -> float:
    """Excel's number of a date, time or length of time. XlsxWriter takes the first day of 1900 for none."""
    if isinstance(value, dt.timedelta):
        return value / _DAY
    if isinstance(value, dt.time):
        return (dt.datetime.combine(_EPOCH, value) - _EPOCH) / _DAY
    moment = value if isinstance(value, dt.datetime) else dt.datetime.combine(value, dt.time())
    days = (moment - _EPOCH) / _DAY
    return days if days >= _LEAP_DAY else days - 1


def _mark_rows(book: Any, sheet: Any, codes: Sequence[str], last: int) -> None:
    """Rows with a ban, a restriction or a request for removal stand out, also after an edit in Excel."""
    marks = {
        "removal_requested": {"font_color": "#7A1F1F", "bg_color": "#F6DEDE", "font_strikeout": True},
        "restricted": {"font_color": "#5A5A5A", "bg_color": "#E4E4E4", "italic": True},
        "objected": {"font_color": "#7A4B00", "bg_color": "#FBEBD0"},
    }
    for code, style in marks.items():
        if code in codes:
            name = xl_col_to_name(codes.index(code), col_abs=True)
            rule = {"type": "formula", "criteria": f'=${name[1:]}2<>""', "format": book.add_format(style)}
            sheet.conditional_format(1, 0, last + _SPARE_ROWS, len(codes) - 1, rule)


def describe(book: Any, language: str, title: str) -> None:
    """Name the program in the file's properties; the title says what the file is."""
    t = translator(language)
    book.set_properties({"title": title, "comments": t(N_("Personal data. Keep it encrypted and do not pass it on."))})
