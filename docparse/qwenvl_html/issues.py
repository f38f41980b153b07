"""Every issue that this package can report: its code, what it means, how bad it is.

What it is: the table (a test holds reader and validator to it), and the log that turns offsets into
lines and columns. What it is not: policy. Whether a page is ``repaired`` or ``partial`` is for
``verify`` to say; the severity says what the issue means for the content:

    info      the form differs, the content is not in doubt
    warning   mended by a guess, or a rule of the format is broken: worth a look
    error     something is missing, or may be
"""

from __future__ import annotations

import re
from bisect import bisect_right

from docparse.document import Issue, Severity

ISSUES: dict[str, tuple[Severity, str]] = {
    # The answer as a whole
    "empty": ("error", "There is no markup and no text."),
    "truncated": ("error", "The markup ends in the middle of an element."),
    "not-html": ("error", "The answer is Markdown, JSON or plain text, not QwenVL HTML."),
    "fence": ("info", "The markup stands in a Markdown code fence."),
    "prose-outside": ("warning", "There is text before or after the markup; short text is left out as chatter."),
    "html-missing": ("info", "There is no <html> and <body> around the elements."),
    "outside-body": ("warning", "An element stands after the end of the body, or before its start."),
    "declaration": ("info", "A doctype, comment or processing instruction; the format has none."),
    "special-token": ("warning", "A control token of the model, such as <|im_end|>, stands in the text."),
    "dialect": ("info", "The markup is of a known relative of QwenVL HTML."),
    "head-text": ("info", "The title in the head is the model's words, not the page's; it is left out."),
    "active-content": ("warning", "A script or another active element was left out."),
    # Tags
    "malformed-tag": ("warning", "A tag is not well formed: a quote or its end is missing."),
    "unknown-tag": ("info", "An element that the format does not have; its content is kept."),
    "unknown-class": ("warning", "A class that the format does not have, or none where it needs one."),
    "unknown-attribute": ("info", "An attribute that the format does not have."),
    "repeated-attribute": ("info", "An attribute is given twice; the first counts."),
    "value-malformed": ("warning", "An attribute has a value that means nothing there."),
    "unescaped-text": ("info", "A < in the text is not a tag and should have been &lt;."),
    "unquoted-attribute": ("info", "An attribute has no quotes around its value."),
    "unclosed-element": ("warning", "An element is not closed before its parent ends."),
    "closer-omitted": ("info", "An end tag is missing that HTML lets one omit: </p>, </li>, </td>, </html>."),
    "stray-closer": ("warning", "A closing tag has no element to close."),
    "misnested": ("warning", "Elements close in another order than they opened."),
    "nesting-too-deep": ("error", "Elements nest deeper than any page needs: a spiral of the model."),
    # Boxes
    "box-missing": ("warning", "An element that needs a box has none."),
    "box-malformed": ("warning", "A box cannot be understood; the element is kept without it."),
    "box-format": ("info", "A box is written in another form than four whole numbers with single spaces."),
    "box-reversed": ("warning", "The corners of a box are swapped."),
    "box-empty": ("warning", "A box has no area."),
    "box-outside-page": ("warning", "A box reaches beyond the page."),
    "box-outside-parent": ("warning", "A box reaches beyond the box of the element it stands in."),
    "box-inherited": ("info", "An element without a box took the one of its parent, or a part of it."),
    "box-on-structure": ("info", "A box on an element that is no block, such as body, tr or section."),
    "box-repeated": ("info", "Two elements in a row have the same box."),
    # Blocks
    "text-outside-block": ("warning", "Text stands outside of every block."),
    "block-nested": ("info", "A block stands inside another one that cannot hold it."),
    "misplaced": ("warning", "An element stands where the format has no place for it."),
    "empty-block": ("info", "A block that should have text has none."),
    "duplicate-block": ("warning", "A block is there twice, box and all."),
    "order-broken": ("info", "A block stands above the one before it, in the same column."),
    "alt-text": ("info", "The alternative text of an image is the model's words, not the page's; it is left out."),
    "list-malformed": ("warning", "Something other than an item stands in a list, or an item outside of one."),
    "id-repeated": ("warning", "Two elements have the same id."),
    # Tables
    "table-malformed": ("warning", "A part of a table stands outside of its row, its table or its place."),
    "table-ragged": ("warning", "The rows of a table differ in length; empty cells were added."),
    "table-nested": ("warning", "A table stands in a cell of another one."),
    "table-too-large": ("error", "A table has more rows or columns than can be kept in one grid."),
    "span-malformed": ("warning", "A rowspan or colspan that means nothing, or reaches out of the table."),
    "cell-overlap": ("warning", "Two cells claim the same place."),
    "row-empty": ("info", "A row has no cells, and none reaches into it."),
    "style-without-table": ("info", "A table style has no table."),
    "class-without-style": ("info", "A table refers to a style that is not there."),
    # Documents of docparse
    "several-pages": ("warning", "There are several pages where one was expected."),
    "page-malformed": ("error", "A page section lacks its number or size, or they mean nothing."),
    "metadata-malformed": ("warning", "What the head says about source and engine cannot be read."),
}

MOST_OF_A_KIND = 50
"""Issues of one code that a log keeps; the last one says how many more there were."""


class IssueLog:
    """Issues of one string, noted by offset, told by line and column (both from 1)."""

    def __init__(self, markup: str) -> None:
        self._markup = markup
        self._found: list[tuple[int, str, str]] = []
        self._counts: dict[str, int] = {}
        self._once: set[tuple[str, str]] = set()

    def add(self, code: str, message: str, at: int) -> None:
        count = self._counts[code] = self._counts.get(code, 0) + 1
        if count <= MOST_OF_A_KIND:
            self._found.append((at, code, message))

    def once(self, code: str, message: str, at: int) -> None:
        """Note something that tends to be everywhere or nowhere only where it is first seen."""
        if (code, message) not in self._once:
            self._once.add((code, message))
            self.add(code, message, at)

    def issues(self) -> tuple[Issue, ...]:
        """All that was noted, in the order of the markup."""
        if not self._found:
            return ()
        starts = [0, *(match.end() for match in re.finditer("\n", self._markup))]
        last = {code: index for index, (_, code, _) in enumerate(self._found)}
        issues = []
        for index, (at, code, message) in enumerate(self._found):
            more = self._counts[code] - MOST_OF_A_KIND
            if more > 0 and index == last[code]:
                message += f" (and {more} more of these)"
            line = bisect_right(starts, at)
            issues.append((at, Issue(code, message, ISSUES[code][0], line=line, column=at - starts[line - 1] + 1)))
        issues.sort(key=lambda pair: pair[0])  # stable: what was found first at a place stays first
        return tuple(issue for _, issue in issues)


def shown(text: str, most: int = 60) -> str:
    """``text`` short enough for a message."""
    text = " ".join(text[: 4 * most].split())  # never look at all of a long one
    return text if len(text) <= most else text[: most - 1] + "…"
