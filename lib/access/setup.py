"""The pages of the first start: the form behind the one-time code, and the recovery sheet."""

from __future__ import annotations

import datetime as dt
import os
import shlex
import subprocess
import sys
from functools import partial
from pathlib import Path
from urllib.parse import quote

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from lib import first_start
from lib.access.cookies import set_session, token_of
from lib.access.credentials import MOST_BYTES, SHORTEST
from lib.access.forms import Form, accepted, came_from, in_thread, language, message, page, posted
from lib.access.roles import may
from lib.errors import AppError, Invalid, NotAllowed
from lib.i18n import LANGUAGES, N_, Text, translator
from lib.installation import current
from lib.process import user_name

PROGRAM = Path(__file__).resolve().parents[2]
TYPED = ("company", "person_responsible", "display_name", "username", "start_with")


async def setup(request: Request) -> Response:
    if not current().is_new:
        return RedirectResponse("/", 303)
    chosen = request.query_params.get("language", "")
    return _setup_page(_offered(chosen, request), request.query_params.get("code", ""), {})


def _offered(language: str, request: Request) -> str:
    return language if language in LANGUAGES else accepted(request.scope)


def _setup_page(
    language: str, code: str, typed: Form, errors: dict[str, Text] | None = None, error: Text | None = None
) -> Response:
    t = translator(language)
    try:
        first_start.check_code(current(), code)
    except NotAllowed as refusal:
        return page("message.html", language, 403, title=t(N_("The first start")), text=t.text(refusal.text), link=None)
    return page(
        "setup.html",
        language,
        422 if errors or error else 200,
        code=code,
        code_quoted=quote(code),
        typed={name: typed.get(name, "") for name in TYPED},
        errors={name: t.text(text) for name, text in (errors or {}).items()},
        error=t.text(error) if error else "",
        languages=LANGUAGES,
        workbook_exists=current().workbook.exists(),
        workbook_path=str(current().workbook.resolve()),
        shortest=SHORTEST,
        most=MOST_BYTES,
    )


@posted
async def set_up(request: Request, form: Form) -> Response:
    if not current().is_new:
        return RedirectResponse("/", 303)
    language = _offered(form.get("language", ""), request)
    values = {name: form.get(name, "") for name in ("company", "person_responsible", "display_name", "username")}
    values |= {name: form.get(name, "") for name in ("code", "password", "workbook_password")}
    shown = partial(_setup_page, language, values["code"], form)
    differing = {name: Text(N_("The two passwords differ. Type both again.")) for name in _differing(form)}
    if differing:
        return shown(errors=differing)
    try:
        sample = form.get("start_with") == "sample"
        token = await in_thread(
            request,
            partial(first_start.set_up, current(), **values, language=language, sample=sample, **came_from(request)),
        )
    except Invalid as invalid:
        return shown(errors=invalid.fields)
    except AppError as error:
        if not current().is_new:  # a second click came in the meantime
            return RedirectResponse("/", 303)
        return shown(error=error.text)
    onward = "/imports" if form.get("start_with") == "table" else "/"
    response = _sheet_page(language, values["username"].strip().lower(), onward)
    set_session(response, token, request)
    return response


def _differing(form: Form) -> list[str]:
    twice = ["password"] if current().workbook.exists() else ["password", "workbook_password"]
    return [name for name in twice if form.get(name, "") != form.get(f"{name}_again", "")]


def _written(command: list[str]) -> str:
    """A command as it is typed in a terminal of this system."""
    return subprocess.list2cmdline(command) if os.name == "nt" else shlex.join(command)


def _sheet_page(language: str, username: str, onward: str = "/") -> Response:
    installation = current()
    folder = installation.data_dir.resolve()
    return page(
        "sheet.html",
        language,
        onward=onward,
        company=installation.settings.controller,
        person_responsible=installation.settings.person_responsible,
        username=username,
        register=installation.id,
        date=translator(language).date(dt.date.today()),
        folder=str(folder),
        program=str(PROGRAM),
        user=user_name(),
        command=_written(
            [sys.executable or "python", "-m", "lib", "--data", str(folder), "user", "password", username]
        ),
        files={name: str(folder / name) for name in ("prospects.xlsx", "keys.json", "accounts.yaml")},
        problem=translator(language).text(installation.store_error.text) if installation.store_error else "",
    )


async def recovery_sheet(request: Request) -> Response:
    """The recovery sheet again, for an administrator; the gate has let nobody else but users through."""
    account = await to_thread.run_sync(current().user_of, token_of(request.scope))
    if account is None or not may(account.roles, "workbook_state"):
        return message(language(request), 403, N_("Not accepted"), NotAllowed.template)
    return _sheet_page(language(request), account.name)


ROUTES = [
    Route("/recovery-sheet", recovery_sheet, methods=["GET"]),
    Route("/setup", setup, methods=["GET"]),
    Route("/setup", set_up, methods=["POST"]),
]
