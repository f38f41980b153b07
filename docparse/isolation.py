"""A file opened in a child process, under limits of memory and time.

``IsolatedReader`` is a reader like any other; behind it, a fresh Python process opens the file and
answers over its pipes. The two talk JSON and raw bytes, never pickles: a child that a hostile file
has taken over can send wrong pixels or wrong words, but not code. A child that is too slow is
killed, one that crashes is reported, and the parent goes on.

Run as a module (``python -m docparse.isolation``) this file is the child.
"""

from __future__ import annotations

import contextlib
import json
import os
import struct
import subprocess
import sys
import threading
from dataclasses import asdict
from typing import IO, Any

from docparse import errors
from docparse.errors import CorruptSource, DocparseError, SourceTimeout, TooLargeSource
from docparse.limits import Limits
from docparse.raster import RawPage

_LENGTHS = struct.Struct("<II")
_START_SECONDS = 30.0
"""Starting Python and importing MuPDF is not the file's fault; it gets its own allowance."""


def _send(stream: IO[bytes], head: dict[str, Any], blob: bytes = b"") -> None:
    data = json.dumps(head).encode()
    stream.write(_LENGTHS.pack(len(data), len(blob)) + data)
    stream.write(blob)
    stream.flush()


def _receive(stream: IO[bytes]) -> tuple[dict[str, Any], bytes] | None:
    """The next message; None at the end of the stream."""
    lengths = stream.read(_LENGTHS.size)
    if len(lengths) < _LENGTHS.size:
        return None
    head_size, blob_size = _LENGTHS.unpack(lengths)
    head, blob = stream.read(head_size), stream.read(blob_size)
    if len(head) < head_size or len(blob) < blob_size:
        return None
    message = json.loads(head)
    return (message, blob) if isinstance(message, dict) else None


class IsolatedReader:
    """A ``Reader`` whose file is opened by another process."""

    def __init__(
        self, file: str | bytes | None, kind: str, name: str, password: str | None, renderer: str, limits: Limits
    ) -> None:
        self.name = name
        self._limits = limits
        environment = {k: v for k, v in os.environ.items() if k in ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "TMPDIR")}
        environment["PYTHONPATH"] = os.pathsep.join(entry for entry in sys.path if entry)
        self._child = subprocess.Popen(
            [sys.executable, "-m", "docparse.isolation"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        blob = file if isinstance(file, bytes) else b""
        head = {
            "do": "open",
            "file": None if isinstance(file, bytes) else os.path.abspath(file or ""),
            "kind": kind,
            "name": name,
            "password": password,
            "renderer": renderer,
            "limits": asdict(limits),
        }
        answer, _ = self._ask(head, blob, seconds=limits.page_seconds + _START_SECONDS)
        self.num_pages = int(answer["pages"])
        self.renderer = str(answer["renderer"])

    def describe(self, number: int) -> RawPage:
        answer, _ = self._ask({"do": "describe", "page": number}, page=number)
        width, height = answer["size_pt"]
        pixels = answer["pixels"]
        return RawPage(
            size_pt=(float(width), float(height)),
            rotation=answer["rotation"],
            pixels=None if pixels is None else (int(pixels[0]), int(pixels[1])),
            dpi=float(answer["dpi"]),
            raw=answer["raw"],
        )

    def draw(self, number: int, width: int, height: int) -> bytes:
        answer, pixels = self._ask({"do": "draw", "page": number, "width": width, "height": height}, page=number)
        self.renderer = str(answer["renderer"])
        if len(pixels) != width * height * 3:
            raise CorruptSource("the page cannot be drawn.", file=self.name, page=number)
        return pixels

    def _ask(
        self, head: dict[str, Any], blob: bytes = b"", *, page: int | None = None, seconds: float | None = None
    ) -> tuple[dict[str, Any], bytes]:
        """One question and its answer. Kills the child when the answer takes too long."""
        late = threading.Event()
        seconds = seconds or self._limits.page_seconds

        def kill() -> None:
            late.set()
            self._child.kill()

        timer = threading.Timer(seconds, kill)
        timer.start()
        try:
            if self._child.stdin is None or self._child.stdout is None:
                raise CorruptSource("the file's reader is closed.", file=self.name)
            try:
                _send(self._child.stdin, head, blob)
                reply = _receive(self._child.stdout)
            except (OSError, ValueError):
                reply = None
        finally:
            timer.cancel()
        if reply is None:
            self.close()
            if late.is_set():
                raise SourceTimeout(f"the file took longer than {seconds:.0f} s.", file=self.name, page=page)
            raise CorruptSource(
                f"the file made its reader stop (exit status {self._child.returncode}).", file=self.name, page=page
            )
        answer, pixels = reply
        if "error" in answer:
            raise _revived(answer["error"])
        return answer, pixels

    def close(self) -> None:
        for stream in (self._child.stdin, self._child.stdout):
            if stream is not None:
                # The child may be gone, and what was still to be sent to it with it.
                with contextlib.suppress(OSError):
                    stream.close()
        try:
            self._child.wait(timeout=1)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()


def _revived(error: dict[str, Any]) -> DocparseError:
    """The child's error as the parent's; the class is looked up among ours, not unpickled."""
    kinds: list[type[DocparseError]] = [DocparseError]
    for kind in kinds:
        kinds.extend(kind.__subclasses__())
    found = next((kind for kind in kinds if kind.code == error.get("code")), errors.SourceError)
    page = error.get("page")
    return found(
        str(error.get("message", "")),
        file=error.get("file"),
        page=page if isinstance(page, int) else None,
        hint=error.get("hint"),
    )


def _error(error: DocparseError) -> dict[str, Any]:
    fields = {"message": error.message, "file": error.file, "page": error.page, "hint": error.hint}
    return {"error": {"code": error.code, **fields}}


def _limit_self(limits: Limits) -> None:
    try:
        import resource
    except ImportError:  # not on Windows; the time limit still holds there
        return
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    """The child: answers until its input ends."""
    from docparse.source import open_reader

    questions = sys.stdin.buffer
    # Libraries may print; only our answers may go down the pipe.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    reader: Any = None
    while (message := _receive(questions)) is not None:
        head, blob = message
        try:
            if head["do"] == "open":
                limits = Limits(**head["limits"])
                _limit_self(limits)
                file = blob if head["file"] is None else head["file"]
                reader = open_reader(file, head["kind"], head["name"], head["password"], head["renderer"], limits)
                _send(answers, {"pages": reader.num_pages, "renderer": reader.renderer})
            elif head["do"] == "describe":
                _send(answers, asdict(reader.describe(head["page"])))
            else:
                pixels = reader.draw(head["page"], head["width"], head["height"])
                _send(answers, {"renderer": reader.renderer}, pixels)
        except DocparseError as error:
            _send(answers, _error(error))
        except MemoryError:
            _send(
                answers, _error(TooLargeSource("the file needs more memory than it may have.", file=head.get("name")))
            )


if __name__ == "__main__":
    main()
