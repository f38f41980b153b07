"""The flow, and there is only one: source -> pages -> engine -> markup -> checks -> Document.

The command line, the service, the viewer and batches all come through here. One bad page never
costs the others: whatever goes wrong with it ends as its verdict.
"""

from __future__ import annotations

import dataclasses
import logging
import os
from collections.abc import Iterable, Iterator

from docparse import __version__
from docparse.document import Document, Issue, Page, Verdict
from docparse.engines.base import Engine, PageMarkup
from docparse.engines.choose import choose
from docparse.errors import DocparseError
from docparse.limits import Limits
from docparse.qwenvl_html import read
from docparse.raster import PageImage
from docparse.source import Renderer, Source, open_source, parse_pages
from docparse.verify import check

log = logging.getLogger("docparse")


@dataclasses.dataclass(frozen=True, slots=True)
class Options:
    """How a document is read. ``pages`` like ``1-5,8,r3-r1``; ``dpi`` None is native resolution."""

    engine: str = "auto"
    pages: str | None = None
    dpi: float | None = None
    password: str | None = None
    renderer: Renderer = "auto"
    isolate: bool = False
    limits: Limits = Limits()


def open_for(path: str | os.PathLike[str] | bytes, options: Options, *, name: str | None = None) -> Source:
    """The source of ``path`` as ``options`` ask for it."""
    return open_source(
        path,
        name=name,
        password=options.password,
        dpi=options.dpi,
        renderer=options.renderer,
        limits=options.limits,
        isolate=options.isolate,
    )


def read_source(source: Source, engine: Engine, numbers: Iterable[int]) -> Iterator[Page]:
    """The pages ``numbers`` of an open source, each as soon as it is read."""
    waiting: dict[int, PageImage] = {}
    lost: list[Page] = []

    def images() -> Iterator[PageImage]:
        for number in numbers:
            try:
                image = source.page(number)
            except DocparseError as error:
                lost.append(failed_page(number, error))
                continue
            waiting[number] = image
            yield image

    readings = engine.read_pages(images())
    while True:
        yield from lost
        lost.clear()
        markup = next(readings, None)
        if markup is None:
            break
        yield finish_page(waiting.pop(markup.number), markup)
    yield from lost


def finish_page(image: PageImage, markup: PageMarkup) -> Page:
    """A page from what an engine said of it: markup read, checked, judged."""
    try:
        reading = read(
            markup.html,
            width=image.width,
            height=image.height,
            confidences=markup.confidences,
            origin="" if markup.origin == "mixed" else markup.origin,
        )
        page = Page(
            image.number,
            image.width,
            image.height,
            image.dpi,
            image.size_pt,
            image.rotation,
            reading.blocks,
            renderer=image.renderer,
        )
        blocks, verdict = check(image, markup, page.blocks, reading.issues)
        return dataclasses.replace(page, blocks=blocks, verdict=verdict)
    finally:
        image.release()


def failed_page(number: int, error: DocparseError) -> Page:
    """A page that could not be opened, or that nobody survived. Its size is nominal: nobody knows it."""
    issue = Issue(error.code, error.message, "error")
    return Page(number, 595, 842, verdict=Verdict("failed", (issue,)))


def iter_pages(
    path: str | os.PathLike[str] | bytes, *, name: str | None = None, options: Options | None = None, **changes: object
) -> Iterator[Page]:
    """The pages of a document one by one, each as soon as it is read.

    Keywords are the fields of ``Options``: ``engine``, ``pages``, ``dpi``, ``password``,
    ``renderer``, ``isolate``, ``limits``. Raises ``DocparseError`` where the file cannot be opened;
    a page that fails comes as a page whose verdict says so.
    """
    chosen = dataclasses.replace(options or Options(), **changes)  # type: ignore[arg-type]
    engine, _ = choose(chosen.engine)
    with open_for(path, chosen, name=name) as source:
        yield from read_source(source, engine, parse_pages(chosen.pages, source.num_pages, name=source.info.name))


def parse(
    path: str | os.PathLike[str] | bytes, *, name: str | None = None, options: Options | None = None, **changes: object
) -> Document:
    """A document, whole. Takes the same keywords as ``iter_pages`` and raises the same errors."""
    chosen = dataclasses.replace(options or Options(), **changes)  # type: ignore[arg-type]
    engine, reason = choose(chosen.engine)
    with open_for(path, chosen, name=name) as source:
        numbers = parse_pages(chosen.pages, source.num_pages, name=source.info.name)
        pages = sorted(read_source(source, engine, numbers), key=lambda page: page.number)
        info = dataclasses.replace(engine.info(), reason=reason)
        return Document(tuple(pages), source.info, info, __version__)
