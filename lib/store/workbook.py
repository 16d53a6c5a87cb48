"""The workbook: the register as an encrypted Excel file, and back.

Sheet `Prospektit` has a row for each prospect, sheet `Tiedot` what the program needs. Columns and sheets of others
are kept as values.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO
from typing import Any

from lib import schema
from lib.errors import WrongPassword
from lib.i18n import N_, translator
from lib.store.encryption import decrypt, encrypt
from lib.store.reading import INFO_SHEET, Content, Info, Problem, read_plain
from lib.store.sheet import add_prospects, describe, new_book, other_formats, write_any

__all__ = ["Content", "Info", "Problem", "read", "read_plain", "write"]

_INFO = {
    "schema": N_("Version of the columns. The program reads this one and older ones."),
    "register": N_("The register's identifier."),
    "generation": N_("How many times the workbook has been written."),
    "last_number": N_("The last number given. Numbers are never used again."),
    "written": N_("When the workbook was written."),
    "rows": N_("How many prospects there were when the workbook was written."),
}


def write(content: Content, password: str, language: str) -> bytes:
    """The encrypted workbook of a register. `lib.store.worker.build` reads it again before it is used.

    Args:
        language: of headings and choices.
    """
    buffer = BytesIO()
    book = new_book(buffer)
    add_prospects(book, content.frame, schema.CODES, language, content.extras)
    _add_info(book, replace(content.info, rows=len(content.frame)), language)
    formats = other_formats(book)
    for name, rows in content.sheets.items():
        sheet = book.add_worksheet(name[:31])  # the longest name that Excel takes
        for row, cells in enumerate(rows):
            for column, value in enumerate(cells):
                write_any(sheet, row, column, value, formats)
    describe(book, language, translator(language)(N_("Register of prospects")))
    book.close()
    return encrypt(buffer.getvalue(), password, check=False)


def _add_info(book: Any, info: Info, language: str) -> None:
    t = translator(language)
    sheet = book.add_worksheet(INFO_SHEET)
    sheet.set_column(0, 0, 16)
    sheet.set_column(1, 1, 36)
    sheet.set_column(2, 2, 80)
    bold = book.add_format({"bold": True})
    sheet.write_string(0, 0, t(N_("What the program needs. Please do not edit this sheet.")), bold)
    for row, (key, meaning) in enumerate(_INFO.items(), 2):
        value = getattr(info, key)
        sheet.write_string(row, 0, key)
        sheet.write_string(row, 1, value.isoformat() if isinstance(value, dt.datetime) else str(value))
        sheet.write_string(row, 2, t(meaning))


def read(sealed: bytes, passwords: str | Sequence[str], name: str, *, own: bool = False) -> Content:
    """What an encrypted workbook holds.

    Args:
        passwords: one, or several of which one may open it.
        name: the file's name, for the messages.
        own: the program wrote it, and nobody changed it since. Any other file is read cell by cell, and
            `Content.problems` lists what cannot be understood; `Content.check` refuses it.

    Raises:
        WrongPassword, Damaged, NewerSchema
        InvalidWorkbook: it is not encrypted, a sheet or a needed column is missing, or the program's own facts were
            changed.
    """
    tried = [passwords] if isinstance(passwords, str) else passwords
    for password in tried:
        try:
            plain = decrypt(sealed, password, name)
        except WrongPassword:
            continue
        return read_plain(plain, name, own=own)
    raise WrongPassword
