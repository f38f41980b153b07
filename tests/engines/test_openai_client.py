"""One question to a server: every shape an answer comes in, and every way in which none comes."""

from __future__ import annotations

import asyncio
import gzip
import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docparse.engines.completion import Completion
from docparse.engines.event_stream import Done, EventStream, Garbage
from docparse.engines.likelihood import of_bytes
from docparse.engines.openai_client import TRIES, Client, Question, Unusable
from docparse.engines.throttle import LONGEST_PAUSE, Throttle
from tests.scripted_server import Reply, ScriptedServer

OPTIONAL = {"logprobs": True, "stream_options": {"include_usage": True}, "skip_special_tokens": False}


def a_question(**changes: Any) -> Question:
    given: dict[str, Any] = {"messages": [{"role": "user", "content": "hello"}], "max_tokens": 100}
    return Question(**{**given, "optional": OPTIONAL, **changes})


def ask(
    server: ScriptedServer,
    *questions: Question,
    seconds: float = 20.0,
    key: str | None = None,
    most: int = 8,
    watch: Callable[[], Any] | None = None,
    look: Callable[[Client], Any] | None = None,
) -> list[Completion]:
    """Ask all of them at once, of one client."""

    async def run() -> list[Completion]:
        client = Client(f"{server.url}/v1", key=key, throttle=Throttle(most, first_pause=0.01), pause=0.01)
        client.model = "Qwen2.5-VL-7B-Instruct"
        try:
            found = await asyncio.gather(*(client.ask(q, seconds=seconds, watch=watch) for q in questions))
        finally:
            await client.close()
        if look is not None:
            look(client)
        return found

    return asyncio.run(run())


def answer(reply: Reply, **changes: Any) -> Completion:
    with ScriptedServer(reply) as server:
        (found,) = ask(server, a_question(**changes))
    return found


# ------------------------------------------------------------------------------------ shapes of answers


def event(content: Any = None, finish: Any = None, **more: Any) -> str:
    delta = {} if content is None else {"content": content}
    return "data: " + json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more}) + "\n\n"


DONE = "data: [DONE]\n\n"


def said(value: str) -> str:
    return f"data: {value}\n\n"


A = event("a", "stop")
STREAMS: dict[str, tuple[str, str, str, str]] = {
    # name: stream, text, end, what the error says
    "plain": (event("Hel") + event("lo") + event(finish="stop") + DONE, "Hello", "stop", ""),
    "role first": (event("") + event("a", role="assistant") + event(finish="stop") + DONE, "a", "stop", ""),
    "CRLF": ((event("a") + event("b", "stop") + DONE).replace("\n", "\r\n"), "ab", "stop", ""),
    "CR": ((event("a") + event("b", "stop") + DONE).replace("\n", "\r"), "ab", "stop", ""),
    "no empty lines": ((event("a") + event("b", "stop") + DONE).replace("\n\n", "\n"), "ab", "stop", ""),
    "no space": ((event("a") + event("b", "stop") + DONE).replace("data: ", "data:"), "ab", "stop", ""),
    "comments": (": ping\n\n" + event("a") + ":\n\n: OPENROUTER\n" + event("b", "stop") + DONE, "ab", "stop", ""),
    "other fields": ("event: message\nid: 7\nretry: 10\n" + event("a", "stop") + DONE, "a", "stop", ""),
    "BOM": ("\ufeff" + event("a", "stop") + DONE, "a", "stop", ""),
    "in several lines": (A.replace('{"content', '\ndata: {"content'), "a", "stop", ""),
    "no [DONE]": (event("a") + event(finish="stop"), "a", "stop", ""),
    "no last empty line": ((event("a") + event("b", "stop")).rstrip(), "ab", "stop", ""),
    "content after the end": (event("a", "stop") + event("b") + DONE, "a", "stop", ""),
    "length": (event("a", "length") + DONE, "a", "length", ""),
    "usage at the end": (A + said('{"choices": [], "usage": {"completion_tokens": 1}}') + DONE, "a", "stop", ""),
    "no reason": (event("a") + DONE, "a", "stop", ""),
    "no reason, all tokens used": (
        event("a") + said('{"choices": [], "usage": {"completion_tokens": 100}}') + DONE, "a", "length", ""),
    "neither reason nor [DONE]": (event("a") + event("b"), "ab", "error", "ended before the answer did"),
    "content filter": (event("a") + event(finish="content_filter") + DONE, "a", "error", "content filter"),
    "abort": (event("a") + event(finish="abort") + DONE, "a", "error", "early (abort)"),
    "reason as an object": (event("a") + event(finish={"type": "length", "length": 9}), "a", "length", ""),
    "error within": (event("a") + said('{"error": {"message": "out of memory"}}'), "a", "error", "out of memory"),
    "error as text": (event("a") + 'data: {"error": "it broke"}\n\n', "a", "error", "it broke"),
    "error that is no JSON": (event("a") + 'data: {"error": "it "broke""}\n\n', "a", "error", "it \"broke\""),
    "error by name": (event("a") + 'event: error\ndata: {"message": "it broke"}\n\n', "a", "error", "it broke"),
    "vLLM's error": ('data: {"object": "error", "message": "no room", "code": 400}\n\n' + DONE, "", "error", "no room"),
    "no error": (event("a", error=None) + event(finish="stop", error=None) + DONE, "a", "stop", ""),
    "reasoning": (said('{"choices": [{"delta": {"reasoning_content": "hm"}}]}') + A + DONE, "a", "stop", ""),
    "null delta": (said('{"choices": [{"delta": null, "finish_reason": null}]}') + A, "a", "stop", ""),
    "null choices": ('data: {"choices": null}\n\n' + event("a", "stop"), "a", "stop", ""),
    "parts": (event([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "stop"), "ab", "stop", ""),
    "text": ('data: {"choices": [{"text": "a", "finish_reason": "stop"}]}\n\n', "a", "stop", ""),
    "second choice": (said('{"choices": [{"index": 1, "delta": {"content": "b"}}]}') + A, "a", "stop", ""),
    "halves of a character": (event("\ud83d") + event("\ude00", "stop"), "\U0001f600", "stop", ""),
    "half a character": (event("a\ud83d", "stop"), "a\ufffd", "stop", ""),
    "ends of turns": (event("a<|im_end|>\n") + event("<|endoftext|>", "stop"), "a", "stop", ""),
    "marks are kept": (event("<|box_start|>(1,2)<|box_end|> ", "stop"), "<|box_start|>(1,2)<|box_end|> ", "stop", ""),
    "nothing": (event("") + event(finish="stop") + DONE, "", "stop", ""),
    "garbage within": (event("a") + "data: {{{\n\n" + event("b", "stop"), "a", "error", "what is no answer: {{{"),
    "numbers": ("data: 17\n\n", "", "error", "no answer: 17"),
    "a page": ("<html><body>Welcome to nginx!</body></html>", "", "error", "no answer: <html><body>Welcome"),
    "far too much": ("".join(event("lots " * 100) for _ in range(20)), "lots " * 700, "length", ""),
}  # fmt: skip


@pytest.mark.parametrize("name", STREAMS)
def test_streams(name: str) -> None:
    stream, text, end, error = STREAMS[name]
    found = answer(Reply(raw=stream.encode("utf-8", "surrogatepass")))
    assert (found.text, found.end) == (text, end) or (name == "far too much" and found.text.startswith(text[:3200]))
    assert error in found.error
    assert bool(error) == (end == "error") == bool(found.error)
    assert found.tries == 1


@given(st.integers(0, 2**32))
def test_streams_in_any_pieces(seed: int) -> None:
    dice = random.Random(seed)
    stream, _, _, _ = STREAMS[dice.choice(list(STREAMS))]
    stream = stream.replace("\n", dice.choice(["\n", "\r\n", "\r"]))
    data = stream.encode("utf-8", "surrogatepass")
    whole, parted = EventStream(), EventStream()
    expected = [*whole.feed(data), *whole.close()]
    found, at = [], 0
    while at < len(data):
        step = dice.choice((1, 2, 3, 50))
        found += parted.feed(data[at : at + step])
        at += step
    found += parted.close()
    assert [type(v) if isinstance(v, Done) else v for v in found] == [
        type(v) if isinstance(v, Done) else v for v in expected
    ]


def test_a_stream_without_end_of_line_is_given_up() -> None:
    events = EventStream()
    found: list[Any] = []
    for _ in range(20):
        found += events.feed(b"data: " + b"x" * 2**19)
    assert isinstance(found[0], Garbage)
    many = EventStream()  # lines that never make up anything
    assert any(isinstance(value, Garbage) for value in many.feed(b"data: [\n" * 100_000))


def test_an_answer_that_is_not_streamed() -> None:
    whole = {"choices": [{"message": {"content": "Hello"}, "finish_reason": "length"}]}
    found = answer(Reply(raw=json.dumps(whole).encode(), content_type="application/json; charset=utf-8"))
    assert (found.text, found.end) == ("Hello", "length")
    found = answer(Reply(raw=b'{"error": {"message": "no"}}', content_type="application/json"))
    assert (found.text, found.end, found.error) == ("", "error", "the server says: no")
    found = answer(Reply(raw=b"<oops>", content_type="application/json"))
    assert "no answer: <oops>" in found.error


def test_a_server_that_does_not_stream() -> None:
    with ScriptedServer("Hello", refuses=["stream"]) as server:
        found = ask(server, a_question(), a_question())
        assert [(f.text, f.end) for f in found] == [("Hello", "stop")] * 2
        assert all("stream" not in asked.body and "stream_options" not in asked.body for asked in server.asked)


def test_a_server_that_compresses_all_the_same() -> None:
    data = gzip.compress((event("Hello") + event(finish="stop") + DONE).encode())
    found = answer(Reply(raw=data, content_type="text/event-stream\r\nContent-Encoding: gzip"))
    assert (found.text, found.end) == ("Hello", "stop")


def test_an_answer_that_has_ended_need_not_end_its_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("docparse.engines.completion.LINGER_SECONDS", 0.05)
    found = answer(Reply("Hello", done=False, hang=True))
    assert (found.text, found.end) == ("Hello", "stop")


# ------------------------------------------------------------------------------------ confidences


def test_tokens_by_their_bytes() -> None:
    """A token may be half a character; its text is then no text."""
    euro = "€".encode()
    tokens = [(b"1 ", -0.1), (euro[:1], -0.2), (euro[1:], -1.5), (b"<|im_end|>", -9.0)]
    found = answer(Reply(["1 ", "€"], tokens=tokens))
    assert found.text == "1 €"
    spans = of_bytes(found.text, found.tokens)
    assert [(a, b) for a, b, _ in spans] == [(0, 2), (2, 3)]
    assert [round(p, 3) for *_, p in spans] == [0.905, 0.223]


def test_tokens_that_do_not_make_up_the_text_say_nothing() -> None:
    assert of_bytes("Hello", [(b"Hel", -0.1), (b"p", -0.1)]) == ()
    assert of_bytes("Hello", [(b"Hel", -0.1)]) == ()
    assert of_bytes("Hello", []) == ()
    assert of_bytes("", []) == ()
    ((start, end, sure),) = of_bytes("Hello", [(b"Hello", float("-inf"))])
    assert (start, end, sure) == (0, 5, 0.0)


@pytest.mark.parametrize("broken", [None, {"content": None}, {"content": [{"token": "a"}]}, {"content": [7]}, "x", []])
def test_logprobs_of_no_use(broken: Any) -> None:
    value = {"choices": [{"delta": {"content": "a"}, "finish_reason": "stop", "logprobs": broken}]}
    found = answer(Reply(raw=b"data: " + json.dumps(value).encode() + b"\n\n"))
    assert (found.text, found.tokens) == ("a", [])


# ------------------------------------------------------------------------------------ what servers do not know


@pytest.mark.parametrize("mute", [False, True])
def test_fields_that_a_server_refuses_are_left_out_from_then_on(mute: bool) -> None:
    refuses = ("logprobs", "skip_special_tokens", "stream_options")
    with ScriptedServer("Hello", refuses=refuses, mute=mute) as server:
        seen: list[set[str]] = []
        for _ in range(2):
            (first,) = ask(server, a_question(), look=lambda client: seen.append(client.refused))
            assert (first.text, first.end, first.tries) == ("Hello", "stop", 2)
        assert seen[0] == set(refuses)
        server.refused.clear()

        async def twice() -> list[Completion]:
            client = Client(f"{server.url}/v1", key=None, throttle=Throttle(1))
            client.model = "Qwen2.5-VL-7B-Instruct"
            found = [await client.ask(a_question(), seconds=9) for _ in range(3)]
            await client.close()
            return found

        assert [found.tries for found in asyncio.run(twice())] == [2, 1, 1]
        assert len(server.refused) == 1


def test_a_question_that_is_refused_for_itself_changes_nothing() -> None:
    with ScriptedServer([Reply(status=400, error="the picture is damaged")] * 2 + [Reply("Hello")]) as server:
        (found,) = ask(server, a_question(), look=lambda client: refused.update(client.refused))
        assert (found.end, found.error) == ("error", "the server says: the picture is damaged")
        assert len(server.asked) == 2
        assert "logprobs" in server.asked[0].body
        assert "logprobs" not in server.asked[1].body


refused: set[str] = set()


def test_nothing_was_learned_from_that() -> None:
    assert not refused


def test_the_newer_name_of_a_field() -> None:
    def script(asked: Any) -> Reply:
        if "max_tokens" in asked.body:
            return Reply(status=400, error="Unsupported parameter: use 'max_completion_tokens' instead.")
        return Reply("Hello")

    with ScriptedServer(script) as server:
        (found,) = ask(server, a_question())
        assert found.text == "Hello"
        assert server.asked[-1].body["max_completion_tokens"] == 100


@pytest.mark.parametrize(
    ("says", "room"),
    [
        (
            "This model's maximum context length is 4096 tokens. However, you requested 4140 tokens (4040 in the "
            "messages, 100 in the completion). Please reduce the length of the messages or completion.",
            None,
        ),
        (
            "'max_tokens' or 'max_completion_tokens' is too large: 100. This model's maximum context length is 4096 "
            "tokens and your request has 4030 input tokens (100 > 4096 - 4030).",
            66,
        ),
        ("This model's maximum context length is 4096 tokens. However, your messages resulted in 9000 tokens.", None),
        ("maximum context length is 4096 tokens, your request has 5000 input tokens", None),
    ],
)
def test_an_answer_has_the_room_that_the_server_has(says: str, room: int | None) -> None:
    def script(asked: Any) -> Reply:
        return Reply("Hello") if asked.body["max_tokens"] == room else Reply(status=400, error=says)

    with ScriptedServer(script) as server:
        (found,) = ask(server, a_question())
        assert (found.text == "Hello") == (room is not None)
        assert len(server.asked) == (1 if room is None else 2)
        assert room is not None or "maximum context length" in found.error


def test_how_an_answer_begins() -> None:
    with ScriptedServer("lo") as server:
        (found,) = ask(server, a_question(reply="Hel"))
        assert (found.text, found.continued) == ("lo", True)
        body = server.asked[0].body
        assert (server.asked[0].reply, body["continue_final_message"], body["add_generation_prompt"]) == (
            "Hel",
            True,
            False,
        )
    with ScriptedServer("Hello", refuses=["continue_final_message"]) as server:
        (found,) = ask(server, a_question(reply="Hel"))
        assert (found.text, found.continued) == ("Hello", False)
        assert server.asked[0].reply == ""
        assert "add_generation_prompt" not in server.asked[0].body


# ------------------------------------------------------------------------------------ faults


@pytest.mark.parametrize(
    "fault",
    [
        Reply("Hello", drop=0),
        Reply("Hello", drop=40),
        Reply(status=502, error="bad gateway"),
        Reply(status=504),
        Reply(status=503, error="loading"),
        Reply(raw=b""),
        Reply(raw=b": ping\n\n"),
        Reply(raw=b'data: {"error": {"message": "overloaded", "code": 503}}\n\n'),
    ],
)
def test_what_broke_before_there_was_text_is_tried_again(fault: Reply) -> None:
    with ScriptedServer([fault, fault, Reply("Hello")]) as server:
        (found,) = ask(server, a_question())
        assert (found.text, found.end, found.tries) == ("Hello", "stop", 3)
    with ScriptedServer(fault) as server:
        (found,) = ask(server, a_question())
        assert (found.end, found.text, found.tries) == ("error", "", TRIES)
        assert found.error.startswith(("the server", "the connection"))


def test_once_there_is_text_nothing_is_asked_again() -> None:
    with ScriptedServer(Reply("Hello, world", drop=400)) as server:
        (found,) = ask(server, a_question())
        assert found.text
        assert "Hello, world".startswith(found.text)
        assert found.end == "error"
        assert "broke" in found.error
        assert len(server.asked) == 1


@pytest.mark.parametrize("status", [400, 403, 404, 413, 422, 500, 501, 302])
def test_what_a_server_refuses_is_not_asked_again(status: int) -> None:
    with ScriptedServer(Reply(status=status, error="I would rather not")) as server:
        (found,) = ask(server, a_question(optional={}))
        assert (found.end, found.error) == ("error", "the server says: I would rather not")
        assert len(server.asked) == 1


def test_a_key_is_in_no_error() -> None:
    with ScriptedServer("Hello", key="right") as server:
        (found,) = ask(server, a_question(), key="sk-wrong-and-secret")
        assert "Incorrect API key provided: Bearer ***" in found.error
        assert ask(server, a_question(), key="right")[0].text == "Hello"


def test_slow_answers_end_at_the_time_limit_with_what_came() -> None:
    with ScriptedServer(Reply("Hello, world", delay=0.15)) as server:
        (found,) = ask(server, a_question(), seconds=0.5)
        assert found.text
        assert "Hello, world".startswith(found.text)
        assert found.end == "error"
        assert "it was not answered within" in found.error
    with ScriptedServer(Reply("Hello", wait=9)) as server:
        (found,) = ask(server, a_question(), seconds=0.3)
        assert (found.text, found.end) == ("", "error")


def test_a_loop_ends_the_connection() -> None:
    class Watch:
        def __init__(self) -> None:
            self.seen = ""

        def feed(self, piece: str) -> object | None:
            self.seen += piece
            return True if self.seen.count("na") > 8 else None

    with ScriptedServer(Reply("na" * 5000, delay=0.001, piece=2)) as server:
        (found,) = ask(server, a_question(max_tokens=10_000), watch=Watch)
        assert (found.end, found.text) == ("loop", "na" * 9)
        for _ in range(200):
            if server.cancelled:
                break
            asyncio.run(asyncio.sleep(0.01))
        assert server.cancelled == 1


# ------------------------------------------------------------------------------------ how many at a time


def test_a_busy_server_gets_all_its_questions_in_the_end() -> None:
    limits: list[int] = []
    with ScriptedServer(Reply("Hello", wait=0.005), busy=3) as server:
        found = ask(
            server,
            *(a_question() for _ in range(40)),
            most=16,
            look=lambda client: limits.append(client.throttle.limit),
        )
        assert [f.text for f in found] == ["Hello"] * 40
        assert server.highest <= 3
        assert server.refused
        assert limits[0] < 16


def test_one_is_asked_no_earlier_than_the_server_wants() -> None:
    class Clock:
        now = 0.0

        def __call__(self) -> float:
            return self.now

    async def run() -> None:
        clock = Clock()
        throttle = Throttle(8, first_pause=1.0, clock=clock)
        assert throttle.limit == 8
        throttle.refused(30.0)
        assert throttle.limit == 4
        for _ in range(7):  # those that were sent with it
            throttle.refused(None)
        assert throttle.limit == 4
        entering = asyncio.ensure_future(throttle.__aenter__())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not entering.done()
        clock.now = 30.1
        throttle.accepted()  # wakes whoever waits
        await asyncio.wait_for(entering, 5)
        assert throttle.active == 1
        for _ in range(100):
            throttle.accepted()
        assert throttle.limit == 8  # never more than at first
        for _ in range(10):
            clock.now += 1000
            throttle.refused(10_000)
        assert throttle.limit == 1
        assert throttle._resume == clock.now + LONGEST_PAUSE

    asyncio.run(run())


def test_more_is_tried_slowly() -> None:
    throttle = Throttle(100, clock=lambda: 0.0)
    for now in range(4):
        throttle._clock = lambda now=now: 1000.0 * now  # type: ignore[misc]
        throttle.refused(1.0)
    assert throttle.limit == 6
    taken = 0
    while throttle.limit < 10:
        throttle.accepted()
        taken += 1
    assert 20 < taken < 40  # about as many as there were under way, for each more


@pytest.mark.parametrize(
    ("said", "waits"),
    [("0", True), ("0.05", True), ("Wed, 21 Oct 2015 07:28:00 GMT", True), ("soon", True), ("nan", True)],
)
def test_when_to_come_again(said: str, waits: bool) -> None:
    with ScriptedServer([Reply(status=429, retry_after=said, error="slow down")] * 2 + [Reply("Hello")]) as server:
        (found,) = ask(server, a_question())
        assert (found.text, found.tries) == ("Hello", 3)


def test_a_server_that_is_busy_for_ever_is_given_up_at_the_time_limit() -> None:
    with ScriptedServer(Reply(status=429, error="no room today")) as server:
        (found,) = ask(server, a_question(), seconds=0.3)
        assert found.end == "error"
        assert "no room today" in found.error


# ------------------------------------------------------------------------------------ before the first question


def look(server: ScriptedServer | str, what: Callable[[Client], Any], key: str | None = None) -> Any:
    async def run() -> Any:
        base = server if isinstance(server, str) else f"{server.url}/v1"
        client = Client(base, key=key, throttle=Throttle(1))
        try:
            return await what(client)
        finally:
            await client.close()

    return asyncio.run(run())


def test_models() -> None:
    with ScriptedServer(models=["a", {"id": "b", "max_model_len": 99}]) as server:
        assert [m["id"] for m in look(server, Client.models)] == ["a", "b"]
        assert look(server, Client.models)[1]["max_model_len"] == 99
        assert look(server, lambda client: client.knows("a")) is True
        assert look(server, lambda client: client.knows("c")) is False
        with pytest.raises(Unusable, match="is no OpenAI-compatible server"):
            look(f"{server.url}/elsewhere", lambda client: client.knows("a"))
        assert look(f"{server.url}/elsewhere", Client.models) is None
    with ScriptedServer(models=None, sick=True) as server:
        assert look(server, Client.models) is None
        with pytest.raises(Unusable, match="fails when it is asked"):  # not: is no OpenAI-compatible server
            look(server, lambda client: client.knows("a"))
    with ScriptedServer(key="right") as server:
        with pytest.raises(Unusable, match="wants an API key"):
            look(server, Client.models)
        with pytest.raises(Unusable, match="does not accept the API key"):
            look(server, Client.models, key="wrong")
    with pytest.raises(Unusable, match="no server can be reached at http://127"):
        look("http://127.0.0.1:9/v1", Client.models)
