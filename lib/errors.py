"""What can go wrong, as a tree. Each class is a failure that a person can act on.

AppError
├── StoreError              the register on disk
│   ├── WrongPassword       the workbook does not open with this password
│   ├── Damaged             the workbook is cut, changed by someone or not a workbook
│   ├── NewerSchema         written by a newer version of the program
│   ├── InvalidWorkbook     it opens, but a heading or a cell cannot be understood
│   ├── WorkbookMissing     there is no workbook
│   ├── AlreadyExists       there is one, and a new one was asked for
│   ├── NotWritten          the disk is full, read-only or not ours to write
│   │   └── NotSynced       the new file is there, but the disk does not confirm that it stays
│   ├── Busy                another process holds the lock
│   ├── InUse               another server runs on the data folder
│   ├── NoSuchProspect      the row was removed meanwhile
│   └── Stale               somebody changed the same fields meanwhile
├── Invalid                 what was typed cannot be saved, field by field
├── Duplicate               somebody saved the same person a moment ago
└── AccessError
    ├── NotSignedIn         no session, or it ended
    ├── NotAllowed          the role is missing
    ├── BadSignIn           unknown user or wrong password, not told which
    └── AccountError        an account cannot be made or changed like this

An error carries a `Text`, so that `lib.i18n` says it in the reader's language; `str()` is English.
"""

from __future__ import annotations

from collections.abc import Mapping
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
        "The workbook could not be written: {reason}. The register is as it was before, "
        "and what you typed is still here. "
        "Make room or give the right to write, then save again."
    )


class NotSynced(NotWritten):
    template = N_(
        "The change is in the workbook, but the disk does not confirm that it survives a power cut: {reason}. "
        "Do not enter it again; have the disk checked."
    )


class Busy(StoreError):
    template = N_("Another program is writing the register just now. Nothing was changed. Try again in a moment.")


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


class AccessError(AppError):
    """Who asks may not do this."""


class NotSignedIn(AccessError):
    template = N_("You are not signed in, or your session has ended. Sign in again.")


class NotAllowed(AccessError):
    template = N_("Your role does not allow this. Ask an administrator.")


class BadSignIn(AccessError):
    template = N_("The user name or the password is wrong.")


class AccountError(AccessError):
    template = N_("The account could not be changed.")
