"""The list and one prospect: found, filtered, opened, edited without overwriting anybody."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
import streamlit as st

from lib.errors import NotAllowed
from lib.store import Store
from lib.store.encryption import decrypt
from tests.pages.conftest import TODAY, Visitor, add

YEARS_AGO = TODAY.replace(year=TODAY.year - 5)


@pytest.fixture
def rows(store: Store) -> Store:
    """Four prospects that differ in everything a filter asks for."""
    people = (
        {
            "name": "Väinö Mäkelä",
            "organisation": "Åströmin Öljy Oy",
            "phone": "0401234567",
            "source": "phone",
            "interests": "kissat; koirat",
            "owner": "aino",
        },
        {"name": "Réka Nagy", "source": "email", "status": "offer", "email": "reka@example.com", "owner": "sami"},
        {
            "name": "Kaarina Kanarialintu",
            "organisation": "Häkki Oy",
            "source": "public",
            "source_detail": "ytj.fi",
            "interests": "koirat",
            "received": YEARS_AGO + dt.timedelta(days=30),
        },
        {"organisation": "Pelkkä Firma Ky", "source": "meeting", "received": TODAY - dt.timedelta(days=40)},
    )
    for person in people:
        add(store, **person)
    return store


def found(visitor: Visitor) -> set[str]:
    """The numbers on the list, without their zeros."""
    return {i.removeprefix("P-00000") for i in visitor.table()["id"]} if visitor.at.dataframe else set()


def counts(visitor: Visitor, n: int, total: int = 4) -> bool:
    return f"**{visitor.t('{n} of {total}', n=n, total=total)}**" in [m.value for m in visitor.at.markdown]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "1234"),
        ("makela", "1"),
        ("MÄKELÄ väinö", "1"),
        ("oljy vaino", "1"),
        ("nágy reka", "2"),
        ("oy", "13"),
        ("0401234567", "1"),
        ("040 123 45 67", "1"),
        ("+358 40 1234567", "1"),
        ("00358401234567", "1"),
        ("koirat häkki", "3"),
        ("P-000004", "4"),
        ("ytj", "3"),
        ("ei löydy", ""),
        ("[(*", ""),
    ],
)
def test_a_search_finds_in_any_spelling_and_says_how_many(
    aino: Visitor, rows: Store, query: str, expected: str
) -> None:
    aino.open("prospects")
    aino.at.text_input(key="find-query").set_value(query)
    aino.run()
    assert found(aino) == set(expected)
    assert counts(aino, len(expected))
    assert aino.sees("Nothing matches. Take a word or a filter away.") == (not expected)


@pytest.mark.parametrize(
    ("kind", "key", "value", "expected"),
    [
        ("multiselect", "find-source", ["phone", "public"], "13"),
        ("multiselect", "find-status", ["offer"], "2"),
        ("multiselect", "find-interests", ["koirat"], "13"),
        ("multiselect", "find-owner", ["sami"], "234"),
        ("date_input", "find-from", TODAY, "12"),
        ("date_input", "find-to", TODAY - dt.timedelta(days=1), "34"),
        ("toggle", "find-ending", True, "3"),
    ],
)
def test_each_filter_alone_and_its_mark_on_the_closed_filters(
    aino: Visitor, rows: Store, kind: str, key: str, value: object, expected: str
) -> None:
    aino.open("prospects")
    getattr(aino.at, kind)(key=key).set_value(value)
    aino.run()
    assert found(aino) == set(expected) and counts(aino, len(expected))
    assert f"{aino.t('Filters')} (1)" in aino.shown()


def test_filters_and_search_hold_together_and_outlive_a_look_at_another_page(aino: Visitor, rows: Store) -> None:
    aino.open("prospects")
    aino.at.multiselect(key="find-interests").set_value(["koirat"])
    aino.at.text_input(key="find-query").set_value("oy")
    aino.run()
    aino.at.multiselect(key="find-source").set_value(["phone"])
    aino.run()
    assert found(aino) == {"1"} and f"{aino.t('Filters')} (2)" in aino.shown()
    aino.go("statistics")
    aino.go("prospects")
    assert found(aino) == {"1"} and aino.at.text_input(key="find-query").value == "oy"


def test_the_newest_come_first(aino: Visitor, rows: Store) -> None:
    aino.open("prospects")
    assert aino.table()["id"].tolist() == ["P-000002", "P-000001", "P-000004", "P-000003"]


def test_an_empty_register_says_what_will_stand_here(aino: Visitor, store: Store) -> None:
    aino.open("prospects")
    assert aino.at.info[0].value == aino.t("Here you will find every prospect. Enter the first one.")
    assert not aino.at.text_input and not aino.at.dataframe


def test_an_address_with_source_and_period_filters_the_list(aino: Visitor, rows: Store) -> None:
    day = (TODAY - dt.timedelta(days=40)).isoformat()
    aino.open("prospects", source="meeting", **{"from": day, "to": day})
    assert found(aino) == {"4"}
    assert "source" not in aino.at.query_params


@pytest.mark.parametrize("address", [{"source": "nothing"}, {"from": "31.12.2020"}, {"to": ""}, {"other": "x"}])
def test_an_address_with_nonsense_shows_the_whole_list(aino: Visitor, rows: Store, address: dict[str, str]) -> None:
    aino.open("prospects", **address)
    assert found(aino) == set("1234")


# -- one prospect ------------------------------------------------------------------------------------------------------


def test_a_row_opens_from_its_address_and_leads_back_to_the_list(aino: Visitor, rows: Store) -> None:
    aino.open("prospects", row="P-000001")
    assert aino.title == "Väinö Mäkelä" and "040 1234567" in aino.shown()
    assert aino.widget("phone").value == "040 1234567" and aino.widget("interests").value == ["kissat", "koirat"]
    aino.press("Back to the list")
    assert found(aino) == set("1234") and not aino.at.query_params


def test_an_organisation_alone_is_the_row_s_title(aino: Visitor, rows: Store) -> None:
    assert aino.open("prospects", row="P-000004") and aino.title == "Pelkkä Firma Ky"


@pytest.mark.parametrize("row", ["P-000099", "nonsense", "<script>", ""])
def test_the_address_of_a_row_that_is_not_there_says_so_calmly(aino: Visitor, rows: Store, row: str) -> None:
    aino.open("prospects", row=row)
    if row.startswith("P-"):
        assert len(aino.at.error) == 1
        aino.press("Back to the list")
    assert row.startswith("P-") or not aino.at.error  # what is no number asks for no row
    assert found(aino) == set("1234")


def test_the_address_of_a_removed_row_says_that_it_is_gone(aino: Visitor, rows: Store) -> None:
    rows.remove(["P-000001"], by="maija", reason="expired")
    aino.open("prospects", row="P-000001")
    assert aino.error("The prospect {id} is no longer in the register.", id="P-000001")
    assert "Mäkelä" not in aino.shown()


def test_a_row_that_is_removed_while_it_is_edited_says_so_and_comes_back_nowhere(aino: Visitor, rows: Store) -> None:
    aino.open("prospects", row="P-000001")
    aino.fill(notes="soitettu")
    rows.remove(["P-000001"], by="maija", reason="expired")
    aino.press("Save changes")
    assert aino.error("The prospect {id} is no longer in the register.", id="P-000001")
    assert len(rows.frame) == 3


def test_an_edit_is_saved_with_what_follows_from_it(aino: Visitor, rows: Store) -> None:
    aino.open("prospects", row="P-000002")
    aino.fill(status="contacted", notes="=1+1\nÄäni ☎️", phone="+358 50 555 1234", interests=["uusi asia"])
    aino.press("Save changes")
    assert aino.at.success[0].value == aino.t("{id} was saved.", id="P-000002")
    row = rows.register.row("P-000002")
    assert (row["status"], row["contacted"], row["notes"]) == ("contacted", TODAY, "=1+1\nÄäni ☎️")
    assert (row["phone"], row["interests"], row["changed_by"]) == ("+358505551234", "uusi asia", "aino")
    assert aino.widget("notes").value == "=1+1\nÄäni ☎️"


def test_saving_without_a_change_changes_nothing(aino: Visitor, rows: Store) -> None:
    before = rows.register.row("P-000001")
    aino.open("prospects", row="P-000001")
    aino.press("Save changes")
    assert aino.sees("Nothing was changed.") and rows.register.row("P-000001") == before


def test_an_edit_that_is_wrong_is_said_at_its_field_and_stays(aino: Visitor, rows: Store) -> None:
    aino.open("prospects", row="P-000001")
    aino.fill(email="vaino(at)example", notes="pitkä muistiinpano")
    aino.press("Save changes")
    why = aino.t("This is not a complete e-mail address. Write it like name@example.com, or leave it empty.")
    assert f":red[{why}]" in [m.value for m in aino.at.markdown]
    assert aino.widget("email").value == "vaino(at)example" and aino.widget("notes").value == "pitkä muistiinpano"
    assert rows.register.row("P-000001")["notes"] == ""
    aino.fill(email="vaino@example.com")
    aino.press("Save changes")
    assert rows.register.row("P-000001")["notes"] == "pitkä muistiinpano"


def test_name_and_organisation_cannot_both_be_emptied(aino: Visitor, rows: Store) -> None:
    aino.open("prospects", row="P-000002")
    aino.fill(name="")
    aino.press("Save changes")
    assert aino.sees("Write at least a name or an organisation.")
    assert rows.register.row("P-000002")["name"] == "Réka Nagy"


def test_the_received_date_moves_only_to_the_past(aino: Visitor, rows: Store) -> None:
    aino.open("prospects", row="P-000004")
    aino.fill(received=TODAY)
    aino.press("Save changes")
    assert aino.sees("The received date cannot be moved later: the retention period counts from it.")
    aino.fill(received=TODAY - dt.timedelta(days=50))
    aino.press("Save changes")
    assert rows.register.row("P-000004")["received"] == TODAY - dt.timedelta(days=50)


def test_s4_edits_of_different_fields_both_stay(aino: Visitor, visitor: Callable[..., Visitor], rows: Store) -> None:
    aino.open("prospects", row="P-000001")
    visitor("sami").workspace.edit("P-000001", {"title": "Johtaja"}, {"title": ""})
    aino.fill(notes="soitettu")
    aino.press("Save changes")
    row = rows.register.row("P-000001")
    assert (row["title"], row["notes"]) == ("Johtaja", "soitettu")


def stale(aino: Visitor, visitor: Callable[..., Visitor]) -> None:
    """Sami changes the notes and the title while Aino edits the notes and the address."""
    aino.open("prospects", row="P-000001")
    visitor("sami").workspace.edit("P-000001", {"notes": "Samin", "title": "Johtaja"}, {"notes": "", "title": ""})
    aino.fill(notes="Ainon", address="Kuja 1")
    aino.press("Save changes")


def test_s4_an_edit_on_a_stale_view_is_refused_and_shows_both(
    aino: Visitor, visitor: Callable[..., Visitor], rows: Store
) -> None:
    stale(aino, visitor)
    row = rows.register.row("P-000001")
    assert (row["notes"], row["address"]) == ("Samin", "")
    assert aino.sees("Somebody changed this row while you were editing it. Your changes were not saved.")
    assert aino.sees("Changed by {who}, {when}", who="Sami Seppälä", when="11.3.2026 klo 10.30")
    assert aino.sees("{field}: you saw “{seen}”, now it is “{now}”", field=aino.t("Notes"), seen="", now="Samin")
    assert aino.widget("notes").value == "Ainon" and aino.widget("address").value == "Kuja 1"


def test_s4_a_second_save_without_a_choice_is_refused_again(
    aino: Visitor, visitor: Callable[..., Visitor], rows: Store
) -> None:
    stale(aino, visitor)
    aino.press("Save changes")
    assert rows.register.row("P-000001")["notes"] == "Samin" and aino.widget("notes").value == "Ainon"


def test_s4_one_may_go_on_with_one_s_own_version(aino: Visitor, visitor: Callable[..., Visitor], rows: Store) -> None:
    stale(aino, visitor)
    aino.press("Keep editing mine")
    assert aino.widget("notes").value == "Ainon" and aino.widget("address").value == "Kuja 1"
    aino.press("Save changes")
    row = rows.register.row("P-000001")
    assert (row["notes"], row["address"], row["title"]) == ("Ainon", "Kuja 1", "Johtaja")


def test_s4_one_may_take_the_row_as_it_is_now(aino: Visitor, visitor: Callable[..., Visitor], rows: Store) -> None:
    stale(aino, visitor)
    aino.press("Show the row as it is now")
    assert aino.widget("notes").value == "Samin" and aino.widget("address").value == ""
    assert aino.widget("title").value == "Johtaja" and not aino.at.error
    aino.fill(notes="Samin, ja Ainon")
    aino.press("Save changes")
    assert rows.register.row("P-000001")["notes"] == "Samin, ja Ainon"


def test_no_marketing_is_in_force_at_once_and_only_a_manager_takes_it_back(
    visitor: Callable[..., Visitor], aino: Visitor, rows: Store
) -> None:
    sami = visitor("sami")
    sami.open("prospects", row="P-000001")
    sami.press("No marketing")
    assert rows.register.row("P-000001")["objected"] == TODAY
    assert sami.sees("{id}: no marketing from now on.", id="P-000001")
    assert f"{sami.t('No marketing')} 11.3.2026" in sami.shown() and not sami.sees("Take back: no marketing")
    aino.open("prospects", row="P-000001")
    aino.press("Take back: no marketing")
    assert rows.register.row("P-000001")["objected"] is None


def test_who_asked_to_be_removed_leaves_the_list_at_once(
    visitor: Callable[..., Visitor], aino: Visitor, rows: Store
) -> None:
    sami = visitor("sami")
    sami.open("prospects", row="P-000001")
    sami.press("Yes, to be removed")
    assert sami.sees("{id} left the lists and waits for a manager to remove it.", id="P-000001")
    assert found(sami) == set("234") and "Mäkelä" not in sami.shown()
    assert rows.register.row("P-000001")["removal_requested"] == TODAY
    sami.open("prospects", row="P-000001")
    assert not sami.sees("Take back: asked to be removed")
    aino.open("prospects", row="P-000001")
    aino.press("Take back: asked to be removed")
    aino.press("Back to the list")
    assert found(aino) == set("1234")


def test_sales_see_none_of_a_manager_s_decisions(visitor: Callable[..., Visitor], rows: Store) -> None:
    sami = visitor("sami")
    sami.open("prospects", row="P-000001")
    for text in ("Keep longer", "Remove", "Ground for keeping", "Take back: no marketing"):
        assert not any(b.label == sami.t(text) for b in sami.at.button)
    assert [h.value for h in sami.at.header] == []


def test_a_manager_keeps_a_row_longer_and_ends_that(aino: Visitor, rows: Store) -> None:
    aino.open("prospects", row="P-000003")
    aino.field("selectbox", "Ground for keeping").set_value("claim")
    aino.field("date_input", "Review date").set_value(TODAY + dt.timedelta(days=400))
    aino.press("Keep longer")
    row = rows.register.row("P-000003")
    assert (row["hold_reason"], row["hold_until"], row["expires"]) == ("claim", *[TODAY + dt.timedelta(days=400)] * 2)
    assert aino.sees("Kept longer until {date}: {ground}", date="15.4.2027", ground=aino.t("Claim for damages"))
    aino.press("End the keeping")
    assert rows.register.row("P-000003")["hold_reason"] == ""


def test_keeping_longer_needs_a_ground_and_a_day_to_come(aino: Visitor, rows: Store) -> None:
    aino.open("prospects", row="P-000003")
    aino.press("Keep longer")
    assert aino.sees("Keeping longer needs both a ground and a review date.")
    aino.field("selectbox", "Ground for keeping").set_value("claim")
    aino.field("date_input", "Review date").set_value(TODAY)
    aino.press("Keep longer")
    assert aino.sees("Choose a review date in the future.") and rows.register.row("P-000003")["hold_reason"] == ""


def test_the_removal_of_one_row_asks_for_a_reason_unless_its_period_has_ended(aino: Visitor, rows: Store) -> None:
    aino.open("prospects", row="P-000001")
    aino.press("Remove")
    assert aino.sees("Removal is final. It cannot be undone.") and aino.at.text_input(key="removal-reason")
    assert "P-000001: Väinö Mäkelä, Åströmin Öljy Oy" in aino.shown()
    old = add(rows, name="Vanha", received=YEARS_AGO)
    aino.open("prospects", row=old)
    aino.press("Remove")
    assert "removal-reason" not in [w.key for w in aino.at.text_input] and len(rows.frame) == 5


# -- the Excel list ----------------------------------------------------------------------------------------------------


def test_the_excel_list_says_how_many_rows_leave_and_offers_a_password(aino: Visitor, rows: Store) -> None:
    aino.open("prospects")
    assert aino.t.plural("{n} row leaves, encrypted.", "{n} rows leave, encrypted.", 4) in aino.shown()
    offered = aino.at.code[0].value
    assert len(offered) == 23 and offered == aino.run().code[0].value
    assert not aino.at.get("download_button")[0].disabled


def test_a_short_password_that_is_typed_is_refused_before_the_download(aino: Visitor, rows: Store) -> None:
    aino.open("prospects")
    aino.at.radio(key="download-way").set_value("typed")
    assert aino.run().get("download_button")[0].disabled and not aino.at.code
    aino.at.text_input(key="download-password").set_value("lyhyt")
    aino.run()
    assert aino.sees("The password is too short. Use at least {least} characters, for example four words.", least=12)
    assert aino.at.get("download_button")[0].disabled
    aino.at.text_input(key="download-password").set_value("riittävän pitkä")
    assert not aino.run().get("download_button")[0].disabled


def ways(visitor: Visitor) -> list[str]:
    return list(visitor.at.radio(key="download-way").options)


def built(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], bytes]]:
    """What the download buttons would build, newest last."""
    found: list[Callable[[], bytes]] = []
    button = st.download_button

    def keep(label: str, data: Callable[[], bytes], **others: Any) -> bool:
        found.append(data)
        return button(label, data, **others)

    monkeypatch.setattr(st, "download_button", keep)
    return found


def test_one_s_own_download_password_is_offered_first_where_there_is_one(
    aino: Visitor, rows: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = built(monkeypatch)
    aino.open("prospects")
    once, typed = aino.t("A one-time password"), aino.t("A password that I type now (at least 12 characters)")
    assert ways(aino) == [once, typed]
    aino.workspace.set_download_password("oma lataussalasana")
    aino.open("prospects")
    assert ways(aino) == [aino.t("My own download password"), once, typed]
    assert not aino.at.code and not aino.at.get("download_button")[0].disabled
    assert "oma lataussalasana" not in aino.shown() and "oma lataussalasana" not in str(aino.at.session_state)
    assert decrypt(files[-1](), "oma lataussalasana")
    aino.at.radio(key="download-way").set_value("once")
    aino.run()
    assert decrypt(files[-1](), aino.at.code[0].value)


def test_csv_is_offered_only_if_the_settings_allow_it_and_says_that_it_is_open(
    aino: Visitor, rows: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = built(monkeypatch)
    aino.open("prospects")
    assert not aino.sees("Kind of file") and not aino.sees("CSV, not encrypted")
    aino.workspace.save_settings(csv_download=True)
    aino.run()
    assert not aino.sees("CSV is not encrypted: whoever gets the file can read it.")
    aino.at.button_group(key="download-kind").set_value("csv")
    aino.run()
    assert aino.sees("CSV is not encrypted: whoever gets the file can read it.")
    assert "download-way" not in [radio.key for radio in aino.at.radio] and not aino.at.code
    assert aino.t.plural("{n} row leaves.", "{n} rows leave.", 4) in aino.shown()
    assert files[-1]().startswith(b"\xef\xbb\xbf") and "Mäkelä" in files[-1]().decode()
    aino.workspace.save_settings(csv_download=False)
    with pytest.raises(NotAllowed):
        files[-1]()
    aino.run()
    assert aino.sees("A one-time password")


def test_the_list_page_says_whose_mailing_columns_are_left_empty(aino: Visitor, rows: Store) -> None:
    said = "E-mail and address of those who want no marketing are left empty."
    aino.open("prospects")
    assert not aino.sees(said)
    aino.workspace.no_marketing("P-000001")
    aino.run()
    assert aino.sees(said)


@pytest.mark.parametrize(("allowed", "rows_left"), [("all", 4), ("own", 3), ("none", None)])
def test_sales_download_what_the_setting_allows(
    visitor: Callable[..., Visitor], aino: Visitor, rows: Store, allowed: str, rows_left: int | None
) -> None:
    aino.workspace.save_settings(download=allowed)
    sami = visitor("sami")
    sami.open("prospects")
    assert found(sami) == set("1234")
    assert sami.sees("Excel list") == (rows_left is not None)
    if rows_left is not None:
        assert sami.t.plural("{n} row leaves, encrypted.", "{n} rows leave, encrypted.", rows_left) in sami.shown()
