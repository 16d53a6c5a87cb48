"""What an administrator may do: users, settings, the workbook and its copies, the change log. No row is seen here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from lib.access.accounts import Account, check_password
from lib.errors import AppError, InvalidWorkbook, WorkbookMissing
from lib.i18n import N_, Text
from lib.signed_in import SignedIn
from lib.store import loading, outside, workbook
from lib.store.aside import Aside
from lib.store.copies import Copy
from lib.store.log import Entry
from lib.store.question import Question
from lib.work import Progress


class Places(NamedTuple):
    """The second place of the backups: the folder, what is wrong with it, how many copies it lacks, its disk."""

    folder: str
    trouble: Text | None
    behind: int
    same_disk: bool


class Administration(SignedIn):
    """The operations of an administrator. Each asks for the role itself; errors as for `SignedIn`."""

    # -- users and settings -------------------------------------------------------------------------------------

    def users(self) -> list[Account]:
        self._require("users")
        return self.installation.accounts.all()

    def add_user(self, name: str, display_name: str, roles: Collection[str], password: str) -> None:
        account = self._require("users")
        self.installation.add_user(self.token, name, display_name, roles, password)
        self._note("add_user", account, user=name, roles=sorted(roles))

    def set_roles(self, name: str, roles: Collection[str]) -> None:
        account = self._require("users")
        self.installation.set_roles(name, roles)
        self._note("set_roles", account, user=name, roles=sorted(roles))

    def set_disabled(self, name: str, disabled: bool) -> None:
        account = self._require("users")
        self.installation.set_disabled(name, disabled)
        self._note("disable_user" if disabled else "enable_user", account, user=name)

    def reset_password(self, name: str, password: str) -> None:
        account = self._require("users")
        self.installation.reset_password(self.token, name, password)
        self._note("reset_password", account, user=name)

    def save_settings(self, **changes: Any) -> None:
        account = self._require("settings")
        before = self.settings
        self.installation.save_settings(**changes)
        changed = sorted(name for name, value in changes.items() if value != getattr(before, name))
        if changed:
            self._note("settings", account, settings=changed)

    # -- the workbook -------------------------------------------------------------------------------------------

    def workbook_state(self) -> dict[str, Any]:
        """What `Store.info` tells, and `current`: whether the workbook holds everything."""
        self._require("workbook_state")
        store = self._store()
        return {**store.info(), "current": store.is_current}

    def write_workbook(self) -> None:
        """Let the workbook follow now. Raises HeldOpen where somebody has it open."""
        self._require("write_workbook")
        self._store().checkpoint()

    def not_open(self) -> None:
        """Somebody's program that seems to have the workbook open has ended."""
        account = self._require("write_workbook")
        self._store().pass_over(by=account.name)

    def rewrite_workbook(self) -> None:
        """Write the workbook anew where it is missing or damaged; a register that did not open for it opens."""
        account = self._require("write_workbook")
        if not self.is_open:
            self.installation.recover(self.token)
        self._store().rewrite(by=account.name)

    def change_workbook_password(self, password: str, progress: Progress | None = None) -> None:
        """Give the workbook another password; its copies follow.

        Raises:
            AccountError: the password cannot be used.
            PasswordUnfinished: it is in force, and says what is left.
            StoreError: both passwords hold until the rest has followed.
        """
        account = self._require("workbook_password")
        check_password(password)
        self._store().rekey(password, by=account.name, progress=progress)

    # -- files set aside, and what is told about the workbook ---------------------------------------------------

    def notices(self) -> list[Question]:
        """What happened to the workbook outside that an administrator should see."""
        self._require("files_aside")
        questions = self._store().state.questions.values()
        return [question for question in questions if question.kind in outside.NOTICES]

    def seen(self, key: str) -> None:
        """Put a notice away."""
        account = self._require("files_aside")
        if any(notice.key == key for notice in self.notices()):
            self._store().answer(key, "ours", by=account.name)

    def files_aside(self) -> list[Aside]:
        self._require("files_aside")
        return self._store().aside.all()

    def about_aside(self, name: str) -> list[Text]:
        """What of a file set aside cannot be kept, or why it is not understood, as words for a list."""
        self._require("files_aside")
        store = self._store()
        try:
            aside = store.aside.find(name)
            if aside and aside.kind == "invalid":
                workbook.read(loading.read_bytes(aside.path), store.passwords, name)
            return outside.lost_in(store, name)
        except InvalidWorkbook as error:
            problem = error.text.params.get("problem")
            return [problem if isinstance(problem, Text) else error.text]
        except AppError:
            return []

    def open_aside(self, name: str, password: str) -> None:
        """Take over the edits of a file that was saved under another password. Errors as for `outside.open_aside`."""
        account = self._require("files_aside")
        outside.open_aside(self._store(), name, password, by=account.name)

    def drop_aside(self, name: str) -> None:
        """Remove a file set aside for good."""
        account = self._require("files_aside")
        outside.drop_aside(self._store(), name, by=account.name)

    # -- backups ------------------------------------------------------------------------------------------------

    def backups(self) -> list[list[Copy]]:
        """The backups, newest first; one that lies in both places is one entry of two."""
        self._require("backups")
        found: dict[Any, list[Copy]] = {}
        for copy in self._store().backups.all():
            found.setdefault((copy.key, copy.generation), []).append(copy)
        return list(found.values())

    def second_place(self) -> Places:
        self._require("backups")
        backups = self._store().backups
        return Places(self.settings.second_place, backups.unreachable, len(backups.behind()), backups.same_disk())

    def make_backup(self) -> str:
        """Keep a backup of the register as it is now. Returns its file name."""
        account = self._require("backups")
        return self._store().backup(by=account.name)

    def restore(self, name: str, *, exact: bool, dry_run: bool) -> dict[str, Any]:
        """Bring rows back as a backup has them, or only say what would change. See `lib.store.restoring`.

        Args:
            name: of one of the backups: no other file is read.
        """
        account = self._require("restore")
        if name not in {copy.path.name for copies in self.backups() for copy in copies}:
            raise WorkbookMissing(N_("The backup {file} is not there any more."), file=name)
        return self._store().restore(name, by=account.name, exact=exact, dry_run=dry_run)

    # -- the change log -----------------------------------------------------------------------------------------

    @property
    def log_version(self) -> tuple[int, int]:
        """Another one as soon as the change log has another line."""
        self._require("change_log")
        journal = self._store().journal
        return journal.segment, journal.count

    def change_log(self, since: dt.date | None = None, until: dt.date | None = None) -> Sequence[Entry]:
        """The lines of the change log from a day to a day, newest first; without a day from the first or to the last.

        Only the months that it needs are read.
        """
        self._require("change_log")
        store = self._store()
        today = store.today
        months = 12 * (today.year - since.year) + today.month - since.month + 1 if since else 0
        lines = store.log(max(1, months) if since else 0)
        first, last = since or dt.date.min, until or dt.date.max
        return [line for line in lines if first <= line.at.date() <= last]
