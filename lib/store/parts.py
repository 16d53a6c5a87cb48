"""The parts of a plain workbook, which is a zip of XML: what its cells say beyond their values.

Source: ECMA-376 part 1, SpreadsheetML.
"""

from __future__ import annotations

import html
import posixpath
import re
import zipfile
from collections.abc import Iterator
from io import BytesIO
from typing import NamedTuple

_TAG = rb"<(?:\w+:)?%b\b([^>]*)>"
_ATTRIBUTE = re.compile(rb"([\w:]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_CELL = re.compile(rb"<(?:\w+:)?c\s([^>]*[^/>])>(.*?)</(?:\w+:)?c>", re.DOTALL)
_FORMULA = re.compile(rb"<(?:\w+:)?f\b[^>]*?(?:/>|>(.*?)</(?:\w+:)?f>)", re.DOTALL)
_VALUE = re.compile(rb"<(?:\w+:)?v\b[^>/]*>(.*?)</(?:\w+:)?v>", re.DOTALL)
_PLACE = re.compile(r"[A-Z]{1,3}[1-9]\d{0,6}")
_MARKS = (b"<f>", b"<f ", b"<f/", b":f>", b":f ", b't="e"', b"t='e'")  # nothing of a formula or an error without one
_CONSTANTS = ("TRUE()", "FALSE()")  # LibreOffice writes yes and no like this


class FormulaCell(NamedTuple):
    """A cell with a formula ("" without one) or an error. `value` is None where nothing was computed, and `place`, such
    as "H13", "" where the file does not say it well.
    """

    place: str
    formula: str
    value: str | None
    error: bool


class Parts:
    """The parts of a workbook, by name. What is not there or cannot be read is empty; nothing is ever raised."""

    def __init__(self, plain: bytes) -> None:
        self._archive: zipfile.ZipFile | None
        try:
            self._archive = zipfile.ZipFile(BytesIO(plain))
            self.names = self._archive.namelist()
        except Exception:  # whatever a broken byte leads to
            self._archive, self.names = None, []

    def read(self, name: str) -> bytes:
        try:
            return self._archive.read(name) if self._archive else b""
        except Exception:  # missing, broken, or packed in a way that is not known
            return b""

    def sheets(self) -> dict[str, bytes]:
        """The sheets by their title."""
        targets = {
            found.get("Id", ""): found.get("Target", "")
            for found in _tags(self.read("xl/_rels/workbook.xml.rels"), b"Relationship")
        }
        sheets = {}
        for found in _tags(self.read("xl/workbook.xml"), b"sheet"):
            ids = [value for name, value in found.items() if name.endswith(":id")]
            if ids and targets.get(ids[0]) and "name" in found:
                path = posixpath.normpath(posixpath.join("/xl", targets[ids[0]]))
                sheets[found["name"]] = self.read(path.lstrip("/"))
        return sheets


def formulas(sheet: bytes) -> Iterator[FormulaCell]:
    """The cells of a sheet that hold a formula or an error. Costs little where there is none."""
    if not any(mark in sheet for mark in _MARKS):
        return
    for cell in _CELL.finditer(sheet):
        attributes = _attributes(cell[1])
        formula, value = _FORMULA.search(cell[2]), _VALUE.search(cell[2])
        kind, text = attributes.get("t", "n"), _text(formula[1]) if formula else ""
        if (formula and text not in _CONSTANTS) or kind == "e":
            computed = _text(value[1]) if value else ""
            known = bool(computed) or kind in ("str", "inlineStr")  # an empty text is a result, too
            place = attributes.get("r", "").upper()
            yield FormulaCell(place if _PLACE.fullmatch(place) else "", text, computed if known else None, kind == "e")


def _tags(part: bytes, name: bytes) -> Iterator[dict[str, str]]:
    return (_attributes(found[1]) for found in re.finditer(_TAG % name, part))


def _attributes(tag: bytes) -> dict[str, str]:
    return {name.decode(): _text(double or single) for name, double, single in _ATTRIBUTE.findall(tag)}


def _text(written: bytes | None) -> str:
    return html.unescape((written or b"").decode("utf-8", "replace"))
