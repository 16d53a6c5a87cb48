"""The installation's settings: `data/settings.toml`, with a default for each."""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import tomli_w

from lib.errors import Invalid
from lib.files import write_atomically
from lib.i18n import LANGUAGES, N_, Text

DOWNLOADS = {"all": N_("All rows"), "own": N_("One's own rows"), "none": N_("No rows")}


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
    idle_hours: int = 12
    session_days: int = 30


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
    "idle_hours": N_("Hours without use until a session ends"),
    "session_days": N_("Days until a session ends in any case"),
}
LIMITS = {"retention_years": (1, 30), "review_months": (1, 24), "idle_hours": (1, 720), "session_days": (1, 90)}


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
    if settings.phone_region not in phonenumbers.SUPPORTED_REGIONS:
        wrong["phone_region"] = Text(N_("Give a country's two-letter code, FI for Finland."))
    if settings.timezone not in zoneinfo.available_timezones():
        wrong["timezone"] = Text(N_("Give a time zone's name, Europe/Helsinki for Finland."))
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
    return _load(path, (stat.st_mtime_ns, stat.st_size, stat.st_ino))


@lru_cache(maxsize=8)
def _load(path: Path, _version: tuple[int, int, int]) -> Settings:
    try:
        content: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise Invalid(
            {"settings.toml": Text(N_("The file settings.toml cannot be read: {problem}"), {"problem": str(error)})}
        ) from error
    wrong = {}
    for f in fields(Settings):
        if f.name in content and type(content[f.name]) is not type(f.default):
            wrong[f.name] = Text(N_("The setting has the wrong kind of value."))
    if wrong:
        raise Invalid(wrong)
    return check(Settings(**{f.name: content[f.name] for f in fields(Settings) if f.name in content}))


def save(data_dir: Path, settings: Settings, **changes: Any) -> Settings:
    """Write the settings with the changes, and return them.

    Raises:
        Invalid, NotWritten: nothing was changed.
    """
    changed = check(replace(settings, **changes))
    write_atomically(data_dir / "settings.toml", tomli_w.dumps(asdict(changed)).encode())
    return changed
