"""Every page that an engine is given gets an answer: markup, or why there is none.

An engine is anybody's code. It may fail in the middle of several pages, end before its pages do, or speak of pages
that it was never asked; whoever drives one has to meet all of that, and does it here.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator

from docparse.engines.base import Engine, PageMarkup, is_ready
from docparse.engines.cached import NotLoaded
from docparse.errors import DocparseError, EngineError, EngineOutOfMemory
from docparse.raster import PageImage

log = logging.getLogger("docparse")

Answered = tuple[PageImage, PageMarkup | DocparseError]


def answered(engine: Engine, images: Iterable[PageImage]) -> Iterator[Answered]:
    """Each of ``images`` with what the engine says of it, in the order of its answers. They may be ``Coming``.

    Images are told apart by their numbers. Where the engine had several in hand when it failed, each is tried alone.
    Raises ``EngineError`` where an engine that is made late, for the first page that is not in the cache, cannot be
    had; and what ``images`` itself raises.
    """
    waiting: dict[int, PageImage] = {}
    given = _Given(images, waiting)
    readings = _readings(engine, given)
    while True:
        markup, trouble = None, None
        try:
            markup = next(readings, None)
        except NotLoaded as failure:
            raise failure.error from failure
        except Exception as error:
            if given.failed is error:
                raise
            trouble = explained(error)
        if markup is not None:
            image = waiting.pop(markup.number, None)
            if image is not None:
                yield image, markup
            else:
                log.warning("the engine answered for page %d, which it was not asked", markup.number)
            continue
        held = list(waiting.values())
        waiting.clear()
        again = trouble is not None and len(held) > 1
        why = trouble or EngineError("the engine said nothing about this page.")
        for image in held:
            yield image, _alone(engine, image) if again else why
        if not given.taken and not given.over:
            # It has ended, or failed, before it was given anything: it costs the next page, or it would do so for ever.
            for image in given:
                waiting.clear()
                yield image, why
                break
        if given.over:
            return
        given.taken = False
        readings = _readings(engine, given)


def _readings(engine: Engine, images: Iterable[PageImage]) -> Iterator[PageMarkup]:
    yield from engine.read_pages(images)  # what this raises, and when, is met in one place


class _Given:
    """The images, noted as they are taken. ``failed``: what taking one has raised. ``taken``: whether one was, since
    somebody asked; ``over``: there are no more."""

    def __init__(self, images: Iterable[PageImage], waiting: dict[int, PageImage]) -> None:
        self.failed: Exception | None = None
        self.taken = self.over = False
        self._images = iter(images)
        self._waiting = waiting

    def __iter__(self) -> _Given:
        return self

    def __next__(self) -> PageImage:
        try:
            image = next(self._images)
        except StopIteration:
            self.over = True
            raise
        except Exception as error:
            self.failed = error
            raise
        self._waiting[image.number] = image
        self.taken = True
        return image

    def ready(self) -> bool:
        return is_ready(self._images)


def _alone(engine: Engine, image: PageImage) -> PageMarkup | DocparseError:
    try:
        markup = next(iter(engine.read_pages([image])), None)
    except Exception as error:  # noqa: BLE001  (see answered)
        return explained(error)
    if markup is None or markup.number != image.number:
        return EngineError("the engine said nothing about this page.")
    return markup


def explained(error: Exception) -> DocparseError:
    """``error`` as something to tell people."""
    if isinstance(error, DocparseError):
        return error
    if isinstance(error, MemoryError):
        return EngineOutOfMemory("the page needs more memory than there is.")
    log.error("a page could not be read", exc_info=error)
    return EngineError(f"the page could not be read ({type(error).__name__}: {error}).")
