"""Where a model's parts go: one device where it fits, the layers in order over several where it does not."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence

import pytest
import torch
from torch import nn

from docparse.model import devices
from docparse.model.checkpoint import build
from docparse.model.config import ModelConfig
from docparse.model.devices import HEADROOM, device_named, place, split
from docparse.model.errors import ModelError, OutOfMemory
from docparse.model.qwen_vl import QwenVL
from tests.model.tiny import TINY


def model(name: str) -> QwenVL:
    return build(ModelConfig.from_json({"model_type": "qwen2_5_vl", **TINY[name]}))


# ----------------------------------------------------------------------------------------------------- the split


@pytest.mark.parametrize(
    ("sizes", "free", "expected"),
    [
        ([5, 1, 1, 1, 3], [20], [0, 0, 0, 0, 0]),
        ([5, 1, 1, 1, 3], [11], [0, 0, 0, 0, 0]),  # to the last byte
        ([5, 1, 1, 1, 3], [10], None),
        ([5, 1, 1, 1, 3], [], None),
        ([], [4], []),
        # All on the one with most room, where that is enough.
        ([5, 1, 1, 1, 3], [12, 20], [1, 1, 1, 1, 1]),
        ([5, 1, 1, 1, 3], [20, 20], [0, 0, 0, 0, 0]),
        # Else filled in turn.
        ([5, 1, 1, 1, 3], [6, 6], [0, 0, 1, 1, 1]),
        ([5, 1, 1, 1, 3], [8, 8], [0, 0, 0, 0, 1]),
        ([5, 1, 1, 1, 3], [6, 5], [0, 0, 1, 1, 1]),
        ([5, 1, 1, 1, 3], [6, 4], None),
        ([5, 1, 1, 1, 3], [5, 1, 1, 1, 3], [0, 1, 2, 3, 4]),
        # A device that holds nothing is passed over.
        ([5, 1, 1, 1, 3], [0, 6, 0, 6], [1, 1, 3, 3, 3]),
        ([5, 1, 1, 1, 3], [4, 7, 5], [1, 1, 1, 2, 2]),
        # One part that fits nowhere.
        ([50, 1, 1], [20, 20, 20], None),
        ([1, 1, 50], [20, 20, 20], None),
    ],
)
def test_cases(sizes: list[int], free: list[int], expected: list[int] | None) -> None:
    assert split(sizes, free) == expected


def in_order(sizes: Sequence[int], free: Sequence[int]) -> bool:
    """Whether there is any way at all to keep the parts in order: every one is tried."""
    for chosen in itertools.combinations_with_replacement(range(len(free)), len(sizes)):
        used = [0] * len(free)
        for size, device in zip(sizes, chosen, strict=True):
            used[device] += size
        if all(u <= f for u, f in zip(used, free, strict=True)):
            return True
    return False


def test_a_split_is_found_where_there_is_one() -> None:
    choose = random.Random(0)
    found = 0
    for _ in range(400):
        sizes = [choose.randint(0, 9) for _ in range(choose.randint(1, 6))]
        free = [choose.randint(0, 16) for _ in range(choose.randint(1, 4))]
        chosen = split(sizes, free)
        assert (chosen is not None) == in_order(sizes, free), (sizes, free)
        if chosen is not None:
            found += 1
            assert chosen == sorted(chosen)
            assert all(sum(s for s, d in zip(sizes, chosen, strict=True) if d == i) <= f for i, f in enumerate(free))
    assert 100 < found < 350


# ----------------------------------------------------------------------------------------------------- placement


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", ["tied", "untied"])
def test_all_parameters_are_allocated_once(name: str, dtype: torch.dtype) -> None:
    placed = model(name)
    shapes = {key: parameter.shape for key, parameter in placed.named_parameters()}
    place(placed, torch.device("cpu"), dtype)
    assert {key: parameter.shape for key, parameter in placed.named_parameters()} == shapes
    assert {(parameter.device.type, parameter.dtype) for parameter in placed.parameters()} == {("cpu", dtype)}
    assert len({parameter.data_ptr() for parameter in placed.parameters()}) == len(shapes)


Placed = list[tuple[int, torch.device]]


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> tuple[dict[int, int], Placed]:
    """GPUs that are played: free bytes by number, to be filled in, and what was put where (parameters, device)."""
    free: dict[int, int] = {}
    placed: Placed = []

    def allocate(part: nn.Module, device: torch.device, dtype: torch.dtype) -> None:
        placed.append((sum(parameter.numel() for parameter in part.parameters()), device))

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(free))
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda number: (free[number], 1 << 40))
    monkeypatch.setattr(devices, "_allocate", allocate)
    return free, placed


def sizes_of(whole: QwenVL) -> list[int]:
    """Bytes in float32 of the beginning (tower and embedding), of each layer, and of the end (norm and head)."""
    parameters = {name: parameter.numel() * 4 for name, parameter in whole.named_parameters()}
    layers = [sum(v for k, v in parameters.items() if f".layers.{i}." in k) for i in range(len(whole.language.layers))]
    end = sum(v for k, v in parameters.items() if k.startswith(("language.norm", "lm_head")))
    return [sum(parameters.values()) - sum(layers) - end, *layers, end]


@pytest.mark.parametrize("name", ["tied", "untied"])
def test_on_one_gpu_where_it_fits(gpus: tuple[dict[int, int], Placed], name: str) -> None:
    free, placed = gpus
    whole = model(name)
    sizes = sizes_of(whole)
    room = int(sum(sizes) / HEADROOM) + 2
    free.update({0: room // 2, 1: room, 2: room - 1000})
    place(whole, torch.device("cuda"), torch.float32)
    assert placed == [(size // 4, torch.device("cuda", 1)) for size in sizes]


@pytest.mark.parametrize("name", ["tied", "untied"])
def test_over_two_gpus(gpus: tuple[dict[int, int], Placed], name: str) -> None:
    free, placed = gpus
    whole = model(name)
    sizes = sizes_of(whole)
    free.update({0: int(sum(sizes[:2]) / HEADROOM) + 2, 1: int(sum(sizes[1:]) / HEADROOM) + 2})
    place(whole, torch.device("cuda"), torch.float32)
    assert [size for size, _ in placed] == [size // 4 for size in sizes]
    assert [device.index for _, device in placed] == [0, 0] + [1] * (len(sizes) - 2)
    # Half as wide, it fits on one.
    placed.clear()
    place(whole, torch.device("cuda"), torch.bfloat16)
    assert len({device for _, device in placed}) == 1


def test_a_gpu_by_number_takes_all(gpus: tuple[dict[int, int], Placed]) -> None:
    free, placed = gpus
    free.update({0: 1 << 40, 1: 10})
    place(model("tied"), torch.device("cuda:1"), torch.float32)
    assert {device for _, device in placed} == {torch.device("cuda:1")}


def test_a_gpu_beyond_the_last(gpus: tuple[dict[int, int], Placed]) -> None:
    free, placed = gpus
    free.update({0: 1 << 40, 1: 1 << 40})
    with pytest.raises(ModelError, match="there is no cuda:2; torch sees 2 GPUs, counted from 0"):
        place(model("tied"), torch.device("cuda:2"), torch.float32)
    assert not placed


def test_gpus_that_are_too_small(gpus: tuple[dict[int, int], Placed]) -> None:
    free, placed = gpus
    free.update({0: 100_000, 1: 3 << 30})
    big = build(ModelConfig.from_json({"model_type": "qwen2_5_vl", **TINY["tied"]} | _huge(2_000_000)))
    with pytest.raises(OutOfMemory) as caught:
        place(big, torch.device("cuda"), torch.bfloat16)
    assert not placed
    why = str(caught.value)
    assert "the weights need 3.8 GiB as bfloat16" in why
    assert "the GPUs have 0 GiB and 3 GiB for them" in why
    assert "use a smaller model" in why


def _huge(rows: int) -> dict[str, object]:
    """A tiny model with a vocabulary of that many rows, of 1024 values each."""
    text = {**TINY["tied"]["text_config"], "vocab_size": rows, "hidden_size": 1024, "num_attention_heads": 64}
    return {"text_config": text, "vision_config": {**TINY["tied"]["vision_config"], "out_hidden_size": 1024}}


def test_a_machine_that_is_too_small() -> None:
    """4 PiB of embedding: no machine has an address for it, so nothing is really taken."""
    big = build(ModelConfig.from_json({"model_type": "qwen2_5_vl", **TINY["tied"]} | _huge(10**12)))
    with pytest.raises(OutOfMemory, match=r"the weights need [\d.]+ GiB as float32, and cpu has not got that much"):
        place(big, torch.device("cpu"), torch.float32)


def test_memory_of_a_gpu_that_runs_out(gpus: tuple[dict[int, int], Placed], monkeypatch: pytest.MonkeyPatch) -> None:
    free, _ = gpus
    free.update({0: 1 << 40})

    def run_out(*args: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")

    monkeypatch.setattr(devices, "_allocate", run_out)
    with pytest.raises(OutOfMemory, match="cuda has not got that much; use a smaller model, such as the 3B"):
        place(model("tied"), torch.device("cuda"), torch.bfloat16)


def test_other_failures_stay_what_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> None:
        raise RuntimeError("something is wrong with torch")

    monkeypatch.setattr(devices, "_allocate", fail)
    with pytest.raises(RuntimeError, match="something is wrong with torch"):
        place(model("tied"), torch.device("cpu"), torch.float32)


def test_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ModelError, match="there is no GPU that torch can use; choose the device cpu"):
        place(model("tied"), torch.device("cuda"), torch.float32)


@pytest.mark.parametrize("name", ["cpu", "cuda", "cuda:1", torch.device("cpu")])
def test_devices_by_name(name: str | torch.device) -> None:
    assert device_named(name) == torch.device(name)


@pytest.mark.parametrize("name", ["gpu", "", "cuda:x", "CPU"])
def test_names_of_no_device(name: str) -> None:
    with pytest.raises(ModelError, match="there is no device"):
        device_named(name)
