"""Each operation asks for the role itself, whatever page called it."""

from __future__ import annotations

import datetime as dt
import functools
import inspect
import os
from collections.abc import Callable
from typing import Any

import pytest

from lib import schema
from lib.access.roles import OPERATIONS, ROLES, may
from lib.errors import NotAllowed, NotSignedIn
from lib.intake.desk import Desk, Snapshot
from lib.intake.files import Limits
from lib.intake.matching import Matching
from lib.intake.planning import Decisions
from lib.operations import Workspace
from lib.register import Register
from lib.store.question import Question
from tests.store.tools import PASSWORD, contents, person

from .conftest import LATER, LIST_PASSWORD, as_csv, fresh, signed_in, user


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
CALLS: dict[str, tuple[str, Call]] = {
    "register": ("read", lambda w, i: w.register()),
    "row": ("read", lambda w, i: w.row(i)),
    "find": ("read", lambda w, i: w.find("aino")),
    "count": ("read", lambda w, i: w.count()),
    "known": ("read", lambda w, i: w.known([i])),
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
    "limits": ("download", lambda w, i: w.limits([i])),
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
