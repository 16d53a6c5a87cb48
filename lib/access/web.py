"""Signing in and out, as plain forms."""

from __future__ import annotations

from functools import partial
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from lib.access import own_pages, setup
from lib.access.assets import STATIC
from lib.access.cookies import code_cookie, drop_code, drop_session, marks_of, set_code, set_session, token_of
from lib.access.forms import Form, came_from, in_thread, local_path, message, page, posted, refused
from lib.access.page import SESSION, language_of
from lib.errors import AppError, BadCode, NotSynced, StoreError, TooMany
from lib.i18n import N_, translator
from lib.installation import current


async def login(request: Request) -> Response:
    target = local_path(request.query_params.get("next", "/"))
    # Whoever has something to do first is led there by the gate.
    if current().is_new or current().half_in(token_of(request.scope)):
        return RedirectResponse(target, 303)
    return _login_page(target, left="left" in request.query_params)


def _login_page(target: str, form: Form | None = None, error: AppError | None = None, left: bool = False) -> Response:
    settings = current().settings
    form = form or {}
    response = page(
        "login.html",
        settings.language,
        next=target,
        username=form.get("username", "")[:100],
        own="own" in form,
        own_days=settings.own_device_days,
        own_label=translator(settings.language).plural(
            "This is my own device: keep me signed in for {n} day",
            "This is my own device: keep me signed in for {n} days",
            settings.own_device_days,
        ),
        error=translator(settings.language).text(error.text) if error else "",
        left=left,
        company=settings.controller,
    )
    return refused(response, error) if error else response


@posted
async def sign_in(request: Request, form: Form) -> Response:
    target = local_path(form.get("next", "/"))
    if current().is_new:
        return RedirectResponse("/", 303)
    own = "own" in form and current().settings.own_device_days > 0
    username, password = form.get("username", ""), form.get("password", "")
    marks = marks_of(request)
    enter = partial(current().sign_in, username, password, own=own, marks=marks, **came_from(request))
    try:
        token, pending = await in_thread(request, enter, known=current().knows(username, marks))
    except AppError as error:
        return _login_page(target, form, error)
    if pending:
        response = RedirectResponse(f"/login/code?next={quote(target)}", 303)
        set_code(response, pending, request)
        return response
    return _signed_in(request, token, target)


def _signed_in(request: Request, token: str, target: str) -> Response:
    # A session that this browser still had ends with the new one.
    current().sign_out(token_of(request.scope))
    response = RedirectResponse(target, 303)
    set_session(response, token, request)
    drop_code(response, request)
    return response


async def code(request: Request) -> Response:
    target = local_path(request.query_params.get("next", "/"))
    if not current().waits(code_cookie(request)):
        return RedirectResponse(f"/login?next={quote(target)}", 303)
    return _code_page(target)


def _code_page(target: str, error: AppError | None = None) -> Response:
    settings = current().settings
    text = translator(settings.language).text(error.text) if error else ""
    response = page("code.html", settings.language, next=target, error=text, company=settings.controller)
    return refused(response, error) if error else response


@posted
async def second_step(request: Request, form: Form) -> Response:
    target, ticket = local_path(form.get("next", "/")), code_cookie(request)
    asking = came_from(request) | {"marks": marks_of(request)}
    try:
        enter = partial(current().second_step, ticket, form.get("code", ""), **asking)
        token = await in_thread(request, enter, known=current().waits(ticket))
    except (BadCode, TooMany) as error:
        return _code_page(target, error) if current().waits(ticket) else _login_page(target, error=error)
    except AppError as error:
        return _login_page(target, error=error)
    return _signed_in(request, token, target)


async def logout(request: Request) -> Response:
    token = token_of(request.scope)
    account = current().half_in(token)
    if account is None:
        return RedirectResponse("/login", 303)
    return page("logout.html", language_of(token), name=account.display_name)


@posted
async def sign_out(request: Request, _form: Form) -> Response:
    token = token_of(request.scope)
    response: Response = RedirectResponse("/login?left", 303)
    try:
        current().sign_out(token)
    except NotSynced:  # it has ended
        pass
    except StoreError:
        text = N_(
            "This browser no longer has your session, but the server could not write that it has ended: a copy of it "
            "would still be good. Tell an administrator, who can end all your sessions with Device lost."
        )
        response = message(language_of(token), 503, N_("Signed out here only"), text, ("/login", N_("Sign in")))
    drop_session(response, request)
    return response


async def back(request: Request) -> Response:
    """Where somebody lands who signed in again in a new tab, for a page that waits in another."""
    title = N_("You are signed in again")
    text = N_("The page that waits in the other tab goes on by itself. You can close this tab.")
    return message(language_of(token_of(request.scope)), 200, title, text, ("/", N_("Go to the register")))


ROUTES = [
    STATIC,
    SESSION,
    Route("/login", login, methods=["GET"]),
    Route("/login", sign_in, methods=["POST"]),
    Route("/login/code", code, methods=["GET"]),
    Route("/login/code", second_step, methods=["POST"]),
    Route("/logout", logout, methods=["GET"]),
    Route("/logout", sign_out, methods=["POST"]),
    Route("/signed-in", back, methods=["GET"]),
    *own_pages.ROUTES,
    *setup.ROUTES,
]
