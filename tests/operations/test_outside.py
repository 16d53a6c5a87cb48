"""Removal everywhere, and what came from Excel."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from lib.errors import AccountError, HeldOpen, Invalid, NotSignedIn, WorkbookMissing
from lib.operations import Workspace
from lib.store import erasure
from lib.store.question import Question
from tests.store.tools import PASSWORD

from .conftest import fresh


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
