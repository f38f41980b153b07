"""The JSON values of a server-sent event stream, as its bytes come in. Pure.

The stream is read as the HTML standard has it ("Server-sent events"), and more kindly, because servers are not
strict: an event ends with its line where that is JSON by itself, whether or not an empty line follows.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

LONGEST = 8 * 2**20
"""Bytes of one event. A stream that has longer ones is none that we know."""

MOST_LINES = 64
"""Of one event. Each of them is tried with those before it."""

_JSON = json.JSONDecoder().decode
"""``json.loads`` without its questions: an answer has thousands of events."""


@dataclass(frozen=True, slots=True)
class Garbage:
    """Data that is no JSON."""

    text: str


class Done:
    """``[DONE]``: the end, said."""


class EventStream:
    """Feed it bytes; it gives JSON values, ``Garbage`` and ``Done``."""

    def __init__(self) -> None:
        self._rest = b""
        self._data = ""
        self._event = ""
        self._first = True
        self.head = b""
        """The first bytes, to show where nothing in the stream was an event."""

    def feed(self, data: bytes) -> list[Any]:
        if len(self.head) < 400:
            self.head += data[:400]
        text, held = self._rest + data, b""
        if b"\r" in text:
            # A carriage return at the very end may be half of a line break.
            held = text[-1:] if text.endswith(b"\r") else b""
            text = text[: len(text) - len(held)].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        whole, end, rest = text.rpartition(b"\n")
        self._rest = rest + held
        found: list[Any] = []
        if end:
            self._lines(whole, found)
        if len(self._rest) > LONGEST:
            found.append(Garbage(f"an event of more than {LONGEST} bytes"))
            self._rest = b""
        return found

    def close(self) -> list[Any]:
        """The end of the stream: what its last line was."""
        found: list[Any] = []
        self._lines(self._rest.rstrip(b"\r") + b"\n", found)
        self._rest = b""
        return found

    def _lines(self, text: bytes, found: list[Any]) -> None:
        lines = text.decode("utf-8", "replace").split("\n")
        if self._first:
            self._first = False
            lines[0] = lines[0].removeprefix("\ufeff")  # a mark of the byte order
        for line in lines:
            name, _, value = line.partition(":")
            if name == "data":
                self._more(value.removeprefix(" "), found)
            elif name == "event":
                self._event = value.removeprefix(" ")
            elif not line:  # the event ends
                if self._data.strip():
                    found.append(Garbage(self._data))
                self._data = self._event = ""

    def _more(self, value: str, found: list[Any]) -> None:
        data = f"{self._data}\n{value}" if self._data else value
        try:
            whole = _JSON(data)
        except (ValueError, RecursionError):
            if data.strip() == "[DONE]":
                data = ""
                found.append(Done())
            elif data.count("\n") >= MOST_LINES:
                found.append(Garbage(data))
                data = ""
            self._data = data
            return
        self._data = ""
        if self._event == "error" and not (isinstance(whole, dict) and "error" in whole):
            whole = {"error": whole}
        found.append(whole)
