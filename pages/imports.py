"""A table comes in: read, matched, checked, applied; each step can be gone back to until the last."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pandas as pd
import streamlit as st

from lib.errors import AppError, NeedsPassword, WrongPassword
from lib.i18n import N_, Translator
from lib.intake.desk import Overview
from lib.intake.files import Value
from lib.ui import findings, importing
from lib.ui.fields import date_format
from lib.ui.importing import Import
from lib.ui.messages import flash, plain, said, show_error
from lib.ui.visit import Visit, visit
from lib.ui.working import begin, follow, going_on

_KINDS = ["xlsx", "xlsm", "xls", "xlsb", "ods", "csv", "txt", "tsv"]
_STEPS = {"file": N_("1. File"), "columns": N_("2. Columns"), "check": N_("3. Check"), "done": N_("4. Done")}


def show() -> None:
    v = visit()
    t = v.t
    st.title(t("Import"))
    now = importing.current()
    step = now.step if now else "file"
    st.progress((list(_STEPS).index(step) + 1) / len(_STEPS), t(_STEPS[step]))
    if going_on("import-read"):
        follow("import-read", t("The file is being read."), t)
    elif going_on("import-check"):
        follow("import-check", t("The rows are compared with the register."), t)
    elif going_on("import-apply"):
        follow("import-apply", t("The rows are taken in. A backup is made first."), t)
    elif now is None:
        _file(v)
    else:
        _SHOW[step](v, now)


# -- 1: the file -------------------------------------------------------------------------------------------------------


def _file(v: Visit) -> None:
    t = v.t
    st.write(t("Bring in a list: Excel, LibreOffice or CSV, also an export of another system, also with a password."))
    st.caption(t("Nothing changes before the last step, and even then it can be taken back."))
    refused = st.session_state.get("import-refused")
    uploaded = st.file_uploader(
        t("File"),
        type=_KINDS,
        key=f"import-file-{st.session_state.get('import-turn', 0)}",
        label_visibility="collapsed",
    )
    password = ""
    if uploaded and isinstance(refused, (NeedsPassword, WrongPassword)):
        password = st.text_input(t("Password of the file"), type="password", key="import-password", autocomplete="off")
    if refused:
        show_error(refused, t)
    if uploaded and st.button(
        t("Read the file"), type="primary", disabled=bool(refused) and not password and _asks(refused)
    ):
        content, name, workspace = uploaded.getvalue(), uploaded.name, v.workspace

        def done(read: tuple[Any, Overview]) -> None:
            st.session_state.pop("import-refused", None)
            st.session_state["import-turn"] = st.session_state.get("import-turn", 0) + 1  # the upload is out of memory
            importing.start(*read, name)

        def failed(error: AppError) -> None:
            st.session_state["import-refused"] = error

        begin(
            "import-read",
            lambda _: workspace.begin_import(content, name, password),
            t,
            done=done,
            failed=failed,
            about=name,
        )
        st.rerun()
    importing.show_undoable(v)


def _asks(refused: AppError) -> bool:
    return isinstance(refused, (NeedsPassword, WrongPassword))


def _read(v: Visit, now: Import) -> None:
    """What the file holds: which of its tables, and where its headings stand."""
    t, overview = v.t, now.overview
    st.markdown(f"**{plain(now.name)}**")
    for note in overview.notes:
        st.caption(said(note, t))
    if overview.downloaded:
        who, when = overview.downloaded
        owners = v.workspace.owners()
        text = t(
            "This is a list of this register, downloaded by {who}, {when}.", who=owners.get(who, who), when=t.time(when)
        )
        st.info(plain(text) + " " + t("Only what was changed in it since is brought back."), icon=":material/sync:")
    names = [sheet.name for sheet in overview.sheets]
    sheet = 0
    if len(names) > 1:
        sheet = st.selectbox(t("Sheet"), range(len(names)), format_func=lambda n: names[n], key="import-sheet")
    table = overview.sheets[sheet]
    st.write(t.plural("{n} row", "{n} rows", table.rows))
    for note in table.notes:
        st.caption(said(note, t))
    headings = [heading or f"({n})" for n, heading in enumerate(table.headings, 1)]
    rows = [[_text(value, t) for value in row] for row in table.first]
    unique = [f"{heading}{' ' * headings[:n].count(heading)}" for n, heading in enumerate(headings)]
    st.dataframe(pd.DataFrame(rows, columns=unique), hide_index=True, alt=t("The first rows"), placeholder="")
    with st.expander(t("The headings stand elsewhere")):
        where = st.number_input(
            t("Row of the headings in the file; 0: there are none"), 0, 1000, value=None, step=1, key="import-heading"
        )
    with st.container(horizontal=True):
        _back(v, now)
        if st.button(t("Go on"), type="primary", key="import-on"):
            heading_row = -1 if where is None else None if where == 0 else int(where) - 1
            try:
                now.matching = v.workspace.match(now.desk, sheet, heading_row)
            except AppError as error:
                show_error(error, t)
            else:
                now.step = "columns"
                st.rerun()


def _text(value: Value, t: Translator) -> str:
    """A cell as a reader sees it."""
    if isinstance(value, dt.datetime) and value.time() != dt.time():
        return t.time(value)
    return t.date(value) if isinstance(value, dt.date) else "" if value is None else str(value)


def _back(v: Visit, now: Import, step: str = "") -> None:
    """A button to an earlier step; out of the import where none is named."""
    label = v.t("Back") if step else v.t("Another file")
    if st.button(label, icon=":material/arrow_back:", key=f"import-back-{now.step}"):
        if step:
            now.step = step
        else:
            importing.end()
        st.rerun()


# -- 2: the columns ----------------------------------------------------------------------------------------------------


def _columns(v: Visit, now: Import) -> None:
    t = v.t
    assert now.matching
    st.write(
        t("Which column is which. What the register has no column for is kept beside it, unless you say otherwise.")
    )
    now.matching = importing.targets(v, now.matching)
    st.subheader(t("For all rows that do not say it"), anchor=False)
    one, two, three = st.columns(3)
    with one:
        source = importing.choose_source(v, now.matching.source)
    detail = two.text_input(
        v.heading("source_detail"), now.matching.source_detail, key="import-detail", autocomplete="off"
    )
    received = three.date_input(
        v.heading("received"),
        now.matching.received,
        format=date_format(v),
        max_value=v.today,
        min_value=None,
        key="import-received",
        help=t("The retention period counts from this day. It is never today unless you say so."),
    )
    now.matching = now.matching.stating(source=source or "", source_detail=detail, received=received)
    now.erase = st.checkbox(t("An empty cell empties the field in the register"), now.erase, key="import-erase")
    missing = [] if now.overview.downloaded else now.matching.missing()
    for text in missing:
        st.warning(said(text, t), icon=":material/info:")
    with st.container(horizontal=True):
        _back(v, now, "read")
        if st.button(t("Check the rows"), type="primary", disabled=bool(missing), key="import-check-do"):
            _check(v, now)
            st.rerun()


def _check(v: Visit, now: Import) -> None:
    workspace, matching, desk, erase = v.workspace, now.matching, now.desk, now.erase
    assert matching

    def done(counts: dict[str, int]) -> None:
        now.counts, now.step = counts, "check"

    begin("import-check", lambda _: workspace.check_table(desk, matching, erase=erase), v.t, done=done, about=now.name)


# -- 3: the check ------------------------------------------------------------------------------------------------------


def _checked(v: Visit, now: Import) -> None:
    t = v.t
    findings.show(v, now)
    draft = now.desk.draft(now.decisions)
    told = findings.told(t, len(draft.add), len({*draft.set, *draft.others}), len(draft.request_removal))
    st.divider()
    st.markdown(f"**{told}**")
    with st.container(horizontal=True):
        _back(v, now, "columns")
        if st.button(t("Import the rows"), type="primary", disabled=not draft, key="import-apply-do"):
            workspace, desk, decisions = v.workspace, now.desk, now.decisions

            def done(rows: int) -> None:
                now.step, now.rows = "done", rows

            begin(
                "import-apply",
                lambda progress: workspace.apply_import(desk, decisions, progress),
                t,
                done=done,
                about=now.name,
            )
            st.rerun()
        if st.button(t("Check again"), key="import-again"):
            _check(v, now)
            st.rerun()


# -- 4: done -----------------------------------------------------------------------------------------------------------


def _done(v: Visit, now: Import) -> None:
    t = v.t
    st.success(t.plural("{n} row was imported or changed.", "{n} rows were imported or changed.", now.rows))
    importing.report(v, now)
    importing.show_undoable(v)
    if st.button(t("Import another file"), key="import-next"):
        importing.end()
        flash(t("The import is over; its file is no longer in memory."))
        st.rerun()


_SHOW: dict[str, Callable[[Visit, Import], None]] = {
    "file": _read,
    "read": _read,
    "columns": _columns,
    "check": _checked,
    "done": _done,
}
