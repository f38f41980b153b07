"""A page as a piece of HTML to be shown beside its picture: what stands on it, each element with its id.

    rendered(page, "/v1/jobs/0123/pages/3")

Every block is an element with ``data-block`` (its id) and ``data-kind``; so are items of lists, and cells of tables
have ``data-cell="row,col"``. Blocks stand in the order of the page, headers and footers included, so that nothing of
it is hidden; a caption stands in the figure that it belongs to.

What it is not: anybody's markup. Every element is made here and every text is escaped; formulas are written anew as
MathML (``mathml``). It has no style of its own, no script, and no address but those of the page's pictures.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from docparse.document import FURNITURE, Block, Cell, Page
from docparse.exporters.flow import CAPTIONED, captions
from docparse.exporters.inline_html import counted, escape, head_rows, inline, nested, spans
from docparse.ui.mathml import mathml

PICTURE_WIDTH = 1200
"""Pixels of a picture, at most: enough for a column on a dense screen."""
NAMES = {"image": "picture", "chart": "chart", "music_sheet": "music", "chemical_formula": "chemical formula"}
"""Kinds that are shown as pictures, in words."""
LONGEST_ALT = 300


def rendered(page: Page, path: str) -> str:
    """``path``: where the page is, on this site; its pictures are at ``{path}/image``."""
    return _Rendering(page, path).html()


class _Rendering:
    def __init__(self, page: Page, path: str) -> None:
        self._page = page
        self._path = path
        self._titles = captions(page.blocks)
        self._owned = {title.id for title in self._titles.values()}

    def html(self) -> str:
        # Blocks and what their captions say are one element: the caption is written by its figure.
        blocks = [block for block in self._page.blocks if block.id not in self._owned]
        parts = list(self._blocks(blocks)) or ['<p class="missing">There is nothing on this page.</p>']
        return "\n".join([f'<article class="rendered" data-page="{self._page.number}">', *parts, "</article>"]) + "\n"

    def _blocks(self, blocks: Sequence[Block]) -> Iterator[str]:
        for in_list, group in groupby(blocks, key=lambda block: block.kind == "list_item"):
            if in_list:
                yield nested(group, _item)
            else:
                yield from map(self._block, group)

    def _block(self, block: Block) -> str:
        kind, text = block.kind, inline(block.runs)
        if kind == "heading":
            level = min(block.level + 1, 6)  # the page that this is shown on has a title of its own
            return f'<h{level}{_named(block, "")} dir="auto">{text}</h{level}>'
        if kind == "list":
            return f"<div{_named(block)}>{nested(block.items, _item)}</div>"
        if kind in CAPTIONED:
            return self._figure(block)
        if kind == "formula":
            return f"<div{_named(block)}>{self._formula(block)}</div>"
        classes = f"furniture {kind}" if kind in FURNITURE else "" if kind == "paragraph" else kind
        return f'<p{_named(block, classes)} dir="auto">{text}</p>'

    def _figure(self, block: Block) -> str:
        """What may have a caption. The caption stands above it where it does on the page."""
        title = self._titles.get(block.id)
        parts = [self._inside(block, title)]
        if title is not None:
            caption = f'<figcaption{_named(title)} dir="auto">{inline(title.runs)}</figcaption>'
            order = [one.id for one in self._page.blocks]
            parts.insert(0 if order.index(title.id) < order.index(block.id) else 1, caption)
        # The caption is no part of the figure's own element: each is pointed at by itself.
        return f'<figure class="{block.kind}">{"".join(parts)}</figure>'

    def _inside(self, block: Block, title: Block | None) -> str:
        if block.kind == "table":
            return _table(block, title)
        if block.kind == "code":
            return f'<pre{_named(block)} tabindex="0"><code>{escape(block.text)}</code></pre>'
        parts = [self._picture(block, title)]
        text = inline(block.runs)
        if block.kind in ("music_sheet", "chemical_formula"):
            parts += [f'<pre tabindex="0"><code>{escape(block.text)}</code></pre>'] if text else []
        elif block.kind == "chart":
            parts += [f'<p dir="auto">{text}</p>'] if text else []
            parts += [_grid(block)] if block.cells else []
        elif text:
            parts.append(f'<details><summary>Text in the picture</summary><p dir="auto">{text}</p></details>')
        return f"<div{_named(block)}>{''.join(parts)}</div>"

    def _formula(self, block: Block) -> str:
        if not block.text:
            return self._picture(block, None)
        if block.notation == "text":
            return f'<span dir="auto">{inline(block.runs)}</span>'
        return mathml(block.text) or f'<code class="latex">{escape(block.text)}</code>'

    def _picture(self, block: Block, title: Block | None) -> str:
        """The part of the page that is the block; loaded when it comes into view."""
        name = NAMES.get(block.kind, block.kind)
        box = block.bbox.clamped(self._page.width, self._page.height) if block.bbox is not None else None
        if box is None or box.width < 1 or box.height < 1:
            return f'<p class="missing">A {name} whose place on the page is not known.</p>'
        said = " ".join((title.text if title else block.text).split()) or name
        if len(said) > LONGEST_ALT:
            said = f"{said[: LONGEST_ALT - 1]}…"
        crop = ",".join(str(int(side)) for side in box.as_tuple())
        source = f"{self._path}/image?crop={crop}&width={min(int(box.width), PICTURE_WIDTH)}"
        size = f'width="{int(box.width)}" height="{int(box.height)}"'
        return f'<img loading="lazy" decoding="async" alt="{escape(said)}" {size} src="{escape(source)}">'


def _named(block: Block, classes: str | None = None) -> str:
    """Attributes that say which block it is. ``classes``: instead of its kind."""
    shown = block.kind if classes is None else classes
    styled = f' class="{shown}"' if shown else ""
    return f'{styled} data-block="{escape(block.id)}" data-kind="{block.kind}"'


def _table(block: Block, title: Block | None) -> str:
    if not block.cells:
        return f"<p{_named(block, 'missing')}>A table without cells.</p>"
    said = escape(" ".join(title.text.split())[:LONGEST_ALT]) if title is not None else ""
    # Wide tables are moved sideways; whoever has no mouse needs to get there.
    return f'<div{_named(block, "wide")} role="group" aria-label="{said or "Table"}" tabindex="0">{_grid(block)}</div>'


def _grid(block: Block) -> str:
    head = head_rows(block)
    rows = [f"<tr>{''.join(map(_cell, row))}</tr>" for row in block.rows()]
    top = f"<thead>{''.join(rows[:head])}</thead>" if head else ""
    rest = f"<tbody>{''.join(rows[head:])}</tbody>" if rows[head:] else ""
    return f"<table>{top}{rest}</table>"


def _cell(cell: Cell) -> str:
    tag = "th" if cell.header else "td"
    return f'<{tag}{spans(cell)} data-cell="{cell.row},{cell.col}" dir="auto">{inline(cell.runs)}</{tag}>'


def _item(item: Block) -> str:
    # The text is an element of its own, beside the items below it: pointing at one is not pointing at all.
    return f'<li{counted(item)}><span{_named(item)} dir="auto">{inline(item.runs)}</span>'
