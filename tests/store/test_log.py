"""The change log: nothing readable, nothing lost, nothing forged."""

from __future__ import annotations

import base64
import datetime as dt
import errno
import os
from pathlib import Path
from typing import Any

import pytest

from lib import settings
from lib.errors import NotWritten, StoreError
from lib.settings import Settings
from lib.store import Store, checkpoint
from lib.store.log import ChangeLog, Entry, Key

from .tools import BY, PASSWORD, person

KEY = b"k" * 32
AT = dt.datetime(2026, 11, 22, 13, 5)


def entry(action: str, at: dt.datetime = AT, **facts: object) -> Entry:
    return Entry(at, "aino", action, ["P-000001"], facts)


@pytest.fixture
def log(tmp_path: Path) -> ChangeLog:
    return ChangeLog(tmp_path / "log", KEY)


def file(log: ChangeLog) -> Path:
    return log.folder / "2026-11.log"


def write(log: ChangeLog, *actions: str, segment: int = 1) -> None:
    """Write lines as a checkpoint does, in one block."""
    log.write({Key(segment, number): entry(action) for number, action in enumerate(actions, 1)})


def actions(log: ChangeLog) -> list[str]:
    return [e.action for _, e in sorted(log.entries().items())]


# -- there and back ----------------------------------------------------------------------------------------


def test_lines_come_back_with_where_they_stood_in_the_journal(log: ChangeLog) -> None:
    written = {
        Key(3, 1): entry("add", reason="syy ä"),
        Key(3, 4): entry("remove", AT + dt.timedelta(hours=1), rows=3),
        Key(4, 1): entry("download", names=["😀", '"']),
    }
    log.write(written)
    assert log.entries() == written


def test_each_month_has_its_file_and_old_months_are_left_out(log: ChangeLog) -> None:
    log.write({Key(1, month): entry(f"in {month}", dt.datetime(2026, month, 1)) for month in range(1, 13)})
    assert sorted(p.name for p in log.folder.iterdir()) == [f"2026-{m:02d}.log" for m in range(1, 13)]
    assert [e.action for e in log.entries(months=3).values()] == ["in 10", "in 11", "in 12"]
    assert len(log.entries(months=0)) == 12


def test_an_empty_log_has_no_lines_and_no_file(log: ChangeLog) -> None:
    log.write({})
    assert log.entries() == {} and not log.folder.exists()


def test_lines_that_were_written_twice_after_a_fault_count_once(log: ChangeLog) -> None:
    write(log, "one", "two")
    write(log, "one", "two")
    assert actions(log) == ["one", "two"]
    write(log, "one", "two", segment=2)  # the same done again is another line
    assert actions(log) == ["one", "two", "one", "two"]


def test_a_file_grows_only_at_its_end(log: ChangeLog) -> None:
    write(log, "one")
    before = file(log).read_bytes()
    write(log, "two", segment=2)
    assert file(log).read_bytes().startswith(before)


# -- nothing readable, nothing forged ----------------------------------------------------------------------


def test_nothing_is_readable(log: ChangeLog) -> None:
    log.write({Key(1, 1): entry("add", reason="salainen syy")})
    raw = file(log).read_bytes()
    for text in (raw, base64.b64decode(raw)):
        for word in (b"aino", b"P-000001", b"salainen", b"add"):
            assert word not in text
    assert ChangeLog(log.folder, b"o" * 32).entries() == {}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such rights")
def test_nobody_else_may_read_it(log: ChangeLog) -> None:
    write(log, "one")
    assert file(log).stat().st_mode & 0o777 == 0o600 and log.folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("cut", [1, 5, 40])
def test_a_torn_last_block_spoils_neither_those_before_nor_those_after(log: ChangeLog, cut: int) -> None:
    for segment, action in enumerate(("one", "two", "torn"), 1):
        write(log, action, segment=segment)
    file(log).write_bytes(file(log).read_bytes()[:-cut])
    expected = ["one", "two", "torn"] if cut == 1 else ["one", "two"]  # only the line end is missing
    assert actions(log) == expected
    write(log, "after", segment=4)
    assert actions(log) == [*expected, "after"]


def test_a_block_that_was_tampered_with_is_left_out(log: ChangeLog) -> None:
    for segment, action in enumerate(("one", "two", "three"), 1):
        write(log, action, segment=segment)
    lines = file(log).read_bytes().splitlines()
    sealed = bytearray(base64.b64decode(lines[1]))
    sealed[20] ^= 1
    for forged in (base64.b64encode(sealed), b"not base64 at all!", "ä".encode(), b"", b"QUJD"):
        file(log).write_bytes(b"\n".join([lines[0], forged, lines[2]]) + b"\n")
        assert actions(log) == ["one", "three"]


def test_a_block_moved_to_another_month_is_left_out(log: ChangeLog) -> None:
    write(log, "one")
    (log.folder / "2026-12.log").write_bytes(file(log).read_bytes())
    file(log).unlink()
    assert actions(log) == []


# -- what fails --------------------------------------------------------------------------------------------


def test_a_block_that_is_half_written_is_told_and_does_not_count(
    log: ChangeLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unbuffered write may take a part without an error."""
    fdopen = os.fdopen

    class Half:
        def __init__(self, file: Any) -> None:
            self.file = file

        def __enter__(self) -> Half:
            return self

        def __exit__(self, *_: object) -> None:
            self.file.close()

        def write(self, content: bytes) -> int:
            return int(self.file.write(content[:10]))

        def __getattr__(self, name: str) -> Any:
            return getattr(self.file, name)

    write(log, "before")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fdopen", lambda *given, **named: Half(fdopen(*given, **named)))
        with pytest.raises(NotWritten, match="the disk is full"):
            write(log, "refused", segment=2)
    assert actions(log) == ["before"]
    write(log, "after", segment=3)
    assert actions(log) == ["before", "after"]


def test_a_log_that_cannot_be_read_is_no_empty_one(log: ChangeLog, monkeypatch: pytest.MonkeyPatch) -> None:
    write(log, "one")

    def failing(*_: object) -> Any:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    for name in ("read_bytes", "iterdir"):
        with monkeypatch.context() as patch:
            patch.setattr(Path, name, failing)
            with pytest.raises(StoreError, match="the disk reports a fault"):
                log.entries()


# -- together with the journal -----------------------------------------------------------------------------


def test_a_line_is_there_with_its_change_and_moves_out_of_the_journal_when_its_segment_goes(store: Store) -> None:
    store.add(person("Aino"), by=BY)
    store.note("download", BY, rows=1)
    assert not (store.data_dir / "log").exists()
    shown = store.log()
    assert [(e.action, e.by, e.ids) for e in shown] == [("download", BY, []), ("add", BY, ["P-000001"])]
    store.checkpoint()
    assert [e.action for _, e in sorted(store.change_log.entries().items())] == ["add", "download"]
    assert store.log() == shown
    store.update("P-000001", {"title": "Johtaja"}, by="bertta")
    store.remove(["P-000001"], by="bertta", reason="expired")
    assert [e.action for e in store.log()] == ["remove", "update", "download", "add"]
    assert [e.action for e in Store.open(store.data_dir, PASSWORD).log()] == ["remove", "update", "download", "add"]
    assert store.log()[0].facts == {"rows": 1, "reason": "expired"} and store.log()[1].facts["fields"] == ["title"]


def test_a_change_of_many_rows_says_how_many_and_names_none_but_a_removal_names_them_all(store: Store) -> None:
    ids = store.add_many([person(f"Monta {n}", received=store.today) for n in range(1100)], by=BY)
    store.remove(ids, by=BY, reason="expired")
    removed, added = store.log()
    assert (added.ids, added.facts) == ([], {"rows": 1100})
    assert removed.ids == ids


def test_no_value_of_a_row_is_in_the_log(store: Store) -> None:
    store.add(person("Salaisuus Nimi", email="salaisuus@example.com"), by=BY)
    store.update("P-000001", {"notes": "salaisuus"}, by=BY)
    store.remove(["P-000001"], by=BY, reason="erasure")
    store.checkpoint()
    assert "alaisuus" not in str(store.log()) and "alaisuus" not in str(store.change_log.entries())


# -- as long as the setting says ---------------------------------------------------------------------------


def months(log: ChangeLog) -> list[str]:
    return sorted(path.stem for path in log.folder.iterdir())


def test_months_whose_time_is_over_go_and_proofs_of_removal_stay_ten_years(log: ChangeLog) -> None:
    for year in range(2015, 2027):
        at = dt.datetime(year, 11, 22)
        log.write({Key(year, n): entry(name, at) for n, name in enumerate(("sign_in", "remove", "download", "erased"))})
        log.write({Key(year, n): entry("sign_in_failed", at) for n in (4, 5)})
    log.forget(dt.date(2024, 11, 1), dt.date(2016, 11, 22))
    kept = log.entries(0)
    assert {e.at.year for e in kept.values() if e.action not in ("remove", "erased")} == {2024, 2025, 2026}
    assert {e.at.year for e in kept.values()} == set(range(2016, 2027))
    assert [key.number for key in sorted(kept) if key.segment == 2016] == [1, 3]
    assert months(log)[0] == "2016-11" and len(log.entries(1)) == 6


def test_forgetting_again_changes_nothing(log: ChangeLog) -> None:
    for month in (1, 2, 3):
        log.write({Key(month, 1): entry("remove", dt.datetime(2020, month, 1))})
        log.write({Key(month, 2): entry("add", dt.datetime(2020, month, 1))})
    log.forget(dt.date(2020, 3, 31), dt.date(2015, 1, 1))
    content = {path.name: path.read_bytes() for path in log.folder.iterdir()}
    log.forget(dt.date(2020, 3, 31), dt.date(2015, 1, 1))
    assert {path.name: path.read_bytes() for path in log.folder.iterdir()} == content
    assert actions(log) == ["remove", "remove", "remove", "add"]


def test_a_block_that_does_not_open_may_hold_a_proof_and_stays_as_long(log: ChangeLog) -> None:
    write(log, "add")
    good = file(log).read_bytes()
    file(log).write_bytes(b"torn by a crash\n" + good)
    log.forget(dt.date(2027, 1, 1), dt.date(2020, 1, 1))
    assert file(log).read_bytes() == b"torn by a crash\n"
    log.forget(dt.date(2040, 1, 1), dt.date(2026, 11, 30))
    assert file(log).exists()
    log.forget(dt.date(2040, 1, 1), dt.date(2026, 12, 1))
    assert not file(log).exists()


@pytest.mark.parametrize("step", ["write_atomically", "unlink"])
def test_what_cannot_be_forgotten_now_is_whole_and_told(
    log: ChangeLog, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    write(log, *(["remove"] if step == "write_atomically" else []), "add")
    before = file(log).read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(Path, "unlink", full)
    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(NotWritten):
        log.forget(dt.date(2027, 1, 1), dt.date(2020, 1, 1))
    assert file(log).read_bytes() == before


def test_an_empty_log_has_nothing_to_forget(log: ChangeLog) -> None:
    log.forget(dt.date(2027, 1, 1), dt.date(2020, 1, 1))
    assert not log.folder.exists()


def test_a_checkpoint_forgets_what_the_setting_says_and_lines_in_the_journal_first_move_out(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.add(person("Aino"), by=BY)
    store.remove(["P-000001"], by=BY, reason="expired")
    store.note("sign_in", BY)
    store.checkpoint()
    store.note("sign_out", BY)  # no change: it stays in the journal, however long
    years = {"now": 0}
    now = type(store).now.fget  # type: ignore[attr-defined]
    monkeypatch.setattr(
        type(store), "now", property(lambda s: now(s).replace(year=now(s).year + years["now"], month=6, day=15))
    )
    settings.save(store.data_dir, Settings(), log_months=24)
    for later, expected in ((1, ["sign_out", "sign_in", "remove", "add"]), (3, ["remove"]), (11, [])):
        years["now"] = later
        with store.files_locked():
            checkpoint.daily(store)
        assert [e.action for e in store.log(0)] == expected, later
        assert [e.action for e in Store.open(store.data_dir, PASSWORD).log(0)] == expected
