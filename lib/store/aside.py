"""Files set aside: workbooks that could not be taken as they are, kept until a person decides. All are encrypted."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import NamedTuple

from lib.errors import NotWritten
from lib.files import listed, reason, write_atomically
from lib.i18n import N_

KINDS = {
    "original": N_("As it was before what cannot be kept went"),
    "password": N_("Saved under another password"),
    "unknown": N_("There is no copy to compare it with"),
    "invalid": N_("It cannot be understood"),
    "replaced": N_("It stood in the workbook's place and was damaged"),
}
_NAME = re.compile(r"(?P<kind>[a-z]+)-(?P<made>\d{8}T\d{6})(-\d+)?\.xlsx")


class Aside(NamedTuple):
    """A file set aside: where, which of `KINDS`, and when."""

    path: Path
    kind: str
    made: dt.datetime

    @property
    def name(self) -> str:
        return self.path.name


class AsideFiles:
    """The folder of files set aside."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def all(self) -> list[Aside]:
        """The files, newest first; those that the program did not name are passed over.

        Raises:
            StoreError: the folder cannot be read.
        """
        found = []
        for path in listed(self.folder, "*.xlsx"):
            if (match := _NAME.fullmatch(path.name)) and match["kind"] in KINDS:
                found.append(Aside(path, match["kind"], dt.datetime.strptime(match["made"], "%Y%m%dT%H%M%S")))
        return sorted(found, key=lambda aside: (aside.made, aside.name), reverse=True)

    def find(self, name: str) -> Aside | None:
        return next((aside for aside in self.all() if aside.name == name), None)

    def keep(self, kind: str, sealed: bytes, now: dt.datetime) -> str:
        """Set a file aside. Returns its name; the same content is kept once.

        Raises:
            NotWritten
        """
        try:
            for aside in self.all():
                if aside.kind == kind and aside.path.stat().st_size == len(sealed):
                    if aside.path.read_bytes() == sealed:
                        return aside.name
            self.folder.mkdir(mode=0o700, exist_ok=True)
            stem, number = f"{kind}-{now:%Y%m%dT%H%M%S}", 1
            path = self.folder / f"{stem}.xlsx"
            while path.exists():
                number += 1
                path = self.folder / f"{stem}-{number}.xlsx"
        except OSError as error:
            raise NotWritten(reason=reason(error)) from error
        write_atomically(path, sealed)
        return path.name

    def remove_leftovers(self) -> None:
        """Remove what killed processes left of their writes here.

        Raises:
            NotWritten: some of it is still there.
        """
        for leftover in listed(self.folder, ".*.tmp"):
            try:
                leftover.unlink(missing_ok=True)
            except OSError as error:
                raise NotWritten(reason=reason(error)) from error

    def drop(self, aside: Aside) -> None:
        """Remove a file for good.

        Raises:
            NotWritten: it is still there.
        """
        try:
            aside.path.unlink(missing_ok=True)
        except OSError as error:
            raise NotWritten(reason=reason(error)) from error
