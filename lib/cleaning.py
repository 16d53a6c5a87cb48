"""Values cleaned once, at the border: what was typed or read becomes what the register holds, or says what is wrong."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import pandas as pd

from lib.errors import Invalid
from lib.i18n import N_, Text
from lib.schema import BY_CODE, FORM_CODES, MAX_TEXT, SEPARATOR, SHORT_TEXT, YEARS, Kind

# Control characters, half surrogate pairs and the two code points that XML cannot carry.
_UNWANTED = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_LINE_ENDS = re.compile(r"\r\n|\r|\u2028|\u2029|\x0b|\x0c|\x85")


def clean_text(value: object, *, limit: int = MAX_TEXT, lines: bool = True) -> str:
    """Text as it may stand in a cell: no control characters, line ends as a line feed.

    Args:
        value: what was typed or read; None is "".
        limit: the most UTF-16 units it may have.
        lines: whether line ends stay; otherwise they, and space around the text, go.

    Raises:
        FieldError: the text is too long.
    """
    text = _UNWANTED.sub("", _LINE_ENDS.sub("\n", "" if value is None else str(value)))
    if not lines:
        text = " ".join(text.split("\n")).strip()
    if len(text) > limit // 2 and (length := len(text.encode("utf-16-le")) // 2) > limit:
        raise FieldError(
            N_("The text is too long: {length} characters, at most {limit} fit. Shorten it."),
            length=length,
            limit=limit,
        )
    return text


class FieldError(ValueError):
    """One value cannot be taken; `text` says why and what to do."""

    def __init__(self, msgid: str, /, **params: Any) -> None:
        self.text = Text(msgid, params)
        super().__init__(str(self.text))


def clean_phone(value: object, region: str) -> tuple[str, Text | None]:
    """A phone number in E.164 where it is valid, otherwise as typed with a warning.

    Source: ITU-T E.164; parsing by phonenumbers.
    """
    import phonenumbers

    text = clean_text(value, limit=SHORT_TEXT, lines=False)
    if not text:
        return "", None
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_valid_number(number):
        return text, Text(N_("This does not look like a phone number. It is kept as you typed it."))
    if number.extension:  # E.164 has no place for it, and nothing typed may get lost
        return text, None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), None


@cache
def _national(phone: str, region: str) -> str:
    import phonenumbers

    try:
        number = phonenumbers.parse(phone, region)
    except phonenumbers.NumberParseException:
        return phone
    if not phonenumbers.is_valid_number(number):
        return phone
    same = phonenumbers.country_code_for_region(region) == number.country_code
    style = phonenumbers.PhoneNumberFormat.NATIONAL if same else phonenumbers.PhoneNumberFormat.INTERNATIONAL
    return phonenumbers.format_number(number, style)


def national_phone(phone: str, region: str) -> str:
    """A phone number as people of the region write it: "040 1234567"; others in the international form."""
    return _national(phone, region) if phone else ""


def clean_email(value: object) -> str:
    """An e-mail address, its domain in lower case. The network is not asked.

    Raises:
        FieldError: it is not an address.
    """
    from email_validator import EmailNotValidError, validate_email

    text = clean_text(value, limit=SHORT_TEXT, lines=False)
    if not text:
        return ""
    try:
        return validate_email(text, check_deliverability=False).normalized
    except EmailNotValidError as error:
        raise FieldError(
            N_("This is not a complete e-mail address. Write it like name@example.com, or leave it empty.")
        ) from error


def clean_list(value: object) -> str:
    """A list as one string, joined by "; ", without doubles (case does not matter)."""
    parts = clean_text(value, lines=False).split(";") if isinstance(value, str) else _parts(value)
    seen: dict[str, str] = {}
    for part in parts:
        if text := " ".join(clean_text(part, limit=SHORT_TEXT, lines=False).split()):
            seen.setdefault(text.casefold(), text)
    return clean_text(SEPARATOR.join(seen.values()))


def _parts(value: object) -> list[str]:
    if not isinstance(value, Iterable):
        return []
    return [part for item in value for part in str(item).split(";")]


def clean_date(value: object) -> dt.date | None:
    """A date from a date, a time or an ISO string; None when empty.

    Raises:
        FieldError: it is none, or one outside of `YEARS`.
    """
    if value is None or value == "" or value is pd.NaT:
        return None
    if isinstance(value, dt.datetime):
        value = value.date()
    try:
        date = value if isinstance(value, dt.date) else dt.date.fromisoformat(str(value))
    except ValueError as error:
        raise FieldError(N_("This is not a date.")) from error
    if date.year not in YEARS:
        raise FieldError(N_("This is not a date."))
    return date


def clean_value(code: str, value: object, region: str = "FI") -> tuple[Any, Text | None]:
    """One value of a column, cleaned, and a warning or None.

    Raises:
        FieldError: the value cannot be taken.
    """
    column = BY_CODE[code]
    match column.kind:
        case Kind.PHONE:
            return clean_phone(value, region)
        case Kind.EMAIL:
            return clean_email(value), None
        case Kind.LIST:
            return clean_list(value), None
        case Kind.LONG:
            return clean_text(value), None
        case Kind.CHOICE:
            text = clean_text(value, lines=False)
            if text and text not in column.choices:
                raise FieldError(N_("Choose one of the offered values."))
            return text, None
        case Kind.DATE:
            return clean_date(value), None
        case Kind.TIME:
            return value, None
        case _:
            return clean_text(value, limit=SHORT_TEXT, lines=False), None


def clean_record(
    values: Mapping[str, Any], *, today: dt.date, region: str = "FI", base: Mapping[str, Any] | None = None
) -> tuple[dict[str, Any], dict[str, Text]]:
    """The given values cleaned and checked together with the row they belong to.

    Args:
        values: code to value; codes that the schema does not know are an error.
        today: no date of the past may lie after it.
        region: where phone numbers without a country code are from.
        base: the row that is changed; None for a new one.

    Returns:
        The cleaned values of the codes given, and warnings by code.

    Raises:
        Invalid: with a text for each field that is wrong.
    """
    cleaned: dict[str, Any] = {}
    warnings: dict[str, Text] = {}
    wrong: dict[str, Text] = {}
    for code, value in values.items():
        try:
            cleaned[code], warning = clean_value(code, value, region)
        except FieldError as error:
            wrong[code] = error.text
            continue
        if warning:
            warnings[code] = warning
        if BY_CODE[code].past and cleaned[code] and cleaned[code] > today:
            wrong[code] = Text(N_("The date is in the future. Choose today or an earlier day."))
    row = {**(base or {}), **cleaned}
    touched = values.keys() if base is not None else {*values, *FORM_CODES}
    if (
        {"name", "organisation"} & touched
        and not (row.get("name") or row.get("organisation"))
        and not {"name", "organisation"} & wrong.keys()
    ):
        wrong["name"] = Text(N_("Write at least a name or an organisation."))
    if {"source"} & touched and not row.get("source") and "source" not in wrong:
        wrong["source"] = Text(N_("Choose the source."))
    if {"source", "source_detail"} & touched and row.get("source") == "public" and not row.get("source_detail"):
        wrong.setdefault(
            "source_detail", Text(N_("With a public source, write which register, page or address it was."))
        )
    if {"received"} & touched and not row.get("received"):
        wrong.setdefault("received", Text(N_("Choose the date when the data was received.")))
    if {"hold_reason", "hold_until"} & touched and bool(row.get("hold_reason")) != bool(row.get("hold_until")):
        missing = "hold_until" if row.get("hold_reason") else "hold_reason"
        wrong.setdefault(missing, Text(N_("Keeping longer needs both a ground and a review date.")))
    if wrong:
        raise Invalid(wrong)
    return cleaned, warnings
