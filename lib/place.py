"""Where a data folder may not lie: on a network share, whose locks do not hold, or in a folder that is synchronised.

A sync program copies a file while it is being written, keeps old versions of it, and carries it away.
"""

from __future__ import annotations

import sys
from pathlib import Path, PurePath

from lib.errors import BadPlace
from lib.i18n import N_, Text

_NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "davfs", "fuse.davfs2", "afs"})
_SYNCHRONISED = ("onedrive", "dropbox", "google drive", "googledrive", "icloud", "nextcloud", "owncloud", "box sync")
_REMOTE = 4  # GetDriveType's answer for a network drive


def check(folder: Path) -> None:
    """Refuse a data folder that lies where it cannot be safe.

    Raises:
        BadPlace: it says why.
    """
    folder = folder.resolve()
    if name := synchronised(folder):
        raise BadPlace(folder=folder, why=Text(N_("it lies in {name}, which copies files elsewhere"), {"name": name}))
    if on_network(folder):
        raise BadPlace(folder=folder, why=Text(N_("it lies on a network share, where locks do not hold")))


def synchronised(folder: PurePath) -> str:
    """The folder of a sync program that this one lies in; "" where there is none."""
    for part in folder.parts:
        if part.casefold().startswith(_SYNCHRONISED):
            return part
    return ""


def on_network(folder: Path, mounts: str = "/proc/mounts") -> bool:
    """Whether a folder lies on a network share, as far as the system tells."""
    if sys.platform == "win32":
        import ctypes

        return str(folder).startswith("\\\\") or ctypes.windll.kernel32.GetDriveTypeW(folder.anchor) == _REMOTE
    try:
        lines = Path(mounts).read_text("utf-8", "replace").splitlines()
    except OSError:
        return False
    found = ""
    longest = -1
    for line in lines:
        _, point, kind, *_ = line.split(" ")
        # A space is written \040. What Latin-1 lacks becomes an escape itself, so that other letters stay as they are.
        point = point.encode("latin-1", "backslashreplace").decode("unicode_escape")
        inside = folder == Path(point) or Path(point) in folder.parents
        if inside and len(point) >= longest:
            found, longest = kind, len(point)
    return found in _NETWORK
