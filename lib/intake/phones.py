"""Phone numbers that a spreadsheet took for numbers: their zeros and plus come back, or what is lost is said.

Source of number formats: ECMA-376 part 1, 18.8.31.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Any

from lib.cleaning import FieldError, clean_phone
from lib.i18n import N_, Text
from lib.intake.files import Value

_USUAL = re.compile(r"(?:0|\+358)([45]\d{6,9})")
_SCIENTIFIC = re.compile(r"\+?(\d)(?:[.,](\d+))?E\+?(\d{1,2})", re.IGNORECASE)
_TOKEN = re.compile(r'"([^"]*)"|\\(.)|\[([^\]]*)\]|_.|\*.|([0#?])|(E[+-])|(.)', re.IGNORECASE | re.DOTALL)
_CONDITION = re.compile(r"([<>=]{1,2})(-?\d+(?:\.\d+)?)")
_UNLIKE = N_("This does not look like a phone number. It is kept as you typed it.")
_PLAIN = re.compile(r"[\d\s()./-]+")
_LOST = N_("Digits of this number are lost: {value}. Ask for the number, or take it from another list.")
_RESTORED = N_("The file has {value} without its beginning; {phone} was made of it. Check it.")
_UNSURE = N_("The file has {value}: a zero or a plus may be missing at its beginning. It is kept as it is.")


def phone_of(value: Value, number_format: str, region: str) -> tuple[str, Text | None]:
    """A phone number as the register keeps it, and a warning or None.

    Args:
        value: the cell; numbers and texts.
        number_format: how the file shows it, "" where that is not known.

    Raises:
        FieldError: digits are lost.
    """
    if value is None:
        return "", None
    if isinstance(value, bool):
        return clean_phone(str(value), region)
    if isinstance(value, (int, float)):
        return _of_number(value, number_format, region)
    text = str(value).strip()
    if found := _SCIENTIFIC.fullmatch(text):
        text = _written_out(found, text)
        return _of_digits(text, text, region)
    if _PLAIN.fullmatch(text) and not text.lstrip(" (").startswith("0"):
        return _of_digits(re.sub(r"\D", "", text), text, region)
    return cleaned(text, region)


@lru_cache(maxsize=65_536)
def cleaned(text: str, region: str) -> tuple[str, Text | None]:
    """`clean_phone`, remembered, since a list has its switchboards again and again; fast for usual mobile numbers."""
    if usual := _usual(text.replace(" ", "").replace("-", ""), region):
        return usual, None
    return clean_phone(text, region)


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    import phonenumbers

    known: Any = phonenumbers.PhoneMetadata.metadata_for_region("FI")
    return re.compile(known.general_desc.national_number_pattern), re.compile(known.mobile.national_number_pattern)


def _usual(text: str, region: str) -> str:
    """A Finnish mobile number in E.164, by the patterns of phonenumbers; "" for any other, which it has to parse."""
    found = _USUAL.fullmatch(text) if region == "FI" else None
    return f"+358{found[1]}" if found and all(pattern.fullmatch(found[1]) for pattern in _patterns()) else ""


def _of_number(value: float, number_format: str, region: str) -> tuple[str, Text | None]:
    if isinstance(value, float) and not value.is_integer():
        return f"{value:.15g}", Text(_UNLIKE)
    if abs(value) >= 1e15:  # a number holds 15 digits
        raise FieldError(_LOST, value=f"{value:.0f}")
    number = int(value)
    shown = rendered(number, number_format) if number_format else ""
    digits = re.sub(r"\D", "", shown)
    if shown and digits.endswith(str(abs(number))) and (digits.startswith("0") or shown.lstrip(" (").startswith("+")):
        return cleaned(shown.strip(), region)
    return _of_digits(str(number), str(number), region)


def _written_out(found: re.Match[str], text: str) -> str:
    """All the digits of a number like 3.58401E+11, if they are there."""
    digits, exponent = found[1] + (found[2] or ""), int(found[3])
    if len(digits) < exponent + 1 or (len(digits) > exponent + 1 and digits[exponent + 1 :].strip("0")):
        raise FieldError(_LOST, value=text)
    return digits[: exponent + 1]


def _of_digits(digits: str, shown: str, region: str) -> tuple[str, Text | None]:
    """A number that begins with neither zero nor plus: what it must have been, with a warning that says so."""
    if not 7 <= len(digits) <= 15:  # short numbers begin with anything, and are no one's alone
        return cleaned(shown, region)
    if usual := _usual("0" + digits, region) or _usual("+" + digits, region):
        return usual, Text(_RESTORED, {"value": shown, "phone": usual})
    national, mobile = _valid("0" + digits, region)
    foreign, _ = _valid("+" + digits, region)
    if national and foreign and not mobile:
        return shown, Text(_UNSURE, {"value": shown})
    found = national or foreign
    if not found:
        return shown, Text(_UNSURE, {"value": shown})
    return found, Text(_RESTORED, {"value": shown, "phone": found})


def _valid(text: str, region: str) -> tuple[str, bool]:
    """A number in E.164 if it is valid, otherwise "", and whether it is a mobile one."""
    import phonenumbers

    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return "", False
    kind = phonenumbers.number_type(number)
    if kind == phonenumbers.PhoneNumberType.UNKNOWN:
        return "", False
    mobile = kind in (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), mobile


@lru_cache(maxsize=4_096)
def _sections(number_format: str) -> tuple[tuple[str, float, tuple[tuple[str, str], ...]], ...]:
    """The sections of a number format: the condition's sign and number, and what it writes."""
    found: list[tuple[str, float, tuple[tuple[str, str], ...]]] = []
    sign, bound = "", 0.0
    tokens: list[tuple[str, str]] = []
    for token in _TOKEN.finditer(number_format):
        quoted, escaped, bracket, digit, scientific, other = token.groups()
        if other == ";":
            found.append((sign, bound, tuple(tokens)))
            sign, bound, tokens = "", 0.0, []
        elif bracket is not None:
            if condition := _CONDITION.fullmatch(bracket):
                sign, bound = condition[1], float(condition[2])
        elif digit:
            tokens.append(("digit", digit))
        elif scientific or other in (".", ",", "%", "@"):
            tokens.append(("number", token[0]))
        elif (text := quoted if quoted is not None else escaped or other) is not None and token[0][0] not in "_*":
            tokens.append(("text", text))
    found.append((sign, bound, tuple(tokens)))
    return tuple(found)


def rendered(number: int, number_format: str) -> str:
    """A whole number as its format shows it; "" where the format is not one of digits and signs.

    "0000000000" shows 401234567 as "0401234567".
    """
    sections = _sections(number_format)
    fits = {"<": number.__lt__, "<=": number.__le__, ">": number.__gt__, ">=": number.__ge__, "=": number.__eq__}
    fits["<>"] = number.__ne__
    with_conditions = any(sign for sign, _, _ in sections)
    if with_conditions:
        tokens = next(
            (t for sign, bound, t in sections if not sign or (sign in fits and fits[sign](int(bound)) is True)), ()
        )
    else:
        tokens = sections[1][2] if number < 0 and len(sections) > 1 else sections[0][2]
    places = sum(kind == "digit" for kind, _ in tokens)
    if not places or any(kind == "number" for kind, _ in tokens):
        return ""
    digits = str(abs(number)).rjust(places)
    written, first = [], len(digits) - places
    for kind, text in tokens:
        if kind == "text":
            written.append(text)
            continue
        if first > 0 and digits[:first].strip():
            written.append(digits[:first])
            digits, first = digits[first:], 0
        letter, digits = digits[0], digits[1:]
        written.append(letter if letter != " " else {"0": "0", "?": " "}.get(text, ""))
    return "".join(written)
