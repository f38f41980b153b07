"""What a model is asked. Wordings are the makers' own: models follow no others as well (facts/qwen.md 1.3).

No prompt has an example of an answer in it: models copy plausible values into pages that have none.
"""

from __future__ import annotations

from dataclasses import dataclass

from docparse.engines.options import Prompt


@dataclass(frozen=True, slots=True)
class Question:
    """``text`` follows the picture; ``system`` None is the model's own default."""

    text: str
    system: str | None = None

    @property
    def said(self) -> str:
        """All that the model is told, to know it when it comes back as an answer."""
        return f"{self.system or ''} {self.text}"


PARSER_SYSTEM = (
    "You are an AI specialized in recognizing and extracting text from images. Your mission is to analyze the image "
    "document and generate the result in QwenVL Document Parser HTML format using specified tags while maintaining "
    "user privacy and data integrity."
)

HTML = Question("QwenVL HTML", PARSER_SYSTEM)
MARKDOWN = Question("QwenVL Markdown")
PLAIN = Question("Read all the text in the image.")

NAMED = {"html": HTML, "markdown": MARKDOWN, "plain": PLAIN}
"""Questions by the names that a user may give instead of words of his own."""


def question_of(prompt: str) -> Question:
    """What is asked for a user's prompt: a name, or the words themselves."""
    named = NAMED.get(prompt.strip().lower())
    return named or next((known for known in NAMED.values() if known.text == prompt.strip()), None) or Question(prompt)


NEXT: dict[Prompt, tuple[Question, ...]] = {"html": (HTML, MARKDOWN, PLAIN), "markdown": (MARKDOWN, HTML, PLAIN)}
"""What is asked about a page in turn, while the answers are of no use."""
