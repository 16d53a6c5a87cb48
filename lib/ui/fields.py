"""The fields of a form, made from the schema."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Literal

import streamlit as st

from lib import schema
from lib.i18n import N_
from lib.schema import Kind
from lib.ui.visit import Visit

_TYPES: dict[Kind, Literal["phone", "email"]] = {Kind.PHONE: "phone", Kind.EMAIL: "email"}
_PLACEHOLDERS = {Kind.PHONE: N_("040 123 4567"), Kind.EMAIL: N_("name@example.com")}
_AUTOCOMPLETE = "off"  # a prospect's data is not the browser's to remember


def date_format(visit: Visit) -> str:
    return "DD.MM.YYYY" if visit.language == "fi" else "DD/MM/YYYY"


def said_value(v: Visit, code: str, value: Any) -> str:
    """A value of a column as a reader sees it; "" where there is none."""
    column = schema.BY_CODE[code]
    if column.kind is Kind.DATE:
        return v.t.date(value)
    if column.kind is Kind.TIME:
        return v.t.time(value)
    if column.choices:
        return v.label(code, value or "")
    if column.kind is Kind.USER:
        return v.workspace.owners().get(value, value or "")
    return v.phone(value or "") if column.kind is Kind.PHONE else str(value or "")


def field(visit: Visit, code: str, key: str, *, value: Any = None, wrong: Mapping[str, Any] | None = None) -> Any:
    """A field for a column, with its value, and below it what is wrong with what was typed.

    Args:
        key: of the widget in the session state.
        value: what stands in it at first.
        wrong: texts by code (`Invalid.fields`).

    Returns:
        What is typed: `str`, `date` or None; for interests a list of `str`, for very many of them one text.
    """
    result = _widget(visit, code, key, value)
    if wrong and code in wrong:
        st.markdown(f":red[{visit.t.text(wrong[code])}]")
    return result


def _widget(visit: Visit, code: str, key: str, value: Any) -> Any:
    column, label = schema.BY_CODE[code], visit.heading(code)
    match column.kind:
        case Kind.LONG:
            return st.text_area(label, value or "", key=key, height=110)
        case Kind.LIST:
            # What was typed comes back as it was, also where it cannot be taken.
            chosen = value if isinstance(value, list) else [i for i in (value or "").split(schema.SEPARATOR) if i]
            if len(chosen) > schema.MOST_INTERESTS:  # a choice of so many would take seconds
                return st.text_area(label, schema.SEPARATOR.join(chosen), key=f"{key}-text", height=110)
            known = list(dict.fromkeys([*chosen, *visit.workspace.interests()]))
            return st.multiselect(
                label,
                known,
                chosen,
                key=key,
                accept_new_options=True,
                select_all=False,
                placeholder=visit.t("Choose or write a new one"),
            )
        case Kind.CHOICE:
            options = list(column.choices)
            index = options.index(value) if value in options else None
            return st.selectbox(
                label,
                options,
                index,
                key=key,
                format_func=lambda c: visit.label(code, c),
                placeholder=visit.t("Choose"),
            )
        case Kind.USER:
            owners = visit.workspace.owners()
            index = list(owners).index(value) if value in owners else None
            return st.selectbox(
                label,
                list(owners),
                index,
                key=key,
                format_func=lambda name: owners.get(name, name),
                placeholder=visit.t("Choose"),
            )
        case Kind.DATE:
            return st.date_input(
                label,
                value,
                key=key,
                format=date_format(visit),
                min_value=dt.date(schema.YEARS.start, 1, 1),
                max_value=dt.date(schema.YEARS[-1], 12, 31),
            )
        case _:
            shown = visit.phone(value or "") if column.kind is Kind.PHONE else value or ""
            return st.text_input(
                label,
                shown,
                key=key,
                type=_TYPES.get(column.kind, "default"),
                autocomplete=_AUTOCOMPLETE,
                validate="",  # the browser's own check speaks English and keeps the form back
                placeholder=visit.t(_PLACEHOLDERS.get(column.kind, "")),
            )
