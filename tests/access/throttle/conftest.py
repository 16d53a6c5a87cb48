"""A throttle whose clock stands still."""

from __future__ import annotations

from pathlib import Path

import pytest

from lib.access.throttle import Throttle

from ..conftest import Clock


@pytest.fixture
def throttle(tmp_path: Path, clock: Clock) -> Throttle:
    return Throttle(tmp_path, clock)
