"""What an import found, on its page: the findings of one kind at a time, and a decision for all of them or for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from lib import schema
from lib.errors import NoSuchProspect
from lib.i18n import N_, Translator
from lib.intake.checking import KINDS, Finding
from lib.intake.planning import CHOICES, choices
from lib.output.left_out import KINDS as KIND_NAMES
from lib.output.left_out import reason
from lib.ui.beside import beside
from lib.ui.fields import said_value
from lib.ui.importing import Import
from lib.ui.messages import plain, said
from lib.ui.visit import Visit

_CARDS, _LINES = 20, 100  # findings on the page
# Kinds whose findings are one line each: nothing of the register stands beside them.
_TABLED = ("new", "double", "past", "gone", "same")
_COLUMNS = ("name", "organisation", "title", "phone", "email", "source", "received", "next_contact")

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


def told(t: Translator, added: int, changed: int, asked: int) -> str:
    """What the import would do, in a line."""
    parts = [
        t.plural("{n} row is added", "{n} rows are added", added),
        t.plural("{n} row changes", "{n} rows change", changed),
    ]
    if asked:
        parts.append(t.plural("removal is asked for {n} row", "removal is asked for {n} rows", asked))
    return ", ".join(parts)


def show(v: Visit, now: Import) -> None:
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
            format_func=lambda one: _choice(t, kind, one),
            horizontal=True,
            key=f"import-all-{kind}",
        )
        if chosen != decided:
            now.decisions = now.decisions.for_kind(kind, chosen, now.desk.keys(kind))
            now.turn += 1
    at_once = _LINES if kind in _TABLED else _CARDS
    pages = -(-now.counts[kind] // at_once)
    page = 1
    if pages > 1:
        page = int(st.number_input(t("Page, of {n}", n=t.number(pages)), 1, pages, key=f"import-page-{kind}"))
    shown = now.desk.findings(kind, (page - 1) * at_once, at_once)
    if kind in _TABLED:
        _table(v, now, kind, page, shown)
        return
    for finding in shown:
        with st.container(border=True, key=f"finding-{kind}-{finding.key}"):
            _finding(v, now, finding)


def _table(v: Visit, now: Import, kind: str, page: int, shown: Sequence[Finding]) -> None:
    """Findings as lines of a table, and a choice of those that are decided otherwise than all."""
    t = v.t
    if len(CHOICES[kind]) == 2:
        for_all = now.decisions.kinds.get(kind, CHOICES[kind][0])
        otherwise = next(choice for choice in CHOICES[kind] if choice != for_all)
        names = {
            finding.key: f"{finding.key} · {_who(v, finding)}" for finding in shown if otherwise in choices(finding)
        }
        were = [finding.key for finding in shown if now.decisions.of(finding) == otherwise]
        chosen = st.multiselect(
            t("But for these rows: {decision}", decision=_choice(t, kind, otherwise)),
            list(names),
            were,
            format_func=lambda key: names.get(key, key),
            placeholder=t("None"),
            select_all=False,
            key=f"import-others-{now.turn}-{kind}-{page}",
        )
        for key in {*were} ^ {*chosen}:
            now.decisions = now.decisions.for_row(key, otherwise if key in chosen else for_all)
    lines = [_line(v, finding, explained=kind in ("double", "past")) for finding in shown]
    filled = [heading for heading in lines[0] if any(line[heading] for line in lines)]
    table = pd.DataFrame(lines, columns=filled)
    st.dataframe(table, hide_index=True, placeholder="", alt=t(KIND_NAMES[kind]))


def _line(v: Visit, finding: Finding, *, explained: bool) -> dict[str, Any]:
    t, record = v.t, finding.record
    assert record
    notes = [t.text(finding.why)] if explained and finding.why else []
    notes += [t.text(warning) for warning in record.warnings.values()]
    return {
        t("Row"): record.number,
        v.heading("id"): finding.id,
        **{v.heading(code): said_value(v, code, record.values.get(code)) for code in _COLUMNS},
        t("To note"): " ".join(notes),
    }


def _row(v: Visit, prospect_id: str) -> Mapping[str, Any]:
    """A row of the register; nothing where somebody has removed it since the check."""
    try:
        return v.workspace.row(prospect_id)
    except NoSuchProspect:
        return {}


def _who(v: Visit, finding: Finding) -> str:
    values = finding.record.values if finding.record else _row(v, finding.id)
    return ", ".join(filter(None, (str(values.get("name") or ""), str(values.get("organisation") or ""))))


def _choice(t: Translator, kind: str, choice: str) -> str:
    """A choice in words; what is not in the register yet is left out, what is stays."""
    return t("Leave out") if choice == "leave" and kind in ("new", "double", "look_alike") else t(_CHOICES[choice])


def _finding(v: Visit, now: Import, finding: Finding) -> None:
    t, record = v.t, finding.record
    where = [t("Row {number}", number=record.number)] if record else []
    where += [finding.id] if finding.id else []
    st.markdown(f"**{plain(_who(v, finding)) or '–'}** :small[{plain(' · '.join(where))}]")
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
        format_func=lambda one: _choice(t, finding.kind, one),
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
