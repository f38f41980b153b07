"""``docparse ground``: where something is on a page, or what is in a region of it."""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from docparse.commands.console import printable
from docparse.errors import SettingsError
from docparse.geometry import BBox
from docparse.grounding import Grounding, ask, check_model, check_question, open_asks, page_picture
from docparse.qwenvl_html.issues import shown
from docparse.settings import load

if TYPE_CHECKING:
    from PIL.Image import Image

_NUMBER = r"\s*(-?[0-9]{1,9}(?:\.[0-9]{1,9})?)\s*"
_BOX = re.compile(f"{_NUMBER},{_NUMBER},{_NUMBER},{_NUMBER}")


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked for; ``flags`` are settings, None where not given."""

    path: str
    question: str | None = None
    bbox: str | None = None
    page: int = 1
    points: bool = False
    output: str | None = None
    as_json: bool = False
    password: str | None = None
    flags: dict[str, Any] = field(default_factory=dict)


def run(request: Request) -> None:
    """Ask, and print the answer. Raises ``DocparseError``."""
    bbox = _box(request.bbox)
    check_question(request.question, bbox)
    options = load(**request.flags).options(pages=None, password=request.password)
    check_model(None, options)
    picture = page_picture(request.path, request.page, options=options)
    found = ask(
        open_asks(None, options),
        picture,
        request.question,
        bbox=bbox,
        points=request.points,
        page=request.page,
        file=Path(request.path).name,
    )
    if request.output is not None:
        _draw(found, picture, Path(request.output))
    for issue in found.issues:
        typer.echo(f"note: {printable(issue.message)} [{issue.code}]", err=True)
    if request.as_json:
        # Escapes keep it JSON on every terminal: labels may hold characters that no encoding has.
        typer.echo(json.dumps({"file": request.path, **found.to_dict()}, indent=2))
    else:
        _print(found)


def _box(text: str | None) -> BBox | None:
    if text is None:
        return None
    match = _BOX.fullmatch(text)
    if match is None:
        raise SettingsError(f"--bbox: {text!r} is no region.", hint="Write x1,y1,x2,y2 in pixels of the page.")
    return BBox.of(*map(float, match.groups()))


def _print(found: Grounding) -> None:
    """A line for each place, with tabs: kind, pixels, label, confidence. Without places the answer itself."""
    for place in found.places:
        kind, sides = ("box", place.bbox.as_tuple()) if place.bbox else ("point", place.point or ())
        pixels = " ".join(f"{side:.0f}" for side in sides)
        sure = "" if place.confidence is None else f"{place.confidence:.0%}"
        typer.echo(f"{kind}\t{pixels}\t{printable(place.label)}\t{sure}".rstrip())
    if found.places:
        return
    if found.region is not None:
        typer.echo("\n".join(map(printable, found.answer.split("\n"))))
    else:
        said = printable(shown(found.answer, 200))
        typer.echo(f"Nothing was found on page {found.page}." + (f" The model says: {said}" if said else ""), err=True)


def _draw(found: Grounding, picture: Image, path: Path) -> None:
    """Write the page with the places on it. Raises ``OutputError``."""
    from docparse.exporters.files import write_file
    from docparse.exporters.places import Mark, draw_marks

    marks = [
        Mark(place.bbox or BBox(*2 * (place.point or (0, 0))), printable(place.label), place.confidence)
        for place in found.places
    ]
    data = io.BytesIO()
    draw_marks(picture, marks, region=found.region).save(data, "PNG", compress_level=1)
    write_file(path, data.getvalue())
