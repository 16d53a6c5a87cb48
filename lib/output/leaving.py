"""Lists that leave the register: which rows may, what of them, and the line of the change log that goes before."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import pandas as pd

from lib import schema
from lib.errors import NotAllowed
from lib.i18n import N_
from lib.output import csv_list, excel_list
from lib.output.fingerprints import Origin
from lib.store import Store

MAILING = ("email", "address")  # nobody writes there to who has objected to marketing
NO_CSV = N_("The settings do not allow lists as CSV, which is not encrypted. Take the Excel list.")


def may_leave(frame: pd.DataFrame) -> pd.DataFrame:
    """Those of the rows that may leave at all: nothing restricted, nothing that waits for removal."""
    return frame[frame["restricted"].isna() & frame["removal_requested"].isna()]


def leaving(
    store: Store,
    take: Callable[[], pd.DataFrame],
    codes: Sequence[str],
    *,
    by: str,
    note: Callable[..., None],
    language: str,
    password: str | None,
) -> bytes:
    """A list of some rows. The change log has its line when this returns.

    Args:
        take: gives the rows that the one who asks may take now. It is asked again once the list is built, which takes
            seconds: what may not leave any more is not in it.
        codes: the columns, in order; the day of an objection to marketing is always among them.
        by: who takes it, as the list says when it comes back.
        note: adds the line to the change log, from what it tells.
        password: seals the Excel list; None makes CSV, which nothing seals.

    Raises:
        NotAllowed: the settings do not allow CSV.
        StoreError: the log does not take the line; then nothing leaves.
    """
    if password is None and not store.settings.csv_download:
        raise NotAllowed(NO_CSV)
    codes = [code for code in dict.fromkeys(codes) if code in schema.CODES]
    codes += {"objected"} - set(codes)  # whoever writes to these people must see it
    rows = may_leave(take())
    while True:
        told: dict[str, Any] = {"rows": len(rows), "columns": codes}
        if password is None:
            content = csv_list.build(_without_mailing(rows), codes, language=language)
            told["kind"] = "csv"
        else:
            origin = Origin(store.state.name, store.list_key, by, store.now, store.register.region)
            content = excel_list.build(
                _without_mailing(rows), codes, password=password, language=language, origin=origin
            )
        now = may_leave(take())
        if limits(rows) <= limits(now):
            note(**told)
            return content
        rows = now


def limits(rows: pd.DataFrame) -> frozenset[tuple[str, bool]]:
    """Which rows leave, and who of them wants no marketing."""
    return frozenset(zip(rows["id"], rows["objected"].notna(), strict=True))


def chosen(frame: pd.DataFrame, ids: Collection[str]) -> pd.DataFrame:
    """Some rows of the register, in the order of their numbers as given; those that are not there are passed over."""
    frame = frame.set_index("id", drop=False)
    return frame.loc[[i for i in ids if i in frame.index]]


def _without_mailing(rows: pd.DataFrame) -> pd.DataFrame:
    banned = rows["objected"].notna()
    if not banned.any():
        return rows
    return rows.assign(**{code: rows[code].mask(banned, "") for code in MAILING})
