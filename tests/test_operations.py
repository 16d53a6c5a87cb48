"""Each operation asks for the role itself, whatever page called it."""

from __future__ import annotations

import base64
import datetime as dt
import functools
import inspect
import io
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from lib import schema, settings
from lib.access.devices import short
from lib.access.download_password import sealed as sealed_by
from lib.access.roles import OPERATIONS, ROLES, may
from lib.errors import (
    AccountError,
    BadSignIn,
    Busy,
    Duplicate,
    HeldOpen,
    ImportRefused,
    Invalid,
    NoSuchProspect,
    NotAllowed,
    NotSignedIn,
    NotWritten,
    Stale,
    StoreError,
    TooMany,
    WorkbookMissing,
    WrongPassword,
)
from lib.first_start import set_up
from lib.installation import Installation
from lib.intake.desk import Desk, Snapshot
from lib.intake.files import Limits
from lib.intake.matching import Matching
from lib.intake.planning import Decisions
from lib.intake.returning import fingerprints
from lib.operations import Workspace
from lib.register import Register
from lib.settings import Settings
from lib.store import erasure
from lib.store.encryption import decrypt
from lib.store.keys import derive
from lib.store.question import Question

from .intake.lists import Book, Sheet
from .store.tools import PASSWORD, contents, person

USER_PASSWORD = "oikea hevonen paristo"
LIST_PASSWORD = "listan pitkä salasana"


def user(installation: Installation, name: str, *roles: str) -> None:
    installation.add_user_by_workbook(name, name.capitalize(), roles, USER_PASSWORD, PASSWORD, one_time=False)


def signed_in(installation: Installation, name: str, device: str = "", address: str = "") -> Workspace:
    return Workspace(installation, installation.sign_in(name, USER_PASSWORD, device, address).token)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """An installation with a user for each role, and somebody's session that has ended."""
    installation = Installation(tmp_path_factory.mktemp("house") / "data")
    chief = set_up(
        installation,
        code=installation.setup_code or "",
        company="Esimerkki Oy",
        person_responsible="Aino",
        username="chief",
        display_name="Chief",
        password=USER_PASSWORD,
        workbook_password=PASSWORD,
        language="fi",
        sample=False,
    )
    spaces: dict[str, Any] = {"installation": installation, "chief": Workspace(installation, chief)}
    for role in ROLES:
        user(installation, role, role)
        spaces[role] = signed_in(installation, role)
    ended = installation.sign_in("chief", USER_PASSWORD).token
    installation.sign_out(ended)
    spaces["ended"], spaces["nobody"] = Workspace(installation, ended), Workspace(installation, "")
    yield spaces
    installation.close()


@pytest.fixture
def spaces(house: dict[str, Any]) -> dict[str, Any]:
    """The same with no rows and the settings as shipped."""
    installation = house["installation"]
    if ids := list(installation.store.frame["id"]):
        installation.store.remove(ids, by="test", reason="expired")
    if installation.settings != Settings(controller="Esimerkki Oy", person_responsible="Aino"):
        settings.save(installation.data_dir, Settings(controller="Esimerkki Oy", person_responsible="Aino"))
    if installation.accounts.get("spare"):
        installation.set_disabled("spare", False)
    return house


def fresh(spaces: dict[str, Any], name: str = "Aino Kokeilija", **others: Any) -> str:
    return str(spaces["installation"].store.add(person(name, **others), by="test"))


def long_ago(spaces: dict[str, Any], name: str = "Vanha Rivi") -> str:
    return fresh(spaces, name, received="2015-01-01")


def as_csv(space: Workspace, ids: list[str]) -> str:
    """The list as CSV, where the settings allow it."""
    settings.save(space.installation.data_dir, space.installation.settings, csv_download=True)
    return space.csv_list(ids, ["id", "name", "email", "phone"], language="fi").decode("utf-8-sig")


def a_backup(space: Workspace) -> str:
    assert space.installation.store
    return space.installation.store.backups.all()[0].path.name


TABLE = "Nimi;Lähde;Vastaanotettu\nTuotu Ihminen;puhelin;1.2.2026\n".encode()


@functools.cache
def at_desk() -> tuple[Desk, Matching]:
    """A table that is read, matched and checked: what an import then does is asked of it."""
    desk = Desk()
    desk.read(TABLE, "lista.csv", password="", limits=Limits(), key=b"k" * 32)
    matching = desk.choose(0, {}, "FI")
    snapshot = Snapshot.of(Register.of(schema.to_frame([])), ())
    assert desk.check(matching, snapshot, today=dt.date(2026, 3, 1), users={}, erase=False)["new"] == 1
    return desk, matching


def an_import(space: Workspace) -> dt.datetime:
    """The key of an import; one is made only where it may be taken back."""
    account, store = space.installation.account_of(space.token), space.installation.store
    if account is None or not may(account.roles, "import") or store is None:
        return dt.datetime(2026, 1, 1)
    row = {**person("Tuotu Ihminen"), "received": dt.date(2026, 2, 1), "created_at": store.now, "changed_at": store.now}
    store.bring_in(lambda register: register.adding([row]), by="test")
    return store.undoable()[0].made


# What every method does, with the operation that it needs: each is called with rows of its own.
Call = Callable[[Workspace, str], Any]
LATER = dt.date(2090, 1, 1)
CALLS: dict[str, tuple[str, Call]] = {
    "register": ("read", lambda w, i: w.register()),
    "row": ("read", lambda w, i: w.row(i)),
    "find": ("read", lambda w, i: w.find("aino")),
    "count": ("read", lambda w, i: w.count()),
    "owners": ("read", lambda w, i: w.owners()),
    "interests": ("read", lambda w, i: w.interests()),
    "latest": ("read", lambda w, i: w.latest()),
    "all_ended": ("read", lambda w, i: w.all_ended([i])),
    "counted": ("count", lambda w, i: w.counted()),
    "add": ("enter", lambda w, i: w.add(person("Joku Aivan Muu"), known=[i])),
    "edit": ("edit", lambda w, i: w.edit(i, {"title": "Johtaja"}, {"title": ""})),
    "no_marketing": ("no_marketing", lambda w, i: w.no_marketing(i)),
    "allow_marketing": ("allow_marketing", lambda w, i: w.allow_marketing(i)),
    "request_removal": ("request_removal", lambda w, i: w.request_removal(i)),
    "cancel_removal_request": ("cancel_removal_request", lambda w, i: w.cancel_removal_request(i)),
    "due": ("retention", lambda w, i: w.due()),
    "queue": ("retention", lambda w, i: w.queue()),
    "coming_months": ("retention", lambda w, i: w.coming_months()),
    "keep_longer": ("hold", lambda w, i: w.keep_longer([i], "claim", LATER)),
    "release": ("hold", lambda w, i: w.release(i)),
    "remove": ("remove", lambda w, i: w.remove([i], "pyydetty")),
    "erase": ("remove", lambda w, i: w.erase()),
    "unfinished": ("remove", lambda w, i: w.unfinished()),
    "questions": ("outside", lambda w, i: w.questions()),
    "lacking": ("outside", lambda w, i: w.lacking(Question("new", where="13"))),
    "answer": ("outside", lambda w, i: w.answer("key", take=True)),
    "leave_all": ("outside", lambda w, i: w.leave_all("missing")),
    "excel_list": ("download", lambda w, i: w.excel_list([i], ["name"], password=LIST_PASSWORD, language="fi")),
    "csv_list": ("download", lambda w, i: as_csv(w, [i])),
    "has_download_password": ("download_password", lambda w, i: w.has_download_password),
    "set_download_password": ("download_password", lambda w, i: w.set_download_password(LIST_PASSWORD)),
    "drop_download_password": ("download_password", lambda w, i: w.drop_download_password()),
    "begin_import": ("import", lambda w, i: w.begin_import(TABLE, "lista.csv")[0].close()),
    "match": ("import", lambda w, i: w.match(at_desk()[0], 0)),
    "check_table": ("import", lambda w, i: w.check_table(*at_desk())),
    "apply_import": ("import", lambda w, i: w.apply_import(at_desk()[0], Decisions())),
    "left_out": (
        "import",
        lambda w, i: w.left_out(at_desk()[0], Decisions(), password=LIST_PASSWORD, language="fi"),
    ),
    "undoable_imports": ("import", lambda w, i: w.undoable_imports()),
    "undo_import": ("import", lambda w, i: w.undo_import(an_import(w))),
    "users": ("users", lambda w, i: w.users()),
    "add_user": ("users", lambda w, i: w.add_user(f"u{os.urandom(4).hex()}", "Uusi", {"sales"})),
    "set_roles": ("users", lambda w, i: w.set_roles("spare", {"sales", "manager"})),
    "leaving": ("users", lambda w, i: w.leaving("spare")),
    "disable_user": ("users", lambda w, i: w.disable_user("spare", hand_over_to="sales")),
    "enable_user": ("users", lambda w, i: w.enable_user("spare")),
    "lost_device": ("users", lambda w, i: w.lost_device("spare")),
    "reset_password": ("users", lambda w, i: w.reset_password("spare")),
    "drop_second_factor": ("users", lambda w, i: w.drop_second_factor("spare")),
    "sessions_of_user": ("users", lambda w, i: w.sessions_of_user("spare")),
    "slowed": ("users", lambda w, i: w.slowed()),
    "own_sessions": ("account", lambda w, i: w.own_sessions()),
    "own_session_id": ("account", lambda w, i: w.own_session_id),
    "end_own_session": ("account", lambda w, i: w.end_own_session("0" * 16)),
    "save_settings": ("settings", lambda w, i: w.save_settings(review_months=6)),
    "workbook_state": ("workbook_state", lambda w, i: w.workbook_state()),
    "write_workbook": ("write_workbook", lambda w, i: w.write_workbook()),
    "not_open": ("write_workbook", lambda w, i: w.not_open()),
    "rewrite_workbook": ("write_workbook", lambda w, i: w.rewrite_workbook()),
    "change_workbook_password": ("workbook_password", lambda w, i: w.change_workbook_password(PASSWORD)),
    "notices": ("files_aside", lambda w, i: w.notices()),
    "seen": ("files_aside", lambda w, i: w.seen("key")),
    "files_aside": ("files_aside", lambda w, i: w.files_aside()),
    "about_aside": ("files_aside", lambda w, i: w.about_aside("original-20260101T000000.xlsx")),
    "open_aside": ("files_aside", lambda w, i: w.open_aside("password-20260101T000000.xlsx", PASSWORD)),
    "drop_aside": ("files_aside", lambda w, i: w.drop_aside("original-20260101T000000.xlsx")),
    "backups": ("backups", lambda w, i: w.backups()),
    "second_place": ("backups", lambda w, i: w.second_place()),
    "make_backup": ("backups", lambda w, i: w.make_backup()),
    "restore": ("restore", lambda w, i: w.restore(a_backup(w), exact=True, dry_run=False)),
    "change_log": ("change_log", lambda w, i: w.change_log()),
    "log_version": ("change_log", lambda w, i: w.log_version),
}
# These give no row and change nothing of the register; `downloadable` filters rows that the caller has already.
OPEN = {
    "account",
    "may",
    "preferences",
    "prefer",
    "settings",
    "today",
    "is_open",
    "reopen",
    "refresh",
    "waiting_for",
    "review_day",
    "may_download",
    "downloadable",
    "check_password",
}


def test_every_operation_and_every_method_is_in_the_table() -> None:
    public = {name for name, _ in inspect.getmembers(Workspace) if not name.startswith("_")}
    assert public == CALLS.keys() | OPEN
    assert {operation for operation, _ in CALLS.values()} == OPERATIONS.keys()


@pytest.mark.parametrize("role", [*ROLES, "ended", "nobody"])
@pytest.mark.parametrize("method", CALLS)
def test_a2_each_operation_passes_its_roles_and_refuses_the_others(
    spaces: dict[str, Any], method: str, role: str
) -> None:
    operation, call = CALLS[method]
    if operation == "users" and spaces["installation"].accounts.get("spare") is None:
        user(spaces["installation"], "spare", "sales")
    pid = fresh(spaces)
    if role in ROLES and may({role}, operation):
        call(spaces[role], pid)
        return
    if method == "csv_list":
        spaces["installation"].save_settings(csv_download=True)
    before = contents(spaces["installation"].data_dir)
    with pytest.raises(NotAllowed if role in ROLES else NotSignedIn):
        call(spaces[role], pid)
    after = contents(spaces["installation"].data_dir)
    assert {k: v for k, v in after.items() if k != "sessions.json"} == {
        k: v for k, v in before.items() if k != "sessions.json"
    }


def test_a2_an_administrator_alone_sees_no_row(spaces: dict[str, Any]) -> None:
    fresh(spaces)
    admin: Workspace = spaces["admin"]
    for name, (operation, call) in CALLS.items():
        if operation in ("read", "count", "retention", "download"):
            with pytest.raises(NotAllowed):
                call(admin, "P-000001")
        elif operation in ("workbook_state", "change_log", "backups", "restore", "files_aside"):
            assert "Aino" not in str(call(admin, "")), name
    frame = spaces["installation"].store.frame
    assert admin.may_download() == "none" and admin.downloadable(frame).empty


def test_a2_a_session_that_ends_ends_its_workspace_at_once(spaces: dict[str, Any]) -> None:
    installation = spaces["installation"]
    space = signed_in(installation, "sales")
    space.find()
    installation.sign_out(space.token)
    for call in (
        space.find,
        space.register,
        space.may_download,
        lambda: space.add(person()),
        lambda: space.may("read"),
    ):
        with pytest.raises(NotSignedIn):
            call()


def test_a2_a_new_role_counts_from_the_next_sign_in_and_ends_the_old_session(spaces: dict[str, Any]) -> None:
    installation = spaces["installation"]
    user(installation, "changing", "sales")
    space = signed_in(installation, "changing")
    spaces["chief"].set_roles("changing", {"admin"})
    with pytest.raises(NotSignedIn):
        space.find()
    with pytest.raises(NotAllowed):
        signed_in(installation, "changing").find()


@pytest.mark.parametrize("why", ["disabled", "device lost", "password", "second factor required"])
def test_a3_what_an_administrator_does_ends_a_user_s_workspace_at_once(spaces: dict[str, Any], why: str) -> None:
    installation, chief = spaces["installation"], spaces["chief"]
    name = f"user-{why.replace(' ', '-')}"
    user(installation, name, "manager")
    space = signed_in(installation, name)
    space.find()
    match why:
        case "disabled":
            chief.disable_user(name)
        case "device lost":
            chief.lost_device(name)
        case "password":
            chief.reset_password(name)
        case "second factor required":
            installation.save_settings(second_factor_for="all")
    for call in (space.find, space.own_sessions, lambda: space.add(person()), lambda: space.may("read")):
        with pytest.raises(NotSignedIn):
            call()


# -- one's own account, and users --------------------------------------------------------------------------


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


# -- everyday work -----------------------------------------------------------------------------------------


def test_an_entry_is_its_makers_and_a_lookalike_is_shown_first(spaces: dict[str, Any]) -> None:
    sales: Workspace = spaces["sales"]
    pid = sales.add(person("Kaarina Kokeilija", phone="0405550111"))
    row = sales.row(pid)
    assert (row["created_by"], row["owner"]) == ("sales", "sales") and list(sales.latest()["id"]) == [pid]
    with pytest.raises(Duplicate) as caught:
        sales.add(person("Kaarina Kokeilija", phone="+358 40 5550111"))
    assert caught.value.matches == [pid]
    assert sales.add(person("Kaarina Kokeilija"), known=[pid])


@pytest.mark.parametrize("code", [c.code for c in schema.COLUMNS if c.set_by != "user"])
def test_the_form_edits_only_its_own_columns(spaces: dict[str, Any], code: str) -> None:
    pid = fresh(spaces)
    with pytest.raises((NotAllowed, Invalid)):
        spaces["chief"].edit(pid, {code: "2026-01-01"}, {})


def test_s4_a_stale_edit_is_refused(spaces: dict[str, Any]) -> None:
    pid = fresh(spaces)
    spaces["manager"].edit(pid, {"title": "Ensin"}, {"title": ""})
    with pytest.raises(Stale) as caught:
        spaces["sales"].edit(pid, {"title": "Sitten"}, {"title": ""})
    assert caught.value.conflicts == {"title": ("", "Ensin")} and caught.value.changed_by == "manager"


@pytest.mark.parametrize(("method", "code"), [("no_marketing", "objected"), ("request_removal", "removal_requested")])
def test_of_two_wishes_the_first_day_counts(spaces: dict[str, Any], method: str, code: str) -> None:
    pid = fresh(spaces)
    spaces["installation"].store.update(pid, {code: "2026-01-01"}, by="test")
    getattr(spaces["sales"], method)(pid)
    assert spaces["manager"].row(pid)[code] == dt.date(2026, 1, 1)


def test_who_asked_to_be_removed_is_a_managers_matter(spaces: dict[str, Any]) -> None:
    sales: Workspace = spaces["sales"]
    pid = sales.add(person("Poistoa Pyytävä"))
    sales.request_removal(pid)
    with pytest.raises(NoSuchProspect):
        sales.row(pid)
    assert sales.latest().empty and sales.find().empty
    assert spaces["manager"].row(pid)["id"] == pid == spaces["manager"].queue()["requested"]["id"].item()


# -- leaving -----------------------------------------------------------------------------------------------


def names(content: bytes) -> list[str]:
    sheet = openpyxl.load_workbook(io.BytesIO(decrypt(content, LIST_PASSWORD))).active
    assert sheet is not None
    return [str(row[0].value) for row in sheet.iter_rows(min_row=2) if row[0].value]


def take(space: Workspace, ids: list[str]) -> list[str]:
    return names(space.excel_list(ids, ["name"], password=LIST_PASSWORD, language="fi"))


def test_restricted_rows_and_those_to_be_removed_never_leave(spaces: dict[str, Any]) -> None:
    today = spaces["chief"].today
    kept, restricted, asked = (fresh(spaces, n) for n in ("Jää Tähän", "Rajoitettu Rivi", "Poistoa Pyydetty"))
    spaces["installation"].store.update(restricted, {"restricted": today}, by="test")
    spaces["sales"].request_removal(asked)
    for who in ("sales", "manager", "chief"):
        assert take(spaces[who], [restricted, kept, asked, "P-999999"]) == ["Jää Tähän"]
    assert set(spaces["sales"].downloadable(spaces["sales"].register().frame)["id"]) == {kept}


def test_sales_takes_what_the_setting_allows_and_a_manager_everything(spaces: dict[str, Any]) -> None:
    own, other = fresh(spaces, "Oma Rivi", owner="sales"), fresh(spaces, "Toisen Rivi", owner="manager")
    assert take(spaces["sales"], [own, other]) == ["Oma Rivi", "Toisen Rivi"]
    spaces["installation"].save_settings(download="own")
    assert take(spaces["sales"], [own, other]) == ["Oma Rivi"]
    assert take(spaces["manager"], [own, other]) == ["Oma Rivi", "Toisen Rivi"]
    spaces["installation"].save_settings(download="none")
    with pytest.raises(NotAllowed):
        take(spaces["sales"], [own])
    assert spaces["sales"].may_download() == "none" and take(spaces["manager"], [own]) == ["Oma Rivi"]


def test_who_objected_to_marketing_leaves_without_mailing_columns_and_marked(spaces: dict[str, Any]) -> None:
    reach = {"email": "aino@example.com", "address": "Katu 1", "phone": "0401234567"}
    banned, free = fresh(spaces, "Kieltänyt", **reach), fresh(spaces, "Sallinut", **reach)
    spaces["sales"].no_marketing(banned)
    today = spaces["sales"].today
    content = spaces["sales"].excel_list(
        [banned, free], ["id", "email", "address", "phone"], password=LIST_PASSWORD, language="fi"
    )
    sheet = openpyxl.load_workbook(io.BytesIO(decrypt(content, LIST_PASSWORD))).active
    assert sheet is not None
    lines = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)]
    assert lines[0][:4] == [banned, None, None, "+358401234567"] and lines[0][4].date() == today
    assert lines[1] == [free, "aino@example.com", "Katu 1", "+358401234567", None]
    text = as_csv(spaces["sales"], [banned, free])
    assert text.split("\r\n")[1:3] == [
        f"{banned};Kieltänyt;;+358401234567;{today.day}.{today.month}.{today.year}",
        f"{free};Sallinut;aino@example.com;+358401234567;",
    ]


def test_a_list_leaves_as_csv_only_if_the_settings_allow_it_and_the_log_tells(spaces: dict[str, Any]) -> None:
    pid = fresh(spaces)
    with pytest.raises(NotAllowed, match="not encrypted"):
        spaces["chief"].csv_list([pid], ["name"], language="fi")
    assert "Aino Kokeilija" in as_csv(spaces["chief"], [pid])
    line = spaces["admin"].change_log()[0]
    assert (line.by, line.action) == ("chief", "download")
    assert line.facts == {"rows": 1, "columns": ["id", "name", "email", "phone", "objected"], "kind": "csv"}
    for kept in ("restricted", "removal_requested"):
        other = fresh(spaces)
        spaces["installation"].store.update(other, {kept: spaces["chief"].today}, by="test")
        assert other not in as_csv(spaces["chief"], [other, pid])
    spaces["installation"].save_settings(download="none")
    with pytest.raises(NotAllowed):
        spaces["sales"].csv_list([pid], ["name"], language="fi")


def test_a_list_that_comes_back_is_known_by_the_register_that_it_is_from(spaces: dict[str, Any]) -> None:
    pid, store = fresh(spaces), spaces["installation"].store
    content = spaces["sales"].excel_list([pid], ["id", "name"], password=LIST_PASSWORD, language="fi")
    book = openpyxl.load_workbook(io.BytesIO(decrypt(content, LIST_PASSWORD)))
    sheets = [Sheet(s.title, [[c.value for c in row] for row in s.iter_rows()]) for s in book]
    download = fingerprints(Book(sheets), store.list_key)
    assert download and (download.register, download.by) == (store.state.name, "sales")
    assert list(download.rows) == [pid] and download.said("name", pid, "Aino Kokeilija")
    assert store.list_key not in (store.master, derive(store.master, "log")) and len(store.list_key) == 32


# -- imports -----------------------------------------------------------------------------------------------


@pytest.fixture
def tables(spaces: dict[str, Any]) -> Iterator[Callable[..., tuple[Desk, Matching]]]:
    """Brings a table to the manager's desk, up to its matching."""
    desks: list[Desk] = []

    def bring(text: str, heading_row: int | None = -1) -> tuple[Desk, Matching]:
        desk, _ = spaces["manager"].begin_import(text.encode(), "lista.csv")
        desks.append(desk)
        return desk, spaces["manager"].match(desk, 0, heading_row)

    (spaces["installation"].data_dir / "matchings.json").unlink(missing_ok=True)
    yield bring
    for desk in desks:
        desk.close()


STATED = "Lähde;Vastaanotettu"
SAID = "puhelin;1.2.2026"


def test_a_matching_is_remembered_for_the_next_table_with_the_same_headings(
    spaces: dict[str, Any], tables: Callable[..., tuple[Desk, Matching]]
) -> None:
    path = spaces["installation"].data_dir / "matchings.json"
    text = f"Nimi;Alue;{STATED}\nDora Uusi;Etelä;{SAID}\n"
    desk, matching = tables(text)
    assert matching.columns[1].target == "+keep"
    older = [[f"{n:032x}", {"targets": ["name"]}] for n in reversed(range(200))]
    path.write_text(json.dumps(older))
    spaces["manager"].check_table(desk, matching.with_target(1, "+notes"))
    *others, newest = json.loads(path.read_text())
    assert others == older[1:]  # the oldest went
    desk, matching = tables(text.replace("Dora", "Eeva"))
    assert [column.why for column in matching.columns] == ["remembered"] * 4
    assert matching.columns[1].target == "+notes"
    last = ["f" * 32, {}]
    path.write_text(json.dumps([newest, last]))
    spaces["manager"].check_table(desk, matching)
    assert json.loads(path.read_text()) == [last, newest]  # used again, it is the newest
    assert "Alue" not in path.read_text() and "Dora" not in path.read_text()


@pytest.mark.parametrize("broken", ["[]", '"x"', '{"a": 5}', "{", "5", "[5]", "[[[], 1]]"])
def test_what_is_remembered_may_be_broken_and_a_table_without_headings_leaves_nothing(
    spaces: dict[str, Any], tables: Callable[..., tuple[Desk, Matching]], broken: str
) -> None:
    path = spaces["installation"].data_dir / "matchings.json"
    path.write_text(broken)
    desk, matching = tables(f"Dora Uusi;{SAID}\nEeva Toinen;{SAID}\n", None)
    spaces["manager"].check_table(desk, matching)
    assert path.read_text() == broken


def test_a_check_knows_users_what_is_gone_for_good_and_whether_empty_cells_count(
    spaces: dict[str, Any], tables: Callable[..., tuple[Desk, Matching]]
) -> None:
    store, space = spaces["installation"].store, spaces["manager"]
    gone, there = fresh(spaces, "Poistettu Ihminen"), fresh(spaces, "Dora Uusi", title="Johtaja")
    store.remove([gone], by="test", reason="erasure")
    head = f"Tunnus;Nimi;Tehtävänimike;Vastuuhenkilö;{STATED}\n"
    desk, matching = tables(f"{head}{gone};Poistettu Ihminen;;;{SAID}\n{there};Dora Uusi;;;{SAID}\n")
    counts = space.check_table(desk, matching)
    assert {kind: count for kind, count in counts.items() if count} == {"gone": 1, "same": 1}
    counts = space.check_table(desk, matching, erase=True)
    assert {kind: count for kind, count in counts.items() if count} == {"gone": 1, "change": 1}
    desk, matching = tables(f"Otsikko;;;;;\n{head};Eeva Toinen;;Sales;{SAID}\n", 1)
    assert space.check_table(desk, matching)["new"] == 1
    assert space.apply_import(desk, Decisions()) == 1
    row = store.register.row(store.frame["id"].iloc[-1])
    assert (row["name"], row["owner"], row["created_by"]) == ("Eeva Toinen", "sales", "manager")


def test_a_list_comes_back_with_what_was_edited_in_it_and_nothing_else(spaces: dict[str, Any]) -> None:
    """With cells that a table would say more about: of somebody who has no account, several phones, a number."""
    store, space = spaces["installation"].store, spaces["manager"]
    lead = {"owner": "entinen", "notes": "vanha", "phone": "040 555 0101 / 09 555 0102", "title": "007"}
    ids = [fresh(spaces, name, **lead) for name in ("Aino Alku", "Bertta Toinen", "Cecilia Kolmas")]
    codes = ["id", "name", "title", "phone", "owner", "received", "source", "notes"]
    content = space.excel_list(ids, codes, password=LIST_PASSWORD, language="fi")

    def counted(change: Callable[[Any], object], columns: int = 8) -> tuple[Desk, dict[str, int]]:
        book, back = openpyxl.load_workbook(io.BytesIO(decrypt(content, LIST_PASSWORD))), io.BytesIO()
        change(book["Prospektit"])
        book["Prospektit"].delete_cols(columns + 1, 9)
        book.save(back)
        desk, overview = space.begin_import(back.getvalue(), "lista.xlsx")
        assert [sheet.name for sheet in overview.sheets] == ["Prospektit"] and overview.downloaded
        assert overview.downloaded[0] == "manager"
        counts = space.check_table(desk, space.match(desk, 0))
        return desk, {kind: count for kind, count in counts.items() if count}

    for columns in (8, 7):  # also where the notes were taken out
        desk, counts = counted(lambda sheet: setattr(sheet["C2"], "value", 7), columns)
        assert counts == {"same": 3}
        desk.close()

    def edit(sheet: Any) -> None:
        sheet["E2"] = "Pekka Poissa"
        sheet["H3"] = "uusi"
        day = dt.datetime(2026, 2, 1)
        sheet.append([None, "Cecilia Kolmas", "Johtaja", "040 555 0101 / 09 555 0102", None, day, "Puhelu"])
        sheet.append([None, "Vanha Rivi", None, None, None, dt.datetime(2001, 1, 1), "Puhelu"])

    for columns, notes in ((8, "vanha\nVastuumyyjä: Pekka Poissa"), (7, "vanha\nVastuumyyjä: Pekka Poissa")):
        desk, counts = counted(edit, columns)
        assert counts == {"change": columns - 6, "past": 1, "look_alike": 1, "same": 9 - columns}
        changes = {finding.id: finding.changes for finding in desk.findings("change")}
        assert changes[ids[0]] == {"owner": ("entinen", ""), "notes": ("vanha", notes)}
        assert changes.get(ids[1]) == ({"notes": ("vanha", "uusi")} if columns == 8 else None)
        desk.close()
    assert store.register.row(ids[0])["notes"] == "vanha"


def test_what_was_left_out_comes_as_it_was_with_the_reason_sealed_and_logged(
    spaces: dict[str, Any], tables: Callable[..., tuple[Desk, Matching]]
) -> None:
    space = spaces["manager"]
    rows = [f"Dora Uusi;x;{SAID}", f"Eeva;=1+1;puhelin;{dt.date(2001, 2, 3):%d.%m.%Y}", ";@x;puhelin;1.2.2026"]
    desk, matching = tables("\n".join([f"Nimi;Huom;{STATED}", *rows]))
    space.check_table(desk, matching)
    content = space.left_out(desk, Decisions(), password=LIST_PASSWORD, language="en")
    line = spaces["admin"].change_log()[0]
    assert (line.by, line.action, line.facts) == ("manager", "left_out", {"rows": 2})
    [sheet] = openpyxl.load_workbook(io.BytesIO(decrypt(content, LIST_PASSWORD))).worksheets
    head, past, wrong = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert head[:3] == ["Row in the file", "Why it was left out", "Nimi"]
    assert past[0] == 3 and past[1].startswith("Retention period over") and past[2:4] == ["Eeva", "=1+1"]
    assert wrong[0] == 4 and "Name: Write at least a name" in wrong[1] and wrong[3] == "@x"
    assert {cell.data_type for cell in sheet["D"]} == {"s"}  # nothing is computed


def test_of_a_file_that_cannot_be_read_no_process_stays(spaces: dict[str, Any]) -> None:
    with pytest.raises(ImportRefused) as refused:
        spaces["manager"].begin_import(b"PK\x03\x04" + b"\0" * 50, "lista.xlsx")
    [desk] = {id(d): d for at in refused.traceback if isinstance(d := at.frame.f_locals.get("desk"), Desk)}.values()
    with pytest.raises(ImportRefused, match="interrupted"):
        desk.keys("new")


def test_an_import_is_limited_as_the_settings_say(spaces: dict[str, Any]) -> None:
    spaces["installation"].save_settings(import_rows=100)
    with pytest.raises(ImportRefused):
        spaces["manager"].begin_import(("Nimi\n" + "Dora\n" * 101).encode(), "lista.csv")


# -- the download password ---------------------------------------------------------------------------------


@pytest.fixture
def lister(spaces: dict[str, Any]) -> Workspace:
    """Somebody without a download password."""
    installation = spaces["installation"]
    if installation.accounts.get("lister") is None:
        user(installation, "lister", "sales")
    installation.accounts.set_download_password("lister", "")
    return signed_in(installation, "lister")


def test_one_s_own_download_password_seals_lists_until_it_is_taken_away(
    spaces: dict[str, Any], lister: Workspace
) -> None:
    pid, own = fresh(spaces), "oma lataussalasana"
    assert not lister.has_download_password
    with pytest.raises(AccountError, match="You have no download password"):
        lister.excel_list([pid], ["name"], password=None, language="fi")
    lister.set_download_password(own)
    assert lister.has_download_password
    again = signed_in(spaces["installation"], "lister")
    assert decrypt(again.excel_list([pid], ["name"], password=None, language="fi"), own)
    lister.set_download_password("toinen lataussalasana")
    content = again.excel_list([pid], ["name"], password=None, language="fi")
    assert decrypt(content, "toinen lataussalasana")
    with pytest.raises(WrongPassword):
        decrypt(content, own)
    lister.drop_download_password()
    lister.drop_download_password()  # nothing to take away, no line
    assert not lister.has_download_password
    with pytest.raises(AccountError):
        again.excel_list([pid], ["name"], password=None, language="fi")
    lines = [(e.by, e.action) for e in spaces["admin"].change_log() if e.by == "lister" and e.action != "sign_in"]
    assert lines[:5] == [
        ("lister", "download_password_off"),
        ("lister", "download"),
        ("lister", "download_password"),
        ("lister", "download"),
        ("lister", "download_password"),
    ]


def test_a_download_password_is_nowhere_in_the_clear(spaces: dict[str, Any], lister: Workspace) -> None:
    own = "Kanarialintu lataa"
    lister.set_download_password(own)
    encoded = base64.b64encode(own.encode()).rstrip(b"=")
    for name, content in contents(spaces["installation"].data_dir).items():
        assert own.encode() not in content and encoded not in content, name
    assert own not in str(spaces["admin"].change_log())
    kept = spaces["installation"].accounts.download_password("lister")
    assert kept and own.encode() not in base64.b64decode(kept)


def test_a_new_password_and_a_disabled_account_keep_the_download_password_sealed(
    spaces: dict[str, Any], lister: Workspace
) -> None:
    installation = spaces["installation"]
    lister.set_download_password("oma lataussalasana")
    one_time = spaces["admin"].reset_password("lister")
    token = installation.change_own_password(installation.sign_in("lister", one_time).token, one_time, USER_PASSWORD)
    assert installation.download_password(token) == "oma lataussalasana"


def test_of_another_user_or_register_a_download_password_is_no_password(
    spaces: dict[str, Any], lister: Workspace
) -> None:
    accounts = spaces["installation"].accounts
    spaces["sales"].set_download_password("myyjän lataussalasana")
    for other in (accounts.download_password("sales"), "x", "not base64 ä", sealed_by(b"0" * 32, "lister", "x" * 12)):
        accounts.set_download_password("lister", other)
        with pytest.raises(AccountError, match="cannot be read any more"):
            lister.excel_list([fresh(spaces)], ["name"], password=None, language="fi")


@pytest.mark.parametrize("password", ["", "short", "x" * 73, "tab\tin the password"])
def test_no_weak_password_is_kept_for_lists(lister: Workspace, password: str) -> None:
    with pytest.raises(AccountError):
        lister.set_download_password(password)
    assert not lister.has_download_password


@pytest.mark.parametrize("password", ["", "short", "x" * 73, "tab\tin the password"])
def test_a_list_does_not_leave_under_a_weak_password(spaces: dict[str, Any], password: str) -> None:
    pid = fresh(spaces)
    with pytest.raises(AccountError):
        spaces["sales"].excel_list([pid], ["name"], password=password, language="fi")


def test_a_list_that_cannot_be_logged_does_not_leave(spaces: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    pid = fresh(spaces)

    def full(*_: object, **__: object) -> int:
        raise OSError(28, "No space left on device")

    from lib.store import journal

    class Os:
        open = staticmethod(full)

        def __getattr__(self, name: str) -> Any:
            return getattr(os, name)

    monkeypatch.setattr(journal, "os", Os())
    with pytest.raises(NotWritten):
        spaces["sales"].excel_list([pid], ["name"], password=LIST_PASSWORD, language="fi")


# -- retention ---------------------------------------------------------------------------------------------


def test_rows_go_together_only_when_their_period_has_ended(spaces: dict[str, Any]) -> None:
    manager: Workspace = spaces["manager"]
    old, older, young = long_ago(spaces), long_ago(spaces, "Vanhempi Rivi"), fresh(spaces)
    assert manager.all_ended([old, older]) and not manager.all_ended([old, young])
    with pytest.raises(Invalid) as caught:
        manager.remove([old, young], "kausi päättyi")
    assert set(caught.value.fields) == {"ids"} and len(manager.register()) == 3
    manager.remove([old, older], "kausi päättyi")
    manager.remove([young], "pyynnöstä")
    assert manager.register().frame.empty


@pytest.mark.parametrize("reason", ["", "  ", "\n\x00"])
def test_a_removal_needs_a_reason(spaces: dict[str, Any], reason: str) -> None:
    pid = fresh(spaces)
    with pytest.raises(Invalid) as caught:
        spaces["manager"].remove([pid], reason)
    assert set(caught.value.fields) == {"reason"} and spaces["manager"].row(pid)


def test_a_row_on_hold_does_not_go_with_the_others(spaces: dict[str, Any]) -> None:
    manager: Workspace = spaces["manager"]
    held, old = long_ago(spaces, "Pidetty Rivi"), long_ago(spaces)
    manager.keep_longer([held], "claim", LATER)
    with pytest.raises(Invalid):
        manager.remove([held, old], "kausi päättyi")
    assert list(manager.queue()["ended"]["id"]) == [old]
    manager.release(held)
    manager.remove([held, old], "kausi päättyi")


def test_a_hold_that_came_meanwhile_is_seen_inside_the_lock(spaces: dict[str, Any]) -> None:
    from lib.store import Store

    manager: Workspace = spaces["manager"]
    one, two = long_ago(spaces, "Ensimmäinen Rivi"), long_ago(spaces, "Toinen Rivi")
    with Store.open(spaces["installation"].data_dir, PASSWORD) as other:
        other.update(one, {"hold_reason": "claim", "hold_until": LATER}, by="test")
    with pytest.raises(Invalid):
        manager.remove([one, two], "kausi päättyi")
    with pytest.raises(NoSuchProspect):
        manager.remove([one, "P-999999"], "kausi päättyi")


@pytest.mark.parametrize(
    ("ground", "until", "field"),
    [("claim", None, "hold_until"), ("claim", dt.date(2020, 1, 1), "hold_until"), ("", LATER, "hold_reason")],
)
def test_a_hold_has_a_ground_and_ends_in_the_future(
    spaces: dict[str, Any], ground: str, until: dt.date | None, field: str
) -> None:
    pid = long_ago(spaces)
    with pytest.raises(Invalid) as caught:
        spaces["manager"].keep_longer([pid], ground, until)
    assert set(caught.value.fields) == {field}


# -- removal everywhere, and what came from Excel -----------------------------------------------------------


def test_s10_a_removal_is_finished_when_the_copies_have_followed(spaces: dict[str, Any]) -> None:
    manager: Workspace = spaces["manager"]
    pid = fresh(spaces)
    spaces["admin"].make_backup()
    manager.remove([pid], "pyynnöstä")
    assert manager.unfinished().rows >= 1
    shares: list[float] = []
    manager.erase(shares.append)
    assert manager.unfinished() == (0, []) and shares[-1] == 1.0


def asked(spaces: dict[str, Any], *questions: Question) -> None:
    """Let questions wait, as if they had come from Excel."""
    from lib.store.record import Record

    store = spaces["installation"].store
    with store.locked():
        store.follow()
        store.commit(Record(asked=questions))


def test_a_row_from_excel_is_received_on_the_day_that_somebody_says_and_never_today_by_itself(
    spaces: dict[str, Any],
) -> None:
    manager: Workspace = spaces["manager"]
    question = Question("new", where="13", row={"name": "Uusi Excelistä", "source": "phone"})
    asked(spaces, question)
    assert set(manager.lacking(question)) == {"received"}
    for values in (None, {}, {"received": None}):
        with pytest.raises(Invalid) as caught:
            manager.answer(question.key, take=True, values=values)
        assert set(caught.value.fields) == {"received"}
    assert manager.questions() == [question] and manager.register().frame.empty
    manager.answer(question.key, take=True, values={"received": dt.date(2026, 1, 1)})
    assert manager.register().frame["received"].dt.date.tolist() == [dt.date(2026, 1, 1)]
    assert manager.questions() == []


def test_a2_managers_and_administrators_settle_only_what_is_theirs(spaces: dict[str, Any]) -> None:
    manager, admin = spaces["manager"], spaces["admin"]
    question, notice = Question("missing", fresh(spaces)), Question("older", where="3")
    asked(spaces, question, notice)
    admin.seen(question.key)
    manager.answer(notice.key, take=False)
    manager.leave_all("older")
    assert manager.questions() == [question] and admin.notices() == [notice]
    manager.leave_all("missing")
    admin.seen(notice.key)
    assert manager.questions() == [] == admin.notices()


@pytest.mark.parametrize("password", ["", "short", "x" * 73])
def test_the_workbook_gets_no_weak_password(spaces: dict[str, Any], password: str) -> None:
    with pytest.raises(AccountError):
        spaces["admin"].change_workbook_password(password)
    assert spaces["installation"].store.passwords == [PASSWORD]


def test_who_changes_the_workbook_s_password_is_the_one_who_knows_it(spaces: dict[str, Any]) -> None:
    installation = spaces["installation"]

    def knowing() -> set[str]:
        return {account.name for account in installation.accounts.all() if account.knew_workbook_password}

    spaces["chief"].change_workbook_password("työkirjan uusi salasana")
    assert knowing() == {"chief"}
    spaces["admin"].change_workbook_password(PASSWORD)
    assert knowing() == {"admin"} and spaces["admin"].leaving("admin").knew_workbook_password
    store = installation.store
    owner = store.path.with_name(f".~lock.{store.path.name}#")
    owner.write_text(",maija,työasema,22.11.2026 13:05,file:///;", "utf-8")
    try:
        with pytest.raises(HeldOpen):
            spaces["chief"].change_workbook_password("työkirjan uusi salasana")
        assert knowing() == {"chief"}, "it is in force while the workbook is open"
        with pytest.raises(HeldOpen):
            spaces["admin"].change_workbook_password("työkirjan kolmas salasana")
        assert knowing() == {"chief"}, "another one is not, until this is done"
    finally:
        owner.unlink()
        store.checkpoint()
        erasure.finish(store)
        store.rekey(PASSWORD, by="test")


def test_s9_a_restore_reads_backups_and_nothing_else(spaces: dict[str, Any]) -> None:
    for name in ("prospects.xlsx", str(spaces["installation"].workbook), "/etc/passwd", ""):
        with pytest.raises(WorkbookMissing):
            spaces["admin"].restore(name, exact=False, dry_run=True)


def test_s6_everybody_signed_in_learns_who_keeps_the_workbook_from_following(spaces: dict[str, Any]) -> None:
    store = spaces["installation"].store
    store.checkpoint()
    owner = store.path.with_name(f".~lock.{store.path.name}#")
    owner.write_text(",maija,työasema,22.11.2026 13:05,file:///;", "utf-8")
    try:
        assert spaces["sales"].waiting_for is None
        fresh(spaces)
        assert spaces["sales"].waiting_for.name == "maija"
        with pytest.raises(NotSignedIn):
            spaces["ended"].waiting_for  # noqa: B018
    finally:
        owner.unlink()


# -- the change log ----------------------------------------------------------------------------------------


def test_what_was_done_is_in_the_log_and_no_content_is(spaces: dict[str, Any]) -> None:
    secret = "Salainenhenkilö"
    sales, manager, admin = spaces["sales"], spaces["manager"], spaces["admin"]
    pid = sales.add(person(secret, notes=secret, organisation=secret, source_detail=secret))
    sales.edit(pid, {"title": secret, "interests": [secret]}, {"title": ""})
    sales.no_marketing(pid)
    manager.allow_marketing(pid)
    take(sales, [pid])
    sales.request_removal(pid)
    manager.cancel_removal_request(pid)
    manager.keep_longer([pid], "claim", LATER)
    manager.release(pid)
    manager.remove([pid], "henkilön pyynnöstä")
    log = admin.change_log()[:10]
    assert [(e.by, e.action) for e in reversed(log)] == [
        ("sales", "add"),
        ("sales", "update"),
        ("sales", "no_marketing"),
        ("manager", "allow_marketing"),
        ("sales", "download"),
        ("sales", "request_removal"),
        ("manager", "cancel_removal_request"),
        ("manager", "keep_longer"),
        ("manager", "release"),
        ("manager", "remove"),
    ]
    assert all(e.ids == [pid] for e in log if e.action != "download")
    assert log[0].facts == {"rows": 1, "reason": "henkilön pyynnöstä"}
    assert next(e for e in log if e.action == "download").facts == {"rows": 1, "columns": ["name", "objected"]}
    assert "alainen" not in str(log)


def test_what_an_administrator_does_is_in_the_log_without_passwords(spaces: dict[str, Any]) -> None:
    admin: Workspace = spaces["admin"]
    passwords = [admin.add_user("lokitettu", "Loki", {"sales"})]
    admin.set_roles("lokitettu", {"manager"})
    passwords.append(admin.reset_password("lokitettu"))
    admin.disable_user("lokitettu")
    admin.enable_user("lokitettu")
    admin.lost_device("lokitettu")
    admin.drop_second_factor("lokitettu")
    admin.save_settings(retention_years=4)
    admin.save_settings(retention_years=4)  # no change, no line
    admin.save_settings(retention_years=5)
    log = admin.change_log()[:9]
    assert [e.action for e in reversed(log)] == [
        "add_user",
        "set_roles",
        "reset_password",
        "disable_user",
        "enable_user",
        "lost_device",
        "second_factor_off",
        "settings",
        "settings",
    ]
    assert log[0].facts == {"settings": ["retention_years"]}
    assert not any(password in str(log) for password in passwords)


def test_downloads_and_changes_of_roles_are_logged_with_device_and_address(spaces: dict[str, Any]) -> None:
    installation = spaces["installation"]
    user(installation, "travelling", "manager", "admin")
    agent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/150.0.0.0 Safari/537.36 Edg/150.0.0.0"
    space = signed_in(installation, "travelling", agent, "203.0.113.5")
    take(space, [])
    space.set_roles("travelling", {"manager", "admin", "sales"})
    lines = {line.action: line.facts for line in spaces["admin"].change_log()[:4]}
    for action in ("sign_in", "download", "set_roles", "session_ended"):
        assert (lines[action]["device"], lines[action]["address"]) == ("Edge, Windows", "203.0.113.5"), action


def test_the_data_folder_shows_no_row(spaces: dict[str, Any]) -> None:
    fresh(spaces, "Kanarialintu Kaarina")
    folder: Path = spaces["installation"].data_dir
    assert not any(b"Kanarialintu" in content for content in contents(folder).values())


def test_a_hold_set_meanwhile_stops_a_removal_that_was_to_be_for_an_ended_period(spaces: dict[str, Any]) -> None:
    pid = long_ago(spaces)
    manager: Workspace = spaces["manager"]
    manager.keep_longer([pid], "claim", LATER)
    with pytest.raises(Invalid):
        manager.remove([pid], "expired")
    assert manager.row(pid)["hold_reason"] == "claim"


# -- what waits for removal is a manager's matter ----------------------------------------------------------------------


def test_a2_nothing_tells_a_sales_person_who_waits_for_removal(spaces: dict[str, Any]) -> None:
    """The answer to a new entry, and the numbers, are the same as if the row were not there."""
    sales, manager = spaces["sales"], spaces["manager"]
    shown, hidden = fresh(spaces, "Näkyvä Nelli", phone="0401112222"), fresh(spaces, "Piilo Pekka", phone="0403334444")
    spaces["installation"].store.update(hidden, {"email": "pekka@example.com"}, by="test")
    before = len(sales.counted())
    manager.request_removal(hidden)
    guess = {"source": "phone", "name": "Piilo Pekka", "phone": "0401112222", "email": "pekka@example.com"}
    with pytest.raises(Duplicate) as met:
        sales.add(guess)
    assert met.value.matches == [shown]
    with pytest.raises(Duplicate) as met:
        manager.add(guess)
    assert set(met.value.matches) == {shown, hidden}
    assert len(sales.counted()) == before - 1 == sales.count() and len(manager.counted()) == before
    assert sales.add({"source": "phone", "name": "Piilo Pekka"})  # as anybody whom the register does not know


def test_a2_who_downloads_own_rows_alone_takes_no_other_s_over(spaces: dict[str, Any]) -> None:
    sales: Workspace = spaces["sales"]
    others, free = fresh(spaces, "Toisen Rivi", owner="manager"), fresh(spaces, "Vapaa Rivi")
    spaces["installation"].store.update(free, {"owner": ""}, by="test")
    spaces["installation"].save_settings(download="own")
    with pytest.raises(Invalid) as refused:
        sales.edit(others, {"owner": "sales", "title": "X"}, {})
    assert refused.value.fields.keys() == {"owner"} and sales.row(others)["title"] == ""
    sales.edit(free, {"owner": "sales"}, {})
    sales.edit(others, {"title": "X"}, {})
    spaces["manager"].edit(others, {"owner": "sales"}, {})
    spaces["installation"].save_settings(download="all")
    assert sales.row(others)["owner"] == "sales"


def test_a_search_is_no_longer_than_a_search_needs(spaces: dict[str, Any]) -> None:
    fresh(spaces, "Aino Kokeilija")
    assert len(spaces["sales"].find("aino " * 40 + "tuntematon")) == 1
