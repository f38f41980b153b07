"""Bodies of requests, read as they come: a file goes to the disk in pieces and is never held as a whole.

A body is refused as early as can be: by what it says of its length, at the first byte or part too many, at the
first bytes that are no document, where it comes too slowly. What this file is not: it makes no file itself.
"""

from __future__ import annotations

import asyncio
import binascii
import functools
import re
import time
import unicodedata
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from docparse.api.asked import LONGEST_SCHEMA
from docparse.api.config import ApiConfig
from docparse.api.job import Upload
from docparse.api.ports import Service
from docparse.api.problems import from_validation
from docparse.errors import (
    DocparseError,
    MediaTypeError,
    RequestError,
    RequestTooLarge,
    RequestTooSlow,
    TooLargeSource,
)

Model = TypeVar("Model", bound=BaseModel)
Came = Callable[[str, int], None]

MOST_PARTS = 32
"""Parts of a form."""
MOST_FILES = 500
"""Of a form that has files only."""
MOST_FILES_BYTES = 16
"""How much they may have together, in largest files."""
SHORT_JSON, LONG_JSON = 1024 * 1024, 8 * 1024 * 1024
"""Bytes of JSON without a file: of options, and of content. In memory it can be thirty times as large: ``[{},{},``."""
LONGEST_FIELD = LONGEST_SCHEMA
FIELDS_BYTES = 2 * LONGEST_SCHEMA
"""Of all fields of a form together, its file left out."""
AROUND = FIELDS_BYTES + 64 * 1024
"""What a form may have besides its file: fields, headers of parts, boundaries."""
PIECE = 1024 * 1024
LONGEST_NAME = 200
"""Characters of a file's name that are kept."""


def _nothing(name: str, size: int) -> None:
    return None


def media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def stream(request: Request, config: ApiConfig, *, most: int, error: type[Exception]) -> AsyncIterator[bytes]:
    """The body in pieces. Raises ``error`` for more than ``most``, ``RequestTooSlow`` and ``ClientDisconnect``."""
    said = request.headers.get("content-length", "")
    if said.isdecimal() and int(said[:19]) > most:
        raise error(_too_long(most))
    begun, came = time.monotonic(), 0
    while True:
        lasted = time.monotonic() - begun
        try:
            async with asyncio.timeout(min(config.idle_seconds, max(config.upload_seconds - lasted, 0))):
                message = await request.receive()
        except TimeoutError as late:
            raise RequestTooSlow("the request comes too slowly.", hint="Send it again over a better line.") from late
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        piece = message.get("body", b"")
        came += len(piece)
        if came > most:
            raise error(_too_long(most))
        lasted = time.monotonic() - begun
        if lasted > config.idle_seconds and came < config.upload_rate * lasted and message.get("more_body", False):
            raise RequestTooSlow("the request comes too slowly.", hint="Send it again over a better line.")
        if piece:
            yield piece
        if not message.get("more_body", False):
            return


def _too_long(most: int) -> str:
    return f"the request has more than {most:,} bytes."


# ------------------------------------------------------------------------------------ JSON


async def read_json(
    request: Request, config: ApiConfig, model: type[Model], *, empty: bool = False, most: int | None = None
) -> Model:
    """A JSON body as ``model``. ``empty``: none at all will do; ``most``: bytes of it, where it has no file.
    Raises ``RequestError``."""
    most = config.json_bytes if most is None else min(most, config.json_bytes)
    data = b"".join([piece async for piece in stream(request, config, most=most, error=RequestTooLarge)])
    if empty and not data.strip():
        return model()
    if media_type(request) != "application/json":
        raise MediaTypeError("the body is not JSON.", hint="Send it with Content-Type: application/json.")
    try:
        return await asyncio.to_thread(model.model_validate_json, data, strict=True)
    except ValidationError as error:
        raise from_validation(error, where="body") from error


async def receive(
    request: Request, service: Service, config: ApiConfig, form: type[Model], json: type[Model], *, owner: str
) -> tuple[Model, Upload]:
    """What a request asks for, as ``form`` or ``json``, and the file that came with it.

    Raises ``RequestError``, and what ``Service.receive`` raises; no file is left then.
    """
    kind = media_type(request)
    if kind == "application/json":
        return await _receive_json(request, service, config, json, owner=owner)
    if kind == "multipart/form-data":
        return await _receive_form(request, service, config, form, owner=owner)
    raise MediaTypeError(
        "the body is neither a form nor JSON.",
        hint="Send the file as multipart/form-data (curl -F file=@document.pdf), or as JSON with base64.",
    )


async def _receive_json(
    request: Request, service: Service, config: ApiConfig, model: type[Model], *, owner: str
) -> tuple[Model, Upload]:
    found = await read_json(request, config, model)
    file = found.file  # type: ignore[attr-defined]
    try:
        data = await asyncio.to_thread(binascii.a2b_base64, file.content, strict_mode=True)
    except ValueError as error:
        raise _wrong("file.content", "it is not base64", "Encode it as RFC 4648 says, in one line.") from error
    if len(data) > config.upload_bytes:
        raise TooLargeSource(f"the file has more than {config.upload_bytes:,} bytes.")

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(data), PIECE):
            yield data[start : start + PIECE]

    return found, await service.receive(pieces(), name=file_name(file.name), owner=owner)


# ------------------------------------------------------------------------------------ forms


async def _receive_form(
    request: Request, service: Service, config: ApiConfig, model: type[Model], *, owner: str
) -> tuple[Model, Upload]:
    names = {field.alias or name for name, field in model.model_fields.items()}
    values: dict[str, str] = {}
    upload: Upload | None = None
    room = FIELDS_BYTES
    tokens = _tokens(request, config)
    try:
        async for token in tokens:
            if not isinstance(token, _Part):
                continue
            if token.name == "file":
                if upload is not None:
                    raise RequestError("the form has more than one file.", hint="Send one request for each.")
                upload = await service.receive(_file(tokens, config), name=token.filename, owner=owner)
                continue
            if token.name not in names:
                raise _wrong(
                    _shown(token.name), "there is no such field", f"There are file, {', '.join(sorted(names))}."
                )
            if token.name in values:
                raise _wrong(token.name, "it is there twice")
            value = b""
            async for piece in _content(tokens):
                value += piece
                if len(value) > min(LONGEST_FIELD, room):
                    raise RequestTooLarge(f"the field {token.name} is too long.")
            room -= len(value)
            try:
                values[token.name] = value.decode("utf-8")
            except UnicodeDecodeError as error:
                raise _wrong(token.name, "it is not UTF-8") from error
        if upload is None:
            raise _wrong("file", "the form has no file", "Send one as: curl -F file=@document.pdf ...")
        try:
            return model.model_validate(values), upload
        except ValidationError as error:
            raise from_validation(error, where="body") from error
    except BaseException:  # also where the request is cancelled
        if upload is not None:
            await asyncio.shield(service.discard(upload, owner=owner))
        raise
    finally:
        await tokens.aclose()


async def receive_files(
    request: Request, service: Service, config: ApiConfig, *, owner: str, came: Came = _nothing
) -> list[tuple[str, Upload | DocparseError]]:
    """All files of a form that has nothing else, by their names: each received, or why it was not.

    ``came`` is told of bytes as they come, with the file's name. Raises ``RequestError``; no file is left then.
    """
    found: list[tuple[str, Upload | DocparseError]] = []
    tokens = _tokens(request, config, most=MOST_FILES_BYTES * config.upload_bytes, parts=MOST_FILES)
    try:
        async for token in tokens:
            if not isinstance(token, _Part):
                continue
            body = _Body(tokens, functools.partial(came, token.filename))
            try:
                pieces = _bounded(body.pieces(), config)
                found.append((token.filename, await service.receive(pieces, name=token.filename, owner=owner)))
            except RequestError:
                raise  # it is the request's, not the file's
            except DocparseError as error:
                found.append((token.filename, error))
                async for _ in body.pieces():  # whatever is left of it is not kept
                    pass
    except BaseException:
        for _, upload in found:
            if isinstance(upload, Upload):
                await asyncio.shield(service.discard(upload, owner=owner))
        raise
    finally:
        await tokens.aclose()
    return found


class _Body:
    """What a part has; one that was left in the middle can be gone on with."""

    def __init__(self, tokens: AsyncIterator[_Token], came: Callable[[int], None]) -> None:
        self._tokens = tokens
        self._came = came
        self._over = False

    async def pieces(self) -> AsyncIterator[bytes]:
        while not self._over:
            token = await anext(self._tokens, _End)
            if token is _End:
                self._over = True
            elif isinstance(token, bytes):
                self._came(len(token))
                yield token


async def _file(tokens: AsyncIterator[_Token], config: ApiConfig) -> AsyncIterator[bytes]:
    async for piece in _bounded(_content(tokens), config):
        yield piece


async def _bounded(pieces: AsyncIterator[bytes], config: ApiConfig) -> AsyncIterator[bytes]:
    came = 0
    async for piece in pieces:
        came += len(piece)
        if came > config.upload_bytes:
            raise TooLargeSource(f"the file has more than {config.upload_bytes:,} bytes.")
        yield piece


def _shown(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text[:40])


def _wrong(name: str, message: str, hint: str | None = None) -> RequestError:
    problem = RequestError(f"{name}: {message}.", hint=hint)
    problem.fields = [(f"body.{name}", message)]
    return problem


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a form begins. ``filename``: made fit to be shown."""

    name: str
    filename: str


class _End:
    """A part ends."""


_Token = _Part | bytes | type[_End]


async def _content(tokens: AsyncIterator[_Token]) -> AsyncIterator[bytes]:
    """The rest of the part."""
    async for token in tokens:
        if token is _End:
            return
        if isinstance(token, bytes):
            yield token


async def _tokens(
    request: Request, config: ApiConfig, *, most: int | None = None, parts: int = MOST_PARTS
) -> AsyncGenerator[_Token, None]:
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not boundary:
        raise MediaTypeError("the form has no boundary.", hint="Let your HTTP library make the form.")
    reader = _FormReader(parts)
    most = (config.upload_bytes if most is None else most) + AROUND
    try:
        parser = MultipartParser(boundary, reader.callbacks(), max_header_count=8, max_header_size=4096)
        async for piece in stream(request, config, most=most, error=RequestTooLarge):
            if reader.over:
                continue  # what stands after the form is nobody's
            parser.write(piece)
            for token in reader.taken():
                yield token
        parser.finalize()
    except FormParserError as error:
        raise RequestError("the form is broken.", hint="Let your HTTP library make the form.") from error
    if not reader.over:
        raise RequestError("the form ends in the middle.", hint="Send it again.")


class _FormReader:
    """What the parser calls; it keeps what came until somebody takes it."""

    def __init__(self, most: int) -> None:
        self.over = False
        self._most = most
        self._found: list[_Token] = []
        self._headers: dict[bytes, bytes] = {}
        self._name = b""
        self._value = b""
        self._parts = 0

    def callbacks(self) -> Any:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_name,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._open,
            "on_part_data": self._data,
            "on_part_end": self._close,
            "on_end": self._finish,
        }

    def taken(self) -> list[_Token]:
        found, self._found = self._found, []
        return found

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > self._most:
            raise RequestTooLarge(f"the form has more than {self._most} parts.")
        self._headers = {}

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name = self._value = b""

    def _open(self) -> None:
        kind, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        name = options.get(b"name")
        if kind != b"form-data" or name is None:
            raise RequestError("a part of the form has no name.", hint="Let your HTTP library make the form.")
        if self._headers.get(b"content-transfer-encoding", b"binary").lower() not in (b"binary", b"8bit", b"7bit"):
            raise RequestError("a part of the form is encoded.", hint="Send the file's bytes as they are.")
        filename = options.get(b"filename", b"").decode("utf-8", "replace")
        self._found.append(_Part(name.decode("utf-8", "replace"), file_name(filename)))

    def _data(self, data: bytes, start: int, end: int) -> None:
        self._found.append(bytes(data[start:end]))

    def _close(self) -> None:
        self._found.append(_End)

    def _finish(self) -> None:
        self.over = True


# ------------------------------------------------------------------------------------ names

_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def file_name(said: str) -> str:
    """A client's name for a file as it is shown: its last part, in one line, without controls. Never a path."""
    text = unicodedata.normalize("NFC", said.replace("\0", ""))
    text = re.split(r"[/\\]", text)[-1]
    text = "".join(letter for letter in text if letter.isprintable() and letter not in _BIDI).strip(" .")
    if len(text) > LONGEST_NAME:
        stem, dot, suffix = text.rpartition(".")
        text = (
            stem[: LONGEST_NAME - len(suffix) - 1] + dot + suffix if dot and len(suffix) < 10 else text[:LONGEST_NAME]
        )
    return text or "document"
