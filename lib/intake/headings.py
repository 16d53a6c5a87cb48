"""Where the headings of a sheet stand: below a title, in two rows, or nowhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from lib.i18n import N_, Text
from lib.intake import synonyms
from lib.intake.files import Book, Sheet, Value

_LOOKED_AT = 40  # rows with something in them, among which the headings are sought
_LONGEST = 80  # characters of a heading
_TOTALS = re.compile(
    r"(kaikki )?(yhteensä|yht\.?|summa|kpl|lukumäärä|total|totals|grand total|sum|count|totalt|summa|antal)\b[ :]*$"
    r"|(total|yhteensä|totalt)[ :].{0,40}$",
    re.IGNORECASE,
)
_DATA = re.compile(r"[^@\s]+@[^@\s]+\.\w+|https?://|[\d\s.,:/()+-]*\d[\d\s.,:/()+-]*")  # what no heading looks like
_SEPARATOR = " / "
_JOINED = 3.0  # what joined cells above some columns add to the score of two rows of headings


@dataclass(frozen=True)
class Table:
    """The rows of a sheet below its headings. Columns stand as in the sheet; numbers are those that Excel shows."""

    sheet: str
    headings: list[str]  # "" where there is none
    rows: list[list[Value]]
    numbers: list[int]
    formats: dict[tuple[int, int], str] = field(default_factory=dict)  # (index in rows, column)
    notes: list[Text] = field(default_factory=list)
    unread: dict[tuple[int, int], str] = field(default_factory=dict)  # (index in rows, column), see Sheet
    date1904: bool = False


@dataclass(frozen=True)
class _Head:
    """Where the headings are: the first and the last of their rows; no rows where there are none."""

    first: int
    last: int
    score: float
    names: Sequence[str]


def tables(book: Book) -> list[Table]:
    """The tables of a book, one for each sheet that holds rows, the likeliest first. Hidden sheets come last."""
    found = []
    for place, sheet in enumerate(book.sheets):
        if not any(cell is not None for row in sheet.rows for cell in row):
            continue
        head = _find(sheet)
        table = _table(sheet, head)
        if table.rows:
            known = sum(1 for name in table.headings if synonyms.code_of(name))
            likely = (sheet.visible, min(known, 3), known * min(len(table.rows), 50), len(table.rows), -place)
            found.append((likely, table))
    return [table for _, table in sorted(found, key=lambda item: item[0], reverse=True)]


def table_at(sheet: Sheet, heading_row: int | None) -> Table:
    """The table below a row of headings.

    Args:
        heading_row: the row's index in the sheet, from 0; None: it has no headings.
    """
    if heading_row is None:
        return _table(sheet, None)
    return _table(sheet, _joined(sheet, heading_row) or _single(sheet, heading_row))


def _find(sheet: Sheet) -> _Head | None:
    """The likeliest headings; None where no row looks like some."""
    filled = [n for n, row in enumerate(sheet.rows) if any(cell is not None for cell in row)][: _LOOKED_AT + 10]
    best: _Head | None = None
    for place, number in enumerate(filled[:_LOOKED_AT]):
        if place and place + 1 == len(filled):
            break  # nothing below
        below = [sheet.rows[n] for n in filled[place + 1 : place + 11]]
        for head, row in _heads(sheet, number):
            score = _score(head.names, row, below)
            if score <= 0:
                continue
            score += head.score - place * 0.05
            if score > (best.score if best else 0.0):
                best = replace(head, score=score)
    return best


def _heads(sheet: Sheet, number: int) -> list[tuple[_Head, list[Value]]]:
    """The headings that a row can be, alone and below another one, each with the cells that make them."""
    row = sheet.rows[number]
    heads = [(_single(sheet, number), row)]
    if joined := _joined(sheet, number):
        upper = sheet.rows[number - 1]
        heads.append((joined, [above if cell is None else cell for cell, above in zip(row, upper, strict=True)]))
    return heads


def _score(names: Sequence[str], row: Sequence[Value], below: Sequence[Sequence[Value]]) -> float:
    """How much a row looks like headings: known words, texts that are no data, and other things below them."""
    texts = [name for name in names if name]
    cells = [cell for cell in row if cell is not None]
    if not texts or len(cells) - len(texts) > len(texts):
        return 0.0
    known = sum(1 for name in texts if synonyms.code_of(name) or synonyms.part_of(name))
    data = sum(1 for cell in cells if not isinstance(cell, str) or _is_data(cell))
    long = sum(1 for name in texts if len(name) > _LONGEST)
    doubles = len(texts) - len({name.casefold() for name in texts})
    width = max((sum(cell is not None for cell in other) for other in below), default=0)
    covered = min(len(texts) / width, 1.0) if width else 0.0
    contrast = _contrast(row, below)
    if known == 0 and (len(texts) < 2 or data or long or contrast < 1 or covered < 0.6):
        return 0.0
    if known == 1 and len(texts) == 1 and width > 2:
        return 0.0  # a title that happens to be a word of ours
    return 2.0 * known + 2.0 * covered + min(contrast, 4) - 2.5 * data - 2.0 * long - 0.5 * doubles


def _is_data(text: str) -> bool:
    """Whether a text is plainly no heading: an address, a number, a date."""
    return len(text) < 200 and bool(_DATA.fullmatch(text.strip()))


def _contrast(row: Sequence[Value], below: Sequence[Sequence[Value]]) -> int:
    """In how many columns a text stands above what is plainly data."""
    count = 0
    for column, cell in enumerate(row):
        if isinstance(cell, str) and not _is_data(cell):
            under = [other[column] for other in below if column < len(other) and other[column] is not None]
            data = sum(1 for c in under if not isinstance(c, str) or _is_data(c))
            count += bool(under) and data * 2 > len(under)
    return count


def _single(sheet: Sheet, number: int) -> _Head:
    return _Head(number, number, 0.0, [_name(cell) for cell in sheet.rows[number]])


def _name(cell: Value) -> str:
    if cell is None:
        return ""
    return " ".join(str(cell).split()) if isinstance(cell, str) else str(cell)


def _joined(sheet: Sheet, number: int) -> _Head | None:
    """Two rows of headings, of which this is the lower one: "Upper / Lower". None where the row above is none."""
    if number == 0:
        return None
    upper, lower = sheet.rows[number - 1], sheet.rows[number]
    texts = [cell for cell in upper if cell is not None]
    if len(texts) < 2 and not _spans(sheet, number - 1):
        return None
    if any(not isinstance(cell, str) or _is_data(cell) for cell in texts):
        return None
    over = _spread(sheet, number - 1)
    both = [n for n, cell in enumerate(lower) if cell is not None]
    if not both or not texts:
        return None
    gaps = [n for n in both if upper[n] is None]
    alone = [n for n, cell in enumerate(upper) if cell is not None and lower[n] is None and n not in over]
    if not gaps and not alone:
        return None  # as full as the lower one: a row of its own
    names = []
    for column, cell in enumerate(lower):
        above, below = over.get(column, _name(upper[column])), _name(cell)
        names.append(_SEPARATOR.join(part for part in (above, below) if part))
    if len({over.get(n, _name(upper[n])) for n in both}) == 1 and not alone:
        return None  # one text above all: a title
    return _Head(number - 1, number, _JOINED if over else 0.0, names)


def _spans(sheet: Sheet, number: int) -> list[tuple[int, int]]:
    """The joined cells of a row that reach over some columns, but not over the whole table."""
    width = sum(any(row[c] is not None for row in sheet.rows[number : number + 12]) for c in range(_width(sheet)))
    return [
        (left, right)
        for top, left, bottom, right in sheet.merged
        if top <= number <= bottom and right > left and right - left + 1 < width
    ]


def _width(sheet: Sheet) -> int:
    return len(sheet.rows[0]) if sheet.rows else 0


def _spread(sheet: Sheet, number: int) -> dict[int, str]:
    """For each column the text of the row that reaches over it, in joined cells."""
    found = {}
    row = sheet.rows[number]
    for left, right in _spans(sheet, number):
        if left < len(row) and row[left] is not None:
            found.update(dict.fromkeys(range(left, min(right + 1, len(row))), _name(row[left])))
    return found


def _table(sheet: Sheet, head: _Head | None) -> Table:
    """The rows below the headings, without empty ones, totals and headings that are repeated."""
    start = head.last + 1 if head else 0
    notes = _above(sheet, head) if head else []
    picked: list[int] = []
    left_out: list[int] = []
    heading = sheet.rows[head.last] if head else None
    for number in range(start, len(sheet.rows)):
        row = sheet.rows[number]
        if row.count(None) == len(row) or (not any(row) and all(cell is None or cell == "" for cell in row)):
            continue
        (left_out if row == heading else picked).append(number)
    left_out += _take_end(sheet, picked, bool(head))
    for number in sorted(left_out):
        shown = " | ".join(_name(cell) for cell in sheet.rows[number] if cell is not None)
        notes.append(Text(N_("Row {number} was left out: {text}"), {"number": number + 1, "text": shown}))
    if hidden := [n for n in picked if n in sheet.hidden_rows]:
        notes.append(Text(N_("Hidden rows are read, too: {n} of them."), {"n": len(hidden)}))
    if sheet.unread:
        cells = _cells(sheet.unread)
        notes.append(
            Text(N_("Cells with an error or a formula that was never computed: {cells}. Their values are not known."),
                 {"cells": cells})
        )  # fmt: skip
    notes += _joined_cells(sheet, start)
    index = {number: n for n, number in enumerate(picked)}
    width = _last_column(sheet, head, picked)
    names = [*(head.names if head else ()), *[""] * width][:width]
    return Table(
        sheet.name,
        list(names),
        _filled_down(sheet, picked, width),
        [n + 1 for n in picked],
        {(index[r], c): form for (r, c), form in sheet.formats.items() if r in index},
        notes,
        {(index[r], c): text for (r, c), text in sheet.unread.items() if r in index},
        sheet.date1904,
    )


def _last_column(sheet: Sheet, head: _Head | None, picked: Iterable[int]) -> int:
    width = max((n for n, name in enumerate(head.names, 1) if name), default=0) if head else 0
    for number in picked:
        row = sheet.rows[number]
        for column in range(len(row) - 1, width - 1, -1):
            if row[column] is not None:
                width = column + 1
                break
    return width


def _above(sheet: Sheet, head: _Head) -> list[Text]:
    texts = [_name(cell) for row in sheet.rows[: head.first] for cell in row if cell is not None]
    return [Text(N_("Above the headings: {text}"), {"text": " | ".join(texts)[:300]})] if texts else []


def _take_end(sheet: Sheet, picked: list[int], headed: bool) -> list[int]:
    """Take rows of totals, and lines below the table that stand alone, from the end. Returns which they were."""
    taken: list[int] = []
    while len(picked) > 1:
        row, number = sheet.rows[picked[-1]], picked[-1]
        filled = [cell for cell in row if cell is not None]
        usual = sorted(sum(c is not None for c in sheet.rows[n]) for n in picked[-50:])[len(picked[-50:]) // 2]
        first = next(cell for cell in row if cell is not None)
        total = any(isinstance(c, str) and _TOTALS.match(c[:99].strip()) for c in filled) and (
            len(filled) <= max(usual // 2, 2) or (isinstance(first, str) and bool(_TOTALS.match(first[:99].strip())))
        )
        gap = number - picked[-2] > 1
        below = headed and len(filled) == 1 and usual >= 3 and (gap or bool(taken))
        if not (total or below):
            break
        taken.append(picked.pop())
    return taken


def _joined_cells(sheet: Sheet, start: int) -> list[Text]:
    down = [m for m in sheet.merged if m[0] >= start and m[2] > m[0]]
    if not down:
        return []
    places = _cells({(m[0], m[1]): "" for m in down})
    return [
        Text(N_("Cells joined across rows: {cells}. Their value is taken for each of the rows."), {"cells": places})
    ]


def _filled_down(sheet: Sheet, picked: Sequence[int], width: int) -> list[list[Value]]:
    """The rows, with the value of cells that are joined across rows in each of them."""
    rows = {n: sheet.rows[n][:width] for n in picked}
    for top, left, bottom, _ in sheet.merged:
        if bottom > top and left < width and top in rows:
            for number in range(top + 1, bottom + 1):
                if number in rows and rows[number][left] is None:
                    rows[number][left] = rows[top][left]
    return list(rows.values())


def _cells(places: Iterable[tuple[int, int]]) -> str:
    from xlsxwriter.utility import xl_rowcol_to_cell

    ordered = sorted(places)
    return ", ".join(xl_rowcol_to_cell(*place) for place in ordered[:8]) + (" …" if len(ordered) > 8 else "")
