"""Two values of each of some columns, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import streamlit as st

from lib import schema
from lib.ui.fields import said_value
from lib.ui.visit import Visit


def beside(v: Visit, values: Sequence[tuple[str, Any, Any]], left: str, right: str) -> None:
    """A table of columns (a code, or a heading of others) with two values each, under two headings."""
    head = "".join(f"<th scope='col'>{escape(text)}</th>" for text in ("", left, right))
    lines = "".join(
        f"<tr><th scope='row'>{escape(_heading(v, code))}</th>"
        + "".join(f"<td>{escape(_said(v, code, value)) or '–'}</td>" for value in (one, other))
        + "</tr>"
        for code, one, other in values
    )
    st.html(f"<table class='beside'><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>")


def _heading(v: Visit, code: str) -> str:
    return v.heading(code) if code in schema.BY_CODE else code


def _said(v: Visit, code: str, value: Any) -> str:
    return said_value(v, code, value) if code in schema.BY_CODE else "" if value is None else str(value)
