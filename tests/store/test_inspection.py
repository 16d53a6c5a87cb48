"""Everything is read and proven, and nothing is written."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lib import settings
from lib.errors import NewerSchema, RemovalUnfinished, WorkbookMissing, WrongPassword
from lib.schema import VERSION
from lib.store import Store, inspection, proof
from lib.store.workbook import Content

from .outside_tools import cells, info, save, without
from .tools import BY, PASSWORD, contents, opened, person, sealed

OWNER = ".~lock.prospects.xlsx#"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with Store.create(tmp_path_factory.mktemp("made") / "data", PASSWORD) as store:
        for name in ("Aino", "Bertta", "Cecilia"):
            store.add(person(name, email=f"{name.lower()}@example.com", phone="040 1234567"), by=BY)
        store.backup(by=BY)
    Store.open(store.data_dir, PASSWORD).add(person("Daavid"), by=BY)
    return store.data_dir


@pytest.fixture
def data(made: Path, tmp_path: Path) -> Path:
    """A register of three, all of them in the workbook, and one more that is only in the journal."""
    return shutil.copytree(made, tmp_path / "data")


def found(data: Path, **others: Any) -> dict[str, str]:
    """What is found, by where. Looking writes nothing, whatever there is to see."""
    before = contents(data)
    findings = inspection.look(data, PASSWORD, **others).findings
    assert contents(data) == before
    by_place: dict[str, str] = {}
    for where, problem in findings:
        by_place[where] = f"{by_place.get(where, '')} {problem}".strip()
    return by_place


def of_kind(data: Path, kind: str) -> Path:
    return max((data / "backups").glob(f"{kind}-*.xlsx"))


def spoil(path: Path, at: int | None = None) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2 if at is None else at] ^= 1
    path.write_bytes(content)


def test_a_sound_register_has_no_findings(data: Path) -> None:
    assert found(data) == {}
    assert inspection.look(data, PASSWORD).rows == 4


def test_an_open_store_finds_the_same_and_is_not_touched(data: Path) -> None:
    spoil(of_kind(data, "manual"))
    with Store.open(data, PASSWORD) as store:
        register, before = store.register, contents(data)
        assert {f.where for f in inspection.inspect(store)} == {f"backups/{of_kind(data, 'manual').name}"}
        assert store.register is register and contents(data) == before


def test_the_share_that_is_done_grows_to_one(data: Path) -> None:
    shares: list[float] = []
    inspection.look(data, PASSWORD, shares.append)
    assert shares == sorted(shares) and shares[-1] == 1 and len(shares) > 5


def test_s7_a_wrong_password_is_raised_and_nothing_written(data: Path) -> None:
    before = contents(data)
    with pytest.raises(WrongPassword):
        inspection.look(data, "väärä salasana")
    assert contents(data) == before


def test_where_there_is_no_register_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(WorkbookMissing):
        inspection.look(tmp_path / "none", PASSWORD)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_may_not_be_written_is_read_all_the_same(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("filelock.FileLock._acquire", refuse)
    assert found(data) == {}


# -- the workbook ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda path: path.unlink(), "is not there"),
        (spoil, "is damaged"),
        (lambda path: path.write_bytes(path.read_bytes()[:-3000]), "is damaged"),
        (lambda path: path.write_bytes(opened(path)), "not encrypted"),
        (lambda path: path.write_bytes(sealed(opened(path), "jokin toinen salasana")), "does not open"),
        (lambda path: save(path, lambda book: book.remove(book["Prospektit"])), "sheet Prospektit is missing"),
    ],
    ids=["missing", "changed", "cut", "plain", "another password", "no sheet"],
)
def test_s7_a_workbook_that_cannot_be_read_is_found(data: Path, change: Callable[[Path], Any], said: str) -> None:
    change(data / "prospects.xlsx")
    findings = found(data)
    assert list(findings) == ["prospects.xlsx"] and said in findings["prospects.xlsx"]
    assert inspection.look(data, PASSWORD).rows == 4  # the register is whole all the same


def test_every_cell_of_a_workbook_changed_outside_is_looked_at(data: Path) -> None:
    save(
        data / "prospects.xlsx",
        cells(2, received="eilen", email="ei osoite"),
        cells(3, phone="12", notes="hyvä näin"),
    )
    findings = found(data)
    assert findings.keys() == {
        "prospects.xlsx",
        "prospects.xlsx B2",
        "prospects.xlsx P-000001 email",
        "prospects.xlsx P-000001 received",
        "prospects.xlsx P-000002 phone",
    }
    assert "edits are not taken over yet" in findings["prospects.xlsx"]


def test_a_workbook_whose_edits_are_taken_is_no_finding(data: Path) -> None:
    (data / OWNER).write_text("Bertta,bertta,kone,;")
    save(data / "prospects.xlsx", cells(3, notes="puhelimessa sovittu"))
    Store.open(data, PASSWORD).close()  # it cannot be written anew while somebody has it open
    assert found(data) == {}


def test_an_older_copy_in_the_workbooks_place_is_found(data: Path) -> None:
    older = (data / "prospects.xlsx").read_bytes()
    with Store.open(data, PASSWORD) as store:
        store.checkpoint()
    (data / "prospects.xlsx").write_bytes(older)
    assert "older copy" in found(data)["prospects.xlsx"]


def test_s9_rows_that_the_workbook_holds_otherwise_than_the_register_are_found(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store.open(data, PASSWORD) as store:
        store.checkpoint()
    real = proof.workbook.read

    def read(bytes_: bytes, passwords: Any, name: str, **others: Any) -> Content:
        content = real(bytes_, passwords, name, **others)
        if name == "prospects.xlsx":
            content.frame.loc[1, "title"] = "Johtaja"
        return content

    monkeypatch.setattr(proof, "workbook", SimpleNamespace(read=read))  # as from a disk that gives something else back
    assert found(data) == {"prospects.xlsx": "It does not hold the same as the register in: P-000002."}


def test_s9_a_workbook_without_a_verified_copy_is_found(data: Path) -> None:
    generation = of_kind(data, "generation").name.split("-")[2]
    for path in (data / "backups").glob(f"*-{generation}-*"):
        path.unlink()
    assert found(data) == {"prospects.xlsx": "There is no verified copy of it among the backups."}


def test_a_newer_schema_is_not_judged(data: Path) -> None:
    save(data / "prospects.xlsx", info("schema", str(VERSION + 1)))
    with pytest.raises(NewerSchema):
        inspection.look(data, PASSWORD)


def test_rows_that_the_forms_would_not_take_today_are_found(data: Path) -> None:
    with Store.open(data, PASSWORD) as store:
        marks = {"received": store.today, "source": "phone"}
        store.add_many([{**marks, "name": "X", "email": "ei osoite"}, {**marks, "organisation": ""}], by=BY)
    assert found(data).keys() == {"P-000005 email", "P-000006 name"}


# -- journal, change log, removed ------------------------------------------------------------------------------


def test_a_damaged_journal_is_found_and_the_rest_is_read_all_the_same(data: Path) -> None:
    path = max((data / "journal").glob("*.journal"))
    spoil(path, -20)
    spoil(of_kind(data, "manual"))
    findings = found(data)
    assert findings.keys() == {path.name, f"backups/{of_kind(data, 'manual').name}"}
    assert "damaged at byte" in findings[path.name]
    assert inspection.look(data, PASSWORD).rows is None


def test_every_part_of_the_journal_is_read(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lib.store.checkpoint.retire", lambda *_: None)  # as after a crash
    with Store.open(data, PASSWORD) as store:
        store.checkpoint()
        store.add(person("Eeva"), by=BY)
        store.checkpoint()
    first, second, _ = sorted((data / "journal").glob("*.journal"))
    assert found(data) == {}
    kept = first.read_bytes()
    spoil(first, -20)
    assert list(found(data)) == [first.name]
    first.write_bytes(kept)
    second.unlink()
    assert found(data) == {second.name: "This part of the journal is missing."}


def test_a_journal_that_is_gone_is_found(data: Path) -> None:
    shutil.rmtree(data / "journal")
    assert list(found(data)) == ["journal"]


def test_a_journal_that_is_older_than_the_workbook_is_found(data: Path) -> None:
    shutil.copytree(data / "journal", data.parent / "older")
    with Store.open(data, PASSWORD) as store:
        store.checkpoint()
    shutil.rmtree(data / "journal")
    shutil.copytree(data.parent / "older", data / "journal")
    assert "older than the workbook" in found(data)["journal"]


def test_a_block_of_the_change_log_that_does_not_open_is_found(data: Path) -> None:
    (path,) = (data / "log").iterdir()
    blocks = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(blocks) + blocks[0][:40] + b"\n" + b"nothing\n")
    assert found(data)[f"log/{path.name}"].startswith(f"2 of its {len(blocks) + 2} blocks")


def removed(data: Path) -> None:
    with Store.open(data, PASSWORD) as store:
        store.remove(["P-000002"], by=BY, reason="expired")
        store.erase()


def test_a_list_of_removed_rows_that_cannot_be_read_is_found(data: Path) -> None:
    removed(data)
    (data / "removed").write_text("{")
    assert list(found(data)) == ["removed"]


def test_a_list_of_removed_rows_that_is_lost_is_found_and_not_made_anew(data: Path) -> None:
    removed(data)
    (data / "removed").unlink()
    assert "made anew" in found(data)["removed"]


# -- backups ---------------------------------------------------------------------------------------------------


def test_s9_every_backup_is_opened_and_proven(data: Path) -> None:
    copies = sorted((data / "backups").glob("*.xlsx"))
    assert len({path.name.split("-")[0] for path in copies}) == 3
    for path in copies:
        kept = path.read_bytes()
        spoil(path)
        assert f"backups/{path.name}" in found(data)
        path.write_bytes(kept)


def test_a_backup_that_does_not_hold_what_its_name_says_is_found(data: Path) -> None:
    path = of_kind(data, "manual")
    path.rename(path.with_name(path.name.replace("-r3.", "-r2.")))
    assert "3 rows" in found(data)[f"backups/{path.name.replace('-r3.', '-r2.')}"]


def test_a_backup_that_could_not_be_restored_is_found(data: Path) -> None:
    path = of_kind(data, "manual")
    save(path, cells(2, received="eilen"))
    assert "B2" in found(data)[f"backups/{path.name}"]


def test_a_backup_of_another_register_is_found(data: Path, tmp_path: Path) -> None:
    with Store.create(tmp_path / "other", PASSWORD) as other:
        name = other.backup(by=BY)
    shutil.copy(tmp_path / "other" / "backups" / name, data / "backups" / name)
    assert found(data) == {f"backups/{name}": "It belongs to another register."}


def test_s10_a_file_that_brings_a_removed_row_back_is_found(data: Path) -> None:
    path = of_kind(data, "manual")
    kept = path.read_bytes()
    removed(data)
    assert found(data) == {}
    path.write_bytes(kept)
    (data / "prospects.xlsx").write_bytes(kept)
    findings = found(data)
    assert "removed for good: P-000002." in findings[f"backups/{path.name}"]
    assert "removed for good: P-000002." in findings["prospects.xlsx"]


def test_s10_a_removal_that_is_not_finished_is_one_finding(data: Path) -> None:
    (data / OWNER).write_text("Bertta,bertta,kone,;")
    with Store.open(data, PASSWORD) as store:
        store.remove(["P-000002"], by=BY, reason="expired")
        with pytest.raises(RemovalUnfinished):
            store.erase()
    assert found(data) == {"removed": "The removal of these rows is not finished everywhere: P-000002."}


def test_s9_a_second_place_that_is_out_of_reach_or_behind_or_damaged_is_found(data: Path, tmp_path: Path) -> None:
    place = tmp_path / "toinen"
    place.mkdir()
    settings.save(data, settings.load(data), second_place=str(place))
    assert "lacks 2 backups" in found(data)[str(place)]
    with Store.open(data, PASSWORD) as store:
        store.backup(by=BY)
    assert found(data) == {}
    copy = max(place.rglob("manual-*.xlsx"))
    kept = copy.read_bytes()
    spoil(copy)
    assert list(found(data)) == [str(copy)]
    copy.write_bytes(kept)
    place.rename(tmp_path / "irrotettu")
    assert "out of reach" in found(data)[str(place)]


# -- what waits ------------------------------------------------------------------------------------------------


def test_files_set_aside_wait_for_a_decision_and_are_told_once(data: Path) -> None:
    path = data / "prospects.xlsx"
    path.write_bytes(sealed(opened(path), "jokin toinen salasana"))
    Store.open(data, PASSWORD).close()
    (data / "journal-unreadable-1").mkdir()
    (aside,) = (data / "aside").iterdir()
    findings = found(data)
    assert findings[f"aside/{aside.name}"] == "Set aside: Saved under another password."
    assert findings.keys() - {"prospects.xlsx"} == {f"aside/{aside.name}", "journal-unreadable-1"}


def test_questions_wait_for_a_decision(data: Path) -> None:
    save(data / "prospects.xlsx", without(3))
    with Store.open(data, PASSWORD) as store:
        store.checkpoint()
    assert found(data) == {"prospects.xlsx": "1 edits made outside wait for a manager's decision."}


def test_notices_wait_for_an_administrator(data: Path) -> None:
    path = data / "prospects.xlsx"
    path.write_bytes(opened(path))
    with Store.open(data, PASSWORD) as store:
        store.checkpoint()
    assert found(data) == {"prospects.xlsx": "1 notices about it wait for an administrator."}


def test_s11_a_change_of_the_password_that_is_not_finished_is_found(data: Path) -> None:
    with Store.open(data, PASSWORD) as store:
        store.keyring.change_workbook_password(store.master, "työkirjan uusi salasana")
        assert [f.where for f in inspection.inspect(store)] == ["keys.json"]
    assert list(found(data)) == ["keys.json"]


@pytest.mark.parametrize(
    ("name", "content"), [(OWNER, b"Bertta,bertta,kone,;"), ("~$prospects.xlsx", b"\x06Bertta" + b" " * 158)]
)
def test_s6_a_workbook_held_open_for_more_than_a_day_is_found(data: Path, name: str, content: bytes) -> None:
    (data / name).write_bytes(content)
    for hours, told in ((1, False), (23, False), (25, True), (2400, True)):
        then = time.time() - hours * 3600
        os.utime(data / name, (then, then))
        assert (name in found(data)) is told, hours
    assert "Bertta" in found(data)[name]


# -- without keys ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [None, b"{}"], ids=["missing", "damaged"])
def test_s7_lost_keys_are_found_and_what_the_password_opens_is_read(data: Path, content: bytes | None) -> None:
    (data / "keys.json").unlink()
    if content is not None:
        (data / "keys.json").write_bytes(content)
    spoil(of_kind(data, "manual"))
    assert found(data).keys() == {"keys.json", f"backups/{of_kind(data, 'manual').name}"}
    with pytest.raises(WrongPassword):
        inspection.look(data, "väärä salasana")
    (data / "prospects.xlsx").unlink()
    if content is not None:
        assert "prospects.xlsx" in found(data)
