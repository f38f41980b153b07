"""The remote engine: a model behind an OpenAI-compatible server reads pages as pictures.

It drives ``recovery`` as ``qwen`` does, with many pages under way at once. Pages are drawn, and readings go on, in
the thread of whoever reads; requests are under way in an event loop of the engine's own. A page whose
questions the server does not answer is read by the embedded engine and marked ``fallback``.
"""

from __future__ import annotations

import asyncio
import base64
import io
import queue
import threading
import time
import weakref
from collections.abc import Callable, Coroutine, Iterable, Iterator
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import Any, TypeVar

from PIL.Image import Image

from docparse.document import EngineInfo
from docparse.engines.base import Answer, Ask, PageMarkup, is_ready
from docparse.engines.completion import Completion, Watching
from docparse.engines.embedded.engine import EmbeddedEngine
from docparse.engines.likelihood import of_bytes
from docparse.engines.openai_client import Client, Question, Unusable
from docparse.engines.options import RemoteOptions
from docparse.engines.recovery import Policy, Reading, fall_back, read_page, said
from docparse.engines.served_model import Served, base_url, find
from docparse.engines.throttle import Throttle
from docparse.engines.watch import Watch
from docparse.errors import EngineError, EngineUnavailable
from docparse.model.errors import ImageError
from docparse.model.sizes import fitted
from docparse.qwenvl_html.rescale import rescale
from docparse.raster import PageImage

T = TypeVar("T")

TICK_SECONDS = 0.2
"""How long nobody is told that the engine is alive, and how long Ctrl-C may take on Windows."""
ROOM_FOR_WORDS = 128
"""Tokens of the chat template around a question."""


@dataclass(eq=False, slots=True)
class _Page:
    """A page that is being read, and the question that is being answered.

    seen  (width, height) of the picture as the model sees it
    """

    image: PageImage
    reading: Reading
    deadline: float
    seen: tuple[int, int] = (1, 1)
    answer: Future[Completion] | None = None


class RemoteEngine:
    """Reads pages with a model on a server. Raises ``EngineUnavailable`` where that cannot be used as it is asked for,
    ``SettingsError`` for an address that is none.

    ``page_seconds``: a page that takes longer is given up, and read by the embedded engine. ``watch`` makes what looks
    at an answer while it comes, to end it where it runs in a loop: see ``Watch``. ``pause``: seconds before the first
    new try.
    """

    name = "remote"

    def __init__(
        self,
        options: RemoteOptions,
        *,
        threads: int | None = None,
        page_seconds: float = 600.0,
        alive: Callable[[], None] | None = None,
        watch: Callable[..., Watching] = Watch,
        pause: float = 0.5,
    ) -> None:
        base = base_url(options.url)
        self._policy = Policy(prompt=options.prompt, max_tokens=options.max_tokens, ocr=options.check == "ocr")
        self._options = options
        self._threads = threads
        self._page_seconds = page_seconds
        self._alive = alive or _nothing
        self._watch = watch
        self._embedded: EmbeddedEngine | None = None
        self._throttle = Throttle(options.concurrency, first_pause=pause)
        self._loop = asyncio.new_event_loop()
        thread = threading.Thread(target=_serve, args=(self._loop,), name="docparse-remote", daemon=True)
        thread.start()
        self._client = Client(base, key=options.api_key, throttle=self._throttle, pause=pause)
        self.close = weakref.finalize(self, _stop, self._loop, thread, self._client)
        """Ends what is under way. Happens by itself where nobody does it."""
        try:
            self.served = self._call(find(self._client, options)).result()
        except Unusable as error:
            self.close()
            raise EngineUnavailable(str(error), hint=error.hint or None) from None
        except BaseException:
            self.close()
            raise
        self._client.model = self.served.name
        if not self.served.continues:
            self._client.refused.add("continue_final_message")

    def info(self) -> EngineInfo:
        from docparse import __version__

        return EngineInfo(self.name, __version__, model=f"{self.served.name} (as {self.served.family.name})")

    def read_pages(self, pages: Iterable[PageImage]) -> Iterator[PageMarkup]:
        """Each page as soon as it is read; a new one is begun only when the server has room for it."""
        source = iter(pages)
        answered: queue.SimpleQueue[_Page] = queue.SimpleQueue()
        under_way: set[_Page] = set()
        more = True
        try:
            while more or under_way:
                room = len(under_way) < self._throttle.limit and answered.empty()
                if more and room and (not under_way or is_ready(source)):
                    image = next(source, None)
                    if image is None:
                        more = False
                        continue
                    begun = self._begin(image, answered)
                    if isinstance(begun, PageMarkup):
                        yield begun
                    else:
                        under_way.add(begun)
                    continue
                try:
                    page = answered.get(timeout=TICK_SECONDS)
                except queue.Empty:
                    self._alive()
                    continue
                markup = self._go_on(page, answered)
                if markup is not None:
                    under_way.remove(page)
                    yield markup
        finally:
            for page in under_way:
                if page.answer is not None:
                    page.answer.cancel()

    def ask(
        self,
        picture: Image,
        question: str,
        *,
        system: str | None = None,
        max_new_tokens: int = 1024,
        json_schema: dict[str, Any] | None = None,
    ) -> Answer:
        """One question, answered: see ``Asks``. Boxes are as the model wrote them, and so is the size of the answer.

        A server that cannot hold its model to ``json_schema`` is asked without.
        """
        wording, seen = self._question(
            Ask(picture, question, system, max_new_tokens=max_new_tokens, json_schema=json_schema)
        )
        answer = self._call(self._client.ask(wording, seconds=self._page_seconds))
        try:
            while not answer.done():
                wait([answer], TICK_SECONDS)
                self._alive()
        finally:
            answer.cancel()
        done = answer.result()
        if done.end == "error":
            raise EngineError(done.error or "the server gave no answer.")
        width, height = (1000, 1000) if self.served.family.thousandths else seen
        return Answer(done.text, width, height, done.end, of_bytes(done.text, done.tokens))

    # ------------------------------------------------------------------------ pages

    def _begin(self, image: PageImage, answered: queue.SimpleQueue[_Page]) -> _Page | PageMarkup:
        """The first question of a page; or its markup, where nothing can be asked."""
        self._alive()
        reading = read_page(image, self._policy, self._read_embedded)
        page = _Page(image, reading, time.monotonic() + self._page_seconds)
        try:
            self._submit(page, next(reading), answered)
        except Exception as error:  # noqa: BLE001  (whatever a page does to us costs that page)
            return fall_back(image, self._read_embedded, said(error))
        image.release()  # the request has its picture; the checks draw it again if they want to look
        return page

    def _go_on(self, page: _Page, answered: queue.SimpleQueue[_Page]) -> PageMarkup | None:
        """Give a reading its answer. Its markup, where that was the last."""
        self._alive()
        try:
            self._submit(page, page.reading.send(self._answer(page)), answered)
        except StopIteration as end:
            markup: PageMarkup = end.value
            return markup
        except Exception as error:  # noqa: BLE001  (see _begin)
            return fall_back(page.image, self._read_embedded, said(error))
        page.image.release()
        return None

    def _submit(self, page: _Page, ask: Ask, answered: queue.SimpleQueue[_Page]) -> None:
        question, page.seen = self._question(ask)
        seconds = max(0.0, page.deadline - time.monotonic())
        page.answer = self._call(self._client.ask(question, seconds=seconds, watch=self._watching(ask, page.seen)))
        page.answer.add_done_callback(lambda _: answered.put(page))

    def _watching(self, ask: Ask, size: tuple[int, int]) -> Callable[[], Watching]:
        """Makes what looks at an answer to ``ask``, in the event loop's thread."""
        watch, allowed = self._watch, ask.allowed
        if allowed is not None:
            allowed("a")  # what it has to look up first, it looks up in this thread
        return lambda: watch(allowed, size=size)

    def _answer(self, page: _Page) -> Answer:
        assert page.answer is not None
        done, page.answer = page.answer.result(), None
        text, found = done.text, of_bytes(done.text, done.tokens)
        width, height = page.seen
        if self.served.family.thousandths:
            mapped = rescale(text, width / 1000, height / 1000)
            text, found = mapped.markup, mapped.carry(found)
        return Answer(text, width, height, done.end, found, done.error)

    def _question(self, ask: Ask) -> tuple[Question, tuple[int, int]]:
        """What the server is sent, and the size of the picture in it. Raises ``EngineError``."""
        family, options = self.served.family, self._options
        most = min(options.pixels, family.max_pixels)
        try:
            picture = fitted(ask.picture, factor=family.factor, min_pixels=family.min_pixels, max_pixels=most)
        except ImageError as error:
            raise EngineError(str(error)) from error
        width, height = picture.size
        words, system = family.worded(ask.question, ask.system)
        messages: list[dict[str, Any]] = [] if system is None else [{"role": "system", "content": system}]
        # The picture comes first: that is how the models were taught (facts/qwen.md 1.3).
        image = {"type": "image_url", "image_url": {"url": data_url(picture)}}
        messages.append({"role": "user", "content": [image, {"type": "text", "text": words}]})
        reply = ask.reply
        if family.thousandths and reply:
            reply = rescale(reply, 1000 / width, 1000 / height).markup
        optional: dict[str, Any] = {
            "logprobs": True,
            "stream_options": {"include_usage": True},
            # Models that were taught tags of their own have them as special tokens: without this they are blank.
            "skip_special_tokens": False,
            "spaces_between_special_tokens": False,
            # Said even where it is none: servers take the checkpoint's, which damages what a page repeats rightly.
            "repetition_penalty": options.penalty,
            "frequency_penalty": 0,  # transformers serve makes its repetition penalty of it, and knows no other
        }
        if ask.json_schema is not None:
            form = {"name": "answer", "schema": unlimited(ask.json_schema), "strict": True}
            optional["response_format"] = {"type": "json_schema", "json_schema": form}
        if options.send_pixels:
            optional["mm_processor_kwargs"] = {"min_pixels": family.min_pixels, "max_pixels": most}
        tokens = width * height // family.factor**2 + ROOM_FOR_WORDS + len(f"{words}{system or ''}{reply}") // 2
        return Question(messages, self._most_tokens(ask.max_new_tokens, tokens), reply, optional), (width, height)

    def _most_tokens(self, wanted: int, asked: int) -> int:
        """The longest answer that has room beside a question of ``asked`` tokens."""
        context = self.served.context
        if context is None:
            return wanted
        if asked >= context:
            raise EngineError(
                f"the page takes about {asked} tokens, and the server has room for {context} of question and answer: "
                f"start it with more, or show the model less (DOCPARSE_MODEL_PIXELS)."
            )
        return min(wanted, context - asked)

    def _read_embedded(self, image: PageImage) -> PageMarkup:
        self._embedded = self._embedded or EmbeddedEngine(threads=self._threads)
        return next(self._embedded.read_pages([image]))

    def _call(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)


def check_server(options: RemoteOptions) -> Served:
    """Look at the server, as an engine would. Raises what making one would raise."""
    engine = RemoteEngine(options)
    engine.close()
    return engine.served


def unlimited(schema: Any) -> Any:
    """A JSON Schema without bounds of length, which some services refuse; there an answer ends by its tokens."""
    if isinstance(schema, list):
        return [unlimited(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    # The names under ``properties`` are the user's own, and no keywords.
    return {
        key: {name: unlimited(inner) for name, inner in part.items()}
        if key in ("properties", "$defs")
        else unlimited(part)
        for key, part in schema.items()
        if key not in ("maxLength", "minLength", "maxItems", "minItems")
    }


def data_url(picture: Image) -> str:
    """The picture as PNG, whose pixels are the server's pixels."""
    data = io.BytesIO()
    picture.save(data, "PNG", compress_level=1)  # a third of the time, and hardly larger
    return f"data:image/png;base64,{base64.b64encode(data.getbuffer()).decode('ascii')}"


def _nothing() -> None:
    """Nobody wants to know."""


# ------------------------------------------------------------------------ the event loop


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.close()


def _stop(loop: asyncio.AbstractEventLoop, thread: threading.Thread, client: Client) -> None:
    """End the loop and all that is under way in it. Knows nothing of the engine, whose end this may be."""

    async def end() -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await client.close()
        loop.stop()

    if loop.is_closed():
        return
    asyncio.run_coroutine_threadsafe(end(), loop)
    if threading.current_thread() is not thread:
        thread.join(2.0)
