"""What an .ods says beyond its cells' values: how numbers are shown, hidden rows, joined cells, errors.

One pass over content.xml. Source: OASIS OpenDocument 1.3 part 3.
"""

from __future__ import annotations

import re
import zipfile
from io import BytesIO
from xml.parsers import expat

from lib.intake.container import refuse_declarations
from lib.intake.facts import Facts, too_many_columns, too_many_rows
from lib.intake.files import Limits

_PART = 1 << 18
_CELLS = ("table:table-cell", "table:covered-table-cell")


class Document:
    """An .ods as a zip of parts."""

    def __init__(self, content: bytes) -> None:
        self._archive = zipfile.ZipFile(BytesIO(content))
        names = self._archive.namelist()
        self.macros = any(name.startswith(("Basic/", "Scripts/")) for name in names)
        self.date1904 = False
        self._reader: _Reader | None = None

    def facts(self, sheet: str, limits: Limits) -> Facts:
        """What the XML says of a sheet.

        Raises:
            ImportRefused: a sheet has too many rows or columns, or there is a DTD.
        """
        if self._reader is None:
            self._reader = _Reader(limits)
            with self._archive.open("content.xml") as stream:
                while chunk := stream.read(_PART):
                    self._reader.parser.Parse(chunk, False)
                self._reader.parser.Parse(b"", True)
        return self._reader.sheets.get(sheet, (Facts(), []))[0]

    def merged(self, sheet: str) -> list[tuple[int, int, int, int]]:
        return self._reader.sheets.get(sheet, (Facts(), []))[1] if self._reader else []


class _Reader:
    def __init__(self, limits: Limits) -> None:
        self.sheets: dict[str, tuple[Facts, list[tuple[int, int, int, int]]]] = {}
        self._limits = limits
        self._name = ""
        self._facts, self._merged = Facts(), list[tuple[int, int, int, int]]()
        self._row = self._column = 0
        self._repeat_row = self._repeat_cell = 1
        self._depth = 0  # of tables within tables
        self._number = ""
        self._error = False
        self._filled = False
        self._text: list[str] = []
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = refuse_declarations
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end

    def _start(self, name: str, given: dict[str, str]) -> None:
        if name == "table:table":
            self._depth += 1
            if self._depth == 1:
                self._name = given.get("table:name", "")
                self._facts, self._merged = Facts(), []
                self.sheets[self._name] = (self._facts, self._merged)
                self._row = 0
        elif self._depth != 1:
            return
        elif name == "table:table-row":
            self._column = 0
            self._repeat_row = _count(given, "table:number-rows-repeated")
            if given.get("table:visibility", "visible") != "visible" and self._repeat_row < 100_000:
                self._facts.hidden.update(range(self._row, self._row + self._repeat_row))
        elif name in _CELLS:
            self._begin_cell(name, given)

    def _begin_cell(self, name: str, given: dict[str, str]) -> None:
        self._repeat_cell = _count(given, "table:number-columns-repeated")
        kind = given.get("office:value-type", "")
        self._number = given.get("office:value", "") if kind == "float" else ""
        self._error = given.get("calcext:value-type") == "error"
        self._filled = bool(kind)
        if kind == "float" or self._error:
            self._text = []
            self.parser.CharacterDataHandler = self._text.append
        across, down = _count(given, "table:number-columns-spanned"), _count(given, "table:number-rows-spanned")
        if across * down > 1:
            self._merged.append((self._row, self._column, self._row + down - 1, self._column + across - 1))

    def _end(self, name: str) -> None:
        if name == "table:table":
            self._depth -= 1
        elif self._depth != 1:
            return
        elif name == "table:table-row":
            self._row += self._repeat_row
        elif name in _CELLS:
            if self._filled:
                self._keep()
            self.parser.CharacterDataHandler = None
            self._column += self._repeat_cell

    def _keep(self) -> None:
        facts, rows, columns = self._facts, self._repeat_row, self._repeat_cell
        facts.last_row = max(facts.last_row, self._row + rows - 1)
        facts.last_column = max(facts.last_column, self._column + columns - 1)
        if facts.last_row > self._limits.rows:
            raise too_many_rows(self._name, self._limits)
        if facts.last_column >= self._limits.columns:
            raise too_many_columns(self._name, self._limits)
        shown = "".join(self._text).strip() if (self._number or self._error) else ""
        form = format_of(self._number, shown) if self._number and not self._error else ""
        if form or self._error:
            for row in range(self._row, self._row + rows):
                for column in range(self._column, self._column + columns):
                    if self._error:
                        facts.unread[row, column] = shown or "#?"
                    else:
                        facts.formats[row, column] = form


def _count(given: dict[str, str], name: str) -> int:
    text = given.get(name, "1")
    return max(int(text), 1) if text.isdecimal() else 1


def format_of(number: str, shown: str) -> str:
    """The number format that shows a whole number as it is shown; "" where it is shown as it is.

    An .ods keeps what is shown beside each number: "0401234567" beside 401234567 has the format "0000000000".
    """
    digits = number.removesuffix(".0")
    held = re.sub(r"\D", "", shown)
    if not digits.isdecimal() or not held.endswith(digits) or (held == digits and not shown.startswith("+")):
        return ""
    literal = len(held) - len(digits)
    zeros = literal if set(held[:literal]) <= {"0"} else 0
    written, seen = [], 0
    for letter in shown:
        if letter.isdecimal():
            written.append("0" if seen >= literal or zeros else "\\" + letter)
            seen += 1
        else:
            written.append(letter if letter in " -()/" else "\\" + letter)
    return "".join(written)
