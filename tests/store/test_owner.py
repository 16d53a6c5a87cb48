"""Who has the workbook open: the owner files of Excel and LibreOffice."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lib.store import Store
from lib.store.owner import STALE_HOURS, holder
from tests.conftest import missing

from .test_libreoffice import SYSTEM_PYTHON
from .tools import PASSWORD

LIBREOFFICE, EXCEL, CUT = ".~lock.prospects.xlsx#", "~$prospects.xlsx", "~$ospects.xlsx"
AT = 1_795_345_500.0  # Sunday 22 November 2026, 13:05 in Helsinki
HELSINKI = ZoneInfo("Europe/Helsinki")


def by_excel(name: str, code: str = "cp1252") -> bytes:
    """An owner file as Excel writes it."""
    short = name.encode(code, "replace")
    text = name.encode("utf-16-le")
    first = (bytes([len(short)]) + short).ljust(55, b" ")
    return (first + len(name).to_bytes(2, "little") + text + b" \0" * 55)[:165]


@pytest.fixture
def workbook(tmp_path: Path) -> Path:
    (tmp_path / "prospects.xlsx").write_bytes(b"x")
    return tmp_path / "prospects.xlsx"


def lay(workbook: Path, file: str, content: bytes, hours_ago: float = 1) -> Path:
    path = workbook.with_name(file)
    path.write_bytes(content)
    os.utime(path, (AT - hours_ago * 3600,) * 2)
    return path


def name(workbook: Path) -> str:
    found = holder(workbook, now=AT)
    assert found
    return found.name


def test_nobody_is_there(workbook: Path) -> None:
    assert holder(workbook, now=AT) is None
    assert holder(workbook.with_name("none") / "prospects.xlsx", now=AT) is None


def test_s6_excel_says_who_and_since_when(workbook: Path) -> None:
    path = lay(workbook, EXCEL, by_excel("Äinö Kokeilija"))
    found = holder(workbook, now=AT, zone=HELSINKI)
    assert found
    assert (found.name, found.program, found.file) == ("Äinö Kokeilija", "Excel", path.name)
    assert found.since == dt.datetime(2026, 11, 22, 12, 5)
    path.unlink()
    assert holder(workbook, now=AT) is None


@pytest.mark.parametrize("who", ["A", "Łukasz Żółć", "李小龍", "x" * 52, "O'Brien, Inc.; \\ ~"])
def test_excels_name_is_read_from_its_unicode_part(workbook: Path, who: str) -> None:
    lay(workbook, EXCEL, by_excel(who))
    assert name(workbook) == who


def test_a_name_that_stands_only_in_eight_bits_is_read_too(workbook: Path) -> None:
    lay(workbook, EXCEL, bytes([4]) + "Ämmi".encode("cp1252"))
    assert name(workbook) == "Ämmi"


def test_words_form_and_its_cut_name_are_understood(workbook: Path) -> None:
    text = "李小龍".encode("utf-16-le")
    lay(workbook, CUT, (b"\3???".ljust(54, b"\0") + b"\3\0" + text).ljust(162, b"\0"))
    found = holder(workbook, now=AT)
    assert found and (found.name, found.file) == ("李小龍", CUT)


@pytest.mark.parametrize(
    ("content", "who"),
    [
        (",aino,työasema,22.11.2026 12:05,file:///home/aino/;", "aino"),
        ("Aino Kokeilija,aino,työasema,22.11.2026 12:05,file:///x;", "Aino Kokeilija"),
        (r"Kokeilija\, Aino\; \\ Oy,aino,kone,,;", r"Kokeilija, Aino; \ Oy"),
        (",,työasema,,;", "työasema"),
        ("Aino", "Aino"),
        ("Aino\\", "Aino"),
        (",,,,;", ""),
        (";", ""),
        (";another,entry,of,a,list;", ""),
        ("", ""),
        (",,,22.11.2026 12:05,;", ""),
        ("Ai\x00no\r\nB\x1b[31m,,,,;", "Ai no B [31m"),
    ],
)
def test_s6_libreoffice_says_who(workbook: Path, content: str, who: str) -> None:
    lay(workbook, LIBREOFFICE, content.encode())
    found = holder(workbook, now=AT)
    assert found and (found.name, found.program, found.file) == (who, "LibreOffice", LIBREOFFICE)


def test_of_both_files_libreoffices_counts_for_it_may_write_both(workbook: Path) -> None:
    lay(workbook, EXCEL, by_excel("Aino Kokeilija"))
    lay(workbook, LIBREOFFICE, b"Aino Kokeilija,aino,kone,,;")
    found = holder(workbook, now=AT)
    assert found and found.program == "LibreOffice"
    again = holder(workbook, now=AT, passed_over=[found.stamp])
    assert again and again.program == "Excel"
    assert holder(workbook, now=AT, passed_over={found.stamp, again.stamp}) is None


@pytest.mark.parametrize("file", [LIBREOFFICE, EXCEL, CUT])
def test_an_owner_file_is_stale_after_twelve_hours(workbook: Path, file: str) -> None:
    assert STALE_HOURS == 12
    lay(workbook, file, by_excel("Aino"), hours_ago=11.99)
    assert holder(workbook, now=AT)
    lay(workbook, file, by_excel("Aino"), hours_ago=12.01)
    assert holder(workbook, now=AT) is None


def test_the_moment_may_be_given_in_any_time_zone(workbook: Path) -> None:
    lay(workbook, EXCEL, by_excel("Aino"), hours_ago=11)
    for moment in (dt.datetime.fromtimestamp(AT), dt.datetime.fromtimestamp(AT, HELSINKI)):
        assert holder(workbook, now=moment)
        assert holder(workbook, now=moment + dt.timedelta(hours=2)) is None


def test_a_clock_that_is_a_little_off_does_not_matter_and_a_wrong_year_does_not_hold_for_ever(workbook: Path) -> None:
    lay(workbook, EXCEL, by_excel("Aino"), hours_ago=-0.1)
    assert holder(workbook, now=AT)
    lay(workbook, EXCEL, by_excel("Aino"), hours_ago=-9000)
    assert holder(workbook, now=AT) is None


def test_one_that_was_passed_over_counts_again_when_it_is_a_new_one(workbook: Path) -> None:
    lay(workbook, EXCEL, by_excel("Aino"))
    first = holder(workbook, now=AT)
    assert first and holder(workbook, now=AT, passed_over={first.stamp}) is None
    lay(workbook, EXCEL, by_excel("Aino"), hours_ago=0.5)
    assert holder(workbook, now=AT, passed_over={first.stamp})


def test_strange_things_in_its_place_break_nothing(workbook: Path) -> None:
    for file in (LIBREOFFICE, EXCEL, CUT):
        path = workbook.with_name(file)
        path.mkdir()
        assert holder(workbook, now=AT) is None
        path.rmdir()
        path.symlink_to(workbook.with_name("none"))
        assert holder(workbook, now=AT) is None
        path.unlink()
        if hasattr(os, "mkfifo"):
            os.mkfifo(path)  # opening it would wait for ever
            assert holder(workbook, now=time.time()) is None
            path.unlink()
    lay(workbook, EXCEL, b"\xff" * 5_000_000)
    assert len(name(workbook)) < 300


def test_s6_an_owner_file_that_may_not_be_read_still_holds(workbook: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay(workbook, EXCEL, by_excel("Aino"))

    def refused(*_: object, **__: object) -> object:
        raise PermissionError(13, "used by another process")

    monkeypatch.setattr(Path, "open", refused)
    assert name(workbook) == ""


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300), st.sampled_from([LIBREOFFICE, EXCEL]))
def test_whatever_stands_in_it_somebody_holds_and_the_name_can_be_shown(
    workbook: Path, content: bytes, file: str
) -> None:
    path = lay(workbook, file, content)
    assert name(workbook).isprintable()
    path.unlink()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"])), min_size=5, max_size=5))
def test_any_name_comes_back_from_libreoffices_form(workbook: Path, fields: list[str]) -> None:
    escaped = [f.replace("\\", "\\\\").replace(",", "\\,").replace(";", "\\;") for f in fields]
    lay(workbook, LIBREOFFICE, (",".join(escaped) + ";").encode())
    assert name(workbook) == next((f for f in fields[:3] if f), "")


# -- a real LibreOffice --------------------------------------------------------------------------------------------

# Run by the system's Python, which has `uno`: opens a file, waits for a line, closes it.
CLIENT = """
import sys, time, uno
from com.sun.star.beans import PropertyValue

pipe, file, password = sys.argv[1:]
local = uno.getComponentContext()
resolver = local.ServiceManager.createInstanceWithContext("com.sun.star.bridge.UnoUrlResolver", local)
for attempt in range(300):
    try:
        context = resolver.resolve(f"uno:pipe,name={pipe};urp;StarOffice.ComponentContext")
        break
    except Exception:
        time.sleep(0.1)
desktop = context.ServiceManager.createInstanceWithContext("com.sun.star.frame.Desktop", context)
hidden, key = PropertyValue(), PropertyValue()
hidden.Name, hidden.Value, key.Name, key.Value = "Hidden", True, "Password", password
document = desktop.loadComponentFromURL(uno.systemPathToFileUrl(file), "_blank", 0, (hidden, key))
print("open", flush=True)
sys.stdin.readline()
document.close(True)
print("closed", flush=True)
"""
PROFILE = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.UserProfile/Data">
<prop oor:name="givenname" oor:op="fuse"><value>Äinö</value></prop></item>
<item oor:path="/org.openoffice.UserProfile/Data">
<prop oor:name="sn" oor:op="fuse"><value>Kokeilija, Oy; \\ 東</value></prop></item>
</oor:items>
"""


@pytest.fixture
def pipe(tmp_path: Path) -> Iterator[str]:
    """A LibreOffice whose user has a name of many characters; the pipe over which it is asked."""
    soffice = shutil.which("soffice")
    if not soffice:
        missing("LibreOffice (soffice)")
    try:
        subprocess.run([SYSTEM_PYTHON, "-c", "import uno"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        missing("python3-uno")
    (tmp_path / "profile" / "user").mkdir(parents=True)
    (tmp_path / "profile" / "user" / "registrymodifications.xcu").write_text(PROFILE, "utf-8")
    name = f"prospects{uuid.uuid4().hex[:12]}"
    options = ["--headless", "--norestore", "--nologo", "--nodefault", f"--accept=pipe,name={name};urp;"]
    running = subprocess.Popen(
        [str(soffice), *options, f"-env:UserInstallation=file://{tmp_path}/profile"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    yield name
    os.killpg(running.pid, signal.SIGTERM)  # soffice is a script; its child is the program
    try:
        running.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait(20)


@pytest.mark.libreoffice
def test_s6_a_real_libreoffice_is_seen_while_it_has_the_workbook_open(pipe: str, store: Store) -> None:
    assert holder(store.path, now=time.time()) is None
    client = subprocess.Popen(
        [SYSTEM_PYTHON, "-c", CLIENT, pipe, str(store.path), PASSWORD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert client.stdin and client.stdout
    try:
        assert client.stdout.readline() == "open\n"
        found = holder(store.path, now=time.time())
        assert found and (found.name, found.program) == ("Äinö Kokeilija, Oy; \\ 東", "LibreOffice")
        assert abs((dt.datetime.now() - found.since).total_seconds()) < 120
        out, _ = client.communicate("\n", timeout=60)
        assert out == "closed\n"
        assert holder(store.path, now=time.time()) is None
    finally:
        client.kill()
        client.wait()
        client.stdin.close()
        client.stdout.close()
