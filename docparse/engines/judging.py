"""Whether an answer is a reading of the page at all.

Models answer with nothing, with excuses, with a sentence of their instructions, or with the text of some other
page (facts/qwen.md 1.6, 1.9). What it is: a function of the answer's text, the question, and the words that
are known to stand on the page, if any. What it is not: the checks of a reading (``verify``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from docparse.document import Issue
from docparse.textlayer import Word

SHORT = 400
"""Characters up to which an answer may be a remark instead of a page."""
ECHO = 0.85
"""Share of an answer's words that are the prompt's, from which it is the prompt."""
ENOUGH_WORDS = 30
"""Words of a page from which they say whether an answer is about it."""
ABOUT = 0.25
"""Share of the answer's words that the page must have. A translation has nearly none; poor OCR half of them."""
LONG = 4
"""Letters of a word that says something: shorter ones are in every text."""

_EXCUSE = re.compile(
    r"\W*(?:(?:i'?m|i am) (?:sorry|unable|not able)|i (?:can(?:'t|not)|do not|don't)|sorry|unfortunately|as an ai|"
    r"there is no (?:text|image)|no text|the image (?:is|does)|unable to|抱歉|对不起|无法|图片中没有)",
    re.IGNORECASE,
)

_WORD = re.compile(r"[a-z]+|\d+|[^\W\d_a-z]")


def problem(text: str, prompt: str, words: Sequence[Word], *, blank: bool = False) -> Issue | None:
    """What is wrong with an answer whose blocks say ``text``; None if it may be a reading of the page.

    ``prompt``: all that the model was told. ``words``: of the page, none where nobody knows any; ``blank``:
    whether there is nothing on it.
    """
    squeezed = " ".join(text.split())
    if not squeezed:
        return None if blank else Issue("answer-empty", "The model's answer had no text.")
    on_page = share_of(squeezed, " ".join([word.text for word in words])) if words else 0.0
    if len(squeezed) <= SHORT:
        if _EXCUSE.match(squeezed) and on_page < 0.9:
            return Issue("answer-refused", f"The model answered with an excuse: {squeezed[:80]!r}.")
        prompted = share_of(squeezed, prompt)
        if len(squeezed) > 20 and prompted >= ECHO and prompted > on_page:
            return Issue("answer-echo", "The model repeated its instructions instead of the page.")
    if len(words) >= ENOUGH_WORDS and on_page < ABOUT:
        return Issue("answer-elsewhere", f"The model's answer is not about this page ({on_page:.0%} of it is there).")
    return None


def share_of(text: str, other: str) -> float:
    """Share of the words of ``text`` that ``other`` has too; those of a script without spaces by their letters."""
    said, known = _words(text), set(_words(other))
    return sum(word in known for word in said) / len(said) if said else 1.0


def _words(text: str) -> list[str]:
    found = _WORD.findall(text.casefold())
    return [word for word in found if len(word) >= LONG or not word.isascii() or word.isdigit()]
