"""The choice of a token: against transformers' processors, and against the probabilities it is to follow."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import (
    LogitsProcessorList,
    RepetitionPenaltyLogitsProcessor,
    SuppressTokensLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from docparse.model.errors import RequestError
from docparse.model.requests import Request
from docparse.model.sampling import Sampler, Sampling, nucleus

CPU = torch.device("cpu")
VOCAB = 300


def random_logits(seed: int, vocab: int = VOCAB) -> Tensor:
    return 3 * torch.randn(vocab, generator=torch.Generator().manual_seed(seed))


def sampler(vocab: int = VOCAB, prompt: tuple[int, ...] = (), **how: Any) -> Sampler:
    return Sampler(Sampling(**how), torch.tensor(prompt, dtype=torch.int64), vocab, CPU)


def mask(ids: list[int], vocab: int = VOCAB) -> Tensor:
    found = torch.zeros(vocab, dtype=torch.bool)
    found[ids] = True
    return found


def assert_same_choice(found: Tensor, expected: Tensor) -> None:
    """The same tokens are left, with the same probabilities; a constant may be added to all logits."""
    assert torch.equal(found.isneginf(), expected.isneginf())
    # Two float32 softmaxes of the same numbers, less their largest or not: a few units in the last place.
    torch.testing.assert_close(found.softmax(0), expected.softmax(0), rtol=2e-6, atol=1e-9)


# ------------------------------------------------------------------------- against transformers


@pytest.mark.parametrize("top_k", [1, 2, 20, VOCAB - 1, VOCAB, 10 * VOCAB])
def test_top_k_equals_transformers(top_k: int) -> None:
    for seed in range(20):
        logits = random_logits(seed)
        expected = TopKLogitsWarper(top_k)(torch.zeros(1, 1), logits[None])[0]
        assert torch.equal(nucleus(logits, top_k=top_k, top_p=1.0), expected)


@pytest.mark.parametrize("top_p", [1e-9, 0.1, 0.5, 0.8, 0.95, 0.999])
def test_top_p_equals_transformers(top_p: float) -> None:
    for seed in range(20):
        logits = random_logits(seed)
        expected = TopPLogitsWarper(top_p)(torch.zeros(1, 1), logits[None])[0]
        assert torch.equal(nucleus(logits, top_k=0, top_p=top_p), expected)


def test_equal_logits_at_the_edge_all_stay_as_in_transformers() -> None:
    logits = torch.tensor([1.0, 3.0, 2.0, 2.0, 0.0])
    expected = TopKLogitsWarper(2)(torch.zeros(1, 1), logits[None])[0]
    found = nucleus(logits, top_k=2, top_p=1.0)
    assert torch.equal(found, expected)
    assert found.isfinite().tolist() == [False, True, True, True, False]


WAYS: dict[str, dict[str, Any]] = {
    "temperature": {"temperature": 0.7},
    "hot": {"temperature": 5.0},
    "published": {"temperature": 1e-6, "repetition_penalty": 1.05},
    "penalty": {"temperature": 1.0, "repetition_penalty": 1.3},
    "reward": {"temperature": 1.0, "repetition_penalty": 0.8},
    "all": {"temperature": 0.9, "repetition_penalty": 1.2, "top_k": 40, "top_p": 0.8},
}


@pytest.mark.parametrize("way", WAYS.values(), ids=list(WAYS))
@pytest.mark.parametrize("forbidden", [[], [3, 4, 299]], ids=["all allowed", "some forbidden"])
def test_scores_equal_transformers_step_after_step(way: dict[str, Any], forbidden: list[int]) -> None:
    """The processors as ``generate`` lists them; what was chosen joins what is penalised."""
    processors = LogitsProcessorList()
    if "repetition_penalty" in way:
        processors.append(RepetitionPenaltyLogitsProcessor(way["repetition_penalty"]))
    if forbidden:
        processors.append(SuppressTokensLogitsProcessor(forbidden))
    processors.append(TemperatureLogitsWarper(way["temperature"]))
    if "top_k" in way:
        processors.append(TopKLogitsWarper(way["top_k"]))
    if "top_p" in way:
        processors.append(TopPLogitsWarper(way["top_p"]))
    ids = [7, 7, 12, 250]
    ours = sampler(prompt=tuple(ids), seed=1, **way)
    not_allowed = mask(forbidden) if forbidden else None
    for step in range(30):
        logits = random_logits(step)
        expected = processors(torch.tensor([ids]), logits[None].clone())[0]
        assert_same_choice(ours.scores(logits, not_allowed), expected)
        ids.append(int(ours.choose(logits, not_allowed)))


@pytest.mark.parametrize("penalty", [1.0, 1.05, 2.0, 0.5])
def test_greedy_equals_transformers_step_after_step(penalty: float) -> None:
    ids = [1, 2, 3]
    ours = sampler(prompt=tuple(ids), repetition_penalty=penalty)
    for step in range(50):
        logits = random_logits(step % 7)  # what was likely once is likely again
        reference = RepetitionPenaltyLogitsProcessor(penalty)(torch.tensor([ids]), logits[None].clone())[0]
        assert torch.equal(ours.scores(logits, None), reference)
        ids.append(int(ours.choose(logits, None)))
        assert ids[-1] == int(reference.argmax())


def test_logits_are_left_as_they_were() -> None:
    logits = random_logits(0)
    before = logits.clone()
    sampler(prompt=(1, 2), temperature=0.5, repetition_penalty=2.0, top_k=5, top_p=0.5).choose(logits, mask([0]))
    assert torch.equal(logits, before)


# ------------------------------------------------------------------------- the draw


def chi_square(counts: Tensor, probabilities: Tensor) -> float:
    """How many standard deviations the counts are from the probabilities, by Wilson and Hilferty's rule.
    Tokens expected fewer than five times count as one."""
    expected = probabilities.double() * counts.sum()
    rare = expected < 5
    groups = torch.cat((expected[~rare], expected[rare].sum()[None]))
    seen = torch.cat((counts[~rare].double(), counts[rare].sum().double()[None]))
    groups, seen = groups[groups > 0], seen[groups > 0]
    freedom = len(groups) - 1
    value = float(((seen - groups) ** 2 / groups).sum())
    spread = 2 / (9 * freedom)
    return float(((value / freedom) ** (1 / 3) - (1 - spread)) / spread**0.5)


@pytest.mark.parametrize(
    "way",
    [{"temperature": 1.0}, {"temperature": 0.6}, {"temperature": 2.0, "top_k": 12}, {"temperature": 1.0, "top_p": 0.8}],
    ids=["plain", "cool", "top-k", "top-p"],
)
def test_tokens_come_as_often_as_is_probable(way: dict[str, Any]) -> None:
    logits = random_logits(0, 40)
    ours = sampler(40, seed=5, **way)
    probabilities = ours.scores(logits, None).double().softmax(0)
    counts = torch.stack([ours.choose(logits, None) for _ in range(5000)]).bincount(minlength=40)
    assert not counts[probabilities == 0].any()
    assert abs(chi_square(counts, probabilities)) < 3.3  # beyond that, one fair draw in a thousand


def test_the_test_of_frequencies_sees_a_wrong_temperature() -> None:
    logits = random_logits(0, 40)
    ours = sampler(40, seed=5, temperature=1.1)
    counts = torch.stack([ours.choose(logits, None) for _ in range(5000)]).bincount(minlength=40)
    assert chi_square(counts, logits.double().softmax(0)) > 5


def draws(seed: int | None, count: int = 20) -> list[int]:
    ours = sampler(temperature=1.5, seed=seed)
    return [int(ours.choose(random_logits(step), None)) for step in range(count)]


def test_a_seed_gives_the_same_tokens_again() -> None:
    assert draws(7) == draws(7)
    assert draws(7) != draws(8)
    assert draws(-1) == draws(-1)


def test_without_a_seed_every_time_others() -> None:
    assert draws(None) != draws(None)


def test_a_sampler_leaves_torchs_own_random_numbers_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(3)
    torch.manual_seed(3)
    draws(1)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("temperature", [0.0, 1.0, 100.0, 1e9])
def test_forbidden_tokens_never_come(temperature: float) -> None:
    allowed = {5, 17, 200}
    forbidden = ~mask(sorted(allowed))
    ours = sampler(temperature=temperature, seed=0)
    found = {int(ours.choose(random_logits(step), forbidden)) for step in range(200)}
    assert found <= allowed
    assert len(found) > 1


@pytest.mark.parametrize("temperature", [1e-6, 1e-30, 1e-45, 1e-300])
def test_a_temperature_next_to_nought_is_greedy(temperature: float) -> None:
    """The published generation configuration has 1e-6."""
    ours = sampler(temperature=temperature, seed=0)
    for step in range(50):
        logits = random_logits(step)
        assert int(ours.choose(logits, None)) == int(logits.argmax())


@pytest.mark.parametrize("how", [{"top_k": 1}, {"top_p": 1e-9}])
def test_the_likeliest_alone_is_greedy(how: dict[str, Any]) -> None:
    ours = sampler(temperature=3.0, seed=0, **how)
    for step in range(50):
        logits = random_logits(step)
        assert int(ours.choose(logits, None)) == int(logits.argmax())


@pytest.mark.parametrize("temperature", [0.0, 1.0])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_logits_that_are_no_numbers_choose_something_and_raise_nothing(temperature: float, value: float) -> None:
    """What became of it is told by its probability, to the one sequence that it is about."""
    logits = torch.full((VOCAB,), value)
    ours = sampler(prompt=(1,), temperature=temperature, seed=0, top_k=5, top_p=0.5, repetition_penalty=1.1)
    assert 0 <= int(ours.choose(logits, mask([1]))) < VOCAB


# ------------------------------------------------------------------------- what can be asked


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"temperature": -0.1}, "temperature and top_k are 0 or more"),
        ({"temperature": math.nan}, "temperature and top_k are 0 or more"),
        ({"temperature": math.inf}, "temperature and top_k are 0 or more"),
        ({"top_k": -1}, "temperature and top_k are 0 or more"),
        ({"top_p": 0.0}, "top_p is above 0 and at most 1"),
        ({"top_p": 1.5}, "top_p is above 0 and at most 1"),
        ({"repetition_penalty": 0.0}, "repetition_penalty is above 0"),
        ({"repetition_penalty": -1.0}, "repetition_penalty is above 0"),
        ({"repetition_penalty": math.inf}, "repetition_penalty is above 0"),
        ({"max_new_tokens": 0}, "max_new_tokens is at least 1, not 0"),
        ({"seed": 2**64}, "a seed is a number of 64 bits"),
        ({"seed": -(2**63) - 1}, "a seed is a number of 64 bits"),
    ],
)
def test_values_that_mean_nothing_are_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(RequestError, match=says):
        Request([1], **change).sampling(1.0)


def test_the_penalty_is_the_checkpoints_unless_said() -> None:
    assert Request([1]).sampling(1.05).repetition_penalty == 1.05
    assert Request([1], repetition_penalty=1.0).sampling(1.05).repetition_penalty == 1.0
    assert Request([1], seed=2**64 - 1).sampling(1.0).plain
    assert not Request([1]).sampling(1.05).plain
    assert not Request([1], temperature=0.1).sampling(1.0).plain
