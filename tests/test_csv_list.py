"""The list as CSV: what a Finnish Excel opens right, and no cell that would be computed."""

from __future__ import annotations

import csv
import datetime as dt
import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib import cleaning, schema
from lib.output import csv_list

from .store.test_workbook import TYPED


def lines(codes: list[str], *rows: dict[str, Any], language: str = "fi") -> list[list[str]]:
    content = csv_list.build(schema.to_frame(rows), codes, language=language)
    assert content.startswith(b"\xef\xbb\xbf")
    text = content.decode("utf-8-sig")
    assert text.count("\r\n") >= len(rows) + 1 and text.endswith("\r\n")
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=";"))


def test_dates_choices_and_umlauts_are_written_as_a_finn_reads_them() -> None:
    row = {
        "name": "Åke Öö",
        "received": dt.date(2026, 1, 31),
        "created_at": dt.datetime(2026, 1, 2, 3, 4, 5),
        "source": "phone",
    }
    head, said = lines(["name", "received", "created_at", "source", "next_contact"], row)
    assert head == [schema.heading(c, "fi") for c in ("name", "received", "created_at", "source", "next_contact")]
    assert said == ["Åke Öö", "31.1.2026", "2.1.2026 03:04:05", schema.label("source", "phone", "fi"), ""]
    assert lines(["source"], row, language="en") == [["Source"], ["Phone call"]]


@pytest.mark.parametrize("text", ["=1+1", "+358", "-5", "@x", "\tx", "\r=x", "\n=1", "＝1+1", "+358401234567"])
def test_what_a_spreadsheet_would_compute_gets_an_apostrophe(text: str) -> None:
    assert lines(["notes"], {"notes": text})[1] == [f"'{text}"]


@pytest.mark.parametrize("text", ["a=1", " =1", "1+1", "'x", "ä", "1.2.2026", 'a;"b"', "rivi\nrivi"])
def test_other_cells_are_left_as_they_are(text: str) -> None:
    assert lines(["notes"], {"notes": text})[1] == [text]


def test_phone_numbers_are_spared_and_what_only_looks_like_one_is_not() -> None:
    said = lines(["phone"], *({"phone": text} for text in ("+358401234567", "+358 40", "+1+cmd|x", "-1", "040 1")))
    assert [row[0] for row in said[1:]] == ["+358401234567", "'+358 40", "'+1+cmd|x", "'-1", "040 1"]


@pytest.mark.filterwarnings("ignore:Generating overly large repr")
@settings(max_examples=60)
@given(st.lists(TYPED, min_size=2, max_size=2))
def test_any_text_comes_back_the_same_but_for_the_apostrophe(typed: list[str]) -> None:
    texts = [cleaning.clean_text(text) for text in typed]
    ((name, notes),) = lines(["name", "notes"], dict(zip(("name", "notes"), texts, strict=True)))[1:]
    for text, said in zip(texts, (name, notes), strict=True):
        assert said in (text, f"'{text}") and not said.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


def test_a_list_without_rows_is_its_headings() -> None:
    assert lines(["id", "name"]) == [["Tunnus", "Nimi"]]
