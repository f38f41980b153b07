"""Two runs beside each other as one HTML page: which pages differ, where on the page, and in which words.

What it is: a function of values. It loads nothing, runs nothing, and says so in its content policy. Names and texts are
other people's: all of it is escaped.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from docparse import __version__
from docparse.compare import Change, Kind, Piece
from docparse.document import Block, Page
from docparse.geometry import BBox
from docparse.report_style import STYLE
from docparse.run_diff import DocumentDiff, PageDiff, RunDiff
from docparse.run_report import shown

MAX_DOCUMENTS = 2000
MAX_CHANGES = 60
"""Elements of a page that are told one by one."""
MAX_TEXT = 1200
"""Characters of an element that are shown; around what is different, or from its beginning."""
MAX_PIECE = 500
"""Characters of what is different in one place."""
AROUND = 60
"""Characters that are shown of what is the same, before and after a difference."""
MAX_NAME = 200
KINDS: Mapping[Kind, str] = {
    "changed": "says something else, or is of another kind",
    "removed": "only in the first run",
    "added": "only in the other run",
    "moved": "stands elsewhere",
    "same": "is the same",
}
"""What became of an element, in the order in which it is told."""
_LINKED = (".page.html", ".html", ".md")
"""Results to look at, the best first."""

_STYLE = (
    STYLE
    + """
#documents table, .changes { width: 100%; }
#documents td:first-child { min-width: 9rem; }
.page { display: grid; grid-template-columns: minmax(0, 22rem) minmax(0, 1fr); gap: 1.5rem; }
.changes td:first-child { width: 13rem; }
@media (max-width: 50rem) {
  .page { grid-template-columns: minmax(0, 1fr); }
  .changes td:first-child { width: 8rem; }
}
.sketches { display: flex; gap: .6rem; align-items: flex-start; }
figure { margin: 0; flex: 1; min-width: 0; }
figcaption { color: var(--soft); font-size: .85rem; margin-bottom: .3rem; }
.sheet { height: auto; margin: 0; background: var(--shade); border: 1px solid var(--line); border-radius: 0; }
.sheet rect { fill-opacity: .14; stroke-width: 1px; vector-effect: non-scaling-stroke; }
.same { color: var(--soft); fill: var(--soft); stroke: var(--soft); }
.changed { color: var(--warn); fill: var(--warn); stroke: var(--warn); }
.moved { color: var(--mend); fill: var(--mend); stroke: var(--mend); }
.removed { color: var(--bad); fill: var(--bad); stroke: var(--bad); }
.added { color: var(--ok); fill: var(--ok); stroke: var(--ok); }
.badge { stroke: none; }
.text { white-space: pre-wrap; }
del, ins { text-decoration-thickness: 1px; border-radius: .15rem; padding: 0 .1rem; }
del { text-decoration-color: var(--bad); background: color-mix(in srgb, var(--bad) 18%, transparent); }
ins { text-decoration-color: var(--ok); background: color-mix(in srgb, var(--ok) 18%, transparent); }
"""
)
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'"


def diff_page(found: RunDiff, first: str, other: str, path: Path) -> str:
    """The page that will stand at ``path``; ``first`` and ``other``: the runs, as they were named."""
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">',
            f"<title>docparse: {headline(found)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>",
            *_head(found, first, other),
            *_problems(found),
            *_documents(found),
            *_pages(found, (first, other), path),
            "</main>\n</body>\n</html>\n",
        ]
    )


def headline(found: RunDiff) -> str:
    """What is different, in a line; no markup in it."""
    said = f"{found.num_differ:,} of {_count(found.num_pages, 'page')} differ"
    alone = len(found.only_first) + len(found.only_other)
    parts = [said if found.num_differ else f"{_count(found.num_pages, 'page')}, and none differs"]
    parts += [f"{_count(alone, 'document')} in one run only"] if alone else []
    parts += [f"{_count(len(found.problems), 'file')} not compared"] if found.problems else []
    return "; ".join(parts)


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _percent(share: float) -> str:
    """Rounded down: 100% is said of texts that are the same, and of nothing else."""
    return f"{int(share * 1000) / 10:g}%"


def _badge(kind: str, said: str | None = None) -> str:
    return f'<span class="badge {kind}">{said or kind}</span>'


# ------------------------------------------------------------------------------------ the whole


def _head(found: RunDiff, first: str, other: str) -> Iterator[str]:
    yield f"<header>\n<h1>{headline(found)}</h1>"
    for letter, run, engines in zip("AB", (first, other), found.engines, strict=True):
        by = ", ".join(f"{shown(name, MAX_NAME)} ({number:,})" for name, number in engines.most_common(5))
        yield f"<p><b>{letter}</b> {shown(run, MAX_NAME)} · read by {by or 'nobody'}</p>"
    yield f"<p>docparse {__version__}</p>\n</header>\n<main>"
    elements: Counter[Kind] = sum((document.elements for document in found.documents), Counter())
    if elements:
        yield '<section id="elements">\n<h2>Elements</h2>\n<table>'
        for kind, meaning in KINDS.items():
            if number := elements[kind]:
                share = f'<td class="n">{number / elements.total():.1%}</td>'
                yield f'<tr><td>{_badge(kind)}</td><td class="n">{number:,}</td>{share}<td>{meaning}</td></tr>'
        yield "</table>\n</section>"
    other_verdicts = {pair: number for pair, number in found.verdicts.most_common() if pair[0] != pair[1]}
    if other_verdicts:
        yield '<section id="verdicts">\n<h2>Verdicts that are others</h2>\n<table>'
        for (before, after), number in other_verdicts.items():
            yield f'<tr><td>{_badge(before)} → {_badge(after)}</td><td class="n">{_count(number, "page")}</td></tr>'
        yield "</table>\n</section>"


def _problems(found: RunDiff) -> Iterator[str]:
    rows = [f"<tr><td>only in A</td><td>{shown(name, MAX_NAME)}</td></tr>" for name in found.only_first]
    rows += [f"<tr><td>only in B</td><td>{shown(name, MAX_NAME)}</td></tr>" for name in found.only_other]
    rows += [f"<tr><td>not compared</td><td>{shown(str(error))}</td></tr>" for error in found.problems]
    if rows:
        yield '<section id="alone">\n<h2>In one run only</h2>\n<table>'
        yield from rows[:MAX_DOCUMENTS]
        yield "</table>"
        yield from _left_out(len(rows) - MAX_DOCUMENTS, "more")
        yield "</section>"


def _left_out(number: int, what: str) -> Iterator[str]:
    if number > 0:
        yield f'<p class="soft">{number:,} {what} left out here: this file would become too large.</p>'


def _documents(found: RunDiff) -> Iterator[str]:
    differ = sorted((one for one in found.documents if one.differ), key=lambda one: one.similarity)
    if not differ:
        return
    places = {page.name: number for number, page in reversed(list(enumerate(found.pages, 1)))}
    kinds: Sequence[Kind] = [kind for kind in KINDS if kind != "same" and any(one.elements[kind] for one in differ)]
    heads = "".join(f'<th class="n">{name}</th>' for name in ("pages", "differ", *kinds, "alike"))
    yield f'<section id="documents">\n<h2>Documents</h2>\n<table>\n<tr><th>document</th>{heads}</tr>'
    yield from (_document(one, kinds, places.get(one.name)) for one in differ[:MAX_DOCUMENTS])
    yield "</table>"
    yield from _left_out(len(differ) - MAX_DOCUMENTS, "more documents")
    if same := len(found.documents) - len(differ):
        yield f'<p class="soft">{_count(same, "document")} without a difference.</p>'
    yield "</section>"


def _document(one: DocumentDiff, kinds: Sequence[Kind], place: int | None) -> str:
    numbers = (f"{one.pages:,}", f"{one.differ:,}", *(f"{one.elements[kind] or ''}" for kind in kinds))
    cells = "".join(f'<td class="n">{number}</td>' for number in (*numbers, _percent(one.similarity)))
    name = shown(one.name, MAX_NAME)
    linked = name if place is None else f'<a href="#differs-{place}">{name}</a>'
    return f"<tr><td>{linked}</td>{cells}</tr>"


# ------------------------------------------------------------------------------------ pages


def _pages(found: RunDiff, runs: tuple[str, str], path: Path) -> Iterator[str]:
    for number, page in enumerate(found.pages, 1):
        yield f'<section id="differs-{number}">\n<h2>{shown(page.name, MAX_NAME)}, page {page.number}</h2>'
        yield from _page(page, [_link(run, page.name, path) for run in runs])
        yield "</section>"
    if (more := found.num_differ - len(found.pages)) > 0:
        yield "<section>"
        yield from _left_out(more, "more pages that differ, but less,")
        yield "</section>"


def _link(run: str, name: str, path: Path) -> str:
    """To what the run has written of the document to look at, relative to the page; empty where there is nothing."""
    folder = Path(run)
    if not folder.is_dir():
        folder, name = folder.parent, folder.name.removesuffix(".json")
    for ending in _LINKED:
        file = folder / f"{name}{ending}"
        if file.is_file():
            try:
                relative = os.path.relpath(file, path.absolute().parent)
            except ValueError:  # another drive
                return file.absolute().as_uri()
            return quote(os.fsencode(relative.replace(os.sep, "/")))
    return ""


def _page(page: PageDiff, links: Sequence[str]) -> Iterator[str]:
    verdicts = [one.verdict.status for one in (page.first, page.other) if one is not None]
    said = " → ".join(_badge(verdict) for verdict in dict.fromkeys(verdicts))
    yield f"<p>{_percent(page.similarity)} of the text is alike · {said}</p>"
    if page.first is None or page.other is None:
        there = "A" if page.first is not None else "B"
        yield f"<p>Only {there} has this page.</p>"
        return
    of_first = {change.block: change.change for change in page.changes if change.block}
    of_other = {change.other: change.change for change in page.changes if change.other}
    yield '<div class="page">\n<div class="sketches">'
    yield _sketch("A", page.first, of_first, links[0])
    yield _sketch("B", page.other, of_other, links[1])
    yield "</div>\n<div>"
    yield from _changes(page, page.first, page.other)
    yield "</div>\n</div>"


def _sketch(letter: str, page: Page, kinds: Mapping[str, Kind], link: str) -> str:
    """The page with its elements as boxes, in the colour of what became of them."""
    boxes = "".join(
        f'<rect class="{kinds.get(block.id, "same")}" {_corners(block.bbox)}><title>{block.kind}: '
        f"{shown(block.text[:AROUND])}</title></rect>"
        for block in page.blocks
        if block.bbox is not None
    )
    name = f'<a href="{link}">{letter}</a>' if link else letter
    return (
        f'<figure><figcaption>{name}</figcaption><svg class="sheet" viewBox="0 0 {page.width} {page.height}" '
        f'role="img" aria-label="elements of {letter}">{boxes}</svg></figure>'
    )


def _corners(box: BBox) -> str:
    return f'x="{box.x1:g}" y="{box.y1:g}" width="{box.width:g}" height="{box.height:g}"'


def _changes(page: PageDiff, first: Page, other: Page) -> Iterator[str]:
    told = [change for change in page.changes if change.change != "same"]
    if not told:
        yield "<p>The elements are the same.</p>"
        return
    ours, theirs = ({block.id: block for block in one.blocks} for one in (first, other))
    yield '<table class="changes">'
    for change in told[:MAX_CHANGES]:
        before, after = ours.get(change.block or ""), theirs.get(change.other or "")
        what = f"{_badge(change.change)}<br>{_kinds(before, after)}"
        yield f"<tr><td>{what}</td><td>{_said(change, before, after)}</td></tr>"
    yield "</table>"
    yield from _left_out(len(told) - MAX_CHANGES, "more elements of this page")


def _kinds(before: Block | None, after: Block | None) -> str:
    kinds = [_kind(block) for block in (before, after) if block is not None]
    return " → ".join(dict.fromkeys(kinds))


def _kind(block: Block) -> str:
    level = f" {block.level}" if block.kind == "heading" and block.level else ""
    return f'<span class="soft">{block.kind}{level}</span>'


def _said(change: Change, before: Block | None, after: Block | None) -> str:
    if change.change == "changed":
        return f'<div class="text">{_pieces(change.pieces)}</div>'
    block = before or after
    text = shown_text("" if block is None else block.text[:MAX_TEXT])
    mark = {"removed": "del", "added": "ins"}.get(change.change)
    return f'<div class="text">{f"<{mark}>{text}</{mark}>" if mark and text else text}</div>'


def _pieces(pieces: Sequence[Piece]) -> str:
    """What is different, with a little of what is the same around it."""
    said: list[str] = []
    left = MAX_TEXT
    for number, (mark, text) in enumerate(pieces):
        if mark == "=":
            text = _shortened(text, start=number == 0, end=number == len(pieces) - 1)
        elif len(text) > MAX_PIECE:
            text = f"{text[:MAX_PIECE]}…"
        left -= len(text)
        tag = {"-": "del", "+": "ins"}.get(mark)
        said.append(f"<{tag}>{shown_text(text)}</{tag}>" if tag else shown_text(text))
        if left <= 0 and number < len(pieces) - 1:
            said.append(" … ")
            break
    return "".join(said)


def _shortened(text: str, *, start: bool, end: bool) -> str:
    if start and end:
        return text[:MAX_TEXT]
    if len(text) <= 2 * AROUND + 3:
        return text
    before = "" if start else text[:AROUND]
    return f"{before} … {'' if end else text[-AROUND:]}"


def shown_text(text: str) -> str:
    """Other people's text of several lines as HTML."""
    return "\n".join(shown(line) for line in text.replace("\t", " | ").split("\n"))
