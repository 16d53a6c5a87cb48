"""One user on the administration page: roles, the ways in, sessions, and whether the user may sign in."""

from __future__ import annotations

from html import escape

import streamlit as st

from lib.access.accounts import Account
from lib.ui.dialogs import open_dialog
from lib.ui.messages import attempt, flash, plain
from lib.ui.roles import roles_field
from lib.ui.sessions import show_sessions
from lib.ui.style import chip
from lib.ui.visit import Visit

_OPEN = "user"  # where the session keeps whose page is open


def open_user(name: str) -> None:
    """Show a user, from a callback."""
    st.session_state[_OPEN] = name


def close_user() -> None:
    """Back to the list of users."""
    st.session_state.pop(_OPEN, None)


def opened_user() -> str:
    """Whose page is open; "" for nobody's."""
    return str(st.session_state.get(_OPEN, ""))


def show(v: Visit, user: Account) -> None:
    t, own, sessions = v.t, user.name == v.account.name, v.workspace.sessions_of_user(user.name)
    st.button(t("Back to the users"), icon=":material/arrow_back:", type="tertiary", on_click=close_user)
    # No heading of Streamlit's: its anchor would put the name into the page's address.
    st.html(
        f'<div class="who">{escape(user.display_name)}</div>'
        f'<div class="quiet">{escape(t("User name: {name}", name=user.name))}</div>{chips(v, user, True)}'
    )
    if user.disabled and user.knew_workbook_password:
        _advise_password(v, user)
    with st.form(f"roles-{user.name}-{user.epoch}"):
        roles = roles_field(t, user.roles, f"roles-{user.name}-{user.epoch}-r")
        st.caption(t("Other roles end your own session.") if own else t("Other roles end the user's sessions."))
        if not st.form_submit_button(t("Save roles")):
            pass
        elif set(roles) == user.roles:
            st.caption(t("These are the roles already."))
        elif attempt(lambda: v.workspace.set_roles(user.name, roles), t):
            flash(t("The roles of {name} were changed. The sessions of {name} have ended.", name=user.name))
            st.rerun()
    with st.container(horizontal=True, key="user-acts"):
        if own:
            if st.button(t("My account"), icon=":material/person:", help=t("Your password, second factor, sessions.")):
                st.session_state["_goto"] = "account"
                st.rerun()
        else:
            _act("reset", t("New one-time password"), ":material/key:", user)
            if user.second_factor:
                _act("drop-factor", t("Drop the second factor"), ":material/phonelink_lock:", user)
            if sessions:
                _act("lost", t("Device lost"), ":material/phonelink_erase:", user)
        if not user.disabled:
            _act("disable", t("Disable user"), ":material/person_off:", user)
        elif st.button(t("Enable user"), icon=":material/person_check:") and attempt(
            lambda: v.workspace.enable_user(user.name), t
        ):
            flash(t("{name} can sign in again, with the password of before.", name=plain(user.display_name)))
            st.rerun()
    st.header(t("Sessions"), anchor=False)
    if sessions:
        show_sessions(v, sessions)
    else:
        st.caption(t("{name} is signed in nowhere.", name=plain(user.display_name)))


def _act(dialog: str, label: str, icon: str, user: Account) -> None:
    """A button that opens a dialog about a user."""
    st.button(label, icon=icon, key=f"{dialog}-open", on_click=open_dialog, args=(dialog, user.name))


def _advise_password(v: Visit, user: Account) -> None:
    t = v.t
    with st.container(border=True, key="advise-password"):
        st.markdown(
            ":material/key: "
            + t(
                "{name} knows the workbook's password. Give the workbook another one: with it, any copy opens.",
                name=plain(user.display_name),
            )
        )
        st.button(t("To the workbook's password"), on_click=lambda: st.session_state.update(admin="workbook"))


def chips(v: Visit, user: Account, always: bool = False) -> str:
    """What is special about a user, as HTML; `always` also says what is ordinary."""
    t = v.t
    facts = [chip(t("Disabled"), warn=True)] if user.disabled else []
    if user.must_change:
        facts.append(chip(t("One-time password")))
    if user.second_factor or always:
        facts.append(chip(t("Second factor") if user.second_factor else t("No second factor")))
    if user.name == v.account.name:
        facts.append(chip(t("You")))
    return f'<div class="chips">{"".join(facts)}</div>' if facts else ""
