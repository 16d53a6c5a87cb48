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
        ("session_hours", "0"),
        ("session_hours", "169"),
        ("own_device_days", "-1"),
        ("own_device_days", "91"),
        ("second_factor_for", '"sales"'),
        ("second_factor_for", '""'),
        ("log_months", "0"),
        ("log_months", "121"),
        ("backups_daily", "0"),
        ("backups_daily", "61"),
        ("backups_other", "0"),
        ("backups_other", "21"),
        ("backups_days", "0"),
        ("backups_days", "366"),
        ("second_place", '"copies"'),
        ("second_place", '"./copies"'),
        ("second_place", '" "'),
        ("second_place", "7"),
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


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def test_a_second_place_is_a_folder_that_is_there(data_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "a file").touch()
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    for place in (tmp_path / "none", tmp_path / "a file", tmp_path / "circle", tmp_path / "nul\0"):
        with pytest.raises(Invalid) as caught:
            save(data_dir, Settings(), second_place=str(place))
        assert "not there" in str(caught.value.fields["second_place"])
    assert list(data_dir.iterdir()) == []
    (tmp_path / "disk").mkdir()
    assert save(data_dir, Settings(), second_place=str(tmp_path / "disk")) == load(data_dir)


def test_a_folder_that_may_not_be_looked_at_is_no_second_place(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: Path) -> bool:
        raise PermissionError

    monkeypatch.setattr(Path, "is_dir", refused)
    with pytest.raises(Invalid):
        save(data_dir, Settings(), second_place=str(data_dir.parent))


@pytest.mark.parametrize("name", ["data", "data/copies", "data/../data/copies", "link", "link/copies"])
def test_a_second_place_does_not_lie_in_the_data_folder(data_dir: Path, tmp_path: Path, name: str) -> None:
    (data_dir / "copies").mkdir()
    (tmp_path / "link").symlink_to(data_dir)
    with pytest.raises(Invalid) as caught:
        save(data_dir, Settings(), second_place=f"{tmp_path}/{name}")
    assert "data folder" in str(caught.value.fields["second_place"])


def test_a_second_place_that_is_away_later_keeps_no_setting_from_being_read_or_saved(
    data_dir: Path, tmp_path: Path
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    save(data_dir, Settings(), second_place=str(disk))
    disk.rmdir()
    assert load(data_dir).second_place == str(disk)
    saved = save(data_dir, load(data_dir), retention_years=3, second_place=str(disk))
    assert saved == load(data_dir) and saved.retention_years == 3
    assert save(data_dir, load(data_dir), second_place="").second_place == ""


@pytest.mark.parametrize("place", ["D:\\\\copies", "\\\\\\\\server\\\\share", "/mnt/copies"])
def test_a_second_place_of_another_system_does_not_make_the_settings_unusable(tmp_path: Path, place: str) -> None:
    write(tmp_path, f'second_place = "{place}"')
    assert load(tmp_path).second_place == place.replace("\\\\", "\\")


@pytest.mark.skipif(os.name == "nt", reason="there it is a path")
def test_a_new_second_place_has_to_be_one_of_this_system(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(data_dir.parent)
    (data_dir.parent / "D:\\copies").mkdir()  # on this system a relative path
    with pytest.raises(Invalid):
        save(data_dir, Settings(), second_place="D:\\copies")
