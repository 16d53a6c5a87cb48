"""What everyone may do about the own account from a page."""

from __future__ import annotations

from lib.access.accounts import check_password
from lib.access.sessions import Session
from lib.signed_in import SignedIn


class OwnAccount(SignedIn):
    """The operations of one's own account. Errors as for `SignedIn`."""

    def own_sessions(self) -> list[Session]:
        """Where one is signed in, the newest first; this session is among them."""
        self._require("account")
        return self.installation.sessions_of(self.token)

    @property
    def own_session_id(self) -> str:
        """Which of them is this one."""
        self._require("account")
        session = self.installation.sessions.lookup(self.token)
        return session.id if session else ""

    def end_own_session(self, session_id: str) -> None:
        """Sign out there."""
        self._require("account")
        self.installation.end_session(self.token, session_id)

    @property
    def has_download_password(self) -> bool:
        """Whether one keeps a password for one's own lists."""
        return self._require("download_password").download_password

    def set_download_password(self, password: str) -> None:
        """Keep a password for one's own lists. Raises AccountError where it cannot be used."""
        self._require("download_password")
        check_password(password)
        self.installation.set_download_password(self.token, password)

    def drop_download_password(self) -> None:
        """Keep none any more."""
        self._require("download_password")
        self.installation.set_download_password(self.token, "")
