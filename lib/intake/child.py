"""The child that reads a file (`python -m lib.intake.child`): its limits are set before a byte is looked at.

It gets bytes on its standard input and answers on its standard output. It writes no file and cannot.
"""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import sys
from typing import Any

from lib.errors import AppError, ImportRefused
from lib.intake.container import opened
from lib.intake.files import CHUNK, DAMAGED, Book, Limits, too_much_memory
from lib.process import harden


def bound(limits: Limits) -> None:
    """Set the memory and the processor time that this process may take, and that it writes no file."""
    harden()
    with contextlib.suppress(ImportError):
        import resource  # not on Windows; there the parent's clock alone ends it

        seconds = int(limits.seconds) + 5
        for what, most in (("RLIMIT_AS", limits.memory), ("RLIMIT_CPU", seconds), ("RLIMIT_FSIZE", 0)):
            with contextlib.suppress(AttributeError, ValueError, OSError):
                resource.setrlimit(getattr(resource, what), (most, most))


def open_book(content: bytes, name: str, password: str, limits: Limits) -> Book:
    """What a file holds, read in this process.

    Raises:
        NeedsPassword, WrongPassword, ImportRefused
    """
    kind, plain = opened(content, name, password, limits)
    if kind == "csv":
        from lib.intake import delimited

        return delimited.read(plain, name, limits)
    from lib.intake import workbooks

    return workbooks.read(plain, kind, limits)


def _answer(pickler: pickle.Pickler, book: Book) -> None:
    """Tell a book: everything but the rows, then the rows of each sheet in parts, each sheet ended by None."""
    told = {**vars(book), "sheets": [{k: v for k, v in vars(sheet).items() if k != "rows"} for sheet in book.sheets]}
    pickler.dump((False, told))
    for sheet in book.sheets:
        for start in range(0, len(sheet.rows), CHUNK):
            pickler.dump(sheet.rows[start : start + CHUNK])
        pickler.dump(None)


def _work() -> None:
    with contextlib.suppress(AttributeError, OSError):
        os.nice(10)
    gc.disable()  # one file and an end: the search for cycles would walk all cells again and again
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    name, password, given, length = pickle.load(sys.stdin.buffer)  # noqa: S301  from our own parent
    limits = Limits(**given)
    bound(limits)
    pickler = pickle.Pickler(answers, pickle.HIGHEST_PROTOCOL)
    error: Any = None
    try:
        book = open_book(sys.stdin.buffer.read(length), name, password, limits)
        _answer(pickler, book)
    except AppError as refused:
        error = (type(refused).__name__, *refused.text)
    except MemoryError:
        error = (ImportRefused.__name__, *too_much_memory().text)
    except Exception:
        error = (ImportRefused.__name__, DAMAGED, {})
    if error:
        pickler.dump((True, error))
    answers.flush()


if __name__ == "__main__":
    _work()
