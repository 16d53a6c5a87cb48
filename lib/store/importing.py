"""Many rows that come in at once, and go again: all or nothing, with a backup before.

What an import changed can be taken back for as long as nobody has touched those rows since and its backup is there:
the backup is what tells the values of before, so no other file has to be found when a row is removed for good.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from lib.changes import Change
from lib.errors import NothingToUndo
from lib.register import Register, id_of, number_of
from lib.store import checkpoint, workbook
from lib.store.copies import Copy
from lib.store.imported import Imported
from lib.store.log import MOST_NAMED, Entry
from lib.store.record import Record

if TYPE_CHECKING:
    from lib.store.core import Core

KIND = "import"  # of the backup before


def bring_in(store: Core, plan: Callable[[Register], Change], *, by: str, facts: Mapping[str, Any]) -> list[str]:
    """Make a backup, and commit a change of many rows. Returns the ids that it touches; none where it is empty.

    Args:
        plan: gives the change on the newest register, under the lock; what it raises stops everything.
        facts: what the change log tells beside the numbers of rows.

    Raises:
        StoreError: nothing was changed.
    """
    with store.files_locked():
        with store.locked():
            store.follow()
            known = store.register
        checkpoint.backup(store, KIND)
        made = max(copy.made for copy in store.backups.all() if copy.kind == KIND)
        with store.locked():
            store.follow()
            change = plan(store.register)
            if not change:
                return []
            numbers = [number_of(str(row["id"])) for row in change.add]
            added = {str(row["id"]) for row in change.add}
            changed = frozenset(change.ids) - added
            ids = change.ids
            # What somebody changed while the backup was made is perhaps not in it: it is not set back.
            moved = store.register is not known
            touched = frozenset(i for i in changed if moved and _is_other(i, known, store.register))
            told = {**facts, "rows": len(ids), "added": len(added), "changed": len(changed)}
            entry = Entry(store.now, by, "import", ids if len(ids) <= MOST_NAMED else [], told)
            ends = (min(numbers), max(numbers)) if numbers else (0, 0)
            store.commit(Record(entry, change, imported=Imported(made, by, *ends, changed, touched)))
            return ids


def undo(store: Core, made: dt.datetime, *, by: str) -> tuple[int, int, int]:
    """Take an import back, but for rows that somebody has touched since.

    Returns:
        How many of its rows were removed for good, how many have the values of before, and how many stay as they are.

    Raises:
        NothingToUndo: nothing of it can be taken back any more, or its backup is gone.
        StoreError: nothing was changed.
    """
    with store.files_locked():
        copy = backup_of(store, made)
        if copy is None:
            raise NothingToUndo
        content = workbook.read(store.backups.read(copy), store.passwords, copy.path.name, own=True)
        before = Register.of(content.frame, content.extras, content.info.last_number)
        with store.locked():
            store.follow()
            imported = next((one for one in store.state.imports if one.made == made), None)
            if imported is None or imported.rows <= 0:
                raise NothingToUndo
            change = _undone(store, imported, before, by)
            facts = {"rows": len(change.remove), "set_back": len(change.set), "reason": "import"}
            # A removal is one in the change log, too: its numbers stay there, and every copy is cleared of the rows.
            action = "remove" if change.remove else "undo_import"
            store.commit(Record(Entry(store.now, by, action, list(change.remove), facts), change, undone=made))
            return len(change.remove), len(change.set), len(imported.touched)


def backup_of(store: Core, made: dt.datetime) -> Copy | None:
    """The backup that was made before an import; None where it is gone."""
    return next((copy for copy in store.backups.all() if (copy.kind, copy.made) == (KIND, made)), None)


def _is_other(prospect_id: str, one: Register, other: Register) -> bool:
    return prospect_id not in one.table or _values(one, prospect_id) != _values(other, prospect_id)


def _values(register: Register, prospect_id: str) -> dict[str, Any]:
    cells = register.extras.iloc[register.position(prospect_id)]
    return {**register.row(prospect_id), **{str(name): cell for name, cell in cells.items() if cell}}


def _undone(store: Core, imported: Imported, before: Register, by: str) -> Change:
    register, now = store.register, store.now
    added = (id_of(n) for n in range(imported.first, imported.last + 1) if n)
    remove = [i for i in added if i in register.table and i not in imported.touched]
    set_: dict[str, dict[str, Any]] = {}
    others: dict[str, dict[str, Any]] = {}
    names = [str(name) for name in register.extras.columns]
    for i in sorted(imported.changed - imported.touched, key=number_of):
        if i not in register.table or i not in before.table:
            continue
        old, present = before.row(i), register.row(i)
        values = {c: v for c, v in old.items() if v != present[c] and c != "expires"}
        set_[i] = {**values, "changed_at": now, "changed_by": by}
        for name in names:
            was = before.extras[name].iloc[before.position(i)] if name in before.extras else ""
            if was != register.extras[name].iloc[register.position(i)]:
                others.setdefault(name, {})[i] = was
    return Change(set=set_, remove=remove, others=others)
