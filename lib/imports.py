"""What a manager may do with tables: bring them in step by step, and take an import back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lib.administration import Administration
from lib.files import locked, read_json, write_json
from lib.intake.files import Limits
from lib.intake.matching import Matching
from lib.intake.planning import Decisions, change
from lib.output import left_out
from lib.store.imported import Imported
from lib.work import Progress

if TYPE_CHECKING:
    from lib.intake.desk import Desk, Overview

_REMEMBERED = "matchings.json"  # by the headings' hash; no heading stands there
_MOST_REMEMBERED = 200


class Imports(Administration):
    """The operations of an import. Errors as for `SignedIn`, and those of `lib.intake.desk.Desk`."""

    def begin_import(self, content: bytes, name: str, password: str = "") -> tuple[Desk, Overview]:
        """Read a file. Close the desk when the import is over.

        Raises:
            ImportRefused and its kinds: it cannot be read; the text says what to do.
        """
        from lib.intake.desk import Desk

        self._require("import")
        limits = Limits.of(self.settings)
        desk = Desk()
        try:
            return desk, desk.read(content, name, password=password, limits=limits, key=self._store().list_key)
        except BaseException:
            desk.close()
            raise

    def match(self, desk: Desk, sheet: int, heading_row: int | None = -1) -> Matching:
        """Say which column is which, by what is remembered, by headings and by content."""
        self._require("import")
        return desk.choose(sheet, self._remembered(), self.settings.phone_region, heading_row)

    def check_table(self, desk: Desk, matching: Matching, *, erase: bool = False) -> dict[str, int]:
        """Compare the table with the register. Returns how many findings there are, by kind."""
        from lib.intake.desk import Snapshot

        self._require("import")
        store = self._store()
        names = {user.name: user.display_name for user in self.installation.accounts.all()}
        counts = desk.check(
            matching, Snapshot.of(store.register, store.gone), today=store.today, users=names, erase=erase
        )
        self._remember(desk, matching)
        return counts

    def apply_import(self, desk: Desk, decisions: Decisions, progress: Progress | None = None) -> int:
        """Do what was decided, all of it or nothing, with a backup before. Returns how many rows it touches.

        Raises:
            Moved: rows were changed meanwhile; the check has to be made again.
            StoreError: nothing was changed.
        """
        account = self._require("import")
        store, draft = self._store(), desk.draft(decisions)
        return len(
            store.bring_in(lambda register: change(draft, register, by=account.name, now=store.now), by=account.name)
        )

    def left_out(self, desk: Desk, decisions: Decisions, *, password: str, language: str) -> bytes:
        """The rows of the file that the register did not get, as they were, with the reason beside: an encrypted
        workbook. The change log notes it."""
        account = self._require("import")
        headings, rows = desk.left_out(decisions)
        content = left_out.build(headings, rows, password=password, language=language)
        self._note("left_out", account, rows=len(rows))
        return content

    def undoable_imports(self) -> Sequence[Imported]:
        """The imports that can be taken back at least in part, the newest first."""
        self._require("import")
        return self._store().undoable()

    def undo_import(self, made: dt.datetime) -> tuple[int, int, int]:
        """Take an import back. Returns how many rows went, how many have their old values, how many stay: somebody has
        changed them since.

        Raises:
            NothingToUndo
        """
        account = self._require("import")
        return self._store().undo_import(made, by=account.name)

    def _remembered(self) -> dict[str, object]:
        """By the headings' key, the newest last."""
        try:
            return dict(read_json(self.installation.data_dir / _REMEMBERED, []))
        except (ValueError, TypeError):  # it only spares work: a broken file stops no import
            return {}

    def _remember(self, desk: Desk, matching: Matching) -> None:
        path = self.installation.data_dir / _REMEMBERED
        key, kept = desk.remember(matching)
        if not key:
            return
        with locked(path.with_suffix(".lock")):
            known = {name: value for name, value in self._remembered().items() if name != key}
            write_json(path, [*known.items(), (key, kept)][-_MOST_REMEMBERED:])  # in pairs, which stay in their order
