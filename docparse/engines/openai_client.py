"""One question to an OpenAI-compatible server, streamed: vLLM, SGLang, transformers serve, a cloud.

It knows the protocol, and what servers make of it; nothing of pages, pictures or markup. One ``Client`` per run,
used by one event loop. Whatever happens to a question ends as a ``Completion``: how it ended, and the text
so far. Only ``models`` and ``knows`` raise, before there is a first question.
"""

from __future__ import annotations

import asyncio
import email.utils
import json
import math
import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from docparse.engines.completion import Again, Completion, Reader, Watching, limited, told
from docparse.engines.throttle import Throttle
from docparse.qwenvl_html.issues import shown

Message = dict[str, Any]

CONNECT_SECONDS = 10.0
KEEP_SECONDS = 4.0
"""Idle connections are closed before the servers do it: uvicorn's limit is 5 s."""
TRIES = 5
"""Of a question that no text has come for, where the connection is at fault."""

LEAST_ROOM = 64
"""Tokens. A page cannot be answered in less."""

_CONTEXT = re.compile(r"maximum context length (?:is|of)\D{0,20}(\d+)", re.IGNORECASE)
_PROMPT = re.compile(r"(\d+)(?: input tokens| in the messages| tokens from the input| in your prompt)", re.IGNORECASE)

_FORM = re.compile(r"\b(?:json.?schema|grammar|guided|structured.?outputs?)", re.IGNORECASE)
"""What servers say of a form of answers that theirs cannot be held to."""

OPTIONAL = (
    "logprobs",
    "stream_options",
    "skip_special_tokens",
    "spaces_between_special_tokens",
    "repetition_penalty",
    "frequency_penalty",
    "mm_processor_kwargs",
    "response_format",
    "continue_final_message",
    "add_generation_prompt",
)
"""Fields that a server may not know. One that it refuses is not sent again."""


class Unusable(Exception):
    """The server cannot be used; the message is a sentence. ``hint``: what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(slots=True)
class Question:
    """What is asked.

    reply       how the answer begins; see ``Completion.continued``
    optional    what is sent beside to servers that know it: see ``OPTIONAL``
    bare        it is sent without all that, because the server refused it and did not say why
    """

    messages: list[Message]
    max_tokens: int
    reply: str = ""
    optional: dict[str, Any] = field(default_factory=dict)
    bare: bool = False


class _Changed(Exception):
    """The request was refused and is now another one."""


class _Refused(Exception):
    """The server does not answer this question, however often it is asked."""


class Client:
    """Asks one model of one server.

    ``base``: as ``http://host:8000/v1``. ``throttle`` bounds the requests under way; ``pause``: seconds before the
    first new try of a broken connection, doubled with each.
    """

    def __init__(self, base: str, *, key: str | None, throttle: Throttle, pause: float = 0.5) -> None:
        self.throttle = throttle
        self.base = base.rstrip("/")
        self.model = ""
        self.refused: set[str] = set()
        self._key = key
        self._pause = pause
        self._max_tokens = "max_tokens"
        headers = {"Accept-Encoding": "identity"}
        if key:
            headers["Authorization"] = f"Bearer {key}"
        url = httpx.URL(self.base)
        self._http = httpx.AsyncClient(
            headers=headers,
            timeout=httpx.Timeout(None, connect=CONNECT_SECONDS),  # how long an answer may take is the page's affair
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=KEEP_SECONDS),
            # A proxy of the network is no way to this machine.
            trust_env=url.host not in ("localhost", "127.0.0.1", "::1"),
        )

    async def close(self) -> None:
        await self._http.aclose()

    # ------------------------------------------------------------------------ before the first question

    async def models(self) -> list[dict[str, Any]] | None:
        """The models that the server says it has; None where it does not say. Raises ``Unusable``."""
        answer = await self._get("models")
        if answer.status_code in (401, 403):
            raise self._unauthorised()
        if answer.status_code in (429, 503):
            raise Unusable(f"the server at {self.base} is not ready (HTTP {answer.status_code}).", "Try again later.")
        try:
            models = answer.json()["data"] if answer.status_code == 200 else None
            return None if models is None else [{**model, "id": str(model["id"])} for model in models]
        except (ValueError, KeyError, TypeError, RecursionError):
            return None

    async def knows(self, model: str, *, seconds: float = 120.0) -> bool:
        """Whether the server answers for ``model``. Raises ``Unusable`` where it speaks another protocol."""
        body = {"model": model, "messages": [{"role": "user", "content": "1"}], "max_tokens": 1}
        answer = await self._get("chat/completions", body, seconds=seconds)
        if answer.status_code in (401, 403):
            raise self._unauthorised()
        try:
            said = answer.json()
        except (ValueError, RecursionError):
            said = None
        if answer.status_code == 200 and isinstance(said, dict) and isinstance(said.get("choices"), list):
            return True
        if answer.status_code in (400, 404, 422, 500) and isinstance(said, dict) and said.keys() & {"error", "message"}:
            return False
        if answer.status_code in (400, 422) and isinstance(said, dict):
            return False
        if answer.status_code >= 500:
            raise Unusable(
                f"the server at {self.base} fails when it is asked (HTTP {answer.status_code}).", "Its log says why."
            )
        where = f"{self.base}/chat/completions"
        raise Unusable(
            f"{where} is no OpenAI-compatible server (HTTP {answer.status_code}).",
            "The address usually ends with /v1.",
        )

    async def _get(self, path: str, body: object = None, *, seconds: float = 30.0) -> httpx.Response:
        url = f"{self.base}/{path}"
        try:
            async with asyncio.timeout(seconds):
                if body is None:
                    answer = await self._http.get(url)
                else:
                    answer = await self._http.post(url, json=body)
        except TimeoutError:
            raise Unusable(f"the server at {self.base} does not answer within {seconds:.0f} seconds.") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unusable(
                f"no server can be reached at {self.base} ({self._said(error)}).",
                "Is it running, and is that its address?",
            ) from error
        if answer.is_redirect:
            there = shown(answer.headers.get("location", "elsewhere"), 200)
            raise Unusable(f"the server at {self.base} redirects to {there}.", "Give that address instead.")
        return answer

    def _unauthorised(self) -> Unusable:
        if self._key:
            return Unusable(f"the server at {self.base} does not accept the API key.", "See DOCPARSE_API_KEY.")
        return Unusable(f"the server at {self.base} wants an API key.", "Set DOCPARSE_API_KEY, or give --api-key.")

    # ------------------------------------------------------------------------ a question

    async def ask(
        self, question: Question, *, seconds: float, watch: Callable[[], Watching] | None = None
    ) -> Completion:
        """The answer, or as much of it as came within ``seconds``.

        It is asked again where the connection or the server broke before any text came, and where the server
        has too much to do; never once there is text. ``watch`` makes what looks at an answer as it comes.
        """
        deadline = asyncio.get_running_loop().time() + seconds
        tries, broken, why, last = 0, 0, "", Completion()
        try:
            async with asyncio.timeout_at(deadline):
                while True:
                    tries += 1
                    last = Completion(tries=tries)
                    try:
                        async with self.throttle:
                            await self._once(question, last, deadline, watch() if watch else None)
                        return last
                    except _Changed:
                        continue
                    except Again as error:
                        why = str(error)
                        if error.busy:
                            continue  # the throttle says when
                        broken += 1
                        if broken >= TRIES:
                            last.error = why
                            return last
                        await asyncio.sleep(self._pause * 2 ** (broken - 1) * random.uniform(0.75, 1.25))  # noqa: S311
                    except _Refused as error:
                        last.error = str(error)
                        return last
        except TimeoutError:
            last.end, last.error = (
                "error",
                "it was not answered within the time that it may take (DOCPARSE_MODEL_PAGE_SECONDS).",
            )
            if why and not last.pieces:
                last.error = f"{last.error[:-1]}: {why}"
            return last

    async def _once(self, question: Question, into: Completion, deadline: float, watch: Watching | None) -> None:
        """One request. Fills ``into``; raises ``Again``, ``_Changed``, ``_Refused`` where no text came."""
        body = self._body(question)
        try:
            async with self._http.stream("POST", f"{self.base}/chat/completions", json=body) as response:
                if response.status_code != 200:
                    await self._not_ok(response, body, question)
                self.throttle.accepted()
                if question.bare:
                    self.refused |= question.optional.keys()
                into.continued = "continue_final_message" in body
                reader = Reader(into, question.max_tokens, watch)
                if "application/json" in response.headers.get("content-type", ""):
                    reader.whole(await limited(response))
                else:
                    await reader.stream(response, deadline)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            why = f"the connection to the server broke ({self._said(error)})."
            if into.pieces:
                into.end, into.error = "error", why
                return
            temporary = isinstance(error, httpx.TransportError) and not isinstance(
                error, httpx.UnsupportedProtocol | httpx.LocalProtocolError
            )
            raise (Again if temporary else _Refused)(why) from error
        into.error = self._scrubbed(into.error)

    def _body(self, question: Question) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.model,
            "messages": question.messages,
            self._max_tokens: question.max_tokens,
            "temperature": 0,
        }
        if "stream" not in self.refused:
            body["stream"] = True
        if question.bare:
            return body
        optional = dict(question.optional)
        if question.reply:
            optional |= {"continue_final_message": True, "add_generation_prompt": False}
        body |= {name: value for name, value in optional.items() if name not in self.refused}
        if "stream" not in body:
            body.pop("stream_options", None)
        if "continue_final_message" in body:
            body["messages"] = [*question.messages, {"role": "assistant", "content": question.reply}]
        else:
            body.pop("add_generation_prompt", None)
        return body

    async def _not_ok(self, response: httpx.Response, body: dict[str, Any], question: Question) -> None:
        """What another status than 200 means. Always raises."""
        status = response.status_code
        said = self._scrubbed(_message(await limited(response, 2**16)))
        told = f"the server says: {said}" if said else f"the server answered with HTTP {status}."
        if status in (429, 503):
            wait = _retry_after(response.headers)
            self.throttle.refused(wait)
            # 503 may be a queue that is full, or a server that is gone for good behind its proxy.
            raise Again(told, busy=status == 429 or wait is not None)
        if status in (408, 502, 504):
            raise Again(told)
        if status in (400, 422):
            self._adapt(said, body, question)
        raise _Refused(told)

    def _adapt(self, said: str, body: dict[str, Any], question: Question) -> None:
        """Raise ``_Changed`` where the question can be put otherwise, as the server wants it."""
        context = _CONTEXT.search(said)
        if context is not None:
            prompt = _PROMPT.search(said)
            room = int(context[1]) - int(prompt[1]) if prompt is not None else 0
            if LEAST_ROOM <= room < question.max_tokens:
                question.max_tokens = room
                raise _Changed
            return
        named = {
            name for name in (*OPTIONAL, "stream") if name in body and re.search(rf"\b{name}(?:ing)?\b", said, re.I)
        }
        if "response_format" in body and _FORM.search(said):
            named.add("response_format")
        if named:
            self.refused |= named
            raise _Changed
        if self._max_tokens in body and self._max_tokens != "max_completion_tokens" and "max_completion_tokens" in said:
            self._max_tokens = "max_completion_tokens"
            raise _Changed
        if not question.bare and body.keys() & set(OPTIONAL):
            question.bare = True
            raise _Changed

    def _said(self, error: Exception) -> str:
        """What an exception says, or its name."""
        return shown(self._scrubbed(str(error)) or type(error).__name__, 200)

    def _scrubbed(self, text: str) -> str:
        """``text`` without the key: servers repeat the one that they refuse."""
        return text.replace(self._key, "***") if self._key else text


def _message(data: bytes) -> str:
    """What an answer with an error says."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return shown(" ".join(re.sub(r"<[^<>]*>", " ", data[:2000].decode("utf-8", "replace")).split()), 200)
    return told(value)


def _retry_after(headers: httpx.Headers) -> float | None:
    """Seconds: the header has them, or a date."""
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(value).timestamp() - time.time()
        except (ValueError, TypeError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None
