"""A file opened in a child process, under limits of memory and time.

``IsolatedReader`` is a reader like any other; behind it, a fresh Python process opens the file and
answers over its pipes, as ``child`` has it. A child that is too slow is killed with all it started, one
that crashes is reported; the next question gets a new one, so that a page costs nobody but itself.

Run as a module (``python -m docparse.isolation``) this file is the child.
"""

from __future__ import annotations

import contextlib
import math
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from docparse.attachments import Attachment
from docparse.child import (
    answers,
    end,
    kill_all,
    limit_memory,
    limit_time,
    no_network,
    receive,
    revived,
    said,
    send,
    start,
)
from docparse.errors import CorruptSource, DocparseError, SourceTimeout, TooLargeSource
from docparse.limits import Limits
from docparse.raster import RawPage
from docparse.textlayer import Raw

_START_SECONDS = 30.0
"""Starting Python and importing MuPDF is not the file's fault; it gets its own allowance."""


class IsolatedReader:
    """A ``Reader`` whose file is opened by another process."""

    def __init__(
        self, file: str | bytes | None, kind: str, name: str, password: str | None, renderer: str, limits: Limits
    ) -> None:
        self.name = name
        self._limits = limits
        self._child: subprocess.Popen[bytes] | None = None
        self._closed = False
        # The child's temporary files are the parent's to remove: a killed child cleans up nothing.
        self._scratch = tempfile.TemporaryDirectory(prefix="docparse-")
        self._blob = file if isinstance(file, bytes) else b""
        self._opening = {
            "do": "open",
            "file": None if isinstance(file, bytes) else os.path.abspath(file or ""),
            "kind": kind,
            "name": name,
            "password": password,
            "renderer": renderer,
            "limits": asdict(limits),
        }
        try:
            answer = self._start()
            with self._sense():
                self.num_pages = int(answer["pages"])
                self.renderer = str(answer["renderer"])
        except BaseException:
            self.close()
            raise

    def describe(self, number: int) -> RawPage:
        answer, _ = self._ask({"do": "describe", "page": number}, page=number)
        with self._sense(number):
            width, height = answer["size_pt"]
            pixels = answer["pixels"]
            return RawPage(
                size_pt=(_number(width), _number(height)),
                rotation={0: 0, 90: 90, 180: 180, 270: 270}[answer["rotation"]],  # type: ignore[arg-type]
                pixels=None if pixels is None else (int(pixels[0]), int(pixels[1])),
                dpi=_number(answer["dpi"]),
                raw=None if answer["raw"] is None else _checked_raw(answer["raw"]),
            )

    def draw(self, number: int, width: int, height: int) -> bytes:
        size = width * height * 3
        question = {"do": "draw", "page": number, "width": width, "height": height}
        answer, pixels = self._ask(question, page=number, most_blob=size)
        with self._sense(number):
            self.renderer = str(answer["renderer"])
            if len(pixels) != size:
                raise ValueError("not the pixels that were asked for")
        return pixels

    def attachments(self) -> tuple[Attachment, ...]:
        most = self._limits.attachments_bytes
        answer, data = self._ask({"do": "attachments"}, most_blob=most)
        found, at = [], 0
        with self._sense():
            for name, media_type, relationship, left_out, size in answer["attachments"][: self._limits.max_attachments]:
                end = at + int(size)
                if not at <= end <= len(data):
                    raise ValueError("not the bytes that were announced")
                found.append(Attachment(str(name), str(media_type), str(relationship), data[at:end], str(left_out)))
                at = end
        return tuple(found)

    @contextlib.contextmanager
    def _sense(self, page: int | None = None) -> Iterator[None]:
        """What a child says is not to be trusted, not even to be of the right type."""
        try:
            yield
        except (LookupError, TypeError, ValueError, ArithmeticError) as error:
            self._kill()
            raise CorruptSource("the file's reader gave no sensible answer.", file=self.name, page=page) from error

    def _start(self) -> dict[str, Any]:
        """A new child that has opened the file, and its answer to that."""
        self._child = start("docparse.isolation", self._scratch.name)
        answer, _ = self._ask(self._opening, self._blob, seconds=self._limits.page_seconds + _START_SECONDS)
        return answer

    def _ask(
        self,
        head: dict[str, Any],
        blob: bytes = b"",
        *,
        page: int | None = None,
        seconds: float | None = None,
        most_blob: int = 0,
    ) -> tuple[dict[str, Any], bytes]:
        """One question and its answer. Kills the child when the answer takes too long."""
        if self._closed:
            raise CorruptSource("the file's reader is closed.", file=self.name)
        if self._child is not None and self._child.poll() is not None:
            self._kill()  # somebody ended it while it had nothing to do
        if self._child is None:
            self._start()
        child = self._child
        if child is None or child.stdin is None or child.stdout is None:
            raise CorruptSource("the file's reader does not start.", file=self.name)
        late = threading.Event()
        seconds = seconds or self._limits.page_seconds

        def kill() -> None:
            late.set()
            kill_all(child)

        timer = threading.Timer(seconds, kill)
        timer.daemon = True
        timer.start()
        try:
            send(child.stdin, head, blob)
            reply = receive(child.stdout, most_blob)
        except (OSError, ValueError, RecursionError):
            reply = None
        except BaseException:
            self._kill()  # what it answers now would be taken for the answer to the next question
            raise
        finally:
            timer.cancel()
        if reply is None:
            status = self._kill()
            if late.is_set():
                raise SourceTimeout(f"it took longer than {seconds:g} s.", file=self.name, page=page)
            raise CorruptSource(f"the file made its reader stop ({status}).", file=self.name, page=page)
        answer, pixels = reply
        if "error" in answer:
            with self._sense(page):
                raise revived(answer["error"])
        return answer, pixels

    def _kill(self) -> str:
        """End the child at once, and say how it ended."""
        child, self._child = self._child, None
        return "it was not running" if child is None else end(child)

    def close(self) -> None:
        self._closed = True
        if self._child is not None and self._child.stdin is not None:
            with contextlib.suppress(OSError):
                self._child.stdin.close()  # it ends by itself when nobody asks any more
        self._kill()
        self._blob = b""
        self._scratch.cleanup()


def _number(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"not a number: {value!r}")
    return number


def _numbers(values: Any, count: int) -> list[float]:
    if len(values) != count:
        raise ValueError(f"not {count} numbers")
    return [_number(value) for value in values]


def _checked_raw(raw: Any) -> Raw:
    """A text layer of the shape that ``mupdf_page.extract`` gives. Raises ``ValueError`` and its like."""
    return {
        "lines": [
            [
                _numbers(box, 4),
                _numbers(direction, 2),
                [
                    [str(text), _number(size), int(flags), int(char_flags), str(font), int(color), *_numbers(rest, 3)]
                    for text, size, flags, char_flags, font, color, *rest in spans
                ],
                [[str(word), _numbers(place, 4)] for word, place in words],
            ]
            for box, direction, spans, words in raw["lines"]
        ],
        "shapes": [
            [
                {"rule": "rule", "rect": "rect", "path": "path"}[kind],
                _numbers(box, 4),
                *(None if color is None else int(color) for color in (stroke, fill)),
            ]
            for kind, box, stroke, fill in raw["shapes"]
        ],
        "pictures": [[_numbers(box, 4), int(width), int(height)] for box, width, height in raw["pictures"]],
        "ligatures": int(raw["ligatures"]),
    }


def main() -> None:
    """The child: answers until its input ends."""
    from docparse.source import open_reader

    questions = sys.stdin.buffer
    answered = answers()
    no_network()
    reader: Any = None
    limits, name = Limits(), None
    while (message := receive(questions)) is not None:
        head, blob = message
        try:
            if head["do"] == "open":
                limits, name = Limits(**head["limits"]), head["name"]
                limit_memory(limits.memory_bytes)
                limit_time(limits.page_seconds + _START_SECONDS)
                file = blob if head["file"] is None else head["file"]
                reader = open_reader(file, head["kind"], name, head["password"], head["renderer"], limits)
                send(answered, {"pages": reader.num_pages, "renderer": reader.renderer})
            elif head["do"] == "describe":
                limit_time(limits.page_seconds + _START_SECONDS)
                send(answered, asdict(reader.describe(head["page"])))
            elif head["do"] == "attachments":
                limit_time(limits.page_seconds + _START_SECONDS)
                files = reader.attachments()
                facts = [[f.name, f.media_type, f.relationship, f.left_out, len(f.data)] for f in files]
                send(answered, {"attachments": facts}, b"".join(f.data for f in files))
            else:
                limit_time(limits.page_seconds + _START_SECONDS)
                pixels = reader.draw(head["page"], head["width"], head["height"])
                send(answered, {"renderer": reader.renderer}, pixels)
        except DocparseError as error:
            send(answered, said(error))
        except MemoryError:
            too_large = TooLargeSource("the file needs more memory than it may have.", file=name, page=head.get("page"))
            send(answered, said(too_large))


if __name__ == "__main__":
    main()
