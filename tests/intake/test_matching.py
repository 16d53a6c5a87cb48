"""Headings found, columns matched, matchings changed by hand and remembered, records made."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from typing import Any

import pytest

from lib import sample, schema
from lib.intake import synonyms
from lib.intake.files import Book, Sheet, Value
from lib.intake.headings import Table, table_at, tables
from lib.intake.looks import look_at
from lib.intake.matching import KEEP, NOTES, SKIP, Matching, kept_names, key_of, propose, remember
from lib.intake.records import Record, records
from lib.output import excel_list
from lib.register import Register
from lib.store.encryption import decrypt

from .tables import TODAY, USERS
from .test_bad_files import here

DAY = dt.date(2021, 2, 1)


def sheet(*rows: list[Value], **more: Any) -> Sheet:
    width = max(map(len, rows))
    return Sheet("Taul1", [row + [None] * (width - len(row)) for row in rows], **more)


def table(*rows: list[Value], **more: Any) -> Table:
    return tables(Book("xlsx", [sheet(*rows, **more)]))[0]


def targets(found: Table) -> dict[str, str]:
    return {column.heading: column.target for column in propose(found).columns}


def made(found: Table, matching: Matching | None = None) -> list[Record]:
    return records(found, matching or propose(found), today=TODAY, region="FI", users=USERS)


# -- headings -------------------------------------------------------------------------------------------------------


def test_headings_stand_below_titles_and_empty_rows() -> None:
    found = table(
        ["Asiakaslista"], [], [None, "Luottamuksellinen"], ["Nimi", "Puh", "Pvm"], ["Aino", "0405550101", DAY]
    )
    assert (found.headings, found.numbers) == (["Nimi", "Puh", "Pvm"], [5])
    assert "Asiakaslista | Luottamuksellinen" in str(found.notes[0])


def test_headings_that_nobody_knows_are_told_by_what_stands_below() -> None:
    found = table(["Koodi", "Arvo", "Ryhmä"], ["A1", 5, "x"], ["A2", 6, "y"])
    assert found.headings == ["Koodi", "Arvo", "Ryhmä"]


def test_a_table_without_headings_loses_no_row() -> None:
    found = table(["Aino", "0405550101"], ["Bo", "0405550102"])
    assert found.headings == ["", ""] and len(found.rows) == 2


def test_a_first_row_of_data_is_not_taken_for_headings() -> None:
    found = table(["Puhelin Oy", "Aino Aalto", "aino@example.com"], ["Nimi Ab", "Bo Ek", "bo@example.com"])
    assert found.headings == ["", "", ""]


def test_another_row_is_chosen_by_hand() -> None:
    one = sheet(["Nimi", "Yritys"], ["Aino", "Työ Oy"], ["Bo", None])
    assert table_at(one, None).headings == ["", ""] and len(table_at(one, None).rows) == 3
    assert table_at(one, 1).headings == ["Aino", "Työ Oy"] and table_at(one, 1).rows == [["Bo", None]]


def test_a_person_called_total_stays_and_a_row_of_totals_goes() -> None:
    rows: list[list[Value]] = [["Nimi", "Yritys", "Kpl"], ["Aino", "Työ Oy", 1], ["Bo", "Yhteensä Oy", 2]]
    assert len(table(*rows).rows) == 2
    assert len(table(*rows, ["Yhteensä", None, 3]).rows) == 2
    assert len(table(*rows, [None, "Yhteensä:", 3]).rows) == 2
    assert len(table(*rows, [], ["Lähde: oma lista"]).rows) == 2


def test_the_sheet_with_the_list_comes_first_and_hidden_ones_last() -> None:
    help_text = Sheet("Ohje", [["Täytä lista."], ["Tallenna."]])
    people: list[list[Value]] = [["Nimi", "Puhelin"], ["Aino", "0405550101"]]
    book = Book("xlsx", [Sheet("Vanhat", people, visible=False), help_text, Sheet("Uudet", people), Sheet("Tyhjä", [])])
    assert [t.sheet for t in tables(book)] == ["Uudet", "Ohje", "Vanhat"]


# -- matching -------------------------------------------------------------------------------------------------------


def test_every_heading_of_the_schema_is_known_in_every_language() -> None:
    for code in schema.CODES:
        for language in ("fi", "en", "sv"):
            assert synonyms.own_code(schema.heading(code, language)) == code


def test_no_word_is_listed_twice_with_two_meanings() -> None:
    listed = [(word, code) for code, text in synonyms._HEADINGS.items() for word in synonyms._listed(text)]
    listed += [(word, "/".join(part)) for part, text in synonyms._PARTS.items() for word in synonyms._listed(text)]
    meanings: dict[str, set[str]] = {}
    for word, code in listed:
        meanings.setdefault(word, set()).add(code)
    assert {word: codes for word, codes in meanings.items() if len(codes) > 1} == {}
    for of in ("source", "status"):
        known = {}
        for (code, choice), text in synonyms._CHOICES.items():
            for word in synonyms._listed(text) if code == of else ():
                assert known.setdefault(word, choice) == choice, word


@pytest.mark.parametrize(
    ("heading", "code"),
    [
        ("Puhelin (työ)", "phone"), ("PUHELINNUMERO:", "phone"), ("  yrityksen   nimi ", "organisation"),
        ("Sähkö-posti", None), ("Nimi *", "name"), ("Yhteyshenkilö / Nimi", "name"), ("Ei mitään", None), ("", None),
        ("Lead Source", "source"), ("x" * 5_000, None), ("(" * 150, None),
    ],
)  # fmt: skip
def test_headings_are_known_in_many_spellings(heading: str, code: str | None) -> None:
    assert synonyms.code_of(heading) == code


def test_the_content_may_speak_against_the_heading() -> None:
    found = table(
        ["Numero", "Tunnus", "Nimi", "Kontakti", "Lähde", "Päivä", "Tila"],
        ["12", "A-17", "Työ Oy", "a@example.com", "naapuri", "ma", "lämmin"],
        ["13", "A-18", "Muu Ab", "b@example.com", "tuttu", "ti", "kylmä"],
    )
    assert targets(found) == {
        "Numero": KEEP, "Tunnus": KEEP, "Nimi": "organisation", "Kontakti": "email", "Lähde": "source_detail",
        "Päivä": KEEP, "Tila": KEEP,
    }  # fmt: skip


def test_the_plainest_of_several_dates_is_the_received_one() -> None:
    found = table(["Luotu", "Päivä", "Vastaanotettu", "Nimi"], [DAY, DAY, DAY, "Aino"])
    assert targets(found) == {"Luotu": KEEP, "Päivä": KEEP, "Vastaanotettu": "received", "Nimi": "name"}


def test_what_is_missing_is_said() -> None:
    found = propose(table(["Firma", "Date"], ["Työ Oy", "01/02/2021"]))
    assert [str(text)[:30] for text in found.missing()] == [
        "Say how the dates of the colum",
        "Say where the data came from: ",
    ]
    found = found.with_order(1, "mdy").stating(source="public")
    assert ["With a public source" in str(text) for text in found.missing()] == [True]
    own = table(["Firma", "Lähteen tarkenne"], ["Työ Oy", "YTJ"])
    assert propose(own).with_target(1, "source_detail").stating(source="public", received=DAY).missing() == []
    found = found.stating(source_detail="YTJ")
    assert found.missing() == [] and found.source == "public"
    found = found.with_target(0, KEEP).with_target(1, KEEP)
    assert [str(text)[:14] for text in found.missing()] == ["No column is m", "Say when the d"]


def test_two_columns_for_one_field_are_told_but_not_parts_of_one() -> None:
    found = table(["Nimi", "Kuka", "Puhelin", "Toinen"], ["Aino", "Bo", "0405550101", "0405550102"])
    matching = propose(found).stating(source="phone", received=DAY)
    assert matching.missing() == []
    doubled = matching.with_target(3, "phone").with_target(1, "name")
    assert ["name" in str(t).lower() or "phone" in str(t).lower() for t in doubled.missing()] == [True, True]
    assert "Puhelin, Toinen" in str(doubled.missing()[1])
    parts = propose(table(["Etunimi", "Sukunimi", "Osoite", "Postinumero", "Paikkakunta"], ["A", "B", "K 1", "1", "C"]))
    assert [column.target for column in parts.columns] == ["name", "name", "address", "address", "address"]
    assert len(parts.missing()) == 2


def test_only_targets_and_orders_that_there_are_can_be_chosen() -> None:
    matching = propose(table(["Nimi", "Pvm"], ["Aino", DAY]))
    with pytest.raises(ValueError):
        matching.with_target(0, "nothing")
    with pytest.raises(ValueError):
        matching.with_order(1, "dym")


def test_a_matching_is_remembered_for_the_same_headings() -> None:
    first = table(["Firma", "Koodi", "Date", "Muu"], ["Työ Oy", "A", "01/02/2021", "x"])
    matching = propose(first).with_target(1, "source_detail").with_target(3, SKIP).with_order(2, "mdy")
    matching = matching.stating(source="meeting", received=DAY)
    key, kept = remember(first, matching)
    kept = json.loads(json.dumps(kept))
    second = table(["FIRMA", "koodi", "Date", "Muu "], ["Muu Oy", "B", "03/04/2022", "y"])
    assert key_of(second) == key != key_of(table(["Firma", "Date"], ["Työ Oy", DAY]))
    again = propose(second, kept)
    assert [c.target for c in again.columns] == ["organisation", "source_detail", "received", SKIP]
    assert {c.why for c in again.columns} == {"remembered"} and again.columns[2].order == "mdy"
    assert again.source == "meeting" and again.received is None  # the date is of one file
    third = table(["Firma", "Koodi", "Date", "Muu"], ["Muu Oy", "B", "31/12/2022", "y"])
    assert propose(third, kept).columns[2].order == "dmy"  # the remembered order cannot be


@pytest.mark.parametrize(
    "kept", [{}, {"targets": ["name"]}, {"targets": ["no", "such"]}, {"targets": 5}, {"x": 1}, 5, {"targets": [[], {}]}]
)
def test_what_is_remembered_wrongly_is_not_used(kept: Any) -> None:
    assert [c.target for c in propose(table(["Nimi", "Pvm"], ["Aino", DAY]), kept).columns] == ["name", "received"]


def test_without_headings_nothing_is_remembered() -> None:
    found = table(["Aino", "0405550101"], ["Bo", "0405550102"])
    assert remember(found, propose(found))[0] == ""


def test_samples_are_three_different_values_as_they_stand() -> None:
    rows: list[list[Value]] = [["Nimi", "Pvm"], ["a", DAY], ["a", DAY], ["b", None], ["c" * 200, 1.5], ["d", 2]]
    found = propose(table(*rows))
    assert found.columns[0].samples == ["a", "b", "c" * 59 + "…"]
    assert found.columns[1].samples == ["1.2.2021", "1.5", "2"]


def test_kept_columns_have_names_of_their_own() -> None:
    found = table(["Koodi", "koodi", "Puhelin", "", "Nimi"], ["a", "b", "c", "d", "Aino"])
    matching = propose(found)
    for position in range(4):
        matching = matching.with_target(position, KEEP)
    assert kept_names(matching) == {0: "Koodi", 1: "koodi (2)", 2: "Puhelin (2)", 3: "D"}


# -- records --------------------------------------------------------------------------------------------------------


def test_what_cannot_be_taken_says_why_and_where() -> None:
    found = table(
        ["Nimi", "Lähde", "Pvm", "Sähköposti", "Tila", "Puhelin"],
        ["Aino", "Puhelu", DAY, "aino@example.com", "Uusi", "0405550101"],
        ["Aino", "Puhelu", DAY, "aino@example.com", "Uusi", "0405550101"],
        ["Bo", "naapuri", dt.date(2027, 1, 1), "bo(at)example.com", "lämmin", "3.58E+11"],
        ["Cia", "Puhelu", "31.2.2021", "", "", ""],
    )
    good, _, bad, ugly = made(found)
    assert good.wrong == {} and set(bad.wrong) == {"source", "received", "email", "status", "phone"}
    assert "These are: Phone call, E-mail, Web form, Meeting, Public source." in str(bad.wrong["source"])
    assert "future" in str(bad.wrong["received"]) and "31.2.2021" in str(ugly.wrong["received"])
    assert {code: bad.cells[code] for code in ("source", "received", "phone")} == {
        "source": "B4", "received": "C4", "phone": "F4",
    }  # fmt: skip
    assert dict(bad.cells) == dict(bad.cells.items()) and len(bad.cells) == 6


def test_an_error_in_a_part_of_a_name_is_told() -> None:
    found = table(
        ["Etunimi", "Sukunimi", "Vastaanotettu"], ["Aino", "Aho", TODAY], ["#REF!", "Ek", DAY], unread={(2, 0): "#REF!"}
    )
    good, bad = made(found)
    assert good.values == {"name": "Aino Aho", "received": TODAY} and not good.wrong  # today is no future
    assert set(bad.wrong) == {"name"} and bad.values["name"] == ""


def test_what_is_stated_fills_what_is_empty_and_nothing_else() -> None:
    found = table(
        ["Nimi", "Lähde", "Pvm"], ["Aino", None, None], ["Bo", "Sähköposti", DAY], ["Cia", "Sähköposti", "31.2.2021"]
    )
    matching = propose(found).stating(source="public", source_detail="YTJ", received=dt.date(2020, 1, 1))
    first, second, third = made(found, matching)
    assert first.values == {
        "received": dt.date(2020, 1, 1), "source": "public", "source_detail": "YTJ", "name": "Aino",
    }  # fmt: skip
    assert second.values == {"received": DAY, "source": "email", "source_detail": "", "name": "Bo"}
    assert third.values["received"] is None and set(third.wrong) == {"received"}


def test_a_source_that_nobody_knows_is_not_replaced_by_the_stated_one() -> None:
    found = table(["Nimi", "Lähde"], ["Aino", "Puhelu"], ["Bo", "Puhelu"], ["Cia", "naapuri"])
    record = made(found, propose(found).stating(source="meeting"))[2]
    assert record.values["source"] == "" and set(record.wrong) == {"source"}


def test_a_row_s_own_detail_of_its_source_stays() -> None:
    found = table(["Nimi", "Lähde", "Lähteen tarkenne"], ["Aino", "Messut", None], ["Bo", "Messut", "Osasto 5"])
    assert [record.values["source_detail"] for record in made(found)] == ["Messut", "Osasto 5"]
    found = table(["Nimi", "Lähteen tarkenne"], ["Aino", None], ["Bo", "Osasto 5"])
    stated = propose(found).with_target(1, "source_detail").stating(source="public", source_detail="YTJ")
    assert [record.values["source_detail"] for record in made(found, stated)] == ["YTJ", "Osasto 5"]


def test_a_notice_without_a_date_is_kept_in_the_notes() -> None:
    found = table(["Nimi", "Informoitu"], ["Aino", "kyllä"], ["Bo", DAY], ["Cia", "ei"])
    records_ = made(found, propose(found).with_target(1, "informed"))
    assert [record.values["informed"] for record in records_] == [None, DAY, None]
    assert [record.values["notes"] for record in records_] == ["Informoitu: kyllä", "", ""]
    assert [set(record.warnings) for record in records_] == [{"informed"}, set(), set()]


def test_notes_that_become_too_long_are_told() -> None:
    found = table(["Nimi", "Lisä"], ["Aino", "x" * 40_000], ["Bo", "y"])
    long, short = made(found, propose(found).with_target(1, NOTES))
    assert set(long.wrong) == {"notes"} and not short.wrong


def test_a_day_that_stands_as_a_number_is_read_and_told_and_one_of_long_ago_is_none() -> None:
    found = table(["Nimi", "Vastaanotettu"], ["Aino", "44228"], ["Bo", DAY], ["Cia", dt.date(1850, 1, 1)])
    serial, day, old = made(found)
    assert serial.values["received"] == day.values["received"] == DAY
    assert set(serial.warnings) == {"received"} and not day.warnings
    assert old.values["received"] is None and set(old.wrong) == {"received"}
    assert made(replace(found, date1904=True))[0].values["received"] == DAY + dt.timedelta(days=1462)


def test_a_one_and_a_tick_are_not_the_same_cell() -> None:
    found = table(["Nimi", "Titteli"], ["Aino", 1], ["Bo", True])
    assert [record.values["title"] for record in made(found)] == ["1", "True"]
    found = table(["Etunimi", "Sukunimi"], [1, "Aho"], [True, "Aho"])
    assert [record.values["name"] for record in made(found)] == ["1 Aho", "True Aho"]


def test_only_matched_codes_have_values() -> None:
    found = table(["Nimi", "Koodi"], ["Aino", 5])
    assert made(found)[0].values == {"name": "Aino"} and made(found)[0].others == {"Koodi": 5}
    assert made(found, propose(found).with_target(1, SKIP))[0].others == {}


def test_several_phones_and_addresses_in_a_cell_lose_none() -> None:
    found = table(
        ["Nimi", "Puhelin", "Sähköposti", "Huom"],
        ["Aino", "040 555 0101 / 09 555 0102", "a@example.com; b@example.com", "vanha"],
        ["Bo", "040 555 0103, 040 555 0104", "Bo Ek <bo@Example.com>", None],
        ["Cia", "vaihde", "mailto:cia@example.com", None],
    )
    one, two, three = made(found)
    assert (one.values["phone"], one.values["email"]) == ("+358405550101", "a@example.com")
    assert one.values["notes"].split("\n") == [
        "vanha", "Puhelin: 040 555 0101 / 09 555 0102", "Sähköposti: a@example.com; b@example.com",
    ]  # fmt: skip
    assert (two.values["phone"], two.values["email"]) == ("+358405550103", "bo@example.com")
    assert (three.values["phone"], three.values["email"]) == ("vaihde", "cia@example.com")
    assert [set(record.warnings) for record in (one, two, three)] == [{"phone", "email"}, {"phone", "email"}, {"phone"}]


def test_a_ban_without_a_date_is_in_force_today_and_said() -> None:
    found = table(
        ["Nimi", "Markkinointikielto"], ["Aino", "kyllä"], ["Bo", "ei"], ["Cia", DAY], ["Daa", None], ["Eva", True]
    )
    assert [record.values["objected"] for record in made(found)] == [TODAY, None, DAY, None, TODAY]
    assert [bool(record.warnings) for record in made(found)] == [True, False, False, False, True]


def test_who_is_in_charge_is_known_by_either_name() -> None:
    found = table(["Nimi", "Myyjä"], ["A", "aino"], ["B", "matti meikäläinen"], ["C", "Pekka Poissa"], ["D", None])
    matched = made(found)
    assert [record.values["owner"] for record in matched] == ["aino", "matti.m", "", ""]
    assert matched[2].values["notes"] == "Myyjä: Pekka Poissa" and set(matched[2].warnings) == {"owner"}


def test_who_added_a_row_stays_as_it_stands_also_without_an_account() -> None:
    by = schema.heading("created_by", "fi")
    [record] = made(table(["Tunnus", "Nimi", by], ["P-000001", "Aino", "poissa"]))
    assert record.values["created_by"] == "poissa" and not record.warnings and "notes" not in record.values


def test_notes_and_ticks_of_columns() -> None:
    found = table(
        ["Nimi", "Lisä", "Aurinko", "Tuuli"], ["Aino", 5, "x", None], ["Bo", None, "x", "X"], ["Cia", DAY, None, "x"]
    )
    matching = propose(found).with_target(1, NOTES)
    assert [r.values["interests"] for r in made(found, matching)] == ["Aurinko", "Aurinko; Tuuli", "Tuuli"]
    assert [r.values["notes"] for r in made(found, matching)] == ["Lisä: 5", "", "Lisä: 1.2.2021"]


def test_one_yes_or_no_is_no_interest() -> None:
    found = table(["Nimi", "Uutiskirje", "Joulukortti"], ["Aino", "kyllä", "x"], ["Bo", "ei", "x"])
    assert targets(found) == {"Nimi": "name", "Uutiskirje": KEEP, "Joulukortti": KEEP}


@pytest.mark.parametrize("language", ["fi", "en"])
def test_the_own_list_comes_back_whole(language: str) -> None:
    """Every column of the register, through Excel's form and back, whatever the language."""
    register = Register.of(schema.to_frame(sample.rows(60, 3, TODAY)), None, 60)
    codes = [code for code in schema.CODES if code != "expires"]
    content = decrypt(
        excel_list.build(register.frame, codes, password="listan salasana", language=language), "listan salasana"
    )
    found = tables(here(content))[0]
    matching = propose(found)
    assert [column.target for column in matching.columns] == codes and matching.missing() == []
    users = {name: name.title() for name in register.frame["owner"]}
    came = records(found, matching, today=TODAY, region="FI", users=users)
    for record, prospect in zip(came, register.frame["id"], strict=True):
        assert record.wrong == {} and record.others == {}
        row = register.row(prospect)
        assert record.values == {code: row[code] for code in codes}


def test_of_a_whole_name_and_its_parts_none_is_lost() -> None:
    same = table(["Name", "First name", "Last name"], ["Aino Aho", "Aino", "Aho"], ["Bo Ek", "Bo", "Ek"])
    assert targets(same) == {"Name": SKIP, "First name": "name", "Last name": "name"}
    other = table(["Name", "First name", "Last name"], ["Aino Aho", "Aino", "Aho"], ["Bo Ek", None, None])
    assert targets(other) == {"Name": "name", "First name": KEEP, "Last name": KEEP}
    company = table(["Name", "First name", "Last name"], ["Aho Oy", "Aino", "Aho"], ["Ek Ab", "Bo", "Ek"])
    assert targets(company) == {"Name": "organisation", "First name": "name", "Last name": "name"}


def test_of_a_long_cell_only_the_beginning_is_looked_at() -> None:
    """Patterns over a cell of 40,000 characters would take a minute."""
    assert look_at(["x" * 199 + "@example.com"], False).emails == 0 < look_at(["x@example.com"], False).emails
