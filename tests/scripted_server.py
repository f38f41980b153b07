"""An OpenAI-compatible server that says what it is told to say, over real sockets on this machine.

    with ScriptedServer("<p>Hello</p>") as server:
        engine = RemoteEngine(RemoteOptions(url=server.url))
        ...
        assert server.asked[0].question == "QwenVL HTML"

A script is one of

    a reply            every question gets it
    a list of replies  question by question; the last one is for all that follow
    a function         of what was ``Asked``, which gives a reply

and a reply is a text or a ``Reply``, which can go wrong in every way that servers do.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import io
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from PIL import Image


@dataclass(frozen=True)
class Reply:
    """What is answered.

    text         split into pieces of ``piece`` characters; or the pieces themselves
    finish       ``finish_reason``; None leaves it out
    wait, delay  seconds before the first piece, and between pieces
    until        questions that must have come, refused ones included, before this one is answered
    drop         bytes of the body after which the connection is cut; 0: before anything is answered at all
    status       with another than 200 ``error`` is the message, and ``retry_after`` its header
    raw          the body, as it is, with ``content_type``
    logprobs     one per piece; a number is that of each
    tokens       (bytes, logprob) that the last event has, whatever the pieces are
    done         ``[DONE]`` at the end
    usage        an event that says how many pieces there were
    line         what ends a line
    between      sent before each event: comments, keep-alives
    hang         the connection stays open after the end
    """

    text: str | Sequence[str] = ""
    finish: Any = "stop"
    wait: float = 0.0
    delay: float = 0.0
    until: int = 0
    piece: int = 4
    drop: int | None = None
    status: int = 200
    error: str = ""
    retry_after: str | None = None
    raw: bytes | None = None
    content_type: str = "text/event-stream"
    logprobs: float | Sequence[float] | None = None
    tokens: Sequence[tuple[bytes, float]] | None = None
    done: bool = True
    usage: bool = False
    line: str = "\n"
    between: str = ""
    hang: bool = False

    @property
    def pieces(self) -> list[str]:
        if isinstance(self.text, str):
            return [self.text[i : i + self.piece] for i in range(0, len(self.text), self.piece)]
        return list(self.text)

    def events(self) -> Iterator[str]:
        """The data of each event, without its frame."""
        yield _event({"role": "assistant", "content": ""})
        pieces = self.pieces
        chances = self.logprobs
        for number, piece in enumerate(pieces):
            logprobs = None
            if chances is not None:
                chance = chances if isinstance(chances, int | float) else chances[number]
                logprobs = [_token(piece.encode("utf-8", "surrogatepass"), chance)]
            yield _event({"content": piece}, logprobs=logprobs)
        last = None if self.tokens is None else [_token(*token) for token in self.tokens]
        yield _event({}, finish=self.finish, logprobs=last)
        if self.usage:
            yield json.dumps({"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": len(pieces)}})
        if self.done:
            yield "[DONE]"

    def framed(self, data: str) -> bytes:
        return f"{self.between}data: {data}{self.line}{self.line}".encode("utf-8", "surrogatepass")


@dataclass(frozen=True)
class Asked:
    """A question that came. ``number`` counts from 1; ``body`` is all of it."""

    number: int
    body: dict[str, Any]
    headers: dict[str, str]

    @property
    def system(self) -> str | None:
        return next((m["content"] for m in self.body["messages"] if m["role"] == "system"), None)

    @property
    def parts(self) -> list[dict[str, Any]]:
        content = next(m["content"] for m in self.body["messages"] if m["role"] == "user")
        return content if isinstance(content, list) else [{"type": "text", "text": content}]

    @property
    def question(self) -> str:
        return "".join(part["text"] for part in self.parts if part["type"] == "text")

    @property
    def reply(self) -> str:
        """How the answer is to begin."""
        last = self.body["messages"][-1]
        return last["content"] if last["role"] == "assistant" else ""

    @cached_property
    def picture(self) -> Image.Image:
        url = next(part["image_url"]["url"] for part in self.parts if part["type"] == "image_url")
        kind, _, data = url.partition(";base64,")
        assert kind == "data:image/png"
        return Image.open(io.BytesIO(base64.b64decode(data, validate=True)))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture."""
        return self.picture.size


Script = Reply | str | Sequence[Reply | str] | Callable[[Asked], "Reply | str"]


@dataclass
class ScriptedServer:
    """Serves from when it is entered until it is left.

    models   what ``/v1/models`` lists: names, or whole entries; None: it has no such page
    key      the API key that it wants
    refuses  fields that it does not know: a question with one of them is refused, and it says which
    mute     it refuses them, but does not say which
    sick     it fails when it is asked who is there
    busy     questions that it takes at a time; it refuses others with 429
    """

    script: Script = ""
    models: Sequence[str | dict[str, Any]] | None = ("Qwen2.5-VL-7B-Instruct",)
    key: str | None = None
    refuses: Sequence[str] = ()
    mute: bool = False
    sick: bool = False
    busy: int | None = None
    retry_after: str | None = None
    asked: list[Asked] = field(default_factory=list)
    refused: list[dict[str, Any]] = field(default_factory=list)
    connections: int = 0
    cancelled: int = 0
    """Questions whose asker went away before the answer had ended."""
    highest: int = 0
    """Questions that were under way at a time, at most."""

    def __post_init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="scripted-server", daemon=True)
        self._ready = threading.Event()
        self._port = 0
        self._active = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._taken = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> ScriptedServer:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        """The end, as if it were killed; a second one does no harm."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._end.set)
            self._thread.join(10)

    # ------------------------------------------------------------------------ the server

    def _run(self) -> None:
        with contextlib.closing(self._loop):
            self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        self._end = asyncio.Event()
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0, limit=2**20)
        self._port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._end.wait()
        server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)  # connections are closed in the next round

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while await self._request(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request. Whether the connection goes on."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ", 2)
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        data = await reader.readexactly(int(headers.get("content-length", 0)))
        if self.key is not None and headers.get("authorization") != f"Bearer {self.key}":
            said = f"Incorrect API key provided: {headers.get('authorization', 'none')}"
            return await _whole(writer, 401, {"error": {"message": said, "code": "invalid_api_key"}})
        if (method, path) == ("GET", "/v1/models") and self.models is not None:
            entries = [{"id": m, "object": "model", "owned_by": "me"} if isinstance(m, str) else m for m in self.models]
            return await _whole(writer, 200, {"object": "list", "data": entries})
        if (method, path) != ("POST", "/v1/chat/completions"):
            return await _whole(writer, 404, {"detail": "Not Found"})
        return await self._chat(json.loads(data), headers, reader, writer)

    async def _chat(
        self,
        body: dict[str, Any],
        headers: dict[str, str],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> bool:
        names = [m if isinstance(m, str) else m["id"] for m in self.models or ()]
        if self.models is not None and body["model"] not in names:
            said = f"The model `{body['model']}` does not exist."
            return await _whole(writer, 404, {"error": {"message": said, "code": 404}})
        unknown = [name for name in self.refuses if name in body]
        if unknown:
            self.refused.append(body)
            said = "Bad request" if self.mute else f"Unexpected fields in the request: {set(unknown)}"
            return await _whole(writer, 400, {"error": {"message": said, "type": "BadRequestError"}})
        if self.busy is not None and self._active >= self.busy:
            self.refused.append(body)
            return await _whole(writer, 429, {"error": {"message": "too many requests"}}, self.retry_after)
        if body["messages"][-1]["content"] == "1":  # only looking who is there
            if self.sick:
                return await _whole(writer, 500, {})
            return await _whole(writer, 200, _completion("1", "stop"))
        asked = Asked(len(self.asked) + 1, body, headers)
        self.asked.append(asked)
        reply = self._reply(asked)
        self._active += 1
        self.highest = max(self.highest, self._active)
        gone = asyncio.ensure_future(reader.read(1))  # an asker says nothing more; he may go away
        answer = asyncio.ensure_future(self._answered(writer, reply, bool(body.get("stream"))))
        try:
            await asyncio.wait((answer, gone), return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                self.cancelled += 1
                return False
            return answer.result()
        finally:
            self._active -= 1
            for task in (answer, gone):
                task.cancel()
            await asyncio.gather(answer, gone, return_exceptions=True)

    async def _answered(self, writer: asyncio.StreamWriter, reply: Reply, stream: bool) -> bool:
        while len(self.asked) + len(self.refused) < reply.until:
            await asyncio.sleep(0.002)
        return await _answer(writer, reply, stream)

    def _reply(self, asked: Asked) -> Reply:
        script = self.script
        if callable(script):
            found = script(asked)
        elif isinstance(script, str | Reply):
            found = script
        else:
            found = script[min(asked.number, len(script)) - 1]
        return found if isinstance(found, Reply) else Reply(found)


async def _answer(writer: asyncio.StreamWriter, reply: Reply, stream: bool) -> bool:
    await asyncio.sleep(reply.wait)
    if reply.drop == 0:
        return False
    if reply.status != 200:
        return await _whole(writer, reply.status, {"error": {"message": reply.error}}, reply.retry_after)
    if reply.raw is None and not stream:
        return await _whole(writer, 200, _completion("".join(reply.pieces), reply.finish))
    writer.write(
        f"HTTP/1.1 200 OK\r\nContent-Type: {reply.content_type}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    )
    parts = (reply.framed(data) for data in reply.events()) if reply.raw is None else iter([reply.raw])
    sent = 0
    for part in parts:
        if reply.drop is not None and sent + len(part) >= reply.drop:
            part = part[: reply.drop - sent]
            writer.write(b"%x\r\n%b\r\n" % (len(part), part) if part else b"")
            await writer.drain()
            return False
        writer.write(b"%x\r\n%b\r\n" % (len(part), part))
        sent += len(part)
        await writer.drain()
        if reply.delay:
            await asyncio.sleep(reply.delay)
    if reply.hang:
        await asyncio.sleep(3600)
    writer.write(b"0\r\n\r\n")
    await writer.drain()
    return True


async def _whole(writer: asyncio.StreamWriter, status: int, value: Any, retry_after: str | None = None) -> bool:
    data = json.dumps(value).encode()
    more = f"Retry-After: {retry_after}\r\n" if retry_after is not None else ""
    head = f"HTTP/1.1 {status} Said\r\nContent-Type: application/json\r\n{more}Content-Length: {len(data)}\r\n\r\n"
    writer.write(head.encode() + data)
    await writer.drain()
    return True


def _completion(text: str, finish: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    return {"object": "chat.completion", "choices": [{"index": 0, "message": message, "finish_reason": finish}]}


def _event(delta: dict[str, Any], *, finish: Any = None, logprobs: list[Any] | None = None) -> str:
    choice: dict[str, Any] = {"index": 0, "delta": delta, "finish_reason": finish}
    if logprobs is not None:
        choice["logprobs"] = {"content": logprobs}
    return json.dumps({"object": "chat.completion.chunk", "choices": [choice]})


def _token(data: bytes, logprob: float) -> dict[str, Any]:
    said = data.decode("utf-8", "replace")
    return {"token": said, "logprob": logprob, "bytes": list(data), "top_logprobs": []}
