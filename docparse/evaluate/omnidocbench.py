"""Pages of OmniDocBench (Ouyang et al. 2024, arXiv:2412.07626) as ground truth.

Its JSON is a list of pages: ``layout_dets`` with ``category_type``, ``poly`` (four corners in pixels), ``order``,
``ignore``, and ``text``, ``latex`` or ``html``; ``page_info`` with the picture's name and size.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from docparse.errors import SchemaError

Json = Mapping[str, Any]

KINDS: Mapping[str, str] = {
    "title": "heading",
    "text_block": "text",
    "reference": "reference",
    "list_group": "list",
    "code_txt": "code",
    "code_algorithm": "code",
    "figure": "figure",
    "table": "table",
    "equation_isolated": "formula",
    "equation_semantic": "formula",
    "equation_caption": "formula_number",
    "equation_explanation": "text",
    "figure_caption": "caption",
    "table_caption": "caption",
    "code_txt_caption": "caption",
    "code_algorithm_caption": "caption",
    "figure_footnote": "footnote",
    "table_footnote": "footnote",
    "header": "header",
    "footer": "footer",
    "page_number": "page_number",
    "page_footnote": "page_footnote",
    "circuit_diagram": "figure",
    "circuit_caption": "caption",
    "circuit_footnote": "footnote",
    "abandon": "other",
}
"""Its categories to kinds of elements. What lies under a mask (``table_mask``, ``need_mask``, ...) is not judged, nor
what is of another category."""
_MASK = "_mask"
_FURNITURE = ("header", "footer", "page_number", "page_footnote", "formula_number", "other")
_NO_PROSE = (*_FURNITURE, "formula", "figure", "table")


def is_omnidocbench(data: object) -> bool:
    """Whether this JSON is a list of its pages."""
    return isinstance(data, list) and bool(data) and isinstance(data[0], dict) and "layout_dets" in data[0]


def page_truth(page: Json) -> dict[str, Any]:
    """One page as a ``.gt.json`` has it: ``file``, ``language``, ``pages`` with blocks, ``prose_text``; and ``tables``,
    and in ``unknown`` the category of each element that is of none that is known.

    Raises ``SchemaError``.
    """
    try:
        about = page["page_info"]
        blocks = [_block(element) for element in page["layout_dets"]]
        categories = [element["category_type"] for element in page["layout_dets"]]
        read = sorted(
            (block for block in blocks if block["order"] is not None and not block["ignore"]),
            key=lambda block: block["order"],
        )
        return {
            "file": str(about["image_path"]),
            "language": (about.get("page_attribute") or {}).get("language"),
            "pages": [{"page": 1, "width": about["width"], "height": about["height"], "blocks": blocks}],
            "prose_text": "\n\n".join(b["text"] for b in read if b["text"] and b["type"] not in _NO_PROSE),
            "tables": [b["html"] for b in blocks if b["type"] == "table" and b["html"] and not b["ignore"]],
            "unknown": [str(name) for name in categories if name not in KINDS and not str(name).endswith(_MASK)],
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SchemaError(f"a page is not as OmniDocBench has it: {error!r}.") from error


def _block(element: Json) -> dict[str, Any]:
    kind = KINDS.get(element["category_type"])
    corners = element["poly"]
    parts = element.get("merge_list") or ()
    return {
        "type": kind or "other",
        "bbox": [min(corners[::2]), min(corners[1::2]), max(corners[::2]), max(corners[1::2])],
        "order": element.get("order"),
        "ignore": bool(element.get("ignore")) or kind is None,
        "text": element.get("text") or "\n".join(part.get("text") or "" for part in parts),
        "latex": element.get("latex"),
        "html": element.get("html"),
    }
