"""The generator: many requests at once, each written token by token.

Its face is ``submit(request) -> handle``; how the work is done behind it may change. Now it is this.
Sequences that are being written hold the first slots of one cache. A step prefills the next waiting
request if a slot is free, and then decodes one token for every sequence. When one ends, the last moves
into its slot and the next request is let in: short answers never wait for long ones.

There is no thread of its own. Whoever waits for a result does the next step for all; if somebody else is
at it already, it waits for that. It knows ids and patches only, no text.

A request that means nothing is refused when it is submitted. Whatever goes wrong later is a sentence in the
completion of the requests that it happened to; the others go on.
"""

from __future__ import annotations

import logging
import math
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from docparse.model.cache import KVCache
from docparse.model.errors import ModelError, RequestError
from docparse.model.language import Decode, Prefill
from docparse.model.memory import advise, gigabytes, need, weight_bytes
from docparse.model.positions import as_grids
from docparse.model.qwen_vl import QwenVL
from docparse.model.requests import Completion, Finish, Request, Token
from docparse.model.sampling import Sampler

if TYPE_CHECKING:
    from docparse.model.constraints import Matcher

_log = logging.getLogger(__name__)

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

    @property
    def failed(self) -> bool:
        return self._finish == "error"

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

    def __init__(self, request: Request, generator: Generator) -> None:
        model = generator.model
        config = model.config
        ids = _ids(request, config.text.vocab_size)
        self.request, self.ids = request, ids
        self.handle = Handle(generator, len(ids))
        sampling = request.sampling(config.generation.repetition_penalty)
        self.capacity = len(ids) + request.max_new_tokens
        most = config.text.max_position_embeddings
        if self.capacity > most:
            raise RequestError(
                f"the prompt has {len(ids)} tokens; with {request.max_new_tokens} new ones that is more than"
                f" the model's {most}. Give it fewer pixels, or ask for less."
            )
        for patches, grids, what in (
            (request.patches, request.grid_thw, "pictures"),
            (request.video_patches, request.video_grid_thw, "videos"),
        ):
            if (patches is None) != (not as_grids(grids)):
                raise RequestError(f"{what} are patches and grids; there is only one of the two.")
            if patches is not None and grids is not None:
                model.visual.check(patches, grids)
        self.positions, self.delta = model.positions(
            ids,
            grid_thw=request.grid_thw,
            video_grid_thw=request.video_grid_thw,
            second_per_grid_ts=request.second_per_grid_ts,
        )
        stop = config.generation.eos_token_ids if request.stop_ids is None else request.stop_ids
        self.stop = frozenset(stop)
        self.forbidden = _mask(request.forbidden_ids, model)
        self.matcher = _matcher(request, self.stop, config.text.vocab_size)
        plain = sampling.plain and self.forbidden is None and self.matcher is None
        self.sampler = None if plain else Sampler(sampling, ids, config.text.vocab_size, model.head_device)
        self.length = 0
        self.last = 0

    def take(self, token: Token) -> None:
        """The next token is known: note it, tell it, and see whether it was the last."""
        handle = self.handle
        if not math.isfinite(token.logprob):
            handle._end("error", "the model computed values that are no numbers; load it as bfloat16 or float32.")
            return
        if self.matcher is not None and token.id not in self.stop:
            try:
                self.matcher.take(token.id)
            except ModelError as error:
                handle._end("error", str(error))
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


def _ids(request: Request, vocab_size: int) -> Tensor:
    try:
        ids = torch.as_tensor(request.input_ids).cpu()
    except (TypeError, ValueError, RuntimeError) as error:
        raise RequestError(f"input_ids is one sequence of whole numbers ({error}).") from error
    if not ids.numel():
        raise RequestError("the prompt is empty.")
    if ids.ndim == 2 and len(ids) == 1:
        ids = ids[0]
    if ids.ndim != 1 or ids.is_floating_point() or ids.dtype == torch.bool:
        raise RequestError(f"input_ids is one sequence of whole numbers, not {tuple(ids.shape)} of {ids.dtype}.")
    ids = ids.to(torch.int64)
    if int(ids.min()) < 0 or int(ids.max()) >= vocab_size:
        raise RequestError(f"the prompt has ids outside of the vocabulary of {vocab_size}.")
    return ids


def _mask(ids: Iterable[int], model: QwenVL) -> Tensor | None:
    rows = [i for i in ids if 0 <= i < model.config.text.vocab_size]
    if not rows:
        return None
    mask = torch.zeros(model.config.text.vocab_size, dtype=torch.bool)
    mask[rows] = True
    if mask.all():
        raise RequestError("all ids are forbidden.")
    return mask.to(model.head_device)


def _matcher(request: Request, stop: frozenset[int], vocab_size: int) -> Matcher | None:
    constraint = request.constraint
    if constraint is None:
        return None
    if constraint.vocab_size != vocab_size:
        raise RequestError(f"the constraint is for {constraint.vocab_size} ids, and the model has {vocab_size}.")
    if not stop.intersection(constraint.stop_ids):
        raise RequestError("no stop id is one with which an answer under this constraint may end.")
    return constraint.matcher()


class Generator:
    """Continues requests, up to ``max_batch`` of them at a time."""

    def __init__(self, model: QwenVL, *, max_batch: int = 8) -> None:
        if max_batch < 1:
            raise RequestError(f"max_batch is at least 1, not {max_batch}.")
        self.model = model
        self.max_batch = max_batch
        self._waiting: deque[_Sequence] = deque()  # others add to it at any time: only under ``_changed``
        self._active: list[_Sequence] = []  # the sequence in slot i is the i-th
        self._room = max_batch  # how many memory is known to hold, at most
        self._cache: KVCache | None = None
        self._stepping = threading.Lock()
        self._stepper: int | None = None  # the thread that has it
        self._changed = threading.Condition()

    def submit(self, request: Request) -> Handle:
        """Take a request in. Raises ``RequestError`` where it means nothing; all else is in its completion."""
        return self._queue([_Sequence(request, self)])[0]

    def generate(self, requests: Iterable[Request]) -> list[Completion]:
        """All of them, in their order. Where one of them means nothing, none is begun: ``RequestError``."""
        handles = self._queue([_Sequence(request, self) for request in requests])
        try:
            return [handle.result() for handle in handles]
        finally:
            for handle in handles:  # nobody will ask for them any more
                handle.cancel()

    def _queue(self, sequences: list[_Sequence]) -> list[Handle]:
        with self._changed:
            self._waiting.extend(sequences)
        return [sequence.handle for sequence in sequences]

    def advance(self) -> None:
        """Do a step, or wait for the one that another thread is doing."""
        if self._stepping.acquire(blocking=False):
            self._stepper = threading.get_ident()
            try:
                self.step()
            finally:
                self._stepper = None
                self._stepping.release()
                with self._changed:
                    self._changed.notify_all()
        elif self._stepper == threading.get_ident():
            raise RequestError("on_token is called within a step, and cannot wait for the next one.")
        else:
            with self._changed:
                self._changed.wait(timeout=0.05)

    @torch.inference_mode()
    def step(self) -> None:
        """Let the next request in, if there is room, and write one token of every sequence."""
        self._leave()
        try:
            sequence = self._next()
            if sequence is not None:
                error = _attempt(partial(self._enter, sequence))
                if error is not None:
                    self._refuse(sequence, error)
                self._leave()
            if self._active:
                error = _attempt(self._decode)
                if error is not None:
                    self._fail_all(error)
        except BaseException:  # Ctrl-C: how far they came is not known
            for sequence in self._active:
                sequence.handle._end("error", "it was interrupted.")
            raise
        finally:
            self._leave()

    def _leave(self) -> None:
        """Free the slots of those that have ended, and fill the gaps from the end."""
        with self._changed:
            for sequence in (*self._active, *self._waiting):
                if sequence.handle.cancelled and not sequence.handle.done:
                    sequence.handle._end("cancelled")
            self._waiting = deque(s for s in self._waiting if not s.handle.done)
        for slot in reversed(range(len(self._active))):
            ended = self._active[slot]
            if not ended.handle.done:
                continue
            if ended.handle.failed and self._cache is not None:
                # What it left may be no numbers, and a mask does not hide those from who comes next.
                self._cache.clear(slot)
            last = self._active.pop()  # goes on: those after this slot that had ended are gone
            if last is not ended:
                assert self._cache is not None
                self._cache.move(len(self._active), slot, last.length)
                self._active[slot] = last

    def _next(self) -> _Sequence | None:
        """Who is to enter now, if there is room."""
        if not self._active:
            self._room = self.max_batch
        with self._changed:
            return self._waiting.popleft() if self._waiting and len(self._active) < self._room else None

    def _enter(self, sequence: _Sequence) -> None:
        """Prefill a sequence into the next free slot, and choose its first token."""
        slot = len(self._active)
        self._active.append(sequence)
        self._choose([sequence], self._prefill(sequence, slot))

    def _refuse(self, sequence: _Sequence, error: Exception) -> None:
        """Its prefill failed. The others go on."""
        if not _out_of_memory(error):
            sequence.handle._end("error", _sentence(error))
        elif len(self._active) > 1:  # they will give memory back; until then there is no use in trying again
            slot = len(self._active) - 1
            self._room = slot
            self._active.pop()
            if self._cache is not None:
                self._cache.clear(slot)
            with self._changed:
                self._waiting.appendleft(sequence)
        else:
            self._cache = None
            sequence.handle._end("error", self._too_large([sequence], error))

    def _fail_all(self, error: Exception) -> None:
        """A decoding step failed, which is of all sequences at once."""
        active, self._active, self._cache = self._active, [], None
        why = self._too_large(active, error) if _out_of_memory(error) else _sentence(error)
        for sequence in active:
            sequence.handle._end("error", why)

    def _prefill(self, sequence: _Sequence, slot: int) -> Tensor:
        request, ids = sequence.request, sequence.ids
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
        lengths = [sequence.length + 1 for sequence in active]  # the last token of each joins the cache
        step = Decode(torch.tensor(lengths, dtype=torch.int32, device=model.device), max(lengths))
        ids = torch.tensor([sequence.last for sequence in active], device=model.device)
        places = torch.tensor([sequence.length + sequence.delta for sequence in active], device=model.device)
        hidden = model.language(
            model.language.embed_tokens(ids), places.expand(3, -1), step, model.attention, self._cache
        )
        for sequence, length in zip(active, lengths, strict=True):
            sequence.length = length
        self._choose(active, model.head(hidden))

    def _choose(self, sequences: list[_Sequence], logits: Tensor) -> None:
        """The next token of each sequence from its row of logits [B, V]."""
        chosen = logits.argmax(-1)
        forbidden = self._forbidden(sequences, logits.device)
        for row, sequence in enumerate(sequences):
            if sequence.sampler is not None:
                chosen[row] = sequence.sampler.choose(logits[row], forbidden[row])
        logprobs = logits.gather(1, chosen[:, None]).squeeze(1) - logits.logsumexp(-1)
        both = torch.stack((chosen.double(), logprobs.double()))  # sync: the only one of a step
        for sequence, token, logprob in zip(sequences, *both.tolist(), strict=True):
            sequence.take(Token(int(token), logprob))

    def _forbidden(self, sequences: list[_Sequence], device: torch.device) -> list[Tensor | None]:
        """For each sequence the ids that must not come next [V], None where all may."""
        found = [sequence.forbidden for sequence in sequences]
        bound = [(row, s.matcher) for row, s in enumerate(sequences) if s.matcher is not None]
        if bound:
            from docparse.model.constraints import allowed

            masks = ~allowed([matcher for _, matcher in bound], self.model.config.text.vocab_size, device)
            for (row, _), mask in zip(bound, masks, strict=True):
                always = found[row]
                found[row] = mask if always is None else mask | always
        return found

    def _too_large(self, sequences: list[_Sequence], error: Exception) -> str:
        """What to say of requests for which there is not enough memory. What they took has been given back."""
        model = self.model
        prompt = max(len(sequence.ids) for sequence in sequences)
        answer = max(sequence.request.max_new_tokens for sequence in sequences)
        asked = f"{prompt} tokens and an answer of {answer}"
        if not isinstance(error, torch.OutOfMemoryError):  # that one is of GPUs
            return f"the memory does not hold {asked}; give it fewer pixels, or ask for less."
        torch.cuda.empty_cache()
        free = torch.cuda.mem_get_info(model.device)[0]
        size = model.dtype.itemsize
        weights = weight_bytes(model.config, size)
        pages = {"dtype_bytes": size, "batch": len(sequences), "page_tokens": prompt, "answer_tokens": answer}
        if need(model.config, **pages).total <= free + weights:
            return (
                f"the GPU's memory did not suffice for {asked}, though {gigabytes(free)} are free now; another"
                " program may have had it. Try again, or give it fewer pixels."
            )
        return f"the GPU's memory does not hold {asked}: {advise(model.config, free + weights, **pages)}"


def _attempt(work: Callable[[], None]) -> Exception | None:
    """What went wrong, if something did, without its traceback: that would keep alive all that was computed."""
    try:
        work()
    except Exception as error:  # noqa: BLE001  (whatever it is, it is the business of those requests only)
        _log.debug("requests failed", exc_info=True)
        return error.with_traceback(None)
    return None


def _out_of_memory(error: Exception) -> bool:
    """On a CPU torch says so in words only."""
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def _sentence(error: Exception) -> str:
    return str(error) if isinstance(error, ModelError) else f"the model failed ({type(error).__name__}: {error})."
