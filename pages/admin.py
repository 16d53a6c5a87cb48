"""Administration: users and settings, and the parts on the workbook, the backups and the change log."""

from __future__ import annotations

from dataclasses import asdict

import pandas as pd
import streamlit as st

from lib import settings
from lib.access.accounts import Account
from lib.access.roles import OPERATIONS, ROLES
from lib.errors import AppError, Invalid
from lib.i18n import LANGUAGES, N_
from lib.ui import backups, change_log, workbook
from lib.ui.messages import attempt, flash, plain, show_error
from lib.ui.visit import Visit, visit


def show() -> None:
    v = visit()
    t = v.t
    st.title(t("Administration"))
    names = {
        "users": t("Users"),
        "workbook": t("Workbook"),
        "backups": t("Backups"),
        "settings": t("Settings"),
        "log": t("Change log"),
    }
    chosen = st.segmented_control(
        t("Show"),
        list(names),
        default="users",
        required=True,
        format_func=names.__getitem__,
        key="admin",
        label_visibility="collapsed",
    )
    if chosen != "log":
        st.session_state.pop(change_log.KEPT, None)
    with st.container(key=f"admin-{chosen}"):
        _SHOW[chosen or "users"](v)


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
        with st.expander(title + (" · " + t("disabled") if user.disabled else "")):
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
    "outside": N_("Decide on changes in Excel"),
    "workbook_state": N_("See the state of the workbook"),
    "write_workbook": N_("Let the workbook be written"),
    "workbook_password": N_("Change the workbook's password"),
    "files_aside": N_("Look after files set aside"),
    "backups": N_("See and make backups"),
    "restore": N_("Restore a backup"),
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


_SHOW = {
    "users": _users,
    "workbook": workbook.show,
    "backups": backups.show,
    "settings": _settings,
    "log": change_log.show,
}
