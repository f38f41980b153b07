"""What tests of the model share: tokenizers, and tiny models with random weights."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from docparse.model.tokenizer import Tokenizer
from tests.model.vocabulary import qwen_vocabulary, small_vocabulary

if TYPE_CHECKING:
    from tests.model.tiny import Tiny


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Models here are tiny: several threads gain nothing, and where cores are busy they cost a hundredfold."""
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(1)


@pytest.fixture(scope="session")
def qwen_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the real tokenizer, as the published checkpoints have it. Do not write there."""
    return qwen_vocabulary(tmp_path_factory.mktemp("qwen"))


@pytest.fixture(scope="session")
def qwen_tokenizer(qwen_folder: Path) -> Tokenizer:
    return Tokenizer.from_folder(qwen_folder)


@pytest.fixture(scope="session")
def small_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tokenizer of 300 ids. Do not write there."""
    folder = tmp_path_factory.mktemp("small")
    small_vocabulary(folder)
    return folder


@pytest.fixture(scope="session")
def small_tokenizer(small_folder: Path) -> Tokenizer:
    return Tokenizer.from_folder(small_folder)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Tiny]:
    """``tiny(name)``: one of the tiny models of ``tests/model/tiny.py``, made once. Do not change it."""
    from tests.model.tiny import Tiny  # transformers takes seconds to import, which tests of text need not

    @cache
    def made(name: str) -> Tiny:
        return Tiny.written(name, tmp_path_factory.mktemp(name.replace(" ", "-")))

    return made
