"""Settings: a default for each, and words for what cannot be used."""

from __future__ import annotations

import os
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import pytest

from lib import settings
from lib.errors import Invalid, NotWritten
from lib.settings import LABELS, LIMITS, Settings, check, load, save


def write(folder: Path, text: str | bytes) -> None:
    (folder / "settings.toml").write_bytes(text if isinstance(text, bytes) else text.encode())


def test_without_a_file_all_is_as_shipped(tmp_path: Path) -> None:
    assert load(tmp_path) == Settings() == check(Settings())
    assert Settings().retention_years == 5


def test_what_was_saved_comes_back(tmp_path: Path) -> None:
    changes: dict[str, Any] = {"language": "en", "controller": 'Yritys "Å" \\ Oy\n', "retention_years": 3}
    saved = save(tmp_path, Settings(), **changes)
    assert load(tmp_path) == saved and {k: asdict(saved)[k] for k in changes} == changes


def test_a_change_of_the_file_is_seen(tmp_path: Path) -> None:
    for years in (1, 2, 30):
        save(tmp_path, load(tmp_path), retention_years=years)
        assert load(tmp_path).retention_years == years
    (tmp_path / "settings.toml").unlink()
    assert load(tmp_path) == Settings()


def test_a_setting_that_is_missing_has_its_default_and_one_too_many_does_no_harm(tmp_path: Path) -> None:
    write(tmp_path, 'retention_years = 4\nfrom_the_future = "x"\n[section]\na = 1\n')
    assert load(tmp_path) == Settings(retention_years=4)


@pytest.mark.parametrize(
    "text", ["retention_years = ", "= 1", b"\xff\xfe", "language = 'fi'\nlanguage = 'fi'", "language = 'fi\n"]
)
def test_a_broken_file_is_told(tmp_path: Path, text: str | bytes) -> None:
    write(tmp_path, text)
    with pytest.raises(Invalid) as caught:
        load(tmp_path)
    assert "settings.toml cannot be read" in str(caught.value.fields["settings.toml"])


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").mkdir()
    with pytest.raises(Invalid):
        load(tmp_path)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("retention_years", '"5"'),
        ("retention_years", "5.5"),
        ("retention_years", "true"),
        ("retention_years", "0"),
        ("retention_years", "31"),
        ("review_months", "-1"),
        ("idle_hours", "0"),
        ("session_days", "91"),
        ("language", '"sv"'),
        ("language", "1"),
        ("download", '"everything"'),
        ("phone_region", '"FIN"'),
        ("phone_region", '"fi"'),
        ("timezone", '"Helsinki"'),
        ("timezone", '"../etc/passwd"'),
        ("controller", "[]"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(tmp_path: Path, name: str, text: str) -> None:
    write(tmp_path, f"{name} = {text}")
    with pytest.raises(Invalid) as caught:
        load(tmp_path)
    assert set(caught.value.fields) == {name} and "{" not in str(caught.value.fields[name])


def test_what_cannot_be_used_is_not_saved(tmp_path: Path) -> None:
    save(tmp_path, Settings(), retention_years=7)
    before = (tmp_path / "settings.toml").read_bytes()
    with pytest.raises(Invalid):
        save(tmp_path, load(tmp_path), retention_years=0, timezone="Mars")
    assert (tmp_path / "settings.toml").read_bytes() == before


def test_a_disk_that_takes_nothing_keeps_the_old_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path, Settings(), retention_years=7)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(NotWritten):
        save(tmp_path, load(tmp_path), retention_years=8)
    assert load(tmp_path).retention_years == 7 and len(list(tmp_path.iterdir())) == 1


def test_each_setting_has_a_name_for_the_admin_page_and_each_number_its_limits() -> None:
    assert list(LABELS) == [f.name for f in fields(Settings)]
    assert set(LIMITS) == {f.name for f in fields(Settings) if f.type == "int"}
    assert set(settings.DOWNLOADS) == {"all", "own", "none"}
