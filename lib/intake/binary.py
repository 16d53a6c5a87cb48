"""What an .xlsb says beyond its cells' values: number formats, hidden rows, errors.

One pass over the records of each sheet. Source: [MS-XLSB] 2.1.4 (records), 2.2.1 and 2.4 (their numbers and contents).
"""

from __future__ import annotations

import posixpath
import struct
import zipfile
from collections.abc import Iterator
from io import BytesIO

from defusedxml.ElementTree import fromstring

from lib.intake.facts import Facts, too_many_columns, too_many_rows
from lib.intake.files import Limits
from lib.intake.package import PLAIN_FORMATS

_ROW, _BLANK, _RK, _ERROR, _REAL, _FORMULA_NUMBER, _FORMULA_ERROR = 0, 1, 2, 3, 5, 9, 11
_CELLS = range(1, 12)
_FORMAT, _STYLE, _BOOK, _SHEET, _BEGIN_STYLES, _END_STYLES = 44, 47, 153, 156, 617, 618
_HIDDEN = 0x10  # in the twelfth byte of a row
_ERRORS = {0: "#NULL!", 7: "#DIV/0!", 15: "#VALUE!", 23: "#REF!", 29: "#NAME?", 36: "#NUM!", 42: "#N/A"}


class BinaryPackage:
    """An .xlsb as a zip of parts."""

    def __init__(self, content: bytes) -> None:
        self._archive = zipfile.ZipFile(BytesIO(content))
        self.names = {name.lower(): name for name in self._archive.namelist()}
        self.date1904 = False
        self._paths: dict[str, str] = {}
        targets = self._targets()
        for kind, data in records(self._read("xl/workbook.bin")):
            if kind == _BOOK and data:
                self.date1904 = bool(data[0] & 1)
            elif kind == _SHEET:
                relation, at = _text(data, 8)
                self._paths[_text(data, at)[0]] = targets.get(relation, "")
        self._styles = self._telling_styles()

    def has(self, start: str) -> bool:
        """Whether there is a part whose name begins so."""
        return any(name.startswith(start) for name in self.names)

    def facts(self, sheet: str, limits: Limits) -> Facts:
        """What a sheet's records say.

        Raises:
            ImportRefused: it has too many rows or columns.
        """
        facts, row = Facts(), -1
        for kind, data in records(self._read(self._paths.get(sheet, ""))):
            if kind == _ROW:
                row = int.from_bytes(data[:4], "little")
                if len(data) > 11 and data[11] & _HIDDEN:
                    facts.hidden.add(row)
            elif kind in _CELLS and kind != _BLANK:
                column = int.from_bytes(data[:4], "little")
                facts.last_row, facts.last_column = max(facts.last_row, row), max(facts.last_column, column)
                if facts.last_row > limits.rows:
                    raise too_many_rows(sheet, limits)
                if facts.last_column >= limits.columns:
                    raise too_many_columns(sheet, limits)
                if kind in (_RK, _REAL, _FORMULA_NUMBER):
                    if form := self._styles.get(int.from_bytes(data[4:7], "little")):
                        facts.formats[row, column] = form
                elif kind in (_ERROR, _FORMULA_ERROR):
                    facts.unread[row, column] = _ERRORS.get(data[8], "#?")
        return facts

    def _read(self, name: str) -> bytes:
        found = self.names.get(name.lower())
        return self._archive.read(found) if found else b""

    def _targets(self) -> dict[str, str]:
        return {
            element.attrib.get("Id", ""): posixpath.normpath(
                posixpath.join("/xl", element.attrib.get("Target", ""))
            ).lstrip("/")
            for element in fromstring(self._read("xl/_rels/workbook.bin.rels"), forbid_dtd=True)
        }

    def _telling_styles(self) -> dict[int, str]:
        from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format

        codes, styles = dict(BUILTIN_FORMATS), dict[int, str]()
        number, inside = 0, False
        for kind, data in records(self._read("xl/styles.bin")):
            if kind == _FORMAT:
                codes[int.from_bytes(data[:2], "little")] = _text(data, 2)[0]
            elif kind in (_BEGIN_STYLES, _END_STYLES):
                inside = kind == _BEGIN_STYLES
            elif kind == _STYLE and inside:
                code = codes.get(int.from_bytes(data[2:4], "little"), "General")
                if code not in PLAIN_FORMATS and not is_date_format(code):
                    styles[number] = code
                number += 1
        return styles


def records(part: bytes) -> Iterator[tuple[int, bytes]]:
    """The records of a binary part: number and content."""
    at, end = 0, len(part)
    while at < end:
        kind = part[at]
        at += 1
        if kind & 0x80:
            kind = (kind & 0x7F) | (part[at] & 0x7F) << 7
            at += 1
        length = shift = 0
        while True:
            byte = part[at]
            at += 1
            length |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80 or shift > 21:
                break
        yield kind, part[at : at + length]
        at += length


def _text(data: bytes, at: int) -> tuple[str, int]:
    """A text with its length before it, and where it ends."""
    (length,) = struct.unpack_from("<I", data, at)
    end = at + 4 + 2 * length
    return data[at + 4 : end].decode("utf-16-le", "replace"), end
