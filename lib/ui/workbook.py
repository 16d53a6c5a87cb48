"""The workbook on the administration page: how it is, what came of it outside, its password."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import streamlit as st

from lib.errors import AppError, HeldOpen, PasswordUnfinished
from lib.i18n import N_, Text
from lib.store.aside import KINDS, Aside
from lib.store.question import Question
from lib.ui.dialogs import close_dialog, open_dialog, opened
from lib.ui.messages import attempt, error_text, flash, said, show_error
from lib.ui.visit import Visit, visit
from lib.ui.working import begin, follow, going_on

_FORM = "password-form"


def show(v: Visit) -> None:
    t, state = v.t, v.workspace.workbook_state()
    with st.container(horizontal=True):
        st.metric(t("Rows"), t.number(state["rows"]), border=True, width=180)
        st.metric(t("Size"), f"{t.number(state['size'] / 1024)} kB", border=True, width=180)
        st.metric(t("Last written"), t.time(state["written"]), border=True, width=380)
    st.write(
        t(
            "The workbook is {file} in the data folder. Any Excel or LibreOffice opens it with its password.",
            file="`prospects.xlsx`",
        )
    )
    st.link_button(t("Recovery sheet"), "/recovery-sheet", icon=":material/print:")
    if others := [*state["other_columns"], *state["other_sheets"]]:
        st.write(t("Kept for others:"))
        st.text(", ".join(others))
    if v.workspace.refresh():  # the page says above what is wrong
        offer_rewrite(v)
    elif not state["current"]:
        _waiting(v, state)
    for notice in v.workspace.notices():
        _notice(v, notice)
    _aside(v)
    _password(v, state)
    _show_drop(v)
    follow("write", t("The workbook is being written."), t)
    follow("rekey", t("The backups get the new password:"), t)


def offer_rewrite(v: Visit) -> None:
    """The way out where the workbook is missing or damaged; the page says above what is wrong."""
    t, workspace = v.t, v.workspace
    st.write(
        t(
            "The program still has everything that was saved. It can write the workbook anew from there; "
            "what stands in its place is set aside."
        )
    )
    if st.button(t("Write the workbook anew")):
        begin("write", lambda _: workspace.rewrite_workbook(), t, done=_written(v))


def _written(v: Visit) -> Callable[[Any], None]:
    return lambda _: flash(v.t("The workbook was written."))


def _waiting(v: Visit, state: dict[str, Any]) -> None:
    """What the workbook does not hold yet, and who keeps it from that."""
    t, workspace = v.t, v.workspace
    waits = t.plural(
        "{n} change is saved and waits for the workbook.",
        "{n} changes are saved and wait for the workbook.",
        state["unwritten"],
    )
    with st.container(border=True, key="waiting"):
        if not state["held_in"]:
            st.write(waits + " " + t("It follows by itself in a moment."))
            if st.button(t("Write now")):
                begin("write", lambda _: workspace.write_workbook(), t, done=_written(v))
            return
        st.write(waits)  # who has it open stands at the top of every page
        if st.button(t("It is not open any more")) and attempt(workspace.not_open, t):
            flash(t("The workbook is no longer taken for open. It follows in a moment."))
            st.rerun()
        st.caption(
            t(
                "“It is not open any more” is for a program that crashed or a computer that was switched off: its mark "
                "stays beside the workbook. The program then no longer waits for it."
            )
        )


# -- what happened outside ---------------------------------------------------------------------------------------------

_NOTICES = {
    "plain": N_(
        "The workbook was saved without its password ({when}). It was encrypted again at once, and its changes are "
        "taken. Find out whether somebody has a copy without a password."
    ),
    "older": N_(
        "Somebody put an older copy of the workbook in its place, or went on in one. Nothing is lost: what came since "
        "is still in the register."
    ),
    "original": N_(
        "The workbook came back with things that the program cannot keep. The values are taken; the file as it was is "
        "set aside, see below."
    ),
    "password": N_(
        "The workbook was saved under another password. Its changes are not taken yet: give that password below."
    ),
    "unknown": N_(
        "A workbook was put in place that cannot be compared: it is another register's, or older than every copy. "
        "Its changes are not taken. It is set aside, see below."
    ),
    "invalid": N_(
        "The workbook came back in a form that cannot be understood. Its changes are not taken. It is set aside, see "
        "below."
    ),
}


def _notice(v: Visit, notice: Question) -> None:
    t = v.t
    with st.container(border=True, key=f"notice-{notice.key}"):
        text = t(_NOTICES[notice.kind], when=_when(v, notice.where))
        st.markdown(f":material/info: {text}")
        if st.button(t("Seen"), key=f"seen-{notice.key}") and attempt(lambda: v.workspace.seen(notice.key), t):
            st.rerun()


def _when(v: Visit, written: str) -> str:
    try:
        return v.t.time(dt.datetime.fromisoformat(written))
    except ValueError:
        return ""


def _aside(v: Visit) -> None:
    """The files set aside: what each is, what of it cannot be kept, and what can be done with it."""
    t, files = v.t, v.workspace.files_aside()
    if not files:
        return
    st.header(t("Files set aside"))
    st.caption(t("Workbooks that could not be taken as they are. They stay, encrypted, until you remove them."))
    for file in files:
        with st.container(border=True, key=f"aside-{file.name}"):
            st.markdown(f"**{t(KINDS[file.kind])}** · {t.time(file.made)}")
            if file.kind in _ABOUT and (about := _about(v, file)):
                st.markdown(t(_ABOUT[file.kind]) + "".join(f"\n- {said(text, t)}" for text in about))
            st.caption(t("{path} in the data folder", path=f"`aside/{file.name}`"))
            if file.kind == "password":
                _open_aside(v, file)
            if st.button(t("Remove it for good"), icon=":material/delete:", key=f"drop-{file.name}"):
                open_dialog("drop", file)


_ABOUT = {"original": N_("The workbook no longer has:"), "invalid": N_("The reason:")}


def _about(v: Visit, file: Aside) -> list[Text]:
    """What of a file cannot be kept, or why it is not understood. The file never changes, so it is looked at once."""
    known: dict[str, list[Text]] = st.session_state.setdefault("aside-about", {})
    if file.name not in known:
        known[file.name] = v.workspace.about_aside(file.name)
    return known[file.name]


def _open_aside(v: Visit, file: Aside) -> None:
    t, workspace = v.t, v.workspace
    with st.form(f"open-{file.name}", border=False, enter_to_submit=False):
        password = st.text_input(
            t("Password of this file"), type="password", key=f"open-{file.name}-password", autocomplete="off"
        )
        use = st.checkbox(t("Use this as the workbook's password from now on"), key=f"open-{file.name}-use")
        submitted = st.form_submit_button(t("Take its changes"))
    if not submitted:
        return
    try:
        if use:
            workspace.check_password(password)
        with st.spinner(t("The file is being read.")):
            workspace.open_aside(file.name, password)
    except AppError as error:
        show_error(error, t)
        return
    flash(t("The changes of the file were taken."))
    if use:
        _begin_rekey(v, password)
    st.rerun()


def _show_drop(v: Visit) -> None:
    """The dialog before a file set aside goes, if it is open."""
    if (file := opened("drop")) is None:
        return
    t = v.t

    @st.dialog(t("Remove it for good"), on_dismiss=close_dialog)
    def dialog() -> None:
        st.warning(t("The file and what only it holds are gone then."), icon=":material/delete_forever:")
        st.markdown(f"**{t(KINDS[file.kind])}** · {t.time(file.made)}")
        if st.button(t("Remove the file"), key="drop-now") and attempt(
            lambda: visit().workspace.drop_aside(file.name), t
        ):
            flash(t("The file was removed."))
            close_dialog()
            st.rerun()

    dialog()


# -- the password ------------------------------------------------------------------------------------------------------


def _password(v: Visit, state: dict[str, Any]) -> None:
    t = v.t
    st.header(t("Password of the workbook"))
    if going_on("rekey") is not None:
        return
    if state["password_changing"]:
        st.info(
            t(
                "The new password is in force, but some copies still open with the old one. It is tried again by "
                "itself; until then both open the register."
            ),
            icon=":material/hourglass_empty:",
        )
        return
    number = st.session_state.setdefault(_FORM, 1)
    with st.expander(t("Change the password")):
        st.write(
            t(
                "Whoever opens the workbook in Excel needs the new password from then on. The backups follow. "
                "The recovery sheet must be printed again and the new password written on it."
            )
        )
        with st.form(f"{_FORM}-{number}", border=False, enter_to_submit=False):
            new: dict[str, Any] = {"type": "password", "autocomplete": "new-password"}
            password = st.text_input(t("New password (at least 12 characters)"), key=f"{_FORM}-{number}-1", **new)
            again = st.text_input(t("New password, again"), key=f"{_FORM}-{number}-2", **new)
            if st.form_submit_button(t("Change the password"), key=f"{_FORM}-{number}-change"):
                if password != again:
                    st.error(t("The two passwords differ. Nothing was changed."), icon=":material/error:")
                elif attempt(lambda: v.workspace.check_password(password), t):
                    st.session_state[_FORM] = number + 1
                    _begin_rekey(v, password)
                    st.rerun()


def _begin_rekey(v: Visit, password: str) -> None:
    t, workspace = v.t, v.workspace
    sheet = t("Print the {sheet} again, write the new password on it and lock it away.", sheet=_sheet(v))

    def done(_: None) -> None:
        flash(t("The workbook has a new password.") + " " + sheet)

    def failed(error: AppError) -> None:
        if isinstance(error, HeldOpen) and workspace.workbook_state()["password_changing"]:
            error = PasswordUnfinished([error.text])
        flash(error_text(error, t) + (f"\n\n{sheet}" if isinstance(error, PasswordUnfinished) else ""), "warning")

    def change(tell: Callable[[float], None]) -> None:
        workspace.change_workbook_password(password, tell)

    begin("rekey", change, t, done=done, failed=failed, about=True)


def _sheet(v: Visit) -> str:
    name = v.t("recovery sheet")
    return f"[{name}](/recovery-sheet)"
