"""The heavy work on workbooks: writing one and proving it, clearing one of removed rows, giving it another password.

A server lets a child process of low priority do it, fed over its standard input, since a thread slows every page.
Everything stays in memory and in pipes.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Protocol, Self

import pandas as pd

from lib import child
from lib.errors import Damaged, NotWritten
from lib.i18n import N_, Text
from lib.register import number_of
from lib.store import workbook
from lib.store.encryption import decrypt_with, encrypt
from lib.store.workbook import Content


def build(content: Content, password: str, language: str) -> bytes:
    """The encrypted workbook of a register, read again and compared with it row by row.

    Raises:
        Damaged: it is not the same; it must not be used.
    """
    sealed = workbook.write(content, password, language)
    found = workbook.read(sealed, password, "xlsx", own=True)
    if not _same(content, found):
        raise Damaged(file="xlsx")
    return sealed


def _same(one: Content, other: Content) -> bool:
    columns = [code for code in one.frame.columns if code != "expires"]
    if not one.frame[columns].reset_index(drop=True).equals(other.frame[columns].reset_index(drop=True)):
        return False
    if [_cell(name) for name in one.extras.columns] != [_cell(name) for name in other.extras.columns]:
        return False
    for name in one.extras.columns:
        if [_cell(v) for v in one.extras[name]] != [_cell(v) for v in other.extras[name]]:
            return False
    if _sheets(one) != _sheets(other):
        return False
    facts = ("register", "generation", "last_number", "written", "rows")
    return all(getattr(one.info, fact) == getattr(other.info, fact) for fact in facts)


def _sheets(content: Content) -> dict[str, list[list[Any]]]:
    """The sheets of others without what is empty at the end of rows and columns: a workbook does not hold it."""
    sheets = {}
    for name, rows in content.sheets.items():
        cells = [_without_end([_cell(value) for value in row], "") for row in rows]
        sheets[name[:31]] = _without_end(cells, [])
    return sheets


def _without_end(items: list[Any], empty: Any) -> list[Any]:
    while items and items[-1] == empty:
        items.pop()
    return items


def _cell(value: Any) -> Any:
    """A cell of somebody else's column as a workbook gives it back: empty is "", and numbers have one kind."""
    if value is None or value is pd.NaT or value != value:
        return ""
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def clear(
    sealed: bytes, passwords: Sequence[str], register: str, ids: Collection[str], language: str, only_own: bool = False
) -> tuple[bytes, int] | None:
    """A workbook without some rows and under the first of the passwords, and how many rows went.

    Args:
        register: whose rows they are; in a workbook of another register the same numbers are other people.
        only_own: rows without a number that the register gave go, too.

    Returns:
        None where there is nothing to do: it holds none of the rows and opens with the first password.

    Raises:
        WrongPassword, Damaged, InvalidWorkbook: it cannot be read.
    """
    plain, place = decrypt_with(sealed, passwords)
    if ids:
        content = workbook.read_plain(plain, "xlsx")
        gone = content.frame["id"].isin(list(ids)) & (content.info.register == register)
        if only_own:
            numbers = content.frame["id"].map(number_of)
            gone |= (numbers == 0) | (numbers > content.info.last_number) | content.frame["id"].duplicated()
        if gone.any():
            content.frame, content.extras = (t[~gone].reset_index(drop=True) for t in (content.frame, content.extras))
            content.info.rows = len(content.frame)
            return build(content, passwords[0], language), int(gone.sum())
    return (encrypt(plain, passwords[0]), 0) if place else None


class Workshop(Protocol):
    """Where the work is done. A context manager."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...
    def build(self, content: Content, password: str, language: str) -> bytes: ...
    def clear(
        self,
        sealed: bytes,
        passwords: Sequence[str],
        register: str,
        ids: Collection[str],
        language: str,
        only_own: bool = False,
    ) -> tuple[bytes, int] | None: ...


class Here:
    """The work done in this process: for a terminal, where no page waits."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    build = staticmethod(build)
    clear = staticmethod(clear)


class Child:
    """The work done in a child process of low priority; one child for all that is asked of it."""

    def __enter__(self) -> Self:
        try:
            self._child = child.Child("lib.store.worker")
        except child.Ended as error:
            raise NotWritten(reason=str(error)) from error
        return self

    def __exit__(self, *raised: object) -> None:
        if raised[0] is not None:
            self._child.kill()
        self._child.close()

    def build(self, content: Content, password: str, language: str) -> bytes:
        return bytes(self._ask("build", content, password, language))

    def clear(
        self,
        sealed: bytes,
        passwords: Sequence[str],
        register: str,
        ids: Collection[str],
        language: str,
        only_own: bool = False,
    ) -> tuple[bytes, int] | None:
        found: tuple[bytes, int] | None = self._ask("clear", sealed, passwords, register, ids, language, only_own)
        return found

    def _ask(self, job: str, *given: Any) -> Any:
        try:
            return self._child.ask(job, *given)
        except child.Ended as error:
            raise NotWritten(reason=Text(N_("the process that writes the workbook has ended"))) from error


if __name__ == "__main__":
    child.serve({"build": build, "clear": clear})
