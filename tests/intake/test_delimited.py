"""Encodings and separators of text files."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.intake.delimited import decoded, read
from lib.intake.files import Limits

from .tables import text

ROWS = [
    ["Nimi", "Yritys", "Viesti"],
    ["Åke Öhman", "Työ, Oy; Ab", 'sanoi "hei"\nja lähti'],
    ["Äijä", "Yö\tOy", "€ 1,50"],
]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("separator", [";", ",", "\t", "|"])
@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_what_was_written_is_read(encoding: str, separator: str, end: str) -> None:
    book = read(text(ROWS, separator, encoding, end), "lista.csv", Limits())
    assert book.sheets[0].rows == ROWS
    assert (book.encoding, book.separator) == (encoding, separator)


@pytest.mark.parametrize("encoding", ["cp1252", "mac_roman", "cp850"])
def test_umlauts_tell_the_old_encodings_apart(encoding: str) -> None:
    words = "Pöytä, käärme, Åland, Äänekoski, öljy, Näsi"
    assert decoded(words.encode(encoding), "x") == (words, encoding)


def test_a_line_of_another_encoding_is_told() -> None:
    content = "Äijä;Öhman\nÄiti;Åke\n".encode() + "Yö;Työ\n".encode("cp1252")
    book = read(content, "lista.csv", Limits())
    assert book.sheets[0].rows[2] == ["Yö", "Työ"]
    assert "mixes two encodings" in str(book.notes[0])


def test_a_separator_that_the_file_names_is_taken() -> None:
    book = read(b"sep=|\r\na;b|c,d\r\n1|2\r\n", "x.csv", Limits())
    assert book.sheets[0].rows == [["a;b", "c,d"], ["1", "2"]]


def test_what_keeps_cells_from_being_formulas_or_numbers_goes() -> None:
    book = read(b"Nimi;Puh;X\n'=1+1;=\"0405550101\";'tis\n'+x;'-y;'@z\n", "x.csv", Limits())
    assert book.sheets[0].rows[1:] == [["=1+1", "0405550101", "'tis"], ["+x", "-y", "@z"]]


def test_rows_of_unequal_length_are_made_equal() -> None:
    book = read(b"a;b;c\n1\n1;2;3;4\n\n5;6;7\n", "x.csv", Limits())
    assert book.sheets[0].rows == [
        ["a", "b", "c", None], ["1", None, None, None], ["1", "2", "3", "4"], [None] * 4, ["5", "6", "7", None],
    ]  # fmt: skip


def test_one_column_needs_no_separator() -> None:
    assert read("Sähköposti\na@example.com\nb@example.com\n".encode(), "x.csv", Limits()).sheets[0].rows == [
        ["Sähköposti"], ["a@example.com"], ["b@example.com"],
    ]  # fmt: skip


_CELL = st.text(st.characters(codec="utf-8", exclude_characters="\x00\r", exclude_categories=["Cc", "Cs"]), max_size=12)


@given(st.lists(st.lists(_CELL, min_size=3, max_size=3), min_size=1, max_size=8), st.sampled_from([";", "\t"]))
def test_any_cells_come_back(rows: list[list[str]], separator: str) -> None:
    """With headings that tell the separator, whatever stands below is what was written."""
    clean = [[cell if not cell.startswith(("'", "=")) else f"x{cell}" for cell in row] for row in rows]
    heads = [["Nimi", "Yritys", "Viesti"]] * 12
    found = read(text([*heads, *clean], separator, "utf-8"), "x.csv", Limits()).sheets[0].rows[12:]
    expected = [[cell or None for cell in row] for row in clean]
    while expected and not any(expected[-1]):
        expected.pop()
    assert [row[:3] for row in found] == expected
