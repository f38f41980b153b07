"""The model on a GPU: real shapes, all kernels that are there, and the same answers as elsewhere.

    python -m pytest tests/gpu -m gpu -q

Each measurement is printed as a line of JSON. Weights are random; with 80 GB all of it runs in some minutes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from PIL import Image
from torch import Tensor

from docparse.model.attention import IMPLEMENTATIONS, Spans, choose_attention, obstacle
from docparse.model.config import ImageConfig, ModelConfig
from docparse.model.generator import Generator
from docparse.model.image import preprocess_image
from docparse.model.published import PUBLISHED
from docparse.model.qwen_vl import QwenVL
from docparse.model.requests import Completion, Request
from docparse.model.resize import resize_bicubic
from docparse.model.tokenizer import Tokenizer
from docparse.model.windows import layout
from tests.gpu.real_shapes import apart, converted, free, page, pass_ours, pass_reference, random_model, reference_of
from tests.model.vocabulary import small_vocabulary

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device here"),
    # What transformers warns of differs from version to version, and is not what is tested.
    pytest.mark.filterwarnings("default"),
]

Emit = Callable[..., None]
BF16 = torch.bfloat16


@pytest.fixture
def device() -> Iterator[torch.device]:
    found = torch.device("cuda:0")
    free(found)
    yield found
    free(found)


@pytest.fixture
def emit(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> Emit:
    """Print a measurement, whether output is captured or not."""

    def line(**row: Any) -> None:
        where = {
            "test": request.node.name,
            "gpu": torch.cuda.get_device_name(),
            "torch": torch.__version__,
            "transformers": transformers.__version__,
        }
        with capsys.disabled():
            print("\n" + json.dumps({**where, **row}), end="", flush=True)

    return line


# ------------------------------------------------------------------------- the whole model


@pytest.mark.parametrize("size", ["3B", "7B"])
def test_real_shapes_in_bfloat16_are_as_near_to_float32_as_transformers(
    size: str, device: torch.device, emit: Emit
) -> None:
    """Rounding of two correct models differs; a mistake shows as an error that only one of them has.

    All three have the same weights: ours and transformers' in bfloat16, and ours in float32, by which both are
    measured block by block.
    """
    compare(PUBLISHED[size], device, emit)


def compare(config: ModelConfig, device: torch.device, emit: Emit) -> None:
    model = random_model(config, device, BF16)
    exact = converted(model, torch.float32)
    for width, height in ((1008, 1540), (650, 422)):
        shown = page(config, width, height)
        wanted = pass_ours(exact, shown)
        ours = pass_ours(model, shown)
        theirs = pass_reference(reference_of(model), model, shown)
        rows = {
            "blocks": errors(ours.blocks, theirs.blocks, wanted.blocks),
            "features": errors([ours.features], [theirs.features], [wanted.features]),
            "layers": errors(ours.layers, theirs.layers, wanted.layers),
            "logits": errors([ours.logits], [theirs.logits], [wanted.logits]),
        }
        agree = {
            "ours and float32": agreement(ours.logits, wanted.logits),
            "transformers and float32": agreement(theirs.logits, wanted.logits),
            "ours and transformers": agreement(ours.logits, theirs.logits),
        }
        emit(
            attention=model.attention.name,
            grid=shown.grid,
            tokens=len(shown.ids),
            largest={part: [max(column) for column in zip(*pairs, strict=True)] for part, pairs in rows.items()},
            every={part: [[float(f"{e:.3g}") for e in pair] for pair in pairs] for part, pairs in rows.items()},
            argmax_agreement=agree,
        )
        for part, pairs in rows.items():
            for index, (mine, other) in enumerate(pairs):
                assert mine < 1.25 * other + 1e-3, f"{part} {index}: {mine:.2e}, transformers {other:.2e}"
        assert agree["ours and float32"] > agree["transformers and float32"] - 0.03


def errors(ours: list[Tensor], theirs: list[Tensor], wanted: list[Tensor]) -> list[tuple[float, float]]:
    """Of each output: ours, and transformers'."""
    return [(apart(a, e), apart(b, e)) for a, b, e in zip(ours, theirs, wanted, strict=True)]


def agreement(one: Tensor, other: Tensor) -> float:
    """Share of positions with the same likeliest token."""
    return float((one.argmax(-1) == other.argmax(-1)).float().mean())


# ------------------------------------------------------------------------- kernels


def test_the_best_attention_is_no_padded_one(device: torch.device, emit: Emit) -> None:
    chosen = choose_attention(device, BF16).name
    emit(chosen=chosen, obstacles={name: obstacle(name, device, BF16) for name in IMPLEMENTATIONS})
    assert (chosen == "sdpa") == all(obstacle(name, device, BF16) for name in IMPLEMENTATIONS if name != "sdpa")


@pytest.mark.parametrize("name", list(IMPLEMENTATIONS))
def test_every_attention_equals_plain_attention_in_float32(name: str, device: torch.device, emit: Emit) -> None:
    """Of pages of odd sizes, of new tokens after cached ones, and of a batch against the cache. What they are
    given is rounded already; what is left is bfloat16's 2^-9 of the result, and of weights on the way to it."""
    why_not = obstacle(name, device, BF16)
    if why_not is not None:
        pytest.skip(f"{name} {why_not}")
    for what, error in kernel_errors(name, device):
        emit(what=what, error=error)
        assert error < 8e-3, what


def kernel_errors(name: str, device: torch.device) -> Iterator[tuple[str, float]]:
    how, plain = choose_attention(device, BF16, name), choose_attention(device, torch.float32, "sdpa")
    generator = torch.Generator(device).manual_seed(0)

    def rounded(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, device=device).to(BF16)

    tower = PUBLISHED["3B"].vision
    for grids in (((1, 110, 72),), ((1, 58, 46),), ((1, 2, 2), (1, 86, 122), (1, 30, 34)), ((3, 26, 38), (1, 8, 8))):
        plan = layout(grids, tower, device)
        q, k, v = rounded(len(plan.order) * 4, 3, tower.num_heads, tower.head_dim).unbind(1)
        for kind, segments in (("windows", plan.windows), ("frames", plan.frames)):
            found, expected = how.varlen(q, k, v, segments), plain.varlen(q.float(), k.float(), v.float(), segments)
            yield f"{kind} of {grids}", apart(found, expected)
    for size in ("3B", "7B"):
        text = PUBLISHED[size].text
        heads, shared, width = text.num_attention_heads, text.num_key_value_heads, text.head_dim
        for queries, keys in (((777,), (777,)), ((1, 130, 5), (1, 130, 5)), ((100, 1, 64), (1123, 400, 64))):
            q = rounded(sum(queries), heads, width)
            k, v = rounded(sum(keys), shared, width), rounded(sum(keys), shared, width)
            spans = Spans.of(queries, keys, device)
            found, expected = how.prefill(q, k, v, spans), plain.prefill(q.float(), k.float(), v.float(), spans)
            yield f"{size}: {queries} new of {keys}", apart(found, expected)
        for lengths in ((1,), (2113,), (5, 2200, 1, 640, 1999)):
            q = rounded(len(lengths), heads, width)
            k, v = rounded(len(lengths), 2304, shared, width), rounded(len(lengths), 2304, shared, width)
            places = torch.tensor(lengths, dtype=torch.int32, device=device)
            found = how.decode(q, k, v, places, max(lengths))
            expected = plain.decode(q.float(), k.float(), v.float(), places, max(lengths))
            yield f"{size}: one token after {lengths}", apart(found, expected)


# ------------------------------------------------------------------------- pixels


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ((1532, 1014), (1540, 1008)),
        ((2339, 1654), (1484, 1064)),
        ((300, 200), (700, 476)),
        ((1, 50), (28, 700)),
        ((5000, 40), (2800, 28)),
        ((333, 777), (333, 28)),
        ((640, 480), (640, 480)),
    ],
)
def test_resizing_gives_pillows_pixels(old: tuple[int, int], new: tuple[int, int], device: torch.device) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (*old, 3), dtype=np.uint8)
    expected = np.asarray(Image.fromarray(pixels).resize((new[1], new[0]), Image.Resampling.BICUBIC))
    found = resize_bicubic(torch.from_numpy(pixels).to(device), *new)
    assert found.device.type == device.type
    assert np.array_equal(found.cpu().numpy(), expected)


@pytest.mark.parametrize("size", [(1532, 1014), (421, 650), (3000, 2000), (30, 1000), (9, 9)])
@pytest.mark.parametrize("folded", [False, True])
def test_patches_are_the_same_as_on_the_cpu(size: tuple[int, int], folded: bool, device: torch.device) -> None:
    config = ImageConfig(min_pixels=3136, max_pixels=2048 * 28 * 28)
    pixels = np.random.default_rng(1).integers(0, 256, (*size, 3), dtype=np.uint8)
    expected, grid = preprocess_image(pixels, config=config, folded=folded)
    for picture in (pixels, Image.fromarray(pixels), torch.from_numpy(pixels).to(device)):
        found, found_grid = preprocess_image(picture, config=config, device=device, folded=folded)
        assert found_grid == grid
        assert found.device.type == device.type
        assert torch.equal(found.cpu(), expected)


# ------------------------------------------------------------------------- writing


def small(size: str, layers: int = 4) -> ModelConfig:
    """The published widths with few layers."""
    config = PUBLISHED[size]
    vision = replace(config.vision, depth=4, fullatt_block_indexes=(1, 3))
    return replace(config, vision=vision, text=replace(config.text, num_hidden_layers=layers))


def asked(model: QwenVL) -> list[Request]:
    """Pages of several sizes and text, answers of several lengths, more than there are slots."""
    found = []
    for number, (width, height, new) in enumerate(((650, 422, 40), (300, 500, 12), (28, 28, 64), (1008, 700, 25))):
        shown = page(model.config, width, height, text=5 + number, seed=number)
        patches = shown.patches.to(model.device)
        ways: list[dict[str, Any]] = [{}, {"temperature": 0.7, "seed": number, "forbidden_ids": range(500)}]
        for way in ways:
            request = Request(shown.ids, patches=patches, grid_thw=[shown.grid], max_new_tokens=new, stop_ids=(), **way)
            found.append(request)
    return found


def alone_and_together(model: QwenVL) -> list[tuple[Completion, Completion]]:
    alone = [Generator(model).generate([request])[0] for request in asked(model)]
    together = Generator(model, max_batch=3).generate(asked(model))
    for one, other in zip(alone, together, strict=True):
        assert one.finish == other.finish == "length", (one.error, other.error)
        assert len(one.ids) == len(other.ids)
    return list(zip(alone, together, strict=True))


@pytest.mark.parametrize("size", ["3B", "7B"])
def test_together_as_alone_in_float32(size: str, device: torch.device, emit: Emit) -> None:
    model = random_model(small(size), device, torch.float32)
    worst = 0.0
    for one, other in alone_and_together(model):
        assert one.ids == other.ids
        worst = max(worst, *(abs(a - b) for a, b in zip(one.logprobs, other.logprobs, strict=True)))
    emit(attention=model.attention.name, logprob_difference=worst)
    # Sums of 1e4 products of float32 in another order, through four layers.
    assert worst < 1e-3


@pytest.mark.parametrize("name", list(IMPLEMENTATIONS))
def test_together_as_alone_in_bfloat16(name: str, device: torch.device, emit: Emit) -> None:
    """Until two tokens are as good as equally likely: then rounding may choose, and all that follows differs."""
    why_not = obstacle(name, device, BF16)
    if why_not is not None:
        pytest.skip(f"{name} {why_not}")
    model = random_model(small("3B"), device, BF16)
    model.attention = choose_attention(device, BF16, name)
    same = whole = 0
    worst = 0.0
    for one, other in alone_and_together(model):
        pairs = list(zip(one.ids, other.ids, strict=True))
        until = next((i for i, (a, b) in enumerate(pairs) if a != b), len(pairs))
        same, whole = same + until, whole + len(pairs)
        # Where they part, each is the likelier one by its own account, by no more than rounding.
        shared = zip(one.logprobs[: until + 1], other.logprobs[: until + 1], strict=True)
        worst = max(worst, *(abs(a - b) for a, b in shared))
    emit(attention=name, tokens=whole, same=same, logprob_difference=worst)
    assert worst < 0.25
    assert same > whole / 2


def test_kernels_write_the_same(device: torch.device, emit: Emit) -> None:
    """Every attention there is, on the same prompts, in one type."""
    model = random_model(small("7B"), device, BF16)
    shown = page(model.config, 650, 422)
    logits = {}
    for name in IMPLEMENTATIONS:
        if obstacle(name, device, BF16) is None:
            model.attention = choose_attention(device, BF16, name)
            logits[name] = pass_ours(model, shown).logits
    errors = {name: apart(found, logits["sdpa"]) for name, found in logits.items()}
    emit(errors=errors, agreement={name: agreement(found, logits["sdpa"]) for name, found in logits.items()})
    assert all(error < 0.05 for error in errors.values())


def test_memory_that_does_not_suffice_is_a_sentence(device: torch.device, emit: Emit) -> None:
    """Real exhaustion, of the GPU's own allocator. The next request finds all of it free again."""
    config = small("3B")
    config = replace(config, text=replace(config.text, max_position_embeddings=10**9))
    model = random_model(config, device, BF16)
    generator = Generator(model)
    shown = page(config, 300, 500)
    request = Request(shown.ids, patches=shown.patches, grid_thw=[shown.grid], max_new_tokens=8, stop_ids=())
    (before,) = generator.generate([request])
    free_before = torch.cuda.mem_get_info(device)[0]
    most = 2 * free_before // (2 * 2 * config.text.num_hidden_layers * config.text.num_key_value_heads * 128)
    (found,) = generator.generate([replace(request, max_new_tokens=most)])
    emit(error=found.error)
    assert found.finish == "error"
    assert found.error.startswith("the GPU's memory does not hold")
    (after,) = generator.generate([request])
    assert after.ids == before.ids
    free(device)
    assert math.isclose(torch.cuda.mem_get_info(device)[0], free_before, rel_tol=0.02)


def test_layers_on_two_gpus_write_the_same(device: torch.device, emit: Emit) -> None:
    if torch.cuda.device_count() < 2:
        pytest.skip("there is one GPU")
    model = random_model(small("7B"), device, torch.float32)
    expected = Generator(model, max_batch=3).generate(asked(model))
    other = torch.device("cuda:1")
    for part in (*list(model.language.layers)[2:], model.language.norm, model.lm_head):
        assert part is not None
        part.to(other)
    assert model.head_device == other
    found = Generator(model, max_batch=3).generate(asked(model))
    emit(requests=len(found))
    for one, another in zip(expected, found, strict=True):
        assert one.ids == another.ids


def test_masks_of_a_grammar_are_the_same_on_the_gpu(device: torch.device, tmp_path: Path) -> None:
    """They are worked out on the CPU and sent over in bits, while the GPU is at other work."""
    constraints = pytest.importorskip("docparse.model.constraints", reason="llguidance is not installed")
    small_vocabulary(tmp_path)
    tokenizer = Tokenizer.from_folder(tmp_path)
    end = tokenizer.special_id("<|im_end|>")
    grammars = constraints.Grammars(tokenizer, vocab_size=311, stop_ids=[end])
    constraint = grammars.json_schema({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]})
    matchers = [constraint.matcher() for _ in range(5)]
    busy = torch.randn(4096, 4096, device=device)
    for token in [*tokenizer.encode('{"a": "x €"}'), end]:
        busy = torch.tanh(busy @ busy)
        found = constraints.allowed(matchers, 311, device)
        expected = constraints.allowed(matchers, 311, torch.device("cpu"))
        assert found.device == device
        assert torch.equal(found.cpu(), expected)
        assert bool(expected[0, token])
        for matcher in matchers:
            matcher.take(token)
    assert bool(busy.isfinite().all())
