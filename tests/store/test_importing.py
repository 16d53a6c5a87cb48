"""Many rows taken in at once: all of them or none, with a backup before, and taken back while nobody touched them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from lib.changes import Change
from lib.errors import NothingToUndo, NotWritten
from lib.register import Register
from lib.store import Store, checkpoint, workbook

from .tools import BY, PASSWORD, all_text, contents, named, opened, person

MANAGER = "mari"
NOW = dt.datetime(2026, 11, 23, 12, 0)
WHEN = {"created_at": NOW, "created_by": MANAGER, "changed_at": NOW, "changed_by": MANAGER}


@pytest.fixture
def three(store: Store) -> Store:
    for name in ("Aino", "Bertta", "Cecilia"):
        store.add(person(name, title="Johtaja"), by=BY)
    return store


def plan(*new: str, **titles: str) -> Callable[[Register], Change]:
    """New rows by name, and other titles by number: P1="..."."""

    def change(register: Register) -> Change:
        rows = [{**person(name, received=dt.date(2026, 1, 2), status="new"), **WHEN} for name in new]
        added = register.adding(rows)
        set_ = {f"P-00000{n[1:]}": {"title": title, **WHEN} for n, title in titles.items()}
        others = {"Huom": {str(row["id"]): "x" for row in added.add}} if new else {}
        return Change(added.add, set_, others=others, last_number=added.last_number if new else 0)

    return change


def bring_in(store: Store, *new: str, **titles: str) -> dt.datetime:
    """An import; its key."""
    store.bring_in(plan(*new, **titles), by=MANAGER, source="file")
    assert store.undoable()[0].by == MANAGER
    return store.undoable()[0].made


def titles(store: Store) -> dict[str, str]:
    return dict(zip(store.frame["name"], store.frame["title"], strict=True))


def test_an_import_is_one_line_of_the_log_with_a_backup_of_before(three: Store) -> None:
    ids = three.bring_in(plan("Dora", "Eeva", P1="Toimitusjohtaja"), by=MANAGER, kind="table")
    assert ids == ["P-000004", "P-000005", "P-000001"]
    line = three.log()[0]
    assert (line.by, line.action, line.ids) == (MANAGER, "import", ids)
    assert line.facts == {"kind": "table", "rows": 3, "added": 2, "changed": 1}
    [copy] = [copy for copy in three.backups.all() if copy.kind == "import"]
    before = workbook.read(three.backups.read(copy), [PASSWORD], copy.path.name)
    assert list(before.frame["name"]) == ["Aino", "Bertta", "Cecilia"] and set(before.frame["title"]) == {"Johtaja"}
    assert titles(three)["Aino"] == "Toimitusjohtaja" and named(three)["P-000005"] == "Eeva"


def test_a_plan_that_raises_changes_nothing(three: Store) -> None:
    def refuse(register: Register) -> Change:
        raise NotWritten(reason="no")

    before = titles(three)
    with pytest.raises(NotWritten):
        three.bring_in(refuse, by=MANAGER)
    assert titles(three) == before and three.undoable() == [] and three.log()[0].action == "add"


def test_an_empty_import_leaves_no_line(three: Store) -> None:
    assert three.bring_in(lambda register: Change(), by=MANAGER) == []
    assert three.log()[0].action == "add" and three.undoable() == []


def test_an_import_is_taken_back_with_every_value_of_before(three: Store) -> None:
    before = three.frame.drop(columns=["changed_at", "changed_by"])
    made = bring_in(three, "Dora", "Eeva", P1="Toimitusjohtaja", P3="Hallituksen jäsen")
    assert three.undo_import(made, by=MANAGER) == (2, 2, 0)
    assert three.frame.drop(columns=["changed_at", "changed_by"]).equals(before)
    assert three.undoable() == []
    with pytest.raises(NothingToUndo):
        three.undo_import(made, by=MANAGER)
    line = three.log()[0]
    assert (line.action, line.ids) == ("remove", ["P-000004", "P-000005"])
    assert line.facts == {"rows": 2, "set_back": 2, "reason": "import"}
    assert three.add(person("Fanni"), by=BY) == "P-000006"  # no number is used again


def test_columns_of_others_come_back_too(three: Store) -> None:
    three.bring_in(lambda register: Change(set={"P-000001": WHEN}, others={"Huom": {"P-000001": "vanha"}}), by=MANAGER)
    three.bring_in(lambda register: Change(set={"P-000001": WHEN}, others={"Huom": {"P-000001": "uusi"}}), by=MANAGER)
    three.undo_import(three.undoable()[0].made, by=MANAGER)
    assert list(three.register.extras["Huom"]) == ["vanha", "", ""]
    assert three.log()[0].action == "undo_import"  # nothing was removed


def test_a_column_of_others_that_an_import_began_is_empty_again(three: Store) -> None:
    three.bring_in(lambda register: Change(set={"P-000001": WHEN}, others={"Huom": {"P-000001": "uusi"}}), by=MANAGER)
    assert three.undo_import(three.undoable()[0].made, by="pirkko") == (0, 1, 0)
    assert list(three.register.extras["Huom"]) == ["", "", ""]
    assert three.register.row("P-000001")["changed_by"] == "pirkko"  # taking back is a change, too


@pytest.mark.parametrize("what", ["field", "cell", "new"])
def test_what_somebody_changes_while_the_backup_is_made_is_not_set_back(
    three: Store, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    made_before, other = checkpoint.backup, Store.open(three.data_dir, PASSWORD)

    def meanwhile(store: Any, kind: str) -> str:
        name = made_before(store, kind)
        if what == "field":
            other.update("P-000001", {"notes": "soitettu"}, by=BY)
        elif what == "cell":
            other.change("edit", BY, lambda register: Change(others={"Huom": {"P-000001": "soitettu"}}))
        else:
            other.add(person("Dora", title="Johtaja"), by=BY)
        return name

    three.update("P-000002", {"notes": "vanha"}, by=BY)
    monkeypatch.setattr(checkpoint, "backup", meanwhile)
    made = bring_in(three, **{"P4" if what == "new" else "P1": "Rehtori", "P2": "Rehtori"})
    assert three.undo_import(made, by=MANAGER) == (0, 1, 1)
    assert titles(three)["Dora" if what == "new" else "Aino"] == "Rehtori" and titles(three)["Bertta"] == "Johtaja"
    if what == "field":
        assert three.register.row("P-000001")["notes"] == "soitettu"
    if what == "cell":
        assert three.register.extras["Huom"].iloc[0] == "soitettu"


def test_rows_that_somebody_touched_since_stay_as_they_are(three: Store) -> None:
    made = bring_in(three, "Dora", "Eeva", P1="Toimitusjohtaja", P3="Hallituksen jäsen")
    three.update("P-000003", {"title": "Emerita"}, by=BY)
    three.update("P-000004", {"notes": "soitettu"}, by=BY)
    assert three.undoable()[0].rows == 2
    assert three.undo_import(made, by=MANAGER) == (1, 1, 2)
    assert titles(three) == {"Aino": "Johtaja", "Bertta": "Johtaja", "Cecilia": "Emerita", "Dora": ""}


@pytest.mark.parametrize("touched", ["P-000004", "P-000005", "P-000006"])
def test_each_row_that_an_import_added_counts(three: Store, touched: str) -> None:
    made = bring_in(three, "Dora", "Eeva", "Fanni")
    assert three.undoable()[0].rows == 3
    three.update(touched, {"notes": "soitettu"}, by=BY)
    three.add(person("Gunilla"), by=BY)
    assert three.undo_import(made, by=MANAGER) == (2, 0, 1)
    assert [*three.frame["id"]] == ["P-000001", "P-000002", "P-000003", touched, "P-000007"]


def test_what_was_removed_since_does_not_come_back(three: Store) -> None:
    made = bring_in(three, "Dora", P1="Toimitusjohtaja")
    three.remove(["P-000001"], by=BY, reason="erasure")
    assert three.undo_import(made, by=MANAGER) == (1, 0, 1)
    assert set(titles(three)) == {"Bertta", "Cecilia"}


def test_what_another_process_changed_before_the_import_is_what_comes_back(three: Store) -> None:
    Store.open(three.data_dir, PASSWORD).update("P-000001", {"title": "Rehtori"}, by=BY)
    made = bring_in(three, P1="Toimitusjohtaja")
    assert three.undo_import(made, by=MANAGER) == (0, 1, 0)
    assert titles(three)["Aino"] == "Rehtori"


def test_what_another_process_touched_a_moment_ago_stays_as_it_is(three: Store) -> None:
    made = bring_in(three, "Dora", P1="Toimitusjohtaja")
    Store.open(three.data_dir, PASSWORD).update("P-000001", {"title": "Rehtori"}, by=BY)
    assert three.undo_import(made, by=MANAGER) == (1, 0, 1)
    assert titles(three)["Aino"] == "Rehtori"


def test_nothing_is_left_to_take_back_once_every_row_was_touched(three: Store) -> None:
    made = bring_in(three, P1="Toimitusjohtaja")
    three.update("P-000001", {"title": "Rehtori"}, by=BY)
    assert three.undoable() == []
    with pytest.raises(NothingToUndo):
        three.undo_import(made, by=MANAGER)
    assert titles(three)["Aino"] == "Rehtori"


@pytest.mark.parametrize("written", [False, True])
def test_a_restart_and_another_process_know_what_can_be_taken_back(three: Store, written: bool) -> None:
    made = bring_in(three, "Dora", P1="Toimitusjohtaja")
    if written:
        three.checkpoint()
    other = Store.open(three.data_dir, PASSWORD)
    other.update("P-000001", {"title": "Rehtori"}, by=BY)
    three.refresh()
    assert [one.rows for one in three.undoable()] == [one.rows for one in other.undoable()] == [1]
    if written:
        three.checkpoint()
    assert Store.open(three.data_dir, PASSWORD).undo_import(made, by=MANAGER) == (1, 0, 1)
    three.refresh()
    assert titles(three) == {"Aino": "Rehtori", "Bertta": "Johtaja", "Cecilia": "Johtaja"}


def test_without_its_backup_an_import_cannot_be_taken_back(three: Store) -> None:
    made = bring_in(three, "Dora")
    for copy in three.backups.all():
        if copy.kind == "import":
            copy.path.unlink()
    assert three.undoable() == []
    with pytest.raises(NothingToUndo):
        three.undo_import(made, by=MANAGER)
    assert "Dora" in titles(three)


def test_only_the_last_imports_are_remembered(three: Store) -> None:
    for n in range(6):
        three.bring_in(plan(f"Uusi {n}"), by=MANAGER)
    assert [one.last for one in three.undoable()] == [9, 8, 7, 6]


def test_s10_what_was_taken_back_is_in_no_file_afterwards(three: Store) -> None:
    made = bring_in(three, "KANARIALINTU", P1="Toimitusjohtaja")
    three.checkpoint()
    three.backup(by=BY)
    files = [three.data_dir / name for name in contents(three.data_dir) if name.endswith(".xlsx")]
    assert sum("KANARIALINTU" in all_text(opened(path)) for path in files) >= 2
    three.undo_import(made, by=MANAGER)
    assert three.unfinished == {"P-000004"}
    three.erase()
    three.close()
    for name in contents(three.data_dir):
        if name.endswith(".xlsx"):
            assert "KANARIALINTU" not in all_text(opened(three.data_dir / name)), name
    assert not Store.open(three.data_dir, PASSWORD).unfinished


@pytest.mark.parametrize(("count", "told"), [(1000, 1000), (1001, 0)])
def test_an_import_of_very_many_rows_names_none_of_them_in_the_log(three: Store, count: int, told: int) -> None:
    def many(register: Register) -> Change:
        return register.adding([{**person(f"N{n}"), "received": dt.date(2026, 1, 2), **WHEN} for n in range(count)])

    three.bring_in(many, by=MANAGER)
    line: Any = three.log()[0]
    assert len(line.ids) == told and line.facts["rows"] == count
