"""Lines of the change log about access: they wait in memory until the register is open, and stop nobody.

A disk that does not take a line is no reason to keep people out: it is told in the server's log and tried again.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable

from lib.errors import AppError, NotSynced
from lib.store.log import Entry

MOST = 1000  # lines that wait; the oldest go first
_logger = logging.getLogger(__name__)


class Events:
    """Lines on their way into the change log.

    Args:
        write: puts a line into the open register's log; False where none is open.
    """

    def __init__(self, write: Callable[[Entry], bool]) -> None:
        self._write = write
        self._waiting: deque[Entry] = deque(maxlen=MOST)
        self._writing = threading.Lock()
        self._writer: threading.Thread | None = None
        self._due = threading.Event()

    def add(self, entry: Entry, *, later: bool) -> None:
        """Take a line.

        Args:
            later: another thread writes it, so that nobody waits for the disk.
        """
        self._waiting.append(entry)
        if later:
            self.hurry()
        else:
            self.write()

    def hurry(self) -> None:
        """Let another thread write what waits."""
        if self._writer is None:
            self._writer = threading.Thread(target=self._keep_writing, name="access events", daemon=True)
            self._writer.start()
        self._due.set()

    def write(self) -> None:
        """Write what waits, if the register is open."""
        with self._writing:
            while self._waiting:
                entry = self._waiting[0]
                try:
                    if not self._write(entry):
                        return
                except NotSynced:  # it is there
                    pass
                except AppError as error:
                    _logger.warning("A line of the change log waits: %s", error)
                    return
                if self._waiting and self._waiting[0] is entry:  # a full queue may have dropped it
                    self._waiting.popleft()

    def _keep_writing(self) -> None:
        while True:
            self._due.wait()
            self._due.clear()
            try:
                self.write()
            except Exception as error:
                _logger.warning("A line of the change log waits: %s", type(error).__name__)
