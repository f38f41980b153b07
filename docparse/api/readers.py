"""Pages of all requests: which engine reads a page, and where.

The embedded engine reads in the pool's processes (``pool``); a model, in this process or on a server, reads the pages
of all requests side by side (``shared``). Files are opened by processes of the pool, or by ``isolation``, never here.
"""

from __future__ import annotations

import importlib.util
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from pathlib import Path
from typing import Any

from docparse.api.job import USUAL, JobSpec
from docparse.api.page_results import failed, finished
from docparse.api.page_worker import Setup
from docparse.api.pictures import MOST_BYTES, Size, View, checked, plan
from docparse.api.pool import QUICK_PATIENCE, Answer, Ask, PagePool
from docparse.api.ports import EngineState, PageRead, PageTask
from docparse.api.prompted import PromptedReader
from docparse.api.shared import SharedEngine
from docparse.api.words import pack, unpack
from docparse.convert import Options
from docparse.document import Document, Source
from docparse.engines.base import Asks, Engine
from docparse.engines.choose import choose, resolve
from docparse.errors import DocparseError, EngineUnavailable, SchemaError
from docparse.extract.schemas import BUILT_IN
from docparse.json_form import from_dict, to_dict
from docparse.settings import cores
from docparse.textlayer import Word

EMBEDDED = "embedded"
MODELS = ("qwen", "remote")
PAGES_PER_PATIENCE = 20
"""Fields of this many pages may take as long as one page is read."""


class PageReaders:
    """``Readers`` for an operator's ``options``: the engine that reads where a client names none, the model, the
    server, and what a page may cost.

    ``workers``: processes of the pool; 0: one for each core. ``models``: makers of engines that are shared, by name;
    None: those that ``options`` configure. An engine that is given as ``options.engine`` reads in the pool.
    """

    def __init__(
        self, options: Options, *, workers: int = 0, models: Mapping[str, Callable[[], Engine]] | None = None
    ) -> None:
        size = workers or cores()
        own = options.engine if not isinstance(options.engine, str) else None
        self._options = options
        self._pooled = EMBEDDED if own is None else own.name
        self._models = dict(_configured(options) if models is None else models)
        self._shared: dict[str, SharedEngine] = {}
        self._asking: dict[str, PromptedReader] = {}
        self._lock = threading.Lock()
        self._closed = False
        # What a process of the pool need not know, it is not told: models, keys of servers.
        plain = Options(engine=own or EMBEDDED, renderer=options.renderer, limits=options.limits)
        setup = Setup(plain, threads=max(cores() // size, 1))
        self._pool = PagePool(size, setup, seconds=options.limits.page_seconds)
        self._default, self._reason = self._resolved()

    # ------------------------------------------------------------------------ Readers

    def check(self, spec: JobSpec) -> None:
        engine = self.engine_for(spec)
        if spec.prompt and engine == self._pooled:
            raise EngineUnavailable(
                f"the {engine} engine reads pages as it knows how: it cannot be told by a prompt.",
                hint="Leave the prompt out, or name an engine with a model: those that answer in /v1/engines.",
            )

    def open(
        self, path: Path, spec: JobSpec, *, name: str, client: str = "", job: str = "", priority: int = USUAL
    ) -> Future[tuple[Source, tuple[int, ...]]]:
        try:
            self.check(spec)
        except DocparseError as error:
            refused: Future[tuple[Source, tuple[int, ...]]] = Future()
            refused.set_exception(error)
            return refused
        head = {**_file(path, spec, name), "do": "open", "pages": spec.pages}
        return self._pool.submit(Ask(head, _key(head), name, _opened, priority, client, job))

    def read(self, task: PageTask) -> Future[PageRead]:
        try:
            self.check(task.spec)
            engine = self.engine_for(task.spec)
        except DocparseError as error:
            done: Future[PageRead] = Future()
            done.set_result(failed(task, error))
            return done
        if engine != self._pooled:
            return (self._prompted(engine) if task.spec.prompt else self._model(engine)).submit(task)
        head = {
            **_file(task.path, task.spec, task.name),
            "do": "read",
            "number": task.number,
            "region": _region(task.spec),
        }
        return self._pool.submit(
            Ask(
                head,
                _key(head),
                task.name,
                lambda answer: _read(answer, task),
                task.priority,
                task.client,
                task.job,
                task.number,
                task.cancelled,
                failed=lambda error: failed(task, error),
            )
        )

    def draw(self, task: PageTask, own: Size | None, view: View) -> Future[bytes]:
        head = {
            **_file(task.path, task.spec, task.name),
            "do": "draw",
            "number": task.number,
            "own": own,
            "width": view.width,
            "crop": view.crop,
        }
        size = None if own is None else plan(own, view).size
        return self._pool.submit(
            Ask(
                head,
                _key(head),
                task.name,
                lambda answer: checked(answer["bytes"], size),
                task.priority,
                task.client,
                task.job,
                task.number,
                task.cancelled,
                patience=QUICK_PATIENCE,
                quick=True,
                most_bytes=MOST_BYTES,
            )
        )

    def fields(self, task: PageTask, document: Document, words: Mapping[int, Sequence[Word]]) -> Future[dict[str, Any]]:
        head = {
            **_file(task.path, task.spec, task.name),
            "do": "fields",
            "document": to_dict(document),
            "words": {number: pack(found) for number, found in words.items()},
            "schema": schema_of(task.spec),
        }
        ask = Ask(head, _key(head), task.name, _fields, task.priority, task.client, task.job, cancelled=task.cancelled)
        ask.patience = 1 + len(document.pages) / PAGES_PER_PATIENCE
        return self._pool.submit(ask)

    def asker(self, spec: JobSpec) -> Asks | None:
        engine = self.engine_for(spec)
        return None if engine == self._pooled else self._model(engine)

    def engines(self) -> list[EngineState]:
        found = []
        for name in dict.fromkeys((self._pooled, *self._models, *(() if self._pooled != EMBEDDED else MODELS))):
            reason = self._reason if name == self._default else ""
            available, model = True, ""
            if name in self._models:
                shared = self._shared.get(name)
                trouble = shared.trouble if shared is not None else None
                available, reason = trouble is None, str(trouble) if trouble else reason
                model = shared.model if shared is not None else _model_name(name, self._options)
            elif name != self._pooled:
                try:
                    resolve(name, self._options.model, self._options.remote)
                except DocparseError as error:
                    available, reason = False, str(error)
            answers = name in self._models and available
            found.append(EngineState(name, available, name == self._default, reason, model, answers))
        return found

    def load(self) -> Mapping[str, float]:
        load = dict(self._pool.load())
        for shared in list(self._shared.values()):
            for name, value in shared.load().items():
                load[name] = load.get(name, 0) + value
        for prompted in list(self._asking.values()):
            for name, value in prompted.load().items():
                load[name] = load.get(name, 0) + value
        return load

    def close(self, *, drain: float = 0.0) -> None:
        with self._lock:
            self._closed = True
            shared, asking = list(self._shared.values()), list(self._asking.values())
        deadline = time.monotonic() + drain
        for prompted in asking:
            prompted.end(drain=max(deadline - time.monotonic(), 0.0))
        drain = max(deadline - time.monotonic(), 0.0)
        closing = [threading.Thread(target=one.close, kwargs={"drain": drain}) for one in shared]
        for thread in closing:
            thread.start()
        self._pool.close(drain=drain)
        for thread in closing:
            thread.join()
        for prompted in asking:
            prompted.close()

    # ------------------------------------------------------------------------ which engine

    def engine_for(self, spec: JobSpec) -> str:
        """The engine that reads for ``spec``. Raises ``EngineUnavailable``, ``SettingsError`` for no engine's name."""
        name = spec.engine or self._default
        if name == "auto":
            name = self._default
        if name != self._pooled and name not in self._models:
            name, _ = resolve(name, self._options.model, self._options.remote)  # says why not
            if name != self._pooled and name not in self._models:
                raise EngineUnavailable(f"the engine {name} is not served here.")
        return name

    def _resolved(self) -> tuple[str, str]:
        wanted = self._options.engine
        if not isinstance(wanted, str):
            return self._pooled, "given"
        if wanted in self._models:
            return wanted, "chosen"
        name, reason = resolve(wanted, self._options.model, self._options.remote)
        return name, reason

    def _prompted(self, name: str) -> PromptedReader:
        model = self._model(name)
        with self._lock:
            if name not in self._asking:
                self._asking[name] = PromptedReader(model, self._options, reason="chosen")
            return self._asking[name]

    def _model(self, name: str) -> SharedEngine:
        with self._lock:
            if self._closed:
                raise CancelledError
            if name not in self._shared:
                reason = self._reason if name == self._default else "chosen"
                self._shared[name] = SharedEngine(name, self._models[name], self._options, reason=reason)
            return self._shared[name]


def _configured(options: Options) -> dict[str, Callable[[], Engine]]:
    """Makers of the model engines that an operator has set up."""
    made: dict[str, Callable[[], Engine]] = {}

    def maker(name: str) -> Callable[[], Engine]:
        def make() -> Engine:
            engine, _ = choose(
                name,
                model=options.model,
                remote=options.remote,
                page_seconds=options.limits.model_page_seconds,
                cache=options.cache,
            )
            return engine

        return make

    if options.model.path is not None and importlib.util.find_spec("torch") is not None:
        made["qwen"] = maker("qwen")
    if options.remote.url is not None:
        made["remote"] = maker("remote")
    return made


def _model_name(name: str, options: Options) -> str:
    if name == "qwen":
        return Path(options.model.path or "").name
    return options.remote.model or "" if name == "remote" else ""


def _file(path: Path, spec: JobSpec, name: str) -> dict[str, Any]:
    return {"path": str(path), "name": name, "password": spec.password, "dpi": spec.dpi}


def _region(spec: JobSpec) -> list[float] | None:
    if spec.region is None or spec.page_size is None:
        return None
    return [*spec.region, *spec.page_size]


def schema_of(spec: JobSpec) -> str | dict[str, Any]:
    """The schema of a request: one of ours by name, or a JSON Schema. Never a path. Raises ``SchemaError``."""
    wanted = spec.schema or "invoice"
    if isinstance(wanted, str) and wanted not in BUILT_IN:
        raise SchemaError(f"there is no schema {wanted!r}.", hint=f"There are {', '.join(BUILT_IN)}.")
    return wanted


def _fields(answer: Answer) -> dict[str, Any]:
    found = answer["fields"]
    if not isinstance(found, dict) or not isinstance(found["fields"], dict):
        raise TypeError("not the fields of a document")
    return found


def _key(head: Mapping[str, Any]) -> str:
    return f"{head['path']} {head['dpi']}"


def _opened(answer: Answer) -> tuple[Source, tuple[int, ...]]:
    facts, numbers = answer["source"], tuple(answer["numbers"])
    source = Source(
        str(facts["name"]), str(facts["sha256"]), int(facts["bytes"]), str(facts["media_type"]), int(facts["pages"])
    )
    if not numbers or any(type(n) is not int or not 1 <= n <= source.pages for n in numbers):
        raise ValueError("not the numbers of pages")
    return source, tuple(sorted(set(numbers)))


def _read(answer: Answer, task: PageTask) -> PageRead:
    document = from_dict(answer["document"])
    (page,) = document.pages
    if page.number != task.number:
        raise ValueError("not the page that was asked for")
    return finished(page, unpack(answer["words"]), document.engine, task, seconds=float(answer["seconds"]))
