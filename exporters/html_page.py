"""A page to look at: one HTML file that shows the document, with a verdict for each page.

What it is: standalone. It loads nothing, runs nothing, and says so in its content policy; figures
are inside it as ``data:`` pictures, as many as fit. What it is not: QwenVL HTML (``html`` is), and
nothing of a model's markup is in it: every element is made here, every text is escaped.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from docparse.document import Block, Document, Page
from docparse.exporters import inline_html
from docparse.exporters.crops import PICTURED, Crops, encoded
from docparse.exporters.flow import captions, running
from docparse.exporters.inline_html import counted, escape, inline, nested
from docparse.exporters.page_style import STYLE
from docparse.exporters.registry import Job, Part, register

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_PICTURE_SIDE = 1200
"""Pixels; a larger figure is shown smaller."""
MAX_PICTURES = 12_000_000
"""Bytes of all figures of a file together; the rest are left out with a note."""

_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
_POLICY = f"default-src 'none'; img-src data:; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'"
VERDICTS = {
    "ok": "nothing is wrong that docparse can see",
    "repaired": "faults in the markup were mended without loss",
    "partial": "something is missing or in doubt",
    "fallback": "another engine had to read this page",
    "failed": "this page could not be read",
}


@register(
    "html-page",
    suffix=".page.html",
    media_type="text/html",
    description="a standalone page to look at, with figures and the verdict of each page",
    images="optional",
    aliases=("page",),
)
def html_page(job: Job) -> Iterator[Part]:
    document = job.document
    title = escape(document.source.name or job.stem)
    pictures = _Pictures()
    out = [
        '<!doctype html>\n<html>\n<head>\n<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">',
        f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>",
        f'<header>\n<h1 dir="auto">{title}</h1>\n<p>{_about(document)}</p>\n</header>\n<main>',
    ]
    for page in document.pages:
        out.append(f'<section id="page-{page.number}">\n<div class="folio">Page {page.number} {_badge(page)}</div>')
        out += _issues(page)
        crops = Crops(page, job.images)
        blocks = running(page, furniture=job.options.furniture)
        out += _blocks(blocks, captions(blocks), crops, pictures)
        out.append("</section>")
    out.append("</main>\n</body>\n</html>\n")
    yield job.main("\n".join(out))


# ---------------------------------------------------------------------------- about and verdict


def _about(document: Document) -> str:
    pages = len(document.pages)
    parts = [f"{pages} page{'s' if pages != 1 else ''}"]
    if document.source.pages > pages:
        parts[0] += f" of {document.source.pages}"
    if document.engine.name:
        parts.append(f"read by {escape(' '.join(filter(None, (document.engine.name, document.engine.model))))}")
    parts.append(f'<span class="badge {document.status}">{document.status}</span>')
    return " · ".join(parts)


def _badge(page: Page) -> str:
    status = page.verdict.status
    return f'<span class="badge {status}" title="{VERDICTS[status]}">{status}</span>'


def _issues(page: Page) -> Iterator[str]:
    issues = page.verdict.issues
    if not issues:
        return
    yield f"<details><summary>{len(issues)} remark{'s' if len(issues) != 1 else ''}</summary>\n<ul>"
    theirs = {part.id for block in page.blocks for part in (block, *block.items) if part.origin == "user"}
    for issue in issues:
        # The verdict is on what was read; the sentence says what became of it.
        since = " A person has corrected this element since." if issue.block in theirs else ""
        said = f"{issue.severity}: {escape(issue.message or issue.code)}{since}"
        yield f"<li>{said} <code>{escape(issue.code)}</code></li>"
    yield "</ul>\n</details>"


# -------------------------------------------------------------------------------------- blocks


def _blocks(blocks: Sequence[Block], titles: dict[str, Block], crops: Crops, pictures: _Pictures) -> Iterator[str]:
    for in_list, group in groupby(blocks, key=lambda block: block.kind == "list_item"):
        if in_list:
            yield nested(group, _item)
            continue
        for block in group:
            yield _block(block, titles.get(block.id), crops, pictures)


def _block(block: Block, caption: Block | None, crops: Crops, pictures: _Pictures) -> str:
    kind, text = block.kind, inline(block.runs)
    if kind == "heading":
        # The name of the file is the only h1 of this page.
        level = min(block.level + 1, 6)
        return f'<h{level} dir="auto">{text}</h{level}>'
    if kind == "table":
        return _table(block)
    if kind in PICTURED:
        said = caption.text if caption else block.text if kind == "image" else ""
        picture = pictures.html(crops.crop(block), said or kind) or f'<p class="missing">{kind}</p>'
        if kind == "chart":
            picture += (f'<p dir="auto">{text}</p>' if text else "") + (_table(block) if block.cells else "")
        elif text:
            picture += f'<details><summary>text in the image</summary><p dir="auto">{text}</p></details>'
        return f"<figure>{picture}</figure>"
    if kind in ("formula", "music_sheet", "chemical_formula", "code"):
        picture = pictures.html(crops.crop(block), block.text) if kind != "code" else ""
        return f'<figure class="{kind}">{picture}<pre><code>{escape(block.text)}</code></pre></figure>'
    shown_as = {"caption": ' class="caption"', "paragraph": ""}.get(kind, f' class="aside {kind}"')
    return f'<p{shown_as} dir="auto">{text}</p>'


def _table(block: Block) -> str:
    return f'<div class="wide">{inline_html.table(block)}</div>' if block.cells else ""


def _item(item: Block) -> str:
    return f'<li{counted(item)} dir="auto">{inline(item.runs)}'


class _Pictures:
    """The figures that are inside the file so far."""

    def __init__(self) -> None:
        self._bytes = 0

    def html(self, image: Image | None, said: str) -> str:
        """The picture with the words for those who do not see it; '' if there is no picture."""
        if image is None:
            return ""
        image.thumbnail((MAX_PICTURE_SIDE, MAX_PICTURE_SIDE))
        data = encoded(image, "JPEG")
        if self._bytes + len(data) > MAX_PICTURES:
            return '<p class="missing">left out: the file would become too large</p>'
        self._bytes += len(data)
        words = escape(" ".join(said.split()))
        return f'<img alt="{words}" src="data:image/jpeg;base64,{base64.b64encode(data).decode()}">'
