"""The workbook on the administration page: how it is, what came of it outside, its password."""

from __future__ import annotations

import datetime as dt
import os
import time
from collections.abc import Callable

import openpyxl
import pytest
from openpyxl.chart import BarChart, Reference

from lib.errors import PasswordUnfinished, StoreError, WrongPassword
from lib.i18n import N_, Text
from lib.installation import Installation
from lib.operations import Workspace
from lib.store import Store
from lib.store.aside import KINDS
from lib.ui.workbook import _NOTICES
from tests.pages.conftest import WORKBOOK_PASSWORD, Visitor, add, excel, hold, part
from tests.pages.test_main import untranslated
from tests.store.tools import edit, opened, sealed

NEW = "aivan uusi salasana"
OTHER = "excelin oma salasana"


def damage(installation: Installation, how: str) -> None:
    if how == "missing":
        installation.workbook.unlink()
    else:
        content = installation.workbook.read_bytes()
        installation.workbook.write_bytes(content[: len(content) // 2])
        os.utime(installation.workbook, (0, 0))  # a file just written may still be on its way


def names(installation: Installation, password: str = WORKBOOK_PASSWORD) -> list[str]:
    """The names in the workbook itself, whatever the program holds beside it."""
    import io

    sheet = openpyxl.load_workbook(io.BytesIO(opened(installation.workbook, password)))["Prospektit"]
    place = [cell.value for cell in sheet[1]].index("Nimi")
    return [str(row[place].value) for row in sheet.iter_rows(min_row=2)]


# -- its state ---------------------------------------------------------------------------------------------------------


def test_the_workbook_s_state_is_told(aino: Visitor, store: Store, installation: Installation) -> None:
    add(store, name="Kaarina")
    store.checkpoint()
    moment = dt.datetime(2026, 3, 11, 10, 30).timestamp() - 2 * 3600 + time.timezone * -1
    os.utime(installation.workbook, (moment, moment))
    store.refresh()
    part(aino, "workbook")
    assert [m.label for m in aino.at.metric] == [aino.t("Rows"), aino.t("Size"), aino.t("Last written")]
    assert aino.at.metric[0].value == "1" and aino.at.metric[2].value == "11.3.2026 klo 10.30"
    assert not aino.at.error and not {aino.t("Write now"), aino.t("Write the workbook anew")} & set(aino.labels())


def test_changes_that_wait_are_counted_and_written_on_request(
    aino: Visitor, store: Store, installation: Installation
) -> None:
    store.checkpoint()
    for name in ("Kaarina", "Kalle"):
        add(store, name=name)
    part(aino, "workbook")
    waits = "{n} change is saved and waits for the workbook.", "{n} changes are saved and wait for the workbook."
    assert aino.t.plural(*waits, 2) in aino.shown() and names(installation) == []
    aino.press("Write now")
    assert aino.sees("The workbook was written.") and names(installation) == ["Kaarina", "Kalle"]
    assert aino.t("Write now") not in aino.labels() and aino.t.plural(*waits, 2) not in aino.shown()


def test_a_write_that_fails_says_why(aino: Visitor, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    add(store, name="Kaarina")
    part(aino, "workbook")

    def fails(*_: object, **__: object) -> None:
        raise StoreError(N_("the disk is full"))

    monkeypatch.setattr(Store, "checkpoint", fails)
    aino.press("Write now")
    assert aino.error("the disk is full") and aino.button("Write now")


def test_s6_somebody_who_seems_to_have_it_open_is_passed_over_on_request(
    aino: Visitor, store: Store, installation: Installation
) -> None:
    store.checkpoint()
    hold(installation, "Maija Virtanen")
    add(store, name="Kaarina")
    part(aino, "workbook")
    assert "Maija Virtanen" in aino.shown() and aino.t("Write now") not in aino.labels()
    aino.press("It is not open any more")
    assert "Maija Virtanen" not in aino.shown() and names(installation) == []
    aino.press("Write now")
    assert names(installation) == ["Kaarina"]
    assert store.log()[0].action == "pass_over" and store.log()[0].by == "aino"


@pytest.mark.parametrize("how", ["missing", "cut in half"])
def test_s9_a_workbook_that_is_lost_while_the_program_runs_is_written_anew(
    aino: Visitor, store: Store, installation: Installation, how: str
) -> None:
    add(store, name="Kaarina Kanarialintu")
    damage(installation, how)
    part(aino, "workbook")
    assert aino.at.error
    aino.press("Write the workbook anew")
    assert not aino.at.error and aino.t("Write the workbook anew") not in aino.labels()
    assert names(installation) == ["Kaarina Kanarialintu"]
    assert (aino.t(KINDS["replaced"]) in aino.shown()) == (how == "cut in half")


# -- what happened outside ---------------------------------------------------------------------------------------------


def saved_plain(installation: Installation) -> None:
    installation.workbook.write_bytes(opened(installation.workbook, WORKBOOK_PASSWORD))


def saved_under_another_password(installation: Installation) -> None:
    excel(installation, lambda sheet, places, rows: sheet.cell(2, places["Nimi"], "Excelissä muutettu"))
    plain = opened(installation.workbook, WORKBOOK_PASSWORD)
    installation.workbook.write_bytes(sealed(plain, OTHER))


def without_a_column(installation: Installation) -> None:
    excel(installation, lambda sheet, places, rows: sheet.cell(1, places["Nimi"], "Joku muu"))


def with_a_chart(installation: Installation) -> None:
    def change(book: openpyxl.Workbook) -> None:
        chart = BarChart()
        chart.add_data(Reference(book["Prospektit"], min_col=1, min_row=1, max_row=2))
        book.create_sheet("Omat").add_chart(chart)

    edit(installation.workbook, change, WORKBOOK_PASSWORD)


HAPPENED = {
    "plain": saved_plain,
    "password": saved_under_another_password,
    "invalid": without_a_column,
    "original": with_a_chart,
}


@pytest.fixture
def row(store: Store) -> str:
    """A row that the workbook holds."""
    pid = add(store, name="Kaarina Kanarialintu")
    store.checkpoint()
    return pid


def notice(visitor: Visitor, kind: str) -> bool:
    when = visitor.t.time(dt.datetime(2026, 3, 11, 10, 30))
    return visitor.t(_NOTICES[kind], when=when) in visitor.shown()


@pytest.mark.parametrize("kind", HAPPENED)
def test_s5_an_administrator_is_told_what_happened_until_it_is_seen(
    aino: Visitor, visitor: Callable[..., Visitor], row: str, installation: Installation, kind: str
) -> None:
    HAPPENED[kind](installation)
    part(aino, "workbook")
    assert notice(aino, kind) and "Kanarialintu" not in aino.shown()
    aino.press("Seen")
    assert not notice(aino, kind)
    ylva = visitor("ylva")
    part(ylva, "workbook")
    assert not notice(ylva, kind)
    # What is set aside stays for all that.
    assert [file.kind for file in ylva.workspace.files_aside()] == ([] if kind == "plain" else [kind])


@pytest.mark.parametrize("language", ["fi", "en"])
def test_nothing_that_happened_is_told_in_the_other_language(
    visitor: Callable[..., Visitor], row: str, installation: Installation, language: str
) -> None:
    content = installation.workbook.read_bytes()
    ylva = visitor("ylva", language)
    for happen in HAPPENED.values():
        installation.workbook.write_bytes(content)
        happen(installation)
        part(ylva, "workbook")
    assert len(ylva.workspace.notices()) >= 4 and len(ylva.workspace.files_aside()) == 3
    assert untranslated(ylva) == set()
    part(ylva, "log")
    assert untranslated(ylva) == set()


def test_an_older_copy_put_back_is_told(aino: Visitor, store: Store, row: str, installation: Installation) -> None:
    old = installation.workbook.read_bytes()
    add(store, name="Toinen")
    store.checkpoint()
    installation.workbook.write_bytes(old)
    part(aino, "workbook")
    assert notice(aino, "older") and len(store.frame) == 2


def test_a_file_set_aside_says_what_of_it_is_not_kept(aino: Visitor, row: str, installation: Installation) -> None:
    with_a_chart(installation)
    part(aino, "workbook")
    assert aino.sees("Files set aside") and aino.t(KINDS["original"]) in aino.shown()
    assert f"- {aino.t('charts')}" in aino.shown()


def test_a_file_that_is_not_understood_says_why_in_the_reader_s_language(
    visitor: Callable[..., Visitor], row: str, installation: Installation
) -> None:
    without_a_column(installation)
    for language in ("fi", "en"):
        who = visitor("ylva", language)
        part(who, "workbook")
        assert f"- {who.t('The column {columns} is missing.', columns='Nimi')}" in who.shown()


def test_s5_the_changes_of_a_file_under_another_password_are_taken_with_it(
    aino: Visitor, store: Store, row: str, installation: Installation
) -> None:
    saved_under_another_password(installation)
    part(aino, "workbook")
    aino.field("text_input", "Password of this file").set_value("väärä")
    aino.press("Take its changes")
    assert aino.error(WrongPassword.template) and store.register.row(row)["name"] == "Kaarina Kanarialintu"
    assert aino.field("text_input", "Password of this file").value == "väärä"
    aino.field("text_input", "Password of this file").set_value(OTHER)
    aino.press("Take its changes")
    assert aino.sees("The changes of the file were taken.") and not aino.sees("Files set aside")
    assert store.register.row(row)["name"] == "Excelissä muutettu"
    assert not notice(aino, "password") and OTHER not in aino.shown()
    store.checkpoint()
    assert names(installation) == ["Excelissä muutettu"]  # under the old password


def test_s11_the_password_of_a_file_becomes_the_workbook_s(
    aino: Visitor, store: Store, row: str, installation: Installation
) -> None:
    saved_under_another_password(installation)
    part(aino, "workbook")
    aino.field("text_input", "Password of this file").set_value(OTHER)
    aino.field("checkbox", "Use this as the workbook's password from now on").set_value(True)
    aino.press("Take its changes")
    assert aino.sees("The changes of the file were taken.") and aino.sees("The workbook has a new password.")
    assert names(installation, OTHER) == ["Excelissä muutettu"]


def test_a_password_too_short_for_the_workbook_is_refused_before_anything_is_taken(
    aino: Visitor, store: Store, row: str, installation: Installation
) -> None:
    saved_under_another_password(installation)
    installation.workbook.write_bytes(sealed(opened(installation.workbook, OTHER), "lyhyt"))
    part(aino, "workbook")
    aino.field("text_input", "Password of this file").set_value("lyhyt")
    aino.field("checkbox", "Use this as the workbook's password from now on").set_value(True)
    aino.press("Take its changes")
    assert aino.error("The password is too short. Use at least {least} characters, for example four words.", least=12)
    assert store.register.row(row)["name"] == "Kaarina Kanarialintu" and aino.sees("Files set aside")


def test_a_file_set_aside_goes_only_after_a_question(
    aino: Visitor, store: Store, row: str, installation: Installation
) -> None:
    without_a_column(installation)
    part(aino, "workbook")
    aino.press("Remove it for good")
    assert aino.sees("The file and what only it holds are gone then.") and aino.workspace.files_aside()
    aino.at.button(key="drop-now").click()
    aino.run()
    assert aino.sees("The file was removed.") and not aino.workspace.files_aside()
    assert not aino.sees("Files set aside") and not notice(aino, "invalid")
    assert store.log()[0].action == "drop_aside"


# -- the password ------------------------------------------------------------------------------------------------------


def change_password(visitor: Visitor, password: str, again: str) -> None:
    part(visitor, "workbook")
    visitor.field("text_input", "New password (at least 12 characters)").set_value(password)
    visitor.field("text_input", "New password, again").set_value(again)
    visitor.press("Change the password")


def test_s11_the_workbook_s_password_is_changed_and_its_backups_follow(
    aino: Visitor, store: Store, row: str, installation: Installation
) -> None:
    part(aino, "workbook")
    assert aino.sees(
        "Whoever opens the workbook in Excel needs the new password from then on. The backups follow. "
        "The recovery sheet must be printed again and the new password written on it."
    )
    change_password(aino, NEW, NEW)
    assert aino.sees("The workbook has a new password.") and "](/recovery-sheet)" in aino.shown()
    assert NEW not in aino.shown() and not aino.at.error
    assert names(installation, NEW) == ["Kaarina Kanarialintu"]
    for copy in store.backups.all():
        assert opened(copy.path, NEW)
    with pytest.raises(StoreError):
        Store.open(installation.data_dir, WORKBOOK_PASSWORD)
    assert store.log()[0].action == "rekey"


@pytest.mark.parametrize(
    ("password", "again", "why", "params"),
    [
        (NEW, NEW + "x", "The two passwords differ. Nothing was changed.", {}),
        ("", "", "The password is too short. Use at least {least} characters, for example four words.", {"least": 12}),
        (
            "lyhyt",
            "lyhyt",
            "The password is too short. Use at least {least} characters, for example four words.",
            {"least": 12},
        ),
        (
            "äöåÄÖ" * 8,
            "äöåÄÖ" * 8,
            "The password is too long. Use at most {most} characters; letters like ä count as two.",
            {"most": 72},
        ),
    ],
)
def test_a_password_that_cannot_be_used_stays_in_the_form(
    aino: Visitor, row: str, installation: Installation, password: str, again: str, why: str, params: dict[str, object]
) -> None:
    change_password(aino, password, again)
    assert aino.error(why, **params) and names(installation) == ["Kaarina Kanarialintu"]
    assert aino.field("text_input", "New password (at least 12 characters)").value == password
    assert aino.field("text_input", "New password, again").value == again


def test_s11_a_change_that_is_not_finished_says_what_is_left(
    aino: Visitor, row: str, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    obstacle = Text("The backup {file} cannot be read: {reason}.", {"file": "x*y*", "reason": Text("it is not there")})

    def unfinished(*_: object, **__: object) -> None:
        raise PasswordUnfinished([obstacle])

    monkeypatch.setattr(Store, "rekey", unfinished)
    change_password(aino, NEW, NEW)
    (said,) = [w.value for w in aino.at.warning]
    assert aino.t(PasswordUnfinished.template) in said and aino.t("it is not there") in said and "x\\*y\\*" in said


def test_s11_while_somebody_has_the_workbook_open_the_change_waits_and_says_for_whom(
    aino: Visitor, store: Store, row: str, installation: Installation
) -> None:
    hold(installation, "Maija Virtanen")
    change_password(aino, NEW, NEW)
    (said,) = [w.value for w in aino.at.warning]
    assert aino.t(PasswordUnfinished.template) in said and "Maija Virtanen" in said
    assert aino.sees(
        "The new password is in force, but some copies still open with the old one. It is tried again by itself; until "
        "then both open the register."
    )
    assert aino.t("Change the password") not in aino.labels()


def test_a2_a_change_that_was_begun_asks_for_the_role_itself(
    aino: Visitor, row: str, installation: Installation
) -> None:
    """The work runs without the page: a role that is gone by then stops it."""
    part(aino, "workbook")
    aino.workspace.set_roles("aino", ["sales"])
    with pytest.raises(Exception, match="signed in"):
        Workspace(installation, aino.token).change_workbook_password(NEW)
