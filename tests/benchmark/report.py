"""What was measured, and the table that tells it."""

from __future__ import annotations

import math
import statistics
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

OURS, PLAIN = "ours", "the plain way"
_MANY = 20  # values from which a 95th percentile says something; of fewer, the most is told


@dataclass(frozen=True)
class Line:
    """One line of the table. `unit` is "s", "B" (bytes) or "×"; `goals` are the most it may be, by rows."""

    title: str
    unit: str = "s"
    goals: Mapping[int, float] = field(default_factory=dict)
    by_p95: bool = False  # the goal is for the 95th percentile, not for the median


def _goals(ten: float, hundred: float) -> dict[int, float]:
    return {10_000: ten, 100_000: hundred}


LINES = {
    "entry": Line("An entry acknowledged, durable (with the duplicate check)", "s", _goals(0.010, 0.020)),
    "edit": Line("An edit acknowledged, durable"),
    "open by password": Line("Opening the register by the workbook's password", "s", _goals(0.8, 6)),
    "open by key": Line("Opening the register by the master key, as a server does", "s", _goals(0.8, 6)),
    "index": Line("Once after opening: the search index and the duplicate check's blocks built"),
    "checkpoint": Line("A checkpoint in the background, checked", "s", _goals(4, 40)),
    "checkpoint here": Line("A checkpoint in a terminal's own process, checked"),
    "page": Line("The entry page's rerun"),
    "page meanwhile": Line("The entry page's rerun while a checkpoint runs"),
    "page ratio": Line("The same, against no checkpoint", "×", _goals(2, 2)),
    "search": Line("Search over all text columns", "s", _goals(0.010, 0.040)),
    "find": Line("The list's rows: searched, filtered, sorted"),
    "duplicates": Line("Duplicate check while entering", "s", _goals(0.005, 0.020)),
    "statistics": Line("Statistics page, computed", "s", _goals(0.020, 0.080)),
    "list": Line("The list page's rerun, all rows", "s", _goals(0.080, 0.150)),
    "list searched": Line("The list page's rerun after a word was typed", "s", _goals(0.080, 0.150)),
    "list bytes": Line("What the list page sends", "B", _goals(300e3, 300e3)),
    "server memory": Line("Memory of the server after opening and a few pages", "B", _goals(350e6, 600e6)),
    "server memory later": Line("Memory of the server after checkpoints", "B"),
    "checkpoint memory": Line("Memory of a checkpoint's process", "B", _goals(300e6, 1.1e9)),
    "people": Line(
        "{people} people at once, an action each every {seconds} s", "s", {10_000: 1.0}, by_p95=True
    ),
    "list read": Line("A list that was edited on a workstation comes back: read"),
    "list check": Line("… its rows compared with the register", "s", {10_000: 5.0}),
    "list apply": Line("… its edits applied, with a backup before"),
    "import": Line("A table of so many rows imported through its page, into an empty register", "s", {100_000: 60.0}),
    "import memory": Line("Memory of the server and all its processes meanwhile", "B", {100_000: 1e9}),
    "page import": Line("The entry page's rerun of somebody else meanwhile"),
    "erase": Line("{copies} backups cleaned of a person"),
    "log entry": Line("An entry beside a year of {log} lines of change log, against none", "×"),
    "log checkpoint": Line("A checkpoint beside these, against none", "×"),
}  # fmt: skip
FLOOR = {
    "floor record": Line("A sealed record appended and synced"),
    "floor scrypt": Line("One scrypt derivation (a password)"),
    "floor excel": Line("One derivation of Excel's key, 100,000 rounds (a workbook opened or written)"),
}


@dataclass(frozen=True)
class Figure:
    """What was measured for a line at a size. `rows` is 0 where the size of the register does not matter."""

    line: str
    rows: int
    values: Sequence[float]
    who: str = OURS

    @property
    def of(self) -> Line:
        return {**LINES, **FLOOR}[self.line]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def p95(self) -> float:
        """The smallest value that 95 in a hundred do not exceed."""
        return sorted(self.values)[math.ceil(0.95 * len(self.values)) - 1]

    @property
    def goal(self) -> float | None:
        return self.of.goals.get(self.rows) if self.who == OURS else None

    @property
    def missed(self) -> bool:
        return self.goal is not None and (self.p95 if self.of.by_p95 else self.median) > self.goal

    @property
    def text(self) -> str:
        """The median, the 95th percentile or the most, and the goal."""
        unit = self.of.unit
        parts = [written(self.median, unit)]
        if len(self.values) >= _MANY:
            parts.append(f"p95 {written(self.p95, unit)}")
        elif len(self.values) > 1:
            parts.append(f"most {written(max(self.values), unit)}")
        if self.goal is not None:
            goal = f"≤ {written(self.goal, unit)}"
            parts.append(f"**{goal} missed**" if self.missed else goal)
        return "; ".join(parts)

    def to_json(self) -> dict[str, Any]:
        told = {"median": self.median, "p95": self.p95, "goal": self.goal, "missed": self.missed}
        return {**asdict(self), "unit": self.of.unit, **told}


def written(value: float, unit: str) -> str:
    """A value with two or three digits that count."""
    match unit:
        case "×":
            return f"{value:.2f} ×"
        case "B":
            scale, name = next((s, n) for s, n in ((1e9, "GB"), (1e6, "MB"), (1e3, "KB"), (0, "B")) if value >= s)
        case _:
            scale, name = (1.0, "s") if value >= 1 else (1e-3, "ms")
    number = value / (scale or 1)
    digits = 0 if number >= 99.5 else 1 if number >= 0.95 else 2
    return f"{number:.{digits}f} {name}"


def table(figures: Collection[Figure], sizes: Sequence[int], facts: Mapping[str, Any]) -> str:
    """The table in Markdown: a line for what was measured, a column for each size of the register."""
    found = {(f.line, f.who, f.rows): f for f in figures}
    text = ["| | | " + " | ".join(f"{size:,} rows" for size in sizes) + " |", "|---" * (len(sizes) + 2) + "|"]
    for key, line in LINES.items():
        title = line.title.format(**facts)
        for who in (OURS, PLAIN):
            cells = [found.get((key, who, size)) for size in sizes]
            if any(cells):
                text.append(f"| {title} | {who} | " + " | ".join(c.text if c else "–" for c in cells) + " |")
                title = ""
    text += ["", "| The floor on this machine | |", "|---|---|"]
    text += [f"| {FLOOR[f.line].title} | {f.text} |" for f in figures if f.line in FLOOR]
    return "\n".join(text)
