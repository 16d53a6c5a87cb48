"""What a signed-in user does about the own account: passwords, second factor, sessions."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from lib.access import download_password, second_factor
from lib.access.accounts import Account, Factor, check_password
from lib.access.entrance import NO_KEY, Entrance
from lib.access.second_factor import Offer
from lib.access.sessions import Session
from lib.errors import AccountError, AppError, BadCode, BadSignIn, NotSignedIn, StoreError
from lib.i18n import N_

_OFFERED = 1800.0  # seconds for which a secret that nobody confirmed stays the same


class _Offered(NamedTuple):
    """A secret that a session was shown. `proven`: the user's password was given for it."""

    user: str
    secret: str
    since: float
    proven: bool


class OwnAccess(Entrance):
    """One's own account, by the session's token. Each call raises NotSignedIn where there is no session."""

    def __init__(self, data_dir: Path, clock: Callable[[], float] = time.time) -> None:
        super().__init__(data_dir, clock)
        self._offers: dict[str, _Offered] = {}

    # -- the password ------------------------------------------------------------------------------------------------

    def change_own_password(self, token: str, old: str, new: str, device: str = "", address: str = "") -> str:
        """Another password for oneself. Every session ends; returns the token of a new one for this device.

        Args:
            device, address: who asks now, here and below; where the session began if they are not told.

        Raises:
            BadSignIn, TooMany: the old password is wrong.
            AccountError: the new one cannot be used.
        """
        account = self.half_in(token)
        session = self._session(token, account, device, address)
        check_password(new)
        master = self._own_master(token)
        self._prove(session, old)
        if new == old:
            raise AccountError(N_("This is the password that you have now. Choose another one."))
        self._give_password(master, session.user, new)
        account = self.accounts.get(session.user)
        assert account
        changed = self.sessions.create(
            account, master, session.device, session.address, session.own, session.preferences
        )
        self._clear_sessions(session.user, but=changed)
        self._event("own_password", session)
        return changed

    def _give_password(self, master: bytes, name: str, password: str, *, must_change: bool = False) -> None:
        """Another password for an account and its slot in the keyring: for both, or for neither.

        Raises:
            AccountError, StoreError: the password before holds.
            NotSynced: as for `write_atomically`.
        """
        with self.accounts.changing():
            account, slot = self.accounts.get(name), self.keyring.slot(name)
            try:
                self.keyring.set_account(master, name, password)
                self.accounts.set_password(name, password, must_change=must_change)
            except AppError:
                if self.accounts.get(name) == account:  # no new epoch: the password before holds, and needs its slot
                    with contextlib.suppress(StoreError):
                        self.keyring.put_back(name, slot) if slot else self.keyring.drop_account(name)
                raise

    def _clear_sessions(self, name: str, but: str = "") -> None:
        """Take sessions away that a new epoch of the account has ended; where the disk refuses, they stay ended."""
        with contextlib.suppress(StoreError):
            self.sessions.end_user(name, but=but)

    # -- the second factor -------------------------------------------------------------------------------------------

    def begin_second_factor(self, token: str, password: str = "", device: str = "", address: str = "") -> Offer:
        """What to show to an authenticator app. Nothing changes until `confirm_second_factor`.

        Args:
            password: one's own, so that nobody does it at a device that was left open; not needed where a second factor
                must be set up before anything else, and there is none.

        Raises:
            BadSignIn, TooMany: the password is wrong.
            AccountError: the account has no key.
        """
        account = self.half_in(token)
        session = self._session(token, account, device, address)
        assert account
        self._own_master(token)
        offered = self._offered(session)
        asks = self.todo(account) != "second_factor"
        if asks:
            self._prove(session, password)
        if offered is None or (asks and not offered.proven):
            now = self.clock()
            offered = _Offered(account.name, second_factor.new_secret(), now, asks)
            with self._handing:
                self._offers = {key: kept for key, kept in self._offers.items() if now - kept.since <= _OFFERED}
                self._offers[session.id] = offered
        return self._shown(offered)

    def offered_second_factor(self, token: str) -> Offer | None:
        """What this session was shown last, to be shown again after a wrong code; None where that is over."""
        offered = self._offered(self._session(token, self.half_in(token)))
        return self._shown(offered) if offered else None

    def _offered(self, session: Session) -> _Offered | None:
        offered = self._offers.get(session.id)
        return offered if offered and self.clock() - offered.since <= _OFFERED else None

    def _shown(self, offered: _Offered) -> Offer:
        return second_factor.offer(offered.secret, offered.user, self.settings.controller or self.id)

    def _set_factor(self, name: str, factor: Factor | None) -> None:
        """Give a user another second factor, or none. What was offered before is offered no more."""
        self.accounts.set_factor(name, factor)
        with self._handing:
            self._offers = {key: kept for key, kept in self._offers.items() if kept.user != name}

    def confirm_second_factor(self, token: str, code: str, device: str = "", address: str = "") -> list[str]:
        """Begin to use the offered second factor. Returns the recovery codes, which nobody can read again.

        Raises:
            BadCode: it is not the app's code of now.
            BadSignIn: nothing is offered (any more).
        """
        account = self.half_in(token)
        session = self._session(token, account, device, address)
        master = self._own_master(token)
        offered = self._offered(session)
        # One that began without a password may not replace what was set up elsewhere meanwhile.
        if offered is None or (account and account.second_factor and not offered.proven):
            raise BadSignIn(N_("The second factor was not set up in time. Begin again."))
        step = second_factor.step_of(offered.secret, code, self.clock())
        if step is None:
            raise BadCode
        codes = second_factor.recovery_codes()
        hashes = tuple(second_factor.recovery_hash(master, session.user, code) for code in codes)
        sealed = second_factor.sealed(master, session.user, offered.secret)
        self._set_factor(session.user, Factor(sealed, step, hashes))
        self._event("second_factor", session)
        return codes

    def end_second_factor(self, token: str, password: str, device: str = "", address: str = "") -> None:
        """Use no second factor any more.

        Raises:
            AccountError: the user's role must have one.
            BadSignIn, TooMany: the password is wrong.
        """
        account = self.account_of(token)
        session = self._session(token, account, device, address)
        assert account
        if second_factor.required(account.roles, self.settings.second_factor_for):
            raise AccountError(N_("Your role must use a second factor. It can be replaced, not taken away."))
        self._prove(session, password)
        self._set_factor(account.name, None)
        self._event("second_factor_off", session)

    # -- the download password ---------------------------------------------------------------------------------------

    def set_download_password(self, token: str, password: str) -> None:
        """Keep a password for one's own lists; "" keeps none any more.

        Raises:
            AccountError: it cannot be used, or the account has no key.
        """
        account = self.account_of(token)
        session = self._session(token, account)
        if password:
            check_password(password)
            sealed = download_password.sealed(self._own_master(token), session.user, password)
            self.accounts.set_download_password(session.user, sealed)
            self._event("download_password", session)
        elif account and account.download_password:
            self.accounts.set_download_password(session.user, "")
            self._event("download_password_off", session)

    def download_password(self, token: str) -> str:
        """One's own download password, to seal a list with.

        Raises:
            AccountError: there is none, or it is sealed under a master key that is gone.
        """
        session = self._session(token, self.account_of(token))
        kept = self.accounts.download_password(session.user)
        if not kept:
            raise AccountError(N_("You have no download password. Set one on the page My account."))
        password = download_password.unsealed(self._own_master(token), session.user, kept)
        if password is None:
            raise AccountError(
                N_("Your download password cannot be read any more. Set it again on the page My account.")
            )
        return password

    # -- sessions ----------------------------------------------------------------------------------------------------

    def sessions_of(self, token: str) -> list[Session]:
        """One's own sessions, the newest first."""
        account = self.account_of(token)
        if account is None:
            raise NotSignedIn
        return self.live_sessions(account)

    def live_sessions(self, account: Account) -> list[Session]:
        """The sessions of an account that are still good."""
        return [session for session in self.sessions.of_user(account.name) if session.epoch == account.epoch]

    def end_session(self, token: str, session_id: str) -> None:
        """End one of one's own sessions; an unknown one is no error."""
        account = self.account_of(token)
        if account is None:
            raise NotSignedIn
        self.sessions.end_one(account.name, session_id)

    def _own_master(self, token: str) -> bytes:
        master = self.sessions.master_key(token)
        if master is None:
            raise AccountError(NO_KEY)
        return master

    def _event(self, action: str, session: Session) -> None:
        self.event(action, session.user, session.device, session.address)
