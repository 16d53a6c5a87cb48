"""Charts of counted rows. They get counts, never the rows."""

from __future__ import annotations

import datetime as dt
from typing import Any

import altair as alt
import pandas as pd

from lib import schema
from lib.i18n import Translator
from lib.ui.style import ACCENT, TEXT, source_colours, source_word, theme


def _colours(t: Translator, order: list[str]) -> alt.Scale:
    colours = source_colours()
    return alt.Scale(domain=[source_word(code, t) for code in order], range=[colours[code] for code in order])


def by_source(counts: pd.DataFrame, t: Translator) -> Any:
    """Bars by source with number and share; a click on one selects it as `source`.

    Args:
        counts: source, rows, share; in order.
    """
    order = list(counts["source"])
    data = pd.DataFrame(
        {
            "code": order,
            "source": [source_word(code, t) for code in order],
            "rows": counts["rows"],
            "text": [f"{t.number(n)} · {t.percent(s)}" for n, s in zip(counts["rows"], counts["share"], strict=True)],
        }
    )
    base = alt.Chart(data).encode(
        x=alt.X("rows:Q", title=None, axis=None, scale=alt.Scale(domain=[0, max(1, int(data["rows"].max())) * 1.5])),
        y=alt.Y(
            "source:N", title=None, sort=list(data["source"]), axis=alt.Axis(labelLimit=160, ticks=False, domain=False)
        ),
    )
    pick = alt.selection_point(name="pick", fields=["code"])
    bars = base.mark_bar(cornerRadiusEnd=3, cursor="pointer").encode(
        color=alt.Color("source:N", scale=_colours(t, order), legend=None),
        tooltip=[alt.Tooltip("source:N", title=t("Source")), alt.Tooltip("text:N", title=t("Leads"))],
    )
    labels = base.mark_text(align="left", dx=6, fontSize=13, color=TEXT[theme()]).encode(text="text:N")
    return _readable((bars.add_params(pick) + labels).properties(height=alt.Step(38)))


def _readable(chart: Any, **properties: Any) -> Any:
    """The chart with words in the theme's own ink."""
    ink = TEXT[theme()]
    return chart.properties(**properties).configure_axis(labelColor=ink).configure_legend(labelColor=ink)


def bucket_name(start: dt.date, grain: str, t: Translator) -> str:
    """A bucket as people say it: a day, "vk 47/2026", a month, "Q4/2026"."""
    if grain == "day":
        return t.date(start)
    if grain == "week":
        year, week, _ = start.isocalendar()
        return t("wk {week}/{year}", week=week, year=year)
    if grain == "month":
        return t.month(start)
    return f"Q{(start.month + 2) // 3}/{start.year}"


def arrivals(counts: pd.DataFrame, grain: str, t: Translator) -> Any:
    """Arrivals over time as bars, stacked by source.

    Args:
        counts: start, source, rows; every bucket of the period, zeros too.
    """
    order = list(dict.fromkeys([*schema.SOURCES, *counts["source"]]))
    starts = {start: bucket_name(pd.Timestamp(start).date(), grain, t) for start in counts["start"].unique()}
    data = pd.DataFrame(
        {
            "when": counts["start"].map(starts),
            "source": counts["source"].map({code: source_word(code, t) for code in order}),
            "rows": counts["rows"],
            "place": counts["source"].map({code: n for n, code in enumerate(order)}),
        }
    )
    return _readable(
        alt.Chart(data)
        .mark_bar()
        .encode(
            x=alt.X("when:N", title=None, sort=list(starts.values()), axis=alt.Axis(labelAngle=-40, labelOverlap=True)),
            y=alt.Y("rows:Q", title=None, axis=alt.Axis(tickMinStep=1, format="d")),
            color=alt.Color(
                "source:N", scale=_colours(t, order), title=None, legend=alt.Legend(orient="top", columns=2)
            ),
            order=alt.Order("place:Q"),
            tooltip=[
                alt.Tooltip("when:N", title=t("When")),
                alt.Tooltip("source:N", title=t("Source")),
                alt.Tooltip("rows:Q", title=t("Leads")),
            ],
        )
        .properties(height=300)
    )


def coming_months(counts: pd.DataFrame, t: Translator) -> Any:
    """Bars of how many rows end in each month.

    Args:
        counts: month, rows; in order of time.
    """
    names = [t.month(pd.Timestamp(month).date()) for month in counts["month"]]
    data = pd.DataFrame({"month": names, "rows": counts["rows"]})
    base = alt.Chart(data).encode(
        x=alt.X("month:N", title=None, sort=names, axis=alt.Axis(labelAngle=-40)),
        y=alt.Y("rows:Q", title=None, axis=alt.Axis(tickMinStep=1, format="d")),
    )
    bars = base.mark_bar(color=ACCENT[theme()], cornerRadiusEnd=3).encode(tooltip=["month:N", "rows:Q"])
    return _readable(bars + base.mark_text(dy=-7, fontSize=12, color=TEXT[theme()]).encode(text="rows:Q"), height=220)
