"""`python -m lib import`: a table in a terminal or by a scheduler; the same steps as on the page, without asking."""

from __future__ import annotations

import argparse
import datetime as dt
from pathlib import Path
from typing import Any

from lib import schema
from lib.access.accounts import Accounts
from lib.errors import AppError, ImportRefused, Invalid, NeedsPassword
from lib.i18n import N_, Text, translator
from lib.intake.desk import Snapshot
from lib.intake.desk_work import Work
from lib.intake.files import Limits
from lib.intake.matching import KEEP, NOTES, SKIP, Matching
from lib.intake.planning import CHOICES, Decisions, change
from lib.intake.values import ORDERS
from lib.output.left_out import reason
from lib.terminal import FINDINGS, FINE, Terminal

_TARGETS = {"keep": KEEP, "notes": NOTES, "skip": SKIP}


def add_arguments(made: argparse.ArgumentParser) -> None:
    made.add_argument("file", metavar="FILE")
    way = made.add_mutually_exclusive_group()
    way.add_argument("--dry-run", action="store_true", help="only say what would happen; so it is anyway")
    way.add_argument("--apply", action="store_true", help="do it, with a backup before")
    made.add_argument("--sheet", help="the sheet's name; the likeliest one without it")
    made.add_argument("--heading-row", type=int, help="the row of the headings, from 1; 0 for none")
    made.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="HEADING=CODE",
        help="which column is which: a code of the register, keep, notes or skip",
    )
    made.add_argument(
        "--dates", action="append", default=[], metavar="HEADING=ORDER", help="the order of its dates: dmy, mdy or ymd"
    )
    made.add_argument("--source", choices=tuple(schema.SOURCES), help="for rows that name none")
    made.add_argument("--source-detail", default="")
    made.add_argument("--received", type=dt.date.fromisoformat, metavar="YYYY-MM-DD", help="for rows that name no day")
    made.add_argument(
        "--decide", action="append", default=[], metavar="KIND=DECISION", help="such as look_alike=add or change=leave"
    )
    made.add_argument("--erase", action="store_true", help="an empty cell empties the field")


def import_table(terminal: Terminal) -> int:
    """Bring a table in: Excel, LibreOffice or CSV. Findings are rows that are left out."""
    arguments = terminal.arguments
    with terminal.open() as store:
        settings = store.settings
        limits = Limits.of(settings)
        path, work = Path(arguments.file), Work()
        content = path.read_bytes()
        try:
            overview = work.read(content, path.name, "", limits, store.list_key)
        except NeedsPassword:
            password = terminal.secret("PROSPECTS_IMPORT_PASSWORD", f"Password of {path.name}")
            overview = work.read(content, path.name, password, limits, store.list_key)
        sheet = _sheet([one.name for one in overview.sheets], arguments.sheet)
        row = arguments.heading_row
        heading_row = -1 if row is None else None if row == 0 else row - 1
        matching = _matched(work.choose(sheet, {}, settings.phone_region, heading_row), arguments)
        if not overview.downloaded and (missing := matching.missing()):
            raise ImportRefused(missing[0].msgid, **missing[0].params)
        users = {account.name: account.display_name for account in Accounts(terminal.data).all()}
        snapshot = Snapshot.of(store.register, store.gone)
        counts = work.check(matching, snapshot, store.today, users, arguments.erase)
        decisions = Decisions(dict(_pairs(arguments.decide, CHOICES)))
        draft = work.draft(decisions)
        applied = 0
        if arguments.apply and draft:
            terminal.began = True
            applied = len(
                store.bring_in(lambda register: change(draft, register, by=terminal.by, now=store.now), by=terminal.by)
            )
        t = translator("en")
        _, rows = work.left_out(decisions)
        left = [{"row": number, "kind": kind, "why": reason(finding, t)} for number, _, kind, finding in rows]
        told: dict[str, Any] = {
            "sheet": overview.sheets[sheet].name,
            "columns": {column.heading: column.target for column in matching.columns},
            "found": {kind: count for kind, count in counts.items() if count},
            "add": len(draft.add),
            "change": len({*draft.set, *draft.others}),
            "left_out": left,
            "applied": applied,
        }
        lines = [f"{kind}: {count}" for kind, count in told["found"].items()]
        lines += [f"row {line['row']} left out: {line['why']}" for line in left]
        lines.append(
            f"{applied} rows were imported or changed." if arguments.apply else "Nothing was changed; see --apply."
        )
        terminal.say("\n".join(lines), told)
    return FINDINGS if left else FINE


def _sheet(names: list[str], wanted: str | None) -> int:
    if not names:
        raise ImportRefused(N_("The file has no rows."))
    if wanted is None:
        return 0
    if wanted not in names:
        raise ImportRefused(N_("There is no sheet {sheet} with rows in the file."), sheet=wanted)
    return names.index(wanted)


def _matched(matching: Matching, arguments: argparse.Namespace) -> Matching:
    places = {column.heading: column.position for column in matching.columns}
    for heading, target in _named(arguments.map, places):
        if target not in _TARGETS and target not in schema.BY_CODE:
            raise Invalid({heading: Text(N_("The register has no column {code}."), {"code": target})})
        matching = matching.with_target(places[heading], _TARGETS.get(target, target))
    for heading, order in _named(arguments.dates, places):
        if order not in ORDERS:
            raise Invalid({heading: Text(N_("Write dmy, mdy or ymd."))})
        matching = matching.with_order(places[heading], order)
    return matching.stating(
        source=arguments.source or "", source_detail=arguments.source_detail, received=arguments.received
    )


def _named(given: list[str], places: dict[str, int]) -> list[tuple[str, str]]:
    found = []
    for text in given:
        heading, _, value = text.rpartition("=")
        if heading not in places:
            raise Invalid({text: Text(N_("The file has no column with this heading."))})
        found.append((heading, value))
    return found


def _pairs(given: list[str], allowed: dict[str, tuple[str, ...]]) -> list[tuple[str, str]]:
    found = []
    for text in given:
        kind, _, decision = text.partition("=")
        if decision not in allowed.get(kind, ()):
            raise AppError(N_("{text} is no decision. Write one like look_alike=add."), text=text)
        found.append((kind, decision))
    return found
