"""The users tab of the administration page: who there is, a new one, and what is done to one of them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest

from lib.access import second_factor
from lib.access.accounts import Factor
from lib.access.roles import OPERATIONS, ROLES
from lib.errors import BadSignIn, NotWritten, TooMany
from lib.installation import Installation
from lib.store import Store
from lib.ui.messages import plain
from lib.ui.roles import OPERATION_NAMES
from tests.pages.conftest import PASSWORD, TODAY, Visitor, add, part

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
LAST = "This is the only administrator. Make another user an administrator first."


def of(visitor: Visitor, name: str) -> None:
    """Open a user's page from the list."""
    part(visitor, "users")
    visitor.at.button(key=f"open-{name}").click()
    visitor.run()


def ask(visitor: Visitor, name: str, dialog: str) -> None:
    """Open one of the dialogs about a user: reset, drop-factor, lost, disable."""
    of(visitor, name)
    visitor.at.button(key=f"{dialog}-open").click()
    visitor.run()


def do(visitor: Visitor) -> None:
    """Press the button of the open dialog."""
    visitor.at.button(key="dialog-do").click()
    visitor.run()


def is_open(visitor: Visitor) -> bool:
    return any(button.key == "dialog-do" for button in visitor.at.button)


def set_roles(visitor: Visitor, name: str, roles: list[str]) -> None:
    account = visitor.installation.accounts.get(name)
    assert account
    visitor.at.multiselect(key=f"roles-{name}-{account.epoch}-r").set_value(roles)
    visitor.press("Save roles")


def type_new(visitor: Visitor, **values: Any) -> None:
    """Fill the form of a new user: name, user_name, roles."""
    for name, value in values.items():
        key = f"new-{name.replace('_', '-')}"
        kind = "multiselect" if name == "roles" else "text_input"
        (widget,) = [w for w in getattr(visitor.at, kind) if w.key and w.key.rpartition("-")[0] == key]
        widget.set_value(value)


def shown_password(visitor: Visitor) -> str:
    """The one-time password, as it stands in the field to copy."""
    (code,) = visitor.at.code
    return str(code.value)


def set_up_factor(installation: Installation, name: str) -> None:
    """Somebody set up a second factor."""
    master = installation.keyring.by_account(name, PASSWORD)
    assert master
    sealed = second_factor.sealed(master, name, second_factor.new_secret())
    installation.accounts.set_factor(name, Factor(sealed, 0, ()))


# -- the list ----------------------------------------------------------------------------------------------------------


def test_everybody_stands_in_the_list_with_the_roles_and_what_is_special(aino: Visitor, store: Store) -> None:
    aino.workspace.disable_user("maija")
    set_up_factor(aino.installation, "sami")
    part(aino, "users")
    names = [b.label for b in aino.at.button if b.key and b.key.startswith("open-")]
    assert names == ["Aino Alku", "Sami Seppälä", "Ylva Ylläpito", "Maija Mäki"]  # who may not sign in comes last
    lines = {m[1]: h.body for h in aino.at.get("html") if (m := re.search(r'quiet">(\w+) ·', h.body))}
    assert aino.t("You") in lines["aino"] and aino.t("Disabled") in lines["maija"]
    assert aino.t("Second factor") in lines["sami"] and aino.t("Sales") in lines["sami"]
    assert aino.t("Second factor") not in lines["ylva"]


def test_what_each_role_may_do_is_the_table_of_roles(aino: Visitor, store: Store) -> None:
    part(aino, "users")
    table = aino.table()
    for operation, allowed in OPERATIONS.items():
        row = table.loc[aino.t(OPERATION_NAMES[operation])]
        assert {role for role in ROLES if row[aino.t(ROLES[role])]} == allowed


def test_every_operation_has_a_name_on_the_page() -> None:
    assert OPERATION_NAMES.keys() == OPERATIONS.keys()


def test_the_only_administrator_is_warned_about(aino: Visitor, store: Store) -> None:
    part(aino, "users")
    assert not aino.at.warning
    aino.workspace.disable_user("ylva")
    part(aino, "users")
    only = "Only {name} has the administrator's role. Give it to a second person, so that nobody is locked out."
    assert aino.at.warning[0].value == aino.t(only, name="Aino Alku")


def test_a4_the_list_says_who_is_slowed_and_how_long_still_and_no_name_that_was_only_typed(
    aino: Visitor, store: Store
) -> None:
    for name, times in (("sami", 6), ("salasanani tähän", 6)):
        for _ in range(times):
            with pytest.raises((BadSignIn, TooMany)):
                aino.installation.sign_in(name, "väärä salasana", FIREFOX, "203.0.113.9")
    part(aino, "users")
    table = aino.table().set_index("user")
    assert table.loc["Sami Seppälä", "failures"] >= 5 and re.search(r"\d|–", table.loc["Sami Seppälä", "left"])
    assert "203.0.113.9" in set(table["address"])
    assert "salasanani" not in aino.shown()
    one, many = (
        "{n} name that no user has, or address that is not in the change log.",
        "{n} names that no user has, or addresses that are not in the change log.",
    )
    assert aino.t.plural(one, many, 1) in [c.value for c in aino.at.caption]


def test_a4_the_list_tells_a_user_who_is_slowed_at_a_known_browser_only(aino: Visitor, store: Store) -> None:
    marks = aino.installation.marked(aino.installation.sign_in("sami", PASSWORD).token, "")
    for _ in range(6):
        with pytest.raises((BadSignIn, TooMany)):
            aino.installation.sign_in("sami", "väärä salasana", FIREFOX, "203.0.113.9", marks=marks)
    part(aino, "users")
    table = aino.table()
    assert list(zip(table["user"], table["address"], strict=True)) == [("Sami Seppälä", aino.t("Known browser"))]


# -- a new one ---------------------------------------------------------------------------------------------------------


def test_a_new_user_gets_a_one_time_password_that_is_shown_once(aino: Visitor, store: Store) -> None:
    part(aino, "users")
    type_new(aino, name="Uusi Ullanmäki", user_name=" uusi ", roles=["sales", "manager"])
    aino.press("Add user")
    password = shown_password(aino)
    assert aino.sees("{name} signs in with this password once.", name="Uusi Ullanmäki")
    account = aino.installation.accounts.get("uusi")
    assert account and account.roles == {"sales", "manager"} and account.must_change
    token = aino.installation.sign_in("uusi", password).token
    assert aino.installation.half_in(token) and aino.installation.account_of(token) is None
    aino.run()
    assert shown_password(aino) == password  # it stays until it was passed on
    do(aino)
    assert not is_open(aino) and password not in aino.shown()
    assert password not in str(aino.at.session_state)
    assert [w.value for w in aino.at.text_input if w.key and w.key.startswith("new-")] == ["", ""]


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
        ({"roles": []}, "Choose at least one role.", {}),
    ],
)
def test_a_user_that_cannot_be_made_is_said_why_and_what_was_typed_stays(
    aino: Visitor, store: Store, values: dict[str, object], why: str, params: dict[str, object]
) -> None:
    before = aino.installation.accounts.all()
    part(aino, "users")
    type_new(aino, **{"name": "Uusi Ullanmäki", "user_name": "uusi", **values})
    aino.press("Add user")
    assert aino.at.error[0].value == aino.t(why, **params) and not is_open(aino)
    assert aino.installation.accounts.all() == before
    (kept,) = [w.value for w in aino.at.text_input if w.key and w.key.startswith("new-user-name-")]
    assert kept == values.get("user_name", "uusi")


def test_a_name_that_is_markdown_or_html_is_shown_as_it_is(aino: Visitor, store: Store) -> None:
    name = "**Kalle** <img src=x> [x](http://example.com) $a$"
    aino.workspace.add_user("kalle", name, ["sales"])
    of(aino, "kalle")
    assert "&lt;img src=x&gt;" in "".join(h.body for h in aino.at.get("html"))
    ask(aino, "kalle", "disable")
    assert aino.sees("{name} is in charge of no rows.", name=plain(name))


# -- roles, passwords, second factors ----------------------------------------------------------------------------------


def test_a3_other_roles_end_the_user_s_sessions(visitor: Callable[..., Visitor], aino: Visitor, store: Store) -> None:
    sami = visitor("sami")
    of(aino, "sami")
    set_roles(aino, "sami", ["manager"])
    account = aino.installation.accounts.get("sami")
    assert account and account.roles == {"manager"}
    assert aino.sees("The roles of {name} were changed. The sessions of {name} have ended.", name="sami")
    assert aino.installation.account_of(sami.token) is None
    sami.open()
    assert sami.sees("You are not signed in, or your session has ended. Sign in again.")


def test_a3_a_one_time_password_ends_the_user_s_sessions_and_the_old_password(
    visitor: Callable[..., Visitor], aino: Visitor, store: Store
) -> None:
    sami = visitor("sami")
    ask(aino, "sami", "reset")
    assert aino.installation.account_of(sami.token)  # asked, nothing more
    do(aino)
    password = shown_password(aino)
    assert aino.installation.account_of(sami.token) is None
    with pytest.raises(BadSignIn):
        aino.installation.sign_in("sami", PASSWORD)
    assert aino.installation.half_in(aino.installation.sign_in("sami", password).token)
    do(aino)
    assert password not in aino.shown() and aino.sees("One-time password")


def test_the_open_one_time_password_is_gone_with_another_page(aino: Visitor, store: Store) -> None:
    ask(aino, "sami", "reset")
    do(aino)
    password = shown_password(aino)
    aino.go("entry")
    aino.go("admin")
    assert password not in aino.shown() and not is_open(aino)


def test_a_second_factor_is_dropped_for_who_lost_the_phone(aino: Visitor, store: Store) -> None:
    of(aino, "sami")
    assert aino.sees("No second factor") and "drop-factor-open" not in {b.key for b in aino.at.button}
    set_up_factor(aino.installation, "sami")
    ask(aino, "sami", "drop-factor")
    assert aino.sees("Make sure that it is {name} who asks: call back on a number that you know.", name="Sami Seppälä")
    do(aino)
    account = aino.installation.accounts.get("sami")
    assert account and not account.second_factor
    assert aino.sees("{name} has no second factor any more.", name="Sami Seppälä") and not is_open(aino)


def test_one_s_own_password_and_second_factor_are_left_to_one_s_own_account(aino: Visitor, store: Store) -> None:
    set_up_factor(aino.installation, "aino")
    of(aino, "aino")
    assert {b.key for b in aino.at.button}.isdisjoint({"reset-open", "drop-factor-open", "lost-open"})
    aino.press("My account")
    assert aino.title == aino.t("My account")


# -- sessions, a lost device -------------------------------------------------------------------------------------------


def test_a3_a_lost_device_ends_every_session_of_the_user_at_once(
    visitor: Callable[..., Visitor], aino: Visitor, store: Store
) -> None:
    sami, phone = visitor("sami"), aino.installation.sign_in("sami", PASSWORD, FIREFOX, "10.8.0.14", own=True).token
    of(aino, "sami")
    shown = "".join(h.body for h in aino.at.get("html"))
    assert "Firefox, Linux" in shown and "10.8.0.14" in shown and aino.t("Own device") in shown
    assert aino.t("Unknown device") in shown and aino.t("This one") not in shown
    ask(aino, "sami", "lost")
    one, many = "{n} session of {name} ends at once.", "{n} sessions of {name} end at once."
    assert aino.t.plural(one, many, 2, name="Sami Seppälä") in aino.shown()
    do(aino)
    assert aino.installation.account_of(sami.token) is None and aino.installation.account_of(phone) is None
    assert aino.sees("{name} is signed in nowhere.", name="Sami Seppälä") and not is_open(aino)
    assert aino.installation.sign_in("sami", PASSWORD).token  # the password is as before
    assert store.log()[0].action == "sign_in" and "lost_device" in [line.action for line in store.log()]


# -- leaving -----------------------------------------------------------------------------------------------------------


def test_disabling_tells_what_the_user_leaves_behind_and_took_along(
    visitor: Callable[..., Visitor], aino: Visitor, store: Store
) -> None:
    sami = visitor("sami")
    for n in range(3):
        add(
            store,
            name=f"Kanarialintu {n}",
            owner="sami",
            **({"next_contact": TODAY + dt.timedelta(days=900)} if n else {}),
        )
    sami.workspace.excel_list(["P-000001", "P-000002"], ["id"], password=PASSWORD, language="fi")
    ask(aino, "sami", "disable")
    rows = "{name} is in charge of {n} row.", "{name} is in charge of {n} rows."
    follow_ups = "{n} follow-up is to come.", "{n} follow-ups are to come."
    assert aino.t.plural(*rows, 3, name="Sami Seppälä") in aino.shown()
    assert aino.t.plural(*follow_ups, 2) in aino.shown() and "Kanarialintu" not in aino.shown()
    assert aino.table()["rows"].tolist() == [2]
    assert not aino.at.warning and aino.installation.account_of(sami.token)


@pytest.mark.parametrize(("heir", "expected"), [("", "sami"), ("maija", "maija")])
def test_the_rows_of_who_leaves_stay_or_go_to_somebody_else(
    aino: Visitor, store: Store, heir: str, expected: str
) -> None:
    pid, other = add(store, name="Kaarina", owner="sami"), add(store, name="Toisen", owner="aino")
    ask(aino, "sami", "disable")
    choice = aino.at.selectbox(key="disable-heir")
    assert choice.options == [aino.t("Nobody for now"), "Aino Alku", "Maija Mäki"]  # an administrator alone has no rows
    choice.set_value(heir)
    do(aino)
    account = aino.installation.accounts.get("sami")
    assert account and account.disabled and not is_open(aino)
    assert aino.sees("{name} can no longer sign in.", name="Sami Seppälä")
    assert aino.sees("{name} is now in charge of the rows.", name="Maija Mäki") == bool(heir)
    assert (store.register.row(pid)["owner"], store.register.row(other)["owner"]) == (expected, "aino")


def test_rows_that_were_not_handed_over_are_by_the_same_button(
    aino: Visitor, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid = add(store, name="Kaarina", owner="sami")

    def full(*_: object, **__: object) -> None:
        raise NotWritten(reason="x")

    ask(aino, "sami", "disable")
    aino.at.selectbox(key="disable-heir").set_value("maija")
    with monkeypatch.context() as patched:
        patched.setattr(store, "change", full)
        do(aino)
    assert any(
        "rows were not handed over" in error.value or "rivejä ei siirretty" in error.value for error in aino.at.error
    )
    do(aino)
    assert not is_open(aino) and store.register.row(pid)["owner"] == "maija"


def test_a3_a_disabled_user_is_out_and_comes_back_when_enabled(
    visitor: Callable[..., Visitor], aino: Visitor, store: Store
) -> None:
    sami = visitor("sami")
    ask(aino, "sami", "disable")
    assert aino.sees("{name} is in charge of no rows.", name="Sami Seppälä")
    do(aino)
    assert aino.installation.account_of(sami.token) is None
    with pytest.raises(BadSignIn):
        aino.installation.sign_in("sami", PASSWORD)
    assert aino.sees("Disabled") and "disable-open" not in {b.key for b in aino.at.button}
    aino.press("Enable user")
    assert aino.installation.sign_in("sami", PASSWORD).token
    assert aino.installation.account_of(sami.token) is None  # the old session stays ended


def test_who_knew_the_workbook_s_password_is_told_and_the_way_to_change_it(
    visitor: Callable[..., Visitor], aino: Visitor, store: Store
) -> None:
    ylva = visitor("ylva")
    ask(ylva, "aino", "disable")
    (warning,) = ylva.at.warning
    advice = "{name} knows the workbook's password. Give the workbook another one afterwards."
    assert warning.value == ylva.t(advice, name="Aino Alku")
    do(ylva)
    lasting = "{name} knows the workbook's password. Give the workbook another one: with it, any copy opens."
    assert ylva.sees(lasting, name="Aino Alku")
    ylva.press("To the workbook's password")
    assert ylva.at.button_group(key="admin").value == "workbook"
    ylva.workspace.change_workbook_password("aivan toinen pitkä salasana")
    of(ylva, "aino")
    assert not ylva.sees(lasting, name="Aino Alku")


def test_the_last_administrator_is_neither_disabled_nor_demoted(aino: Visitor, store: Store) -> None:
    aino.workspace.disable_user("ylva")
    ask(aino, "aino", "disable")
    do(aino)
    assert [e.value for e in aino.at.error] == [aino.t(LAST)]
    of(aino, "aino")
    set_roles(aino, "aino", ["sales"])
    assert [e.value for e in aino.at.error] == [aino.t(LAST)]
    account = aino.installation.accounts.get("aino")
    assert account and not account.disabled and "admin" in account.roles


# -- the role is asked for again at each step --------------------------------------------------------------------------


@pytest.mark.parametrize("dialog", ["reset", "drop-factor", "lost", "disable"])
def test_a2_a_dialog_that_is_open_when_the_role_goes_does_nothing(
    visitor: Callable[..., Visitor], aino: Visitor, store: Store, dialog: str
) -> None:
    sami, ylva = visitor("sami"), visitor("ylva")
    set_up_factor(aino.installation, "sami")
    ask(ylva, "sami", dialog)
    before = aino.installation.accounts.get("sami")
    aino.workspace.set_roles("ylva", ["sales"])
    do(ylva)
    assert aino.installation.accounts.get("sami") == before and aino.installation.account_of(sami.token)
    assert ylva.sees("You are not signed in, or your session has ended. Sign in again.")
    assert not ylva.at.code and not is_open(ylva)
