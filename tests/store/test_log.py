"""The change log: nothing readable, nothing lost, nothing forged."""

from __future__ import annotations

import base64
import datetime as dt
from pathlib import Path

import pytest

from lib.store.log import ChangeLog, Entry

KEY = b"k" * 32
AT = dt.datetime(2026, 11, 22, 13, 5)


def entry(action: str, at: dt.datetime = AT, **facts: object) -> Entry:
    return Entry(at, "aino", action, ["P-000001"], facts)


@pytest.fixture
def log(tmp_path: Path) -> ChangeLog:
    return ChangeLog(tmp_path / "log", KEY)


def file(log: ChangeLog) -> Path:
    return log.folder / "2026-11.log"


def actions(log: ChangeLog) -> list[str]:
    return [e.action for e in log.entries()]


def test_lines_come_back_the_newest_first(log: ChangeLog) -> None:
    written = [entry("add", reason="syy ä"), entry("remove", AT + dt.timedelta(hours=1), rows=3), entry("download")]
    for line in written:
        log.append(line)
    assert log.entries() == written[::-1]


def test_each_month_has_its_file_and_old_months_are_left_out(log: ChangeLog) -> None:
    for month in range(1, 13):
        log.append(entry(f"in {month}", dt.datetime(2026, month, 1)))
    assert sorted(p.name for p in log.folder.iterdir()) == [f"2026-{m:02d}.log" for m in range(1, 13)]
    assert [e.action for e in log.entries(months=3)] == ["in 12", "in 11", "in 10"]


def test_an_empty_log_has_no_lines(log: ChangeLog) -> None:
    assert log.entries() == []


def test_nothing_is_readable(log: ChangeLog) -> None:
    log.append(entry("add", reason="salainen syy"))
    raw = file(log).read_bytes()
    for text in (raw, base64.b64decode(raw)):
        for word in (b"aino", b"P-000001", b"salainen", b"add"):
            assert word not in text
    assert ChangeLog(log.folder, b"o" * 32).entries() == []


@pytest.mark.parametrize("cut", [1, 5, 40])
def test_a_torn_last_line_spoils_neither_those_before_nor_those_after(log: ChangeLog, cut: int) -> None:
    for action in ("one", "two", "torn"):
        log.append(entry(action))
    file(log).write_bytes(file(log).read_bytes()[:-cut])
    expected = ["torn", "two", "one"] if cut == 1 else ["two", "one"]  # only the line end is missing
    assert actions(log) == expected
    log.append(entry("after"))
    assert actions(log) == ["after", *expected]


def test_a_tampered_line_is_left_out(log: ChangeLog) -> None:
    for action in ("one", "two", "three"):
        log.append(entry(action))
    lines = file(log).read_bytes().splitlines()
    sealed = bytearray(base64.b64decode(lines[1]))
    sealed[20] ^= 1
    for forged in (base64.b64encode(sealed), b"not base64 at all!", "ä".encode(), b"", b"QUJD"):
        file(log).write_bytes(b"\n".join([lines[0], forged, lines[2]]) + b"\n")
        assert actions(log) == ["three", "one"]


def test_a_line_moved_to_another_month_is_left_out(log: ChangeLog) -> None:
    log.append(entry("one"))
    (log.folder / "2026-12.log").write_bytes(file(log).read_bytes())
    assert actions(log) == ["one"]


def test_a_line_that_was_written_twice_after_a_fault_counts_once(log: ChangeLog) -> None:
    log.append(entry("one"))
    file(log).write_bytes(file(log).read_bytes() * 2)
    assert actions(log) == ["one"]
    log.append(entry("one"))  # the same done again is another line
    assert actions(log) == ["one", "one"]


def test_a_line_that_waits_comes_before_the_next(log: ChangeLog) -> None:
    log.folder.write_text("in the way")
    log.append_done(entry("one"))
    log.append_done(entry("two"))
    assert file(log).exists() is False
    log.folder.unlink()
    log.append(entry("three"))
    assert actions(log) == ["three", "two", "one"]
