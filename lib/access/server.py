"""What the server does once at its start, and what it says in the terminal."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import stat
import sys
import threading
import traceback
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from anyio import to_thread

from lib.access.connection import proxies
from lib.access.credentials import warm_up
from lib.errors import AppError, Invalid
from lib.i18n import N_, Text, translator
from lib.installation import current
from lib.process import harden

LARGEST_UPLOAD = 20 * 1024 * 1024  # server.maxUploadSize, in bytes


def prepare(module: str) -> None:
    """Make the process safe to hold the register, and take the data folder; ends the process if it cannot be served.

    Args:
        module: the name under which app.py is read. It is "__main__" where Streamlit runs it as a page's script, which
            it does when it finds no `app = st.App(...)` there: then nothing stands before the pages.
    """
    if module == "__main__":
        stop_without_gate()
    harden()
    _no_values_in_logs()
    _no_uploads_on_disk()
    try:
        proxies()
        installation = current()
        installation.claim_server()
        installation.settings  # noqa: B018  an unusable file shows here, not on a page
    except (AppError, OSError) as error:
        _stop(error)


def lifespan(
    address: Callable[[], str], guarded: Callable[[], bool]
) -> Callable[[Any], contextlib.AbstractAsyncContextManager[None]]:
    """The server's life: what it prints at the start, and the register closed at its end.

    Args:
        address: gives where the server is reached, once its port is known.
        guarded: tells whether the gate stands before the pages; without it the process ends.
    """

    @contextlib.asynccontextmanager
    async def live(_app: Any) -> AsyncIterator[None]:
        installation = current()
        if not guarded():
            stop_without_gate()
        if installation.setup_code:
            language = installation.settings.language
            print(
                f"\n  {translator(language)(FIRST_START)}\n  {address()}/setup?code={installation.setup_code}\n",
                flush=True,
            )
        threading.Thread(target=warm_up, daemon=True).start()
        password = _workbook_password()
        if password and not installation.is_new:
            try:
                await to_thread.run_sync(installation.open_unattended, password)
            except AppError as error:  # people may open it all the same: no `store_error`
                _say(error)
        _send_at_once()
        _tell_systemd()
        try:
            yield
        finally:
            await to_thread.run_sync(installation.close)

    return live


FIRST_START = N_("First start: open this address in the browser. It works once.")
NO_GATE = N_(
    "The program was not started: nothing would stand before its pages. Start it with `streamlit run app.py`, and with "
    "app.py as it was delivered."
)


def stop_without_gate() -> None:
    """End the process: something would be shown that nothing stands before."""
    _stop(AppError(NO_GATE))


def _workbook_password() -> str:
    """The workbook's password for a start without people: from the environment, from the file that is named there, or
    from systemd's credential `workbook-password`; "" for none. Ends the process if the file cannot be read."""
    if password := os.environ.get("PROSPECTS_WORKBOOK_PASSWORD"):
        return password
    path = Path(os.environ.get("PROSPECTS_WORKBOOK_PASSWORD_FILE", ""))
    credential = Path(os.environ.get("CREDENTIALS_DIRECTORY", "")) / "workbook-password"
    if path == Path() and credential.is_absolute() and credential.exists():
        path = credential
    if path == Path():
        return ""
    try:
        return path.read_text("utf-8-sig").rstrip("\r\n")
    except (OSError, ValueError) as error:
        unread = N_("The file {file} with the workbook's password cannot be read: {problem}")
        _stop(AppError(unread, file=str(path), problem=error))
        raise


def _send_at_once() -> None:
    """Let what is written to a browser go out without waiting for an answer to what went before (Nagle's algorithm).

    asyncio sees to that only for a socket that names its protocol, which Streamlit's does not; each answer then waits
    40 ms for the other side. What is set on the listening socket holds for those that it accepts.
    """
    for descriptor in range(3, 256):
        with contextlib.suppress(OSError):
            if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                with socket.socket(fileno=os.dup(descriptor)) as found:
                    if found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _tell_systemd() -> None:
    """Say that the server is ready, where systemd waits for that (Type=notify)."""
    path = os.environ.get("NOTIFY_SOCKET", "")
    if path:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.sendto(b"READY=1", "\0" + path[1:] if path.startswith("@") else path)


def _stop(error: Exception) -> None:
    """Say in the terminal why the server does not start, and end."""
    _say(error)
    # uvicorn would print a traceback for an exit through its import of the app.
    os._exit(1)


def _say(error: Exception) -> None:
    """Say in the terminal what is wrong."""
    texts = (
        [error.text]
        if isinstance(error, AppError)
        else [Text(N_("The data folder cannot be used: {problem}"), {"problem": error})]
    )
    if isinstance(error, Invalid):
        texts = [Text("{field}: {problem}", {"field": name, "problem": text}) for name, text in error.fields.items()]
    for text in texts:
        print(translator("en").text(text), file=sys.stderr, flush=True)


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
