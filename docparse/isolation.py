"""A file opened in a child process, under limits of memory and time.

``IsolatedReader`` is a reader like any other; behind it, a fresh Python process opens the file and
answers over its pipes. The two talk JSON and raw bytes, never pickles: a child that a hostile file
has taken over can send wrong pixels or wrong words, but not code, and not more than was asked for.
A child that is too slow is killed with all it started, one that crashes is reported; the next
question gets a new one, so that a page costs nobody but itself.

Run as a module (``python -m docparse.isolation``) this file is the child.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import signal
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from docparse import errors
from docparse.attachments import Attachment
from docparse.errors import CorruptSource, DocparseError, SourceTimeout, TooLargeSource
from docparse.limits import Limits
from docparse.raster import RawPage
from docparse.textlayer import Raw

_LENGTHS = struct.Struct("<II")
_START_SECONDS = 30.0
"""Starting Python and importing MuPDF is not the file's fault; it gets its own allowance."""
_MOST_JSON = 512 * 1024**2
"""Bytes of JSON that a child may answer with; a page of a million words has a quarter of that."""


def _send(stream: IO[bytes], head: dict[str, Any], blob: bytes = b"") -> None:
    data = json.dumps(head).encode()
    stream.write(_LENGTHS.pack(len(data), len(blob)) + data)
    stream.write(blob)
    stream.flush()


def _receive(stream: IO[bytes], most_blob: int | None = None) -> tuple[dict[str, Any], bytes] | None:
    """The next message; None at the end of the stream, or where it is larger than it may be."""
    lengths = stream.read(_LENGTHS.size)
    if len(lengths) < _LENGTHS.size:
        return None
    head_size, blob_size = _LENGTHS.unpack(lengths)
    if head_size > _MOST_JSON or (most_blob is not None and blob_size > most_blob):
        return None
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
        environment = {k: v for k, v in os.environ.items() if k in ("PATH", "LANG", "LC_ALL", "SYSTEMROOT")}
        environment["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent.parent), *filter(None, sys.path)])
        environment["TMPDIR"] = self._scratch.name
        self._child = subprocess.Popen(
            # -P: no module is imported from the folder that the user happens to be in.
            [sys.executable, "-P", "-m", "docparse.isolation"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,  # what it starts is killed with it
        )
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
            _kill_all(child)

        timer = threading.Timer(seconds, kill)
        timer.daemon = True
        timer.start()
        try:
            _send(child.stdin, head, blob)
            reply = _receive(child.stdout, most_blob)
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
                raise _revived(answer["error"])
        return answer, pixels

    def _kill(self) -> str:
        """End the child at once, and say how it ended."""
        child, self._child = self._child, None
        if child is None:
            return "it was not running"
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(timeout=1)  # one that is dying by itself has a reason to tell
        _kill_all(child)
        for stream in (child.stdin, child.stdout):
            if stream is not None:
                # The child may be gone, and what was still to be sent to it with it.
                with contextlib.suppress(OSError):
                    stream.close()
        code = child.wait()
        if code < 0:
            with contextlib.suppress(ValueError):
                return f"killed by {signal.Signals(-code).name}"
        return f"exit status {code}"

    def close(self) -> None:
        self._closed = True
        if self._child is not None and self._child.stdin is not None:
            with contextlib.suppress(OSError):
                self._child.stdin.close()  # it ends by itself when nobody asks any more
        self._kill()
        self._blob = b""
        self._scratch.cleanup()


def _kill_all(child: subprocess.Popen[bytes]) -> None:
    """Kill a child and what it started. Its process group is its own."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
    child.kill()


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


def _revived(error: dict[str, Any]) -> DocparseError:
    """The child's error as the parent's; the class is looked up among ours, not unpickled."""
    kinds: list[type[DocparseError]] = [DocparseError]
    for kind in kinds:
        kinds.extend(kind.__subclasses__())
    found = next((kind for kind in kinds if kind.code == error["code"]), errors.SourceError)
    page, file, hint = error["page"], error["file"], error["hint"]
    return found(
        str(error["message"])[:1000],
        file=None if file is None else str(file),
        page=None if page is None else int(page),
        hint=None if hint is None else str(hint)[:1000],
    )


def _error(error: DocparseError) -> dict[str, Any]:
    fields = {"message": error.message, "file": error.file, "page": error.page, "hint": error.hint}
    return {"error": {"code": error.code, **fields}}


def _limit_memory(limits: Limits) -> None:
    try:
        import resource
    except ImportError:  # not on Windows; the time limit still holds there
        return
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _limit_time(limits: Limits) -> None:
    """For this question. The parent counts as well, but a parent may be killed and we go on."""
    try:
        import resource
    except ImportError:
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = used.ru_utime + used.ru_stime + limits.page_seconds + _START_SECONDS
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = math.ceil(seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))


def main() -> None:
    """The child: answers until its input ends."""
    from docparse.source import open_reader

    questions = sys.stdin.buffer
    # Libraries may print; only our answers may go down the pipe.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    reader: Any = None
    limits, name = Limits(), None
    while (message := _receive(questions)) is not None:
        head, blob = message
        try:
            if head["do"] == "open":
                limits, name = Limits(**head["limits"]), head["name"]
                _limit_memory(limits)
                _limit_time(limits)
                file = blob if head["file"] is None else head["file"]
                reader = open_reader(file, head["kind"], name, head["password"], head["renderer"], limits)
                _send(answers, {"pages": reader.num_pages, "renderer": reader.renderer})
            elif head["do"] == "describe":
                _limit_time(limits)
                _send(answers, asdict(reader.describe(head["page"])))
            elif head["do"] == "attachments":
                _limit_time(limits)
                files = reader.attachments()
                facts = [[f.name, f.media_type, f.relationship, f.left_out, len(f.data)] for f in files]
                _send(answers, {"attachments": facts}, b"".join(f.data for f in files))
            else:
                _limit_time(limits)
                pixels = reader.draw(head["page"], head["width"], head["height"])
                _send(answers, {"renderer": reader.renderer}, pixels)
        except DocparseError as error:
            _send(answers, _error(error))
        except MemoryError:
            too_large = TooLargeSource("the file needs more memory than it may have.", file=name, page=head.get("page"))
            _send(answers, _error(too_large))


if __name__ == "__main__":
    main()
