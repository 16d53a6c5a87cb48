"""The texts of the source and the catalogues: `python -m tests.catalogue` brings `lib/locale/*.po` up to date.

A text that is new gets an empty translation, one that is gone is dropped; the tests fail while one is empty.
"""

from __future__ import annotations

import functools
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

from lib.schema import COLUMNS

ROOT = Path(__file__).parents[1]
LOCALE = ROOT / "lib" / "locale"
LANGUAGES = ("fi", "sv")
_KEYWORDS = {"N_": None, "t": None, "other": None, "plural": (1, 2)}


@functools.cache
def source_texts() -> set[str | tuple[str, str]]:
    """Every text that the source says: a string, or (singular, plural)."""
    found: set[str | tuple[str, str]] = set()
    for pattern in ("app.py", "lib/**/*.py", "pages/*.py", "lib/**/*.html"):
        for path in ROOT.glob(pattern):
            method = "jinja2" if path.suffix == ".html" else "python"
            found |= _texts(path, method)
    return found


def wanted(language: str) -> set[str | tuple[str, str]]:
    """The texts that a catalogue must hold: Swedish has only what may stand in a workbook."""
    if language != "sv":
        return source_texts()
    return {column.heading for column in COLUMNS} | {label for column in COLUMNS for label in column.choices.values()}


def _texts(path: Path, method: str) -> set[str | tuple[str, str]]:
    name = "jinja2.ext:babel_extract" if method == "jinja2" else method
    with path.open("rb") as file:
        return {message for _, message, _, _ in extract(name, file, _KEYWORDS) if message}


def catalogue(language: str) -> Catalog:
    with (LOCALE / f"{language}.po").open("rb") as file:
        return read_po(file, locale=language)


def update(language: str) -> int:
    """Write a language's catalogue anew, with the translations it has. Returns how many texts have none."""
    path = LOCALE / f"{language}.po"
    old = catalogue(language) if path.exists() else Catalog(locale=language)
    new = Catalog(locale=language, fuzzy=False, creation_date=old.creation_date, revision_date=old.revision_date)
    new.header_comment = f"# Texts of the register in {language}. A word that is wrong is corrected here."
    empty = 0
    for text in sorted(wanted(language), key=str):
        known = old.get(text if isinstance(text, str) else text[0])
        string = known.string if known else ("" if isinstance(text, str) else ("", ""))
        new.add(text, string)
        empty += not (string if isinstance(string, str) else all(string))
    with path.open("wb") as file:
        write_po(file, new, width=118, sort_output=True, omit_header=False)
    return empty


if __name__ == "__main__":
    for language in LANGUAGES:
        print(language, update(language), "texts without a translation")
