"""Statistics: how many leads from each source, and when they arrived."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import streamlit as st

from lib import schema, statistics
from lib.i18n import N_
from lib.statistics import Period
from lib.ui import charts
from lib.ui.fields import date_format
from lib.ui.style import source_word
from lib.ui.visit import Visit, visit

PERIODS = {
    "this_week": N_("This week"),
    "last_week": N_("Last week"),
    "this_month": N_("This month"),
    "last_30_days": N_("Last 30 days"),
    "this_quarter": N_("This quarter"),
    "this_year": N_("This year"),
    "last_12_months": N_("Last 12 months"),
    "all": N_("All time"),
    "own": N_("Own period"),
}


def show() -> None:
    v = visit()
    t = v.t
    st.title(t("Statistics"))
    frame = v.workspace.counted()
    if frame.empty:
        st.info(
            t("Here you will see where leads come from and when. Enter the first prospect."),
            icon=":material/bar_chart:",
        )
        return
    period = _period(v)
    if period is None:
        return
    total = statistics.total(frame, period)
    _headline(v, frame, period, total)
    if not total:
        st.info(t("No leads arrived in this period. Choose a longer one."))
        return
    _sources(v, frame, period)
    _arrivals(v, frame, period)


def _period(v: Visit) -> Period | None:
    t = v.t
    chosen, own = st.columns([1, 2])
    name = chosen.selectbox(
        t("Period"),
        list(PERIODS),
        list(PERIODS).index("this_year"),
        format_func=lambda p: t(PERIODS[p]),
        key="period",
        persist_state="session",
    )
    days = None
    if name == "own":
        start = dt.date(v.today.year, 1, 1)
        days = own.date_input(
            t("From and to"), (start, v.today), format=date_format(v), key="period-own", persist_state="session"
        )
        if len(days) != 2:
            st.caption(t("Choose the last day, too."))
            return None
    return statistics.period(name, v.today, days)


def _headline(v: Visit, frame: pd.DataFrame, period: Period, total: int) -> None:
    """What is seen, in one sentence, with the change against the time before."""
    t = v.t
    when = t(PERIODS[period.name]) if period.start is None else f"{t.date(period.start)}–{t.date(period.end)}"
    text = t("Leads by source, {when}: {n}", when=when, n=t.number(total))
    change, before = statistics.change(frame, period, v.today), statistics.previous(period)
    if change is not None and before:
        share = t.percent(abs(change))
        than = f"{t.date(before.start)}–{t.date(before.end)}"
        if round(change, 2) == 0:
            text += t(", as many as in {than}", than=than)
        elif change > 0:
            text += t(", {share} more than in {than}", share=share, than=than)
        else:
            text += t(", {share} fewer than in {than}", share=share, than=than)
    st.header(text)


def _sources(v: Visit, frame: pd.DataFrame, period: Period) -> None:
    t = v.t
    counts = statistics.by_source(frame, period)
    chart, table = st.columns([3, 2])
    with chart:
        picked = st.altair_chart(charts.by_source(counts, t), key="by-source", on_select="rerun", selection_mode="pick")
    points = picked["selection"].get("pick", [])
    if points and points[0]["code"]:
        _rows_behind(v, points[0]["code"], period)
    with table:
        st.dataframe(
            pd.DataFrame(
                {
                    "source": [source_word(code, t) for code in counts["source"]],
                    "rows": counts["rows"],
                    "share": [t.percent(share) for share in counts["share"]],
                }
            ),
            hide_index=True,
            column_config={
                "source": st.column_config.TextColumn(t("Source")),
                "rows": st.column_config.NumberColumn(t("Leads"), format="localized"),
                "share": st.column_config.TextColumn(t("Share"), alignment="right"),
            },
            alt=t("Leads by source"),
        )
        if v.workspace.may("read"):
            source = st.selectbox(
                t("Show the rows of"),
                list(schema.SOURCES),
                None,
                format_func=lambda c: v.label("source", c),
                placeholder=t("Choose a source"),
            )
            if source:
                _rows_behind(v, source, period)


def _rows_behind(v: Visit, source: str, period: Period) -> None:
    """The list page with this source and period."""
    address = {"source": source}
    if period.start:
        address["from"] = period.start.isoformat()
    if period.end:
        address["to"] = period.end.isoformat()
    st.switch_page(st.session_state["_pages"]["prospects"], query_params=address)


def _arrivals(v: Visit, frame: pd.DataFrame, period: Period) -> None:
    t = v.t
    grain, counts = statistics.arrivals(frame, period)
    titles = {
        "day": t("Arrivals by day"),
        "week": t("Arrivals by week"),
        "month": t("Arrivals by month"),
        "quarter": t("Arrivals by quarter"),
    }
    st.header(titles[grain])
    st.altair_chart(charts.arrivals(counts, grain, t), key="arrivals")
    with st.expander(t("The same as a table")):
        order = list(dict.fromkeys([*schema.SOURCES, *counts["source"]]))
        table = counts.pivot(index="start", columns="source", values="rows").reindex(columns=order)
        table.insert(0, "total", table.sum(axis=1))
        table.index = pd.Index([charts.bucket_name(pd.Timestamp(start).date(), grain, t) for start in table.index])
        table.columns = pd.Index([t("Total"), *(source_word(code, t) for code in order)])
        st.dataframe(table.iloc[::-1], alt=titles[grain])
