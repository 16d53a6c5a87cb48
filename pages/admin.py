"""Administration: the settings, and the parts on users, the workbook, the backups and the change log."""

from __future__ import annotations

from dataclasses import asdict

import streamlit as st

from lib import settings
from lib.errors import AppError, Invalid
from lib.i18n import LANGUAGES
from lib.ui import backups, change_log, users, workbook
from lib.ui.messages import flash, show_error
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


# The settings that are chosen from a list.
_CHOICES = {"download": settings.DOWNLOADS, "second_factor_for": settings.SECOND_FACTOR_FOR}


def _choice(v: Visit, name: str, value: str) -> str:
    words = _CHOICES[name]
    return st.selectbox(
        v.t(settings.LABELS[name]), list(words), list(words).index(value), format_func=lambda o: v.t(words.get(o, o))
    )


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
            elif name in _CHOICES:
                values[name] = _choice(v, name, value)
            elif isinstance(value, bool):
                values[name] = st.checkbox(label, value)
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
    "users": users.show,
    "workbook": workbook.show,
    "backups": backups.show,
    "settings": _settings,
    "log": change_log.show,
}
