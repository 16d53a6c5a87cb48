"""What an administrator may do: users, settings, the workbook and its copies, the change log. No row is seen here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from lib.access import second_factor
from lib.access.accounts import Account, check_password
from lib.access.roles import may
from lib.access.sessions import Session
from lib.access.throttle import Slowed
from lib.changes import Change, folded
from lib.errors import (
    AccountError,
    AppError,
    Invalid,
    InvalidWorkbook,
    NotSynced,
    StoreError,
    WorkbookMissing,
)
from lib.i18n import N_, Text
from lib.own_account import OwnAccount
from lib.register import Register
from lib.settings import SECOND_FACTOR_FOR
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


class Leaving(NamedTuple):
    """What a user leaves behind: rows in charge, those of them with a next contact, every download's line of the log,
    newest first, and whether the user knew the workbook's password."""

    rows: int
    follow_ups: int
    downloads: list[Entry]
    knew_workbook_password: bool


_NOT_HANDED_OVER = N_(
    "The account is closed; the rows were not handed over, since the register could not be written. "
    "Press the button once more to hand them over."
)


class Administration(OwnAccount):
    """The operations of an administrator. Each asks for the role itself; errors as for `SignedIn`."""

    # -- users and settings -------------------------------------------------------------------------------------

    def users(self) -> list[Account]:
        self._require("users")
        return self.installation.accounts.all()

    def add_user(self, name: str, display_name: str, roles: Collection[str]) -> str:
        """Make an account. Returns its one-time password, which must be changed at the first sign-in."""
        account = self._require("users")
        password = self.installation.add_user(self.token, name, display_name, roles)
        self._event("add_user", account, user=name, roles=sorted(roles))
        return password

    def set_roles(self, name: str, roles: Collection[str]) -> bool:
        """Give a user these roles and no others. Returns whether there were others."""
        account = self._require("users")
        changed = self.installation.set_roles(name, roles)
        if changed:
            self._event("set_roles", account, user=name, roles=sorted(roles))
        return changed

    def leaving(self, name: str) -> Leaving:
        """What somebody leaves behind: numbers and lines of the change log, no row. Raises AccountError."""
        self._require("users")
        user = self._user(name)
        own = self._store().frame
        own = own[own["owner"] == name]
        downloads = [line for line in self._store().log(0) if (line.by, line.action) == (name, "download")]
        return Leaving(len(own), int(own["next_contact"].notna().sum()), downloads, user.knew_workbook_password)

    def disable_user(self, name: str, hand_over_to: str = "") -> None:
        """Close an account; its sessions end.

        Args:
            hand_over_to: who is in charge of the user's rows from now on; "" leaves them as they are.

        Raises:
            AccountError: the last administrator, or nobody who may be in charge of rows; nothing was changed.
            StoreError: the account is closed, and the rows are as they were; the same call again hands them over.
        """
        account = self._require("users")
        user = self._user(name)
        if hand_over_to:
            heir = self._user(hand_over_to)
            if hand_over_to == name or heir.disabled or not may(heir.roles, "edit"):
                raise AccountError(N_("Choose somebody who can sign in and works with rows."))
            self._store()
        if not user.disabled:
            self.installation.set_disabled(name, True)
            self._event("disable_user", account, user=name)
        if hand_over_to:
            try:
                self._hand_over(account, name, hand_over_to)
            except NotSynced:  # they are handed over
                raise
            except StoreError as error:
                raise StoreError(_NOT_HANDED_OVER) from error

    def _hand_over(self, account: Account, name: str, to: str) -> None:
        store = self._store()

        def plan(register: Register) -> Change:
            ids = register.frame["id"][register.frame["owner"] == name]
            return folded(register.updating(i, {"owner": to}, by=account.name, now=store.now) for i in ids)

        store.change("hand_over", account.name, plan, user=name, to=to)

    def enable_user(self, name: str) -> None:
        account = self._require("users")
        self.installation.set_disabled(name, False)
        self._event("enable_user", account, user=name)

    def lost_device(self, name: str) -> None:
        """End every session of a user at once."""
        account = self._require("users")
        self._user(name)
        self.installation.lost_device(name)
        self._event("lost_device", account, user=name)

    def reset_password(self, name: str) -> str:
        """Give another user a one-time password, which must be changed at the first sign-in, and return it."""
        account = self._require("users")
        password = self.installation.reset_password(self.token, name)
        self._event("reset_password", account, user=name)
        return password

    def drop_second_factor(self, name: str) -> None:
        """Take another user's second factor away, whose app and recovery codes are lost."""
        account = self._require("users")
        self.installation.drop_second_factor(self.token, name)
        self._event("second_factor_off", account, user=name)

    def sessions_of_user(self, name: str) -> list[Session]:
        """A user's sessions, the newest first."""
        self._require("users")
        return self.installation.live_sessions(self._user(name))

    def slowed(self) -> list[Slowed]:
        """Who and what is slowed for guessing, the longest wait first; addresses as far as the change log has them."""
        self._require("users")
        if not self.installation.throttle.slowed((), ()):  # mostly: then the log need not be read
            return []
        lines = self._store().log(1) if self.is_open else []
        addresses = {str(line.facts["address"]) for line in lines if "address" in line.facts}
        users = [user.name for user in self.installation.accounts.all()]
        return self.installation.throttle.slowed(users, addresses)

    def _user(self, name: str) -> Account:
        user = self.installation.accounts.get(name)
        if user is None:
            raise AccountError(N_("There is no user {name}."), name=name)
        return user

    def save_settings(self, **changes: Any) -> None:
        """Change settings.

        Raises:
            Invalid: a value cannot be used, or asks oneself for a second factor that one has not got: the page would
                end under one's hands. Nothing was changed.
        """
        account = self._require("settings")
        before = self.settings
        wanted = str(changes.get("second_factor_for", before.second_factor_for))
        if wanted != before.second_factor_for and not account.second_factor and wanted in SECOND_FACTOR_FOR:
            if second_factor.required(account.roles, wanted):
                first = Text(N_("Set up your own second factor first, on the page My account."))
                raise Invalid({"second_factor_for": first})
        self.installation.save_settings(**changes)
        changed = sorted(name for name, value in changes.items() if value != getattr(before, name))
        if changed:
            self._event("settings", account, settings=changed)

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
        store = self._store()
        chosen = self.installation.accounts.choosing_workbook_password
        with chosen(account.name, lambda: store.passwords[0] == password):
            store.rekey(password, by=account.name, progress=progress)

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
