"""The parts of an import on its page: which column is which, what was found, what is left out, what can be undone."""

from __future__ import annotations

from dataclasses import dataclass, field

import streamlit as st

from lib import schema
from lib.intake.desk import Desk, Overview
from lib.intake.matching import KEEP, NOTES, SKIP, Matching
from lib.intake.planning import Decisions
from lib.output.excel_list import file_name, strong_password
from lib.store.imported import Imported
from lib.ui.messages import attempt, flash, plain
from lib.ui.visit import Visit
from lib.ui.working import begin, follow, going_on

_KEPT = "import"
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass
class Import:
    """One import of this visitor, and how far it has come."""

    desk: Desk
    overview: Overview
    name: str
    step: str = "file"
    matching: Matching | None = None
    erase: bool = False
    counts: dict[str, int] = field(default_factory=dict)
    decisions: Decisions = field(default_factory=Decisions)
    rows: int = 0
    turn: int = 0  # another one draws the choices anew


def current() -> Import | None:
    """The import that this visitor is at."""
    found: Import | None = st.session_state.get(_KEPT)
    return found


def start(desk: Desk, overview: Overview, name: str) -> None:
    st.session_state[_KEPT] = Import(desk, overview, name)


def end() -> None:
    """Forget the import and everything of its file."""
    if now := st.session_state.pop(_KEPT, None):
        now.desk.close()


# -- which column is which ---------------------------------------------------------------------------------------------


def targets(v: Visit, matching: Matching) -> Matching:
    """For each column of the file a choice of what it is."""
    t = v.t
    options = [*schema.CODES, KEEP, NOTES, SKIP]
    names = {code: v.heading(code) for code in schema.CODES}
    names |= {KEEP: t("Keep as a column of its own"), NOTES: t("Into the notes"), SKIP: t("Leave out")}
    for column in matching.columns:
        with st.container(border=True, key=f"column-{column.position}"):
            what, which = st.columns([3, 2], vertical_alignment="center")
            heading = column.heading or t("Column {n}", n=column.position + 1)
            what.markdown(f"**{plain(heading)}**")
            what.caption(plain(" · ".join(sample[:60] for sample in column.samples)) or t("Empty"))
            target = which.selectbox(
                t("What it is: {heading}", heading=heading),
                options,
                options.index(column.target),
                format_func=lambda one: names.get(one, one),
                key=f"import-target-{column.position}",
                label_visibility="collapsed",
            )
            if target != column.target:
                matching = matching.with_target(column.position, target)
            if len(column.orders) > 1 and target not in (KEEP, NOTES, SKIP):
                matching = _order(v, matching, column.position, column.orders, column.order, which)
    return matching


def _order(v: Visit, matching: Matching, position: int, orders: tuple[str, ...], order: str, place: object) -> Matching:
    words = {
        "dmy": v.t("day, month, year"),
        "mdy": v.t("month, day, year"),
        "ymd": v.t("year, month, day"),
    }
    chosen = st.radio(
        v.t("In which order do these dates stand?"),
        orders,
        orders.index(order) if order in orders else None,
        format_func=lambda one: words.get(one, one),
        key=f"import-order-{position}",
        horizontal=True,
    )
    return matching.with_order(position, chosen) if chosen and chosen != order else matching


def choose_source(v: Visit, source: str) -> str | None:
    options = list(schema.SOURCES)
    return st.selectbox(
        v.heading("source"),
        options,
        options.index(source) if source in options else None,
        format_func=lambda code: v.label("source", code),
        placeholder=v.t("Choose"),
        key="import-source",
    )


# -- afterwards --------------------------------------------------------------------------------------------------------


def report(v: Visit, now: Import) -> None:
    """The rows that were left out, to take along, in the shape of the file that came."""
    t, workspace = v.t, v.workspace
    _, rows = now.desk.left_out(now.decisions)
    if not rows:
        st.caption(t("No row was left out."))
        return
    st.write(t.plural("{n} row was left out.", "{n} rows were left out.", len(rows)))
    password = st.session_state.setdefault("import-report-password", strong_password())
    st.caption(t("The list of them, with the reason for each, opens with this password:"))
    st.code(password, language=None)
    desk, decisions, language = now.desk, now.decisions, v.language
    st.download_button(
        t("Download the rows that were left out"),
        lambda: workspace.left_out(desk, decisions, password=password, language=language),
        file_name=file_name(language, v.today).replace(".xlsx", "-x.xlsx"),
        mime=_XLSX,
        icon=":material/download:",
    )


def show_undoable(v: Visit) -> None:
    """The imports that can be taken back, and the removal of their rows' copies going on."""
    t = v.t
    if going_on("erase"):
        follow("erase", t("Removing from the backups:"), t)
        return
    imports = v.workspace.undoable_imports()
    if not imports:
        return
    st.subheader(t("Can be taken back"), anchor=False)
    owners = v.workspace.owners()
    for one in imports:
        with st.container(
            border=True, horizontal=True, vertical_alignment="center", key=f"undo-{one.made:%Y%m%d%H%M%S}"
        ):
            who = plain(owners.get(one.by, one.by))
            st.markdown(f"{t.time(one.made)} · {who} · {t.plural('{n} row', '{n} rows', one.rows)}")
            if st.button(t("Take this import back"), icon=":material/undo:", key=f"undo-do-{one.made:%Y%m%d%H%M%S}"):
                _undo(v, one)


def _undo(v: Visit, one: Imported) -> None:
    t, workspace = v.t, v.workspace
    undone: list[tuple[int, int, int]] = []
    if not attempt(lambda: undone.append(workspace.undo_import(one.made)), t):
        return
    removed, set_back, stay = undone[0]
    flash(
        t(
            "The import was taken back: {removed} rows removed, {back} with their values of before, {stay} as they "
            "are, since somebody has changed them.",
            removed=t.number(removed),
            back=t.number(set_back),
            stay=t.number(stay),
        )
    )
    if removed:
        begin("erase", lambda progress: workspace.erase(progress), t, done=lambda _: None, about=removed)
    st.rerun()
