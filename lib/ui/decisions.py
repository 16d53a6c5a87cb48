"""A manager's two decisions on rows: kept longer, or removed for good."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from lib import retention, schema
from lib.operations import TYPED_ABOVE
from lib.ui.fields import date_format
from lib.ui.messages import attempt, flash
from lib.ui.tables import close_row
from lib.ui.visit import Visit, visit


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


def removal_dialog(v: Visit, ids: Sequence[str]) -> None:
    """Ask, say what will happen, and remove."""
    t = v.t

    @st.dialog(t.plural("Remove {n} row", "Remove {n} rows", len(ids)))
    def ask() -> None:
        v = visit()
        rows = [v.workspace.row(prospect_id) for prospect_id in ids]
        st.warning(t("Removal is final. It cannot be undone."), icon=":material/delete_forever:")
        for row in rows[:TYPED_ABOVE]:
            who = ", ".join(filter(None, (row["name"], row["organisation"])))
            st.text(f"{row['id']}: {who}")
        if len(rows) > TYPED_ABOVE:
            st.caption(t("and {n} more", n=t.number(len(rows) - TYPED_ABOVE)))
        st.write(
            t(
                "The rows leave the register and its workbook. "
                "The change log keeps the date, you, the reason and the numbers."
            )
        )
        st.write(
            t("Lists that were downloaded earlier, mailing lists, business cards and calendars are cleaned by hand.")
        )
        ended = v.workspace.all_ended(ids)
        reason = "expired" if ended else st.text_input(t("Reason"), key="removal-reason", max_chars=200)
        sure = True
        if len(ids) > TYPED_ABOVE:
            typed = st.text_input(t("Type the number of rows to be removed"), key="removal-count")
            sure = typed.strip() == str(len(ids))
            if not sure:
                st.caption(t("The button opens when you have typed {n}.", n=len(ids)))
        label = t.plural("Remove {n} row", "Remove {n} rows", len(ids))
        if st.button(label, key="remove-now", disabled=not sure) and attempt(
            lambda: v.workspace.remove(ids, reason), t
        ):
            flash(t.plural("{n} row was removed for good.", "{n} rows were removed for good.", len(ids)))
            close_row()
            st.rerun()

    ask()
