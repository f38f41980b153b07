"""Log-probabilities of tokens as confidences of characters. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Sequence

Confidence = tuple[int, int, float]
"""Start, end and probability of some characters."""


def confidences(spans: Sequence[tuple[int, int]], logprobs: Sequence[float]) -> tuple[Confidence, ...]:
    """Probabilities by character span, side by side. A character of several tokens is as sure as the least of them.

    spans     characters of each token, in order; neighbours may share one
    logprobs  natural logarithms
    """
    found: list[Confidence] = []
    for (start, end), logprob in zip(spans, logprobs, strict=True):
        probability = min(math.exp(logprob), 1.0)
        if found and start < found[-1][1]:  # it goes on with a character that another token began
            first, last, before = found.pop()
            if first < last - 1:
                found.append((first, last - 1, before))
            found.append((last - 1, last, min(before, probability)))
            start = last
        if start < end:
            found.append((start, end, probability))
    return tuple(found)


def of_bytes(text: str, tokens: Sequence[tuple[bytes, float]]) -> tuple[Confidence, ...]:
    """Confidences of ``text`` from (bytes, logprob) of the tokens that it was decoded from.

    Tokens that are not in the text are left out: ends of turns, marks that were not decoded. Empty where the
    tokens do not make up the whole text: a wrong confidence is worse than none.
    """
    data = text.encode("utf-8", "surrogatepass")
    spans: list[tuple[int, int]] = []
    logprobs: list[float] = []
    character = _characters(text, data)
    at = 0
    for token, logprob in tokens:
        if not token or not data.startswith(token, at):
            continue
        end = at + len(token)
        spans.append((character[at], character[end - 1] + 1))
        logprobs.append(logprob)
        at = end
    return confidences(spans, logprobs) if at == len(data) else ()


def _characters(text: str, data: bytes) -> Sequence[int]:
    """For each byte of ``data`` the character of ``text`` that it is of."""
    if len(text) == len(data):
        return range(len(text))
    found: list[int] = []
    for number, letter in enumerate(text):
        found += [number] * len(letter.encode("utf-8", "surrogatepass"))
    return found
