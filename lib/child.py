"""Work in a child process of this program: asked for over its standard input, answered over its standard output.

Everything stays in memory and in pipes. A thread would slow every page; a process of low priority does not.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lib import errors
from lib.errors import AppError, Damaged
from lib.process import harden

_ROOT = Path(__file__).parents[1]


class Ended(Exception):
    """The child is there no more, or never was."""


class Child:
    """A child process that does one job after the other until it is closed.

    Args:
        module: what it runs; that calls `serve`.

    Raises:
        Ended: it could not be started.
    """

    def __init__(self, module: str) -> None:
        self._asking = threading.Lock()
        try:
            self._process = subprocess.Popen(  # noqa: S603  one of our own modules
                [sys.executable, "-m", module],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=_ROOT,
                creationflags=getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0),
            )
        except OSError as error:
            raise Ended(str(error)) from error

    def ask(self, job: str, *given: Any) -> Any:
        """What a job answers.

        Raises:
            AppError: the job's own.
            Ended: there is no answer.
        """
        assert self._process.stdin and self._process.stdout
        with self._asking:
            try:
                pickle.dump((job, given), self._process.stdin, pickle.HIGHEST_PROTOCOL)
                self._process.stdin.flush()
                failed, answer = pickle.load(self._process.stdout)  # noqa: S301  from our own child
            except (OSError, EOFError, ValueError, pickle.UnpicklingError) as error:
                raise Ended(str(error)) from error
        if failed:
            kind, msgid, params = answer
            raise getattr(errors, kind)(msgid, **params)
        return answer

    @property
    def is_there(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        """End it in the middle of whatever it does."""
        self._process.kill()

    def close(self) -> None:
        """End it: it has nothing more to do."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                with contextlib.suppress(OSError):
                    pipe.close()
        self._process.wait()


def serve(jobs: Mapping[str, Callable[..., Any]]) -> None:
    """The child's life: a job in, an answer out, until the pipe ends."""
    with contextlib.suppress(AttributeError, OSError):
        os.nice(10)
    harden()
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    with contextlib.suppress(EOFError, BrokenPipeError):
        while True:
            job, given = pickle.load(sys.stdin.buffer)  # noqa: S301  from our own parent
            try:
                answer: Any = (False, jobs[job](*given))
            except AppError as error:
                answer = (True, (type(error).__name__, error.text.msgid, error.text.params))
            except MemoryError:
                answer = (True, ("StoreError", AppError.template, {}))
            except Exception:
                answer = (True, (Damaged.__name__, Damaged.template, {"file": "xlsx"}))
            del given
            pickle.dump(answer, answers, pickle.HIGHEST_PROTOCOL)
            answers.flush()
            del answer
