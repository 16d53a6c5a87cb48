"""Fingerprints of what a list says, in a hidden sheet of it, so that its edits can be told when it comes back.

A fingerprint is six bytes of an HMAC over a column's code, a row's number and a value in one form. Its key is made for
this one list from a key that only the register has: who has the file alone can test no guess with it, and two lists
show nothing of each other.

Source: HMAC, RFC 2104.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import pandas as pd

from lib import cleaning, schema
from lib.cleaning import FieldError
from lib.i18n import N_, translator
from lib.schema import Kind

SHEET = "Sormenjäljet"
VERSION = 1
BYTES = 6  # of each fingerprint
FACTS = ("version", "register", "by", "at", "codes", "language", "salt", "seal")
_BLOCK = 64  # of SHA-256
_INNER, _OUTER = bytes(n ^ 0x36 for n in range(256)), bytes(n ^ 0x5C for n in range(256))
# What cleaning gives back as it is; the rest takes fifty times as long.
_E164 = re.compile(r"\+358[1-9][0-9]{4,11}")
_PLAIN_EMAIL = re.compile(
    r"[a-z0-9_+-]+(\.[a-z0-9_+-]+)*@(?!xn--)[a-z0-9]+(-[a-z0-9]+)*(\.(?!xn--)[a-z0-9]+(-[a-z0-9]+)*)+"
)


class Origin(NamedTuple):
    """Where a list comes from: the register's identifier, its key for lists, and who took it when."""

    register: str
    key: bytes
    by: str
    at: dt.datetime
    region: str = "FI"


class Prints:
    """Makes the fingerprints of one list.

    Args:
        key: the register's key for lists.
        salt: of this list.
    """

    def __init__(self, key: bytes, salt: bytes) -> None:
        self._key = hmac.digest(key, b"list" + salt, "sha256")
        padded = self._key.ljust(_BLOCK, b"\0")
        # HMAC from its two halves: a fifth of the time that the library takes to begin one.
        self._inner, self._outer = hashlib.sha256(padded.translate(_INNER)), hashlib.sha256(padded.translate(_OUTER))

    def of(self, code: str, prospect_id: str, said: str) -> bytes:
        """The fingerprint of a value, which is given in the one form of `canonical`."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(f"{code}\0{prospect_id}\0{said}".encode("utf-8", "surrogatepass"))
        outer.update(inner.digest())
        return outer.digest()[:BYTES]

    def seal(self, facts: Mapping[str, str], rows: Sequence[tuple[str, str]]) -> str:
        """What proves that nobody changed the sheet: the facts but the seal itself, and the rows."""
        told = [f"{name}\0{facts[name]}" for name in FACTS if name != "seal"]
        content = "\n".join([*told, *(f"{i}\0{prints}" for i, prints in rows)])
        return hmac.digest(self._key, b"seal" + content.encode("utf-8", "surrogatepass"), "sha256").hex()


def canonical(code: str, value: Any, region: str) -> str:
    """A value in the one form in which it is compared: what a form would make of it, as text; "" where it is empty."""
    if value is None or value == "" or value is pd.NaT:
        return ""
    kind = schema.BY_CODE[code].kind
    if isinstance(value, dt.date):
        if kind is Kind.TIME and isinstance(value, dt.datetime):
            return (value + dt.timedelta(microseconds=500_000)).replace(microsecond=0).isoformat()
        return value.date().isoformat() if isinstance(value, dt.datetime) else value.isoformat()
    text = str(value)
    if kind is Kind.PHONE:
        return text if _E164.fullmatch(text) else _cleaned(code, text, region)
    if kind is Kind.EMAIL:
        return text if _PLAIN_EMAIL.fullmatch(text) else _cleaned(code, text, region)
    return _clean(code, text, region)


def _clean(code: str, text: str, region: str) -> str:
    try:
        value, _ = cleaning.clean_value(code, text, region)
    except FieldError:
        return text
    return value.isoformat() if isinstance(value, dt.date) else "" if value is None else str(value)


_cleaned = lru_cache(maxsize=20_000)(_clean)


def plain_columns(frame: pd.DataFrame, codes: Sequence[str]) -> dict[str, list[Any]]:
    """Columns of a table as plain values: text, dates, times, None for no date."""
    found: dict[str, list[Any]] = {}
    for code in codes:
        if code not in schema.DATE_CODES:
            found[code] = frame[code].tolist()
            continue
        unit = "D" if schema.BY_CODE[code].kind is Kind.DATE else "s"
        found[code] = frame[code].to_numpy(dtype=f"datetime64[{unit}]").astype(object).tolist()
    return found


def add_fingerprints(book: Any, frame: pd.DataFrame, codes: Sequence[str], language: str, origin: Origin) -> None:
    """Add the hidden sheet to a list.

    Args:
        frame: the rows as the list shows them.
        codes: the list's columns.
    """
    salt = secrets.token_bytes(16)
    prints = Prints(origin.key, salt)
    ids = [str(i) for i in frame["id"].tolist()]
    written = [bytearray() for _ in ids]
    for code, values in plain_columns(frame, codes).items():
        for made, i, value in zip(written, ids, values, strict=True):
            made += prints.of(code, i, canonical(code, value, origin.region))
    rows = [(i, base64.b64encode(made).decode()) for i, made in zip(ids, written, strict=True)]
    facts = {
        "version": str(VERSION),
        "register": origin.register,
        "by": origin.by,
        "at": origin.at.isoformat(),
        "codes": " ".join(codes),
        "language": language,
        "salt": salt.hex(),
    }
    facts["seal"] = prints.seal(facts, rows)
    sheet = book.add_worksheet(SHEET)
    note = N_("What the program needs when this list comes back. Please do not edit this sheet.")
    sheet.write_string(0, 0, translator(language)(note))
    for row, name in enumerate(FACTS, 1):
        sheet.write_string(row, 0, name)
        sheet.write_string(row, 1, facts[name])
    for row, (i, text) in enumerate(rows, len(FACTS) + 1):
        sheet.write_string(row, 0, i)
        sheet.write_string(row, 1, text)
    sheet.very_hidden()
