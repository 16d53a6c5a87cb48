"""Coming and going: signing in, in one step or two, and what a session must do before anything else."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from lib.access import second_factor
from lib.access.accounts import Account
from lib.access.sessions import Session
from lib.data_folder import DataFolder
from lib.errors import AccountError, BadCode, BadSignIn, NotSignedIn, StoreError, TooMany
from lib.i18n import N_

NO_KEY = N_("Your account has no key to the register. Ask an administrator to give you a new password.")
TICKET_SECONDS = 300.0
TICKET_TRIES = 5
_MOST_TICKETS = 1000
_TOLD_EVERY = 60.0  # seconds between two lines about one slowed address
_BEGIN_AGAIN = N_("This sign-in took too long, or too many codes were wrong. Sign in again from the beginning.")

_UNREADABLE = N_(
    "The second factor of this account cannot be read any more. Ask an administrator to take it away, and set it up "
    "again."
)


class SignIn(NamedTuple):
    """What a right password gives: a session's token, or the ticket of a sign-in that waits for the second factor."""

    token: str
    pending: str


@dataclass
class _Ticket:
    """A sign-in that waits for its second factor. The master key is here and nowhere else."""

    account: Account
    master: bytes
    own: bool
    until: float
    tries: int = TICKET_TRIES


class Entrance(DataFolder):
    """The door of one data folder. A restart forgets who stands between two steps: they begin again."""

    def __init__(self, data_dir: Path, clock: Callable[[], float] = time.time) -> None:
        super().__init__(data_dir, clock)
        self._tickets: dict[str, _Ticket] = {}
        self._handing = threading.Lock()
        self._told: dict[str, float] = {}

    # -- signing in --------------------------------------------------------------------------------------------------

    def sign_in(
        self, username: str, password: str, device: str = "", address: str = "", own: bool = False, marks: str = ""
    ) -> SignIn:
        """Begin a session, or a sign-in that waits for the second factor.

        Whoever asks, it takes one bcrypt check and one scrypt derivation, and the answer is the same. The register
        opens with the session if it is not open yet; one that does not open is kept in `store_error`.

        Args:
            device: what the browser says about itself.
            own: it is the user's own device.
            marks: of the browser, here and below; see `marked`.

        Raises:
            BadSignIn: unknown, disabled or wrong.
            TooMany: nothing was checked.
        """
        name = username.strip().lower()
        browser = self._browser(name, marks)
        self._begin(name, device, address, browser=browser)
        account = self.accounts.verify(name, password)
        master = self._master_of(name, password)
        if account is None:
            self._failed(name, device, address)
            raise BadSignIn
        self.throttle.succeeded(name, address, known=not account.second_factor, browser=browser)
        if not account.second_factor:
            return SignIn(self._enter(account, master, device, address, own), "")
        if master is None:
            raise AccountError(NO_KEY)
        self.event("code_asked", name, device, address)
        return SignIn("", self._ticket(_Ticket(account, master, own, self.clock() + TICKET_SECONDS)))

    def second_step(self, ticket: str, code: str, device: str = "", address: str = "", marks: str = "") -> str:
        """End a sign-in with a code of the app, or a recovery code. Returns the session's token.

        Raises:
            BadCode: it is wrong or was used; the ticket holds on.
            BadSignIn: the ticket is no good any more.
            TooMany: nothing was checked.
        """
        waiting = self._waiting(ticket)
        name = waiting.account.name
        browser = self._browser(name, marks)
        self._begin(name, device, address, code=True, browser=browser)
        with self._handing:
            waiting.tries -= 1
            over = waiting.tries < 0
        account = self.accounts.get(name)
        if over or account is None or account.disabled or account.epoch != waiting.account.epoch:
            self._drop_ticket(ticket)
            raise BadSignIn(_BEGIN_AGAIN)
        kind = self._check_code(account.name, waiting.master, code)
        if not kind:
            self._failed(name, device, address, second_factor=True)
            if waiting.tries <= 0:
                self._drop_ticket(ticket)
                raise BadSignIn(_BEGIN_AGAIN)
            raise BadCode
        self._drop_ticket(ticket)
        self.throttle.succeeded(name, address, code=True, browser=browser)
        return self._enter(account, waiting.master, device, address, waiting.own, second_factor=kind)

    def _enter(self, account: Account, master: bytes | None, device: str, address: str, own: bool, **facts: str) -> str:
        token = self.sessions.create(account, master, device, address, own)
        if master:
            self.open_store(master)
        self.event("sign_in", account.name, device, address, **facts)
        return token

    def _master_of(self, name: str, password: str) -> bytes | None:
        try:
            return self.keyring.by_account(name, password)
        except StoreError as error:
            self.store_error = error
            return None
        except UnicodeEncodeError:
            return None

    def _check_code(self, name: str, master: bytes, code: str) -> str:
        """Use up a code: "app" or "recovery" for a right one, "" for another.

        Raises:
            AccountError: the second factor is sealed under a master key that is gone.
        """
        factor = self.accounts.factor(name)
        if factor is None:
            return ""
        secret = second_factor.unsealed(master, name, factor.sealed)
        if secret is None:
            raise AccountError(_UNREADABLE)
        step = second_factor.step_of(secret, code, self.clock())
        if step is not None:
            return "app" if self.accounts.use_step(name, step) else ""
        used = self.accounts.use_recovery(name, second_factor.recovery_hash(master, name, code))
        return "recovery" if used else ""

    def _ticket(self, ticket: _Ticket) -> str:
        name = secrets.token_urlsafe(32)
        with self._handing:
            now = self.clock()
            for old in [key for key, waiting in self._tickets.items() if waiting.until < now]:
                del self._tickets[old]
            while len(self._tickets) >= _MOST_TICKETS:
                del self._tickets[next(iter(self._tickets))]
            self._tickets[name] = ticket
        return name

    def _waiting(self, ticket: str) -> _Ticket:
        waiting = self._tickets.get(ticket)
        if waiting is None or waiting.until < self.clock():
            self._drop_ticket(ticket)
            raise BadSignIn(_BEGIN_AGAIN)
        return waiting

    def _drop_ticket(self, ticket: str) -> None:
        with self._handing:
            self._tickets.pop(ticket, None)

    def forget_tickets(self, name: str) -> None:
        """Let a user's sign-ins that wait for the second factor begin again."""
        with self._handing:
            self._tickets = {key: kept for key, kept in self._tickets.items() if kept.account.name != name}

    def waits(self, ticket: str) -> bool:
        """Whether a sign-in still waits for its second factor."""
        waiting = self._tickets.get(ticket)
        return waiting is not None and waiting.until >= self.clock()

    # -- guessing ----------------------------------------------------------------------------------------------------

    def marked(self, token: str, marks: str) -> str:
        """A browser's marks with one of the user whose session is there: guesses elsewhere do not slow that user there.

        A mark ends with the account's epoch, and with the second factor that there was: else marks for which a
        password was enough would be so many sets of tries at the codes.
        """
        account = self.half_in(token, used=False)
        return self.throttle.marked(account.name, self._standing(account.name), marks) if account else ""

    def knows(self, name: str, marks: str) -> bool:
        """Whether this user has come in before from the browser that has these marks."""
        return bool(self._browser(name, marks))

    def _browser(self, name: str, marks: str) -> str:
        """The browser that asks, if this user has come in from it before; "" for any other."""
        return self.throttle.browser(name, self._standing(name), marks)

    def _standing(self, name: str) -> str:
        account, factor = self.accounts.get(name), self.accounts.factor(name)
        return f"{account.epoch if account else 0} {factor.sealed if factor else ''}"

    def _begin(self, name: str, device: str, address: str, *, code: bool = False, browser: str = "") -> None:
        try:
            self.throttle.begin(name, address, code=code, browser=browser)
        except TooMany:
            now = self.clock()
            if now - self._told.get(address, -_TOLD_EVERY) >= _TOLD_EVERY:
                self._told = {a: at for a, at in self._told.items() if now - at < _TOLD_EVERY}
                self._told[address] = now
                self.event("slowed", self._known(name), device, address)
            raise

    def _failed(self, name: str, device: str, address: str, **facts: bool) -> None:
        self.event("sign_in_failed", self._known(name), device, address, **facts)

    def _known(self, name: str) -> str:
        """A user's name; "" where there is no such user: somebody may have typed a password there."""
        return name if self.accounts.get(name) else ""

    def _prove(self, session: Session, password: str) -> None:
        """Let the right password of a signed-in user pass; guessing is slowed here as well, in each session apart.

        Raises:
            BadSignIn, TooMany
        """
        if not password:
            raise BadSignIn(N_("The password is wrong."))
        self._begin(session.user, session.device, session.address, browser=session.id)
        if self.accounts.verify(session.user, password) is None:
            self._failed(session.user, session.device, session.address)
            raise BadSignIn(N_("The password is wrong."))
        self.throttle.succeeded(session.user, session.address, browser=session.id)

    # -- sessions ----------------------------------------------------------------------------------------------------

    def half_in(self, token: str, *, used: bool = True) -> Account | None:
        """Whose session this is, also while there is something to do first; nothing is opened."""
        session = self.sessions.lookup(token, used=used)
        account = self.accounts.get(session.user) if session else None
        if session is None or account is None or account.disabled or account.epoch != session.epoch:
            return None
        return account

    def todo(self, account: Account) -> str:
        """What a signed-in user must do before anything else: "password", "second_factor", or "" for nothing."""
        if account.must_change:
            return "password"
        required = second_factor.required(account.roles, self.settings.second_factor_for)
        return "second_factor" if required and not account.second_factor else ""

    def account_of(self, token: str, *, used: bool = True) -> Account | None:
        """Whose session this is, if it is one that may do anything; nothing is opened. Cheap: asked at each message."""
        account = self.half_in(token, used=used)
        return account if account and not self.todo(account) else None

    def user_of(self, token: str) -> Account | None:
        """As `account_of`; the register opens with the session if it is not open yet."""
        account = self.account_of(token)
        if account and self.store is None and self.store_error is None and (master := self.sessions.master_key(token)):
            with self._opening:
                # Somebody who waited at the lock does not try again what has just failed.
                if self.store_error is None:
                    self.open_store(master)
        return account

    def sign_out(self, token: str) -> None:
        self.sessions.end(token)

    def _session(self, token: str, account: Account | None, device: str = "", address: str = "") -> Session:
        """The session of a token, with the device and the address that ask now where they are told."""
        session = self.sessions.lookup(token) if account else None
        if session is None:
            raise NotSignedIn
        return replace(session, device=device or session.device, address=address or session.address)
