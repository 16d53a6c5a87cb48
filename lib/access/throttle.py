"""`attempts.json`: who guessed how often, so that guessing is slow and nobody is kept out.

Failures are counted for each user and for each address. A known address, one from which somebody came in during the
last month, counts apart: for each user there, for each user at all such addresses, and for all users there together
with many more free tries. So a stranger elsewhere slows nobody there, and whoever makes many addresses known by signing
in from them wins no tries by it. That is so for every name, else the wait would tell who comes in from that address.

After the free tries each wait is twice the one before, to a minute at most; failures are forgotten with time. An
address that a user's count keeps waiting has its turn when its own wait is over, whatever others did meanwhile: else
one who never stops guessing would keep every new address out.

A browser from which the user came in before counts alone: for that user there, and neither for the address nor for the
user elsewhere. So a stranger at the same address slows nobody there either. A browser is known by its mark
(`lib.access.marks`) or, where the user is signed in, by the session; whoever steals one has another set of slowed tries
by it, and no more.

Names and addresses stand there as keyed hashes, the same for users that exist and others. The key stands there, too, so
an address can be tried out; a name's hash is cut to 24 bits, which many words share: it tells no password typed there.
Without the file every mark is void.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import ipaddress
import logging
import math
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from lib.access import marks as browser_marks
from lib.errors import Busy, NotWritten, TooMany
from lib.files import locked, read_json, write_json

# Tries before the first wait. "user" is one at all addresses that are not known, "known" one at all that are, "here"
# one at one of these, "shared" that address; "browser" is a user at a browser that is known. Codes are counted apart.
FREE = {
    "user": 5,
    "address": 10,
    "known": 10,
    "here": 5,
    "shared": 100,
    "browser": 5,
    "code": 5,
    "code known": 10,
    "code here": 5,
    "code browser": 5,
}
_EVERYWHERE = ("user", "known")  # an address that one of these keeps waiting has its turn
LONGEST = 60.0  # seconds
# Who guesses codes of the second factor has the password already, and a code has six digits only.
LONGEST_FOR_CODES = 900.0
FORGOTTEN = 600.0  # seconds in which one failure is
KNOWN = 30 * 86400.0  # seconds for which an address stays known, and a browser keeps its marks
MOST = 4096  # counts
MOST_KNOWN = 20  # addresses of a user
MOST_TURNS = 50  # addresses that wait for their turn at a user
_NAME = 6  # hex digits of a name's hash, 24 bits
_logger = logging.getLogger(__name__)


class Slowed(NamedTuple):
    """What is slowed: a user, an address, or a user at an address; "" where it is none or may not be told.

    `where`: "browser" is the user at a browser that is known and nowhere else, "known" at all known addresses together.
    """

    user: str
    address: str
    seconds: int
    failures: int
    where: str = ""


@dataclass
class _State:
    """`counts` maps a kind and hash to the failures and the time of the last; `known` maps the hash of a user, `turns`
    a kind and hash, to hashes of addresses, with the time of the last sign-in, or of the turn."""

    key: str
    counts: dict[str, tuple[float, float]] = field(default_factory=dict)
    known: dict[str, dict[str, float]] = field(default_factory=dict)
    turns: dict[str, dict[str, float]] = field(default_factory=dict)

    def user(self, name: str) -> str:
        """A name's hash. It is short: somebody may have typed a password there, and many words have the same one."""
        return self._hash(name)[:_NAME]

    def address(self, address: str) -> str:
        return self._hash(address)[:24]

    def browser(self, browser: str) -> str:
        return self._hash(f"browser {browser}")[:24]

    def _hash(self, text: str) -> str:
        return hmac.new(bytes.fromhex(self.key), text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


class Throttle:
    """The counts of one data folder, the same for every process.

    Args:
        clock: gives the seconds since 1970.
    """

    def __init__(self, data_dir: Path, clock: Callable[[], float] = time.time) -> None:
        self.path = data_dir / "attempts.json"
        self._lock = data_dir / "attempts.lock"
        self._clock = clock
        self._mutex = threading.Lock()
        self._unwritten: _State | None = None  # what the disk did not take
        self._last: _State | None = None  # what was read last, and has been counted since
        self._blind: _State | None = None  # counted while the file could not be read, and never had been

    def browser(self, user: str, standing: str, marks: str) -> str:
        """The browser that holds a good mark of the user among these; "" for none.

        Args:
            standing: how the user's account stands, which ends marks when it changes.
        """
        return browser_marks.browser(self._key(), user, standing, marks) if marks else ""

    def marked(self, user: str, standing: str, marks: str) -> str:
        """A browser's marks, with a good one of a user who has come in there."""
        return browser_marks.with_mark(self._key(), user, standing, marks)

    def _key(self) -> bytes:
        with self._mutex:
            return bytes.fromhex(self._now()[0].key)

    def begin(self, user: str, address: str, *, code: bool = False, browser: str = "") -> None:
        """Count an attempt as failed before it is checked, so that attempts at the same moment count as well.

        Args:
            code: of the second factor, not of the password.
            browser: one from which this user has come in before, "" for any other.

        Raises:
            TooMany: it must not be checked, and was not counted.
        """
        address = network(address)
        with self._changing() as state:
            now = self._clock()
            kinds = _kinds(state, user, address, code, browser, now)
            waits = {kind: _wait(kind, state.counts.get(key), now) for kind, key in kinds.items()}
            for kind in waits.keys() & _EVERYWHERE:
                waits[kind] = self._turn(state, kinds[kind], address, waits[kind], now)
            wait = max(waits.values())
            if wait <= 0:
                for kind, key in kinds.items():
                    failures, _ = _decayed(state.counts.get(key), now)
                    state.counts[key] = (min(failures + 1, _most(kind)), now)
                    state.turns.get(key, {}).pop(state.address(address), None)
        if wait > 0:
            raise TooMany(math.ceil(wait))

    def succeeded(self, user: str, address: str, *, code: bool = False, known: bool = True, browser: str = "") -> None:
        """Take the attempt back that `begin` counted.

        Args:
            known: the user is in; the address is known from now on.
        """
        address = network(address)
        with self._changing() as state:
            now = self._clock()
            for kind, key in _kinds(state, user, address, code, browser, now).items():
                failures, at = _decayed(state.counts.get(key), now)
                if failures <= 1:
                    state.counts.pop(key, None)
                else:  # whoever comes next does not wait for this one
                    state.counts[key] = (failures - 1, min(at, now - _delay(kind, failures - 1)))
            if known:
                known_here = state.known.setdefault(state.user(user), {})
                known_here[state.address(address)] = now
                for old in sorted(known_here, key=known_here.__getitem__)[:-MOST_KNOWN]:
                    del known_here[old]

    def slowed(self, users: Iterable[str], addresses: Iterable[str]) -> list[Slowed]:
        """Who and what waits, or would after the next failure; the longest wait first.

        Args:
            users, addresses: those that may be told; what is slowed under another name is told without it.
        """
        with self._mutex:
            state, _ = self._now()
        now = self._clock()
        users = sorted(set(users))
        named = {
            "user": {state.user(user): user for user in users},
            "address": {state.address(network(address)): address for address in addresses},
        }
        found = []
        for key, count in state.counts.items():
            kind, _, hashes = key.partition(":")
            failures, _ = _decayed(count, now)
            if math.ceil(failures) < FREE.get(kind, math.inf):
                continue
            first, _, second = hashes.partition(":")
            of_address = kind in ("address", "shared")
            user = "" if of_address else named["user"].get(first, "")
            address = named["address"].get(first if of_address else second, "")
            seconds = math.ceil(_wait(kind, count, now))
            where = next((place for place in ("browser", "known") if place in kind), "")
            found.append(Slowed(user, address, seconds, math.ceil(failures), where))
        return sorted(found, key=lambda one: (-one.seconds, -one.failures, one.user, one.address))

    def _turn(self, state: _State, key: str, address: str, wait: float, now: float) -> float:
        """What an address has to wait for a user's count: not at all once its turn has come."""
        turns = state.turns.get(key, {})
        due = turns.get(state.address(address))
        if due is not None and due - now <= LONGEST:
            return min(wait, max(0.0, due - now))
        if wait > 0:
            turns = state.turns.setdefault(key, {})
            for over in [key for key, at in turns.items() if now - at > LONGEST]:
                del turns[over]  # it did not come
            if len(turns) < MOST_TURNS:
                turns[state.address(address)] = now + wait
        return wait

    # -- the file ------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _changing(self) -> Iterator[_State]:
        """The counts, written if they change. What the disk does not take is kept in memory: it opens no door."""
        with self._mutex, contextlib.ExitStack() as stack:
            trouble: Busy | NotWritten | None = None
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                stack.enter_context(locked(self._lock, 10))
            except (Busy, NotWritten) as error:
                trouble = error
            state, unread = self._now()
            before = asdict(state)
            yield state
            _tidy(state, self._clock())
            if (content := asdict(state)) == before and self._unwritten is None:
                return
            if state is self._blind:  # what stands in the file is not written over
                _logger.warning("The attempts to sign in are counted in memory only: %s", unread)
                return
            if trouble is None:
                try:
                    write_json(self.path, {"version": 1, **content})
                    self._unwritten = None
                    return
                except NotWritten as error:
                    trouble = error
            self._unwritten = state
            _logger.warning("The attempts to sign in are counted in memory only: %s", trouble)

    def _now(self) -> tuple[_State, OSError | None]:
        """The counts as they are known, and why the file was not read if it was not: that forgets no guess."""
        if self._unwritten:
            return self._unwritten, None
        try:
            self._last, self._blind = self._read(), None
        except OSError as error:
            if self._last is None:
                self._last = self._blind = _State(secrets.token_hex(16))
            return self._last, error
        return self._last, None

    def _read(self) -> _State:
        """The counts in the file. Raises OSError where it is there and cannot be read."""
        try:
            content: dict[str, Any] = read_json(self.path, {})
            bytes.fromhex(content["key"])
            return _State(
                content["key"],
                {_shortened(k): (float(count), float(at)) for k, (count, at) in content["counts"].items()},
                {str(k)[:_NAME]: _times(of) for k, of in content["known"].items()},
                {str(k): _times(of) for k, of in content["turns"].items()},
            )
        except (ValueError, TypeError, AttributeError, KeyError, ArithmeticError, RecursionError):
            return _State(secrets.token_hex(16))  # none, or a damaged one: it counts as empty


def _times(of: dict[str, Any]) -> dict[str, float]:
    return {str(key): float(at) for key, at in of.items()}


def _shortened(key: str) -> str:
    """The key of a count in a file of an earlier version, whose names had longer hashes."""
    kind, _, hashes = key.partition(":")
    if kind in ("address", "shared"):
        return key
    user, *address = hashes.split(":")
    return ":".join([kind, user[:_NAME], *address])


def network(address: str) -> str:
    """What counts as one address: of IPv6 the whole subnet, since its owner has all of it."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((int(parsed) >> 64 << 64, 64)))
    return str(parsed)


def _kinds(state: _State, user: str, address: str, code: bool, browser: str, now: float) -> dict[str, str]:
    """What an attempt counts for, by kind: where it stands in the counts."""
    user_hash, address_hash = state.user(user), state.address(address)
    if browser:
        kind = "code browser" if code else "browser"
        return {kind: f"{kind}:{user_hash}:{state.browser(browser)}"}
    if any(now - of[address_hash] <= KNOWN for of in state.known.values() if address_hash in of):
        here, known = ("code here", "code known") if code else ("here", "known")
        return {
            here: f"{here}:{user_hash}:{address_hash}",
            known: f"{known}:{user_hash}",
            "shared": f"shared:{address_hash}",
        }
    kind = "code" if code else "user"
    return {kind: f"{kind}:{user_hash}", "address": f"address:{address_hash}"}


def _longest(kind: str) -> float:
    return LONGEST_FOR_CODES if "code" in kind else LONGEST


def _most(kind: str) -> float:
    """More failures than this make no difference."""
    return FREE[kind] + math.ceil(math.log2(_longest(kind)))


def _decayed(count: tuple[float, float] | None, now: float) -> tuple[float, float]:
    """The failures that are not forgotten, and when the last was."""
    if count is None:
        return 0.0, now
    failures, at = count
    return max(0.0, failures - max(0.0, now - at) / FORGOTTEN), at


def _delay(kind: str, failures: float) -> float:
    """Seconds from one attempt to the next."""
    over = math.ceil(failures) - FREE[kind]
    return 0.0 if over < 0 else min(_longest(kind), 2.0 ** min(over, 20))


def _wait(kind: str, count: tuple[float, float] | None, now: float) -> float:
    failures, at = _decayed(count, now)
    # A time in the future is a clock that was turned back: nobody waits for it to come round again.
    return max(0.0, at + _delay(kind, failures) - now) if at <= now else 0.0


def _tidy(state: _State, now: float) -> None:
    """Forget what is over, and the smallest counts where there are too many: a long wait is never pushed out."""
    state.counts = {key: count for key, count in state.counts.items() if _decayed(count, now)[0] > 0}
    if len(state.counts) > MOST:
        smallest = sorted(state.counts, key=lambda key: (_decayed(state.counts[key], now)[0], state.counts[key][1]))
        for key in smallest[: len(state.counts) - MOST]:
            del state.counts[key]
    state.known = {
        user: kept
        for user, of in state.known.items()
        if (kept := {address: at for address, at in of.items() if now - at <= KNOWN})
    }
    state.turns = {
        user: kept
        for user, of in state.turns.items()
        if (kept := {address: at for address, at in of.items() if now - at <= LONGEST})
    }
    while len(state.turns) > MOST // MOST_TURNS:
        del state.turns[next(iter(state.turns))]
