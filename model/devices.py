"""Where the parts of a model live: one device, or its layers in order over several GPUs."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from docparse.model.errors import ModelError, OutOfMemory
from docparse.model.qwen_vl import QwenVL

HEADROOM = 0.85
"""Share of a GPU's free memory that weights may take; the rest is for the cache and what is computed."""


def device_named(device: str | torch.device) -> torch.device:
    """Raises ``ModelError`` for a name that torch does not know."""
    try:
        return torch.device(device)
    except RuntimeError as error:
        raise ModelError(f"there is no device {device!r}; there are cpu, cuda, and cuda:0 and so on.") from error


def place(model: QwenVL, device: torch.device, dtype: torch.dtype) -> None:
    """Allocate the parameters of a model that was built without memory; their values are arbitrary.

    Raises ``OutOfMemory`` where they do not fit, ``ModelError`` for a device that is not there.
    """
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ModelError("there is no GPU that torch can use; choose the device cpu.")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ModelError(f"there is no {device}; torch sees {torch.cuda.device_count()} GPUs, counted from 0.")
    devices = _devices(model, device, dtype)
    try:
        for part, where in zip(_parts(model), devices, strict=True):
            _allocate(part, where, dtype)
    except (torch.OutOfMemoryError, RuntimeError) as error:
        if isinstance(error, torch.OutOfMemoryError) or "allocate" in str(error):
            raise OutOfMemory(_too_large(model, dtype, f"{device} has not got that much")) from error
        raise


def _parts(model: QwenVL) -> list[nn.Module]:
    """What is placed as one, in the order that data passes: embedding and tower, each layer, the end."""
    start = nn.ModuleList([model.visual, model.language.embed_tokens])
    end = nn.ModuleList([model.language.norm, *([model.lm_head] if model.lm_head is not None else [])])
    return [start, *model.language.layers, end]


def _bytes(part: nn.Module, dtype: torch.dtype) -> int:
    return sum(p.numel() for p in part.parameters()) * dtype.itemsize


def _devices(model: QwenVL, device: torch.device, dtype: torch.dtype) -> list[torch.device]:
    parts = _parts(model)
    one: int | None = device.index
    if device.type != "cuda" or one is not None:
        return [device] * len(parts)
    free = [int(torch.cuda.mem_get_info(i)[0] * HEADROOM) for i in range(torch.cuda.device_count())]
    numbers = split([_bytes(part, dtype) for part in parts], free)
    if numbers is None:
        have = " and ".join(f"{f / 2**30:.0f} GiB" for f in free)
        raise OutOfMemory(_too_large(model, dtype, f"the GPUs have {have} for them"))
    return [torch.device("cuda", number) for number in numbers]


def _too_large(model: QwenVL, dtype: torch.dtype, but: str) -> str:
    need = _bytes(model, dtype) / 2**30
    return f"the weights need {need:.1f} GiB as {str(dtype)[6:]}, and {but}; use a smaller model, such as the 3B."


def split(sizes: Sequence[int], free: Sequence[int]) -> list[int] | None:
    """A device for each of ``sizes`` in order, none over its ``free``; None if that cannot be.

    All on one where they fit (the one with most room), else filled in turn: what passes from layer to
    layer is small, so nothing is gained by balance.
    """
    if not free:
        return None
    best = max(range(len(free)), key=lambda i: free[i])
    if sum(sizes) <= free[best]:
        return [best] * len(sizes)
    chosen: list[int] = []
    device, used = 0, 0
    for size in sizes:
        while used + size > free[device]:
            device, used = device + 1, 0
            if device == len(free):
                return None
        chosen.append(device)
        used += size
    return chosen


def _allocate(part: nn.Module, device: torch.device, dtype: torch.dtype) -> None:
    for module in part.modules():
        for name, parameter in module.named_parameters(recurse=False):
            empty = torch.empty(parameter.shape, dtype=dtype, device=device)
            setattr(module, name, nn.Parameter(empty))
