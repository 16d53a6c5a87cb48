"""What can go wrong, as a tree. Each class is a failure that a person can act on.

AppError
├── StoreError              the register on disk
│   ├── WrongPassword       the workbook does not open with this password
│   ├── Damaged             the workbook is cut, changed by someone or not a workbook
│   ├── JournalDamaged      the file of the newest changes was changed by someone; it says where
│   ├── NewerSchema         written by a newer version of the program
│   ├── InvalidWorkbook     it opens, but a heading or a cell cannot be understood
│   ├── WorkbookMissing     there is no workbook
│   ├── AlreadyExists       there is one, and a new one was asked for
│   ├── NotWritten          the disk is full, read-only or not ours to write
│   │   └── NotSynced       the new file is there, but the disk does not confirm that it stays
│   ├── Busy                another process holds the lock
│   ├── HeldOpen            somebody has the workbook open in Excel or LibreOffice
│   ├── NothingToCompare    the workbook was changed outside, and the copy to compare it with is gone
│   ├── Unfinished          something stands in the way; it says what
│   │   ├── RemovalUnfinished   of removed rows, copies are still there
│   │   └── PasswordUnfinished  of the workbook, copies still have the old password
│   ├── BadPlace            the data folder lies on a network share or is synchronised
│   ├── InUse               another server runs on the data folder
│   ├── NoSuchProspect      the row was removed meanwhile
│   └── Stale               somebody changed the same fields meanwhile
├── Invalid                 what was typed cannot be saved, field by field
├── Duplicate               somebody saved the same person a moment ago
├── ImportRefused           a file cannot be taken as it is; it says what to do
└── AccessError
    ├── NotSignedIn         no session, or it ended
    ├── NotAllowed          the role is missing
    ├── BadSignIn           unknown user or wrong password, not told which
    │   └── BadCode         the code of the second factor is wrong or was used
    ├── TooMany             too many wrong attempts; it says how long to wait
    └── AccountError        an account cannot be made or changed like this

An error carries a `Text`, so that `lib.i18n` says it in the reader's language; `str()` is English.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lib.i18n import N_, Text


class AppError(Exception):
    """Base of every error that a user may see. `text` is what to say."""

    template = N_("Something went wrong. Nothing was changed.")

    def __init__(self, msgid: str | None = None, /, **params: Any) -> None:
        self.text = Text(msgid or self.template, params)
        super().__init__(str(self.text))


class StoreError(AppError):
    """The register on disk could not be read or written."""


class WrongPassword(StoreError):
    template = N_("The workbook does not open with this password. Check the password and try again.")


class Damaged(StoreError):
    template = N_(
        "The workbook {file} is damaged: it was cut short or changed by another program. "
        "Nothing was written. Put an undamaged copy in its place."
    )


class JournalDamaged(StoreError):
    template = N_(
        "The file {file} of the newest changes is damaged at byte {position}. Nothing was written over it. "
        "Put an undamaged copy of it in its place, or run: python -m lib restore"
    )


class NewerSchema(StoreError):
    template = N_("The workbook was written by a newer version of this program. Update the program, then open it.")


class InvalidWorkbook(StoreError):
    template = N_(
        "The workbook cannot be understood: {problem} Nothing was written. Correct it in Excel and try again."
    )


class WorkbookMissing(StoreError):
    template = N_("The workbook {file} is not there. Nothing was written. Put it back, then try again.")


class AlreadyExists(StoreError):
    template = N_("There is already a workbook {file}. Nothing was written.")


class NotWritten(StoreError):
    template = N_(
        "The change could not be written: {reason}. The register is as it was before, "
        "and what you typed is still here. "
        "Make room or give the right to write, then save again."
    )


class NotSynced(NotWritten):
    template = N_(
        "The change is saved, but the disk does not confirm that it survives a power cut: {reason}. "
        "Do not enter it again; have the disk checked."
    )


class Busy(StoreError):
    template = N_("Another program is writing the register just now. Nothing was changed. Try again in a moment.")


class HeldOpen(StoreError):
    """`holder` says who has the workbook open."""

    template = N_(
        "{name} has the workbook open in {program}. Everything is saved; the workbook follows when it is closed there."
    )


class NothingToCompare(StoreError):
    template = N_(
        "The workbook {file} was changed by another program, and the copies to compare it with are gone. "
        "Nothing was written. Restore a backup, or this file, with: python -m lib restore"
    )


class Unfinished(StoreError):
    """`obstacles` are what stands in the way, each a text."""

    def __init__(self, obstacles: Sequence[Text]) -> None:
        super().__init__()
        self.obstacles = list(obstacles)


class RemovalUnfinished(Unfinished):
    template = N_("The rows are removed from the register, but copies of them are still there. It is tried again.")


class PasswordUnfinished(Unfinished):
    template = N_("The new password is in force, but some copies still open with the old one. It is tried again.")


class BadPlace(StoreError):
    template = N_(
        "The data folder {folder} cannot be used: {why}. Move it to a disk of this computer, outside of such folders, "
        "and name it in PROSPECTS_DATA."
    )


class InUse(StoreError):
    template = N_("Another server already runs on this data folder. Stop it first.")


class NoSuchProspect(StoreError):
    template = N_("The prospect {id} is no longer in the register.")


class Stale(StoreError):
    """`conflicts` maps a column's code to (the value seen, the value now)."""

    template = N_("Somebody changed this row while you were editing it. Your changes were not saved.")

    def __init__(self, conflicts: Mapping[str, tuple[Any, Any]], changed_by: str = "") -> None:
        super().__init__()
        self.conflicts = dict(conflicts)
        self.changed_by = changed_by


class Invalid(AppError):
    """`fields` maps a column's code to what is wrong with its value."""

    template = N_("Check the marked fields.")

    def __init__(self, fields: Mapping[str, Text]) -> None:
        super().__init__()
        self.fields = dict(fields)


class Duplicate(AppError):
    """`matches` are the ids of rows that look like the same person."""

    template = N_("The register already has a prospect like this.")

    def __init__(self, matches: list[str]) -> None:
        super().__init__()
        self.matches = matches


class ImportRefused(AppError):
    template = N_("This file cannot be read. Save it again as an Excel workbook, and bring that.")


class AccessError(AppError):
    """Who asks may not do this."""


class NotSignedIn(AccessError):
    template = N_("You are not signed in, or your session has ended. Sign in again.")


class NotAllowed(AccessError):
    template = N_("Your role does not allow this. Ask an administrator.")


class BadSignIn(AccessError):
    template = N_("The user name or the password is wrong.")


class BadCode(BadSignIn):
    template = N_("The code is wrong, or it was used already. Wait for the next one and try again.")


class TooMany(AccessError):
    """`seconds` are what is left to wait."""

    template = N_("Too many wrong attempts. Nothing was checked. Try again in {seconds} s.")

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds=seconds)
        self.seconds = seconds


class AccountError(AccessError):
    template = N_("The account could not be changed.")
