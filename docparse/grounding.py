"""Questions about one page: where something is, and what is in a region.

    import docparse
    found = docparse.ground("invoice.pdf", "the total amount", model="checkpoints/qwen2.5-vl-7b")
    for place in found.places: print(place.label, place.bbox, place.confidence)
    docparse.ground("invoice.pdf", bbox=(310, 94, 658, 132), model=model).answer    # what does it say there?

Only a model can be asked; the embedded engine reads pages and answers nothing. Boxes and points are in
pixels of the page as ``parse`` draws it. What this file is not: the forms that answers come in
(``qwenvl_html.places``), nor the model (``engines``).
"""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from docparse.convert import Options, open_for
from docparse.document import Issue
from docparse.engines.base import Answer, Asks
from docparse.engines.choose import check_name, choose
from docparse.errors import EngineError, EngineUnavailable, PageRangeError, SettingsError
from docparse.geometry import BBox
from docparse.qwenvl_html.places import Place, Places, parse_answer

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Grounding", "Place", "Places", "ask", "ground", "parse_answer"]

# The makers' own wordings, which models follow best (their notebooks on spatial understanding and on OCR).
BOXES = "Locate {what}, output its bbox coordinates using JSON format."
POINTS = "Locate {what}. Output the point coordinates in JSON format."
READ = "Please output only the text content from the image without any additional descriptions or formatting."

LONGEST_ANSWER = 2048
"""Tokens: about sixty places with their labels, or a dense paragraph."""
MARGIN = 0.05
"""Of a region's size that is shown around it on each side: letters at its edge must be whole."""
LEAST_MARGIN = 4
"""Pixels of it."""
SMALLEST = 112
"""Pixels of the shorter side below which a region is shown enlarged: four patches of a model."""
MOST_ENLARGED = 4
SLIMMEST = 50
"""How many times longer than wide a region may be shown; more is filled up from the page. Models refuse 200."""


@dataclass(frozen=True, slots=True)
class Grounding:
    """What a model says to a question about a page.

    places         where it is, in pixels of the page (``width`` x ``height``), as the model named them; maybe none
    page           number of the page, from 1
    question       what was asked for
    answer         the model's answer as it stands
    region         the part of the page that was asked about, None for all of it
    issues         what in the answer was no place, was mended, or is cut off
    """

    places: tuple[Place, ...]
    page: int
    question: str
    answer: str
    width: int
    height: int
    region: BBox | None = None
    issues: tuple[Issue, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """All of it for JSON; pixels to two decimals."""
        return {
            "page": self.page,
            "width": self.width,
            "height": self.height,
            "question": self.question,
            "region": _rounded(self.region.as_tuple()) if self.region else None,
            "answer": self.answer,
            "places": [
                {
                    "label": place.label,
                    "bbox": _rounded(place.bbox.as_tuple()) if place.bbox else None,
                    "point": _rounded(place.point) if place.point else None,
                    "confidence": place.confidence,
                }
                for place in self.places
            ],
            "issues": [
                {"code": issue.code, "message": issue.message, "severity": issue.severity} for issue in self.issues
            ],
        }


def ground(
    path: str | os.PathLike[str] | bytes,
    question: str | None = None,
    *,
    bbox: BBox | Sequence[float] | None = None,
    page: int = 1,
    model: str | Asks | None = None,
    points: bool = False,
    name: str | None = None,
    options: Options | None = None,
    **changes: object,
) -> Grounding:
    """Ask where something is on a page, or with ``bbox`` about a region of it.

    ``question`` names what to look for ("the total amount"); with ``bbox`` it is any question about that region,
    and without one the region is read. ``points``: points instead of boxes. ``model``: a checkpoint folder, or
    whatever answers (``engines.base.Asks``); left out, it is that of ``options``, in this process or on a server.
    Other keywords are the fields of ``Options``: ``remote``, ``dpi``, ``password``, ``renderer``, ``limits``, ...

    Raises ``EngineUnavailable`` without a model, ``PageRangeError`` for a page that is not there,
    ``SettingsError`` for a question or region that means nothing, ``SourceError`` and ``EngineError``.
    """
    chosen = dataclasses.replace(options or Options(), **changes)  # type: ignore[arg-type]
    check_question(question, bbox)
    check_model(model, chosen)  # before anything that takes time
    picture = page_picture(path, page, options=chosen, name=name)
    file = name or ("document" if isinstance(path, bytes) else os.path.basename(os.fspath(path)))
    return ask(open_asks(model, chosen), picture, question, bbox=bbox, points=points, page=page, file=file)


def ask(
    model: Asks,
    picture: Image,
    question: str | None = None,
    *,
    bbox: BBox | Sequence[float] | None = None,
    points: bool = False,
    page: int = 1,
    file: str | None = None,
) -> Grounding:
    """The same for a page that is drawn already. Raises ``SettingsError``, and ``EngineError`` that names ``file``."""
    asked = check_question(question, bbox)
    whole = BBox(0, 0, *picture.size)
    if bbox is None:
        region, part, shown = None, whole, picture
        wording = (POINTS if points else BOXES).format(what=asked)
    else:
        region = _region(bbox, whole)
        part = _around(region, whole)
        shown = _enlarged(picture.crop((int(part.x1), int(part.y1), int(part.x2), int(part.y2))))
        wording = asked or READ
    try:
        answer = model.ask(shown, wording, max_new_tokens=LONGEST_ANSWER)
        if answer.finish == "error":
            raise EngineError(answer.error or "the model gave no answer.")
    except EngineError as error:
        error.file, error.page = error.file or file, error.page or page
        raise
    # What was read is text, whatever numbers are in it.
    places, issues = _places(answer, part, points) if asked else Places((), ())
    return Grounding(places, page, asked, answer.text.strip(), *picture.size, region, (*issues, *_cut(answer)))


def _places(answer: Answer, part: BBox, points: bool) -> Places:
    """The places of an answer about ``part`` of a page."""
    found, issues = parse_answer(
        answer.text,
        width=answer.width,
        height=answer.height,
        page_width=part.width,
        page_height=part.height,
        points=points,
        confidences=answer.confidences,
    )
    return Places(tuple(_moved(place, part.x1, part.y1) for place in found), issues)


def _moved(place: Place, dx: float, dy: float) -> Place:
    bbox = place.bbox and place.bbox.moved(dx, dy)
    point = place.point and (place.point[0] + dx, place.point[1] + dy)
    return dataclasses.replace(place, bbox=bbox, point=point)


def _cut(answer: Answer) -> Iterator[Issue]:
    if answer.finish in ("length", "loop"):
        yield Issue("truncated", "The answer is cut off: there may be more places.", "error")


# ------------------------------------------------------------------------------------ what is needed


def check_question(question: str | None, bbox: object) -> str:
    """The question in one line, empty for none. Raises ``SettingsError`` where there must be one."""
    asked = " ".join((question or "").split())
    if not asked and bbox is None:
        raise SettingsError("nothing is asked for.", hint="Say what to look for, or give a region to read.")
    return asked


def check_model(model: str | Asks | None, options: Options) -> None:
    """Raise ``EngineUnavailable`` if nobody is there to be asked."""
    if model is not None or _on_a_server(options):
        return
    if options.engine == "remote":
        check_name("remote", options.model, options.remote)
    if isinstance(options.engine, str) and (options.model.path is None or options.engine == "embedded"):
        raise EngineUnavailable(
            "a question about a page needs a model, and none is configured; the embedded engine only reads.",
            hint="Get one with docparse models pull 3b and name it with --model or DOCPARSE_MODEL, or name a server "
            "with --server-url.",
        )


def _on_a_server(options: Options) -> bool:
    """Whether the model that is meant is one on a server: ``auto`` prefers it, as for reading pages."""
    return options.remote.url is not None and options.engine in ("auto", "remote")


def open_asks(model: str | Asks | None, options: Options) -> Asks:
    """What is asked. Raises ``EngineUnavailable`` and ``EngineOutOfMemory``."""
    check_model(model, options)
    if model is not None and not isinstance(model, str):
        return model
    if model is None and (_on_a_server(options) or not isinstance(options.engine, str)):
        engine, _ = choose(
            "remote" if isinstance(options.engine, str) else options.engine,
            remote=options.remote,
            page_seconds=options.limits.model_page_seconds,
        )
        if isinstance(engine, Asks):
            return engine
        raise EngineUnavailable(f"the {engine.name} engine reads pages and answers no questions.")
    from docparse.engines.qwen import open_model

    return open_model(model or options.model.path or "", options.model)


def page_picture(
    path: str | os.PathLike[str] | bytes, page: int, *, options: Options, name: str | None = None
) -> Image:
    """One page as ``options`` draw it. Raises ``SourceError``, ``PageRangeError`` for one that is not there."""
    with open_for(path, options, name=name) as source:
        if not 1 <= page <= source.num_pages:
            pages = "one page" if source.num_pages == 1 else f"{source.num_pages} pages"
            raise PageRangeError(f"there is no page {page}.", file=source.info.name, hint=f"The document has {pages}.")
        return source.page(page).pixels()


# ------------------------------------------------------------------------------------ regions


def _region(bbox: BBox | Sequence[float], whole: BBox) -> BBox:
    try:
        box = bbox if isinstance(bbox, BBox) else BBox.of(*bbox)
    except (TypeError, ValueError) as error:
        raise SettingsError(f"{bbox!r} is no region.", hint="Give four numbers: x1, y1, x2, y2.") from error
    cut = box.clamped(whole.x2, whole.y2)
    if cut.area == 0:
        raise SettingsError(
            "the region has no area on the page.",
            hint=f"The page has {whole.x2:.0f} x {whole.y2:.0f} pixels at this resolution.",
        )
    return cut


def _around(region: BBox, whole: BBox) -> BBox:
    """What is shown of the page: the region with a margin, in whole pixels, and not too slim for a model."""
    margins = [max(MARGIN * side, LEAST_MARGIN) for side in (region.width, region.height)]
    longest = max(region.width, region.height)
    margins = [
        max(margin, (longest / SLIMMEST - side) / 2)
        for margin, side in zip(margins, (region.width, region.height), strict=True)
    ]
    x1, y1, x2, y2 = region.grown(*margins).clamped(whole.x2, whole.y2).as_tuple()
    return BBox(math.floor(x1), math.floor(y1), math.ceil(x2), math.ceil(y2))


def _enlarged(picture: Image) -> Image:
    """A picture that a model can see letters in."""
    from PIL.Image import Resampling

    factor = min(math.ceil(SMALLEST / min(picture.size)), MOST_ENLARGED)
    if factor <= 1:
        return picture
    return picture.resize((picture.width * factor, picture.height * factor), Resampling.BICUBIC)


def _rounded(sides: Iterable[float]) -> list[float]:
    return [round(side, 2) for side in sides]
