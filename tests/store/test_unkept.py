"""What an edited workbook holds that cannot be kept: it is told, and nothing else is."""

from __future__ import annotations

import datetime as dt
import io
import random
import zipfile
from collections.abc import Mapping
from pathlib import Path

import openpyxl
import pytest
from openpyxl.chart import BarChart
from openpyxl.comments import Comment
from openpyxl.styles import Border, Font, PatternFill, Side
from openpyxl.worksheet.table import Table

from lib.sample import rows
from lib.store.unkept import unkept

from .books import Change, content_of, edited, people, plain_of, put, saved_by_libreoffice


def told(plain: bytes) -> list[str]:
    return [str(text) for text in unkept(plain)]


def with_parts(plain: bytes, parts: Mapping[str, str | bytes]) -> bytes:
    """A workbook with further parts, or with others in their place."""
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(plain)) as old, zipfile.ZipFile(result, "w") as new:
        for name in old.namelist():
            if name not in parts:
                new.writestr(name, old.read(name))
        for name, part in parts.items():
            new.writestr(name, part)
    return result.getvalue()


@pytest.fixture(scope="module")
def ours() -> bytes:
    """What the program writes, columns and sheets of others included."""
    made = rows(60, seed=2, today=dt.date(2026, 11, 22))
    cells = ["a", 1.5, dt.date(2026, 1, 1), dt.datetime(2026, 1, 1, 2, 3, 4), True, dt.time(1, 2), "=1+1"]
    content = content_of(*made, Oma=[*cells, *[""] * 53])
    content.sheets = {"Omat": [["x", 1.0, dt.date(2026, 1, 1)], [dt.time(1, 2), dt.timedelta(hours=30)]], "Tyhjä": []}
    return plain_of(content)


def test_the_programs_own_workbook_loses_nothing(ours: bytes) -> None:
    assert told(ours) == []


@pytest.mark.libreoffice
def test_what_libreoffice_adds_by_itself_is_not_told(ours: bytes, tmp_path: Path) -> None:
    saved = saved_by_libreoffice(ours, tmp_path)
    assert b"drawing" in zipfile.ZipFile(io.BytesIO(saved)).read("[Content_Types].xml")  # it adds an empty one
    assert told(saved) == []


@pytest.mark.libreoffice
def test_what_people_added_is_told_after_libreoffice_saved_it(ours: bytes, tmp_path: Path) -> None:
    saved = saved_by_libreoffice(edited(ours, *(change for change, _ in ADDED)), tmp_path)
    assert set(told(saved)) == {said for _, said in ADDED}


def test_what_excel_adds_by_itself_is_not_told(ours: bytes) -> None:
    """Printer settings, a theme, the order of computing, and an address made into a link, in Excel's blue."""
    styles = zipfile.ZipFile(io.BytesIO(ours)).read("xl/styles.xml").decode()
    link = '<font><u/><sz val="10"/><color theme="10"/><name val="Calibri"/></font>'
    fonts = styles.split("</fonts>")[0].count("<font>")
    styles = styles.replace("</fonts>", f"{link}</fonts>")
    styles = styles.replace("</cellXfs>", f'<xf numFmtId="49" fontId="{fonts}" fillId="0" borderId="0"/></cellXfs>')
    number = styles.split("<cellXfs")[1].split("</cellXfs>")[0].count("<xf ") - 1
    sheet = zipfile.ZipFile(io.BytesIO(ours)).read("xl/worksheets/sheet1.xml").decode()
    sheet = sheet.replace('<c r="I2" s="1"', f'<c r="I2" s="{number}"')
    assert f's="{number}"' in sheet
    added = {
        "xl/printerSettings/printerSettings1.bin": b"\0\1",
        "xl/calcChain.xml": "<calcChain/>",
        "xl/persons/person.xml": "<personList/>",
        "xl/theme/theme1.xml": "<theme/>",
        "customXml/item1.xml": "<x/>",
        "xl/styles.xml": styles,
        "xl/worksheets/sheet1.xml": sheet,
    }
    assert told(with_parts(ours, added)) == []


def _chart(book: openpyxl.Workbook) -> None:
    book["Prospektit"].add_chart(BarChart(), "AH2")


def _comment(book: openpyxl.Workbook) -> None:
    book["Prospektit"]["F2"].comment = Comment("Soita huomenna", "Aino")


def _table(book: openpyxl.Workbook) -> None:
    book.create_sheet("Taulukko")
    for place, value in (("A1", "a"), ("B1", "b"), ("A2", "c")):
        book["Taulukko"][place] = value
    book["Taulukko"].add_table(Table(displayName="T", ref="A1:B2"))


def _formula(book: openpyxl.Workbook) -> None:
    book.create_sheet("Laskelma")["B2"] = "=1+1"


def _yellow(book: openpyxl.Workbook) -> None:
    book["Prospektit"]["F3"].fill = PatternFill("solid", fgColor="FFFFFF00")


ADDED: list[tuple[Change, str]] = [
    (_chart, "charts"),
    (_comment, "comments and notes"),
    (_table, "tables"),
    (_formula, "formulas in the sheet Laskelma (their values stay)"),
    (_yellow, "colours and formats of cells in the sheet Prospektit"),
]


@pytest.mark.parametrize(("change", "said"), ADDED)
def test_what_people_added_is_told(ours: bytes, change: Change, said: str) -> None:
    assert told(edited(ours, change)) == [said]


def test_several_things_are_each_told_once(ours: bytes) -> None:
    assert sorted(told(edited(ours, *(change for change, _ in ADDED)))) == sorted(said for _, said in ADDED)


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ("xl/vbaProject.bin", "macros"),
        ("xl/pivotTables/pivotTable1.xml", "pivot tables"),
        ("xl/pivotCache/pivotCacheDefinition1.xml", "pivot tables"),
        ("xl/externalLinks/externalLink1.xml", "links to other files"),
        ("xl/connections.xml", "links to other files"),
        ("xl/threadedComments/threadedComment1.xml", "comments and notes"),
        ("xl/comments1.xml", "comments and notes"),
        ("xl/chartsheets/sheet1.xml", "charts"),
        ("xl/media/image1.png", "pictures and drawings"),
    ],
)
def test_parts_that_the_program_does_not_write_are_told(ours: bytes, part: str, said: str) -> None:
    assert told(with_parts(ours, {part: "<x/>"})) == [said]


@pytest.mark.parametrize("shape", ["<xdr:sp>", "<xdr:pic>", "<xdr:cxnSp macro=''>", "<pic>"])
def test_a_drawing_with_a_shape_is_told(ours: bytes, shape: str) -> None:
    assert told(with_parts(ours, {"xl/drawings/drawing1.xml": f"<wsDr>{shape}</wsDr>"})) == ["pictures and drawings"]
    assert told(with_parts(ours, {"xl/drawings/drawing1.xml": "<wsDr></wsDr>"})) == []


def test_formulas_in_any_sheet_are_told_with_its_name(ours: bytes) -> None:
    found = told(edited(ours, put("Omat", "A5", "=SUM(B1:B3)"), put("Prospektit", "AE9", "=A1"), _formula))
    assert found == [f"formulas in the sheet {name} (their values stay)" for name in ("Prospektit", "Omat", "Laskelma")]


def test_text_that_looks_like_a_formula_is_none(ours: bytes) -> None:
    assert told(plain_of(content_of({"name": "=1+1", "notes": "<f>A1</f>"}))) == []


@pytest.mark.parametrize("sheet", ["Prospektit", "Omat"])
@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("font", Font(bold=True)),
        ("font", Font(color="FFFF0000")),
        ("font", Font(strike=True)),
        ("fill", PatternFill("solid", fgColor="FFFFFF00")),
        ("border", Border(bottom=Side("thin"))),
    ],
)
def test_cells_that_people_marked_are_told(ours: bytes, sheet: str, attribute: str, value: object) -> None:
    def mark(book: openpyxl.Workbook) -> None:
        setattr(book[sheet]["A2"], attribute, value)

    assert told(edited(ours, mark)) == [f"colours and formats of cells in the sheet {sheet}"]


@pytest.mark.parametrize(
    ("form", "lost"),
    [
        ("0.00", True),
        ("0%", True),
        ('#,##0.00 "euros a day"', True),
        ("[Red]0.0", True),
        ("d.m.yyyy", False),
        ("[h]:mm", False),
        ("@", False),
        ("General", False),
        ('yyyy"-"mm', False),
    ],
)
def test_forms_of_numbers_in_sheets_of_others_are_told_those_of_dates_are_kept(
    ours: bytes, form: str, lost: bool
) -> None:
    def style(book: openpyxl.Workbook) -> None:
        book["Omat"]["B1"].number_format = form

    assert told(edited(ours, style)) == (["colours and formats of cells in the sheet Omat"] if lost else [])


def test_merged_cells_in_sheets_of_others_are_told(ours: bytes) -> None:
    changed = edited(ours, lambda book: book["Omat"].merge_cells("D1:F2"))
    assert told(changed) == ["colours and formats of cells in the sheet Omat"]


def test_an_odd_file_is_never_an_error(ours: bytes) -> None:
    assert told(b"") == told(b"PK\x03\x04") == told(b"x" * 1000) == []
    for name in zipfile.ZipFile(io.BytesIO(ours)).namelist():
        style = (
            "<styleSheet><fills><fill/></fills><borders><border/></borders><fonts><font/></fonts><cellXfs>{}</cellXfs>"
        )
        styles = [style.format(f"<xf {said}/>") + "</styleSheet>" for said in ("fontId='9'", "numFmtId='x'", "")]
        for broken in ("", "<", "\ufffe<a", '<?xml version="1.0" encoding="odd"?><a/>', *styles):
            told(with_parts(ours, {name: broken}))
    rng = random.Random(3)
    for _ in range(60):
        cut = bytearray(ours[: rng.randrange(len(ours))] if rng.random() < 0.3 else ours)
        for _ in range(5 if cut else 0):
            cut[rng.randrange(len(cut))] = rng.randrange(256)
        told(bytes(cut))


def test_the_sheet_of_the_programs_own_facts_is_not_looked_at() -> None:
    assert told(edited(people(), lambda book: book["Tiedot"].merge_cells("D1:F2"))) == []
