"""Binary workbooks (.xlsb), put together here record by record: no program at hand writes them."""

from __future__ import annotations

import io
import struct
import zipfile
from typing import Any

import pytest

from lib.errors import ImportRefused
from lib.intake.files import Limits, read
from lib.intake.headings import tables
from lib.intake.matching import propose
from lib.intake.records import records

from .tables import TODAY
from .test_bad_files import here

_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_DOCUMENT = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def record(kind: int, data: bytes = b"") -> bytes:
    head = bytes([kind]) if kind < 128 else bytes([kind & 0x7F | 0x80, kind >> 7])
    length, size = len(data), b""
    while True:
        size += bytes([length & 0x7F | (0x80 if length > 0x7F else 0)])
        length >>= 7
        if not length:
            return head + size + data


def wide(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")


def relations(kind: str, target: str) -> str:
    return (
        f'<?xml version="1.0"?><Relationships xmlns="{_RELATIONS}"><Relationship Id="rId1" '
        f'Type="{_DOCUMENT}/{kind}" Target="{target}"/></Relationships>'
    )


def xlsb(rows: list[list[Any]], *, hidden: int = -1, phones: int = -1, far: int = 0) -> bytes:
    """A binary workbook of texts, numbers and errors (as bytes); the numbers of one column look like phones."""
    cells = b""
    for r, row in enumerate(rows):
        flags = 0x10 if r == hidden else 0
        cells += record(0, struct.pack("<IIHBBBI", r + far, 0, 300, 0, flags, 0, 0))
        for c, cell in enumerate(row):
            start = struct.pack("<I", c) + (1 if c == phones else 0).to_bytes(3, "little") + b"\0"
            if isinstance(cell, str):
                cells += record(6, start + wide(cell))
            elif isinstance(cell, bytes):
                cells += record(3, start + cell)
            else:
                cells += record(5, start + struct.pack("<d", cell))
    last = len(rows) + far - 1
    sheet = record(129) + record(148, struct.pack("<IIII", 0, last, 0, len(rows[0]) - 1))
    sheet += record(145) + cells + record(146) + record(130)
    book = record(131) + record(143) + record(156, struct.pack("<II", 0, 1) + wide("rId1") + wide("Lista"))
    book += record(144) + record(132)
    style = record(278) + record(615, struct.pack("<I", 1)) + record(44, struct.pack("<H", 164) + wide("0000000000"))
    style += record(616) + record(626) + record(47, bytes(16)) + record(627) + record(617, struct.pack("<I", 2))
    style += record(47, bytes(16)) + record(47, struct.pack("<HH", 0, 164) + bytes(12)) + record(618) + record(279)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("_rels/.rels", relations("officeDocument", "xl/workbook.bin"))
        archive.writestr("xl/_rels/workbook.bin.rels", relations("worksheet", "worksheets/sheet1.bin"))
        for name, part in (("workbook", book), ("worksheets/sheet1", sheet), ("styles", style)):
            archive.writestr(f"xl/{name}.bin", part)
    return buffer.getvalue()


ROWS = [["Nimi", "Puhelin", "Luku"], ["Aino Äijälä", 405550101, 1.5], ["Bo Ek", 405550102, b"\x2a"]]


def test_a_binary_workbook_is_read_with_its_formats() -> None:
    book = read(xlsb(ROWS, hidden=2, phones=1), "lista.xlsb")
    sheet = book.sheets[0]
    assert (book.kind, sheet.name) == ("xlsb", "Lista")
    assert sheet.rows == [["Nimi", "Puhelin", "Luku"], ["Aino Äijälä", 405550101, 1.5], ["Bo Ek", 405550102, "#N/A"]]
    assert sheet.formats == {(1, 1): "0000000000", (2, 1): "0000000000"}
    assert sheet.hidden_rows == {2} and sheet.unread == {(2, 2): "#N/A"}
    table = tables(book)[0]
    found = records(table, propose(table), today=TODAY, region="FI", users={})
    assert [(r.values["phone"], r.warnings) for r in found] == [("+358405550101", {}), ("+358405550102", {})]


def test_a_far_cell_of_a_binary_workbook_makes_no_room_for_all_before_it() -> None:
    with pytest.raises(ImportRefused, match="more than 200000 rows"):
        here(xlsb(ROWS, far=1_000_000))
    with pytest.raises(ImportRefused, match="more than 2 columns"):
        here(xlsb(ROWS), limits=Limits(columns=2))


def test_a_cut_binary_workbook_is_damaged() -> None:
    content = xlsb(ROWS)
    with pytest.raises(ImportRefused, match="damaged"):
        read(content[: len(content) // 2], "lista.xlsb")
