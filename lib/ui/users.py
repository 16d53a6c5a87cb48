"""The users on the administration page: who there is, who is slowed, and a new one."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import pandas as pd
import streamlit as st

from lib.access.accounts import Account
from lib.access.roles import ROLES
from lib.i18n import N_
from lib.ui import user
from lib.ui.dialogs import open_dialog
from lib.ui.messages import attempt, plain
from lib.ui.roles import roles_field, roles_table
from lib.ui.user_dialogs import show_dialog
from lib.ui.visit import Visit

# Where a user is slowed that is no address.
_PLACES = {"browser": N_("Known browser"), "known": N_("Known addresses")}


def show(v: Visit) -> None:
    users = v.workspace.users()
    chosen = next((one for one in users if one.name == user.opened_user()), None)
    if chosen:
        user.show(v, chosen)
    else:
        _list(v, users)
    show_dialog(v)


def _list(v: Visit, users: Sequence[Account]) -> None:
    t = v.t
    admins = [one for one in users if "admin" in one.roles and not one.disabled]
    if len(admins) == 1:
        st.warning(
            t(
                "Only {name} has the administrator's role. Give it to a second person, so that nobody is locked out.",
                name=plain(admins[0].display_name),
            ),
            icon=":material/warning:",
        )
    _slowed(v)
    with st.container(key="users", gap="small"):
        for one in sorted(users, key=lambda one: (one.disabled, one.display_name.casefold())):
            _line(v, one)
    _new_user(v)
    with st.expander(t("What each role may do")):
        roles_table(t)


def _line(v: Visit, one: Account) -> None:
    """A user in the list: the name opens the user's page."""
    roles = ", ".join(v.t(ROLES[role]) for role in ROLES if role in one.roles)
    with st.container(border=True, key=f"user-line-{one.name}", gap=None):
        name = plain(one.display_name)
        st.button(name, key=f"open-{one.name}", type="tertiary", on_click=user.open_user, args=(one.name,))
        st.html(f'<div class="quiet">{escape(one.name)} · {escape(roles)}</div>{user.chips(v, one)}')


def _slowed(v: Visit) -> None:
    """Who is slowed for wrong passwords, and how long still."""
    t, slowed = v.t, v.workspace.slowed()
    if not slowed:
        return
    names = {account.name: account.display_name for account in v.workspace.users()}
    known = [one for one in slowed if one.user or one.address]
    with st.container(border=True, key="slowed"):
        st.markdown(
            ":material/speed: **"
            + t("Slowed for wrong passwords")
            + "**  \n"
            + t("Everybody may try again after the time given; nobody is locked out.")
        )
        if known:
            st.dataframe(
                pd.DataFrame(
                    {
                        "user": [names.get(one.user, "") for one in known],
                        "address": [t(_PLACES[one.where]) if one.where else one.address for one in known],
                        "left": [
                            t.plural("{n} second", "{n} seconds", one.seconds) if one.seconds else "–" for one in known
                        ],
                        "failures": [one.failures for one in known],
                    }
                ),
                hide_index=True,
                height=320 if len(known) > 8 else "auto",
                column_config={
                    "user": st.column_config.TextColumn(t("User")),
                    "address": st.column_config.TextColumn(t("Address")),
                    "failures": st.column_config.NumberColumn(t("Wrong attempts")),
                    "left": st.column_config.TextColumn(t("Waits still"), alignment="right"),
                },
                placeholder="",
                alt=t("Slowed for wrong passwords"),
            )
        if others := len(slowed) - len(known):
            st.caption(
                t.plural(
                    "{n} name that no user has, or address that is not in the change log.",
                    "{n} names that no user has, or addresses that are not in the change log.",
                    others,
                )
            )


def _new_user(v: Visit) -> None:
    t = v.t
    st.header(t("New user"), anchor=False)
    number = st.session_state.setdefault("new-user", 1)
    with st.form(f"new-user-{number}", enter_to_submit=False):
        left, right = st.columns(2)
        shown = left.text_input(t("Name"), key=f"new-name-{number}", autocomplete="off", max_chars=100)
        name = right.text_input(t("User name"), key=f"new-user-name-{number}", autocomplete="off", max_chars=32)
        roles = roles_field(t, ["sales"], f"new-roles-{number}")
        st.caption(t("The program makes a one-time password. It is shown when you have added the user."))
        if not st.form_submit_button(t("Add user"), type="primary"):
            return
        name, made = name.strip(), ""

        def add() -> None:
            nonlocal made
            made = v.workspace.add_user(name, shown, roles)

        if attempt(add, t):
            st.session_state["new-user"] = number + 1
            open_dialog("one-time", (name, made))
            st.rerun()
