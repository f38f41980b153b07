"""What differs between the Qwen-VLs that servers have: sizes of pictures, wording of prompts, meaning of boxes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from docparse.engines.options import FamilyName
from docparse.engines.prompts import PARSER_SYSTEM


@dataclass(frozen=True, slots=True)
class Family:
    """A generation of models.

    factor      sides of pictures are multiples of it; a token is a square of that many pixels
    min_pixels, max_pixels   bounds that the published checkpoints come with
    thousandths boxes go from 0 to 1000 in both directions, not in pixels of the picture
    plain       it was taught its prompts in lower case, and without a system message
    """

    name: FamilyName
    factor: int
    min_pixels: int
    max_pixels: int
    thousandths: bool = False
    plain: bool = False

    def worded(self, question: str, system: str | None) -> tuple[str, str | None]:
        """A question and its system message as this family knows them."""
        if not self.plain:
            return question, system
        if question.startswith("QwenVL "):
            question = question.lower()
        return question, None if system == PARSER_SYSTEM else system


# Facts: facts/qwen.md 1.3, 1.7, 4 and 8.
QWEN25 = Family("qwen2.5-vl", 28, 3136, 12_845_056)
QWEN3 = Family("qwen3-vl", 32, 65_536, 16_777_216, thousandths=True, plain=True)
FAMILIES: dict[FamilyName, Family] = {family.name: family for family in (QWEN25, QWEN3)}

_LATER = re.compile(r"qwen[-_ ]?[3-9]", re.IGNORECASE)


def family_of(wanted: FamilyName, names: Iterable[str]) -> Family:
    """The family that is wanted; for ``auto`` told by the names that a server has for its model.

    Generations after Qwen3-VL are taken for one, names that say nothing for a Qwen2.5-VL.
    """
    if wanted != "auto":
        return FAMILIES[wanted]
    return QWEN3 if any(_LATER.search(name) for name in names) else QWEN25
