"""What every process that holds the register does first: nobody else reads its files, and no dump of it is kept."""

from __future__ import annotations

import contextlib
import getpass
import os


def harden() -> None:
    """Files for the user alone, and no core dumps: memory holds rows in the clear."""
    os.umask(0o077)
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource  # not on Windows

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def user_name(uid: int | None = None) -> str:
    """What a user of this machine is called, the process's own where none is given; the number where it has no name."""
    try:
        import pwd  # not on Windows
    except ImportError:
        return getpass.getuser()
    uid = os.geteuid() if uid is None else uid
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # a container's user without a name
        return str(uid)
