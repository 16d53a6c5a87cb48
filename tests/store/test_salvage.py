"""What can be had of a damaged register is had, and nothing of it is thrown away."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lib.errors import Damaged, InUse, JournalDamaged, NewerSchema, NotWritten, StoreError, WorkbookMissing
from lib.store import Store, checkpoint, fragments, salvage
from lib.store.frames import whole
from lib.store.keys import Keyring, derive
from lib.store.salvage import Salvage

from .steps import READS, Steps
from .tools import BY, PASSWORD, ROOT, contents, edit, person

NAMES = [f"Henkilö {number}" for number in range(8)]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with Store.create(tmp_path_factory.mktemp("made") / "data", PASSWORD) as store:
        for name in ("Aino", "Bertta"):
            store.add(person(name), by=BY)
    store = Store.open(store.data_dir, PASSWORD)
    for name in NAMES:
        store.add(person(name), by=BY)
    return store.data_dir


@pytest.fixture
def data(made: Path, tmp_path: Path) -> Path:
    """A register of two in the workbook and eight in the journal."""
    return shutil.copytree(made, tmp_path / "data")


def unloaded(data: Path) -> Store:
    return Store(data, Keyring(data).by_workbook_password(PASSWORD))


def look(data: Path) -> Salvage:
    before = contents(data)
    found = salvage.look(unloaded(data))
    assert contents(data) == before
    return found


def go_on(data: Path) -> Store:
    """The register after it went on, opened as any other."""
    salvage.go_on(unloaded(data), by=BY)
    with Store.open(data, PASSWORD, recover=True) as store:
        store.rewrite(by=BY)
    return Store.open(data, PASSWORD)


def names(found: Salvage) -> set[str]:
    return set(found.state.register.frame["name"])


def journal(data: Path) -> Path:
    """The newest part of the journal."""
    return max((data / "journal").glob("*.journal"))


def damage(path: Path, at: int, *content: int) -> None:
    """Other bytes from a place on; one flipped bit if none are given."""
    bytes_ = bytearray(path.read_bytes())
    bytes_[at : at + max(1, len(content))] = bytes(content) or bytes([bytes_[at] ^ 1])
    path.write_bytes(bytes_)


def frames(path: Path) -> list[tuple[int, int]]:
    """Where header and records begin and end."""
    return [(start, end) for start, end, _ in whole(path.read_bytes())]


# -- what can be read ------------------------------------------------------------------------------------------


def test_a_sound_register_is_had_whole(data: Path) -> None:
    found = look(data)
    assert found.whole and found.changes == 8
    assert names(found) == {"Aino", "Bertta", *NAMES}
    assert dict(found.state.known) == dict(Store.open(data, PASSWORD).state.known)


def test_s1_whichever_byte_of_the_journal_is_damaged_at_most_two_changes_are_lost(data: Path) -> None:
    path, store = journal(data), unloaded(data)
    key, whole, number = derive(store.master, "journal"), path.read_bytes(), int(path.stem)
    before = [read.record.to_bytes() for read in fragments.read(store.journal, key)[number].reads]
    assert len(before) > 8
    for at in range(len(whole)):
        if at % 11 and not any(abs(at - edge) < 24 for frame in frames_of(whole) for edge in frame):
            continue  # the inside of a record is all alike
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x40]) + whole[at + 1 :])
        try:
            segment = fragments.read(store.journal, key)[number]
        except NewerSchema:
            assert whole[at : at + 1] == b"1" and at < 20
            continue
        kept = [read.record.to_bytes() for read in segment.reads]
        assert len(before) - len(kept) <= 2 and set(kept) <= set(before), at
        if len(kept) < len(before) or at < frames_of(whole)[0][1]:
            assert segment.lost or at < 20, at


def frames_of(content: bytes) -> list[tuple[int, int]]:
    return [(start, end) for start, end, _ in whole(content)]


def test_the_changes_behind_the_damage_are_had(data: Path) -> None:
    path = journal(data)
    damage(path, sum(frames(path)[-4]) // 2)
    with pytest.raises(JournalDamaged):
        Store.open(data, PASSWORD)
    found = look(data)
    assert (found.lost, found.changes, found.whole) == (1, 7, False)
    assert names(found) == {"Aino", "Bertta", *NAMES} - {NAMES[4]}


def test_a_part_that_was_overwritten_costs_only_what_was_in_it(data: Path) -> None:
    path = journal(data)
    (start, _), (_, end) = frames(path)[-5], frames(path)[-3]
    damage(path, start + 3, *bytes(end - start - 6))
    found = look(data)
    assert names(found) == {"Aino", "Bertta", *NAMES} - set(NAMES[3:6]) - {NAMES[6]}
    assert found.lost >= 2


def test_a_record_that_was_torn_by_a_crash_was_never_acknowledged_and_is_not_lost(data: Path) -> None:
    path = journal(data)
    whole, (start, end) = path.read_bytes(), frames(path)[-1]
    reserved = whole[: start + 8] + bytes(end - start - 8)  # the disk had room for it and did not write it
    for torn in (whole[:-7], whole[: start + 3], reserved):
        path.write_bytes(torn)
        found = look(data)
        assert found.whole and names(found) == {"Aino", "Bertta", *NAMES[:-1]}


def test_a_journal_cut_off_before_its_next_part_is_found(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = journal(data)
    monkeypatch.setattr(checkpoint, "retire", lambda *_: None)
    with monkeypatch.context() as patch:
        patch.setattr("lib.store.checkpoint.swap", _refuse)
        with pytest.raises(NotWritten):
            Store.open(data, PASSWORD).checkpoint()  # the next part begins, and no workbook comes
    shutil.rmtree(data / "aside", ignore_errors=True)
    for copy in (data / "backups").glob(f"*-g{int(path.stem) + 1}-*"):
        copy.unlink()
    path.write_bytes(path.read_bytes()[: frames(path)[-1][0]])
    found = look(data)
    assert found.lost == 1 and names(found) == {"Aino", "Bertta", *NAMES[:-1]}


def _refuse(*_: Any) -> None:
    raise NotWritten(reason="x")


def test_a_header_that_is_lost_costs_no_change(data: Path) -> None:
    path = journal(data)
    damage(path, frames(path)[0][1] - 30)
    found = look(data)
    assert found.lost and names(found) == {"Aino", "Bertta", *NAMES}


def test_an_older_damaged_part_costs_no_row_where_a_newer_copy_holds_it(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = journal(data)
    monkeypatch.setattr(checkpoint, "retire", lambda *_: None)  # as after a crash
    with Store.open(data, PASSWORD) as store:
        store.checkpoint()
        store.add(person("Viimeinen"), by=BY)
    damage(path, sum(frames(path)[-4]) // 2)
    found = look(data)
    assert found.generation == int(path.stem) + 2
    assert names(found) == {"Aino", "Bertta", *NAMES, "Viimeinen"}
    assert found.lost  # lines of the change log


def test_a_part_that_is_missing_is_told(data: Path) -> None:
    path = journal(data)
    path.unlink()
    found = look(data)
    assert (list(found.missing), found.whole) == ([int(path.stem)], False)
    assert names(found) == {"Aino", "Bertta"}


def test_s9_where_the_newest_copy_is_damaged_an_older_one_serves(data: Path) -> None:
    newest = max((data / "backups").glob("generation-*.xlsx"), key=lambda path: path.name.split("-")[2])
    damage(newest, newest.stat().st_size // 2)
    damage(data / "prospects.xlsx", 9000)
    found = look(data)
    assert found.source != newest.name and found.generation < int(journal(data).stem)
    assert NAMES[0] in names(found) and found.missing


def test_a_workbook_that_others_changed_is_left_for_restore_where_there_is_a_copy(data: Path) -> None:
    edit(data / "prospects.xlsx", lambda book: book["Prospektit"].delete_rows(2))
    found = look(data)
    assert found.source.startswith("generation-") and "Aino" in names(found)
    for copy in (data / "backups").glob("*.xlsx"):
        copy.unlink()
    found = look(data)
    assert found.source == "prospects.xlsx" and "Aino" not in names(found)


def test_where_no_workbook_is_left_the_journal_alone_tells_what_it_can(data: Path) -> None:
    shutil.rmtree(data / "backups")
    (data / "prospects.xlsx").unlink()
    found = look(data)
    assert (found.source, found.whole, names(found)) == ("", False, set(NAMES))
    with go_on(data) as store:
        assert set(store.frame["name"]) == set(NAMES)


def test_a_row_that_was_taken_out_in_a_lost_change_and_came_back_is_there_once(data: Path) -> None:
    (data / ".~lock.prospects.xlsx#").write_text("Bertta,bertta,kone,;")  # so all stays in one part of the journal
    store, path = Store.open(data, PASSWORD), journal(data)
    (empty,) = (data / "backups").glob("daily-*-r0.xlsx")
    full = store.backup(by=BY)
    store.restore(empty, by=BY, exact=True)
    gone = frames(path)[-1]
    store.restore(full, by=BY)
    assert journal(data) == path
    damage(path, sum(gone) // 2)
    found = look(data)
    assert found.lost == 1 and list(found.state.register.frame["name"]) == ["Aino", "Bertta", *NAMES]


# -- going on --------------------------------------------------------------------------------------------------


@pytest.fixture
def damaged(data: Path) -> Path:
    path = journal(data)
    damage(path, sum(frames(path)[-4]) // 2)
    return data


def test_the_register_goes_on_and_the_damaged_journal_is_set_aside_untouched(damaged: Path) -> None:
    path = journal(damaged)
    before = path.read_bytes()
    with go_on(damaged) as store:
        assert set(store.frame["name"]) == {"Aino", "Bertta", *NAMES} - {NAMES[4]}
        assert (damaged / "journal-damaged-1" / path.name).read_bytes() == before
        assert store.is_current and store.on_disk == store.journal.segment
        lines = [(entry.action, entry.by) for entry in store.log()]
        assert lines[:2] == [("rewrite", BY), ("salvage", BY)]
        assert lines.count(("add", BY)) == 2 + len(NAMES) - 1
        (line,) = (entry for entry in store.log() if entry.action == "salvage")
        assert line.facts == {"rows": 9, "lost": 1, "file": "journal-damaged-1"}


def test_a_number_that_may_have_been_given_in_a_lost_change_is_not_given_again(data: Path) -> None:
    path = journal(data)
    (start, _), (_, end) = frames(path)[-2], frames(path)[-1]
    damage(path, start + 3, *bytes(end - start - 6))
    with go_on(data) as store:
        assert NAMES[-1] not in set(store.frame["name"])
        assert int(store.add(person("Uusi"), by=BY)[2:]) > 10


def test_s10_rows_that_were_removed_behind_the_damage_stay_removed(data: Path) -> None:
    Store.open(data, PASSWORD).remove(["P-000001"], by=BY, reason="expired")
    damage(journal(data), sum(frames(journal(data))[-4]) // 2)
    with go_on(data) as store:
        assert "Aino" not in set(store.frame["name"])
        assert store.unfinished == {"P-000001"}


def test_s10_removed_rows_that_only_the_change_log_still_names_stay_removed(data: Path) -> None:
    with Store.open(data, PASSWORD) as store:
        kept = shutil.copytree(data / "backups", data.parent / "kept")
        store.remove(["P-000001"], by=BY, reason="expired")
        store.erase()
    shutil.rmtree(data / "backups")
    shutil.rmtree(data / "journal")
    shutil.move(kept, data / "backups")
    for path in (data / "removed", data / "prospects.xlsx"):
        path.unlink()
    assert "Aino" not in names(look(data))
    with go_on(data) as store:
        assert "P-000001" in store.unfinished


def test_without_the_list_of_removed_rows_it_does_not_go_on(damaged: Path) -> None:
    (damaged / "removed").write_text("{")
    before = contents(damaged)
    with pytest.raises(Damaged, match="removed"):
        salvage.go_on(unloaded(damaged), by=BY)
    assert contents(damaged) == before


@pytest.fixture
def server(data: Path) -> Iterator[None]:
    """Another process that has the folder."""
    code = (
        "import sys; from pathlib import Path; from lib.files import lock\n"
        "held = lock(Path(sys.argv[1])); held.acquire(); print(flush=True); sys.stdin.read()"
    )
    path = str(data / "server.lock")
    with subprocess.Popen([sys.executable, "-c", code, path], cwd=ROOT, stdin=-1, stdout=-1) as process:
        assert process.stdout and process.stdout.readline()
        yield
        process.communicate()


@pytest.mark.usefixtures("server")
def test_while_a_server_runs_nothing_is_done(damaged: Path) -> None:
    before = contents(damaged)
    with pytest.raises(InUse):
        salvage.go_on(unloaded(damaged), by=BY)
    with pytest.raises(InUse):
        salvage.put_in_place(damaged, b"x")
    assert contents(damaged) == before


class Stopped(BaseException):
    """As a kill: nothing cleans up after it."""


def test_s2_stopped_at_any_step_it_can_be_done_again_and_nothing_more_is_lost(damaged: Path, tmp_path: Path) -> None:
    expected = names(look(damaged))
    for number in itertools.count(1):
        folder = shutil.copytree(damaged, tmp_path / str(number))
        count = 0

        def stop(step: str, *_: object, last: int = number) -> None:
            nonlocal count
            if step.split()[0] not in READS:
                count += 1
                if count == last:
                    raise Stopped

        with pytest.MonkeyPatch.context() as patch:
            Steps(folder, stop, patch)
            try:
                salvage.go_on(unloaded(folder), by=BY)
            except Stopped:
                pass
            else:
                break
        with contextlib.suppress(StoreError):  # until it is done, it does not open, or with all that was had
            assert set(Store.open(folder, PASSWORD).frame["name"]) == expected, number
        salvage.go_on(unloaded(folder), by=BY)
        store = Store.open(folder, PASSWORD)
        assert set(store.frame["name"]) == expected, number
        assert [entry.action for entry in store.log()].count("add") == 9, number
        aside = list(folder.glob("journal-damaged-*/*"))
        assert any(path.read_bytes() == journal(damaged).read_bytes() for path in aside), number
        shutil.rmtree(folder)
    assert number > 15


# -- without keys ----------------------------------------------------------------------------------------------


def test_where_keys_and_workbook_are_lost_the_newest_copy_takes_its_place(data: Path) -> None:
    with Store.open(data, PASSWORD) as store:
        store.checkpoint()
    (data / "keys.json").unlink()
    damage(data / "prospects.xlsx", 9000)
    broken = (data / "prospects.xlsx").read_bytes()
    copy, content = salvage.newest_copy(data, PASSWORD)
    assert copy.rows == 10
    salvage.put_in_place(data, content)
    with Store.open(data, PASSWORD) as store:
        assert len(store.frame) == 10
    assert [path.read_bytes() for path in (data / "aside").glob("replaced-*.xlsx")] == [broken]


def test_a_password_that_opens_no_copy_is_told(data: Path) -> None:
    with pytest.raises(StoreError, match="does not open with this password"):
        salvage.newest_copy(data, "väärä salasana")
    shutil.rmtree(data / "backups")
    with pytest.raises(WorkbookMissing):
        salvage.newest_copy(data, PASSWORD)
