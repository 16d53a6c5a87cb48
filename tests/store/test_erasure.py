"""S10: removed means removed. After an erasure a search of every decrypted file finds nothing of the person."""

from __future__ import annotations

import datetime as dt
import shutil
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from openpyxl.comments import Comment

from lib import settings
from lib.errors import HeldOpen, RemovalUnfinished
from lib.store import Store, erasure, outside, worker
from lib.store.encryption import decrypt, encrypt
from lib.work import Work

from .outside_tools import age, appended, asked, cells, info, killed, kinds, names, save, settle, traces
from .test_held import hold
from .tools import BY, PASSWORD, opened, person, sealed

SECRET: dict[str, Any] = {
    "source": "public",
    "source_detail": "Salaisuuspaikka",
    "organisation": "Salaisuus Oy",
    "name": "Salaisuusnimi",
    "title": "Salaisuustoimi",
    "phone": "0405550199",
    "email": "salaisuus@example.com",
    "address": "Salaisuuskatu 1",
    "interests": "Salaisuusaihe",
    "notes": "salaisuus\nsalaisuus",
}
WORDS = ("alaisuus", "405550199", "40 5550199")
GONE = "P-000001"
FOUND_BEFORE = ["prospects.xlsx", "generation", "daily", "manual", "original", "journal"]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The second place."""
    folder = tmp_path / "second"
    folder.mkdir()
    return folder


@pytest.fixture
def spread(store: Store, place: Path) -> Store:
    """A person whose data are wherever they may be, and another who stays."""
    settings.save(store.data_dir, store.settings, second_place=str(place))
    for copy in store.backups.all():  # that of an empty register
        store.backups.drop(copy) if copy.kind == "daily" else None
    assert store.add(SECRET, by=BY) == GONE
    store.add(person("Pysyvä", notes="pysyy"), by=BY)
    store.checkpoint()
    store.backup(by=BY)

    def beside(changed: Any) -> None:
        sheet = changed["Prospektit"]
        place = sheet.max_column + 1
        sheet.cell(1, place).value, sheet.cell(2, place).value = "Oma", "salaisuus omassa sarakkeessa"
        sheet["C2"].comment = Comment("Huomautus", "Aino")

    store.update(GONE, {"title": "Salaisuustoimi toinen"}, by=BY)
    save(store.path, beside, cells(2, title="Salaisuustoimi ristiriidassa", next_contact="salaisuus ei päivä"))
    store.refresh()
    assert kinds(store) == ["cell", "conflict", "original"]
    store.checkpoint()
    store.update(GONE, {"notes": "salaisuus vain päiväkirjassa"}, by=BY)
    return store


def unfinished(store: Store, **how: Any) -> list[str]:
    """What stands in the way of an erasure."""
    with pytest.raises(RemovalUnfinished) as caught:
        store.erase(**how)
    assert store.obstacles == caught.value.obstacles and store.unfinished
    texts = [str(text) for text in caught.value.obstacles]
    assert texts and not any("{" in text for text in texts)
    return texts


def test_s10_after_an_erasure_nothing_of_the_person_is_found_anywhere(spread: Store, place: Path) -> None:
    found = traces(spread, WORDS, place)
    for where in FOUND_BEFORE:  # the search does search
        assert any(where in name for name in found), where
    assert any(str(place) in name for name in found)
    told: list[float] = []
    spread.remove([GONE], by=BY, reason="erasure")
    assert spread.unfinished == {GONE}
    spread.erase(told.append)
    assert traces(spread, WORDS, place) == []
    assert spread.unfinished == set() and spread.obstacles == []
    assert told == sorted(told) and told[-1] == 1.0
    assert names(spread) == ["Pysyvä"] and kinds(spread) == ["original"]
    assert [entry.action for entry in spread.log()][:2] == ["erased", "remove"]
    # What stays is whole: every copy opens and holds the other row.
    whole = set(traces(spread, ["pysyy"], place))
    assert whole >= {str(file.path) for file in [*spread.backups.all(), *spread.aside.all()]}
    with Store.open(spread.data_dir, PASSWORD) as again:
        assert names(again) == ["Pysyvä"] and again.unfinished == set() and again.gone == {GONE}
        assert again.add(person("Uusi"), by=BY) == "P-000003"


def test_s10_a_server_that_is_stopped_amid_an_erasure_waits_for_one_file_and_the_next_start_does_the_rest(
    spread: Store, place: Path
) -> None:
    spread.close()
    files = len([*spread.backups.all(), *spread.aside.all()])
    store = Store.open(spread.data_dir, PASSWORD)
    store.remove([GONE], by=BY, reason="erasure")
    told: list[float] = []
    at_a_file, closing = threading.Event(), threading.Event()

    def progress(share: float) -> None:
        told.append(share)
        at_a_file.set()
        assert closing.wait(20)

    work = Work(lambda _: store.erase(progress))
    assert at_a_file.wait(60)
    stop = threading.Thread(target=store.close)
    stop.start()
    while not store.closing:
        time.sleep(0.01)
    closing.set()
    stop.join(60)
    assert not stop.is_alive() and work.wait(60)
    with pytest.raises(RemovalUnfinished) as caught:
        work.outcome()
    assert [text for text in caught.value.obstacles if "being stopped" in str(text)]
    assert len(told) == 1 and files > 3  # the others were not gone through
    assert traces(spread, WORDS, place)

    with Store.open(spread.data_dir, PASSWORD) as again:
        erasure.finish(again)
        assert again.unfinished == set() and names(again) == ["Pysyvä"]
    assert traces(spread, WORDS, place) == []


def test_s10_copies_keep_their_other_rows_and_say_how_many(spread: Store, place: Path) -> None:
    before = {copy.key: copy.rows for copy in spread.backups.all() if copy.kind != "generation"}
    spread.remove([GONE], by=BY, reason="erasure")
    spread.erase()
    after = {copy.key: copy.rows for copy in spread.backups.all() if copy.kind != "generation"}
    assert after.keys() >= before.keys() and all(after[key] == rows - 1 for key, rows in before.items())
    for copy in spread.backups.all():
        found = worker.workbook.read(copy.path.read_bytes(), PASSWORD, copy.path.name)
        assert found.frame["name"].tolist() == ["Pysyvä"] and found.info.rows == copy.rows == 1
    # And an edit that began before the erasure still finds what it began from.
    generation = next(copy for copy in spread.backups.all() if copy.kind == "manual")
    shutil.copyfile(generation.path, spread.path)
    save(spread.path, cells(2, title="Muokattu"))
    spread.refresh()
    assert spread.register.row("P-000002")["title"] == "Muokattu"


def test_s10_what_killed_writes_left_goes_too(spread: Store, place: Path) -> None:
    leftovers = [spread.data_dir / ".prospects.xlsx.12ab34cd.tmp"]
    for copy in spread.backups.all():
        leftovers.append(copy.path.with_name(f".{copy.path.name}.12ab34cd.tmp"))
    aside = spread.aside.all()[0]
    leftovers.append(aside.path.with_name(f".{aside.name}.12ab34cd.tmp"))
    for leftover in leftovers:
        shutil.copyfile(spread.path, leftover)
    spread.remove([GONE], by=BY, reason="erasure")
    spread.checkpoint()
    spread.erase()  # also where the workbook is written already
    assert [path for path in leftovers if path.exists()] == []
    assert traces(spread, WORDS, place) == []


def test_s10_what_was_cleared_is_searched_once_more(
    spread: Store, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clear, once = worker.clear, set()

    def careless(sealed: bytes, *given: Any) -> Any:
        found = clear(sealed, *given)
        rows = hash(tuple(worker.workbook.read(sealed, PASSWORD, "x").frame["name"]))
        if found and (rows, len(sealed)) not in once:
            once.add((rows, len(sealed)))
            return encrypt(decrypt(sealed, PASSWORD), PASSWORD), found[1]  # the same rows again
        return found

    monkeypatch.setattr(worker.Here, "clear", staticmethod(careless))
    spread.remove([GONE], by=BY, reason="erasure")
    spread.erase()
    assert once and traces(spread, WORDS, place) == []


def test_s10_a_row_that_came_from_a_file_kept_aside_goes_from_there_too(store: Store) -> None:
    """It has no number there, or that of another row."""
    store.add(person("Pysyvä", notes="pysyy"), by=BY)
    store.checkpoint()
    new = {**SECRET, "source": "phone", "interests": "", "received": store.today}
    save(
        store.path,
        lambda changed: setattr(changed["Prospektit"]["C2"], "comment", Comment("Huomautus", "Aino")),
        appended(**new),
        appended(id="P-000001", **{**new, "name": "Salaisuus Kahdesti"}),
        appended(id="P-000077", **{**new, "name": "Salaisuus Etukäteen"}),
    )
    store.refresh()
    assert len(store.register) == 4 and kinds(store) == ["original"]
    store.checkpoint()
    store.remove(["P-000002", "P-000003", "P-000004"], by=BY, reason="erasure")
    store.erase()
    assert traces(store, WORDS) == [] and len(store.aside.all()) == 1
    assert "pysyy" in " ".join(worker.workbook.read_plain(opened(store.aside.all()[0].path), "x").frame["notes"])


def test_s10_the_workbook_is_read_itself_whatever_its_stamp_says(spread: Store, place: Path) -> None:
    old = spread.path.read_bytes()
    spread.remove([GONE], by=BY, reason="erasure")
    spread.checkpoint()
    stamp = spread.path.stat()
    spread.path.write_bytes(old)  # of the same size, at the same moment
    import os

    os.utime(spread.path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    spread.erase()
    assert traces(spread, WORDS, place) == []


def test_s10_an_edited_workbook_is_taken_up_before_it_is_written_over(spread: Store, place: Path) -> None:
    spread.remove([GONE], by=BY, reason="erasure")
    save(spread.path, cells(2, notes="salaisuus myöhässä"), cells(3, title="Tulee"))
    spread.erase()
    assert traces(spread, WORDS, place) == [] and names(spread) == ["Pysyvä"]
    assert spread.register.row("P-000002")["title"] == "Tulee"


# -- what stands in the way --------------------------------------------------------------------------------------


def test_s10_held_open_it_is_unfinished_and_says_by_whom(spread: Store, place: Path) -> None:
    held = hold(spread)
    spread.remove([GONE], by=BY, reason="erasure")
    assert any("Bertta Päällikkö" in text for text in unfinished(spread))
    left = traces(spread, WORDS, place)
    assert left and all(name.endswith(("prospects.xlsx", "journal")) for name in left)  # the rest is cleared already
    with pytest.raises(HeldOpen):
        erasure.checkpoint.write(spread)
    held.unlink()
    spread.checkpoint()
    erasure.finish(spread)
    assert spread.unfinished == set() and traces(spread, WORDS, place) == []


def test_s10_held_open_it_can_be_finished_all_the_same(spread: Store, place: Path) -> None:
    hold(spread)
    spread.remove([GONE], by=BY, reason="erasure")
    spread.erase(override=True)
    assert traces(spread, WORDS, place) == []


def test_s10_a_second_place_out_of_reach_is_told_and_cleared_when_it_is_back(spread: Store, place: Path) -> None:
    away = place.with_name("away")
    place.rename(away)
    spread.remove([GONE], by=BY, reason="erasure")
    spread.checkpoint()
    (told,) = unfinished(spread)
    assert str(place) in told
    assert traces(spread, WORDS) == [] and traces(spread, WORDS, away)
    with Store.open(spread.data_dir, PASSWORD) as again:
        assert again.unfinished == {GONE}
        unfinished(again)
        away.rename(place)
        erasure.finish(again)  # without any other change
        assert again.unfinished == set()
    assert traces(spread, WORDS, place) == [] and spread.unfinished == set()


def test_s10_a_file_set_aside_that_does_not_open_is_named(spread: Store, place: Path) -> None:
    plain = opened(spread.path)
    spread.path.write_bytes(sealed(plain, "toinen salasana"))
    spread.refresh()
    name = asked(spread, "password").where
    spread.remove([GONE], by=BY, reason="erasure")
    (told,) = unfinished(spread)
    assert name in told
    outside.drop_aside(spread, name, by="ylläpitäjä")
    erasure.finish(spread)
    assert spread.unfinished == set() and traces(spread, WORDS, place) == []


def test_s10_rows_of_another_register_with_the_same_numbers_stay(spread: Store, place: Path, tmp_path: Path) -> None:
    with Store.create(tmp_path / "other", PASSWORD) as other:
        other.add(person("Vieras"), by=BY)
    number = other.frame["id"].iat[0]
    spread.path.write_bytes(other.path.read_bytes())
    spread.refresh()
    spread.remove([number], by=BY, reason="erasure")
    spread.erase()
    (aside,) = (aside for aside in spread.aside.all() if aside.kind == "unknown")
    assert list(worker.workbook.read(aside.path.read_bytes(), PASSWORD, "x").frame["name"]) == ["Vieras"]


def test_s10_an_unknown_file_set_aside_is_cleared_too(spread: Store, place: Path) -> None:
    save(spread.path, info("generation", "999"))
    spread.refresh()
    assert "unknown" in kinds(spread)
    spread.remove([GONE], by=BY, reason="erasure")
    spread.erase()
    assert traces(spread, WORDS, place) == [] and {aside.kind for aside in spread.aside.all()} == {
        "original",
        "unknown",
    }


@pytest.mark.parametrize("what", ["damaged", "missing"])
def test_s10_a_workbook_that_cannot_be_read_is_told(spread: Store, place: Path, what: str) -> None:
    whole = spread.path.read_bytes()
    spread.remove([GONE], by=BY, reason="erasure")
    if what == "damaged":
        spread.path.write_bytes(whole[:-600])
        age(spread.path)
    else:
        spread.path.unlink()
    assert any("prospects.xlsx" in text for text in unfinished(spread))
    spread.rewrite(by="ylläpitäjä")
    for aside in spread.aside.all():
        if aside.kind == "replaced":
            assert any(aside.name in text for text in unfinished(spread))
            outside.drop_aside(spread, aside.name, by="ylläpitäjä")
    erasure.finish(spread)
    assert spread.unfinished == set() and traces(spread, WORDS, place) == []


def test_s10_a_backup_that_cannot_be_read_is_named(spread: Store) -> None:
    copy = next(copy for copy in spread.backups.all() if copy.kind == "manual" and copy.place == "own")
    copy.path.write_bytes(copy.path.read_bytes()[:-600])
    spread.remove([GONE], by=BY, reason="erasure")
    assert any(copy.path.name in text for text in unfinished(spread))


def test_s10_removals_are_added_up_until_they_are_finished(spread: Store, place: Path) -> None:
    held = hold(spread)
    spread.remove([GONE], by=BY, reason="erasure")
    unfinished(spread)
    spread.remove(["P-000002"], by=BY, reason="expired")
    assert spread.unfinished == {GONE, "P-000002"}
    held.unlink()
    spread.erase()
    assert traces(spread, [*WORDS, "pysyy"], place) == []


# -- other stores, restarts, kills -------------------------------------------------------------------------------


def test_s10_another_store_that_is_open_follows(spread: Store, place: Path) -> None:
    with Store.open(spread.data_dir, PASSWORD) as other:
        spread.remove([GONE], by=BY, reason="erasure")
        spread.erase()
        other.refresh()
        assert names(other) == ["Pysyvä"] and other.unfinished == set()
        assert WORDS[0] not in str(other.state)
        other.add(person("Uusi"), by=BY)
    assert traces(spread, WORDS, place) == []


def test_s10_one_that_is_unfinished_is_finished_by_another_store(spread: Store, place: Path) -> None:
    held = hold(spread)
    spread.remove([GONE], by=BY, reason="erasure")
    unfinished(spread)
    held.unlink()
    with Store.open(spread.data_dir, PASSWORD) as other:
        assert other.unfinished == {GONE}
        other.checkpoint()
        erasure.finish(other)
    assert spread.unfinished == set() and traces(spread, WORDS, place) == []


def test_s10_killed_anywhere_the_next_start_finishes_it(spread: Store, place: Path, tmp_path: Path) -> None:
    settle(spread)
    spread.remove([GONE], by=BY, reason="erasure")
    base = tmp_path / "base"
    shutil.copytree(spread.data_dir, base / "data")
    shutil.copytree(place, base / "second")
    for at in range(1, 200, 4):
        folder = tmp_path / f"at{at}"
        shutil.copytree(base, folder)
        data, second = folder / "data", folder / "second"
        moved(data, place, second)
        died = killed(data, Store.erase, at)
        with Store.open(data, PASSWORD) as again:
            assert names(again) == ["Pysyvä"]
            if died:
                again.checkpoint()
                erasure.finish(again)
            assert again.unfinished == set()
            assert traces(again, WORDS, second) == [], at
        shutil.rmtree(folder)
        if not died:
            break
    assert at > 10


def moved(data: Path, old: Path, new: Path) -> None:
    """Let a copied data folder know that its second place was copied too."""
    memory = data / "backups" / "second_place.json"
    memory.write_text(memory.read_text().replace(str(old), str(new)))
    settings.save(data, settings.load(data), second_place=str(new))


def test_s10_the_numbers_and_dates_of_removed_rows_are_all_that_is_kept(spread: Store) -> None:
    spread.remove([GONE], by=BY, reason="erasure")
    spread.erase()
    kept = (spread.data_dir / "removed").read_text()
    assert GONE in kept and dt.date.today().isoformat()[:4] in kept and "alaisuus" not in kept
