"""One's own account: who one is here, the ways in, and where one is signed in."""

from __future__ import annotations

from html import escape

import streamlit as st

from lib.access.roles import ROLES
from lib.access.second_factor import required
from lib.ui.messages import attempt, flash
from lib.ui.sessions import show_sessions
from lib.ui.style import chip, link
from lib.ui.visit import Visit, visit


def show() -> None:
    v = visit()
    st.title(v.t("My account"))
    with st.container(key="account"):
        _who(v)
        _ways_in(v)
        if v.workspace.may("download_password"):
            _download_password(v)
        _sessions(v)


def _who(v: Visit) -> None:
    t, account = v.t, v.account
    # No heading of Streamlit's: its anchor would put the name into the page's address.
    roles = "".join(chip(t(ROLES[role])) for role in ROLES if role in account.roles)
    st.html(
        f'<div class="who">{escape(account.display_name)}</div>'
        f'<div class="quiet">{escape(t("User name: {name}", name=account.name))}</div><div class="chips">{roles}</div>'
    )


def _ways_in(v: Visit) -> None:
    """Password and second factor; both are changed on pages of their own, outside of Streamlit."""
    t, has = v.t, v.account.second_factor
    st.header(t("Signing in"), anchor=False)
    _way("password", t("Password"), t("A new one signs you out on every other device."), t("Change password"))
    if has:
        said = t("Signing in also asks for a code from your authenticator app.")
    elif required(v.account.roles, v.workspace.settings.second_factor_for):
        said = t("Your role requires one.")
    else:
        said = t("With one, a stolen password alone does not let anybody in.")
    label = t("Manage the second factor") if has else t("Set up the second factor")
    _way("second-factor", t("Second factor"), said, label, chip(t("On") if has else t("Off")))


def _way(path: str, name: str, said: str, label: str, state: str = "") -> None:
    """A way to one of the gate's own pages."""
    with st.container(border=True, key=f"way-{path}"):
        st.html(
            f'<div class="way"><div><div class="line"><strong>{escape(name)}</strong> {state}</div>'
            f'<div class="quiet">{escape(said)}</div></div>{link(f"/{path}", label)}</div>'
        )


def _download_password(v: Visit) -> None:
    """The password that one's own lists are sealed with: set, replaced, taken away; it is never shown."""
    t, has = v.t, v.workspace.has_download_password
    st.header(t("Lists that you download"), anchor=False)
    with st.container(border=True, key="way-download"):
        name, state = t("Download password"), t("Set") if has else t("Not set")
        said = t("Your Excel lists can be sealed with it, so that you need not note a new password for each.")
        st.html(
            f'<div class="line"><strong>{escape(name)}</strong> {chip(state)}</div>'
            f'<div class="quiet">{escape(said)}</div>'
        )
        # Another field after each change: nothing that was typed stays.
        changes = st.session_state.setdefault("download-password-changes", 0)
        with st.form("download-password", border=False, enter_to_submit=False):
            password = st.text_input(
                t("New download password (at least 12 characters)"),
                key=f"download-password-{changes}",
                type="password",
                autocomplete="new-password",
            )
            st.caption(t("Choose another one than you sign in with: whoever gets a list may get its password, too."))
            sent = st.form_submit_button(t("Replace the download password") if has else t("Set a download password"))
        if sent and attempt(lambda: v.workspace.set_download_password(password), t):
            st.session_state["download-password-changes"] = changes + 1
            flash(t("Your lists can be sealed with the new password. Earlier ones keep the password that they have."))
            st.rerun()
        if has and st.button(t("Take the download password away")) and attempt(v.workspace.drop_download_password, t):
            flash(t("You have no download password any more. Earlier lists keep the password that they have."))
            st.rerun()


def _sessions(v: Visit) -> None:
    t, workspace = v.t, v.workspace
    this, sessions = workspace.own_session_id, workspace.own_sessions()
    others = [session for session in sessions if session.id != this]
    st.header(t("Where you are signed in"), anchor=False)
    show_sessions(v, sessions, this=this, end=workspace.end_own_session)
    if others:
        label = t.plural("Sign out on {n} other device", "Sign out on {n} other devices", len(others))
        if st.button(label, icon=":material/logout:", key="end-others") and attempt(
            lambda: [workspace.end_own_session(session.id) for session in others], t
        ):
            flash(t("You are signed out everywhere else."))
            st.rerun()
        st.caption(t("Is there a device that you do not know? Sign out there, then change your password."))
    else:
        st.caption(t("You are signed in nowhere else."))
    st.caption(_limits(v))


def _limits(v: Visit) -> str:
    """How long a session lasts, by the settings."""
    t, settings = v.t, v.workspace.settings
    text = t(
        "A session ends after {idle} hours without use, and after {most} hours in any case.",
        idle=t.number(settings.idle_hours),
        most=t.number(settings.session_hours),
    )
    if settings.own_device_days:
        text += " " + t.plural(
            "On a device of one's own it lasts {n} day.",
            "On a device of one's own it lasts {n} days.",
            settings.own_device_days,
        )
    return text
