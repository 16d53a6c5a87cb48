"""The change log on the administration page: who did what to which row and when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from lib import settings
from lib.access.roles import ROLES
from lib.i18n import N_
from lib.register import id_of, number_of
from lib.store.aside import KINDS
from lib.store.copies import parsed
from lib.store.log import Entry
from lib.ui.backups import KIND_NAMES
from lib.ui.fields import date_format
from lib.ui.visit import Visit

ACTIONS = {
    "init": N_("Register made"),
    "add": N_("Added"),
    "update": N_("Changed"),
    "remove": N_("Removed"),
    "erased": N_("Removed everywhere"),
    "no_marketing": N_("No marketing"),
    "allow_marketing": N_("No marketing taken back"),
    "request_removal": N_("Asked to be removed"),
    "cancel_removal_request": N_("Request for removal taken back"),
    "keep_longer": N_("Kept longer"),
    "release": N_("Keeping ended"),
    "download": N_("List downloaded"),
    "outside": N_("Changed in Excel"),
    "outside_taken": N_("Change in Excel taken"),
    "outside_kept": N_("Change in Excel not taken"),
    "backup": N_("Backup made"),
    "restore": N_("Backup restored"),
    "import": N_("Table imported"),
    "undo_import": N_("Import taken back"),
    "left_out": N_("Rows left out downloaded"),
    "rekey": N_("Password of the workbook changed"),
    "rewrite": N_("Workbook written anew"),
    "salvage": N_("Went on with what was undamaged"),
    "pass_over": N_("Said that the workbook is not open"),
    "drop_aside": N_("File set aside removed"),
    "add_user": N_("User added"),
    "set_roles": N_("Roles changed"),
    "disable_user": N_("User disabled"),
    "enable_user": N_("User enabled"),
    "reset_password": N_("New password given"),
    "settings": N_("Settings changed"),
    "hand_over": N_("Rows handed over"),
    "sign_in": N_("Signed in"),
    "code_asked": N_("Password right, code asked for"),
    "sign_in_failed": N_("Sign-in failed"),
    "slowed": N_("Sign-in slowed"),
    "sign_out": N_("Signed out"),
    "session_ended": N_("Session ended"),
    "lost_device": N_("Device lost"),
    "own_password": N_("Own password changed"),
    "download_password": N_("Download password set"),
    "download_password_off": N_("Download password taken away"),
    "second_factor": N_("Second factor set up"),
    "second_factor_off": N_("Second factor taken away"),
}
# What the log is asked for: everything, or one of these.
_ACCESS = frozenset(
    {
        "sign_in",
        "code_asked",
        "sign_in_failed",
        "slowed",
        "sign_out",
        "session_ended",
        "lost_device",
        "own_password",
        "download_password",
        "download_password_off",
        "second_factor",
        "second_factor_off",
        "add_user",
        "set_roles",
        "disable_user",
        "enable_user",
        "reset_password",
    }
)
_EXPORTS = frozenset({"download"})
_KINDS: dict[str, tuple[str, frozenset[str]]] = {
    "all": (N_("Everything"), frozenset(ACTIONS)),
    "changes": (N_("Changes"), frozenset(ACTIONS) - _ACCESS - _EXPORTS),
    "access": (N_("Sign-ins and access"), _ACCESS),
    "exports": (N_("Downloads"), _EXPORTS),
}
_ENDS = {
    "ended_elsewhere": N_("ended from another device"),
    "idle": N_("not used for long"),
    "too_old": N_("its time was over"),
    "account": N_("the account was changed"),
}
_FACTORS = {"app": N_("with the app's code"), "recovery": N_("with a recovery code")}
_LISTS = {"csv": N_("CSV, not encrypted")}
_REASONS = {"expired": N_("Retention period ended"), "outside": N_("Deleted in Excel")}
_NOTICES = {
    **KINDS,
    "plain": N_("Saved without its password"),
    "older": N_("An older copy put in its place"),
}
_DAYS = 31  # shown at first
KEPT = "log-lines"  # where the session keeps them


def show(v: Visit) -> None:
    t = v.t
    st.caption(t("Who did what to which row and when, never the content."))
    kind = st.segmented_control(
        t("Show"),
        list(_KINDS),
        default="all",
        required=True,
        format_func=lambda kind: t(_KINDS[kind][0]) if kind in _KINDS else "",
        key="log-kind",
        label_visibility="collapsed",
    )
    dates: dict[str, Any] = {"format": date_format(v), "min_value": None, "max_value": None, "width": 155}
    with st.container(horizontal=True):  # two beside each other on a phone
        since = st.date_input(t("From"), v.today - dt.timedelta(days=_DAYS), key="log-from", **dates)
        until = st.date_input(t("To"), None, key="log-to", **dates)
        row = _row(st.text_input(t("Number"), key="log-number", placeholder="P-000123", autocomplete="off", width=155))
        lines = _lines(v, since, until)
        if kind in _KINDS:
            lines = lines[lines["code"].isin(_KINDS[kind][1])]
        chosen = st.multiselect(
            t("Who"), sorted(set(lines["by"])), key="log-by", placeholder=t("All"), select_all=False, width=326
        )
        done = st.multiselect(
            t("What"), sorted(set(lines["action"])), key="log-action", placeholder=t("All"), select_all=False, width=326
        )
    found = lines
    if chosen:
        found = found[found["by"].isin(chosen)]
    if done:
        found = found[found["action"].isin(done)]
    if row:
        found = found[found["ids"].str.contains(f" {row} ", regex=False)]
    st.caption(t.plural("{n} line", "{n} lines", len(found)))
    if found.empty:
        st.info(t("Nothing matches. Take a filter away, or choose a longer time."), icon=":material/search_off:")
        return
    st.dataframe(
        found.drop(columns=["ids", "code"]),
        hide_index=True,
        lazy=True,
        height=560 if len(found) > 14 else "auto",
        column_config={
            "at": st.column_config.DatetimeColumn(t("When"), format=f"{date_format(v)} HH:mm", width=140),
            "by": st.column_config.TextColumn(t("Who")),
            "action": st.column_config.TextColumn(t("What"), width=230),
            "rows": st.column_config.TextColumn(t("Rows")),
            "facts": st.column_config.TextColumn(t("Details")),
        },
        placeholder="",
        alt=t("Change log"),
    )


def _row(typed: str) -> str:
    """The id of a row from what was typed: "P-000123", or its number alone."""
    typed = typed.strip().upper()
    number = int(typed) if typed.isdecimal() else number_of(typed)
    return id_of(number) if number else typed


def _lines(v: Visit, since: dt.date | None, until: dt.date | None) -> pd.DataFrame:
    """The lines of some time as a reader sees them; kept until there is a new one, since 100,000 take two seconds."""
    kept = st.session_state.get(KEPT)
    asked = (since, until, v.language, v.workspace.log_version)
    if not kept or kept[0] != asked:
        with st.spinner(v.t("The change log is being read.")):
            kept = st.session_state[KEPT] = (asked, _table(v, v.workspace.change_log(since, until)))
    lines: pd.DataFrame = kept[1]
    return lines


def _table(v: Visit, entries: Sequence[Entry]) -> pd.DataFrame:
    t, names, facts = v.t, _names(v, entries), _Facts(v)
    labels, nobody = {action: t(label) for action, label in ACTIONS.items()}, t("No such user")
    return pd.DataFrame(
        {
            "at": pd.Series([entry.at for entry in entries], dtype="datetime64[s]"),
            "by": pd.Series([nobody if _is_nobody(entry) else names[entry.by] for entry in entries], dtype="str"),
            "action": [labels.get(entry.action, entry.action) for entry in entries],
            "rows": [_rows(entry) for entry in entries],
            "facts": [facts(entry.facts) for entry in entries],
            "code": pd.Series([entry.action for entry in entries], dtype="str"),
            "ids": pd.Series([" ".join(("", *entry.ids, "")) for entry in entries], dtype="str"),
        }
    )


def _is_nobody(entry: Entry) -> bool:
    """Whether somebody was at the door with a name that no user has."""
    return entry.by == "" and entry.action in _ACCESS


def _names(v: Visit, entries: Sequence[Entry]) -> dict[str, str]:
    """What everybody is called who stands in some lines."""
    names = {account.name: account.display_name for account in v.workspace.users()}
    shown = [account.display_name for account in v.workspace.users()]
    names.update({name: f"{names[name]} ({name})" for name in names if shown.count(names[name]) > 1})
    terminal = v.t("Terminal")
    for name in {entry.by for entry in entries} - names.keys():
        names[name] = name.replace("cli:", f"{terminal}: ")
    return {**names, "excel": "Excel", "": v.t("The program")}


def _rows(entry: Entry) -> str:
    """Which rows: the first numbers, or how many where the log names none."""
    if entry.ids:
        return ", ".join(entry.ids[:5]) + (" …" if len(entry.ids) > 5 else "")
    return str(entry.facts.get("rows") or "")


class _Facts:
    """What else a line of the log says: a reason, a user, which columns."""

    def __init__(self, v: Visit) -> None:
        self._v = v
        self._headings: dict[tuple[str, ...], str] = {}
        self._say: dict[str, Callable[[Any], str]] = {
            "reason": lambda reason: v.t(_REASONS[reason]) if reason in _REASONS else str(reason),
            "kind": lambda kind: v.t(_LISTS[kind]) if kind in _LISTS else str(kind),
            "user": str,
            "to": lambda to: v.t("to {name}", name=to),
            "roles": lambda roles: ", ".join(v.t(ROLES[role]) for role in roles if role in ROLES),
            "fields": lambda fields: self._said_headings(tuple(fields)),
            "why": lambda why: v.t(_ENDS[why]) if why in _ENDS else str(why),
            "second_factor": lambda kind: v.t(_FACTORS[kind]) if kind in _FACTORS else v.t("second factor"),
            "settings": lambda names: ", ".join(v.t(settings.LABELS[n]) for n in names if n in settings.LABELS),
            "holder": str,
            "backup": self._backup,
            "notice": lambda kinds: ", ".join(v.t(_NOTICES[kind]) for kind in kinds if kind in _NOTICES),
            "lost": lambda n: v.t.plural("{n} change lost", "{n} changes lost", n) if n else "",
            "questions": lambda n: v.t.plural("{n} question to decide", "{n} questions to decide", n) if n else "",
            "device": str,
            "address": str,
        }

    def __call__(self, facts: dict[str, Any]) -> str:
        return " · ".join(filter(None, (say(facts[name]) for name, say in self._say.items() if name in facts)))

    def _said_headings(self, codes: tuple[str, ...]) -> str:
        if codes not in self._headings:
            self._headings[codes] = ", ".join(map(self._v.heading, codes))
        return self._headings[codes]

    def _backup(self, name: str) -> str:
        copy = parsed(Path(name), 0)
        return f"{self._v.t(KIND_NAMES[copy.kind])} {self._v.t.time(copy.made)}" if copy else name
