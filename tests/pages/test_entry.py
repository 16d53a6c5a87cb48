"""The entry page: what is typed is checked, kept or saved, and never saved twice unseen."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest

from lib import files
from lib.access import sessions
from lib.errors import NotWritten
from lib.store import Store
from tests.pages.conftest import TODAY, Visitor, add

TYPED = {
    "name": "Kaarina Kanarialintu",
    "organisation": "Häkki Oy",
    "phone": "0401234567",
    "email": "kaarina@example.com",
    "notes": "Soittaa\nhuomenna",
    "title": "Johtaja",
    "address": "Häkkikuja 1",
}


def saves_nothing_and_keeps_what_was_typed(visitor: Visitor, store: Store, **typed: object) -> None:
    visitor.open("entry")
    visitor.fill(**{**TYPED, **typed})
    visitor.press("Save")
    assert len(store.frame) == 0
    for code, value in {**TYPED, **typed}.items():
        assert visitor.widget(code).value == value


def test_an_empty_entry_is_refused_in_words_and_the_choices_stay(aino: Visitor, store: Store) -> None:
    aino.open("entry")
    aino.fill(source="meeting", notes="vain muistiinpano")
    aino.press("Save")
    assert len(store.frame) == 0
    assert aino.sees("Write at least a name or an organisation.")
    assert aino.widget("source").value == "meeting"
    assert aino.widget("notes").value == "vain muistiinpano"


def test_a_received_date_in_the_future_is_refused_at_its_field(aino: Visitor, store: Store) -> None:
    saves_nothing_and_keeps_what_was_typed(aino, store, received=TODAY + dt.timedelta(days=1))
    assert aino.t("The date is in the future. Choose today or an earlier day.") in [
        m.value.removeprefix(":red[").removesuffix("]") for m in aino.at.markdown
    ]


def test_a_malformed_address_is_said_at_its_field_and_all_that_was_typed_stays(aino: Visitor, store: Store) -> None:
    saves_nothing_and_keeps_what_was_typed(aino, store, email="kaarina(at)example", interests=["kissat"])
    why = aino.t("This is not a complete e-mail address. Write it like name@example.com, or leave it empty.")
    assert f":red[{why}]" in [m.value for m in aino.at.markdown]
    assert why in aino.at.error[0].value and aino.t("E-mail address") in aino.at.error[0].value


def test_an_error_goes_away_once_it_is_corrected(aino: Visitor, store: Store) -> None:
    saves_nothing_and_keeps_what_was_typed(aino, store, email="kaarina(at)example")
    aino.fill(email="kaarina@example.com")
    aino.press("Save")
    assert not aino.at.error and store.frame["email"].tolist() == ["kaarina@example.com"]


def test_a_text_over_the_limit_is_refused_with_both_lengths(aino: Visitor, store: Store) -> None:
    saves_nothing_and_keeps_what_was_typed(aino, store, title="ä" * 1001)
    assert "1001" in aino.at.error[0].value and "1000" in aino.at.error[0].value


def test_an_interest_over_the_limit_is_refused_at_its_field(aino: Visitor, store: Store) -> None:
    saves_nothing_and_keeps_what_was_typed(aino, store, interests=["ä" * 1001, "kissat"])
    assert "1001" in aino.at.error[0].value and aino.t("Interests") in aino.at.error[0].value


def test_a_name_that_turns_the_direction_turns_nothing_beside_it(aino: Visitor, store: Store) -> None:
    turned = "Kaarina \u202eanirajaK\u2066"
    aino.open("entry")
    aino.fill(name=turned, phone="040 123 4567")
    aino.press("Save")
    assert store.frame["name"].tolist() == [turned], "it is kept as it was typed"
    assert "\u202e" not in aino.at.success[0].value
    aino.fill(name=turned, phone="040 123 4567")
    aino.press("Save")
    assert [text.value for text in aino.at.text] == ["P-000001: Kaarina anirajaK, 040 1234567"]
    aino.press("Open {id}", id="P-000001")
    assert aino.title == "Kaarina anirajaK"


def test_very_many_interests_are_refused_and_come_back_as_a_text_to_shorten(aino: Visitor, store: Store) -> None:
    many = [f"asia {n}" for n in range(60)]
    aino.open("entry")
    aino.fill(name="Kaarina", interests=many)
    aino.press("Save")
    assert "60" in aino.at.error[0].value and "50" in aino.at.error[0].value and len(store.frame) == 0
    text = aino.at.text_area(key="entry-1-interests-text")
    assert text.value == "; ".join(many)
    text.set_value("; ".join(many[:3]))
    aino.press("Save")
    assert store.frame["interests"].tolist() == ["asia 0; asia 1; asia 2"]


def test_a_long_note_under_the_limit_is_kept_whole(aino: Visitor, store: Store) -> None:
    note = "😀" * 16_000
    aino.open("entry")
    aino.fill(name="Kaarina", notes=note)
    aino.press("Save")
    assert store.frame["notes"].tolist() == [note]


def test_a_public_source_needs_its_detail_and_shows_the_field_first(aino: Visitor, store: Store) -> None:
    aino.open("entry")
    aino.fill(source="public")
    aino.run()
    expander = aino.at.expander[0]
    assert aino.widget("source_detail").label not in [i.label for i in expander.text_input]
    aino.fill(name="Kaarina")
    aino.press("Save")
    assert len(store.frame) == 0
    assert aino.sees("With a public source, write which register, page or address it was.")
    aino.fill(source_detail="ytj.fi")
    aino.press("Save")
    assert store.frame["source_detail"].tolist() == ["ytj.fi"]


def test_a_phone_that_is_no_number_is_kept_with_a_warning(aino: Visitor, store: Store) -> None:
    aino.open("entry")
    aino.fill(name="Kaarina", phone="vaihde, kysy Kaarinaa")
    aino.press("Save")
    assert store.frame["phone"].tolist() == ["vaihde, kysy Kaarinaa"]
    assert aino.t("Phone") in aino.at.warning[0].value
    assert aino.t("This does not look like a phone number. It is kept as you typed it.") in aino.at.warning[0].value


def test_saving_confirms_with_the_number_and_begins_an_empty_form(aino: Visitor, store: Store) -> None:
    aino.open("entry")
    aino.fill(source="meeting", interests=["kissat", "koirat"], **TYPED)
    aino.press("Save")
    assert aino.at.success[0].value == aino.t("Saved: {id}, {who}.", id="P-000001", who="Kaarina Kanarialintu")
    assert not aino.at.error and not aino.at.warning
    assert all(aino.widget(code).value in ("", None) for code in TYPED)
    assert aino.widget("interests").value == []
    assert aino.widget("source").value == "meeting"
    assert aino.table()["id"].tolist() == ["P-000001"]
    row = store.register.row("P-000001")
    assert {code: row[code] for code in TYPED} == {**TYPED, "phone": "+358401234567"}
    assert (row["source"], row["owner"], row["received"]) == ("meeting", "aino", TODAY)


def test_the_confirmation_is_said_once(aino: Visitor, store: Store) -> None:
    aino.open("entry")
    aino.fill(name="Kaarina")
    aino.press("Save")
    assert not aino.run().success


def test_a_new_interest_is_offered_the_next_time(aino: Visitor, store: Store) -> None:
    aino.open("entry")
    aino.fill(name="Kaarina", interests=["kissat"])
    aino.press("Save")
    assert "kissat" in aino.widget("interests").options


def test_the_last_source_is_chosen_in_a_new_tab_too(aino: Visitor, store: Store) -> None:
    aino.open("entry")
    aino.fill(source="web_form", name="Kaarina")
    aino.press("Save")
    aino.open("entry")
    assert aino.widget("source").value == "web_form"


def test_the_last_entries_are_one_s_own_the_newest_first(aino: Visitor, store: Store) -> None:
    aino.open("entry")
    assert aino.sees("What you save appears here, so that you can open and correct it.")
    for n in range(7):
        add(store, by="aino" if n % 6 else "sami", name=f"Kaarina {n}", phone=f"040123456{n}")
    aino.open("entry")
    assert aino.table()["id"].tolist() == ["P-000006", "P-000005", "P-000004", "P-000003", "P-000002"]


@pytest.mark.parametrize(
    ("typed", "alike"),
    [
        ({"phone": "040 123 45 67"}, True),
        ({"email": "Kaarina@EXAMPLE.com"}, True),
        ({"organisation": "Hakki Oy"}, True),
        ({"organisation": "Toinen Oy"}, False),
    ],
)
def test_a_look_alike_is_shown_before_anything_is_saved(
    aino: Visitor, store: Store, typed: dict[str, str], alike: bool
) -> None:
    known = add(store, name="Kaarina Kanarialintu", organisation="Häkki Oy", phone="0401234567", email=TYPED["email"])
    aino.open("entry")
    aino.fill(name="Kaarina Kanarialintu", **typed)
    aino.press("Save")
    assert len(store.frame) == (1 if alike else 2)
    assert aino.sees("The register already has a prospect like this. Nothing has been saved yet.") == alike
    if alike:
        assert f"{known}: Kaarina Kanarialintu, Häkki Oy, 040 1234567, kaarina@example.com" in aino.shown()
        assert aino.sees("Added by {who}, {when}", who="Sami Seppälä", when="11.3.2026 klo 10.30")
        assert aino.widget("name").value == "Kaarina Kanarialintu"


def test_save_anyway_saves_what_is_in_the_form(aino: Visitor, store: Store) -> None:
    add(store, name="Kaarina Kanarialintu", phone="0401234567")
    aino.open("entry")
    aino.fill(name="Kaarina K", phone="0401234567", notes="sama numero")
    aino.press("Save")
    aino.press("Save anyway")
    assert aino.at.success[0].value == aino.t("Saved: {id}, {who}.", id="P-000002", who="Kaarina K")
    assert store.register.row("P-000002")["notes"] == "sama numero"
    assert not aino.at.warning and aino.widget("name").value == ""


def test_the_row_that_looks_alike_opens(aino: Visitor, store: Store) -> None:
    add(store, name="Kaarina Kanarialintu", phone="0401234567")
    aino.open("entry")
    aino.fill(name="Joku muu", phone="0401234567")
    aino.press("Save")
    aino.press("Open {id}", id="P-000001")
    assert aino.title == "Kaarina Kanarialintu"
    assert aino.at.query_params == {"row": "P-000001"}


def test_a_look_alike_that_is_corrected_saves_without_asking_again(aino: Visitor, store: Store) -> None:
    add(store, name="Kaarina Kanarialintu", phone="0401234567")
    aino.open("entry")
    aino.fill(name="Joku muu", phone="0401234567")
    aino.press("Save")
    aino.fill(phone="0407654321")
    aino.press("Save")
    assert len(store.frame) == 2 and not aino.sees("Save anyway")


def test_a_colleague_who_saved_the_same_person_a_moment_ago_is_named(
    visitor: Callable[..., Visitor], aino: Visitor, store: Store
) -> None:
    aino.open("entry")
    aino.fill(name="Kaarina Kanarialintu", phone="0401234567")
    visitor("sami").workspace.add({"source": "email", "name": "K. Kanarialintu", "phone": "+358 40 123 4567"})
    aino.press("Save")
    assert store.frame["name"].tolist() == ["K. Kanarialintu"]
    assert aino.sees("Added by {who}, {when}", who="Sami Seppälä", when="11.3.2026 klo 10.30")


def test_a_look_alike_that_was_removed_meanwhile_stands_in_nobody_s_way(aino: Visitor, store: Store) -> None:
    add(store, name="Kaarina Kanarialintu", phone="0401234567")
    aino.open("entry")
    aino.fill(name="Kaarina Kanarialintu", phone="0401234567")
    aino.press("Save")
    store.remove(["P-000001"], by="maija", reason="expired")
    aino.run()
    assert aino.widget("name").value == "Kaarina Kanarialintu"
    aino.press("Save")
    assert store.frame["id"].tolist() == ["P-000002"]


def test_a_row_that_is_saved_is_confirmed_even_if_the_source_cannot_be_remembered(
    aino: Visitor, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Said to be not saved, it would be typed and saved once more."""

    def full(*_: object) -> None:
        raise NotWritten(reason=files.reason(OSError(28, "")))

    aino.open("entry")
    aino.fill(source="web_form", name="Kaarina")
    monkeypatch.setattr(sessions, "write_json", full)
    aino.press("Save")
    assert len(store.frame) == 1 and aino.at.success and not aino.at.error


def test_text_that_means_something_to_markdown_or_excel_is_only_text(aino: Visitor, store: Store) -> None:
    name = "=1+1 **[Kaarina](http://x)** $a$ :red[b] {who}"
    aino.open("entry")
    aino.fill(name=name)
    aino.press("Save")
    assert store.frame["name"].tolist() == [name]
    said = aino.at.success[0].value
    assert "\\[Kaarina\\]\\(http" in said and "\\*\\*" in said and "\\$a\\$" in said and "\\:red" in said
