"""What every process that holds the register does first: nobody else reads its files, and no dump of it is kept."""

from __future__ import annotations

import contextlib
import os


def harden() -> None:
    """Files for the user alone, and no core dumps: memory holds rows in the clear."""
    os.umask(0o077)
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource  # not on Windows

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
