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
        text = self._rest + data
        # A carriage return at the very end may be half of a line break.
        held = text[-1:] if text.endswith(b"\r") else b""
        text = text[: len(text) - len(held)].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *whole, rest = text.split(b"\n")
        self._rest = rest + held
        found: list[Any] = []
        for line in whole:
            found += self._line(line.decode("utf-8", "replace"))
        if len(self._rest) > LONGEST:
            found.append(Garbage(f"an event of more than {LONGEST} bytes"))
            self._rest = b""
        return found

    def close(self) -> list[Any]:
        """The end of the stream: what its last line was."""
        found = self._line(self._rest.rstrip(b"\r").decode("utf-8", "replace")) + self._line("")
        self._rest = b""
        return found

    def _line(self, line: str) -> list[Any]:
        if self._first:
            self._first = False
            line = line.removeprefix("\ufeff")  # a mark of the byte order
        if not line:  # the event ends
            data, self._data, self._event = self._data, "", ""
            return [Garbage(data)] if data.strip() else []
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            self._event = value
        elif name == "data":
            return self._more(value)
        return []

    def _more(self, value: str) -> list[Any]:
        data = f"{self._data}\n{value}" if self._data else value
        if data.strip() == "[DONE]":
            self._data = ""
            return [Done()]
        try:
            whole = json.loads(data)
        except (ValueError, RecursionError):
            if data.count("\n") >= MOST_LINES:
                self._data = ""
                return [Garbage(data)]
            self._data = data
            return []
        self._data = ""
        if self._event == "error" and not (isinstance(whole, dict) and "error" in whole):
            whole = {"error": whole}
        return [whole]
