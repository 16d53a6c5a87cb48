"""What people do to the workbook outside, by the codes of the schema; and a search through everything that is kept."""

from __future__ import annotations

import contextlib
import os
import signal
import time
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from lib import schema
from lib.errors import StoreError
from lib.store import Store
from lib.store.encryption import decrypt_with
from lib.store.question import Question

from .steps import Steps
from .tools import PASSWORD, all_text, columns, edit

Change = Callable[[openpyxl.Workbook], None]


def cells(row: int, **values: Any) -> Change:
    """Values by code in a row of the sheet, counted from 1 with the heading; choices in the sheet's own words."""

    def change(book: openpyxl.Workbook) -> None:
        sheet = book["Prospektit"]
        places = columns(sheet)
        for code, value in values.items():
            said = schema.label(code, value, "fi") if schema.BY_CODE[code].choices else value
            sheet.cell(row, places[schema.heading(code, "fi")]).value = said

    return change


def appended(**values: Any) -> Change:
    """A row below the others."""
    return lambda book: cells(book["Prospektit"].max_row + 1, **values)(book)


def without(*rows: int) -> Change:
    """Rows deleted, the lowest first."""

    def change(book: openpyxl.Workbook) -> None:
        for row in sorted(rows, reverse=True):
            book["Prospektit"].delete_rows(row)

    return change


def info(fact: str, value: str) -> Change:
    """A fact of the program's own sheet changed."""

    def change(book: openpyxl.Workbook) -> None:
        for row in book["Tiedot"].iter_rows():
            if row[0].value == fact:
                row[1].value = value

    return change


def save(path: Path, *changes: Change, password: str = PASSWORD) -> bytes:
    """Edit a workbook and save it. Returns what was saved."""
    edit(path, lambda book: [change(book) for change in changes] and None, password)
    return path.read_bytes()


def age(path: Path, seconds: float = 60) -> None:
    """Let a file be older than it is."""
    then = time.time() - seconds
    os.utime(path, (then, then))


def names(store: Store) -> list[str]:
    return list(store.frame["name"])


def kinds(store: Store) -> list[str]:
    return sorted(question.kind for question in store.state.questions.values())


def asked(store: Store, kind: str) -> Question:
    """The one question of a kind."""
    (question,) = (question for question in store.state.questions.values() if question.kind == kind)
    return question


def settle(store: Store) -> None:
    """Answer every question with what is there already."""
    for key in list(store.state.questions):
        store.answer(key, "ours", by="päällikkö")


def everything(store: Store, *places: Path) -> dict[str, str]:
    """All that the data folder and other places hold, opened with the register's own keys and passwords, by file."""
    found: dict[str, str] = {}
    files = [path for folder in (store.data_dir, *places) for path in folder.rglob("*") if path.is_file()]
    for path in files:
        content = path.read_bytes()
        found[str(path)] = content.decode("utf-8", "replace")
        if path.suffix == ".xlsx" or path.suffix == ".tmp":
            try:
                found[str(path)] += all_text(decrypt_with(content, store.passwords)[0])
            except StoreError:
                found[str(path)] += " (does not open)"
        elif path.suffix == ".journal":
            number = int(path.stem)
            header, _, _, _ = store.journal._open(number)
            found[str(path)] += str(header)
    found["journal"] = "".join(
        read.record.to_bytes().decode() for read in store.journal.peek(store.journal.segments()[0])
    )
    found["log"] = str(store.log())
    return found


def traces(store: Store, words: Iterable[str], *places: Path) -> list[str]:
    """The files that hold one of the words."""
    words = list(words)
    return sorted(name for name, text in everything(store, *places).items() if any(word in text for word in words))


def killed(data: Path, action: Callable[[Store], object], at: int) -> bool:
    """Do something to a register in a process of its own, killed before its Nth change of a file.

    Returns whether it came so far. Files beside the data folder count too.
    """
    child = os.fork()
    if child:
        return os.WIFSIGNALED(os.waitpid(child, 0)[1])
    count = 0

    def hook(step: str, *_: object) -> None:
        nonlocal count
        if step.split()[0] in ("write", "replace", "unlink"):
            count += 1
            if count == at:
                os.kill(os.getpid(), signal.SIGKILL)

    try:
        with pytest.MonkeyPatch.context() as patch, contextlib.suppress(StoreError):
            store = Store.open(data, PASSWORD)
            Steps(data.parent, hook, patch)
            action(store)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(0)


def together(count: int, action: Callable[[], object]) -> int:
    """Do something in several processes at the same moment. Returns how many came through without an error."""
    waits, goes = os.pipe()
    children = []
    for _ in range(count):
        child = os.fork()
        if not child:
            failed = 1
            try:
                os.close(goes)
                os.read(waits, 1)  # until the parent shuts its end
                action()
                failed = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(failed)
        children.append(child)
    os.close(waits)
    os.close(goes)
    return sum(os.waitpid(child, 0)[1] == 0 for child in children)
