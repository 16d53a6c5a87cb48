"""The backups on the administration page: made, looked at, and brought back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from lib.errors import Damaged, StoreError
from lib.i18n import N_
from lib.store import Store
from lib.store.backups import Backups
from lib.ui.backups import KIND_NAMES
from tests.pages.conftest import NOW, Visitor, add, part

LATER = "Take rows entered since away, too"


@pytest.fixture
def rows(store: Store) -> Store:
    """Twelve rows and a backup of them; since then one was changed, one removed and one entered."""
    for n in range(12):
        add(store, name=f"Henkilö {n}")
    store.backup(by="aino")
    store.update("P-000001", {"notes": "muutettu", "title": "Johtaja"}, by="sami")
    store.remove(["P-000002"], by="maija", reason="erasure")
    add(store, name="Uusi")
    return store


def choose(visitor: Visitor, kind: str) -> None:
    """Open the part and tick the newest backup of a kind."""
    part(visitor, "backups")
    visitor.choose(visitor.table()["kind"].tolist().index(visitor.t(KIND_NAMES[kind])))


def plan(visitor: Visitor, *, exact: bool = False) -> None:
    choose(visitor, "manual")
    if exact:
        visitor.field("toggle", LATER).set_value(True)
        visitor.run()
    visitor.press("See what would change")


def counts(visitor: Visitor) -> dict[str, str]:
    return {metric.label: metric.value for metric in visitor.at.metric}


# -- making and seeing -------------------------------------------------------------------------------------------------


def test_a_backup_is_made_on_request(aino: Visitor, store: Store) -> None:
    add(store, name="Kaarina")
    part(aino, "backups")
    aino.press("Make a backup now")
    assert aino.sees("The backup was made.") and not aino.at.error
    (manual,) = [copy for copy in store.backups.all() if copy.kind == "manual"]
    assert manual.rows == 1 and store.log()[0].action == "backup"
    assert aino.t("Made by hand") in aino.table()["kind"].tolist()


def test_the_backups_are_listed_with_the_newest_first(
    aino: Visitor, rows: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Store, "now", NOW + dt.timedelta(days=400))
    rows.backup(by="aino")
    part(aino, "backups")
    table = aino.table()
    assert table["made"].is_monotonic_decreasing and len(table) == len(aino.workspace.backups())
    assert table["made"].iloc[0].date() == (NOW + dt.timedelta(days=400)).date()
    assert "place" not in table


def test_a_backup_that_cannot_be_made_says_why(aino: Visitor, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> str:
        raise StoreError(N_("the disk is full"))

    monkeypatch.setattr(Store, "backup", fails)
    part(aino, "backups")
    aino.press("Make a backup now")
    assert aino.error("the disk is full") and not aino.at.success


def test_without_a_second_place_the_page_says_what_it_would_be_for(aino: Visitor, store: Store) -> None:
    part(aino, "backups")
    assert not aino.at.warning and aino.sees(
        "The backups lie on the same disk as the register. "
        "Choose a folder on another disk in the settings: copies of them are then kept there, too."
    )


def test_the_page_warns_of_a_second_place_on_the_same_disk_or_out_of_reach_or_behind(
    aino: Visitor, rows: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = tmp_path / "toinen_*levy*"
    second.mkdir()
    aino.workspace.save_settings(second_place=str(second))
    rows.backup(by="aino")
    part(aino, "backups")
    (said,) = [w.value for w in aino.at.warning]
    assert "toinen\\_\\*levy\\*" in said and aino.t("Here and in the second place") in aino.table()["place"].tolist()
    monkeypatch.setattr(Backups, "same_disk", lambda self: False)
    part(aino, "backups")
    assert not aino.at.warning
    second.rename(tmp_path / "poissa")
    part(aino, "backups")
    (said,) = [w.value for w in aino.at.warning]
    behind = "{n} backup is not in the second place yet. It follows by itself."
    behinds = "{n} backups are not in the second place yet. They follow by themselves."
    assert aino.t("it is not there") in said
    assert aino.t.plural(behind, behinds, len(rows.backups.behind())) in said


def test_a_backup_in_both_places_is_one(aino: Visitor, rows: Store, tmp_path: Path) -> None:
    (tmp_path / "toinen").mkdir()
    aino.workspace.save_settings(second_place=str(tmp_path / "toinen"))
    rows.backup(by="aino")
    part(aino, "backups")
    assert (
        len(aino.table()) < len(rows.backups.all()) and aino.table()["kind"].tolist().count(aino.t("Made by hand")) == 2
    )


# -- bringing back -----------------------------------------------------------------------------------------------------


def test_what_a_restore_would_change_is_shown_in_numbers_and_ids_and_nothing_is_changed(
    aino: Visitor, visitor: Callable[..., Visitor], rows: Store
) -> None:
    before = rows.frame
    ylva = visitor("ylva")
    plan(ylva)
    assert counts(ylva) == {
        ylva.t("Come back"): "0",
        ylva.t("Change"): "1",
        ylva.t("Go"): "0",
        ylva.t("Rows afterwards"): "12",
    }
    kept = "{n} row of this backup was removed for good and stays away."
    assert ylva.t.plural(kept, "{n} rows of this backup were removed for good and stay away.", 1) in ylva.shown()
    table = ylva.table(1)
    assert table["id"].tolist() == ["P-000001"] and table["what"].tolist() == [ylva.t("Change")]
    assert set(table["columns"][0].split(", ")) == {ylva.t("Notes"), ylva.t("Title")}
    assert rows.frame.equals(before) and "Henkilö" not in ylva.shown() and "muutettu" not in ylva.shown()


def test_rows_entered_since_go_only_if_that_is_chosen(aino: Visitor, rows: Store) -> None:
    plan(aino, exact=True)
    assert counts(aino)[aino.t("Go")] == "1" and aino.table(1)["id"].tolist() == ["P-000001", "P-000013"]
    # With another choice the numbers no longer hold.
    aino.field("toggle", LATER).set_value(False)
    aino.run()
    assert not aino.at.metric and aino.button("See what would change")


def test_a_restore_asks_first_and_makes_a_backup_of_now(aino: Visitor, rows: Store) -> None:
    plan(aino)
    aino.press("Restore this backup")
    assert aino.sees("A backup of how it is now is made first, so this can be taken back.")
    assert rows.register.row("P-000001")["notes"] == "muutettu"
    aino.at.button(key="restore-now").click()
    aino.run()
    text = "The backup was restored: {n} row changed."
    assert aino.t.plural(text, "The backup was restored: {n} rows changed.", 1) in aino.shown()
    assert rows.register.row("P-000001")["notes"] == "" and len(rows.frame) == 12
    assert "restore" in [copy.kind for copy in rows.backups.all()]
    assert rows.log()[0].action == "restore" and not aino.at.metric
    assert not [button for button in aino.at.button if button.key == "restore-now"]


def test_more_than_ten_rows_ask_for_their_number(aino: Visitor, rows: Store) -> None:
    for n in (3, 4, 5, 6, 7, 8, 9, 10, 11, 12):
        rows.update(f"P-{n:06d}", {"title": "muutettu"}, by="sami")
    plan(aino)
    aino.press("Restore this backup")
    assert aino.at.button(key="restore-now").disabled
    aino.at.text_input(key="restore-count").set_value("10")
    aino.run()
    assert aino.at.button(key="restore-now").disabled
    aino.at.text_input(key="restore-count").set_value("11")
    aino.run()
    aino.at.button(key="restore-now").click()
    aino.run()
    assert set(rows.frame["title"]) == {""}


def test_a_backup_that_is_the_same_as_the_register_offers_no_restore(aino: Visitor, store: Store) -> None:
    add(store, name="Kaarina")
    store.backup(by="aino")
    plan(aino)
    assert aino.sees("The register has everything that this backup has. There is nothing to restore.")
    assert aino.t("Restore this backup") not in aino.labels()


def test_a_backup_that_cannot_be_read_says_so(aino: Visitor, rows: Store) -> None:
    copy = next(copy for copy in rows.backups.all() if copy.kind == "manual")
    copy.path.write_bytes(copy.path.read_bytes()[:3000])
    plan(aino)
    assert aino.error(Damaged.template, file=copy.path.name) and not aino.at.metric
    assert aino.button("See what would change")


def test_a_restore_that_fails_changes_nothing_and_says_why(
    aino: Visitor, rows: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan(aino)
    aino.press("Restore this backup")

    def fails(*_: object, **__: object) -> None:
        raise StoreError(N_("the disk is full"))

    monkeypatch.setattr(Store, "restore", fails)
    aino.at.button(key="restore-now").click()
    aino.run()
    assert aino.error("the disk is full") and rows.register.row("P-000001")["notes"] == "muutettu"


def test_only_a_backup_is_restored_and_no_other_file(aino: Visitor, rows: Store) -> None:
    for name in ("/etc/passwd", str(rows.path), "../prospects.xlsx", "manual-20260101T000000-g1-r1.xlsx"):
        with pytest.raises(StoreError):
            aino.workspace.restore(name, exact=False, dry_run=True)
