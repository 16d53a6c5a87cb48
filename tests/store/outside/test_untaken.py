"""S5: what the register cannot take is set aside, and entries go on."""

from __future__ import annotations

import shutil
from pathlib import Path

import openpyxl
import pytest

from lib.errors import Damaged, NothingToCompare, WorkbookMissing, WrongPassword
from lib.store import Store, outside
from lib.store.encryption import decrypt

from ..outside_tools import age, asked, cells, info, kinds, names, save
from ..tools import BY, PASSWORD, opened, person, sealed
from .conftest import OTHER, in_workbook, reopened

# -- what is set aside -------------------------------------------------------------------------------------------------


def test_s5_an_unknown_generation_is_set_aside_and_the_workbook_heals(filled: Store) -> None:
    saved = save(filled.path, info("generation", "999"), cells(2, title="Ei tule"))
    filled.refresh()
    question = asked(filled, "unknown")
    (aside,) = filled.aside.all()
    assert (aside.kind, aside.name) == ("unknown", question.where) and aside.path.read_bytes() == saved
    assert filled.register.row("P-000001")["title"] == "Johtaja"
    filled.checkpoint()
    assert in_workbook(filled) == ["Aino", "Bertta", "Cecilia"] and filled.path.read_bytes() != saved
    outside.drop_aside(filled, aside.name, by="ylläpitäjä")
    assert kinds(filled) == [] and filled.aside.all() == []
    assert filled.log()[0].action == "drop_aside"


def test_s5_a_generation_whose_copies_are_gone_is_set_aside(filled: Store) -> None:
    old = filled.path.read_bytes()
    filled.add(person("Dora"), by=BY)
    filled.checkpoint()
    for copy in filled.backups.all():
        if copy.generation < filled.on_disk:
            filled.backups.drop(copy)
    filled.path.write_bytes(old)
    save(filled.path, cells(2, title="Ei tule"))
    filled.refresh()
    assert kinds(filled) == ["unknown"] and names(filled)[-1] == "Dora"


def test_s5_another_registers_workbook_is_set_aside(filled: Store, tmp_path: Path) -> None:
    with Store.create(tmp_path / "other", PASSWORD) as other:
        other.add(person("Vieras"), by=BY)
    shutil.copyfile(other.path, filled.path)
    filled.refresh()
    assert kinds(filled) == ["unknown"] and names(filled) == ["Aino", "Bertta", "Cecilia"]
    filled.checkpoint()
    assert in_workbook(filled) == ["Aino", "Bertta", "Cecilia"]


@pytest.mark.parametrize("what", ["sheet", "facts", "column"])
def test_s5_a_workbook_whose_structure_is_broken_is_set_aside(filled: Store, what: str) -> None:
    def change(changed: openpyxl.Workbook) -> None:
        if what == "sheet":
            changed["Prospektit"].title = "Omat"
        elif what == "facts":
            changed.remove(changed["Tiedot"])
        else:
            changed["Prospektit"].delete_cols(1)

    saved = save(filled.path, change)
    filled.refresh()
    question = asked(filled, "invalid")
    assert question.typed and filled.aside.all()[0].path.read_bytes() == saved
    assert names(filled) == ["Aino", "Bertta", "Cecilia"] and filled.add(person("Dora"), by=BY) == "P-000004"
    filled.checkpoint()
    assert in_workbook(filled) == ["Aino", "Bertta", "Cecilia", "Dora"]


def test_s5_saved_without_a_password_it_is_encrypted_at_once_and_its_edits_are_taken(filled: Store) -> None:
    save(filled.path, cells(2, title="Salaamatta"))
    filled.path.write_bytes(opened(filled.path))
    filled.refresh()
    assert not filled.path.read_bytes().startswith(b"PK")
    assert filled.register.row("P-000001")["title"] == "Salaamatta"
    assert kinds(filled) == ["plain"]
    assert not any(p.read_bytes().startswith(b"PK") for p in filled.data_dir.rglob("*") if p.is_file())
    filled.refresh()
    filled.checkpoint()
    with reopened(filled) as again:
        assert again.register.row("P-000001")["title"] == "Salaamatta" and kinds(again) == ["plain"]


def test_s5_saved_without_a_password_while_nothing_ran(filled: Store) -> None:
    filled.close()
    save(filled.path, cells(2, title="Salaamatta"))
    filled.path.write_bytes(opened(filled.path))
    with reopened(filled) as again:
        assert again.register.row("P-000001")["title"] == "Salaamatta" and kinds(again) == ["plain"]


def test_s5_a_plain_workbook_still_being_written_is_left_alone(filled: Store) -> None:
    save(filled.path, cells(2, title="Salaamatta"))
    whole = opened(filled.path)
    with filled.path.open("wb") as writing:  # by a program that writes into the file itself
        writing.write(whole[:4000])
        writing.flush()
        filled.refresh()
        assert filled.register.row("P-000001")["title"] == "Johtaja"
        writing.write(whole[4000:])
    filled.refresh()
    assert filled.register.row("P-000001")["title"] == "Salaamatta"
    assert decrypt(filled.path.read_bytes(), PASSWORD) == whole


def test_s5_saved_under_another_password_its_edits_are_taken_once_somebody_knows_it(filled: Store) -> None:
    save(filled.path, cells(2, title="Toisin salattu"))
    plain = opened(filled.path)
    saved = sealed(plain, OTHER)
    filled.path.write_bytes(saved)
    filled.refresh()
    name = asked(filled, "password").where
    assert filled.aside.find(name).path.read_bytes() == saved  # type: ignore[union-attr]
    filled.add(person("Dora"), by=BY)
    filled.update("P-000002", {"title": "Verkosta"}, by=BY)
    filled.checkpoint()  # the workbook heals meanwhile
    with pytest.raises(WrongPassword):
        outside.open_aside(filled, name, "väärä", by="ylläpitäjä")
    assert kinds(filled) == ["password"] and filled.aside.find(name)
    outside.open_aside(filled, name, OTHER, by="ylläpitäjä")
    with reopened(filled) as again:
        assert names(again) == ["Aino", "Bertta", "Cecilia", "Dora"]
        assert again.register.row("P-000001")["title"] == "Toisin salattu"
        assert again.register.row("P-000002")["title"] == "Verkosta"
        assert kinds(again) == [] and again.aside.all() == []


def test_s5_what_a_file_under_another_password_began_from_may_be_gone(filled: Store) -> None:
    save(filled.path, info("generation", "999"))
    filled.path.write_bytes(sealed(opened(filled.path), OTHER))
    filled.refresh()
    name = asked(filled, "password").where
    with pytest.raises(NothingToCompare):
        outside.open_aside(filled, name, OTHER, by="ylläpitäjä")
    assert filled.aside.find(name)


# -- still being written, damaged, gone --------------------------------------------------------------------------------


def test_s5_a_file_still_being_written_is_looked_at_again(filled: Store) -> None:
    whole = save(filled.path, cells(2, title="Valmis"))
    for part in (0, 100, len(whole) // 2, len(whole) - 600):
        filled.path.write_bytes(whole[:part])
        filled.refresh()
        assert filled.trouble is None and filled.register.row("P-000001")["title"] == "Johtaja"
        filled.add(person(f"Osa {part}"), by=BY)
    filled.path.write_bytes(whole)
    filled.refresh()
    assert filled.register.row("P-000001")["title"] == "Valmis" and len(filled.register) == 7
    assert kinds(filled) == []


def test_s5_a_file_still_being_written_is_not_replaced(filled: Store) -> None:
    whole = save(filled.path, cells(2, title="Valmis"))
    filled.path.write_bytes(whole[:-600])
    for store in (filled, reopened(filled)):
        store.add(person("Meanwhile"), by=BY)
        store.close()
        assert filled.path.read_bytes() == whole[:-600]
    filled.path.write_bytes(whole)
    with reopened(filled) as again:
        assert again.register.row("P-000001")["title"] == "Valmis" and len(again.register) == 5


def test_s5_a_damaged_file_is_told_and_entries_go_on(filled: Store) -> None:
    whole = filled.path.read_bytes()
    filled.path.write_bytes(whole[:-600])
    age(filled.path)
    with pytest.raises(Damaged):
        filled.refresh()
    assert filled.add(person("Dora"), by=BY) == "P-000004"
    with pytest.raises(Damaged):
        filled.checkpoint()
    assert filled.path.read_bytes() == whole[:-600]
    filled.path.write_bytes(whole)
    filled.refresh()
    filled.checkpoint()
    assert in_workbook(filled)[-1] == "Dora"


def test_s5_a_missing_file_is_told_and_entries_go_on(filled: Store) -> None:
    whole = filled.path.read_bytes()
    filled.path.unlink()
    with pytest.raises(WorkbookMissing):
        filled.refresh()
    filled.add(person("Dora"), by=BY)
    with pytest.raises(WorkbookMissing):
        filled.checkpoint()
    filled.path.write_bytes(whole)
    filled.checkpoint()
    assert in_workbook(filled)[-1] == "Dora"


# -- what cannot be kept -----------------------------------------------------------------------------------------------


def test_s5_what_cannot_be_kept_is_kept_aside_before_it_is_replaced(filled: Store) -> None:
    from openpyxl.chart import BarChart, Reference
    from openpyxl.comments import Comment

    def decorate(changed: openpyxl.Workbook) -> None:
        sheet = changed["Prospektit"]
        sheet["B2"].comment = Comment("Huomautus", "Aino")
        chart = BarChart()
        chart.add_data(Reference(sheet, min_col=2, min_row=1, max_row=3))
        changed.create_sheet("Kuvaaja").add_chart(chart, "B2")

    saved = save(filled.path, decorate, cells(2, title="Tulee"))
    filled.refresh()
    question = asked(filled, "original")
    aside = filled.aside.find(question.where)
    assert aside and aside.path.read_bytes() == saved == filled.path.read_bytes()
    told = [str(text) for text in outside.lost_in(filled, question.where)]
    assert "charts" in told and "comments and notes" in told
    filled.checkpoint()
    assert filled.path.read_bytes() != saved and aside.path.read_bytes() == saved
    assert filled.register.row("P-000001")["title"] == "Tulee"
    outside.drop_aside(filled, aside.name, by="ylläpitäjä")
    assert kinds(filled) == [] and not aside.path.exists()


def test_s5_a_sheet_of_one_chart_is_no_damage(filled: Store) -> None:
    from openpyxl.chart import BarChart, Reference

    def decorate(changed: openpyxl.Workbook) -> None:
        chart = BarChart()
        chart.add_data(Reference(changed["Prospektit"], min_col=2, min_row=1, max_row=3))
        changed.create_chartsheet("Kaavio").add_chart(chart)

    save(filled.path, decorate, cells(2, title="Tulee"))
    age(filled.path)
    filled.refresh()
    assert filled.register.row("P-000001")["title"] == "Tulee" and "original" in kinds(filled)
    filled.checkpoint()
    assert in_workbook(filled) == ["Aino", "Bertta", "Cecilia"]
