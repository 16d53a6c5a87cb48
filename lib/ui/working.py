"""What takes longer than a page should wait: begun on a page, followed there, and told wherever its user is then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import streamlit as st

from lib.errors import AppError
from lib.i18n import Translator
from lib.ui.messages import error_text, flash, keep_flash
from lib.work import Progress, Work

_PREFIX = "work-"


class _Begun(NamedTuple):
    work: Work
    done: Callable[[Any], None]
    failed: Callable[[AppError], None]
    about: Any


def begin(
    name: str,
    action: Callable[[Progress], Any],
    t: Translator,
    *,
    done: Callable[[Any], None],
    failed: Callable[[AppError], None] | None = None,
    about: Any = None,
) -> None:
    """Begin a work of this user.

    Args:
        action: must ask for the role itself: it runs without the page around it.
        done: called with what the action returned, in the user's next run after it.
        failed: called with its error instead; otherwise the error is said.
        about: what `going_on` returns.
    """
    failed = failed or (lambda error: flash(error_text(error, t), "error"))
    st.session_state[_PREFIX + name] = _Begun(Work(action), done, failed, about)


def going_on(name: str) -> Any:
    """What a work is about that has not ended; None where there is none."""
    begun: _Begun | None = st.session_state.get(_PREFIX + name)
    return begun.about if begun and not begun.work.has_ended else None


def follow(name: str, doing: str, t: Translator) -> None:
    """Wait for a work, if there is one, and show how far it has come; run the page anew after its end.

    A click on something else ends the wait, not the work. Place it last on a page: what stands below it waits, too.
    """
    if _PREFIX + name not in st.session_state:
        return
    work = st.session_state[_PREFIX + name].work
    if not work.wait(0.3):
        place = st.empty()
        if work.share is None:
            with st.spinner(doing):
                while work.share is None and not work.wait(0.2):
                    place.empty()  # lets Streamlit go on with what the user clicked meanwhile
        while not work.wait(0.2):
            place.progress(work.share, f"{doing} {t.percent(work.share)}")
    _tell(name)
    keep_flash()
    st.rerun()


def tell_ended() -> None:
    """Say how works ended that their user did not wait for."""
    for name in [str(key).removeprefix(_PREFIX) for key in st.session_state if str(key).startswith(_PREFIX)]:
        if st.session_state[_PREFIX + name].work.has_ended:
            _tell(name)


def _tell(name: str) -> None:
    begun: _Begun = st.session_state.pop(_PREFIX + name)
    try:
        result = begun.work.outcome()
    except AppError as error:
        begun.failed(error)
    else:
        begun.done(result)
