"""Some pages of a document, or some of its blocks, as a document of its own.

    select(document, pages=[1, 2, 3])
    select(document, blocks=["p1b2", "p1b5"])

What it is: a function of values. What is left stays as it is: ids, places, verdicts of its pages, and where it is from.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from docparse.document import Block, Document, Page
from docparse.errors import ExportError

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Selection:
    """What is asked for. ``pages``: like ``1-5,8,r3-r1``, None: all; ``blocks``: ids, of items too, none: all."""

    pages: str | None = None
    blocks: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.pages is not None or bool(self.blocks)


ALL = Selection()


def select(
    document: Document, *, pages: Collection[int] | None = None, blocks: Collection[str] | None = None
) -> Document:
    """Those of the pages, and on them those of the blocks; a page on which none is left goes too.

    An id may be that of a list's item: the list then has the items that were named. Of pages whose blocks were
    chosen it is not told what was corrected. Raises ``ExportError`` for ids that there are not.
    """
    left = [page for page in document.pages if pages is None or page.number in pages]
    if blocks is None:
        numbers = {page.number for page in left}
        kept = tuple(each for each in document.corrections if each.page in numbers)
        return replace(document, pages=tuple(left), corrections=kept)
    wanted = dict.fromkeys(blocks)
    known = {part.id for page in left for block in page.blocks for part in (block, *block.items)}
    if missing := [id for id in wanted if id not in known]:
        shown = ", ".join(missing[:_SHOWN]) + (", …" if len(missing) > _SHOWN else "")
        raise ExportError(f"there is no block {shown}.", hint="Ids are those of the document's JSON.")
    cut = [page for page in (_cut(page, wanted) for page in left) if page.blocks]
    return replace(document, pages=tuple(cut), corrections=())


def _cut(page: Page, wanted: Collection[str]) -> Page:
    blocks = tuple(_chosen(page.blocks, wanted))
    named = {part.id for block in blocks for part in (block, *block.items)}
    issues = tuple(issue for issue in page.verdict.issues if issue.block is None or issue.block in named)
    return replace(page, blocks=blocks, verdict=replace(page.verdict, issues=issues))


def _chosen(blocks: tuple[Block, ...], wanted: Collection[str]) -> Iterator[Block]:
    for block in blocks:
        if block.id in wanted:
            yield block
        elif items := tuple(item for item in block.items if item.id in wanted):
            yield replace(block, items=items)


__all__ = ["ALL", "Selection", "select"]
