"""`restore`: rows from a backup, and the register itself where its files are missing or damaged."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from lib.store import Store
from tests.store.outside_tools import age
from tests.store.tools import BY, PASSWORD, contents, edit, named, opened, person, sealed

from .tools import WORKBOOK, Here, Quick, actions, failed, fine, run

OWNER = ".~lock.prospects.xlsx#"
NAMES = ["Aino", "Bertta", "Cecilia", "Daavid"]


def told(quick: Quick, data: Path, *arguments: object, status: int = 0) -> dict[str, Any]:
    """What `restore` says in JSON."""
    code, said, errors = quick(data, "restore", *arguments, "--json")
    assert (code, errors) == (status, ""), (said, errors)
    answer = json.loads(said)
    assert isinstance(answer, dict)
    return answer


def names(data: Path) -> list[str]:
    return list(named(Store.open(data, WORKBOOK)).values())


def damage(path: Path, at: int | None = None) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2 if at is None else at] ^= 1
    path.write_bytes(content)
    age(path)


def manual(data: Path) -> Path:
    return max((data / "backups").glob("manual-*.xlsx"))


def journal(data: Path) -> Path:
    return max((data / "journal").glob("*.journal"))


# -- rows ------------------------------------------------------------------------------------------------------


@pytest.fixture
def changed(small: Path) -> Path:
    """Since the backup, one row was changed, one removed for good and one entered."""
    with Store.open(small, WORKBOOK) as store:
        store.update("P-000001", {"title": "Johtaja", "name": "Aune"}, by=BY)
        store.remove(["P-000002"], by=BY, reason="expired")
        store.checkpoint()
    return small


def test_s9_restore_only_shows_what_would_change_unless_it_is_told_to_do_it(changed: Path, here: Here) -> None:
    before = contents(changed)
    ran = run(changed, "restore", manual(changed).name)
    said = fine(ran, 1)
    assert "changed: P-000001 name, title" in said and "--apply does it" in said
    assert "1 rows were removed for good and stay away." in said
    assert contents(changed) == before
    assert fine(here(changed, "restore", manual(changed).name, "--dry-run"), 1) == said


def test_s9_restore_brings_rows_back_keeps_newer_ones_and_makes_a_backup_first(changed: Path, quick: Quick) -> None:
    answer = json.loads(fine(run(changed, "restore", manual(changed).name, "--apply", "--json")))
    assert (answer["changed"], answer["back"], answer["gone"], answer["applied"]) == (["P-000001"], [], [], True)
    assert names(changed) == ["Aino", "Cecilia", "Daavid"]
    assert list((changed / "backups").glob("restore-*.xlsx"))
    assert ("cli", "restore") in actions(changed)


def test_s9_where_nothing_would_change_nothing_is_done(changed: Path, quick: Quick) -> None:
    assert told(quick, changed, manual(changed).name, "--apply")["applied"] is True
    before = contents(changed)
    assert told(quick, changed, manual(changed).name)["applied"] is False
    assert told(quick, changed, manual(changed).name, "--apply")["applied"] is False
    assert contents(changed) == before


def test_exact_takes_newer_rows_out(changed: Path, quick: Quick) -> None:
    assert told(quick, changed, manual(changed), "--exact", status=1)["gone"] == ["P-000004"]
    told(quick, changed, manual(changed), "--exact", "--apply")
    assert names(changed) == ["Aino", "Cecilia"]


def test_many_rows_are_not_all_listed_for_a_person(small: Path, quick: Quick) -> None:
    with Store.open(small, WORKBOOK) as store:
        marks = {"received": store.today, "source": "phone"}
        store.add_many([{**marks, "name": f"Henkilö {number}"} for number in range(40)], by=BY)
    said = quick(small, "restore", manual(small).name, "--exact")[1]
    assert "… and 21 more" in said and said.count("gone: ") == 20
    assert len(told(quick, small, manual(small).name, "--exact", status=1)["gone"]) == 41


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing.xlsx"], "nothing.xlsx is not there"),
        (["--exact"], "--exact needs a backup"),
        (["x.xlsx", "--apply", "--dry-run"], "not allowed with"),
    ],
)
def test_what_cannot_be_restored_is_told(small: Path, quick: Quick, arguments: list[str], said: str) -> None:
    before = contents(small)
    status, _, errors = quick(small, "restore", *arguments)
    assert status == 2 and said in errors and contents(small) == before


def test_a_workbook_of_another_register_is_refused(small: Path, quick: Quick, tmp_path: Path) -> None:
    Store.create(tmp_path / "other", WORKBOOK).close()
    before = contents(small)
    assert quick(small, "restore", tmp_path / "other" / "prospects.xlsx", "--apply")[0] == 2
    assert contents(small) == before


def test_s7_restore_with_a_wrong_password_changes_nothing(small: Path, quick: Quick) -> None:
    before = contents(small)
    for arguments in ([manual(small).name, "--apply"], ["--apply", "--accept-loss"]):
        wrong = {"PROSPECTS_WORKBOOK_PASSWORD": "väärä salasana"}
        assert quick(small, "restore", *arguments, **wrong)[0] == 2
        (small / "prospects.xlsx").unlink(missing_ok=True)
        assert quick(small, "restore", *arguments, **wrong)[0] == 2
        (small / "prospects.xlsx").write_bytes(before["prospects.xlsx"])
    assert contents(small) == before


# -- the register itself ---------------------------------------------------------------------------------------


def test_where_the_register_is_in_order_restore_has_nothing_to_do(small: Path, quick: Quick) -> None:
    before = contents(small)
    for arguments in ([], ["--apply"], ["--apply", "--accept-loss"]):
        assert told(quick, small, *arguments) == {"problems": [], "applied": False}
    assert contents(small) == before


@pytest.mark.parametrize("way", ["missing", "damaged"])
def test_s7_a_missing_or_damaged_workbook_is_written_anew_and_no_change_is_lost(
    small: Path, way: str, here: Here
) -> None:
    path = small / "prospects.xlsx"
    if way == "missing":
        path.unlink()
    else:
        damage(path)
    before = contents(small)
    hint = "First bring the register itself back"
    assert hint in failed(here(small, "restore", manual(small).name, "--apply"))
    said = fine(here(small, "restore"), 1)
    assert "restore --apply does it" in said and "4 rows" in said and "1 changes of the journal" in said
    assert contents(small) == before
    fine(run(small, "restore", "--apply"))
    assert names(small) == NAMES and ("cli", "rewrite") in actions(small)
    assert fine(here(small, "verify"), 0 if way == "missing" else 1).startswith(
        "4 rows" if way == "missing" else "aside/replaced-"
    )
    aside = [file.read_bytes() for file in (small / "aside").glob("*")]
    assert aside == ([] if way == "missing" else [before["prospects.xlsx"]])


def test_s6_while_somebody_has_the_workbook_open_it_is_not_written_anew(small: Path, quick: Quick) -> None:
    damage(small / "prospects.xlsx")
    (small / OWNER).write_text("Bertta Virtanen,bertta,kone,;")
    status, said, _ = quick(small, "restore", "--apply")
    assert status == 1 and "Bertta Virtanen has the workbook open" in said
    (small / OWNER).unlink()
    assert quick(small, "restore", "--apply")[0] == 0 and names(small) == NAMES


def test_s7_a_damaged_journal_is_never_gone_on_without_unless_that_is_said(small: Path, here: Here) -> None:
    damage(journal(small))
    before = contents(small)
    said = fine(here(small, "restore"), 1)
    assert "At least 1 records of the journal cannot be read" in said and "restore --apply --accept-loss" in said
    assert "Only restore --apply --accept-loss" in failed(here(small, "restore", "--apply"))
    assert contents(small) == before
    said = fine(run(small, "restore", "--apply", "--accept-loss"))
    assert "The journal as it was is in journal-damaged-1" in said
    assert (small / "journal-damaged-1" / journal_name(before)).read_bytes() == before[
        f"journal/{journal_name(before)}"
    ]
    assert names(small)[:2] == NAMES[:2] and ("cli", "salvage") in actions(small)
    assert fine(here(small, "verify"), 1).startswith("journal-damaged-1: ")


def journal_name(files: dict[str, bytes]) -> str:
    (name,) = (name for name in files if name.endswith(".journal"))
    return name.split("/")[1]


def test_what_damage_in_the_journal_costs_is_told_before(small: Path, quick: Quick) -> None:
    store = Store.open(small, WORKBOOK)
    start = journal(small).stat().st_size
    for name in ("Eeva", "Faina"):
        store.add(person(name), by=BY)
    damage(journal(small), start + 30)
    answer = told(quick, small, status=1)
    assert (answer["rows"], answer["changes"], answer["lost"], answer["whole"]) == (5, 2, 1, False)
    assert told(quick, small, "--apply", "--accept-loss")["applied"] is True
    assert names(small) == [*NAMES, "Faina"]


def test_a_lost_journal_is_gone_on_without_when_that_is_said(small: Path, quick: Quick) -> None:
    shutil.rmtree(small / "journal")
    damage(small / "prospects.xlsx")
    assert quick(small, "restore", "--apply")[0] == 2
    assert told(quick, small, status=1)["missing"]
    assert told(quick, small, "--apply", "--accept-loss")["rows"] == 3
    assert names(small) == NAMES[:3]


def test_a_workbook_edited_outside_whose_copies_are_lost_is_taken_up_from_where_it_was_set_aside(
    small: Path, quick: Quick, here: Here
) -> None:
    for copy in (small / "backups").glob("*-r3.xlsx"):
        copy.unlink()
    edit(small / "prospects.xlsx", lambda book: book["Prospektit"].delete_rows(2))
    assert "copies to compare it with are gone" in failed(here(small, "info"))
    assert told(quick, small, "--apply", "--accept-loss")["rows"] == 1  # of an empty copy, and what the journal has
    (aside,) = (small / "aside").glob("unknown-*.xlsx")
    assert told(quick, small, aside, "--apply")["applied"] is True
    assert set(names(small)) == {"Bertta", "Cecilia", "Daavid"}


def test_where_keys_and_workbook_are_lost_the_newest_backup_is_gone_on_with(small: Path, quick: Quick) -> None:
    (small / "keys.json").unlink()
    (small / "prospects.xlsx").unlink()
    before = contents(small)
    answer = told(quick, small, status=1)
    assert answer["rows"] == 3 and "keys.json is missing" in answer["problems"][1]
    assert quick(small, "restore", "--apply")[0] == 2
    assert contents(small) == before
    assert told(quick, small, "--apply", "--accept-loss")["rows"] == 3
    assert names(small) == NAMES[:3]
    assert (small / "journal-unreadable-1").is_dir()


def test_where_only_the_keys_are_lost_the_workbook_is_in_order(small: Path, quick: Quick) -> None:
    (small / "keys.json").unlink()
    before = contents(small)
    assert told(quick, small) == {"problems": [], "applied": False}
    assert quick(small, "restore", PROSPECTS_WORKBOOK_PASSWORD="väärä salasana")[0] == 2
    assert contents(small) == before


def test_where_there_is_no_register_nothing_is_made(tmp_path: Path, quick: Quick) -> None:
    assert quick(tmp_path / "none", "restore", "--apply", "--accept-loss")[0] == 2
    assert not (tmp_path / "none").exists()


def test_a_workbook_under_another_password_is_settled_when_the_register_opens(small: Path, quick: Quick) -> None:
    path = small / "prospects.xlsx"
    path.write_bytes(sealed(opened(path, PASSWORD), "jokin toinen salasana"))
    assert told(quick, small) == {"problems": [], "applied": False}
    assert names(small) == NAMES
