"""The parts of an import on its page: which column is which, what was found, what is left out, what can be undone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from lib import schema
from lib.errors import NoSuchProspect
from lib.i18n import N_, Translator
from lib.intake.checking import KINDS, Finding
from lib.intake.desk import Desk, Overview
from lib.intake.matching import KEEP, NOTES, SKIP, Matching
from lib.intake.planning import CHOICES, Decisions, choices
from lib.output.excel_list import file_name, strong_password
from lib.output.left_out import KINDS as KIND_NAMES
from lib.output.left_out import reason
from lib.store.imported import Imported
from lib.ui.beside import beside
from lib.ui.messages import attempt, flash, plain, said
from lib.ui.visit import Visit
from lib.ui.working import begin, follow, going_on

_KEPT = "import"
_AT_ONCE = 20  # findings on the page
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

_MEANINGS = {
    "conflict": N_("These were changed in the file and by somebody else in the register since the download."),
    "look_alike": N_("These may be people who are in the register already. Decide for each, or leave them out."),
    "deleted": N_("These rows of the download are no longer in the file. In the register they stay, until you decide."),
    "change": N_("These people are in the register, and the file says something else about them."),
    "new": N_("These people are not in the register yet."),
    "wrong": N_("Something in these rows cannot be taken. Mend it in the file and bring it again, or leave them out."),
    "double": N_("The same person stands in the file already, further up."),
    "banned": N_("Marketing is forbidden or processing is restricted: these rows stay as they are."),
    "past": N_("The retention period of these rows is over already: they must not be kept."),
    "gone": N_("These rows were removed for good and do not come back."),
    "same": N_("The register says the same about these people."),
}
_CHOICES = {
    "add": N_("Add as a new row"),
    "take": N_("Take what the file says"),
    "part": N_("Take all but what was changed on both sides"),
    "leave": N_("Leave it"),
    "request_removal": N_("Ask for its removal"),
}


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


# -- what was found ----------------------------------------------------------------------------------------------------


def told(t: Translator, added: int, changed: int, asked: int) -> str:
    """What the import would do, in a line."""
    parts = [
        t.plural("{n} row is added", "{n} rows are added", added),
        t.plural("{n} row changes", "{n} rows change", changed),
    ]
    if asked:
        parts.append(t.plural("removal is asked for {n} row", "removal is asked for {n} rows", asked))
    return ", ".join(parts)


def findings(v: Visit, now: Import) -> None:
    """The findings of one kind at a time, with a decision for all of them or for each."""
    t = v.t
    kinds = [kind for kind in KINDS if now.counts.get(kind)]
    if not kinds:
        st.info(t("The file has no rows."))
        return
    kind = st.segmented_control(
        t("Show"),
        kinds,
        default=kinds[0],
        required=True,
        format_func=lambda one: f"{t(KIND_NAMES[one])} ({t.number(now.counts.get(one, 0))})",
        key="import-kind",
        label_visibility="collapsed",
    )
    kind = kind if kind in kinds else kinds[0]
    st.caption(t(_MEANINGS[kind]))
    if len(CHOICES[kind]) > 1:
        decided = now.decisions.kinds.get(kind, CHOICES[kind][0])
        chosen = st.radio(
            t("For all of these"),
            CHOICES[kind],
            CHOICES[kind].index(decided),
            format_func=lambda one: t(_CHOICES[one]),
            horizontal=True,
            key=f"import-all-{kind}",
        )
        if chosen != decided:
            now.decisions = now.decisions.for_kind(kind, chosen, now.desk.keys(kind))
            now.turn += 1
    pages = -(-now.counts[kind] // _AT_ONCE)
    page = 1
    if pages > 1:
        page = int(st.number_input(t("Page, of {n}", n=t.number(pages)), 1, pages, key=f"import-page-{kind}"))
    for finding in now.desk.findings(kind, (page - 1) * _AT_ONCE, _AT_ONCE):
        with st.container(border=True, key=f"finding-{kind}-{finding.key}"):
            _finding(v, now, finding)


def _finding(v: Visit, now: Import, finding: Finding) -> None:
    t, record = v.t, finding.record
    values = record.values if record else _row(v, finding.id)
    who = ", ".join(filter(None, (str(values.get("name") or ""), str(values.get("organisation") or ""))))
    where = [t("Row {number}", number=record.number)] if record else []
    where += [finding.id] if finding.id else []
    st.markdown(f"**{plain(who) or '–'}** :small[{plain(' · '.join(where))}]")
    if finding.why or (record and record.wrong):
        st.caption(plain(reason(finding, t)))
    for warning in record.warnings.values() if record else ():
        st.caption(f":material/info: {said(warning, t)}")
    lines = [(code, theirs, ours) for code, (ours, theirs) in {**finding.changes, **finding.others}.items()]
    lines += [(code, theirs, ours) for code, (ours, theirs) in finding.conflicts.items()]
    if lines:
        beside(v, lines, t("In the file"), t("In the register"))
    offered = choices(finding)
    if len(offered) < 2:
        return
    decided = now.decisions.of(finding)
    chosen = st.radio(
        t("Decision"),
        offered,
        offered.index(decided),
        format_func=lambda one: t(_CHOICES[one]),
        horizontal=True,
        label_visibility="collapsed",
        key=f"import-row-{now.turn}-{finding.kind}-{finding.key}",
    )
    if chosen != decided:
        now.decisions = now.decisions.for_row(finding.key, chosen)
    if chosen in ("take", "part") and len(lines) > 1:
        codes = [code for code, _, _ in lines]
        without = now.decisions.without.get(finding.key, frozenset())
        taken = st.multiselect(
            t("Of these"),
            codes,
            [code for code in codes if code not in without],
            format_func=lambda code: v.heading(code) if code in schema.BY_CODE else code,
            select_all=False,
            key=f"import-fields-{finding.key}",
        )
        if (leaving := frozenset(codes) - frozenset(taken)) != without:
            now.decisions = now.decisions.leaving_out(finding.key, leaving)


def _row(v: Visit, prospect_id: str) -> Mapping[str, Any]:
    """A row of the register; nothing where somebody has removed it since the check."""
    try:
        return v.workspace.row(prospect_id)
    except NoSuchProspect:
        return {}


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
