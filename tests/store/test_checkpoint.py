"""S9: before a checkpoint replaces the workbook, the new one is proven and a copy of it kept; backups rotate."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lib import settings
from lib.errors import Damaged, NotWritten, StoreError, WrongPassword
from lib.store import Store, checkpoint, workbook
from lib.store.core import Core
from lib.store.encryption import decrypt, encrypt
from lib.store.workbook import Content

from .outside_tools import cells, names, save
from .tools import BY, PASSWORD, book, opened, person


@pytest.fixture
def filled(store: Store) -> Store:
    """Two rows, a column and a sheet of others in the workbook; a third row only in the journal."""
    for name in ("Aino", "Bertta"):
        store.add(person(name), by=BY)
    store.checkpoint()

    def others(changed: Any) -> None:
        sheet = changed["Prospektit"]
        place = sheet.max_column + 1
        for row, value in enumerate(("Oma", 7.5, "teksti"), 1):
            sheet.cell(row, place).value = value
        changed.create_sheet("Omat").append(["a", 1.5])

    save(store.path, others)
    store.checkpoint()
    store.add(person("Cecilia"), by=BY)
    return store


def reopened(store: Store) -> Store:
    return Store.open(store.data_dir, PASSWORD)


# -- proven ------------------------------------------------------------------------------------------------------


def other_text(content: Content) -> None:
    content.frame.loc[1, "name"] = "Joku muu"


def without_a_row(content: Content) -> None:
    content.frame = content.frame.drop(index=1).reset_index(drop=True)
    content.extras = content.extras.drop(index=1).reset_index(drop=True)


def rows_swapped(content: Content) -> None:
    content.frame = content.frame.iloc[::-1].reset_index(drop=True)


def without_a_date(content: Content) -> None:
    content.frame.loc[0, "received"] = pd.NaT


def other_time(content: Content) -> None:
    content.frame["changed_at"] = content.frame["changed_at"] + dt.timedelta(seconds=1)


def other_cell(content: Content) -> None:
    content.extras.loc[0, "Oma"] = 7.6


def without_a_column(content: Content) -> None:
    content.extras = content.extras.drop(columns=["Oma"])


def other_sheet(content: Content) -> None:
    content.sheets = {"Omat": [["a", 1.6]]}


def without_a_sheet(content: Content) -> None:
    content.sheets = {}


def other_number(content: Content) -> None:
    content.info.last_number = 2


SABOTAGE = [
    other_text,
    without_a_row,
    rows_swapped,
    without_a_date,
    other_time,
    other_cell,
    without_a_column,
    other_sheet,
    without_a_sheet,
    other_number,
]


@pytest.mark.parametrize("spoil", SABOTAGE, ids=lambda spoil: spoil.__name__)
def test_s9_a_workbook_that_is_not_what_the_register_says_replaces_nothing(
    filled: Store, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[Content], None]
) -> None:
    write = workbook.write

    def sabotaged(content: Content, password: str, language: str) -> bytes:
        spoilt = Content(content.frame.copy(), content.extras.copy(), content.info, content.sheets)
        spoilt.info = type(content.info)(**vars(content.info))
        spoil(spoilt)
        return write(spoilt, password, language)

    before, copies = filled.path.read_bytes(), filled.backups.all()
    monkeypatch.setattr(workbook, "write", sabotaged)
    with pytest.raises(Damaged):
        filled.checkpoint()
    with pytest.raises(Damaged):
        filled.backup(by=BY)
    monkeypatch.undo()
    assert filled.path.read_bytes() == before and filled.backups.all() == copies
    assert filled.add(person("Dora"), by=BY) == "P-000004"
    with reopened(filled) as again:
        assert names(again) == ["Aino", "Bertta", "Cecilia", "Dora"]
        again.checkpoint()
        assert again.is_current


@pytest.mark.parametrize("wrong", ["another password", "a byte", "no encryption"])
def test_s9_a_workbook_that_does_not_open_replaces_nothing(
    filled: Store, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    write = workbook.write

    def sabotaged(content: Content, password: str, language: str) -> bytes:
        sealed = bytearray(write(content, password, language))
        if wrong == "another password":
            return encrypt(decrypt(bytes(sealed), password), "toinen salasana")
        if wrong == "a byte":
            sealed[len(sealed) // 2] ^= 1
        return bytes(sealed) if wrong == "a byte" else b"PK" + bytes(4096)

    before = filled.path.read_bytes()
    monkeypatch.setattr(workbook, "write", sabotaged)
    with pytest.raises((Damaged, WrongPassword, StoreError)):
        filled.checkpoint()
    assert filled.path.read_bytes() == before


def test_s9_a_verified_copy_is_there_before_the_workbook_is_replaced(
    filled: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[bytes, bytes]] = []
    swap = checkpoint.swap

    def watched(beside: Path, path: Path) -> None:
        copy = filled.backups.newest_generation()
        assert copy and beside.read_bytes() == copy.path.read_bytes() and copy.rows == 3
        assert [row[5] for row in book(copy.path)["Prospektit"].iter_rows(min_row=2, values_only=True)] == [
            "Aino",
            "Bertta",
            "Cecilia",
        ]
        seen.append((path.read_bytes(), copy.path.read_bytes()))
        swap(beside, path)

    before = filled.path.read_bytes()
    monkeypatch.setattr(checkpoint, "swap", watched)
    filled.checkpoint()
    ((old, new),) = seen
    assert old == before and filled.path.read_bytes() == new


def test_s9_without_room_for_a_copy_the_workbook_is_not_replaced(
    filled: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise NotWritten(reason="-")

    before = filled.path.read_bytes()
    monkeypatch.setattr(filled.backups, "keep", full)
    for _ in range(3):
        with pytest.raises(NotWritten):
            filled.checkpoint()
    assert filled.path.read_bytes() == before and not filled.is_current
    assert len(filled.journal.segments()) == 2  # not one more for each attempt
    monkeypatch.undo()
    filled.checkpoint()
    assert filled.is_current and names(reopened(filled)) == ["Aino", "Bertta", "Cecilia"]


def test_the_journal_goes_only_once_the_workbook_holds_it(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(_store: Core, _below: int) -> None:
        raise NotWritten(reason="-")

    monkeypatch.setattr(checkpoint, "retire", nothing)
    filled.checkpoint()
    monkeypatch.undo()
    assert len(filled.journal.segments()) == 2
    with reopened(filled) as again:
        assert names(again) == ["Aino", "Bertta", "Cecilia"] and again.is_current
        again.add(person("Dora"), by=BY)
        again.checkpoint()
        assert again.journal.segments() == [again.on_disk] and names(again)[-1] == "Dora"
        assert [entry.action for entry in again.log()].count("add") == 4


# -- rotation ----------------------------------------------------------------------------------------------------


class Clock:
    """The store's own clock, set by hand."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.now = dt.datetime(2026, 11, 1, 12, 0)
        patch.setattr(Core, "now", property(lambda _: self.now))

    def forward(self, **by: float) -> None:
        self.now += dt.timedelta(**by)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def dated(clock: Clock, data_dir: Path) -> Iterator[Store]:
    with Store.create(data_dir, PASSWORD) as made:
        yield made


def test_s9_backups_rotate_by_age_and_count(dated: Store, clock: Clock, tmp_path: Path) -> None:
    place = tmp_path / "second"
    place.mkdir()
    settings.save(dated.data_dir, dated.settings, second_place=str(place))
    for day in range(10):
        for number in range(2):
            clock.forward(hours=1)
            dated.add(person(f"Päivä {day} {number}"), by=BY)
            dated.checkpoint()
        dated.backup(by=BY)
        clock.forward(hours=22)
    for where, kinds in (("own", {"generation": 3, "daily": 7, "manual": 4}), ("second", {"daily": 7, "manual": 4})):
        copies = [copy for copy in dated.backups.all() if copy.place == where]
        assert {kind: sum(copy.kind == kind for copy in copies) for kind in {copy.kind for copy in copies}} == kinds
        days = [copy.made.date() for copy in copies if copy.kind == "daily"]
        assert days == [dt.date(2026, 11, 10) - dt.timedelta(days=n) for n in range(7)]  # one a day, the newest ones
        for copy in copies:
            assert opened(copy.path).startswith(b"PK")
    clock.forward(days=40)
    dated.add(person("Viimeinen"), by=BY)
    dated.checkpoint()
    left = [(copy.kind, copy.place) for copy in dated.backups.all()]
    assert sorted(left) == [("daily", "own"), ("daily", "second"), ("generation", "own")]


def test_s9_a_day_without_changes_needs_no_copy_and_a_day_has_one(dated: Store, clock: Clock) -> None:
    def daily() -> int:
        return sum(copy.kind == "daily" for copy in dated.backups.all())

    before = daily()
    clock.forward(days=1)
    dated.checkpoint()
    assert daily() == before
    for _ in range(3):
        clock.forward(hours=1)
        dated.add(person(), by=BY)
        dated.checkpoint()
    assert daily() == before + 1


def test_s9_a_second_place_out_of_reach_stops_nothing_and_gets_its_copies_later(
    dated: Store, clock: Clock, tmp_path: Path
) -> None:
    place, away = tmp_path / "second", tmp_path / "away"
    place.mkdir()
    settings.save(dated.data_dir, dated.settings, second_place=str(place))
    dated.add(person("Ensimmäinen"), by=BY)
    dated.backup(by=BY)
    assert dated.backups.behind() == [] and dated.backups.unreachable is None
    place.rename(away)
    clock.forward(days=1)
    dated.add(person("Aino"), by=BY)
    dated.checkpoint()
    name = dated.backup(by=BY)
    assert dated.is_current and dated.backups.unreachable
    assert {copy.kind for copy in dated.backups.behind()} == {"daily", "manual"}
    away.rename(place)
    clock.forward(hours=1)
    dated.add(person("Bertta"), by=BY)
    dated.checkpoint()
    assert dated.backups.behind() == [] and dated.backups.unreachable is None
    assert {copy.path.name for copy in dated.backups.all() if copy.place == "second"} >= {name}


def test_s9_a_backup_holds_what_is_only_in_the_journal(filled: Store) -> None:
    name = filled.backup(by=BY)
    copy = next(copy for copy in filled.backups.all() if copy.path.name == name)
    assert (copy.kind, copy.rows) == ("manual", 3)
    assert workbook.read(copy.path.read_bytes(), PASSWORD, name).frame["name"].tolist() == ["Aino", "Bertta", "Cecilia"]
    entry = filled.log()[0]
    assert (entry.action, entry.by, entry.facts["backup"]) == ("backup", BY, name)


def test_s9_an_edit_made_outside_is_in_the_backup_too(filled: Store) -> None:
    save(filled.path, cells(2, title="Excelissä"))
    name = filled.backup(by=BY)
    copy = next(copy for copy in filled.backups.all() if copy.path.name == name)
    assert "Excelissä" in workbook.read(copy.path.read_bytes(), PASSWORD, name).frame["title"].tolist()
