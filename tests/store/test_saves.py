"""Somebody saves in Excel, types on and saves again: each save goes on from the one before, not from the generation."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lib.store import Store

from .outside_tools import appended, asked, cells, everything, kinds, names, save, without
from .test_held import hold
from .tools import BY, PASSWORD, edit, person

RECEIVED = dt.date(2026, 3, 2)
MARKER = "Salainen-Merkki-7f3a"


def release(store: Store) -> None:
    """No owner file tells who has the workbook open."""
    for path in store.data_dir.glob(".~lock*"):
        path.unlink()


@pytest.fixture(params=["known", "unknown"])
def anybody(request: pytest.FixtureRequest, filled: Store) -> Store:
    """Whether an owner file tells who has the workbook open, or not."""
    if request.param == "unknown":
        release(filled)
    return filled


@pytest.fixture
def filled(store: Store) -> Store:
    """Three rows, all in the workbook, which somebody has open."""
    for name in ("Aino", "Bertta", "Cecilia"):
        store.add(person(name, title="Johtaja"), by=BY)
    store.checkpoint()
    hold(store)
    return store


def last_row(store: Store) -> dict[str, object]:
    return store.register.row(str(store.frame["id"].iat[-1]))


def test_s5_a_cell_typed_over_again_after_a_save_is_no_conflict(anybody: Store) -> None:
    first = str(anybody.frame["id"].iat[0])
    for title in ("A", "B", "C"):
        save(anybody.path, cells(2, title=title))
        anybody.refresh()
        assert anybody.register.row(first)["title"] == title
    assert not anybody.state.questions


def test_s5_a_saved_cell_that_is_put_back_is_put_back(filled: Store) -> None:
    first = str(filled.frame["id"].iat[0])
    before = filled.register.row(first)["title"]
    save(filled.path, cells(2, title="Toinen"))
    filled.refresh()
    save(filled.path, cells(2, title=before))
    filled.refresh()
    assert filled.register.row(first)["title"] == before and not filled.state.questions


def test_s5_a_colleague_s_change_between_two_saves_is_not_overwritten(anybody: Store) -> None:
    first = str(anybody.frame["id"].iat[0])
    save(anybody.path, cells(2, title="Excelistä"))
    anybody.refresh()
    anybody.update(first, {"title": "Sovelluksesta"}, by="mikko")
    save(anybody.path, cells(2, title="Excelistä taas"))
    anybody.refresh()
    assert anybody.register.row(first)["title"] == "Sovelluksesta"
    assert asked(anybody, "conflict").theirs == "Excelistä taas"


def test_s5_typing_on_in_a_row_that_came_in_with_a_save_does_not_add_it_again(anybody: Store) -> None:
    count = len(anybody.register)
    row = count + 2
    save(anybody.path, appended(name="Uusi Ihminen", source="phone", received=RECEIVED))
    anybody.refresh()
    new = str(last_row(anybody)["id"])
    save(anybody.path, cells(row, phone="040 1234567", organisation="Yritys Oy"), cells(2, notes="muu"))
    anybody.refresh()
    save(anybody.path, cells(row, name="Uusi Nimi", phone="040 7654321"))
    anybody.refresh()
    assert len(anybody.register) == count + 1 and not anybody.state.questions
    found = anybody.register.row(new)
    assert (found["name"], found["phone"], found["organisation"]) == ("Uusi Nimi", "+358407654321", "Yritys Oy")


def test_s5_a_row_that_came_in_is_known_wherever_the_sheet_is_sorted_to(anybody: Store) -> None:
    count = len(anybody.register)
    save(anybody.path, appended(name="Aatu Alku", email="aatu@example.com", source="phone", received=RECEIVED))
    anybody.refresh()

    def moved(book: object) -> None:
        sheet = book["Prospektit"]  # type: ignore[index]
        values = [cell.value for cell in sheet[sheet.max_row]]
        sheet.delete_rows(sheet.max_row)
        sheet.insert_rows(2)
        for column, value in enumerate(values, 1):
            sheet.cell(2, column).value = value

    save(anybody.path, moved, cells(2, title="Päällikkö"))
    anybody.refresh()
    assert len(anybody.register) == count + 1 and not anybody.state.questions
    assert last_row(anybody)["title"] == "Päällikkö"


def test_s5_two_rows_typed_one_after_the_other_are_two(anybody: Store) -> None:
    count = len(anybody.register)
    for name in ("Eka", "Toka", "Kolmas"):
        save(anybody.path, appended(name=name, organisation="Sama Oy", source="phone", received=RECEIVED))
        anybody.refresh()
    assert names(anybody)[count:] == ["Eka", "Toka", "Kolmas"] and not anybody.state.questions


def test_s5_a_row_that_came_in_and_was_deleted_again_is_asked_about(filled: Store) -> None:
    count = len(filled.register)
    save(filled.path, appended(name="Turha", source="phone", received=RECEIVED))
    filled.refresh()
    save(filled.path, without(count + 2))
    filled.refresh()
    assert asked(filled, "missing").id == last_row(filled)["id"] and len(filled.register) == count + 1


def test_s5_a_question_goes_once_the_row_is_completed_in_excel(anybody: Store) -> None:
    count = len(anybody.register)
    save(anybody.path, appended(name="Kesken"))
    anybody.refresh()
    assert kinds(anybody) == ["new"]
    save(anybody.path, cells(count + 2, source="phone", received=RECEIVED))
    anybody.refresh()
    assert not anybody.state.questions and names(anybody)[count:] == ["Kesken"]


def test_s5_a_question_goes_once_what_it_asks_about_is_put_back_or_mended(filled: Store) -> None:
    original = filled.register.row(str(filled.frame["id"].iat[1]))
    save(filled.path, cells(2, next_contact="ensi viikolla"), cells(3, objected=RECEIVED))
    filled.refresh()
    assert kinds(filled) == ["cell", "protected"]
    save(filled.path, cells(2, next_contact=RECEIVED), cells(3, objected=original["objected"]))
    filled.refresh()
    assert not filled.state.questions
    assert filled.register.row(str(filled.frame["id"].iat[0]))["next_contact"] == RECEIVED


def test_s5_what_was_answered_is_not_asked_again_at_the_next_save(anybody: Store) -> None:
    count = len(anybody.register)
    save(anybody.path, without(4), cells(3, objected=RECEIVED))
    anybody.refresh()
    for key in list(anybody.state.questions):
        anybody.answer(key, "ours", by="päällikkö")
    save(anybody.path, cells(2, notes="muuta"))
    anybody.refresh()
    assert not anybody.state.questions and len(anybody.register) == count


def test_s5_a_waiting_row_that_was_taken_is_known_at_the_next_save(filled: Store) -> None:
    count = len(filled.register)
    save(filled.path, appended(name="Odottaja", source="phone"))
    filled.refresh()
    filled.answer(asked(filled, "new").key, "theirs", by="päällikkö", values={"received": RECEIVED})
    save(filled.path, cells(count + 2, title="Johtaja"))
    filled.refresh()
    assert len(filled.register) == count + 1 and not filled.state.questions
    assert last_row(filled)["title"] == "Johtaja" and last_row(filled)["received"] == RECEIVED


def test_s5_two_people_with_the_same_generation_open_lose_nothing_of_each_other(filled: Store) -> None:
    release(filled)
    before = filled.path.read_bytes()
    one = save(filled.path, cells(2, title="Ensimmäinen"), appended(name="Yhden", source="phone", received=RECEIVED))
    filled.refresh()
    filled.path.write_bytes(before)
    save(filled.path, cells(3, title="Toinen"))
    filled.refresh()
    filled.path.write_bytes(one)
    save(filled.path, cells(2, title="Ensimmäinen taas"))
    filled.refresh()
    assert list(filled.frame["title"][:2]) == ["Ensimmäinen taas", "Toinen"]
    assert names(filled).count("Yhden") == 1 and "conflict" not in kinds(filled)


@pytest.mark.parametrize("how", ["another process", "after a checkpoint of its own"])
def test_s5_the_saves_of_a_session_are_known_to_whoever_reads_the_next(filled: Store, how: str) -> None:
    count = len(filled.register)
    save(filled.path, cells(2, title="A"), appended(name="Uusi", source="phone", received=RECEIVED))
    filled.refresh()
    session = filled.path.read_bytes()
    if how != "another process":
        filled.checkpoint(override=True)
    filled.close()
    other = Store.open(filled.data_dir, PASSWORD)
    other.path.write_bytes(session)
    save(other.path, cells(2, title="B"), cells(count + 2, phone="0401234567"))
    other.refresh()
    assert other.register.row(str(other.frame["id"].iat[0]))["title"] == "B"
    assert len(other.register) == count + 1 and not {"conflict", "new"} & set(kinds(other))


def test_s7_a_removed_row_leaves_what_is_kept_of_saves(filled: Store) -> None:
    first = str(filled.frame["id"].iat[0])
    save(
        filled.path,
        cells(2, notes=MARKER),
        appended(name=MARKER, source="phone", received=RECEIVED),
        appended(name="Joku", title="Muu", source="phone", received=RECEIVED),
    )
    filled.refresh()
    new = str(filled.frame["id"].iat[-2])
    assert sum(MARKER in text for text in everything(filled).values())
    filled.remove([first, new], by="päällikkö", reason="request")
    filled.erase(override=True)
    assert not [name for name, text in everything(filled).items() if MARKER in text]


def test_s7_a_removed_row_without_a_number_does_not_come_back_unasked_with_the_next_save(filled: Store) -> None:
    count = len(filled.register)
    save(filled.path, appended(name="Poistuva", source="phone", received=RECEIVED))
    filled.refresh()
    session = filled.path.read_bytes()
    filled.remove([str(last_row(filled)["id"])], by="päällikkö", reason="request")
    filled.erase(override=True)
    filled.path.write_bytes(session)
    edit(filled.path, lambda book: cells(2, notes="muu")(book), PASSWORD)
    filled.refresh()
    assert len(filled.register) == count and asked(filled, "new").row["name"] == "Poistuva"


def test_s5_a_row_that_a_restore_took_out_does_not_come_back_unasked_with_the_next_save(filled: Store) -> None:
    count = len(filled.register)
    backup = filled.backup(by=BY)
    save(filled.path, appended(name="Poistuva", source="phone", received=RECEIVED))
    filled.refresh()
    filled.restore(backup, by=BY, exact=True)
    save(filled.path, cells(2, notes="muu"))
    filled.refresh()
    assert len(filled.register) == count and asked(filled, "new").row["name"] == "Poistuva"


# -- any session of saves arrives as it was typed --------------------------------------------------------------

ROWS = 4
step = st.one_of(
    st.tuples(st.just("cell"), st.integers(2, ROWS + 1), st.sampled_from(["title", "notes"]), st.sampled_from("ABC")),
    st.tuples(st.just("cell"), st.integers(2, ROWS + 1), st.just("title"), st.just(None)),
    st.tuples(st.just("new"), st.integers(0, 5), st.just("title"), st.sampled_from("ABC")),
    st.tuples(st.just("restart"), st.just(0), st.just(""), st.just("")),
)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(saves=st.lists(st.lists(step, min_size=1, max_size=3), min_size=2, max_size=4))
def test_s5_after_any_saves_of_one_session_the_register_says_what_the_sheet_says(
    tmp_path_factory: pytest.TempPathFactory, saves: list[list[tuple[str, int, str, str | None]]]
) -> None:
    store = Store.create(tmp_path_factory.mktemp("session"), PASSWORD)
    for n in range(ROWS):
        store.add({"name": f"Ihminen {n}", "source": "phone", "received": RECEIVED}, by="m")
    store.checkpoint()
    hold(store)
    sheet = {n + 2: {"name": f"Ihminen {n}", "title": "", "notes": ""} for n in range(ROWS)}
    for steps in saves:
        for kind, which, code, value in steps:
            if kind == "restart":
                path, session = store.path, store.path.read_bytes()
                store.close()
                store = Store.open(path.parent, PASSWORD)
                assert path.read_bytes() == session  # nothing is written while somebody may have it open
                continue
            row = which
            if kind == "new":
                row = ROWS + 2 + min(which, len(sheet) - ROWS)
                if row not in sheet:
                    sheet[row] = {"name": f"Uusi {row}", "title": "", "notes": ""}
                    save(store.path, cells(row, name=f"Uusi {row}", source="phone", received=RECEIVED))
            sheet[row][code] = value or ""
            save(store.path, cells(row, **{code: value}))
        store.refresh()
        assert not store.state.questions
        found = store.frame[["name", "title", "notes"]].to_dict("records")
        assert found == [sheet[row] for row in sorted(sheet)]
    store.close()
