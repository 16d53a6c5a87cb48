"""Work beside the pages: it goes on by itself, tells how far it is, and keeps its outcome."""

from __future__ import annotations

import threading

import pytest

from lib.errors import Busy
from lib.work import Work


def test_the_outcome_of_a_work_is_what_its_action_returned() -> None:
    work = Work(lambda tell: "done")
    assert work.wait(5) and work.has_ended and work.outcome() == "done"


def test_its_error_is_raised_where_the_outcome_is_asked_for() -> None:
    def fails(_: object) -> None:
        raise Busy

    work = Work(fails)
    assert work.wait(5)
    with pytest.raises(Busy):
        work.outcome()


def test_it_tells_how_far_it_is_and_nobody_needs_to_wait() -> None:
    told, go_on = threading.Event(), threading.Event()

    def action(tell: object) -> None:
        tell(0.5)  # type: ignore[operator]
        told.set()
        assert go_on.wait(5)

    work = Work(action)
    assert told.wait(5) and work.share == 0.5 and not work.wait(0) and not work.has_ended
    go_on.set()
    assert work.wait(5)
