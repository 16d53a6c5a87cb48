"""Which column of a table is which of the register's: proposed by headings and content, changed by hand, remembered."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lib import schema
from lib.i18n import N_, Text
from lib.intake import synonyms, values
from lib.intake.files import Value
from lib.intake.headings import Table
from lib.intake.looks import Look, look_at
from lib.schema import Kind

KEEP, NOTES, SKIP = "+keep", "+notes", "+skip"
SPECIAL = (KEEP, NOTES, SKIP)

_SHOWN = 60  # characters of a sample
# The register's own bookkeeping: known in its own lists, where rows have numbers, and foreign in others.
_BOOKS = frozenset(("id", "created_at", "created_by", "changed_at", "changed_by", "expires"))


@dataclass(frozen=True)
class Column:
    """A column of a table and what becomes of it. `why` is "heading", "content", "remembered", "hand" or ""."""

    position: int
    heading: str
    target: str  # a schema code, KEEP, NOTES or SKIP
    why: str
    samples: list[str]
    order: str = ""  # of dates as text: "dmy", "mdy" or "ymd"; "" for none or not known
    orders: tuple[str, ...] = ()  # more than one: it must be asked

    @property
    def part(self) -> str:
        """Which part of its value the column holds: "first", "street" …; "" where it holds the whole."""
        found = synonyms.part_of(self.heading)
        if found and found[0] == self.target:
            return found[1]
        return "street" if self.target == "address" and synonyms.code_of(self.heading) == "address" else ""


@dataclass(frozen=True)
class Matching:
    """The columns of a table, and what is stated once for all rows that lack it."""

    columns: tuple[Column, ...]
    source: str = ""
    source_detail: str = ""
    received: dt.date | None = None

    def with_target(self, position: int, target: str) -> Matching:
        """The matching with a column's target chosen by hand."""
        if target not in schema.BY_CODE and target not in SPECIAL:
            raise ValueError(target)
        return self._with(position, target=target, why="hand")

    def with_order(self, position: int, order: str) -> Matching:
        """The matching with the order of a column's dates, as somebody said."""
        if order not in ("", *values.ORDERS):
            raise ValueError(order)
        return self._with(position, order=order)

    def stating(
        self, *, source: str | None = None, source_detail: str | None = None, received: dt.date | None = None
    ) -> Matching:
        """The matching with what is stated for all rows; what is not given stays."""
        return replace(
            self,
            source=self.source if source is None else source,
            source_detail=self.source_detail if source_detail is None else source_detail,
            received=received or self.received,
        )

    def _with(self, position: int, **changes: Any) -> Matching:
        columns = tuple(replace(c, **changes) if c.position == position else c for c in self.columns)
        return replace(self, columns=columns)

    def of(self, code: str) -> list[Column]:
        """The columns that are matched to a code."""
        return [column for column in self.columns if column.target == code]

    def missing(self) -> list[Text]:
        """What keeps the import from going on."""
        found = [
            Text(
                N_("{n} columns are matched to {field}: {headings}. Choose one of them."),
                {"n": len(columns), "field": Text(schema.BY_CODE[code].heading), "headings": _names(columns)},
            )
            for code in schema.CODES
            if len(columns := self.of(code)) > 1 and _collide(code, columns)
        ]
        found += [
            Text(
                N_("Say how the dates of the column {heading} are written: “{sample}” can be two days."), _asked(column)
            )
            for column in self.columns
            if column.target in schema.DATE_CODES and len(column.orders) > 1 and not column.order
        ]
        if not self.of("name") and not self.of("organisation"):
            found.append(Text(N_("No column is matched to the name or to the organisation.")))
        if not self.of("received") and not self.received:
            found.append(Text(N_("Say when the data was received: choose its column, or one date for all rows.")))
        if not self.of("source") and not self.source:
            found.append(Text(N_("Say where the data came from: choose its column, or one source for all rows.")))
        elif self.source == "public" and not self.source_detail and not self.of("source_detail"):
            found.append(Text(N_("With a public source, write which register, page or address it was.")))
        return found


def _names(columns: Iterable[Column]) -> str:
    return ", ".join(column.heading or letters(column.position) for column in columns)


def _asked(column: Column) -> dict[str, Any]:
    sample = next((s for s in column.samples if len(values.orders_of([s])) > 1), (column.samples or [""])[0])
    return {"heading": column.heading or letters(column.position), "sample": sample}


def _collide(code: str, columns: Sequence[Column]) -> bool:
    """Whether several columns for one field are too many: not where each holds a part of it, or some of a list."""
    if code in ("interests", "notes"):
        return False
    if code not in ("name", "address"):
        return True
    parts = [column.part for column in columns]
    known = [part for part in parts if part]
    whole = any(not c.part and synonyms.code_of(c.heading) == code for c in columns)
    return whole or len(known) > len(set(known))


def letters(position: int) -> str:
    """A column's name in Excel: 0 is "A"."""
    from xlsxwriter.utility import xl_col_to_name

    return str(xl_col_to_name(position))


# -- proposing ------------------------------------------------------------------------------------------------------


def propose(table: Table, remembered: Mapping[str, Any] | None = None, *, region: str = "FI") -> Matching:
    """What the columns of a table most likely are.

    Args:
        remembered: what `remember` gave for a table with the same headings; it goes before everything else.
        region: where phone numbers without a country code are from.
    """
    width = len(table.headings)
    cells = [[row[n] for row in table.rows if row[n] is not None] for n in range(width)]
    looks = [look_at(column, table.headings[n] == "") for n, column in enumerate(cells)]
    there = [n for n in range(width) if cells[n] or table.headings[n]]
    known = _remembered(table, remembered)
    if known is None:
        targets = _by_heading(table.headings, cells, looks, there)
        _by_content(targets, table.headings, looks, there)
    else:
        targets = {n: (known["targets"][n], "remembered") for n in there}
    columns = []
    for n in there:
        target, why = targets.get(n, (KEEP, ""))
        orders = values.orders_of(cells[n]) if looks[n].dates > 0.1 else ()
        order = orders[0] if len(orders) == 1 else ""
        if known and known["orders"].get(str(n)) in orders:
            order = known["orders"][str(n)]
        columns.append(Column(n, table.headings[n], target, why, _samples(cells[n]), order, orders))
    said = known or {}
    return Matching(tuple(columns), str(said.get("source") or ""), str(said.get("source_detail") or ""))


def _by_heading(
    headings: Sequence[str], cells: Sequence[Sequence[Value]], looks: Sequence[Look], there: Sequence[int]
) -> dict[int, tuple[str, str]]:
    """The targets that headings tell, where the content does not speak against them."""
    own = {n: code for n in there if (code := synonyms.own_code(headings[n]))}
    is_own = any(code == "id" and looks[n].numbered > 0.5 for n, code in own.items())
    wanted: dict[str, list[int]] = {}
    for n in there:
        if code := _code(n, headings[n], own, looks[n], is_own):
            wanted.setdefault(code, []).append(n)
    if "received" not in wanted and not is_own:
        wanted["received"] = [n for n, code in own.items() if code == "created_at" and looks[n].dates > 0.5]
    found: dict[int, tuple[str, str]] = {}
    for code, columns in wanted.items():
        columns.sort(key=lambda n: (not looks[n].count, own.get(n) != code, _rank(code, headings[n])))
        for n, target in _shared(code, columns, headings, cells).items():
            found[n] = (target, "heading")
    return found


def _code(n: int, heading: str, own: Mapping[int, str], look: Look, is_own: bool) -> str:
    """The code that a heading tells, if the content can be it."""
    code = own.get(n) if is_own or own.get(n) not in _BOOKS else None
    code = code or synonyms.code_of(heading)
    if not code or (code in _BOOKS and not is_own):
        return ""
    if not look.count:
        return code
    kind = schema.BY_CODE[code].kind
    if kind is Kind.CHOICE and code in ("source", "status"):
        fits = look.sources if code == "source" else look.statuses
        if fits < 0.5:
            return "source_detail" if code == "source" else ""
    elif kind in (Kind.DATE, Kind.TIME):
        ticks = look.ticks if code in ("objected", "informed") else 0.0
        if look.dates + ticks < 0.5:
            return ""
    elif (kind is Kind.EMAIL and look.emails < 0.3) or (kind is Kind.PHONE and look.digits + look.phones < 0.3):
        return ""
    elif code in ("name", "organisation", "title") and look.emails > 0.5:
        return "email"
    elif code in ("name", "organisation", "title") and look.phones > 0.5:
        return "phone"
    elif code == "name" and not synonyms.part_of(heading) and look.companies > 0.5:
        return "organisation"
    return code


def _rank(code: str, heading: str) -> int:
    """How plainly a heading tells the code: the words of dates stand in that order; of others the first column goes."""
    return synonyms.rank(code, heading) if code in schema.DATE_CODES else 0


def _shared(
    code: str, columns: Sequence[int], headings: Sequence[str], cells: Sequence[Sequence[Value]]
) -> dict[int, str]:
    """What becomes of the columns that one field wants: the best takes it, and no value of the others gets lost."""
    if code in ("name", "address"):
        return _parted(code, columns, headings, cells)
    if code in ("interests", "notes"):
        return dict.fromkeys(columns, code)
    others = NOTES if code in ("phone", "email", "last_contact", "title") else KEEP
    return {n: code if place == 0 else others for place, n in enumerate(columns)}


def _parted(
    code: str, columns: Sequence[int], headings: Sequence[str], cells: Sequence[Sequence[Value]]
) -> dict[int, str]:
    found: dict[int, str] = {}
    parts: dict[str, int] = {}
    whole: list[int] = []
    for n in sorted(columns):
        part = synonyms.part_of(headings[n])
        if not part or part[0] != code:
            whole.append(n)
        elif part[1] not in parts:
            parts[part[1]] = n
        else:
            found[n] = KEEP
    if code == "address" and whole and "street" not in parts:
        parts["street"] = whole.pop(0)
    if whole and parts and code == "name" and cells[whole[0]] != _put_together(parts, cells):
        if "last" not in parts or len(cells[whole[0]]) >= len(cells[parts["last"]]):
            found.update(dict.fromkeys(parts.values(), KEEP))
            parts = {}
    elif whole and parts and code == "name":
        found[whole.pop(0)] = SKIP  # the same once more
    if not parts and whole:
        parts["whole"] = whole.pop(0)
    return {**found, **dict.fromkeys(whole, KEEP), **dict.fromkeys(parts.values(), code)}


def _put_together(parts: Mapping[str, int], cells: Sequence[Sequence[Value]]) -> list[Value]:
    """The names that first and last name make, where both are always there."""
    columns = [cells[parts[part]] for part in synonyms.NAME_PARTS if part in parts]
    if len({len(column) for column in columns}) > 1:
        return []
    return [" ".join(map(str, row)) for row in zip(*columns, strict=True)]


def _by_content(
    targets: dict[int, tuple[str, str]], headings: Sequence[str], looks: Sequence[Look], there: Sequence[int]
) -> None:
    """Add the targets that the content tells, for columns whose heading tells nothing."""
    taken = {target for target, _ in targets.values()}
    free = [n for n in there if n not in targets and looks[n].count]
    tests: list[tuple[str, Any]] = [
        ("email", lambda look: look.emails > 0.6),
        ("phone", lambda look: look.phones > 0.7 and look.dates < 0.3),
    ]
    nameless = not any(headings)
    if nameless:
        tests = [("id", lambda look: look.numbered > 0.9), *tests, *_NAMELESS]
    for code, test in tests:
        fits = [n for n in free if n not in targets and test(looks[n])]
        if code in taken or not fits:
            if code in ("email", "phone"):
                targets.update(dict.fromkeys(fits, (NOTES if nameless else KEEP, "content")))
            continue
        best = fits[0] if code != "notes" else max(fits, key=lambda n: looks[n].length)
        targets[best] = (code, "content")
        taken.add(code)
    ticked = [n for n in free if n not in targets and looks[n].ticks > 0.95 and headings[n]]
    under = [
        n for n in ticked if " / " in headings[n] and synonyms.code_of(headings[n].partition(" / ")[0]) == "interests"
    ]
    marked = [n for n in ticked if looks[n].marks > 0.95]
    for n in under or (marked if len(marked) > 1 else []):
        targets[n] = ("interests", "content")


_NAMELESS: list[tuple[str, Any]] = [
    ("received", lambda look: look.dates > 0.6),
    ("source", lambda look: look.sources > 0.8),
    ("status", lambda look: look.statuses > 0.8),
    ("organisation", lambda look: look.companies > 0.3 and look.length < 60),
    ("address", lambda look: look.streets > 0.5 and look.length < 80),
    ("name", lambda look: look.persons > 0.6 and look.length < 30),
    ("notes", lambda look: look.length > 25),
]


def _samples(cells: Sequence[Value]) -> list[str]:
    """Three different values as they stand."""
    found: dict[str, None] = {}
    for cell in cells:
        text = shown(cell).strip()
        if text:
            found[text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"] = None
        if len(found) == 3:
            break
    return list(found)


def shown(cell: Value) -> str:
    """A cell as a text, as a Finnish reader would see it."""
    match cell:
        case None:
            return ""
        case dt.datetime():
            return f"{cell.day}.{cell.month}.{cell.year} {cell.hour}.{cell.minute:02}"
        case dt.date():
            return f"{cell.day}.{cell.month}.{cell.year}"
        case dt.time():
            return f"{cell.hour}.{cell.minute:02}"
        case float():
            return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else f"{cell:.15g}"
        case _:
            return str(cell)


# -- remembering ----------------------------------------------------------------------------------------------------


def key_of(table: Table) -> str:
    """What a table's headings are known by; "" where it has none, and nothing is remembered."""
    if not any(table.headings):
        return ""
    folded = "\x1f".join(synonyms.key(heading) or heading for heading in table.headings)
    return hashlib.sha256(folded.encode()).hexdigest()[:32]


def remember(table: Table, matching: Matching) -> tuple[str, dict[str, Any]]:
    """The key of a table's headings and the matching as JSON. The received date is of one file and not remembered."""
    targets = {column.position: column.target for column in matching.columns}
    return key_of(table), {
        "targets": [targets.get(n, KEEP) for n in range(len(table.headings))],
        "orders": {str(c.position): c.order for c in matching.columns if c.order},
        "source": matching.source,
        "source_detail": matching.source_detail,
    }


def _remembered(table: Table, remembered: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What is remembered, if it fits the table; a file that somebody changed does not."""
    if not isinstance(remembered, Mapping) or not isinstance(remembered.get("targets"), list):
        return None
    targets = remembered["targets"]
    if len(targets) != len(table.headings) or any(t not in (*schema.CODES, *SPECIAL) for t in targets):
        return None
    orders = remembered.get("orders")
    return {**remembered, "orders": orders if isinstance(orders, Mapping) else {}}


def kept_names(matching: Matching) -> dict[int, str]:
    """What the columns that are kept are called beside the register's: each once, and like no column of the schema."""
    used: set[str] = set()
    names = {}
    for column in matching.columns:
        if column.target == KEEP:
            name = base = (column.heading or letters(column.position))[:250]
            number = 1
            while schema.code_of_heading(name) or name.casefold() in used:
                number += 1
                name = f"{base} ({number})"
            used.add(name.casefold())
            names[column.position] = name
    return names
