"""S8: no plaintext of a row on disk, ever. Every write of the processes that hold the register is looked at."""

from __future__ import annotations

import os
import re
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lib.store import Store
from tests.conftest import missing

from .tools import PASSWORD, ROOT, contents

CANARY = "KANARIALINTU7391"
# What one call of the system that writes looks like, with the file that it writes to.
WRITE = re.compile(r"^\d+ +(?:write|pwrite64|writev|pwritev2?|sendto|sendmsg|sendfile|copy_file_range)\((\d+<[^>]*>)")
MEMORY = re.compile(r"\d+<(?:pipe:|socket:|anon_inode:|UNIX)")
# Parts of a plain workbook: compression would hide the canary.
PLAIN = (r"PK\3\4", "xl/worksheets", "<row", "<worksheet", "sharedStrings")


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-B", "-m", "tests.store.canary_child", *map(str, arguments)]


def test_s8_no_write_of_any_process_holds_a_row_in_the_clear(data_dir: Path, tmp_path: Path) -> None:
    if not shutil.which("strace"):
        missing("strace")
    Store.create(data_dir, PASSWORD)
    temp, trace = tmp_path / "temp", tmp_path / "trace"
    temp.mkdir()
    doing = command("everyday", data_dir, CANARY)
    names = "open,openat,creat,write,pwrite64,writev,pwritev,pwritev2,sendto,sendmsg,sendfile,copy_file_range,mmap"
    names += ",rename,renameat,renameat2,link,linkat,symlink,symlinkat,mkdir,mkdirat,execve,memfd_create,ftruncate"
    ran = subprocess.run(
        ["strace", "-f", "--seccomp-bpf", "-y", "-s", "5000000", "-e", f"trace={names}", "-o", trace, *doing],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(temp)},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert ran.returncode == 0 and ran.stdout == "done\n", ran.stderr[-3000:]
    assert CANARY not in ran.stderr
    lines = trace.read_text("utf-8", "replace").splitlines()
    writes = [(match[1], line) for line in lines if (match := WRITE.match(line))]
    to_files = [(where, line) for where, line in writes if not MEMORY.match(where)]
    # The trace does show what is written: workbooks, the journal, and what goes to the child over a pipe.
    assert sum("prospects.xlsx" in where and r"\320\317\21\340" in line for where, line in to_files) >= 5
    assert any(".journal" in where for where, _ in to_files)
    assert any(CANARY in line for where, line in writes if MEMORY.match(where))
    assert sum("execve" in line and "lib.store.worker" in line for line in lines) >= 2
    for where, line in to_files:
        assert CANARY not in line, (where, line[:300])
        assert not any(part in line for part in PLAIN), (where, line[:300])
    for line in lines:  # nor in a name, nor in a file mapped into memory for writing
        if not WRITE.match(line) and " execve(" not in line:
            assert CANARY not in line, line[:300]
        if " mmap(" in line and "MAP_SHARED" in line and "PROT_WRITE" in line:
            assert str(tmp_path) not in line, line[:300]
        if "O_CREAT" in line or "O_WRONLY" in line or "O_RDWR" in line:
            assert str(tmp_path) in line or re.search(r'"/dev/|"/proc/|ENOENT|EACCES', line), line[:300]
    assert list(temp.rglob("*")) == []
    for name, content in contents(tmp_path).items():
        if name != "trace":
            assert CANARY.encode() not in content and not content.startswith(b"PK"), name


@pytest.mark.parametrize("how", ["kill", "abort", "error"])
def test_s8_a_crash_leaves_nothing_in_the_clear(data_dir: Path, tmp_path: Path, how: str) -> None:
    Store.create(data_dir, PASSWORD)
    folder = tmp_path / "folder"
    folder.mkdir()
    ran = run_in(folder, command("crash", data_dir, CANARY, how))
    assert "ready" in ran.stdout and ran.returncode != 0
    assert CANARY not in ran.stderr and list(folder.rglob("*")) == []
    for name, content in contents(tmp_path).items():
        assert CANARY.encode() not in content, name
    with Store.open(data_dir, PASSWORD) as again:
        assert list(again.frame["name"]) == [CANARY]


def test_s8_without_care_a_crash_would_leave_it(tmp_path: Path) -> None:
    """The control: where the processes above die, another one does leave its memory on the disk."""
    core = Path("/proc/sys/kernel/core_pattern")
    if not core.exists() or core.read_text().strip() != "core" or resource.getrlimit(resource.RLIMIT_CORE)[1] == 0:
        pytest.skip("this system keeps no core dumps in the current folder")
    assert run_in(tmp_path, [sys.executable, "-c", "import os; os.abort()"]).returncode == -6
    assert list(tmp_path.glob("core*"))


def run_in(folder: Path, given: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a process where core dumps go to a folder and none is too large."""
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    return subprocess.run(
        given,
        cwd=folder,
        env={**os.environ, "TMPDIR": str(folder), "PYTHONPATH": str(ROOT)},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (hard, hard)),
        capture_output=True,
        text=True,
        timeout=60,
    )
