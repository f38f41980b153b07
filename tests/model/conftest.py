"""What tests of the model share: tokenizers."""

from __future__ import annotations

from pathlib import Path

import pytest

from docparse.model.tokenizer import Tokenizer
from tests.model.vocabulary import qwen_vocabulary, small_vocabulary


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
