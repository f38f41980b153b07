"""Sessions in a browser: whoever has shown a key once need not show it again.

A session is a cookie that says whose it is and until when, signed. Nothing is kept of it: it outlives a restart, and
ends when its key is taken out of the file of keys. Scripts of the page cannot read it (HttpOnly), and no other site
can have it sent (SameSite=Strict; the door looks at the origin as well).
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from docparse.api.auth import Key
from docparse.errors import OutputError

COOKIE = "docparse_session"
SECONDS = 7 * 24 * 3600
"""How long one lasts."""
_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Sessions:
    """``secret``: what cookies are signed with; the same one on all machines that serve one address."""

    keys: Sequence[Key]
    secret: bytes
    clock: Callable[[], float] = time.time

    def issued(self, key: Key) -> str:
        """A cookie's value for whoever has shown this key, with which it ends."""
        until = int(self.clock()) + SECONDS
        return f"{key.name}.{until}.{self._signature(key, until)}"

    def key(self, value: str) -> Key | None:
        """Whose the cookie is; None where it is none, is over, or its key is no more."""
        name, _, rest = value.rpartition(".")
        name, _, until = name.rpartition(".")
        if not (until.isascii() and until.isdecimal() and len(until) < 20) or int(until) <= self.clock():
            return None
        found = None
        for key in self.keys:
            signed = hmac.compare_digest(self._signature(key, int(until)).encode(), rest.encode("utf-8", "replace"))
            if signed and key.name == name:
                found = key
        return found

    def _signature(self, key: Key, until: int) -> str:
        said = f"session\n{key.name}\n{key.hash}\n{until}"
        return hmac.new(self.secret, said.encode(), hashlib.sha256).hexdigest()


def set_cookie(value: str, *, secure: bool) -> str:
    """The header that has a browser keep ``value``; an empty one ends the session. ``secure``: over TLS only."""
    age = SECONDS if value else 0
    return f"{COOKIE}={value}; Max-Age={age}; Path=/; HttpOnly; SameSite=Strict{'; Secure' if secure else ''}"


def read_secret(path: Path) -> bytes:
    """The secret of a file, which is made where it is not there. Raises ``OutputError``."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            found = path.read_bytes()
        else:
            found = secrets.token_bytes(_SECRET_BYTES)
            with os.fdopen(made, "wb") as file:
                file.write(found)
    except OSError as error:
        raise OutputError(f"the secret of sessions cannot be kept ({error.strerror}).", file=str(path)) from error
    if len(found) < _SECRET_BYTES:
        raise OutputError("the secret of sessions is too short.", file=str(path), hint="Remove the file.")
    return found
