"""An engine that remembers: pages that it has read before come from the result cache.

For engines that are slow and read each page by itself. The embedded engine is neither: it learns from the
other pages of a document, and reads most pages faster than their pixels can be drawn and hashed.

A page is known by its pixels and its text layer, and by everything else that the answer depends on: engine,
model, options, and docparse's own code. Only readings that came to their end are kept; a page that failed,
was cut off or fell back is read again.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docparse.document import EngineInfo, Issue
from docparse.engines.base import Answer, Asks, Engine, PageMarkup, is_ready
from docparse.engines.options import ModelOptions
from docparse.errors import DocparseError, EngineError
from docparse.geometry import BBox
from docparse.raster import PageImage
from docparse.result_cache import ResultCache
from docparse.textlayer import TextLayer, Word

if TYPE_CHECKING:
    from PIL.Image import Image

AHEAD = 16
"""Known pages that may wait while the engine is given one that is not known."""
_NO_MATTER = frozenset({"path", "batch"})
"""Options that change no answer; the model at ``path`` counts by what it is."""


class NotLoaded(Exception):
    """The engine could not be made when a page came that was not known: the fault of no page."""

    def __init__(self, error: DocparseError) -> None:
        super().__init__(str(error))
        self.error = error


class CachedEngine:
    """Reads with the engine that ``make`` makes, which is made for the first page that is not known.

    ``identity``: all that answers depend on, beside the page and docparse's code; plain values. ``info``: what
    the engine would say of itself. Raises ``NotLoaded`` where the engine cannot be made.
    """

    def __init__(self, make: Callable[[], Engine], info: EngineInfo, *, identity: Any, kept: ResultCache) -> None:
        self.name = info.name
        self._make = make
        self._info = info
        self._kept = kept
        self._engine: Engine | None = None
        said = json.dumps([dataclasses.astuple(info), code_digest(), identity], sort_keys=True)
        self._identity = hashlib.sha256(said.encode()).digest()

    def info(self) -> EngineInfo:
        return self._engine.info() if self._engine is not None else self._info

    def read_pages(self, pages: Iterable[PageImage]) -> Iterator[PageMarkup]:
        """Known pages at once; the others as the engine has read them."""
        coming = iter(pages)
        known: deque[PageMarkup] = deque()
        keys: dict[int, str] = {}

        for image in coming:
            if (markup := self._recall(image, keys)) is not None:
                yield markup
                continue
            unknown = _Unknown(image, coming, known, lambda image: self._recall(image, keys))
            for read in self._made().read_pages(unknown):
                self._keep(read, keys.pop(read.number, None))
                yield read
                while known:
                    yield known.popleft()
            while known:
                yield known.popleft()

    def ask(
        self,
        picture: Image,
        question: str,
        *,
        system: str | None = None,
        max_new_tokens: int = 1024,
        json_schema: dict[str, Any] | None = None,
    ) -> Answer:
        """Asks the engine's model: see ``Asks``. Answers are not kept. Raises ``EngineError`` where it only reads."""
        try:
            engine = self._made()
        except NotLoaded as failure:
            raise failure.error from failure
        asks: Asks | None = engine if isinstance(engine, Asks) else None
        if asks is None:
            raise EngineError(f"the {self.name} engine reads pages and answers no questions.")
        return asks.ask(picture, question, system=system, max_new_tokens=max_new_tokens, json_schema=json_schema)

    def _made(self) -> Engine:
        if self._engine is None:
            try:
                self._engine = self._make()
            except DocparseError as error:
                raise NotLoaded(error) from error
        return self._engine

    def _recall(self, image: PageImage, keys: dict[int, str]) -> PageMarkup | None:
        """What is known of the page; else its key is noted, to keep what will be said of it."""
        try:
            key = self._key(image)
        except Exception:  # noqa: BLE001  (a page that cannot be drawn: the engine will find out, and say so)
            return None
        entry = self._kept.get(key)
        markup = None if entry is None else _recalled(entry, image)
        if markup is None:
            keys[image.number] = key
        return markup

    def _key(self, image: PageImage) -> str:
        key = hashlib.sha256(self._identity)
        key.update(f"{image.width}x{image.height} {image.rotation}\n".encode())
        key.update(hashlib.sha256(image.pixels().tobytes()).digest())
        key.update(_said(image.text).encode("utf-8", "surrogatepass"))
        return key.hexdigest()

    def _keep(self, markup: PageMarkup, key: str | None) -> None:
        if key is not None and worth_keeping(markup):
            read = time.strftime("%Y-%m-%d", time.gmtime())
            self._kept.put(key, {"engine": dataclasses.asdict(self.info()), "read": read, "markup": to_json(markup)})


class _Unknown:
    """``first`` and the pages of ``coming`` that ``recall`` does not know; what it knows goes to ``known``.

    Ends early where many known pages have come, or one has and nobody knows when the next page comes: they would
    wait for the engine's next answer.
    """

    def __init__(
        self,
        first: PageImage,
        coming: Iterator[PageImage],
        known: deque[PageMarkup],
        recall: Callable[[PageImage], PageMarkup | None],
    ) -> None:
        self._next: PageImage | None = first
        self._coming = coming
        self._known = known
        self._recall = recall
        self._over = False

    def __iter__(self) -> _Unknown:
        return self

    def __next__(self) -> PageImage:
        while self._next is None:
            if self._over or len(self._known) >= AHEAD or (self._known and not is_ready(self._coming)):
                raise StopIteration
            self._take()
        image, self._next = self._next, None
        return image

    def ready(self) -> bool:
        while self._next is None and not self._over and len(self._known) < AHEAD:
            if not is_ready(self._coming):
                return False
            self._take()
        return True

    def _take(self) -> None:
        image = next(self._coming, None)
        if image is None:
            self._over = True
        elif (markup := self._recall(image)) is not None:
            image.release()
            self._known.append(markup)
        else:
            self._next = image


def _said(text: TextLayer | None) -> str:
    """The words of a text layer with their places. What else is on the page is in its pixels."""
    if text is None:
        return "none"
    words = ((line.visible, word) for line in text.lines for word in line.words)
    return "\n".join([f"{seen:d} {w.box.x1} {w.box.y1} {w.box.x2} {w.box.y2} {w.text}" for seen, w in words])


def worth_keeping(markup: PageMarkup) -> bool:
    """Whether a reading came to its end: what went wrong may go well the next time."""
    bad = any(issue.severity == "error" or issue.code == "fallback" for issue in markup.issues)
    return markup.finish == "stop" and not bad


def model_identity(options: ModelOptions) -> dict[str, Any]:
    """What a model's answers depend on: its files, and how it is run."""
    how = {name: value for name, value in dataclasses.asdict(options).items() if name not in _NO_MATTER}
    return {"options": how, "files": _files(Path(options.path)) if options.path is not None else []}


def _files(folder: Path) -> list[tuple[str, str]]:
    """The files of a checkpoint by name: small ones by what they say, weights by their size and time."""
    found = []
    try:
        for path in sorted(folder.iterdir()):
            if path.suffix == ".safetensors":
                stat = path.stat()
                found.append((path.name, f"{stat.st_size} {stat.st_mtime_ns}"))
            elif path.suffix in (".json", ".jinja", ".txt"):
                found.append((path.name, hashlib.sha256(path.read_bytes()).hexdigest()))
    except OSError:
        return []  # nobody will read anything with it, and loading it says why
    return found


@cache
def code_digest() -> str:
    """docparse's source as a hash. A version is not enough for whoever runs it from a checkout."""
    digest = hashlib.sha256()
    for root, folders, files in os.walk(Path(__file__).parents[1], followlinks=True):
        folders.sort()
        for name in sorted(files):
            if name.endswith(".py"):
                digest.update(name.encode() + b"\0")
                digest.update(Path(root, name).read_bytes())
    return digest.hexdigest()


# ------------------------------------------------------------------------------------ markup as JSON


def to_json(markup: PageMarkup) -> dict[str, Any]:
    """A page's markup as plain values, without the number of the page: another one may look the same.

    Words of the witness lose their styles, which no check asks for.
    """
    issues = [{k: v for k, v in dataclasses.asdict(issue).items() if v is not None} for issue in markup.issues]
    return {
        "html": markup.html,
        "finish": markup.finish,
        "confidences": [list(span) for span in markup.confidences],
        "origin": markup.origin,
        "witness": [[word.text, *word.box.as_tuple(), word.confidence] for word in markup.witness],
        "issues": issues,
        "attempts": markup.attempts,
    }


def _recalled(entry: dict[str, Any], image: PageImage) -> PageMarkup | None:
    """The markup in an entry, with a note that it is one; None where the entry is none of ours."""
    try:
        markup = from_json(entry["markup"], image.number)
        note = Issue("from-cache", f"This is what was read of the same page on {entry['read']}.", "info")
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return dataclasses.replace(markup, issues=(*markup.issues, note))


def from_json(data: dict[str, Any], number: int) -> PageMarkup:
    """The markup of page ``number``. Raises ``KeyError``, ``TypeError`` or ``ValueError`` where there is none."""
    html, origin, attempts = data["html"], data["origin"], data["attempts"]
    if data["finish"] != "stop" or not (isinstance(html, str) and isinstance(origin, str) and type(attempts) is int):
        raise ValueError("not the markup of a page that was read to its end")
    return PageMarkup(
        number,
        html,
        confidences=tuple((int(start), int(end), float(p)) for start, end, p in data["confidences"]),
        origin=origin,
        witness=tuple(_word(*word) for word in data["witness"]),
        issues=tuple(Issue(**issue) for issue in data["issues"]),
        attempts=attempts,
    )


def _word(text: str, x1: float, y1: float, x2: float, y2: float, confidence: float | None) -> Word:
    return Word(str(text), BBox(float(x1), float(y1), float(x2), float(y2)), confidence=confidence)
