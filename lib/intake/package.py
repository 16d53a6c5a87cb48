"""What an .xlsx says beyond its cells' values: number formats, hidden rows, formulas without a value, errors.

One light pass over each sheet's XML. Source: ECMA-376 part 1, SpreadsheetML.
"""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Callable
from io import BytesIO
from typing import Any
from xml.parsers import expat

from defusedxml.ElementTree import fromstring

from lib.intake.container import refuse_declarations
from lib.intake.facts import Facts, column_of, quick_facts, too_many_columns, too_many_rows
from lib.intake.files import Limits

_PART = 1 << 18
PLAIN_FORMATS = frozenset(("General", "GENERAL", "general", "", "0", "0.00", "#,##0", "#,##0.00", "@", "Standard"))
_DIGITS = "0123456789"


class Package:
    """An .xlsx as a zip of parts."""

    def __init__(self, content: bytes) -> None:
        self._archive = zipfile.ZipFile(BytesIO(content))
        self.names = {name.lower(): name for name in self._archive.namelist()}
        book = fromstring(self._read("xl/workbook.xml"), forbid_dtd=True)
        targets = self._targets()
        self.paths: dict[str, str] = {}
        self.date1904 = False
        for element in book.iter():
            name = element.tag.rpartition("}")[2]
            if name == "sheet":
                ids = [value for key, value in element.attrib.items() if key.endswith("}id")]
                if ids and ids[0] in targets:
                    self.paths[element.attrib.get("name", "")] = targets[ids[0]]
            elif name == "workbookPr":
                self.date1904 = element.attrib.get("date1904", "0").lower() in ("1", "true", "on")
        self._styles = self._telling_styles()

    def has(self, start: str) -> bool:
        """Whether there is a part whose name begins so."""
        return any(name.startswith(start) for name in self.names)

    def facts(self, sheet: str, limits: Limits) -> Facts:
        """What a sheet's XML says.

        Raises:
            ImportRefused: it has too many rows or columns, or a DTD.
        """
        path = self.names.get(self.paths.get(sheet, "").lower())
        if path is None:
            return Facts()
        with self._archive.open(path) as stream:
            if facts := quick_facts(stream, sheet, self._styles, limits):
                return facts
        reader = _SheetReader(sheet, self._styles, limits)
        with self._archive.open(path) as stream:
            while chunk := stream.read(_PART):
                reader.parser.Parse(chunk, False)
            reader.parser.Parse(b"", True)
        return reader.finished()

    def _read(self, name: str) -> bytes:
        return self._archive.read(self.names[name])

    def _targets(self) -> dict[str, str]:
        found = {}
        for element in fromstring(self._read("xl/_rels/workbook.xml.rels"), forbid_dtd=True):
            target = element.attrib.get("Target", "")
            if element.attrib.get("TargetMode") != "External":
                path = posixpath.normpath(posixpath.join("/xl", target)).lstrip("/")
                found[element.attrib.get("Id", "")] = path
        return found

    def _telling_styles(self) -> dict[str, str]:
        """The number formats that show a number otherwise than it is, by the number of the style."""
        from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format

        if "xl/styles.xml" not in self.names:
            return {}
        codes = dict(BUILTIN_FORMATS)
        styles: dict[str, str] = {}
        root = fromstring(self._read("xl/styles.xml"), forbid_dtd=True)
        for element in root.iter():
            if element.tag.rpartition("}")[2] == "numFmt" and element.attrib.get("numFmtId", "").isdecimal():
                codes[int(element.attrib["numFmtId"])] = element.attrib.get("formatCode", "")
        for group in root:
            if group.tag.rpartition("}")[2] == "cellXfs":
                for number, style in enumerate(group):
                    text = style.attrib.get("numFmtId", "0")
                    code = codes.get(int(text) if text.isdecimal() else 0, "General")
                    if code not in PLAIN_FORMATS and not is_date_format(code):
                        styles[str(number)] = code
        return styles


class _SheetReader:
    """Reads one sheet's XML, event by event."""

    def __init__(self, sheet: str, styles: dict[str, str], limits: Limits) -> None:
        self._sheet, self._styles, self._limits = sheet, styles, limits
        self._facts = Facts()
        self._columns: dict[str, int] = {}
        self._row = self._column = -1
        self._kind = self._style = ""
        self._formula: list[str] | None = None
        self._error: list[str] | None = None
        self._prefix: str | None = None
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = refuse_declarations
        self.parser.StartElementHandler = self._start
        self._handlers: dict[str, Callable[[dict[str, str]], None]] = {}

    def finished(self) -> Facts:
        self._close_cell()
        return self._facts

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if self._prefix is None:
            self._prefix = name[: -len("worksheet")] if name.endswith("worksheet") else ""
            pairs: dict[str, Any] = {"c": self._cell, "v": self._value, "is": self._value, "f": self._begin_formula}
            self._handlers = {self._prefix + key: handler for key, handler in {**pairs, "row": self._begin_row}.items()}
            return
        handler = self._handlers.get(name)
        if handler is not None:
            handler(attributes)

    def _begin_row(self, attributes: dict[str, str]) -> None:
        self._close_cell()
        number = attributes.get("r", "")
        self._row = int(number) - 1 if number else self._row + 1
        self._column = -1
        if attributes.get("hidden", "0") in ("1", "true", "on"):
            self._facts.hidden.add(self._row)

    def _cell(self, attributes: dict[str, str]) -> None:
        if self._formula is not None or self._error is not None:
            self._close_cell()
        place = attributes.get("r")
        if place:
            letters = place.rstrip(_DIGITS)
            column = self._columns.get(letters)
            if column is None:
                column = self._columns[letters] = column_of(letters)
            self._column = column
        else:
            self._column += 1
        self._kind = attributes.get("t", "n")
        self._style = attributes.get("s", "")

    def _value(self, _: dict[str, str]) -> None:
        facts = self._facts
        if self._row > facts.last_row:
            facts.last_row = self._row
            if self._row > self._limits.rows:
                raise too_many_rows(self._sheet, self._limits)
        if self._column > facts.last_column:
            facts.last_column = self._column
            if self._column >= self._limits.columns:
                raise too_many_columns(self._sheet, self._limits)
        if self._formula is not None:
            self._end_text()
            self._formula = None
        if self._kind == "n":
            if self._style in self._styles:
                facts.formats[self._row, self._column] = self._styles[self._style]
        elif self._kind == "e":
            self._error = []
            self.parser.CharacterDataHandler = self._error.append

    def _begin_formula(self, _: dict[str, str]) -> None:
        self._formula = []
        self.parser.CharacterDataHandler = self._formula.append

    def _end_text(self) -> None:
        self.parser.CharacterDataHandler = None

    def _close_cell(self) -> None:
        """What is left open at the end of a cell: a formula that has no value, or an error."""
        place = (self._row, self._column)
        if self._error is not None:
            self._facts.unread[place] = "".join(self._error).strip() or "#?"
        elif self._formula is not None and self._kind != "str":
            self._facts.unread[place] = "=" + "".join(self._formula).strip()
        self._formula = self._error = None
        self._end_text()
