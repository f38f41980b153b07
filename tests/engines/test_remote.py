"""The remote engine against a server over real sockets: pages shown, answers brought home, failures told.

What is asked is one question a page here, whatever ``recovery`` would ask: see ``_once``. How recovery and the engine
go together is tested with the program (``test_convert_remote``).
"""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import making
import numpy as np
import pytest

import docparse
from docparse.engines import remote
from docparse.engines.base import Answer, Ask, PageMarkup
from docparse.engines.families import QWEN3, QWEN25, family_of
from docparse.engines.options import RemoteOptions
from docparse.engines.prompts import PARSER_SYSTEM
from docparse.engines.recovery import Policy, Reading, fall_back
from docparse.engines.remote import RemoteEngine, check_server
from docparse.engines.served_model import base_url
from docparse.errors import DocparseError, EngineUnavailable, SettingsError
from docparse.model.sizes import fitted, smart_resize
from docparse.qwenvl_html.rescale import rescale
from docparse.raster import PageImage
from docparse.source import open_source
from tests.scripted_server import Asked, Reply, ScriptedServer

A4 = (595, 842)
HELLO = '<html><body><p data-bbox="84 112 420 168">Hello</p></body></html>'
QWEN3_NAME = "Qwen/Qwen3-VL-8B-Instruct"

Served = Callable[..., tuple[ScriptedServer, RemoteEngine]]


@pytest.fixture
def serve() -> Iterator[Served]:
    """A server with a script, and an engine that reads with it."""
    opened: list[Any] = []

    def serve(script: Any, *, server: dict[str, Any] | None = None, **how: Any) -> tuple[ScriptedServer, RemoteEngine]:
        served = ScriptedServer(script, **(server or {})).__enter__()
        opened.append(served)
        engine_how = {name: how.pop(name) for name in ("page_seconds", "alive", "watch") if name in how}
        engine = RemoteEngine(RemoteOptions(url=served.url, **how), pause=0.01, **engine_how)
        opened.append(engine)
        return served, engine

    yield serve
    for one in reversed(opened):
        one.close() if isinstance(one, RemoteEngine) else one.__exit__()


def _once(page: PageImage, policy: Policy, embedded: Callable[[PageImage], PageMarkup]) -> Reading:
    """One question about a page; what comes of it is the page."""
    answer = yield Ask(page.pixels(), "QwenVL HTML", PARSER_SYSTEM, policy.max_tokens)
    if answer.finish == "error":
        return fall_back(page, embedded, answer.error)
    return _markup(page, answer)


def _markup(page: PageImage, answer: Answer) -> PageMarkup:
    mapped = rescale(answer.text, page.width / answer.width, page.height / answer.height)
    confidences = mapped.carry(answer.confidences)
    return PageMarkup(page.number, mapped.markup, answer.finish, confidences, origin="model")


@pytest.fixture
def one_question(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "read_page", _once)


def a_pdf(count: int = 1) -> bytes:
    return making.pdf(*[making.text(f"This is page {n + 1}", size=30) for n in range(count)], size=A4)


def read(engine: RemoteEngine, count: int = 1) -> list[PageMarkup]:
    with open_source(a_pdf(count)) as source:
        return sorted(engine.read_pages(map(source.page, range(1, count + 1))), key=lambda markup: markup.number)


def why(markup: PageMarkup) -> str:
    """Why the embedded engine read it."""
    (said,) = [issue.message for issue in markup.issues if issue.code == "fallback"]
    return said.removeprefix("The embedded engine read this page, because the model did not: ")


pytestmark = pytest.mark.usefixtures("one_question")

# ------------------------------------------------------------------------------------ what a server is shown


@pytest.mark.parametrize(("name", "family"), [("Qwen2.5-VL-7B-Instruct", QWEN25), (QWEN3_NAME, QWEN3)])
@pytest.mark.parametrize("pixels", [3_211_264, 200_000])
def test_the_server_gets_the_pixels_that_the_model_sees(name: str, family: Any, pixels: int, serve: Served) -> None:
    server, engine = serve(HELLO, server={"models": [name]}, pixels=pixels)
    with open_source(a_pdf()) as source:
        page = source.page(1)
        expected = fitted(page.pixels(), factor=family.factor, min_pixels=family.min_pixels, max_pixels=pixels)
    read(engine)
    (asked,) = server.asked
    assert asked.picture.mode == "RGB"
    assert np.array_equal(np.asarray(asked.picture), np.asarray(expected))
    width, height = asked.size
    assert width * height <= pixels
    # The server's own processor comes to the same size: nothing is resized again.
    bounds: dict[str, Any] = {"min_pixels": family.min_pixels, "max_pixels": family.max_pixels}
    assert smart_resize(height, width, factor=family.factor, **bounds) == (height, width)


def test_the_request(serve: Served) -> None:
    server, engine = serve(HELLO, max_tokens=1234, penalty=1.1)
    read(engine)
    (asked,) = server.asked
    assert [part["type"] for part in asked.parts] == ["image_url", "text"]
    assert (asked.question, asked.system, asked.reply) == ("QwenVL HTML", PARSER_SYSTEM, "")
    body = {name: value for name, value in asked.body.items() if name != "messages"}
    assert body == {
        "model": "Qwen2.5-VL-7B-Instruct",
        "max_tokens": 1234,
        "temperature": 0,
        "stream": True,
        "stream_options": {"include_usage": True},
        "logprobs": True,
        "skip_special_tokens": False,
        "spaces_between_special_tokens": False,
        "repetition_penalty": 1.1,
        "frequency_penalty": 0,
    }


def test_bounds_of_pictures_are_sent_where_asked(serve: Served) -> None:
    server, engine = serve(HELLO, send_pixels=True, pixels=500_000)
    read(engine)
    assert server.asked[0].body["mm_processor_kwargs"] == {"min_pixels": 3136, "max_pixels": 500_000}


def test_a_qwen3_is_asked_in_its_own_words(serve: Served) -> None:
    server, engine = serve(HELLO, server={"models": [QWEN3_NAME]})
    read(engine)
    assert (server.asked[0].question, server.asked[0].system) == ("qwenvl html", None)
    assert QWEN3.worded("QwenVL Markdown", None) == ("qwenvl markdown", None)
    assert QWEN3.worded("Read all the text in the image.", "Be brief.") == (
        "Read all the text in the image.",
        "Be brief.",
    )


def test_the_key_is_sent_and_nowhere_else(serve: Served) -> None:
    server, engine = serve(HELLO, server={"key": "sk-secret"}, api_key="sk-secret")
    document = docparse.parse(a_pdf(), engine=engine)
    assert server.asked[0].headers["authorization"] == "Bearer sk-secret"
    assert "secret" not in repr(docparse.export(document, "json"))


def test_an_answer_has_the_room_that_the_context_leaves(serve: Served) -> None:
    models = [{"id": "small", "max_model_len": 4096}]
    server, engine = serve(HELLO, server={"models": models}, pixels=28 * 28 * 1000)
    read(engine)
    width, height = server.asked[0].size
    room = 4096 - width * height // 784
    assert room - 500 < server.asked[0].body["max_tokens"] < room
    server, engine = serve(HELLO, server={"models": [{"id": "tiny", "max_model_len": 512}]})
    (markup,) = read(engine)
    assert "the server has room for 512" in why(markup)
    assert not server.asked


# ------------------------------------------------------------------------------------ what comes back


def test_boxes_come_home_from_the_pixels_that_were_sent(serve: Served) -> None:
    server, engine = serve(HELLO, pixels=300_000)
    (page,) = docparse.iter_pages(a_pdf(), engine=engine)
    width, height = server.asked[0].size
    (block,) = page.blocks
    assert block.bbox is not None
    meant = (84 * page.width / width, 112 * page.height / height, 420 * page.width / width, 168 * page.height / height)
    assert block.bbox.as_tuple() == pytest.approx(meant, abs=0.51)


@pytest.mark.parametrize(
    "markup",
    [
        '<html><body><div class="text" data-bbox="100 200 500 300">Hello</div></body></html>',
        "Hello\n\n<!-- Image (100, 200, 500, 300) -->\n",
    ],
)
def test_boxes_of_a_qwen3_are_thousandths(markup: str, serve: Served) -> None:
    _, engine = serve(markup, server={"models": [QWEN3_NAME]}, pixels=300_000)
    (page,) = docparse.iter_pages(a_pdf(), engine=engine)
    boxes = [block.bbox.as_tuple() for block in page.blocks if block.bbox is not None]
    meant = (0.1 * page.width, 0.2 * page.height, 0.5 * page.width, 0.3 * page.height)
    assert meant in [pytest.approx(box, abs=2) for box in boxes]


def test_confidences_go_with_the_text(serve: Served) -> None:
    at = HELLO.index("Hello")
    tokens = [(HELLO[:at].encode(), -0.01), (b"Hello", -1.0), (HELLO[at + 5 :].encode(), -0.01)]
    for models in (["Qwen2.5-VL-7B-Instruct"], [QWEN3_NAME]):
        _, engine = serve(Reply(HELLO, tokens=tokens), server={"models": models})
        (markup,) = read(engine)
        covered = {markup.html[start:end]: sure for start, end, sure in markup.confidences}
        assert covered["Hello"] == pytest.approx(0.3679, abs=1e-4)
    _, engine = serve(HELLO, server={"refuses": ["logprobs"]})
    assert read(engine)[0].confidences == ()


@pytest.mark.parametrize("finish", ["stop", "length"])
def test_how_it_ended(finish: str, serve: Served) -> None:
    _, engine = serve(Reply(HELLO, finish=finish))
    assert read(engine)[0].finish == finish


def test_who_read_it(serve: Served) -> None:
    _, engine = serve(HELLO, server={"models": [{"id": "mine", "root": "/models/Qwen3-VL-4B", "owned_by": "vllm"}]})
    assert engine.info().model == "mine (as qwen3-vl)"
    assert engine.served.continues
    _, engine = serve(HELLO, family="qwen2.5-vl", server={"models": [QWEN3_NAME, "other"]}, model=QWEN3_NAME)
    assert engine.info().model == f"{QWEN3_NAME} (as qwen2.5-vl)"
    assert not engine.served.continues


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("Qwen/Qwen2.5-VL-7B-Instruct", "qwen2.5-vl"),
        ("qwen2.5-vl-72b-instruct", "qwen2.5-vl"),
        ("Qwen2-VL-2B", "qwen2.5-vl"),
        ("Qwen/Qwen3-VL-235B-A22B-Instruct-FP8", "qwen3-vl"),
        ("qwen3-vl-plus", "qwen3-vl"),
        ("qwen3vl", "qwen3-vl"),
        ("Qwen3.5-9B", "qwen3-vl"),
        ("my-finetune-3", "qwen2.5-vl"),
    ],
)
def test_families_by_name(name: str, family: str) -> None:
    assert family_of("auto", [name, ""]).name == family


@pytest.mark.parametrize("name", ["Qwen2.5-VL-7B-Instruct", QWEN3_NAME])
@pytest.mark.parametrize("owner", ["vllm", "me"])
def test_an_answer_that_is_begun(name: str, owner: str, serve: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the pixels of the picture on this side, as the model counts on the other."""
    begun = '<html><body><p data-bbox="588 840 1176 1680">'
    answers: list[Answer] = []

    def reading(page: PageImage, policy: Policy, embedded: Any) -> Reading:
        answers.append((yield Ask(page.pixels(), "QwenVL HTML", reply=begun)))
        return _markup(page, answers[0])

    monkeypatch.setattr(remote, "read_page", reading)
    server, engine = serve(HELLO, server={"models": [{"id": name, "owned_by": owner}]})
    read(engine)
    assert server.asked[0].size in [(1176, 1680), (1184, 1696)]
    assert (answers[0].width, answers[0].height) == server.asked[0].size  # whatever its boxes count to
    as_counted = begun if "2.5" in name else begun.replace("588 840 1176 1680", "497 495 993 991")
    assert server.asked[0].reply == (as_counted if owner == "vllm" else "")


# ------------------------------------------------------------------------------------ many pages


def test_pages_are_pulled_as_the_server_has_room(serve: Served) -> None:
    server, engine = serve(Reply(HELLO, until=2), concurrency=4)
    with open_source(a_pdf(20)) as source:
        held: list[PageImage] = []
        read_yet = 0

        def pages() -> Iterator[PageImage]:
            for number in range(1, 21):
                assert number - 1 - read_yet <= 4
                # What is under way has no pixels here: they are in its request.
                assert all(page._pixels is None for page in held)
                held.append(source.page(number))
                yield held[-1]

        numbers = []
        for markup in engine.read_pages(pages()):
            numbers.append(markup.number)
            read_yet += 1
    assert sorted(numbers) == list(range(1, 21))
    assert 2 <= server.highest <= 4
    assert server.connections <= 6  # kept from page to page
    assert server.cancelled == 0


def test_answers_come_in_any_order(serve: Served) -> None:
    def script(asked: Asked) -> Reply:
        return Reply(HELLO, until=4 if asked.number == 1 else 0)

    server, engine = serve(script, concurrency=2)
    with open_source(a_pdf(4)) as source:
        numbers = [markup.number for markup in engine.read_pages(map(source.page, (1, 2, 3, 4)))]
    # Of the first two pages one is asked first, and held until the fourth is: two others have been answered by then.
    assert sorted(numbers) == [1, 2, 3, 4]
    assert not {1, 2} <= set(numbers[:2])
    assert len(server.asked) == 4


def test_sixty_four_at_a_time(serve: Served) -> None:
    server, engine = serve(Reply(HELLO, until=64), concurrency=64, pixels=20_000)
    markups = read(engine, 64)
    assert len(markups) == 64
    assert all(markup.finish == "stop" and markup.origin == "model" for markup in markups)
    assert server.highest == 64


def test_a_busy_server_gets_fewer(serve: Served) -> None:
    server, engine = serve(Reply(HELLO, until=3), server={"busy": 2}, concurrency=8)
    assert all(markup.origin == "model" for markup in read(engine, 6))
    assert server.highest <= 2
    assert server.refused


def test_somebody_is_told_that_it_is_alive(serve: Served) -> None:
    told: list[float] = []
    _, engine = serve(Reply(HELLO, wait=0.7), alive=lambda: told.append(time.monotonic()))
    read(engine)
    assert len(told) >= 3
    assert max(b - a for a, b in zip(told, told[1:], strict=False)) < 5


def test_whoever_stops_reading_stops_the_server(serve: Served) -> None:
    server, engine = serve(Reply(HELLO * 100, delay=0.01), concurrency=3)
    with open_source(a_pdf(3)) as source:
        pages = engine.read_pages(map(source.page, (1, 2, 3)))

        def interrupt() -> None:
            raise KeyboardInterrupt

        engine._alive = interrupt  # as Ctrl-C does, while it waits
        with pytest.raises(KeyboardInterrupt):
            next(pages)
    deadline = time.monotonic() + 10
    while server.cancelled < len(server.asked) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert server.cancelled == len(server.asked)


def test_an_engine_that_nobody_wants_any_more_leaves_nothing(serve: Served) -> None:
    with ScriptedServer(HELLO) as server:
        engine = RemoteEngine(RemoteOptions(url=server.url))
        read(engine)
        threads = [thread for thread in threading.enumerate() if thread.name == "docparse-remote"]
        assert len(threads) == 1
        del engine
        gc.collect()
        threads[0].join(5)
        assert not threads[0].is_alive()


# ------------------------------------------------------------------------------------ failures of pages


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (Reply(status=500, error="the engine is dead"), "the server says: the engine is dead"),
        (Reply(HELLO, drop=0), "the connection to the server broke"),
        (Reply(HELLO, drop=900), "the connection to the server broke"),
        (Reply(HELLO, finish="content_filter"), "content filter"),
        (Reply(raw=b"<html>login</html>"), "no answer"),
        (Reply(status=404, error="no such model"), "no such model"),
    ],
)
def test_a_page_that_fails_is_read_by_the_embedded_engine(reply: Reply, says: str, serve: Served) -> None:
    _, engine = serve([Reply(HELLO), reply], concurrency=1)
    first, second = read(engine, 2)
    assert first.origin == "model"
    assert "This is page 2" in second.html
    assert says in why(second)


def test_a_page_that_takes_too_long(serve: Served) -> None:
    _, engine = serve(Reply(HELLO, wait=30), page_seconds=0.3)
    (markup,) = read(engine)
    assert "it was not answered within" in why(markup)


def test_a_server_that_dies_costs_no_page(serve: Served) -> None:
    server, engine = serve(HELLO, concurrency=2)
    with open_source(a_pdf(5)) as source:
        markups = []
        for markup in engine.read_pages(map(source.page, range(1, 6))):
            markups.append(markup)
            if len(markups) == 1:
                server.__exit__()
    assert sorted(markup.number for markup in markups) == [1, 2, 3, 4, 5]
    assert "the connection to the server broke" in why(markups[-1])


def test_a_page_that_cannot_be_shown(serve: Served) -> None:
    _, engine = serve(HELLO)
    with open_source(making.pdf(making.text("x"), size=(10_000, 20)), dpi=72) as source:
        (markup,) = engine.read_pages([source.page(1)])
    assert "too long for the model" in why(markup)


def test_a_loop_ends_the_answer(serve: Served) -> None:
    class Watch:
        def __init__(self, allowed: Callable[[str], int] | None, *, size: tuple[int, int]) -> None:
            self.pieces = 0

        def feed(self, piece: str) -> object | None:
            self.pieces += 1
            return "loop" if self.pieces > 20 else None

    _, engine = serve(Reply(HELLO + "again " * 5000, delay=0.001), watch=Watch)
    (markup,) = read(engine)
    assert markup.finish == "loop"
    assert len(markup.html) < 200


# ------------------------------------------------------------------------------------ before any page


@pytest.mark.parametrize(
    ("server", "options", "says"),
    [
        ({"key": "right"}, {}, "wants an API key. Set DOCPARSE_API_KEY"),
        ({"key": "right"}, {"api_key": "wrong"}, "does not accept the API key"),
        ({"models": ["a", "b"]}, {}, "has 2 models: a, b. Name one with --server-model."),
        ({"models": ["a", "b"]}, {"model": "c"}, "has no model 'c'. It has: a, b."),
        ({"models": []}, {}, "has no model. Name one"),
        ({"models": None}, {}, "does not say which models it has"),
    ],
)
def test_what_is_wrong_with_a_server_is_one_sentence(server: Any, options: Any, says: str) -> None:
    with ScriptedServer(HELLO, **server) as served, pytest.raises(EngineUnavailable) as caught:
        check_server(RemoteOptions(url=served.url, **options))
    assert says in str(caught.value)
    assert "wrong" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not served.asked


def test_no_server_at_all() -> None:
    with ScriptedServer(HELLO) as gone:
        url = gone.url
    with pytest.raises(EngineUnavailable, match=r"no server can be reached at http://127.*Is it running"):
        check_server(RemoteOptions(url=url))
    with pytest.raises(EngineUnavailable, match="no server can be reached"):
        check_server(RemoteOptions(url="http://nowhere.invalid:8000"))


def test_a_model_that_is_not_listed_may_be_there_all_the_same() -> None:
    """transformers serve lists what is in its cache, not the model it was started with."""
    with ScriptedServer(HELLO, models=None) as server:
        assert check_server(RemoteOptions(url=server.url, model="mine")).name == "mine"


@pytest.mark.parametrize(
    ("given", "base"),
    [
        ("http://gpu:8000", "http://gpu:8000/v1"),
        ("http://gpu:8000/", "http://gpu:8000/v1"),
        ("http://gpu:8000/v1/", "http://gpu:8000/v1"),
        ("https://gpu/v1/chat/completions", "https://gpu/v1"),
        ("https://example.org/compatible-mode/v1", "https://example.org/compatible-mode/v1"),
        ("http://[::1]:8000", "http://[::1]:8000/v1"),
        (" http://gpu:8000/v1/models ", "http://gpu:8000/v1"),
    ],
)
def test_addresses(given: str, base: str) -> None:
    assert base_url(given) == base


@pytest.mark.parametrize(
    "given", ["gpu:8000", "ftp://gpu", "http://", "http://gpu:port", "http://[::1", "http://gpu:0x1"]
)
def test_what_is_no_address(given: str) -> None:
    with pytest.raises(SettingsError, match="no address of a server"):
        base_url(given)


def test_no_address() -> None:
    with pytest.raises(EngineUnavailable, match="needs a server"):
        base_url(None)
    with pytest.raises(SettingsError, match="password") as caught:
        base_url("http://me:secret@gpu:8000")
    assert "secret" not in str(caught.value)


def test_errors_are_ours() -> None:
    for url in ("http://127.0.0.1:1", "x"):
        with pytest.raises(DocparseError):
            check_server(RemoteOptions(url=url))


def test_torch_is_not_needed(tmp_path: Path) -> None:
    """The model is somebody else's: this machine need not have what runs one."""
    (tmp_path / "page.pdf").write_bytes(a_pdf())
    code = """
import sys
sys.modules["torch"] = None
import docparse
from docparse.engines.options import RemoteOptions
document = docparse.parse(sys.argv[1], engine="remote", remote=RemoteOptions(url=sys.argv[2]))
assert document.pages[0].blocks[0].text == "Hello", document
assert document.engine.model == "Qwen2.5-VL-7B-Instruct (as qwen2.5-vl)"
assert document.engine.reason == "chosen"
"""
    with ScriptedServer(HELLO) as server:
        command = [sys.executable, "-W", "error", "-c", code, str(tmp_path / "page.pdf"), server.url]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
