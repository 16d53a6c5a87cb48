"""`sessions.json`: who is signed in. A cookie holds a session's token; the disk holds only the token's hash.

The register's master key is sealed in each session under its token, so a session outlives a restart and opens the
register after it, and no file does.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from lib.access.accounts import Account
from lib.errors import Busy, NotWritten
from lib.files import locked, read_json, write_json
from lib.settings import Settings
from lib.stamp import Cached
from lib.store.keys import derive, seal, unseal

_WRITE_USE_EVERY = 60.0  # seconds between two writes of when sessions were last used
_SEALED = "master key of a session"


@dataclass(frozen=True)
class Session:
    """One sign-in on one device; times in seconds since 1970. `key` is the sealed master key, "" for none."""

    user: str
    epoch: int
    created: float
    last_seen: float
    device: str
    address: str
    key: str = ""
    preferences: dict[str, str] = field(default_factory=dict)


class Sessions:
    """The sessions of one data folder.

    Args:
        settings: gives the settings of the moment, for the limits.
        clock: gives the seconds since 1970.
    """

    def __init__(
        self, data_dir: Path, settings: Callable[[], Settings], clock: Callable[[], float] = time.time
    ) -> None:
        self.path = data_dir / "sessions.json"
        self._lock = data_dir / "sessions.lock"
        self._settings = settings
        self._clock = clock
        self._stored = Cached(self.path, self._read)
        self._seen: dict[str, float] = {}
        self._written = clock()
        self._writing = threading.Lock()

    def create(self, account: Account, master_key: bytes | None, device: str, address: str) -> str:
        """Begin a session and return its token. The master key is None where the account has no slot for it.

        Raises:
            NotWritten, Busy: no session began.
        """
        token, now = secrets.token_urlsafe(32), self._clock()
        key = (
            base64.b64encode(seal(derive(token.encode(), _SEALED), master_key, _SEALED)).decode() if master_key else ""
        )
        session = Session(account.name, account.epoch, now, now, device[:200], address[:64], key)
        self._change(lambda sessions: sessions | {_hash(token): session})
        return token

    def lookup(self, token: str, *, used: bool = True) -> Session | None:
        """The session of a token, if it has not ended; `used` counts this as use of it."""
        if not token:
            return None
        key = _hash(token)
        session = self._stored().get(key)
        if session is None:
            return None
        now = self._clock()
        session = replace(session, last_seen=max(session.last_seen, self._seen.get(key, 0.0)))
        if self._ended(session, now):
            return None
        if used:
            self._seen[key] = now
            if now - self._written >= _WRITE_USE_EVERY:
                self._write_use(now)
        return session

    def master_key(self, token: str) -> bytes | None:
        """The master key that the session of a token carries; None where it has ended or carries none."""
        session = self.lookup(token, used=False)
        if session is None or not session.key:
            return None
        return unseal(derive(token.encode(), _SEALED), base64.b64decode(session.key), _SEALED)

    def prefer(self, token: str, **preferences: str) -> None:
        """Remember what is preferred on this device, such as the language, for as long as the session lives."""
        key = _hash(token)

        def change(sessions: dict[str, Session]) -> dict[str, Session]:
            session = sessions.get(key)  # it may have ended meanwhile
            if session is None:
                return sessions
            return sessions | {key: replace(session, preferences={**session.preferences, **preferences})}

        if (session := self._stored().get(key)) and not preferences.items() <= session.preferences.items():
            self._change(change)

    def end(self, token: str) -> None:
        """End one session; an unknown token is no error."""
        key = _hash(token)
        if key in self._stored():
            self._change(lambda sessions: {k: s for k, s in sessions.items() if k != key})

    def end_user(self, name: str) -> None:
        """End every session of a user, on every device."""
        if any(session.user == name for session in self._stored().values()):
            self._change(lambda sessions: {k: s for k, s in sessions.items() if s.user != name})

    def of_user(self, name: str) -> list[Session]:
        """A user's sessions that have not ended, the newest first."""
        now = self._clock()
        return sorted(
            (s for s in self._stored().values() if s.user == name and not self._ended(s, now)), key=lambda s: -s.created
        )

    def _ended(self, session: Session, now: float) -> bool:
        settings = self._settings()
        return (
            now - session.last_seen > settings.idle_hours * 3600
            or now - session.created > settings.session_days * 86400
        )

    def _change(self, change: Callable[[dict[str, Session]], dict[str, Session]], seconds: float = 60) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with locked(self._lock, seconds):
            now = self._clock()
            sessions = {
                k: replace(s, last_seen=max(s.last_seen, self._seen.get(k, 0.0)))
                for k, s in change(self._read()).items()
            }
            kept = {k: asdict(s) for k, s in sessions.items() if not self._ended(s, now)}
            write_json(self.path, {"version": 1, "sessions": kept})
        self._seen = {k: seen for k, seen in list(self._seen.items()) if k in kept}
        self._written = now

    def _write_use(self, now: float) -> None:
        if not self._writing.acquire(blocking=False):
            return
        try:
            self._written = now
            # A full disk or a busy lock ends nobody's session: the times are written the next minute.
            with contextlib.suppress(NotWritten, Busy):
                self._change(lambda sessions: sessions, seconds=0.05)
        finally:
            self._writing.release()

    def _read(self) -> dict[str, Session]:
        try:
            content: dict[str, Any] = read_json(self.path, {})
            return {k: _session(s) for k, s in content.get("sessions", {}).items()}
        except (ValueError, TypeError, AttributeError, KeyError, ArithmeticError, RecursionError):
            return {}  # an unreadable file ends the sessions; people sign in again


def _session(record: dict[str, Any]) -> Session:
    """A session as it stands in the file; one of other types is a TypeError or ValueError."""
    base64.b64decode(record["key"])
    times = {name: float(record[name]) for name in ("created", "last_seen")}
    texts = {name: str(record[name]) for name in ("user", "device", "address", "key")}
    return Session(**{**record, **times, **texts, "epoch": int(record["epoch"])})


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
