"""Work that takes longer than a page should wait: done beside the pages, so that whoever began it may leave."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

Progress = Callable[[float], None]  # told the share that is done, 0 to 1


class Work:
    """An action in a thread of its own; it goes on whether or not anybody looks at it.

    Args:
        action: called with a function that it tells the share that is done.
    """

    def __init__(self, action: Callable[[Progress], Any]) -> None:
        self.share: float | None = None
        self._result: Any = None
        self._error: Exception | None = None
        self._ended = threading.Event()
        threading.Thread(target=self._do, args=(action,), name="work", daemon=True).start()

    def _do(self, action: Callable[[Progress], Any]) -> None:
        try:
            self._result = action(self._tell)
        except Exception as error:  # raised where the outcome is asked for
            self._error = error
        finally:
            self._ended.set()

    def _tell(self, share: float) -> None:
        self.share = min(1.0, max(0.0, share))

    @property
    def has_ended(self) -> bool:
        return self._ended.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait for the end, so long at most. Returns whether it has come."""
        return self._ended.wait(seconds)

    def outcome(self) -> Any:
        """What the action returned, or the error that it raised. It has ended."""
        if self._error:
            raise self._error
        return self._result
