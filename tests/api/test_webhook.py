"""Who is told that a job is over, and who is not: real sockets, and names that mean other machines."""

from __future__ import annotations

import hashlib
import hmac
import json
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from docparse.api.job import Failure, Job, JobSpec, Upload
from docparse.api.webhook import Webhooks, _is_public
from docparse.errors import SettingsError

SECRET = "a secret of the operator's"


@pytest.fixture
def listen() -> Iterator[Callable[..., tuple[int, queue.SimpleQueue[Any]]]]:
    """A server that answers with these statuses, one after another, and the last one from then on."""
    servers = []

    def start(*statuses: int, location: str = "") -> tuple[int, queue.SimpleQueue[Any]]:
        got: queue.SimpleQueue[Any] = queue.SimpleQueue()
        left = list(statuses)

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                got.put((self.path, dict(self.headers), body))
                self.send_response(left.pop(0) if len(left) > 1 else left[0])
                if location:
                    self.send_header("Location", location)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        servers.append(server)
        return server.server_address[1], got

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def hooks() -> Iterator[Callable[..., Webhooks]]:
    made: list[Webhooks] = []

    def make(*hosts: str, **how: Any) -> Webhooks:
        made.append(Webhooks(hosts, secret=SECRET, **{"insecure": True, "first_pause": 0.05, **how}))
        return made[-1]

    yield make
    for one in made:
        one.close()


def job(url: str, **how: Any) -> Job:
    upload = Upload("0" * 32, "secret name.pdf", 1, "", "application/pdf")
    return Job("1" * 32, "ann", JobSpec(webhook=url), upload, state="done", num_pages=2, pages_read=2, **how)


def test_a_signed_message_without_a_word_of_the_document(listen: Any, hooks: Any) -> None:
    port, got = listen(204)
    failure = Failure("source.corrupt", "it is broken.", {"file": "secret name.pdf"})
    before = time.time()
    hooks("127.0.0.1").send(job(f"http://127.0.0.1:{port}/told?a=b", failure=failure))
    path, headers, body = got.get(timeout=10)
    assert path == "/told?a=b"
    assert json.loads(body) == {
        "id": "1" * 32,
        "state": "done",
        "num_pages": 2,
        "pages_read": 2,
        "failure": {"code": "source.corrupt", "message": "it is broken."},
    }
    timestamp = headers["X-Docparse-Timestamp"]
    assert before - 1 <= int(timestamp) <= time.time()
    expected = hmac.new(SECRET.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    assert headers["X-Docparse-Signature"] == f"sha256={expected}"
    assert headers["Host"] == f"127.0.0.1:{port}"


def test_tried_again_until_it_is_heard(listen: Any, hooks: Any) -> None:
    port, got = listen(503, 429, 200)
    sender = hooks("127.0.0.1")
    sender.send(job(f"http://127.0.0.1:{port}/"))
    for _ in range(3):
        got.get(timeout=10)
    time.sleep(0.3)
    assert got.empty()


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 404, 410])
def test_no_redirect_is_followed_and_a_refusal_is_one(status: int, listen: Any, hooks: Any) -> None:
    inner_port, inner = listen(200)
    port, got = listen(status, location=f"http://127.0.0.1:{inner_port}/")
    hooks("127.0.0.1").send(job(f"http://127.0.0.1:{port}/"))
    got.get(timeout=10)
    time.sleep(0.3)
    assert got.empty()
    assert inner.empty()


def test_one_that_is_deaf_is_given_up_and_the_next_is_told(listen: Any, hooks: Any) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port, got = listen(200)
        sender = hooks("127.0.0.1", first_pause=0.01)
        sender.send(job(f"http://127.0.0.1:{closed.getsockname()[1]}/"))
        sender.send(job(f"http://127.0.0.1:{port}/"))
        got.get(timeout=10)


@pytest.mark.parametrize(
    "url",
    [
        "https://other.example/",
        "https://hooks.example.evil/",
        "https://hooks.example:8443/",
        "https://hooks.example@evil.example/",
        "https://user:word@hooks.example/",
        "ftp://hooks.example/",
        "file:///etc/passwd",
        "hooks.example",
        "https:///x",
        "https://hooks.example:99999/",
        "https://hooks.example/a b",
        "https://hooks.example/\r\nX: y",
        "https://hooks.example/" + "x" * 3000,
        "https://[::1]/",
        "http://hooks.example/",
        "",
    ],
)
def test_who_may_not_be_told(url: str, hooks: Any) -> None:
    with pytest.raises(SettingsError):
        hooks("hooks.example:443", insecure=False).check(url)


def test_who_may_be_told(hooks: Any) -> None:
    sender = hooks("Hooks.Example", "other.example:8443", insecure=False)
    for url in ("https://hooks.example/a?b", "https://HOOKS.example:8443/", "https://other.example:8443/"):
        sender.check(url)
    with pytest.raises(SettingsError):
        sender.check("https://other.example/")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "192.168.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "::1",
        "fe80::1%1",
        "fc00::1",
        "::",
        "ff02::1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::",
    ],
)
def test_addresses_of_ones_own_network(address: str) -> None:
    assert not _is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_addresses_of_the_world(address: str) -> None:
    assert _is_public(address)


def test_a_private_address_that_the_operator_names(hooks: Any) -> None:
    sender = hooks("10.1.2.3", "inside.example", insecure=False)
    sender.check("https://10.1.2.3/")
    assert sender._address("10.1.2.3", 443)[1][:2] == ("10.1.2.3", 443)
    with pytest.raises(SettingsError):
        sender.check("https://10.1.2.4/")


def test_a_name_that_means_this_machine_is_not_asked(listen: Any, hooks: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that is allowed and that somebody points inside: looked at when it is asked, not only when it was sent."""
    port, got = listen(200)
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *a, **k: real("127.0.0.1", *a, **k))
    sender = hooks("hooks.example", insecure=False)
    sender.check(f"https://hooks.example:{port}/")
    with pytest.raises(SettingsError, match="private network"):
        sender._address("hooks.example", port)
    sender.send(job(f"https://hooks.example:{port}/"))
    time.sleep(0.5)
    assert got.empty()
