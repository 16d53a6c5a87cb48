"""Tables of prospects: the columns that decide, and the number as the button that opens a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from weakref import ReferenceType

import numpy as np
import pandas as pd
import streamlit as st

from lib import schema
from lib.register import Register
from lib.schema import Kind
from lib.ui.fields import date_format
from lib.ui.open_lists import open_list
from lib.ui.visit import Visit

LIST_COLUMNS = ("name", "organisation", "source", "status", "received", "next_contact", "owner")


def open_row(prospect_id: str) -> None:
    """Show a prospect on the list page, from a callback."""
    close_row()
    st.session_state["row"] = prospect_id
    st.session_state["_goto"] = "prospects"


def close_row() -> None:
    """Leave the open prospect: the next one opened is read anew."""
    st.session_state.pop("row", None)
    st.session_state.pop("row-addressed", None)
    st.session_state["edit"] = {"id": "", "number": st.session_state.get("edit", {"number": 0})["number"]}
    st.query_params.clear()


def shown(v: Visit, frame: pd.DataFrame, codes: Sequence[str]) -> pd.DataFrame:
    """The columns as a reader sees them: labels, names of users, phones in national form, dates."""
    owners = v.workspace.owners() if any(schema.BY_CODE[code].kind is Kind.USER for code in codes) else {}
    columns: dict[str, Any] = {}
    for code in codes:
        column = schema.BY_CODE[code]
        values = frame[code]
        if column.choices:
            labels = {choice: v.label(code, choice) for choice in column.choices}
            values = _mapped(values, labels)
        elif column.kind is Kind.USER:
            values = _mapped(values, owners)
        elif column.kind is Kind.PHONE:
            values = values.map(v.phone)
        columns[code] = values
    return pd.DataFrame(columns, index=frame.index)


def _mapped(values: pd.Series[str], words: Mapping[str, str]) -> pd.Series[str]:
    """The words for values; each different one is looked up once."""
    positions, different = pd.factorize(values)
    found = pd.array([words.get(value, value) for value in different.tolist()], dtype="str")
    return pd.Series(found.take(positions), index=values.index)


def column_config(v: Visit, codes: Sequence[str]) -> dict[str, Any]:
    """Headings, and dates as the language writes them."""
    config: dict[str, Any] = {}
    for code in codes:
        kind = schema.BY_CODE[code].kind
        if kind is Kind.DATE:
            config[code] = st.column_config.DateColumn(v.heading(code), format=date_format(v))
        elif kind is Kind.TIME:
            config[code] = st.column_config.DatetimeColumn(v.heading(code), format=f"{date_format(v)} HH:mm")
        else:
            config[code] = st.column_config.TextColumn(v.heading(code))
    return config


def people_list(
    v: Visit,
    frame: pd.DataFrame,
    *,
    key: str,
    codes: Sequence[str] = LIST_COLUMNS,
    height: Any = "auto",
    since: ReferenceType[Register] | None = None,
) -> None:
    """A table whose number column opens the row. Long tables send only the rows that are on the screen.

    Args:
        since: the register that the rows are from, or one before it.
    """

    def opened() -> None:
        click = st.session_state.get(f"{key}-click")
        if click:
            open_row(click["label"])

    table = shown(v, frame, codes)
    table.insert(0, "id", frame["id"])
    config = column_config(v, codes)
    if frame["objected"].notna().any():
        table["objected"] = np.where(frame["objected"].isna(), "", v.heading("objected"))
        config["objected"] = st.column_config.TextColumn(v.t("Note"))
    config["id"] = st.column_config.ButtonColumn(
        v.heading("id"), type="tertiary", pinned=True, alignment="left", key=f"{key}-click", on_click=opened, width=96
    )
    st.dataframe(
        open_list(table, lambda ids: v.workspace.known(ids, since)),
        key=key,
        hide_index=True,
        lazy=True,
        column_config=config,
        height=height,
        placeholder="",
        alt=v.t("List of prospects"),
    )
