"""The backups on the administration page: made, looked at, and brought back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zlib import crc32

import pandas as pd
import streamlit as st

from lib.i18n import N_
from lib.operations import TYPED_ABOVE
from lib.store.copies import SECOND, Copy
from lib.ui.decisions import typed_number
from lib.ui.dialogs import close_dialog, open_dialog, opened
from lib.ui.fields import date_format
from lib.ui.messages import flash, plain, said
from lib.ui.visit import Visit, visit
from lib.ui.working import begin, follow

KIND_NAMES = {
    "generation": N_("Version of the workbook"),
    "daily": N_("Daily backup"),
    "manual": N_("Made by hand"),
    "restore": N_("Made before a restore"),
    "password": N_("Made before a change of the password"),
    "import": N_("Made before an import"),
}


def show(v: Visit) -> None:
    t = v.t
    _second_place(v)
    if st.button(t("Make a backup now"), type="primary"):
        workspace = v.workspace
        begin("backup", lambda _: workspace.make_backup(), t, done=lambda name: flash(t("The backup was made.")))
    backups = v.workspace.backups()
    if backups:
        _choose(v, backups)
    else:
        st.info(t("There is no backup yet. One is made every day when the workbook is written."))
    _show_restore(v)
    # Last: where it waits, the page is there already.
    follow("backup", t("The backup is being made."), t)


def _second_place(v: Visit) -> None:
    """Whether there is a second place, and what is wrong with it."""
    t, place = v.t, v.workspace.second_place()
    if not place.folder:
        st.caption(
            t(
                "The backups lie on the same disk as the register. "
                "Choose a folder on another disk in the settings: copies of them are then kept there, too."
            )
        )
        return
    warnings = []
    if place.trouble:
        warnings.append(said(place.trouble, t))
    elif place.same_disk:
        warnings.append(
            t(
                "The second place for backups, {folder}, lies on the same disk as the register. If the disk breaks, "
                "both are lost.",
                folder=plain(place.folder),
            )
        )
    if place.behind:
        warnings.append(
            t.plural(
                "{n} backup is not in the second place yet. It follows by itself.",
                "{n} backups are not in the second place yet. They follow by themselves.",
                place.behind,
            )
        )
    if warnings:
        st.warning("  \n".join(warnings), icon=":material/warning:")


def _choose(v: Visit, backups: Sequence[Sequence[Copy]]) -> None:
    """The table, and what can be done with the one that is chosen."""
    t = v.t
    second = any(copy.place == SECOND for copies in backups for copy in copies)
    table = pd.DataFrame(
        {
            "made": pd.Series([copies[0].made for copies in backups], dtype="datetime64[s]"),
            "kind": [t(KIND_NAMES[copies[0].kind]) for copies in backups],
            "rows": [copies[0].rows for copies in backups],
            "size": [f"{t.number(copies[0].size / 1024)} kB" for copies in backups],
            "place": [_place(v, copies) for copies in backups],
        }
    )
    event = st.dataframe(
        table if second else table.drop(columns="place"),
        # With any other backup the table is another one, and no tick slips to a neighbour.
        key=f"backups-{crc32(','.join(copies[0].path.name for copies in backups).encode())}",
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            "made": st.column_config.DatetimeColumn(t("Made"), format=f"{date_format(v)} HH:mm"),
            "kind": st.column_config.TextColumn(t("Kind")),
            "rows": st.column_config.NumberColumn(t("Rows")),
            "size": st.column_config.TextColumn(t("Size"), alignment="right"),
            "place": st.column_config.TextColumn(t("Where")),
        },
        placeholder="",
        alt=t("Backups"),
    )
    chosen = event["selection"]["rows"]
    if not chosen:
        st.caption(t("Choose a backup from the left edge of the table to see what a restore would change."))
        return
    _restore(v, backups[chosen[0]][0])


def _place(v: Visit, copies: Sequence[Copy]) -> str:
    seconds = {copy.place == SECOND for copy in copies}
    if seconds == {True}:
        return v.t("Second place")
    return v.t("Here and in the second place") if len(seconds) == 2 else v.t("Here")


# -- a restore ---------------------------------------------------------------------------------------------------------


def _restore(v: Visit, copy: Copy) -> None:
    """What a restore would change, and the way to it."""
    t, workspace, name = v.t, v.workspace, copy.path.name
    st.header(t("Restore the backup of {when}", when=t.time(copy.made)))

    def keep_plan(told: dict[str, Any]) -> None:
        st.session_state["restore-plan"] = {"asked": (name, exact), **told}

    exact = st.toggle(
        t("Take rows entered since away, too"),
        key="restore-exact",
        help=t("Otherwise what was entered after the backup stays."),
    )
    plan = st.session_state.get("restore-plan")
    if not plan or plan["asked"] != (name, exact):
        plan = None
        if st.button(t("See what would change")):
            begin("plan", lambda _: workspace.restore(name, exact=exact, dry_run=True), t, done=keep_plan)
    follow("plan", t("The backup is being compared with the register."), t)
    if plan:
        _plan(v, copy, plan)


def _plan(v: Visit, copy: Copy, plan: dict[str, Any]) -> None:
    t = v.t
    counts = {"back": N_("Come back"), "changed": N_("Change"), "gone": N_("Go")}
    with st.container(horizontal=True):
        for part, label in counts.items():
            st.metric(t(label), t.number(len(plan[part])), border=True, width=150)
        st.metric(t("Rows afterwards"), t.number(plan["rows"]), border=True, width=190)
    if plan["kept_away"]:
        st.caption(
            t.plural(
                "{n} row of this backup was removed for good and stays away.",
                "{n} rows of this backup were removed for good and stay away.",
                plan["kept_away"],
            )
        )
    total = sum(len(plan[part]) for part in counts)
    if not total:
        st.info(t("The register has everything that this backup has. There is nothing to restore."))
        return
    st.caption(t("No marketing, requests for removal and grounds for keeping that came since stay as they are."))
    lines = [(i, t(label), plan["fields"].get(i, ())) for part, label in counts.items() for i in plan[part]]
    st.dataframe(
        pd.DataFrame(
            {
                "id": [i for i, _, _ in lines],
                "what": [what for _, what, _ in lines],
                "columns": [", ".join(v.heading(code) for code in codes) for _, _, codes in lines],
            }
        ),
        hide_index=True,
        lazy=True,
        height=420 if len(lines) > 10 else "auto",
        column_config={
            "id": st.column_config.TextColumn(v.heading("id"), width=110),
            "what": st.column_config.TextColumn(t("What"), width=140),
            "columns": st.column_config.TextColumn(t("Columns")),
        },
        placeholder="",
        alt=t("What would change"),
    )
    if st.button(t("Restore this backup"), icon=":material/settings_backup_restore:"):
        open_dialog("restore", (plan["asked"], t.time(copy.made), total))


def _show_restore(v: Visit) -> None:
    """The dialog, if it is open: it asks, restores and says what was done."""
    if (about := opened("restore")) is None:
        return
    (name, exact), when, total = about
    t = v.t

    def done(told: dict[str, Any]) -> None:
        n = len(told["back"]) + len(told["changed"]) + len(told["gone"])
        flash(t.plural("The backup was restored: {n} row changed.", "The backup was restored: {n} rows changed.", n))
        st.session_state.pop("restore-plan", None)

    @st.dialog(t("Restore this backup"), on_dismiss=close_dialog)
    def dialog() -> None:
        workspace = visit().workspace
        place = st.empty()
        with place.container():
            st.write(t("The register becomes as it was on {when}.", when=when))
            st.write(t.plural("{n} row changes.", "{n} rows change.", total))
            st.write(t("A backup of how it is now is made first, so this can be taken back."))
            sure = total <= TYPED_ABOVE or typed_number(
                total, t("Type the number of rows that change"), "restore-count", t
            )
            pressed = st.button(t("Restore"), key="restore-now", disabled=not sure)
        if pressed:
            begin("restore", lambda _: workspace.restore(name, exact=exact, dry_run=False), t, done=done)
            close_dialog()
            place.empty()
            st.caption(t("You can close this and go on working: its end is told to you."))
            follow("restore", t("The backup is being restored."), t)

    dialog()
