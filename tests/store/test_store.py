"""What a `Store` does for who uses it: entries and edits, numbers and dates, what it tells of itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lib import settings
from lib.errors import (
    AlreadyExists,
    AppError,
    Damaged,
    Invalid,
    NoSuchProspect,
    Stale,
    StoreError,
    WorkbookMissing,
    WrongPassword,
)
from lib.register import Register
from lib.store import Store, workbook

from .outside_tools import age, names
from .tools import BY, PASSWORD, book, columns, contents, person


@pytest.fixture
def two(store: Store) -> Iterator[tuple[Store, Store]]:
    """Two stores on one register with one row."""
    store.add(person("Aino", title="Johtaja"), by=BY)
    with Store.open(store.data_dir, PASSWORD) as other:
        yield store, other


def ids(store: Store) -> list[str]:
    """What the disk holds."""
    return list(Store.open(store.data_dir, PASSWORD).frame["id"])


# -- S4: stale edits ---------------------------------------------------------------------------------------------


def test_s4_an_edit_on_a_stale_view_is_refused_and_shows_both_versions(two: tuple[Store, Store]) -> None:
    one, other = two
    other.update("P-000001", {"status": "offer", "title": "Päällikkö"}, by="bertta", seen={"status": "new"})
    before = contents(one.data_dir)
    with pytest.raises(Stale) as caught:
        one.update("P-000001", {"status": "closed", "title": "X"}, by=BY, seen={"status": "new", "title": "Johtaja"})
    assert caught.value.conflicts == {"status": ("new", "offer"), "title": ("Johtaja", "Päällikkö")}
    assert caught.value.changed_by == "bertta"
    assert contents(one.data_dir) == before


def test_s4_edits_of_different_fields_merge(two: tuple[Store, Store]) -> None:
    one, other = two
    other.update("P-000001", {"status": "offer"}, by="bertta", seen={"status": "new"})
    one.update("P-000001", {"title": "Päällikkö"}, by=BY, seen={"title": "Johtaja"})
    with Store.open(one.data_dir, PASSWORD) as again:
        row = again.register.row("P-000001")
        assert (row["status"], row["title"], row["changed_by"]) == ("offer", "Päällikkö", BY)


def test_s4_an_edit_across_a_checkpoint_is_just_as_stale(two: tuple[Store, Store]) -> None:
    one, other = two
    other.update("P-000001", {"title": "Päällikkö"}, by="bertta")
    other.checkpoint()
    other.checkpoint()
    with pytest.raises(Stale):
        one.update("P-000001", {"title": "X"}, by=BY, seen={"title": "Johtaja"})
    one.update("P-000001", {"title": "X"}, by=BY, seen={"title": "Päällikkö"})
    other.refresh()
    assert other.register.row("P-000001")["title"] == "X"


def test_s4_an_edit_of_a_row_that_is_gone_is_told(two: tuple[Store, Store]) -> None:
    one, other = two
    other.remove(["P-000001"], by="bertta", reason="erasure")
    with pytest.raises(NoSuchProspect):
        one.update("P-000001", {"title": "X"}, by=BY, seen={"title": "Johtaja"})


def test_several_rows_change_together_or_not_at_all(store: Store) -> None:
    store.add(person(), by=BY)
    before = contents(store.data_dir)
    with pytest.raises(NoSuchProspect):
        store.update_many({"P-000001": {"title": "X"}, "P-000009": {"title": "X"}}, by=BY)
    with pytest.raises(NoSuchProspect):
        store.remove(["P-000001", "P-000009"], by=BY, reason="expired")
    assert contents(store.data_dir) == before


def test_a_removal_may_be_checked_inside_the_lock(two: tuple[Store, Store]) -> None:
    one, other = two
    other.update("P-000001", {"hold_reason": "claim", "hold_until": "2030-01-01"}, by=BY)

    def check(register: Register) -> None:
        if register.row("P-000001")["hold_reason"]:
            raise Invalid({})

    with pytest.raises(Invalid):
        one.remove(["P-000001"], by=BY, reason="expired", check=check)
    assert ids(one) == ["P-000001"]


# -- numbers, dates, settings ------------------------------------------------------------------------------------


@pytest.mark.parametrize("follows", [False, True], ids=["journal", "workbook"])
def test_a_number_is_never_given_twice_also_after_a_removal_and_a_reopening(store: Store, follows: bool) -> None:
    def again() -> Store:
        if follows:
            store.refresh()
            store.checkpoint()
        return Store.open(store.data_dir, PASSWORD)

    for name in ("a", "b", "c"):
        store.add(person(name), by=BY)
    store.remove(["P-000003", "P-000002"], by=BY, reason="expired")
    assert store.add(person("d"), by=BY) == "P-000004"
    store.remove(["P-000004"], by=BY, reason="expired")
    second = again()
    assert second.add(person("e"), by=BY) == "P-000005"
    second.remove(["P-000001", "P-000005"], by=BY, reason="expired")
    last = again()
    assert last.frame.empty and last.add(person("f"), by=BY) == "P-000006"


def test_received_cannot_be_moved_later(store: Store) -> None:
    pid = store.add(person(received="2025-05-01"), by=BY)
    with pytest.raises(Invalid):
        store.update(pid, {"received": "2025-05-02"}, by=BY)
    store.update(pid, {"received": "2024-05-01"}, by=BY)
    with pytest.raises(Invalid):
        store.update(pid, {"received": "2025-05-01"}, by=BY)
    assert str(store.register.row(pid)["expires"]) == "2029-05-01"


def test_another_retention_period_moves_every_removal_at_the_next_refresh(store: Store) -> None:
    pid = store.add(person(received="2025-05-01"), by=BY)
    settings.save(store.data_dir, store.settings, retention_years=2)
    store.refresh()
    assert str(store.register.row(pid)["expires"]) == "2027-05-01"
    store.checkpoint()
    sheet = book(store.path)["Prospektit"]
    assert str(sheet.cell(2, columns(sheet)["Poistettava viimeistään"]).value) == "2027-05-01 00:00:00"


def test_a_date_that_cannot_be_held_or_counted_does_not_shut_the_register(store: Store) -> None:
    for slip in ({"received": "0026-11-22"}, {"next_contact": "9999-12-31"}):
        with pytest.raises(Invalid):
            store.add(person(**slip), by=BY)
    store.add(person(next_contact="2200-12-31"), by=BY)
    assert ids(store) == ["P-000001"]


def test_a_complete_row_without_its_received_date_is_refused(store: Store) -> None:
    with pytest.raises(Invalid) as caught:
        store.add_many([{"source": "phone", "name": "Aino"}], by=BY)
    assert set(caught.value.fields) == {"received"}
    assert ids(store) == []


def test_broken_settings_are_told_and_nothing_is_written(store: Store) -> None:
    store.add(person(), by=BY)
    (store.data_dir / "settings.toml").write_text("retention_years = 'many'")
    before = contents(store.data_dir)
    with pytest.raises(Invalid) as caught:
        Store.open(store.data_dir, PASSWORD)
    assert set(caught.value.fields) == {"retention_years"}
    with pytest.raises(Invalid):
        store.add(person("Toinen"), by=BY)
    store.close()
    assert contents(store.data_dir) == before


# -- opening and closing -----------------------------------------------------------------------------------------


def test_a_register_is_not_made_over_another(store: Store) -> None:
    store.add(person(), by=BY)
    before = contents(store.data_dir)
    with pytest.raises(AlreadyExists):
        Store.create(store.data_dir, PASSWORD)
    assert contents(store.data_dir) == before


def test_who_only_reads_writes_nothing(store: Store) -> None:
    store.add(person(), by=BY)
    before = contents(store.data_dir)
    with Store.open(store.data_dir, PASSWORD) as reader:
        assert names(reader) == ["Aino Kokeilija"]
        reader.refresh()
        reader.log()
        reader.info()
    assert contents(store.data_dir) == before


def test_who_changed_something_lets_the_workbook_follow_at_the_end(store: Store) -> None:
    with Store.open(store.data_dir, PASSWORD) as other:
        other.add(person("Aino"), by=BY)
        assert not other.is_current
    found = workbook.read(store.path.read_bytes(), PASSWORD, "x", own=True)
    assert found.frame["name"].tolist() == ["Aino"]
    store.refresh()
    assert store.is_current and names(store) == ["Aino"]


def test_another_password_opens_nothing(store: Store) -> None:
    before = contents(store.data_dir)
    for recover in (False, True):
        with pytest.raises(WrongPassword):
            Store.open(store.data_dir, "väärä", recover=recover)
    assert contents(store.data_dir) == before


@pytest.mark.parametrize("break_it", ["gone", "damaged"])
def test_a_lost_workbook_is_written_anew_when_asked_and_what_stood_there_is_kept(store: Store, break_it: str) -> None:
    store.add(person("Kopiosta"), by=BY)
    store.checkpoint()
    store.add(person("Päiväkirjasta"), by=BY)
    if break_it == "gone":
        store.path.unlink()
    else:
        store.path.write_bytes(b"what somebody else put there")
        age(store.path)
    with pytest.raises(WorkbookMissing if break_it == "gone" else Damaged):
        Store.open(store.data_dir, PASSWORD)
    with Store.open(store.data_dir, PASSWORD, recover=True) as again:
        assert names(again) == ["Kopiosta", "Päiväkirjasta"]
        assert again.add(person("Vielä"), by=BY) == "P-000003"
        with pytest.raises(StoreError):
            again.checkpoint()
        again.rewrite(by=BY)
        assert again.log()[0].action == "rewrite" and again.is_current
    kept = [aside.path.read_bytes() for aside in store.aside.all()]
    assert kept == ([] if break_it == "gone" else [b"what somebody else put there"])
    store.refresh()
    assert names(store) == names(Store.open(store.data_dir, PASSWORD)) == ["Kopiosta", "Päiväkirjasta", "Vielä"]


def test_what_was_put_in_the_workbooks_place_just_now_is_kept_too(store: Store) -> None:
    store.path.write_bytes(b"what somebody else is writing")
    store.rewrite(by=BY)
    assert [aside.path.read_bytes() for aside in store.aside.all()] == [b"what somebody else is writing"]


def test_lost_keys_are_made_anew_for_who_has_the_workbooks_password(store: Store) -> None:
    store.add(person(), by=BY)
    store.checkpoint()
    (store.data_dir / "keys.json").unlink()
    with Store.open(store.data_dir, PASSWORD) as again:
        assert len(again.frame) == 1 and not [e for e in again.log() if e.action == "add"]  # sealed under the lost key
        assert again.add(person("Toinen"), by=BY) == "P-000002"
        again.checkpoint()
        assert [e.action for e in again.log()].count("add") == 1
    with Store.open(store.data_dir, PASSWORD) as last:
        assert ids(last) == ["P-000001", "P-000002"]


# -- what it tells -----------------------------------------------------------------------------------------------


def test_a_snapshot_does_not_change_under_its_reader(store: Store) -> None:
    store.add(person("Aino"), by=BY)
    frame, register = store.frame, store.register
    store.update("P-000001", {"name": "Bertta"}, by=BY)
    store.add(person("Cecilia"), by=BY)
    assert list(frame["name"]) == ["Aino"] and isinstance(register, Register) and len(register) == 1
    assert dict(frame.dtypes.astype(str)) == dict(store.frame.dtypes.astype(str))


def test_a_change_that_changes_nothing_writes_nothing(store: Store) -> None:
    store.add(person("Aino"), by=BY)
    before = contents(store.data_dir)
    store.update("P-000001", {"name": " Aino "}, by=BY)
    assert contents(store.data_dir) == before


def test_many_rows_come_in_as_one_change(store: Store) -> None:
    made = store.add_many([person(f"Henkilö {n}", received=store.today) for n in range(1200)], by="sample")
    assert made == [f"P-{n:06d}" for n in range(1, 1201)]
    assert (store.unwritten, store.info()["rows"]) == (1, 1200)
    assert store.register.row("P-001200")["created_by"] == "sample"
    (entry,) = (entry for entry in store.log() if entry.action == "add")
    assert entry.ids == [] and entry.facts["rows"] == 1200  # so many are not named
    store.remove(made[:1100], by=BY, reason="expired")
    assert len(store.log()[0].ids) == 1100  # but those that go are
    assert ids(store) == made[1100:]


def test_info_says_what_there_is(store: Store) -> None:
    store.add(person(), by=BY)
    info = store.info()
    assert (info["rows"], info["last_number"], info["exists"], info["unwritten"]) == (1, 1, True, 1)
    assert info["size"] == store.path.stat().st_size and len(info["register"]) == 16
    with Store.open(store.data_dir, PASSWORD) as again:
        assert again.info() == info
    generation = info["generation"]
    store.checkpoint()
    info = store.info()
    assert (info["unwritten"], info["generation"]) == (0, generation + 1)
    store.path.unlink()
    assert store.info()["exists"] is False and store.info()["written"] is None


def test_the_log_says_who_did_what_and_goes_through_checkpoints(two: tuple[Store, Store]) -> None:
    one, other = two
    one.update("P-000001", {"notes": "Salaisuus", "status": "offer"}, by=BY)
    one.checkpoint()
    other.note("download", "bertta", rows=1)
    other.remove(["P-000001"], by="bertta", reason="expired")
    expected = [("bertta", "remove"), ("bertta", "download"), (BY, "update"), (BY, "add")]
    for store in (one, other):
        store.checkpoint()
        lines = store.log()
        assert [(line.by, line.action) for line in lines] == expected
        assert lines[0].facts["reason"] == "expired" and lines[2].facts["fields"] == ["notes", "status"]
        assert "Salaisuus" not in str(lines)


def test_every_error_of_the_store_has_words_for_the_user(store: Store) -> None:
    for attempt in (
        lambda: store.update("P-000009", {"name": "x"}, by=BY),
        lambda: store.add({}, by=BY),
        lambda: store.add({"nonsense": 1}, by=BY),
        lambda: store.remove(["P-000009"], by=BY, reason="x"),
    ):
        with pytest.raises(AppError) as caught:
            attempt()
        assert str(caught.value) and "{" not in str(caught.value)
