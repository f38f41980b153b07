"""Checkpoints: reading a folder in the published format, and writing one.

Weights come from safetensors files only, one or many; pickles are never opened. The model is built
without memory (torch's ``meta`` device), every file's header is compared with it, and only then are
parameters allocated, once, and filled tensor by tensor. So the memory needed is the model and what is
mapped of one file.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from docparse.model.attention import choose_attention
from docparse.model.config import ModelConfig, read_json
from docparse.model.devices import device_named, place
from docparse.model.errors import CheckpointError
from docparse.model.names import Piece, first_style, is_idle, pieces
from docparse.model.qwen_vl import QwenVL

SINGLE, INDEX = "model.safetensors", "model.safetensors.index.json"
_NAMED = 8
"""Tensors that an error names; it counts the others."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """What is wrong with a folder's weights. ``damaged``: a sentence per file; the others name tensors."""

    files: tuple[Path, ...]
    missing: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    misshaped: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()

    @property
    def fine(self) -> bool:
        return not (self.missing or self.unused or self.misshaped or self.damaged)

    def sentence(self) -> str:
        """All of it, for an error."""
        parts = [*self.damaged]
        for names, one, many, what in (
            (self.missing, "is", "are", "missing"),
            (self.unused, "has", "have", "no place in the model"),
            (self.misshaped, "has", "have", "another shape than config.json says"),
        ):
            if names:
                more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
                count = f"1 tensor {one}" if len(names) == 1 else f"{len(names)} tensors {many}"
                parts.append(f"{count} {what}: {', '.join(names[:_NAMED])}{more}")
        return "; ".join(parts)


def load(
    path: str | os.PathLike[str],
    *,
    device: str | torch.device = "cpu",
    dtype: torch.dtype | None = None,
    attention: str | None = None,
    progress: Callable[[float], None] | None = None,
) -> QwenVL:
    """The model of a checkpoint folder, ready to read. It needs no tokenizer.

    ``device``: ``cpu``, ``cuda`` (the layers are spread over all GPUs where one is too small), or one GPU
    such as ``cuda:1``. ``dtype``: None keeps what the checkpoint has on a GPU, and is float32 elsewhere.
    ``attention``: an implementation by name; None is the best there is. ``progress`` is told now and then
    which share of the tensors is there.

    Raises ``CheckpointError`` that names what is missing, unused, of another shape or damaged;
    ``UnsupportedModel`` for other families; ``OutOfMemory`` where the devices are too small; ``ModelError``
    where a device or an attention of that name is not there.
    """
    folder = Path(path)
    config = ModelConfig.from_folder(folder)
    target = device_named(device)
    if dtype is None:
        dtype = stored_dtype(config) if target.type == "cuda" else torch.float32
    model = build(config)
    places = {piece.published: piece for piece in pieces(_shapes(model), config)}
    found = _compare(folder, config, places)
    if not found.fine:
        raise CheckpointError(f"{folder}: {found.sentence()}.")
    place(model, target, dtype)
    model.attention = choose_attention(model.device, dtype, attention)
    parameters = dict(model.named_parameters())
    loaded = 0
    for file in found.files:
        for name, tensor in _tensors(file):
            piece = places.get(first_style(name))
            if piece is None:
                continue
            with torch.no_grad():
                parameters[piece.name][piece.start : piece.start + piece.shape[0]].copy_(tensor)
            loaded += 1
            if progress is not None:
                progress(loaded / len(places))
    return model.eval().requires_grad_(False)


def stored_dtype(config: ModelConfig) -> torch.dtype:
    """What the weights of a checkpoint are stored as, if it says so; bfloat16, as all published ones, if not."""
    found = getattr(torch, config.dtype or "", None)
    return found if isinstance(found, torch.dtype) and found.is_floating_point else torch.bfloat16


def build(config: ModelConfig) -> QwenVL:
    """The model on torch's ``meta`` device: all shapes, no memory."""
    with torch.device("meta"), _Unfilled():
        return QwenVL(config)


class _Unfilled(TorchFunctionMode):
    """Leaves out the random numbers that torch's modules begin with.

    Without memory they come to nothing, but for them torch imports its compiler: two seconds and 60 MB.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(func, "__module__", None) == nn.init.__name__:
            return kwargs["tensor"]
        return func(*args, **(kwargs or {}))


def inspect(path: str | os.PathLike[str]) -> Inspection:
    """Compare the headers of a folder's weights with its configuration; reads no weights.

    Raises ``CheckpointError`` where there is no configuration, or no weights at all.
    """
    folder = Path(path)
    config = ModelConfig.from_folder(folder)
    return _compare(folder, config, {p.published: p for p in pieces(_shapes(build(config)), config)})


def save(model: QwenVL, path: str | os.PathLike[str], *, shard_bytes: int = 5_000_000_000) -> None:
    """Write a model in the published format, in files of about ``shard_bytes``; transformers reads it.

    The tokenizer's files are not the model's: copy them from where it came.
    """
    folder = Path(path)
    folder.mkdir(parents=True, exist_ok=True)
    config = replace(model.config, dtype=str(model.dtype).removeprefix("torch."))
    _write_json(folder / "config.json", config.to_json())
    _write_json(folder / "generation_config.json", config.generation.to_json())
    _write_json(folder / "preprocessor_config.json", config.image.to_json())
    parameters = dict(model.named_parameters())
    shards = _shards(list(pieces(_shapes(model), config)), parameters, shard_bytes)
    where: dict[str, str] = {}
    for number, shard in enumerate(shards, 1):
        name = SINGLE if len(shards) == 1 else f"model-{number:05d}-of-{len(shards):05d}.safetensors"
        tensors = {
            p.published: parameters[p.name].detach()[p.start : p.start + p.shape[0]].cpu().clone() for p in shard
        }
        save_file(tensors, folder / name, metadata={"format": "pt"})
        where.update(dict.fromkeys(tensors, name))
    if len(shards) > 1:
        size = sum(p.numel() * p.element_size() for p in parameters.values())
        _write_json(folder / INDEX, {"metadata": {"total_size": size}, "weight_map": where})
    else:
        (folder / INDEX).unlink(missing_ok=True)
    for old in {folder / SINGLE, *folder.glob("model-*-of-*.safetensors")}:
        if old.name not in where.values():  # of an earlier model, and a reader may take it for this one's
            old.unlink(missing_ok=True)


def _shards(all_pieces: list[Piece], parameters: Mapping[str, Tensor], most: int) -> list[list[Piece]]:
    shards: list[list[Piece]] = [[]]
    size = 0
    for piece in all_pieces:
        parameter = parameters[piece.name]
        nbytes = parameter[0].numel() * piece.shape[0] * parameter.element_size()
        if shards[-1] and size + nbytes > most:
            shards.append([])
            size = 0
        shards[-1].append(piece)
        size += nbytes
    return shards


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _shapes(model: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(parameter.shape) for name, parameter in model.named_parameters()}


def _files(folder: Path) -> tuple[Path, ...]:
    """The files that hold the weights, as far as they are named; some may not be there."""
    index = read_json(folder / INDEX)
    if index is not None:
        where = index.get("weight_map")
        files = where.values() if isinstance(where, dict) else ()
        # A name is a file of this folder: an index that points elsewhere is not followed.
        names = {Path(file).name if isinstance(file, str) else "" for file in files}
        if not names or names & {"", ".."}:
            raise CheckpointError(f"{folder / INDEX} does not say which file holds which tensor.")
        return tuple(folder / name for name in sorted(names))
    if (folder / SINGLE).exists():
        return (folder / SINGLE,)
    others = sorted(p.name for p in folder.glob("*.safetensors"))
    if others:
        raise CheckpointError(
            f"{folder} has {others[0]}, but neither {SINGLE} nor {INDEX}: its download is incomplete."
        )
    if any(folder.glob("*.bin")) or any(folder.glob("*.pt")) or any(folder.glob("*.pth")):
        raise CheckpointError(
            f"{folder} has weights as Python pickles only, which can run anything and are not opened;"
            " convert them to safetensors."
        )
    raise CheckpointError(f"{folder} has no weights: neither {SINGLE} nor {INDEX} is there.")


def _compare(folder: Path, config: ModelConfig, places: Mapping[str, Piece]) -> Inspection:
    files = _files(folder)
    seen: dict[str, tuple[int, ...]] = {}
    damaged = []
    for file in files:
        try:
            seen |= _header(file)
        except CheckpointError as error:
            damaged.append(str(error))
    known = {first_style(name): shape for name, shape in seen.items()}
    missing = tuple(name for name in places if name not in known) if not damaged else ()
    unused = tuple(name for name in seen if first_style(name) not in places and not is_idle(name, config))
    misshaped = tuple(
        f"{name} {list(known[name])} instead of {list(piece.shape)}"
        for name, piece in places.items()
        if name in known and known[name] != piece.shape
    )
    return Inspection(files, missing, unused, misshaped, tuple(damaged))


def _header(file: Path) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the tensors in a file. Raises ``CheckpointError`` that says how it is damaged."""
    try:
        with safe_open(file, framework="pt") as opened:
            return {name: tuple(opened.get_slice(name).get_shape()) for name in opened.keys()}  # noqa: SIM118
    except FileNotFoundError as error:
        raise CheckpointError(f"{file.name} is missing") from error
    except PermissionError as error:
        raise CheckpointError(f"{file.name} may not be read") from error
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(f"{file.name} is damaged ({_damage(file) or error}); download it again") from error


def _damage(file: Path) -> str | None:
    """What a safetensors file that cannot be opened lacks, in bytes: 8 bytes of length, header, data."""
    try:
        size = file.stat().st_size
        with file.open("rb") as stream:
            start = stream.read(8)
            if start == b"version ":
                return "a pointer of Git LFS instead of the file that it points to"
            (length,) = struct.unpack("<Q", start) if len(start) == 8 else (0,)
            if not 0 < length <= min(size - 8, 100_000_000):  # nothing is allocated for what cannot be there
                return f"{size} bytes that are no safetensors file"
            header = json.loads(stream.read(length))
        ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
        expected = 8 + length + max(ends, default=0)
    except (OSError, ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
        return None
    return f"{size} bytes instead of {expected}" if size != expected else None


def _tensors(file: Path) -> Iterator[tuple[str, Tensor]]:
    """Name and value of each tensor. The file is mapped anew for each: what was read of a map counts as memory of
    this process as long as the map is there, which would be the whole file in the end."""
    try:
        for name in _header(file):
            with safe_open(file, framework="pt") as opened:
                yield name, opened.get_tensor(name)
    except (SafetensorError, OSError, CheckpointError) as error:
        raise CheckpointError(f"{file} cannot be read: {error}.") from error
