"""The generator: many requests at once, each written token by token.

Its face is ``submit(request) -> handle``; how the work is done behind it may change. Now it is this.
Sequences that are being written hold the first slots of one cache. A step prefills the next waiting
request if a slot is free, and then decodes one token for every sequence. When one ends, the last moves
into its slot and the next request is let in: short answers never wait for long ones.

There is no thread of its own. Whoever waits for a result does the next step for all; if somebody else is
at it already, it waits for that. It knows ids and patches only, no text.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from docparse.model.cache import KVCache
from docparse.model.errors import RequestError
from docparse.model.language import Decode, Prefill
from docparse.model.memory import advise, weight_bytes
from docparse.model.qwen_vl import QwenVL
from docparse.model.requests import Completion, Finish, Request, Token
from docparse.model.sampling import Sampler

ROUND = 256
"""Tokens by which the cache grows: its size then seldom changes."""


class Handle:
    """A request under way. Iterating yields its tokens as they come; ``result`` waits for all."""

    def __init__(self, generator: Generator, prompt_tokens: int) -> None:
        self._generator = generator
        self._prompt_tokens = prompt_tokens
        self._tokens: list[Token] = []
        self._finish: Finish | None = None
        self._error = ""
        self.cancelled = False

    @property
    def done(self) -> bool:
        return self._finish is not None

    def cancel(self) -> None:
        """End it before its next token; what is there stays."""
        self.cancelled = True

    def result(self) -> Completion:
        """The completion, once it is whole."""
        while self._finish is None:
            self._generator.advance()
        return self.so_far()

    def so_far(self) -> Completion:
        """What is there now; ``finish`` is ``cancelled`` where it is not whole."""
        tokens = tuple(self._tokens)
        finish = self._finish or "cancelled"
        ids, logprobs = tuple(t.id for t in tokens), tuple(t.logprob for t in tokens)
        return Completion(ids, logprobs, finish, self._error, self._prompt_tokens)

    def __iter__(self) -> Iterator[Token]:
        told = 0
        while True:
            over = self._finish is not None  # asked first: what comes before the end is then there
            while told < len(self._tokens):
                yield self._tokens[told]
                told += 1
            if over:
                return
            self._generator.advance()

    def _end(self, finish: Finish, error: str = "") -> None:
        self._error = error
        self._finish = finish


class _Sequence:
    """A request with what is needed to go on with it. ``length``: tokens that are in the cache."""

    def __init__(self, request: Request, handle: Handle, model: QwenVL) -> None:
        config = model.config
        ids = torch.as_tensor(request.input_ids, dtype=torch.int64).flatten()
        if not len(ids):
            raise RequestError("the prompt is empty.")
        if int(ids.min()) < 0 or int(ids.max()) >= config.text.vocab_size:
            raise RequestError(f"the prompt has ids outside of the vocabulary of {config.text.vocab_size}.")
        self.request, self.handle, self.ids = request, handle, ids
        self.capacity = len(ids) + request.max_new_tokens
        most = config.text.max_position_embeddings
        if self.capacity > most:
            raise RequestError(
                f"the prompt has {len(ids)} tokens; with {request.max_new_tokens} new ones that is more than"
                f" the model's {most}. Give it fewer pixels, or ask for less."
            )
        self.positions, self.delta = model.positions(
            ids,
            grid_thw=request.grid_thw,
            video_grid_thw=request.video_grid_thw,
            second_per_grid_ts=request.second_per_grid_ts,
        )
        stop = config.generation.eos_token_ids if request.stop_ids is None else request.stop_ids
        self.stop = frozenset(stop)
        sampling = request.sampling(config.generation.repetition_penalty)
        self.forbidden = _mask(request.forbidden_ids, model)
        plain = sampling.plain and self.forbidden is None
        self.sampler = None if plain else Sampler(sampling, ids, config.text.vocab_size, model.device)
        self.length = 0
        self.last = 0

    def take(self, token: Token) -> None:
        """The next token is known: note it, tell it, and see whether it was the last."""
        handle = self.handle
        if not math.isfinite(token.logprob):
            handle._end("error", "the model computed values that are no numbers; load it as bfloat16 or float32.")
            return
        handle._tokens.append(token)
        self.last = token.id
        if self.request.on_token is not None:
            try:
                self.request.on_token(token)
            except Exception as error:  # noqa: BLE001  (a listener's mistake must not cost the others)
                handle._end("error", f"on_token failed ({type(error).__name__}: {error}).")
                return
        if token.id in self.stop:
            handle._end("stop")
        elif len(handle._tokens) >= self.request.max_new_tokens:
            handle._end("length")


def _mask(ids: Iterable[int], model: QwenVL) -> Tensor | None:
    rows = [i for i in ids if 0 <= i < model.config.text.vocab_size]
    if not rows:
        return None
    mask = torch.zeros(model.config.text.vocab_size, dtype=torch.bool)
    mask[rows] = True
    return mask.to(model.device)


class Generator:
    """Continues requests, up to ``max_batch`` of them at a time."""

    def __init__(self, model: QwenVL, *, max_batch: int = 8) -> None:
        if max_batch < 1:
            raise RequestError(f"max_batch is at least 1, not {max_batch}.")
        self.model = model
        self.max_batch = max_batch
        self._waiting: deque[_Sequence] = deque()
        self._active: list[_Sequence] = []  # the sequence in slot i is the i-th
        self._cache: KVCache | None = None
        self._stepping = threading.Lock()
        self._changed = threading.Condition()

    def submit(self, request: Request) -> Handle:
        """Take a request in. Raises ``RequestError`` where it means nothing; all else is in its completion."""
        length = len(torch.as_tensor(request.input_ids).flatten())
        sequence = _Sequence(request, Handle(self, length), self.model)
        self._waiting.append(sequence)
        return sequence.handle

    def generate(self, requests: Iterable[Request]) -> list[Completion]:
        """All of them, in their order."""
        handles = [self.submit(request) for request in requests]
        return [handle.result() for handle in handles]

    def advance(self) -> None:
        """Do a step, or wait for the one that another thread is doing."""
        if self._stepping.acquire(blocking=False):
            try:
                self.step()
            finally:
                self._stepping.release()
                with self._changed:
                    self._changed.notify_all()
        else:
            with self._changed:
                self._changed.wait(timeout=0.05)

    @torch.inference_mode()
    def step(self) -> None:
        """Let the next request in, if there is room, and write one token of every sequence."""
        self._leave()
        if self._waiting and len(self._active) < self.max_batch:
            self._enter(self._waiting.popleft())
            self._leave()
        if self._active:
            try:
                self._decode()
            except torch.OutOfMemoryError:
                self._fail_all(self._too_large(self._active[-1], pages=len(self._active)))
            except Exception as error:
                self._fail_all(f"the model failed ({type(error).__name__}: {error}).")
                raise
        self._leave()

    def _leave(self) -> None:
        """Free the slots of those that have ended, and fill the gaps from the end."""
        for sequence in (*self._active, *self._waiting):
            if sequence.handle.cancelled and not sequence.handle.done:
                sequence.handle._end("cancelled")
        self._waiting = deque(s for s in self._waiting if not s.handle.done)
        slot = 0
        while slot < len(self._active):
            if not self._active[slot].handle.done:
                slot += 1
                continue
            last = self._active.pop()
            if slot < len(self._active):
                assert self._cache is not None
                self._cache.move(len(self._active), slot, last.length)
                self._active[slot] = last

    def _enter(self, sequence: _Sequence) -> None:
        """Prefill a sequence into the next free slot, and choose its first token."""
        try:
            logits = self._prefill(sequence)
        except torch.OutOfMemoryError:
            if self._active:  # the others will give memory back
                self._waiting.appendleft(sequence)
                return
            self._cache = None
            sequence.handle._end("error", self._too_large(sequence))
            return
        except Exception as error:
            sequence.handle._end("error", f"the model failed ({type(error).__name__}: {error}).")
            raise
        self._active.append(sequence)
        self._choose([sequence], logits)

    def _prefill(self, sequence: _Sequence) -> Tensor:
        request, ids, slot = sequence.request, sequence.ids, len(self._active)
        model = self.model
        capacity = -(-sequence.capacity // ROUND) * ROUND
        slots = min(self.max_batch, slot + 1 + len(self._waiting))
        if self._cache is None:
            self._cache = model.new_cache(slots=slots, capacity=capacity)
        self._cache.grow(slots=slots, capacity=capacity)
        vectors = model.embed(
            ids,
            patches=request.patches,
            grid_thw=request.grid_thw,
            video_patches=request.video_patches,
            video_grid_thw=request.video_grid_thw,
        )
        step = Prefill.of([len(ids)], model.device, slots=[slot])
        hidden = model.language(vectors, sequence.positions.to(model.device), step, model.attention, self._cache)
        sequence.length = len(ids)
        return model.head(hidden[-1:])

    def _decode(self) -> None:
        model, active = self.model, self._active
        for sequence in active:
            sequence.length += 1  # its last token joins the cache in this step
        lengths = [sequence.length for sequence in active]
        step = Decode(torch.tensor(lengths, dtype=torch.int32, device=model.device), max(lengths))
        ids = torch.tensor([sequence.last for sequence in active], device=model.device)
        places = torch.tensor([sequence.length - 1 + sequence.delta for sequence in active], device=model.device)
        hidden = model.language(
            model.language.embed_tokens(ids), places.expand(3, -1), step, model.attention, self._cache
        )
        self._choose(active, model.head(hidden))

    def _choose(self, sequences: list[_Sequence], logits: Tensor) -> None:
        """The next token of each sequence from its row of logits [B, V]."""
        chosen = logits.argmax(-1)
        for row, sequence in enumerate(sequences):
            if sequence.sampler is not None:
                chosen[row] = sequence.sampler.choose(logits[row], sequence.forbidden)
        logprobs = logits.gather(1, chosen[:, None]).squeeze(1) - logits.logsumexp(-1)
        both = torch.stack((chosen.double(), logprobs.double()))  # sync: the only one of a step
        for sequence, token, logprob in zip(list(sequences), *both.tolist(), strict=True):
            sequence.take(Token(int(token), logprob))

    def _fail_all(self, why: str) -> None:
        for sequence in self._active:
            sequence.handle._end("error", why)
        self._active.clear()
        self._cache = None

    def _too_large(self, sequence: _Sequence, *, pages: int = 1) -> str:
        """What to say of a request for which the GPU has not enough memory."""
        model = self.model
        torch.cuda.empty_cache()
        free = torch.cuda.mem_get_info(model.device)[0] + weight_bytes(model.config, model.dtype.itemsize)
        prompt = len(sequence.ids)
        fits = advise(
            model.config,
            free,
            dtype_bytes=model.dtype.itemsize,
            batch=pages,
            page_tokens=prompt,
            answer_tokens=sequence.request.max_new_tokens,
        )
        return f"the GPU's memory does not hold {prompt} tokens and their answer: {fits}"
