"""What was changed in the workbook with Excel and waits for a manager: each question, and every way to settle it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest

from lib.installation import Installation
from lib.store import Store
from tests.pages.conftest import Visitor, add, excel
from tests.pages.test_main import untranslated

DAY = dt.date(2025, 5, 5)


@pytest.fixture
def rows(store: Store) -> Store:
    """Three rows that the workbook holds."""
    for n in (1, 2, 3):
        add(store, name=f"Henkilö {n}", organisation="Esimerkki Oy", received=DAY)
    store.checkpoint()
    return store


def deleted(sheet, places, rows) -> None:
    sheet.delete_rows(rows["P-000002"])


def protected(sheet, places, rows) -> None:
    sheet.cell(rows["P-000001"], places["Vastaanotettu"], dt.datetime(2020, 1, 2))


def held(sheet, places, rows) -> None:
    sheet.cell(rows["P-000001"], places["Säilytysperuste"], "Vahingonkorvausvaatimus")
    sheet.cell(rows["P-000001"], places["Säilytetään asti"], dt.datetime(2090, 1, 2))


def noted(sheet, places, rows) -> None:
    sheet.cell(rows["P-000001"], places["Muistiinpanot"], "Excelin *muistiinpano*")


def not_a_date(sheet, places, rows) -> None:
    sheet.cell(rows["P-000003"], places["Seuraava yhteydenotto"], "ensi *viikolla*")


def added(sheet, places, rows) -> None:
    last = sheet.max_row + 1
    for heading, value in {
        "Nimi": "Uusi [Excelistä]",
        "Puhelin": "0405550101",
        "Sähköpostiosoite": "ei osoite",
    }.items():
        sheet.cell(last, places[heading], value)


KINDS = {
    "missing": deleted,
    "protected": protected,
    "cell": not_a_date,
    "new": added,
}


def press(visitor: Visitor, what: str, n: int = 0) -> None:
    """Press a question's button: take or leave."""
    found = [b for b in visitor.at.button if b.key and (b.key.startswith(f"{what}-") or f"-{what}-" in b.key)]
    found[n].click()
    visitor.run()


def questions(visitor: Visitor) -> int:
    return len(visitor.workspace.questions())


# -- the page ----------------------------------------------------------------------------------------------------------


def test_the_page_is_in_the_navigation_only_while_something_waits_with_its_number(
    aino: Visitor, rows: Store, installation: Installation
) -> None:
    def navigation() -> str:
        """How the page is called in the navigation; "" where it is not there."""
        page = aino.at.session_state["_pages"]["outside"]
        return page.title if page.visibility == "visible" else ""

    aino.open("outside")
    assert navigation() == "" and not aino.at.error
    assert aino.sees("Nothing waits here. Changes in the workbook that only you can decide on appear on this page.")
    excel(installation, lambda *given: [change(*given) for change in (protected, not_a_date)])
    aino.open("entry")
    title = aino.t("Changes in Excel")
    assert navigation() == f"{title} (2)"


@pytest.mark.parametrize("name", ["sami", "ylva"])
def test_a2_only_a_manager_sees_it(
    visitor: Callable[..., Visitor], rows: Store, installation: Installation, name: str
) -> None:
    excel(installation, protected)
    who = visitor(name)
    who.open("outside")
    assert who.title != who.t("Changes in Excel") and who.t("Changes in Excel") not in who.shown()


def test_s5_each_question_says_in_words_what_excel_and_the_register_say(
    visitor: Callable[..., Visitor], rows: Store, installation: Installation
) -> None:
    excel(installation, lambda *given: [change(*given) for change in (protected, not_a_date, added, deleted)])
    maija = visitor("maija")
    maija.open("outside")
    shown = maija.shown()
    for title in ("Added in Excel", "Deleted in Excel", "Changed in Excel, for a manager to decide", "Not understood"):
        assert f"{maija.t(title)} (1)" in [h.value for h in maija.at.header]
    table = next(h.body for h in maija.at.get("html") if "beside" in h.body and "<table" in h.body)
    assert "2.1.2020" in table and "5.5.2025" in table and maija.t("Received") in table
    assert "**P-000002** Henkilö 2, Esimerkki Oy" in shown
    assert "ensi \\*viikolla\\*" in shown and maija.t("Next contact") in shown
    assert "Uusi [Excelistä]" in shown and "ei osoite" in shown
    assert not maija.at.error and rows.register.row("P-000002")


@pytest.mark.parametrize("language", ["fi", "en"])
def test_no_question_says_a_word_in_the_other_language(
    visitor: Callable[..., Visitor], rows: Store, installation: Installation, language: str
) -> None:
    rows.update("P-000001", {"notes": "oma"}, by="sami")
    excel(installation, lambda *given: [change(*given) for change in (held, noted, not_a_date, added, deleted)])
    maija = visitor("maija", language)
    maija.open("outside")
    assert len({q.kind for q in maija.workspace.questions()}) == 5 and untranslated(maija) == set()


# -- answers -----------------------------------------------------------------------------------------------------------


def test_a_row_deleted_in_excel_is_kept(aino: Visitor, rows: Store, installation: Installation) -> None:
    excel(installation, deleted)
    aino.open("outside")
    press(aino, "leave")
    assert questions(aino) == 0 and rows.register.row("P-000002")
    assert rows.log()[0].action == "outside_kept"


def test_s10_a_row_deleted_in_excel_is_removed_everywhere_after_a_question(
    aino: Visitor, rows: Store, installation: Installation
) -> None:
    excel(installation, deleted)
    aino.open("outside")
    press(aino, "take")
    assert aino.sees("Removal is final. It cannot be undone.") and len(rows.frame) == 3
    assert "removal-reason" not in [w.key for w in aino.at.text_input]
    aino.at.button(key="remove-now").click()
    aino.run()
    assert aino.t.plural("{n} row was removed everywhere.", "{n} rows were removed everywhere.", 1) in aino.shown()
    assert rows.frame["id"].tolist() == ["P-000001", "P-000003"] and not rows.unfinished and questions(aino) == 0
    removed = next(entry for entry in rows.log() if entry.action == "remove")
    assert removed.facts["reason"] == "outside" and removed.by == "aino"


@pytest.mark.parametrize("take", [True, False])
def test_s5_a_protected_value_is_taken_or_left(
    aino: Visitor, rows: Store, installation: Installation, take: bool
) -> None:
    excel(installation, protected)
    aino.open("outside")
    press(aino, "take" if take else "leave")
    assert questions(aino) == 0 and not aino.at.error
    assert rows.register.row("P-000001")["received"] == (dt.date(2020, 1, 2) if take else DAY)


def test_ground_and_date_of_a_hold_are_one_question(aino: Visitor, rows: Store, installation: Installation) -> None:
    excel(installation, held)
    aino.open("outside")
    press(aino, "take")
    row = rows.register.row("P-000001")
    assert questions(aino) == 0 and (row["hold_reason"], row["hold_until"]) == ("claim", dt.date(2090, 1, 2))


def test_a_value_that_cannot_be_taken_says_why_and_the_question_stays(
    aino: Visitor, rows: Store, installation: Installation
) -> None:
    excel(installation, lambda sheet, places, at: sheet.cell(2, places["Vastaanotettu"], dt.datetime(2026, 1, 2)))
    aino.open("outside")
    press(aino, "take")
    why = aino.t("The received date cannot be moved later: the retention period counts from it.")
    assert why in aino.at.error[0].value and questions(aino) == 1
    press(aino, "leave")
    assert questions(aino) == 0 and rows.register.row("P-000001")["received"] == DAY


@pytest.mark.parametrize("take", [True, False])
def test_s5_of_a_field_changed_on_both_sides_both_are_shown_and_one_is_chosen(
    aino: Visitor, visitor: Callable[..., Visitor], rows: Store, installation: Installation, take: bool
) -> None:
    visitor("sami").workspace.edit("P-000001", {"notes": "oma <b>muistiinpano</b>"}, {})
    excel(installation, noted)
    aino.open("outside")
    table = next(h.body for h in aino.at.get("html") if "<table" in h.body)
    assert "Excelin *muistiinpano*" in table and "oma &lt;b&gt;muistiinpano&lt;/b&gt;" in table
    assert aino.sees("Changed here by {who}, {when}", who="Sami Seppälä", when=aino.t.time(rows.now))
    press(aino, "take" if take else "leave")
    assert rows.register.row("P-000001")["notes"] == ("Excelin *muistiinpano*" if take else "oma <b>muistiinpano</b>")
    assert questions(aino) == 0


def test_a_cell_that_is_not_understood_is_seen(aino: Visitor, rows: Store, installation: Installation) -> None:
    excel(installation, not_a_date)
    aino.open("outside")
    aino.press("Seen")
    assert questions(aino) == 0 and rows.register.row("P-000003")["next_contact"] is None


# -- a row that was added ----------------------------------------------------------------------------------------------


def new_field(visitor: Visitor, code: str):
    kinds = ("text_input", "date_input", "selectbox")
    found = [w for kind in kinds for w in getattr(visitor.at, kind) if w.key and w.key.endswith(f"-{code}")]
    assert len(found) == 1, code
    return found[0]


def test_s5_a_row_added_in_excel_comes_in_with_what_it_lacks(
    aino: Visitor, rows: Store, installation: Installation
) -> None:
    excel(installation, added)
    aino.open("outside")
    assert new_field(aino, "received").value is None  # never today by itself
    new_field(aino, "received").set_value(dt.date(2026, 2, 1))
    new_field(aino, "source").set_value("email")
    press(aino, "take")
    assert aino.sees("The row was added.") and questions(aino) == 0
    row = rows.register.row("P-000004")
    assert (row["name"], row["source"], row["received"]) == ("Uusi [Excelistä]", "email", dt.date(2026, 2, 1))
    assert row["phone"] == "+358405550101" and row["created_by"] == "aino" and row["email"] == ""


def test_without_the_received_date_it_is_refused_and_what_was_typed_stays(
    aino: Visitor, rows: Store, installation: Installation
) -> None:
    excel(installation, added)
    aino.open("outside")
    new_field(aino, "source").set_value("public")
    press(aino, "take")
    said = [m.value for m in aino.at.markdown]
    for why in (
        "Choose the date when the data was received.",
        "With a public source, write which register, page or address it was.",
    ):
        assert f":red[{aino.t(why)}]" in said
    assert new_field(aino, "source").value == "public" and len(rows.frame) == 3
    new_field(aino, "received").set_value(dt.date(2027, 2, 1))
    new_field(aino, "source_detail").set_value("yritysrekisteri")
    press(aino, "take")
    assert f":red[{aino.t('The date is in the future. Choose today or an earlier day.')}]" in [
        m.value for m in aino.at.markdown
    ]
    assert new_field(aino, "source_detail").value == "yritysrekisteri" and len(rows.frame) == 3
    new_field(aino, "received").set_value(dt.date(2026, 2, 1))
    press(aino, "take")
    assert rows.register.row("P-000004")["source_detail"] == "yritysrekisteri" and not aino.at.error


def test_a_row_without_a_name_is_asked_for_one(aino: Visitor, rows: Store, installation: Installation) -> None:
    excel(installation, lambda sheet, places, at: sheet.cell(sheet.max_row + 1, places["Puhelin"], "0405550101"))
    aino.open("outside")
    new_field(aino, "organisation").set_value("Uusi Oy")
    new_field(aino, "received").set_value(DAY)
    new_field(aino, "source").set_value("phone")
    press(aino, "take")
    assert rows.register.row("P-000004")["organisation"] == "Uusi Oy"


def test_a_row_added_in_excel_is_left_out(aino: Visitor, rows: Store, installation: Installation) -> None:
    excel(installation, added)
    aino.open("outside")
    press(aino, "leave")
    assert aino.sees("The row was left out.") and questions(aino) == 0 and len(rows.frame) == 3


def test_a_fault_of_the_disk_leaves_what_was_typed(
    aino: Visitor, rows: Store, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lib.errors import NotWritten
    from lib.i18n import Text

    excel(installation, added)
    aino.open("outside")
    new_field(aino, "received").set_value(DAY)
    new_field(aino, "source").set_value("phone")

    def fails(*_: object, **__: object) -> None:
        raise NotWritten(reason=Text("the disk is full"))

    with monkeypatch.context() as patch:
        patch.setattr(Store, "answer", fails)
        press(aino, "take")
        assert aino.error("the disk is full") and new_field(aino, "received").value == DAY
    press(aino, "take")
    assert rows.register.row("P-000004")["received"] == DAY and not aino.at.error


# -- all of a kind -----------------------------------------------------------------------------------------------------


def test_all_of_a_harmless_kind_are_settled_at_once(aino: Visitor, rows: Store, installation: Installation) -> None:
    def change(sheet, places, at) -> None:
        for i in ("P-000001", "P-000002"):
            sheet.cell(at[i], places["Vastaanotettu"], dt.datetime(2020, 1, 2))
            sheet.cell(at[i], places["Seuraava yhteydenotto"], "pian")
        added(sheet, places, at)
        sheet.cell(sheet.max_row + 1, places["Nimi"], "Toinen")

    excel(installation, change)
    aino.open("outside")
    assert questions(aino) == 6
    aino.press("Leave all")
    settled = "{n} question was settled.", "{n} questions were settled."
    assert questions(aino) == 4 and aino.t.plural(*settled, 2) in aino.shown()
    aino.press("All seen")
    assert questions(aino) == 2 and rows.register.row("P-000001")["received"] == DAY
    # New rows are never left out together.
    assert {q.kind for q in aino.workspace.questions()} == {"new"}
    assert not [b for b in aino.at.button if b.key and b.key.startswith("all-")]


def test_a_question_that_another_manager_settled_is_simply_gone(
    aino: Visitor, visitor: Callable[..., Visitor], rows: Store, installation: Installation
) -> None:
    excel(installation, protected)
    aino.open("outside")
    maija = visitor("maija")
    (question,) = maija.workspace.questions()
    maija.workspace.answer(question.key, take=False)
    press(aino, "take")
    assert not aino.at.error and rows.register.row("P-000001")["received"] == DAY


def test_a2_a_notice_is_no_question_of_a_manager(
    aino: Visitor, visitor: Callable[..., Visitor], rows: Store, installation: Installation
) -> None:
    excel(installation, lambda sheet, places, at: sheet.cell(1, places["Nimi"], "Joku muu"))
    aino.open("entry")
    (notice,) = visitor("ylva").workspace.notices()
    maija = visitor("maija")
    assert maija.workspace.questions() == []
    maija.workspace.answer(notice.key, take=False)
    assert visitor("ylva").workspace.notices() == [notice]
    excel(installation, lambda sheet, places, at: None)
