"""A real server on a real socket, in a thread of the test's process, over a service in memory."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from docparse.api.app import create_app
from docparse.api.config import ApiConfig
from docparse.api.ports import Service
from docparse.api.server import make_server

PDF = b"%PDF-1.7\n"


class Running:
    """``url``, a ``client`` for it, the ``service`` behind it and its ``app``."""

    def __init__(self, service: Any, app: Any, port: int, loop: asyncio.AbstractEventLoop) -> None:
        self.service = service
        self.app = app
        self.port = port
        self.loop = loop
        self.url = f"http://127.0.0.1:{port}"
        self.client = httpx.Client(base_url=self.url, timeout=20)

    def call(self, work: Any) -> Any:
        """Run a coroutine, or a function, where the service runs."""

        async def run() -> Any:
            found = work()
            return await found if asyncio.iscoroutine(found) else found

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(10)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def parse(self, content: bytes = PDF, /, *, name: str = "a.pdf", **more: Any) -> httpx.Response:
        return self.client.post("/v1/parse", files={"file": (name, content)}, **more)

    def job(self, content: bytes = PDF, /, *, name: str = "a.pdf", **more: Any) -> httpx.Response:
        return self.client.post("/v1/jobs", files={"file": (name, content)}, **more)


@contextmanager
def running(make_service: Any, config: ApiConfig | None = None) -> Iterator[Running]:
    """``make_service`` is called where the loop runs."""
    door = socket.create_server(("127.0.0.1", 0))
    ready, found = threading.Event(), {}

    def run() -> None:
        async def serve() -> None:
            service: Service = make_service()
            app = create_app(service, config or ApiConfig())
            server = make_server(app, drain_seconds=5)
            server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign]  # not in a thread
            found.update(service=service, app=app, server=server, loop=asyncio.get_running_loop())
            task = asyncio.ensure_future(server.serve(sockets=[door]))
            while not server.started and not task.done():
                await asyncio.sleep(0.005)
            ready.set()
            await task

        try:
            with asyncio.Runner() as runner:
                runner.run(serve())
        finally:
            ready.set()

    thread = threading.Thread(target=run, name="server")
    thread.start()
    assert ready.wait(20)
    assert found["server"].started
    it = Running(found["service"], found["app"], door.getsockname()[1], found["loop"])
    try:
        yield it
    finally:
        it.client.close()
        found["app"].state.desk.ending.set()
        found["server"].should_exit = True
        thread.join(20)
        door.close()
        assert not thread.is_alive()
