"""What a file holds: bytes in, sheets of values out. A bounded child process does the reading.

The file is a stranger's. It is never written anywhere, and what it does to the libraries that read it happens in the
child, whose memory and time have an end (`lib.intake.child`).
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from lib import errors
from lib.errors import ImportRefused
from lib.i18n import N_, Text

if TYPE_CHECKING:
    from lib.settings import Settings

Value = str | int | float | bool | dt.datetime | dt.date | dt.time | None

DAMAGED = N_("The file is damaged: it was cut short or changed by another program.")
CHUNK = 2_000  # rows that come from the child at once: other threads get their turn in between
_ROOT = Path(__file__).parents[2]
# What an answer may be made of, beside numbers and texts: the child has read a stranger's bytes.
_KNOWN = {("datetime", name): getattr(dt, name) for name in ("date", "datetime", "time")}
_KNOWN |= {("lib.i18n", "Text"): Text, ("builtins", "frozenset"): frozenset}


@dataclass(frozen=True)
class Limits:
    """How much a file may be: its bytes, the rows and columns of a sheet, the child's memory in bytes, and seconds."""

    bytes: int = 20_000_000
    rows: int = 200_000
    columns: int = 200
    memory: int = 1_000_000_000
    seconds: float = 60.0

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        """The limits that an installation has chosen."""
        return cls(settings.import_mb * 1_000_000, settings.import_rows, settings.import_columns)


@dataclass(frozen=True)
class Sheet:
    """A worksheet. Places are (row, column) from 0; an empty cell is None.

    `formats` has the number formats of numbers that are shown otherwise than they are. `unread` has what stands in
    cells whose value nobody knows: an error such as "#REF!", or a formula that was never computed.
    """

    name: str
    rows: list[list[Value]]
    formats: dict[tuple[int, int], str] = field(default_factory=dict)
    hidden_rows: frozenset[int] = frozenset()
    merged: tuple[tuple[int, int, int, int], ...] = ()  # first row, first column, last row, last column
    visible: bool = True
    unread: dict[tuple[int, int], str] = field(default_factory=dict)
    date1904: bool = False  # whether the numbers of days count from 1904


@dataclass(frozen=True)
class Book:
    """What a file holds. `kind` is "xlsx", "xls", "xlsb", "ods" or "csv"; a chart sheet is no sheet."""

    kind: str
    sheets: list[Sheet]
    notes: list[Text] = field(default_factory=list)
    encoding: str = ""
    separator: str = ""


def read(content: bytes, name: str, *, password: str = "", limits: Limits | None = None) -> Book:
    """What a file holds, by its content; its name is only for the messages.

    Raises:
        NeedsPassword, WrongPassword
        ImportRefused: it is no table that can be read, or it is too much; the text says what to do.
    """
    limits = limits or Limits()
    if not content:
        raise ImportRefused(N_("The file is empty."))
    if len(content) > limits.bytes:
        raise ImportRefused(
            N_("The file has {size} MB; at most {limit} MB are read. Split it, or raise the limit in the settings."),
            size=-(-len(content) // 1_000_000),
            limit=limits.bytes // 1_000_000,
        )
    with _child(limits) as (process, was_late):
        answers = _Answers(process.stdout) if process.stdout else None
        assert process.stdin and answers
        sender = threading.Thread(target=_send, args=(process.stdin, (name, password, limits), content), daemon=True)
        sender.start()
        try:
            failed, answer = answers.load()
            if not failed:
                return _book(answer, answers)
        except (OSError, EOFError, pickle.UnpicklingError, ValueError) as error:
            raise _ended(was_late.is_set(), limits) from error
        finally:
            process.kill()
            sender.join()
    raise _error(*answer)


class _Answers(pickle.Unpickler):
    """Reads what the child says, and makes nothing but values of it."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _KNOWN:
            raise pickle.UnpicklingError(f"{module}.{name}")
        return _KNOWN[module, name]


@contextlib.contextmanager
def _child(limits: Limits) -> Iterator[tuple[subprocess.Popen[bytes], threading.Event]]:
    """The child, and an event that tells when its time was over. Whatever happens, it ends."""
    # What the surroundings hold in passwords is none of its business.
    surroundings = {key: value for key, value in os.environ.items() if not key.startswith("PROSPECTS_")}
    try:
        process = subprocess.Popen(
            [sys.executable, "-B", "-m", "lib.intake.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=_ROOT,
            env=surroundings,
            creationflags=getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0),
        )
    except OSError as error:
        raise ImportRefused(
            N_("The file could not be read: {reason}. Try again in a moment."), reason=str(error)
        ) from error
    was_late = threading.Event()

    def stop() -> None:
        was_late.set()
        process.kill()

    timer = threading.Timer(limits.seconds, stop)
    timer.daemon = True
    timer.start()
    try:
        yield process, was_late
    finally:
        timer.cancel()
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                with contextlib.suppress(OSError):
                    pipe.close()
        process.wait()


def _send(pipe: IO[bytes], asked: tuple[str, str, Limits], content: bytes) -> None:
    """Give the child its work. It may have ended before it took everything."""
    name, password, limits = asked
    with contextlib.suppress(OSError, ValueError):
        pickle.dump((name, password, vars(limits), len(content)), pipe)
        pipe.write(content)
        pipe.close()


def _book(told: dict[str, Any], answers: _Answers) -> Book:
    """The book that the child tells: first everything but the rows, then the rows, sheet by sheet, then None."""
    sheets = []
    for facts in told["sheets"]:
        rows: list[list[Value]] = []
        while part := answers.load():
            rows += part
        sheets.append(Sheet(rows=rows, **facts))
    return Book(**{**told, "sheets": sheets})


def _ended(late: bool, limits: Limits) -> ImportRefused:
    """What to say of a child that ended without an answer."""
    if late:
        return ImportRefused(
            N_("Reading the file took more than {seconds} seconds. Split it into smaller files."),
            seconds=round(limits.seconds),
        )
    return too_much_memory()


def too_much_memory() -> ImportRefused:
    return ImportRefused(N_("The file needs more memory than a file may take. Split it into smaller files."))


def _error(kind: str, msgid: str, params: dict[str, Any]) -> errors.AppError:
    """The error that the child tells."""
    known = {c.__name__: c for c in (ImportRefused, errors.NeedsPassword, errors.WrongPassword)}
    return known.get(kind, ImportRefused)(msgid, **params)
