"""Commands of the terminal about the register as a whole: what it holds, whether it is sound, copies, password."""

from __future__ import annotations

from typing import Any

from filelock import Timeout

from lib import settings
from lib.access.accounts import Accounts, check_password
from lib.errors import AccountError, StoreError, Unfinished, WorkbookMissing
from lib.files import WORKBOOK, lock
from lib.store import Store, erasure, inspection
from lib.store.backups import Backups
from lib.store.copies import Copy
from lib.terminal import FINDINGS, FINE, Terminal


def info(terminal: Terminal) -> int:
    """Say what the register holds."""
    with terminal.open() as store:
        copies, held = store.backups.all(), store.holder()
        facts = {
            **store.info(),
            "held_since": held.since if held else None,
            "backups": len({copy.key for copy in copies}),
            "newest_backup": copies[0].path.name if copies else "",
            "newest_backup_made": copies[0].made if copies else None,
            "second_place": store.settings.second_place,
            "second_place_trouble": str(store.backups.unreachable or ""),
            "second_place_lacks": len(store.backups.behind()),
            "server": server_runs(terminal),
        }
        terminal.say("\n".join(f"{name}: {value}" for name, value in facts.items()), facts)
    return FINE


def server_runs(terminal: Terminal) -> bool:
    """Whether a server has the data folder."""
    path = terminal.data / "server.lock"
    if not path.exists():
        return False
    claim = lock(path)
    try:
        claim.acquire(timeout=0)
    except Timeout:
        return True
    except OSError:  # not ours to lock: somebody else's, who is no server of ours
        return False
    claim.release()
    return False


def verify(terminal: Terminal) -> int:
    """Read and prove everything; nothing is written."""
    rows, findings = inspection.look(terminal.data, terminal.workbook_password, terminal.progress("Verifying"))
    lines = [f"{found.where}: {found.problem}" for found in findings]
    lines.append(f"{'No' if rows is None else rows} rows, {len(findings)} findings.")
    told = [{"where": found.where, "problem": str(found.problem)} for found in findings]
    terminal.say("\n".join(lines), {"rows": rows, "findings": told})
    return FINDINGS if findings else FINE


def backup(terminal: Terminal) -> int:
    """Keep a verified copy of the register as it is now, or list the copies."""
    if terminal.arguments.list:
        return _list(terminal)
    with terminal.open() as store:
        terminal.began = True
        name = store.backup(by=terminal.by)
        trouble = store.backups.unreachable
    terminal.say(
        f"{name}\nNot in the second place: {trouble}" if trouble else name,
        {"backup": name, "second_place_trouble": str(trouble or "")},
    )
    return FINDINGS if trouble else FINE


def _list(terminal: Terminal) -> int:
    """Their names tell everything, so no password is needed."""
    if not terminal.data.is_dir():
        raise WorkbookMissing(file=WORKBOOK)
    backups = Backups(terminal.data, lambda: settings.load(terminal.data))
    copies, trouble = backups.all(), backups.unreachable
    lines = [f"{c.made:%Y-%m-%d %H:%M:%S} {c.rows:>6} rows {c.size:>9} bytes {c.place:6} {c.path.name}" for c in copies]
    if trouble:
        lines.append(str(trouble))
    terminal.say("\n".join(lines) or "There are no backups.", [_facts(copy) for copy in copies])
    return FINDINGS if trouble else FINE


def _facts(copy: Copy) -> dict[str, Any]:
    return {
        "name": copy.path.name,
        "kind": copy.kind,
        "made": copy.made,
        "generation": copy.generation,
        "rows": copy.rows,
        "size": copy.size,
        "place": copy.place,
    }


def rekey(terminal: Terminal) -> int:
    """Give the workbook, its backups and the files set aside another password."""
    with terminal.open() as store:
        password = terminal.secret("PROSPECTS_NEW_PASSWORD", "New password of the workbook", new=True)
        check_password(password)
        unfinished = len(store.passwords) > 1
        if password == store.passwords[0] and not unfinished:
            raise AccountError("This is the workbook's password already. Nothing was changed.")
        terminal.began = True
        nobody_chose = Accounts(terminal.data).choosing_workbook_password
        try:
            with nobody_chose("", lambda: store.passwords[0] == password):
                if password == store.passwords[0]:
                    store.checkpoint()
                    erasure.finish(store)
                else:
                    store.rekey(password, by=terminal.by, progress=terminal.progress("Copies follow"))
        except StoreError as error:
            if store.passwords[0] != password and not unfinished:
                raise
            return _unfinished(terminal, store, password, error)
    terminal.say(
        "The new password opens the workbook and its copies. Write it on the recovery sheet.",
        {"changed": True, "left": []},
    )
    return FINE


def _unfinished(terminal: Terminal, store: Store, password: str, error: StoreError) -> int:
    left = [str(text) for text in (error.obstacles if isinstance(error, Unfinished) else [error.text])]
    changed = store.passwords[0] == password
    lines = [
        "The new password is in force. The one before opens the register too, until this is done:"
        if changed
        else "Nothing was changed now: an earlier change of the password has to be finished first.",
        *(f"- {text}" for text in left),
        "Then run the same command again. A running server tries it by itself.",
    ]
    terminal.say("\n".join(lines), {"changed": changed, "left": left})
    return FINDINGS
