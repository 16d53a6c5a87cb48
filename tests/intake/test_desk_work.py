"""A list that came back, from its file to the findings."""

from __future__ import annotations

from lib.intake.desk import Snapshot
from lib.intake.desk_work import Work
from lib.intake.files import Limits

from .lists import KEY, TODAY, edited, listed, register_of


def test_somebody_without_an_account_stays_in_charge_of_a_row_of_a_list_that_came_back() -> None:
    register = register_of({"name": "Dora", "owner": "lauri"}, {"name": "Eeva", "owner": "sami"}, {"name": "Fanni"})
    content = edited(listed(register), lambda sheet: setattr(sheet["F3"], "value", "Eeva Uusi"))
    work = Work()
    work.read(content, "lista.xlsx", "", Limits(), KEY)
    matching = work.choose(0, {}, "FI", -1)
    counts = work.check(matching, Snapshot.of(register, ()), TODAY, {"sami": "Sami Seppälä"}, erase=False)
    assert {kind: count for kind, count in counts.items() if count} == {"change": 1, "same": 2}
    [change] = work.findings("change", 0, 10)
    assert change.changes == {"name": ("Eeva", "Eeva Uusi")}
