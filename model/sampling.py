"""From logits to the next token.

Shapes: V rows of the vocabulary. A row of logits goes, in this order, through the repetition penalty, the
ids that must not be, the temperature, the k most likely, and the most likely that together have
probability p; transformers' order. Probabilities that are reported are the model's own, before any of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a token is chosen. ``temperature`` 0 is greedy; ``top_k`` 0 and ``top_p`` 1 leave all in.

    ``repetition_penalty``: logits of tokens that were seen, in the prompt or since, are divided by it
    where positive and multiplied where negative. 1 leaves them: a document repeats itself rightly.
    """

    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    repetition_penalty: float = 1.0
    seed: int | None = None

    @property
    def plain(self) -> bool:
        """Whether the likeliest token of untouched logits is the one."""
        return self.temperature == 0 and self.repetition_penalty == 1


class Sampler:
    """Chooses the tokens of one sequence; remembers what it has seen where a penalty wants to know."""

    def __init__(self, sampling: Sampling, prompt: Tensor, vocab_size: int, device: torch.device) -> None:
        self._how = sampling
        self._seen: Tensor | None = None
        if sampling.repetition_penalty != 1:
            self._seen = torch.zeros(vocab_size, dtype=torch.bool, device=device)
            self._seen[prompt.to(device)] = True
        self._random: torch.Generator | None = None
        if sampling.temperature > 0:
            self._random = torch.Generator(device)
            if sampling.seed is not None:
                self._random.manual_seed(sampling.seed)
            else:
                self._random.seed()

    def choose(self, logits: Tensor, forbidden: Tensor | None) -> Tensor:
        """The next token [] of logits [V]. ``forbidden``: [V], true where a token must not be."""
        scores = self.scores(logits, forbidden)
        if self._random is not None:
            # The same draw as by torch.multinomial, which however raises for NaN, and on a GPU ends the process:
            # one sequence that came to harm must not cost the others.
            noise = torch.empty_like(scores).exponential_(generator=self._random)
            scores = scores.softmax(0) / noise
        token = scores.argmax()
        if self._seen is not None:
            self._seen[token] = True
        return token

    def scores(self, logits: Tensor, forbidden: Tensor | None) -> Tensor:
        """The logits that the choice is made from, minus infinity for what cannot be chosen."""
        how = self._how
        if self._seen is not None:
            punished = torch.where(logits < 0, logits * how.repetition_penalty, logits / how.repetition_penalty)
            logits = torch.where(self._seen, punished, logits)
        if forbidden is not None:
            logits = logits.masked_fill(forbidden, -torch.inf)
        if self._random is None:
            return logits
        # From the largest, which stays nought: divided by very little the others are minus infinity, never NaN.
        below = logits - logits.max()
        temperature = max(how.temperature, torch.finfo(logits.dtype).tiny)
        return nucleus(below / temperature, top_k=how.top_k, top_p=how.top_p)


def nucleus(logits: Tensor, *, top_k: int, top_p: float) -> Tensor:
    """Logits [V] with all but the ``top_k`` likeliest, and of those all but the likeliest that together
    reach ``top_p``, at minus infinity. At least one stays."""
    if 0 < top_k < len(logits):
        logits = logits.masked_fill(logits < logits.topk(top_k).values[-1], -torch.inf)
    if top_p < 1:
        ordered, places = logits.sort(descending=True)
        before = ordered.softmax(0).cumsum(0) - ordered.softmax(0)  # probability of all that are likelier
        outside = before >= top_p
        outside[0] = False
        logits = logits.masked_fill(torch.zeros_like(outside).scatter(0, places, outside), -torch.inf)
    return logits
