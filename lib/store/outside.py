"""What others do to the workbook: edits made in Excel or LibreOffice, another password or none, an older copy put back.

A file is known by its whole content. One that the program did not write is merged three ways against the generation
that it names; what cannot be taken waits as a question, and what cannot be understood is set aside. Nothing that was
acknowledged is lost by it.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lib.changes import Change
from lib.errors import (
    Damaged,
    Invalid,
    InvalidWorkbook,
    NewerSchema,
    NothingToCompare,
    StoreError,
    WorkbookMissing,
    WrongPassword,
)
from lib.files import write_atomically
from lib.i18n import N_, Text
from lib.store import loading, workbook
from lib.store.encryption import decrypt, decrypt_with, encrypt, is_plain
from lib.store.log import Entry
from lib.store.merge import Merged, Question, merge
from lib.store.record import Record
from lib.store.saved import Saved
from lib.store.unkept import unkept
from lib.store.workbook import Content, Info

if TYPE_CHECKING:
    from lib.store.core import Core

BY = "excel"  # who the change log names for an edit made outside
_SETTLING = 3.0  # seconds: a file that cannot be read and is newer than this is still being written
# Questions for an administrator; the others of `lib.store.merge` are a manager's.
NOTICES = frozenset({"plain", "older", "original", "password", "unknown", "invalid"})


class _Unreadable(Exception):
    """The file itself cannot be read; any other failure passes, and is no trouble of the workbook."""

    def __init__(self, error: StoreError) -> None:
        super().__init__(error)
        self.error = error


def look(store: Core) -> None:
    """Take over what stands in the workbook's place, if it is not what the program put there.

    The caller holds `store.looking`, nothing else: entries go on while a file is read and compared. What keeps the
    file from being read stays in `store.trouble`.
    """
    seen = loading.version(store.path)
    trouble: StoreError | None = None
    generation = 0
    try:
        if seen is None:
            raise WorkbookMissing(file=store.path.name)
        generation = _take(store, loading.read_bytes(store.path), seen)
    except (WorkbookMissing, _Unreadable) as caught:
        error = caught.error if isinstance(caught, _Unreadable) else caught
        if isinstance(error, Damaged) and seen and abs(time.time() - seen[0] / 1e9) < _SETTLING:
            return  # looked at again
        trouble = error
    with store.mutex:
        if loading.version(store.path) == seen:  # else another look is due
            store.seen, store.on_disk, store.trouble = seen, generation, trouble


def _take(store: Core, sealed: bytes, seen: loading.Version) -> int:
    """Take a file over. Returns its generation, 0 where the program did not write it."""
    name = loading.digest(sealed)
    store.follow()
    if name in store.state.known:
        generation = store.state.known[name]
        # One before the journal's beginning was put back while nothing ran; it is told once.
        put_back = generation < store.oldest and name not in store.state.merged
        if (generation < store.on_disk or put_back) and loading.version(store.path) == seen:
            _ask(store, name, [Question("older", where=str(generation))])
        return generation
    if name not in store.state.merged:
        _merge(store, name, sealed)
    return 0


def _merge(store: Core, name: str, sealed: bytes) -> None:
    passwords = store.passwords
    try:
        if is_plain(sealed):
            sealed = _encrypted(store, sealed)
            name = loading.digest(sealed)
        theirs = workbook.read(sealed, passwords, store.path.name)
    except (Damaged, NewerSchema) as error:
        raise _Unreadable(error) from error
    except WrongPassword:
        _set_aside(store, name, sealed, "password")
        return
    except InvalidWorkbook as error:
        _set_aside(store, name, sealed, "invalid", str(error.text.params.get("problem", "")))
        return
    base = _base(store, theirs.info) if theirs.info.register == store.state.name else None
    if base is None:
        _set_aside(store, name, sealed, "unknown", str(theirs.info.generation))
        return
    notices = keep_original(store, sealed)
    if theirs.info.generation < max(store.state.known.values(), default=0):
        notices.append(Question("older", where=str(theirs.info.generation)))
    merge_in(store, name, theirs, base, notices)


def merge_in(store: Core, name: str, theirs: Content, base: Content, notices: list[Question]) -> None:
    """Take over the edits of a file: one record in the journal, and the questions that they raise."""
    with store.locked():
        store.follow()
        if name in store.state.merged:
            return  # another process was faster
        before, merged = _merged(store, theirs, base)
        # What was asked about an earlier save was answered, waits still, or is asked no more.
        settled = before.asked if before else ()
        asked = [q for q in merged.questions if q.key not in settled]
        asked = [q for q in [*asked, *notices] if q.key not in store.state.questions]
        answered = [k for k in settled if k in store.state.questions and k not in merged.saved.asked]
        sheets = merged.sheets if merged.sheets != store.state.sheets else None
        entry = None
        if merged.change or asked or answered or sheets is not None:
            facts = {"rows": len(merged.change.ids), "questions": len(asked)}
            entry = Entry(store.now, BY, "outside", merged.change.ids[:1000], facts)
        store.commit(Record(entry, merged.change, asked, answered, sheets=sheets, merged=name, saved=merged.saved))


def _merged(store: Core, theirs: Content, base: Content) -> tuple[Saved | None, Merged]:
    """What becomes of a file, and the earlier save that it goes on from, if any."""
    held = store.holder()
    holder = f"{held.program}: {held.name}" if held else ""
    earlier: list[Saved | None] = [s for s in reversed(store.state.saved) if s.generation == base.info.generation]
    # Who had it open at that save has it open still; else what it differs from least, the last save before others.
    own: list[Saved | None] = [save for save in earlier if save and holder and save.holder == holder]
    attempts = [
        (
            before,
            merge(
                base,
                theirs,
                store.register,
                removed=store.gone,
                today=store.today,
                now=store.now,
                by=BY,
                sheets=store.state.sheets,
                before=before,
            ),
        )
        for before in (own[:1] or [*earlier, None])
    ]
    before, merged = min(attempts, key=lambda attempt: attempt[1].distance)
    return before, replace(merged, saved=replace(merged.saved, holder=holder))


def _base(store: Core, info: Info) -> Content | None:
    """The generation that an edited file began from, as the program had written it."""
    for copy in store.backups.all():
        if copy.generation == info.generation:
            try:
                content = workbook.read(store.backups.read(copy), store.passwords, copy.path.name, own=True)
            except (WrongPassword, Damaged, NewerSchema, InvalidWorkbook, WorkbookMissing):
                continue  # a disk that fails is another matter: it may find the copy the next time
            if content.info.register == info.register and content.info.written == info.written:
                return content
    return None


def _ask(store: Core, name: str, questions: list[Question], action: str = "outside") -> None:
    asked = [question for question in questions if question.key not in store.state.questions]
    with store.locked():
        store.follow()
        if asked or name not in store.state.merged:
            store.commit(
                Record(Entry(store.now, BY, action, [], {"notice": [q.kind for q in asked]}), asked=asked, merged=name)
            )


def _encrypted(store: Core, plain: bytes) -> bytes:
    """Encrypt a workbook that was saved without its password, at once, where it stands.

    Raises:
        Damaged: it is cut, or not written to its end yet.
    """
    with contextlib.suppress(InvalidWorkbook):  # that is told later
        workbook.read_plain(plain, store.path.name)
    sealed = encrypt(plain, store.passwords[0])
    with store.locked():
        if loading.read_bytes(store.path) != plain:  # it goes on being written, or another process was faster
            raise Damaged(file=store.path.name)
        write_atomically(store.path, sealed)
    _ask(store, loading.digest(plain), [Question("plain", where=f"{store.now:%Y-%m-%d %H:%M}")])
    return sealed


def _set_aside(store: Core, name: str, sealed: bytes, kind: str, detail: str = "") -> None:
    where = store.aside.keep(kind, sealed, store.now)
    newest = max(store.state.known.values(), default=0)
    if kind == "password" and (base := store.backups.generation(newest)):
        # What it began from, most likely: kept until somebody knows the password.
        store.backups.keep(
            "manual", store.backups.read(base), generation=base.generation, rows=base.rows, now=store.now
        )
    _ask(store, name, [Question(kind, where=where, typed=detail)])


def keep_original(store: Core, sealed: bytes) -> list[Question]:
    """Set a file aside if it holds what the program cannot keep; the question tells what that is."""
    lost = unkept(decrypt_with(sealed, store.passwords)[0])
    if not lost:
        return []
    where = store.aside.keep("original", sealed, store.now)
    return [Question("original", where=where)]


def lost_in(store: Core, name: str) -> list[Text]:
    """What of a file set aside the program cannot keep."""
    aside = store.aside.find(name)
    return unkept(decrypt_with(loading.read_bytes(aside.path), store.passwords)[0]) if aside else []


def clear_the_way(store: Core) -> None:
    """Set aside what stands in the workbook's place and cannot be read."""
    with store.files_locked():
        look_again(store)
        if isinstance(store.trouble, NewerSchema):
            raise store.trouble
        unread = store.trouble or loading.version(store.path) != store.seen
        if unread and store.path.exists():
            store.aside.keep("replaced", loading.read_bytes(store.path), store.now)
        store.trouble, store.seen = None, loading.version(store.path)


def look_again(store: Core) -> None:
    """`look`, whatever the file's stamp says."""
    with store.looking:
        store.follow()
        look(store)


# -- answers ---------------------------------------------------------------------------------------------------


def answer(store: Core, key: str, decision: str, *, by: str, values: Mapping[str, Any]) -> None:
    """Settle a question.

    Args:
        decision: "theirs" (take what the file says: a missing row goes, a value changes, a new row comes in) or
            "ours" (leave it; for a notice: seen).
        values: for a new row, what the file did not say.

    Raises:
        Invalid: a value cannot be taken; nothing was changed.
        NoSuchProspect, StoreError
    """
    with store.locked():
        store.follow()
        question = store.state.questions.get(key)
        if question is None:
            return  # somebody else was faster
        register, change = store.register, Change()
        action = "outside_kept"
        if decision == "theirs":
            action = "outside_taken"
            match question.kind:
                case "missing":
                    change, action = register.removing([question.id]), "remove"
                case "protected" | "conflict":
                    # Ground and date of a hold are taken together.
                    wanted = dict(question.row) or {question.code: question.theirs}
                    change = register.updating(question.id, wanted, by=by, now=store.now)
                case "new":
                    given = {**question.row, **values}
                    if not given.get("received"):  # today is for what is entered here
                        raise Invalid({"received": Text(N_("Choose the date when the data was received."))})
                    row = register.new_row(given, by=by, now=store.now)
                    change = register.adding([row])
                    new = change.ids[0]
                    change = replace(change, others={name: {new: value} for name, value in question.others.items()})
        facts: dict[str, Any] = {"rows": len(change.ids)}
        if action == "remove":
            facts["reason"] = "outside"
        if question.code:
            facts["fields"] = [question.code]
        ids = change.ids or ([question.id] if question.id else [])
        store.commit(Record(Entry(store.now, by, action, ids, facts), change, answered=[key]))


def open_aside(store: Core, name: str, password: str, *, by: str) -> None:
    """Take over the edits of a file that was saved under another password.

    Raises:
        WrongPassword, InvalidWorkbook, Damaged: it stays set aside.
        NothingToCompare: there is no copy of what it began from.
    """
    aside = store.aside.find(name)
    if aside is None:
        return
    sealed = loading.read_bytes(aside.path)
    theirs = workbook.read(sealed, password, aside.name)
    base = _base(store, theirs.info)
    if base is None or theirs.info.register != store.state.name:
        raise NothingToCompare(file=aside.name)
    under_ours = encrypt(decrypt(sealed, password), store.passwords[0])
    merge_in(store, hashlib.sha256(b"aside" + sealed).hexdigest(), theirs, base, keep_original(store, under_ours))
    drop_aside(store, name, by=by)


def drop_aside(store: Core, name: str, *, by: str) -> None:
    """Remove a file set aside for good, and the notices about it."""
    if aside := store.aside.find(name):
        store.aside.drop(aside)
    with store.locked():
        store.follow()
        answered = [key for key, question in store.state.questions.items() if question.where == name]
        store.commit(Record(Entry(store.now, by, "drop_aside", [], {"file": name}), answered=answered))
