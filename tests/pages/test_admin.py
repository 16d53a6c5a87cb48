"""The administration page: what it shows to whom, and the settings; its other parts have tests of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from lib import settings
from lib.access.accounts import Factor
from lib.settings import Settings
from lib.store import Store
from tests.pages.conftest import Visitor, add, part


def test_an_administrator_alone_manages_users_and_sees_no_row(
    visitor: Callable[..., Visitor], aino: Visitor, store: Store
) -> None:
    add(store, name="Kaarina Kanarialintu")
    ylva = visitor("ylva")
    for name in ("users", "workbook", "backups", "settings", "log"):
        part(ylva, name)
        assert "Kanarialintu" not in ylva.shown() and not ylva.at.error
    assert [p["url_pathname"] for p in ylva.at._registered_pages.values()][:1] == [""]


# -- settings ----------------------------------------------------------------------------------------------------------


def typed(visitor: Visitor) -> dict[str, object]:
    """Each setting's value in the form."""
    kinds = ("text_input", "number_input", "selectbox", "checkbox")
    by_label = {w.label: w.value for kind in kinds for w in getattr(visitor.at, kind)}
    return {name: by_label[visitor.t(label)] for name, label in settings.LABELS.items()}


def change(visitor: Visitor, name: str, value: object) -> None:
    chosen = name in ("language", "download", "second_factor_for")
    kind = {int: "number_input", bool: "checkbox"}.get(type(value), "selectbox" if chosen else "text_input")
    visitor.field(kind, settings.LABELS[name]).set_value(value)


CHANGES = {
    "language": "en",
    "controller": "Ääkkös & Kumpp. Oy",
    "person_responsible": "Reetta",
    "retention_years": 3,
    "review_months": 2,
    "phone_region": "SE",
    "timezone": "Europe/Stockholm",
    "download": "own",
    "csv_download": True,
    "idle_hours": 8,
    "session_hours": 10,
    "own_device_days": 0,
    "second_factor_for": "manager",
    "log_months": 36,
    "backups_daily": 5,
    "backups_other": 6,
    "backups_days": 60,
    "second_place": "",
    "import_mb": 5,
    "import_rows": 1000,
    "import_columns": 50,
}


def test_the_settings_are_shown_and_saved_and_the_log_says_which(aino: Visitor, store: Store) -> None:
    aino.installation.accounts.set_factor("aino", Factor("x", 0, ()))
    part(aino, "settings")
    before = aino.installation.settings
    assert typed(aino) == asdict(before) and CHANGES.keys() == asdict(before).keys()
    for name, value in CHANGES.items():
        change(aino, name, value)
    aino.press("Save settings")
    assert aino.sees("The settings were saved.") and not aino.at.error
    assert aino.installation.settings == Settings(**CHANGES)  # type: ignore[arg-type]
    part(aino, "log")
    newest = aino.table().iloc[0]
    assert newest["action"] == aino.t("Settings changed") and aino.t("Time zone") in newest["facts"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("backups_daily", 0),
        ("backups_other", 21),
        ("backups_days", 0),
        ("second_place", "varmuuskopiot"),
        ("retention_years", 0),
        ("retention_years", 31),
        ("review_months", 25),
        ("phone_region", "Suomi"),
        ("timezone", "Helsinki"),
        ("idle_hours", 0),
        ("session_hours", 1000),
        ("own_device_days", 91),
        ("log_months", 0),
    ],
)
def test_a_setting_that_cannot_be_used_is_said_at_its_field_and_nothing_is_saved(
    aino: Visitor, store: Store, name: str, value: object
) -> None:
    part(aino, "settings")
    before = aino.installation.settings
    change(aino, name, value)
    change(aino, "controller", "Toinen Oy")
    aino.press("Save settings")
    with pytest.raises(settings.Invalid) as refused:
        settings.check(replace(before, **{name: value}))
    assert f":red[{aino.t.text(refused.value.fields[name])}]" in [m.value for m in aino.at.markdown]
    assert aino.installation.settings == before
    assert typed(aino) == {**asdict(before), name: value, "controller": "Toinen Oy"}


@pytest.mark.parametrize(("wanted", "refused"), [("all", True), ("manager", True), ("admin", True), ("none", False)])
def test_nobody_asks_for_a_second_factor_before_having_one(
    visitor: Callable[..., Visitor], store: Store, wanted: str, refused: bool
) -> None:
    ylva = visitor("ylva")
    ylva.workspace.save_settings(second_factor_for="none")
    part(ylva, "settings")
    change(ylva, "second_factor_for", wanted)
    ylva.press("Save settings")
    why = ylva.t("Set up your own second factor first, on the page My account.")
    assert (f":red[{why}]" in [m.value for m in ylva.at.markdown]) == refused
    if refused:
        with pytest.raises(settings.Invalid):
            ylva.workspace.save_settings(second_factor_for=wanted)
    assert ylva.installation.settings.second_factor_for == "none" and ylva.installation.account_of(ylva.token)


def test_a_second_place_that_cannot_be_used_is_said_at_its_field(aino: Visitor, store: Store, tmp_path: Path) -> None:
    for folder, why in (
        (tmp_path / "poissa", "This folder is not there, or it cannot be opened."),
        (aino.installation.data_dir, "This folder lies in the data folder. Choose one on another disk."),
    ):
        part(aino, "settings")
        change(aino, "second_place", str(folder))
        aino.press("Save settings")
        assert f":red[{aino.t(why)}]" in [m.value for m in aino.at.markdown]
        assert typed(aino)["second_place"] == str(folder) and aino.installation.settings.second_place == ""
    (tmp_path / "toinen").mkdir()
    change(aino, "second_place", str(tmp_path / "toinen"))
    aino.press("Save settings")
    assert aino.sees("The settings were saved.")
    assert aino.installation.settings.second_place == str(tmp_path / "toinen")
