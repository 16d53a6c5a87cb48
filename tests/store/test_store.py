"""What the store promises. Real files, real processes, faults at every step."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from lib import settings
from lib.errors import (
    AlreadyExists,
    AppError,
    Damaged,
    Duplicate,
    Invalid,
    NoSuchProspect,
    NotSynced,
    NotWritten,
    Stale,
    StoreError,
    WorkbookMissing,
)
from lib.register import Register
from lib.store import Store
from tests.conftest import missing

from .tools import BY, PASSWORD, all_text, columns, contents, edit, opened, person, sealed

ROOT = Path(__file__).parents[2]


def ids(data_dir: Path) -> list[str]:
    with Store.open(data_dir, PASSWORD) as store:
        return list(store.frame["id"])


def strays(data_dir: Path) -> list[str]:
    return [name for name in contents(data_dir) if name.endswith(".tmp")]


# -- S1: every step of a write fails -----------------------------------------------------------------------


class Faults:
    """The file operations of the system, of which the Nth fails: once, or it and all that follow."""

    def __init__(self, patch: pytest.MonkeyPatch, number: int) -> None:
        self.number = number
        self.at = 0
        self.for_good = False
        self.calls: list[str] = []
        self.fired = False
        real = {name: getattr(os, name) for name in ("open", "fdopen", "fsync", "replace", "mkdir", "access")}
        for name in ("open", "fsync", "replace", "mkdir"):
            patch.setattr(os, name, self._failing(name, real[name]))
        patch.setattr(os, "fdopen", lambda *given, **named: _File(real["fdopen"](*given, **named), self))

    def arm(self, at: int, *, for_good: bool) -> None:
        self.at, self.for_good, self.calls, self.fired = at, for_good, [], False

    def disarm(self) -> None:
        self.at = 0

    def step(self, name: str) -> bool:
        """Whether this call fails."""
        if not self.at:
            return False
        self.calls.append(name)
        fails = len(self.calls) == self.at or (self.for_good and len(self.calls) > self.at)
        self.fired |= fails
        return fails

    def error(self) -> OSError:
        return OSError(self.number, os.strerror(self.number))

    def _failing(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            if self.step(name):
                raise self.error()
            return real(*given, **named)

        return call


class _File:
    """A file whose write, flush and close may fail; a write that fails has written half."""

    def __init__(self, file: Any, faults: Faults) -> None:
        self.file, self.faults = file, faults

    def __enter__(self) -> _File:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()
        if self.faults.step("close"):
            raise self.faults.error()

    def write(self, content: bytes) -> int:
        if self.faults.step("write"):
            self.file.write(content[: len(content) // 2])
            raise self.faults.error()
        return int(self.file.write(content))

    def flush(self) -> None:
        if self.faults.step("flush"):
            raise self.faults.error()
        self.file.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)


SWAP = ["open", "write", "flush", "fsync", "close", "replace", "open", "fsync"]
CHANGES: dict[str, Callable[[Store], Any]] = {
    "add": lambda store: store.add(person("Uusi Ihminen"), by=BY),
    "update": lambda store: store.update("P-000002", {"name": "Muuttunut Ihminen"}, by=BY),
    "remove": lambda store: store.remove(["P-000001"], by=BY, reason="expired"),
}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A register of two, to be copied."""
    folder = tmp_path_factory.mktemp("prepared") / "data"
    with Store.create(folder, PASSWORD) as store:
        for name in ("Aino Ensimmäinen", "Bertta Toinen"):
            store.add(person(name), by=BY)
    return folder


def state(data_dir: Path) -> list[tuple[str, str]]:
    with Store.open(data_dir, PASSWORD) as store:
        return list(zip(store.frame["id"], store.frame["name"], strict=True))


@pytest.mark.parametrize(
    ("kind", "number", "for_good"),
    [
        *((kind, errno.ENOSPC, for_good) for kind in CHANGES for for_good in (False, True)),
        ("add", errno.EIO, False),
        ("add", errno.EACCES, False),
        ("add", errno.EROFS, True),
    ],
)
def test_s1_whatever_step_fails_the_workbook_is_the_old_or_the_new_one(
    prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, number: int, for_good: bool
) -> None:
    faults = Faults(monkeypatch, number)
    shutil.copytree(prepared, tmp_path / "clean")
    with Store.open(tmp_path / "clean", PASSWORD) as store:
        old = state(tmp_path / "clean")
        CHANGES[kind](store)
        new = state(tmp_path / "clean")
    seen: set[str] = set()
    for at in itertools.count(1):
        data_dir = tmp_path / str(at)
        shutil.copytree(prepared, data_dir)
        before = (data_dir / "prospects.xlsx").read_bytes()
        with Store.open(data_dir, PASSWORD) as store:
            faults.arm(at, for_good=for_good)
            try:
                CHANGES[kind](store)
                acknowledged = True
            except NotWritten:
                acknowledged = False
            fired, calls = faults.fired, faults.calls
            faults.disarm()
            assert strays(data_dir) == [], calls
            on_disk = state(data_dir)
            swapped = "replace" in calls[: at - 1]
            assert on_disk == (new if acknowledged or swapped else old), calls
            assert ((data_dir / "prospects.xlsx").read_bytes() == before) == (on_disk == old)
            # Memory follows the disk, and the next change goes through.
            store.refresh()
            assert list(zip(store.frame["id"], store.frame["name"], strict=True)) == on_disk
            assert store.add(person("Jälkeen"), by=BY) == ("P-000004" if "P-000003" in dict(on_disk) else "P-000003")
            if acknowledged:
                assert [e.action for e in store.log()] == ["add", kind, "add", "add"], calls
        shutil.rmtree(data_dir)
        if not fired:
            assert acknowledged
            swap = calls.index("replace")  # beside the old file, synced, swapped in, the folder synced
            assert calls[swap - 5 : swap + 3] == SWAP
            break
        seen.add(calls[at - 1])
    assert seen >= {"open", "write", "flush", "fsync", "close", "replace"}


@pytest.mark.parametrize("for_good", [False, True], ids=["once", "for good"])
def test_s1_a_register_that_cannot_be_made_can_be_made_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, for_good: bool
) -> None:
    faults = Faults(monkeypatch, errno.ENOSPC)
    for at in itertools.count(1):
        data_dir = tmp_path / str(at) / "data"
        data_dir.parent.mkdir()
        faults.arm(at, for_good=for_good)
        with contextlib.suppress(NotWritten):
            Store.create(data_dir, PASSWORD)
        fired, calls = faults.fired, faults.calls
        faults.disarm()
        assert not data_dir.exists() or strays(data_dir) == [], calls
        if not (data_dir / "prospects.xlsx").exists():
            Store.create(data_dir, "another password than before")
        else:
            assert ids(data_dir) == []
        if not fired:
            break


def test_s1_a_disk_that_is_really_full_refuses_and_keeps_the_old_one(prepared: Path, tmp_path: Path) -> None:
    """The system itself refuses to let a file grow past a limit, amid the write."""
    data_dir = tmp_path / "data"
    shutil.copytree(prepared, data_dir)
    before = contents(data_dir)
    size = len(before["prospects.xlsx"])
    for limit in (0, 1, size // 2, size - 1):
        said = child("full", data_dir, str(limit)).stdout
        assert said.startswith("refused The workbook could not be written"), said
        assert contents(data_dir) == before


def test_s1_a_log_that_takes_half_a_line_says_so(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unbuffered write may take a part without an error; the line must not count as written."""
    from lib.store import log

    class Half(_File):
        def write(self, content: bytes) -> int:
            return int(self.file.write(content[:10]))

    class Os:
        fdopen = staticmethod(lambda *given, **named: Half(os.fdopen(*given, **named), faults))

        def __getattr__(self, name: str) -> Any:
            return getattr(os, name)

    with monkeypatch.context() as patch:
        faults = Faults(patch, errno.EIO)
        patch.setattr(log, "os", Os())
        with pytest.raises(NotWritten):
            store.note("download", BY)
    store.note("later", BY)
    assert [entry.action for entry in store.log()] == ["later"]


def test_s1_a_change_on_the_disk_is_not_called_lost_for_want_of_its_line_in_the_log(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    (store.data_dir / "log").write_text("a file where the folder should be")
    pid = store.add(person("Tallessa Tosiaan"), by=BY)  # acknowledged: it is on the disk
    assert ids(store.data_dir) == [pid]
    assert "waits" in caplog.text and "Tallessa" not in caplog.text
    before = contents(store.data_dir)
    for refused in (CHANGES["add"], lambda s: s.note("download", BY)):  # but nothing more goes unlogged
        with pytest.raises(NotWritten):
            refused(store)
    assert contents(store.data_dir) == before
    (store.data_dir / "log").unlink()
    store.add(person("Sitten"), by=BY)
    assert [(e.action, e.ids) for e in store.log()] == [("add", ["P-000002"]), ("add", ["P-000001"])]


def test_s1_a_line_that_waits_is_written_when_the_store_closes(store: Store) -> None:
    (store.data_dir / "log").write_text("a file where the folder should be")
    store.add(person(), by=BY)
    (store.data_dir / "log").unlink()
    store.close()
    assert [e.action for e in store.log()] == ["add"]


# -- S2: killed --------------------------------------------------------------------------------------------


def child(*arguments: object, **others: Any) -> subprocess.CompletedProcess[str]:
    """Run a process of its own to its end."""
    return subprocess.run(_child(*arguments), cwd=ROOT, capture_output=True, text=True, timeout=90, **others)


def _child(*arguments: object) -> list[str]:
    return [sys.executable, "-B", "-m", "tests.store.child", *map(str, arguments)]


STEPS = {
    "before the write": "old",
    "amid the write": "old",
    "before the sync": "old",
    "before the swap": "old",
    "after the swap": "new",
    "before the folder's sync": "new",
    "after the folder's sync": "new",
    "amid the line of the log": "new",
}


@pytest.mark.parametrize(
    ("step", "what"), [*((step, "add") for step in STEPS), ("amid the write", "remove"), ("after the swap", "remove")]
)
def test_s2_killed_at_any_step_the_next_start_works_by_itself(store: Store, step: str, what: str) -> None:
    died = child("die", store.data_dir, step, what)
    assert died.returncode == -9 and "not killed" not in died.stdout, died
    assert died.stdout.split() == ["acknowledged", "P-000001", "acknowledged", "P-000002"]
    old, new = ["P-000001", "P-000002"], ["P-000001", "P-000002", "P-000003"] if what == "add" else ["P-000002"]
    with Store.open(store.data_dir, PASSWORD) as again:
        assert list(again.frame["id"]) == (old if STEPS[step] == "old" else new)
        assert strays(store.data_dir) == []
        taken = max(again.frame["id"])
        assert again.add(person("Neljäs"), by=BY) == f"P-{int(taken[2:]) + 1:06d}"
        entries = again.log()
        assert next(e.ids for e in entries) == [max(again.frame["id"])]
    store.refresh()  # and who had it open all the time sees the same
    assert list(store.frame["id"])[:-1] == (old if STEPS[step] == "old" else new)


# -- S3: at the same time ----------------------------------------------------------------------------------


def together(data_dir: Path, commands: list[tuple[Any, ...]]) -> list[str]:
    """Run processes that begin at the same moment; what each said after "ready"."""
    running = [
        subprocess.Popen(_child(name, data_dir, *given), cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for name, *given in commands
    ]
    for process in running:
        assert process.stdout and process.stdout.readline() == "ready\n"
    (data_dir / "go").touch()
    said = [process.communicate(timeout=120)[0] for process in running]
    assert [process.returncode for process in running] == [0] * len(running)
    return said


def test_s3_processes_and_threads_enter_together_and_nothing_is_lost(store: Store) -> None:
    own: list[str] = []

    def enter(source: Store, name: str) -> None:
        own.extend(source.add(person(f"{name} {n}"), by=name) for n in range(10))

    second = Store.open(store.data_dir, PASSWORD)
    threads = [
        threading.Thread(target=enter, args=(source, name))
        for source, name in ((store, "säie1"), (store, "säie2"), (second, "säie3"))
    ]
    commands = [("entries", f"prosessi{n}", 10) for n in range(4)]
    for thread in threads:
        thread.start()
    said = together(store.data_dir, commands)
    for thread in threads:
        thread.join()
    acknowledged = [line.split()[1] for text in said for line in text.splitlines()] + own
    assert len(acknowledged) == 70 == len(set(acknowledged))
    with Store.open(store.data_dir, PASSWORD) as again:
        assert sorted(again.frame["id"]) == sorted(acknowledged) == [f"P-{n:06d}" for n in range(1, 71)]
        names = {f"{who} {n}" for who in [*(c[1] for c in commands), "säie1", "säie2", "säie3"] for n in range(10)}
        assert set(again.frame["name"]) == names
        assert sorted(i for e in again.log() for i in e.ids) == sorted(acknowledged)


def test_s3_of_two_who_enter_the_same_person_one_gets_in(store: Store) -> None:
    said = together(store.data_dir, [("same",), ("same",), ("same",)])
    assert sorted(text.split()[0] for text in said) == ["acknowledged", "duplicate", "duplicate"]
    assert ids(store.data_dir) == ["P-000001"]


def test_s3_the_duplicate_check_sees_what_another_store_wrote(store: Store) -> None:
    with Store.open(store.data_dir, PASSWORD) as other:
        other.add(person(phone="040 1234567"), by=BY)
    with pytest.raises(Duplicate) as caught:
        store.add(person("Aivan Toinen", phone="0401234567"), by=BY, known=())
    assert caught.value.matches == ["P-000001"]
    assert store.add(person("Aivan Toinen", phone="0401234567"), by=BY, known=["P-000001"]) == "P-000002"
    assert store.add(person("Aivan Toinen", phone="0401234567"), by=BY) == "P-000003"


# -- S4: stale edits ---------------------------------------------------------------------------------------


@pytest.fixture
def two(store: Store) -> Iterator[tuple[Store, Store]]:
    """Two stores on one register with one row."""
    store.add(person("Aino", title="Johtaja"), by=BY)
    with Store.open(store.data_dir, PASSWORD) as other:
        yield store, other


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


# -- S5: edited from outside -------------------------------------------------------------------------------


def _append(changed: openpyxl.Workbook, **values: Any) -> None:
    sheet = changed["Prospektit"]
    places, row = columns(sheet), sheet.max_row + 1
    for heading, value in values.items():
        sheet.cell(row, places[heading]).value = value


def test_s5_edits_from_outside_arrive_and_later_entries_keep_them(store: Store) -> None:
    store.add(person("Aino"), by=BY)
    today = store.today

    def change(changed: openpyxl.Workbook) -> None:
        sheet = changed["Prospektit"]
        sheet.cell(2, columns(sheet)["Tila"]).value = "Tarjous"
        _append(changed, Nimi="Käsin Lisätty", Lähde="Puhelu", Vastaanotettu=today)
        _append(changed, Tunnus="P-000001", Nimi="Kahdesti Numeroitu", Lähde="Puhelu", Vastaanotettu=today)
        _append(changed, Tunnus="oma", Nimi="Omin Numeroin", Lähde="Puhelu", Vastaanotettu=today)

    from lib import schema

    assert schema.label("source", "phone", "fi")
    edit(store.path, lambda changed: _with_finnish(changed, change))
    store.refresh()
    assert store.register.row("P-000001")["status"] == "offer"
    arrived = ["Aino", "Käsin Lisätty", "Kahdesti Numeroitu", "Omin Numeroin"]
    assert list(store.frame["name"]) == arrived
    assert list(store.frame["id"]) == [f"P-{n:06d}" for n in (1, 2, 3, 4)]
    assert store.add(person("Verkosta"), by=BY) == "P-000005"
    with Store.open(store.data_dir, PASSWORD) as again:
        assert list(again.frame["name"]) == [*arrived, "Verkosta"]
        assert list(again.frame["id"]) == [f"P-{n:06d}" for n in range(1, 6)]
        assert again.register.row("P-000001")["status"] == "offer"


def _with_finnish(changed: openpyxl.Workbook, change: Callable[[openpyxl.Workbook], None]) -> None:
    """Do the change with the catalogue's own words for the choices."""
    from lib import schema

    change(changed)
    sheet = changed["Prospektit"]
    places = columns(sheet)
    for row in range(2, sheet.max_row + 1):
        cell = sheet.cell(row, places["Lähde"])
        cell.value = schema.label("source", "phone", "fi") if cell.value == "Puhelu" else cell.value
        cell = sheet.cell(row, places["Tila"])
        cell.value = schema.label("status", "offer", "fi") if cell.value == "Tarjous" else cell.value


def test_s5_an_add_takes_over_what_was_written_outside_without_a_refresh(store: Store) -> None:
    store.add(person("Aino"), by=BY)

    def rename(changed: openpyxl.Workbook) -> None:
        sheet = changed["Prospektit"]
        sheet.cell(2, columns(sheet)["Nimi"]).value = "Uudelleen Nimetty"

    edit(store.path, rename)
    store.add(person("Bertta"), by=BY)
    with Store.open(store.data_dir, PASSWORD) as again:
        assert list(again.frame["name"]) == ["Uudelleen Nimetty", "Bertta"]


# -- S8: nothing in the clear ------------------------------------------------------------------------------


def test_s8_no_write_of_a_process_holds_a_row_in_the_clear(data_dir: Path, tmp_path: Path) -> None:
    if not shutil.which("strace"):
        missing("strace")
    canary, temp = "KANARIALINTU7391", tmp_path / "temp"
    temp.mkdir()
    Store.create(data_dir, PASSWORD)
    trace = tmp_path / "trace"
    names = "trace=open,openat,creat,write,pwrite64,writev,pwritev,rename,renameat,renameat2,sendto,sendmsg"
    ran = subprocess.run(
        ["strace", "-f", "-s", "10000000", "-e", names, "-o", trace, *_child("everyday", data_dir, canary)],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(temp)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0 and ran.stdout == "done\n", ran.stderr[-2000:]
    lines = trace.read_text("utf-8", "replace").splitlines()
    writes = [line for line in lines if "write" in line.split("(")[0]]
    swaps = [line for line in lines if " rename" in line and "prospects.xlsx" in line]
    assert len(swaps) >= 4 and any("prospects.xlsx" in line and "O_CREAT" in line for line in lines)
    assert any(r"\320\317\21\340" in line for line in writes)  # the trace does show what is written
    for line in lines:
        if "exec" not in line.split("(")[0]:
            assert canary not in line, line[:300]
    # A plain workbook would hide the canary by compression, so none of its parts may be written either.
    assert not [line[:200] for line in writes if r"PK\3\4" in line or "xl/worksheets" in line or "<row" in line]
    assert list(temp.rglob("*")) == []
    for name, content in contents(tmp_path).items():
        if name != "trace":
            assert canary.encode() not in content and not content.startswith(b"PK"), name


# -- S10: removed is removed -------------------------------------------------------------------------------


def test_s10_after_a_removal_nothing_of_the_row_is_left(store: Store) -> None:
    secret = {
        code: f"Salaisuus{code}" for code in ("name", "organisation", "title", "address", "notes", "source_detail")
    }
    secret |= {"email": "salaisuus@example.com", "phone": "0405550199", "interests": "Salaisuusaihe"}
    gone = store.add({"source": "phone", **secret}, by=BY)
    stays = store.add(person("Pysyvä", notes="pysyy"), by=BY)
    told: list[float] = []
    with Store.open(store.data_dir, PASSWORD) as other:
        store.remove([gone], by=BY, reason="erasure")
        store.erase(told.append)
        other.refresh()
        assert list(other.frame["id"]) == [stays]
    assert told[-1] == 1.0
    text = all_text(opened(store.path))
    assert "pysyy" in text
    for word in ("alaisuus", "405550199"):
        assert word not in text
        assert not any(word.encode() in content for content in contents(store.data_dir).values())
    assert "alaisuus" not in str(store.log())


def test_s10_erasing_is_refused_where_the_workbook_cannot_be_read(store: Store) -> None:
    gone = store.add(person(), by=BY)
    store.remove([gone], by=BY, reason="erasure")
    whole = store.path.read_bytes()
    store.path.write_bytes(whole[:-600])
    with pytest.raises(Damaged):
        store.erase()
    store.path.unlink()
    with pytest.raises(WorkbookMissing):
        store.erase()


def test_s10_erasing_reads_the_file_itself_whatever_its_stamp_says(store: Store) -> None:
    gone = store.add(person(), by=BY)
    store.remove([gone], by=BY, reason="erasure")
    stamp, whole = store.path.stat(), bytearray(store.path.read_bytes())
    whole[len(whole) // 2] ^= 1
    store.path.write_bytes(whole)
    os.utime(store.path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    store.refresh()  # sees no difference
    with pytest.raises(Damaged):
        store.erase()


def test_s10_what_a_killed_write_left_goes_before_a_removal_is_called_done(store: Store) -> None:
    gone = store.add(person(), by=BY)
    leftover = store.data_dir / ".prospects.xlsx.12ab34cd.tmp"
    leftover.write_bytes(store.path.read_bytes())
    store.remove([gone], by=BY, reason="erasure")
    store.erase()
    assert not leftover.exists()


# -- numbers, dates, settings ------------------------------------------------------------------------------


def test_a_number_is_never_given_twice_also_after_a_removal_and_a_reopening(store: Store) -> None:
    for name in ("a", "b", "c"):
        store.add(person(name), by=BY)
    store.remove(["P-000003", "P-000002"], by=BY, reason="expired")
    assert store.add(person("d"), by=BY) == "P-000004"
    store.remove(["P-000004"], by=BY, reason="expired")
    with Store.open(store.data_dir, PASSWORD) as again:
        assert again.add(person("e"), by=BY) == "P-000005"
        again.remove(["P-000001", "P-000005"], by=BY, reason="expired")
    with Store.open(store.data_dir, PASSWORD) as last:
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
    store.add(person("Toinen"), by=BY)
    sheet = openpyxl.load_workbook(__import__("io").BytesIO(opened(store.path)))["Prospektit"]
    assert str(sheet.cell(2, columns(sheet)["Poistettava viimeistään"]).value) == "2027-05-01 00:00:00"


def test_a_date_that_cannot_be_held_or_counted_does_not_shut_the_register(store: Store) -> None:
    for slip in ({"received": "0026-11-22"}, {"next_contact": "9999-12-31"}):
        with pytest.raises(Invalid):
            store.add(person(**slip), by=BY)
    store.add(person(next_contact="2200-12-31"), by=BY)
    assert ids(store.data_dir) == ["P-000001"]


def test_a_complete_row_without_its_received_date_is_refused(store: Store) -> None:
    with pytest.raises(Invalid) as caught:
        store.add_many([{"source": "phone", "name": "Aino"}], by=BY)
    assert set(caught.value.fields) == {"received"}
    assert ids(store.data_dir) == []


def test_broken_settings_are_told_and_the_workbook_stays(store: Store) -> None:
    store.add(person(), by=BY)
    (store.data_dir / "settings.toml").write_text("retention_years = 'many'")
    before = contents(store.data_dir)
    with pytest.raises(Invalid) as caught:
        Store.open(store.data_dir, PASSWORD)
    assert set(caught.value.fields) == {"retention_years"}
    with pytest.raises(Invalid):
        store.add(person("Toinen"), by=BY)
    assert contents(store.data_dir) == before


# -- the interface -----------------------------------------------------------------------------------------


def test_a_register_is_not_made_over_another(store: Store) -> None:
    store.add(person(), by=BY)
    before = contents(store.data_dir)
    with pytest.raises(AlreadyExists):
        Store.create(store.data_dir, PASSWORD)
    assert contents(store.data_dir) == before


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


def test_many_rows_come_in_one_write(store: Store) -> None:
    made = store.add_many([person(f"Henkilö {n}", received=store.today) for n in range(60)], by="sample")
    assert made == [f"P-{n:06d}" for n in range(1, 61)]
    assert store.info()["generation"] == 2 and store.info()["rows"] == 60
    assert store.register.row("P-000060")["created_by"] == "sample"


def test_info_says_what_there_is(store: Store) -> None:
    store.add(person(), by=BY)
    info = store.info()
    assert (info["rows"], info["last_number"], info["exists"]) == (1, 1, True)
    assert info["size"] == store.path.stat().st_size and len(info["register"]) == 16
    with Store.open(store.data_dir, PASSWORD) as again:
        assert again.info() == info


@pytest.mark.parametrize("break_it", ["gone", "damaged"])
def test_a_lost_workbook_is_written_anew_from_memory_when_asked(store: Store, break_it: str) -> None:
    store.add(person("Muistista"), by=BY)
    store.path.unlink() if break_it == "gone" else store.path.write_bytes(b"x")
    with pytest.raises(StoreError):
        store.add(person(), by=BY)
    store.rewrite(by=BY)
    with Store.open(store.data_dir, PASSWORD) as again:
        assert list(again.frame["name"]) == ["Muistista"]
    assert store.log()[0].action == "rewrite"


def test_lost_keys_are_made_anew_for_who_has_the_workbooks_password(store: Store) -> None:
    store.add(person(), by=BY)
    (store.data_dir / "keys.json").unlink()
    with Store.open(store.data_dir, PASSWORD) as again:
        assert len(again.frame) == 1 and again.log() == []  # sealed under the lost key
        again.add(person("Toinen"), by=BY)
        assert len(again.log()) == 1


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
    assert sealed(opened(store.path)) != store.path.read_bytes()


# -- what stands in the way ----------------------------------------------------------------------------------


def test_writing_anew_keeps_what_stood_in_the_workbooks_place(store: Store) -> None:
    store.add(person(), by=BY)
    store.path.write_bytes(b"what somebody else put there")
    store.rewrite(by=BY)
    (aside,) = store.data_dir.glob("prospects-set-aside-*.xlsx")
    assert aside.read_bytes() == b"what somebody else put there"
    assert ids(store.data_dir) == ["P-000001"]


def test_s1_a_disk_that_does_not_confirm_is_told_and_the_change_stays(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unconfirmed(_folder: Path) -> None:
        raise NotWritten(reason="-")

    monkeypatch.setattr("lib.files.sync_folder", unconfirmed)
    with pytest.raises(NotSynced):
        store.add(person(), by=BY)
    assert list(store.frame["id"]) == ids(store.data_dir) == ["P-000001"]
    assert [entry.action for entry in store.log()] == ["add"]
