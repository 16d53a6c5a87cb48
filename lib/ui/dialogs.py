"""Which dialog is open: one at most, kept in the session until it is answered or closed."""

from __future__ import annotations

from typing import Any

import streamlit as st


def open_dialog(name: str, about: Any) -> None:
    st.session_state["_dialog"] = (name, about)


def opened(name: str) -> Any:
    """What the dialog of this name is about; None where it is not open."""
    kept, about = st.session_state.get("_dialog", ("", None))
    return about if kept == name else None


def close_dialog() -> None:
    st.session_state.pop("_dialog", None)
