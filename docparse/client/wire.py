"""A request, its answer, and whether it is sent again. Values and generators: no socket, no clock that waits.

A call of the client is a generator of ``Step``s: it says what is to be sent or waited for, and is given what came
of it. ``sync`` and ``asynchronous`` take these steps, each in its way, so that there is one client and not two.
"""

from __future__ import annotations

import email.utils
import io
import json
import math
import os
import random
import re
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Literal, TypeVar
from urllib.parse import urlsplit

from docparse import __version__
from docparse.client.values import error_of
from docparse.errors import (
    DocparseError,
    ServiceError,
    ServiceTimeout,
    ServiceUnreachable,
    SettingsError,
    UnreadableSource,
)
from docparse.json_place import Place

T = TypeVar("T")

FIRST_PAUSE, LONGEST_PAUSE = 0.25, 8.0
"""Seconds before a request is sent again, where the service does not say; doubled each time."""
_SHOWN = 300
"""Characters of an answer that is no docparse's which are shown."""
_PASSING = frozenset({"job.queue_full", "job.store", "limit.reached", "limit.rate", "limit.concurrent"})
"""Codes of what is over after a while."""


@dataclass(frozen=True, slots=True)
class File:
    """What is sent: a path, which is read as it goes, or bytes."""

    content: str | bytes
    name: str

    def open(self) -> BinaryIO:
        """From its beginning. Raises ``UnreadableSource``."""
        if isinstance(self.content, bytes):
            return io.BytesIO(self.content)
        try:
            if not os.path.isfile(self.content) and os.path.exists(self.content):
                raise UnreadableSource("this is not a regular file.", file=self.content)
            return open(self.content, "rb")
        except OSError as error:
            missing = isinstance(error, FileNotFoundError)
            said = "there is no such file." if missing else f"the file cannot be read ({error.strerror or error})."
            raise UnreadableSource(said, file=self.content) from error


def file_of(content: str | os.PathLike[str] | bytes, name: str | None) -> File:
    if isinstance(content, bytes):
        return File(content, name or "document")
    path = os.fspath(content)
    shown = name or Path(path).name
    return File(path, shown.encode("utf-8", "replace").decode("utf-8"))  # a name need not be Unicode; a header is


@dataclass(frozen=True, slots=True)
class Call:
    """A request.

    seconds   the longest silence before its answer; None: as the client has it
    again     sent twice, it does what it does once, so that it may be sent again where nobody knows what became of it
    urgent    it is sent once, and soon given up: somebody wants to go
    """

    method: Literal["GET", "POST", "DELETE"]
    path: str
    params: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    file: File | None = None
    seconds: float | None = None
    again: bool = True
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Answer:
    """``headers`` by their names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Fault:
    """No answer. ``sent``: the service may have got the request, or a part of it. ``never``: nor will there be one."""

    kind: Literal["connection", "timeout", "never"]
    reason: str
    sent: bool


Step = Call | Pause
Given = Answer | Fault | None
Steps = Generator[Step, Given, T]


@dataclass(frozen=True, slots=True)
class Service:
    """Which service, and how long to be patient with it: seconds that a call may spend on being sent again."""

    url: str
    api_key: str | None = field(default=None, repr=False)
    patience: float = 30.0

    def headers(self) -> dict[str, str]:
        found = {"User-Agent": f"docparse/{__version__}", "Accept-Encoding": "identity"}
        if self.api_key:
            found["Authorization"] = f"Bearer {self.api_key}"
        return found

    def send(self, call: Call) -> Steps[Answer]:
        """The answer to ``call``, where it is none of an error. Raises ``DocparseError``."""
        begun, tries = time.monotonic(), 0
        while True:
            given = yield call
            if isinstance(given, Answer) and given.status < 300:
                return given
            assert given is not None
            tries += 1
            error, wait = self.judge(given, call)
            left = self.patience - (time.monotonic() - begun)
            if wait is None or call.urgent:
                raise error
            wait = max(wait, pause_after(tries))
            if wait > left:
                raise error
            yield Pause(wait)

    def judge(self, given: Answer | Fault, call: Call) -> tuple[DocparseError, float | None]:
        """What went wrong, and the seconds after which to send it again; None: never."""
        if isinstance(given, Fault):
            again = call.again or not given.sent
            if given.kind == "timeout" and given.sent:
                # Whoever is silent for that long is likely to be so again; a stream is simply taken up.
                late = ServiceTimeout(f"the service at {self.url} does not answer ({given.reason}).")
                return late, 0.0 if again else None
            again = again and given.kind != "never"
            lost = ServiceUnreachable(
                f"there is no connection to the service at {self.url} ({self._scrubbed(given.reason)}).",
                hint="Is it running, and is that its address?",
            )
            return lost, 0.0 if again else None
        error = self._error(given, call)
        if error is None:
            said = self._scrubbed(_shown(given.body))
            error = ServiceError(f"the service at {self.url} answered with HTTP {given.status}{said}.")
            passing = given.status in (429, 502, 503, 504)
        else:
            passing = error.code in _PASSING
        refused = given.status == 429
        return error, (retry_after(given.headers) or 0.0) if passing and (call.again or refused) else None

    def _error(self, given: Answer, call: Call) -> DocparseError | None:
        """The error that a docparse service speaks of."""
        if given.status < 400:
            there = self._scrubbed(given.headers.get("location", "elsewhere")[:_SHOWN])
            return ServiceError(f"the service at {self.url} redirects to {there}.", hint="Give that address instead.")
        try:
            body = Place(json.loads(given.body), "")
            name = call.file.name if call.file is not None else None
            return error_of(body.get("error"), file=name, request_id=body.text("request_id"))
        except (ValueError, RecursionError, DocparseError):
            return None

    def _scrubbed(self, text: str) -> str:
        return text.replace(self.api_key, "***") if self.api_key else text


def pause_after(tries: int) -> float:
    """Seconds, not the same for two clients, so that they do not all come back at once."""
    longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(tries - 1, 16))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds: the header has them, or a date."""
    value = headers.get("retry-after", "").strip()
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(value).timestamp() - time.time()
        except (ValueError, TypeError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def checked_key(key: str | None) -> str | None:
    """Raises ``SettingsError`` for what cannot be sent as a key."""
    if key is not None and not re.fullmatch(r"[!-~]+", key):
        raise SettingsError("an API key is made of printable ASCII characters, without blanks.")
    return key


def service_url(url: str) -> str:
    """The address of the service, from whatever part of it was given. Raises ``SettingsError``."""
    try:
        parts = urlsplit(url.strip())
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable or parts.query or parts.fragment:
        raise SettingsError("that is no address of a docparse service.", hint="Write it as http://localhost:8000.")
    if parts.username or parts.password:
        raise SettingsError("a password does not belong in an address.", hint="Give the key as the API key.")
    path = parts.path.rstrip("/").removesuffix("/v1")
    return f"{parts.scheme}://{parts.netloc}{path}"


def _shown(body: bytes) -> str:
    text = " ".join(body[: 4 * _SHOWN].decode("utf-8", "replace").split())
    text = "".join(letter if letter.isprintable() else "?" for letter in text)[:_SHOWN]
    return f": {text}" if text and not text.startswith("<") else ""
