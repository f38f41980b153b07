"""An answer as a server sends it: streamed or whole, in all the shapes that servers give it.

Much is forgiven: parts that are missing, empty or of later versions. What is not: text that may be lost. How an
answer ended is always known, or is an error (facts/peers.md 4: silent truncation).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import httpx

from docparse.engines.event_stream import Done, EventStream, Garbage
from docparse.qwenvl_html.issues import shown

End = Literal["stop", "length", "loop", "error"]

LINGER_SECONDS = 5.0
"""How long the rest of a stream is waited for once the answer has ended: a connection that ended well is kept."""
LONGEST_BODY = 16 * 2**20
CHARACTERS_PER_TOKEN = 32
"""A server whose answer is longer than that does not count tokens: markup has about three characters to a token."""
ENDS_OF_TURN = ("<|im_end|>", "<|endoftext|>")
STOPPED = ("stop", "eos", "eos_token", "end_turn", "stop_sequence", "tool_calls", "function_call")


class Watching(Protocol):
    """Looks at an answer while it comes. What is not None ends it: it runs in a loop."""

    def feed(self, piece: str) -> object | None: ...


@dataclass(slots=True)
class Completion:
    """An answer as far as it came.

    tokens     (bytes, logprob) of each token, where the server gives them
    error      a sentence, where ``end`` is ``error``
    continued  it goes on from the question's reply; else it starts anew
    tries      requests that it took
    """

    pieces: list[str] = field(default_factory=list)
    end: End = "error"
    error: str = ""
    tokens: list[tuple[bytes, float]] = field(default_factory=list)
    continued: bool = False
    tries: int = 1

    @property
    def text(self) -> str:
        """The answer without ends of turns, which servers leave in where marks are asked for."""
        text = "".join(self.pieces)
        if not text.isascii():  # halves of a character come as two
            text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        while (cut := text.rstrip()).endswith(ENDS_OF_TURN):
            text = cut[: cut.rindex("<|")]
        return text


class Again(Exception):
    """Nothing came, and it may come the next time. ``busy``: the server said that it has too much to do."""

    def __init__(self, why: str, *, busy: bool = False) -> None:
        super().__init__(why)
        self.busy = busy


class Reader:
    """An answer from what the server sends, written into a ``Completion`` as it comes."""

    def __init__(self, into: Completion, max_tokens: int, watch: Watching | None) -> None:
        self._into = into
        self._max_tokens = max_tokens
        self._watch = watch
        self._room = max_tokens * CHARACTERS_PER_TOKEN
        self._over = False
        self._done = False
        self._used: int | None = None

    async def stream(self, response: httpx.Response, deadline: float) -> None:
        """Read a streamed answer to its end, or until it needs no more reading."""
        events = EventStream()
        now = asyncio.get_running_loop().time
        try:
            async with asyncio.timeout_at(None) as patience:
                async for data in _coming(response):
                    for value in events.feed(data):
                        self._take(value)
                        if self._done:
                            return  # and with that the connection is closed
                    if self._over and patience.when() is None:
                        patience.reschedule(min(deadline, now() + LINGER_SECONDS))
                for value in events.close():
                    self._take(value)
        except (TimeoutError, httpx.HTTPError, httpx.StreamError):
            if not self._over:
                raise
            return  # it had ended, only its connection had not
        if not self._over:
            self._cut_short(events.head)

    def whole(self, data: bytes) -> None:
        """Read an answer that was not streamed."""
        try:
            value = json.loads(data)
        except (ValueError, RecursionError):
            value = Garbage(data[:400].decode("utf-8", "replace"))
        self._take(value)
        if not self._over:
            self._take(Done())

    def _take(self, value: Any) -> None:
        if not isinstance(value, dict):
            self._no_event(value)
            return
        if value.get("error") is not None or value.get("object") == "error":
            self._complaint(value)
            return
        usage = value.get("usage")
        if isinstance(usage, dict) and isinstance(usage.get("completion_tokens"), int):
            self._used = usage["completion_tokens"]
        choices = value.get("choices")
        for choice in choices if isinstance(choices, list) else ():
            if isinstance(choice, dict) and not choice.get("index"):
                self._choice(choice)

    def _no_event(self, value: Any) -> None:
        if not isinstance(value, Done):
            said = shown(value.text if isinstance(value, Garbage) else str(value), 100)
            self._fail(f"the server sent what is no answer: {said}")
        elif not self._over:
            # Servers that do not say how it ended say how long it was, or nothing.
            self._end("length" if self._used is not None and self._used >= self._max_tokens else "stop")

    def _choice(self, choice: dict[str, Any]) -> None:
        if self._over:
            return
        said = choice.get("delta") or choice.get("message") or choice
        content = said.get("content", choice.get("text")) if isinstance(said, dict) else None
        if isinstance(content, list):
            content = "".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
        if (logprobs := choice.get("logprobs")) is not None:
            self._into.tokens += _tokens(logprobs)
        if content and isinstance(content, str):
            self._into.pieces.append(content)
            self._room -= len(content)
            if self._watch is not None and self._watch.feed(content) is not None:
                self._end("loop")
                self._done = True  # what else comes is more of it
                return
            if self._room < 0:
                self._end("length")
                self._done = True
                return
        reason = choice.get("finish_reason")
        if isinstance(reason, dict):
            reason = reason.get("type")
        if reason:
            self._reason(str(reason))

    def _reason(self, reason: str) -> None:
        if reason in STOPPED:
            self._end("stop")
        elif reason in ("length", "max_tokens", "model_length"):
            self._end("length")
        elif reason == "content_filter":
            self._fail("the server's content filter ended the answer.")
        else:
            self._fail(f"the server ended the answer early ({shown(reason, 40)}).")

    def _complaint(self, value: dict[str, Any]) -> None:
        error = value.get("error")
        code = error.get("code") if isinstance(error, dict) else value.get("code")
        said = shown(told(value), 300)
        if code in (429, 503, "429", "503") and not self._into.pieces:
            raise Again(f"the server says: {said}")
        self._fail(f"the server says: {said}")

    def _cut_short(self, head: bytes) -> None:
        if self._into.pieces:
            self._fail("the connection to the server ended before the answer did.")
        elif head.strip() and not head.lstrip().startswith((b"data:", b":", b"event:", b"id:", b"retry:")):
            said = shown(head.decode("utf-8", "replace"), 100)
            self._fail(f"the server sent what is no answer: {said}")
        else:
            raise Again("the connection to the server ended before there was an answer.")

    def _fail(self, error: str) -> None:
        if not self._over:
            self._into.error = error
            self._end("error")
        self._done = True

    def _end(self, end: End) -> None:
        self._into.end = end
        self._over = True


def _tokens(logprobs: Any) -> list[tuple[bytes, float]]:
    """Tokens of one event. A token's text may be half a character: ``bytes`` has what it really is."""
    content = logprobs.get("content") if isinstance(logprobs, dict) else None
    found: list[tuple[bytes, float]] = []
    for token in content if isinstance(content, list) else ():
        try:
            raw = token.get("bytes")
            data = bytes(raw) if raw is not None else str(token["token"]).encode("utf-8", "surrogatepass")
            found.append((data, float(token["logprob"])))
        except (AttributeError, KeyError, TypeError, ValueError):
            return []
    return found


def _coming(response: httpx.Response) -> AsyncIterator[bytes]:
    """The body as it comes: nobody asks for it compressed, and where it is not, there is nothing to be decoded."""
    if "content-encoding" in response.headers or not isinstance(response.stream, httpx.AsyncByteStream):
        return response.aiter_bytes()
    return aiter(response.stream)


async def limited(response: httpx.Response, most: int = LONGEST_BODY) -> bytes:
    """The body, as far as anybody wants to read it."""
    parts, size = [], 0
    async for data in response.aiter_bytes():
        parts.append(data)
        size += len(data)
        if size > most:
            break
    return b"".join(parts)[:most]


def told(value: Any) -> str:
    """The message in an error of any of the shapes that servers give them."""
    for _ in range(4):
        if not isinstance(value, dict):
            break
        value = next((value[name] for name in ("error", "message", "detail", "msg") if value.get(name)), "")
    return value if isinstance(value, str) else json.dumps(value)
