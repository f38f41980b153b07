"""Text in the tokens of Qwen2 to Qwen2.5-VL: what a model writes it in, piece by piece."""

from __future__ import annotations

import sys
import tempfile
from functools import cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from docparse.model.tokenizer import TextStream, Tokenizer
from tests.model.vocabulary import qwen_vocabulary


@cache
def tokenizer() -> Tokenizer:
    """The real vocabulary, as ``tests/model/vocabulary.py`` has it from the wheel of dashscope."""
    with tempfile.TemporaryDirectory() as folder:
        return Tokenizer.from_folder(qwen_vocabulary(Path(folder)))


def pieces(text: str) -> list[str]:
    """The characters that each token completes: none, where it ends within one."""
    stream = TextStream(tokenizer())
    return [*map(stream.push, tokenizer().encode(text)), stream.flush()]
