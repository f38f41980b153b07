"""A page read with a user's own prompt, by a model that can be asked.

The same ladder as for any page (``recovery``): what loops is cut, what has no boxes gets those of the page's words.
But only what the user asks is asked; where its answer is of no use, the embedded engine reads the page, and the
verdict says so.
"""

from __future__ import annotations

from dataclasses import replace

from docparse.engines.base import Answer, Ask, Asks, PageMarkup
from docparse.engines.prompts import question_of
from docparse.engines.recovery import Embedded, Policy, read_page
from docparse.errors import EngineError, EngineUnavailable
from docparse.qwenvl_html.rescale import rescale
from docparse.raster import PageImage

THOUSANDTHS = (1000, 1000)
"""Size of an answer whose boxes are in thousandths of the picture: see ``RemoteEngine.ask``."""


def read_prompted(page: PageImage, prompt: str, model: Asks, embedded: Embedded) -> PageMarkup:
    """The markup of a page. ``prompt``: a name (``html``, ``markdown``, ``plain``) or words.

    Raises ``EngineUnavailable`` where there is no model to ask; whatever else goes wrong ends as a fallback.
    """
    reading = read_page(page, Policy(own=question_of(prompt)), embedded)
    ask = next(reading)
    while True:
        try:
            ask = reading.send(_answer(model, ask))
        except StopIteration as end:
            markup: PageMarkup = end.value
            return markup


def _answer(model: Asks, ask: Ask) -> Answer:
    picture = ask.picture
    try:
        answer = model.ask(picture, ask.question, system=ask.system, max_new_tokens=ask.max_new_tokens)
    except EngineUnavailable:
        raise
    except EngineError as error:
        return Answer("", picture.width, picture.height, "error", error=error.message)
    if (answer.width, answer.height) != THOUSANDTHS or picture.size == THOUSANDTHS:
        return answer
    # The model saw more than 1000 x 1000 pixels: the size is that of its numbers.
    mapped = rescale(answer.text, picture.width / 1000, picture.height / 1000)
    found = mapped.carry(answer.confidences)
    return replace(answer, text=mapped.markup, width=picture.width, height=picture.height, confidences=found)
