"""The same tables as real programs save them: old workbooks and open documents, made by LibreOffice."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import missing

from .tables import ADDRESSES, CASES, DATES, OLD_LIST, PHONES, SHEETS, TICKS, TOTALS, Case
from .test_tables import taken_in, told

pytestmark = pytest.mark.libreoffice

_CASES = [ADDRESSES, DATES, OLD_LIST, PHONES, SHEETS, TICKS, TOTALS]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Case, str], bytes]:
    """What LibreOffice makes of a case's table; all of them in one go for each kind."""
    soffice = shutil.which("soffice")
    if not soffice:
        missing("LibreOffice (soffice)")
    folder = tmp_path_factory.mktemp("office")
    sources: list[Path] = []
    for case in _CASES:
        sources.append(folder / f"{CASES.index(case)}.xlsx")
        sources[-1].write_bytes(case.make())
    for kind in ("xls", "ods"):
        command = [str(soffice), "--headless", f"-env:UserInstallation=file://{folder}/profile", "--convert-to", kind]
        command += ["--outdir", str(folder / kind), *map(str, sources)]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
    return lambda case, kind: (folder / kind / f"{CASES.index(case)}.{kind}").read_bytes()


@pytest.mark.parametrize("kind", ["xls", "ods"])
@pytest.mark.parametrize("case", _CASES, ids=lambda case: case.name)
def test_a_table_saved_in_another_kind_says_the_same(
    case: Case, kind: str, saved: Callable[[Case, str], bytes]
) -> None:
    table, matching, found = taken_in(case, saved(case, kind))
    assert [told(record) for record in found] == case.rows
    assert {n: set(r.warnings) for n, r in enumerate(found) if r.warnings} == case.warned
    assert [record.wrong for record in found] == [{}] * len(found)
    assert matching.missing() == []
    said = [str(note) for note in table.notes]
    assert all(any(text in note for note in said) for text in case.says), said


@pytest.mark.parametrize("kind", ["xls", "ods"])
def test_a_file_of_libreoffice_that_is_cut_short_is_refused(kind: str, saved: Callable[[Case, str], bytes]) -> None:
    from lib.errors import ImportRefused
    from lib.intake.files import Limits, read

    content = saved(DATES, kind)
    with pytest.raises(ImportRefused, match="damaged"):
        read(content[: len(content) // 2], f"x.{kind}", limits=Limits())
