"""The pages before sign-in, as plain forms: sign-in, sign-out, the first start and its recovery sheet."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, MutableMapping
from functools import partial, wraps
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from anyio import CapacityLimiter, to_thread
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from lib import first_start
from lib.access.cookies import drop_session, set_session, token_of
from lib.access.credentials import MOST_BYTES, SHORTEST
from lib.access.roles import may
from lib.errors import AppError, Invalid, NotAllowed
from lib.i18n import LANGUAGES, N_, Text, translator
from lib.installation import current

LARGEST_FORM = 64 * 1024
Form = dict[str, str]
Handler = Callable[[Request, Form], Awaitable[Response]]

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
# Sign-ins take a core for a moment each; apart from the threads that serve everything else.
_AT_ONCE = CapacityLimiter(4)


def _page(template: str, language: str, status: int = 200, **context: Any) -> HTMLResponse:
    t = translator(language)
    return HTMLResponse(_TEMPLATES.get_template(template).render(t=t, language=language, **context), status)


def _message(language: str, status: int, title: str, text: str) -> HTMLResponse:
    t = translator(language)
    return _page("message.html", language, status, title=t(title), text=t(text))


def _accepted(request: Request) -> str:
    """The language that the browser asks for first, of those offered; Finnish where it does not say."""
    asked = request.headers.get("accept-language", "fi").strip().lower()
    return "fi" if asked[:2] in ("fi", "*", "") else "en"


def _language(request: Request) -> str:
    return _accepted(request) if current().is_new else current().settings.language


def error_page(scope: MutableMapping[str, Any]) -> Response:
    """A calm page for what nobody foresaw. It reads nothing that may have failed."""
    return _message(
        _accepted(Request(dict(scope))),
        500,
        N_("Something went wrong"),
        N_("What was saved before is safe. Load the page again; if this stays, tell an administrator the time."),
    )


def waiting_page(scope: MutableMapping[str, Any]) -> Response:
    """What anyone sees before the first start: where to find its address, and nothing else."""
    return _message(
        _accepted(Request(dict(scope))),
        200,
        N_("The first start is waiting"),
        N_(
            "This register has no users yet. The address that begins the first start stands in the terminal window "
            "where the program was started. Open it from there."
        ),
    )


def local_path(value: str) -> str:
    """A path on this server to go on to; "/" for anything else."""
    if (
        not value.startswith("/")
        or value.startswith("//")
        or "\\" in value
        or any(ord(c) < 32 or ord(c) == 127 for c in value)
    ):
        return "/"
    return "/" if value.startswith(("/login", "/logout", "/setup")) else value


def _from_here(request: Request) -> bool:
    """Whether a form was sent from a page of this server."""
    source = request.headers.get("origin") or request.headers.get("referer") or ""
    host = request.headers.get("host", "")
    parts = urlsplit(source)
    return bool(host) and parts.netloc == host and parts.scheme in ("http", "https")


async def _form(request: Request) -> Form | None:
    """The fields of a plain form; None for anything that is none or is too large."""
    kind = request.headers.get("content-type", "")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_FORM:
            return None
    if (body or kind) and not kind.startswith("application/x-www-form-urlencoded"):
        return None
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=32, errors="strict"))
    except ValueError:
        return None


def _posted(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """A handler of forms that come from this server's own pages."""

    @wraps(handler)
    async def checked(request: Request) -> Response:
        form = await _form(request) if _from_here(request) else None
        if form is None:
            text = N_("The form did not come from a page of this register. Nothing was done. Go back and try again.")
            return _message(_language(request), 403, N_("Not accepted"), text)
        return await handler(request, form)

    return checked


async def _in_thread(call: Callable[[], Any]) -> Any:
    return await to_thread.run_sync(call, limiter=_AT_ONCE)


def _came_from(request: Request) -> dict[str, str]:
    return {"device": request.headers.get("user-agent", ""), "address": request.client.host if request.client else ""}


# -- signing in and out -----------------------------------------------------------------------------------------------


async def login(request: Request) -> Response:
    target = local_path(request.query_params.get("next", "/"))
    if current().is_new or current().account_of(token_of(request.scope)):
        return RedirectResponse(target, 303)
    return _login_page(target, left="left" in request.query_params)


def _login_page(target: str, username: str = "", error: Text | None = None, left: bool = False) -> Response:
    settings = current().settings
    error_text = translator(settings.language).text(error) if error else ""
    return _page(
        "login.html",
        settings.language,
        401 if error else 200,
        next=target,
        username=username,
        error=error_text,
        left=left,
        company=settings.controller,
    )


@_posted
async def sign_in(request: Request, form: Form) -> Response:
    target, username = local_path(form.get("next", "/")), form.get("username", "")
    if current().is_new:
        return RedirectResponse("/", 303)
    try:
        token = await _in_thread(partial(current().sign_in, username, form.get("password", ""), **_came_from(request)))
    except AppError as error:
        return _login_page(target, username[:100], error.text)
    # A session that this browser still had ends with the new one.
    current().sign_out(token_of(request.scope))
    response = RedirectResponse(target, 303)
    set_session(response, token, request)
    return response


async def logout(request: Request) -> Response:
    account = current().account_of(token_of(request.scope))
    if account is None:
        return RedirectResponse("/login", 303)
    return _page("logout.html", _language(request), name=account.display_name)


@_posted
async def sign_out(request: Request, _form: Form) -> Response:
    current().sign_out(token_of(request.scope))
    response = RedirectResponse("/login?left", 303)
    drop_session(response, request)
    return response


# -- the first start --------------------------------------------------------------------------------------------------

TYPED = ("company", "person_responsible", "display_name", "username", "start_with")


async def setup(request: Request) -> Response:
    if not current().is_new:
        return RedirectResponse("/", 303)
    language = request.query_params.get("language", "")
    language = language if language in LANGUAGES else _accepted(request)
    return _setup_page(language, request.query_params.get("code", ""), {})


def _setup_page(
    language: str, code: str, typed: Form, errors: dict[str, Text] | None = None, error: Text | None = None
) -> Response:
    t = translator(language)
    try:
        first_start.check_code(current(), code)
    except NotAllowed as refusal:
        return _page("message.html", language, 403, title=t(N_("The first start")), text=t.text(refusal.text))
    return _page(
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


@_posted
async def set_up(request: Request, form: Form) -> Response:
    if not current().is_new:
        return RedirectResponse("/", 303)
    language = form.get("language", "")
    language = language if language in LANGUAGES else _accepted(request)
    values = {name: form.get(name, "") for name in ("company", "person_responsible", "display_name", "username")}
    values |= {name: form.get(name, "") for name in ("code", "password", "workbook_password")}
    shown = partial(_setup_page, language, values["code"], form)
    differing = {name: Text(N_("The two passwords differ. Type both again.")) for name in _differing(form)}
    if differing:
        return shown(errors=differing)
    try:
        sample = form.get("start_with") == "sample"
        token = await _in_thread(
            partial(first_start.set_up, current(), **values, language=language, sample=sample, **_came_from(request))
        )
    except Invalid as invalid:
        return shown(errors=invalid.fields)
    except AppError as error:
        return shown(error=error.text)
    response = _sheet_page(language, values["username"].strip().lower())
    set_session(response, token, request)
    return response


def _differing(form: Form) -> list[str]:
    twice = ["password"] if current().workbook.exists() else ["password", "workbook_password"]
    return [name for name in twice if form.get(name, "") != form.get(f"{name}_again", "")]


def _sheet_page(language: str, username: str) -> Response:
    installation = current()
    folder = installation.data_dir.resolve()
    return _page(
        "sheet.html",
        language,
        company=installation.settings.controller,
        person_responsible=installation.settings.person_responsible,
        username=username,
        register=installation.id,
        date=translator(language).date(dt.date.today()),
        folder=str(folder),
        files={name: str(folder / name) for name in ("prospects.xlsx", "keys.json", "accounts.yaml")},
        problem=translator(language).text(installation.store_error.text) if installation.store_error else "",
    )


async def recovery_sheet(request: Request) -> Response:
    """The recovery sheet again, for an administrator; the gate has let nobody else but users through."""
    account = await to_thread.run_sync(current().user_of, token_of(request.scope))
    language = _language(request)
    if account is None or not may(account.roles, "workbook_state"):
        return _message(language, 403, N_("Not accepted"), NotAllowed.template)
    return _sheet_page(language, account.name)


ROUTES = [
    Route("/recovery-sheet", recovery_sheet, methods=["GET"]),
    Route("/login", login, methods=["GET"]),
    Route("/login", sign_in, methods=["POST"]),
    Route("/logout", logout, methods=["GET"]),
    Route("/logout", sign_out, methods=["POST"]),
    Route("/setup", setup, methods=["GET"]),
    Route("/setup", set_up, methods=["POST"]),
]
