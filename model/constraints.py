"""Answers that cannot be anything but text of a JSON Schema, or of a grammar: which tokens may come next.

    grammars = Grammars(tokenizer, vocab_size=config.text.vocab_size, stop_ids=stop)
    Request(ids, constraint=grammars.json_schema(schema), stop_ids=stop)

The automata are llguidance's; they work on bytes, so that every way of cutting a text into tokens is allowed, and
a character may be written in parts. What is ours is the border to the vocabulary. Reported probabilities stay the
model's own: where a grammar leaves one token, a probability among what it leaves is 1, and would say that the model
is sure of what it was made to write. What this file is not: choosing (``sampling``), and it closes nothing that an
answer of too few tokens leaves open: the end of a text that was cut off would look like the end of a value.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from llguidance import LLMatcher, LLParserLimits, LLTokenizer, TokenizerWrapper
from torch import Tensor

from docparse.model.errors import ModelError, RequestError
from docparse.model.tokenizer import Tokenizer

WHITESPACE = r" |\n {0,16}"
"""Between the parts of JSON: as the models write it, in one line or indented. More would let an answer run on blank."""
KEPT = 16
"""Compiled grammars that are kept: one takes milliseconds to seconds."""


class Grammars:
    """Compiles schemas and grammars for one tokenizer.

    ``vocab_size``: rows of the model's logits. ``stop_ids``: those that may end an answer that is complete.
    The first one that is compiled takes the time of reading the vocabulary, 2 s for the real one.
    """

    def __init__(self, tokenizer: Tokenizer, *, vocab_size: int, stop_ids: Iterable[int]) -> None:
        self._tokenizer = tokenizer
        self._vocab_size = vocab_size
        self._stop = tuple(sorted(stop_ids))
        self._vocabulary: LLTokenizer | None = None
        self._compiled: OrderedDict[str, LLMatcher] = OrderedDict()
        self._lock = threading.Lock()
        if not self._stop:
            raise RequestError("an answer that keeps to a grammar needs an id to end with.")

    def json_schema(self, schema: Mapping[str, Any], *, reply: str = "") -> Constraint:
        """JSON that is valid against ``schema``; members of objects come in the schema's order.

        ``reply``: how the answer begins already, which counts. Raises ``RequestError`` for a schema that cannot be
        kept to, with what in it, and for a ``reply`` that does not begin such a text.
        """
        try:
            text = json.dumps(schema, allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise RequestError(f"the schema is no JSON ({error}).") from error
        grammar = LLMatcher.grammar_from_json_schema(text, overrides={"whitespace_pattern": WHITESPACE})
        return self._begun(grammar, "the schema", reply)

    def lark(self, grammar: str, *, reply: str = "") -> Constraint:
        """Text of a grammar in llguidance's dialect of Lark. Raises as ``json_schema`` does."""
        return self._begun(LLMatcher.grammar_from_lark(grammar), "the grammar", reply)

    def _begun(self, grammar: str, what: str, reply: str) -> Constraint:
        with self._lock:
            matcher = self._compiled.get(grammar) or self._compile(grammar, what)
            self._compiled[grammar] = matcher
            self._compiled.move_to_end(grammar)
            if len(self._compiled) > KEPT:
                self._compiled.popitem(last=False)
            matcher = matcher.deep_copy()
        begun = self._tokenizer.encode(reply)
        if matcher.try_consume_tokens(begun) < len(begun) or matcher.is_error():
            raise RequestError(f"{what} allows no answer that begins with {reply[:80]!r}.")
        return Constraint(matcher, self._stop, self._vocab_size)

    def _compile(self, grammar: str, what: str) -> LLMatcher:
        if self._vocabulary is None:
            words = TokenizerWrapper(_Words(self._tokenizer, self._vocab_size, self._stop))
            self._vocabulary = LLTokenizer(words, n_vocab=self._vocab_size, eos_token=list(self._stop))
        matcher = LLMatcher(self._vocabulary, grammar, log_level=0, limits=LLParserLimits(verbose_errors=False))
        if matcher.is_error():
            raise RequestError(f"{what} cannot be kept to: {_said(matcher)}.")
        return matcher


@dataclass(frozen=True, slots=True)
class Constraint:
    """What an answer must be, as a request has it. One may be that of many requests: each has its own ``Matcher``."""

    _start: LLMatcher = field(repr=False)
    stop_ids: tuple[int, ...]
    vocab_size: int

    def matcher(self) -> Matcher:
        return Matcher(self._start.deep_copy())


class Matcher:
    """How far one answer has come."""

    def __init__(self, matcher: LLMatcher) -> None:
        self._matcher = matcher

    def fill(self, words: Tensor) -> None:
        """The ids that may come next, as bits of ``words`` [V/32] int32 on the CPU, the lowest bit first.

        Ids that end an answer are among them where it is complete. None is where the matcher has failed.
        """
        assert words.is_contiguous()
        if self._matcher.is_error():
            words.zero_()
            return
        self._matcher.unsafe_compute_mask_ptr(words.data_ptr(), words.numel() * words.element_size())
        if self._matcher.is_error():
            words.zero_()

    def take(self, token: int) -> None:
        """Go on with a token. Raises ``ModelError`` where it may not be."""
        if not self._matcher.consume_token(token):
            raise ModelError(
                f"no token goes on with an answer that keeps to what was asked for ({_said(self._matcher)})."
            )


def allowed(matchers: Sequence[Matcher], vocab_size: int, device: torch.device) -> Tensor:
    """[B, V] bool on ``device``: what may come next in each answer.

    It is worked out on the CPU, while a GPU is still at the logits that it is for.
    """
    on_gpu = device.type == "cuda"
    words = torch.zeros(len(matchers), -(-vocab_size // 32), dtype=torch.int32, pin_memory=on_gpu)
    for row, matcher in enumerate(matchers):
        matcher.fill(words[row])
    bits = torch.arange(32, dtype=torch.int32, device=device)
    spread = words.to(device, non_blocking=on_gpu)[:, :, None] >> bits & 1
    return spread.flatten(1)[:, :vocab_size].bool()


class _Words:
    """A tokenizer as llguidance asks for one: the bytes of each id, and which ids are no text.

    Ids that are no text, and padding rows, have no bytes; no grammar of ours names them.
    """

    def __init__(self, tokenizer: Tokenizer, vocab_size: int, stop_ids: Sequence[int]) -> None:
        self._tokenizer = tokenizer
        self.eos_token_id = stop_ids[0]
        self.bos_token_id = None
        self.special_token_ids = list(tokenizer.control_ids)
        self.tokens = [tokenizer.bytes_of(i) for i in range(vocab_size)]

    def __call__(self, data: bytes | str) -> list[int]:
        text = data.decode("utf-8", "replace") if isinstance(data, bytes) else data
        return self._tokenizer.encode(text)


def _said(matcher: LLMatcher) -> str:
    """What llguidance says, in one line."""
    return " ".join(matcher.get_error().split())[:300].rstrip(".") or "it has ended"
