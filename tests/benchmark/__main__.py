"""`python -m tests.benchmark`: the program beside the plain way, measured in one run, as a table in Markdown."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

from . import lines, machine, visits
from .bench import FULL, QUICK, Bench, say
from .report import Figure, table


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m tests.benchmark", description=__doc__)
    made.add_argument("--rows", type=int, nargs="+", default=[1_000, 10_000, 100_000], help="sizes of the register")
    made.add_argument("--json", type=Path, metavar="FILE", help="write every value there, too")
    made.add_argument("--quick", action="store_true", help="everything once or a few times: to try it")
    return made


def figures(bench: Bench, sizes: list[int]) -> tuple[list[Figure], list[str]]:
    """Everything measured, the smallest register first, and what failed: one failure loses no figure of the others."""
    wanted: list[tuple[Callable[[Bench, int], Iterator[Figure]], int]] = [(lines.floor, sizes[0])]
    wanted += [(line, rows) for rows in sizes for line in (*lines.EVERY_SIZE, visits.visits, visits.imports)]
    wanted += [(line, bench.middle) for line in (*lines.ONE_SIZE, visits.people)]
    found: list[Figure] = []
    failed: list[str] = []
    for line, rows in wanted:
        try:
            found += line(bench, rows)
        except Exception:
            traceback.print_exc()
            failed.append(f"{line.__name__} at {rows:,} rows")
    return found, failed


def main(arguments: list[str] | None = None) -> int:
    given = parser().parse_args(arguments)
    sizes = sorted(set(given.rows))
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="prospects-benchmark-") as folder:
        with Bench(Path(folder), QUICK if given.quick else FULL, sizes) as bench:
            found, failed = figures(bench, sizes)
    say(f"Measured in {(time.monotonic() - started) / 60:.1f} minutes.")
    print(f"Measured on {machine.described()}.\n\n{table(found, sizes, bench.facts)}")
    if given.json:
        told = {"machine": machine.described(), **bench.facts, "figures": [figure.to_json() for figure in found]}
        given.json.write_text(json.dumps(told, ensure_ascii=False, indent=1), "utf-8")
    if failed:
        print(f"\nFailed: {', '.join(failed)}.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
