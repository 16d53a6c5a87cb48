"""The file operations that a change of the register is made of, each with a name, so that a test can stop at any.

A step is named by what is done and to what: "replace workbook", "write backup", "unlink segment". What happens at a
step is up to the test: it fails (`Faults`) or its process is killed (`tests.store.child`).
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

READS = frozenset({"read", "list", "stat", "look"})
_KINDS = {"journal": "segment", "backups": "backup", "aside": "aside", "log": "log"}
# What is called at a step: its name, and what does half of a write, or nothing where it is none.
Hook = Callable[[str, Callable[[], object]], None]


class Steps:
    """Calls `hook` before each file operation below a folder. Where it raises, the operation is not done."""

    def __init__(self, folder: Path, hook: Hook, patch: pytest.MonkeyPatch) -> None:
        self._folder = os.fspath(folder)
        self._hook = hook
        self._open: dict[int, str] = {}  # what each descriptor belongs to
        self._closing: dict[int, str] = {}  # and those of files that are written
        for name, does in (("replace", "replace"), ("rename", "replace"), ("unlink", "unlink"), ("mkdir", "mkdir")):
            patch.setattr(os, name, self._on_path(getattr(os, name), does))
        for name, does in (("listdir", "list"), ("scandir", "list"), ("stat", "stat"), ("access", "stat")):
            patch.setattr(os, name, self._on_path(getattr(os, name), does))
        for name, does in (("ftruncate", "cut"), ("fstat", "stat")):
            patch.setattr(os, name, self._on_descriptor(getattr(os, name), does))
        patch.setattr(os, "fsync", self._on_descriptor(lambda descriptor: None, "sync"))  # it takes the time
        self._real = os.open, os.write, os.close, os.fdopen, io.open
        patch.setattr(os, "open", self._opened)
        patch.setattr(os, "write", self._written)
        patch.setattr(os, "close", self._closed)
        patch.setattr(os, "fdopen", self._as_file)
        patch.setattr(io, "open", self._read)

    def _what(self, path: Any) -> str:
        """What a path is, for the name of a step; "" outside the folder."""
        place = os.fspath(path) if isinstance(path, (str, os.PathLike)) else ""
        if place != self._folder and not place.startswith(self._folder + os.sep):
            return ""
        folder, name = os.path.split(place)
        if name.endswith(".lock"):
            return "lock"
        if kind := _KINDS.get(os.path.basename(folder)):  # noqa: PTH119  Path takes as long as the step
            return kind
        if name in _KINDS:
            return f"folder {name}"
        head = name.lstrip(".").split(".")[0]
        return {"prospects": "workbook"}.get(head, head if head in ("keys", "removed", "settings") else "folder")

    def step(self, does: str, what: str, half: Callable[[], object] = lambda: None) -> None:
        if what and what != "lock":
            self._hook(f"{does} {what}", half)

    def _on_path(self, real: Callable[..., Any], does: str) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            # What is moved is known by where it goes.
            self.step(does, self._what(given[1 if does == "replace" else 0]) if given else "")
            return real(*given, **named)

        return call

    def _on_descriptor(self, real: Callable[..., Any], does: str) -> Callable[..., Any]:
        def call(descriptor: int, *given: Any) -> Any:
            self.step(does, self._open.get(descriptor, ""))
            return real(descriptor, *given)

        return call

    def _opened(self, path: Any, flags: int, *given: Any, **named: Any) -> int:
        what = self._what(path)
        written = flags & (os.O_WRONLY | os.O_RDWR)
        self.step("open" if written else "look", what)
        descriptor = self._real[0](path, flags, *given, **named)
        self._open[descriptor], self._closing[descriptor] = what, what if written else ""
        return int(descriptor)

    def _written(self, descriptor: int, content: bytes) -> int:
        half = content[: len(content) // 2]
        self.step("write", self._open.get(descriptor, ""), lambda: self._real[1](descriptor, half))
        return int(self._real[1](descriptor, content))

    def _closed(self, descriptor: int) -> None:
        self._open.pop(descriptor, None)
        self._real[2](descriptor)
        self.step("close", self._closing.pop(descriptor, ""))

    def _as_file(self, descriptor: int, *given: Any, **named: Any) -> Any:
        return _File(self._real[3](descriptor, *given, **named), self, self._open.get(descriptor, ""))

    def _read(self, path: Any, mode: str = "r", *given: Any, **named: Any) -> Any:
        self.step("read", self._what(path))
        return self._real[4](path, mode, *given, **named)


class _File:
    """A file that names its steps."""

    def __init__(self, file: Any, steps: Steps, what: str) -> None:
        self._file, self._steps, self._what = file, steps, what

    def __enter__(self) -> _File:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._steps.step("close", self._what)

    def write(self, content: bytes) -> int:
        def half() -> None:
            self._file.write(content[: len(content) // 2])
            self._file.flush()

        self._steps.step("write", self._what, half)
        return int(self._file.write(content))

    def flush(self) -> None:
        self._steps.step("flush", self._what)
        self._file.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)
