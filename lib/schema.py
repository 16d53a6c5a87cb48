"""The columns of the register: the one place that knows them.

Forms, validation, the workbook, filters, exports and the tests read `COLUMNS`. A value in memory is `str`
("" when empty), `datetime.date` or `datetime.datetime` (None when empty); interests are one string joined by "; ".
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from lib.i18n import N_, WORKBOOK_LANGUAGES, translator

VERSION = 1
MAX_TEXT = 32_767  # UTF-16 units in one Excel cell
SHORT_TEXT = 1_000  # a line of a form
MOST_INTERESTS = 50  # that somebody may choose for a row
SEPARATOR = "; "
YEARS = range(1900, 2201)  # Excel holds none before; what lies after is a slip, and its period could not be counted


class Kind(Enum):
    ID = "id"
    TEXT = "text"
    LONG = "long text"
    PHONE = "phone"
    EMAIL = "e-mail"
    LIST = "list"
    CHOICE = "choice"
    USER = "user"
    DATE = "date"
    TIME = "time"


@dataclass(frozen=True)
class Column:
    """One column: its code, its English heading, its kind and what may stand in it.

    `choices` maps codes to English labels. `set_by` is "user" (typed in a form), "register" (set by an operation)
    or "computed" (for the reader in Excel, never read back). `past` forbids a date in the future.
    `width` is the column's width in Excel, in characters.
    """

    code: str
    heading: str
    kind: Kind
    choices: Mapping[str, str] = field(default_factory=dict)
    set_by: str = "user"
    past: bool = False
    width: int = 14

    @property
    def is_date(self) -> bool:
        return self.kind in (Kind.DATE, Kind.TIME)


SOURCES = {
    "phone": N_("Phone call"),
    "email": N_("E-mail"),
    "web_form": N_("Web form"),
    "meeting": N_("Meeting"),
    "public": N_("Public source"),
}
STATUSES = {
    "new": N_("New"),
    "contacted": N_("Contacted"),
    "offer": N_("Offer"),
    "customer": N_("Customer"),
    "closed": N_("Closed"),
}
HOLD_REASONS = {
    "statutory": N_("Statutory duty"),
    "claim": N_("Claim for damages"),
    "dispute": N_("Dispute"),
}

COLUMNS: tuple[Column, ...] = (
    Column("id", N_("Number"), Kind.ID, set_by="register", width=11),
    Column("received", N_("Received"), Kind.DATE, past=True, width=13),
    Column("source", N_("Source"), Kind.CHOICE, SOURCES, width=15),
    Column("source_detail", N_("Source detail"), Kind.TEXT, width=22),
    Column("organisation", N_("Organisation"), Kind.TEXT, width=28),
    Column("name", N_("Name"), Kind.TEXT, width=24),
    Column("title", N_("Title"), Kind.TEXT, width=20),
    Column("phone", N_("Phone"), Kind.PHONE, width=18),
    Column("email", N_("E-mail address"), Kind.EMAIL, width=30),
    Column("address", N_("Other contact details"), Kind.TEXT, width=28),
    Column("interests", N_("Interests"), Kind.LIST, width=26),
    Column("status", N_("Status"), Kind.CHOICE, STATUSES, width=13),
    Column("contacted", N_("Contacted on"), Kind.DATE, set_by="register", width=13),
    Column("offered", N_("Offered on"), Kind.DATE, set_by="register", width=13),
    Column("decided", N_("Decided on"), Kind.DATE, set_by="register", width=13),
    Column("last_contact", N_("Last contact"), Kind.DATE, past=True, width=13),
    Column("next_contact", N_("Next contact"), Kind.DATE, width=13),
    Column("owner", N_("Sales person in charge"), Kind.USER, width=16),
    Column("notes", N_("Notes"), Kind.LONG, width=50),
    Column("informed", N_("Privacy notice given"), Kind.DATE, past=True, width=13),
    Column("objected", N_("No marketing"), Kind.DATE, set_by="register", past=True, width=13),
    Column("restricted", N_("Processing restricted"), Kind.DATE, set_by="register", past=True, width=13),
    Column("removal_requested", N_("Removal requested"), Kind.DATE, set_by="register", past=True, width=13),
    Column("hold_reason", N_("Ground for keeping"), Kind.CHOICE, HOLD_REASONS, set_by="register", width=18),
    Column("hold_until", N_("Kept until"), Kind.DATE, set_by="register", width=13),
    Column("created_at", N_("Added"), Kind.TIME, set_by="register", width=17),
    Column("created_by", N_("Added by"), Kind.USER, set_by="register", width=14),
    Column("changed_at", N_("Changed"), Kind.TIME, set_by="register", width=17),
    Column("changed_by", N_("Changed by"), Kind.USER, set_by="register", width=14),
    Column("expires", N_("To be removed by"), Kind.DATE, set_by="computed", width=16),
)
BY_CODE: dict[str, Column] = {column.code: column for column in COLUMNS}
CODES: tuple[str, ...] = tuple(BY_CODE)
TEXT_CODES: tuple[str, ...] = tuple(c.code for c in COLUMNS if not c.is_date)
DATE_CODES: tuple[str, ...] = tuple(c.code for c in COLUMNS if c.is_date)
EMPTY: dict[str, Any] = {c.code: None if c.is_date else "" for c in COLUMNS}  # a row with no value
FORM_CODES: tuple[str, ...] = tuple(c.code for c in COLUMNS if c.set_by == "user")
REQUIRED_IN_WORKBOOK = ("id", "received", "source", "organisation", "name")


@cache
def heading(code: str, language: str) -> str:
    """The heading of a column in a language."""
    return translator(language)(BY_CODE[code].heading)


@cache
def label(code: str, choice: str, language: str) -> str:
    """The label of a choice in a language; "" for none, the choice itself where it is unknown."""
    text = BY_CODE[code].choices.get(choice)
    return translator(language)(text) if text else choice


@cache
def headings() -> dict[str, str]:
    """Every heading in every language, and every code, folded, to its column's code."""
    known = {_key(code): code for code in CODES}
    known.update({_key(heading(code, language)): code for code in CODES for language in WORKBOOK_LANGUAGES})
    return known


@cache
def choice_codes(code: str) -> dict[str, str]:
    """Every label of a choice in every language, and every code, folded, to its code."""
    known = {_key(choice): choice for choice in BY_CODE[code].choices}
    for choice in BY_CODE[code].choices:
        known.update({_key(label(code, choice, language)): choice for language in WORKBOOK_LANGUAGES})
    return known


def _key(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def code_of_heading(text: str) -> str | None:
    """The code of the column with this heading, in any of the languages; None where it is unknown."""
    return headings().get(_key(text))


def choice_of(code: str, text: str) -> str | None:
    """The choice with this label, in any of the languages; None where it is unknown."""
    return choice_codes(code).get(_key(text))


# -- the table in memory --------------------------------------------------------------------------------------------

DTYPES: dict[str, str] = {c.code: "datetime64[us]" if c.is_date else "str" for c in COLUMNS}


_STR: Any = pd.Series([], dtype="str").dtype  # made once: finding it by name takes longer than a small array


def to_frame(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Rows (code to value) as a table: text "str" and "" when empty, dates datetime64."""
    rows = list(rows)
    columns: dict[str, Any] = {}
    for code in CODES:
        if code in DATE_CODES:
            columns[code] = np.array([row.get(code) for row in rows], dtype=DTYPES[code])
        else:
            columns[code] = pd.array([str(row.get(code) or "") for row in rows], dtype=_STR)
    return pd.DataFrame(columns, copy=False)


def to_row(values: Mapping[Any, Any]) -> dict[str, Any]:
    """A row of the table as plain values: `str`, `date`, `datetime` or None."""
    row: dict[str, Any] = {}
    for code in CODES:
        value = values[code]
        if code in DATE_CODES:
            moment = None if pd.isna(value) else pd.Timestamp(value).to_pydatetime()
            row[code] = moment.date() if moment and BY_CODE[code].kind is Kind.DATE else moment
        else:
            row[code] = value
    return row
