"""What a process of the pool does: opens files, reads and draws their pages, answers as JSON, with a picture beside it.
Run as a module, it is the child.

It has no network, bounded memory, and a clean environment (see ``child``): a file that takes it over harms what is
read in the same process, and whoever sent it is told.
"""

from __future__ import annotations

import logging
import pickle
import sys
import time
from collections import OrderedDict
from dataclasses import asdict, dataclass, replace
from typing import Any

from docparse import __version__
from docparse.api.pictures import View, encoded, plan, prepare
from docparse.api.words import pack, unpack
from docparse.child import answers, die_with_parent, limit_memory, limit_time, no_network, receive, said, send
from docparse.confidence import described
from docparse.convert import Options, open_for, page_numbers, read_source
from docparse.document import Document
from docparse.engines.choose import choose
from docparse.errors import DocparseError, EngineOutOfMemory
from docparse.geometry import BBox
from docparse.json_form import from_dict, to_dict
from docparse.region import Region
from docparse.source import Source
from docparse.textlayer import Word

OPEN_FILES = 4
"""Files that a process keeps open: opening one again means reading all of it."""
GRACE_SECONDS = 30.0
"""Processor time beyond a page's own: importing, and loading what reads scans, is not the page's fault."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What a process is told once. ``options``: how pages are read, the engine among it."""

    options: Options
    threads: int


class PageWorker:
    """Answers questions about files. Its engine is made for the first page."""

    def __init__(self, setup: Setup) -> None:
        self._options = setup.options
        self._engine, self._reason = choose(setup.options.engine, threads=setup.threads)
        self._sources: OrderedDict[tuple[Any, ...], Source] = OrderedDict()

    def answer(self, head: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        """The answer, and the bytes that go beside it."""
        source = self._source(head)
        if head["do"] == "open":
            numbers = page_numbers(source, replace(self._options, pages=head["pages"]))
            return {"source": asdict(source.info), "numbers": numbers}, b""
        if head["do"] == "fields":
            return {"fields": _fields(source, head)}, b""
        if head["do"] == "draw":
            return {}, _drawn(source, head)
        return self._read(source, head), b""

    def _read(self, source: Source, head: dict[str, Any]) -> dict[str, Any]:
        begun = time.monotonic()
        words: dict[int, Any] = {}

        def seen(number: int, found: Any) -> None:
            words[number] = found

        (page,) = read_source(source, self._engine, [head["number"]], seen=seen, region=_region(head["region"]))
        kept: list[Word] = list(words.get(page.number, ()))
        info = described(self._engine.info(), self._reason)
        return {
            "document": to_dict(Document((page,), source.info, info, __version__)),
            "words": pack(kept),
            "seconds": time.monotonic() - begun,
        }

    def _source(self, head: dict[str, Any]) -> Source:
        key = (head["path"], head["name"], head["password"], head["dpi"])
        source = self._sources.pop(key, None)
        if source is None:
            while len(self._sources) >= OPEN_FILES:
                self._sources.popitem(last=False)[1].close()
            options = replace(self._options, password=head["password"], dpi=head["dpi"])
            source = open_for(head["path"], options, name=head["name"])
        self._sources[key] = source
        return source


def _region(parts: list[float] | None) -> Region | None:
    """``x1 y1 x2 y2`` in an image of so many pixels, as ``readers`` says it."""
    return None if parts is None else Region(BBox(*parts[:4]), int(parts[4]), int(parts[5]))


def _drawn(source: Source, head: dict[str, Any]) -> bytes:
    """A page, or a part of it, as a picture. ``own`` is the size that the page was read at; None: nobody knows it."""
    crop = head["crop"]
    if head["own"] is None:
        page = source.page(head["number"])
        own = page.width, page.height
    else:
        own = head["own"][0], head["own"][1]
    planned = plan(own, View(head["width"], None if crop is None else tuple(crop)))
    return encoded(source.draw(head["number"], *planned.page), planned)


def _fields(source: Source, head: dict[str, Any]) -> dict[str, Any]:
    """The fields of a document that was read before."""
    # Most processes are never asked, and all are to start soon.
    from docparse.extract.extraction import extract_document, source_attachments
    from docparse.extract.schemas import load_schema

    schema = load_schema(head["schema"])
    words = {int(number): unpack(found) for number, found in head["words"].items()}
    attachments = source_attachments(source) if schema.kind == "invoice" else ()
    return extract_document(from_dict(head["document"]), schema, words=words, attachments=attachments).to_dict()


def main() -> None:
    """The child: is set up by its first question, answers the others until its input ends."""
    questions, answered = sys.stdin.buffer, answers()
    die_with_parent()  # its thread lives as long as the pool
    no_network()
    logging.disable(logging.CRITICAL)
    begun = receive(questions)
    if begun is None:
        return
    setup: Setup = pickle.loads(begun[1])  # noqa: S301 -- downwards only: the parent is trusted
    seconds = setup.options.limits.page_seconds + GRACE_SECONDS
    limit_memory(setup.options.limits.memory_bytes)
    worker: PageWorker | None = None
    while True:
        try:
            if worker is None:
                worker = PageWorker(setup)
                send(answered, {})
                prepare()  # while nobody waits
            message = receive(questions)
            if message is None:
                return
            limit_time(seconds)
            send(answered, *worker.answer(message[0]))
        except DocparseError as error:
            send(answered, said(error))
        except MemoryError:
            send(answered, said(EngineOutOfMemory("the file needs more memory than it may have.")))
        if worker is None:
            return  # it cannot be set up, and has said why


if __name__ == "__main__":
    main()
