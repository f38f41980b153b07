"""Uploads that mean harm, or come from a bad line. Nothing of them is left, and others are served meanwhile."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from docparse.api import envelope
from docparse.api.config import ApiConfig
from docparse.api.upload import file_name
from docparse.errors import JobNotFound
from tests.api.fake_service import FakeService
from tests.api.loopback import PDF, Running, running

MIB = 1024 * 1024
CONFIG = ApiConfig(upload_bytes=MIB, json_bytes=2 * MIB, idle_seconds=0.6, upload_seconds=3, upload_rate=2000)


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with pytest.MonkeyPatch.context() as patch, running(FakeService, CONFIG) as it:
        patch.setattr(envelope, "LINGER_SECONDS", 0.5)
        yield it


@pytest.fixture(autouse=True)
def nothing_is_left(server: Running) -> Iterator[None]:
    yield
    until = time.monotonic() + 10
    while server.service.uploads or server.service.being_received or server.app.state.desk._uploads:
        for job in server.service.jobs_kept:
            with contextlib.suppress(JobNotFound):  # it was removed by whoever it belongs to
                server.call(lambda job=job: server.service.remove(job.id, owner=job.owner))
        assert time.monotonic() < until, "something of an upload is left"
        time.sleep(0.01)
    # And others are served.
    assert server.parse().status_code == 200
    while server.service.jobs_kept:
        assert time.monotonic() < until + 10
        time.sleep(0.01)


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def form(*parts: tuple[str, bytes], boundary: str = "xyz", end: bool = True) -> bytes:
    """A form of parts as they are given: the value of Content-Disposition, and the content."""
    said = b"".join(
        f"--{boundary}\r\nContent-Disposition: {head}\r\n\r\n".encode("utf-8", "surrogateescape") + content + b"\r\n"
        for head, content in parts
    )
    return said + (f"--{boundary}--\r\n".encode() if end else b"")


FILE = 'form-data; name="file"; filename="a.pdf"'


def post(
    server: Running, body: Any, *, kind: str = "multipart/form-data; boundary=xyz", **headers: str
) -> httpx.Response:
    return server.client.post("/v1/parse", content=body, headers={"Content-Type": kind, **headers})


class Raw:
    """A client that says what it likes."""

    def __init__(self, server: Running) -> None:
        self.line = server.connect()

    def __enter__(self) -> Raw:
        return self

    def __exit__(self, *_: object) -> None:
        self.line.close()

    def send(self, text: bytes | str) -> None:
        self.line.sendall(text.encode("latin-1") if isinstance(text, str) else text)

    def head(
        self, *, length: int | str | None = None, kind: str = "multipart/form-data; boundary=xyz", more: str = ""
    ) -> None:
        said = "" if length is None else f"Content-Length: {length}\r\n"
        self.send(f"POST /v1/parse HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n{said}{more}\r\n")

    def answer(self) -> bytes:
        """All that comes, until the other side ends."""
        found = b""
        while True:
            try:
                piece = self.line.recv(65536)
            except ConnectionResetError:
                return found
            if not piece:
                return found
            found += piece


# ------------------------------------------------------------------------------------ too much


def test_too_many_bytes_are_refused_by_what_is_said_of_them(server: Running) -> None:
    with Raw(server) as client:
        client.head(length=50 * MIB)
        answer = client.answer()  # not a byte of the body was sent
    assert b" 413 " in answer.splitlines()[0]
    assert b"request.too_large" in answer
    assert b"connection: close" in answer.lower()


def test_a_client_that_asks_first_sends_nothing(server: Running) -> None:
    with Raw(server) as client:
        client.head(length=50 * MIB, more="Expect: 100-continue\r\n")
        answer = client.answer()
    assert b" 413 " in answer.splitlines()[0]
    assert b"100 Continue" not in answer
    with Raw(server) as client:
        body = form((FILE, PDF))
        client.head(length=len(body), more="Expect: 100-continue\r\nConnection: close\r\n")
        client.line.settimeout(10)
        assert client.line.recv(100).startswith(b"HTTP/1.1 100")
        client.send(body)
        assert b" 200 " in client.answer().splitlines()[0]


def test_too_many_bytes_are_refused_as_they_come(server: Running) -> None:
    def endless() -> Iterator[bytes]:
        yield form((FILE, PDF), end=False)
        for _ in range(64):
            yield b"x" * 65536

    assert code(post(server, endless())) == (413, "source.too_large")  # chunked: no length was said
    big = PDF + b"x" * MIB
    assert code(server.parse(big)) == (413, "source.too_large")
    assert server.parse(big[: MIB - 10]).status_code == 200


def test_a_client_that_sends_on_hears_the_answer(server: Running) -> None:
    """The line is not cut while it still sends."""
    assert code(server.parse(PDF + b"x" * 20 * MIB)) == (413, "request.too_large")


def test_too_much_json(server: Running) -> None:
    answer = post(server, b'{"file": {"content": "' + b"A" * 3 * MIB + b'"}}', kind="application/json")
    assert code(answer) == (413, "request.too_large")
    deep = post(server, b"[" * 100_000, kind="application/json")
    assert code(deep) == (422, "request.invalid")


def test_a_thousand_parts(server: Running) -> None:
    many = [(f'form-data; name="f{number}"', b"x") for number in range(1000)]
    assert code(post(server, form(*many))) == (413, "request.too_large")
    assert code(post(server, form(*many[:30]))) == (422, "request.invalid")  # there is no such field
    same = [('form-data; name="pages"', b"1")] * 30
    assert code(post(server, form(*same))) == (422, "request.invalid")  # it is there twice
    files = [(FILE, PDF)] * 1000
    assert code(post(server, form(*files))) == (413, "request.too_large")
    assert code(post(server, b"--xyz\r\n\r\n\r\n" * 40)) == (422, "request.invalid")


def test_a_field_that_never_ends(server: Running) -> None:
    answer = post(server, form(('form-data; name="schema"', b"x"), (FILE, PDF)))
    assert answer.status_code == 422
    answer = server.client.post("/v1/extract", files={"file": ("a", PDF)}, data={"schema": "x" * 900_000})
    assert code(answer) == (413, "request.too_large")


@pytest.mark.parametrize(
    "head",
    [
        "X" * 5000 + ": y",
        "Content-Disposition: form-data; name=" + "x" * 5000,
        "\r\n".join(f"X-{number}: y" for number in range(50)),
    ],
)
def test_headers_of_parts_are_bounded(server: Running, head: str) -> None:
    body = f"--xyz\r\n{head}\r\n\r\ncontent\r\n--xyz--\r\n".encode()
    assert code(post(server, body)) == (422, "request.invalid")


def test_huge_headers_and_addresses(server: Running) -> None:
    for start in (f"GET /healthz?{'x' * 200_000} HTTP/1.1\r\n", f"GET /healthz HTTP/1.1\r\nX: {'y' * 200_000}\r\n"):
        with Raw(server) as client:
            try:
                client.send(start + "Host: localhost\r\n\r\n")
            except (ConnectionResetError, BrokenPipeError):
                continue
            answer = client.answer()
        assert not answer or b" 400 " in answer.splitlines()[0]


# ------------------------------------------------------------------------------------ too slow


def test_a_client_that_says_nothing_more(server: Running) -> None:
    with Raw(server) as client:
        client.head(length=1000)
        client.send(form((FILE, PDF), end=False))
        answer = client.answer()
    assert b" 408 " in answer.splitlines()[0]
    assert b"request.too_slow" in answer


def test_a_drop_at_a_time(server: Running) -> None:
    """Never idle for long, and never done."""
    with Raw(server) as client:
        client.head(length=100_000)
        client.send(form((FILE, PDF), end=False))
        begun = time.monotonic()
        client.line.settimeout(0.05)
        answer = b""
        while time.monotonic() - begun < 10 and not answer:
            try:
                client.send(b"x")
                answer = client.line.recv(65536)
            except TimeoutError:
                continue
    assert b" 408 " in answer.splitlines()[0]


def test_a_hundred_slow_clients_do_not_stop_the_others() -> None:
    with running(FakeService, ApiConfig(uploads=200, owner_uploads=150, idle_seconds=5)) as server:
        slow = [Raw(server) for _ in range(100)]
        try:
            for client in slow:
                client.head(length=1000)
                client.send(form((FILE, PDF), end=False))
            assert server.parse().status_code == 200
            assert server.client.get("/healthz").status_code == 200
        finally:
            for client in slow:
                client.line.close()


def test_uploads_of_one_key_are_counted() -> None:
    with running(FakeService, ApiConfig(owner_uploads=1, idle_seconds=5)) as server, Raw(server) as client:
        client.head(length=1000)
        client.send(form((FILE, PDF), end=False))
        until = time.monotonic() + 5
        while not server.app.state.desk._uploads:
            assert time.monotonic() < until
            time.sleep(0.01)
        answer = server.parse()
        assert code(answer) == (429, "limit.concurrent")
        assert int(answer.headers["retry-after"]) >= 1
        client.line.close()
        while server.app.state.desk._uploads:
            assert time.monotonic() < until
            time.sleep(0.01)
        assert server.parse().status_code == 200
        assert server.service.being_received == 0


# ------------------------------------------------------------------------------------ broken lines and lies


def test_a_client_that_goes_in_the_middle(server: Running) -> None:
    with Raw(server) as client:
        client.head(length=100_000)
        client.send(form((FILE, PDF + b"x" * 20_000), end=False))
        until = time.monotonic() + 5
        while not server.service.being_received:
            assert time.monotonic() < until
            time.sleep(0.01)
    # nothing_is_left looks after it


def test_a_client_that_goes_after_the_file_and_before_the_end(server: Running) -> None:
    with Raw(server) as client:
        body = form((FILE, PDF), ('form-data; name="dpi"', b"20"), end=False)
        client.head(length=len(body) + 100)
        client.send(body)
        until = time.monotonic() + 5
        while not server.service.uploads:
            assert time.monotonic() < until
            time.sleep(0.01)


def test_less_than_was_said_and_more(server: Running) -> None:
    body = form((FILE, PDF))
    with Raw(server) as client:
        client.head(length=len(body) + 50)  # and no more comes
        client.send(body)
        client.line.shutdown(socket.SHUT_WR)
        assert b" 200 " not in client.answer()
    with Raw(server) as client:
        client.head(length=len(body) - 10)
        client.send(body)
        answer = client.answer()
    assert b" 422 " in answer.splitlines()[0]


@pytest.mark.parametrize("length", ["-1", "1e3", "0x10", "1, 2", "99999999999999999999999999", "+5", ""])
def test_lengths_that_are_none(server: Running, length: str) -> None:
    with Raw(server) as client:
        client.head(length=length)
        client.line.shutdown(socket.SHUT_WR)
        answer = client.answer()
    assert answer.splitlines()[0].split()[1] in (b"400", b"413")


def test_two_lengths_are_one_too_many(server: Running) -> None:
    for more in ("Content-Length: 7\r\n", "Transfer-Encoding: chunked\r\n"):
        with Raw(server) as client:
            client.head(length=5, more=more + "Connection: close\r\n")
            with contextlib.suppress(OSError):  # it may have been refused, and the line be closed, before all is said
                client.send(b"0\r\n\r\nGET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
                client.line.shutdown(socket.SHUT_WR)
            answer = client.answer()
        assert b" 200 " not in answer
        assert b"docparse_jobs" not in answer


# ------------------------------------------------------------------------------------ forms that are none


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("", b"", 415),
        ("text/plain", PDF, 415),
        ("application/pdf", PDF, 415),
        ("application/x-www-form-urlencoded", b"file=x", 415),
        ("multipart/mixed; boundary=xyz", form((FILE, PDF)), 415),
        ("multipart/form-data", form((FILE, PDF)), 415),
        ("multipart/form-data; boundary=", form((FILE, PDF)), 415),
        ("multipart/form-data; boundary=" + "x" * 5000, form((FILE, PDF)), 422),
        ("multipart/form-data; boundary=other", form((FILE, PDF)), 422),
        ("multipart/form-data; boundary=xyz", b"", 422),
        ("multipart/form-data; boundary=xyz", b"\0" * 1000, 422),
        ("multipart/form-data; boundary=xyz", form(), 422),
        ("multipart/form-data; boundary=xyz", form((FILE, PDF), end=False), 422),
        ("multipart/form-data; boundary=xyz", form((FILE, PDF), (FILE, PDF)), 422),
        ("multipart/form-data; boundary=xyz", form(("attachment; name=file", PDF)), 422),
        ("multipart/form-data; boundary=xyz", form(("form-data", PDF)), 422),
        ("multipart/form-data; boundary=xyz", form((FILE, PDF), ('form-data; name="dpi"', b"\xff\xfe")), 422),
        ("multipart/form-data; boundary=xyz", form((FILE, PDF), ('form-data; name="pages"', b"1\x002")), 422),
        ("multipart/form-data; boundary=xyz", form((FILE + "\r\nContent-Transfer-Encoding: base64", b"JVBERi0=")), 422),
        ("application/json", b"", 422),
        ("application/json", b"{}", 422),
        ("application/json", b"null", 422),
        ("application/json", b'{"file": "JVBERi0="}', 422),
        ("application/json", b'{"file": {"content": "JVBERi0"}}', 422),
        ("application/json", b'{"file": {"content": "JVBE Ri0="}}', 422),
        ("application/json", b'{"file": {"content": "JVBERi0="}, "path": "/etc/passwd"}', 422),
        ("application/json", b'{"file": {"content": "JVBERi0=", "url": "http://localhost"}}', 422),
        (
            "application/json",
            '{"file": {"content": "JVBERi0=", "name": "\ud800"}}'.encode("utf-8", "surrogatepass"),
            422,
        ),
    ],
)
def test_bodies_that_are_none(server: Running, kind: str, body: bytes, status: int) -> None:
    answer = post(server, body, kind=kind)
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]["code"] in ("request.invalid", "request.media_type")


@pytest.mark.parametrize(
    "content",
    [b"MZ\x90\0 a program", b"<html>", b"#!/bin/sh\n", b"\x7fELF", b"GIF89a", b"x" * 5000, b"\0" * 5000],
)
def test_what_is_no_document_is_refused_whatever_its_name(server: Running, content: bytes) -> None:
    assert code(server.parse(content, name="invoice.pdf")) == (415, "source.unsupported")
    # And before the rest of it comes.
    if len(content) > 1024:
        with Raw(server) as client:
            client.head(length=900_000)
            client.send(form((FILE, content), end=False))
            assert b" 415 " in client.answer().splitlines()[0]


# ------------------------------------------------------------------------------------ names


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("a.pdf", "a.pdf"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("/etc/passwd", "passwd"),
        ("C:\\temp\\x.pdf", "x.pdf"),
        ("", "document"),
        (".", "document"),
        ("..", "document"),
        ("a/", "document"),
        ("a\0b.pdf", "ab.pdf"),
        ("a\r\nSet-Cookie: x=1.pdf", "aSet-Cookie: x=1.pdf"),
        ("\u202efdp.exe", "fdp.exe"),
        ("r\u00e9sum\u00e9 \u4f60\u597d.pdf", "r\u00e9sum\u00e9 \u4f60\u597d.pdf"),
        ("e\u0301.pdf", "\u00e9.pdf"),
        (".htaccess", "htaccess"),
        ("x" * 500 + ".pdf", "x" * 196 + ".pdf"),
        ("y" * 500, "y" * 200),
        ("z." + "q" * 500, "z." + "q" * 198),
    ],
)
def test_names_are_shown_and_never_paths(server: Running, said: str, shown: str) -> None:
    assert file_name(said) == shown
    content = {"file": {"name": said, "content": "JVBERi0xLjcK"}}
    answer = server.client.post("/v1/jobs", json=content)
    assert answer.status_code == 202
    assert answer.json()["file"]["name"] == shown


def test_a_name_in_a_header_stays_in_its_place(server: Running) -> None:
    for name in ('a"; x="y.pdf', "a\r\nSet-Cookie: x=1.pdf", "\u00e4\u20ac\U0001f600'%.pdf"):
        answer = server.client.post("/v1/parse", json={"file": {"name": name, "content": "JVBERi0xLjcK"}})
        assert answer.status_code == 200
        assert "set-cookie" not in answer.headers
        said = answer.headers["content-disposition"]
        assert said.isascii()
        assert said.count('"') == 2
        assert said.count(";") == 2
