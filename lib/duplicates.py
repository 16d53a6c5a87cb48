"""Rows that look like the same person: the same phone, the same e-mail address, or nearly the same name.

Everything is compared within blocks (RapidFuzz over all names of a large register would be too slow while typing).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import pandas as pd
from rapidfuzz import fuzz, process
from rapidfuzz.utils import default_process

from lib.cleaning import FieldError, clean_phone
from lib.search import fold

NAME_CUTOFF = 88.0  # one letter in a usual name differs; "Matti" and "Mauri Virtanen" stay apart
ORGANISATION_CUTOFF = 85.0
COMPANY_FORMS = frozenset(("oy", "oyj", "ab", "abp", "ay", "ky", "tmi", "osk", "ry", "ltd", "inc", "gmbh"))
_MIN_PHONE = 5  # digits; a short code is not one person's
_MERGE_AT = 5_000  # changed rows kept beside the others before they are put together
_NOT_DIGIT = re.compile(r"[^0-9]")
_RANK = {"phone": 0, "email": 1, "name": 2}


class Match(NamedTuple):
    """A row that looks the same: its id, on what ground ("phone", "email" or "name"), and how much, up to 100."""

    id: str
    ground: str
    score: float


class _Keys(NamedTuple):
    """What a row is compared by. `name` and `organisation` are folded words in alphabetical order."""

    phone: str
    email: str
    name: str
    organisation: str


@lru_cache(maxsize=65_536)
def _words(text: str) -> str:
    return " ".join(sorted(default_process(fold(text)).split()))


@lru_cache(maxsize=65_536)
def _organisation(text: str) -> str:
    words = _words(text).split()
    return " ".join([word for word in words if word not in COMPANY_FORMS] or words)


def _keys(row: Mapping[str, Any]) -> _Keys:
    digits = _NOT_DIGIT.sub("", row.get("phone") or "")
    return _Keys(
        digits if len(digits) >= _MIN_PHONE else "",
        (row.get("email") or "").strip().casefold(),
        _words(row.get("name") or ""),
        _organisation(row.get("organisation") or ""),
    )


def _compare(wanted: _Keys, other: _Keys) -> tuple[str, float] | None:
    """The ground on which two rows look the same, and the score; None where they don't."""
    if wanted.phone and wanted.phone == other.phone:
        return "phone", 100.0
    if wanted.email and wanted.email == other.email:
        return "email", 100.0
    score = fuzz.ratio(wanted.name, other.name, score_cutoff=NAME_CUTOFF) if wanted.name and other.name else 0.0
    if wanted.organisation and other.organisation:
        # Words that only one side has ("Acme", "Acme Finland") don't count against it.
        alike = fuzz.token_set_ratio(wanted.organisation, other.organisation, score_cutoff=ORGANISATION_CUTOFF)
        if score and alike:
            return "name", min(score, alike)
        if not wanted.name and not other.name and wanted.organisation == other.organisation:
            return "name", 100.0
    elif wanted.name == other.name and " " in wanted.name:
        return "name", score
    return None


def person_keys(row: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """What a person is known by, each exactly: the phone number, the e-mail address, the name with the organisation."""
    keys = _keys(row)
    found: list[tuple[str, ...]] = [
        (kind, value) for kind, value in (("phone", keys.phone), ("email", keys.email)) if value
    ]
    return [*found, ("name", keys.name, keys.organisation)] if keys.name or keys.organisation else found


def same_name(one: str, other: str) -> bool:
    """Whether two names may be one person's: nearly the same, or one of them is missing."""
    one, other = _words(one), _words(other)
    return not one or not other or fuzz.ratio(one, other) >= NAME_CUTOFF


class _Candidates:
    """Which rows may look the same as another: by exact values, and by the beginnings of words of names.

    It only grows, so that the blocks before and after a change share it: it may offer rows that are gone or were
    different, and whoever asks compares what the row is now.
    """

    def __init__(self) -> None:
        self._exact: dict[tuple[str, str], tuple[str, ...]] = {}
        self._names: dict[str, tuple[list[str], list[str]]] = {}

    def add(self, id_: str, keys: _Keys) -> None:
        for pair in _exact(keys):
            self._exact[pair] = (*self._exact.get(pair, ()), id_)
        for start in _starts(keys.name):
            ids, names = self._names.setdefault(start, ([], []))
            ids.append(id_)  # first, since another thread may be reading: every name has its id
            names.append(keys.name)

    def of(self, wanted: _Keys) -> set[str]:
        found = {id_ for pair in _exact(wanted) for id_ in self._exact.get(pair, ())}
        for start in _starts(wanted.name):
            ids, names = self._names.get(start, ([], []))
            close = process.extract_iter(wanted.name, names, scorer=fuzz.ratio, score_cutoff=NAME_CUTOFF)
            found.update(ids[position] for _, _, position in close)
        return found


def _exact(keys: _Keys) -> list[tuple[str, str]]:
    pairs = [("phone", keys.phone), ("email", keys.email), ("organisation", "" if keys.name else keys.organisation)]
    return [pair for pair in pairs if pair[1]]


def _starts(name: str) -> set[str]:
    """The first two letters of each word: a slip in one word still leaves the other one's block."""
    return {word[:2] for word in name.split()}


class Blocks:
    """An index of a table for finding duplicates. What it finds never changes: a change gives a new one.

    Args:
        frame: the register's table.
        region: where phone numbers without a country code are from.
    """

    def __init__(self, frame: pd.DataFrame, region: str = "FI") -> None:
        self.region = region
        self._candidates = _Candidates()
        self._rows: dict[str, _Keys] = {}
        self._changed: dict[str, _Keys] = {}  # beside the rows, since copying those at each change is slow
        columns = [frame[code].tolist() for code in _Keys._fields]
        for id_, *values in zip(frame["id"].tolist(), *columns, strict=True):
            self._rows[id_] = keys = _keys(dict(zip(_Keys._fields, values, strict=True)))
            self._candidates.add(id_, keys)

    def find(self, values: Mapping[str, Any], exclude_id: str | None = None, limit: int = 5) -> list[Match]:
        """Rows that look like the same person as these values, the surest first.

        A name needs nearly the same organisation beside it, in any order of words and whatever the company's form;
        where one side has no organisation, the same full name of two words or more is enough. Where neither has a
        name, the same organisation is.

        Args:
            values: code to value, as typed; of these, phone, email, name and organisation are read.
            exclude_id: the row that is being edited.
            limit: the most matches to return.
        """
        wanted = _keys({**values, "phone": self._phone(values.get("phone"))})
        matches = [
            Match(id_, *same)
            for id_ in self._candidates.of(wanted)
            if id_ != exclude_id and (keys := self._now(id_)) and (same := _compare(wanted, keys))
        ]
        matches.sort(key=lambda match: (_RANK[match.ground], -match.score, match.id))
        return matches[:limit]

    def with_row(self, row: Mapping[str, Any]) -> Blocks:
        """The blocks after a row, known by its `id`, was added or changed."""
        id_, keys = row["id"], _keys(row)
        if self._now(id_) == keys:
            return self
        self._candidates.add(id_, keys)
        return self._with({id_: keys})

    def _now(self, id_: str) -> _Keys | None:
        return self._changed.get(id_) or self._rows.get(id_)

    def _with(self, changes: Mapping[str, _Keys]) -> Blocks:
        blocks = Blocks.__new__(Blocks)
        blocks.region, blocks._candidates = self.region, self._candidates
        blocks._rows, blocks._changed = self._rows, {**self._changed, **changes}
        if len(blocks._changed) > _MERGE_AT:
            blocks._rows, blocks._changed = {**self._rows, **blocks._changed}, {}
        return blocks

    def _phone(self, value: object) -> str:
        try:
            return clean_phone(value, self.region)[0]
        except FieldError:  # too long to be a phone number; the form says so
            return ""
