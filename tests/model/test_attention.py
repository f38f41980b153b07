"""The attention seam: each implementation against softmax written out, and the choice among them."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import Tensor
from torch.nn.attention import varlen as torch_varlen

from docparse.model import attention as seam
from docparse.model.attention import (
    IMPLEMENTATIONS,
    Attention,
    FlashAttention,
    SdpaAttention,
    Spans,
    TorchVarlenAttention,
    choose_attention,
    obstacle,
)
from docparse.model.errors import ModelError
from docparse.model.windows import Segments
from tests.model.kernels import (
    VARLEN_KERNELS,
    attend,
    attend_packed,
    flash_attn_varlen_func,
    flash_attn_with_kvcache,
)

CPU = torch.device("cpu")
GPU = torch.device("cuda:0")


def random(*shape: int, dtype: torch.dtype = torch.float64, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def assert_near(found: Tensor, expected: Tensor) -> None:
    """Sums of a few dozen products of values near 1: in float64 and float32 a few units of rounding."""
    tolerance = {torch.float64: 1e-14, torch.float32: 2e-6}[found.dtype]
    assert found.shape == expected.shape
    assert float((found.double() - expected).abs().max()) < tolerance


@pytest.fixture(params=[torch.float64, torch.float32], ids=["float64", "float32"])
def dtype(request: pytest.FixtureRequest) -> torch.dtype:
    # float64 tells mistakes from rounding: there is nothing between 1e-14 and a wrong term.
    found: torch.dtype = request.param
    return found


# ------------------------------------------------------------------------- sdpa

SEGMENTS = {
    "one": [17],
    "many equal": [8] * 6,
    "a page's four kinds": [16, 16, 8, 16, 16, 8, 12, 12, 6],
    "lengths of one": [1, 5, 1, 1, 7],
    "only ones": [1, 1, 1],
    "two kinds": [4, 9],
}


@pytest.mark.parametrize("lengths", SEGMENTS.values(), ids=list(SEGMENTS))
def test_sdpa_varlen(lengths: list[int], dtype: torch.dtype) -> None:
    q, k, v = (random(sum(lengths), 3, 8, dtype=dtype, seed=seed) for seed in range(3))
    found = SdpaAttention().varlen(q, k, v, Segments(torch.tensor(lengths), CPU))
    assert_near(found, attend_packed(q, k, v, lengths, lengths, causal=False))


def test_sdpa_varlen_takes_queries_keys_and_values_as_the_tower_cuts_them() -> None:
    """Out of one projection, they are not contiguous."""
    lengths = [6, 6, 3]
    q, k, v = random(15, 3, 2, 8).unbind(1)
    assert not q.is_contiguous()
    for chosen in (lengths, [5, 5, 5]):
        found = SdpaAttention().varlen(q, k, v, Segments(torch.tensor(chosen), CPU))
        assert_near(found, attend_packed(q, k, v, chosen, chosen, causal=False))


SPANS = {
    "one sequence": ([9], [9]),
    "one token": ([1], [1]),
    "several": ([5, 1, 7], [5, 1, 7]),
    "all after cached tokens": ([4, 3], [9, 10]),
    "one token after many": ([1], [12]),
    "some after cached tokens": ([4, 6, 1, 2], [4, 11, 5, 2]),
}
HEADS = {"own keys": (4, 4), "grouped": (6, 2), "one for all": (4, 1)}


@pytest.mark.parametrize(("queries", "keys"), SPANS.values(), ids=list(SPANS))
@pytest.mark.parametrize(("heads", "grouped"), HEADS.values(), ids=list(HEADS))
def test_sdpa_prefill(queries: list[int], keys: list[int], heads: int, grouped: int, dtype: torch.dtype) -> None:
    q = random(sum(queries), heads, 8, dtype=dtype)
    k, v = (random(sum(keys), grouped, 8, dtype=dtype, seed=seed) for seed in (1, 2))
    found = SdpaAttention().prefill(q, k, v, Spans.of(queries, keys, CPU))
    assert_near(found, attend_packed(q, k, v, queries, keys, causal=True))


LENGTHS = {"one": [7], "one of one token": [1], "equal": [6, 6, 6], "mixed": [3, 12, 1, 8]}


def cache(lengths: Sequence[int], grouped: int, dtype: torch.dtype, *, beyond: float = 0.0) -> tuple[Tensor, Tensor]:
    """Keys and values [B, 16, K, 8]; after a sequence's own tokens stands ``beyond``."""
    keys, values = (random(len(lengths), 16, grouped, 8, dtype=dtype, seed=seed) for seed in (1, 2))
    for row, length in enumerate(lengths):
        keys[row, length:] = beyond
        values[row, length:] = beyond
    return keys, values


def decode(how: Attention, q: Tensor, keys: Tensor, values: Tensor, lengths: Sequence[int]) -> Tensor:
    return how.decode(q, keys, values, torch.tensor(lengths, dtype=torch.int32), max(lengths))


@pytest.mark.parametrize("lengths", LENGTHS.values(), ids=list(LENGTHS))
@pytest.mark.parametrize(("heads", "grouped"), HEADS.values(), ids=list(HEADS))
def test_sdpa_decode(lengths: list[int], heads: int, grouped: int, dtype: torch.dtype) -> None:
    q = random(len(lengths), heads, 8, dtype=dtype)
    keys, values = cache(lengths, grouped, dtype)
    expected = torch.cat([attend(q[i : i + 1], keys[i, :n], values[i, :n], causal=True) for i, n in enumerate(lengths)])
    assert_near(decode(SdpaAttention(), q, keys, values, lengths), expected)


@pytest.mark.parametrize("lengths", LENGTHS.values(), ids=list(LENGTHS))
def test_what_stands_beyond_a_sequence_changes_nothing(lengths: list[int], dtype: torch.dtype) -> None:
    q = random(len(lengths), 4, 8, dtype=dtype)
    clean = decode(SdpaAttention(), q, *cache(lengths, 2, dtype), lengths)
    assert torch.equal(decode(SdpaAttention(), q, *cache(lengths, 2, dtype, beyond=1e30), lengths), clean)


def test_no_number_beyond_a_sequence_harms_that_sequence_only() -> None:
    """A mask multiplies by nought, and nought times NaN is NaN. The cache must not hold any where the mask
    is needed, which is why it begins as zeros and a slot is wiped after a failure (test_generator.py)."""
    lengths = [3, 12, 8]
    q = random(3, 4, 8)
    keys, values = cache(lengths, 2, torch.float64)
    clean = decode(SdpaAttention(), q, keys, values, lengths)
    keys[0, 5] = math.nan  # in the room of the first
    values[1, 14] = math.nan  # after the longest: never read
    found = decode(SdpaAttention(), q, keys, values, lengths)
    assert found[0].isnan().all()
    assert torch.equal(found[1:], clean[1:])


# ------------------------------------------------------------------------- kernels, played on the CPU


@pytest.fixture
def flash_attn(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package flash_attn with the functions of the real one, slow."""
    module = ModuleType("flash_attn")
    module.__spec__ = importlib.machinery.ModuleSpec("flash_attn", None)
    for function in (flash_attn_varlen_func, flash_attn_with_kvcache):
        setattr(module, function.__name__, function)
    monkeypatch.setitem(sys.modules, "flash_attn", module)


@pytest.fixture
def fresh_kernel() -> Iterator[None]:
    """The kernel is looked up once; before and after a stand-in it must be looked up again."""
    seam._varlen_kernel.cache_clear()
    yield
    seam._varlen_kernel.cache_clear()


@pytest.fixture(params=["flash-attn", *VARLEN_KERNELS])
def kernels(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, flash_attn: None, fresh_kernel: None
) -> Attention:
    """An implementation on top of kernels that are played."""
    if request.param == "flash-attn":
        return FlashAttention()
    monkeypatch.setattr(torch_varlen, "varlen_attn", VARLEN_KERNELS[request.param])
    return TorchVarlenAttention()


@pytest.mark.parametrize("lengths", SEGMENTS.values(), ids=list(SEGMENTS))
def test_kernels_varlen(kernels: Attention, lengths: list[int]) -> None:
    q, k, v = random(sum(lengths), 3, 2, 8).unbind(1)
    segments = Segments(torch.tensor(lengths), CPU)
    assert_near(kernels.varlen(q, k, v, segments), SdpaAttention().varlen(q, k, v, segments))


@pytest.mark.parametrize(("queries", "keys"), SPANS.values(), ids=list(SPANS))
@pytest.mark.parametrize(("heads", "grouped"), HEADS.values(), ids=list(HEADS))
def test_kernels_prefill(kernels: Attention, queries: list[int], keys: list[int], heads: int, grouped: int) -> None:
    q = random(sum(queries), heads, 8)
    k, v = (random(sum(keys), grouped, 8, seed=seed) for seed in (1, 2))
    spans = Spans.of(queries, keys, CPU)
    assert_near(kernels.prefill(q, k, v, spans), SdpaAttention().prefill(q, k, v, spans))


@pytest.mark.parametrize("lengths", LENGTHS.values(), ids=list(LENGTHS))
@pytest.mark.parametrize(("heads", "grouped"), HEADS.values(), ids=list(HEADS))
def test_kernels_decode(kernels: Attention, lengths: list[int], heads: int, grouped: int) -> None:
    q = random(len(lengths), heads, 8)
    keys, values = cache(lengths, grouped, torch.float64)
    found = decode(kernels, q, keys, values, lengths)
    assert_near(found, decode(SdpaAttention(), q, keys, values, lengths))


def test_the_kernel_of_this_torch_has_a_signature_that_is_known(fresh_kernel: None) -> None:
    """It runs on a GPU only; that its options are understood shows here: the refusal is the kernel's own."""
    q, k = random(4, 2, 8, dtype=torch.bfloat16), random(4, 1, 8, dtype=torch.bfloat16)
    spans = Spans.of([4], [4], CPU)
    with pytest.raises(NotImplementedError, match=r"_flash_attention_forward.*CPU"):
        TorchVarlenAttention().prefill(q, k, k, spans)
    with pytest.raises(NotImplementedError, match=r"_flash_attention_forward.*CPU"):
        TorchVarlenAttention().varlen(k, k, k, Segments(torch.tensor([4]), CPU))


# ------------------------------------------------------------------------- which one


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Callable[[tuple[int, int]], None]:
    """``gpu((9, 0))``: a GPU of that compute capability is there, as far as can be asked."""

    def present(capability: tuple[int, int]) -> None:
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device=None: capability)

    return present


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """``without("flash_attn")``: a module that is not there."""
    real = importlib.util.find_spec

    def hide(name: str) -> None:
        monkeypatch.setattr(importlib.util, "find_spec", lambda module, *rest: None if module == name else real(module))

    return hide


@pytest.mark.parametrize(
    ("device", "dtype", "capability", "expected"),
    [
        (CPU, torch.float32, (9, 0), {"flash-attn": "needs a GPU", "torch-varlen": "needs a GPU"}),
        (CPU, torch.bfloat16, (9, 0), {"flash-attn": "needs a GPU", "torch-varlen": "needs a GPU"}),
        (GPU, torch.float32, (9, 0), dict.fromkeys(("flash-attn", "torch-varlen"), "bfloat16 or float16")),
        (GPU, torch.bfloat16, (7, 5), dict.fromkeys(("flash-attn", "torch-varlen"), "capability 8.0")),
        (GPU, torch.float16, (7, 0), dict.fromkeys(("flash-attn", "torch-varlen"), "capability 8.0")),
        (GPU, torch.bfloat16, (8, 0), {"flash-attn": None, "torch-varlen": None}),
        (GPU, torch.float16, (8, 9), {"flash-attn": None, "torch-varlen": None}),
        (GPU, torch.bfloat16, (12, 0), {"flash-attn": None, "torch-varlen": None}),
    ],
)
def test_obstacles(
    gpu: Callable[[tuple[int, int]], None],
    flash_attn: None,
    device: torch.device,
    dtype: torch.dtype,
    capability: tuple[int, int],
    expected: dict[str, str | None],
) -> None:
    gpu(capability)
    assert obstacle("sdpa", device, dtype) is None
    for name, says in expected.items():
        found = obstacle(name, device, dtype)
        assert found is None if says is None else says in str(found), name


def test_the_best_that_is_there_is_chosen(
    gpu: Callable[[tuple[int, int]], None], without: Callable[[str], None], flash_attn: None
) -> None:
    gpu((9, 0))
    assert choose_attention(GPU, torch.bfloat16).name == "flash-attn"
    assert choose_attention(GPU, torch.float32).name == "sdpa"
    assert choose_attention(CPU, torch.float32).name == "sdpa"
    gpu((7, 5))
    assert choose_attention(GPU, torch.float16).name == "sdpa"


def test_without_the_package_it_is_torchs_own(
    gpu: Callable[[tuple[int, int]], None], without: Callable[[str], None]
) -> None:
    gpu((9, 0))
    without("flash_attn")
    assert obstacle("flash-attn", GPU, torch.bfloat16) == "needs flash_attn, which is not installed"
    assert choose_attention(GPU, torch.bfloat16).name == "torch-varlen"


def test_a_package_built_for_another_torch_is_passed_over(
    gpu: Callable[[tuple[int, int]], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is found, and fails where it is imported: that must not wait for the first page."""
    gpu((9, 0))
    (tmp_path / "flash_attn").mkdir()
    (tmp_path / "flash_attn" / "__init__.py").write_text("raise ImportError('undefined symbol: _ZN3c10')")
    monkeypatch.syspath_prepend(tmp_path)
    assert choose_attention(GPU, torch.bfloat16).name == "torch-varlen"
    with pytest.raises(ModelError, match=r"needs flash_attn, which cannot be imported \(undefined symbol: _ZN3c10\)"):
        choose_attention(GPU, torch.bfloat16, "flash-attn")


def test_torch_before_its_kernel(
    gpu: Callable[[tuple[int, int]], None], without: Callable[[str], None], flash_attn: None
) -> None:
    gpu((9, 0))
    without("torch.nn.attention.varlen")
    assert obstacle("torch-varlen", GPU, torch.bfloat16) == "needs a newer torch"
    assert choose_attention(GPU, torch.bfloat16).name == "flash-attn"


def test_a_choice_can_be_forced(gpu: Callable[[tuple[int, int]], None], flash_attn: None) -> None:
    gpu((9, 0))
    for name, kind in IMPLEMENTATIONS.items():
        assert type(choose_attention(GPU, torch.bfloat16, name)) is kind
    assert list(IMPLEMENTATIONS) == ["flash-attn", "torch-varlen", "sdpa"]


def test_what_cannot_be_forced_says_why() -> None:
    with pytest.raises(ModelError, match=r"flash-attn cannot be used with torch.float32 on cpu: it needs a GPU\."):
        choose_attention(CPU, torch.float32, "flash-attn")


def test_an_unknown_name_is_told_with_the_known_ones() -> None:
    with pytest.raises(ModelError, match=r"no attention 'xformers'; there are flash-attn, torch-varlen, sdpa\."):
        choose_attention(CPU, torch.float32, "xformers")
