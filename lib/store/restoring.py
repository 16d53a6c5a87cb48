"""Bringing rows back from a backup. What is there is never lost by it: a backup of the present is made first."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lib import schema
from lib.changes import Change
from lib.errors import NothingToCompare, WorkbookMissing
from lib.register import Register
from lib.store import checkpoint, loading, workbook
from lib.store.log import Entry
from lib.store.record import Record
from lib.store.workbook import Content

if TYPE_CHECKING:
    from lib.store.core import Core

# What no backup takes back: bans and requests that came since stay, and so does the ground for keeping.
_STAY = ("objected", "restricted", "removal_requested", "hold_reason", "hold_until")


def restore(store: Core, source: str | Path, *, by: str, exact: bool = False, dry_run: bool = False) -> dict[str, Any]:
    """Bring the register's rows to what a backup, or any workbook of this register, holds.

    Rows removed for good stay away, bans and grounds for keeping that came since stay, and no received date moves
    later. Rows entered since the backup stay.

    Args:
        source: a backup's file name, or the path of a workbook.
        exact: rows entered since go, too.
        dry_run: only say what would change.

    Returns:
        `back`, `changed`, `gone`: ids of rows that come back, change or go. `fields`: for each changed row its columns.
        `kept_away`: how many rows of it were removed for good. `rows`: how many the register has afterwards.

    Raises:
        WorkbookMissing, WrongPassword, Damaged, InvalidWorkbook: the source cannot be used.
        NothingToCompare: it belongs to another register.
        StoreError: nothing was changed.
    """
    content = _source(store, source)
    with store.files_locked():
        if not dry_run:
            checkpoint.backup(store, "restore")
        with store.locked():
            store.follow()
            change = _change(store, content, by, exact)
            told = {
                "back": [str(row["id"]) for row in change.add],
                "changed": list(change.set),
                "gone": list(change.remove),
                "fields": {i: [c for c in row if not c.startswith("changed_")] for i, row in change.set.items()},
                "kept_away": int(content.frame["id"].isin(list(store.gone)).sum()),
                "rows": len(store.register) + len(change.add) - len(change.remove),
            }
            if not dry_run and change:
                facts = {"rows": len(change.ids), "backup": Path(source).name}
                store.commit(Record(Entry(store.now, by, "restore", change.ids[:1000], facts), change))
    return told


def _source(store: Core, source: str | Path) -> Content:
    copy = next((copy for copy in store.backups.all() if copy.path.name == str(source)), None)
    path = copy.path if copy else Path(source)
    if not path.exists():
        raise WorkbookMissing(file=path.name)
    content = workbook.read(loading.read_bytes(path), store.passwords, path.name)
    content.check()
    if content.info.register != store.state.name:
        raise NothingToCompare(file=path.name)
    return content


def _change(store: Core, content: Content, by: str, exact: bool) -> Change:
    now, register = store.now, store.register
    old = Register.of(content.frame, content.extras, content.info.last_number)
    gone = store.gone
    mark = {"changed_at": now, "changed_by": by}
    add, set_ = [], {}
    for prospect_id in old.frame["id"]:
        if prospect_id in gone:
            continue
        row = {code: value for code, value in old.row(prospect_id).items() if code != "expires"}
        if prospect_id not in register.positions:
            add.append({**row, **mark})
            continue
        present = register.row(prospect_id)
        differs = {c: v for c, v in row.items() if v != present[c] and c not in _STAY and not c.startswith("changed_")}
        for code in _STAY:
            if not present[code] and row[code]:
                differs[code] = row[code]
        if "received" in differs and present["received"] and (differs["received"] or now.date()) > present["received"]:
            del differs["received"]
        if differs:
            set_[prospect_id] = {**differs, **mark}
    newer = [i for i in register.frame["id"] if exact and i not in old.positions]
    return Change(add, set_, newer, _others(register, old, gone, {str(row["id"]) for row in add}))


def _others(
    register: Register, old: Register, gone: Collection[str], back: Collection[str]
) -> dict[str, dict[str, Any]]:
    """Columns of others: whole ones that went meanwhile, and the cells of rows that come back."""
    others: dict[str, dict[str, Any]] = {}
    for name in dict.fromkeys([*old.extras.columns, *register.extras.columns]):
        was = dict(zip(old.frame["id"], old.extras[name], strict=True)) if name in old.extras.columns else {}
        if name in register.extras.columns:
            cells = {i: was.get(i, "") for i in back}
        else:
            cells = {i: value for i, value in was.items() if i not in gone and value != ""}
        if cells or name not in register.extras.columns:
            others[str(name)] = cells
    return others


assert set(_STAY) <= set(schema.CODES)
