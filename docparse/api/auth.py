"""API keys: who asks, by the hash of what they show, and how often they may.

A key has 256 random bits, so that its SHA-256 is as good as a slow hash: nobody tries them all. The file has a
line for each key, ``name:hash`` or ``name:hash:rate``; two of one name are one owner, while one replaces the other.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from docparse.errors import KeyRefused, KeyRequired, RateLimited, SettingsError

PREFIX = "docparse_"
"""What keys begin with, so that scanners for leaked secrets know one."""
ANONYMOUS = "local"
"""The owner of everything where no key is set."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_HASH = re.compile(r"[0-9a-f]{64}")
_LONGEST = 200
"""Characters of a key that are looked at."""


@dataclass(frozen=True, slots=True)
class Key:
    """``hash``: SHA-256 of the whole key in hexadecimal. ``rate``: requests a minute; None: the operator's default."""

    name: str
    hash: str
    rate: float | None = None


def new_key(name: str, *, rate: float | None = None) -> tuple[str, str]:
    """A key, which is shown once, and its line for the file. Raises ``SettingsError`` for a name that cannot be one."""
    key = PREFIX + secrets.token_urlsafe(32)
    line = f"{name}:{_hash(key)}" + (f":{rate:g}" if rate is not None else "")
    parse_keys(line)
    return key, line


def read_keys(path: Path) -> tuple[Key, ...]:
    """The keys of a file. Raises ``SettingsError`` where it cannot be read, or a line is none."""
    try:
        return parse_keys(path.read_text("utf-8"), file=str(path))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise SettingsError(f"the keys cannot be read ({reason}).", file=str(path)) from error


def parse_keys(text: str, *, file: str | None = None) -> tuple[Key, ...]:
    """Lines of ``name:hash`` or ``name:hash:rate``; empty ones and those after ``#`` are left out."""
    keys = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        # The line itself is never shown: somebody may have put a key where its hash belongs.
        name, digest, rate = [*(part.strip() for part in line.split(":")), "", ""][:3]
        wrong = ""
        if not _NAME.fullmatch(name) or line.count(":") > 2:
            wrong = "names have letters, digits, _ . and -, at most 64"
        elif name == ANONYMOUS:
            wrong = f"{ANONYMOUS!r} is who asks without a key"
        elif not _HASH.fullmatch(digest):
            wrong = "after the name comes the SHA-256 of the key, 64 hexadecimal digits"
        elif rate and (not re.fullmatch(r"\d{1,9}(\.\d{1,3})?", rate) or float(rate) == 0):
            wrong = "the rate is a number of requests a minute"
        if wrong:
            hint = "Make lines with: docparse serve --make-key NAME."
            raise SettingsError(f"line {number} is no key: {wrong}.", file=file, hint=hint)
        keys.append(Key(name, digest, float(rate) if rate else None))
    return tuple(keys)


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(slots=True)
class _Bucket:
    """A token bucket. It holds a minute's worth at most, so that a burst is possible and a flood is not."""

    a_minute: float
    tokens: float
    at: float

    def take(self, now: float) -> float:
        """0, or the seconds until there is a token."""
        self.tokens = min(max(self.a_minute, 1.0), self.tokens + (now - self.at) * self.a_minute / 60)
        self.at = now
        if self.tokens >= 1:
            self.tokens -= 1
            return 0.0
        return (1 - self.tokens) * 60 / self.a_minute


@dataclass(slots=True)
class Gate:
    """Says who asks. Of one event loop.

    An address that shows keys that are none is soon answered without being listened to.
    """

    keys: Sequence[Key]
    rate: float = 0.0
    clock: Callable[[], float] = time.monotonic
    _buckets: OrderedDict[str, _Bucket] = field(default_factory=OrderedDict)
    _failures: OrderedDict[str, _Bucket] = field(default_factory=OrderedDict)

    def owner(self, shown: str | None, *, address: str) -> str:
        """Whose key was ``shown``. Raises ``KeyRequired``, ``KeyRefused`` and ``RateLimited``."""
        return self.enter(self.key(shown, address=address))

    def enter(self, key: Key) -> str:
        """The owner of a key that was found to be one. Raises ``RateLimited``."""
        rate = self.rate if key.rate is None else key.rate
        # The hash is part of the name: where a key replaces another, each has its rate.
        if rate and (wait := self._wait(self._buckets, f"{key.name}:{key.hash}", rate)):
            raise _limited(f"this key may send {rate:g} requests a minute.", wait)
        return key.name

    def key(self, shown: str | None, *, address: str) -> Key:
        """The key that was ``shown``: two of one owner are not the same. Raises what ``owner`` does."""
        if not self.keys:
            return Key(ANONYMOUS, "")
        if not shown:
            raise KeyRequired("this service wants an API key.", hint="Send it as Authorization: Bearer KEY.")
        found = None
        digest = _hash(shown[:_LONGEST])
        for key in self.keys:  # all of them, always: how long it takes says nothing
            if hmac.compare_digest(key.hash, digest):
                found = key
        if found is None:
            if wait := self._wait(self._failures, address, FAILURES):
                raise _limited("too many keys that are none came from this address.", wait)
            raise KeyRefused("this API key is none of the service's.", hint="Ask whoever runs it for another.")
        return found

    def _wait(self, buckets: OrderedDict[str, _Bucket], name: str, a_minute: float) -> float:
        now = self.clock()
        bucket = buckets.setdefault(name, _Bucket(a_minute, max(a_minute, 1.0), now))
        buckets.move_to_end(name)
        while len(buckets) > MOST_BUCKETS:
            buckets.popitem(last=False)
        return bucket.take(now)


FAILURES = 20.0
"""Keys that are none which an address may show in a minute."""
MOST_BUCKETS = 4096


def _limited(message: str, wait: float) -> RateLimited:
    error = RateLimited(message, hint=f"Try again in {max(1, round(wait + 0.5))} seconds.")
    error.retry_after = wait
    return error
