"""A manager's two decisions on rows: kept longer, or removed for good."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from lib import retention, schema
from lib.errors import AppError, RemovalUnfinished
from lib.i18n import Translator
from lib.operations import TYPED_ABOVE
from lib.ui.dialogs import close_dialog, open_dialog, opened
from lib.ui.fields import date_format
from lib.ui.messages import attempt, error_text, flash, said, show_error, upright
from lib.ui.tables import close_row
from lib.ui.visit import Visit, visit
from lib.ui.working import begin, follow, going_on


def keep_longer_form(v: Visit, ids: Sequence[str], *, key: str) -> None:
    """A popover with the ground and the review date."""
    t = v.t
    with st.popover(t("Keep longer"), icon=":material/schedule:", disabled=not ids):
        with st.form(f"keep-{key}", border=False):
            st.write(t.plural("{n} row is kept longer.", "{n} rows are kept longer.", len(ids)))
            ground = st.selectbox(
                v.heading("hold_reason"),
                list(schema.HOLD_REASONS),
                None,
                format_func=lambda code: v.label("hold_reason", code),
                placeholder=t("Choose"),
            )
            later = retention.add_years(v.today, 1)
            until = st.date_input(t("Review date"), later, format=date_format(v), min_value=None, max_value=None)
            if st.form_submit_button(t("Keep longer"), type="primary") and attempt(
                lambda: v.workspace.keep_longer(ids, ground or "", until), t
            ):
                text = t.plural(
                    "{n} row is kept until {date}.", "{n} rows are kept until {date}.", len(ids), date=t.date(until)
                )
                flash(text)
                st.rerun()


def ask_removal(ids: Sequence[str], question: str = "") -> None:
    """Let the dialog of a removal open: see `show_removal`.

    Args:
        question: the key of the question from Excel that the removal answers, if it does.
    """
    open_dialog("removal", (list(ids), question))


def show_removal(v: Visit) -> None:
    """The dialog, if it is open: it says what will happen, removes, and shows how far the copies have followed."""
    if (about := opened("removal")) is None:
        return
    ids, question = about
    t = v.t

    @st.dialog(t.plural("Remove {n} row", "Remove {n} rows", len(ids)), on_dismiss=close_dialog)
    def dialog() -> None:
        v = visit()
        place = st.empty()
        try:
            with place.container():
                sure = _ask(v, ids, question)
        except AppError as error:  # a row is gone meanwhile
            close_dialog()
            show_error(error, t)
            return
        if sure:
            begin_erasure(v, len(ids))
            close_row()
            place.empty()
            st.write(t("The rows have left the register. Now their copies follow."))
            st.caption(t("You can close this and go on working: the removal goes on, and its end is told to you."))
            close_dialog()
            follow("erase", t("Removing from the backups:"), t)

    dialog()


def _ask(v: Visit, ids: Sequence[str], question: str) -> bool:
    """What will happen, and the button. Returns whether the rows have left the register."""
    t = v.t
    rows = [v.workspace.row(prospect_id) for prospect_id in ids]
    st.warning(t("Removal is final. It cannot be undone."), icon=":material/delete_forever:")
    for row in rows[:TYPED_ABOVE]:
        who = ", ".join(filter(None, (row["name"], row["organisation"])))
        st.text(f"{row['id']}: {upright(who)}")
    if len(rows) > TYPED_ABOVE:
        st.caption(t("and {n} more", n=t.number(len(rows) - TYPED_ABOVE)))
    st.write(
        t(
            "The rows leave the register, its workbook and every backup. "
            "The change log keeps the date, you, the reason and the numbers."
        )
    )
    st.write(t("Lists that were downloaded earlier, mailing lists, business cards and calendars are cleaned by hand."))
    reason = ""
    if not question:
        ended = v.workspace.all_ended(ids)
        reason = "expired" if ended else st.text_input(t("Reason"), key="removal-reason", max_chars=200)
    sure = True
    if len(ids) > TYPED_ABOVE:
        sure = typed_number(len(ids), t("Type the number of rows to be removed"), "removal-count", t)

    def remove() -> None:
        if question:
            v.workspace.answer(question, take=True)
        else:
            v.workspace.remove(ids, reason)

    label = t.plural("Remove {n} row", "Remove {n} rows", len(ids))
    return st.button(label, key="remove-now", disabled=not sure) and attempt(remove, t)


def typed_number(number: int, label: str, key: str, t: Translator) -> bool:
    """A field where the number has to be typed before the button opens. Returns whether it is."""
    typed = st.text_input(label, key=key)
    sure = typed.strip() == str(number)
    if not sure:
        st.caption(t("The button opens when you have typed {n}.", n=number))
    return sure


# -- the copies follow -------------------------------------------------------------------------------------------------


def begin_erasure(v: Visit, rows: int) -> None:
    """Let removed rows leave every copy, beside the pages. "Removed everywhere" is said only where it is so."""
    t, workspace = v.t, v.workspace
    rows += going_on("erase") or 0

    def done(_: None) -> None:
        flash(t.plural("{n} row was removed everywhere.", "{n} rows were removed everywhere.", rows))

    def failed(error: AppError) -> None:
        if not isinstance(error, RemovalUnfinished):
            error = RemovalUnfinished([error.text])
        flash(t("**Removal unfinished.**") + " " + error_text(error, t), "warning")

    begin("erase", workspace.erase, t, done=done, failed=failed, about=rows)


def show_unfinished(v: Visit) -> None:
    """A quiet notice while removed rows may still have copies: what stands in the way, and to try again."""
    t = v.t
    follow("erase", t("Removing from the backups:"), t)
    rows, obstacles = v.workspace.unfinished()
    if not rows:
        return
    with st.container(border=True, key="unfinished"):
        st.markdown(
            ":material/hourglass_empty: "
            + t("**Removal unfinished.**")
            + " "
            + t.plural(
                "{n} removed row may still stand in a copy. It is tried again by itself.",
                "{n} removed rows may still stand in copies. It is tried again by itself.",
                rows,
            )
            + "".join(f"\n- {said(obstacle, t)}" for obstacle in obstacles)
        )
        if st.button(t("Try again"), key="erase-again"):
            begin_erasure(v, rows)
            st.rerun()
