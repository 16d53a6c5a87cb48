"""What the machine is, and how much memory a process has taken at most."""

from __future__ import annotations

import os
import platform
from pathlib import Path

_PROC = Path("/proc")


def described() -> str:
    """Cores, memory and the version of Python; nothing else of the machine."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = ""
    if hasattr(os, "sysconf"):
        gigabytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
        memory = f", {gigabytes:.0f} GB of memory"
    return f"{cores} cores{memory}, Python {platform.python_version()}"


def peak_memory(process: int) -> int | None:
    """The most memory that a process had resident, in bytes; None where it is gone or the system does not tell."""
    try:
        lines = (_PROC / str(process) / "status").read_text().splitlines()
    except OSError:
        return None
    # Not the kernel's account of ended children: that begins with the size of the parent they were forked from.
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), None)


def memory(process: int) -> int:
    """What a process and all below it have resident now, in bytes, shared pages in parts; 0 where the system does not
    tell."""
    return _resident(process) + sum(memory(child) for child in _children(process))


def workers(process: int) -> list[int]:
    """The children of a process that write a workbook."""
    return [child for child in _children(process) if _is_worker(child)]


def _children(process: int) -> list[int]:
    found: list[int] = []
    for task in _PROC.glob(f"{process}/task/*/children"):
        try:
            found += map(int, task.read_text().split())
        except OSError:  # a thread that has ended
            continue
    return found


def _resident(process: int) -> int:
    try:
        lines = (_PROC / str(process) / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


def _is_worker(process: int) -> bool:
    try:
        return b"lib.store.worker" in (_PROC / str(process) / "cmdline").read_bytes()
    except OSError:
        return False
