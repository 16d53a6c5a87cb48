"""The installation's settings: `data/settings.toml`, with a default for each."""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass, fields, replace
from functools import lru_cache
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import tomli_w

from lib.errors import Invalid
from lib.files import write_atomically
from lib.i18n import LANGUAGES, N_, Text

DOWNLOADS = {"all": N_("All rows"), "own": N_("One's own rows"), "none": N_("No rows")}
SECOND_FACTOR_FOR = {
    "none": N_("Nobody has to"),
    "admin": N_("Administrators"),
    "manager": N_("Managers and administrators"),
    "all": N_("Everyone"),
}


@dataclass(frozen=True)
class Settings:
    """What a company decides for its installation. The admin page shows each; the README lists them."""

    language: str = "fi"
    controller: str = ""
    person_responsible: str = ""
    retention_years: int = 5
    review_months: int = 6
    phone_region: str = "FI"
    timezone: str = "Europe/Helsinki"
    download: str = "all"
    csv_download: bool = False
    idle_hours: int = 12
    session_hours: int = 16
    own_device_days: int = 30
    second_factor_for: str = "none"
    log_months: int = 24
    backups_daily: int = 7
    backups_other: int = 4
    backups_days: int = 30
    second_place: str = ""
    import_mb: int = 20
    import_rows: int = 200_000
    import_columns: int = 200


# What each setting is called on the admin page, and the least and most of a number.
LABELS = {
    "language": N_("Language of the installation"),
    "controller": N_("Controller (the company)"),
    "person_responsible": N_("Person responsible for the register"),
    "retention_years": N_("Retention period, years"),
    "review_months": N_("Months until the next review"),
    "phone_region": N_("Country of phone numbers without a country code"),
    "timezone": N_("Time zone"),
    "download": N_("What sales may download"),
    "csv_download": N_("Lists may also leave as CSV, which is not encrypted"),
    "idle_hours": N_("Hours without use until a session ends"),
    "session_hours": N_("Hours until a session ends in any case"),
    "own_device_days": N_("Days until a session on one's own device ends; 0: not offered"),
    "second_factor_for": N_("Who must use a second factor"),
    "log_months": N_("Months that the change log is kept"),
    "backups_daily": N_("Daily backups kept"),
    "backups_other": N_("Other backups kept (made by hand or before a risky act)"),
    "backups_days": N_("Days until a backup goes; the newest daily one stays"),
    "second_place": N_("Folder for copies of the backups, best on another disk"),
    "import_mb": N_("Largest file that is imported, MB"),
    "import_rows": N_("Most rows of a sheet that is imported"),
    "import_columns": N_("Most columns of a sheet that is imported"),
}
LIMITS = {
    "retention_years": (1, 30),
    "review_months": (1, 24),
    "idle_hours": (1, 720),
    "session_hours": (1, 168),
    "own_device_days": (0, 90),
    "log_months": (1, 120),
    "backups_daily": (1, 60),
    "backups_other": (1, 20),
    "backups_days": (1, 365),
    "import_mb": (1, 200),
    "import_rows": (100, 1_000_000),
    "import_columns": (10, 1_000),
}


def check(settings: Settings) -> Settings:
    """The settings, if each can be used.

    Raises:
        Invalid: with a text for each that cannot.
    """
    import zoneinfo

    import phonenumbers

    wrong: dict[str, Text] = {}
    for name, (least, most) in LIMITS.items():
        if not least <= getattr(settings, name) <= most:
            wrong[name] = Text(N_("Give a number from {least} to {most}."), {"least": least, "most": most})
    if settings.language not in LANGUAGES:
        wrong["language"] = Text(N_("Choose one of the offered values."))
    if settings.download not in DOWNLOADS:
        wrong["download"] = Text(N_("Choose one of the offered values."))
    if settings.second_factor_for not in SECOND_FACTOR_FOR:
        wrong["second_factor_for"] = Text(N_("Choose one of the offered values."))
    if settings.phone_region not in phonenumbers.SUPPORTED_REGIONS:
        wrong["phone_region"] = Text(N_("Give a country's two-letter code, FI for Finland."))
    if settings.timezone not in zoneinfo.available_timezones():
        wrong["timezone"] = Text(N_("Give a time zone's name, Europe/Helsinki for Finland."))
    # Of any system: settings that came from another machine stay usable, and the folder counts as out of reach.
    absolute = (
        PurePosixPath(settings.second_place).is_absolute() or PureWindowsPath(settings.second_place).is_absolute()
    )
    if settings.second_place and not absolute:
        wrong["second_place"] = Text(N_("Write the whole path of a folder, or leave it empty."))
    if wrong:
        raise Invalid(wrong)
    return settings


def load(data_dir: Path) -> Settings:
    """The settings of a data folder; defaults where the file or a setting is missing.

    Asking again costs one stat while the file is the same.

    Raises:
        Invalid: the file cannot be used; the text names the setting.
    """
    path = data_dir / "settings.toml"
    try:
        stat = path.stat()
    except FileNotFoundError:
        return Settings()
    except OSError as error:
        raise _unreadable(error) from error
    return _load(path, (stat.st_mtime_ns, stat.st_size, stat.st_ino))


@lru_cache(maxsize=8)
def _load(path: Path, _version: tuple[int, int, int]) -> Settings:
    try:
        content: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise _unreadable(error) from error
    wrong = {}
    for f in fields(Settings):
        if f.name in content and type(content[f.name]) is not type(f.default):
            wrong[f.name] = Text(N_("The setting has the wrong kind of value."))
    if wrong:
        raise Invalid(wrong)
    return check(Settings(**{f.name: content[f.name] for f in fields(Settings) if f.name in content}))


def _unreadable(error: Exception) -> Invalid:
    problem = {"problem": str(error)}
    return Invalid({"settings.toml": Text(N_("The file settings.toml cannot be read: {problem}"), problem)})


def save(data_dir: Path, settings: Settings, **changes: Any) -> Settings:
    """Write the settings with the changes, and return them.

    Raises:
        Invalid, NotWritten: nothing was changed.
    """
    changed = check(replace(settings, **changes))
    # Only a new choice has to be there: its disk may be away while something else is saved.
    if changed.second_place and changed.second_place != settings.second_place:
        _check_second_place(Path(changed.second_place), data_dir)
    write_atomically(data_dir / "settings.toml", tomli_w.dumps(asdict(changed)).encode())
    return changed


def inside(folder: Path, data_dir: Path) -> bool:
    """Whether a folder is the data folder or lies in it, links followed."""
    try:
        return folder.resolve().is_relative_to(data_dir.resolve())
    except (OSError, RuntimeError, ValueError):  # links in a circle, a name that cannot be
        return False


def _check_second_place(folder: Path, data_dir: Path) -> None:
    """Refuse a folder where copies of the backups cannot lie.

    Raises:
        Invalid: it is not there, or lies in the data folder.
    """
    try:
        there = folder.is_absolute() and folder.is_dir()
    except OSError:
        there = False
    if not there:
        raise Invalid({"second_place": Text(N_("This folder is not there, or it cannot be opened."))})
    if inside(folder, data_dir):
        raise Invalid({"second_place": Text(N_("This folder lies in the data folder. Choose one on another disk."))})
