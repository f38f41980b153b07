"""A model that looks at a picture and answers: checkpoint, tokenizer and generator together.

The border between docparse and ``model/``: text and pictures on this side, ids and patches on the other.
Its errors are docparse's. It knows no pages and no markup; ``engines/qwen.py`` reads pages with it, and
``docparse ground`` asks it for places.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docparse.engines.base import Answer, Finish
from docparse.engines.likelihood import confidences
from docparse.engines.options import MOST_PAGES, Dtype, ModelOptions
from docparse.errors import EngineError, EngineOutOfMemory, EngineUnavailable, SettingsError
from docparse.machine import free_memory

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image

    from docparse.model import Completion, Handle, Request
    from docparse.model.config import ModelConfig
    from docparse.model.constraints import Constraint, Grammars
    from docparse.model.tokenizer import TextStream

INSTALL = "Install it with: pip install 'docparse[qwen]'."
_FINISH: dict[str, Finish] = {"stop": "stop", "length": "length", "cancelled": "length", "error": "error"}


@contextmanager
def explained() -> Iterator[None]:
    """Errors of ``model/`` as docparse's own, with what to do."""
    from docparse.model.errors import CheckpointError, ModelError, OutOfMemory, UnsupportedModel

    try:
        yield
    except OutOfMemory as error:
        raise EngineOutOfMemory(str(error)) from error
    except UnsupportedModel as error:
        raise EngineUnavailable(str(error), hint="See docparse models list.") from error
    except CheckpointError as error:
        raise EngineUnavailable(str(error), hint="See docparse models verify.") from error
    except ModelError as error:
        raise EngineError(str(error)) from error


@dataclass(slots=True)
class Asked:
    """A question under way. ``width``, ``height``: pixels of the picture as the model sees it."""

    handle: Handle
    width: int
    height: int
    stream: TextStream
    told: int = 0


class VisionLanguage:
    """A loaded model. Raises ``EngineUnavailable`` where it cannot be loaded, ``EngineOutOfMemory`` where it
    does not fit.

    ``batch`` is how many pages may be written at a time. ``threads``: CPU threads it may use. ``alive`` is called
    every now and then while it works.
    """

    def __init__(
        self, options: ModelOptions, *, threads: int | None = None, alive: Callable[[], None] | None = None
    ) -> None:
        folder = checkpoint_folder(options)
        try:
            import torch

            from docparse.model import Generator
            from docparse.model.checkpoint import load
            from docparse.model.config import ModelConfig
            from docparse.model.tokenizer import Tokenizer
        except ImportError as error:
            raise EngineUnavailable(
                f"the qwen engine needs {error.name}, which is not installed.", hint=INSTALL
            ) from error
        if threads:
            torch.set_num_threads(threads)
        alive = alive or _nothing
        with explained():
            # What is quickly read comes first: a folder without tokenizer need not load its weights to say so.
            config = ModelConfig.from_folder(folder)
            self._tokenizer = Tokenizer.from_folder(folder)
            self._tokenizer.check(config)
            device = _device(options.device)
            if device == "cpu" and options.dtype == "float16":
                raise SettingsError(
                    "float16 on a CPU takes hundreds of times as long as float32.", hint="Use bfloat16 or float32."
                )
            self.batch = _pages_that_fit(config, device, options)
            self.model = load(
                folder,
                device=device,
                dtype=_dtype(options.dtype),
                attention=None if options.attention == "auto" else options.attention,
                progress=lambda _: alive(),
            )
            self._generator = Generator(self.model, max_batch=self.batch)
        self.name = folder.name
        self.image_config = dataclasses.replace(
            config.image, max_pixels=min(options.pixels, config.image.max_pixels), min_pixels=config.image.min_pixels
        )
        self._penalty = options.penalty
        self._alive = alive
        self._stop = self._stop_ids(config)
        self._forbidden = self._tokenizer.forbidden_ids(config.text.vocab_size)
        self._grammars: Grammars | None = None

    def _stop_ids(self, config: ModelConfig) -> tuple[int, ...]:
        """The checkpoint's own, and the ends of turn and text whatever it says: some files leave them out."""
        own = set(config.generation.eos_token_ids)
        known = {self._tokenizer.special_id(token) for token in ("<|im_end|>", "<|endoftext|>")}
        return tuple(sorted(own | known))

    def submit(
        self,
        picture: Image,
        question: str,
        *,
        system: str | None = None,
        max_new_tokens: int,
        reply: str = "",
        json_schema: dict[str, Any] | None = None,
    ) -> Asked:
        """Ask about a picture; the answer is written while anybody calls ``advance``.

        ``reply``: how the answer begins. ``json_schema``: what it is, the reply included; it may be cut off. Raises
        ``EngineError`` for a picture that the model cannot see, a prompt that is too long, and a schema that no
        answer can be held to.
        """
        from docparse.model.tokenizer import TextStream

        with explained():
            constraint = self._constraint(json_schema, reply)
            request, size = self._request(picture, question, system, max_new_tokens, reply, constraint)
            return Asked(self._generator.submit(request), *size, TextStream(self._tokenizer))

    def advance(self) -> None:
        """Do a step for all that is asked. Raises ``EngineError`` where the model itself fails."""
        self._alive()
        with explained():
            self._generator.advance()

    def news(self, asked: Asked) -> str:
        """What was written since this was asked last; characters that are complete."""
        ids = asked.handle.so_far().ids[asked.told :]
        asked.told += len(ids)
        return "".join(map(asked.stream.push, ids))

    def answer(self, asked: Asked, *, marks: bool = False) -> Answer:
        """What was written so far, whole where the handle is done.

        ``marks`` keeps ``<|box_start|>`` and its like, with which the older way of giving places is written.
        """
        return self._answer(asked.handle.so_far(), asked, marks)

    def ask(
        self,
        picture: Image,
        question: str,
        *,
        system: str | None = None,
        max_new_tokens: int = 1024,
        json_schema: dict[str, Any] | None = None,
    ) -> Answer:
        """One question, answered. Raises ``EngineError`` where it cannot be."""
        asked = self.submit(picture, question, system=system, max_new_tokens=max_new_tokens, json_schema=json_schema)
        while not asked.handle.done:
            self.advance()
        answer = self.answer(asked, marks=True)
        if answer.finish == "error":
            raise EngineError(answer.error)
        return answer

    def _constraint(self, json_schema: dict[str, Any] | None, reply: str) -> Constraint | None:
        if json_schema is None:
            return None
        if self._grammars is None:
            try:
                from docparse.model.constraints import Grammars
            except ImportError as error:
                raise EngineUnavailable(
                    f"an answer of a given form needs {error.name}, which is not installed.", hint=INSTALL
                ) from error
            rows = self.model.config.text.vocab_size
            self._grammars = Grammars(self._tokenizer, vocab_size=rows, stop_ids=self._stop)
        return self._grammars.json_schema(json_schema, reply=reply)

    def _request(
        self,
        picture: Image,
        question: str,
        system: str | None,
        max_new_tokens: int,
        reply: str,
        constraint: Constraint | None,
    ) -> tuple[Request, tuple[int, int]]:
        from docparse.model import Request, preprocess_image
        from docparse.model.chat import Image as Placeholder
        from docparse.model.chat import prompt_ids

        config = self.image_config
        # A still picture has the same frame twice: half of the patches is all of it.
        patches, grid = preprocess_image(picture, config=config, device=self.model.device, folded=True)
        tokens = grid[1] * grid[2] // config.merge_size**2
        ids = prompt_ids(self._tokenizer, [Placeholder(tokens), question], system=system, reply=reply)
        request = Request(
            ids,
            patches=patches,
            grid_thw=[grid],
            max_new_tokens=max_new_tokens,
            stop_ids=self._stop,
            forbidden_ids=self._forbidden,
            constraint=constraint,
            repetition_penalty=self._penalty,
        )
        return request, (grid[2] * config.patch_size, grid[1] * config.patch_size)

    def _answer(self, completion: Completion, asked: Asked, marks: bool) -> Answer:
        ids = completion.ids[:-1] if completion.finish == "stop" else completion.ids  # the last one is no text
        return Answer(
            self._tokenizer.decode(ids, skip_special=not marks),
            asked.width,
            asked.height,
            _FINISH[completion.finish],
            confidences(self._tokenizer.spans(ids, skip_special=not marks), completion.logprobs[: len(ids)]),
            completion.error,
        )


def checkpoint_folder(options: ModelOptions) -> Path:
    """The folder of the model that is configured. Raises ``EngineUnavailable``."""
    if options.path is None:
        raise EngineUnavailable(
            "no model is configured.",
            hint="Give a checkpoint folder with --model DIR or DOCPARSE_MODEL, or use --engine embedded.",
        )
    return Path(options.path)


def _nothing() -> None:
    """Nobody wants to know."""


def _dtype(name: Dtype) -> torch.dtype | None:
    import torch

    types = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
    return types.get(name)


def _device(name: str) -> str:
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return name


def _pages_that_fit(config: ModelConfig, device: str, options: ModelOptions) -> int:
    """How many pages may be written at a time: what was asked for, or the most of ``MOST_PAGES`` that fit.

    Asked before anything is loaded: on a CPU nobody says that memory has run out, the process is killed.
    Raises ``EngineOutOfMemory`` that says what would fit.
    """
    from docparse.model.memory import HEADROOM, advise, need

    wanted = options.batch or MOST_PAGES
    free = _free(device)
    if free is None:
        return wanted
    size: dict[str, int] = {
        "dtype_bytes": _bytes(config, device, options),
        "page_tokens": min(options.pixels, config.image.max_pixels) // config.image.factor**2,
        "answer_tokens": options.max_tokens,
    }
    for pages in range(wanted, 0 if options.batch == 0 else wanted - 1, -1):
        if need(config, batch=pages, **size).total <= free * (1 - HEADROOM):
            return pages
    raise EngineOutOfMemory(
        advise(config, free, batch=options.batch or 1, **size),
        hint="See DOCPARSE_MODEL_BATCH, DOCPARSE_MODEL_PIXELS, DOCPARSE_MODEL_TOKENS and DOCPARSE_MODEL_DTYPE.",
    )


def _bytes(config: ModelConfig, device: str, options: ModelOptions) -> int:
    """Of one weight, as it will be loaded."""
    from docparse.model.checkpoint import stored_dtype

    dtype = _dtype(options.dtype)
    if dtype is not None:
        return dtype.itemsize
    return 4 if device == "cpu" else stored_dtype(config).itemsize


def _free(device: str) -> int | None:
    """Bytes of memory that the model can have there, None where nobody knows."""
    if device == "cpu":
        return free_memory()
    import torch

    if not torch.cuda.is_available():
        return None  # loading will say so
    if ":" in device:
        return torch.cuda.mem_get_info(device)[0]
    return sum(torch.cuda.mem_get_info(number)[0] for number in range(torch.cuda.device_count()))
