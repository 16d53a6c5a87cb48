"""One's own account, and what an administrator does with others'."""

from __future__ import annotations

from typing import Any

import pytest

from lib.access.devices import short
from lib.errors import AccountError, BadSignIn, Busy, NotSignedIn, NotWritten, StoreError, TooMany
from tests.store.tools import contents, person

from .conftest import fresh, signed_in, take, user


def test_everyone_sees_the_own_sessions_and_ends_those_elsewhere(spaces: dict[str, Any]) -> None:
    installation = spaces["installation"]
    user(installation, "phone", "sales")
    desk = signed_in(installation, "phone", "Mozilla/5.0 (X11; Linux x86_64) Firefox/150.0", "10.0.0.1")
    phone = signed_in(installation, "phone", "Mozilla/5.0 (iPhone) Version/26.0 Safari/604.1", "10.0.0.2")
    assert {(short(s.device), s.address) for s in desk.own_sessions()} == {
        ("Firefox, Linux", "10.0.0.1"),
        ("Safari, iPhone", "10.0.0.2"),
    }
    assert {desk.own_session_id, phone.own_session_id} == {s.id for s in desk.own_sessions()}
    desk.end_own_session(phone.own_session_id)
    with pytest.raises(NotSignedIn):
        phone.find()
    spaces["sales"].end_own_session(desk.own_session_id)
    assert [s.id for s in spaces["admin"].sessions_of_user("phone")] == [desk.own_session_id]


def test_a_new_user_s_one_time_password_is_told_once_and_nowhere_kept(spaces: dict[str, Any]) -> None:
    installation, admin = spaces["installation"], spaces["admin"]
    password = admin.add_user("newcomer", "New Comer", {"sales"})
    again = admin.reset_password("newcomer")
    assert password != again and installation.half_in(installation.sign_in("newcomer", again).token).must_change
    for name, content in contents(installation.data_dir).items():
        assert password.encode() not in content and again.encode() not in content, name
    assert password not in str(admin.change_log()) and again not in str(admin.change_log())


def test_leaving_tells_an_administrator_numbers_and_downloads_and_no_row(spaces: dict[str, Any]) -> None:
    installation, admin = spaces["installation"], spaces["admin"]
    user(installation, "leaver", "sales")
    leaver = signed_in(installation, "leaver")
    for name in ("Yksi Salainen", "Kaksi Salainen"):
        fresh(spaces, name, owner="leaver")
    fresh(spaces, "Kolme Salainen", owner="leaver", next_contact="2090-01-01")
    fresh(spaces, "Toisen Salainen", owner="sales", next_contact="2090-01-01")
    take(leaver, list(leaver.find()["id"]))
    take(spaces["sales"], [])
    told = admin.leaving("leaver")
    assert (told.rows, told.follow_ups, told.knew_workbook_password) == (3, 1, False)
    assert [(line.by, line.action, line.facts["rows"]) for line in told.downloads] == [("leaver", "download", 4)]
    assert "Salainen" not in str(told)
    with pytest.raises(AccountError):
        admin.leaving("nobody")


def test_whoever_leaves_hands_all_rows_over_in_one_commit(spaces: dict[str, Any]) -> None:
    installation, admin, manager = spaces["installation"], spaces["admin"], spaces["manager"]
    user(installation, "goer", "sales")
    space = signed_in(installation, "goer")
    own = [space.add(person(f"Oma Rivi {n}")) for n in range(3)]
    spaces["sales"].request_removal(own[0])
    other = fresh(spaces, "Toisen Rivi", owner="manager")
    before = installation.store.journal.count
    admin.disable_user("goer", hand_over_to="sales")
    assert [manager.row(i)["owner"] for i in (*own, other)] == ["sales"] * 3 + ["manager"]
    line = next(line for line in admin.change_log() if line.action == "hand_over")
    assert (line.by, sorted(line.ids)) == ("admin", sorted(own))
    assert line.facts == {"rows": 3, "user": "goer", "to": "sales"}
    assert not installation.accounts.get("goer").roles - {"sales"} and installation.accounts.get("goer").disabled
    assert installation.store.journal.count - before == 3, "the session's end, the account, and all rows at once"
    admin.disable_user("goer", hand_over_to="sales")  # nothing is left to hand over
    assert [line.action for line in admin.change_log()].count("hand_over") == 1
    admin.enable_user("goer")
    assert signed_in(installation, "goer").latest()["id"].tolist()


@pytest.mark.parametrize("error", [Busy(), NotWritten(reason="x")], ids=type)
def test_where_rows_cannot_be_handed_over_the_account_is_closed_and_that_is_told(
    spaces: dict[str, Any], monkeypatch: pytest.MonkeyPatch, error: StoreError
) -> None:
    installation, admin = spaces["installation"], spaces["admin"]
    if installation.accounts.get("parting") is None:
        user(installation, "parting", "sales")
    installation.set_disabled("parting", False)
    pid = fresh(spaces, owner="parting")

    def fails(*_: object, **__: object) -> None:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(installation.store, "change", fails)
        with pytest.raises(StoreError, match="The account is closed; the rows were not handed over"):
            admin.disable_user("parting", hand_over_to="sales")
    assert installation.accounts.get("parting").disabled and spaces["manager"].row(pid)["owner"] == "parting"
    admin.disable_user("parting", hand_over_to="sales")
    assert spaces["manager"].row(pid)["owner"] == "sales"
    assert [line.action for line in admin.change_log()[:2]] == ["hand_over", "disable_user"]


def test_the_same_roles_again_end_no_session_and_leave_no_line(spaces: dict[str, Any]) -> None:
    admin, sales, before = spaces["admin"], spaces["sales"], spaces["admin"].log_version
    assert admin.set_roles("sales", ["sales"]) is False
    assert spaces["installation"].user_of(sales.token) and admin.log_version == before


@pytest.mark.parametrize("to", ["goer", "admin", "closed", "nobody"])
def test_rows_go_to_nobody_who_cannot_look_after_them(spaces: dict[str, Any], to: str) -> None:
    installation = spaces["installation"]
    for name in ("goer", "closed"):
        if installation.accounts.get(name) is None:
            user(installation, name, "sales")
    installation.set_disabled("goer", False)
    installation.set_disabled("closed", True)
    pid = fresh(spaces, owner="goer")
    with pytest.raises(AccountError):
        spaces["admin"].disable_user("goer", hand_over_to=to)
    assert spaces["manager"].row(pid)["owner"] == "goer" and not installation.accounts.get("goer").disabled


def test_a4_an_administrator_sees_who_and_what_is_slowed(spaces: dict[str, Any]) -> None:
    installation = spaces["installation"]
    for n in range(6):
        with pytest.raises((BadSignIn, TooMany)):
            installation.sign_in("manager", "wrong wrong wrong", "", f"192.0.2.{n}")
    for n in range(11):
        with pytest.raises((BadSignIn, TooMany)):
            installation.sign_in(f"a secret {n}", "wrong wrong wrong", "", "198.51.100.1")
    told = [(one.user, one.address, one.failures) for one in spaces["admin"].slowed()]
    assert sorted(told) == [("", "198.51.100.1", 10), ("manager", "", 5)]
    assert "a secret" not in str(spaces["admin"].slowed())
