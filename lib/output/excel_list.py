"""The Excel list: chosen rows and columns as an encrypted workbook to take along, and to bring back edited."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Sequence
from io import BytesIO

import pandas as pd

from lib.i18n import N_, translator
from lib.output.fingerprints import Origin, add_fingerprints
from lib.store.encryption import encrypt
from lib.store.sheet import add_prospects, describe, new_book

_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789"  # none that looks like another


def build(
    frame: pd.DataFrame, codes: Sequence[str], *, password: str, language: str, origin: Origin | None = None
) -> bytes:
    """An encrypted workbook with one sheet, and a hidden one of fingerprints if it may come back.

    Args:
        frame: the rows, in order, with the schema's codes as columns.
        codes: the columns to take, in order. A list without the numbers of its rows cannot come back.
        language: of headings and choices.
        origin: where it comes from; None for a list that does not come back.
    """
    buffer = BytesIO()
    book = new_book(buffer)
    add_prospects(book, frame, codes, language)
    if origin and "id" in codes:
        add_fingerprints(book, frame, codes, language, origin)
    describe(book, language, translator(language)(N_("Excel list of prospects")))
    book.close()
    return encrypt(buffer.getvalue(), password)


def strong_password() -> str:
    """A random password of 20 letters and digits in groups, over 110 bits, that can be read out aloud."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(5)) for _ in range(4))


def file_name(language: str, today: dt.date, kind: str = "xlsx") -> str:
    return f"{translator(language)(N_('Prospects')).lower()}-{today:%Y-%m-%d}.{kind}"
