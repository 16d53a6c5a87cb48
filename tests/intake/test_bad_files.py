"""What bad input gets: a calm answer that says what to do, soon, in bounded memory."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import os
import pickle
import random
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from msoffcrypto.format.ooxml import OOXMLFile

from lib.errors import ImportRefused, NeedsPassword, WrongPassword
from lib.i18n import Translator
from lib.intake import files
from lib.intake.child import open_book
from lib.intake.files import Book, Limits, read
from lib.intake.headings import tables
from lib.intake.matching import propose
from lib.intake.records import records
from lib.settings import Settings
from tests.conftest import missing

from . import sealed
from .tables import OPEN_DOCUMENT, TODAY, ods, text, xlsx

ROWS = [
    ["Nimi", "Puhelin", "Pvm"],
    ["Aino Kokeilija", "040 555 0101", "1.2.2021"],
    ["Bo Ek", "040 555 0102", "2.2.2021"],
]
PLAIN = xlsx(ROWS)
ROOT = Path(__file__).parents[2]
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def here(content: bytes, name: str = "lista.xlsx", password: str = "", limits: Limits | None = None) -> Book:
    """Read in this process, as the child does; what it cannot name means a damaged file there."""
    return open_book(content, name, password, limits or Limits())


def with_parts(content: bytes, change: Callable[[str, bytes], bytes | None], **more: bytes) -> bytes:
    """A zip with its parts changed (None: without it) and others added."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            changed = change(part.filename, old.read(part))
            if changed is not None:
                new.writestr(part.filename, changed, part.compress_type)
        for name, part_content in more.items():
            new.writestr(name, part_content)
    return buffer.getvalue()


def with_sheet(xml: str) -> bytes:
    """A workbook whose only sheet is this XML."""
    return with_parts(PLAIN, lambda name, old: xml.encode() if name.endswith("sheet1.xml") else old)


def sheet_of(rows: str) -> bytes:
    return with_sheet(f'<?xml version="1.0"?><worksheet {MAIN}><sheetData>{rows}</sheetData></worksheet>')


def archive(**parts: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in parts.items():
            new.writestr(name, content)
    return buffer.getvalue()


def encrypted(plain: bytes, password: str) -> bytes:
    sealed = io.BytesIO()
    OOXMLFile(io.BytesIO(plain)).encrypt(password, sealed)
    return sealed.getvalue()


# -- not what its name says ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"%PDF-1.7\n%\xe2\xe3", "PDF"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "picture"),
        (b"<!DOCTYPE html><html><table><tr><td>Nimi</td></tr></table></html>", "web page"),
        (b"\xef\xbb\xbf  <HTML><body>", "web page"),
        (b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>', "XML"),
        (b"{\\rtf1 Nimi}", "text document"),
        (archive(**{"lista.csv": b"Nimi;Puhelin"}), "archive"),
        (archive(**{"[Content_Types].xml": b"<a/>", "word/document.xml": b"<a/>"}), "text document"),
        (archive(mimetype=b"application/vnd.oasis.opendocument.text", **{"content.xml": b"<a/>"}), "text document"),
        (b"PK\x05\x06" + bytes(18), "empty archive"),
        (b"MZ\x90\x00" + bytes(100), "program"),
        (random.Random(1).randbytes(5_000), "neither a workbook nor text"),
        (b"Nimi;\x00\x00\x00Puhelin\n" * 20, "neither a workbook nor text"),
        (b"\xff\xfeN\x00i", "damaged"),
        (b"", "empty"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_table_is_called_by_its_name(content: bytes, what: str) -> None:
    with pytest.raises(ImportRefused, match=what):
        here(content) if content else read(content, "lista.xlsx")


def test_the_kind_is_that_of_the_content() -> None:
    assert here(PLAIN, "lista.csv").kind == "xlsx"
    assert here(OPEN_DOCUMENT.make(), "lista.xlsx").kind == "ods"
    book = here(text(ROWS, ";", "utf-8"), "lista.xlsx")
    assert book.kind == "csv" and book.sheets[0].rows == ROWS
    assert "not what its name says" in str(book.notes[0])


# -- too much -----------------------------------------------------------------------------------------------------


def test_a_file_that_is_too_large_is_not_even_given_to_the_child(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files.subprocess, "Popen", None)
    with pytest.raises(ImportRefused, match=r"has 3 MB; at most 2 MB") as refused:
        read(bytes(2_000_001), "x", limits=Limits(bytes=2_000_000))
    assert "2 Mt" in Translator("fi").text(refused.value.text)


def test_a_bomb_is_told_from_its_directory() -> None:
    bomb = archive(**{"xl/workbook.xml": b"<workbook/>", "xl/worksheets/sheet1.xml": bytes(60_000_000)})
    with pytest.raises(ImportRefused, match="unpacks to 60 MB"):
        here(bomb)
    with pytest.raises(ImportRefused, match="unpacks to"):
        here(archive(**{"xl/workbook.xml": b"<workbook/>", **{f"xl/{n}.xml": b"" for n in range(5_001)}}))


def test_a_bomb_that_lies_about_its_size_is_damaged() -> None:
    content = archive(**{"xl/workbook.xml": b"<workbook/>", "xl/x.xml": bytes(3_000_000)})
    small = content.replace((3_000_000).to_bytes(4, "little"), (1_000).to_bytes(4, "little"))
    assert small != content
    with pytest.raises(ImportRefused, match="damaged"):
        here(small)


def test_too_many_rows_are_refused_however_small_the_file_is() -> None:
    rows = "".join(f'<row r="{n}"><c r="A{n}"><v>{n}</v></c></row>' for n in range(1, 300_001))
    with pytest.raises(ImportRefused, match="more than 200000 rows"):
        read(sheet_of(rows), "lista.xlsx")


def test_one_cell_at_the_far_end_makes_no_room_for_all_before_it() -> None:
    far = sheet_of('<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')
    with pytest.raises(ImportRefused, match="more than 200000 rows"):
        here(far)
    with pytest.raises(ImportRefused, match="more than 200 columns"):
        here(sheet_of('<row r="1"><c r="XFD1"><v>1</v></c></row>'))
    prefixed = far  # the careful reader says the same
    prefixed = with_parts(
        far, lambda n, c: c.replace(b'<row r="1048576">', b"<!-- --><row r='1048576'>") if "sheet1" in n else c
    )
    with pytest.raises(ImportRefused, match="more than 200000 rows"):
        here(prefixed)


def test_cells_that_are_only_formatted_are_not_counted() -> None:
    rows = (
        '<row r="1"><c r="A1" t="inlineStr"><is><t>Nimi</t></is></c><c r="XFD1" s="1"/></row><row r="1048576" s="1"/>'
    )
    assert here(sheet_of(rows)).sheets[0].rows == [["Nimi"]]


@pytest.mark.parametrize(
    "content",
    [
        xlsx([[f"Sarake {n}" for n in range(300)], list(range(300))]),
        ods([[f"Sarake {n}" for n in range(300)]]),
        text([[f"Sarake {n}" for n in range(300)]], ";", "utf-8"),
    ],
    ids=["xlsx", "ods", "csv"],
)
def test_three_hundred_columns_are_too_many(content: bytes) -> None:
    with pytest.raises(ImportRefused, match="more than 200 columns"):
        here(content)
    assert len(here(content, limits=Limits(columns=300)).sheets[0].rows[0]) == 300


@pytest.mark.parametrize("content", [PLAIN, ods(ROWS), text(ROWS, ",", "utf-8")], ids=["xlsx", "ods", "csv"])
def test_the_rows_that_are_allowed_are_those_below_the_headings(content: bytes) -> None:
    assert len(here(content, limits=Limits(rows=2)).sheets[0].rows) == 3
    with pytest.raises(ImportRefused, match="more than 1 rows"):
        here(content, limits=Limits(rows=1))


def test_a_repeated_row_of_an_open_document_is_not_unrolled() -> None:
    def repeated(name: str, old: bytes) -> bytes:
        row = b"<table:table-row>"
        return (
            old.replace(row, row[:-1] + b' table:number-rows-repeated="900000">', 1) if name == "content.xml" else old
        )

    many = with_parts(ods(ROWS), repeated)
    with pytest.raises(ImportRefused, match="more than 200000 rows"):
        here(many)


def test_nothing_but_line_ends_is_too_many_rows_or_none() -> None:
    assert here(b"Nimi\n" + b"\n" * 500, "x.csv").sheets[0].rows == [["Nimi"]]
    with pytest.raises(ImportRefused, match="more than 100 rows"):
        here(b"Nimi\n" + b"\n" * 5_000, "x.csv", limits=Limits(rows=100))


def test_the_child_has_an_end_in_memory() -> None:
    """A shared text of many megabytes, named by many cells: small in the file, and large in memory."""
    strings = f'<?xml version="1.0"?><sst {MAIN}><si><t>{"äö" * 200_000}</t></si></sst>'.encode()
    cells = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(1, 20_001))
    content = with_parts(sheet_of(cells), lambda n, c: strings if n.endswith("sharedStrings.xml") else c)
    assert len(content) < 1_000_000
    with pytest.raises(ImportRefused, match="more memory than a file may take"):
        read(content, "lista.xlsx")


def test_the_child_has_an_end_in_time() -> None:
    with pytest.raises(ImportRefused, match="more than 0 seconds"):
        read(PLAIN, "lista.xlsx", limits=Limits(seconds=0.01))


def test_an_answer_is_made_of_values_only() -> None:
    assert files._Answers(io.BytesIO(pickle.dumps((True, TODAY, frozenset({1}))))).load() == (
        True,
        TODAY,
        frozenset({1}),
    )
    with pytest.raises(pickle.UnpicklingError, match="ZipFile"):
        files._Answers(io.BytesIO(pickle.dumps(zipfile.ZipFile))).load()


# -- passwords ----------------------------------------------------------------------------------------------------


def test_a_password_is_asked_for_and_proven() -> None:
    content = encrypted(PLAIN, "listan salasana")
    with pytest.raises(NeedsPassword, match="has a password"):
        here(content)
    with pytest.raises(WrongPassword):
        here(content, password="toinen")
    with pytest.raises(NeedsPassword):
        read(content, "lista.xlsx")
    assert read(content, "lista.xlsx", password="listan salasana") == here(PLAIN)


def test_a_password_that_nobody_knows_of_is_excels_own() -> None:
    assert here(encrypted(PLAIN, "VelvetSweatshop")).sheets == here(PLAIN).sheets


def test_a_changed_encrypted_file_is_damaged() -> None:
    content = bytearray(encrypted(PLAIN, "listan salasana"))
    content[len(content) // 2] ^= 255
    with pytest.raises(ImportRefused, match="damaged"):
        here(bytes(content), password="listan salasana")


# -- what reaches outside -----------------------------------------------------------------------------------------

OUTSIDE = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
LAUGHS = '<!DOCTYPE x [<!ENTITY a "haha"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize("declared", [OUTSIDE, LAUGHS], ids=["outside", "laughs"])
@pytest.mark.parametrize("part", ["sheet1.xml", "sharedStrings.xml", "workbook.xml", "styles.xml", ".rels"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_xml_with_declarations_is_not_opened(declared: str, part: str, encoding: str) -> None:
    def change(name: str, old: bytes) -> bytes:
        if not name.endswith(part):
            return old
        body = re.sub(r"^<\?xml[^>]*\?>", "", old.decode("utf-8-sig")).strip()
        return f'<?xml version="1.0" encoding="{encoding}"?><!-- {"x" * 70_000} -->{declared}{body}'.encode(encoding)

    with pytest.raises(ImportRefused, match="outside"):
        here(with_parts(PLAIN, change))


def test_nor_in_an_open_document() -> None:
    content = ods(ROWS)
    with pytest.raises(ImportRefused, match="outside"):
        here(
            with_parts(content, lambda n, c: c.replace(b"?>", b"?>" + OUTSIDE.encode(), 1) if n == "content.xml" else c)
        )


def test_macros_and_links_are_told_and_left_alone() -> None:
    content = with_parts(
        PLAIN, lambda _, old: old, **{"xl/vbaProject.bin": b"x", "xl/externalLinks/externalLink1.xml": b"<a/>"}
    )
    book = here(content)
    assert book.sheets == here(PLAIN).sheets
    assert [str(note)[:22] for note in book.notes] == ["The file holds macros.", "The file refers to oth"]


# -- cut, damaged, unusual ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [PLAIN, ods(ROWS), encrypted(PLAIN, "s")], ids=["xlsx", "ods", "encrypted"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_a_file_that_is_cut_short_is_damaged(content: bytes, share: float) -> None:
    with pytest.raises(Exception) as refused:
        here(content[: int(len(content) * share)], password="s")
    if not isinstance(refused.value, ImportRefused):  # what nobody names, the child calls damaged
        with pytest.raises(ImportRefused, match="damaged"):
            read(content[: int(len(content) * share)], "lista.xlsx", password="s")


def test_a_text_that_is_cut_within_quotation_marks_names_the_line() -> None:
    content = text([*ROWS, ['Cia "Cee"', "rivi\nrivi", "x"]], ";", "utf-8")
    assert len(here(content, "x.csv").sheets[0].rows) == 4
    with pytest.raises(ImportRefused, match="line 4 is never closed"):
        here(content[:-12], "x.csv")


def test_bytes_that_flip_bring_an_answer_or_a_refusal() -> None:
    """Whatever is wrong inside, the child lives to tell or ends; the parent always has an answer."""
    chance = random.Random(7)
    for content in (PLAIN, ods(ROWS)):
        for _ in range(3):
            broken = bytearray(content)
            for _ in range(12):
                broken[chance.randrange(len(broken))] = chance.randrange(256)
            with contextlib.suppress(ImportRefused):
                assert isinstance(read(bytes(broken), "lista.xlsx"), Book)


def test_formulas_without_a_value_and_errors_are_told_and_not_taken_for_empty() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in [
        ["Nimi", "Puhelin", "Pvm"],
        ["Aino", '="040"&"5550101"', TODAY],
        ["Bo", "#N/A", TODAY],
        ["Cia", "0405550102", TODAY],
    ]:
        sheet.append(row)
    sheet["B3"].data_type = "e"
    buffer = io.BytesIO()
    book.save(buffer)
    table = tables(here(buffer.getvalue()))[0]
    assert "B2, B3" in str(table.notes[0])
    assert [row[1] for row in table.rows] == ['="040"&"5550101"', "#N/A", "0405550102"]
    found = records(table, propose(table), today=TODAY, region="FI", users={})
    assert [set(record.wrong) for record in found] == [{"phone"}, {"phone"}, set()]
    assert found[0].cells["phone"] == "B2" and found[0].values["phone"] == ""


def test_cells_joined_across_rows_count_for_each() -> None:
    rows = [["Yritys", "Nimi", "Pvm"], ["Työ Oy", "Aino", TODAY], [None, "Bo", TODAY], ["Muu Oy", "Cia", TODAY]]
    table = tables(here(xlsx(rows, merged=["A2:A3"])))[0]
    assert [row[0] for row in table.rows] == ["Työ Oy", "Työ Oy", "Muu Oy"]
    assert "A2" in str(table.notes[0])


def test_a_cell_of_forty_thousand_characters_is_read_and_too_long_for_the_register() -> None:
    long = "ä" * 40_000
    cell = '<c r="{}" t="inlineStr"><is><t>{}</t></is></c>'
    head = f'<row r="1">{cell.format("A1", "Nimi")}{cell.format("B1", "Huom")}</row>'
    row = f'<row r="2">{cell.format("A2", "Aino")}{cell.format("B2", long)}</row>'
    for content in (sheet_of(head + row), text([["Nimi", "Huom"], ["Aino", long]], ";", "utf-8")):
        table = tables(here(content, "x.csv"))[0]
        assert table.rows == [["Aino", long]]
        found = records(table, propose(table), today=TODAY, region="FI", users={})
        assert "40000 characters" in str(found[0].wrong["notes"])


@pytest.mark.parametrize("content", [xlsx([]), text([[""]], ";", "utf-8"), ods([])], ids=["xlsx", "csv", "ods"])
def test_a_file_without_rows_has_no_tables(content: bytes) -> None:
    assert tables(here(content)) == []


def test_a_sheet_that_is_written_in_another_way_says_the_same() -> None:
    """Names with a prefix, quotation marks of the other kind: the quick look leaves them to the careful reader."""
    rows = [["Nimi", "Puhelin", "Luku"], ["Aino", 405550101, 1], ["Bo", 405550102, 2]]
    import xlsxwriter

    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    sheet, form = book.add_worksheet("Taul1"), book.add_format({"num_format": "0000000000"})
    for r, row in enumerate(rows):
        for c, cell in enumerate(row):
            sheet.write(r, c, cell, form if c == 1 else None)
    sheet.write_formula("D2", "=1/0", None, "#DIV/0!")
    sheet.set_row(2, None, None, {"hidden": True})
    book.close()
    usual = buffer.getvalue()

    def prefixed(name: str, old: bytes) -> bytes:
        if not name.endswith("sheet1.xml"):
            return old
        changed = re.sub(rb"<(/?)(\w+)", rb"<\1x:\2", old).replace(b"<?x:xml", b"<?xml").replace(b"xmlns=", b"xmlns:x=")
        return changed

    quoted = lambda name, old: re.sub(rb'(<c r=)"(\w+)"', rb"\1'\2'", old) if name.endswith("sheet1.xml") else old  # noqa: E731
    found = here(usual).sheets[0]
    assert found.formats == {(1, 1): "0000000000", (2, 1): "0000000000"}
    assert found.hidden_rows == {2} and found.unread == {(1, 3): "#DIV/0!"}
    for change in (prefixed, quoted):
        other = with_parts(usual, change)
        assert other != usual and here(other).sheets[0] == found


@pytest.mark.parametrize(("kind", "content"), [("xls", sealed.XLS), ("ods", sealed.ODS)], ids=["xls", "ods"])
def test_an_old_workbook_and_an_open_document_open_with_their_passwords(kind: str, content: bytes) -> None:
    with pytest.raises(NeedsPassword):
        here(content)
    with pytest.raises(WrongPassword):
        here(content, password="toinen")
    book = read(content, "lista", password="salasana")
    assert book.kind == kind
    expected = [["Nimi", "Puhelin", "Pvm"], ["Aino Kokeilija", 405550101, dt.date(2021, 2, 1)]]
    assert book.sheets[0].rows == expected and book.sheets[0].formats == {(1, 1): "0000000000"}


# -- nothing is written -------------------------------------------------------------------------------------------


def test_the_child_writes_nothing_but_its_answer(tmp_path: Path) -> None:
    """Every call of the system that could put something anywhere, of the child that reads each kind of file."""
    if not shutil.which("strace"):
        missing("strace")
    made = {"PLAIN": PLAIN, "XLS": sealed.XLS, "ODS": sealed.ODS, "CSV": text(ROWS, ";", "utf-8")}
    made["ENCRYPTED"] = encrypted(PLAIN, "salasana")
    names = "open,openat,creat,write,pwrite64,writev,rename,renameat,renameat2,mkdir,mkdirat,memfd_create,ftruncate"
    temp = tmp_path / "temp"
    temp.mkdir()
    for content in made.values():
        trace = tmp_path / "trace"
        asked = pickle.dumps(("x", "salasana", vars(Limits()), len(content))) + content
        child = [sys.executable, "-B", "-m", "lib.intake.child"]
        ran = subprocess.run(
            ["strace", "-f", "--seccomp-bpf", "-y", "-e", f"trace={names}", "-o", trace, *child],
            input=asked,
            cwd=ROOT,
            env={**os.environ, "TMPDIR": str(temp)},
            capture_output=True,
            timeout=120,
        )
        assert ran.returncode == 0 and not files._Answers(io.BytesIO(ran.stdout)).load()[0], ran.stderr[-2000:]
        lines = trace.read_text("utf-8", "replace").splitlines()
        writes = [line for line in lines if re.search(r" p?write\w*\(", line)]
        assert writes and all(re.search(r"write\w*\(\d+<pipe:", line) for line in writes), writes[:3]
        opened = [line for line in lines if re.search(r"O_CREAT|O_WRONLY|O_RDWR|memfd|rename|mkdir|ftruncate", line)]
        assert [line for line in opened if "/dev/null" not in line and "ENOENT" not in line] == []
    assert list(temp.iterdir()) == []


def test_the_limits_are_settings() -> None:
    chosen = Settings(import_mb=3, import_rows=500, import_columns=20)
    assert Limits.of(chosen) == Limits(3_000_000, 500, 20) and Limits.of(Settings()) == Limits()
