"""Tries at a sign-in."""

from __future__ import annotations

from collections.abc import Callable

from lib.access.throttle import Throttle
from lib.errors import TooMany

from ..conftest import Clock

HOME, CAFE, FAR = "10.0.0.1", "192.0.2.7", "198.51.100.9"


def wait(throttle: Throttle, user: str, address: str, *, code: bool = False) -> int:
    """Try once and fail; how many seconds are to be waited, 0 where it was checked."""
    try:
        throttle.begin(user, address, code=code)
    except TooMany as refused:
        return refused.seconds
    return 0


def comes_in(throttle: Throttle, user: str, address: str) -> None:
    throttle.begin(user, address)
    throttle.succeeded(user, address)


def guess(
    throttle: Throttle, clock: Clock, times: int, user: Callable[[int], str], address: Callable[[int], str]
) -> int:
    """Wrong passwords, one a second. Returns how many were checked."""
    checked = 0
    for n in range(times):
        clock.now += 1
        checked += wait(throttle, user(n), address(n)) == 0
    return checked
