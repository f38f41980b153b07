"""How a page is read by a model that may fail: what is asked, what of the answer is kept, what is asked next.

Without input and output of its own: ``read_page`` is a generator that yields an ``Ask`` and is sent its
``Answer``, until it returns the page's markup. Engines drive it, in this process or over HTTP, many pages at
once; they turn whatever goes wrong into an answer that says ``error``. So every path is tested with
answers that are written down, and no engine has a ladder of its own.

Boxes come in pixels of the picture that was asked about, and leave in pixels of the page: here, once.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace

from docparse.document import Issue
from docparse.engines.base import Answer, Ask, PageMarkup
from docparse.engines.options import Prompt
from docparse.engines.prompts import PAGE
from docparse.qwenvl_html.rescale import rescale
from docparse.raster import PageImage

Reading = Generator[Ask, Answer, PageMarkup]
"""A page that is being read."""

SMALL = 0.6
"""A page that is shown at less than this share of its own resolution may have become illegible."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What a page may cost. ``max_tokens``: the longest answer to one question."""

    prompt: Prompt = "html"
    max_tokens: int = 8192


def read_page(page: PageImage, policy: Policy, embedded: Callable[[PageImage], PageMarkup]) -> Reading:
    """Read a page by asking a model; ``embedded`` reads it where the model does not."""
    question = PAGE[policy.prompt]
    answer = yield Ask(page.pixels(), question.text, question.system, policy.max_tokens)
    if answer.finish == "error":
        return fall_back(page, embedded, answer.error)
    return page_markup(page, answer)


def fall_back(page: PageImage, embedded: Callable[[PageImage], PageMarkup], why: str) -> PageMarkup:
    """What the embedded engine reads, with the reason why it had to."""
    note = Issue("fallback", f"The embedded engine read this page, because the model did not: {why}", "warning")
    markup = embedded(page)
    return replace(markup, issues=(note, *markup.issues), attempts=markup.attempts + 1)


def page_markup(page: PageImage, answer: Answer) -> PageMarkup:
    """An answer about a page as the page's markup: boxes from the picture's pixels to the page's.

    The picture's size is that of the final grid of patches, whatever was asked for (facts/qwen.md 1.4).
    """
    mapped = rescale(answer.text, page.width / answer.width, page.height / answer.height)
    return PageMarkup(
        page.number,
        mapped.markup,
        finish=answer.finish,
        confidences=mapped.carry(answer.confidences),
        origin="model",
        witness=tuple(page.text.words()) if page.text is not None else (),
        issues=tuple(_notes(page, answer)),
    )


def _notes(page: PageImage, answer: Answer) -> Iterator[Issue]:
    scale = (answer.width * answer.height / (page.width * page.height)) ** 0.5
    if scale < 0.95:  # less is rounding to whole patches
        message = (
            f"The page has {page.width} x {page.height} pixels; the model was shown {answer.width} x {answer.height}."
        )
        yield Issue("page-shrunk", message, "info" if scale >= SMALL else "warning")
