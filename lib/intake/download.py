"""What a list said when it left, from the hidden sheet of fingerprints in it."""

from __future__ import annotations

import base64
import datetime as dt
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from lib.errors import ImportRefused
from lib.i18n import N_
from lib.intake.files import Value
from lib.output.fingerprints import BYTES, FACTS, SHEET, VERSION, Prints
from lib.register import number_of

_FORGED = N_(
    "This list is not from this register, or its hidden sheet {sheet} was changed, so nobody can tell what was edited. "
    "Download the list again and make the changes there; or copy the rows into a new file, which is taken for a table "
    "of somebody else."
)
_NEWER = N_("This list was made by a newer version of this program. Update the program, then bring it again.")


class SheetLike(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def rows(self) -> Sequence[Sequence[Value]]: ...


class BookLike(Protocol):
    @property
    def sheets(self) -> Sequence[SheetLike]: ...


@dataclass(frozen=True)
class Download:
    """What a list said when it left: where it is from, and fingerprints by the row's number, as `codes` are ordered."""

    register: str
    by: str
    at: dt.datetime
    codes: tuple[str, ...]
    language: str
    rows: Mapping[str, bytes]
    prints: Prints = field(repr=False)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {code: n * BYTES for n, code in enumerate(self.codes)}

    def has(self, code: str) -> bool:
        """Whether the list had a column."""
        return code in self._places

    def said(self, code: str, prospect_id: str, value: str) -> bool:
        """Whether the list said this, in the form of `canonical`; no column that it did not have said anything."""
        place = self._places.get(code)
        if place is None:
            return False
        return self.rows[prospect_id][place : place + BYTES] == self.prints.of(code, prospect_id, value)


def fingerprints(book: BookLike, key: bytes) -> Download | None:
    """What a list of this register said when it left; None for any other table.

    Args:
        key: the register's key for lists.

    Raises:
        ImportRefused: it is another register's list, or its hidden sheet was changed.
    """
    sheet = next((sheet for sheet in book.sheets if sheet.name == SHEET), None)
    if sheet is None:
        return None
    lines = [(str(row[0] or ""), str(row[1] or "")) for row in sheet.rows if len(row) > 1]
    facts = {name: said for name, said in lines if name in FACTS}
    rows = [(i, said) for i, said in lines if number_of(i)]
    try:
        if int(facts["version"]) > VERSION:
            raise ImportRefused(_NEWER)
        prints = Prints(key, bytes.fromhex(facts["salt"]))
        if not hmac.compare_digest(prints.seal(facts, rows).encode(), facts["seal"].encode()):
            raise ValueError("seal")
        codes = tuple(facts["codes"].split())
        return Download(
            facts["register"],
            facts["by"],
            dt.datetime.fromisoformat(facts["at"]),
            codes,
            facts["language"],
            {i: base64.b64decode(said) for i, said in rows},
            prints,
        )
    except (KeyError, ValueError) as error:
        raise ImportRefused(_FORGED, sheet=SHEET) from error
