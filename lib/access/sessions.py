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
from collections.abc import Callable, Mapping
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
    """One sign-in on one device; times in seconds since 1970.

    `key` is the sealed master key, "" for none. `own` is a device that its user called one's own. `id` names the
    session to its user: the beginning of its token's hash.
    """

    user: str
    epoch: int
    created: float
    last_seen: float
    device: str
    address: str
    key: str = ""
    preferences: dict[str, str] = field(default_factory=dict)
    own: bool = False
    id: str = ""


class Sessions:
    """The sessions of one data folder.

    Args:
        settings: gives the settings of the moment, for the limits.
        clock: gives the seconds since 1970.
        ended: told of each session that has left the file, and why: "signed_out", "ended_elsewhere" (by its user or
            an administrator), "account" (password, roles, closed), "idle", "too_old".
    """

    def __init__(
        self,
        data_dir: Path,
        settings: Callable[[], Settings],
        clock: Callable[[], float] = time.time,
        ended: Callable[[Session, str], None] = lambda session, why: None,
    ) -> None:
        self.path = data_dir / "sessions.json"
        self._lock = data_dir / "sessions.lock"
        self._settings = settings
        self._clock = clock
        self._tell = ended
        self._stored = Cached(self.path, self._read)
        self._seen: dict[str, float] = {}
        self._written = clock()
        self._writing = threading.Lock()

    def create(
        self,
        account: Account,
        master_key: bytes | None,
        device: str,
        address: str,
        own: bool = False,
        preferences: Mapping[str, str] | None = None,
    ) -> str:
        """Begin a session and return its token. The master key is None where the account has no slot for it.

        Args:
            own: on one's own device, where it lasts longer if the settings allow that.

        Raises:
            NotWritten, Busy: no session began.
        """
        token, now = secrets.token_urlsafe(32), self._clock()
        key = (
            base64.b64encode(seal(derive(token.encode(), _SEALED), master_key, _SEALED)).decode() if master_key else ""
        )
        own = own and self._settings().own_device_days > 0
        session = Session(
            account.name, account.epoch, now, now, device[:200], address[:64], key, dict(preferences or {}), own
        )
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
        """Sign one session out; an unknown token is no error."""
        key = _hash(token)
        self._end(lambda k, session: k == key, "signed_out")

    def end_one(self, name: str, session_id: str) -> None:
        """End one session of a user, by its id; an unknown one is no error."""
        self._end(lambda k, session: session.user == name and session.id == session_id, "ended_elsewhere")

    def end_user(self, name: str, but: str = "", why: str = "account") -> None:
        """End every session of a user, on every device.

        Args:
            but: the token of the one that stays.
        """
        stays = _hash(but) if but else ""
        self._end(lambda k, session: session.user == name and k != stays, why)

    def _end(self, ends: Callable[[str, Session], bool], why: str) -> None:
        if any(ends(k, session) for k, session in self._stored().items()):
            self._change(lambda sessions: {k: s for k, s in sessions.items() if not ends(k, s)}, why=why)

    def of_user(self, name: str) -> list[Session]:
        """A user's sessions that have not ended, the newest first."""
        now = self._clock()
        return sorted(
            (s for s in self._stored().values() if s.user == name and not self._ended(s, now)), key=lambda s: -s.created
        )

    def _ended(self, session: Session, now: float) -> str:
        """Why a session has ended by itself; "" for one that has not."""
        settings = self._settings()
        longest = settings.own_device_days * 86400 if session.own else settings.session_hours * 3600
        if now - session.created > longest:
            return "too_old"
        return "idle" if not session.own and now - session.last_seen > settings.idle_hours * 3600 else ""

    def _change(
        self, change: Callable[[dict[str, Session]], dict[str, Session]], seconds: float = 60, why: str = ""
    ) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with locked(self._lock, seconds):
            now = self._clock()
            before = {
                k: replace(s, last_seen=max(s.last_seen, self._seen.get(k, 0.0))) for k, s in self._read().items()
            }
            sessions = change(before)
            kept = {k: s for k, s in sessions.items() if not self._ended(s, now)}
            write_json(self.path, {"version": 1, "sessions": {k: _record(s) for k, s in kept.items()}})
        self._seen = {k: seen for k, seen in list(self._seen.items()) if k in kept}
        self._written = now
        for k, session in before.items():
            if k not in kept:
                self._tell(session, self._ended(session, now) if k in sessions else why)

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
            return {k: _session(k, s) for k, s in content.get("sessions", {}).items()}
        except (ValueError, TypeError, AttributeError, KeyError, ArithmeticError, RecursionError):
            return {}  # an unreadable file ends the sessions; people sign in again


def _record(session: Session) -> dict[str, Any]:
    record = asdict(session)
    del record["id"]
    return record


def _session(key: str, record: dict[str, Any]) -> Session:
    """A session as it stands in the file; one of other types is a TypeError or ValueError."""
    base64.b64decode(record["key"])
    times = {name: float(record[name]) for name in ("created", "last_seen")}
    texts = {name: str(record[name]) for name in ("user", "device", "address", "key")}
    own = bool(record.get("own", False))
    return Session(**{**record, **times, **texts, "epoch": int(record["epoch"]), "own": own, "id": key[:16]})


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
