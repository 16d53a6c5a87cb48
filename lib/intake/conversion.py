"""One cell of a matched column becomes one value of the schema, or it is said why not."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lib import schema
from lib.cleaning import FieldError, clean_email, clean_text, clean_value
from lib.i18n import N_, Text
from lib.intake import synonyms, values
from lib.intake.files import Value
from lib.intake.looks import is_no_tick, is_tick
from lib.intake.matching import Column, letters, shown
from lib.intake.phones import phone_of
from lib.schema import BY_CODE, Kind
from lib.search import fold

_UNKNOWN = N_("“{value}” is not known here. These are: {words}.")
_FUTURE = N_("The date is in the future. Choose today or an earlier day.")
_SEVERAL = N_("The first of several is taken; the others are kept in the notes.")
_NO_USER = N_("No user is called {name}. It is kept in the notes.")
_BAN = N_("The file gives no date of the ban: {date} is entered.")
_NO_DATE = N_("The file gives no date. It is kept in the notes.")
_SERIAL = N_("The number {value} was read as the date {date}. Check it.")
_DOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+")
_LOCAL = re.compile(r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*")
_BETWEEN_PHONES = re.compile(r"\s*[;,|\n]\s*|\s+/\s+|\s+tai\s+|\s+or\s+|\s+eller\s+|/(?=\s*[+0])")
_BETWEEN_EMAILS = re.compile(r"[\s;,|/]+(?:tai\s+|or\s+)?")


@dataclass(frozen=True)
class Found:
    """What became of a cell.

    `wrong` is why it was not taken, `spilled` what belongs to the notes, `detail` a source's words that say more than
    the choice.
    """

    value: Any
    warning: Text | None = None
    wrong: Text | None = None
    spilled: str = ""
    detail: str = ""

    @property
    def more(self) -> bool:
        """Whether there is anything to tell beside the value."""
        return bool(self.warning or self.wrong or self.spilled or self.detail)


def tried(convert: Callable[[Value, str], Found], cell: Value, form: str, empty: Any) -> Found:
    """What a conversion makes of a cell; `empty` and what is wrong, where it refuses it."""
    try:
        return convert(cell, form)
    except FieldError as error:
        return Found(empty, wrong=error.text)


class Conversion:
    """How the cells of a table become values.

    Args:
        date1904: whether the workbook counts its days from 1904.
        today: dates of what has happened lie no later.
        region: of phone numbers without a country.
        users: display names by user name.
    """

    def __init__(self, date1904: bool, today: dt.date, region: str, users: Mapping[str, str]) -> None:
        self._date1904, self._today, self._region = date1904, today, region
        self._users = {fold(name): user for user, shown_as in users.items() for name in (shown_as, user)}
        self._users.update({user: user for user in users})

    def of(self, code: str, column: Column) -> Callable[[Value, str], Found]:
        """What makes a value of a cell, given the cell and its number format; raises FieldError."""
        match BY_CODE[code].kind:
            case Kind.PHONE:
                return lambda cell, form: self._phone(cell, form, column)
            case Kind.EMAIL:
                return lambda cell, _: _email(cell, column)
            case Kind.DATE | Kind.TIME:
                return lambda cell, _: self._date(code, cell, column)
            case Kind.CHOICE:
                return lambda cell, _: _choice(code, cell)
            case Kind.USER:
                return lambda cell, _: self._user(code, cell, column)
            case _:
                return lambda cell, _: Found(*clean_value(code, shown(cell), self._region))

    def _phone(self, cell: Value, form: str, column: Column) -> Found:
        if isinstance(cell, str):
            clean_text(cell, limit=schema.SHORT_TEXT)
            pieces = [piece for piece in _BETWEEN_PHONES.split(cell.strip()) if piece]
            if len(pieces) > 1:
                made = [phone_of(piece, "", self._region) for piece in pieces]
                if all(number.startswith("+") for number, _ in made):
                    first, warning = made[0]
                    return Found(first, warning or Text(_SEVERAL), spilled=f"{heading(column)}: {cell.strip()}")
        return Found(*phone_of(cell, form, self._region))

    def _date(self, code: str, cell: Value, column: Column) -> Found:
        if code in ("objected", "informed") and not isinstance(cell, (dt.date, dt.datetime)):
            if is_no_tick(cell):
                return Found(None)
            if is_tick(cell) and code == "objected":
                return Found(self._today, Text(_BAN, {"date": shown(self._today)}))
            if is_tick(cell):
                return Found(None, Text(_NO_DATE), spilled=f"{heading(column)}: {shown(cell)}")
        moment, guessed = values.moment_of(cell, order=column.order, date1904=self._date1904)
        if moment is None:
            return Found(None)
        if moment.year not in schema.YEARS:
            raise FieldError(N_("This is not a date."))
        day = moment.date()
        if BY_CODE[code].past and day > self._today:
            raise FieldError(_FUTURE)
        warning = Text(_SERIAL, {"value": shown(cell), "date": shown(day)}) if guessed else None
        return Found(moment if BY_CODE[code].kind is Kind.TIME else day, warning)

    def _user(self, code: str, cell: Value, column: Column) -> Found:
        name = clean_text(shown(cell), limit=schema.SHORT_TEXT, lines=False)
        user = self._users.get(name) or self._users.get(fold(name))
        if user or code != "owner":
            return Found(user or name)
        if not name:
            return Found("")
        return Found("", Text(_NO_USER, {"name": name}), spilled=f"{heading(column)}: {name}")


def _email(cell: Value, column: Column) -> Found:
    text = clean_text(shown(cell), limit=schema.SHORT_TEXT, lines=False).removeprefix("mailto:").strip()
    local, _, domain = text.partition("@")
    if len(text) < 100 and len(local) < 60 and _LOCAL.fullmatch(local) and _DOMAIN.fullmatch(domain):
        if _is_domain(domain):  # what the validator says of the domain holds for every such address
            return Found(text)
    pieces = [piece for piece in _BETWEEN_EMAILS.split(text) if piece]
    if len(pieces) > 1 and all("@" in piece for piece in pieces):
        addresses = [clean_email(piece) for piece in pieces]
        return Found(addresses[0], Text(_SEVERAL), spilled=f"{heading(column)}: {text}")
    if named := re.fullmatch(r"[^<>]*<([^<>\s]+@[^<>\s]+)>", text):
        return Found(clean_email(named[1]), Text(_SEVERAL), spilled=f"{heading(column)}: {text}")
    return Found(clean_email(text))


_domains: dict[str, bool] = {}


def _is_domain(domain: str) -> bool:
    if domain not in _domains:
        if len(_domains) > 50_000:
            _domains.clear()
        try:
            _domains[domain] = clean_email(f"a@{domain}") == f"a@{domain}"
        except FieldError:
            _domains[domain] = False
    return _domains[domain]


def _choice(code: str, cell: Value) -> Found:
    text = clean_text(shown(cell), limit=schema.SHORT_TEXT, lines=False)
    if not text or text in ("-", "–"):
        return Found("")
    choice = synonyms.choice_of(code, text)
    if choice is None:
        raise FieldError(_UNKNOWN, value=text[:60], words=_words(list(BY_CODE[code].choices.values())))
    return Found(choice, detail=text if code == "source" and synonyms.says_more(text) else "")


def _words(labels: Sequence[str]) -> Text:
    """Labels with commas between, said in the language of whoever reads them."""
    if len(labels) == 1:
        return Text(labels[0])
    return Text(N_("{first}, {others}"), {"first": Text(labels[0]), "others": _words(labels[1:])})


def column_name(column: Column) -> str:
    """What a column without a heading is called."""
    return letters(column.position)


def heading(column: Column) -> str:
    """What a column is called, also where it has no heading."""
    return column.heading or column_name(column)
