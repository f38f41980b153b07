"""Whether a model's folder is whole, and whether the model would fit into this machine.

What is read are configurations, tokenizers and the headers of weights: seconds, whatever the size. With
``checksum`` every byte is read and compared with what the hub says.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from docparse.machine import free_memory, free_on_cards

if TYPE_CHECKING:
    from docparse.model.config import ModelConfig

_METADATA = Path(".cache", "huggingface", "download")
"""Where the hub's library writes what it knows of each file: commit, checksum, time."""

_BYTES = {"float32": 4, "float16": 2, "bfloat16": 2}


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report. ``needed``: without it the model cannot be loaded."""

    part: str
    state: str
    fine: bool = True
    advice: str = ""
    needed: bool = True


def verify(folder: Path, *, checksum: bool = False, machine: bool = True) -> list[Finding]:
    """Everything worth knowing about a model's folder. ``machine``: and about this machine's memory for it."""
    from docparse.model.config import ModelConfig
    from docparse.model.errors import CheckpointError
    from docparse.model.memory import parameter_counts

    try:
        config = ModelConfig.from_folder(folder)
    except CheckpointError as error:
        return [Finding("configuration", str(error), fine=False)]
    stored = config.dtype or "of a type it does not say"
    found = [Finding("configuration", f"Qwen2.5-VL, {parameter_counts(config).total:,} parameters, {stored}")]
    found += [_tokenizer(folder, config), *_defaults(folder, config), *_weights(folder)]
    if checksum:
        found += _checksums(folder)
    if machine:
        found += _machine(config)
    return found


def _tokenizer(folder: Path, config: ModelConfig) -> Finding:
    from docparse.model.errors import CheckpointError
    from docparse.model.tokenizer import Tokenizer

    try:
        tokenizer = Tokenizer.from_folder(folder)
        tokenizer.check(config)
    except CheckpointError as error:
        return Finding("tokenizer", str(error), fine=False)
    return Finding("tokenizer", f"{tokenizer.size} tokens")


def _defaults(folder: Path, config: ModelConfig) -> Iterator[Finding]:
    """Files without which the model loads, and does other than its makers meant."""
    pixels = config.image.max_pixels
    if any((folder / name).is_file() for name in ("preprocessor_config.json", "processor_config.json")):
        yield Finding("pictures", f"at most {pixels:,} pixels")
    else:
        state = f"preprocessor_config.json is missing: pictures are made smaller than {pixels:,} pixels"
        yield Finding("pictures", state, fine=False, needed=False)
    stops = config.generation.eos_token_ids
    if stops:
        yield Finding("end of an answer", f"tokens {', '.join(map(str, stops))}")
    else:
        state = "generation_config.json does not say which token ends an answer"
        yield Finding("end of an answer", state, fine=False, needed=False)


def _weights(folder: Path) -> Iterator[Finding]:
    from docparse.model.checkpoint import inspect
    from docparse.model.errors import CheckpointError

    try:
        found = inspect(folder)
    except CheckpointError as error:
        yield Finding("weights", str(error), fine=False)
        return
    for sentence in found.damaged:
        yield Finding("weights", sentence, fine=False)
    rest = replace(found, damaged=())
    if not rest.fine:
        yield Finding("weights", rest.sentence(), fine=False)
    if found.fine:
        size = sum(file.stat().st_size for file in found.files)
        files = "one file" if len(found.files) == 1 else f"{len(found.files)} files"
        yield Finding("weights", f"all tensors in {files}, {size / 1e9:.1f} GB")


# ------------------------------------------------------------------------------------------- checksums


def _checksums(folder: Path) -> Iterator[Finding]:
    known = sorted((folder / _METADATA).glob("*.metadata"))
    wrong = 0
    for record in known:
        path = folder / record.name.removesuffix(".metadata")
        lines = record.read_text(encoding="utf-8", errors="replace").splitlines()
        said = lines[1].strip() if len(lines) > 1 else ""
        if path.is_file() and said and _digest(path, said) != said:
            wrong += 1
            yield Finding(
                "checksums",
                f"{path.name} is not what the hub has",
                fine=False,
                advice=f"delete {path} and pull the model again",
            )
    if not known:
        yield Finding("checksums", "not known: this folder was not pulled", fine=False, needed=False)
    elif not wrong:
        yield Finding("checksums", f"{len(known)} files are what the hub has")


def _digest(path: Path, said: str) -> str:
    """The checksum of a file in the kind that was ``said``: SHA-256 for large files, git's SHA-1 for others."""
    if len(said) == 64:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    data = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


# --------------------------------------------------------------------------------------------- memory


def _machine(config: ModelConfig) -> Iterator[Finding]:
    """What fits: on graphics cards with weights in their own type, in main memory in float32, as they are loaded."""
    cards = free_on_cards()
    own = config.dtype or "bfloat16"
    if not cards:
        yield Finding("graphics card", "none found", fine=False, needed=False)
    elif len(cards) == 1 or _fits(config, max(cards), own):
        yield _memory("graphics card", config, max(cards), own)
    else:
        yield _memory(f"{len(cards)} graphics cards", config, sum(cards), own)
    free = free_memory()
    if free is not None:
        yield _memory("main memory", config, free, "float32")


def _fits(config: ModelConfig, free: int, dtype: str) -> bool:
    from docparse.model.memory import HEADROOM, need

    return need(config, dtype_bytes=_BYTES.get(dtype, 2)).total <= free * (1 - HEADROOM)


def _memory(place: str, config: ModelConfig, free: int, dtype: str) -> Finding:
    from docparse.model.memory import advise

    state = advise(config, free, dtype_bytes=_BYTES.get(dtype, 2))
    return Finding(f"{place}, {dtype}", state, fine=_fits(config, free, dtype), needed=False)
