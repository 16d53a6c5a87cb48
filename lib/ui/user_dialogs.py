"""What an administrator is asked before something is done to a user, and the one-time password, shown once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

import pandas as pd
import streamlit as st

from lib.access.roles import may
from lib.administration import Leaving
from lib.errors import AppError
from lib.i18n import N_
from lib.store.log import Entry
from lib.ui.dialogs import close_dialog, open_dialog, opened
from lib.ui.fields import date_format
from lib.ui.messages import attempt, flash, plain, show_error
from lib.ui.visit import Visit, visit

_DOWNLOADS = 10  # shown when somebody leaves; the change log has the others


def show_dialog(v: Visit) -> None:
    """The dialog that is open, if one of these is."""
    for name, dialog in _DIALOGS.items():
        if (about := opened(name)) is not None:
            dialog(v, about)


def _called(v: Visit, name: str) -> str:
    """What a user is called, as Markdown."""
    return plain(next((user.display_name for user in v.workspace.users() if user.name == name), name))


def _ask(title: str, texts: Sequence[str], label: str, do: Callable[[Visit], None]) -> None:
    """A dialog that says what happens and does it; `do` says afterwards what was done."""

    @st.dialog(title, on_dismiss=close_dialog)
    def dialog() -> None:
        v = visit()
        for text in texts:
            st.write(text)
        if st.button(label, key="dialog-do") and attempt(lambda: do(v), v.t):
            st.rerun()

    dialog()


def _one_time(v: Visit, about: tuple[str, str]) -> None:
    """The one-time password: in sight until it has been passed on, and never again."""
    name, password = about
    t = v.t

    @st.dialog(t("One-time password"), dismissible=False)
    def dialog() -> None:
        called = _called(visit(), name)  # it asks for the role: to nobody else is a password shown
        steps = (
            t("Tell it by phone or face to face, not by e-mail or in a chat."),
            t("The user opens {address} and signs in as {name}.", address=_address(), name=f"`{name}`"),
            t("The page then asks for a password of the user's own."),
        )
        st.write(t("{name} signs in with this password once.", name=called))
        st.code(password, language=None)
        st.markdown("\n".join(f"{n}. {step}" for n, step in enumerate(steps, 1)))
        st.caption(t("It is shown only now. If it gets lost, give a new one."))
        if st.button(t("I have passed it on"), key="dialog-do"):
            close_dialog()
            st.rerun()

    dialog()


def _address() -> str:
    """Where this register answers, as this browser calls it; as Markdown."""
    parts = urlsplit(st.context.url or "")
    return "`" + f"{parts.scheme}://{parts.netloc}".replace("`", "") + "`"


def _reset(v: Visit, name: str) -> None:
    t, called = v.t, _called(v, name)

    def do(v: Visit) -> None:
        open_dialog("one-time", (name, v.workspace.reset_password(name)))

    texts = (
        t("The password of {name} stops working at once, and all sessions end.", name=called),
        t("The program makes a one-time password, which you pass on."),
    )
    _ask(t("New one-time password"), texts, t("Give a one-time password"), do)


def _drop_factor(v: Visit, name: str) -> None:
    t, called = v.t, _called(v, name)

    def do(v: Visit) -> None:
        v.workspace.drop_second_factor(name)
        close_dialog()
        flash(t("{name} has no second factor any more.", name=called))

    texts = (
        t("For somebody whose phone is lost or new, and who has no recovery code left."),
        t("Make sure that it is {name} who asks: call back on a number that you know.", name=called),
        t("Until there is a new one, the password alone lets {name} in.", name=called),
    )
    _ask(t("Drop the second factor"), texts, t("Drop the second factor"), do)


def _lost(v: Visit, name: str) -> None:
    t, called, n = v.t, _called(v, name), len(v.workspace.sessions_of_user(name))

    def do(v: Visit) -> None:
        v.workspace.lost_device(name)
        close_dialog()
        text = N_("All sessions of {name} have ended. If the device kept the password, give a one-time password, too.")
        flash(t(text, name=called))

    texts = (
        t.plural("{n} session of {name} ends at once.", "{n} sessions of {name} end at once.", n, name=called),
        t("What was typed there and not saved is gone. The password stays as it is."),
    )
    _ask(t("Device lost"), texts, t("End all sessions"), do)


# -- leaving -----------------------------------------------------------------------------------------------------------


def _disable(v: Visit, name: str) -> None:
    """What a user leaves behind, who takes it over, and what may have left with the user."""
    t, called = v.t, _called(v, name)

    @st.dialog(t("Disable user"), on_dismiss=close_dialog)
    def dialog() -> None:
        v = visit()
        try:
            leaving = _leaving(v, name)
        except AppError as error:
            show_error(error, v.t)
            return
        st.write(t("{name} can no longer sign in, and all sessions end at once. No row is removed.", name=called))
        heir = ""
        if leaving.rows:
            texts = (
                t.plural(
                    "{name} is in charge of {n} row.", "{name} is in charge of {n} rows.", leaving.rows, name=called
                ),
                t.plural("{n} follow-up is to come.", "{n} follow-ups are to come.", leaving.follow_ups),
            )
            st.write(" ".join(texts))
            heir = _heir(v, name)
        else:
            st.write(t("{name} is in charge of no rows.", name=called))
        _downloads(v, leaving.downloads)
        if leaving.knew_workbook_password:
            st.warning(
                t("{name} knows the workbook's password. Give the workbook another one afterwards.", name=called),
                icon=":material/key:",
            )
        if st.button(t("Disable user"), key="dialog-do") and attempt(
            lambda: v.workspace.disable_user(name, hand_over_to=heir), t
        ):
            close_dialog()
            flash(t("{name} can no longer sign in.", name=called))
            if heir:
                flash(t("{name} is now in charge of the rows.", name=_called(v, heir)))
            st.rerun()

    dialog()


def _leaving(v: Visit, name: str) -> Leaving:
    """What a user leaves behind; kept until the change log has another line, since reading all of it takes time."""
    asked = (name, v.workspace.log_version)
    kept: tuple[tuple[str, tuple[int, int]], Leaving] | None = st.session_state.get("leaving")
    if not kept or kept[0] != asked:
        with st.spinner(v.t("The change log is being read.")):
            kept = st.session_state["leaving"] = (asked, v.workspace.leaving(name))
    return kept[1]


def _heir(v: Visit, name: str) -> str:
    """Who takes the rows of a user over; "" where they stay."""
    users = v.workspace.users()
    names = {"": v.t("Nobody for now")}
    names |= {
        user.name: user.display_name
        for user in users
        if user.name != name and not user.disabled and may(user.roles, "edit")
    }
    return st.selectbox(
        v.t("Who takes them over"), list(names), format_func=lambda one: names.get(one, one), key="disable-heir"
    )


def _downloads(v: Visit, downloads: Sequence[Entry]) -> None:
    t = v.t
    if not downloads:
        st.write(t("The change log has no downloads of this user."))
        return
    st.write(t("Downloaded last:"))
    table = pd.DataFrame(
        {
            "at": pd.Series([line.at for line in downloads[:_DOWNLOADS]], dtype="datetime64[s]"),
            "rows": [int(line.facts.get("rows") or 0) for line in downloads[:_DOWNLOADS]],
        }
    )
    config = {
        "at": st.column_config.DatetimeColumn(t("When"), format=f"{date_format(v)} HH:mm"),
        "rows": st.column_config.NumberColumn(t("Rows")),
    }
    st.dataframe(table, hide_index=True, column_config=config, placeholder="", alt=t("Downloads"))
    if len(downloads) > _DOWNLOADS:
        st.caption(t("and {n} more", n=t.number(len(downloads) - _DOWNLOADS)))


_DIALOGS: dict[str, Callable[[Visit, Any], None]] = {
    "one-time": _one_time,
    "reset": _reset,
    "drop-factor": _drop_factor,
    "lost": _lost,
    "disable": _disable,
}
