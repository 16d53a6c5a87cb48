"""The backups of the workbook, in `backups/` and in a second place if the settings name one.

Copies of the last generations serve the store itself and are only in `backups/`; the others are in both places.
Who calls holds `checkpoint.lock`, except to look.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

from lib.errors import StoreError
from lib.i18n import Text
from lib.settings import Settings
from lib.store import copies
from lib.store.copies import DAILY, GENERATION, KINDS, OWN, Copy, newest_first
from lib.store.second_place import SecondPlace

_logger = logging.getLogger(__name__)


class Backups:
    """The backups of one data folder. It knows bytes and names, not what is in a workbook.

    Whatever goes wrong in the second place while a copy is kept, caught up with or rotated is logged and told by
    `unreachable` and `behind`; it fails nothing.
    """

    def __init__(self, data_dir: Path, settings: Callable[[], Settings]) -> None:
        self.folder = data_dir / "backups"
        self._settings = settings
        self._second = SecondPlace(data_dir, self.folder / copies.MEMORY, settings)
        self._failure: tuple[str, Text] | None = None  # the place, and why the last thing done there failed

    # -- looking ----------------------------------------------------------------------------------------------

    def all(self) -> list[Copy]:
        """Every copy in reach, the newest first, one's own before the second place's.

        Raises:
            StoreError: one's own cannot be listed.
        """
        return newest_first([*self._own(), *self._in_second_place()])

    def generations(self) -> list[Copy]:
        """The copies kept for the store itself, the last generation first."""
        own = newest_first(copy for copy in self._own() if copy.kind == GENERATION)
        return sorted(own, key=lambda copy: copy.generation, reverse=True)

    def newest_generation(self) -> Copy | None:
        """The copy of the last generation."""
        return next(iter(self.generations()), None)

    def generation(self, number: int) -> Copy | None:
        """A copy of this generation: the store's own, else a daily one. The others may hold later changes already."""
        same = [copy for copy in self.all() if copy.generation == number and copy.kind in (GENERATION, DAILY)]
        return next((copy for copy in same if copy.kind == GENERATION), same[0] if same else None)

    def read(self, copy: Copy) -> bytes:
        """The sealed workbook of a copy.

        Raises:
            WorkbookMissing: it is gone.
            StoreError: it cannot be read.
        """
        return copies.read(copy)

    def needs_daily(self, now: dt.datetime) -> bool:
        """Whether this calendar day has no daily copy yet."""
        return not any(copy.kind == DAILY and copy.made.date() == now.date() for copy in self._own())

    @property
    def unreachable(self) -> Text | None:
        """What is wrong with the second place; None where it is in order or there is none."""
        if not (chosen := self._second.chosen):
            return None
        try:
            self._second.copies()
            self._second.check_writable()
        except StoreError as error:
            return error.text
        return self._failure[1] if self._failure and self._failure[0] == chosen else None

    def behind(self) -> list[Copy]:
        """The copies that the second place lacks, the newest first; all of them while it is out of reach."""
        if not self._second.chosen:
            return []
        there = {copy.key for copy in self._in_second_place()}
        return newest_first(copy for copy in self._own() if copy.kind != GENERATION and copy.key not in there)

    def same_disk(self) -> bool:
        """Whether the second place is in reach and lies on the same disk as the data folder."""
        return self._second.same_disk()

    # -- changing ---------------------------------------------------------------------------------------------

    def keep(self, kind: str, sealed: bytes, *, generation: int, rows: int, now: dt.datetime) -> Copy:
        """Keep a copy, written, read back and compared; in the second place too, except of a generation.

        Args:
            kind: one of `copies.KINDS`.
            now: in the installation's time zone.

        Raises:
            NotWritten, Damaged: there is no such copy in `backups/`.
        """
        if kind not in KINDS:
            raise ValueError(kind)
        made = now.replace(microsecond=0, tzinfo=None)
        taken = {copy.key for copy in (self._own() if kind == GENERATION else self.all())}
        while (kind, made) in taken:
            made += dt.timedelta(seconds=1)
        copies.make_folder(self.folder)
        path = self.folder / copies.name_of(kind, made, generation, rows)
        copies.write(path, sealed)
        if kind != GENERATION and self._second.chosen:
            with self._may_fail():
                copies.write(self._second.folder() / path.name, sealed)
                self._failure = None
        return Copy(path, kind, made, generation, rows, len(sealed))

    def catch_up(self) -> None:
        """Bring the second place the copies that it lacks."""
        if self._second.chosen:
            with self._may_fail():
                folder = self._second.folder()
                for copy in self.behind():
                    copies.write(folder / copy.path.name, copies.read(copy))
                self._failure = None

    def rotate(self, now: dt.datetime) -> list[Copy]:
        """Remove the copies that are too many or too old, and what killed writes left. Returns those that went.

        Raises:
            StoreError: some of one's own are still there.
        """
        went: list[Copy] = []
        trouble = None
        try:
            self.remove_leftovers()
        except StoreError as error:
            trouble = error
        for copy in copies.surplus(self._own(), self._settings(), now):
            try:
                self.drop(copy)
                went.append(copy)
            except StoreError as error:  # the others go all the same
                trouble = error
        if self._second.chosen:
            with self._may_fail():
                for copy in copies.surplus(self._second.copies(), self._settings(), now):
                    self.drop(copy)
                    went.append(copy)
        if trouble:
            raise trouble
        return went

    def remove_leftovers(self) -> None:
        """Remove what killed writes left: it may hold rows that were removed since.

        Raises:
            StoreError: some of one's own are still there.
        """
        for path in copies.leftovers(self.folder):
            copies.drop(path)
        if self._second.chosen:
            with self._may_fail():
                for path in copies.leftovers(self._second.folder()):
                    copies.drop(path)

    def replace(self, copy: Copy, sealed: bytes, rows: int) -> Copy:
        """The same copy with other content, in its place. Killed in between, both are there: do it again.

        Raises:
            NotWritten, Damaged: the old one is still there, and perhaps the new one.
        """
        path = copy.path.with_name(copies.name_of(copy.kind, copy.made, copy.generation, rows))
        copies.write(path, sealed)
        if path != copy.path:
            copies.drop(copy.path)
        return dataclasses.replace(copy, path=path, rows=rows, size=len(sealed))

    def drop(self, copy: Copy) -> None:
        """Remove a copy.

        Raises:
            NotWritten: it may still be there.
        """
        copies.drop(copy.path)

    # -- inside -----------------------------------------------------------------------------------------------

    def _own(self) -> list[Copy]:
        return copies.listed(self.folder, OWN)

    def _in_second_place(self) -> list[Copy]:
        try:
            return self._second.copies()
        except StoreError:  # `unreachable` says why
            return []

    @contextlib.contextmanager
    def _may_fail(self) -> Iterator[None]:
        """Work in the second place: what goes wrong there is noted until a copy is written, and logged once."""
        chosen, before = self._second.chosen, self._failure
        try:
            yield
        except StoreError as error:
            self._failure = (chosen, error.text)
            if self._failure != before:
                _logger.warning("%s", error)
