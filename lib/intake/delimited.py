"""Text with separators (.csv, .tsv, .txt): its encoding and its separator are found from its content."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter

from lib.errors import ImportRefused
from lib.i18n import N_, Text
from lib.intake.facts import too_many_columns, too_many_rows
from lib.intake.files import DAMAGED, Book, Limits, Sheet, Value

_SEPARATORS = (";", ",", "\t", "|")
_SAMPLE = 400  # rows that tell the separator
_ONE_BYTE = ("cp1252", "mac_roman", "cp850")
_EXPECTED = re.compile("[äöåÄÖÅéÉèüÜšŠžŽæÆøØßáàóôêëïñç]")
_USUAL = frozenset("–—’‘”“…€£§°´½²®©™·•«» \u00a0")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f]")
_END = "\x1e"  # a record of its own behind the last one tells whether a quotation mark was left open
_NEUTRALISED = re.compile(r"'(?=[=+\-@\t\r])")  # what keeps a cell from being a formula
_FORMULA_TEXT = re.compile(r'="([^"]*)"')  # what keeps a number from losing its zeros
_NO_TEXT = N_("The file {file} is neither a workbook nor text. Save the table as .xlsx or .csv and choose that file.")


def read(content: bytes, name: str, limits: Limits) -> Book:
    """The one sheet of a text with separators; its values are texts.

    Raises:
        ImportRefused: it is no text, has too many rows or columns, or a quotation mark is never closed.
    """
    text, encoding = decoded(content, name)
    notes = []
    if encoding == "mixed":
        notes.append(Text(N_("The file mixes two encodings. Check letters such as ä and ö.")))
        encoding = "utf-8"
    if not name.lower().endswith((".csv", ".txt", ".tsv", ".tab")):
        notes.append(Text(N_("The file is text with separators, not what its name says. It is read as such.")))
    told = re.match(r"sep=(.)\r?\n", text)
    if told:
        text = text[told.end() :]
    csv.field_size_limit(max(csv.field_size_limit(), len(content) + 1_000))  # a cell is no longer than the file
    separator = told[1] if told else separator_of(text)
    rows = _rows(text, separator, limits)
    return Book("csv", [Sheet("CSV", rows)], notes, encoding, separator)


def decoded(content: bytes, name: str) -> tuple[str, str]:
    """A text and its encoding; "mixed" where most is UTF-8 and some of it is not.

    Raises:
        ImportRefused: it is no text.
    """
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if content.startswith(mark):
            try:
                return _checked(content.decode(encoding), name), encoding
            except UnicodeDecodeError as error:
                if encoding == "utf-16":
                    raise ImportRefused(DAMAGED) from error
                content = content[len(mark) :]
                break
    try:
        return _checked(content.decode("utf-8"), name), "utf-8"
    except UnicodeDecodeError:
        pass
    if b"\x00" in content:
        raise ImportRefused(_NO_TEXT, file=name)
    if (pieces := _mixed(content)) is not None:
        return _checked(pieces, name), "mixed"
    found = []
    for encoding in _ONE_BYTE:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        found.append((_likelihood(text), encoding, text))
    likelihood, encoding, text = max(found, key=lambda item: item[0])
    if likelihood <= 0:
        from charset_normalizer import from_bytes

        best = from_bytes(content[:200_000]).best()
        if best and best.encoding:
            try:
                return _checked(content.decode(best.encoding), name), best.encoding
            except UnicodeDecodeError:
                pass
        text, encoding = content.decode("cp1252", "replace"), "cp1252"
    return _checked(text, name), encoding


def _checked(text: str, name: str) -> str:
    """The text, if it is one."""
    sample = text[:200_000]
    if "\x00" in text or len(_CONTROL.findall(sample)) > len(sample) // 200:
        raise ImportRefused(_NO_TEXT, file=name)
    return text


def _mixed(content: bytes) -> str | None:
    """A text whose lines are UTF-8 but for a few, such as lists that were put together; None where it is not one."""
    lines, odd, whole = content.splitlines(keepends=True), 0, 0
    texts = []
    for line in lines:
        try:
            texts.append(line.decode("utf-8"))
            whole += not line.isascii()
        except UnicodeDecodeError:
            texts.append(line.decode("cp1252", "replace"))
            odd += 1
    return "".join(texts) if whole > odd else None


def _likelihood(text: str) -> float:
    """How much a text looks like one of our languages: letters beyond ASCII that they use, against all others."""
    letters = Counter(letter for letter in text[:500_000] if letter > "\x7f")
    good = sum(count for letter, count in letters.items() if _EXPECTED.match(letter))
    usual = sum(count for letter, count in letters.items() if letter in _USUAL)
    return good - (sum(letters.values()) - good - usual)


def separator_of(text: str) -> str:
    """The separator that gives the most rows of one width; a comma where none separates."""
    best, separator = 0.0, ","
    sample = text[:400_000]
    for candidate in _SEPARATORS:
        if candidate not in sample:
            continue
        widths = Counter[int]()
        rows = csv.reader(io.StringIO(sample, newline=""), delimiter=candidate)
        try:
            for _, row in zip(range(_SAMPLE), rows, strict=False):
                if any(cell.strip() for cell in row):
                    widths[len(row)] += 1
        except csv.Error:
            continue
        wide = Counter({width: count for width, count in widths.items() if width > 1})
        if wide:
            width, count = max(wide.items(), key=lambda item: (item[1], item[0]))
            score = count / sum(widths.values()) * (1 - 0.5 / width)
            if score > best:
                best, separator = score, candidate
    return separator


def _rows(text: str, separator: str, limits: Limits) -> list[list[Value]]:
    if not text.endswith(("\n", "\r")):
        text += "\n"
    rows: list[list[Value]] = []
    texts: dict[str, str] = {}
    width, last = 0, 0
    reader = csv.reader(io.StringIO(text + _END, newline=""), delimiter=separator)
    start = 1
    for record in reader:
        if record == [_END]:
            break
        start, before = reader.line_num + 1, start
        if len(record) > limits.columns and any(record[limits.columns :]):
            raise too_many_columns("CSV", limits)
        row = [_value(cell, texts) for cell in record]
        rows.append(row)
        if any(cell is not None for cell in row):
            last = len(rows)
            width = max(width, len(row))
            if last > limits.rows + 1:
                raise too_many_rows("CSV", limits)
        elif len(rows) > 2 * limits.rows + 1_000:  # nothing but line ends
            raise too_many_rows("CSV", limits)
    else:
        raise ImportRefused(
            N_("A quotation mark in line {line} is never closed: the file was cut short there, or a mark is missing."),
            line=before,
        )
    del rows[last:]
    width = min(width, limits.columns)
    return [(row + [None] * (width - len(row)))[:width] for row in rows]


def _value(cell: str, texts: dict[str, str]) -> Value:
    if not cell:
        return None
    if cell[0] in "='":
        if formula := _FORMULA_TEXT.fullmatch(cell):
            cell = formula[1]
        elif _NEUTRALISED.match(cell):
            cell = cell[1:]
    return texts.setdefault(cell, cell) if cell else None
