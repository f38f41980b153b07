"""Connections that keep the service waiting are cut; those that do not are left alone."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn

from docparse.api.server import Connection
from tests.api.hostile import Slow

HEAD, STALL = 0.4, 0.6
GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Impatient(Connection):
    head_seconds = HEAD
    stall_seconds = STALL


async def app(scope: Any, receive: Any, send: Any) -> None:
    """``/``: a word. ``/large``: more than fits anywhere. ``/slow``: a word after a while. ``/early``: a word before
    the body was read."""
    if scope["path"] == "/slow":
        await asyncio.sleep(HEAD * 2)
    headers = [(b"content-length", b"5")]
    if scope["path"] == "/large":
        headers = [(b"content-length", str(64 * 2**20).encode())]
    elif scope["path"] == "/read":
        while (await receive()).get("more_body"):
            pass
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    if scope["path"] == "/large":
        for _ in range(64):
            await send({"type": "http.response.body", "body": bytes(2**20), "more_body": True})
        await send({"type": "http.response.body"})
    else:
        await send({"type": "http.response.body", "body": b"hello"})


@contextmanager
def running() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as door:
        config = uvicorn.Config(app, http=Impatient, ws="none", lifespan="off", log_config=None, access_log=False)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [door]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{door.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running() as where:
        yield where


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"GET",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ",
        GET + b"GET / HT",
        # Answered already, and a body is still to come that nobody reads.
        b"POST /early HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n",
    ],
)
def test_a_request_that_does_not_come_is_not_waited_for(url: str, begun: bytes) -> None:
    slow = Slow(url, begun)
    answer = slow.ended(HEAD * 20)
    assert answer is not None
    assert answer.count(b"hello") == (1 if begun.startswith((GET, b"POST")) else 0)
    slow.close()


@pytest.mark.parametrize("begun", [b"", b"POST /early HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n"])
def test_nor_one_that_comes_a_byte_at_a_time(url: str, begun: bytes) -> None:
    slow = Slow(url, begun or b"G")
    end = time.monotonic() + HEAD * 20
    while slow.send(b"x") and time.monotonic() < end:
        time.sleep(HEAD / 8)
    assert time.monotonic() < end
    slow.close()


def test_an_answer_that_nobody_reads_is_given_up(url: str) -> None:
    slow = Slow(url, b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n")
    time.sleep(STALL * 3)
    said = slow.ended(5.0)
    assert said is not None
    assert len(said) < 64 * 2**20
    slow.close()


def test_one_that_is_slow_to_be_made_is_waited_for_and_the_connection_is_kept(url: str) -> None:
    patient = Slow(url, b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert b"hello" in read(patient, b"hello")
    time.sleep(HEAD * 2)  # idle connections are kept for longer than that
    for _ in range(3):
        patient.send(GET)
        assert b"hello" in read(patient, b"hello")
        time.sleep(HEAD / 2)
    patient.close()


def test_a_body_that_is_read_may_take_its_time(url: str) -> None:
    patient = Slow(url, b"POST /read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n")
    for _ in range(10):
        assert patient.send(b"x")
        time.sleep(HEAD / 4)
    assert b"hello" in read(patient, b"hello")
    patient.close()


def test_requests_that_come_together_are_all_answered(url: str) -> None:
    eager = Slow(url, GET * 5)
    said = b""
    while said.count(b"hello") < 5:
        said += read(eager, b"hello")
    eager.close()


def read(client: Slow, until: bytes) -> bytes:
    client.socket.settimeout(10.0)
    said = b""
    while until not in said:
        piece = client.socket.recv(65_536)
        assert piece, "the connection was cut"
        said += piece
    return said
