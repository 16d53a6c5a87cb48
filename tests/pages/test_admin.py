"""The administration page: users and settings; its other parts have tests of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from lib import settings
from lib.access.roles import OPERATIONS, ROLES
from lib.settings import Settings
from lib.store import Store
from pages.admin import OPERATION_NAMES
from tests.pages.conftest import PASSWORD, Visitor, add, part

NEW = "uusi pitkä salasana ääkkösin"


def of(visitor: Visitor, name: str, part: str) -> object:
    """A widget of a user's own form: r for roles, p for the password, d for the button that disables."""
    account = visitor.installation.accounts.get(name)
    assert account
    key = f"user-{name}-{account.epoch}-{part}"
    kind = {"r": "multiselect", "p": "text_input", "d": "button"}[part]
    return getattr(visitor.at, kind)(key=key)


def press_of(visitor: Visitor, name: str, label: str) -> None:
    """Press a button of a user's own form."""
    account = visitor.installation.accounts.get(name)
    assert account
    said = visitor.t(label)
    form = f"user-{name}-{account.epoch}"
    (button,) = [b for b in visitor.at.button if b.label == said and b.form_id.startswith(form)]
    button.click()
    visitor.run()


def type_new_user(visitor: Visitor, **values: object) -> None:
    kinds = {"new-roles": "multiselect"}
    for name, value in values.items():
        key = f"new-{name.replace('_', '-')}"
        kind = kinds.get(key, "text_input")
        (widget,) = [w for w in getattr(visitor.at, kind) if w.key and w.key.rpartition("-")[0] == key]
        widget.set_value(value)


def test_a_new_user_can_sign_in_at_once(aino: Visitor, store: Store) -> None:
    aino.open("admin")
    type_new_user(aino, name="Uusi Ullanmäki", user_name=" uusi ", roles=["sales", "manager"], password=NEW)
    aino.press("Add user")
    assert aino.sees("{name} can sign in.", name="uusi")
    token = aino.installation.sign_in("uusi", NEW)
    account = aino.installation.user_of(token)
    assert account and account.roles == {"sales", "manager"} and account.display_name == "Uusi Ullanmäki"
    assert [w.value for w in aino.at.text_input if w.key and w.key.startswith("new-")] == ["", "", ""]
    assert NEW not in aino.shown()


@pytest.mark.parametrize(
    ("values", "why", "params"),
    [
        ({"user_name": "sami"}, "There is already a user {name}. Choose another user name.", {"name": "sami"}),
        (
            {"user_name": "Väärä Nimi"},
            "A user name has 2 to 32 characters: lower-case letters a to z, digits, full stop, hyphen, underscore.",
            {},
        ),
        ({"name": ""}, "Write the name of the user.", {}),
        (
            {"password": "lyhyt"},
            "The password is too short. Use at least {least} characters, for example four words.",
            {"least": 12},
        ),
        (
            {"password": "ä" * 37},
            "The password is too long. Use at most {most} characters; letters like ä count as two.",
            {"most": 72},
        ),
        ({"roles": []}, "Choose at least one role.", {}),
    ],
)
def test_a_user_that_cannot_be_made_is_said_why_and_what_was_typed_stays(
    aino: Visitor, store: Store, values: dict[str, object], why: str, params: dict[str, object]
) -> None:
    before = aino.installation.accounts.all()
    aino.open("admin")
    type_new_user(aino, **{"name": "Uusi Ullanmäki", "user_name": "uusi", "password": NEW, **values})
    aino.press("Add user")
    assert aino.at.error[0].value == aino.t(why, **params)
    assert aino.installation.accounts.all() == before
    (kept,) = [w.value for w in aino.at.text_input if w.key and w.key.startswith("new-user-name-")]
    assert kept == values.get("user_name", "uusi")


def test_a3_other_roles_end_the_user_s_sessions(visitor: Callable[..., Visitor], aino: Visitor, store: Store) -> None:
    sami = visitor("sami")
    aino.open("admin")
    of(aino, "sami", "r").set_value(["manager"])  # type: ignore[attr-defined]
    press_of(aino, "sami", "Save roles")
    account = aino.installation.accounts.get("sami")
    assert account and account.roles == {"manager"}
    assert aino.sees("The roles of {name} were changed. The sessions of {name} have ended.", name="sami")
    sami.open()
    assert sami.sees("You are not signed in, or your session has ended. Sign in again.")


def test_a3_a_new_password_ends_the_user_s_sessions_and_the_old_one(
    visitor: Callable[..., Visitor], aino: Visitor, store: Store
) -> None:
    sami = visitor("sami")
    aino.open("admin")
    of(aino, "sami", "p").set_value(NEW)  # type: ignore[attr-defined]
    press_of(aino, "sami", "Give new password")
    assert aino.sees("{name} has a new password. The sessions of {name} have ended.", name="sami")
    assert aino.installation.account_of(sami.token) is None
    with pytest.raises(Exception, match="wrong"):
        aino.installation.sign_in("sami", PASSWORD)
    assert aino.installation.sign_in("sami", NEW) and NEW not in aino.shown()


def test_a_short_new_password_is_refused(visitor: Callable[..., Visitor], aino: Visitor, store: Store) -> None:
    sami = visitor("sami")
    aino.open("admin")
    of(aino, "sami", "p").set_value("lyhyt")  # type: ignore[attr-defined]
    press_of(aino, "sami", "Give new password")
    assert aino.at.error and aino.installation.account_of(sami.token)


def test_a3_a_disabled_user_is_out_and_comes_back_when_enabled(
    visitor: Callable[..., Visitor], aino: Visitor, store: Store
) -> None:
    sami = visitor("sami")
    aino.open("admin")
    of(aino, "sami", "d").click()  # type: ignore[attr-defined]
    aino.run()
    assert aino.installation.account_of(sami.token) is None
    assert f"Sami Seppälä · sami · {aino.t('Sales')} · {aino.t('disabled')}" in [e.label for e in aino.at.expander]
    of(aino, "sami", "d").click()  # type: ignore[attr-defined]
    aino.run()
    assert aino.installation.sign_in("sami", PASSWORD)


def test_the_only_administrator_is_warned_and_cannot_be_lost(aino: Visitor, store: Store) -> None:
    aino.workspace.set_disabled("ylva", True)
    aino.open("admin")
    assert aino.at.warning[0].value == aino.t(
        "Only {name} has the administrator's role. Give it to a second person, so that nobody is locked out.",
        name="Aino Alku",
    )
    last = aino.t("This is the only administrator. Make another user an administrator first.")
    of(aino, "aino", "d").click()  # type: ignore[attr-defined]
    aino.run()
    assert [e.value for e in aino.at.error] == [last]
    of(aino, "aino", "r").set_value(["sales"])  # type: ignore[attr-defined]
    press_of(aino, "aino", "Save roles")
    assert [e.value for e in aino.at.error] == [last]


def test_two_administrators_need_no_warning(aino: Visitor, store: Store) -> None:
    aino.open("admin")
    assert not aino.at.warning


def test_what_each_role_may_do_is_the_table_of_roles(aino: Visitor, store: Store) -> None:
    aino.open("admin")
    table = aino.table()
    for operation, allowed in OPERATIONS.items():
        row = table.loc[aino.t(OPERATION_NAMES[operation])]
        assert {role for role in ROLES if row[aino.t(ROLES[role])]} == allowed


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
    kinds = ("text_input", "number_input", "selectbox")
    by_label = {w.label: w.value for kind in kinds for w in getattr(visitor.at, kind)}
    return {name: by_label[visitor.t(label)] for name, label in settings.LABELS.items()}


def change(visitor: Visitor, name: str, value: object) -> None:
    kind = {int: "number_input"}.get(type(value), "selectbox" if name in ("language", "download") else "text_input")
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
    "idle_hours": 8,
    "session_days": 7,
    "backups_daily": 5,
    "backups_other": 6,
    "backups_days": 60,
    "second_place": "",
}


def test_the_settings_are_shown_and_saved_and_the_log_says_which(aino: Visitor, store: Store) -> None:
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
        ("session_days", 1000),
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


def test_every_operation_has_a_name_on_the_page() -> None:
    assert OPERATION_NAMES.keys() == OPERATIONS.keys()
