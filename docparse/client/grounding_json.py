"""Questions about a page as a form, and what is said to them as it was: see ``docparse.grounding``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from docparse.document import Issue
from docparse.geometry import BBox
from docparse.json_place import Place

if TYPE_CHECKING:
    from docparse.grounding import Grounding


def asking(
    question: str | None,
    *,
    bbox: BBox | Sequence[float] | None,
    page: int,
    points: bool,
    dpi: float | None,
    password: str | None,
) -> dict[str, str]:
    """Raises ``ValueError`` for a region that is none."""
    fields = {"question": question, "dpi": None if dpi is None else f"{dpi:g}", "password": password}
    if bbox is not None:
        sides = bbox.as_tuple() if isinstance(bbox, BBox) else BBox.of(*bbox).as_tuple()
        fields["bbox"] = ",".join(f"{side:g}" for side in sides)
    given = {name: value for name, value in fields.items() if value is not None}
    return {**given, "page": str(page), "points": "true" if points else "false"}


def grounding(at: Place) -> Grounding:
    from docparse.grounding import Grounding
    from docparse.qwenvl_html.places import Place as Found

    places = []
    for place in at.items("places"):
        point = place.numbers("point", 2)
        where = None if point is None else (point[0], point[1])
        places.append(Found(place.text("label"), place.bbox(), where, place.maybe_number("confidence")))
    region = at.numbers("region", 4)
    issues = [
        issue.build(
            Issue,
            code=issue.text("code", None),
            message=issue.text("message"),
            severity=issue.choice("severity", "warning"),
        )
        for issue in at.items("issues")
    ]
    return Grounding(
        tuple(places),
        at.integer("page"),
        at.text("question"),
        at.text("answer"),
        at.integer("width"),
        at.integer("height"),
        None if region is None else BBox(*region),
        tuple(issues),
    )
