"""A small model as the published ones come: transformers' files, weights in several, with a tokenizer."""

from __future__ import annotations

import json
import tempfile
from functools import cache
from pathlib import Path

from tests.model import tiny
from tests.model.vocabulary import small_vocabulary


@cache
def files() -> dict[str, bytes]:
    """Its files by name."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        small_vocabulary(folder)
        tiny.write(tiny.make("untied"), folder, shard_size="400KB")
        (folder / "preprocessor_config.json").write_text(json.dumps({"min_pixels": 3136, "max_pixels": 12_845_056}))
        return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def shards() -> list[str]:
    """The names of its files of weights, at least three."""
    names = [name for name in files() if name.endswith(".safetensors")]
    assert len(names) > 2
    return names


def put(folder: Path, changes: dict[str, bytes | None] | None = None) -> Path:
    """Writes it to a new folder; what is None in ``changes`` is left out."""
    folder.mkdir(parents=True)
    for name, data in {**files(), **(changes or {})}.items():
        if data is not None:
            (folder / name).write_bytes(data)
    return folder
