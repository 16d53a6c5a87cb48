"""Every text in each language that is offered, with the same blanks to fill."""

from __future__ import annotations

import datetime as dt
import string

import pytest

from lib import errors, schema
from lib.i18n import LANGUAGES, WORKBOOK_LANGUAGES, Text, Translator, translator

from .catalogue import LANGUAGES as CATALOGUES
from .catalogue import catalogue, source_texts, wanted


def blanks(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def known(language: str) -> dict[str | tuple[str, str], tuple[str, ...]]:
    """The texts of a catalogue to their translations, one or a form for each number."""
    found = {}
    for message in catalogue(language):
        if message.id:
            key = tuple(message.id) if isinstance(message.id, (list, tuple)) else message.id
            found[key] = tuple(message.string) if isinstance(message.string, (list, tuple)) else (message.string,)
    return found


@pytest.mark.parametrize("language", CATALOGUES)
def test_each_text_of_the_source_is_translated(language: str) -> None:
    texts = known(language)
    assert not wanted(language) - texts.keys(), "run python -m tests.catalogue and fill in what is empty"
    assert [key for key, forms in texts.items() if not all(forms)] == []


@pytest.mark.parametrize("language", CATALOGUES)
def test_no_translation_is_left_of_a_text_that_is_gone(language: str) -> None:
    assert not known(language).keys() - wanted(language)


@pytest.mark.parametrize("language", CATALOGUES)
def test_a_translation_has_the_same_blanks_as_its_text(language: str) -> None:
    wrong = []
    for key, forms in known(language).items():
        originals = key if isinstance(key, tuple) else (key,)
        expected = set().union(*map(blanks, originals))
        for form in forms:
            allowed = [expected, expected - {"n"}] if isinstance(key, tuple) else [expected]
            if blanks(form) not in allowed:
                wrong.append((key, form))
    assert wrong == []


@pytest.mark.parametrize("language", CATALOGUES)
def test_no_translation_is_marked_as_a_guess(language: str) -> None:
    assert [message.id for message in catalogue(language) if message.fuzzy and message.id] == []


def test_there_is_something_to_say() -> None:
    assert len(source_texts()) > 200


@pytest.mark.parametrize("language", WORKBOOK_LANGUAGES)
def test_headings_differ_from_each_other_and_so_do_the_labels_of_a_column(language: str) -> None:
    headings = [schema.heading(code, language) for code in schema.CODES]
    assert len({h.casefold() for h in headings}) == len(headings)
    for column in schema.COLUMNS:
        labels = [schema.label(column.code, choice, language) for choice in column.choices]
        assert len({text.casefold() for text in labels}) == len(labels)


def test_no_heading_means_another_column_in_another_language() -> None:
    for language in WORKBOOK_LANGUAGES:
        for code in schema.CODES:
            assert schema.code_of_heading(schema.heading(code, language)) == code
            for choice in schema.BY_CODE[code].choices:
                assert schema.choice_of(code, schema.label(code, choice, language)) == choice


@pytest.mark.parametrize("language", ["fi", "sv"])
def test_every_heading_and_label_has_its_own_word(language: str) -> None:
    texts = known(language)
    for column in schema.COLUMNS:
        assert {column.heading, *column.choices.values()} <= texts.keys()


def test_every_error_speaks_finnish() -> None:
    texts, t = known("fi"), translator("fi")
    classes = [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, errors.AppError)]
    assert len(classes) > 15
    for kind in classes:
        assert kind.template in texts and t(kind.template) != kind.template


DAY = dt.date(2026, 2, 3)


@pytest.mark.parametrize(
    ("language", "date", "time", "number", "share"),
    [
        ("fi", "3.2.2026", "3.2.2026 klo 8.05", "1\xa0234\xa0567", "12\xa0%"),
        ("en", "03/02/2026", "03/02/2026 08:05", "1,234,567", "12%"),
    ],
)
def test_dates_and_numbers_are_written_as_the_reader_writes_them(
    language: str, date: str, time: str, number: str, share: str
) -> None:
    t = translator(language)
    assert t.date(DAY) == date and t.time(dt.datetime(2026, 2, 3, 8, 5)) == time
    assert t.number(1234567) == number
    assert t.percent(0.123).replace(" ", "\xa0") == share
    assert t.date(None) == "" == t.time(None)


def test_decimals_and_months() -> None:
    assert translator("fi").number(2.55, 1) in ("2,5", "2,6") and translator("en").number(2.5, 1) == "2.5"
    assert "2026" in translator("fi").month(DAY) and "Feb" in translator("en").month(DAY)


@pytest.mark.parametrize(("n", "said"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (1200, "1,200 rows")])
def test_a_number_chooses_its_form(n: int, said: str) -> None:
    assert translator("en").plural("{n} row", "{n} rows", n) == said


def test_a_text_may_hold_another_text() -> None:
    inner = Text("The column {columns} is missing.", {"columns": "Nimi"})
    outer = Text(errors.InvalidWorkbook.template, {"problem": inner})
    assert "Nimi" in str(outer) and "{" not in str(outer)
    finnish = translator("fi").text(outer)
    assert "Nimi" in finnish and "{" not in finnish and "missing" not in finnish


def test_an_unknown_language_is_english_and_an_unknown_text_itself() -> None:
    assert translator("xx").language == "en" and translator("fi")("No such text") == "No such text"
    assert set(LANGUAGES) == {"fi", "en"} and Translator("sv")("Name") == "Namn"


def test_days_in_a_text_are_said_as_the_reader_writes_them() -> None:
    text = Text("{day}, {moment}", {"day": dt.date(2026, 1, 2), "moment": dt.datetime(2026, 1, 2, 3, 4)})
    assert translator("fi").text(text) == "2.1.2026, 2.1.2026 klo 3.04"
    assert translator("en").text(text) == "02/01/2026, 02/01/2026 03:04"
