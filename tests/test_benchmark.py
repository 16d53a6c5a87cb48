"""The benchmark measures every line of its table. How fast anything is, is asked nowhere: machines differ."""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .benchmark.bench import QUICK
from .benchmark.report import FLOOR, LINES, OURS, PLAIN, Figure, table, written

ROOT = Path(__file__).parents[1]
ROWS = 60
FACTS = {"people": 2, "seconds": 1, "copies": 2, "log": "300"}
BESIDE_PLAIN = {"entry", "edit", "open by password", "checkpoint", "server memory"}
NEEDS_PROC = {"import memory", "server memory", "server memory later", "checkpoint memory"}
VALUE = re.compile(r"\d+(\.\d+)? (s|ms|×|B|KB|MB|GB)(; (p95|most) \d+(\.\d+)? (s|ms|×|B|KB|MB|GB))?")


class Ran:
    """One quick run: what it printed, the values it wrote, and what it left in the temporary folder."""

    def __init__(self, folder: Path) -> None:
        temporary = folder / "tmp"
        temporary.mkdir()
        done = subprocess.run(
            [sys.executable, "-m", "tests.benchmark", "--rows", str(ROWS), "--quick", "--json", str(folder / "told")],
            cwd=ROOT,
            env={**os.environ, "TMPDIR": str(temporary)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        self.text, self.progress = done.stdout, done.stderr
        self.told: dict[str, Any] = json.loads((folder / "told").read_text("utf-8"))
        self.left = list(temporary.iterdir())

    def cells(self, title: str) -> list[list[str]]:
        """The cells behind a title: of the line itself, and of those below that have none of their own."""
        lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in self.text.splitlines()]
        start = next(n for n, line in enumerate(lines) if line[0] == title)
        found = [lines[start][1:]]
        for line in lines[start + 1 :]:
            if len(line) < 3 or line[0]:
                break
            found.append(line[1:])
        return found


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    return Ran(tmp_path_factory.mktemp("benchmark"))


@pytest.mark.parametrize("key", LINES)
def test_every_line_of_the_table_is_measured(ran: Ran, key: str) -> None:
    if key in NEEDS_PROC and not Path("/proc/self/status").exists():
        pytest.skip("this system does not tell a process's memory")
    cells = ran.cells(LINES[key].title.format(**FACTS))
    assert [who for who, _ in cells] == [OURS, PLAIN][: 2 if key in BESIDE_PLAIN else 1]
    assert all(VALUE.fullmatch(value) for _, value in cells), cells


@pytest.mark.parametrize("key", FLOOR)
def test_the_floor_is_measured_too(ran: Ran, key: str) -> None:
    [[value]] = ran.cells(FLOOR[key].title)
    assert VALUE.fullmatch(value)


def test_the_table_begins_with_the_size_and_names_the_machine_by_cores_and_memory(ran: Ran) -> None:
    assert f"| | | {ROWS} rows |\n|---|---|---|\n" in ran.text
    assert re.match(r"Measured on \d+ cores?(, \d+ GB of memory)?, Python 3\.\d+\.\d+\.\n", ran.text)


def test_progress_stands_beside_the_table_not_in_it(ran: Ran) -> None:
    assert f"{ROWS} rows: making the register" in ran.progress and "making" not in ran.text


def test_every_value_is_written_as_json_too(ran: Ran) -> None:
    figures = ran.told["figures"]
    assert {(f["line"], f["who"]) for f in figures} >= {
        (key, OURS) for key in (*LINES, *FLOOR) if key not in NEEDS_PROC
    }
    assert all(value > 0 and math.isfinite(value) for f in figures for value in f["values"])
    assert {f["rows"] for f in figures} == {0, ROWS}
    assert next(len(f["values"]) for f in figures if f["line"] == "entry") == QUICK.changes


def test_nothing_is_left_of_the_registers_that_were_measured(ran: Ran) -> None:
    assert ran.left == []


def test_of_many_values_the_95th_percentile_is_told_and_of_few_the_most() -> None:
    many = Figure("edit", 1000, [n / 1000 for n in range(1, 101)])
    assert (many.median, many.p95) == (0.0505, 0.095)
    assert many.text == "50.5 ms; p95 95.0 ms"
    assert Figure("edit", 1000, [2.0, 1.0, 3.0]).text == "2.0 s; most 3.0 s"
    assert Figure("edit", 1000, [2.0]).text == "2.0 s"


def test_a_goal_stands_beside_its_number_with_a_mark_where_it_is_missed() -> None:
    assert Figure("entry", 10_000, [0.010]).text == "10.0 ms; ≤ 10.0 ms"
    assert Figure("entry", 10_000, [0.0101]).text == "10.1 ms; **≤ 10.0 ms missed**"
    assert Figure("entry", 100_000, [0.0101]).text == "10.1 ms; ≤ 20.0 ms"
    assert Figure("entry", 1000, [9.0]).text == "9.0 s"
    assert Figure("entry", 10_000, [9.0], PLAIN).text == "9.0 s"


def test_the_goal_of_many_people_is_for_the_95th_percentile() -> None:
    assert Figure("people", 10_000, [0.1] * 90 + [2.0] * 10).missed
    assert not Figure("people", 10_000, [0.1] * 96 + [2.0] * 4).missed


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.00031, "s", "0.31 ms"),
        (0.0023, "s", "2.3 ms"),
        (0.1503, "s", "150 ms"),
        (1.26, "s", "1.3 s"),
        (101.2, "s", "101 s"),
        (999, "B", "999 B"),
        (54_321, "B", "54.3 KB"),
        (229_371_904, "B", "229 MB"),
        (1_100_000_000, "B", "1.1 GB"),
        (1.174, "×", "1.17 ×"),
    ],
)
def test_values_are_written_with_the_digits_that_count(value: float, unit: str, text: str) -> None:
    assert written(value, unit) == text


def test_a_line_that_was_measured_at_one_size_has_a_dash_at_the_others() -> None:
    text = table([Figure("erase", 10_000, [30.0])], [1000, 10_000], FACTS)
    assert "| 2 backups cleaned of a person | ours | – | 30.0 s |" in text
