"""Files set aside: each kept once, named by kind and time, until a person decides."""

from __future__ import annotations

import datetime as dt
import stat
from pathlib import Path

import pytest

from lib.errors import StoreError
from lib.store.aside import KINDS, AsideFiles

AT = dt.datetime(2026, 11, 22, 13, 5)


@pytest.fixture
def aside(tmp_path: Path) -> AsideFiles:
    return AsideFiles(tmp_path / "aside")


def test_where_there_is_no_folder_there_are_no_files(aside: AsideFiles) -> None:
    assert aside.all() == [] and aside.find("unknown-20261122T130500.xlsx") is None


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_is_kept_as_it_is_for_the_servers_own_user_alone(aside: AsideFiles, kind: str) -> None:
    name = aside.keep(kind, b"sealed", AT)
    assert name == f"{kind}-20261122T130500.xlsx"
    (found,) = aside.all()
    assert (found.name, found.kind, found.made) == (name, kind, AT) and aside.find(name) == found
    assert found.path.read_bytes() == b"sealed"
    assert stat.S_IMODE(found.path.stat().st_mode) == 0o600 and stat.S_IMODE(aside.folder.stat().st_mode) == 0o700


def test_the_same_content_is_kept_once_of_a_kind(aside: AsideFiles) -> None:
    first = aside.keep("unknown", b"one", AT)
    assert aside.keep("unknown", b"one", AT + dt.timedelta(days=1)) == first
    assert aside.keep("invalid", b"one", AT) != first
    assert aside.keep("unknown", b"two", AT) == "unknown-20261122T130500-2.xlsx"
    assert aside.keep("unknown", b"six", AT) == "unknown-20261122T130500-3.xlsx"
    assert sorted(file.path.read_bytes() for file in aside.all()) == [b"one", b"one", b"six", b"two"]


def test_the_newest_comes_first_and_what_others_put_there_is_passed_over(aside: AsideFiles) -> None:
    names = [aside.keep("invalid", str(day).encode(), AT + dt.timedelta(days=day)) for day in range(3)]
    for other in ("oma.xlsx", "nothing-20261122T130500.xlsx", "invalid-2026.xlsx", "invalid-20261122T130500.txt"):
        (aside.folder / other).write_bytes(b"x")
    assert [file.name for file in aside.all()] == names[::-1]


def test_a_dropped_file_is_gone_and_may_be_dropped_again(aside: AsideFiles) -> None:
    aside.keep("invalid", b"x", AT)
    (found,) = aside.all()
    for _ in range(2):
        aside.drop(found)
    assert aside.all() == [] and list(aside.folder.iterdir()) == []


def test_what_killed_writes_left_is_removed(aside: AsideFiles) -> None:
    name = aside.keep("invalid", b"x", AT)
    (aside.folder / f".{name}.12ab34cd.tmp").write_bytes(b"half")
    aside.remove_leftovers()
    assert [path.name for path in aside.folder.iterdir()] == [name]


def test_where_nothing_can_be_kept_it_is_told(aside: AsideFiles) -> None:
    aside.folder.write_bytes(b"a file where the folder should be")
    with pytest.raises(StoreError):
        aside.keep("invalid", b"x", AT)
