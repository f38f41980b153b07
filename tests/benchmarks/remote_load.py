"""One side of the measure of the remote engine, each in a process of its own: the server, a bare client, ours.

    python remote_load.py serve FOLDER
    python remote_load.py http FOLDER URL PAGES ROUNDS
    python remote_load.py ready | engine | memory FOLDER URL PAGES

``FOLDER`` holds what ``bench_remote`` has recorded: requests of the engine for pages of the samples, and the tokens of
their answers. Each side says in one line of JSON what it took; start-up and the first pages do not count.

    http    clients in turns, which are given PNG. One is bare: asyncio with httpx, as one writes it by hand; the
            picture is put into the request, the stream read line by line, each event as JSON, its text kept. The others
            are ``openai_client``: the same, and besides retries, throttle, time limits, log-probabilities; one of them
            without the watch, one with it
    ready   the whole engine; pages are drawn and their pictures PNG before the clock starts
    engine  the whole engine: drawing, resizing, PNG, requests, reading of the answers
    memory  the whole engine over a long document, whose pages are thrown away as they are read: MiB by pages read
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import itertools
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parents[2]))

if TYPE_CHECKING:
    from docparse.engines import base
    from docparse.engines.openai_client import Question
    from docparse.engines.watch import Watch

Ask = Callable[[int], Awaitable[str]]
"""Asks a question, by its number; the text of the answer."""

CONCURRENCY = 64
SAMPLE_PAGES = 10
"""Between two looks at the memory."""
SAMPLES = Path(__file__).parents[2] / "samples"
SMALL, SMALL_DPI = ("chinese.pdf", "form.pdf", "slides.pdf"), 36
"""Whose first pages make up the long document."""
PAGES = ("bulletin.pdf", "chinese.pdf", "form.pdf", "invoice.pdf", "paper.pdf", "report.pdf", "slides.pdf")
NAME = "Qwen2.5-VL-7B-Instruct"
BEFORE = "data:image/png;base64,"


def digest(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()


def requests(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((folder / "requests.json").read_text("utf-8"))
    return found


def picture(body: dict[str, Any]) -> dict[str, str]:
    """The part of a request that holds the address of its picture."""
    found: dict[str, str] = body["messages"][-1]["content"][0]["image_url"]
    return found


# ------------------------------------------------------------------------------------ the server


def serve(folder: Path) -> None:
    """Until its input ends."""
    from tests.scripted_server import Asked, Reply, ScriptedServer

    class Recorded(Reply):
        """Its events are made once: the server is to be fast."""

        def events(self) -> Iterator[str]:
            return iter(made[id(self)])

    def known(pieces: list[str]) -> Reply:
        reply = Recorded(pieces, logprobs=-0.01, usage=True)
        made[id(reply)] = list(Reply.events(reply))
        return reply

    made: dict[int, list[str]] = {}
    replies = {key: known(pieces) for key, pieces in json.loads((folder / "answers.json").read_text("utf-8")).items()}
    hello = known(["<html><body>", '<p data-bbox="84 112 420 168">', "Hello", "</p>", "</body>", "</html>"])

    def script(asked: Asked) -> Reply:
        server.asked.clear()  # two thousand pictures are not to be kept
        return replies.get(digest(picture(asked.body)["url"]), hello)

    with ScriptedServer(script, models=(NAME,)) as server:
        print(server.url, flush=True)
        sys.stdin.read()


# ------------------------------------------------------------------------------------ the clients


def http(folder: Path, url: str, pages: int, rounds: int) -> dict[str, list[dict[str, float]]]:
    """The clients in one event loop, in turns: what else the machine does, it does to all."""
    from docparse.engines.watch import Watch

    bodies = requests(folder)
    pngs = [base64.b64decode(picture(body)["url"].removeprefix(BEFORE)) for body in bodies]

    def body(number: int) -> dict[str, Any]:
        found = bodies[number % len(bodies)]
        picture(found)["url"] = BEFORE + base64.b64encode(pngs[number % len(pngs)]).decode()
        return found

    async def in_turns() -> dict[str, list[dict[str, float]]]:
        runs: dict[str, list[dict[str, float]]] = {"bare": [], "unwatched": [], "client": []}
        async with bare(url, body) as one, client(url, body, None) as two, client(url, body, Watch) as three:
            asks = dict(zip(runs, (one, two, three), strict=True))
            for number in range(rounds + 1):
                for name in asks if number % 2 else reversed(asks):
                    took = await _asked(asks[name], pages)
                    if number:
                        runs[name].append(took)
        return runs

    return asyncio.run(in_turns())


async def _asked(ask: Ask, pages: int) -> dict[str, float]:
    """Ask ``pages`` questions, ``CONCURRENCY`` of them at a time."""

    async def some(numbers: Iterator[int]) -> int:
        return sum([len(await ask(number)) for number in numbers])

    numbers = iter(range(pages))
    with _clock(pages) as took:
        took["characters"] = sum(await asyncio.gather(*[some(numbers) for _ in range(CONCURRENCY)]))
    return took


@contextlib.asynccontextmanager
async def bare(url: str, body: Callable[[int], dict[str, Any]]) -> AsyncIterator[Ask]:
    import httpx

    limits = httpx.Limits(max_connections=CONCURRENCY, max_keepalive_connections=CONCURRENCY)
    async with httpx.AsyncClient(timeout=None, limits=limits) as client:

        async def ask(number: int) -> str:
            text: list[str] = []
            async with client.stream("POST", f"{url}/v1/chat/completions", json=body(number)) as response:
                response.raise_for_status()
                async for line in response.aiter_lines():
                    if line.startswith("data: ") and line != "data: [DONE]":
                        choices = json.loads(line[6:])["choices"]
                        text += [choice["delta"].get("content") or "" for choice in choices]
            return "".join(text)

        yield ask


@contextlib.asynccontextmanager
async def client(
    url: str, body: Callable[[int], dict[str, Any]], watch: Callable[[], Watch] | None
) -> AsyncIterator[Ask]:
    from docparse.engines.openai_client import OPTIONAL, Client, Question
    from docparse.engines.throttle import Throttle

    asks = Client(f"{url}/v1", key=None, throttle=Throttle(CONCURRENCY))
    asks.model = NAME

    async def ask(number: int) -> str:
        asked = body(number)
        optional = {name: asked[name] for name in OPTIONAL if name in asked}
        question = Question(asked["messages"], asked["max_tokens"], optional=optional)
        answer = await asks.ask(question, seconds=600, watch=watch)
        if answer.end != "stop":
            raise RuntimeError(f"{answer.end}: {answer.error}")
        return answer.text

    try:
        yield ask
    finally:
        await asks.close()


def engine(url: str, pages: int, *, ready: bool) -> dict[str, float]:
    from docparse.engines import remote
    from docparse.engines.options import RemoteOptions
    from docparse.raster import PageImage
    from docparse.source import open_source

    class Ready(PageImage):
        """Keeps its pixels."""

        def release(self) -> None:
            pass

    class Prepared(remote.RemoteEngine):
        """Makes the PNG of a picture once; pages of the samples are told by their sizes."""

        def _question(self, ask: base.Ask) -> tuple[Question, tuple[int, int]]:
            if ask.picture.size not in made:
                made[ask.picture.size] = super()._question(ask)
            question, seen = made[ask.picture.size]
            return replace(question), seen

    made: dict[tuple[int, int], tuple[Question, tuple[int, int]]] = {}
    with contextlib.ExitStack() as stack:
        images = [stack.enter_context(open_source(SAMPLES / name)).page(1) for name in PAGES]
        if ready:
            images = [Ready(**{part.name: getattr(image, part.name) for part in fields(image)}) for image in images]
        reads = (Prepared if ready else remote.RemoteEngine)(RemoteOptions(url=url, concurrency=CONCURRENCY))
        stack.callback(reads.close)
        for _ in reads.read_pages(itertools.islice(itertools.cycle(images), 2 * len(images))):
            pass
        with _clock(pages) as took:
            read = list(reads.read_pages(itertools.islice(itertools.cycle(images), pages)))
            took["characters"] = sum(len(page.html) for page in read)
        if any(page.finish != "stop" or page.attempts != 1 for page in read):
            raise RuntimeError("a page was not read at once; no figure would mean anything")
    return took


def memory(folder: Path, url: str, pages: int) -> dict[str, Any]:
    from docparse.convert import read_source
    from docparse.engines.options import RemoteOptions
    from docparse.engines.remote import RemoteEngine
    from docparse.source import open_source

    found: list[tuple[int, float, float]] = []
    with open_source(folder / "long.pdf", dpi=SMALL_DPI) as source:
        reads = RemoteEngine(RemoteOptions(url=url, concurrency=CONCURRENCY))
        with _clock(pages) as took:
            for count, page in enumerate(read_source(source, reads, range(1, pages + 1)), 1):
                if page.verdict.status != "ok":
                    raise RuntimeError(f"page {page.number} is {page.verdict.status}; no figure would mean anything")
                if count % SAMPLE_PAGES == 0:
                    found.append((count, *_memory()))
        reads.close()
    return took | {"samples": found}


def _memory() -> tuple[float, float]:
    """MiB of this process: resident (RSS), and its own alone (USS)."""
    sizes: dict[str, int] = {}
    for line in Path("/proc/self/smaps_rollup").read_text().splitlines()[1:]:
        name, _, size = line.partition(":")
        sizes[name] = int(size.split()[0])
    return sizes["Rss"] / 1024, (sizes["Private_Clean"] + sizes["Private_Dirty"]) / 1024


@contextlib.contextmanager
def _clock(pages: int) -> Iterator[dict[str, float]]:
    took: dict[str, float] = {"pages": pages}
    wall, cpu = time.perf_counter(), time.process_time()
    yield took
    took |= {"seconds": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


def main(arguments: list[str]) -> None:
    what, *rest = arguments
    if what == "serve":
        serve(Path(rest[0]))
        return
    folder, url, pages = Path(rest[0]), rest[1], int(rest[2])
    sides: dict[str, Callable[[], Any]] = {
        "http": lambda: http(folder, url, pages, int(rest[3])),
        "ready": lambda: engine(url, pages, ready=True),
        "engine": lambda: engine(url, pages, ready=False),
        "memory": lambda: memory(folder, url, pages),
    }
    print(json.dumps(sides[what]()))


if __name__ == "__main__":
    main(sys.argv[1:])
