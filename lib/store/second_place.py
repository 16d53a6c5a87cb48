"""The second place: a folder, best on another disk, for copies of the backups.

They lie in a folder of their own there. Its random name, and the places where it was made, stand in
`backups/second_place.json`: so two registers may share a disk, and the empty folder of a disk that is not connected is
not taken for a place without copies.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from lib.errors import StoreError
from lib.files import read_json, reason, write_json
from lib.i18n import N_, Text
from lib.settings import Settings, inside
from lib.store.copies import SECOND, Copy, listed, make_folder

VERSION = 1


class _Memory(NamedTuple):
    folder: str
    places: list[str]


class SecondPlace:
    """The second place that the settings name, if any."""

    def __init__(self, data_dir: Path, memory: Path, settings: Callable[[], Settings]) -> None:
        self._data_dir = data_dir
        self._memory = memory
        self._settings = settings

    @property
    def chosen(self) -> str:
        """The folder of the settings; "" for none."""
        return self._settings().second_place

    def copies(self) -> list[Copy]:
        """Its copies.

        Raises:
            StoreError: it is out of reach.
        """
        return listed(self._folder(self._remembered()), SECOND) if self.chosen else []

    def folder(self) -> Path:
        """The folder of its copies, made if it never was.

        Raises:
            StoreError: it is out of reach.
        """
        memory = self._remembered()
        folder = self._folder(memory)
        if self.chosen not in memory.places:
            make_folder(self._memory.parent)
            self._remember(memory)  # the name first: a killed process finds its folder again
            make_folder(folder)
            self._remember(_Memory(memory.folder, [*memory.places, self.chosen]))
        return folder

    def check_writable(self) -> None:
        """Refuse a place where no copy can be written, as far as can be seen without writing.

        Raises:
            StoreError: it is out of reach, or the right to write is missing.
        """
        memory = self._remembered()
        folder = self._folder(memory)
        # Until the folder is made, the right to make it counts.
        if not os.access(folder if self.chosen in memory.places else folder.parent, os.W_OK | os.X_OK):
            raise self._out_of_reach(Text(N_("the right to write is missing")))

    def same_disk(self) -> bool:
        """Whether it is in reach and lies on the data folder's disk."""
        try:
            if not self.chosen:
                return False
            place = self._folder(self._remembered()).parent
            return place.stat().st_dev == self._data_dir.stat().st_dev
        except (OSError, StoreError):
            return False

    def _folder(self, memory: _Memory) -> Path:
        place = Path(self.chosen)
        folder = place / memory.folder
        try:
            there = place.is_absolute() and place.is_dir()
            gone = self.chosen in memory.places and not folder.is_dir()
        except OSError as error:
            raise self._out_of_reach(reason(error)) from error
        if not there:
            raise self._out_of_reach(Text(N_("it is not there")))
        if inside(place, self._data_dir):
            raise self._out_of_reach(Text(N_("it lies in the data folder")))
        if gone:
            # An empty folder stands where the disk belongs, or somebody deleted the copies.
            why = N_("the folder {folder} in it is gone. Connect the disk, or make that folder anew")
            raise self._out_of_reach(Text(why, {"folder": memory.folder}))
        return folder

    def _out_of_reach(self, why: Text) -> StoreError:
        return StoreError(
            N_("The second place for backups, {folder}, is out of reach: {reason}."), folder=self.chosen, reason=why
        )

    def _remembered(self) -> _Memory:
        try:
            content = read_json(self._memory, {"folder": f"prospects-{secrets.token_hex(4)}", "places": []})
            memory = _Memory(str(content["folder"]), [str(place) for place in content["places"]])
            if Path(memory.folder).name != memory.folder:
                raise ValueError(memory.folder)
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise self._out_of_reach(Text(N_("the file {file} cannot be read"), {"file": self._memory.name})) from error
        return memory

    def _remember(self, memory: _Memory) -> None:
        write_json(self._memory, {"version": VERSION, **memory._asdict()})
