"""One's own password and second factor, as plain forms: also for those who must see to them before anything else."""

from __future__ import annotations

from functools import partial

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from lib import first_start
from lib.access.accounts import Account
from lib.access.cookies import set_marks, set_session, token_of
from lib.access.credentials import MOST_BYTES, SHORTEST
from lib.access.forms import Form, came_from, in_thread, local_path, message, page, posted, refused
from lib.access.page import language_of
from lib.access.second_factor import Offer, required
from lib.errors import AccountError, AppError, BadCode, NotAllowed, NotSignedIn
from lib.i18n import N_, translator
from lib.installation import current

OWN = "/account"  # the page that leads here
# What zxcvbn's score from 0 to 4 means. Source: github.com/dropbox/zxcvbn
_STRENGTHS = (
    N_("Easy to guess"),
    N_("Easy to guess"),
    N_("Could be guessed"),
    N_("Good"),
    N_("Very good"),
)


def _who(request: Request) -> tuple[str, Account]:
    """The session's token and whose it is, also while there is something to do first.

    Raises:
        NotSignedIn: there is none.
    """
    token = token_of(request.scope)
    account = current().half_in(token)
    if account is None:
        raise NotSignedIn
    return token, account


def _target(request: Request, form: Form | None = None) -> str:
    return local_path((form or request.query_params).get("next", OWN))


# -- the password ------------------------------------------------------------------------------------------------------


async def password(request: Request) -> Response:
    return _password_page(*_who(request), _target(request))


def _password_page(token: str, account: Account, target: str, error: AppError | None = None) -> Response:
    language = language_of(token)
    response = page(
        "password.html",
        language,
        next=target,
        username=account.name,
        forced=current().todo(account) == "password",
        error=translator(language).text(error.text) if error else "",
        shortest=SHORTEST,
        most=MOST_BYTES,
    )
    return refused(response, error) if error else response


@posted
async def change_password(request: Request, form: Form) -> Response:
    (token, account), target = _who(request), _target(request, form)
    new = form.get("password", "")
    forced = current().todo(account) == "password"
    try:
        if new != form.get("password_again", ""):
            raise AccountError(N_("The two passwords differ. Type both again."))
        change = partial(current().change_own_password, token, form.get("old", ""), new, **came_from(request))
        changed = await in_thread(request, change, known=True)
    except AppError as error:
        return _password_page(token, account, target, error)
    if forced:
        response: Response = RedirectResponse(target, 303)
    else:
        text = N_("Your other devices are signed out. On this one you can go on.")
        title = N_("The password was changed")
        response = message(language_of(changed), 200, title, text, (target, N_("Go on")))
    set_session(response, changed, request)
    return response


@posted
async def strength(request: Request, form: Form) -> Response:
    """How good a password would be, in words: for somebody with a session, or with the first start's code."""
    token = token_of(request.scope)
    account = current().half_in(token)
    if account is None:
        try:
            first_start.check_code(current(), form.get("code", ""))
        except NotAllowed:
            return Response(status_code=401)
    tried = form.get("password", "")[:MOST_BYTES]
    known = [account.name, *account.display_name.split()] if account else []
    known += [form.get(name, "")[:MOST_BYTES] for name in ("username", "company")]
    scored = partial(_score, tried, [word for word in (*known, "prospect", "prospekti") if word])
    score = await in_thread(request, scored, known=account is not None)
    language = form.get("language", "") if account is None else language_of(token)
    return JSONResponse({"score": score, "text": translator(language)(_STRENGTHS[score])})


def _score(tried: str, known: list[str]) -> int:
    """How hard a password is to guess, 0 to 4; one that is too short is never good."""
    from zxcvbn import zxcvbn

    if not tried:
        return 0
    score = int(zxcvbn(tried, user_inputs=known, max_length=MOST_BYTES)["score"])
    return score if len(tried) >= SHORTEST else min(score, 1)


# -- the second factor -------------------------------------------------------------------------------------------------


async def second_factor(request: Request) -> Response:
    return _factor_page(*_who(request), _target(request))


def _factor_page(
    token: str, account: Account, target: str, error: AppError | None = None, offer: Offer | None = None
) -> Response:
    language = language_of(token)
    response = page(
        "second_factor.html",
        language,
        next=target,
        username=account.name,
        active=account.second_factor,
        forced=current().todo(account) == "second_factor",
        required=required(account.roles, current().settings.second_factor_for),
        offer=offer,
        error=translator(language).text(error.text) if error else "",
    )
    return refused(response, error) if error else response


@posted
async def change_second_factor(request: Request, form: Form) -> Response:
    (token, account), target = _who(request), _target(request, form)
    do, own_password = form.get("do", ""), form.get("password", "")
    shown, asking = partial(_factor_page, token, account, target), came_from(request)
    done = partial(in_thread, request, known=True)
    offer = None
    try:
        if do == "begin":
            return shown(offer=await done(partial(current().begin_second_factor, token, own_password, **asking)))
        if do == "end":
            await done(partial(current().end_second_factor, token, own_password, **asking))
            ended = RedirectResponse(target, 303)
            set_marks(ended, token, request)
            return ended
        try:
            codes = await done(partial(current().confirm_second_factor, token, form.get("code", ""), **asking))
        except BadCode:
            offer = await done(partial(current().offered_second_factor, token))
            raise
    except AppError as error:
        return shown(error, offer)
    company = current().settings.controller
    shown_once = page(
        "recovery_codes.html", language_of(token), next=target, codes=codes, username=account.name, company=company
    )
    set_marks(shown_once, token, request)
    return shown_once


ROUTES = [
    Route("/password", password, methods=["GET"]),
    Route("/password", change_password, methods=["POST"]),
    Route("/password/strength", strength, methods=["POST"]),
    Route("/second-factor", second_factor, methods=["GET"]),
    Route("/second-factor", change_second_factor, methods=["POST"]),
]
