"""Roles in words: a field to choose them, and what each may do."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd
import streamlit as st

from lib.access.roles import OPERATIONS, ROLES
from lib.i18n import N_, Translator

OPERATION_NAMES = {
    "enter": N_("Enter a prospect"),
    "read": N_("Find and read"),
    "edit": N_("Edit"),
    "count": N_("Statistics"),
    "download": N_("Download lists"),
    "download_password": N_("Keep a download password of one's own"),
    "no_marketing": N_("Record: no marketing"),
    "request_removal": N_("Record: asked to be removed"),
    "allow_marketing": N_("Take back: no marketing"),
    "cancel_removal_request": N_("Take back: asked to be removed"),
    "retention": N_("Review retention periods"),
    "hold": N_("Keep longer"),
    "import": N_("Import tables, and take imports back"),
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
    "account": N_("One's own account"),
}


def roles_field(t: Translator, roles: Collection[str], key: str) -> list[str]:
    """A field for the roles of a user."""
    return st.multiselect(
        t("Roles"),
        list(ROLES),
        [role for role in ROLES if role in roles],
        format_func=lambda role: t(ROLES[role]) if role in ROLES else "",
        select_all=False,
        key=key,
        placeholder=t("Choose"),
    )


def roles_table(t: Translator) -> None:
    """What each role may do."""
    st.dataframe(
        pd.DataFrame(
            {t(ROLES[role]): [role in allowed for allowed in OPERATIONS.values()] for role in ROLES},
            index=[t(OPERATION_NAMES[operation]) for operation in OPERATIONS],
        ),
        alt=t("What each role may do"),
    )
