"""A register whose workbook is edited outside."""

from __future__ import annotations

import pytest

from lib import schema
from lib.store import Store

from ..tools import BY, PASSWORD, book, person

OTHER = "aivan toinen salasana"
MANAGER = "päällikkö"


@pytest.fixture
def filled(store: Store) -> Store:
    """Three rows, all in the workbook."""
    for name in ("Aino", "Bertta", "Cecilia"):
        store.add(person(name, title="Johtaja"), by=BY)
    store.checkpoint()
    return store


def in_workbook(store: Store) -> list[str]:
    """The names that stand in the file itself."""
    sheet = book(store.path)["Prospektit"]
    place = [cell.value for cell in sheet[1]].index(schema.heading("name", "fi"))
    return [row[place] or "" for row in sheet.iter_rows(min_row=2, values_only=True)]


def reopened(store: Store) -> Store:
    return Store.open(store.data_dir, PASSWORD)
