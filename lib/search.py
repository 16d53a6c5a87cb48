"""Finding rows: by words and phone numbers in any spelling, and by the list page's filters.

A row is prepared once as one folded text, so that a query is a plain scan over a list of strings.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Collection, Mapping
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lib.schema import BY_CODE, SEPARATOR, TEXT_CODES, Kind, label

Mask = NDArray[np.bool_]

# Who entered or changed a row would make a user's name find everything that the user ever touched.
SEARCHED = tuple(code for code in TEXT_CODES if code not in ("created_by", "changed_by"))
_CHOICES = tuple(code for code in SEARCHED if BY_CODE[code].kind is Kind.CHOICE)
_PLAIN = tuple(code for code in SEARCHED if code not in _CHOICES)

# Combining marks that NFKD splits off, and characters that nobody sees (soft hyphen, zero width).
_DROPPED = re.compile(
    "[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f\u00ad\u200b-\u200d\u2060\ufeff]"
)
# Letters with a stroke and the like, which NFKD leaves whole.
_LETTERS = str.maketrans({"ø": "o", "æ": "ae", "œ": "oe", "đ": "d", "ð": "d", "þ": "th", "ł": "l", "ħ": "h", "ı": "i"})
_STROKED = re.compile("[øæœđðþłħı]")
_NUMBER = re.compile(r"[+(]*[0-9][0-9()./+\u2010-\u2015-]*")
_WRITTEN_NUMBER = re.compile(r"[+(]*[0-9][0-9()./+ \u00a0\u2010-\u2015-]{5,}[0-9]")
_FREE_TEXT = ("notes", "address", "source_detail")  # where people write a second phone number
_NOT_DIGIT = re.compile(r"[^0-9]")
_WHOLE_NUMBER = 7  # digits after which a number is complete, and the next one is another
_TELLING = 3  # fewer digits, picked out of "3-5", would be found everywhere
_SHORT_CODE = 5  # "00100" is a postal code, not the beginning of an international number


def fold(text: str) -> str:
    """Text as it is compared: no accents, no case. "Mäkelä" and "MAKELA" become "makela", "Strauß" "strauss".

    Source: Unicode NFKD and case folding.
    """
    # The letters of Finnish are by far the most frequent ones, and this is ten times as fast.
    plain = text.lower().replace("ä", "a").replace("ö", "o").replace("å", "a")
    if plain.isascii():
        return plain
    folded = _DROPPED.sub("", unicodedata.normalize("NFKD", text.casefold())).casefold()
    return folded.translate(_LETTERS) if _STROKED.search(folded) else folded


@cache
def _prefixes(region: str) -> tuple[str, str]:
    """The country code and the trunk prefix of a region: "358" and "0"."""
    import phonenumbers

    metadata = phonenumbers.PhoneMetadata.metadata_for_region(region)
    return str(phonenumbers.country_code_for_region(region)), (metadata.national_prefix or "") if metadata else ""


def _phone_digits(phone: str, region: str) -> str:
    """The digits of a phone number in national and in international form."""
    digits = _NOT_DIGIT.sub("", phone)
    country, trunk = _prefixes(region)
    if phone.startswith("+"):
        return f"{trunk}{digits[len(country) :]} {digits}" if digits.startswith(country) else digits
    if trunk and digits.startswith(trunk):
        return f"{digits} {country}{digits[len(trunk) :]}"
    return digits


@cache
def _choice_text(code: str, choice: str) -> str:
    return "\n".join(dict.fromkeys((choice, label(code, choice, "fi"), label(code, choice, "en"))))


def row_text(row: Mapping[str, Any], region: str = "FI") -> str:
    """The text that a row is found by: every searched column, folded, the phone number in each form of its digits.

    Args:
        row: code to value; codes that are missing count as empty.
        region: where phone numbers without a country code are from.
    """
    parts = [value for code in _PLAIN if (value := row.get(code))]
    parts += [_choice_text(code, value) for code in _CHOICES if (value := row.get(code))]
    if phone := row.get("phone"):
        parts.append(_phone_digits(phone, region))
    for code in _FREE_TEXT:
        if value := row.get(code):
            parts += [_phone_digits(number, region) for number in _WRITTEN_NUMBER.findall(value)]
    return fold("\n".join(parts))


class Index:
    """The prepared texts of a table, one a row, in the table's order. It is never changed: a change gives a new one.

    Args:
        frame: the register's table.
        region: where phone numbers without a country code are from.
    """

    def __init__(self, frame: pd.DataFrame, region: str = "FI") -> None:
        self.region = region
        columns = [frame[code].tolist() for code in SEARCHED]
        self._texts = [
            row_text(dict(zip(SEARCHED, values, strict=True)), region) for values in zip(*columns, strict=True)
        ]

    def __len__(self) -> int:
        return len(self._texts)

    def match(self, query: str) -> Mask:
        """Which rows hold every word of the query, anywhere; all of them when it is empty.

        Words may be parts of words. A phone number may be written in any way, with or without its country code.
        """
        found: Mask | None = None
        for term in _terms(query):
            if found is None:
                found = np.fromiter(_scan(self._texts, term), dtype=np.bool_, count=len(self._texts))
                continue
            left = np.flatnonzero(found)
            found[left] = np.fromiter(_scan([self._texts[i] for i in left], term), dtype=np.bool_, count=len(left))
        return np.ones(len(self._texts), dtype=np.bool_) if found is None else found

    def with_row(self, position: int, row: Mapping[str, Any]) -> Index:
        """The index after the row at a position became this one, or was added at the end."""
        texts = self._texts.copy()
        texts[position : position + 1] = [row_text(row, self.region)]
        return self._of(texts)

    def _of(self, texts: list[str]) -> Index:
        index = Index.__new__(Index)
        index.region = self.region
        index._texts = texts
        return index


def _scan(texts: list[str], alternatives: tuple[str, ...]) -> list[bool]:
    """Whether each text holds one of the alternatives."""
    if len(alternatives) == 1:
        only = alternatives[0]
        return [only in text for text in texts]
    first, second, *others = alternatives
    if not others:
        return [first in text or second in text for text in texts]
    return [any(part in text for part in alternatives) for text in texts]


def _terms(query: str) -> list[tuple[str, ...]]:
    """What a row must hold: for each term, alternatives of which one is enough. The most telling term comes first."""
    terms: list[tuple[str, ...]] = []
    run: list[str] = []
    for word in fold(query).split():
        if not _NUMBER.fullmatch(word):
            terms += _number_terms(run)
            run = []
            terms.append((word,))
            continue
        run.append(word)
        if len(_NOT_DIGIT.sub("", word)) >= _WHOLE_NUMBER:
            terms += _number_terms(run)
            run = []
    terms += _number_terms(run)
    return sorted(dict.fromkeys(terms), key=lambda term: (len(term), -min(map(len, term))))


def _number_terms(words: list[str]) -> list[tuple[str, ...]]:
    """Numbers that stand side by side: a phone number in pieces, or numbers of an address."""
    if not words:
        return []
    phrase = " ".join(words)
    abroad = words[0].startswith(("+", "(+", "00"))
    digits = _NOT_DIGIT.sub("", phrase.replace("(0)", "") if abroad else phrase)
    if digits.startswith("00") and len(digits) > _SHORT_CODE and digits[2] != "0":
        digits = digits[2:]
    if len(digits) < _TELLING:
        return [(word,) for word in words]
    if words[0].startswith(("0", "+", "(")):
        whole = phrase.startswith(("+", "(+")) or len(digits) >= _WHOLE_NUMBER
        return [(digits,) if whole else tuple(dict.fromkeys((digits, phrase)))]
    # "Mannerheimintie 10 00100": the numbers may belong to different things, or be the middle of a phone number.
    return [tuple(dict.fromkeys((digits, word))) for word in words]


def filter_rows(
    frame: pd.DataFrame,
    *,
    source: Collection[str] = (),
    status: Collection[str] = (),
    interests: Collection[str] = (),
    owner: Collection[str] = (),
    received_from: dt.date | None = None,
    received_to: dt.date | None = None,
    expires_by: dt.date | None = None,
    hide_requested: bool = True,
) -> Mask:
    """Which rows the list shows. Filters that are given must all hold; an empty one lets every row through.

    Args:
        frame: the register's table.
        source, status, owner: codes or user names, one of which the row has.
        interests: whole items, one of which the row has; case does not matter.
        received_from, received_to: first and last day of `received`; rows without the date are left out.
        expires_by: last day of `expires`.
        hide_requested: leave out rows whose removal was requested.
    """
    mask = np.ones(len(frame), dtype=np.bool_)
    for code, wanted in (("source", source), ("status", status), ("owner", owner)):
        if wanted:
            mask &= frame[code].isin(list(wanted)).to_numpy(dtype=np.bool_)
    if interests:
        mask &= _with_interest(frame["interests"], interests)
    if received_from is not None:
        mask &= (frame["received"] >= pd.Timestamp(received_from)).to_numpy(dtype=np.bool_)
    if received_to is not None:
        mask &= (frame["received"] <= pd.Timestamp(received_to)).to_numpy(dtype=np.bool_)
    if expires_by is not None:
        mask &= (frame["expires"] <= pd.Timestamp(expires_by)).to_numpy(dtype=np.bool_)
    if hide_requested:
        mask &= frame["removal_requested"].isna().to_numpy(dtype=np.bool_)
    return mask


def _with_interest(column: pd.Series[str], interests: Collection[str]) -> Mask:
    """Rows with one of the interests; each different cell is taken apart only once."""
    wanted = {interest.strip().casefold() for interest in interests}
    positions, cells = pd.factorize(column)
    found = [not wanted.isdisjoint(cell.casefold().split(SEPARATOR)) for cell in cells.tolist()]
    return np.array(found, dtype=np.bool_)[positions]
