"""Clients of the service that cost little: HTTP/1.1 over asyncio's streams, bodies made beforehand.

The service and its clients share the machine that is measured; what a comfortable client needs would be counted as
the service's.

    python api_client.py probe URL SECONDS EVERY     asks /healthz at that distance, in a process of its own; one
                                                     line of JSON: the seconds that each answer took
    python api_client.py load URL SECONDS CLIENTS FILE...   so many clients post the files in turn, each one after the
                                                     other; a line of JSON: [status, seconds, pages] of each answer
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    headers: dict[str, str]

    def json(self) -> Any:
        return json.loads(self.body)


class Connection:
    """One connection, kept alive, opened again where the other side has closed it."""

    def __init__(self, url: str, *, key: str | None = None) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        self._host, self._port = parts.hostname, parts.port or 80
        self._more = f"Authorization: Bearer {key}\r\n" if key else ""
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(
        self, method: str, path: str, body: bytes = b"", headers: str = "", *, seconds: float = 300.0
    ) -> Answer:
        head = f"{method} {path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\n{self._more}{headers}"
        data = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
        async with asyncio.timeout(seconds):
            kept = self._streams is not None
            try:
                return await self._try(data)
            except (ConnectionError, asyncio.IncompleteReadError):
                self.close()
                if not kept:
                    raise
                return await self._try(data)  # it was closed while we did not look
            except BaseException:
                self.close()
                raise

    async def _try(self, data: bytes) -> Answer:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port, limit=2**20)
        reader, writer = self._streams
        writer.write(data)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status = int(head[0].split(" ")[1])
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        if headers.get("transfer-encoding") == "chunked":
            pieces = []
            while size := int((await reader.readuntil(b"\r\n")).strip(), 16):
                pieces.append(await reader.readexactly(size))
                await reader.readexactly(2)
            await reader.readexactly(2)
            body = b"".join(pieces)
        else:
            body = await reader.readexactly(int(headers.get("content-length", "0")))
        if headers.get("connection") == "close":
            self.close()
        return Answer(status, body, headers)

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


def form(data: bytes, name: str, **fields: str) -> tuple[bytes, str]:
    """A multipart body with a file and fields; and the header that goes with it."""
    mark = uuid.uuid4().hex
    parts = [f'--{mark}\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in fields.items()]
    plain = name.replace("\\", "_").replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
    parts.append(
        f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{plain}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    body = "".join(parts).encode() + data + f"\r\n--{mark}--\r\n".encode()
    return body, f"Content-Type: multipart/form-data; boundary={mark}\r\n"


async def probe(url: str, seconds: float, every: float) -> list[float]:
    """How long each answer of /healthz took. Each is asked when it is due, also where the one before is late."""
    took: list[float] = []

    async def one() -> None:
        connection = Connection(url)
        begun = time.perf_counter()
        answer = await connection.ask("GET", "/healthz")
        assert answer.status == 200, answer
        took.append(time.perf_counter() - begun)
        connection.close()

    async with asyncio.TaskGroup() as group:
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            group.create_task(one())
            await asyncio.sleep(every)
    return took


async def load(url: str, seconds: float, clients: int, paths: list[Path], *, to: str = "json") -> list[list[float]]:
    """[status, seconds] of each answer; status 0 where there was none."""
    bodies = [form(path.read_bytes(), path.name) for path in paths]
    answers: list[list[float]] = []

    async def client(number: int) -> None:
        connection = Connection(url)
        turn = number
        await asyncio.sleep(random.random() * min(1.0, seconds / 10))
        while time.perf_counter() < end:
            body, header = bodies[turn % len(bodies)]
            turn += 1
            begun = time.perf_counter()
            try:
                answer = await connection.ask("POST", f"/v1/parse?to={to}", body, header)
                status = answer.status
            except (OSError, asyncio.IncompleteReadError, TimeoutError):
                status = 0
            answers.append([status, time.perf_counter() - begun])
        connection.close()

    end = time.perf_counter() + seconds
    async with asyncio.TaskGroup() as group:
        for number in range(clients):
            group.create_task(client(number))
    return answers


def main(words: list[str]) -> None:
    if words[0] == "probe":
        print(json.dumps(asyncio.run(probe(words[1], float(words[2]), float(words[3])))))
    else:
        paths = [Path(word) for word in words[4:]]
        print(json.dumps(asyncio.run(load(words[1], float(words[2]), int(words[3]), paths))))


if __name__ == "__main__":
    main(sys.argv[1:])
