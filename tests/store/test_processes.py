"""S3: processes and threads at the same time: every entry once, every number once, and no one sees less than before."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lib.errors import Duplicate
from lib.store import Store, checkpoint

from .tools import BY, PASSWORD, ROOT, child_command, named, person, rows, strays


def together(data_dir: Path, commands: list[tuple[Any, ...]], beside: list[tuple[Any, ...]]) -> list[str]:
    """Run processes that begin at the same moment, and others beside them until they are done; what each said."""
    running = [
        subprocess.Popen(
            child_command(name, data_dir, *given), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for name, *given in [*commands, *beside]
    ]
    for process in running:
        assert process.stdout and process.stdout.readline() == "ready\n"
    (data_dir / "go").touch()
    said = [process.communicate(timeout=300) for process in running[: len(commands)]]
    (data_dir / "stop").touch()
    said += [process.communicate(timeout=300) for process in running[len(commands) :]]
    assert [(process.returncode, errors) for process, (_, errors) in zip(running, said, strict=True)] == [
        (0, "")
    ] * len(running)
    return [output for output, _ in said]


def test_s3_eight_processes_enter_fifty_each_while_others_read_and_write_the_workbook(data_dir: Path) -> None:
    writers, each = 8, 50
    Store.create(data_dir, PASSWORD)
    follower = Store.open(data_dir, PASSWORD)
    said = together(
        data_dir,
        [("entries", f"prosessi{number}", each) for number in range(writers)],
        [("reader",), ("checkpoints",), ("backups",)],
    )
    acknowledged = [line.split()[1] for text in said[:writers] for line in text.splitlines()]
    assert len(set(acknowledged)) == len(acknowledged) == writers * each
    found = rows(data_dir)
    assert sorted(found) == sorted(acknowledged) == [f"P-{n:06d}" for n in range(1, writers * each + 1)]
    assert sorted(found.values()) == sorted(f"prosessi{p} {n}" for p in range(writers) for n in range(each))
    # Each has its own in the order in which it entered them.
    for number, text in enumerate(said[:writers]):
        assert [found[line.split()[1]] for line in text.splitlines()] == [f"prosessi{number} {n}" for n in range(each)]
    follower.refresh()
    assert named(follower) == found
    added = sorted(i for entry in follower.log() if entry.action == "add" for i in entry.ids)
    assert added == sorted(acknowledged)
    follower.add(person("Viimeinen"), by=BY)
    follower.checkpoint()
    assert follower.journal.segments() == [follower.on_disk] and strays(data_dir) == []
    assert follower.on_disk > 3  # the workbook was written meanwhile, and more than once


def in_threads(*work: Callable[[], Any]) -> None:
    """Run each in a thread of its own; what one raises comes out."""
    raised: list[BaseException] = []

    def run(one: Callable[[], Any]) -> None:
        try:
            one()
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=run, args=(one,)) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive()
    assert raised == []


def test_s3_threads_enter_together_while_others_read_write_the_workbook_and_edit(store: Store) -> None:
    second = Store.open(store.data_dir, PASSWORD)
    edited = store.add(person("Muokattava"), by=BY)
    done = threading.Event()
    left = [5]
    lock = threading.Lock()

    def until_all_are_in(work: Callable[[], None]) -> None:
        try:
            work()
        finally:
            with lock:
                left[0] -= 1
                if not left[0]:
                    done.set()

    def enter(source: Store, name: str) -> Callable[[], None]:
        def work() -> None:
            for number in range(20):
                source.add(person(f"{name} {number}"), by=name)

        return lambda: until_all_are_in(work)

    def edit(code: str) -> Callable[[], None]:
        def work() -> None:
            for number in range(20):
                store.update(edited, {code: f"{code} {number}"}, by=BY)

        return lambda: until_all_are_in(work)

    def read() -> None:
        seen: set[str] = set()
        while not done.is_set():
            store.refresh()
            frame = store.frame
            assert frame["id"].is_unique and seen <= set(frame["id"])
            seen = set(frame["id"])

    def write() -> None:
        while not done.is_set():
            second.checkpoint()

    in_threads(
        enter(store, "säie1"), enter(store, "säie2"), enter(second, "säie3"), edit("title"), edit("notes"), read, write
    )
    found = rows(store.data_dir)
    assert list(found) == [f"P-{n:06d}" for n in range(1, 62)]
    assert set(found.values()) == {"Muokattava", *(f"säie{t} {n}" for t in (1, 2, 3) for n in range(20))}
    for one in (store, second, Store.open(store.data_dir, PASSWORD)):
        one.refresh()
        assert named(one) == found
        row = one.register.row(edited)
        assert (row["title"], row["notes"]) == ("title 19", "notes 19")
    assert len(store.log()) == 61 + 40


def test_s3_the_server_writes_the_workbook_in_a_process_of_its_own_while_people_enter(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("SECONDS", 0.0), ("TICK", 0.01)):
        monkeypatch.setattr(f"lib.store.checkpoint.{name}", value)
    with Store.unlocked(store.data_dir, store.master, background=True) as server:
        in_threads(*(lambda n=n: [server.add(person(f"säie{n} {k}"), by=BY) for k in range(10)] for n in range(3)))
        assert len(server.frame) == 30
    store.refresh()
    assert store.is_current and store.on_disk > 1 and len(rows(store.data_dir)) == 30
    assert store.journal.segments() == [store.on_disk]


def test_s3_an_entry_made_while_the_workbook_is_built_is_kept_also_where_backups_came_from_elsewhere(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their generations may be far ahead: the others still have to find the segment that begins now."""
    other = Store.open(store.data_dir, PASSWORD)
    store.add(person("Aino"), by=BY)
    newest = store.backups.newest_generation()
    assert newest
    shutil.copy(newest.path, newest.path.with_name(newest.path.name.replace(f"-g{newest.generation}-", "-g9-")))
    build = checkpoint.build

    def built(*given: Any) -> bytes:
        other.add(person("Sillä Välin"), by=BY)
        return build(*given)

    monkeypatch.setattr(checkpoint, "build", built)
    store.checkpoint()
    assert store.on_disk == 10 and store.unwritten == 1
    assert list(rows(store.data_dir).values()) == ["Aino", "Sillä Välin"]
    monkeypatch.undo()
    other.checkpoint()
    assert list(rows(store.data_dir).values()) == ["Aino", "Sillä Välin"]
    assert other.journal.segments() == [other.on_disk]


def test_s3_of_those_who_enter_the_same_person_one_gets_in(data_dir: Path) -> None:
    Store.create(data_dir, PASSWORD)
    said = together(data_dir, [("same",)] * 4, [])
    assert sorted(text.split()[0] for text in said) == ["acknowledged", *["duplicate"] * 3]
    assert {text.split()[1] for text in said} == {"P-000001"}
    assert list(rows(data_dir)) == ["P-000001"]


def test_s3_the_duplicate_check_sees_what_another_store_wrote(store: Store) -> None:
    other = Store.open(store.data_dir, PASSWORD)
    other.add(person(phone="040 1234567"), by=BY)
    with pytest.raises(Duplicate) as caught:
        store.add(person("Aivan Toinen", phone="0401234567"), by=BY, known=())
    assert caught.value.matches == ["P-000001"]
    assert store.add(person("Aivan Toinen", phone="0401234567"), by=BY, known=["P-000001"]) == "P-000002"
    assert store.add(person("Aivan Toinen", phone="0401234567"), by=BY) == "P-000003"
    other.checkpoint()
    with pytest.raises(Duplicate) as caught:  # also behind a checkpoint of the other
        store.add(person("Kolmas", phone="+358 40 1234567"), by=BY, known=["P-000001"])
    assert sorted(caught.value.matches) == ["P-000001", "P-000002", "P-000003"]


def test_s3_who_has_the_register_open_sees_every_kind_of_change_by_a_refresh(store: Store) -> None:
    follower = Store.open(store.data_dir, PASSWORD)

    def same() -> bool:
        follower.refresh()
        assert follower.register.last_number == store.register.last_number
        assert follower.gone == store.gone and follower.on_disk == store.on_disk
        return bool(follower.frame.equals(store.frame))

    store.add(person("Aino"), by=BY)
    assert same()
    store.checkpoint()
    store.update("P-000001", {"title": "Johtaja"}, by=BY)
    assert same()
    store.add_many([person(f"Monta {n}", received=store.today) for n in range(70)], by=BY)
    store.remove(["P-000005", "P-000001"], by=BY, reason="expired")
    assert same() and len(follower.frame) == 69
    for number in range(3):  # several generations at once
        store.add(person(f"Uusi {number}"), by=BY)
        store.checkpoint()
    assert same() and follower.journal.segment == store.journal.segment
    store.erase()
    assert same() and not follower.unfinished
    store.rekey("toinen pitkä salasana", by=BY)
    assert same() and follower.passwords == ["toinen pitkä salasana"]
    assert follower.add(person("Seuraajalta"), by=BY) == "P-000075"
    store.refresh()
    assert named(store)["P-000075"] == "Seuraajalta"
    assert [entry.action for entry in follower.log()] == [entry.action for entry in store.log()]
