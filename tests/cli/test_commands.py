"""What the register holds, whether it is sound, copies of it and its password, from the terminal."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lib import settings
from lib.errors import WrongPassword
from lib.store import Store
from tests.store.steps import READS, Steps
from tests.store.tools import contents, named, opened, strays

from .tools import NEW, ROOT, WORKBOOK, Here, Quick, actions, command, environment, failed, fine, run

OWNER = ".~lock.prospects.xlsx#"
REKEY = {"PROSPECTS_NEW_PASSWORD": NEW}
ROWS = {f"P-{n:06d}": name for n, name in enumerate(("Aino", "Bertta", "Cecilia", "Daavid"), 1)}


def hold(data: Path) -> Path:
    """Somebody opens the workbook."""
    (data / OWNER).write_text("Bertta Virtanen,bertta,kone,;")
    return data / OWNER


def second_place(data: Path, folder: Path) -> None:
    folder.mkdir()
    settings.save(data, settings.load(data), second_place=str(folder))


def workbooks(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.xlsx"))


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


# -- info ------------------------------------------------------------------------------------------------------


@pytest.fixture
def server(small: Path) -> Iterator[None]:
    """A server has the folder."""
    code = (
        "import sys; from pathlib import Path; from lib.installation import Installation\n"
        "served = Installation(Path(sys.argv[1])); served.claim_server(); print(flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(small)], cwd=ROOT, stdin=-1, stdout=-1) as process:
        assert process.stdout and process.stdout.readline()
        yield
        process.communicate()


def told(quick: Quick, data: Path, *arguments: object, status: int = 0, **given: str) -> dict[str, object]:
    """What a command says in JSON."""
    code, said, errors = quick(data, *arguments, "--json", **given)
    assert (code, errors) == (status, ""), (said, errors)
    answer = json.loads(said)
    assert isinstance(answer, dict)
    return answer


def test_info_tells_of_backups_and_who_has_the_workbook_open(small: Path, quick: Quick) -> None:
    copies = {path.name for path in (small / "backups").glob("*.xlsx")}
    facts = told(quick, small, "info")
    assert (facts["rows"], facts["unwritten"], facts["backups"], facts["held_by"]) == (4, 1, len(copies), "")
    assert facts["newest_backup"] in copies and facts["newest_backup_made"]
    hold(small)
    facts = told(quick, small, "info")
    assert (facts["held_by"], facts["held_in"]) == ("Bertta Virtanen", "LibreOffice") and facts["held_since"]


def test_info_tells_of_the_second_place(small: Path, quick: Quick, tmp_path: Path) -> None:
    second_place(small, tmp_path / "toinen")
    (tmp_path / "toinen").rmdir()
    facts = told(quick, small, "info")
    assert "out of reach" in str(facts["second_place_trouble"]) and facts["second_place_lacks"] == 2


@pytest.mark.usefixtures("server")
def test_info_tells_that_a_server_runs(small: Path, quick: Quick) -> None:
    assert told(quick, small, "info")["server"] is True


def test_info_tells_that_no_server_runs_and_does_not_take_its_place(small: Path, quick: Quick) -> None:
    assert told(quick, small, "info")["server"] is False
    (small / "server.lock").touch()
    assert json.loads(fine(run(small, "info", "--json")))["server"] is False
    assert told(quick, small, "info")["server"] is False  # nothing is kept of the look


# -- verify ----------------------------------------------------------------------------------------------------


def test_s7_verify_finds_a_missing_or_damaged_workbook_and_writes_nothing(
    small: Path, quick: Quick, here: Here
) -> None:
    assert told(quick, small, "verify") == {"rows": 4, "findings": []}
    (small / "prospects.xlsx").write_bytes((small / "prospects.xlsx").read_bytes()[:-3000])
    before = contents(small)
    ran = here(small, "verify")
    assert "prospects.xlsx is damaged" in fine(ran, 1) and "4 rows, 1 findings." in ran.stdout
    (small / "prospects.xlsx").unlink()
    (finding,) = told(quick, small, "verify", status=1)["findings"]  # type: ignore[misc]
    assert finding["where"] == "prospects.xlsx"
    (small / "prospects.xlsx").write_bytes(before["prospects.xlsx"])
    assert contents(small) == before


def test_s7_verify_finds_a_damaged_journal(small: Path, quick: Quick) -> None:
    (path,) = (small / "journal").glob("*.journal")
    damage(path)
    before = contents(small)
    answer = told(quick, small, "verify", status=1)
    assert answer["rows"] is None and [f["where"] for f in answer["findings"]] == [path.name]  # type: ignore[index,union-attr]
    assert "No rows, 1 findings." in quick(small, "verify")[1]
    assert contents(small) == before


def test_s9_verify_proves_the_backups(small: Path, quick: Quick) -> None:
    damage(max((small / "backups").glob("manual-*.xlsx")))
    assert quick(small, "verify")[0] == 1


# -- backup ----------------------------------------------------------------------------------------------------


def test_s9_backup_keeps_a_verified_copy_and_prints_its_name(small: Path, here: Here) -> None:
    name = fine(run(small, "backup")).strip()
    assert (small / "backups" / name).exists() and name.startswith("manual-") and "-r4." in name
    assert actions(small)[0] == ("cli", "backup")
    assert fine(here(small, "verify")) == "4 rows, 0 findings.\n"


def test_backup_is_made_also_while_somebody_has_the_workbook_open(small: Path, quick: Quick) -> None:
    before = (small / "prospects.xlsx").read_bytes()
    hold(small)
    assert "-r4." in str(told(quick, small, "backup")["backup"])
    assert (small / "prospects.xlsx").read_bytes() == before


def test_a_backup_that_did_not_get_to_the_second_place_is_a_finding(small: Path, quick: Quick, tmp_path: Path) -> None:
    second_place(small, tmp_path / "toinen")
    (tmp_path / "toinen").rmdir()
    answer = told(quick, small, "backup", status=1)
    assert (small / "backups" / str(answer["backup"])).exists() and "out of reach" in str(
        answer["second_place_trouble"]
    )
    (tmp_path / "toinen").mkdir()
    assert told(quick, small, "backup")["second_place_trouble"] == ""


def test_the_list_of_backups_needs_no_password(small: Path, quick: Quick, tmp_path: Path, here: Here) -> None:
    second_place(small, tmp_path / "toinen")
    assert quick(small, "backup")[0] == 0
    before = contents(small)
    found = json.loads(fine(here(small, "backup", "--list", "--json", PROSPECTS_WORKBOOK_PASSWORD=None)))
    files = sorted(
        (path.name, path.stat().st_size)
        for place in (small / "backups", tmp_path / "toinen")
        for path in workbooks(place)
    )
    assert sorted((f["name"], f["size"]) for f in found) == files
    manual = next(f for f in found if f["kind"] == "manual")
    assert manual == {**manual, "rows": 4, "place": "own"}
    assert {f["place"] for f in found} == {"own", "second"} and found[0]["made"].startswith("20")
    assert found[0]["name"] in quick(small, "backup", "--list")[1]
    assert contents(small) == before


def test_where_there_are_no_backups_or_no_register_the_list_says_so(tmp_path: Path, quick: Quick) -> None:
    assert quick(tmp_path, "backup", "--list") == (0, "There are no backups.\n", "")
    assert quick(tmp_path / "none", "backup", "--list")[0] == 2
    assert not (tmp_path / "none").exists()


# -- rekey -----------------------------------------------------------------------------------------------------


def opens_with_new_alone(data: Path) -> None:
    """Every workbook and the journal follow, and nothing is lost."""
    with pytest.raises(WrongPassword):
        Store.open(data, WORKBOOK)
    for path in workbooks(data):
        assert opened(path, NEW), path
    store = Store.open(data, NEW)
    assert named(store) == ROWS and store.passwords == [NEW] and strays(data) == []


def test_s11_rekey_gives_workbook_copies_and_files_set_aside_another_password(small: Path, here: Here) -> None:
    (small / "aside").mkdir()
    shutil.copy(small / "prospects.xlsx", small / "aside" / "original-20261122T120000.xlsx")
    assert "opens the workbook and its copies" in fine(run(small, "rekey", **REKEY))
    opens_with_new_alone(small)
    assert ("cli", "rekey") in actions(small, NEW)
    failed(here(small, "info"))
    fine(here(small, "info", PROSPECTS_WORKBOOK_PASSWORD=NEW))


def test_s11_the_new_password_may_come_from_a_file(small: Path, quick: Quick, tmp_path: Path) -> None:
    (tmp_path / "uusi").write_text(f"{NEW}\n", "utf-8")
    assert told(quick, small, "rekey", PROSPECTS_NEW_PASSWORD_FILE=str(tmp_path / "uusi")) == {
        "changed": True,
        "left": [],
    }
    opens_with_new_alone(small)


@pytest.mark.parametrize(
    ("password", "said"), [("lyhyt", "too short"), (WORKBOOK, "password already")], ids=["weak", "the same"]
)
def test_s11_a_new_password_that_cannot_be_used_changes_nothing(
    small: Path, quick: Quick, password: str, said: str
) -> None:
    before = contents(small)
    status, _, errors = quick(small, "rekey", PROSPECTS_NEW_PASSWORD=password)
    assert status == 2 and said in errors and contents(small) == before


def test_s11_a_new_password_is_typed_twice(small: Path, quick: Quick, monkeypatch: pytest.MonkeyPatch) -> None:
    typed = iter([NEW, NEW + "x"])
    monkeypatch.setattr("getpass.getpass", lambda _: next(typed))
    before = contents(small)
    assert quick(small, "rekey")[0] == 2 and contents(small) == before
    typed = iter([NEW, NEW])
    assert quick(small, "rekey")[0] == 0
    opens_with_new_alone(small)


def test_s11_while_somebody_has_the_workbook_open_rekey_says_what_is_left_and_can_be_finished(
    small: Path, quick: Quick, here: Here
) -> None:
    held = hold(small)
    ran = here(small, "rekey", **REKEY)
    said = fine(ran, 1)
    assert "in force" in said and "Bertta Virtanen has the workbook open" in said and "same command again" in said
    for password in (WORKBOOK, NEW):
        assert named(Store.open(small, password)) == ROWS
    assert "Bertta" in quick(small, "rekey", **REKEY)[1]
    held.unlink()
    assert told(quick, small, "rekey", **REKEY) == {"changed": True, "left": []}
    opens_with_new_alone(small)


def test_s11_what_is_out_of_reach_is_left_and_another_change_has_to_wait_for_it(
    small: Path, quick: Quick, tmp_path: Path
) -> None:
    place = tmp_path / "toinen"
    second_place(small, place)
    assert quick(small, "backup")[0] == 0
    place.rename(tmp_path / "irrotettu")
    answer = told(quick, small, "rekey", status=1, **REKEY)
    assert answer["changed"] is True and "out of reach" in str(answer["left"])
    other = {"PROSPECTS_NEW_PASSWORD": "kolmas pitkä salasana"}
    answer = told(quick, small, "rekey", status=1, **other)
    assert answer["changed"] is False and "out of reach" in str(answer["left"])
    (tmp_path / "irrotettu").rename(place)
    assert quick(small, "rekey", **REKEY)[0] == 0
    opens_with_new_alone(small)
    for path in workbooks(place):
        assert opened(path, NEW)


# -- Ctrl-C ----------------------------------------------------------------------------------------------------


def test_ctrl_c_before_anything_is_written_says_that_nothing_was(
    small: Path, quick: Quick, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(_: str) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("getpass.getpass", stop)
    before = contents(small)
    assert quick(small, "rekey") == (2, "", "Stopped. Nothing was changed.\n")
    assert contents(small) == before


def test_s11_ctrl_c_in_the_middle_of_rekey_is_safe_and_says_so(small: Path, quick: Quick) -> None:
    assert quick(small, "backup")[0] == 0
    # So many that it is still at work when the signal comes.
    settings.save(small, settings.load(small), backups_other=20)
    made = next((small / "backups").glob("manual-*"))
    for minute in range(19):
        shutil.copy(made, made.with_name(f"manual-20260101T12{minute:02d}00{made.name[22:]}"))
    # What runs in the background of a shell ignores Ctrl-C, and so would its children.
    process = subprocess.Popen(
        command(small, "rekey"),
        cwd=ROOT,
        env=environment(**REKEY),
        stdin=subprocess.DEVNULL,
        stdout=-1,
        stderr=-1,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while b'"previous"' not in (small / "keys.json").read_bytes() and process.poll() is None:
        time.sleep(0.001)
    process.send_signal(signal.SIGINT)
    said, errors = (stream.decode() for stream in process.communicate(timeout=60))
    assert (process.returncode, said) == (2, "") and "Stopped in the middle" in errors and "Traceback" not in errors
    for password in (WORKBOOK, NEW):
        assert named(Store.open(small, password)) == ROWS
    assert quick(small, "rekey", **REKEY)[0] == 0
    opens_with_new_alone(small)


@pytest.mark.parametrize("number", range(1, 90, 11))
def test_s11_ctrl_c_at_any_step_of_rekey_loses_nothing(small: Path, quick: Quick, number: int) -> None:
    count = 0

    def stop(step: str, *_: object) -> None:
        nonlocal count
        count += step.split()[0] not in READS
        if count == number:
            count += 1
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        Steps(small, stop, patch)
        status, _, said = quick(small, "rekey", **REKEY)
    assert (status, said[:7]) in ((2, "Stopped"), (0, "")), said
    fresh = Store.open(small, NEW) if _opens(small, NEW) else Store.open(small, WORKBOOK)
    assert named(fresh) == ROWS
    if fresh.passwords != [NEW]:
        assert quick(small, "rekey", **REKEY)[0] == 0
    opens_with_new_alone(small)


def _opens(data: Path, password: str) -> bool:
    try:
        Store.open(data, password)
    except WrongPassword:
        return False
    return True
