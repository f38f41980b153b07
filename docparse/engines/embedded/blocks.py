"""Lines into blocks: first stacks of lines that continue each other, then the breaks inside a stack."""

from __future__ import annotations

import re
import statistics

from docparse.engines.embedded.element import Element
from docparse.engines.embedded.figures import CAPTION
from docparse.engines.embedded.rules import Rules
from docparse.engines.embedded.segments import Segment
from docparse.geometry import BBox

BULLET = re.compile(r"([•◦‣⁃▪▫■□●○◆◇➢➤►▶✓✔❖∙·*–—\uf0b7\uf0a7\uf0d8-]|[oq§])(?=\s)|[•◦‣▪▫■●❖➢✓\uf0b7]")
NUMBER = re.compile(r"\(?(\d{1,3})[.)](?=\s|$)(?!\s*\d+\s*$)")
LETTER = re.compile(r"\(?([a-zA-Z]|[ivxIVX]{2,5})[.)](?=\s)")
SENTENCE_END = re.compile(r"[.!?:;。！？：；][\"'”’)\]»]*(?:\d{1,2})?$")


REFERENCE = re.compile(r"\[\w{1,8}\]\s")
"""How an entry of a bibliography begins: [12], [Lin16]."""
LABEL = re.compile(r"[^\W\d][^:]{0,24}:\s")
"""What a line of a memo's head or of an address begins with: "From: ", "Date: "."""


def is_item(text: str) -> bool:
    """Whether a line begins with a bullet or a number of a list."""
    return bool(BULLET.match(text) or NUMBER.match(text) or LETTER.match(text))


def stacks_of(lines: list[Segment], rules: Rules, walls: list[BBox], em: float) -> list[list[Segment]]:
    """Lines grouped into stacks: one below the other, of one size, with nothing in between."""
    stacks: list[list[Segment]] = []
    for line in sorted(lines, key=lambda s: (s.baseline, s.box.x1)):
        best: list[Segment] | None = None
        rivals = 0
        for stack in reversed(stacks[-60:]):
            last = stack[-1]
            if _continues(last, line, stack, em):
                rivals += 1
                if best is None or line.baseline - last.baseline < line.baseline - best[-1].baseline:
                    best = stack
        if best is None or rivals > 1 or _parted(best[-1], line, rules, walls):
            stacks.append([line])
        else:
            best.append(line)
    return stacks


def _continues(last: Segment, line: Segment, stack: list[Segment], em: float) -> bool:
    """Whether ``line`` can be the next line of a stack that ends with ``last``."""
    size = max(last.size, line.size)
    pitch = line.baseline - last.baseline
    if not 0.5 * min(last.size, line.size) < pitch <= 2.1 * size:
        return False
    if not 0.84 <= line.size / last.size <= 1.19:
        return False
    if len(stack) >= 2:
        usual = statistics.median(b.baseline - a.baseline for a, b in zip(stack, stack[1:], strict=False))
        if pitch > 1.35 * usual + 0.1 * size:
            return False
    elif pitch > 1.75 * size:
        return False
    shared = min(last.box.x2, line.box.x2) - max(last.box.x1, line.box.x1)
    if shared < 0.4 * min(last.box.width, line.box.width):
        return False
    left = min(s.box.x1 for s in stack[-6:])
    # Text that begins far to the right of the stack's edge and is not centred under it is another column.
    return not (
        line.box.x1 > last.box.x2
        or (line.box.x1 - left > 0.6 * BBox.around(s.box for s in stack[-6:]).width and shared < 0.5 * line.box.width)
    )


def _parted(last: Segment, line: Segment, rules: Rules, walls: list[BBox]) -> bool:
    """Whether a rule or another element stands between two lines."""
    a, b = last.baseline + 0.1 * last.size, line.baseline - 0.5 * line.size
    low, high = max(last.box.x1, line.box.x1), min(last.box.x2, line.box.x2)
    if any(
        a <= r.at <= b and r.covers(low, high, 0.6) and r.length > 1.3 * last.box.width
        for r in rules.horizontal
        if not r.soft
    ):
        return True
    return any(
        w.y1 >= last.box.center[1] and w.y2 <= line.box.center[1] and min(w.x2, high) > max(w.x1, low) for w in walls
    )


def blocks_of(stack: list[Segment], em: float) -> list[Element]:
    """A stack as paragraphs and list items."""
    box = BBox.around(s.box for s in stack)
    width = max(box.width, 1.0)
    centred = _is_centred(stack, box, em)
    pitches = [b.baseline - a.baseline for a, b in zip(stack, stack[1:], strict=False)]
    usual = statistics.median(pitches) if pitches else 0.0
    lefts = sorted(s.box.x1 for s in stack)
    left = lefts[len(lefts) // 4] if len(stack) > 3 else lefts[0]
    forced = sum(_forced(a, b, box, em) for a, b in zip(stack, stack[1:], strict=False))
    breaks = len(stack) > 1 and not centred and forced >= 0.6 * (len(stack) - 1)
    groups: list[list[Segment]] = [[stack[0]]]
    for i in range(1, len(stack)):
        last, line = stack[i - 1], stack[i]
        if _breaks(last, line, groups[-1], box, left, usual, centred, breaks, em):
            groups.append([line])
        else:
            groups[-1].append(line)
    made = []
    for group in groups:
        element = Element("paragraph", BBox.around(s.box for s in group), group)
        if len(group) > 1 and not centred:
            own = sum(_forced(a, b, box, em) for a, b in zip(group, group[1:], strict=False))
            element.breaks = own >= 0.6 * (len(group) - 1) and width < 0.9 * 60 * em
            element.breaks = element.breaks or all(LABEL.match(line.text) for line in group)
        made.append(element)
    return made


def _is_centred(stack: list[Segment], box: BBox, em: float) -> bool:
    if len(stack) < 2:
        return False
    x = box.center[0]
    off = [abs(s.box.center[0] - x) for s in stack]
    left = max(s.box.x1 for s in stack) - box.x1
    right = box.x2 - min(s.box.x2 for s in stack)  # an indented line of a justified text ends where all do
    return max(off) < 0.8 * em and left > 1.2 * em and right > 0.6 * em


def _forced(last: Segment, line: Segment, box: BBox, em: float) -> bool:
    """Whether ``last`` ended although the next word would have fitted: somebody meant the break."""
    word = line.words[0].box.width
    return box.x2 - last.box.x2 > word + 0.6 * em + 0.02 * box.width


def _breaks(
    last: Segment,
    line: Segment,
    group: list[Segment],
    box: BBox,
    left: float,
    usual: float,
    centred: bool,
    breaks: bool,
    em: float,
) -> bool:
    """Whether a new block begins with ``line``."""
    text = line.text
    size = line.size
    pitch = line.baseline - last.baseline
    if pitch > 1.25 * usual + 0.12 * size:
        return True
    if _begins_item(last, line, group, box, em):
        return not (text[:1] in "-–—" and not is_item(group[0].text))
    if (_noted(line) and _noted(group[0])) or (REFERENCE.match(text) and REFERENCE.match(group[0].text)):
        return True
    if SENTENCE_END.search(last.text) and (match := CAPTION.match(text)) and match.group(0).rstrip()[-1:] in ".:|":
        return True
    if group[0].italic and len(group) <= 2 and not line.italic and _forced(last, line, box, em):
        return True  # a heading in italics over its paragraph
    if line.bold != last.bold and not (centred and len(line.words) < 3):
        heavy = line if line.bold else last
        if len(heavy.words) >= 1 and (group[0].bold == last.bold):
            return _whole_line_style(last, line, box, em)
    if last.text.isupper() and len(last.text) > 3 and not text.isupper() and group[0].text.isupper():
        return _forced(last, line, box, em) or last.style.font != line.style.font
    if is_item(group[0].text) and line.box.x1 <= group[0].box.x1 + 0.3 * em and len(group) >= 1:
        marker = group[0].words[0]
        hanging = len(group) > 1 and group[1].box.x1 > group[0].box.x1 + 0.5 * em
        if (
            (hanging or BULLET.match(marker.text))
            and line.box.x1 < group[0].words[-1].box.x1
            and (hanging or SENTENCE_END.search(last.text))
        ):
            return True
    if REFERENCE.match(group[0].text) and line.box.x1 > group[0].box.x1 + 0.5 * em and not REFERENCE.match(text):
        return False  # the hanging lines of an entry: the title in roman, the journal in italics
    if centred or breaks:
        return False
    if line.box.x1 > box.x1 + 0.4 * box.width and last.box.x1 < box.x1 + 0.1 * box.width:
        return True  # a line set to the right: a signature, a copyright
    forced = _forced(last, line, box, em)
    if forced and SENTENCE_END.search(last.text) and not text[:1].islower():
        return True
    # A first line that is indented, after lines that are not.
    indent = line.box.x1 - left
    if 0.8 * em <= indent <= 5 * em and last.box.x1 <= left + 0.4 * em and not is_item(group[0].text):
        following = SENTENCE_END.search(last.text) is not None
        return following or forced
    return False


def _begins_item(last: Segment, line: Segment, group: list[Segment], box: BBox, em: float) -> bool:
    """Whether ``line`` begins with the marker of an item, and not with a number counted inside a sentence."""
    if not is_item(line.text):
        return False
    if is_item(group[0].text) or BULLET.match(line.text):
        return is_item(group[0].text) or _hangs(line, group, em)
    # "... and" / "4) availability of data": the line before runs on, from edge to edge.
    runs_on = not SENTENCE_END.search(last.text) and not _forced(last, line, box, em)
    return _hangs(line, group, em) and not (runs_on and abs(line.box.x1 - last.box.x1) <= 0.3 * em)


def _noted(line: Segment) -> bool:
    """Whether a line begins with a raised mark, as notes do."""
    parts = line.words[0].parts
    return bool(parts) and len(line.words) > 1 and (parts[0][1].superscript or parts[0][1].size < 0.8 * line.size)


def _hangs(line: Segment, group: list[Segment], em: float) -> bool:
    """Whether a marker can begin an item here: at the left edge, or indented from it."""
    return line.box.x1 <= min(s.box.x1 for s in group) + 6 * em


def _whole_line_style(last: Segment, line: Segment, box: BBox, em: float) -> bool:
    """A change of weight between lines parts them where the first line ends by choice."""
    return _forced(last, line, box, em) or last.bold
