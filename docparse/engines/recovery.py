"""How a page is read by a model that may fail: what is asked, what of the answer is kept, what is asked next.

Without input and output of its own: ``read_page`` is a generator that yields an ``Ask`` and is sent its
``Answer``, until it returns the page's markup. Engines drive it, in this process or over HTTP, many pages at
once; they turn whatever goes wrong into an answer that says ``error``. So every path is tested with
answers that are written down, and no engine has a ladder of its own. The rungs, cheapest first:

    an answer that loops or is cut off     what is complete is kept, and the rest of the page is read by itself
    an answer without boxes                its text is found among the words of the page, which have places
    boxes that are all off in one way      are put right, where the words of the page say how
    an answer of no use                    the next prompt; at last the embedded engine reads the page

Boxes come in pixels of the picture that was asked about, and leave in pixels of the page: here, once.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, replace

from docparse.document import Block, Issue
from docparse.engines import align, registration
from docparse.engines.base import Answer, Ask, Finish, PageMarkup
from docparse.engines.embedded import trust
from docparse.engines.judging import problem
from docparse.engines.options import Prompt
from docparse.engines.prompts import NEXT, Question
from docparse.engines.splice import joined, moved
from docparse.engines.watch import find_loop, last_complete
from docparse.errors import DocparseError
from docparse.geometry import BBox
from docparse.qwenvl_html import read, write_block
from docparse.qwenvl_html.rescale import rescale
from docparse.raster import PageImage
from docparse.textlayer import Word
from docparse.verify import is_blank, uncovered

UNCHECKED = Issue("unchecked", "No words of the page are known by which to check what the model says of it.", "info")
"""What cannot be seen is said: ``--check ocr`` has a look."""

Reading = Generator[Ask, Answer, PageMarkup]
"""A page that is being read."""
Embedded = Callable[[PageImage], PageMarkup]
"""Reads a page without a model."""

SMALL = 0.6
"""A page that is shown at less than this share of its own resolution may have become illegible."""
PLACED = 0.6
"""Share of an answer's text that must be found on the page for its places to count."""
BOXED = 0.5
"""Share of an answer's elements with text that have a box, from which it has boxes."""
LEFT = 0.03
"""Share of a page's characters, or of its height, that is not worth another question."""
LEFT_OUT = 0.15
"""Share of the page's characters that an answer which ended well may leave out before the rest is asked for."""
LEAST_HEIGHT = 56
"""Pixels of a region below which it is not halved any more: two cells of a model."""
MARGIN = 8
"""Pixels around a region that is read by itself: letters at its edge must be whole."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What a page may cost.

    prompt      what is asked first
    max_tokens  the longest answer to one question
    questions   how many there may be for one page
    own         what a user asks in words of his own: then nothing else is asked, and ``prompt`` does not matter
    ocr         whether pages without a text layer that can be believed are read by OCR too, to check what
                the model says
    """

    prompt: Prompt = "html"
    max_tokens: int = 8192
    questions: int = 5
    own: Question | None = None
    ocr: bool = False


@dataclass(slots=True)
class _Part:
    """What is kept of an answer, in pixels of the page.

    ``markup`` is set where all of it is kept as it stands; ``found`` are those of ``issues`` that are found again
    when it is read.
    """

    blocks: list[Block]
    finish: Finish
    issues: list[Issue]
    markup: PageMarkup | None
    found: list[Issue]

    @property
    def text(self) -> str:
        return "\n".join(block.text for block in self.blocks)


def read_page(page: PageImage, policy: Policy, embedded: Embedded) -> Reading:
    """Read a page by asking a model; ``embedded`` reads it where the model does not."""
    return (yield from _Ladder(page, policy, embedded).climb())


@dataclass(slots=True)
class _Ladder:
    page: PageImage
    policy: Policy
    embedded: Embedded
    asked: int = 0
    issues: list[Issue] = field(default_factory=list)
    _seen: tuple[Word, ...] | None = None
    _looked: bool = False

    def climb(self) -> Reading:
        whole = BBox(0, 0, self.page.width, self.page.height)
        refused = ""
        own = self.policy.own
        for question in NEXT[self.policy.prompt] if own is None else (own,):
            if self.asked >= self.policy.questions:
                break
            answer = yield self._ask(question, whole)
            if answer.finish == "error":
                return fall_back(self.page, self.embedded, answer.error)
            part = self._kept(answer, whole)
            why = problem(part.text, question.said, self._words(), blank=not part.text and is_blank(self.page))
            if why is None and not self._has_boxes(part):
                why = self._place(part)
            if why is None:
                return (yield from self._complete(part, question))
            refused = refused or why.message
            self.issues.append(why)
        return fall_back(self.page, self.embedded, refused, self.issues)

    def _ask(self, question: Question, region: BBox) -> Ask:
        self.asked += 1
        picture, part = self.page.pixels(), None
        if region.width < self.page.width or region.height < self.page.height:
            picture = picture.crop((int(region.x1), int(region.y1), int(region.x2), int(region.y2)))
            part = region
        return Ask(picture, question.text, question.system, self.policy.max_tokens, region=part, allowed=self._allowed)

    # ------------------------------------------------------------------------ what is kept of an answer

    def _kept(self, answer: Answer, region: BBox) -> _Part:
        """An answer about ``region`` without what is repeated or incomplete."""
        text, finish, issues = answer.text, answer.finish, []
        whole = (region.width, region.height) == (self.page.width, self.page.height)
        if whole and (note := shrunk(self.page, region, answer)) is not None:
            issues.append(note)
        loop = find_loop(text, self._allowed)
        if loop is not None:
            finish = "loop"
            text = _whole(text, loop.start)
            issues.append(Issue("loop-cut", f"The model repeated itself ({loop.kind}); the repetition is left out."))
        elif finish in ("length", "loop"):
            text = _whole(text, len(text))
        mapped = rescale(text, region.width / answer.width, region.height / answer.height)
        spans = [(start, min(end, len(text)), p) for start, end, p in answer.confidences if start < len(text)]
        confidences = mapped.carry(spans)
        # Boxes beyond the page are not cut yet: all of them may be too large.
        reading = read(mapped.markup, confidences=confidences, origin="model")
        if reading.truncated and finish == "stop":
            finish = "length"
        markup = None
        if finish == "stop" and whole:
            markup = PageMarkup(self.page.number, mapped.markup, confidences=confidences, origin="model")
        blocks = moved(reading.blocks, region.x1, region.y1)
        # That it stops in the middle is known: what is missing is asked for, or missed where that fails.
        told = [issue for issue in reading.issues if finish == "stop" or issue.code != "truncated"]
        found = [_without_line(issue) for issue in told]
        return _Part(blocks, finish, [*issues, *found], markup, found)

    def _has_boxes(self, part: _Part) -> bool:
        texts = [block for block in part.blocks if block.text]
        return not texts or sum(block.bbox is not None for block in texts) >= BOXED * len(texts)

    def _place(self, part: _Part) -> Issue | None:
        """Give the blocks of an answer without boxes those of the page's words that say the same.

        A problem where too little of it is on the page; what was placed then is no use either.
        """
        words = self._words(look=True)
        placed = align.place(part.blocks, words, width=self.page.width, height=self.page.height)
        if words and placed.share < PLACED:
            return Issue("answer-elsewhere", f"Only {placed.share:.0%} of the model's text was found on the page.")
        part.blocks = list(placed.blocks)
        # What was wrong with its form is mended by this.
        part.issues = [i for i in part.issues if i.code not in ("not-html", "box-missing")] + list(placed.issues)
        part.markup = None
        return None

    def _correct(self, part: _Part) -> None:
        """Put boxes right that are all off in one way, where the words of the page say how."""
        words = self._words()
        size = {"width": self.page.width, "height": self.page.height}
        correction = registration.estimate(part.blocks, words, **size) if words else None
        if correction is not None:
            part.blocks = list(registration.apply(part.blocks, correction))
            part.issues.append(correction.issue)
            part.markup = None

    # ------------------------------------------------------------------------ the rest of the page

    def _complete(self, first: _Part, question: Question) -> Reading:
        """Read by itself what the first part lacks, until nothing is left or no question is."""
        self._correct(first)
        self.issues += first.issues
        whole = BBox(0, 0, self.page.width, self.page.height)
        blocks = first.blocks
        rest = self._rest(whole, blocks, first.finish)
        todo = [rest] if rest is not None else []  # the last one first
        unread: Finish = "stop"
        while todo and self.asked < self.policy.questions:
            region = todo.pop()
            answer = yield self._ask(question, region)
            if answer.finish == "error":
                self.issues.append(Issue("rest-unread", f"A part of the page was not read: {answer.error}", "error"))
                break
            part = self._kept(answer, region)
            there = [word for word in self._words() if region.contains(*word.box.center)]
            why = problem(part.text, question.said, there, blank=True)
            longer = joined(blocks, part.blocks) if why is None else blocks
            if why is not None:
                self.issues.append(why)
                unread = "length"
            elif longer != blocks:
                self.issues += [*part.issues, Issue("continued", "A part of the page was read by itself.", "warning")]
                blocks, first.markup = longer, None
                rest = self._rest(region, part.blocks, part.finish)
                todo += [rest] if rest is not None else []
            elif part.finish != "stop":
                # Nothing new came of it. Where it was too much at once, half of it may do.
                halves = _halves(region)
                todo += halves
                unread = unread if halves else part.finish
        if todo:
            unread = "length" if first.finish == "stop" else first.finish
        return self._markup(first, blocks, unread)

    def _rest(self, region: BBox, blocks: Sequence[Block], finish: Finish) -> BBox | None:
        """The part of ``region`` that is still to be read after these blocks of it; None if that is all."""
        words = [word for word in self._words() if region.contains(*word.box.center)]
        if words:
            missing = uncovered(blocks, words)
            share = sum(len(w.text) for w in missing) / sum(len(w.text) for w in words)
            if share < (LEFT_OUT if finish == "stop" else LEFT):
                return None
            boxes = [word.box for word in missing]
        elif finish == "stop":
            return None
        else:
            # What comes next may stand beside the last element; that is read again, and said once.
            placed = [block.bbox for block in blocks if block.bbox is not None]
            bottom = max((box.y2 for box in placed), default=region.y1)
            if region.y2 - bottom < LEFT * self.page.height:
                return None
            boxes = [BBox(region.x1, placed[-1].y1 if placed else region.y1, region.x2, region.y2)]
        near = BBox.around(boxes).grown(MARGIN).clamped(self.page.width, self.page.height)
        return BBox(*(float(int(side)) for side in near.as_tuple()))

    def _markup(self, first: _Part, blocks: Sequence[Block], unread: Finish) -> PageMarkup:
        """``unread``: why a part of the page could not be read, ``stop`` if all of it was."""
        witness = self._words()
        if not witness and not self._looked:
            self.issues.append(UNCHECKED)
        if first.markup is not None:  # the answer as it stands: its issues are found again where it is read
            told = [issue for issue in self.issues if issue not in first.found]
            return replace(first.markup, witness=witness, issues=tuple(told), attempts=self.asked)
        return PageMarkup(
            self.page.number,
            "\n".join(["<html><body>", *map(write_block, blocks), "</body></html>"]),
            finish=unread,
            origin="model",
            witness=witness,
            issues=tuple(self.issues),
            attempts=self.asked,
        )

    # ------------------------------------------------------------------------ what the page says of itself

    def _words(self, *, look: bool = False) -> tuple[Word, ...]:
        """Words seen on the page: its text layer, if that can be believed. ``look``: by OCR, if not."""
        if self._seen is None:
            self._seen = believed(self.page)
        if not self._seen and not self._looked and (look or self.policy.ocr):
            self._looked = True
            self._seen = self.embedded(self.page).witness
        return self._seen

    def _allowed(self, text: str) -> int:
        """How often the page itself says this."""
        words = self._words()
        if not words or not text.strip():
            return 0
        page = "".join(" ".join(word.text for word in words).casefold().split())
        return page.count("".join(text.casefold().split()))


def _whole(text: str, end: int) -> str:
    """``text`` up to ``end`` without what is not complete. Half a table is not kept: its box is that of all of it,
    and what it lacks would not be missed."""
    kept = text[: last_complete(text, end)]
    opened = kept.rfind("<table")
    if opened > kept.rfind("</table"):
        style = kept.rfind("<style", 0, opened)
        kept = kept[: style if style >= 0 and not kept[style:opened].count("</table") else opened]
    return kept


def _halves(region: BBox) -> list[BBox]:
    """The lower and the upper half of a region; none where it is too flat for that."""
    middle = float(int(region.y1 + region.height / 2))
    if middle - region.y1 < LEAST_HEIGHT:
        return []
    overlap = min(region.y2, middle + MARGIN)
    return [BBox(region.x1, middle - MARGIN, region.x2, region.y2), BBox(region.x1, region.y1, region.x2, overlap)]


def believed(page: PageImage) -> tuple[Word, ...]:
    """The words of a page's text layer, none where it has none or it cannot be believed."""
    layer = page.text
    area = BBox(0, 0, page.width, page.height)
    if layer is None or not trust.has_text(layer) or trust.suspicious(layer) or trust.is_stamped_scan(layer, area):
        return ()
    return tuple(layer.words())


def fall_back(page: PageImage, embedded: Embedded, why: str, issues: Sequence[Issue] = ()) -> PageMarkup:
    """What the embedded engine reads, with the reason why it had to."""
    note = Issue("fallback", f"The embedded engine read this page, because the model did not: {why}", "warning")
    markup = embedded(page)
    return replace(markup, issues=(*issues, note, *markup.issues), attempts=markup.attempts + 1)


def said(error: Exception) -> str:
    """What to say of an error that an engine met with a page."""
    if isinstance(error, DocparseError):
        return error.message
    return f"the model failed ({type(error).__name__}: {error})."


def shrunk(page: PageImage, region: BBox, answer: Answer) -> Issue | None:
    """That a model was shown fewer pixels than there are, if it was."""
    scale = (answer.width * answer.height / region.area) ** 0.5
    if scale < 0.95:  # less is rounding to whole patches
        shown = f"{answer.width} x {answer.height}"
        message = f"The page has {page.width} x {page.height} pixels; the model was shown {shown}."
        return Issue("page-shrunk", message, "info" if scale >= SMALL else "warning")
    return None


def _without_line(issue: Issue) -> Issue:
    """An issue of an answer of which only parts are kept: its lines are nobody's any more."""
    return replace(issue, block=None, line=None, column=None)
