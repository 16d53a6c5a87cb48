"""Removal everywhere: the dialog, how far the copies are, what stands in the way, and where its end is told."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import streamlit

from lib import retention
from lib.errors import Busy, HeldOpen, RemovalUnfinished
from lib.i18n import Text
from lib.installation import Installation
from lib.store import Store
from lib.ui import working
from tests.pages.conftest import TODAY, WORKBOOK_PASSWORD, Visitor, add, hold, release
from tests.store.tools import all_text, opened

EVERYWHERE = "{n} row was removed everywhere.", "{n} rows were removed everywhere."
STILL = (
    "{n} removed row may still stand in a copy. It is tried again by itself.",
    "{n} removed rows may still stand in copies. It is tried again by itself.",
)


@pytest.fixture
def rows(store: Store) -> Store:
    """Two rows that have ended, in a backup, too."""
    limit = retention.add_years(TODAY, -5)
    for n, name in enumerate(("Kaarina Kanarialintu", "Kalle Kanarialintu")):
        add(store, name=name, received=limit - dt.timedelta(days=n))
    add(store, name="Uusi")
    store.backup(by="aino")
    return store


def confirm(visitor: Visitor, *positions: int) -> None:
    """Choose rows on the retention page and remove them in the dialog."""
    visitor.open("retention")
    visitor.choose(*positions)
    visitor.at.button(key="remove").click()
    visitor.run()
    visitor.at.button(key="remove-now").click()
    visitor.run()


def found(folder: Path) -> list[str]:
    """The workbooks that still say the name, decrypted."""
    return [path.name for path in folder.rglob("*.xlsx") if "Kanarialintu" in all_text(opened(path, WORKBOOK_PASSWORD))]


def test_s10_removed_everywhere_is_said_when_no_file_holds_the_rows(
    aino: Visitor, rows: Store, installation: Installation
) -> None:
    assert found(installation.data_dir)
    confirm(aino, 0, 1)
    assert aino.t.plural(*EVERYWHERE, 2) in [s.value for s in aino.at.success]
    assert found(installation.data_dir) == [] and not rows.unfinished
    assert [e.action for e in rows.log()[:2]] == ["erased", "remove"]
    assert not [button for button in aino.at.button if button.key == "remove-now"]
    assert aino.t("**Removal unfinished.**") not in aino.shown()


def test_s10_the_row_of_a_page_is_removed_everywhere_and_the_list_says_so(
    aino: Visitor, rows: Store, installation: Installation
) -> None:
    aino.open("prospects", row="P-000003")
    aino.press("Remove")
    assert aino.sees("Removal is final. It cannot be undone.")
    aino.at.button(key="remove-now").click()
    aino.run()
    assert aino.error("Check the marked fields.") and "P-000003" in rows.register.positions
    aino.at.text_input(key="removal-reason").set_value("pyydetty puhelimessa")
    aino.at.button(key="remove-now").click()
    aino.run()
    assert aino.title == aino.t("Prospects") and aino.t.plural(*EVERYWHERE, 1) in aino.shown()
    assert "P-000003" not in rows.register.positions and not rows.unfinished


def test_s10_while_somebody_has_the_workbook_open_it_says_removal_unfinished_and_who(
    aino: Visitor, rows: Store, installation: Installation
) -> None:
    hold(installation, "Maija [Virtanen](x)")
    confirm(aino, 0, 1)
    (said,) = [w.value for w in aino.at.warning]
    assert said.startswith(aino.t("**Removal unfinished.**")) and aino.t(RemovalUnfinished.template) in said
    assert "Maija \\[Virtanen\\]\\(x\\)" in said and aino.t.plural(*EVERYWHERE, 2) not in aino.shown()
    assert len(rows.frame) == 1 and rows.unfinished == {"P-000001", "P-000002"}
    # Later the page says it quietly, and it can be tried again.
    aino.open("retention")
    assert not aino.at.warning and aino.t.plural(*STILL, 2) in aino.shown() and "Virtanen" in aino.shown()
    aino.press("Try again")
    assert aino.t("**Removal unfinished.**") in aino.at.warning[0].value
    release(installation)
    aino.press("Try again")
    assert aino.t.plural(*EVERYWHERE, 2) in aino.shown() and aino.t.plural(*STILL, 2) not in aino.shown()
    assert found(installation.data_dir) == []


def test_s10_a_second_place_out_of_reach_stands_in_the_way_by_name(
    aino: Visitor, rows: Store, installation: Installation, tmp_path: Path
) -> None:
    second = tmp_path / "toinen"
    second.mkdir()
    aino.workspace.save_settings(second_place=str(second))
    rows.backup(by="aino")
    second.rename(tmp_path / "irti")
    confirm(aino, 0, 1)
    (said,) = [w.value for w in aino.at.warning]
    assert "toinen" in said and aino.t("it is not there") in said
    assert aino.t.plural(*EVERYWHERE, 2) not in aino.shown()
    (tmp_path / "irti").rename(second)
    aino.open("retention")
    aino.press("Try again")
    assert aino.t.plural(*EVERYWHERE, 2) in aino.shown() and found(tmp_path) == []


def test_any_other_failure_is_an_unfinished_removal_too(
    aino: Visitor, rows: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise Busy

    monkeypatch.setattr(Store, "erase", fails)
    confirm(aino, 0)
    (said,) = [w.value for w in aino.at.warning]
    assert said.startswith(aino.t("**Removal unfinished.**")) and aino.t(Busy.template) in said


def test_a_refused_removal_stays_in_the_dialog(
    aino: Visitor, visitor: Callable[..., Visitor], rows: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    aino.open("retention")
    aino.choose(0)
    aino.at.button(key="remove").click()
    aino.run()

    def fails(*_: object, **__: object) -> None:
        raise Busy

    with monkeypatch.context() as patch:
        patch.setattr(Store, "remove", fails)
        aino.at.button(key="remove-now").click()
        aino.run()
    assert aino.error(Busy.template) and aino.at.button(key="remove-now") and len(rows.frame) == 3
    # Gone meanwhile: the page says so and the dialog closes.
    visitor("maija").workspace.remove(["P-000002"], "expired")
    aino.at.button(key="remove-now").click()
    aino.run()
    assert aino.error("The prospect {id} is no longer in the register.", id="P-000002")
    aino.run()
    assert not aino.at.error and not [button for button in aino.at.button if button.key == "remove-now"]


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Clearing the copies waits until this is set, two thirds done."""
    go_on = threading.Event()
    erase = Store.erase

    def waits(self: Store, progress: Callable[[float], None], **others: bool) -> None:
        progress(2 / 3)
        assert go_on.wait(20)
        erase(self, progress, **others)

    monkeypatch.setattr(Store, "erase", waits)
    return go_on


def test_whoever_leaves_is_told_the_end_wherever_they_are(
    aino: Visitor, rows: Store, slow: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        # A click on something else ends the wait: AppTest cannot click meanwhile.
        patch.setattr("lib.ui.decisions.follow", lambda *_: None)
        confirm(aino, 0, 1)
    assert aino.t.plural(*EVERYWHERE, 2) not in aino.shown()
    aino.go("statistics")
    assert not aino.at.success and not aino.at.warning
    slow.set()
    assert aino.at.session_state["work-erase"].work.wait(20)
    aino.go("prospects")
    assert aino.t.plural(*EVERYWHERE, 2) in [s.value for s in aino.at.success]
    aino.run()
    assert not aino.at.success  # once


def test_the_wait_shows_how_far_it_is(
    aino: Visitor, rows: Store, slow: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []

    class Place:
        def empty(self) -> None:
            pass

        def progress(self, share: float, text: str) -> None:
            said.append(text)
            slow.set()

    rows.remove(["P-000001"], by="maija", reason="expired")
    aino.open("retention")
    # What is on the page while its script waits, AppTest does not see.
    others = {name: getattr(streamlit, name) for name in ("session_state", "spinner", "rerun")}
    monkeypatch.setattr(working, "st", SimpleNamespace(empty=Place, **others))
    aino.press("Try again")
    assert said[0] == f"{aino.t('Removing from the backups:')} {aino.t.percent(2 / 3)}"
    assert aino.t.plural(*EVERYWHERE, 1) in aino.shown()


def test_a_removal_by_another_manager_is_told_quietly(
    aino: Visitor, visitor: Callable[..., Visitor], rows: Store
) -> None:
    visitor("maija").workspace.remove(["P-000001"], "expired")
    aino.open("retention")
    assert aino.t.plural(*STILL, 1) in aino.shown() and not aino.at.warning and not aino.at.error
    sami = visitor("sami")
    sami.open("prospects")
    assert aino.t.plural(*STILL, 1) not in sami.shown()


def test_obstacles_are_words(aino: Visitor, rows: Store) -> None:
    rows.remove(["P-000001"], by="maija", reason="expired")
    rows.obstacles = [
        Text(HeldOpen.template, {"name": "?", "program": "Excel"}),
        Text("{file}: {problem}", {"file": "a*b*", "problem": Text("it is not there")}),
    ]
    aino.open("retention")
    assert aino.t(HeldOpen.template, name=aino.t("Somebody"), program="Excel") in aino.shown()
    assert f"a\\*b\\*: {aino.t('it is not there')}" in aino.shown()
