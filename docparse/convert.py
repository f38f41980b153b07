"""The flow, and there is only one: source -> pages -> engine -> markup -> checks -> Document.

The command line, the service, the viewer and batches all come through here. One bad page never
costs the others: whatever goes wrong with it ends as its verdict.
"""

from __future__ import annotations

import dataclasses
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from docparse import __version__
from docparse.confidence import calibrated, described
from docparse.document import Document, EngineInfo, Issue, Page, Verdict
from docparse.engines.answered import answered, explained
from docparse.engines.base import Engine, PageMarkup
from docparse.engines.choose import choose
from docparse.engines.options import ModelOptions, RemoteOptions
from docparse.errors import DocparseError, SettingsError
from docparse.limits import Limits
from docparse.qwenvl_html import read
from docparse.raster import PageImage
from docparse.region import Region, part_of, whole_page, whole_words
from docparse.result_cache import CacheOptions
from docparse.source import Renderer, Source, open_source, parse_pages
from docparse.textlayer import Word
from docparse.verify import check

if TYPE_CHECKING:
    from PIL.Image import Image

log = logging.getLogger("docparse")

MAX_DPI = 1200.0


@dataclasses.dataclass(frozen=True, slots=True)
class Options:
    """How a document is read.

    ``engine`` is a name or an engine of your own; ``model`` is for the qwen engine, ``remote`` for the remote one;
    ``pages`` are like ``1-5,8,r3-r1``; ``dpi`` None is native resolution; ``cache`` is where a model's readings are
    kept, None: nowhere.
    Raises ``SettingsError`` for a resolution that cannot be meant.
    """

    engine: str | Engine = "auto"
    model: ModelOptions = ModelOptions()
    remote: RemoteOptions = RemoteOptions()
    pages: str | None = None
    dpi: float | None = None
    password: str | None = None
    renderer: Renderer = "auto"
    isolate: bool = False
    limits: Limits = Limits()
    cache: CacheOptions | None = None

    def __post_init__(self) -> None:
        if self.dpi is not None and not 0 < self.dpi <= MAX_DPI:
            raise SettingsError(f"{self.dpi} dpi cannot be drawn.", hint=f"Choose more than 0, at most {MAX_DPI:.0f}.")


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


def page_numbers(source: Source, options: Options) -> list[int]:
    """The pages that ``options`` mean. Raises ``PageRangeError``."""
    return parse_pages(options.pages, source.num_pages, name=source.info.name)


Seen = Callable[[int, Sequence[Word]], None]
"""Told of a page's number and of the words that were seen on it, independently of the markup (see ``PageMarkup``)."""


def read_source(
    source: Source,
    engine: Engine,
    numbers: Iterable[int],
    *,
    seen: Seen | None = None,
    region: Region | None = None,
) -> Iterator[Page]:
    """The pages ``numbers`` of an open source, each as soon as it is read; all of them, always.
    ``seen`` is told of a page's words before the page comes. ``region``: what of each page is read, not all of it.

    A page that cannot be opened, that the engine fails on or that it says nothing about comes as a
    failed page. Where the engine had several pages in hand when it failed, each is tried alone. Raises
    ``EngineError`` where an engine that is made late, for the first page that is not in the cache, cannot be had.
    """
    lost: list[Page] = []

    def images() -> Iterator[PageImage]:
        for number in numbers:
            try:
                image = source.page(number)
                image = image if region is None else part_of(image, region)
            except Exception as error:  # noqa: BLE001  (hostile files find every fault in a library)
                lost.append(failed_page(number, explained(error)))
                continue
            yield image

    for image, answer in answered(engine, images()):
        yield from lost
        lost.clear()
        if isinstance(answer, DocparseError):
            yield not_read(image, answer)
        else:
            if seen is not None:
                seen(answer.number, seen_words(image, answer))
            yield finish_page(image, answer, engine.info())
    yield from lost


def seen_words(image: PageImage, markup: PageMarkup) -> tuple[Word, ...]:
    """The words that were seen independently of the markup, in pixels of the whole page."""
    return markup.witness if image.part is None else whole_words(markup.witness, image.part)


def finish_page(image: PageImage, markup: PageMarkup, engine: EngineInfo | None = None) -> Page:
    """A page from what ``engine`` said of it: markup read, its confidences calibrated, checked, judged.

    What was read of a part of a page (``region``) comes as the page, with what stands in that part.
    """
    try:
        reading = read(
            markup.html,
            width=image.width,
            height=image.height,
            confidences=markup.confidences,
            origin="" if markup.origin == "mixed" else markup.origin,
        )
        page = dataclasses.replace(_bare(image), blocks=calibrated(reading.blocks, engine or EngineInfo()))
        blocks, verdict = check(image, markup, page.blocks, reading.issues)
        page = dataclasses.replace(page, blocks=blocks, verdict=verdict)
        return page if image.part is None else whole_page(page, image.part)
    except Exception as error:  # noqa: BLE001  (a fault of ours costs this page, not the others)
        return not_read(image, explained(error))
    finally:
        image.release()


def _bare(image: PageImage) -> Page:
    return Page(
        image.number,
        image.width,
        image.height,
        image.dpi,
        image.size_pt,
        image.rotation,
        renderer=image.renderer,
    )


def not_read(image: PageImage, error: DocparseError) -> Page:
    """A page that the engine has no answer for."""
    image.release()
    page = dataclasses.replace(_bare(image), verdict=_verdict(error))
    return page if image.part is None else whole_page(page, image.part)


def failed_page(number: int, error: DocparseError) -> Page:
    """A page that could not be opened, or that nobody survived. Its size is nominal: nobody knows it."""
    return Page(number, 595, 842, verdict=_verdict(error))


def _verdict(error: DocparseError) -> Verdict:
    return Verdict("failed", (Issue(error.code, error.message, "error"),))


def page_images(source: Source, pages: Sequence[Page]) -> Callable[[int], Image]:
    """The pixels of ``pages`` by number, as exporters want them; one page at a time is in memory.

    A page that failed, or cannot be drawn, is a white one: it must not cost the export of the others.
    """
    known = {page.number: page for page in pages}
    last: list[tuple[int, Image]] = []

    def drawn(page: Page) -> Image:
        from PIL import Image

        if page.verdict.status != "failed":
            try:
                # Its size is known: no need to ask again what the page says of itself.
                data = source.draw(page.number, page.width, page.height)
                return Image.frombytes("RGB", (page.width, page.height), data)
            except DocparseError as error:
                log.warning("page %d is shown as a white one: %s", page.number, error)
        return Image.new("RGB", (page.width, page.height), "white")

    def images(number: int) -> Image:
        if not last or last[0][0] != number:
            last.clear()  # before the next one is drawn: only one is ever there
            last.append((number, drawn(known[number])))
        return last[0][1]

    return images


def _chosen(options: Options) -> tuple[Engine, str]:
    return choose(
        options.engine,
        model=options.model,
        remote=options.remote,
        page_seconds=options.limits.model_page_seconds,
        cache=options.cache,
    )


def iter_pages(
    path: str | os.PathLike[str] | bytes, *, name: str | None = None, options: Options | None = None, **changes: object
) -> Iterator[Page]:
    """The pages of a document one by one, each as soon as it is read.

    Keywords are the fields of ``Options``: ``engine``, ``model``, ``remote``, ``pages``, ``dpi``, ``password``,
    ``renderer``, ``isolate``, ``limits``, ``cache``. Raises ``DocparseError`` where the file cannot be opened;
    a page that fails comes as a page whose verdict says so.
    """
    chosen = dataclasses.replace(options or Options(), **changes)  # type: ignore[arg-type]
    engine, _ = _chosen(chosen)
    with open_for(path, chosen, name=name) as source:
        yield from read_source(source, engine, page_numbers(source, chosen))


def parse(
    path: str | os.PathLike[str] | bytes, *, name: str | None = None, options: Options | None = None, **changes: object
) -> Document:
    """A document, whole. Takes the same keywords as ``iter_pages`` and raises the same errors."""
    chosen = dataclasses.replace(options or Options(), **changes)  # type: ignore[arg-type]
    engine, reason = _chosen(chosen)
    with open_for(path, chosen, name=name) as source:
        pages = sorted(read_source(source, engine, page_numbers(source, chosen)), key=lambda page: page.number)
        return Document(tuple(pages), source.info, described(engine.info(), reason), __version__)
