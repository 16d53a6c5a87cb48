"""Retention: what has ended or ends soon, and a manager's decision on it."""

from __future__ import annotations

from zlib import crc32

import pandas as pd
import streamlit as st

from lib.ui import charts
from lib.ui.decisions import ask_removal, keep_longer_form, show_removal, show_unfinished
from lib.ui.messages import attempt
from lib.ui.tables import column_config, open_row, shown
from lib.ui.visit import Visit, visit

_AT_ONCE = 500  # rows shown at a time; the next ones follow when these are done
_COLUMNS = ("id", "name", "organisation", "received", "expires", "status", "hold_reason")


def waiting(v: Visit) -> int:
    """How many rows wait for a decision now."""
    return v.workspace.due()


def show() -> None:
    v = visit()
    t = v.t
    queue = v.workspace.queue()
    st.title(t("Retention period"))
    st.caption(
        t.plural(
            "Rows are kept {n} year from the day they were received.",
            "Rows are kept {n} years from the day they were received.",
            v.workspace.settings.retention_years,
        )
    )
    unfinished = st.container()
    names = {
        "requested": t("Asked to be removed"),
        "ended": t("Ended"),
        "before_review": t("Ends before the next review, {date}", date=t.date(v.workspace.review_day)),
        "within_year": t("Ends within a year"),
    }
    first = next((name for name in names if len(queue[name])), "ended")
    chosen = st.segmented_control(
        t("Show"),
        list(names),
        default=first,
        required=True,
        format_func=lambda name: f"{names[name]} ({t.number(len(queue[name]))})",
        key="queue",
        label_visibility="collapsed",
    )
    _rows(v, chosen or first, queue[chosen or first])
    show_removal(v)
    months = v.workspace.coming_months()
    st.header(t("Ending in the coming months: {n}", n=t.number(int(months["rows"].sum()))))
    st.altair_chart(charts.coming_months(months, t), key="coming")
    with st.expander(t("The same as a table")):
        table = pd.DataFrame(
            {"month": [t.month(pd.Timestamp(m).date()) for m in months["month"]], "rows": months["rows"]}
        )
        config = {"month": st.column_config.TextColumn(t("Month")), "rows": st.column_config.NumberColumn(t("Rows"))}
        st.dataframe(table, hide_index=True, column_config=config)
    with unfinished:  # last: where it waits, the page is there already
        show_unfinished(v)


def _rows(v: Visit, name: str, rows: pd.DataFrame) -> None:
    t = v.t
    if rows.empty:
        empty = {
            "requested": t("Nobody waits to be removed."),
            "ended": t("No row's retention period has ended."),
            "before_review": t("Nothing ends before the next review."),
            "within_year": t("Nothing more ends within a year."),
        }
        st.success(empty[name], icon=":material/check_circle:")
        return
    if len(rows) > _AT_ONCE:
        st.caption(
            t("The first {n} of {total} rows, the oldest first.", n=t.number(_AT_ONCE), total=t.number(len(rows)))
        )
        rows = rows.head(_AT_ONCE)
    event = st.dataframe(
        shown(v, rows, _COLUMNS),
        # Ticks are kept by place: with any other row the table is another one, and no tick slips to a neighbour.
        key=f"retention-{name}-{crc32(','.join(rows['id']).encode())}",
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        column_config=column_config(v, _COLUMNS),
        height=420 if len(rows) > 10 else "auto",
        placeholder="",
        alt=t("Rows to review"),
    )
    chosen = [str(i) for i in rows["id"].iloc[event["selection"]["rows"]]]
    together = name == "ended"
    if not chosen:
        st.caption(t("Choose rows from the left edge of the table. The topmost box chooses all."))
    with st.container(horizontal=True, key="decisions"):
        if name != "requested":
            keep_longer_form(v, chosen, key=name)
        elif len(chosen) == 1:
            prospect_id = chosen[0]
            if st.button(t("Take back: asked to be removed")) and attempt(
                lambda: v.workspace.cancel_removal_request(prospect_id), t
            ):
                st.rerun()
        if len(chosen) == 1:
            st.button(t("Open {id}", id=chosen[0]), on_click=open_row, args=(chosen[0],))
        allowed = bool(chosen) and (together or len(chosen) == 1)
        label = t.plural("Remove {n} row", "Remove {n} rows", len(chosen)) if chosen else t("Remove")
        if st.button(label, icon=":material/delete:", disabled=not allowed, key="remove"):
            ask_removal(chosen)
    if len(chosen) > 1 and not together:
        st.caption(t("Only rows whose retention period has ended can be removed together."))
