"""What was changed in the workbook with Excel and waits for a manager's decision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from lib import schema
from lib.errors import AppError, Invalid
from lib.i18n import N_
from lib.store.question import Question
from lib.ui.beside import beside
from lib.ui.decisions import ask_removal, show_removal
from lib.ui.fields import field, said_value
from lib.ui.messages import attempt, flash, plain, show_error
from lib.ui.visit import Visit, visit

_AT_ONCE = 20  # questions of a kind; the next ones follow when these are done
# The kinds in their order: what each is called, what it means, and the button that leaves all of it, where that is
# harmless.
_KINDS = {
    "new": (
        N_("Added in Excel"),
        N_("These rows are in the workbook but not in the register yet: something that every row needs is missing."),
        "",
    ),
    "missing": (
        N_("Deleted in Excel"),
        N_("These rows are no longer in the workbook. In the register they are as before, until you decide."),
        N_("Keep all"),
    ),
    "conflict": (
        N_("Changed in both places"),
        N_("These values were changed in Excel and here at the same time. The register has its own until you decide."),
        N_("Leave all"),
    ),
    "protected": (
        N_("Changed in Excel, for a manager to decide"),
        N_("Dates and grounds on which keeping and removal depend are not taken from Excel by themselves."),
        N_("Leave all"),
    ),
    "cell": (
        N_("Not understood"),
        N_("What stands in these cells does not fit their column. The register keeps what it had."),
        N_("All seen"),
    ),
}


def waiting(v: Visit) -> int:
    """How many questions wait for a decision."""
    return len(v.workspace.questions())


def show() -> None:
    v = visit()
    t = v.t
    st.title(t("Changes in Excel"))
    questions = v.workspace.questions()
    if not questions:
        st.success(
            t("Nothing waits here. Changes in the workbook that only you can decide on appear on this page."),
            icon=":material/check_circle:",
        )
        return
    st.caption(t("Everything else that was changed in the workbook has been taken over."))
    for kind in _KINDS:
        if chosen := [question for question in questions if question.kind == kind]:
            _kind(v, kind, chosen)
    show_removal(v)


def _kind(v: Visit, kind: str, questions: Sequence[Question]) -> None:
    t, (title, meaning, leave) = v.t, _KINDS[kind]
    st.header(f"{t(title)} ({t.number(len(questions))})")
    st.caption(t(meaning))
    if leave and len(questions) > 1 and st.button(t(leave), key=f"all-{kind}"):
        if attempt(lambda: v.workspace.leave_all(kind), t):
            flash(t.plural("{n} question was settled.", "{n} questions were settled.", len(questions)))
            st.rerun()
    for question in questions[:_AT_ONCE]:
        with st.container(border=True, key=f"question-{question.key}"):
            _SHOW[kind](v, question)
    if len(questions) > _AT_ONCE:
        st.caption(t("and {n} more", n=t.number(len(questions) - _AT_ONCE)))


def _heading(v: Visit, question: Question) -> dict[str, Any]:
    """Whose row it is. Returns the row as it is now."""
    row = v.workspace.row(question.id)
    who = ", ".join(filter(None, (row["name"], row["organisation"])))
    st.markdown(f"**{question.id}** {plain(who)}")
    return row


def _settle(v: Visit, question: Question, label: str, *, take: bool) -> None:
    """A button that settles the question. What goes wrong is said beside it, and the question stays."""
    if st.button(v.t(label), key=f"{'take' if take else 'leave'}-{question.key}") and attempt(
        lambda: v.workspace.answer(question.key, take=take), v.t
    ):
        st.rerun()


def _missing(v: Visit, question: Question) -> None:
    row = _heading(v, question)
    parts = [said_value(v, code, row[code]) for code in ("source", "status", "owner")]
    received = v.t("received {date}", date=v.t.date(row["received"]))
    st.caption(plain(" · ".join(filter(None, (received, *parts)))))
    with st.container(horizontal=True):
        _settle(v, question, N_("Keep it"), take=False)
        if st.button(v.t("Remove it"), icon=":material/delete:", key=f"take-{question.key}"):
            ask_removal([question.id], question.key)


def _conflict(v: Visit, question: Question) -> None:
    t, row = v.t, _heading(v, question)
    beside(v, [(question.code, question.theirs, row[question.code])], t("In Excel"), t("In the register now"))
    owners = v.workspace.owners()
    who = plain(owners.get(row["changed_by"], row["changed_by"]))
    st.caption(t("Before both it was “{value}”.", value=plain(said_value(v, question.code, question.base) or "–")))
    st.caption(t("Changed here by {who}, {when}", who=who, when=t.time(row["changed_at"])))
    with st.container(horizontal=True):
        _settle(v, question, N_("Leave it"), take=False)
        _settle(v, question, N_("Take what Excel says"), take=True)


def _protected(v: Visit, question: Question) -> None:
    row = _heading(v, question)
    values = question.row or {question.code: question.theirs}
    beside(v, [(code, value, row[code]) for code, value in values.items()], v.t("In Excel"), v.t("In the register"))
    with st.container(horizontal=True):
        _settle(v, question, N_("Leave it"), take=False)
        _settle(v, question, N_("Take what Excel says"), take=True)


def _cell(v: Visit, question: Question) -> None:
    row = _heading(v, question)
    st.write(
        v.t(
            "In the cell {cell} stands “{typed}”. That does not fit {heading}: the register has “{value}”.",
            cell=question.where,
            typed=plain(question.typed or "–"),
            heading=v.heading(question.code),
            value=plain(said_value(v, question.code, row[question.code]) or "–"),
        )
    )
    _settle(v, question, N_("Seen"), take=False)


def _new(v: Visit, question: Question) -> None:
    """What could be read of a row that was added, and a form for what it lacks."""
    t, key = v.t, question.key
    st.markdown(t("**Row {number} in Excel**", number=question.where))
    said = [f"{v.heading(code)}: {said_value(v, code, value)}" for code, value in question.row.items()]
    said += [f"{name}: {value}" for name, value in question.others.items()]
    if question.typed:
        said += [t("Not understood, {cell}", cell=line) for line in question.typed.splitlines()]
    st.text("\n".join(said))
    kept = st.session_state.setdefault("outside-new", {})
    error = kept.get(key)
    wrong = error.fields if isinstance(error, Invalid) else {}
    with st.form(f"new-{key}", border=False, enter_to_submit=False):
        typed = {}
        codes = _asked(v, question, wrong)
        for place, code in zip(st.columns(2) * len(codes), codes, strict=False):
            with place:
                # Nothing is preset: a received date that nobody gave would move the whole period.
                typed[code] = field(v, code, f"new-{key}-{code}", value=question.row.get(code), wrong=wrong)
        if error:
            show_error(error, t)
        with st.container(horizontal=True):
            add = st.form_submit_button(t("Add to the register"), key=f"take-{key}")
            leave = st.form_submit_button(t("Leave out"), key=f"leave-{key}")
    if add or leave:
        try:
            v.workspace.answer(key, take=add, values=typed)
        except AppError as refused:
            kept[key] = refused
        else:
            kept.pop(key, None)
            flash(t("The row was added.") if add else t("The row was left out."))
        st.rerun()


def _asked(v: Visit, question: Question, wrong: dict[str, Any]) -> list[str]:
    """The columns that the form asks for: what is missing or wrong, and what goes with it."""
    asked = {*v.workspace.lacking(question), *wrong}
    if "name" in asked:
        asked.add("organisation")
    if "source" in asked:
        asked.add("source_detail")
    return [code for code in schema.CODES if code in asked and code in schema.BY_CODE]


_SHOW = {"new": _new, "missing": _missing, "conflict": _conflict, "protected": _protected, "cell": _cell}
