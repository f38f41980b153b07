"""What is asked of the generator, and what it answers: token ids and patches in, ids and log-probabilities out."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

from torch import Tensor

from docparse.model.errors import RequestError
from docparse.model.positions import Grids, Seconds
from docparse.model.sampling import Sampling

if TYPE_CHECKING:
    from docparse.model.constraints import Constraint

Finish = Literal["stop", "length", "cancelled", "error"]


class Token(NamedTuple):
    """A token and the natural logarithm of the probability that the model itself gave it."""

    id: int
    logprob: float


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """One sequence to be continued.

    input_ids           the prompt, with a placeholder for every token of a picture or video
    patches, grid_thw   of its pictures, in order; of its videos ``video_patches`` and ``video_grid_thw``,
                        with ``second_per_grid_ts`` seconds from frame group to frame group of each
    max_new_tokens      where it ends at the latest
    stop_ids            ids that end it; None: those of the checkpoint
    forbidden_ids       ids that are never chosen
    constraint          what the answer must be, see ``constraints``; one of its ids to end with is in ``stop_ids``
    temperature, top_k, top_p, seed
                        see ``Sampling``; greedy unless asked otherwise
    repetition_penalty  None: that of the checkpoint, as transformers' ``generate`` does; 1 is none
    on_token            called with each ``Token`` as soon as it is known, from the thread that computes; it may
                        submit and cancel, but not wait for a result
    """

    input_ids: Sequence[int] | Tensor
    patches: Tensor | None = None
    grid_thw: Grids | None = None
    video_patches: Tensor | None = None
    video_grid_thw: Grids | None = None
    second_per_grid_ts: Seconds | None = None
    max_new_tokens: int = 1024
    stop_ids: Sequence[int] | None = None
    forbidden_ids: Sequence[int] = ()
    constraint: Constraint | None = None
    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    seed: int | None = None
    repetition_penalty: float | None = None
    on_token: Callable[[Token], None] | None = field(default=None, repr=False)

    def sampling(self, default_penalty: float) -> Sampling:
        """The way of choosing. Raises ``RequestError`` for values that mean nothing."""
        penalty = default_penalty if self.repetition_penalty is None else self.repetition_penalty
        if self.max_new_tokens < 1:
            raise RequestError(f"max_new_tokens is at least 1, not {self.max_new_tokens}.")
        finite = 0 <= self.temperature < math.inf and 0 < penalty < math.inf
        if not (finite and self.top_k >= 0 and 0 < self.top_p <= 1):
            raise RequestError(
                "temperature and top_k are 0 or more, top_p is above 0 and at most 1, repetition_penalty is above 0."
            )
        if self.seed is not None and not -(2**63) <= self.seed < 2**64:
            raise RequestError(f"a seed is a number of 64 bits, not {self.seed}.")
        return Sampling(self.temperature, self.top_k, self.top_p, penalty, self.seed)


@dataclass(frozen=True, slots=True)
class Completion:
    """What the model wrote.

    ids, logprobs   as long as each other; a stop id, if it ended with one, is the last
    finish          ``stop``, ``length`` (the limit was reached), ``cancelled``, or ``error``
    error           a sentence, where ``finish`` says so
    prompt_tokens   how many it read
    """

    ids: tuple[int, ...]
    logprobs: tuple[float, ...]
    finish: Finish
    error: str = ""
    prompt_tokens: int = 0
