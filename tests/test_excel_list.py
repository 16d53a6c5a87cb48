"""The Excel list: what was chosen, as it was, under its own password."""

from __future__ import annotations

import datetime as dt
import io
import math
import re
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from lib import cleaning, schema
from lib.errors import WrongPassword
from lib.output import excel_list
from lib.schema import Kind
from lib.store.encryption import decrypt

from .store.test_workbook import HARD, TYPED

PASSWORD = "listan salasana"
FREE = [c.code for c in schema.COLUMNS if c.kind in (Kind.TEXT, Kind.LONG)]


def cells(content: bytes) -> list[list[Any]]:
    book = CalamineWorkbook.from_filelike(io.BytesIO(decrypt(content, PASSWORD)))
    assert book.sheet_names == ["Prospektit"]
    return book.get_sheet_by_index(0).to_python(skip_empty_area=False)


def build(frame: pd.DataFrame, codes: list[str], language: str = "fi") -> bytes:
    return excel_list.build(frame, codes, password=PASSWORD, language=language)


def test_s12_hard_texts_come_back_the_same_through_the_list() -> None:
    texts = [cleaning.clean_text(text) for text in HARD]
    rows = cells(build(schema.to_frame({"id": "P-1", "notes": text} for text in texts), ["id", "notes"]))
    assert [row[1] for row in rows[1:]] == texts


@settings(max_examples=40)
@given(st.lists(TYPED, min_size=len(FREE), max_size=len(FREE)))
def test_s12_any_text_comes_back_the_same_through_the_list(typed: list[str]) -> None:
    texts = [cleaning.clean_text(text) for text in typed]
    frame = schema.to_frame([{"id": "P-000001", **dict(zip(FREE, texts, strict=True))}])
    assert cells(build(frame, ["id", *FREE]))[1] == ["P-000001", *texts]


@settings(max_examples=40)
@given(st.dates(dt.date(1990, 1, 1), dt.date(2100, 12, 31)))
def test_s12_dates_come_back_as_dates_through_the_list(date: dt.date) -> None:
    assert cells(build(schema.to_frame([{"received": date}]), ["received"]))[1] == [date]


def test_it_has_the_chosen_rows_and_columns_in_their_order() -> None:
    frame = schema.to_frame({"id": f"P-{n}", "name": f"N{n}", "source": "phone", "notes": "pois"} for n in range(5))
    content = build(frame.iloc[[3, 1]], ["source", "name"], "en")
    assert cells(content) == [["Source", "Name"], ["Phone call", "N3"], ["Phone call", "N1"]]
    assert b"pois" not in decrypt(content, PASSWORD)


@pytest.mark.parametrize("codes", [[code] for code in schema.CODES] + [list(schema.CODES)])
def test_any_choice_of_columns_makes_a_list(codes: list[str]) -> None:
    frame = schema.to_frame([dict.fromkeys(schema.TEXT_CODES, "") | {"id": "P-1", "name": "=1+1"}])
    assert cells(build(frame, codes))[0] == [schema.heading(code, "fi") for code in codes]
    assert len(cells(build(frame.iloc[:0], codes))) == 1


def test_it_opens_with_its_own_password_only_and_shows_nothing_without(tmp_path: Path) -> None:
    content = build(schema.to_frame([{"name": "Aino Kokeilija"}]), ["name"])
    with pytest.raises(WrongPassword):
        decrypt(content, "työkirjan salasana")
    assert b"Aino" not in content
    book = openpyxl.load_workbook(io.BytesIO(decrypt(content, PASSWORD)))
    assert book.properties.title and book["Prospektit"].freeze_panes == "B2"


def test_a_made_up_password_is_strong_and_can_be_read_out() -> None:
    made = {excel_list.strong_password() for _ in range(200)}
    assert len(made) == 200
    assert all(re.fullmatch(r"([A-HJ-NP-Za-km-z2-9]{5}-){3}[A-HJ-NP-Za-km-z2-9]{5}", password) for password in made)
    assert 20 * math.log2(len(excel_list._LETTERS)) > 110


def test_its_name_says_what_and_when() -> None:
    assert excel_list.file_name("en", dt.date(2026, 11, 22)) == "prospects-2026-11-22.xlsx"
    assert excel_list.file_name("fi", dt.date(2026, 11, 22)) == "prospektit-2026-11-22.xlsx"
