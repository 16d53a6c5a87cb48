"""Journals of one segment and of three, and somebody who follows."""

from __future__ import annotations

from pathlib import Path

import pytest

from lib.store.journal import Journal

from .segments import KEY, record


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """A journal of one segment with three records."""
    made = Journal(tmp_path / "journal", KEY)
    made.begin(1, {"questions": []})
    for name in ("one", "two", "three"):
        made.append(record(name))
    return made


@pytest.fixture
def long(journal: Journal) -> Journal:
    """A journal of three segments."""
    for segment in (2, 3):
        journal.begin(segment, {})
        for name in ("one", "two"):
            journal.append(record(f"{name} of {segment}"))
    return journal


@pytest.fixture
def follower(journal: Journal) -> Journal:
    """Another process that has read the journal to its end."""
    other = Journal(journal.folder, KEY)
    other.load(1)
    return other
