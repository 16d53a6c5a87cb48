"""What the server does once at its start, and what it says in the terminal."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
import traceback
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Any

from anyio import to_thread

from lib.access.credentials import warm_up
from lib.errors import AppError, Invalid
from lib.i18n import N_, Text, translator
from lib.installation import current
from lib.process import harden

LARGEST_UPLOAD = 20 * 1024 * 1024  # server.maxUploadSize, in bytes


def prepare() -> None:
    """Make the process safe to hold the register, and take the data folder; ends the process if another has it."""
    harden()
    _no_values_in_logs()
    _no_uploads_on_disk()
    try:
        installation = current()
        installation.claim_server()
        installation.settings  # noqa: B018  an unusable file shows here, not on a page
    except (AppError, OSError) as error:
        _stop(error)


def lifespan(address: Callable[[], str]) -> Callable[[Any], contextlib.AbstractAsyncContextManager[None]]:
    """The server's life: what it prints at the start, and the register closed at its end.

    Args:
        address: gives where the server is reached, once its port is known.
    """

    @contextlib.asynccontextmanager
    async def live(_app: Any) -> AsyncIterator[None]:
        installation = current()
        if installation.setup_code:
            language = installation.settings.language
            print(
                f"\n  {translator(language)(FIRST_START)}\n  {address()}/setup?code={installation.setup_code}\n",
                flush=True,
            )
        threading.Thread(target=warm_up, daemon=True).start()
        password = os.environ.get("PROSPECTS_WORKBOOK_PASSWORD")
        if password and not installation.is_new:
            try:
                await to_thread.run_sync(installation.open_unattended, password)
            except AppError as error:
                installation.store_error = error
        try:
            yield
        finally:
            await to_thread.run_sync(installation.close)

    return live


FIRST_START = N_("First start: open this address in the browser. It works once.")


def _stop(error: Exception) -> None:
    """Say in the terminal why the server does not start, and end."""
    texts = (
        [error.text]
        if isinstance(error, AppError)
        else [Text(N_("The data folder cannot be used: {problem}"), {"problem": error})]
    )
    if isinstance(error, Invalid):
        texts = [Text("{field}: {problem}", {"field": name, "problem": text}) for name, text in error.fields.items()]
    for text in texts:
        print(translator("en").text(text), file=sys.stderr, flush=True)
    # uvicorn would print a traceback for an exit through its import of the app.
    os._exit(1)


def _no_uploads_on_disk() -> None:
    """Keep uploads in memory: Starlette spools larger ones into the temporary folder, in the clear."""
    from starlette.formparsers import MultiPartParser

    MultiPartParser.spool_max_size = 2 * LARGEST_UPLOAD


def _no_values_in_logs() -> None:
    """Let logs tell an exception's class and place, never its message: that may quote a row."""
    make = logging.getLogRecordFactory()

    def quiet(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = make(*args, **kwargs)
        if record.exc_info and record.exc_info[0]:
            record.msg = f"{record.msg} [{_place(*record.exc_info)}]"
        record.exc_info = record.exc_text = None
        return record

    def unraised(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
        logging.getLogger(__name__).error("Ended with %s", _place(kind, error, trace))

    logging.setLogRecordFactory(quiet)
    sys.excepthook = unraised
    threading.excepthook = lambda args: unraised(args.exc_type, args.exc_value, args.exc_traceback)


def _place(kind: type[BaseException] | None, _error: BaseException | None, trace: TracebackType | None) -> str:
    frames = traceback.extract_tb(trace)
    where = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return f"{kind.__name__ if kind else '?'}{where}"
