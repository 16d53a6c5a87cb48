"""What a sheet's XML says beyond values, found fast: by patterns over the bytes, as the usual programs write them.

Any other way to write the same XML is told from them, and is for the careful reader in `lib.intake.package`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

from lib.errors import ImportRefused
from lib.i18n import N_
from lib.intake.files import Limits

_PART = 1 << 22
_ROW_END = b"</row>"
_HIDDEN = re.compile(rb'<row r="([0-9]+)"[^>]* hidden="(?:1|true)"')
_ERROR = re.compile(rb'<c r="([A-Z]+)([0-9]+)"[^>]* t="e"[^>]*>(.*?)</c>', re.DOTALL)
_RESULT = re.compile(rb"<v[^>]*>(.*?)</v>", re.DOTALL)
_UNCOMPUTED = re.compile(
    rb'<c r="([A-Z]+)([0-9]+)"([^>]*)><f(?:[^>]*/|[^>]*>([^<]*)</f)>(?:<v ?/>|<v></v>)?</c>', re.DOTALL
)
_FILLED = re.compile(rb'<c r="([A-Z]{1,3})[0-9]+"[^>]*>(?=<v>|<v |<is>|<is )')
_FILLED_FAR = re.compile(rb'<c r="([A-Z]{2,3})[0-9]+"[^>]*>(?=<v>|<v |<is>|<is )')
_PLACE = re.compile(rb'<c r="[A-Z]+([0-9]+)"')
_NEAR = 26


@dataclass
class Facts:
    """What the XML of one sheet says. Places are (row, column) from 0; `last` are the last ones that hold something."""

    formats: dict[tuple[int, int], str] = field(default_factory=dict)
    hidden: set[int] = field(default_factory=set)
    unread: dict[tuple[int, int], str] = field(default_factory=dict)
    last_row: int = -1
    last_column: int = -1


def too_many_rows(sheet: str, limits: Limits) -> ImportRefused:
    return ImportRefused(
        N_("The sheet {sheet} has more than {limit} rows. Split it, or raise the limit in the settings."),
        sheet=sheet,
        limit=limits.rows,
    )


def too_many_columns(sheet: str, limits: Limits) -> ImportRefused:
    return ImportRefused(
        N_("The sheet {sheet} has more than {limit} columns. Take out those that hold nothing of a prospect."),
        sheet=sheet,
        limit=limits.columns,
    )


def column_of(letters: str) -> int:
    """The column of some letters, from 0: "AA" is 26."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


def quick_facts(stream: IO[bytes], sheet: str, styles: dict[str, str], limits: Limits) -> Facts | None:
    """What a sheet's XML says; None where it is not written in the usual way.

    Args:
        styles: the number formats that are wanted, by the number of the style.

    Raises:
        ImportRefused: it has too many rows or columns.
    """
    facts = Facts()
    wanted = b"|".join(re.escape(style.encode()) for style in styles)
    numbers = re.compile(rb'<c r="([A-Z]+)([0-9]+)"((?: [a-z]+="[^"]*")*? s="(' + wanted + rb')"[^>]*)>(?=<v>|<f)')
    for part in _parts(stream):
        if not _is_usual(part):
            return None
        _measure(part, facts, sheet, limits)
        if styles:
            for found in numbers.finditer(part):
                if b' t="' not in found[3] or b' t="n"' in found[3]:
                    facts.formats[_place(found[1], found[2])] = styles[found[4].decode()]
        if b"hidden=" in part:
            facts.hidden.update(int(found[1]) - 1 for found in _HIDDEN.finditer(part))
        if b't="e"' in part:
            for found in _ERROR.finditer(part):
                result = _RESULT.search(found[3])
                facts.unread[_place(found[1], found[2])] = _text(result[1] if result else b"") or "#?"
        if b"<f" in part:
            for found in _UNCOMPUTED.finditer(part):
                if b' t="str"' not in found[3]:
                    facts.unread.setdefault(_place(found[1], found[2]), "=" + _text(found[4] or b""))
    return facts


def _parts(stream: IO[bytes]) -> Iterator[bytes]:
    """The XML in parts that end where a row ends."""
    rest = b""
    while chunk := stream.read(_PART):
        chunk = rest + chunk
        end = chunk.rfind(_ROW_END) + len(_ROW_END)
        if end < len(_ROW_END):
            rest = chunk
            continue
        yield chunk[:end]
        rest = chunk[end:]
    yield rest


def _is_usual(part: bytes) -> bool:
    return (
        b"<!" not in part
        and b":row " not in part
        and b":c " not in part
        and b"\x00" not in part
        and part.count(b"<c ") + part.count(b"<c>") == part.count(b'<c r="')
        and part.count(b"<row") - part.count(b"<rowBreaks") == part.count(b'<row r="')
    )


def _measure(part: bytes, facts: Facts, sheet: str, limits: Limits) -> None:
    last = max(part.rfind(b"</v>"), part.rfind(b"</is>"))
    if last < 0:
        return
    place = _PLACE.match(part, part.rfind(b"<c ", 0, last))
    if place:
        facts.last_row = max(facts.last_row, int(place[1]) - 1)
    far = limits.columns > _NEAR
    letters = set((_FILLED_FAR if far else _FILLED).findall(part))
    if letters:
        facts.last_column = max(facts.last_column, *(column_of(text.decode()) for text in letters))
    if facts.last_row > limits.rows:
        raise too_many_rows(sheet, limits)
    if facts.last_column >= limits.columns:
        raise too_many_columns(sheet, limits)


def _place(letters: bytes, number: bytes) -> tuple[int, int]:
    return int(number) - 1, column_of(letters.decode())


def _text(written: bytes) -> str:
    return html.unescape(written.decode("utf-8", "replace")).strip()
