"""`restore` in the terminal: rows from a backup, or the register itself where its files are missing or damaged."""

from __future__ import annotations

import sys
from typing import Any, NamedTuple

from lib.errors import (
    AppError,
    Damaged,
    HeldOpen,
    InvalidWorkbook,
    JournalDamaged,
    NothingToCompare,
    WorkbookMissing,
    WrongPassword,
)
from lib.files import WORKBOOK
from lib.i18n import Text
from lib.store import loading, proof, salvage, workbook
from lib.store.core import Core
from lib.store.keys import Keyring
from lib.terminal import FAILED, FINDINGS, FINE, Terminal

_SHOWN = 20  # lines for a person; JSON has them all
_IN_ORDER = "The register is in order. Name a backup to bring rows back from it: see backup --list."


def restore(terminal: Terminal) -> int:
    """Bring rows back from a backup; without one, the register itself from its copies and the journal."""
    if terminal.arguments.source is not None:
        return _rows(terminal)
    if terminal.arguments.exact:
        raise AppError("--exact needs a backup.")
    return _register(terminal)


# -- rows ------------------------------------------------------------------------------------------------------


def _rows(terminal: Terminal) -> int:
    arguments = terminal.arguments
    try:
        store = terminal.open()
    except (WorkbookMissing, Damaged, JournalDamaged, NothingToCompare) as error:
        terminal.complain(error)
        print("First bring the register itself back: python -m lib restore", file=sys.stderr)
        return FAILED
    with store:
        told = store.restore(arguments.source, by=terminal.by, exact=arguments.exact, dry_run=True)
        changes = bool(told["back"] or told["changed"] or told["gone"])
        if changes and arguments.apply:
            terminal.began = True
            told = store.restore(arguments.source, by=terminal.by, exact=arguments.exact)
    terminal.say("\n".join(_told(told, changes, arguments.apply)), {**told, "applied": changes and arguments.apply})
    return FINDINGS if changes and not arguments.apply else FINE


def _told(told: dict[str, Any], changes: bool, applied: bool) -> list[str]:
    lines = [f"back: {i}" for i in told["back"]]
    lines += [f"changed: {i} {', '.join(told['fields'][i])}" for i in told["changed"]]
    lines += [f"gone: {i}" for i in told["gone"]]
    if len(lines) > _SHOWN:
        lines[_SHOWN:] = [f"… and {len(lines) - _SHOWN} more"]
    if told["kept_away"]:
        lines.append(f"{told['kept_away']} rows were removed for good and stay away.")
    counts = f"{len(told['back'])} back, {len(told['changed'])} changed, {len(told['gone'])} gone"
    if not changes:
        return [*lines, "The register holds all of it already. Nothing was changed."]
    if applied:
        return [*lines, f"Done: {counts}, {told['rows']} rows."]
    return [*lines, f"It would be: {counts}, {told['rows']} rows. Nothing was changed; --apply does it."]


# -- the register itself ---------------------------------------------------------------------------------------


class _Plan(NamedTuple):
    """What is wrong, and what the register can be had with."""

    problems: list[str]
    source: str
    rows: int
    changes: int
    lost: int
    missing: list[int]
    whole: bool

    def lines(self) -> list[str]:
        said = [*self.problems, f"The register can be had with {self.rows} rows: from {self.source or 'nothing'}"]
        said[-1] += f", and {self.changes} changes of the journal."
        if self.lost:
            said.append(f"At least {self.lost} records of the journal cannot be read.")
        if self.missing:
            said.append(f"Parts of the journal are missing: {', '.join(map(str, self.missing))}.")
        if not self.whole:
            said.append("Newer changes are lost then, removals among them. Other copies may know more of them.")
        return said

    @property
    def facts(self) -> dict[str, Any]:
        return self._asdict()


def _register(terminal: Terminal) -> int:
    if not Keyring(terminal.data).exists:
        return _without_keys(terminal)
    master = Keyring(terminal.data).by_workbook_password(terminal.workbook_password)
    core = Core(terminal.data, master)
    folder = proof.Folder(core, core.passwords)
    problem = _unreadable(core, core.passwords)
    journal = [f"{found.where}: {found.problem}" for found in proof.journal(folder)]
    if problem is None and (folder.loaded or not core.journal.segments()):
        return _in_order(terminal)
    found = salvage.look(Core(terminal.data, master))
    plan = _Plan(
        [*([str(problem)] if problem else []), *([] if folder.loaded else journal)],
        found.source,
        len(found.state.register),
        found.changes,
        found.lost,
        list(found.missing),
        folder.loaded or found.whole,
    )
    if not _may_go_on(terminal, plan):
        return FINDINGS if not terminal.arguments.apply else FAILED
    aside = "" if folder.loaded else salvage.go_on(Core(terminal.data, master), by=terminal.by)[1]
    return _write_anew(terminal, plan, aside)


def _without_keys(terminal: Terminal) -> int:
    """The keys are lost, and the journal with them: a workbook or a backup is what there is."""
    problem = _unreadable(Core(terminal.data, b""), [terminal.workbook_password], proves=True)
    if problem is None:
        return _in_order(terminal)
    copy, sealed = salvage.newest_copy(terminal.data, terminal.workbook_password)
    problems = [str(problem), "keys.json is missing: the journal cannot be read, and accounts need new passwords."]
    plan = _Plan(problems, copy.path.name, copy.rows, 0, 0, [], False)
    if not _may_go_on(terminal, plan):
        return FINDINGS if not terminal.arguments.apply else FAILED
    salvage.put_in_place(terminal.data, sealed)
    return _write_anew(terminal, plan, "")


def _unreadable(core: Core, passwords: list[str], *, proves: bool = False) -> Text | None:
    """Why nothing can be read in the workbook's place. Any other trouble is settled when the register opens.

    Args:
        proves: only the workbook can prove the password, so a wrong one is raised.
    """
    try:
        workbook.read(loading.read_bytes(core.path), passwords, WORKBOOK)
    except (WorkbookMissing, Damaged) as error:
        return error.text
    except WrongPassword:
        if proves:
            raise
    except InvalidWorkbook:
        pass
    return None


def _in_order(terminal: Terminal) -> int:
    terminal.say(_IN_ORDER, {"problems": [], "applied": False})
    return FINE


def _may_go_on(terminal: Terminal, plan: _Plan) -> bool:
    """Whether it is asked for; if not, what would be done is told."""
    arguments = terminal.arguments
    command = "restore --apply" + ("" if plan.whole else " --accept-loss")
    if not arguments.apply:
        lines = [*plan.lines(), f"Nothing was changed; {command} does it."]
        terminal.say("\n".join(lines), {**plan.facts, "applied": False})
    elif not (plan.whole or arguments.accept_loss):
        print("\n".join([*plan.lines(), f"Nothing was changed. Only {command} goes on without them."]), file=sys.stderr)
    else:
        terminal.began = True
        return True
    return False


def _write_anew(terminal: Terminal, plan: _Plan, aside: str) -> int:
    with terminal.open(recover=True) as store:
        held = None
        try:
            store.rewrite(by=terminal.by)
        except HeldOpen as error:
            held = error
        rows = len(store.register)
    lines = [str(held.text) if held else f"The workbook is written anew: {rows} rows."]
    if aside:
        lines.append(f"The journal as it was is in {aside}: keep it until nobody misses anything, then delete it.")
    terminal.say("\n".join(lines), {**plan.facts, "rows": rows, "applied": True, "aside": aside})
    return FINDINGS if held else FINE
