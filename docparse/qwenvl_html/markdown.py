"""What a model writes when it writes Markdown, to blocks.

What it is: a reader by lines, in one pass: headings, paragraphs, lists, quotes, code, formulas, pipe tables,
LaTeX and HTML tables, images, and the places that Qwen3-VL's "qwenvl markdown" gives as
``<!-- Table (x1, y1, x2, y2) -->``. What it is not: CommonMark. It never drops a line.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from docparse.document import Kind, Run
from docparse.geometry import BBox
from docparse.qwenvl_html import boxes
from docparse.qwenvl_html.grammar import HEADINGS, Sense, meaning
from docparse.qwenvl_html.issues import IssueLog, shown
from docparse.qwenvl_html.marks import marked
from docparse.qwenvl_html.page import PageBuilder, Stretch
from docparse.qwenvl_html.reader import Reader
from docparse.qwenvl_html.tables import Draft, cells_of
from docparse.qwenvl_html.tabular import around, find_tabular, is_separator, pipe_row, plain, tabular_rows
from docparse.qwenvl_html.tree import parse

_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*)|$)")
_ITEM = re.compile(r"([ \t]*)(?:[-*+•]|([0-9]{1,9})[.)])[ \t]+(.*)")
_FENCE = re.compile(r"[ \t]*(```+|~~~+)")
_RULE = re.compile(
    r" {0,3}(?:-[ \t]*+){3,}+|(?:\*[ \t]*+){3,}+|(?:_[ \t]*+){3,5}+"
)  # more of these: the blanks of a form
_QUOTE = re.compile(r"(?: {0,3}> ?)+")
_PLACE = re.compile(r"\s*<!--\s*([A-Za-z][A-Za-z _-]{0,30}?)\s*\(([^()]{1,80})\)\s*-->[ \t]*")
_COMMENT = re.compile(r"\s*<!--(.*?)-->[ \t]*")
_IMAGE = re.compile(r"\s*!\[([^\]]*)\]\(([^)]*)\)\s*")
_HTML_BLOCK = re.compile(r"\s*<(/?)(table|div|img|p|h[1-6]|ul|ol|pre)\b", re.IGNORECASE)
_EDGES = {
    tag: re.compile(rf"<(/?){tag}\b", re.IGNORECASE) for tag in ("table", "div", "p", *HEADINGS, "ul", "ol", "pre")
}
_MATH = (("$$", "$$"), ("\\[", "\\]"))
_ENVIRONMENT = re.compile(r"\s*\\begin\{(equation|align|gather|multline|eqnarray)(\*?)\}")
_TABULAR = re.compile(r"\s*\\begin\{(?:table\*?|tabular[*xy]?|longtable|center)\}")
_UNDERLINE = re.compile(r"={3,}[ \t]*")


class MarkdownReader:
    """Reads ``markup[start:end]`` into ``page``. ``truncated``: something in it is not closed.

    ``structured``: anything but paragraphs was found.
    """

    def __init__(self, page: PageBuilder, markup: str, start: int, end: int) -> None:
        self.page = page
        self.log = page.log
        self.markup = markup
        self.end = end
        self.truncated = False
        self.structured = False
        self._lines = _lines(markup, start, end)
        self._at = 0  # the next line
        self._paragraph: list[Stretch] = []
        self._indents: list[int] = []  # of the open list, by level
        self._place: tuple[Sense | None, BBox | None] | None = None

    def read(self) -> None:
        steps: tuple[Callable[[str], bool], ...] = (
            self._place_comment,
            self._fence,
            self._math,
            self._tabular,
            self._html,
            self._heading,
            self._image,
            self._pipe_table,
            self._item,
        )
        while self._at < len(self._lines):
            line = self.markup[slice(*self._lines[self._at])]
            if not line.strip():
                self._end_paragraph()
                self._at += 1
            elif _RULE.fullmatch(line):
                self._end_paragraph()
                self._indents.clear()
                self._at += 1
            elif not any(step(line) for step in steps):
                self._text(line)
                self._at += 1
        self._end_paragraph()

    # ------------------------------------------------------------------------------- paragraphs

    def _text(self, line: str) -> None:
        start, end = self._lines[self._at]
        if _UNDERLINE.fullmatch(line) and self._paragraph:
            self._end_paragraph(level=1)
            return
        if (quote := _QUOTE.match(line)) is not None:
            start += quote.end()
        if not self._paragraph and self._indents and not line[0].isspace():
            self._indents.clear()
        self._paragraph.append((start, end))

    def _end_paragraph(self, *, level: int = 0) -> None:
        lines, self._paragraph = self._paragraph, []
        if not lines:
            return
        text = ""
        for start, end in lines:
            line = self.markup[start:end]
            hard = line.endswith(("  ", "\\"))
            text += line.rstrip("\\ \t") + ("\n" if hard else " ")
        runs = marked(text)
        if level:
            self._add("heading", lines[0][0], lines, runs, level=level)
        elif runs:  # not if there were only control characters
            self._add("paragraph", lines[0][0], lines, runs)

    def _add(self, kind: Kind, at: int, stretches: list[Stretch], runs: tuple[Run, ...] = (), **parts: Any) -> None:
        """Add a block, at the place that was announced for it."""
        said, bbox = self._place or (None, None)
        self._place = None
        self.structured = self.structured or kind != "paragraph"
        if kind == "paragraph" and said in ("caption", "header", "footer", "footnote", "page_number"):
            kind = said  # the comment named it
        end = stretches[-1][1] if stretches else at
        self.page.add(kind, (at, end), bbox, runs, stretches, **parts)

    # ------------------------------------------------------------------------- one line and more

    def _place_comment(self, line: str) -> bool:
        if "<!--" not in line:
            return False
        at, end = start, _ = self._lines[self._at]
        # All that follow each other in this line at once: it may be long.
        while match := _PLACE.match(self.markup, at, end) or _COMMENT.match(self.markup, at, end):
            self._end_paragraph()
            if match.re is _COMMENT:
                self.log.once("declaration", f"a comment, left out: {shown(match[1], 200)!r}", at)
            else:
                self._announce(match)
            at = match.end()
        if at == end:
            self._at += 1
        else:
            self._lines[self._at] = (at, end)  # what it is the place of follows at once
        return at > start

    def _announce(self, match: re.Match[str]) -> None:
        """Keep the place that a comment gives for what comes next."""
        said, at = meaning(match[1]), match.start()
        bbox = self.page.checked(boxes.parse(" ".join(match[2].replace(",", " ").split())), match[2], at)
        self._place = (said[0] if said else None, bbox)
        if said and said[0] == "image":
            self._add("image", at, [])

    def _fence(self, line: str) -> bool:
        if (match := _FENCE.match(line)) is None:
            return False
        self._end_paragraph()
        first = self._at
        self._at += 1
        while self._at < len(self._lines):
            text = self.markup[slice(*self._lines[self._at])]
            if text.strip().startswith(match[1]) and not text.strip().strip("`~"):
                break
            self._at += 1
        else:
            self._unclosed("code", first)
        self._add_verbatim("code", self._lines[first + 1 : self._at], first)
        self._at += 1
        return True

    def _math(self, line: str) -> bool:
        text = line.strip()
        closer = next((closer for opener, closer in _MATH if text.startswith(opener)), None)
        environment = _ENVIRONMENT.match(line)
        if closer is None and environment is None:
            return False
        if environment:
            closer = f"\\end{{{environment[1]}{environment[2]}}}"
        assert closer is not None
        start, end = self._lines[self._at]
        start += line.index(text[:2]) + (0 if environment else 2)
        close = self.markup.find(closer, start, end)
        if close >= 0 and self.markup[close + len(closer) : end].strip(" .,;"):
            return False  # a formula at the start of a line of text
        self._end_paragraph()
        first = self._at
        while close < 0 and self._at + 1 < len(self._lines):
            self._at += 1
            close = self.markup.find(closer, *self._lines[self._at])
        if close < 0:
            self._unclosed("formula", first)
            close = self._lines[-1][1]
        end = close + (len(closer) if environment and close < self._lines[-1][1] else 0)
        text = self.markup[start:end]
        start += len(text) - len(text.lstrip())
        self._add("formula", self._lines[first][0], [(start, start + len(text.strip()))], (Run(text),))
        rest = self.markup[close + len(closer) : self._lines[self._at][1]].strip()
        self._at += 1
        if rest and rest not in (".", ",", ";"):
            self._paragraph.append((close + len(closer), self._lines[self._at - 1][1]))
        return True

    def _add_verbatim(self, kind: Kind, lines: list[Stretch], first: int) -> None:
        text = "\n".join(self.markup[start:end] for start, end in lines)
        self._add(kind, self._lines[first][0], lines, (Run(text),))

    def _unclosed(self, what: str, first: int) -> None:
        self.truncated = True
        self.log.add("truncated", f"the text ends inside a {what}", self._lines[first][0])

    def _heading(self, line: str) -> bool:
        if (match := _HEADING.match(line)) is None:
            return False
        self._end_paragraph()
        self._indents.clear()
        text = (match[2] or "").rstrip()
        text = text.rstrip("#").rstrip() if text.endswith("#") else text
        start, end = self._lines[self._at]
        inside = start + max(match.start(2), 0)
        self._add("heading", start, [(inside, end)], marked(text), level=len(match[1]))
        self._at += 1
        return True

    def _image(self, line: str) -> bool:
        if (match := _IMAGE.fullmatch(line)) is None:
            return False
        self._end_paragraph()
        start, end = self._lines[self._at]
        if match[1].strip():
            self.log.add("alt-text", f"left out: {shown(match[1], 200)!r}", start)
        self._add("image", start, [(start, end)])
        self._at += 1
        return True

    # ----------------------------------------------------------------------------------- tables

    def _pipe_table(self, line: str) -> bool:
        if "|" not in line:
            return False
        below = self._peek(1)
        headed = below is not None and "|" in below and is_separator(below)
        boxed = line.strip().startswith("|") and line.strip().endswith("|") and len(line.strip()) > 1
        if not headed and not (boxed and below is not None and below.strip().startswith("|")):
            return False
        self._end_paragraph()
        first = self._at
        rows: list[list[Draft]] = []
        stretches: list[Stretch] = []
        while (text := self._peek(0)) is not None and "|" in text:
            if not is_separator(text):
                rows.append(pipe_row(text, header=headed and not rows))
                stretches.append(self._lines[self._at])
            self._at += 1
        self._add_table(rows, stretches, self._lines[first][0])
        return True

    def _tabular(self, line: str) -> bool:
        if _TABULAR.match(line) is None:
            return False
        start = self._lines[self._at][0]
        found = find_tabular(self.markup, start, self.end)
        if found is None:
            return False
        self._end_paragraph()
        if not found.closed:
            self._unclosed("table", self._at)
        before, after, stop = around(self.markup, start, found, self.end)
        self._skip_to(stop)
        for stretch in before:
            self._add("caption", start, [stretch], marked(plain(self.markup[slice(*stretch)]), markdown=False))
        self._add_table(tabular_rows(found.inside), [(found.start, found.end)], start)
        for stretch in after:
            self._add("caption", stretch[0], [stretch], marked(plain(self.markup[slice(*stretch)]), markdown=False))
        return True

    def _html(self, line: str) -> bool:
        if _HTML_BLOCK.match(line) is None:
            return False
        self._end_paragraph()
        at, end = self._lines[self._at]
        while at < end and _HTML_BLOCK.match(self.markup, at, end):  # as above
            stop = self._element_end(at, end)
            self._element(at, stop)
            at = stop
        self._skip_to(at)
        return True

    def _element(self, start: int, stop: int) -> None:
        """Read the HTML there."""
        tree = parse(self.markup, self.log, start, stop)
        if tree.truncated and stop == self.end:
            self._unclosed("tag", self._at)
        _, bbox = self._place or (None, None)
        self._place = None
        self.structured = True
        Reader(self.page).walk(tree.root, bbox)

    def _element_end(self, start: int, stop: int) -> int:
        """Where the element ends whose start tag is at ``start``; ``stop``, the end of the line, if it does not.

        What is not closed goes as far as Markdown lets it: a table or list to the end, other elements to the
        next of their kind or the next empty line. So each look ahead is paid for by what it moves past.
        """
        match = _HTML_BLOCK.match(self.markup, start, stop)
        assert match is not None
        tag = match[2].lower()
        if match[1] or tag == "img":
            return stop
        nests = tag in ("table", "ul", "ol", "div")
        blank = self.markup.find("\n\n", start, self.end) if tag == "div" else -1
        end = self.end if blank < 0 else blank
        depth = 0
        for edge in _EDGES[tag].finditer(self.markup, start, end):
            depth += -1 if edge[1] else 1
            if depth == 0:
                close = self.markup.find(">", edge.end(), end)
                return end if close < 0 else close + 1
            if depth > 1 and not nests:
                return stop
        return end if nests else stop

    def _add_table(self, rows: list[list[Draft]], stretches: list[Stretch], at: int) -> None:
        pieces = cells_of(self.page, rows, at)
        for cells in pieces:
            self._add("table", at, stretches, cells=cells)

    # ------------------------------------------------------------------------------------ lists

    def _item(self, line: str) -> bool:
        if (match := _ITEM.fullmatch(line)) is None:
            return False
        self._end_paragraph()
        indent = len(match[1].expandtabs(4))
        while self._indents and indent < self._indents[-1]:
            self._indents.pop()
        if not self._indents or indent > self._indents[-1] + 1:
            self._indents.append(indent)
        start, end = self._lines[self._at]
        lines = [(start + match.start(3), end)]
        self._at += 1
        # What follows further in, or without a blank line, goes on with the item.
        while (more := self._peek(0)) is not None and more.strip() and more[0] in " \t":
            if any(pattern.match(more) for pattern in (_ITEM, _FENCE, _HTML_BLOCK)) or "$$" in more:
                break
            lines.append(self._lines[self._at])
            self._at += 1
        text = " ".join(self.markup[slice(*stretch)].strip() for stretch in lines)
        number = int(match[2]) if match[2] else None
        self._add("list_item", start, lines, marked(text), level=min(len(self._indents), 9), number=number)
        return True

    def _peek(self, ahead: int) -> str | None:
        index = self._at + ahead
        return self.markup[slice(*self._lines[index])] if index < len(self._lines) else None

    def _skip_to(self, offset: int) -> None:
        """Go on with the line after ``offset``; what is left of its own line becomes a line."""
        while self._at < len(self._lines) and self._lines[self._at][1] <= offset:
            self._at += 1
        if self._at < len(self._lines) and self._lines[self._at][0] < offset:
            self._lines[self._at] = (offset, self._lines[self._at][1])


class PlaceFinder(MarkdownReader):
    """Goes through ``markup[start:end]`` as its base does, and makes no blocks of it.

    ``places``: where comments say the numbers of a box. ``elements``: what is read as HTML.
    """

    def __init__(self, markup: str, start: int, end: int) -> None:
        super().__init__(PageBuilder(IssueLog("")), markup, start, end)
        self.places: list[Stretch] = []
        self.elements: list[Stretch] = []

    def _announce(self, match: re.Match[str]) -> None:
        self.places.append(match.span(2))

    def _element(self, start: int, stop: int) -> None:
        self.elements.append((start, stop))

    def _end_paragraph(self, *, level: int = 0) -> None:
        self._paragraph.clear()

    def _add(self, *_: Any, **__: Any) -> None:
        """Nothing is made of what was found."""

    _add_table = _add


def _lines(markup: str, start: int, end: int) -> list[Stretch]:
    """Where each line is, without its line end."""
    lines = []
    while start < end:
        stop = markup.find("\n", start, end)
        stop = end if stop < 0 else stop
        lines.append((start, stop - 1 if stop > start and markup[stop - 1] == "\r" else stop))
        start = stop + 1
    return lines
