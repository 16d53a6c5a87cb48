"""Administration: users, the state of the workbook, the settings, the change log."""

from __future__ import annotations

from dataclasses import asdict

import pandas as pd
import streamlit as st

from lib import settings
from lib.access.accounts import Account
from lib.access.roles import OPERATIONS, ROLES
from lib.errors import AppError, Invalid
from lib.i18n import LANGUAGES, N_
from lib.ui.messages import attempt, flash, plain, show_error
from lib.ui.visit import Visit, visit

ACTIONS = {
    "add": N_("Added"),
    "update": N_("Changed"),
    "remove": N_("Removed"),
    "no_marketing": N_("No marketing"),
    "allow_marketing": N_("No marketing taken back"),
    "request_removal": N_("Asked to be removed"),
    "cancel_removal_request": N_("Request for removal taken back"),
    "keep_longer": N_("Kept longer"),
    "release": N_("Keeping ended"),
    "download": N_("Excel list downloaded"),
    "rewrite": N_("Workbook written anew"),
    "add_user": N_("User added"),
    "set_roles": N_("Roles changed"),
    "disable_user": N_("User disabled"),
    "enable_user": N_("User enabled"),
    "reset_password": N_("New password given"),
    "settings": N_("Settings changed"),
}


def show() -> None:
    v = visit()
    t = v.t
    st.title(t("Administration"))
    names = {"users": t("Users"), "workbook": t("Workbook"), "settings": t("Settings"), "log": t("Change log")}
    chosen = st.segmented_control(
        t("Show"),
        list(names),
        default="users",
        required=True,
        format_func=names.__getitem__,
        key="admin",
        label_visibility="collapsed",
    )
    with st.container(key=f"admin-{chosen}"):
        {"users": _users, "workbook": _workbook, "settings": _settings, "log": _log}[chosen or "users"](v)


def _users(v: Visit) -> None:
    t, users = v.t, v.workspace.users()
    admins = [user for user in users if "admin" in user.roles and not user.disabled]
    if len(admins) == 1:
        st.warning(
            t(
                "Only {name} has the administrator's role. Give it to a second person, so that nobody is locked out.",
                name=plain(admins[0].display_name),
            ),
            icon=":material/warning:",
        )
    for user in users:
        roles = ", ".join(t(ROLES[role]) for role in ROLES if role in user.roles)
        title = f"{plain(user.display_name)} · {user.name} · {roles}"
        with st.expander(title + (f" · {t('disabled')}" if user.disabled else "")):
            _user(v, user)
    st.header(t("New user"))
    number = st.session_state.setdefault("new-user", 1)
    with st.form(f"new-user-{number}", enter_to_submit=False):
        left, right = st.columns(2)
        shown = left.text_input(t("Name"), key=f"new-name-{number}", autocomplete="off")
        name = right.text_input(t("User name"), key=f"new-user-name-{number}", autocomplete="off")
        roles = left.multiselect(
            t("Roles"),
            list(ROLES),
            ["sales"],
            format_func=lambda r: t(ROLES[r]),
            select_all=False,
            key=f"new-roles-{number}",
            placeholder=t("Choose"),
        )
        password = right.text_input(
            t("First password (at least 12 characters)"),
            type="password",
            key=f"new-password-{number}",
            autocomplete="new-password",
        )
        if st.form_submit_button(t("Add user"), type="primary") and attempt(
            lambda: v.workspace.add_user(name.strip(), shown, roles, password), t
        ):
            flash(t("{name} can sign in.", name=name.strip()))
            st.session_state["new-user"] = number + 1
            st.rerun()
    with st.expander(t("What each role may do")):
        st.dataframe(
            pd.DataFrame(
                {t(ROLES[role]): [role in allowed for allowed in OPERATIONS.values()] for role in ROLES},
                index=[t(OPERATION_NAMES[operation]) for operation in OPERATIONS],
            ),
            alt=t("What each role may do"),
        )


OPERATION_NAMES = {
    "enter": N_("Enter a prospect"),
    "read": N_("Find and read"),
    "edit": N_("Edit"),
    "count": N_("Statistics"),
    "download": N_("Download the Excel list"),
    "no_marketing": N_("Record: no marketing"),
    "request_removal": N_("Record: asked to be removed"),
    "allow_marketing": N_("Take back: no marketing"),
    "cancel_removal_request": N_("Take back: asked to be removed"),
    "retention": N_("Review retention periods"),
    "hold": N_("Keep longer"),
    "remove": N_("Remove for good"),
    "users": N_("Manage users"),
    "settings": N_("Change settings"),
    "workbook_state": N_("See the state of the workbook"),
    "change_log": N_("Read the change log"),
}


def _user(v: Visit, user: Account) -> None:
    t, key = v.t, f"user-{user.name}-{user.epoch}"
    with st.form(f"{key}-roles", border=False):
        roles = st.multiselect(
            t("Roles"),
            list(ROLES),
            [r for r in ROLES if r in user.roles],
            format_func=lambda r: t(ROLES[r]),
            select_all=False,
            key=f"{key}-r",
            placeholder=t("Choose"),
        )
        if st.form_submit_button(t("Save roles")) and attempt(lambda: v.workspace.set_roles(user.name, roles), t):
            flash(t("The roles of {name} were changed. The sessions of {name} have ended.", name=user.name))
            st.rerun()
    with st.form(f"{key}-password", border=False, clear_on_submit=False):
        password = st.text_input(
            t("New password (at least 12 characters)"), type="password", key=f"{key}-p", autocomplete="new-password"
        )
        if st.form_submit_button(t("Give new password")) and attempt(
            lambda: v.workspace.reset_password(user.name, password), t
        ):
            flash(t("{name} has a new password. The sessions of {name} have ended.", name=user.name))
            st.rerun()
    label = t("Enable user") if user.disabled else t("Disable user")
    if st.button(label, key=f"{key}-d") and attempt(lambda: v.workspace.set_disabled(user.name, not user.disabled), t):
        st.rerun()


def _workbook(v: Visit) -> None:
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
        st.write(
            t(
                "This program still holds the register as it was. It can write the workbook anew from there; "
                "what stands in its place is kept beside it."
            )
        )
        if st.button(t("Write the workbook anew")) and attempt(v.workspace.rewrite_workbook, t):
            st.rerun()


def _settings(v: Visit) -> None:
    t, now = v.t, v.workspace.settings
    wrong = st.session_state.pop("settings-wrong", {})
    with st.form("settings", enter_to_submit=False):
        values = {}
        for name, value in asdict(now).items():
            label = t(settings.LABELS[name])
            if name == "language":
                values[name] = st.selectbox(
                    label, list(LANGUAGES), list(LANGUAGES).index(value), format_func=LANGUAGES.get
                )
            elif name == "download":
                options = list(settings.DOWNLOADS)
                values[name] = st.selectbox(
                    label, options, options.index(value), format_func=lambda o: t(settings.DOWNLOADS[o])
                )
            elif isinstance(value, int):
                values[name] = st.number_input(label, value=value, step=1)
            else:
                values[name] = st.text_input(label, value, autocomplete="off")
            if name in wrong:
                st.markdown(f":red[{t.text(wrong[name])}]")
        if st.form_submit_button(t("Save settings"), type="primary"):
            try:
                v.workspace.save_settings(**values)
            except Invalid as error:
                st.session_state["settings-wrong"] = error.fields
            except AppError as error:
                show_error(error, t)
                return
            else:
                flash(t("The settings were saved."))
            st.rerun()


def _log(v: Visit) -> None:
    t, entries = v.t, v.workspace.change_log()
    st.caption(t("Who did what to which row and when, never the content."))
    names = {account.name: account.display_name for account in v.workspace.users()}
    table = pd.DataFrame(
        {
            "at": [entry.at for entry in entries],
            "by": [names.get(entry.by, entry.by) for entry in entries],
            "action": [t(ACTIONS.get(entry.action, entry.action)) for entry in entries],
            "rows": [
                ", ".join(entry.ids[:5]) + (" …" if len(entry.ids) > 5 else "") or str(entry.facts.get("rows", ""))
                for entry in entries
            ],
            "facts": [_facts(v, entry.facts) for entry in entries],
        }
    )
    day = "DD.MM.YYYY" if v.language == "fi" else "DD/MM/YYYY"
    st.dataframe(
        table,
        hide_index=True,
        lazy=True,
        column_config={
            "at": st.column_config.DatetimeColumn(t("When"), format=f"{day} HH:mm"),
            "by": st.column_config.TextColumn(t("Who")),
            "action": st.column_config.TextColumn(t("What")),
            "rows": st.column_config.TextColumn(t("Rows")),
            "facts": st.column_config.TextColumn(t("Details")),
        },
        alt=t("Change log"),
    )


def _facts(v: Visit, facts: dict[str, object]) -> str:
    """What else the log says: a reason, a user, how many columns."""
    t, said = v.t, []
    if reason := facts.get("reason"):
        said.append(t("Retention period ended") if reason == "expired" else str(reason))
    if user := facts.get("user"):
        said.append(str(user))
    if roles := facts.get("roles"):
        said.append(", ".join(t(ROLES[role]) for role in roles if role in ROLES))  # type: ignore[attr-defined]
    if fields := facts.get("fields"):
        said.append(", ".join(v.heading(code) for code in fields))  # type: ignore[attr-defined]
    if changed := facts.get("settings"):
        said.append(", ".join(t(settings.LABELS[name]) for name in changed))  # type: ignore[attr-defined]
    return " · ".join(said)
